//! Counts against expectations. Pure.

use manifest::dataset::{Emptiness, Expectations, Table};
use manifest::quantity::Share;

use super::count::Counts;
use super::finding::Breach;

/// What does not hold of one table. Its checks and keys are judged where they are asked for.
pub fn judge(table: &Table, counts: &Counts) -> Vec<Breach> {
    let Expectations { rows: least, max_drop, max_nulls, max_null_jump, latest, empty, never_back: _, checks: _ } =
        &table.expect;
    let staged = counts.staged.rows;
    let mut breaches = Vec::new();
    if staged == 0 && *empty == Emptiness::Refused {
        breaches.push(Breach::Empty);
    }
    if staged < *least && !(staged == 0 && *empty == Emptiness::Allowed) {
        breaches.push(Breach::TooFew { staged, least: *least });
    }
    if let (Some(share), Some(live)) = (max_drop, counts.live.as_ref().map(|live| live.rows))
        && live.saturating_sub(staged) > share.of(live)
    {
        breaches.push(Breach::Drop { staged, live, allowed: share.to_string() });
    }
    for (column, nulls) in &counts.staged.nulls {
        if let Some(share) = max_nulls.of(column).filter(|share| *nulls > share.of(staged)) {
            let allowed = share.to_string();
            breaches.push(Breach::Nulls { column: column.to_string(), nulls: *nulls, staged, allowed });
        }
        let Some(live) = &counts.live else { continue };
        if let (Some(share), Some(live_nulls)) = (max_null_jump.of(column), live.nulls.get(column))
            && jumps((*nulls, staged), (*live_nulls, live.rows), share)
        {
            breaches.push(Breach::NullJump {
                column: column.to_string(),
                staged: (*nulls, staged),
                live: (*live_nulls, live.rows),
                allowed: share.to_string(),
            });
        }
    }
    for (column, age) in counts.ages.iter().filter(|_| staged > 0) {
        let is_old = |limit: u64| age.is_none_or(|age| u64::try_from(age).unwrap_or_default() > limit);
        if let Some(limit) = latest.get(column).filter(|limit| is_old(limit.seconds())) {
            breaches.push(Breach::Old { column: column.to_string(), age: *age, allowed: limit.to_string() });
        }
    }
    for (column, (staged_newest, live_newest)) in counts.receded.iter().filter(|_| staged > 0) {
        breaches.push(Breach::Back {
            column: column.to_string(),
            staged: staged_newest.clone(),
            live: live_newest.clone(),
        });
    }
    breaches
}

/// Whether the share of NULLs grew by more than it may. A table that was empty says nothing about what is usual.
fn jumps(staged: (u64, u64), live: (u64, u64), share: Share) -> bool {
    let [(nulls, rows), (live_nulls, live_rows)] =
        [staged, live].map(|(nulls, rows)| (u128::from(nulls), u128::from(rows)));
    if rows == 0 || live_rows == 0 {
        return false;
    }
    let grown = (nulls * live_rows).saturating_sub(live_nulls * rows);
    // Both sides over rows × live_rows; 64 bits of counts times a million fit into 128 bits below 10¹⁶ rows.
    grown * 1_000_000 > u128::from(share.parts_per_million()) * rows * live_rows
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::super::count::Rows;
    use super::super::finding::Finding;
    use super::*;

    fn table(expect: &serde_json::Value) -> Table {
        serde_json::from_value(serde_json::json!({"name": "t", "content": {"sources": []}, "expect": expect})).unwrap()
    }

    fn findings(expect: &serde_json::Value, counts: &Counts) -> Vec<Finding> {
        let breaches = judge(&table(expect), counts).into_iter();
        breaches.map(|breach| Finding { table: "t".to_owned(), breach }).collect()
    }

    fn codes(expect: &serde_json::Value, counts: &Counts) -> Vec<&'static str> {
        findings(expect, counts).iter().map(Finding::code).collect()
    }

    fn counted(rows: u64, nulls: &[(&str, u64)]) -> Rows {
        Rows { rows, nulls: nulls.iter().map(|(column, nulls)| (column.parse().unwrap(), *nulls)).collect() }
    }

    fn rows(staged: u64, live: Option<u64>) -> Counts {
        Counts { staged: counted(staged, &[]), live: live.map(|live| counted(live, &[])), ..Counts::default() }
    }

    #[test]
    fn no_rows_are_refused_unless_they_are_allowed() {
        let nothing = serde_json::json!({});
        assert_eq!(codes(&nothing, &rows(0, None)), ["guard_empty"]);
        assert_eq!(codes(&nothing, &rows(1, None)), [""; 0]);
        let allowed = serde_json::json!({"empty": "allowed", "rows": 10});
        assert_eq!(codes(&allowed, &rows(0, None)), [""; 0]);
        assert_eq!(codes(&allowed, &rows(9, None)), ["guard_rows"]);
    }

    #[test]
    fn fewer_rows_than_expected_or_than_are_live_are_refused() {
        let expect = serde_json::json!({"rows": 100, "max_drop": "10%"});
        assert_eq!(codes(&expect, &rows(99, None)), ["guard_rows"]);
        assert_eq!(codes(&expect, &rows(100, None)), [""; 0]);
        assert_eq!(codes(&expect, &rows(180, Some(200))), [""; 0]);
        assert_eq!(codes(&expect, &rows(179, Some(200))), ["guard_drop"]);
        assert_eq!(codes(&expect, &rows(50, Some(200))), ["guard_rows", "guard_drop"]);
        assert_eq!(
            findings(&expect, &rows(179, Some(200)))[0].to_string(),
            "t has 179 rows where 200 are live, and at most 10% may go"
        );
    }

    #[test]
    fn nulls_and_old_values_are_refused_beyond_their_limit() {
        let expect = serde_json::json!({"max_nulls": {"columns": {"a": "1%"}}, "latest": {"d": "36h"}});
        let counts = |nulls: u64, age: Option<i64>| Counts {
            staged: counted(1_000, &[("a", nulls)]),
            ages: BTreeMap::from([("d".parse().unwrap(), age)]),
            ..Counts::default()
        };
        assert_eq!(codes(&expect, &counts(10, Some(36 * 3_600))), [""; 0]);
        assert_eq!(codes(&expect, &counts(11, Some(36 * 3_600 + 1))), ["guard_nulls", "guard_latest"]);
        assert_eq!(codes(&expect, &counts(0, None)), ["guard_latest"]);
        // A value of tomorrow is not old.
        assert_eq!(codes(&expect, &counts(0, Some(-3_600))), [""; 0]);
    }

    #[test]
    fn a_sample_need_only_have_rows() {
        let expect = serde_json::json!({"rows": 100, "max_drop": "10%"});
        assert!(findings(&expect, &rows(50, Some(200))).iter().all(|finding| !finding.binds_samples()));
        assert!(findings(&expect, &rows(0, None))[0].binds_samples());
    }

    #[test]
    fn only_a_drop_can_be_accepted() {
        let expect = serde_json::json!({"rows": 100, "max_drop": "10%"});
        let drops: Vec<bool> = findings(&expect, &rows(50, Some(200))).iter().map(Finding::is_drop).collect();
        assert_eq!(drops, [false, true]);
        assert!(!findings(&expect, &rows(0, None))[0].is_drop());
    }

    #[test]
    fn a_share_of_nulls_may_grow_so_far_and_no_further() {
        let expect = serde_json::json!({"max_null_jump": {"all": "5%", "columns": {"b": "0%"}}});
        let grown = |a: (u64, u64), b: (u64, u64)| Counts {
            staged: counted(1_000, &[("a", a.0), ("b", b.0)]),
            live: Some(counted(2_000, &[("a", a.1), ("b", b.1)])),
            ..Counts::default()
        };
        // From 1 % to 6 %.
        assert_eq!(codes(&expect, &grown((60, 20), (0, 0))), [""; 0]);
        assert_eq!(codes(&expect, &grown((61, 20), (5, 10))), ["guard_null_jump"]);
        assert_eq!(codes(&expect, &grown((0, 2_000), (6, 10))), ["guard_null_jump"]);
        assert_eq!(
            findings(&expect, &grown((61, 20), (0, 0)))[0].to_string(),
            "t.a is NULL in 61 of 1000 rows where it is in 20 of 2000 that are live, and at most 5% may be added"
        );
        // Nothing is known of what is usual.
        let first =
            Counts { staged: counted(10, &[("a", 10)]), live: Some(counted(0, &[("a", 0)])), ..Counts::default() };
        assert_eq!(codes(&expect, &first), [""; 0]);
    }

    #[test]
    fn a_newest_value_that_went_back_is_told_with_both() {
        let expect = serde_json::json!({"never_back": ["d"]});
        let counts = |staged: Option<&str>| Counts {
            staged: counted(10, &[]),
            receded: BTreeMap::from([("d".parse().unwrap(), (staged.map(str::to_owned), "2026-03-02".to_owned()))]),
            ..Counts::default()
        };
        let said = |staged| findings(&expect, &counts(staged))[0].to_string();
        assert_eq!(
            said(Some("2026-03-01")),
            "the newest t.d is 2026-03-01, which lies before 2026-03-02, which is live"
        );
        assert_eq!(said(None), "t.d holds no value, and 2026-03-02 is live");
    }
}
