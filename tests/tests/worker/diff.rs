//! What a refused load would have changed and what a publish has, shown row by row without touching anything.

use freshet_tests::process::Run;
use manifest::run::Outcome;
use serde_json::{Value, json};

use crate::support::{City, TREES};

fn diff(city: &City, arguments: &[&str]) -> Run {
    let before = city.live();
    let run = city.command(&[&["diff", "trees"], arguments].concat()).run().unwrap();
    assert_eq!(city.live(), before, "{run}");
    run
}

fn of_trees(run: &Run) -> Value {
    let report: Value = serde_json::from_str(&run.stdout).unwrap_or_else(|e| panic!("{e}\n{run}"));
    report["tables"][0].clone()
}

#[test]
fn a_refused_load_shows_what_it_would_have_changed() {
    let city = City::with_live_trees();
    city.edit_manifest("expect: {rows: 3}", "expect: {max_drop: 0%}");
    city.publish("trees.csv", "id,species,planted,height\n1,Oak,03/04/2001,13\n2,Elm,11/30/1999,8\n7,Fir,,\n");
    city.follow(&city.call(&["trees"])).run.expect_code(65);
    let run = diff(&city, &["--json"]);
    run.expect_code(0);
    let trees = of_trees(&run);
    assert_eq!((&trees["key"], &trees["new_rows"], &trees["old_rows"]), (&json!(["id"]), &json!(3), &json!(4)));
    assert_eq!(
        trees["added"],
        json!({"rows": 1, "examples": [{"id": "7", "species": "Fir", "planted": null, "height": null}]})
    );
    assert_eq!(trees["removed"]["rows"], 2);
    assert_eq!(trees["removed"]["examples"][0]["species"], "Ginkgo \"Saratoga\"");
    assert_eq!(
        trees["changed"],
        json!({"rows": 1, "examples": [{"key": {"id": "1"}, "columns": {"height": ["12.5", "13"]}}]})
    );
    let text = diff(&city, &["--examples", "1"]).expect_code(0).stdout.clone();
    for line in [
        "trees: freshet_staging_trees against public",
        "trees: 3 rows against 4, by id",
        "  added: 1\n    height=NULL id=7 planted=NULL species=Fir",
        "  removed: 2\n    height=NULL id=3 planted=2010-04-01 species=Ginkgo \"Saratoga\"\n    and 1 more",
        "  changed: 1\n    id=1: height 12.5 → 13",
    ] {
        assert!(text.contains(line), "`{line}` does not stand in\n{text}");
    }
}

#[test]
fn a_publish_shows_what_it_changed_by_any_key_or_by_whole_rows() {
    let city = City::with_live_trees();
    city.publish("trees.csv", TREES.replace("8\n", "9\n").replace("4,Linden", "40,Linden"));
    city.load().is(Outcome::Published);
    let counts = |arguments: &[&str]| {
        let trees = of_trees(&diff(&city, &[arguments, &["--json"]].concat()));
        ["added", "removed", "changed"].map(|kind| trees[kind]["rows"].as_u64().unwrap())
    };
    assert_eq!(counts(&[]), [1, 1, 1]);
    assert_eq!(counts(&["--key", "species"]), [0, 0, 2]);
    assert_eq!(counts(&["--key", "species,height"]), [1, 1, 1]);
    city.edit_manifest("    primary_key: id\n", "");
    assert_eq!(counts(&["--previous"]), [2, 2, 0], "whole rows");
    let unknown = diff(&city, &["--key", "specie"]);
    unknown.expect_code(64);
    assert!(unknown.stderr.contains("trees has no column specie on both sides"), "{unknown}");
}

#[test]
fn keys_that_are_not_unique_are_paired_and_columns_of_one_side_are_named() {
    let city = City::with_live_trees();
    city.publish("trees.csv", format!("{TREES}4,Linden,10/10/2015,3.25\n3,Rowan,,\n"));
    city.follow(&city.call(&["trees"])).run.expect_code(65);
    city.sql("ALTER TABLE public.trees ADD COLUMN note text");
    let trees = of_trees(&diff(&city, &["--json"]));
    assert_eq!((&trees["added"]["rows"], &trees["old_columns"]), (&json!(2), &json!(["note"])));
    assert_eq!((&trees["removed"]["rows"], &trees["changed"]["rows"]), (&json!(0), &json!(0)));
}

#[test]
fn where_there_is_only_one_side_that_is_told() {
    let city = City::with_live_trees();
    let run = diff(&city, &[]);
    run.expect_code(78);
    assert!(run.stderr.contains("nothing_to_compare: trees has nothing in staging"), "{run}");
}
