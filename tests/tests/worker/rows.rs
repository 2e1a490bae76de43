//! Rows that are not what the manifest says. What cannot be kept is in `freshet.rejects` with its place; what is past the
//! budget keeps the whole load out.

use manifest::run::Outcome;

use crate::support::{City, Failure, TREES, Told};

const REFUSED: i32 = 65;

/// Two of five heights are no numbers. The record before the first of them holds a quoted line end.
const BAD_HEIGHTS: &str = "id,species,planted,height\n\
    1,\"Oak,\nyoung\",2001-03-04,12.5\n\
    2,Elm,1999-11-30,tall\n\
    3,Ginkgo,2010-04-01,3\n\
    4,Linden,,7\n\
    5,\"Beech \"\"B\"\"\",2020-02-02,\"12,5 m\"\n";

const REJECTS: &str =
    "SELECT table_name, file, coalesce(member, '-'), line, byte_offset, column_name, raw, code, consequence
                       FROM freshet.rejects ORDER BY reject";

/// The two of them, as [`REJECTS`] gives them: lines and bytes are those of the file.
fn bad_heights() -> [String; 2] {
    let place = |start: &str| BAD_HEIGHTS.find(start).unwrap();
    [
        format!("trees|trees.csv|-|4|{}|height|tall|not_a_number|null", place("2,Elm")),
        format!("trees|trees.csv|-|7|{}|height|12,5 m|not_a_number|null", place("5,\"Beech")),
    ]
}

#[test]
fn text_in_a_numeric_column_is_refused_and_kept_with_its_place() {
    let city = City::with_live_trees();
    city.publish("trees.csv", BAD_HEIGHTS);
    let failed = city.fails(
        &city.call(&["trees"]),
        &Failure {
            exit: REFUSED,
            code: "bad_values",
            says: &[
                "table trees",
                "column height: 2 of 5 values cannot be loaded (2 not_a_number), and 0% may",
                "look at freshet.rejects",
                "`bad_values: {columns: {height: 40%}}`",
            ],
            ledger: Told::Refused,
        },
    );
    assert_eq!(city.rows(REJECTS), bad_heights());
    assert_eq!(failed.fact("bad_values")["column"], "height");
    assert_eq!(city.value("SELECT bad_values FROM freshet.run_tables ORDER BY loaded DESC LIMIT 1"), "2");
}

#[test]
fn text_in_an_integer_column_is_null_and_counted_where_the_budget_allows_it() {
    let city = City::with_live_trees();
    city.edit_manifest("    expect: {rows: 3}", "    expect: {rows: 3}\n    bad_values: {columns: {height: 40%}}");
    city.edit_manifest("height: numeric", "height: integer");
    city.sql("DROP VIEW public.tall_trees; ALTER TABLE public.trees ALTER height TYPE integer");
    city.publish("trees.csv", BAD_HEIGHTS.replace("12.5", "12"));
    let finished = city.load();
    let record = finished.is(Outcome::Published).record();
    assert_eq!((record.rows, record.bad_values, record.rejected_rows), (5, 2, 0));
    assert_eq!(
        city.rows("SELECT id, height FROM public.trees ORDER BY id"),
        ["1|12", "2|NULL", "3|3", "4|7", "5|NULL"]
    );
    let rejects = city.rows("SELECT line, column_name, raw, code, consequence FROM freshet.rejects ORDER BY reject");
    assert_eq!(rejects, ["4|height|tall|not_an_integer|null", "7|height|12,5 m|not_an_integer|null"]);
    assert_eq!(finished.fact("bad_values")["codes"]["not_an_integer"], 2);
}

#[test]
fn rejects_of_an_earlier_run_are_told_apart_from_those_of_the_last() {
    let city = City::with_live_trees();
    for _ in 0..2 {
        city.publish("trees.csv", BAD_HEIGHTS);
        city.load().run.expect_code(REFUSED);
    }
    let runs = city.runs();
    let per_run = city.rows("SELECT run, count(*) FROM freshet.rejects GROUP BY run");
    assert_eq!(per_run.len(), 2);
    assert!(runs[1..].iter().all(|run| per_run.contains(&format!("{}|2", run.run))), "{per_run:?}");
}

#[test]
fn a_file_without_rows_is_refused() {
    let city = City::with_live_trees();
    city.publish("trees.csv", "id,species,planted,height\n");
    city.fails(
        &city.call(&["trees"]),
        &Failure {
            exit: REFUSED,
            code: "guard_empty",
            says: &["trees has no rows", "allow_empty", "`expect`"],
            ledger: Told::Refused,
        },
    );
}

#[test]
fn a_file_without_anything_is_refused() {
    let city = City::with_live_trees();
    city.publish("trees.csv", "");
    city.fails(
        &city.call(&["trees"]),
        &Failure {
            exit: REFUSED,
            code: "source_empty",
            says: &["table trees: trees.csv", "there is no header row"],
            ledger: Told::Refused,
        },
    );
}

#[test]
fn fewer_rows_than_expected_are_refused_also_when_forced() {
    let city = City::with_live_trees();
    city.publish("trees.csv", &TREES[..TREES.find("3,").unwrap()]);
    let too_few = Failure {
        exit: REFUSED,
        code: "guard_rows",
        says: &["trees has 2 rows where 3 are expected", "`expect`"],
        ledger: Told::Refused,
    };
    let firing = ("FRESHET_SCHEDULED_TIME", "2026-03-01T03:00:00Z");
    let first = city.fails(&city.call(&["trees"]).env(firing.0, firing.1), &too_few);
    let second = city.fails(&city.call(&["trees", "--force"]).env(firing.0, firing.1), &too_few);
    assert_eq!([first, second].map(|refused| refused.record().attempt), [1, 2]);
}

#[test]
fn far_fewer_rows_than_are_live_are_refused() {
    let city = City::with_live_trees();
    city.edit_manifest("expect: {rows: 3}", "expect: {max_drop: 25%}");
    city.publish("trees.csv", &TREES[..TREES.find("3,").unwrap()]);
    city.fails(
        &city.call(&["trees"]),
        &Failure {
            exit: REFUSED,
            code: "guard_drop",
            says: &["trees has 2 rows where 4 are live, and at most 25% may go"],
            ledger: Told::Refused,
        },
    );
    city.publish("trees.csv", &TREES[..TREES.find("4,").unwrap()]);
    assert_eq!(city.load().is(Outcome::Published).record().rows, 3, "one of four is a quarter");
}

#[test]
fn a_row_without_a_value_that_must_be_there_is_refused_and_kept_whole() {
    let city = City::with_live_trees();
    let file = "id,species,planted,height\n1,Oak,,\n2,,2020-01-01,\"1,000\"\n3,Elm,,\n4,Ash,,\n";
    city.publish("trees.csv", file);
    city.fails(
        &city.call(&["trees"]),
        &Failure {
            exit: REFUSED,
            code: "bad_values",
            says: &["column species: 1 of 4 values cannot be loaded (1 no_value), and 0% may"],
            ledger: Told::Refused,
        },
    );
    let place = file.find("2,,").unwrap();
    let row = format!("trees|trees.csv|-|3|{place}|species|2,,2020-01-01,\"1,000\"|no_value|row_rejected");
    assert_eq!(city.rows(REJECTS), [row]);

    // Within the budget the row stays out, and the others are live.
    city.edit_manifest("    expect: {rows: 3}", "    expect: {rows: 3}\n    bad_values: {allow: 25%}");
    let record = city.load().is(Outcome::Published).record();
    assert_eq!((record.rows, record.bad_values, record.rejected_rows), (3, 1, 1));
    assert_eq!(city.rows("SELECT id FROM public.trees ORDER BY id"), ["1", "3", "4"]);
}

#[test]
fn a_record_with_too_few_fields_is_refused_and_kept_whole() {
    let city = City::with_live_trees();
    city.publish("trees.csv", "id,species,planted,height\n1,Oak,,\n2,Elm\n3,Ash,,\n4,Fir,,,x\n");
    city.fails(
        &city.call(&["trees"]),
        &Failure {
            exit: REFUSED,
            code: "bad_values",
            says: &["2 of 4 records have too few or too many fields (1 too_few_fields, 1 too_many_fields)"],
            ledger: Told::Refused,
        },
    );
    let rejects = city.rows("SELECT line, column_name, raw, code, consequence FROM freshet.rejects ORDER BY reject");
    assert_eq!(rejects, ["3|NULL|2,Elm|too_few_fields|row_rejected", "5|NULL|4,Fir,,,x|too_many_fields|row_rejected"]);
}

#[test]
fn a_key_that_is_not_unique_is_refused_with_the_lines_that_share_it() {
    let city = City::with_live_trees();
    city.publish("trees.csv", format!("{TREES}3,Rowan,,\n"));
    city.fails(
        &city.call(&["trees"]),
        &Failure {
            exit: REFUSED,
            code: "duplicate_keys",
            says: &[
                "rows of trees share a key that should be unique (trees_pkey)",
                "id=3 at trees.csv line 4, trees.csv line 6",
                "declare the key",
            ],
            ledger: Told::Refused,
        },
    );
}
