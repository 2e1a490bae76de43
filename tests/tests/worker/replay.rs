//! What a load could not read is loaded by `worker replay` once the manifest can read it: exactly once, and nothing else.

use manifest::run::Outcome;

use crate::support::{City, Finished};

/// A height with a unit, an id with a letter before it, and a row that is too short.
const BAD: &str = "id,species,planted,height\n1,Oak,2001-03-04,12.5\n2,Elm,1999-11-30,none\n3,Ginkgo,2010-04-01,n/a\nx4,Linden,2011-01-01,7\n5,Beech\n";

const ALLOWED: &str = "    expect: {rows: 1}\n    bad_values: {allow: 90%}";

fn city() -> City {
    let city = City::new();
    city.edit_manifest("    expect: {rows: 3}", ALLOWED);
    city
}

fn replay(city: &City) -> Finished {
    city.follow(&city.command(&["replay", "trees"]))
}

fn trees(city: &City) -> Vec<String> {
    city.rows("SELECT id, species, height FROM public.trees ORDER BY id")
}

/// Reasons of records that stay.
fn reasons(finished: &Finished) -> Vec<String> {
    let stay = finished.facts.iter().filter(|fact| fact["event"] == "not_replayed");
    let reason =
        |fact: &serde_json::Value| format!("{} {}", fact["place"].as_str().unwrap(), fact["reason"].as_str().unwrap());
    let mut reasons: Vec<_> = stay.map(reason).collect();
    reasons.sort();
    reasons
}

#[test]
fn what_the_manifest_can_read_now_goes_live_once_and_the_rest_stays() {
    let city = city();
    let bad = BAD.replace("none", "1900-01-01").replace("n/a", "3 m");
    city.publish("trees.csv", &bad);
    city.load().is(Outcome::Published);
    assert_eq!(trees(&city), ["1|Oak|12.5", "2|Elm|NULL", "3|Ginkgo|NULL"]);
    let before = city.value("SELECT 'public.trees'::regclass::oid");

    // Nothing has changed, so that nothing can be read.
    let nothing = replay(&city);
    nothing.is(Outcome::Unchanged);
    assert_eq!(
        reasons(&nothing),
        [
            "trees.csv line 3 height: not_a_number",
            "trees.csv line 4 height: not_a_number",
            "trees.csv line 5 id: not_an_integer",
            "trees.csv line 6 too_few_fields",
        ]
    );

    // A null marker settles a value, and a row whose key was the trouble goes live as soon as it can be read.
    city.edit_manifest("file: trees.csv", "file: trees.csv, nulls: [\"3 m\"]");
    let some = replay(&city);
    some.is(Outcome::Published);
    assert_eq!(some.fact("replayed")["settled"], 1);
    assert_eq!(trees(&city), ["1|Oak|12.5", "2|Elm|NULL", "3|Ginkgo|NULL"]);
    assert_eq!(city.value("SELECT count(*) FROM freshet.rejects WHERE replayed IS NOT NULL"), "1");
    assert_eq!(city.value("SELECT 'public.trees'::regclass::oid"), before, "the table is the same");
}

#[test]
fn values_are_put_right_by_key_and_rows_inserted_exactly_once() {
    let city = city();
    // Where no height may be missing, a row without one is kept out.
    city.edit_manifest("height: numeric", "height: integer");
    let half = "id,species,planted,height\n1,Oak,2001-03-04,12\n2,Elm,1999-11-30,7.0.\n3,Ginkgo,9999,3\n,Linden,2011-01-01,7\n";
    city.publish("trees.csv", half);
    city.load().is(Outcome::Published);
    // Somebody has put one right by hand; the other is still to be.
    city.sql("UPDATE freshet.rejects SET record = overlay(record placing '7   '::bytea from position('7.0.'::bytea in record))
              WHERE position('7.0.'::bytea in record) > 0");
    let first = replay(&city);
    first.is(Outcome::Published);
    assert_eq!((&first.fact("replayed")["updated"], &first.fact("replayed")["inserted"]), (&1.into(), &0.into()));
    assert_eq!(trees(&city), ["1|Oak|12", "2|Elm|7", "3|Ginkgo|3"]);
    let again = replay(&city);
    again.is(Outcome::Unchanged);
    assert_eq!(trees(&city), ["1|Oak|12", "2|Elm|7", "3|Ginkgo|3"]);
    // What has a value by now is not written over.
    city.sql("UPDATE freshet.rejects SET replayed = NULL; UPDATE public.trees SET height = 99 WHERE id = 2");
    let late = replay(&city);
    late.is(Outcome::Unchanged);
    assert!(reasons(&late).iter().any(|reason| reason.contains("has a value there")), "{:?}", reasons(&late));
    assert_eq!(trees(&city)[1], "2|Elm|99");
}

#[test]
fn a_row_that_was_kept_out_is_inserted_unless_its_key_is_live() {
    let city = city();
    city.publish(
        "trees.csv",
        "id,species,planted,height\n1,Oak,2001-03-04,12\n#2,Elm,1999-11-30,7\n#1,Other,1999-11-30,7\n",
    );
    city.load().is(Outcome::Published);
    assert_eq!(trees(&city), ["1|Oak|12"]);
    city.sql(
        "UPDATE freshet.rejects SET record = overlay(record placing ' '::bytea from position('#'::bytea in record))",
    );
    city.sql("CREATE MATERIALIZED VIEW public.kinds AS SELECT species FROM public.trees");
    let finished = replay(&city);
    finished.is(Outcome::Published);
    assert_eq!(finished.fact("replayed")["inserted"], 1);
    assert_eq!(trees(&city), ["1|Oak|12", "2|Elm|7"]);
    assert_eq!(reasons(&finished), ["trees.csv line 4 a row with its key is live already"]);
    assert_eq!(city.value("SELECT rows FROM freshet.published_tables"), "2");
    assert_eq!(city.value("SELECT generation FROM freshet.published"), "2");
    replay(&city).is(Outcome::Unchanged);
    assert_eq!(trees(&city).len(), 2);
}

#[test]
fn a_constraint_that_a_row_does_not_hold_leaves_everything_as_it_was() {
    let city = city();
    city.publish("trees.csv", "id,species,planted,height\n1,Oak,2001-03-04,12\n#2,Elm,1999-11-30,7\n");
    city.load().is(Outcome::Published);
    city.sql(
        "UPDATE freshet.rejects SET record = overlay(record placing ' '::bytea from position('#'::bytea in record));
              ALTER TABLE public.trees ADD CHECK (height > 10)",
    );
    let finished = replay(&city);
    assert_ne!(finished.run.code(), Some(0));
    assert_eq!(trees(&city), ["1|Oak|12"]);
    assert_eq!(city.value("SELECT count(*) FROM freshet.rejects WHERE replayed IS NOT NULL"), "0");
}
