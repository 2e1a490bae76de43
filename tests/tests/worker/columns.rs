//! Columns that a table takes from its source (`"*": source`), from the first load to going back.

use manifest::run::Outcome;

use crate::support::City;

const LIVE: &str = "SELECT string_agg(attname || ' ' || format_type(atttypid, atttypmod), ', ' ORDER BY attnum)
    FROM pg_attribute WHERE attrelid = 'public.trees'::regclass AND attnum > 0 AND NOT attisdropped";

/// A city whose trees are GeoJSON without declared columns.
fn city() -> City {
    let city = City::new();
    city.edit_manifest("trees.csv\", file: trees.csv", "trees.geojson\", file: trees.geojson");
    let columns =
        "      id: integer not null\n      species: text not null\n      planted: date\n      height: numeric\n";
    city.edit_manifest(columns, "      id: integer not null\n      \"*\": source\n");
    city.publish("trees.geojson", trees(&["Oak", "Elm", "Linden"]));
    city
}

fn trees(species: &[&str]) -> String {
    let features: Vec<String> = species
        .iter()
        .enumerate()
        .map(|(id, name)| {
            format!(
                r#"{{"type":"Feature","geometry":null,"properties":{{"id":{id},"species":"{name}","height":{id}.5}}}}"#
            )
        })
        .collect();
    format!(r#"{{"type":"FeatureCollection","features":[{}]}}"#, features.join(","))
}

#[test]
fn a_source_that_tells_its_columns_is_not_read_to_learn_that_it_is_the_same() {
    let city = city();
    city.load().is(Outcome::Published);
    let columns = city.value(LIVE);
    assert!(columns.starts_with("id integer, species text, height "), "{columns}");
    city.publisher.forget_requests();
    city.load().is(Outcome::Unchanged);
    let asked: Vec<_> =
        city.publisher.requests_for("trees.geojson").iter().map(|asked| (asked.status, asked.sent)).collect();
    assert_eq!(asked, [(304, 0)]);
    let girths = trees(&["Oak", "Elm", "Linden", "Ash"]).replace("\"height\"", "\"girth\":1.5,\"height\"");
    city.publish("trees.geojson", girths);
    city.load().is(Outcome::Published);
    assert_eq!(city.value("SELECT count(girth) FROM public.trees"), "4", "a column that is new comes along");
}

#[test]
fn what_told_its_columns_can_be_published_later_and_taken_back() {
    let city = city();
    city.load().is(Outcome::Published);
    let columns = city.value(LIVE);
    city.edit_manifest("expect: {rows: 3}", "expect: {rows: 5}");
    city.publish("trees.geojson", trees(&["Oak", "Elm", "Linden", "Ash"]));
    city.load().run.expect_code(65);
    city.edit_manifest("expect: {rows: 5}", "expect: {rows: 3}");
    city.follow(&city.command(&["publish", "trees"])).is(Outcome::Published);
    assert_eq!((city.value("SELECT count(*) FROM public.trees"), city.value(LIVE)), ("4".to_owned(), columns.clone()));
    city.follow(&city.command(&["rollback", "trees"])).is(Outcome::Published);
    assert_eq!((city.value("SELECT count(*) FROM public.trees"), city.value(LIVE)), ("3".to_owned(), columns));
}
