//! Rows that a run left complete in staging: published by a person, or taken up by the next run, and in neither case read again.

use manifest::run::Outcome;

use crate::support::{City, Failure, Finished, TREES, Told};

/// Two of four trees where at most a quarter may go.
fn city_with_a_refused_drop() -> City {
    let city = City::with_live_trees();
    city.edit_manifest("expect: {rows: 3}", "expect: {max_drop: 25%}");
    city.publish("trees.csv", &TREES[..TREES.find("3,").unwrap()]);
    city.follow(&city.call(&["trees"])).run.expect_code(65);
    city.publisher.forget_requests();
    city
}

#[track_caller]
fn publish(city: &City, arguments: &[&str]) -> Finished {
    city.follow(&city.command(&[&["publish", "trees"], arguments].concat()))
}

/// The publisher said that nothing changed since the rows in staging were read.
#[track_caller]
pub(crate) fn not_read_again(city: &City, finished: &Finished) {
    assert!(finished.facts.iter().all(|fact| fact["event"] != "loaded"), "{}", finished.run);
    let asked = city.publisher.requests_for("trees.csv");
    assert_eq!(asked.last().map(|request| request.status), Some(304), "{asked:?}");
}

#[test]
fn a_refused_drop_is_published_without_reading_again() {
    let city = city_with_a_refused_drop();
    let refused =
        Failure { exit: 65, code: "guard_drop", says: &["trees has 2 rows where 4 are live"], ledger: Told::Refused };
    city.fails(&city.command(&["publish", "trees"]), &refused);
    let published = publish(&city, &["--accept-drop"]);
    let record = published.is(Outcome::Published).record();
    assert_eq!((record.rows, record.accepted.len()), (2, 1));
    assert!(record.tables["trees"].bytes > 0, "what was loaded is still known");
    assert_eq!(published.fact("taken_up")["rows"], 2);
    assert_eq!(city.states(), ["published", "refused", "refused", "published"]);
    assert_eq!(city.value("SELECT string_agg(id::text, ',' ORDER BY id) FROM public.tall_trees"), "1,2");
    assert_eq!(city.publisher.requests_for("trees.csv").len(), 0, "nobody was asked");
    assert_eq!(city.staging(), "0");
    // The ledger knows from what the rows were made.
    city.load().is(Outcome::Unchanged);
}

#[test]
fn rows_whose_locks_were_not_to_be_had_in_time_are_published_later() {
    let city = City::with_live_trees();
    city.publish("trees.csv", format!("{TREES}5,Maple,,\n"));
    let reading = crate::stopping::hold(&city, "BEGIN; SELECT count(*) FROM public.trees");
    city.fails(
        &city.call(&["trees"]).env("FRESHET_TIMEOUT", "3"),
        &Failure {
            exit: 69,
            code: "publish_blocked",
            says: &["server process", "the loaded rows stay in staging"],
            ledger: Told::FailedKeeping,
        },
    );
    drop(reading);
    city.publisher.forget_requests();
    assert_eq!(publish(&city, &[]).is(Outcome::Published).record().rows, 5);
    assert_eq!(city.publisher.requests(), []);
    assert_eq!(city.states(), ["published", "failed", "published"]);
}

#[test]
fn expectations_that_are_corrected_let_the_rows_be_published_as_they_are() {
    let city = city_with_a_refused_drop();
    city.edit_manifest("expect: {max_drop: 25%}", "expect: {max_drop: 50%}");
    publish(&city, &[]).is(Outcome::Published);
    assert_eq!(city.value("SELECT count(*) FROM public.trees"), "2");
    assert_eq!(city.publisher.requests_for("trees.csv").len(), 0);
}

#[test]
fn rows_of_another_manifest_are_not_published() {
    let city = city_with_a_refused_drop();
    city.edit_manifest("height: numeric", "height: double precision");
    city.fails(
        &city.command(&["publish", "trees", "--accept-drop"]),
        &Failure {
            exit: 78,
            code: "nothing_kept",
            says: &["freshet_staging_trees was made by another manifest", "worker load"],
            ledger: Told::FailedKeeping,
        },
    );
}

#[test]
fn where_nothing_is_kept_nothing_is_published() {
    let city = City::with_live_trees();
    city.fails(
        &city.command(&["publish", "trees"]),
        &Failure {
            exit: 78,
            code: "nothing_kept",
            says: &["there is nothing in freshet_staging_trees to publish"],
            ledger: Told::Failed,
        },
    );
}

#[test]
fn a_load_whose_rows_were_refused_judges_them_again_without_reading_them_again() {
    let city = city_with_a_refused_drop();
    let again = city.follow(&city.call(&["trees"]));
    again.run.expect_code(65);
    assert_eq!(again.fact("taken_up")["rows"], 2);
    not_read_again(&city, &again);
    // What the publisher has now is another matter.
    city.publish("trees.csv", format!("{TREES}5,Maple,,\n"));
    assert_eq!(city.load().is(Outcome::Published).record().rows, 5);
}
