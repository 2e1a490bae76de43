//! Tables made by queries: in the order in which they read each other, from rows of this very load, and again when what they
//! read has changed.

use freshet_tests::postgres::{PostgresCluster, connect};
use manifest::run::Outcome;
use tokio::runtime::Runtime;

use crate::stopping::hold;
use crate::support::{City, Failure, Told, start, until};

const UNAVAILABLE: i32 = 69;
const PERMISSION: i32 = 77;
const CONFIGURATION: i32 = 78;

/// Two derived tables, the outer one first.
const TABLES: &str = "    expect: {rows: 3}
  tallest:
    query: tallest.sql
    primary_key: initial
  heights:
    query: heights.sql
    primary_key: id
    indexes: [initial]
";

const TALLEST: &str = "SELECT initial, max(height) AS height, count(*) AS trees FROM heights GROUP BY initial;\n";

const HEIGHTS: &str = "-- Every tree with what it is filed under.
SELECT id, left(species, 1)::char(1) AS initial, height::numeric(6,2), species::citext AS species
FROM trees
";

fn city_with_queries() -> City {
    let city = City::new();
    city.sql("CREATE EXTENSION citext SCHEMA public");
    city.put("tallest.sql", TALLEST);
    city.put("heights.sql", HEIGHTS);
    city.edit_manifest("    expect: {rows: 3}\n", TABLES);
    city
}

/// A second dataset, made from the trees alone.
fn city_with_summary() -> City {
    let city = City::new();
    city.put("species.sql", "SELECT species, count(*) AS trees FROM trees GROUP BY 1");
    city.put(
        "species.yml",
        "dataset: species\ntitle: Species\npublisher: derived\ndepends_on: trees\n\
         tables: {species: {query: species.sql, primary_key: species}}\n",
    );
    city
}

#[test]
fn derived_tables_are_made_of_the_rows_of_this_load_in_the_order_in_which_they_read_each_other() {
    let city = city_with_queries();
    let finished = city.load();
    let record = finished.is(Outcome::Published).record();
    assert_eq!(record.tables.len(), 3);
    assert_eq!(record.rows, 12);
    assert_eq!(city.rows("SELECT * FROM public.tallest ORDER BY 1"), ["E|8.00|1", "G|NULL|1", "L|3.25|1", "O|12.50|1"]);
    assert_eq!(
        city.rows(
            "SELECT attname, format_type(atttypid, atttypmod), attnotnull FROM pg_attribute
             WHERE attrelid = 'public.heights'::regclass AND attnum > 0 ORDER BY attnum"
        ),
        ["id|integer|t", "initial|character(1)|f", "height|numeric(6,2)|f", "species|citext|f"]
    );
    let indexes = "SELECT indexrelid::regclass FROM pg_index
                   WHERE indrelid IN ('public.heights'::regclass, 'public.tallest'::regclass) ORDER BY 1::text";
    let mut names = city.rows(indexes);
    names.sort();
    assert_eq!(names, ["heights_initial_idx", "heights_pkey", "tallest_pkey"]);
    assert_eq!(
        city.rows("SELECT table_name, rows FROM freshet.run_tables ORDER BY table_name"),
        ["heights|4", "tallest|4", "trees|4"]
    );
    let derived: Vec<&str> = finished
        .facts
        .iter()
        .filter(|fact| fact["event"] == "derived")
        .filter_map(|fact| fact["table"].as_str())
        .collect();
    assert_eq!(derived, ["heights", "tallest"]);

    // With the same file there is nothing to do; with another one the derived rows follow.
    city.load().is(Outcome::Unchanged);
    city.publish("trees.csv", "id,species,planted,height\n1,Oak,,1\n2,Ash,,2\n3,Alder,,3\n");
    city.load().is(Outcome::Published);
    assert_eq!(city.rows("SELECT * FROM public.tallest ORDER BY 1"), ["A|3.00|2", "O|1.00|1"]);
}

#[test]
fn what_hangs_on_a_derived_table_survives_and_its_query_may_change() {
    let city = city_with_queries();
    city.load().is(Outcome::Published);
    city.sql(&format!(
        "SET ROLE {}; GRANT SELECT ON public.tallest TO {reader}; COMMENT ON COLUMN public.tallest.trees IS 'how many';
         CREATE VIEW public.high AS SELECT initial FROM public.tallest WHERE height > 5",
        city.loader,
        reader = city.reader
    ));
    let hangs = "SELECT relacl, col_description(oid, 3), (SELECT oid FROM pg_class WHERE relname = 'high')
                 FROM pg_class WHERE oid = 'public.tallest'::regclass";
    let before = city.rows(hangs);
    city.put("tallest.sql", &TALLEST.replace("count(*) AS trees", "count(*) AS trees, min(height) AS least"));
    city.load().is(Outcome::Published);
    assert_eq!(city.rows(hangs), before);
    assert_eq!(
        city.rows("SELECT initial, least FROM public.tallest WHERE least > 5 ORDER BY 1"),
        ["E|8.00", "O|12.50"]
    );
    assert_eq!(city.rows("SELECT initial FROM public.high ORDER BY 1"), ["E", "O"]);
}

#[test]
fn derived_tables_are_left_out_where_a_table_that_they_may_read_has_no_file() {
    let city = city_with_queries();
    city.edit_manifest("  tallest:\n", "  parks:\n    sources: [{url: \"https://example.org/parks.csv\", file: parks.csv}]\n    columns: {name: text}\n  tallest:\n");
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("trees.csv"), crate::support::TREES).unwrap();
    let from = folder.path().to_str().unwrap();
    let record = city.follow(&city.call(&["trees", "--from", from, "--partial"])).is(Outcome::Published).record();
    assert_eq!(record.tables.keys().collect::<Vec<_>>(), ["trees"]);
    std::fs::write(folder.path().join("parks.csv"), "name\nCentral\n").unwrap();
    let record = city.follow(&city.call(&["trees", "--from", from, "--partial"])).is(Outcome::Published).record();
    assert_eq!(record.tables.keys().collect::<Vec<_>>(), ["heights", "parks", "tallest", "trees"]);
}

#[test]
fn a_snapshot_older_than_the_load_sees_all_derived_rows() {
    let city = city_with_queries();
    let runtime = Runtime::new().unwrap();
    let reader = runtime.block_on(connect(&PostgresCluster::shared().superuser_url_of(&city.database))).unwrap();
    let ask = |sql: &str| runtime.block_on(reader.batch_execute(sql)).unwrap();
    ask("BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT 1");
    city.load().is(Outcome::Published);
    let row = runtime.block_on(reader.query_one("SELECT count(*) FROM public.tallest", &[])).unwrap();
    assert_eq!(row.get::<_, i64>(0), 4);
    ask("COMMIT");
}

#[test]
fn a_dataset_made_from_another_one_is_loaded_when_that_one_was_published_and_only_then() {
    let city = city_with_summary();
    let species = |arguments: &[&str]| city.follow(&city.call(&[&["species"], arguments].concat()));
    let too_early = species(&[]);
    too_early.run.expect_code(UNAVAILABLE);
    let told = too_early.fact("failed");
    assert_eq!(told["code"], "upstream_unpublished");
    assert_eq!(told["message"], "species depends on trees, which has never been published here");
    assert_eq!(told["advice"], "load trees first, into the same database");

    city.load().is(Outcome::Published);
    species(&[]).is(Outcome::Published);
    assert_eq!(city.value("SELECT count(*) FROM public.species"), "4");
    species(&[]).is(Outcome::Unchanged);
    species(&["--force"]).is(Outcome::Published);

    city.publish("trees.csv", "id,species,planted,height\n1,Oak,,1\n2,Oak,,2\n3,Oak,,3\n");
    species(&[]).is(Outcome::Unchanged);
    city.load().is(Outcome::Published);
    species(&[]).is(Outcome::Published);
    assert_eq!(city.rows("SELECT * FROM public.species"), ["Oak|3"]);
}

#[test]
fn a_query_over_what_nobody_notes_changes_of_is_run_every_time() {
    let city = city_with_summary();
    city.sql(&format!(
        "CREATE TABLE public.names (species text, name text); GRANT SELECT ON public.names TO {}",
        city.loader
    ));
    city.put("species.sql", "SELECT species, max(name) AS name FROM trees LEFT JOIN names USING (species) GROUP BY 1");
    city.load().is(Outcome::Published);
    for _ in 0..2 {
        city.follow(&city.call(&["species"])).is(Outcome::Published);
    }
    city.put("species.yml", &SPECIES_WITHOUT_UPSTREAM.replace('|', "\n"));
    let finished = city.follow(&city.call(&["species"]));
    let notice = finished.is(Outcome::Published).fact("notice")["detail"].as_str().unwrap().to_owned();
    assert!(notice.contains("reads public.trees of the dataset trees: name it in `depends_on`"), "{notice}");
}

const SPECIES_WITHOUT_UPSTREAM: &str =
    "dataset: species|title: Species|publisher: derived|tables: {species: {query: species.sql, primary_key: species}}|";

#[test]
fn what_is_published_while_queries_read_it_is_read_again() {
    let city = city_with_summary();
    city.sql(&format!("CREATE TABLE public.gate (); GRANT SELECT ON public.gate TO {}", city.loader));
    city.put("species.sql", "SELECT species, count(*) AS trees FROM (SELECT count(*) FROM gate) g, trees GROUP BY 1");
    city.load().is(Outcome::Published);
    let gate = hold(&city, "BEGIN; LOCK TABLE public.gate");
    let species = start(&city.call(&["species"]));
    let waits = "SELECT count(*) FROM pg_locks WHERE NOT granted AND relation = 'public.gate'::regclass";
    until("the query waits", || city.value(waits) == "1");
    city.publish("trees.csv", "id,species,planted,height\n1,Oak,,1\n2,Oak,,2\n3,Oak,,3\n");
    city.load().is(Outcome::Published);
    drop(gate);
    let finished = city.finish(species);
    let told = finished.is(Outcome::Published).fact("notice")["detail"].as_str().unwrap().to_owned();
    assert!(told.contains("was published meanwhile"), "{told}");
    assert_eq!(city.rows("SELECT * FROM public.species"), ["Oak|3"]);
}

/// A city whose trees are live, with this query beside them, which is to be refused.
fn refuses(query: &str, exit: i32, code: &str, says: &[&str]) {
    let city = City::with_live_trees();
    city.put("heights.sql", query);
    city.edit_manifest(
        "    expect: {rows: 3}\n",
        "    expect: {rows: 3}\n  heights: {query: heights.sql, primary_key: id}\n",
    );
    city.fails(&city.call(&["trees"]), &Failure { exit, code, says, ledger: Told::Failed });
}

#[test]
fn a_query_that_names_the_schema_of_its_own_dataset_would_read_old_rows() {
    refuses(
        "SELECT id FROM public.trees",
        CONFIGURATION,
        "query_reads_live",
        &["the query of heights reads public.trees", "old ones", "write trees without its schema"],
    );
}

#[test]
fn a_query_over_a_view_of_its_own_dataset_would_read_old_rows() {
    refuses(
        "SELECT id FROM tall_trees",
        CONFIGURATION,
        "query_reads_live",
        &["the query of heights reads public.trees through the view public.tall_trees", "write what the view selects"],
    );
}

#[test]
fn a_query_that_does_not_hold_is_refused_with_its_line_before_anything_is_read() {
    refuses(
        "-- Heights.\nSELECT id,\n       hight\nFROM trees",
        CONFIGURATION,
        "query",
        &["the query of heights does not hold: heights.sql, line 3: column \"hight\" does not exist"],
    );
    refuses(
        "SELECT id FROM treez",
        CONFIGURATION,
        "query",
        &["heights.sql, line 1: relation \"treez\" does not exist"],
    );
    refuses(
        "SELECT species FROM trees",
        CONFIGURATION,
        "query_columns",
        &["`primary_key` of heights names the column id"],
    );
    refuses("SELECT id, count(*) AS \"N\" FROM trees GROUP BY id", CONFIGURATION, "query_columns", &["`N`", "with AS"]);
}

#[test]
fn a_query_that_writes_by_a_function_is_refused() {
    let city = City::with_live_trees();
    city.sql(&format!(
        "CREATE TABLE public.log (at timestamptz); GRANT ALL ON public.log TO {};
         CREATE FUNCTION public.noted() RETURNS integer LANGUAGE sql VOLATILE
             AS 'INSERT INTO public.log VALUES (now()) RETURNING 1'",
        city.loader
    ));
    city.put("heights.sql", "SELECT id, noted() FROM trees");
    city.edit_manifest("    expect: {rows: 3}\n", "    expect: {rows: 3}\n  heights: {query: heights.sql}\n");
    let says = &["the query of heights (heights.sql) failed: cannot execute INSERT in a read-only transaction"];
    let refused = Failure { exit: CONFIGURATION, code: "query", says, ledger: Told::Failed };
    city.fails(&city.call(&["trees"]), &refused);
    assert_eq!(city.value("SELECT count(*) FROM public.log"), "0");
}

#[test]
fn queries_that_read_each_other_are_refused_by_name() {
    for live in [false, true] {
        let city = City::with_live_trees();
        if live {
            city.sql(&format!(
                "SET ROLE {}; CREATE TABLE public.a (id integer); CREATE TABLE public.b (id integer)",
                city.loader
            ));
        }
        city.put("a.sql", "SELECT id FROM b");
        city.put("b.sql", "SELECT id FROM a");
        city.edit_manifest(
            "    expect: {rows: 3}\n",
            "    expect: {rows: 3}\n  a: {query: a.sql}\n  b: {query: b.sql}\n",
        );
        let says = &["no order can be found for a, b", "each reads a table that is not made yet"];
        let circle = Failure { exit: CONFIGURATION, code: "query_circle", says, ledger: Told::Failed };
        city.fails(&city.call(&["trees"]), &circle);
    }
}

#[test]
fn a_query_is_run_by_the_owner_of_its_table_and_the_rights_it_lacks_are_named() {
    let city = city_with_summary();
    city.load().is(Outcome::Published);
    city.follow(&city.call(&["species"])).is(Outcome::Published);
    // The reader's own table from now on.
    city.sql(&format!(
        "GRANT {reader} TO {loader}; GRANT CREATE ON SCHEMA public TO {reader};
         ALTER TABLE public.species OWNER TO {reader}",
        reader = city.reader,
        loader = city.loader
    ));
    let failed = city.follow(&city.call(&["species", "--force"]));
    failed.run.expect_code(PERMISSION);
    let advice = failed.fact("failed")["advice"].as_str().unwrap().to_owned();
    assert!(advice.contains(&format!("GRANT SELECT ON \"public\".\"trees\" TO \"{}\"", city.reader)), "{advice}");
    city.sql(&format!("GRANT SELECT ON public.trees TO {}", city.reader));
    city.follow(&city.call(&["species", "--force"])).is(Outcome::Published);
    let owner = "SELECT relowner::regrole FROM pg_class WHERE oid = 'public.species'::regclass";
    assert_eq!(city.value(owner), city.reader);
}

#[test]
fn too_few_derived_rows_keep_the_whole_dataset_out() {
    let city = City::with_live_trees();
    city.put("high.sql", "SELECT id FROM trees WHERE height > 100");
    city.edit_manifest(
        "    expect: {rows: 3}\n",
        "    expect: {rows: 3}\n  high: {query: high.sql, primary_key: id}\n",
    );
    city.publish("trees.csv", "id,species,planted,height\n1,Oak,,1\n2,Ash,,2\n3,Alder,,3\n");
    let refused = Failure { exit: 65, code: "guard_empty", says: &["high has no rows"], ledger: Told::Refused };
    city.fails(&city.call(&["trees"]), &refused);
}
