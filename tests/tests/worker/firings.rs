//! Several runs of one dataset at once: a firing is answered to once, and different firings come one after the other.

use freshet_tests::postgres::{PostgresCluster, connect};
use manifest::run::Outcome;
use tokio::runtime::Builder;

use crate::support::{City, Finished, TREES, start, until, wait_for_fact};

const FIRING: &str = "2026-03-01T03:00:00Z";
const NEXT_FIRING: &str = "2026-03-02T03:00:00Z";

/// Both runs are started before either is waited for.
fn both(city: &City, times: [&str; 2]) -> [Finished; 2] {
    let started = times.map(|time| start(&city.call(&["trees"]).env("FRESHET_SCHEDULED_TIME", time)));
    started.map(|process| city.finish(process))
}

fn outcomes(finished: &[Finished]) -> Vec<Outcome> {
    for one in finished {
        one.run.expect_code(0);
    }
    let mut outcomes: Vec<_> = finished.iter().map(|one| one.record().outcome).collect();
    outcomes.sort_by_key(|outcome| *outcome != Outcome::Published);
    outcomes
}

#[test]
fn of_two_runs_of_the_same_firing_exactly_one_publishes() {
    let city = City::new();
    // The first two also race for the ledger, which does not exist yet.
    for round in 1..=3 {
        city.publish("trees.csv", format!("{TREES}{},Maple,,\n", 10 + round));
        let time = format!("2026-03-0{round}T03:00:00Z");
        let finished = both(&city, [&time, &time]);
        assert_eq!(outcomes(&finished), [Outcome::Published, Outcome::Duplicate], "round {round}");
        let [first, second] = finished;
        let (published, duplicate) =
            if first.record().outcome == Outcome::Published { (first, second) } else { (second, first) };
        assert_eq!(duplicate.fact("duplicate")["by"], published.record().run.as_str());
        assert_eq!(city.states(), vec!["published"; round]);
    }
}

#[test]
fn of_two_different_firings_at_once_both_are_answered() {
    let city = City::new();
    let finished = both(&city, [FIRING, NEXT_FIRING]);
    assert_eq!(outcomes(&finished), [Outcome::Published, Outcome::Unchanged]);
    city.publish("trees.csv", format!("{TREES}5,Maple,,\n"));
    let finished = both(&city, ["2026-03-03T03:00:00Z", "2026-03-04T03:00:00Z"]);
    assert_eq!(outcomes(&finished), [Outcome::Published, Outcome::Unchanged]);
}

#[test]
fn a_firing_waits_for_the_one_before_it_and_then_sees_what_there_is_to_do() {
    let city = City::with_live_trees();
    let runtime = Builder::new_current_thread().enable_all().build().unwrap();
    for (file, firings, outcome) in [
        // Nothing comes in between.
        (None, [FIRING, NEXT_FIRING], Outcome::Unchanged),
        // The publisher has a newer file when the second one's turn comes.
        (Some(format!("{TREES}8,Cedar,,\n")), ["2026-03-03T03:00:00Z", "2026-03-04T03:00:00Z"], Outcome::Published),
    ] {
        // A reader that stays keeps the first run at its publish for as long as it is to be there.
        let url = PostgresCluster::shared().url(&city.reader, "reader", &city.database);
        let reading = runtime.block_on(connect(&url)).unwrap();
        runtime.block_on(reading.batch_execute("BEGIN; SELECT count(*) FROM public.trees")).unwrap();
        city.publish("trees.csv", format!("{TREES}{},Maple,,\n", file.as_ref().map_or(5, |_| 6)));
        let call = |time: &str| city.call(&["trees"]).env("FRESHET_SCHEDULED_TIME", time);
        let first = start(&call(firings[0]));
        wait_for_fact(&first, "blocked");

        let duplicate = city.follow(&call(firings[0]));
        duplicate.is(Outcome::Duplicate);
        let second = start(&call(firings[1]));
        wait_for_fact(&second, "waiting");
        assert!(first.is_running() && second.is_running());
        if let Some(file) = &file {
            city.publish("trees.csv", file);
        }
        runtime.block_on(reading.batch_execute("COMMIT")).unwrap();

        let first = city.finish(first);
        first.is(Outcome::Published);
        assert_eq!(duplicate.fact("duplicate")["by"], first.record().run.as_str());
        city.finish(second).is(outcome);
    }
    assert_eq!(city.rows("SELECT id FROM public.trees WHERE id > 4"), ["8"]);
}

#[test]
fn a_run_that_waits_to_its_deadline_ends_by_its_own_code_and_touches_nothing() {
    let city = City::with_live_trees();
    let runtime = Builder::new_current_thread().enable_all().build().unwrap();
    let url = PostgresCluster::shared().url(&city.reader, "reader", &city.database);
    let reading = runtime.block_on(connect(&url)).unwrap();
    runtime.block_on(reading.batch_execute("BEGIN; SELECT count(*) FROM public.trees")).unwrap();
    city.publish("trees.csv", format!("{TREES}5,Maple,,\n"));
    let first = start(&city.call(&["trees"]));
    wait_for_fact(&first, "blocked");

    let late = city.follow(&city.call(&["trees"]).env("FRESHET_TIMEOUT", "1"));
    late.run.expect_code(75);
    assert_eq!(late.fact("failed")["code"], "leased");
    let message = late.fact("failed")["message"].as_str().unwrap();
    assert!(message.contains("freshet trees run=") && message.contains("server process"), "{message}");

    runtime.block_on(reading.batch_execute("COMMIT")).unwrap();
    city.finish(first).is(Outcome::Published);
    assert_eq!(city.states(), ["published", "published"]);
    until("no session is left", || city.sessions() == 0);
}
