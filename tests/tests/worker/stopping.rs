//! Runs that are stopped in the middle: told to (SIGTERM) or not even told (SIGKILL). Nothing of them is left, and the next
//! run goes on from there.

use std::fmt::Write as _;
use std::time::{Duration, Instant};

use freshet_tests::http::Fault;
use freshet_tests::process::Signal;
use manifest::run::Outcome;

use crate::support::{City, SOON, start, until};

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

#[test]
fn a_run_that_is_told_to_stop_ends_soon_and_leaves_nothing() {
    let city = City::with_live_trees();
    let before = city.live();
    publish_half(&city);
    let loading = start(&city.call(&["trees"]));
    city.wait_for_copy();

    let told = Instant::now();
    loading.signal(Signal::TERM);
    assert!(loading.ends_within(SOON));
    let took = told.elapsed();
    let finished = city.finish(loading);
    finished.run.expect_code(143);
    eprintln!("stopped after {took:?}");
    assert!(took < A_FEW_SECONDS, "{took:?}");

    assert_eq!(city.live(), before);
    assert_eq!(city.value("SELECT count(*) FROM pg_namespace WHERE nspname LIKE 'freshet_staging%'"), "0");
    assert_eq!(city.states(), ["published", "stopped"]);
    assert_eq!(finished.record().outcome, Outcome::Stopped);
    assert_eq!(finished.fact("failed")["code"], "stopped");
    until("the server has ended the worker's sessions", || city.sessions() == 0);

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

    let told = Instant::now();
    loading.signal(Signal::TERM);
    assert!(loading.ends_within(SOON));
    let took = told.elapsed();
    city.finish(loading).run.expect_code(143);
    assert!(took < A_FEW_SECONDS, "{took:?}");
    assert_eq!(city.live(), before);
    assert_eq!(city.states(), ["published", "stopped"]);
}

#[test]
fn a_run_that_was_killed_is_taken_over_by_the_next_try_at_its_firing() {
    let city = City::with_live_trees();
    let before = city.live();
    publish_half(&city);
    let call = city.call(&["trees"]).env("FRESHET_SCHEDULED_TIME", "2026-03-01T03:00:00Z");
    let loading = start(&call);
    city.wait_for_copy();
    loading.signal(Signal::KILL);
    assert!(loading.ends_within(SOON));
    drop(loading);
    assert_eq!(city.live(), before);
    assert_eq!(city.states(), ["published", "running"]);
    // Its lease goes with its sessions. A try that comes before that takes it for alive.
    until("the server has ended the killed worker's sessions", || city.sessions() == 0);

    city.publisher.clear_fault("trees.csv");
    let record = city.follow(&call).is(Outcome::Published).record();
    assert_eq!((record.rows, record.attempt), (ROWS, 2));
    assert_eq!(city.states(), ["published", "abandoned", "published"]);
    assert_eq!(city.value("SELECT count(*) FROM public.trees"), ROWS.to_string());
    assert_eq!(city.value("SELECT count(*) FROM pg_namespace WHERE nspname LIKE 'freshet_staging%'"), "0");
}
