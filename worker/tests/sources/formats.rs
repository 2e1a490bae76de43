//! What publishers send is read whatever it is packed in, and what is damaged is told apart from what is there.

use std::io::{Cursor, Write};

use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::json;
use worker::fault::Fault;
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

use super::copied::row;
use super::house::{House, dataset, read};

pub(crate) fn zip(members: &[(&str, &str)]) -> Vec<u8> {
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, text) in members {
        writer.start_file(*name, SimpleFileOptions::default()).unwrap();
        writer.write_all(text.as_bytes()).unwrap();
    }
    writer.finish().unwrap().into_inner()
}

fn gzip(text: &str) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(text.as_bytes()).unwrap();
    encoder.finish().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn members_of_an_archive_are_one_table_whatever_the_order_of_their_columns() {
    let house = House::new();
    house.publish(
        "lots.zip",
        zip(&[
            ("lots/SI.csv", "lot,boro\n3,SI\n"),
            ("lots/readme.pdf", "%PDF-1.7"),
            ("lots/BX.csv", "\u{feff}Boro,Lot,New\r\nBX,1,\r\nBX,2,x\r\n"),
        ]),
    );
    let source = house.source("lots.zip", &json!({"format": "csv", "container": {"zip": {"member": "*.csv"}}}));
    let read = house.read(&dataset(&[("t", &["boro", "lot"], vec![source])])).await.unwrap();
    assert_eq!(read.rows, [row(["BX", "1"]), row(["BX", "2"]), row(["SI", "3"])]);
    let drift: Vec<_> = read.reading.drift.iter().map(ToString::to_string).collect();
    assert_eq!(
        drift,
        [
            "lots.zip: lots/BX.csv has columns that the manifest does not know: \"New\"",
            "lots.zip: lots/SI.csv has its columns in another order: lot before others",
        ]
    );
    assert_eq!(house.spool.path().read_dir().unwrap().count(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_damaged_archive_is_told_from_one_without_the_member() {
    let house = House::new();
    let mut bytes = zip(&[("a.csv", &("id\n".to_owned() + &"1\n".repeat(100)))]);
    let source = house.source("a.zip", &json!({"format": "csv", "container": {"zip": {"member": "b.csv"}}}));
    house.publish("a.zip", &bytes);
    let (code, text) = house.error(&dataset(&[("t", &["id"], vec![source])])).await;
    assert_eq!((code, text.as_str()), ("zip_no_member", "a.zip: the zip archive has no member `b.csv`; it has a.csv"));
    let place = bytes.windows(5).position(|name| name == b"a.csv").unwrap() + 8;
    bytes[place] ^= 0xff;
    house.publish("a.zip", &bytes);
    let source = house.source("a.zip", &json!({"format": "csv", "container": {"zip": {"member": "*.csv"}}}));
    let (code, text) = house.error(&dataset(&[("t", &["id"], vec![source])])).await;
    assert_eq!(code, "zip_corrupt");
    assert!(text.starts_with("a.zip: a.csv: the zip archive is damaged: "), "{text}");
}

#[tokio::test(flavor = "multi_thread")]
async fn gzip_is_unpacked_and_checked() {
    let house = House::new();
    let text = "id,name\n1,one\n2,two\n";
    let source = house.source("a.csv.gz", &json!({"format": "csv", "container": "gzip"}));
    let dataset = dataset(&[("t", &["id", "name"], vec![source])]);
    let packed = gzip(text);
    house.publish("a.csv.gz", &packed);
    let read = house.read(&dataset).await.unwrap();
    assert_eq!(read.rows, [row(["1", "one"]), row(["2", "two"])]);
    assert_eq!((read.reading.bytes, read.reading.fingerprints["a.csv.gz"].content.bytes), (20, packed.len() as u64));
    house.publish("a.csv.gz", &packed[..packed.len() - 4]);
    assert_eq!(house.error(&dataset).await.0, "gzip_corrupt");
    house.publish("a.csv.gz", text);
    assert_eq!(house.error(&dataset).await.0, "gzip_corrupt");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_in_two_tables_is_fetched_once() {
    let house = House::new();
    house.publish("a.zip", zip(&[("a.csv", "id\n1\n"), ("b.csv", "id\n2\n")]));
    house.publish("c.csv", "id\n3\n");
    let member =
        |member: &str| house.source("a.zip", &json!({"format": "csv", "container": {"zip": {"member": member}}}));
    let csv = || house.source("c.csv", &json!({"format": "csv"}));
    let dataset =
        dataset(&[("a", &["id"], vec![member("a.csv"), csv()]), ("b", &["id"], vec![member("b.csv"), csv()])]);
    let access = std::sync::Arc::new(house.access(&dataset));
    let (one, other) = tokio::try_join!(read(access.clone(), &dataset, 0), read(access.clone(), &dataset, 1)).unwrap();
    assert_eq!((one.rows, other.rows), (vec![row(["1"]), row(["3"])], vec![row(["2"]), row(["3"])]));
    assert_eq!(one.reading.fingerprints, other.reading.fingerprints);
    assert_eq!(house.server.requests().len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn delimiters_encodings_and_headers_are_what_the_manifest_says() {
    let house = House::new();
    house.publish("a.txt", b"Note: caf\xe9s\nsource|DOB\n\nID|Name\n1|caf\xe9\n2| N/A \n");
    let reading = json!({"format": "csv", "delimiter": "|", "encoding": "latin1", "header": "find", "nulls": ["N/A"]});
    let dataset_found = dataset(&[("t", &["id", "name"], vec![house.source("a.txt", &reading)])]);
    let read = house.read(&dataset_found).await.unwrap();
    assert_eq!(read.rows, [row(["1", "café"]), vec![Some("2".to_owned()), None]]);
    house.publish("b.tsv", "1\tone\n2\ttwo, three\n");
    let reading = json!({"format": "tsv", "header": "none"});
    let read = house.read(&dataset(&[("t", &["id", "name"], vec![house.source("b.tsv", &reading)])])).await.unwrap();
    assert_eq!(read.rows, [row(["1", "one"]), row(["2", "two, three"])]);
    house.publish("a.txt", "nothing|here\nor|here\n");
    let (code, text) = house.error(&dataset_found).await;
    assert_eq!(code, "header_not_found");
    let told = "none of the first 2 rows is the header; the nearest, line 1, has no column for `id`, `name`";
    assert_eq!(text, format!("table t: a.txt: {told}"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_column_that_is_gone_refuses_the_table_with_the_line_that_would_repair_it() {
    let house = House::new();
    house.publish("a.csv", "ID,Full Name\n1,one\n");
    let error = house.read(&house.csv("a.csv", &["id", "fullnames"])).await.unwrap_err();
    assert_eq!(error.code(), "column_missing");
    assert_eq!(
        error.to_string(),
        "table t: a.csv: the header has no column for `fullnames` (did you mean \"Full Name\"?)"
    );
    assert_eq!(error.advice().unwrap(), "if it was renamed, say `rename: {\"Full Name\": fullnames}`");
    house.publish("a.csv", "");
    assert_eq!(house.error(&house.csv("a.csv", &["id"])).await.0, "source_empty");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_read_is_told_with_file_line_and_text() {
    let house = House::new();
    house.publish("a.csv", b"id,name\n1,\"two\nlines\"\nxx,caf\xe9\n3\n".as_slice());
    let dataset = house.csv("a.csv", &["name", "id char(1)"]);
    let read = house.read(&dataset).await.unwrap();
    assert_eq!(read.rows, [row(["two\nlines", "1"]), vec![None, None]]);
    let told: Vec<_> = read
        .rejects
        .iter()
        .map(|reject| {
            let column = reject.column.as_ref().map_or("-", |column| column.as_str());
            format!(
                "{}:{} {column} {} {} {}",
                reject.file,
                reject.line,
                reject.code,
                reject.raw,
                reject.consequence.as_str()
            )
        })
        .collect();
    assert_eq!(
        told,
        [
            "a.csv:4 name not_utf8 caf\\xE9 null",
            "a.csv:4 id too_long xx null",
            "a.csv:5 - too_few_fields 3 row_rejected",
        ]
    );
    let over = worker::reading::over_budget(&dataset.tables[0], &read.reading).unwrap();
    assert_eq!((over.overruns.len(), over.code()), (3, "bad_values"));
}
