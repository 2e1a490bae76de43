//! Rows that are not what was expected do not go live.

use jiff::Timestamp;
use manifest::Dataset;
use worker::publish;
use worker::publish::guard::{Examination, Staged};
use worker::staging;

use crate::support::{Place, Rows, Run, dataset, load, rows, table};

/// All that does not hold of rows that are loaded into staging, in words.
async fn found(run: &Run, content: Rows, now: Timestamp) -> Vec<String> {
    let count = content.len() as u64;
    let name = run.dataset.tables[0].name.to_string();
    let (staging, duplicates) = match run.stage(&[(&name, content)]).await {
        Ok(staging) => (staging, None),
        Err(publish::Error::Staging(error @ staging::Error::Duplicates { .. })) => {
            let survey = publish::survey(&run.pool, &run.dataset).await.unwrap();
            let (pool, roles) = (std::sync::Arc::clone(&run.pool), survey.staging_roles());
            let resumed = staging::Staging::resume(pool, &run.dataset.dataset, &run.mark(), &roles).await;
            (resumed.unwrap().unwrap(), Some(error))
        }
        Err(error) => panic!("{error}"),
    };
    let survey = publish::survey(&run.pool, &run.dataset).await.unwrap();
    let blueprint = &survey.blueprints().unwrap()[0];
    let examination = Examination { staging: &staging, dataset: &run.dataset, inventory: &survey.inventory, now };
    let staged = Staged { blueprint, rows: count, places: None, duplicates: duplicates.as_ref() };
    let findings = examination.table(&staged).await.unwrap();
    findings.iter().map(ToString::to_string).collect()
}

fn now() -> Timestamp {
    // Midnight in New York is 05:00 UTC.
    "2026-03-02T05:00:00Z".parse().unwrap()
}

fn expecting(columns: &[&str], expect: serde_json::Value) -> Dataset {
    let mut t = table("t", columns);
    t["expect"] = expect;
    dataset(&[t])
}

#[tokio::test]
async fn rows_are_counted_where_something_is_expected_of_them() {
    let place = Place::new();
    let columns = ["id integer not null", "note text", "day date", "at timestamp", "moment timestamptz"];
    let plain = dataset(&[table("t", &columns)]);
    load(&place, &plain, &[("t", rows("1,,,,;2,,,,;3,,,,;4,,,,"))]).await.unwrap();
    let mut expecting = expecting(
        &columns,
        serde_json::json!({
            "rows": 3, "max_drop": "25%", "max_nulls": {"columns": {"note": "50%"}},
            "latest": {"day": "2d", "at": "2h", "moment": "2h"},
        }),
    );
    expecting.timezone = Some("America/New_York".to_owned());
    let run = Run::begin(&place, &expecting).await;
    let good = "1,a,2026-03-01,2026-03-01T23:00:00,2026-03-02T04:00:00Z;2,b,,,;3,,,,";
    assert_eq!(found(&run, rows(good), now()).await, [""; 0]);
    assert_eq!(
        found(&run, rows("1,,2026-02-27,2026-03-01T21:00:00,2026-03-02T02:00:00Z;2,,,,"), now()).await,
        [
            "t has 2 rows where 3 are expected",
            "t has 2 rows where 4 are live, and at most 25% may go",
            "t.note is NULL in 2 of 2 rows, and at most 50% may be",
            "the newest t.at is 3 h old, and at most 2h are expected",
            "the newest t.day is 72 h old, and at most 2d are expected",
            "the newest t.moment is 3 h old, and at most 2h are expected",
        ]
    );
    assert_eq!(found(&run, rows("1,a,,,;2,b,,,;3,c,,,"), now()).await.len(), 3, "no value at all");
}

#[tokio::test]
async fn nulls_and_newest_values_are_held_against_what_is_live() {
    let place = Place::new();
    let columns = ["id integer not null", "note text", "day date", "seq bigint"];
    let plain = dataset(&[table("t", &columns)]);
    let expect = serde_json::json!({"max_null_jump": {"all": "30%"}, "never_back": ["day", "seq"]});
    let expecting = expecting(&columns, expect);
    let run = Run::begin(&place, &expecting).await;
    assert_eq!(found(&run, rows("1,,,"), now()).await, [""; 0], "nothing is live yet");
    drop(run);
    load(&place, &plain, &[("t", rows("1,a,2026-03-01,7;2,,2026-02-01,5"))]).await.unwrap();
    let run = Run::begin(&place, &expecting).await;
    assert_eq!(
        found(&run, rows("1,a,2026-03-01,7;2,b,2026-03-01,9;3,,,"), now()).await,
        [
            "t.day is NULL in 1 of 3 rows where it is in 0 of 2 that are live, and at most 30% may be added",
            "t.seq is NULL in 1 of 3 rows where it is in 0 of 2 that are live, and at most 30% may be added",
        ]
    );
    assert_eq!(
        found(&run, rows("1,a,2026-02-28,10;2,b,2026-01-01,10"), now()).await,
        ["the newest t.day is 2026-02-28, which lies before 2026-03-01, which is live",]
    );
    let nothing = found(&run, rows("1,a,2026-03-01,;2,b,2026-03-01,"), now()).await;
    assert_eq!(nothing[1..], ["t.seq holds no value, and 7 is live"]);
    drop(run);
    // Somebody made the column another type: what it held then is no measure.
    place.sql("ALTER TABLE public.t ALTER COLUMN day TYPE text");
    let run = Run::begin(&place, &expecting).await;
    assert_eq!(found(&run, rows("1,a,2020-01-01,8;2,b,2020-01-01,8"), now()).await, [""; 0]);
}

#[tokio::test]
async fn keys_that_stand_more_than_once_are_listed_twenty_at_a_time() {
    let place = Place::new();
    let mut t = table("t", &["a integer", "b text"]);
    t["indexes"] = serde_json::json!([{"columns": ["a", "b"], "uniqueness": "unique"}]);
    let run = Run::begin(&place, &dataset(&[t])).await;
    // NULLs are no key.
    let few = found(&run, rows("1,x;2,x;1,x;3,;3,;1,x;2,x"), now()).await;
    assert_eq!(
        few,
        [
            "rows of t share a key that should be unique (t_a_b_idx): 2 keys stand more than once: a=1, b=x (3 times); a=2, b=x",
        ]
    );
    let many: Vec<String> = (0..50).map(|n| format!("{},x", n % 25)).collect();
    let many = found(&run, rows(&many.join(";")), now()).await;
    assert!(many[0].contains(": 25 keys stand more than once: a=0, b=x; a=1, b=x; "), "{many:?}");
    assert!(many[0].ends_with("a=19, b=x; and 5 more"), "{many:?}");
}

#[tokio::test]
async fn keys_of_an_index_over_expressions_are_told_as_postgresql_tells_them() {
    let place = Place::new();
    let plain = dataset(&[table("t", &["a text"])]);
    load(&place, &plain, &[("t", rows("x;y"))]).await.unwrap();
    place.sql("CREATE UNIQUE INDEX folded ON public.t (lower(a))");
    let run = Run::begin(&place, &plain).await;
    assert_eq!(
        found(&run, rows("x;X"), now()).await,
        ["rows of t share a key that should be unique (folded): Key (lower(a))=(x) is duplicated.",]
    );
}

#[tokio::test]
async fn checks_see_rows_in_staging_and_show_those_that_should_not_be_there() {
    let place = Place::new();
    place.sql(&format!("CREATE TABLE public.known (id integer); INSERT INTO public.known VALUES (1), (2); GRANT SELECT ON public.known TO {}", place.loader));
    let query = |sql: &str| serde_json::json!({"file": "c.sql", "sql": sql});
    let checks = serde_json::json!({"checks": {
        "known": query("-- Those that nobody knows.\nSELECT t.id, note FROM t LEFT JOIN known USING (id)\nWHERE known.id IS NULL ORDER BY 1; -- none\n"),
        "noted": query("SELECT 'no note' AS what, count(*) AS n FROM t HAVING count(note) = 0"),
    }});
    let expecting = expecting(&["id integer not null", "note text"], checks);
    let run = Run::begin(&place, &expecting).await;
    assert_eq!(found(&run, rows("1,a;2,"), now()).await, [""; 0]);
    assert_eq!(
        found(&run, rows("1,;9,"), now()).await,
        [
            "t does not pass the check known: 1 row: id=9, note=NULL",
            "t does not pass the check noted: 1 row: what=no note, n=2",
        ]
    );
    let many: Vec<String> = (10..20).map(|id| format!("{id},x")).collect();
    assert_eq!(
        found(&run, rows(&many.join(";")), now()).await,
        ["t does not pass the check known: 10 rows: id=10, note=x; id=11, note=x; id=12, note=x; id=13, note=x; \
         id=14, note=x; and 5 more",]
    );
}

#[tokio::test]
async fn a_check_can_change_nothing() {
    let place = Place::new();
    let checks = serde_json::json!({"checks": {
        "sly": {"file": "sly.sql", "sql": "SELECT nextval('freshet.rejects_reject_seq')"},
    }});
    let run = Run::begin(&place, &expecting(&["id integer"], checks)).await;
    let staging = run.stage(&[("t", rows("1"))]).await.unwrap();
    let survey = publish::survey(&run.pool, &run.dataset).await.unwrap();
    let blueprint = &survey.blueprints().unwrap()[0];
    let examination =
        Examination { staging: &staging, dataset: &run.dataset, inventory: &survey.inventory, now: now() };
    let staged = Staged { blueprint, rows: 1, places: None, duplicates: None };
    let error = examination.table(&staged).await.unwrap_err().to_string();
    assert!(error.contains("run the check sly (sly.sql) of t") && error.contains("read-only transaction"), "{error}");
    assert_eq!(place.value("SELECT is_called FROM freshet.rejects_reject_seq"), "f");
}
