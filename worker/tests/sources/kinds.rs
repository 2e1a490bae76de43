//! What every format has to stand: each case is one thing that happens to files, and each format goes through all of them.

use std::collections::BTreeSet;
use std::time::Duration;

use freshet_tests::http::Fault as ServerFault;
use freshet_tests::lots::{FIXED, Lot, Lots};
use manifest::Dataset;
use serde_json::{Value, json};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use worker::fault::{Exit, Fault};
use worker::reading::spawn;
use worker::source::{Access, Patience, ReadFrom};

use super::copied::row;
use super::house::{House, dataset, patience};

/// What a format can tell of its own.
struct Kind {
    lots: Lots,
    /// The code of what is no such file at all.
    damage: &'static str,
    /// Whether it says how long it is, so that what is cut off is missed.
    end: End,
    /// A small file, or one that is no larger than it must be, whose one row takes more than is held.
    too_large: Option<fn() -> Vec<u8>>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    Known,
    /// A line more or less is all the same to it; of what arrives, only its server can say that it is not all.
    Open,
}

const KINDS: &[Kind] = &[
    Kind {
        lots: Lots::Csv,
        damage: "column_missing",
        end: End::Open,
        too_large: Some(|| long_line(b"id,name,amount,day\n", 9)),
    },
    Kind {
        lots: Lots::Tsv,
        damage: "column_missing",
        end: End::Open,
        too_large: Some(|| long_line(b"id\tname\tamount\tday\n", 9)),
    },
    Kind { lots: Lots::Fixed, damage: "too_few_fields", end: End::Open, too_large: Some(|| long_line(b"", 9)) },
    Kind {
        lots: Lots::Json,
        damage: "json_corrupt",
        end: End::Known,
        too_large: Some(|| long_line(b"[{\"id\":\"", 65)),
    },
    Kind {
        lots: Lots::Ndjson,
        damage: "ndjson_corrupt",
        end: End::Open,
        too_large: Some(|| long_line(b"{\"id\":\"", 65)),
    },
    Kind {
        lots: Lots::Geojson,
        damage: "geojson_corrupt",
        end: End::Known,
        too_large: Some(|| long_line(b"{\"features\":[{\"id\":\"", 65)),
    },
    Kind { lots: Lots::Shapefile, damage: "zip_corrupt", end: End::Known, too_large: Some(large_shape) },
    Kind { lots: Lots::Geopackage, damage: "geopackage_corrupt", end: End::Known, too_large: None },
    Kind { lots: Lots::Parquet, damage: "parquet_corrupt", end: End::Known, too_large: None },
    Kind { lots: Lots::Xlsx, damage: "zip_corrupt", end: End::Known, too_large: None },
];

/// A text that goes on for so many megabytes.
fn long_line(head: &[u8], megabytes: usize) -> Vec<u8> {
    let mut text = head.to_vec();
    text.resize(head.len() + (megabytes << 20), b'x');
    text
}

/// A shapefile whose first shape says that it has two gigabytes.
fn large_shape() -> Vec<u8> {
    let whole = Lots::Shapefile.bytes(1).unwrap();
    let mut archive = zip::ZipArchive::new(std::io::Cursor::new(whole)).unwrap();
    let mut out = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    for index in 0..archive.len() {
        let mut member = archive.by_index(index).unwrap();
        let mut bytes = Vec::new();
        std::io::Read::read_to_end(&mut member, &mut bytes).unwrap();
        if member.name().unwrap().ends_with(".shp") {
            bytes[104..108].copy_from_slice(&0x3fff_ffff_u32.to_be_bytes());
        }
        out.start_file(member.name().unwrap().into_owned(), zip::write::SimpleFileOptions::default()).unwrap();
        std::io::Write::write_all(&mut out, &bytes).unwrap();
    }
    out.finish().unwrap().into_inner()
}

impl Kind {
    fn name(&self) -> &'static str {
        self.lots.format()
    }

    fn file(&self) -> String {
        format!("lots.{}", self.lots.ending())
    }

    fn bytes(&self, rows: u64) -> Vec<u8> {
        self.lots.bytes(rows).unwrap()
    }

    /// The columns with these names, from the file of this house.
    fn dataset(&self, house: &House, columns: &[&str]) -> Dataset {
        let mut reading = json!({"format": self.name()});
        match self.lots {
            Lots::Shapefile => reading["container"] = json!({"zip": {"member": "*.shp"}}),
            Lots::Fixed => {
                let field = |(name, start, width)| json!({"name": name, "start": start, "width": width});
                reading["fields"] = Value::from(FIXED.map(field).to_vec());
            }
            _ => {}
        }
        dataset(&[("t", columns, vec![house.source(&self.file(), &reading)])])
    }

    /// The code that reading these bytes ends in, after which the spool is empty.
    async fn error(&self, bytes: &[u8]) -> (&'static str, String) {
        let house = House::new();
        house.publish(&self.file(), bytes);
        house.error(&self.dataset(&house, &COLUMNS)).await
    }
}

const COLUMNS: [&str; 3] = ["id", "name", "amount"];

#[tokio::test(flavor = "multi_thread")]
async fn the_happy_path() {
    for kind in KINDS {
        let house = House::new();
        house.publish(&kind.file(), kind.bytes(1_500));
        let read = house.read(&kind.dataset(&house, &["name", "id", "day"])).await.unwrap();
        assert_eq!((read.rows.len(), read.rejects.len()), (1_500, 0), "{}", kind.name());
        for (number, found) in (0..).map(Lot).zip(read.rows) {
            let day = if kind.lots == Lots::Shapefile { number.day().replace('-', "") } else { number.day() };
            assert_eq!(found, row([&number.name(), &number.0.to_string(), &day]), "{}", kind.name());
        }
        assert_eq!(house.spool.path().read_dir().unwrap().count(), 0);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_without_rows_has_none_and_no_file_at_all_is_refused() {
    for kind in KINDS {
        let house = House::new();
        house.publish(&kind.file(), kind.bytes(0));
        match house.read(&kind.dataset(&house, &COLUMNS)).await {
            Ok(read) => assert_eq!(read.rows.len(), 0, "{}", kind.name()),
            // What does not describe itself is nothing without a row.
            Err(error) => assert_eq!(error.code(), "source_empty", "{}", kind.name()),
        }
        let (code, text) = kind.error(b"").await;
        let expected = if kind.end == End::Open || code == "source_empty" { "source_empty" } else { kind.damage };
        assert_eq!(code, expected, "{}: {text}", kind.name());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_truncated_is_an_error() {
    for kind in KINDS.iter().filter(|kind| kind.end == End::Known) {
        let whole = kind.bytes(1_500);
        for length in [whole.len() / 3, whole.len() - 3] {
            let (code, text) = kind.error(&whole[..length]).await;
            assert_eq!(code, kind.damage, "{}: {length} of {} bytes: {text}", kind.name(), whole.len());
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_for_people_is_no_data() {
    for kind in KINDS {
        let house = House::new();
        house.publish(&kind.file(), kind.bytes(10));
        house.server.fault(&kind.file(), ServerFault::HtmlPage);
        let error = house.read(&kind.dataset(&house, &COLUMNS)).await.unwrap_err();
        assert_eq!((error.code(), error.exit()), ("source_is_html", Exit::Unavailable), "{}: {error}", kind.name());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_of_another_format_is_refused() {
    let others = [Lots::Csv, Lots::Ndjson, Lots::Shapefile, Lots::Geopackage, Lots::Parquet];
    let others: Vec<_> = others.into_iter().map(|other| (other, other.bytes(5).unwrap())).collect();
    for kind in KINDS {
        for (other, bytes) in others.iter().filter(|(other, _)| *other != kind.lots) {
            let house = House::new();
            house.publish(&kind.file(), bytes);
            let read = house.read(&kind.dataset(&house, &COLUMNS)).await;
            match read {
                Err(error) => assert_ne!(error.exit(), Exit::Internal, "{}: {other:?}: {error}", kind.name()),
                // A line is all that fixed width asks for, and objects are to JSON what they are to NDJSON.
                Ok(read) if kind.lots == Lots::Fixed => assert_eq!(read.rows.len(), 0, "{other:?}"),
                Ok(_) => assert_eq!((kind.name(), *other), ("json", Lots::Ndjson)),
            }
            assert_eq!(house.spool.path().read_dir().unwrap().count(), 0);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn where_the_network_cuts_makes_no_difference() {
    for kind in KINDS {
        let house = House::new();
        let bytes = kind.bytes(300);
        house.publish(&kind.file(), &bytes);
        let dataset = kind.dataset(&house, &COLUMNS);
        let whole = house.read(&dataset).await.unwrap().rows;
        let cut = ServerFault::CutAfter(u64::try_from(bytes.len()).unwrap() / 5 + 1);
        for faults in [vec![cut], vec![ServerFault::Chunked], vec![ServerFault::Late(Duration::from_millis(20))]] {
            house.server.faults_then(&kind.file(), &faults, 2, &[]);
            assert_eq!(house.read(&dataset).await.unwrap().rows, whole, "{}: {faults:?}", kind.name());
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_takes_more_than_is_held_is_refused() {
    for kind in KINDS {
        let Some(too_large) = kind.too_large else { continue };
        let (code, text) = kind.error(&too_large()).await;
        assert!(["source_too_large", "record_too_long"].contains(&code), "{}: {code}: {text}", kind.name());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_cancels_is_let_go_and_nothing_is_left() {
    for kind in KINDS {
        let house = House::new();
        house.publish(&kind.file(), kind.bytes(300));
        house.server.fault(&kind.file(), ServerFault::StallAfter(900));
        let patient = Patience { stall: Duration::from_hours(1), answer: Duration::from_hours(1), ..patience() };
        let dataset = kind.dataset(&house, &COLUMNS);
        let access = Access::new(&dataset, ReadFrom::Publisher, house.means(patient));
        let token = CancellationToken::new();
        let (sender, _rejects) = mpsc::unbounded_channel();
        let mut stream = spawn(access.into(), dataset.tables[0].clone(), BTreeSet::new(), sender, &token);
        let reading = tokio::spawn(async move {
            loop {
                match stream.chunk().await {
                    Some(Ok(_)) => {}
                    Some(Err(error)) => return error.code(),
                    None => return "complete",
                }
            }
        });
        assert!(house.server.wait_for_requests(&kind.file(), 1, Duration::from_secs(30)), "{}", kind.name());
        token.cancel();
        assert_eq!(reading.await.unwrap(), "stopped", "{}", kind.name());
        assert_eq!(house.spool.path().read_dir().unwrap().count(), 0);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_column_that_is_gone_refuses_and_one_that_is_new_is_told() {
    for kind in KINDS {
        let house = House::new();
        house.publish(&kind.file(), kind.bytes(3));
        let gone = house.read(&kind.dataset(&house, &["id", "owner", "amount"])).await.unwrap_err();
        assert_eq!(gone.code(), "column_missing", "{}: {gone}", kind.name());
        let read = house.read(&kind.dataset(&house, &["id"])).await.unwrap();
        let told: Vec<_> = read.reading.drift.iter().map(ToString::to_string).collect();
        assert!(told.iter().any(|told| told.contains("\"amount\"")), "{}: {told:?}", kind.name());
        assert_eq!(read.rows.len(), 3, "{}", kind.name());
    }
}
