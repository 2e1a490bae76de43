//! What an upsert leaves, against a model of it that is a map: random rows, random ways to load them.

use std::collections::BTreeMap;

use manifest::run::Changes;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use serde_json::json;

use crate::support::{Place, Rows, dataset, load, table};

/// A row: its key of two columns, a text, a number, and the day of its last change.
type Row = ((u8, u8), Option<u8>, Option<u8>, Option<u8>);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Duplicates {
    First,
    Newest,
}

#[derive(Debug, Clone)]
struct Case {
    /// The first file, the second, the third.
    files: Vec<Vec<Row>>,
    newer: bool,
    duplicates: Duplicates,
    deletes: bool,
}

fn cases() -> impl Strategy<Value = Case> {
    let row = ((0u8..4, 0u8..3), prop::option::of(0u8..3), prop::option::of(0u8..3), prop::option::of(1u8..4));
    let file = prop::collection::vec(row, 1..14);
    (prop::collection::vec(file, 3), any::<[bool; 3]>()).prop_map(|(files, [newer, newest, deletes])| Case {
        files,
        newer,
        duplicates: if newer && newest { Duplicates::Newest } else { Duplicates::First },
        deletes,
    })
}

type Live = BTreeMap<(u8, u8), (Option<u8>, Option<u8>, Option<u8>)>;

/// Of rows with one key the one that stays.
fn distinct(file: &[Row], duplicates: Duplicates) -> Live {
    let mut live = Live::new();
    for (key, text, number, day) in file {
        let row = (*text, *number, *day);
        match live.get(key) {
            // `None` is before every day.
            Some((.., kept)) if duplicates == Duplicates::First || kept >= day => {}
            _ => drop(live.insert(*key, row)),
        }
    }
    live
}

fn upsert(live: &mut Live, file: Live, case: &Case) -> Changes {
    let mut changes = Changes::default();
    if case.deletes {
        let before = live.len();
        live.retain(|key, _| file.contains_key(key));
        changes.deleted = (before - live.len()) as u64;
    }
    for (key, row) in file {
        match live.get_mut(&key) {
            None => {
                live.insert(key, row);
                changes.inserted += 1;
            }
            Some(old) if *old != row && (!case.newer || old.2.is_none() || row.2 > old.2) => {
                *old = row;
                changes.updated += 1;
            }
            Some(_) => changes.unchanged += 1,
        }
    }
    changes
}

fn text(file: &[Row]) -> Rows {
    let row = |((one, other), text, number, day): &Row| {
        // The same number in another spelling is the same number.
        let number = number.map(|n| if one % 2 == 0 { n.to_string() } else { format!("{n}.00") });
        vec![
            Some(format!("k{one}")),
            Some(other.to_string()),
            text.map(|t| format!("t{t}")),
            number,
            day.map(|day| format!("2026-01-0{day}")),
        ]
    };
    file.iter().map(row).collect()
}

const LIVE: &str =
    "SELECT coalesce(string_agg(concat_ws(' ', one, other, coalesce(note, '-'), coalesce(trunc(number)::text, '-'),
    coalesce(extract(day FROM day)::text, '-')), ', ' ORDER BY one, other), '') FROM public.t";

fn told(live: &Live) -> String {
    let or = |value: Option<String>| value.unwrap_or_else(|| "-".to_owned());
    let rows = live.iter().map(|((one, other), (text, number, day))| {
        let (text, number, day) =
            (text.map(|t| format!("t{t}")), number.map(|n| n.to_string()), day.map(|d| d.to_string()));
        format!("k{one} {other} {} {} {}", or(text), or(number), or(day))
    });
    rows.collect::<Vec<_>>().join(", ")
}

#[test]
fn an_upsert_leaves_what_its_model_leaves() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let place = Place::new();
    let mut runner = TestRunner::new(Config { cases: 40, failure_persistence: None, ..Config::default() });
    let checked = runner.run(&cases(), |case| {
        let mut t = table("t", &["one text", "other integer", "note text", "number numeric", "day date"]);
        t["indexes"] = json!([{"columns": ["one", "other"], "uniqueness": "unique"}]);
        let mut upserting = json!({"key": ["other", "one"], "max_deletes": "100%"});
        if case.newer {
            upserting["newer"] = json!("day");
        }
        if case.deletes {
            upserting["deletes"] = json!("apply");
        }
        t["load"] = json!({ "upsert": upserting });
        t["duplicates"] = json!(if case.duplicates == Duplicates::First { "first" } else { "newest" });
        let dataset = dataset(&[t]);
        place.sql("DROP TABLE IF EXISTS public.t");
        let mut live = Live::new();
        for (number, file) in case.files.iter().enumerate() {
            let published = runtime.block_on(load(&place, &dataset, &[("t", text(file))])).unwrap();
            let came = distinct(file, case.duplicates);
            if number == 0 {
                live = came;
            } else {
                let expected = upsert(&mut live, came, &case);
                let merged = published.merged.values().next().map(|merged| merged.changes);
                prop_assert_eq!(merged, Some(expected), "file {}", number);
            }
            prop_assert_eq!(place.value(LIVE), told(&live), "file {}", number);
        }
        Ok(())
    });
    checked.unwrap();
}
