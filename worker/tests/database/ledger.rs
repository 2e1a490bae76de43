//! The ledger: made once whoever comes, every cell of its table of states, and nothing in it for the wrong eyes.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use tokio::time::Instant;
use uuid::Uuid;
use worker::fault::{Exit, Fault};
use worker::ledger::{
    Claim, Ending, Error, Failure, Firing, Lease, Ledger, NewRun, Publication, PublishedTable, Reject, RejectLimit,
    RunId, SourceState, TableCounts, claim,
};
use worker::postgres::{Purpose, Session};

use crate::support::Place;

/// One worker of the dataset `d`.
struct Worker {
    run: RunId,
    ledger: Ledger,
    place: Arc<Place>,
}

impl Worker {
    async fn at(place: &Arc<Place>) -> Self {
        let run = RunId::new(Uuid::new_v4());
        let ledger = Ledger::open(&place.target(), &Session::new("d", run)).await.unwrap();
        Self { run, ledger, place: Arc::clone(place) }
    }

    async fn try_claim(&self, scheduled_time: Option<Timestamp>, patience: Duration) -> Result<Claim, Error> {
        let firing = Firing { dataset: "d".parse().unwrap(), scheduled_time };
        let new = NewRun {
            run: self.run,
            stack: "s".into(),
            environment: "e".into(),
            worker: "0".into(),
            manifest: "m".into(),
            number: 1,
        };
        let session = Session::new("d", self.run);
        claim(&self.place.target(), &session, &self.ledger, &firing, &new, Instant::now() + patience, |_| {}).await
    }

    async fn claim(&self, scheduled_time: Option<Timestamp>) -> Claim {
        self.try_claim(scheduled_time, Duration::from_secs(30)).await.unwrap()
    }

    async fn start(&self, scheduled_time: Option<Timestamp>) -> (Lease, u32, Option<RunId>) {
        match self.claim(scheduled_time).await {
            Claim::Ours { lease, attempt, abandoned } => (lease, attempt, abandoned),
            Claim::Duplicate { by } => panic!("a duplicate of {by}"),
        }
    }

    fn publication(&self, scheduled_time: Option<Timestamp>) -> Publication {
        Publication {
            run: self.run,
            dataset: "d".parse().unwrap(),
            scheduled_time,
            manifest: "m".into(),
            fingerprint: "f".into(),
            sources: vec![SourceState { file: "d.csv".into(), etag: Some("\"1\"".into()), ..SourceState::default() }],
            withdrawn: None,
        }
    }

    async fn publish(&self, scheduled_time: Option<Timestamp>) -> Result<(), Error> {
        let connection = self.place.connect().await;
        connection.batch("begin", "BEGIN").await.unwrap();
        let tables = [PublishedTable {
            name: "t".parse().unwrap(),
            oid: 4711,
            rows: 3,
            changes: None,
            watermark: None,
            appended: Vec::new(),
        }];
        let publication = self.publication(scheduled_time);
        publication.fence(&connection).await?;
        publication.write(&connection, &tables).await?;
        connection.batch("commit", "COMMIT").await.unwrap();
        Ok(())
    }

    fn state(&self) -> String {
        self.place.value(&format!("SELECT state FROM freshet.runs WHERE run = '{}'", self.run))
    }
}

const MONDAY: Option<Timestamp> = Some(Timestamp::UNIX_EPOCH);
const TUESDAY: Option<Timestamp> = Some(Timestamp::constant(86_400, 0));

fn place() -> Arc<Place> {
    Arc::new(Place::new())
}

fn failure() -> Failure {
    Failure { code: "source_status".into(), message: "404".into(), exit: 69 }
}

#[tokio::test(flavor = "multi_thread")]
async fn eight_workers_make_the_ledger_once() {
    let place = place();
    let workers = (0..8).map(|_| {
        let place = Arc::clone(&place);
        tokio::spawn(async move { Worker::at(&place).await.run })
    });
    for worker in workers.collect::<Vec<_>>() {
        worker.await.unwrap();
    }
    assert_eq!(place.value("SELECT count(*) FROM freshet.version"), "1");
    assert_eq!(
        place.value("SELECT pg_get_userbyid(nspowner) FROM pg_namespace WHERE nspname = 'freshet'"),
        place.loader
    );
}

#[tokio::test]
async fn a_role_that_may_not_create_schemas_is_told_the_grant_that_helps() {
    let place = place();
    place.sql(&format!("REVOKE CREATE ON DATABASE {} FROM {}", place.database, place.loader));
    let refused = Ledger::open(&place.target(), &Session::new("d", "r")).await.err().unwrap();
    assert_eq!((refused.code(), refused.exit()), ("database_permission", Exit::Permission));
    assert_eq!(
        refused.advice().unwrap(),
        format!(
            "have an owner or superuser run: GRANT CREATE ON DATABASE \"{}\" TO \"{}\"",
            place.database, place.loader
        )
    );
    // A schema that the DBA made for it is enough.
    place.sql(&format!("CREATE SCHEMA freshet AUTHORIZATION {}", place.loader));
    Worker::at(&place).await;
}

#[tokio::test]
async fn everybody_sees_how_fresh_datasets_are_and_nobody_what_was_rejected() {
    let place = place();
    // Default privileges that somebody set for the loader's tables do not reach into the ledger.
    place.sql(&format!(
        "CREATE ROLE nosy_{0}; ALTER DEFAULT PRIVILEGES FOR ROLE {1} GRANT ALL ON TABLES TO PUBLIC, nosy_{0}",
        place.database, place.loader
    ));
    let worker = Worker::at(&place).await;
    let (_lease, ..) = worker.start(MONDAY).await;
    worker.publish(MONDAY).await.unwrap();
    place.sql(&format!("SET ROLE nosy_{}; SELECT * FROM freshet.datasets", place.database));
    assert_eq!(place.value("SELECT dataset || rows || last_state FROM freshet.datasets"), "d3published");
    for table in ["rejects", "runs", "run_tables", "published", "published_tables", "sources", "version"] {
        let readable = format!("SELECT has_table_privilege('nosy_{}', 'freshet.{table}', 'SELECT')", place.database);
        assert_eq!(place.value(&readable), "f", "{table}");
    }
}

#[tokio::test]
async fn a_ledger_that_a_later_worker_changed_beyond_us_is_refused() {
    let place = place();
    drop(Worker::at(&place).await);
    place.sql("UPDATE freshet.version SET version = 99");
    drop(Worker::at(&place).await);
    place.sql("UPDATE freshet.version SET oldest = 98");
    let refused = Ledger::open(&place.target(), &Session::new("d", "r")).await.err().unwrap();
    assert_eq!((refused.code(), refused.exit()), ("ledger_version", Exit::Configuration));
}

#[tokio::test]
async fn a_published_or_unchanged_firing_is_a_duplicate_ever_after() {
    let place = place();
    let first = Worker::at(&place).await;
    let (lease, attempt, abandoned) = first.start(MONDAY).await;
    assert_eq!((attempt, abandoned), (1, None));
    first.publish(MONDAY).await.unwrap();
    drop(lease);
    let again = Worker::at(&place).await;
    assert!(matches!(again.claim(MONDAY).await, Claim::Duplicate { by } if by == first.run));

    let (lease, ..) = again.start(TUESDAY).await;
    assert!(again.ledger.finish(again.run, &Ending::Unchanged).await.unwrap());
    drop(lease);
    assert!(matches!(Worker::at(&place).await.claim(TUESDAY).await, Claim::Duplicate { by } if by == again.run));
    // A person who starts a run means it.
    Worker::at(&place).await.start(None).await;
}

#[tokio::test]
async fn a_firing_that_another_worker_is_at_is_a_duplicate_and_another_firing_waits_to_its_deadline() {
    let place = place();
    let first = Worker::at(&place).await;
    let (lease, ..) = first.start(MONDAY).await;
    assert!(matches!(Worker::at(&place).await.claim(MONDAY).await, Claim::Duplicate { by } if by == first.run));

    let late = Worker::at(&place).await;
    for firing in [TUESDAY, None] {
        let error = late.try_claim(firing, Duration::from_millis(200)).await.unwrap_err();
        assert_eq!((error.code(), error.exit()), ("leased", Exit::Leased));
        let short: String = first.run.to_string().chars().take(8).collect();
        assert!(error.to_string().contains(&format!("freshet d run={short}")), "{error}");
    }

    let waiting = tokio::spawn(async move { late.start(TUESDAY).await });
    let waits = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted";
    while place.value(waits) == "0" {
        tokio::task::yield_now().await;
    }
    assert!(first.ledger.finish(first.run, &Ending::Failed(failure())).await.unwrap());
    drop(lease);
    let (_lease, attempt, abandoned) = waiting.await.unwrap();
    assert_eq!((attempt, abandoned), (1, None));
}

#[tokio::test]
async fn a_firing_that_failed_was_refused_or_stopped_gets_its_next_attempt() {
    let place = place();
    let endings = [Ending::Failed(failure()), Ending::Refused(failure()), Ending::Stopped];
    for (expected, ending) in (1..).zip(endings) {
        let worker = Worker::at(&place).await;
        let (_lease, attempt, abandoned) = worker.start(MONDAY).await;
        assert_eq!((attempt, abandoned), (expected, None));
        assert!(worker.ledger.finish(worker.run, &ending).await.unwrap());
    }
    assert_eq!(
        place.value("SELECT string_agg(state || coalesce(':' || code, ''), ' ' ORDER BY attempt) FROM freshet.runs"),
        "failed:source_status refused:source_status stopped"
    );
}

#[tokio::test]
async fn a_run_that_died_is_abandoned_taken_over_and_fenced_off() {
    let place = place();
    let dead = Worker::at(&place).await;
    let (lease, ..) = dead.start(MONDAY).await;
    let counts = TableCounts { rows: 5, bytes: 50, bad_values: 1, rejected_rows: 0, duplicates: 2 };
    dead.ledger.table_loaded(dead.run, &"t".parse().unwrap(), &counts).await.unwrap();
    // Its machine is gone, and with it the session of the lease; it only does not know yet.
    drop(lease);
    let heir = Worker::at(&place).await;
    let (_lease, attempt, abandoned) = heir.start(MONDAY).await;
    assert_eq!((attempt, abandoned), (2, Some(dead.run)));
    assert_eq!(dead.state(), "abandoned");
    assert_eq!(heir.ledger.tables_of(dead.run).await.unwrap(), [("t".to_owned(), counts)].into());

    let fenced = dead.publish(MONDAY).await.unwrap_err();
    assert!(matches!(&fenced, Error::Fenced { state, .. } if state == "abandoned"), "{fenced}");
    assert!(!dead.ledger.finish(dead.run, &Ending::Failed(failure())).await.unwrap());
    assert_eq!(dead.state(), "abandoned");
    assert!(heir.ledger.published(&"d".parse().unwrap()).await.unwrap().is_none());
}

#[tokio::test]
async fn a_run_that_lost_its_lease_while_publishing_is_not_taken_over_but_a_duplicate() {
    let place = place();
    let first = Worker::at(&place).await;
    let (lease, ..) = first.start(MONDAY).await;
    let connection = place.target().connect(&Session::new("d", first.run), Purpose::Load).await.unwrap();
    connection.batch("begin", "BEGIN").await.unwrap();
    first.publication(MONDAY).fence(&connection).await.unwrap();
    first.publication(MONDAY).write(&connection, &[]).await.unwrap();
    drop(lease);

    let heir = Worker::at(&place).await;
    let claiming = tokio::spawn(async move { heir.claim(MONDAY).await });
    while place.value("SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'transactionid'") == "0" {
        tokio::task::yield_now().await;
    }
    connection.batch("commit", "COMMIT").await.unwrap();
    assert!(matches!(claiming.await.unwrap(), Claim::Duplicate { by } if by == first.run));
}

#[tokio::test]
async fn what_is_published_is_remembered_with_its_tables_and_sources() {
    let place = place();
    for generation in 1..=2 {
        let worker = Worker::at(&place).await;
        let (_lease, ..) = worker.start(None).await;
        worker.publish(None).await.unwrap();
        worker.ledger.measured(worker.run, 12.5).await.unwrap();
        let published = worker.ledger.published(&"d".parse().unwrap()).await.unwrap().unwrap();
        assert_eq!((published.run, published.generation), (worker.run, generation));
        assert_eq!(published.sources["d.csv"].etag.as_deref(), Some("\"1\""));
        assert_eq!((published.manifest.as_str(), published.fingerprint.as_str()), ("m", "f"));
        assert_eq!(published.tables, BTreeMap::from([("t".to_owned(), 4711)]));
    }
}

#[tokio::test]
async fn rejects_are_kept_with_their_place_up_to_a_limit() {
    let place = place();
    let worker = Worker::at(&place).await;
    let (_lease, ..) = worker.start(None).await;
    let reject = Reject {
        file: "d.zip".into(),
        member: Some("d.csv".into()),
        line: Some(3),
        byte_offset: Some(1 << 40),
        column: Some("bbl".parse().unwrap()),
        raw: "nul\0 and 'quote'".into(),
        code: "number".into(),
        consequence: "null".into(),
        record: Some(vec![0, 0, 0, 1, b'x']),
        names: ["bbl".to_owned()].into(),
    };
    let table = "t".parse().unwrap();
    let mut limit = RejectLimit::default();
    let batch = vec![reject; 6_000];
    assert_eq!(worker.ledger.keep_rejects(worker.run, &table, &batch, &mut limit).await.unwrap(), 6_000);
    assert_eq!(worker.ledger.keep_rejects(worker.run, &table, &batch, &mut limit).await.unwrap(), 4_000);
    assert_eq!(worker.ledger.keep_rejects(worker.run, &table, &batch, &mut limit).await.unwrap(), 0);
    assert_eq!(place.value("SELECT count(*) FROM freshet.rejects"), "10000");
    assert_eq!(
        place.value("SELECT concat_ws('|', table_name, file, member, line, byte_offset, column_name, raw, code, consequence) FROM freshet.rejects LIMIT 1"),
        "t|d.zip|d.csv|3|1099511627776|bbl|nul␀ and 'quote'|number|null"
    );
}

#[tokio::test]
async fn the_ledger_connects_again_when_its_session_was_lost() {
    let place = place();
    let worker = Worker::at(&place).await;
    let (_lease, ..) = worker.start(None).await;
    place.sql(&format!(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
         WHERE usename = '{}' AND state = 'idle'",
        place.loader
    ));
    // The statement that finds out fails; the next one has a session again.
    let _ = worker.ledger.measured(worker.run, 1.0).await;
    worker.ledger.measured(worker.run, 2.0).await.unwrap();
}
