//! What the ledger remembers of how far a table has come: files that were appended, and watermarks.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::json;
use worker::fault::Fault;
use worker::ledger::{AppendedFile, Ledger, Watermark};
use worker::publish::{self, Published};

use crate::support::{Place, Run, dataset, load, rows, session, table};

fn added() -> manifest::Dataset {
    let mut t = table("t", &["gid bigint identity", "note text"]);
    t["load"] = json!("append");
    dataset(&[t])
}

/// One load of rows from a file with these bytes.
async fn append(place: &Place, content: &str, sha256: &str) -> Result<Published, publish::Error> {
    let dataset = added();
    let run = Run::begin(place, &dataset).await;
    let staging = run.stage(&[("t", rows(content))]).await?;
    let file = AppendedFile { file: "t.csv".to_owned(), sha256: sha256.to_owned() };
    staging.remark(&run.mark().appending(BTreeMap::from([("t".to_owned(), vec![file])]))).await?;
    let published = run.publish(&staging, Duration::from_secs(20)).await;
    if published.is_err() {
        place.sql("UPDATE freshet.runs SET state = 'failed' WHERE state = 'running'");
    }
    published
}

async fn ledger(place: &Place) -> Ledger {
    Ledger::open(&place.target(), &session()).await.unwrap()
}

const LIVE: &str = "SELECT string_agg(gid || note, ' ' ORDER BY gid) FROM public.t";

#[tokio::test]
async fn rows_are_added_with_the_note_that_they_were_or_not_at_all() {
    let place = Place::new();
    append(&place, "a;b", "one").await.unwrap();
    let published = append(&place, "c;a", "two").await.unwrap();
    let merged = published.merged.values().next().unwrap();
    assert_eq!((merged.changes.inserted, merged.rows), (2, 4));
    assert_eq!(place.value(LIVE), "1a 2b 3c 4a");
    // Whoever does not ask beforehand is stopped by the ledger's own key.
    let error = append(&place, "c;a", "two").await.unwrap_err();
    assert_eq!(error.code(), "database_rejects_data");
    assert_eq!(place.value(LIVE), "1a 2b 3c 4a");
    let (dataset, table) = ("d".parse().unwrap(), "t".parse().unwrap());
    let known = ledger(&place).await.appended(&dataset, &table).await.unwrap();
    assert_eq!(known.into_iter().collect::<Vec<_>>(), ["one", "two"]);
    assert_eq!(place.value("SELECT rows FROM freshet.published_tables"), "4");
}

#[tokio::test]
async fn a_table_that_is_made_anew_has_had_no_file() {
    let place = Place::new();
    append(&place, "a", "one").await.unwrap();
    append(&place, "b", "two").await.unwrap();
    place.sql("DROP TABLE public.t");
    append(&place, "a", "one").await.unwrap();
    assert_eq!(place.value("SELECT string_agg(sha256, ' ') FROM freshet.appended"), "one");
}

fn measured(type_name: &str) -> manifest::Dataset {
    let mut t = table("t", &["id integer not null", &format!("at {type_name}")]);
    t["primary_key"] = json!(["id"]);
    t["load"] = json!({"upsert": {"key": ["id"], "newer": "at", "overlap": "1h"}});
    dataset(&[t])
}

async fn watermark(place: &Place) -> Option<Watermark> {
    let oid: u32 = place.value("SELECT 'public.t'::regclass::oid").parse().unwrap();
    let (dataset, table, column) = ("d".parse().unwrap(), "t".parse().unwrap(), "at".parse().unwrap());
    ledger(place).await.watermark(&dataset, &table, oid, &column).await.unwrap()
}

async fn value(place: &Place) -> String {
    watermark(place).await.map_or_else(|| "none".to_owned(), |watermark| watermark.value)
}

#[tokio::test]
async fn the_watermark_is_the_largest_value_that_is_live_and_never_goes_back() {
    let place = Place::new();
    let dataset = measured("timestamp");
    load(&place, &dataset, &[("t", rows("1,2026-01-02T10:00:00;2,2026-01-01;3,"))]).await.unwrap();
    assert_eq!(value(&place).await, "2026-01-02 10:00:00");
    assert_eq!(watermark(&place).await.unwrap().since("1h".parse().unwrap()), "2026-01-02 09:00:00");
    load(&place, &dataset, &[("t", rows("2,2026-01-01T12:00:00"))]).await.unwrap();
    assert_eq!(value(&place).await, "2026-01-02 10:00:00");
    load(&place, &dataset, &[("t", rows("4,"))]).await.unwrap();
    assert_eq!(value(&place).await, "2026-01-02 10:00:00", "no row says how new it is");
    // A typist's year is not the publisher's time.
    load(&place, &dataset, &[("t", rows("5,2026-02-01;6,2926-03-01"))]).await.unwrap();
    assert_eq!(value(&place).await, "2026-02-01 00:00:00");
}

#[tokio::test]
async fn numbers_are_compared_as_numbers() {
    let place = Place::new();
    let mut dataset = measured("bigint");
    let manifest::dataset::Load::Upsert { overlap, .. } = &mut dataset.tables[0].load else { panic!("an upsert") };
    *overlap = manifest::dataset::OVERLAP;
    load(&place, &dataset, &[("t", rows("1,9"))]).await.unwrap();
    load(&place, &dataset, &[("t", rows("1,10"))]).await.unwrap();
    assert_eq!(value(&place).await, "10");
}

#[tokio::test]
async fn a_failed_run_and_another_table_of_the_name_leave_no_watermark_of_theirs() {
    let place = Place::new();
    let dataset = measured("timestamptz");
    load(&place, &dataset, &[("t", rows("1,2026-01-01T00:00:00Z"))]).await.unwrap();
    let run = Run::begin(&place, &dataset).await;
    let staging = run.stage(&[("t", rows("1,2026-01-09T00:00:00Z"))]).await.unwrap();
    place.sql("UPDATE freshet.runs SET state = 'abandoned' WHERE state = 'running'");
    run.publish(&staging, Duration::from_secs(20)).await.unwrap_err();
    assert_eq!(value(&place).await, "2026-01-01 00:00:00+00");
    drop(run);
    place.sql("DROP TABLE public.t; CREATE TABLE public.t (id integer PRIMARY KEY, at timestamptz)");
    place.sql(&format!("ALTER TABLE public.t OWNER TO {}", place.loader));
    assert_eq!(value(&place).await, "none");
    load(&place, &dataset, &[("t", rows("1,2025-06-01T00:00:00Z"))]).await.unwrap();
    assert_eq!(value(&place).await, "2025-06-01 00:00:00+00");
}
