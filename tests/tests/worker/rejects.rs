//! What could not be loaded is looked at by `worker rejects`.

use manifest::run::Outcome;
use serde_json::Value;

use crate::support::City;

/// Two heights are no numbers, and a row has no id.
const BAD: &str = "id,species,planted,height\n1,\"Oak,\nyoung\",2001-03-04,12.5\n2,Elm,1999-11-30,tall\n,Ginkgo,2010-04-01,3\n4,Linden,,7 m\n5,Beech,,2\n";

const ALLOWED: &str = "    expect: {rows: 3}\n    bad_values: {allow: 50%}";

/// A city that has loaded [`BAD`], as far as it can be loaded.
fn city() -> City {
    let city = City::new();
    city.edit_manifest("    expect: {rows: 3}", ALLOWED);
    city.publish("trees.csv", BAD);
    city.load().is(Outcome::Published);
    city
}

fn report(city: &City, arguments: &[&str]) -> Value {
    let run = city.command(&[&["rejects", "trees", "--json"], arguments].concat()).run().unwrap();
    run.expect_code(0);
    serde_json::from_str(&run.stdout).unwrap()
}

#[test]
fn what_could_not_be_loaded_is_shown_with_its_place_and_text() {
    let city = city();
    let shown = city.command(&["rejects", "trees"]).run().unwrap();
    shown.expect_code(0);
    let told: Vec<&str> = shown.stdout.lines().skip(1).map(str::trim).collect();
    assert_eq!(
        told,
        [
            "3 values could not be read, 1 rows were kept out",
            "trees.height: not_a_number, 2 kept",
            "trees.id: no_value, 1 kept",
            "trees.csv line 4, trees.height: not_a_number \"tall\"; NULL",
            "trees.csv line 5, trees.id: no_value \",Ginkgo,2010-04-01,3\"; row kept out",
            "trees.csv line 6, trees.height: not_a_number \"7 m\"; NULL",
        ]
    );
    let all = report(&city, &[]);
    assert_eq!((&all["state"], &all["bad_values"], &all["rejected_rows"]), (&"published".into(), &3.into(), &1.into()));
    assert_eq!(all["rejects"][0]["byte_offset"], BAD.find("2,Elm").unwrap());
}

#[test]
fn what_is_shown_can_be_narrowed() {
    let city = city();
    let lines = |arguments: &[&str]| {
        let rejects = report(&city, arguments)["rejects"].clone();
        rejects.as_array().unwrap().iter().filter_map(|reject| reject["line"].as_i64()).collect::<Vec<_>>()
    };
    assert_eq!(lines(&["--column", "height"]), [4, 6]);
    assert_eq!(lines(&["--code", "no_value"]), [5]);
    assert_eq!(lines(&["--file", "other.csv"]), [0_i64; 0]);
    assert_eq!(lines(&["--limit", "1"]), [4]);
    let first = report(&city, &[])["run"].as_str().unwrap().to_owned();
    city.publish("trees.csv", BAD.replace("7 m", "7"));
    city.load().is(Outcome::Published);
    assert_eq!(lines(&[]), [4, 5]);
    assert_eq!(lines(&["--run", &first]), [4, 5, 6]);
    let none = city.command(&["rejects", "trees", "--run", "00000000-0000-0000-0000-000000000000"]).run().unwrap();
    none.expect_code(78);
}

#[test]
fn what_was_rejected_is_nobodys_business() {
    let city = city();
    let reader = &city.reader;
    let may = city.value(&format!(
        "SELECT bool_or(has_table_privilege('{reader}', c.oid, 'SELECT')) FROM pg_class c
        WHERE c.relnamespace = 'freshet'::regnamespace AND c.relname LIKE 'reject%' AND c.relkind = 'r'"
    ));
    assert_eq!(may, "f");
}

#[test]
fn an_apostrophe_breaks_nothing_that_is_told_and_no_name_is_mangled() {
    let city = City::new();
    city.edit_manifest("title: Street trees", "title: The city's trees");
    city.edit_manifest("height: numeric", "residential_sid: numeric");
    city.edit_manifest("    expect: {rows: 3}", ALLOWED);
    let rows = "id,species,planted,Residential SID\n1,O'Brien's oak,,1\n2,Elm,,it's '); DROP TABLE trees; --\n3,Fir,,\\'\n4,Ash,,4\n5,Yew,,5\n";
    city.publish("trees.csv", rows);
    city.load().is(Outcome::Published);
    assert_eq!(city.value("SELECT species FROM public.trees WHERE residential_sid = 1"), "O'Brien's oak");
    assert_eq!(
        city.rows("SELECT column_name, raw FROM freshet.rejects ORDER BY line"),
        ["residential_sid|it's '); DROP TABLE trees; --", "residential_sid|\\'"]
    );
    // A failure whose own words have apostrophes is in the ledger as it was told.
    city.sql(
        "CREATE FUNCTION public.refuse() RETURNS trigger LANGUAGE plpgsql AS
             $$ BEGIN RAISE EXCEPTION 'nobody''s tree'; END $$;
         CREATE TRIGGER refused BEFORE INSERT ON public.trees FOR EACH ROW EXECUTE FUNCTION public.refuse()",
    );
    city.edit_manifest("    primary_key: id\n", "    primary_key: id\n    load: {upsert: id}\n");
    city.publish("trees.csv", format!("{rows}6,Box,,6\n"));
    assert_ne!(city.load().run.code(), Some(0));
    let told = city.runs().last().unwrap().message.clone();
    assert!(told.contains("nobody's tree"), "{told}");
    assert_eq!(city.value("SELECT count(*) FROM public.trees"), "5");
}
