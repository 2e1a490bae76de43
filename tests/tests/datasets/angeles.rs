//! Los Angeles as it is loaded on AWS, from publishers on loopback: its requests from a portal, what is new and in full, and its map layers by
//! the hub's catalog. The manifests are this repository's, with the publishers' hosts and sizes exchanged.

use std::fs;
use std::path::Path;

use freshet_tests::http::{FileServer, Reply};
use freshet_tests::socrata::Portal;
use manifest::dataset::Origin;
use manifest::run::Outcome;
use serde_json::json;

use crate::desk::{self, Desk, Known};

const LAST: &str = "2cy6-i7zn";
const FIRST: &str = "ms7h-a45h";

/// A manifest of this repository with its SQL, in a folder of its own.
fn moved(name: &str, folder: &Path, changes: &[(&str, &str)]) -> Known {
    let la = desk::repository().join("datasets/la");
    for entry in fs::read_dir(&la).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|end| end == "sql") {
            fs::copy(&path, folder.join(path.file_name().unwrap())).unwrap();
        }
    }
    let mut text = fs::read_to_string(la.join(format!("{name}.yml"))).unwrap();
    for (old, new) in changes {
        assert!(text.contains(old), "{old} is not in {name}.yml");
        text = text.replace(old, new);
    }
    let path = folder.join(format!("{name}.yml"));
    fs::write(&path, text).unwrap();
    Known::at(&path)
}

/// A request: its number, council, place and the moment of its last change, after the manifest's columns.
fn request(known: &Known, number: &str, status: &str, council: &str, latitude: &str, updated: &str) -> Vec<String> {
    let value = |column: &str| match column {
        "srnumber" => number,
        "status" => status,
        "requesttype" => "Bulky Items",
        "owner" => "LASAN",
        "nc" => council,
        "latitude" | "longitude" => latitude,
        "createddate" => "2015-08-01T10:00:00.000",
        "updateddate" => updated,
        _ => "",
    };
    known.dataset.tables[0].columns.iter().map(|column| value(column.name.as_str()).to_owned()).collect()
}

#[test]
fn requests_come_by_what_is_new_each_day_in_full_each_month_and_from_next_years_dataset_unasked() {
    let (folder, publisher) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let server = FileServer::start(publisher.path()).unwrap();
    let portal = Portal::start(&server);
    let changes = [
        ("socrata: data.lacity.org", &*format!("socrata: \"{}\"", server.host())),
        ("expect: {rows: 2000000, latest: {updateddate: 10 days}}", "expect: {rows: 1}"),
    ];
    let known = moved("la_311", folder.path(), &changes);
    let columns: Vec<_> = known.dataset.tables[0].columns.iter().map(|column| column.name.to_string()).collect();
    let dataset = |id: &str, year: usize, rows: &[(&str, &str, &str, &str, &str)]| {
        portal.write(id, |dataset| {
            dataset.columns.clone_from(&columns);
            dataset.title = format!("MyLA311 Service Request Data {year}");
            for (number, status, council, latitude, updated) in rows {
                let row = request(&known, number, status, council, latitude, updated);
                dataset.insert(&row.iter().map(String::as_str).collect::<Vec<_>>(), "2026-01-01T00:00:00.000Z");
            }
        });
    };
    for (year, source) in (2015..).zip(known.dataset.tables[0].sources()) {
        let Origin::Socrata { id, .. } = &source.origin else { panic!("{:?}", source.origin) };
        dataset(id, year, &[]);
    }
    dataset(FIRST, 2015, &[("1-1", "Closed", "52", "34.05", "2015-08-05T09:30:00.000")]);
    let recent = "2026-11-01T09:30:00.000";
    dataset(LAST, 2026, &[("1-2", "Open", "7", "", recent), ("1-3", "Open", "", "34.1", recent)]);

    let desk = Desk::new();
    let load = |at: &str, mode: &str| {
        let run = desk.load_from_publisher(&known, &[("FRESHET_SCHEDULED_TIME", at), ("FRESHET_MODE", mode)]);
        let record = desk::record(run.expect_code(0));
        assert_eq!((record.outcome, record.bad_values), (Outcome::Published, 0), "{run}");
    };
    let statuses = "SELECT string_agg(srnumber || ' ' || status, ', ' ORDER BY srnumber) FROM requests";
    let located = "SELECT string_agg(srnumber || ' ' || council_id, ', ' ORDER BY srnumber) FROM service_requests";
    load("2026-11-02T08:00:00Z", "normal");
    assert_eq!(desk.value(statuses), "1-1 Closed, 1-2 Open, 1-3 Open");
    assert_eq!(
        desk.value(located),
        "1-1 52, 1-3 0",
        "only requests that have a place; without a council they are of number 0"
    );

    // What is new comes, also from a dataset that the manifest does not name; what was changed long ago, and put out only now, does not.
    portal.write(FIRST, |dataset| {
        let place = |name: &str| columns.iter().position(|column| column == name).unwrap();
        for row in dataset.rows.values_mut() {
            row.fields[place("status")] = "Cancelled".to_owned();
            row.fields[place("updateddate")] = "2016-01-01T09:30:00.000".to_owned();
        }
        dataset.updated += 1;
    });
    dataset(LAST, 2026, &[("1-4", "Open", "7", "34.2", "2026-11-02T09:30:00.000")]);
    dataset("abcd-2027", 2027, &[("1-5", "Open", "9", "34.3", "2027-01-01T09:30:00.000")]);
    // A reader who looks at the view meanwhile, and does not let go of it, is not in the way.
    let reader = desk.reader(located);
    load("2027-01-02T08:00:00Z", "normal");
    assert_eq!(desk.value(statuses), "1-1 Closed, 1-2 Open, 1-3 Open, 1-4 Open, 1-5 Open");
    assert_eq!(desk.value(located), "1-1 52, 1-3 0, 1-4 7, 1-5 9");
    drop(reader);

    load("2027-02-01T12:00:00Z", "full");
    assert_eq!(desk.value(statuses), "1-1 Cancelled, 1-2 Open, 1-3 Open, 1-4 Open, 1-5 Open");
}

#[test]
fn map_layers_come_by_the_hubs_catalog_in_the_best_format_that_it_has() {
    let desk = Desk::new();
    if desk.value("SELECT count(*) FROM pg_extension WHERE extname = 'postgis'") == "0" {
        eprintln!("skipped: this machine has no PostGIS");
        return;
    }
    let (folder, samples) = (tempfile::tempdir().unwrap(), desk::repository().join("datasets/la/samples"));
    let server = FileServer::start(&samples).unwrap();
    let known =
        moved("la_geohub", folder.path(), &[("http://geohub.lacity.org/data.json", &server.url_of("data.json"))]);
    let items = known.dataset.tables.iter().map(|table| {
        let source = &table.sources()[0];
        let Origin::Dcat { item, .. } = &source.origin else { panic!("{:?}", source.origin) };
        let distribution = |format: &str, file: &str| json!({"format": format, "accessURL": server.url_of(file)});
        let others = [distribution("CSV", "of-little-use.csv"), distribution("GeoJSON", "of-some-use.geojson")];
        let all: Vec<_> = others.into_iter().chain([distribution("ZIP", &source.file)]).collect();
        json!({"identifier": format!("https://hub.example.org/datasets/{item}"), "distribution": all})
    });
    let catalog = json!({"dataset": items.collect::<Vec<_>>()}).to_string();
    server.serve("/data.json", move |_| Reply { status: 200, content_type: "application/json", body: catalog.clone() });

    let run = desk.load_from_publisher(&known, &[]);
    let record = desk::record(run.expect_code(0));
    assert_eq!((record.outcome, record.bad_values), (Outcome::Published, 0), "{run}");
    assert_eq!(record.tables.len(), 10);
    assert!(record.tables.values().all(|table| table.rows > 0), "{run}");
    assert!(server.requests().iter().all(|request| !request.path.contains("use")), "shapefiles are preferred");
}
