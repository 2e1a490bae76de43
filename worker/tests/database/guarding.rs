//! Rows that are not what was expected do not go live.

use jiff::Timestamp;
use worker::publish::{self, guard};

use crate::support::{Place, Run, dataset, load, rows, table};

#[tokio::test]
async fn rows_are_counted_where_something_is_expected_of_them() {
    let place = Place::new();
    let mut t = table("t", &["id integer not null", "note text", "day date", "at timestamp", "moment timestamptz"]);
    let plain = dataset(&[t.clone()]);
    load(&place, &plain, &[("t", rows("1,,,,;2,,,,;3,,,,;4,,,,"))]).await.unwrap();
    t["expect"] = serde_json::json!({
        "rows": 3, "max_drop": "25%", "max_nulls": {"columns": {"note": "50%"}},
        "latest": {"day": "2d", "at": "2h", "moment": "2h"},
    });
    let mut expecting = dataset(&[t]);
    expecting.timezone = Some("America/New_York".to_owned());
    let now: Timestamp = "2026-03-02T05:00:00Z".parse().unwrap();
    let run = Run::begin(&place, &expecting).await;
    let found = async |content: &str| {
        let staged = rows(content);
        let count = staged.len() as u64;
        let staging = run.stage(&[("t", staged)]).await.unwrap();
        let inventory = publish::survey(&run.pool, &expecting).await.unwrap();
        let blueprint = &inventory.blueprints(&expecting).unwrap()[0];
        let findings = guard::examine(&staging, &expecting, &inventory, blueprint, count, now).await.unwrap();
        findings.iter().map(ToString::to_string).collect::<Vec<_>>()
    };
    // Midnight in New York is 05:00 UTC.
    let good = "1,a,2026-03-01,2026-03-01T23:00:00,2026-03-02T04:00:00Z;2,b,,,;3,,,,";
    assert_eq!(found(good).await, [""; 0]);
    assert_eq!(
        found("1,,2026-02-27,2026-03-01T21:00:00,2026-03-02T02:00:00Z;2,,,,").await,
        [
            "t has 2 rows where 3 are expected",
            "t has 2 rows where 4 are live, and at most 25% may go",
            "t.note is NULL in 2 of 2 rows, and at most 50% may be",
            "the newest t.at is 3 h old, and at most 2h are expected",
            "the newest t.day is 72 h old, and at most 2d are expected",
            "the newest t.moment is 3 h old, and at most 2h are expected",
        ]
    );
    assert_eq!(found("1,a,,,;2,b,,,;3,c,,,").await.len(), 3, "no value at all");
}
