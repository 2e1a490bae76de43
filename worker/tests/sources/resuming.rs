//! A download that is cut goes on where it stopped, and never with another version of the file.

use std::fmt::Write as _;

use freshet_tests::http::Fault as ServerFault;
use serde_json::json;
use tokio_util::sync::CancellationToken;
use worker::source::Use;

use super::house::{House, dataset};

const MEGABYTE: u64 = 1 << 20;

/// A CSV of `rows` rows of some forty bytes.
fn csv(rows: u32) -> String {
    let mut text = "id,name\n".to_owned();
    for row in 0..rows {
        let _ = writeln!(text, "{row},the name of row {row} of this file");
    }
    text
}

/// Rows of a table, and bytes that the publisher sent for them.
async fn rows_and_bytes(house: &House, file: &str) -> (usize, u64) {
    let read = house.read(&house.csv(file, &["id", "name"])).await.unwrap();
    (read.rows.len(), house.server.requests_for(file).iter().map(|request| request.sent).sum())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_cuts_every_megabyte_is_asked_for_hardly_more_than_the_file() {
    let house = House::new();
    let text = csv(200_000);
    house.publish("a.csv", &text);
    house.server.fault("a.csv", ServerFault::CutAfter(MEGABYTE));
    let (rows, bytes) = rows_and_bytes(&house, "a.csv").await;
    assert_eq!(rows, 200_000);
    let length = text.len() as u64;
    assert!(length > 7 * MEGABYTE && bytes * 100 <= length * 102, "{bytes} of {length}");
    let requests = house.server.requests_for("a.csv");
    assert_eq!(requests.len() as u64, length.div_ceil(MEGABYTE));
    assert!(requests[1..].iter().all(|request| request.status == 206 && request.headers.contains_key("if-range")));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_archive_too_is_gone_on_with() {
    let house = House::new();
    let bytes = super::formats::zip(&[("a.csv", "id,name\n1,one\n"), ("b.bin", &"x".repeat(3_000_000))]);
    house.publish("a.zip", &bytes);
    house.server.fault("a.zip", ServerFault::CutAfter(bytes.len() as u64 / 2));
    let source = house.source("a.zip", &json!({"format": "csv", "container": {"zip": {"member": "a.csv"}}}));
    let read = house.read(&dataset(&[("t", &["id", "name"], vec![source])])).await.unwrap();
    assert_eq!(read.rows.len(), 1);
    let statuses: Vec<_> = house.server.requests_for("a.zip").iter().map(|request| request.status).collect();
    assert_eq!(statuses[..2], [200, 206]);
}

#[tokio::test(flavor = "multi_thread")]
async fn where_nothing_proves_that_it_is_the_same_file_what_had_come_is_compared() {
    let house = House::new();
    let text = csv(20_000);
    house.publish("a.csv", &text);
    for faults in [
        vec![ServerFault::NoValidators],
        vec![ServerFault::WeakTag],
        vec![ServerFault::NoRanges],
        vec![ServerFault::NoValidators, ServerFault::Chunked],
    ] {
        house.server.forget_requests();
        let cut = [faults.as_slice(), &[ServerFault::CutAfter(300_000)]].concat();
        house.server.faults_then("a.csv", &cut, 1, &faults);
        let (rows, _) = rows_and_bytes(&house, "a.csv").await;
        assert_eq!(rows, 20_000, "{faults:?}");
        let requests = house.server.requests_for("a.csv");
        assert_eq!(requests.iter().map(|request| request.status).collect::<Vec<_>>(), [200, 200], "{faults:?}");
        assert_eq!(requests[1].sent, text.len() as u64);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_changed_midway_is_never_spliced() {
    let house = House::new();
    let old = csv(20_000);
    for faults in [
        vec![],
        vec![ServerFault::NoRanges],
        vec![ServerFault::WeakTag],
        vec![ServerFault::NoValidators],
        vec![ServerFault::NoValidators, ServerFault::Chunked],
    ] {
        house.publish("a.csv", &old);
        house.publish("next.csv", old.replace("name of row", "row's new name of"));
        let cut = [faults.as_slice(), &[ServerFault::CutAfter(300_000), ServerFault::ReplacedBy("next.csv".into())]];
        house.server.faults_then("a.csv", &cut.concat(), 1, &faults);
        let (code, text) = house.error(&house.csv("a.csv", &["id", "name"])).await;
        assert_eq!(code, "source_changed", "{faults:?}");
        assert!(text.ends_with("changed at the publisher while it was read, after 300000 bytes"), "{text}");
        // What must be sought is fetched anew by itself.
        house.publish("a.csv", &old);
        house.publish("next.csv", old.replace("name of row", "row's new name of"));
        house.server.faults_then("a.csv", &cut.concat(), 1, &faults);
        let dataset = house.csv("a.csv", &["id", "name"]);
        let access = house.access(&dataset);
        let source = &dataset.tables[0].sources()[0];
        let opened = access.open(source, Use::Seek, &CancellationToken::new()).await.unwrap();
        let worker::source::Input::File(_, content) = opened.input else { panic!("a file") };
        let new = old.replace("name of row", "row's new name of");
        assert_eq!(content, worker::source::Digest::of(new.as_bytes()).unwrap());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn silence_in_the_middle_is_a_cut_too() {
    let house = House::new();
    house.publish("a.csv", csv(20_000));
    house.server.fault_times("a.csv", ServerFault::StallAfter(100_000), 2);
    assert_eq!(rows_and_bytes(&house, "a.csv").await.0, 20_000);
    assert_eq!(house.server.requests_for("a.csv").len(), 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn tries_that_bring_nothing_come_to_an_end() {
    let house = House::new();
    house.publish("a.csv", csv(20_000));
    house.server.faults("a.csv", &[ServerFault::CutAfter(10), ServerFault::NoRanges]);
    assert_eq!(house.error(&house.csv("a.csv", &["id", "name"])).await.0, "source_cut_off");
    assert_eq!(house.server.requests_for("a.csv").len(), 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_checksum_that_was_sent_along_is_checked() {
    let house = House::new();
    house.publish("a.csv", "id,name\n1,one\n");
    let dataset = house.csv("a.csv", &["id", "name"]);
    let right = "sha-256=:cLxkhBDVgCVdSMFkFtKmS1zBiNqXxMsmcPfiMKZ71zc=:";
    for name in ["Repr-Digest", "Content-Digest", "Digest"] {
        house.server.fault("a.csv", ServerFault::Header(name, right.to_owned()));
        let (code, text) = house.error(&dataset).await;
        assert_eq!(code, "source_checksum", "{name}");
        assert!(text.ends_with(&format!("is not what its checksum says ({name})")), "{text}");
    }
    house.server.fault("a.csv", ServerFault::Header("Content-MD5", "AAAAAAAAAAAAAAAAAAAAAA==".into()));
    assert_eq!(house.error(&dataset).await.0, "source_checksum");
}

#[tokio::test(flavor = "multi_thread")]
async fn files_of_one_table_are_fetched_beside_each_other_and_read_in_their_order() {
    let house = House::new();
    let files: Vec<String> = (0..12).map(|number| format!("f{number:02}.csv")).collect();
    for (number, file) in files.iter().enumerate() {
        house.publish(file, format!("id,name\n{number},n\n"));
    }
    let sources = files.iter().map(|file| house.source(file, &json!({"format": "csv"}))).collect();
    let read = house.read(&dataset(&[("t", &["id", "name"], sources)])).await.unwrap();
    let ids: Vec<_> = read.rows.iter().map(|row| row[0].clone().unwrap().parse::<u32>().unwrap()).collect();
    assert_eq!(ids, (0..12).collect::<Vec<_>>());
    assert_eq!(house.server.requests().len(), 12, "each is asked for once");
    assert_eq!(read.reading.fingerprints.len(), 12);
}
