//! Loads that change a table instead of replacing it: upserts, rows that are only added, and rows that share a key.

use manifest::run::{Outcome, RunRecord};

use crate::support::{City, Failure, TREES, Told};

/// The trees, found again by their number.
fn upserting(load: &str) -> City {
    let city = City::new();
    city.edit_manifest("    expect: {rows: 3}", &format!("    load: {load}\n    expect: {{rows: 3}}"));
    city.load().is(Outcome::Published);
    city.sql(&format!(
        "SET ROLE {}; CREATE VIEW public.tall_trees AS SELECT id, species FROM public.trees WHERE height > 5",
        city.loader
    ));
    city
}

const TREES_NOW: &str = "SELECT id, species, planted FROM public.trees ORDER BY id";

/// Inserted, updated, deleted, unchanged.
fn counts(record: &RunRecord) -> Option<[u64; 4]> {
    let changes = record.tables["trees"].changes?;
    Some([changes.inserted, changes.updated, changes.deleted, changes.unchanged])
}

#[test]
fn an_upsert_writes_what_differs_and_tells_it() {
    let city = upserting("{upsert: id, deletes: apply, max_deletes: 25%}");
    let table = "SELECT c.oid, c.relfilenode FROM pg_class c WHERE c.oid = 'public.trees'::regclass";
    let (before, first) = (city.rows(table), city.rows("SELECT xmin FROM public.trees WHERE id = 1"));
    city.publish("trees.csv", TREES.replace("Elm", "Wych elm").replace("3,\"Ginkgo \"\"Saratoga\"\"\"", "7,Ginkgo"));
    let finished = city.load();
    let record = finished.is(Outcome::Published).record();
    assert_eq!(counts(&record), Some([1, 1, 1, 2]));
    assert_eq!((record.rows, record.tables["trees"].rows), (4, 4));
    let fact = finished.fact("merged");
    assert_eq!(
        (fact["table"].as_str(), fact["inserted"].as_u64(), fact["deleted"].as_u64()),
        (Some("trees"), Some(1), Some(1))
    );
    assert_eq!(
        city.rows(TREES_NOW),
        ["1|Oak|2001-03-04", "2|Wych elm|1999-11-30", "4|Linden|2015-10-10", "7|Ginkgo|2010-04-01"]
    );
    assert_eq!((city.rows(table), city.rows("SELECT xmin FROM public.trees WHERE id = 1")), (before, first));
    assert_eq!(city.rows("SELECT species FROM public.tall_trees ORDER BY id"), ["Oak", "Wych elm"]);
    let ledger = "SELECT rows, inserted, updated, deleted, unchanged FROM freshet.run_tables ORDER BY loaded";
    assert_eq!(city.rows(ledger), ["4|NULL|NULL|NULL|NULL", "4|1|1|1|2"]);
    city.load().is(Outcome::Unchanged);
    assert_eq!(city.staging(), "0");
}

#[test]
fn a_source_that_lost_too_many_rows_deletes_none() {
    let city = upserting("{upsert: id, deletes: apply}");
    city.publish("trees.csv", "id,species,planted,height\n1,Oak,,\n2,Elm,,\n3,Ginkgo,,\n");
    city.fails(
        &city.call(&["trees", "--force"]),
        &Failure {
            exit: 65,
            code: "guard_deletes",
            says: &["the source lacks 1 of 4 live rows, and at most 10% may be deleted"],
            ledger: Told::Refused,
        },
    );
}

#[test]
fn a_column_that_the_live_table_lacks_is_asked_for_before_anything_is_read() {
    let city = upserting("{upsert: id}");
    city.edit_manifest("      height: numeric\n", "      height: numeric\n      bark: text\n");
    city.edit_manifest("    indexes: [species]", "    indexes: [species]\n    optional: [bark]");
    let fetched = city.publisher.requests().len();
    city.fails(
        &city.call(&["trees"]),
        &Failure {
            exit: 78,
            code: "table_differs",
            says: &["ALTER TABLE \"public\".\"trees\" ADD COLUMN \"bark\" text"],
            ledger: Told::Failed,
        },
    );
    assert_eq!(city.publisher.requests().len(), fetched);
    city.sql("ALTER TABLE public.trees ADD COLUMN bark text");
    city.publish("trees.csv", TREES.replace("Height", "Height,Bark").replace("12.5", "12.5,rough"));
    // Three of the rows have no field for it.
    city.load().run.expect_code(65);
}

#[test]
fn rows_of_a_file_are_added_once_whatever_it_is_called_and_however_often_it_comes() {
    let city = City::new();
    city.edit_manifest("    expect: {rows: 3}", "    load: append\n    expect: {rows: 3}");
    city.load().is(Outcome::Published);
    city.sql("CREATE VIEW public.tall_trees AS SELECT id, species FROM public.trees WHERE height > 5");
    let spring = "id,species,planted,height\n5,Ash,2026-03-01,\n6,Fir,2026-03-02,\n";
    city.publish("trees.csv", spring);
    let record = city.load().is(Outcome::Published).record();
    assert_eq!((record.rows, counts(&record)), (6, Some([2, 0, 0, 0])));

    for file in [TREES, spring] {
        city.publish("trees.csv", file);
        let finished = city.follow(&city.call(&["trees", "--force"]));
        let record = finished.is(Outcome::Published).record();
        assert_eq!((record.rows, counts(&record)), (6, Some([0, 0, 0, 0])));
        assert_eq!(finished.fact("left_out")["file"], "trees.csv");
    }
    let appended = "SELECT file, length(sha256), run = (SELECT run FROM freshet.runs ORDER BY started LIMIT 1)
                    FROM freshet.appended ORDER BY appended";
    assert_eq!(city.rows(appended), ["trees.csv|64|t", "trees.csv|64|f"]);

    // A row that is there already comes in another file: nothing of that file is kept, and nothing of it is noted.
    city.publish("trees.csv", "id,species,planted,height\n7,Yew,,\n1,Oak,,\n");
    city.fails(
        &city.call(&["trees"]),
        &Failure { exit: 65, code: "database_rejects_data", says: &["trees_pkey", "(id)=(1)"], ledger: Told::Refused },
    );
    assert_eq!(city.value("SELECT count(*) FROM freshet.appended"), "2");

    // A table that is made anew has had no file yet.
    city.sql("DROP VIEW public.tall_trees; DROP TABLE public.trees");
    city.publish("trees.csv", spring);
    city.edit_manifest("expect: {rows: 3}", "expect: {rows: 2}");
    let record = city.load().is(Outcome::Published).record();
    assert_eq!((record.rows, counts(&record)), (2, None));
}

#[test]
fn rows_that_share_a_key_are_left_out_where_the_manifest_says_which() {
    let city = City::new();
    city.edit_manifest("    expect: {rows: 3}", "    duplicates: first\n    expect: {rows: 3}");
    city.publish("trees.csv", format!("{TREES}2,Rowan,,\n1,Rowan,,\n"));
    let finished = city.load();
    let record = finished.is(Outcome::Published).record();
    assert_eq!((record.rows, record.tables["trees"].duplicates), (4, 2));
    assert_eq!(finished.fact("duplicates")["rows"], 2);
    assert_eq!(city.value("SELECT string_agg(species, ' ' ORDER BY id) FROM public.trees WHERE id < 3"), "Oak Elm");
    assert_eq!(city.value("SELECT duplicates FROM freshet.run_tables"), "2");
}
