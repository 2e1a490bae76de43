//! Upserts beside others: readers, writers, sessions that are killed, runs that take over.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use freshet_tests::postgres::connect;
use serde_json::json;
use worker::fault::Fault;

use crate::support::{Place, Rows, Run, dataset, load, rows, table};
use crate::upserting::{LIVE, by_id, counts, keyed};

#[tokio::test]
async fn tables_that_are_replaced_and_tables_that_stay_change_at_once() {
    let place = Place::new();
    let both = dataset(&[by_id(), table("u", &["file text"])]);
    load(&place, &both, &[("t", rows("1,a,")), ("u", rows("a"))]).await.unwrap();
    place.sql("CREATE VIEW public.v AS SELECT note || file AS files FROM public.t, public.u");
    place.sql(&format!("ALTER VIEW public.v OWNER TO {}", place.loader));
    let url = place.cluster.superuser_url_of(&place.database);
    let done = Arc::new(AtomicBool::new(false));
    let reading = {
        let done = Arc::clone(&done);
        tokio::spawn(async move {
            let client = connect(&url).await.unwrap();
            let mut seen = std::collections::BTreeSet::new();
            while !done.load(Ordering::Relaxed) {
                let files: String = client.query_one("SELECT files FROM public.v", &[]).await.unwrap().get(0);
                seen.insert(files);
            }
            seen
        })
    };
    for file in ["b", "c", "d", "e"] {
        let published = load(&place, &both, &[("t", rows(&format!("1,{file},"))), ("u", rows(file))]).await.unwrap();
        assert_eq!((counts(&published), published.views), ([0, 1, 0, 0], 1));
    }
    done.store(true, Ordering::Relaxed);
    let seen = reading.await.unwrap();
    assert!(seen.iter().all(|files| files.as_bytes()[0] == files.as_bytes()[1]), "a mixture: {seen:?}");
    assert_eq!(place.value("SELECT files FROM public.v"), "ee");
}

#[tokio::test(flavor = "multi_thread")]
async fn readers_see_old_or_new_rows_and_are_not_waited_for() {
    let place = Place::new();
    let dataset = dataset(&[keyed(&json!({"key": ["id"], "deletes": "apply", "max_deletes": "100%"}))]);
    let file = |name: &str, from: u32, to: u32| -> Rows {
        (from..to).map(|n| vec![Some(n.to_string()), Some(name.to_owned()), None]).collect()
    };
    load(&place, &dataset, &[("t", file("a", 0, 2_000))]).await.unwrap();
    let url = place.cluster.superuser_url_of(&place.database);
    // A transaction that has read the table and is not done with it keeps a swap waiting; an upsert it does not.
    let old = connect(&url).await.unwrap();
    let count = "SELECT count(*), min(note), max(note) FROM public.t";
    old.batch_execute("BEGIN ISOLATION LEVEL REPEATABLE READ").await.unwrap();
    old.query_one(count, &[]).await.unwrap();
    let done = Arc::new(AtomicBool::new(false));
    let reader = {
        let (done, url) = (Arc::clone(&done), url.clone());
        tokio::spawn(async move {
            let client = connect(&url).await.unwrap();
            while !done.load(Ordering::Relaxed) {
                let row = client.query_one(count, &[]).await.unwrap();
                let (rows, least, most): (i64, &str, &str) = (row.get(0), row.get(1), row.get(2));
                assert_eq!(least, most, "a mixture of two files");
                assert_eq!(rows, if least == "a" { 2_000 } else { 2_500 }, "a part of a file");
            }
        })
    };
    for round in 0..6 {
        let content = if round % 2 == 0 { file("b", 1_000, 3_500) } else { file("a", 0, 2_000) };
        let published = load(&place, &dataset, &[("t", content)]).await.unwrap();
        assert_eq!(published.tries, 1);
    }
    done.store(true, Ordering::Relaxed);
    reader.await.unwrap();
    let rows: i64 = old.query_one(count, &[]).await.unwrap().get(0);
    assert_eq!(rows, 2_000, "the old snapshot sees its own rows");
}

#[tokio::test]
async fn another_writer_is_waited_for_and_named() {
    let place = Place::new();
    let dataset = dataset(&[by_id()]);
    load(&place, &dataset, &[("t", rows("1,a,"))]).await.unwrap();
    place.sql(&format!("GRANT pg_read_all_stats TO {}", place.loader));
    let url = place.cluster.superuser_url_of(&place.database);
    let writer = connect(&url).await.unwrap();
    writer.batch_execute("SET application_name = 'editor'; BEGIN; UPDATE public.t SET note = 'mine'").await.unwrap();
    let run = Run::begin(&place, &dataset).await;
    let staging = run.stage(&[("t", rows("1,b,;2,c,"))]).await.unwrap();
    let error = run.publish(&staging, Duration::from_millis(10)).await.unwrap_err();
    assert_eq!(error.code(), "publish_blocked");
    assert!(error.to_string().contains("role postgres (editor), idle in transaction"), "{error}");
    writer.batch_execute("COMMIT").await.unwrap();
    let published = run.publish(&staging, Duration::from_secs(20)).await.unwrap();
    assert_eq!(counts(&published), [1, 1, 0, 0], "what the other wrote is compared too");
    assert_eq!(place.value(LIVE), "1 b, 2 c");
}

#[tokio::test]
async fn a_session_that_is_killed_while_rows_are_written_leaves_the_old_ones_and_the_next_try_writes_all() {
    let place = Place::new();
    let dataset = dataset(&[by_id()]);
    load(&place, &dataset, &[("t", rows("1,a,;2,b,"))]).await.unwrap();
    place.sql(
        "CREATE FUNCTION public.hold() RETURNS trigger LANGUAGE plpgsql AS
             'BEGIN PERFORM pg_advisory_xact_lock_shared(4711); RETURN NEW; END';
         CREATE TRIGGER hold BEFORE INSERT ON public.t FOR EACH ROW EXECUTE FUNCTION public.hold()",
    );
    let holder = connect(&place.cluster.superuser_url_of(&place.database)).await.unwrap();
    holder.batch_execute("SELECT pg_advisory_lock(4711)").await.unwrap();
    let run = Run::begin(&place, &dataset).await;
    let staging = run.stage(&[("t", rows("1,A,;2,B,;3,c,"))]).await.unwrap();
    let waiting = "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND query LIKE 'INSERT INTO%' \
                   AND wait_event = 'advisory'";
    let killing = async {
        let pid: i32 = loop {
            if let Some(row) = holder.query_opt(waiting, &[]).await.unwrap() {
                break row.get(0);
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        };
        let seen = holder.query_one(LIVE, &[]).await.unwrap().get::<_, String>(0);
        holder.execute("SELECT pg_terminate_backend($1)", &[&pid]).await.unwrap();
        holder.batch_execute("SELECT pg_advisory_unlock(4711)").await.unwrap();
        seen
    };
    let (published, seen) = tokio::join!(run.publish(&staging, Duration::from_secs(20)), killing);
    assert_eq!(seen, "1 a, 2 b");
    let published = published.unwrap();
    assert_eq!((counts(&published), published.tries), ([1, 2, 0, 0], 2));
    assert_eq!(place.value(LIVE), "1 A, 2 B, 3 c");
}

#[tokio::test]
async fn a_run_that_was_taken_over_writes_nothing() {
    let place = Place::new();
    let dataset = dataset(&[by_id()]);
    load(&place, &dataset, &[("t", rows("1,a,"))]).await.unwrap();
    let run = Run::begin(&place, &dataset).await;
    let staging = run.stage(&[("t", rows("1,b,"))]).await.unwrap();
    place.sql("UPDATE freshet.runs SET state = 'abandoned' WHERE state = 'running'");
    let error = run.publish(&staging, Duration::from_secs(20)).await.unwrap_err();
    assert_eq!(error.code(), "fenced");
    assert_eq!(place.value(LIVE), "1 a");
}

#[tokio::test]
async fn a_table_that_was_dropped_during_the_load_is_told_and_made_by_the_next() {
    let place = Place::new();
    let dataset = dataset(&[by_id()]);
    load(&place, &dataset, &[("t", rows("1,a,"))]).await.unwrap();
    let run = Run::begin(&place, &dataset).await;
    let staging = run.stage(&[("t", rows("1,b,"))]).await.unwrap();
    place.sql("DROP TABLE public.t");
    let error = run.publish(&staging, Duration::from_secs(20)).await.unwrap_err();
    assert_eq!(error.code(), "table_changed");
    drop(run);
    place.sql("UPDATE freshet.runs SET state = 'failed' WHERE state = 'running'");
    load(&place, &dataset, &[("t", rows("1,c,"))]).await.unwrap();
    assert_eq!(place.value(LIVE), "1 c");
}
