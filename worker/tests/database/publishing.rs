//! Publishing while others read: old rows or new rows, complete, and never for long in the way.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use freshet_tests::postgres::{Durability, PostgresCluster, connect};
use worker::fault::{Exit, Fault};
use worker::publish::{Error, Miss, Termination};

use crate::support::{Place, Run, dataset, load, rows, table};

fn one_table() -> manifest::Dataset {
    dataset(&[table("t", &["id integer not null", "file text"])])
}

#[tokio::test]
async fn a_first_load_makes_the_table_with_its_keys_and_indexes() {
    let place = Place::new();
    let mut json = table("t", &["id bigint identity", "bbl char(10)", "price numeric(9,2)", "seen timestamp"]);
    json["primary_key"] = serde_json::json!(["id"]);
    json["indexes"] = serde_json::json!([{"columns": ["bbl", "seen"]}, {"columns": ["bbl"], "method": "hash"}]);
    let published = load(&place, &dataset(&[json]), &[("t", rows("1000010001,1.50,2026-03-01;,,"))]).await.unwrap();
    assert_eq!((published.tries, published.views), (1, 0));
    assert_eq!(
        place.value("SELECT string_agg(t::text, ' ' ORDER BY id) FROM public.t"),
        "(1,1000010001,1.50,\"2026-03-01 00:00:00\") (2,,,)"
    );
    assert_eq!(
        place.value("SELECT string_agg(pg_get_indexdef(indexrelid), '; ' ORDER BY indexrelid::regclass::text) FROM pg_index WHERE indrelid = 'public.t'::regclass"),
        "CREATE INDEX t_bbl_idx ON public.t USING hash (bbl); \
         CREATE INDEX t_bbl_seen_idx ON public.t USING btree (bbl, seen); \
         CREATE UNIQUE INDEX t_pkey ON public.t USING btree (id)"
    );
    assert_eq!(place.value("SELECT conname || pg_get_constraintdef(oid) FROM pg_constraint WHERE conrelid = 'public.t'::regclass AND contype = 'p'"), "t_pkeyPRIMARY KEY (id)");
    assert_eq!(place.value("SELECT reltuples FROM pg_class WHERE oid = 'public.t'::regclass"), "2", "statistics");
    assert_eq!(place.value("SELECT count(*) FROM pg_namespace WHERE nspname LIKE 'freshet_staging%'"), "0");
}

/// What one reader saw.
#[derive(Default)]
struct Seen {
    reads: u64,
    worst: Duration,
    /// Its worst read of a table that nobody publishes: what the machine alone makes it wait.
    worst_elsewhere: Duration,
}

async fn read_until(url: String, query: &'static str, done: Arc<AtomicBool>) -> Seen {
    let client = connect(&url).await.unwrap();
    let mut seen = Seen::default();
    // Busy, but not so that four of them are all that the machine does.
    let mut pace = tokio::time::interval(Duration::from_millis(1));
    pace.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    while !done.load(Ordering::Relaxed) {
        pace.tick().await;
        let asked = Instant::now();
        client.query_one("SELECT count(*), min(file), max(file) FROM public.elsewhere", &[]).await.unwrap();
        seen.worst_elsewhere = seen.worst_elsewhere.max(asked.elapsed());
        let asked = Instant::now();
        let row = client.query_one(query, &[]).await.unwrap();
        seen.worst = seen.worst.max(asked.elapsed());
        seen.reads += 1;
        let (count, least, most): (i64, &str, &str) = (row.get(0), row.get(1), row.get(2));
        assert_eq!(least, most, "a mixture of two files");
        assert_eq!(count, if least == "a" { 1_000 } else { 1_500 }, "a part of a file");
    }
    seen
}

#[tokio::test(flavor = "multi_thread")]
async fn readers_see_old_or_new_rows_never_neither_and_do_not_wait() {
    // The server itself tells of everybody who waits for a lock longer than this.
    let waits = [("log_lock_waits", "on"), ("deadlock_timeout", "100ms")];
    let cluster = PostgresCluster::start_with(Durability::Off, &waits).unwrap();
    let place = Place::on(Box::leak(Box::new(cluster)));
    place.sql("CREATE TABLE public.t (id integer NOT NULL, file text)");
    place.sql(&format!("ALTER TABLE public.t OWNER TO {}", place.loader));
    place.sql("INSERT INTO public.t SELECT n, 'a' FROM generate_series(1, 1000) n");
    place.sql("CREATE TABLE public.elsewhere AS SELECT * FROM public.t");
    place.sql("CREATE VIEW public.v AS SELECT * FROM public.t; CREATE VIEW public.v2 AS SELECT file FROM public.v");
    place.sql(&format!("ALTER VIEW public.v OWNER TO {0}; ALTER VIEW public.v2 OWNER TO {0}", place.loader));
    let (dataset, done) = (one_table(), Arc::new(AtomicBool::new(false)));
    let queries = [
        "SELECT count(*), min(file), max(file) FROM public.t",
        "SELECT count(*), min(file), max(file) FROM public.t WHERE id > 0",
        "SELECT count(*), min(file), max(file) FROM public.v",
        "SELECT count(*), min(file), max(file) FROM public.v2",
    ];
    let url = place.cluster.superuser_url_of(&place.database);
    let readers: Vec<_> =
        queries.iter().map(|query| tokio::spawn(read_until(url.clone(), query, Arc::clone(&done)))).collect();
    let file = |name: &str, count: u32| (1..=count).map(|n| vec![Some(n.to_string()), Some(name.to_owned())]).collect();
    let (mut held, mut tries) = (Vec::new(), 0);
    for publish in 0..50 {
        let content = if publish % 2 == 0 { file("b", 1_500) } else { file("a", 1_000) };
        let published = load(&place, &dataset, &[("t", content)]).await.unwrap();
        held.push(published.locked);
        tries += published.tries;
        assert_eq!(published.views, 1);
    }
    done.store(true, Ordering::Relaxed);
    let mut all = Seen::default();
    for reader in readers {
        let seen = reader.await.unwrap();
        all.reads += seen.reads;
        all.worst = all.worst.max(seen.worst);
        all.worst_elsewhere = all.worst_elsewhere.max(seen.worst_elsewhere);
    }
    held.sort();
    eprintln!(
        "50 publishes, {tries} tries, locks held {:?} in the middle and {:?} at most; {} reads, slowest {:?}, elsewhere {:?}",
        held[25], held[49], all.reads, all.worst, all.worst_elsewhere
    );
    assert!(all.reads > 1_000, "{} reads are no crowd", all.reads);
    let log = place.cluster.log();
    // On a machine that others keep busy nobody gets the processor in time, whatever they wait for.
    let bar = Duration::from_millis(100) + all.worst_elsewhere;
    let waits: Vec<Duration> = log.lines().filter_map(waited_for_lock).collect();
    assert!(waits.iter().all(|wait| *wait < bar), "readers waited for {waits:?}, elsewhere {:?}", all.worst_elsewhere);
}

/// `process 1 acquired AccessShareLock on relation 2 of database 3 after 100.1 ms`.
fn waited_for_lock(line: &str) -> Option<Duration> {
    let (_, after) = line.split_once("acquired AccessShareLock")?.1.split_once(" after ")?;
    after.split(' ').next()?.parse().ok().map(|ms: f64| Duration::from_secs_f64(ms / 1_000.0))
}

#[tokio::test]
async fn a_snapshot_older_than_the_load_sees_all_new_rows() {
    let place = Place::new();
    let dataset = one_table();
    load(&place, &dataset, &[("t", rows("1,a;2,a"))]).await.unwrap();
    let old = connect(&place.cluster.superuser_url_of(&place.database)).await.unwrap();
    old.batch_execute("BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT count(*) FROM pg_class").await.unwrap();
    load(&place, &dataset, &[("t", rows("1,b;2,b;3,b"))]).await.unwrap();
    let row = old.query_one("SELECT count(*), min(file) FROM public.t", &[]).await.unwrap();
    assert_eq!((row.get::<_, i64>(0), row.get::<_, &str>(1)), (3, "b"));
}

#[tokio::test]
async fn tables_of_a_dataset_change_together() {
    let place = Place::new();
    let columns = ["id integer not null", "file text"];
    let dataset = dataset(&[table("t", &columns), table("u", &columns)]);
    load(&place, &dataset, &[("t", rows("1,a")), ("u", rows("1,a"))]).await.unwrap();
    let client = connect(&place.cluster.superuser_url_of(&place.database)).await.unwrap();
    // A reader that holds both and is done with neither.
    client.batch_execute("BEGIN; SELECT * FROM public.u").await.unwrap();
    let run = Run::begin(&place, &dataset).await;
    let staging = run.stage(&[("t", rows("1,b")), ("u", rows("1,b"))]).await.unwrap();
    let error = run.publish(&staging, Duration::from_millis(300)).await.unwrap_err();
    assert_eq!(error.code(), "publish_blocked");
    assert_eq!(place.value("SELECT t.file || u.file FROM public.t, public.u"), "aa");
    client.batch_execute("COMMIT").await.unwrap();
    run.publish(&staging, Duration::from_secs(20)).await.unwrap();
    assert_eq!(place.value("SELECT t.file || u.file FROM public.t, public.u"), "bb");
}

#[tokio::test]
async fn a_blocker_is_named_nobody_else_waits_long_and_staging_stays_past_the_deadline() {
    let place = Place::new();
    let dataset = one_table();
    load(&place, &dataset, &[("t", rows("1,a"))]).await.unwrap();
    place.sql(&format!("GRANT pg_read_all_stats TO {}", place.loader));
    let url = place.cluster.superuser_url_of(&place.database);
    let (blocker, other) = (connect(&url).await.unwrap(), connect(&url).await.unwrap());
    blocker.batch_execute("SET application_name = 'report'; BEGIN; SELECT * FROM public.t").await.unwrap();
    let run = Run::begin(&place, &dataset).await;
    let staging = run.stage(&[("t", rows("1,b"))]).await.unwrap();
    let mut misses = Vec::new();
    let mut worst = Duration::ZERO;
    let done = AtomicBool::new(false);
    let publishing = async {
        let ended = run.publish_telling(&staging, Duration::from_secs(5), |miss| misses.push(miss.clone())).await;
        done.store(true, Ordering::Relaxed);
        ended
    };
    let reading = async {
        while !done.load(Ordering::Relaxed) {
            let asked = Instant::now();
            other.query_one("SELECT count(*) FROM public.t", &[]).await.unwrap();
            worst = worst.max(asked.elapsed());
        }
    };
    let (ended, ()) = tokio::join!(publishing, reading);
    let error = ended.unwrap_err();
    assert_eq!((error.code(), error.exit()), ("publish_blocked", Exit::Unavailable));
    assert!(error.to_string().contains("role postgres (report), idle in transaction"), "{error}");
    assert!(misses.len() > 2 && misses[0].attempt == 1, "{misses:?}");
    assert!(misses.iter().any(|miss| miss.blockers.len() == 1), "{misses:?}");
    eprintln!("{} tries behind a reader that stays; another reader waited {worst:?} at most", misses.len());
    assert_eq!(place.value("SELECT file FROM freshet_staging_d.t"), "b");
    assert_eq!(place.value("SELECT file FROM public.t"), "a");

    blocker.batch_execute("COMMIT").await.unwrap();
    let published = run.publish(&staging, Duration::from_secs(20)).await.unwrap();
    assert_eq!(place.value("SELECT file FROM public.t"), "b");
    assert_eq!(published.tries, 1);
}

#[tokio::test]
async fn the_previous_generation_is_kept_out_of_everybodys_reach_until_the_next_load() {
    let place = Place::new();
    let dataset = one_table();
    place.sql(&format!("ALTER DEFAULT PRIVILEGES FOR ROLE {} GRANT USAGE ON SCHEMAS TO PUBLIC", place.loader));
    for file in ["1,a", "1,b", "1,c"] {
        load(&place, &dataset, &[("t", rows(file))]).await.unwrap();
    }
    assert_eq!(place.value("SELECT file FROM freshet_previous_d.t"), "b");
    place.sql(&format!("CREATE ROLE curious_{}", place.database));
    let reach = format!("SELECT has_schema_privilege('curious_{}', 'freshet_previous_d', 'USAGE')", place.database);
    assert_eq!(place.value(&reach), "f");
    // Somebody who may hangs something on it: that is not torn down.
    place.sql("CREATE VIEW public.old AS SELECT * FROM freshet_previous_d.t");
    let error = load(&place, &dataset, &[("t", rows("1,d"))]).await.unwrap_err();
    assert_eq!((error.code(), error.exit()), ("generation_in_use", Exit::Configuration));
    assert!(error.to_string().contains("view public.old") || error.to_string().contains("view old"), "{error}");
    assert_eq!(place.value("SELECT file FROM public.t"), "c");
}

#[tokio::test]
async fn a_run_that_was_taken_over_does_not_publish() {
    let place = Place::new();
    let dataset = one_table();
    let run = Run::begin(&place, &dataset).await;
    let staging = run.stage(&[("t", rows("1,a"))]).await.unwrap();
    place.sql("UPDATE freshet.runs SET state = 'abandoned'");
    let error = run.publish(&staging, Duration::from_secs(20)).await.unwrap_err();
    assert!(matches!(error, Error::Ledger(_)), "{error}");
    assert_eq!(error.code(), "fenced");
    assert_eq!(place.value("SELECT to_regclass('public.t')"), "NULL");
}

#[tokio::test]
async fn somebodys_exclusive_lock_keeps_a_publish_no_longer_than_its_deadline() {
    let place = Place::new();
    let dataset = one_table();
    load(&place, &dataset, &[("t", rows("1,a"))]).await.unwrap();
    place.sql(&format!("SET ROLE {}; CREATE VIEW public.v AS SELECT * FROM public.t", place.loader));
    place.sql(&format!("GRANT pg_read_all_stats TO {}", place.loader));
    let run = Run::begin(&place, &dataset).await;
    let staging = run.stage(&[("t", rows("1,b"))]).await.unwrap();
    let holder = connect(&place.cluster.superuser_url_of(&place.database)).await.unwrap();
    holder
        .batch_execute("SET application_name = 'migration'; BEGIN; LOCK TABLE public.t IN ACCESS EXCLUSIVE MODE")
        .await
        .unwrap();
    let asked = Instant::now();
    let error = run.publish(&staging, Duration::from_secs(3)).await.unwrap_err();
    assert_eq!(error.code(), "publish_blocked", "{error}");
    assert!(error.to_string().contains("(migration)"), "{error}");
    assert!(asked.elapsed() < Duration::from_secs(30), "{:?}", asked.elapsed());
    holder.batch_execute("COMMIT").await.unwrap();
    run.publish(&staging, Duration::from_secs(20)).await.unwrap();
    assert_eq!(place.value("SELECT file FROM public.v"), "b");
}

#[tokio::test]
async fn a_session_in_the_way_is_ended_only_where_the_manifest_says_so_and_only_with_the_right_to() {
    let place = Place::new();
    let mut dataset = one_table();
    load(&place, &dataset, &[("t", rows("1,a"))]).await.unwrap();
    let reader = format!("reader_{}", place.database);
    place.cluster.create_role(&reader, "reader").unwrap();
    place.sql(&format!("GRANT SELECT ON public.t TO {reader}; GRANT pg_read_all_stats TO {}", place.loader));
    let blocker = connect(&place.cluster.url(&reader, "reader", &place.database)).await.unwrap();
    blocker.batch_execute("BEGIN; SELECT * FROM public.t").await.unwrap();

    let run = Run::begin(&place, &dataset).await;
    let staging = run.stage(&[("t", rows("1,b"))]).await.unwrap();
    let never = run.publish(&staging, Duration::from_secs(2)).await.unwrap_err();
    assert_eq!(never.code(), "publish_blocked");
    blocker.batch_execute("SELECT 1").await.expect("nobody touched it");
    drop(run);

    dataset.terminate_blockers = Some("1s".parse().unwrap());
    let run = Run::begin(&place, &dataset).await;
    let staging = run.stage(&[("t", rows("1,b"))]).await.unwrap();
    let mut terminations = Vec::new();
    let told = |miss: &Miss| terminations.extend(miss.terminations.clone());
    let denied = run.publish_telling(&staging, Duration::from_secs(5), told).await.unwrap_err();
    assert_eq!(denied.code(), "publish_blocked");
    let [Termination::Denied { grant, .. }] = &terminations[..] else { panic!("{terminations:?}") };
    assert_eq!(*grant, format!("GRANT pg_signal_backend TO \"{}\"", place.loader));
    blocker.batch_execute("SELECT 1").await.expect("it could not be ended");

    place.sql(&format!("GRANT pg_signal_backend TO {}", place.loader));
    let mut terminations = Vec::new();
    let told = |miss: &Miss| terminations.extend(miss.terminations.clone());
    let (asked, published) = (Instant::now(), run.publish_telling(&staging, Duration::from_secs(30), told).await);
    published.unwrap();
    assert!(asked.elapsed() >= Duration::from_secs(1), "not before its time");
    let [Termination::Ended(ended)] = &terminations[..] else { panic!("{terminations:?}") };
    assert_eq!(ended.user.as_deref(), Some(reader.as_str()));
    assert!(blocker.batch_execute("SELECT 1").await.is_err());
    assert_eq!(place.value("SELECT file FROM public.t"), "b");
}
