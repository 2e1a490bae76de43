//! Portals with an API of their own: rows come in pages while others write.

use std::collections::BTreeSet;

use freshet_tests::http::{Fault as ServerFault, Reply};
use freshet_tests::socrata::Portal;
use manifest::Dataset;
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;
use worker::source::Since;

use super::copied::row;
use super::house::{House, dataset, read};

const ID: &str = "aaaa-0000";

/// A portal with so many rows of a number and a text with all that CSV can hold.
fn portal(house: &House, rows: u32) -> Portal {
    let portal = Portal::start(&house.server);
    portal.write(ID, |dataset| {
        dataset.columns = vec!["number".to_owned(), "name".to_owned()];
        for row in 0..rows {
            dataset.insert(&[&row.to_string(), &format!("\"{row}\",\nof all")], "2026-01-01T00:00:00.000Z");
        }
    });
    portal
}

fn source(house: &House, more: &Value) -> Value {
    let mut origin = json!({"host": house.server.host(), "id": ID});
    origin.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    json!({"origin": {"socrata": origin}, "file": "aaaa-0000.csv", "reading": {"format": "csv"}})
}

fn of_portal(house: &House, more: &Value) -> Dataset {
    dataset(&[("t", &["number", "name"], vec![source(house, more)])])
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_are_one_table_whatever_the_portal_gives_at_once() {
    let house = House::new();
    let portal = portal(&house, 1_000);
    portal.largest_page(70);
    let read = house.read(&of_portal(&house, &json!({}))).await.unwrap();
    let numbers: BTreeSet<_> = read.rows.iter().map(|row| row[0].clone().unwrap()).collect();
    assert_eq!((read.rows.len(), numbers.len()), (1_000, 1_000));
    assert!(read.rows.contains(&row(["7", "\"7\",\nof all"])));
    assert!(read.reading.drift.is_empty(), "{:?}", read.reading.drift);
    assert_eq!(house.server.requests_for("/resource/aaaa-0000.csv").len(), 1_000_usize.div_ceil(70) + 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn no_row_is_missing_and_none_comes_twice_while_others_edit_and_delete() {
    let house = House::new();
    let portal = portal(&house, 2_000);
    portal.largest_page(100);
    portal.between_pages(|dataset, page| {
        let ids: Vec<_> = dataset.rows.keys().cloned().collect();
        // Edits change a row where it is; one row goes, one comes.
        for id in ids.iter().skip(page % 7).step_by(41) {
            dataset.rows.get_mut(id).unwrap().fields[1] = format!("edited after page {page}");
        }
        dataset.rows.remove(&ids[page * 89 % ids.len()]);
        dataset.insert(&[&format!("new {page}"), "new"], &jiff::Timestamp::now().to_string());
    });
    let read = house.read(&of_portal(&house, &json!({}))).await.unwrap();
    let mut numbers: Vec<_> = read.rows.iter().map(|row| row[0].clone().unwrap()).collect();
    numbers.sort_unstable();
    let different: BTreeSet<_> = numbers.iter().cloned().collect();
    assert_eq!(numbers.len(), different.len(), "none comes twice");
    let stayed: BTreeSet<_> = portal.write(ID, |dataset| {
        dataset.rows.values().map(|row| row.fields[0].clone()).filter(|number| !number.starts_with("new")).collect()
    });
    assert!(stayed.is_subset(&different), "missing: {:?}", stayed.difference(&different).collect::<Vec<_>>());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_that_fails_is_asked_for_again() {
    let house = House::new();
    let portal = portal(&house, 300);
    portal.largest_page(100);
    house.server.fault_times("/resource/aaaa-0000.csv", ServerFault::status(503), 2);
    assert_eq!(house.read(&of_portal(&house, &json!({}))).await.unwrap().rows.len(), 300);
    house.server.fault("/resource/aaaa-0000.csv", ServerFault::HtmlPage);
    let (code, _) = house.error(&of_portal(&house, &json!({}))).await;
    assert_eq!(code, "source_answer");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_count_that_is_another_than_ours_is_told() {
    let house = House::new();
    let portal = portal(&house, 300);
    portal.overcount(40);
    let (code, text) = house.error(&of_portal(&house, &json!({}))).await;
    assert_eq!(code, "source_count");
    assert!(text.ends_with("gave 300 rows and counts 340"), "{text}");
}

#[tokio::test(flavor = "multi_thread")]
async fn columns_that_change_between_pages_start_over() {
    let house = House::new();
    let portal = portal(&house, 300);
    portal.largest_page(100);
    portal.between_pages(|dataset, page| {
        if page == 1 {
            dataset.columns.push("more".to_owned());
            dataset.rows.values_mut().for_each(|row| row.fields.push(String::new()));
        }
    });
    assert_eq!(house.error(&of_portal(&house, &json!({}))).await.0, "source_changed");
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_are_chosen_and_the_token_is_sent_and_never_shown() {
    let house = House::new();
    portal(&house, 30);
    let chosen = json!({"where": "number = '7'", "headers": {"X-App-Token": "${secret:TOKEN}"}});
    let read = house.read(&of_portal(&house, &chosen)).await.unwrap();
    assert_eq!(read.rows, [row(["7", "\"7\",\nof all"])]);
    let requests = house.server.requests();
    assert!(requests.iter().all(|request| request.headers["x-app-token"] == "hunter2"));
    let told = format!("{:?}", read.reading.fingerprints);
    assert!(told.contains("where=number = '7'") && !told.contains("hunter2"), "{told}");
}

#[tokio::test(flavor = "multi_thread")]
async fn only_what_is_new_is_asked_for_with_fields_of_the_system() {
    let house = House::new();
    let portal = portal(&house, 30);
    portal.write(ID, |dataset| dataset.insert(&["30", "new"], "2026-02-02T10:00:00.000Z"));
    let mut dataset = dataset(&[("t", &["number", "changed"], vec![source(&house, &json!({}))])]);
    dataset.tables[0].rename.insert(":updated_at".to_owned(), "changed".parse().unwrap());
    let access = house.access(&dataset);
    let since =
        Since { field: ":updated_at".into(), value: "2026-02-02 09:00:00+00".into(), type_name: "timestamptz".into() };
    access.read_since(&dataset.tables[0].sources()[0], since);
    assert!(access.is_partial());
    let read = read(access.into(), &dataset, 0).await.unwrap();
    assert_eq!(read.rows, [row(["30", "2026-02-02T10:00:00.000Z"])]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_portal_is_asked_whether_anything_was_written() {
    let house = House::new();
    let portal = portal(&house, 30);
    let dataset = of_portal(&house, &json!({}));
    let read = house.read(&dataset).await.unwrap();
    let known = &read.reading.fingerprints["aaaa-0000.csv"];
    let (access, source) = (house.access(&dataset), &dataset.tables[0].sources()[0]);
    let token = CancellationToken::new();
    house.server.forget_requests();
    assert!(access.unchanged(source, known, &token).await.unwrap());
    assert_eq!(house.server.requests().len(), 1);
    portal.write(ID, |dataset| dataset.insert(&["30", "new"], "2026-02-02T10:00:00.000Z"));
    assert!(!access.unchanged(source, known, &token).await.unwrap());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_dataset_of_a_new_year_is_found_by_its_title() {
    let house = House::new();
    let portal = portal(&house, 30);
    for (id, title) in [("bbbb-2025", "Requests 2025"), ("bbbb-2026", "requests  2026"), ("cccc-2026", "Other 2026")] {
        portal.write(id, |dataset| dataset.title = title.to_owned());
    }
    let known = source(&house, &json!({"id": "bbbb-2025", "discover": "Requests {year}"}));
    let mut known = known;
    known["file"] = json!("requests_bbbb-2025.csv");
    known["vars"] = json!({"id": "bbbb-2025"});
    let dataset = dataset(&[("t", &["number", "name"], vec![known])]);
    let access = house.access(&dataset);
    let found = access.discover(&dataset, &CancellationToken::new()).await.unwrap();
    let files: Vec<_> = found.tables[0].sources().iter().map(|source| source.file.as_str()).collect();
    assert_eq!(files, ["requests_bbbb-2025.csv", "requests_bbbb-2026.csv"]);
    assert_eq!(found.tables[0].sources()[1].vars["id"], "bbbb-2026");
}

#[tokio::test(flavor = "multi_thread")]
async fn items_of_catalogs_are_their_downloads() {
    let house = House::new();
    house.publish("trees.csv", "number,name\n1,one\n");
    let address = house.server.url_of("trees.csv");
    let catalog = json!({"dataset": [{"identifier": "http://hub/datasets/abc_0", "distribution": [
        {"format": "GeoJSON", "accessURL": "http://nowhere.invalid/"}, {"format": "CSV", "accessURL": address},
    ]}]});
    let answer = |body: Value| Reply { status: 200, content_type: "application/json", body: body.to_string() };
    house.server.serve("/data.json", move |_| answer(catalog.clone()));
    let of_ckan = json!({"success": true, "result": {"url": address}});
    house.server.serve("/api/3/action/resource_show", move |request| {
        let known = request.parameter("id").as_deref() == Some("r-1");
        Reply { status: if known { 200 } else { 404 }, ..answer(of_ckan.clone()) }
    });
    for origin in [
        json!({"dcat": {"catalog": house.server.url_of("data.json"), "item": "abc_0"}}),
        json!({"ckan": {"portal": house.server.url(), "resource": "r-1"}}),
    ] {
        let source = json!({"origin": origin, "file": "trees.csv", "reading": {"format": "csv"}});
        let dataset = dataset(&[("t", &["number", "name"], vec![source])]);
        let read = house.read(&dataset).await.unwrap();
        assert_eq!(read.rows, [row(["1", "one"])]);
        let known = &read.reading.fingerprints["trees.csv"];
        assert_eq!(known.address, address);
        let token = CancellationToken::new();
        assert!(house.access(&dataset).unchanged(&dataset.tables[0].sources()[0], known, &token).await.unwrap());
    }
}
