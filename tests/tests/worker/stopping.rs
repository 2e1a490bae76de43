//! Runs that are stopped in the middle: told to (SIGTERM), out of time, cut off from the database, or not even told
//! (SIGKILL). Nothing of them is left, and the next run goes on from there.

use std::fmt::Write as _;
use std::net::TcpListener;
use std::time::{Duration, Instant};

use freshet_tests::http::Fault;
use freshet_tests::postgres::{PostgresCluster, connect};
use freshet_tests::process::{Process, Signal};
use manifest::run::Outcome;
use tokio::runtime::Builder;
use tokio_postgres::Client;

use crate::kept::not_read_again;
use crate::support::{City, Failure, Finished, SOON, TREES, Told, start, until, wait_for_fact};

/// How long a run may take to end once it is told to; Fargate gives it thirty seconds.
const A_FEW_SECONDS: Duration = Duration::from_secs(5);

const ROWS: u64 = 20_000;

/// A file that stops coming in the middle.
fn publish_half(city: &City) {
    let mut text = "id,species,planted,height\n".to_owned();
    for id in 1..=ROWS {
        writeln!(text, "{id},Oak number {id},01/02/2003,7.25").unwrap();
    }
    city.publish("trees.csv", &text);
    city.publisher.fault("trees.csv", Fault::StallAfter(text.len() as u64 / 2));
}

/// A session of the superuser's that holds something until it is dropped.
pub(crate) struct Holding(#[expect(dead_code, reason = "it holds a session open")] Client);

pub(crate) fn hold(city: &City, sql: &str) -> Holding {
    let runtime = Builder::new_current_thread().enable_all().build().unwrap();
    let url = PostgresCluster::shared().superuser_url_of(&city.database);
    let client = runtime.block_on(connect(&url)).unwrap();
    runtime.block_on(client.batch_execute(sql)).unwrap();
    Holding(client)
}

/// Tells a run to stop and waits for its end, which is to come soon and by its own code.
#[track_caller]
fn stop(city: &City, process: Process) -> Finished {
    let told = Instant::now();
    process.signal(Signal::TERM);
    assert!(process.ends_within(SOON));
    let took = told.elapsed();
    let finished = city.finish(process);
    finished.run.expect_code(143);
    assert!(took < A_FEW_SECONDS, "{took:?}\n{}", finished.run);
    assert_eq!(finished.record().outcome, Outcome::Stopped);
    assert_eq!(finished.fact("failed")["code"], "stopped");
    finished
}

/// Nothing in staging, and no session at the server.
#[track_caller]
fn nothing_is_left(city: &City) {
    assert_eq!(city.staging(), "0");
    until("the server has ended the worker's sessions", || city.sessions() == 0);
}

#[test]
fn a_run_that_is_told_to_stop_while_it_copies_ends_soon_and_leaves_nothing() {
    let city = City::with_live_trees();
    let before = city.live();
    publish_half(&city);
    let loading = start(&city.call(&["trees"]));
    city.wait_for_copy();
    stop(&city, loading);
    assert_eq!(city.live(), before);
    assert_eq!(city.states(), ["published", "stopped"]);
    nothing_is_left(&city);

    city.publisher.clear_fault("trees.csv");
    assert_eq!(city.load().is(Outcome::Published).record().rows, ROWS);
}

#[test]
fn a_run_that_waits_for_a_publisher_is_stopped_as_soon() {
    let city = City::with_live_trees();
    let before = city.live();
    city.publisher.forget_requests();
    city.publisher.fault("trees.csv", Fault::Status { code: 503, retry_after: Some(100) });
    let loading = start(&city.call(&["trees"]));
    assert!(city.publisher.wait_for_requests("trees.csv", 1, SOON));
    stop(&city, loading);
    assert_eq!(city.live(), before);
    assert_eq!(city.states(), ["published", "stopped"]);
    nothing_is_left(&city);
}

#[test]
fn a_run_that_pauses_between_two_tries_is_stopped_as_soon_and_says_so() {
    let city = City::with_live_trees();
    let before = city.live();
    let unreachable = city.database_url().replace(&PostgresCluster::shared().port().to_string(), "1");
    let loading = start(&city.call(&["trees"]).env("DATABASE_URL", unreachable).env("FRESHET_ATTEMPTS", "3"));
    wait_for_fact(&loading, "retrying");
    stop(&city, loading);
    assert_eq!(city.live(), before);
}

#[test]
fn a_run_that_waits_for_a_database_that_does_not_answer_is_stopped_as_soon() {
    let city = City::with_live_trees();
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let (port, silent_port) = (PostgresCluster::shared().port(), silent.local_addr().unwrap().port());
    let url = city.database_url().replace(&port.to_string(), &silent_port.to_string());
    let loading = start(&city.call(&["trees"]).env("DATABASE_URL", url));
    let _connected = silent.accept().unwrap();
    stop(&city, loading);
}

#[test]
fn a_run_that_waits_for_somebody_elses_lock_is_stopped_as_soon_and_keeps_its_deadline() {
    let city = City::with_live_trees();
    let before = city.live();
    city.publish("trees.csv", format!("{TREES}5,Maple,,\n"));
    let locked = hold(&city, "BEGIN; LOCK TABLE public.trees IN ACCESS EXCLUSIVE MODE");
    let waits = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()
                 AND application_name LIKE 'freshet %' AND wait_event_type = 'Lock'";
    let loading = start(&city.call(&["trees"]));
    until("the worker waits for the lock", || city.value(waits) != "0");
    stop(&city, loading);
    until("the server has ended the worker's sessions", || city.sessions() == 0);

    let late = city.follow(&city.call(&["trees"]).env("FRESHET_TIMEOUT", "1"));
    late.run.expect_code(69);
    assert_eq!(late.fact("failed")["code"], "deadline");
    drop(locked);
    assert_eq!(city.live(), before);
    assert_eq!(city.states(), ["published", "stopped", "failed"]);
    nothing_is_left(&city);
    city.load().is(Outcome::Published);
}

#[test]
fn a_source_that_takes_longer_than_the_run_may_is_told_so() {
    let city = City::with_live_trees();
    publish_half(&city);
    city.fails(
        &city.call(&["trees"]).env("FRESHET_TIMEOUT", "1"),
        &Failure {
            exit: 69,
            code: "deadline",
            says: &["the load was not done within 1 s", "`timeout`"],
            ledger: Told::Failed,
        },
    );
    nothing_is_left(&city);
}

#[test]
fn a_session_that_is_ended_in_the_middle_of_the_rows_is_told_so() {
    let city = City::with_live_trees();
    let before = city.live();
    publish_half(&city);
    let loading = start(&city.call(&["trees"]));
    city.wait_for_copy();
    city.sql(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
         WHERE datname = current_database() AND query LIKE 'COPY %FREEZE%' AND pid <> pg_backend_pid()",
    );
    let finished = city.finish(loading);
    finished.run.expect_code(69);
    assert_eq!(finished.fact("failed")["code"], "database_lost");
    let message = finished.fact("failed")["message"].as_str().unwrap();
    assert!(message.contains("was lost while it should copy rows into trees"), "{message}");
    assert_eq!(city.live(), before);
    assert_eq!(city.states(), ["published", "failed"]);
    nothing_is_left(&city);
}

/// An index of the live trees, carried by every load, that is not built while `HELD` is held.
const HOLDING_INDEX: &str = "CREATE FUNCTION public.held(integer) RETURNS integer IMMUTABLE LANGUAGE plpgsql AS
         'BEGIN PERFORM pg_advisory_lock_shared(42), pg_advisory_unlock_shared(42); RETURN $1; END';
     CREATE INDEX held ON public.trees (public.held(id))";
const HELD: &str = "SELECT pg_advisory_lock(42)";

/// Waits until an index is built that is held.
fn wait_for_index(city: &City) {
    let sql = "SELECT count(*) FROM pg_stat_activity
               WHERE datname = current_database() AND query LIKE '%CREATE INDEX%' AND wait_event = 'advisory'";
    until("the index is built", || city.value(sql) != "0");
}

#[test]
fn a_run_that_is_told_to_stop_while_an_index_is_built_leaves_nothing_either() {
    let city = City::with_live_trees();
    city.sql(HOLDING_INDEX);
    let before = city.live();
    city.publish("trees.csv", format!("{TREES}5,Maple,,\n"));
    let _held = hold(&city, HELD);
    let loading = start(&city.call(&["trees"]));
    wait_for_index(&city);
    stop(&city, loading);
    assert_eq!(city.live(), before);
    assert_eq!(city.states(), ["published", "stopped"]);
    nothing_is_left(&city);
}

const FIRING: (&str, &str) = ("FRESHET_SCHEDULED_TIME", "2026-03-01T03:00:00Z");

/// Kills a run, and waits until the server knows.
fn kill(city: &City, process: Process) {
    process.signal(Signal::KILL);
    assert!(process.ends_within(SOON));
    drop(process);
    assert_eq!(city.states(), ["published", "running"]);
    // Its lease goes with its sessions. A try that comes before that takes it for alive.
    until("the server has ended the killed worker's sessions", || city.sessions() == 0);
}

/// The next try at the firing of a run that was killed.
#[track_caller]
fn take_over(city: &City, rows: u64) -> Finished {
    let finished = city.follow(&city.call(&["trees"]).env(FIRING.0, FIRING.1));
    let record = finished.is(Outcome::Published).record();
    assert_eq!((record.rows, record.attempt), (rows, 2));
    assert_eq!(city.states(), ["published", "abandoned", "published"]);
    assert_eq!(city.value("SELECT count(*) FROM public.trees"), rows.to_string());
    assert_eq!(city.staging(), "0");
    finished
}

#[test]
fn a_run_that_was_killed_while_it_copied_is_taken_over_by_the_next_try_at_its_firing() {
    let city = City::with_live_trees();
    let before = city.live();
    publish_half(&city);
    let loading = start(&city.call(&["trees"]).env(FIRING.0, FIRING.1));
    city.wait_for_copy();
    kill(&city, loading);
    assert_eq!(city.live(), before);
    city.publisher.clear_fault("trees.csv");
    take_over(&city, ROWS);
}

#[test]
fn a_run_that_was_killed_while_an_index_was_built_is_taken_over_too() {
    let city = City::with_live_trees();
    city.sql(HOLDING_INDEX);
    let before = city.live();
    city.publish("trees.csv", format!("{TREES}5,Maple,,\n"));
    let held = hold(&city, HELD);
    let loading = start(&city.call(&["trees"]).env(FIRING.0, FIRING.1));
    wait_for_index(&city);
    kill(&city, loading);
    assert_eq!(city.live(), before);
    drop(held);
    take_over(&city, 5);
}

#[test]
fn a_run_that_was_killed_at_its_publish_is_taken_over_too() {
    let city = City::with_live_trees();
    let before = city.live();
    city.publish("trees.csv", format!("{TREES}5,Maple,,\n"));
    let reading = hold(&city, "BEGIN; SELECT count(*) FROM public.trees");
    let loading = start(&city.call(&["trees"]).env(FIRING.0, FIRING.1));
    wait_for_fact(&loading, "blocked");
    kill(&city, loading);
    assert_eq!(city.live(), before);
    drop(reading);
    city.publisher.forget_requests();
    let next = take_over(&city, 5);
    assert_eq!(next.fact("taken_up")["of"], city.runs()[1].run.as_str(), "what was complete is not loaded again");
    not_read_again(&city, &next);
}
