//! The names that queries written for NYC-DB use: every one of its tables and columns is live once its dataset is loaded.

use std::collections::{BTreeMap, BTreeSet};

/// `dataset.table` and its columns, a line each.
const NAMES: &str = include_str!("nycdb_names.txt");

/// By dataset, its tables with their columns.
pub(crate) fn nycdb() -> BTreeMap<&'static str, BTreeMap<&'static str, BTreeSet<&'static str>>> {
    let mut datasets: BTreeMap<_, BTreeMap<_, _>> = BTreeMap::new();
    for line in NAMES.lines().filter(|line| !line.starts_with('#')) {
        let (whole, columns) = line.split_once(' ').expect("columns follow a table");
        let (dataset, table) = whole.split_once('.').expect("a table follows a dataset");
        datasets.entry(dataset).or_default().insert(table, columns.split(' ').collect());
    }
    datasets
}

#[test]
fn every_dataset_of_nycdb_is_here() {
    let here: BTreeSet<_> = crate::desk::all().into_iter().map(|known| known.name.to_string()).collect();
    let names = nycdb();
    assert_eq!(names.len(), 65);
    let missing: Vec<_> = names.keys().filter(|name| !here.contains(**name)).collect();
    assert!(missing.is_empty(), "{missing:?}");
}

/// Which release of the boundaries a lot's districts are of is all that two of the datasets differ in.
#[test]
fn districts_of_both_releases_are_found_by_one_query() {
    let folder = crate::desk::repository().join("datasets/nyc");
    let text = |name: &str| std::fs::read_to_string(folder.join(name)).unwrap();
    assert_eq!(text("pluto_latest_districts_25a.sql").replace("_25a d ", " d "), text("pluto_latest_districts.sql"));
}
