//! What goes wrong between a publisher and a worker has a name, and nothing of it becomes rows.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use freshet_tests::http::Fault as ServerFault;
use serde_json::json;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use worker::fault::{Exit, Fault, Retry};
use worker::reading::spawn;
use worker::source::{Access, Missing, Patience, ReadFrom};

use super::copied::row;
use super::house::{House, dataset, patience, read, source_at};

const CSV: &str = "id,name\n1,one\n2,two\n";

fn zip(members: &[(&str, &str)]) -> Vec<u8> {
    super::formats::zip(members)
}

#[tokio::test(flavor = "multi_thread")]
async fn an_error_status_is_told_with_its_address() {
    let house = House::new();
    let missing = house.csv("missing.csv", &["id", "name"]);
    let error = house.read(&missing).await.unwrap_err();
    let url = house.server.url_of("missing.csv");
    assert_eq!(error.to_string(), format!("{url} answered 404 Not Found"));
    assert_eq!((error.code(), error.exit(), error.retry()), ("source_status", Exit::Unavailable, Retry::Never));
    assert_eq!(house.server.requests_for("missing.csv").len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failing_server_is_asked_again_and_then_left_to_the_next_try() {
    let house = House::new();
    house.publish("a.csv", CSV);
    let dataset = house.csv("a.csv", &["id", "name"]);
    house.server.fault_times("a.csv", ServerFault::status(503), 2);
    assert_eq!(house.read(&dataset).await.unwrap().rows.len(), 2);
    assert_eq!(house.server.requests_for("a.csv").len(), 3);
    house.server.fault("a.csv", ServerFault::status(500));
    let error = house.read(&dataset).await.unwrap_err();
    assert_eq!((error.code(), error.retry()), ("source_status", Retry::Later));
    assert_eq!(house.server.requests_for("a.csv").len(), 6);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_publisher_that_asks_for_a_long_pause_gets_it() {
    let house = House::new();
    house.publish("a.csv", CSV);
    let dataset = house.csv("a.csv", &["id", "name"]);
    house.server.fault_times("a.csv", ServerFault::Status { code: 429, retry_after: Some(0) }, 1);
    assert!(house.read(&dataset).await.is_ok());
    house.server.fault("a.csv", ServerFault::Status { code: 429, retry_after: Some(3_600) });
    let error = house.read(&dataset).await.unwrap_err();
    assert_eq!((error.code(), error.retry()), ("source_status", Retry::Later));
    assert_eq!(house.server.requests_for("a.csv").len(), 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_in_the_place_of_data_is_refused() {
    let house = House::new();
    for (name, container) in
        [("a.csv", json!("plain")), ("a.csv.gz", json!("gzip")), ("a.zip", json!({"zip": {"member": "*"}}))]
    {
        house.publish(name, "unused");
        house.server.fault(name, ServerFault::HtmlPage);
        let source = house.source(name, &json!({"format": "csv", "container": container}));
        let (code, text) = house.error(&dataset(&[("t", &["id"], vec![source])])).await;
        assert_eq!((code, text), ("source_is_html", format!("{name}: an HTML page arrived instead of the data")));
    }
    house.publish("b.csv", r#"{"error": true, "message": "throttled"}"#);
    assert_eq!(house.error(&house.csv("b.csv", &["id"])).await.0, "source_is_json");
    house.publish("c.csv", zip(&[("c.csv", CSV)]));
    assert_eq!(house.error(&house.csv("c.csv", &["id"])).await.0, "source_is_zip");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_that_is_cut_off_does_not_end_a_table() {
    let house = House::new();
    house.publish("a.csv", CSV);
    let dataset = house.csv("a.csv", &["id", "name"]);
    house.server.faults("a.csv", &[ServerFault::CutAfter(14), ServerFault::NoRanges]);
    let (code, text) = house.error(&dataset).await;
    assert_eq!(code, "source_cut_off");
    assert!(text.ends_with("after 14 of 20 bytes"), "{text}");
    house.server.fault("a.csv", ServerFault::FalseLength(100));
    let (code, text) = house.error(&dataset).await;
    assert_eq!(code, "source_length");
    assert!(text.ends_with("announced 100 bytes and has 20"), "{text}");
    house.server.fault("a.csv", ServerFault::Hangup);
    assert_eq!(house.error(&dataset).await.0, "source_unreachable");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_archive_that_is_cut_off_is_fetched_again() {
    let house = House::new();
    house.publish("a.zip", zip(&[("a.csv", CSV)]));
    let source = house.source("a.zip", &json!({"format": "csv", "container": {"zip": {"member": "a.csv"}}}));
    let dataset = dataset(&[("t", &["id", "name"], vec![source])]);
    let cut = [ServerFault::CutAfter(30), ServerFault::NoRanges];
    house.server.faults_then("a.zip", &cut, 2, &[]);
    assert_eq!(house.read(&dataset).await.unwrap().rows.len(), 2);
    assert_eq!(house.server.requests_for("a.zip").len(), 3);
    house.server.faults("a.zip", &cut);
    assert_eq!(house.error(&dataset).await.0, "source_cut_off");
}

#[tokio::test(flavor = "multi_thread")]
async fn silence_ends_a_download() {
    let house = House::new();
    house.publish("a.csv", CSV);
    house.server.faults("a.csv", &[ServerFault::StallAfter(14), ServerFault::NoRanges]);
    let dataset = house.csv("a.csv", &["id", "name"]);
    let (code, text) = house.error(&dataset).await;
    assert_eq!(code, "source_stalled");
    assert!(text.ends_with("sent nothing for 0 s, after 14 bytes"), "{text}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_that_nobody_answers_is_told_with_the_reason() {
    let house = House::new();
    for (url, reason) in
        [("http://127.0.0.1:1/a.csv", "Connection refused"), ("http://no-such-host.invalid/a.csv", "dns error")]
    {
        let source = source_at(url, "a.csv", &json!({"format": "csv"}));
        let (code, text) = house.error(&dataset(&[("t", &["id"], vec![source])])).await;
        assert_eq!(code, "source_unreachable");
        assert!(text.starts_with(&format!("{url} did not answer: ")) && text.contains(reason), "{text}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn redirects_are_followed_but_not_for_ever() {
    let house = House::new();
    house.publish("new.csv", CSV);
    house.publish("old.csv", "");
    house.publish("loop.csv", "");
    house.server.fault("old.csv", ServerFault::Redirect("/new.csv".into()));
    house.server.fault("loop.csv", ServerFault::Redirect("/loop.csv".into()));
    let read = house.read(&house.csv("old.csv", &["id", "name"])).await.unwrap();
    assert_eq!(read.rows, [row(["1", "one"]), row(["2", "two"])]);
    assert_eq!(house.error(&house.csv("loop.csv", &["id"])).await.0, "source_redirect");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_secret_goes_to_the_publisher_and_into_no_error() {
    let house = House::new();
    house.publish("a.csv", CSV);
    let url = house.server.url_of("a.csv") + "?token=${secret:TOKEN}";
    let headers = json!({"X-App-Token": "${secret:TOKEN}"});
    let origin = json!({"url": {"url": url, "headers": headers}});
    let source = json!({"origin": origin, "file": "a.csv", "reading": {"format": "csv"}});
    let dataset = dataset(&[("t", &["id", "name"], vec![source])]);
    let read = house.read(&dataset).await.unwrap();
    let request = &house.server.requests_for("a.csv")[0];
    assert_eq!((request.query.as_str(), request.headers["x-app-token"].as_str()), ("token=hunter2", "hunter2"));
    assert!(!format!("{:?}", read.reading).contains("hunter2"));
    for fault in [ServerFault::status(403), ServerFault::Hangup, ServerFault::CutAfter(3), ServerFault::HtmlPage] {
        house.server.faults("a.csv", &[fault.clone(), ServerFault::NoRanges]);
        let error = house.read(&dataset).await.unwrap_err();
        let told = format!("{error} {error:?} {:?}", error.advice());
        assert!(!told.contains("hunter2"), "{fault:?}: {told}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_folder_in_the_place_of_all_sources_needs_no_network() {
    let house = House::new();
    let csv = json!({"format": "csv"});
    let nowhere = |file: &str| source_at("https://no-such-host.invalid/${secret:NONE}", file, &csv);
    let dataset = dataset(&[
        ("t", &["id", "name"], vec![nowhere("a.csv"), nowhere("b.csv")]),
        ("u", &["id"], vec![nowhere("c.csv")]),
    ]);
    house.publish("a.csv", CSV);
    let from = |missing| ReadFrom::Folder { folder: house.folder().to_owned(), missing };
    let strict = house.access_from(&dataset, from(Missing::Refuse));
    let error = read(strict.into(), &dataset, 0).await.unwrap_err();
    assert_eq!((error.code(), error.exit()), ("source_absent", Exit::Unavailable));
    assert_eq!(error.to_string(), format!("{} has no file b.csv", house.folder().display()));
    let partial = house.access_from(&dataset, from(Missing::Skip));
    assert_eq!(partial.sources(&dataset.tables[0]).unwrap().len(), 1);
    assert_eq!(partial.sources(&dataset.tables[1]).unwrap().len(), 0);
    assert_eq!(read(partial.into(), &dataset, 0).await.unwrap().rows.len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mirror_stands_in_the_place_of_all_publishers() {
    let house = House::new();
    house.publish("a b.csv", CSV);
    let source = source_at("https://no-such-host.invalid/export", "a b.csv", &json!({"format": "csv"}));
    let dataset = dataset(&[("t", &["id", "name"], vec![source])]);
    let access = house.access_from(&dataset, ReadFrom::Mirror(house.server.url()));
    assert_eq!(read(access.into(), &dataset, 0).await.unwrap().rows.len(), 2);
    assert_eq!(house.server.requests_for("a b.csv").len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn reading_stops_at_once_when_it_is_told_to() {
    let house = House::new();
    house.publish("a.csv", CSV);
    house.server.fault("a.csv", ServerFault::StallAfter(14));
    let dataset = house.csv("a.csv", &["id", "name"]);
    let patience = Patience { stall: Duration::from_hours(1), ..patience() };
    let access = Access::new(&dataset, ReadFrom::Publisher, house.means(patience));
    let (rejects, mut told) = mpsc::unbounded_channel();
    let stop = CancellationToken::new();
    let mut stream = spawn(access.into(), dataset.tables[0].clone(), BTreeSet::new(), rejects, &stop);
    assert!(house.server.wait_for_requests("a.csv", 1, Duration::from_secs(30)));
    let began = Instant::now();
    stop.cancel();
    let error = stream.chunk().await.unwrap().unwrap_err();
    assert_eq!((error.code(), error.exit()), ("stopped", Exit::Stopped));
    assert_eq!(stream.chunk().await.unwrap().unwrap_err().code(), "stopped");
    assert!(began.elapsed() < Duration::from_secs(10));
    assert_eq!(told.recv().await, None, "the reading thread is gone");
}

#[tokio::test(flavor = "multi_thread")]
async fn reading_stops_when_nobody_wants_the_rows() {
    let house = House::new();
    house.publish("a.csv", CSV.to_owned() + &"3,three\n".repeat(1_000_000));
    let dataset = house.csv("a.csv", &["id", "name"]);
    let (rejects, mut told) = mpsc::unbounded_channel();
    let mut stream = spawn(
        house.access(&dataset).into(),
        dataset.tables[0].clone(),
        BTreeSet::new(),
        rejects,
        &CancellationToken::new(),
    );
    assert!(stream.chunk().await.unwrap().is_ok());
    drop(stream);
    assert_eq!(told.recv().await, None, "the reading thread is gone");
}
