//! Every dataset of this repository loads its sample into a database whose loader is no superuser. Which datasets there
//! are, and what is to come of their samples, is read from the files.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use freshet_tests::postgres::quote;
use manifest::run::Outcome;
use serde::Deserialize;

use crate::support::{City, Finished, repository};

/// What stands beside a manifest in `<dataset>.expected.json`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Expected {
    bad_values: u64,
    tables: BTreeMap<String, ExpectedTable>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ExpectedTable {
    rows: u64,
    values: Vec<ExpectedValue>,
}

/// One value: a column of the one row for which a condition holds, as PostgreSQL's text.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ExpectedValue {
    r#where: String,
    column: String,
    text: Option<String>,
}

#[test]
fn every_sample_loads_once_and_again_only_when_it_is_forced_to() {
    let datasets = manifest::list_datasets(repository());
    assert!(!datasets.is_empty(), "there are no datasets under {}", repository().display());
    for (name, path) in datasets {
        let folder = repository().join(&path).parent().unwrap().to_owned();
        let expected = fs::read_to_string(folder.join(format!("{name}.expected.json"))).unwrap();
        let expected: Expected = serde_json::from_str(&expected).unwrap();
        loads(&name, &folder.join("samples"), &expected);
    }
}

fn loads(name: &str, samples: &Path, expected: &Expected) {
    let city = City::new();
    let load = |more: &[&str]| -> Finished {
        let call = city.call(&[name, "--from"]).args([samples]).args(more).current_dir(repository());
        city.follow(&call)
    };
    let look = || -> BTreeMap<&str, (String, Vec<String>)> {
        let table = |name| {
            let qualified = format!("public.{}", quote(name));
            let oid = city.value(&format!("SELECT '{qualified}'::regclass::oid"));
            (oid, city.rows(&format!("SELECT t FROM {qualified} t ORDER BY t::text COLLATE \"C\"")))
        };
        expected.tables.keys().map(|name| (name.as_str(), table(name))).collect()
    };

    let first = load(&[]);
    let record = first.is(Outcome::Published).record();
    assert_eq!(record.bad_values, expected.bad_values, "{name}");
    let rows: BTreeMap<_, _> = record.tables.iter().map(|(table, counts)| (table.as_str(), counts.rows)).collect();
    let expected_rows: BTreeMap<_, _> =
        expected.tables.iter().map(|(name, table)| (name.as_str(), table.rows)).collect();
    assert_eq!(rows, expected_rows, "{name}");
    check_values(&city, expected);
    let live = look();

    assert!(load(&[]).is(Outcome::Unchanged).record().tables.is_empty());
    assert_eq!(look(), live, "{name}");

    load(&["--force"]).is(Outcome::Published);
    let forced = look();
    for (table, (oid, rows)) in &live {
        let (new_oid, new_rows) = &forced[table];
        assert_ne!(oid, new_oid, "{name}: {table} was to be loaded again");
        assert_eq!(rows, new_rows, "{name}: {table}");
    }
}

fn check_values(city: &City, expected: &Expected) {
    for (table, ExpectedTable { rows, values }) in &expected.tables {
        let table = format!("public.{}", quote(table));
        assert_eq!(city.value(&format!("SELECT count(*) FROM {table}")), rows.to_string(), "{table}");
        for ExpectedValue { r#where, column, text } in values {
            let found = city.rows(&format!("SELECT {}::text FROM {table} WHERE {where}", quote(column)));
            let text = text.clone().unwrap_or_else(|| "NULL".to_owned());
            assert_eq!(found, [text], "{table}.{column} where {where}");
        }
    }
}
