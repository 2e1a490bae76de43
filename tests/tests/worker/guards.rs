//! What does not hold of the rows is refused before anybody sees them, all of it at once, with words to go on from.

use manifest::run::Outcome;

use crate::support::{City, Failure, TREES, Told};

const REFUSED: i32 = 65;

/// The first two trees.
fn half() -> &'static str {
    &TREES[..TREES.find("3,").unwrap()]
}

#[test]
fn all_that_does_not_hold_is_told_at_once() {
    let city = City::with_live_trees();
    city.edit_manifest(
        "expect: {rows: 3}",
        "expect: {rows: 4, max_drop: 10%, max_nulls: {height: 0%}, max_null_jump: 10%, never_back: planted, checks: {tall: tall.sql}}",
    );
    city.write_beside_manifest("tall.sql", "SELECT id, height FROM trees WHERE height < 10");
    city.publish("trees.csv", "id,species,planted,height\n1,Oak,01/01/2000,9\n1,Elm,,8\n2,Ash,,\n");
    let refused = city.fails(
        &city.call(&["trees"]),
        &Failure {
            exit: REFUSED,
            code: "duplicate_keys",
            says: &[
                "rows of trees share a key that should be unique (trees_pkey): 1 key stands more than once: \
                 id=1 at trees.csv line 2, trees.csv line 3",
                "trees has 3 rows where 4 are expected",
                "trees has 3 rows where 4 are live, and at most 10% may go",
                "trees.height is NULL in 1 of 3 rows, and at most 0% may be",
                "trees.planted is NULL in 2 of 3 rows where it is in 0 of 4 that are live, and at most 10% may be added",
                "the newest trees.planted is 2000-01-01, which lies before 2015-10-10, which is live",
                "trees does not pass the check tall: 2 rows: id=1, height=9; id=1, height=8",
                "look at the rows in freshet_staging_trees",
            ],
            ledger: Told::Refused,
        },
    );
    assert_eq!(refused.record().attempt, 1);
    assert_eq!(city.value("SELECT count(*) FROM freshet_staging_trees.trees"), "3");
}

#[test]
fn the_lines_of_twins_are_found_in_whatever_file_they_stand() {
    let city = City::with_live_trees();
    city.edit_manifest("sources: [{url: \"", "sources: [{url: \"MORE/more.csv\", file: more.csv}, {url: \"");
    city.edit_manifest("MORE", &city.publisher.url());
    // A record of two lines, a blank line and a row that is kept out stand between.
    city.edit_manifest("    expect: {rows: 3}", "    expect: {rows: 3}\n    bad_values: {allow: 50%}");
    city.publish("more.csv", "id,species,planted,height\n10,\"Red\nOak\",,\n\n11,,,\n4,Lime,,\n");
    city.fails(
        &city.call(&["trees"]),
        &Failure {
            exit: REFUSED,
            code: "duplicate_keys",
            says: &["1 key stands more than once: id=4 at more.csv line 6, trees.csv line 5"],
            ledger: Told::Refused,
        },
    );
}

#[test]
fn a_drop_is_published_only_when_a_person_accepts_it_and_that_is_kept() {
    let city = City::with_live_trees();
    city.edit_manifest("expect: {rows: 3}", "expect: {max_drop: 25%}");
    city.publish("trees.csv", half());
    let dropped = Failure {
        exit: REFUSED,
        code: "guard_drop",
        says: &["trees has 2 rows where 4 are live", "worker publish trees --accept-drop", "worker diff trees"],
        ledger: Told::Refused,
    };
    city.fails(&city.call(&["trees"]), &dropped);
    city.fails(&city.call(&["trees", "--force"]), &dropped);
    let accepted = city.follow(&city.call(&["trees", "--force", "--accept-drop"]));
    let record = accepted.is(Outcome::Published).record();
    assert_eq!(record.accepted, ["trees has 2 rows where 4 are live, and at most 25% may go"]);
    assert_eq!(accepted.fact("accepted")["table"], "trees");
    let kept = "SELECT accepted FROM freshet.runs WHERE state = 'published' ORDER BY started DESC LIMIT 1";
    assert_eq!(city.value(kept), record.accepted[0]);
    assert_eq!(city.value("SELECT count(*) FROM public.trees"), "2");
}

#[test]
fn accepting_a_drop_accepts_nothing_else() {
    let city = City::with_live_trees();
    city.edit_manifest("expect: {rows: 3}", "expect: {rows: 3, max_drop: 25%}");
    city.publish("trees.csv", half());
    city.fails(
        &city.call(&["trees", "--accept-drop"]),
        &Failure {
            exit: REFUSED,
            code: "guard_rows",
            says: &["trees has 2 rows where 3 are expected"],
            ledger: Told::Refused,
        },
    );
    city.publish("trees.csv", "id,species,planted,height\n");
    city.fails(
        &city.call(&["trees", "--accept-drop"]),
        &Failure { exit: REFUSED, code: "guard_empty", says: &["trees has no rows"], ledger: Told::Refused },
    );
}
