//! This repository's schedules name every dataset and start them in an orderly way.

use jiff::Timestamp;
use manifest::calendar::{Expression, Histogram, Start, zone};
use manifest::dataset::Status;

use crate::desk::repository;

/// Starts in one minute that a database and a publisher take without trouble.
const AT_ONCE: usize = 4;

fn project() -> manifest::Project {
    manifest::Project::load(repository()).unwrap_or_else(|findings| panic!("{findings:?}"))
}

#[test]
fn no_minute_of_a_year_starts_more_than_four_loads() {
    let project = project();
    let parsed: Vec<_> = project
        .schedules
        .iter()
        .map(|schedule| {
            let expression: Expression = schedule.expression.parse().unwrap();
            (schedule.name.as_str(), expression, zone(&schedule.timezone).unwrap())
        })
        .collect();
    let starts = parsed.iter().map(|(name, expression, zone)| Start { name, expression, zone });
    let [from, until]: [Timestamp; 2] = ["2027-01-01T00:00:00Z", "2028-01-02T00:00:00Z"].map(|at| at.parse().unwrap());
    let histogram = Histogram::new(starts, from, until);
    let (minute, names) = histogram.busiest().unwrap();
    assert!(names.len() <= AT_ONCE, "{minute}: {names:?}");
}

#[test]
fn every_dataset_has_its_time_and_what_is_gone_has_none() {
    let project = project();
    for (name, dataset) in &project.datasets {
        let scheduled = project.schedules.iter().any(|schedule| schedule.dataset == *name);
        match dataset.status {
            Status::Active => assert!(scheduled || project.manual.contains_key(name), "nothing loads {name}"),
            Status::Unavailable => assert!(!scheduled, "{name} is unavailable and scheduled"),
        }
    }
}

/// A dataset of New York City and when it is loaded, a line each.
const TIMES: &str = include_str!("nycdb_times.txt");

#[test]
fn whoever_comes_from_nycdb_keeps_their_timetable() {
    let project = project();
    for line in TIMES.lines().filter(|line| !line.starts_with('#')) {
        let (name, time) = line.split_once(' ').unwrap();
        let scheduled = project.schedules.iter().filter(|schedule| schedule.dataset.as_str() == name);
        let written: Vec<_> =
            scheduled.map(|schedule| (schedule.written.as_str(), schedule.timezone.as_str())).collect();
        assert_eq!(written, [(time, "America/New_York")], "{name}");
    }
}
