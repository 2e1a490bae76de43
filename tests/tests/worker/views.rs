//! Views that belong to a dataset: live together with its tables or not at all, the same objects from then on, and never in
//! the place of somebody else's.

use freshet_tests::postgres::{PostgresCluster, connect};
use manifest::run::Outcome;
use tokio::runtime::Runtime;

use crate::support::{City, Failure, TREES, Told};

const CONFIGURATION: i32 = 78;

const VIEWS: &str = "    expect: {rows: 3}
views:
  initials: {query: initials.sql}
  tall: {query: tall.sql}
  species_count: {query: species_count.sql, materialized: true, primary_key: species, indexes: [trees]}
";

/// The outer one stands first in the manifest.
const INITIALS: &str = "SELECT left(species, 1) AS initial, id FROM tall";
const TALL: &str = "SELECT id, species, height FROM trees WHERE height > 5;";
const SPECIES_COUNT: &str = "SELECT species, count(*) AS trees FROM trees GROUP BY species";

const OAKS: &str = "id,species,planted,height\n1,Oak,,10\n2,Oak,,20\n3,Elm,,30\n";

fn city_with_views() -> City {
    let city = City::new();
    city.put("initials.sql", INITIALS);
    city.put("tall.sql", TALL);
    city.put("species_count.sql", SPECIES_COUNT);
    city.edit_manifest("    expect: {rows: 3}\n", VIEWS);
    city.sql(&format!(
        "ALTER DEFAULT PRIVILEGES FOR ROLE {} IN SCHEMA public GRANT SELECT ON TABLES TO {}",
        city.loader, city.reader
    ));
    city
}

#[test]
fn views_go_live_with_their_tables_and_stay_the_objects_that_they_are() {
    let city = city_with_views();
    city.load().is(Outcome::Published);
    assert_eq!(city.rows("SELECT * FROM public.initials ORDER BY id"), ["O|1", "E|2"]);
    assert_eq!(city.value("SELECT count(*) FROM public.species_count"), "4");
    let may = "SELECT string_agg(relname, ' ' ORDER BY relname) FROM pg_class
               WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'v', 'm')
                 AND has_table_privilege((SELECT oid FROM pg_roles WHERE rolname = 'READER'), oid, 'SELECT')";
    assert_eq!(city.value(&may.replace("READER", &city.reader)), "initials species_count tall trees");
    let mut indexes = city.rows(
        "SELECT indexrelid::regclass, indisunique FROM pg_index WHERE indrelid = 'public.species_count'::regclass",
    );
    indexes.sort();
    assert_eq!(indexes, ["species_count_species_idx|t", "species_count_trees_idx|f"]);
    city.load().is(Outcome::Unchanged);

    city.sql(&format!("SET ROLE {}; COMMENT ON VIEW public.tall IS 'over five'", city.loader));
    let plain = "SELECT oid, relname, relacl, obj_description(oid) FROM pg_class WHERE relname IN ('initials', 'tall') ORDER BY 2";
    let before = city.rows(plain);
    city.publish("trees.csv", OAKS);
    city.load().is(Outcome::Published);
    assert_eq!(city.rows(plain), before);
    assert_eq!(city.rows("SELECT * FROM public.initials ORDER BY id"), ["O|1", "O|2", "E|3"]);
    assert_eq!(city.rows("SELECT * FROM public.species_count ORDER BY 1"), ["Elm|1", "Oak|2"]);
    assert_eq!(city.value(&may.replace("READER", &city.reader)), "initials species_count tall trees");
    // And once more, now that the materialized view is another one.
    city.publish("trees.csv", TREES);
    city.load().is(Outcome::Published);
    assert_eq!(city.value("SELECT count(*) FROM public.species_count"), "4");
    assert_eq!(city.staging(), "0");
}

#[test]
fn a_materialized_view_over_upserted_rows_shows_them_after_each_publish() {
    let city = city_with_views();
    city.edit_manifest("    primary_key: id\n", "    primary_key: id\n    load: {upsert: id}\n");
    city.load().is(Outcome::Published);
    assert_eq!(city.value("SELECT count(*) FROM public.species_count"), "4");
    let view = "SELECT 'public.species_count'::regclass::oid";
    let first = city.value(view);

    city.publish("trees.csv", OAKS);
    let loaded = city.load();
    let refreshed = loaded.is(Outcome::Published).fact("refreshed");
    assert_eq!(refreshed["view"], "materialized view public.species_count");
    assert_eq!(city.rows("SELECT * FROM public.species_count ORDER BY 1"), ["Elm|1", "Linden|1", "Oak|2"]);
    assert_eq!(city.value(view), first);

    // One that is declared later is filled with what is live, and then with what has come.
    city.put("heights.sql", "SELECT id, height FROM trees");
    city.edit_manifest("  tall:", "  heights: {query: heights.sql, materialized: true, primary_key: id}\n  tall:");
    city.publish("trees.csv", format!("{OAKS}9,Birch,,40\n"));
    city.load().is(Outcome::Published);
    assert_eq!(city.rows("SELECT * FROM public.heights ORDER BY 1"), ["1|10", "2|20", "3|30", "4|3.25", "9|40"]);
    assert_eq!(
        city.value(
            "SELECT has_table_privilege('READER', 'public.heights', 'SELECT')".replace("READER", &city.reader).as_str()
        ),
        "t"
    );
    assert_eq!(city.value("SELECT count(*) FROM freshet.lagging_views"), "0");
    assert_eq!(city.staging(), "0");
    city.load().is(Outcome::Unchanged);

    // A run that was killed before it could refresh them: the next makes up for it.
    city.sql(
        "UPDATE public.trees SET height = 41 WHERE id = 9;
         INSERT INTO freshet.lagging_views VALUES ('trees', 'public', 'heights'), ('trees', 'public', 'gone')",
    );
    let made_up = city.load();
    assert_eq!(made_up.is(Outcome::Unchanged).fact("refreshed")["view"], "materialized view public.heights");
    assert_eq!(city.value("SELECT height FROM public.heights WHERE id = 9"), "41");
    assert_eq!(city.value("SELECT count(*) FROM freshet.lagging_views"), "0");
}

#[test]
fn a_view_that_takes_too_long_to_fill_ends_the_run_in_time() {
    let city = City::with_live_trees();
    city.put("slow.sql", "SELECT species, count(pg_sleep(60)) AS slow FROM trees GROUP BY species");
    city.edit_manifest("    expect: {rows: 3}\n", "views: {slow: {query: slow.sql, materialized: true}}\n");
    city.fails(
        &city.call(&["trees"]).env("FRESHET_TIMEOUT", "5"),
        &Failure {
            exit: 69,
            code: "deadline",
            says: &["materialized views are filled", "the loaded rows stay in staging"],
            ledger: Told::FailedKeeping,
        },
    );
}

#[test]
fn a_view_whose_select_changes_is_replaced_and_one_that_was_dropped_comes_back() {
    let city = city_with_views();
    city.load().is(Outcome::Published);
    let oid = "SELECT 'public.tall'::regclass::oid";
    let before = city.value(oid);
    city.put("tall.sql", "SELECT id, species, height, planted FROM trees WHERE height > 10");
    city.load().is(Outcome::Published);
    assert_eq!(city.rows("SELECT id, planted FROM public.tall"), ["1|2001-03-04"]);
    assert_eq!(city.rows("SELECT * FROM public.initials"), ["O|1"]);
    assert_eq!(city.value(oid), before);

    city.sql("DROP VIEW public.initials; DROP MATERIALIZED VIEW public.species_count");
    city.load().is(Outcome::Published);
    assert_eq!(city.rows("SELECT * FROM public.initials"), ["O|1"]);
    assert_eq!(city.value("SELECT count(*) FROM public.species_count"), "4");
    city.load().is(Outcome::Unchanged);
}

#[test]
fn a_table_and_its_view_may_change_together() {
    let city = city_with_views();
    city.publish("trees.csv", OAKS);
    city.load().is(Outcome::Published);
    let oid = "SELECT 'public.tall'::regclass::oid";
    let before = city.value(oid);
    // Of the new column the old SELECT would make a view of other types, which PostgreSQL does not take.
    city.edit_manifest("height: numeric", "height: integer");
    city.put("tall.sql", "SELECT id, species, height::numeric AS height FROM trees WHERE height > 15");
    city.load().is(Outcome::Published);
    assert_eq!(city.rows("SELECT * FROM public.initials ORDER BY id"), ["O|2", "E|3"]);
    assert_eq!(city.value(oid), before);
}

#[test]
fn a_view_that_cannot_be_replaced_is_refused_with_what_to_do() {
    let city = city_with_views();
    city.load().is(Outcome::Published);
    city.put("initials.sql", "SELECT id FROM tall");
    let failed = city.load();
    failed.run.expect_code(CONFIGURATION);
    let failed = failed.fact("failed");
    assert_eq!(failed["code"], "view_fixed");
    let advice = failed["advice"].as_str().unwrap();
    assert!(advice.contains("DROP VIEW \"public\".\"initials\", and the next load makes it anew"), "{advice}");
    city.sql("DROP VIEW public.initials");
    city.load().is(Outcome::Published);
    assert_eq!(city.rows("SELECT * FROM public.initials ORDER BY 1"), ["1", "2"]);

    city.put("species_count.sql", "SELECT species, max(height) AS trees FROM trees GROUP BY species");
    let failed = city.load();
    failed.run.expect_code(CONFIGURATION);
    let advice = failed.fact("failed")["advice"].as_str().unwrap().to_owned();
    assert!(advice.contains("DROP MATERIALIZED VIEW \"public\".\"species_count\""), "{advice}");
    city.sql("DROP MATERIALIZED VIEW public.species_count");
    city.load().is(Outcome::Published);
    assert_eq!(city.value("SELECT trees FROM public.species_count WHERE species = 'Oak'"), "12.5");
}

#[test]
fn a_view_that_somebody_else_made_is_never_touched() {
    let city = City::with_live_trees();
    city.put("tall.sql", TALL);
    city.edit_manifest("    expect: {rows: 3}\n", "    expect: {rows: 3}\nviews: {tall_trees: {query: tall.sql}}\n");
    city.fails(
        &city.call(&["trees"]),
        &Failure {
            exit: CONFIGURATION,
            code: "view_taken",
            says: &["public.tall_trees exists and was not made by this dataset", "give the view another name"],
            ledger: Told::Failed,
        },
    );
}

#[test]
fn a_view_that_is_not_declared_any_more_stays_and_is_told() {
    let city = city_with_views();
    city.load().is(Outcome::Published);
    city.edit_manifest("  initials: {query: initials.sql}\n", "");
    let finished = city.load();
    let told = finished.is(Outcome::Published).fact("notice")["detail"].as_str().unwrap().to_owned();
    assert_eq!(told, "the view initials is not declared any more and stays as it is: drop it when nobody reads it");
    assert_eq!(city.rows("SELECT * FROM public.initials ORDER BY id"), ["O|1", "E|2"]);
}

#[test]
fn a_snapshot_older_than_the_load_sees_all_rows_of_a_new_materialized_view() {
    let city = city_with_views();
    let runtime = Runtime::new().unwrap();
    let reader = runtime.block_on(connect(&PostgresCluster::shared().superuser_url_of(&city.database))).unwrap();
    runtime.block_on(reader.batch_execute("BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT 1")).unwrap();
    city.load().is(Outcome::Published);
    let row = runtime.block_on(reader.query_one("SELECT count(*) FROM public.species_count", &[])).unwrap();
    assert_eq!(row.get::<_, i64>(0), 4);
}

#[test]
fn views_that_do_not_hold_are_refused_before_anything_is_read() {
    let refuses = |sql: &str, materialized: &str, code: &str, says: &[&str]| {
        let city = City::with_live_trees();
        city.put("plain.sql", "SELECT id FROM trees");
        city.put("other.sql", sql);
        let views = format!(
            "    expect: {{rows: 3}}\nviews: {{plain: {{query: plain.sql}}, other: {{query: other.sql{materialized}}}}}\n"
        );
        city.edit_manifest("    expect: {rows: 3}\n", &views);
        city.publisher.forget_requests();
        city.fails(&city.call(&["trees"]), &Failure { exit: CONFIGURATION, code, says, ledger: Told::Failed });
        assert_eq!(city.publisher.requests(), [], "the publisher was asked");
    };
    refuses("SELECT id,\n hight FROM trees", "", "query", &["other.sql, line 2: column \"hight\" does not exist"]);
    refuses("SELECT id FROM plain", ", materialized: true", "view_reads_view", &["other reads plain"]);
    refuses("SELECT id FROM public.trees", ", materialized: true", "query_reads_live", &["other reads public.trees"]);
}
