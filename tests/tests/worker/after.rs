//! The SQL that follows a publish: over live rows, once for each generation, all or nothing, and never on what was loaded.

use manifest::run::Outcome;

use crate::stopping::hold;
use crate::support::City;

const UNAVAILABLE: i32 = 69;
const CONFIGURATION: i32 = 78;

/// A table that no dataset has, filled anew each time, and a function over the trees.
const SUMMARY: &str = "-- What it does bears being done again.
CREATE TABLE IF NOT EXISTS counted (trees bigint, times integer);
INSERT INTO counted SELECT 0, 0 WHERE NOT EXISTS (SELECT FROM counted);
UPDATE counted SET trees = (SELECT count(*) FROM trees), times = times + 1;
CREATE OR REPLACE FUNCTION trees_of(given text) RETURNS bigint LANGUAGE sql STABLE
    AS $$ SELECT count(*) FROM public.trees WHERE species = given; $$;
";

fn city_with_summary() -> City {
    let city = City::new();
    city.put("summary.sql", SUMMARY);
    city.edit_manifest("    expect: {rows: 3}\n", "    expect: {rows: 3}\nafter: summary.sql\n");
    city
}

#[test]
fn what_follows_a_publish_sees_the_new_rows_and_runs_once_for_them() {
    let city = city_with_summary();
    let finished = city.load();
    assert_eq!(finished.is(Outcome::Published).fact("followed")["files"][0], "summary.sql");
    assert_eq!(city.rows("SELECT * FROM public.counted"), ["4|1"]);
    city.load().is(Outcome::Unchanged);
    assert_eq!(city.rows("SELECT * FROM public.counted"), ["4|1"]);
    city.publish("trees.csv", "id,species,planted,height\n1,Oak,,1\n2,Oak,,2\n3,Oak,,3\n");
    city.load().is(Outcome::Published);
    assert_eq!(city.rows("SELECT * FROM public.counted"), ["3|2"]);
}

#[test]
fn functions_that_it_makes_survive_and_see_each_load() {
    let city = city_with_summary();
    city.load().is(Outcome::Published);
    let function = "SELECT oid, proacl FROM pg_proc WHERE proname = 'trees_of'";
    city.sql(&format!(
        "REVOKE ALL ON FUNCTION public.trees_of FROM PUBLIC; GRANT EXECUTE ON FUNCTION public.trees_of TO {}",
        city.reader
    ));
    let before = city.rows(function);
    assert_eq!(city.value("SELECT public.trees_of('Oak')"), "1");
    city.publish("trees.csv", "id,species,planted,height\n1,Oak,,1\n2,Oak,,2\n3,Oak,,3\n");
    city.load().is(Outcome::Published);
    assert_eq!(city.value("SELECT public.trees_of('Oak')"), "3");
    assert_eq!(city.rows(function), before);
}

#[test]
fn a_script_that_fails_undoes_all_scripts_and_is_made_up_for_by_the_next_run() {
    let city = city_with_summary();
    city.put("late.sql", "SELECT count(*) FROM lamps");
    city.edit_manifest("after: summary.sql\n", "after: [summary.sql, late.sql]\n");
    let failed = city.load();
    failed.run.expect_code(CONFIGURATION);
    let message = failed.record().message.unwrap();
    for word in
        ["the rows are live", "late.sql fails: relation \"lamps\" does not exist", "the next load runs it again"]
    {
        assert!(message.contains(word), "`{word}` does not stand in {message}");
    }
    assert_eq!(failed.record().code.as_deref(), Some("after"));
    assert_eq!(city.value("SELECT count(*) FROM public.trees"), "4", "the rows are live");
    assert_eq!(city.value("SELECT to_regclass('public.counted')"), "NULL");
    assert_eq!(city.states(), ["failed"]);

    // Nothing has changed but that it can run now.
    city.sql(&format!("CREATE TABLE public.lamps (id integer); GRANT SELECT ON public.lamps TO {}", city.loader));
    let generation = "SELECT generation FROM freshet.published";
    assert_eq!(city.value(generation), "1");
    city.load().is(Outcome::Unchanged);
    assert_eq!(city.rows("SELECT * FROM public.counted"), ["4|1"]);
    assert_eq!(city.value(generation), "1");
    assert_eq!(city.states(), ["failed", "unchanged"]);
}

#[test]
fn a_firing_whose_sql_has_not_run_is_no_duplicate() {
    let city = city_with_summary();
    city.put("summary.sql", "SELECT * FROM lamps");
    let firing =
        |city: &City| city.follow(&city.call(&["trees"]).env("FRESHET_SCHEDULED_TIME", "2026-03-01T08:00:00Z"));
    firing(&city).run.expect_code(CONFIGURATION);
    city.sql(&format!("CREATE TABLE public.lamps (id integer); GRANT SELECT ON public.lamps TO {}", city.loader));
    firing(&city).is(Outcome::Unchanged);
    firing(&city).is(Outcome::Duplicate);
}

/// Whatever way a script finds to change the trees, it is undone and told by name.
#[test]
fn nothing_that_follows_a_publish_writes_to_what_was_published() {
    let city = City::new();
    city.load().is(Outcome::Published);
    city.sql(&format!(
        "SET ROLE {}; CREATE VIEW public.all_trees AS SELECT * FROM public.trees;
         CREATE FUNCTION public.fell() RETURNS void LANGUAGE plpgsql AS 'BEGIN EXECUTE ''DELETE FROM public.trees''; END'",
        city.loader
    ));
    city.edit_manifest("    expect: {rows: 3}\n", "    expect: {rows: 3}\nafter: summary.sql\n");
    for script in [
        "SELECT public.fell()",
        "UPDATE all_trees SET height = 1",
        "DO $$ BEGIN EXECUTE 'TRUNC' || 'ATE public.trees'; END $$",
        "SET ROLE NONE; DO $$ BEGIN EXECUTE 'ALTER TABLE public.trees ALTER height SET DEFAULT 1'; END $$",
    ] {
        city.put("summary.sql", script);
        let failed = city.load();
        failed.run.expect_code(CONFIGURATION);
        let message = failed.record().message.unwrap();
        assert!(message.contains("summary.sql writes to trees"), "{script}: {message}");
        assert_eq!(city.value("SELECT count(*) || ' ' || sum(height) FROM public.trees"), "4 23.75", "{script}");
    }
    // Reading, and an index, are no writes.
    city.put("summary.sql", "SELECT count(*) FROM trees; CREATE INDEX IF NOT EXISTS by_height ON trees (height)");
    city.load().is(Outcome::Published);
    city.load().is(Outcome::Unchanged);
}

#[test]
fn nobody_ends_the_transaction_that_all_scripts_share() {
    let city = city_with_summary();
    city.put("summary.sql", "CREATE TABLE public.half ();\nCOMMIT;\n");
    let refused = city.load();
    refused.run.expect_code(CONFIGURATION);
    let message = refused.record().message.unwrap();
    assert!(message.contains("`commit` cannot stand here: all of `after` is one transaction"), "{message}");

    // Hidden from the manifest's reader, it meets PostgreSQL's.
    city.put("summary.sql", "CREATE TABLE public.half (); DO $$ BEGIN EXECUTE 'COMMIT'; END $$");
    let refused = city.load();
    refused.run.expect_code(CONFIGURATION);
    assert!(refused.record().message.unwrap().contains("summary.sql fails"), "{}", refused.run);
    assert_eq!(city.value("SELECT to_regclass('public.half')"), "NULL");
}

#[test]
fn what_follows_waits_for_its_own_tables_until_the_deadline() {
    let city = city_with_summary();
    city.load().is(Outcome::Published);
    city.publish("trees.csv", "id,species,planted,height\n1,Oak,,1\n2,Oak,,2\n3,Oak,,3\n");
    let busy = hold(&city, "BEGIN; LOCK TABLE public.counted");
    let failed = city.follow(&city.call(&["trees"]).env("FRESHET_TIMEOUT", "6"));
    failed.run.expect_code(UNAVAILABLE);
    assert!(failed.record().message.unwrap().contains("the rows are live"), "{}", failed.run);
    drop(busy);
    city.load().is(Outcome::Unchanged);
    assert_eq!(city.rows("SELECT * FROM public.counted"), ["3|2"]);
}
