//! Prints how many rows a second one table is read at, from a file to the chunks of its binary `COPY` stream, which are thrown away:
//! rows of 41 columns and about 490 bytes, as New York publishes its housing violations, two thirds of them with a quoted field.
//! `cargo run --release -p worker --example read_throughput [ROWS]`

use std::fmt::Write as _;
use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use manifest::Dataset;
use serde_json::json;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use worker::reading::spawn;
use worker::source::{Access, Missing, Patience, ReadFrom};
use worker::spool::Spool;

const COLUMNS: [(&str, &str); 41] = [
    ("ViolationID", "integer"),
    ("BuildingID", "integer"),
    ("RegistrationID", "integer"),
    ("BoroID", "char(1)"),
    ("Borough", "text"),
    ("HouseNumber", "text"),
    ("LowHouseNumber", "text"),
    ("HighHouseNumber", "text"),
    ("StreetName", "text"),
    ("StreetCode", "text"),
    ("Postcode", "char(5)"),
    ("Apartment", "text"),
    ("Story", "text"),
    ("Block", "integer"),
    ("Lot", "integer"),
    ("Class", "char(1)"),
    ("InspectionDate", "date"),
    ("ApprovedDate", "date"),
    ("OriginalCertifyByDate", "date"),
    ("OriginalCorrectByDate", "date"),
    ("NewCertifyByDate", "date"),
    ("NewCorrectByDate", "date"),
    ("CertifiedDate", "date"),
    ("OrderNumber", "text"),
    ("NOVID", "integer"),
    ("NOVDescription", "text"),
    ("NOVIssuedDate", "date"),
    ("CurrentStatusID", "smallint"),
    ("CurrentStatus", "text"),
    ("CurrentStatusDate", "date"),
    ("NovType", "text"),
    ("ViolationStatus", "text"),
    ("RentImpairing", "boolean"),
    ("Latitude", "numeric"),
    ("Longitude", "numeric"),
    ("CommunityBoard", "text"),
    ("CouncilDistrict", "smallint"),
    ("CensusTract", "text"),
    ("BIN", "char(7)"),
    ("BBL", "char(10)"),
    ("NTA", "text"),
];

const ROUNDS: usize = 5;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let rows = std::env::args().nth(1).map_or(Ok(500_000), |rows| rows.parse::<u32>())?;
    let folder = tempfile::tempdir()?;
    let bytes = generate(&folder.path().join("violations.csv"), rows)?;
    let mut out = io::stdout().lock();
    writeln!(out, "{rows} rows, {} columns, {} bytes a row", COLUMNS.len(), bytes / u64::from(rows))?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let mut times = Vec::new();
    for _ in 0..ROUNDS {
        let (time, sent) = runtime.block_on(read(folder.path(), rows))?;
        times.push(time);
        let seconds = time.as_secs_f64();
        let (per_second, megabytes) = (f64::from(rows) / seconds, exact(bytes) / 1e6 / seconds);
        writeln!(out, "{seconds:.3} s: {per_second:.0} rows/s, {megabytes:.0} MB/s in, {sent} bytes out")?;
    }
    times.sort_unstable();
    writeln!(out, "median {:.0} rows/s; {}", f64::from(rows) / times[ROUNDS / 2].as_secs_f64(), peak_memory())?;
    Ok(())
}

/// Reads the file once; the time and the bytes of the stream.
async fn read(folder: &Path, rows: u32) -> Result<(Duration, u64), Box<dyn std::error::Error>> {
    let columns: Vec<_> =
        COLUMNS.iter().map(|(name, column)| json!({"name": name.to_lowercase(), "type": column})).collect();
    let source = json!({"origin": {"url": {"url": "https://example.org/"}}, "file": "violations.csv", "reading": {"format": "csv"}});
    let dataset: Dataset = serde_json::from_value(json!({
        "dataset": "violations", "title": "Violations", "publisher": "Nobody",
        "tables": [{"name": "violations", "content": {"sources": [source]}, "columns": columns, "primary_key": ["violationid"]}],
    }))?;
    let from = ReadFrom::Folder { folder: folder.to_owned(), missing: Missing::Refuse };
    let access = Access::new(&dataset, from, Spool::new(folder), Arc::new(|_| None), Patience::default());
    let (rejects, _none) = mpsc::unbounded_channel();
    let start = Instant::now();
    let mut stream = spawn(Arc::new(access), dataset.tables[0].clone(), rejects, &CancellationToken::new());
    let mut sent = 0;
    while let Some(chunk) = stream.chunk().await {
        sent += chunk?.len() as u64;
    }
    let time = start.elapsed();
    let reading = stream.finish()?;
    assert_eq!((reading.rows, reading.bad_values()), (u64::from(rows), 0), "every row and every value is read");
    Ok((time, sent))
}

fn generate(path: &Path, rows: u32) -> io::Result<u64> {
    let mut file = BufWriter::new(File::create(path)?);
    writeln!(file, "{}", COLUMNS.map(|(name, _)| name).join(","))?;
    let mut line = String::new();
    for row in 0..rows {
        line.clear();
        violation(&mut line, row);
        file.write_all(line.as_bytes())?;
    }
    file.flush()?;
    Ok(file.get_ref().metadata()?.len())
}

fn violation(line: &mut String, row: u32) {
    let date =
        |days: u32| format!("{:02}/{:02}/20{:02}", 1 + (row + days) % 12, 1 + (row * 7 + days) % 28, 10 + row % 15);
    let order = [
        "SECTION 27-2040 ADM CODE PROVIDE ADEQUATE LIGHTING AT OR NEAR THE OUTSIDE OF THE FRONT ENTRANCEWAY OF THE BUILDING AND KEEP \
         SAME BURNING FROM SUNSET EVERY DAY TO SUNRISE ON THE DAY FOLLOWING A MINIMUM OF 100 WATTS",
        "\"SECTION 27-2005 ADM CODE PROPERLY REPAIR WITH SIMILAR MATERIAL THE BROKEN OR DEFECTIVE CERAMIC FLOOR TILES , IN THE BATHROOM \
         LOCATED AT APT 3L, 3rd STORY, 8th APARTMENT FROM NORTH AT EAST OF THE BUILDING AND MORE\"",
        "\"SECTION 27-2013 ADM CODE PAINT WITH LIGHT COLORED PAINT TO THE SATISFACTION OF THIS DEPARTMENT ALL PEELING PAINTED SURFACES, \
         CEILINGS IN THE ENTIRE APARTMENT LOCATED AT APT 1A, 1st STORY, 1st APARTMENT FROM EAST AT\"",
    ][row as usize % 3];
    let _ = writeln!(
        line,
        "{},{},{},{},{},{house},{house},{house},{} EXAMPLE AVENUE,{},1{:04},{},{},{},{},{},{},{},{},{},,,{},{},{},{order},{},{},\
         VIOLATION DISMISSED,{},Original,{},{},40.{:06},-73.{:06},{},{},{},{},{}{:05}{:04},{}",
        10_000_000 + row,
        70_000 + row % 900_000,
        100_000 + row % 300_000,
        1 + row % 5,
        ["MANHATTAN", "BRONX", "BROOKLYN", "QUEENS", "STATEN ISLAND"][row as usize % 5],
        row % 220,
        10_000 + row % 80_000,
        row % 2_000,
        ["3L", "", "12", "", "1A"][row as usize % 5],
        ["All Stories", "3", "", "2"][row as usize % 4],
        1 + row % 16_000,
        1 + row % 150,
        ["A", "B", "C"][row as usize % 3],
        date(1),
        date(2),
        date(51),
        date(37),
        if row.is_multiple_of(3) { date(40) } else { String::new() },
        500 + row % 700,
        4_000_000 + row % 900_000,
        date(3),
        row % 30,
        date(90),
        if row.is_multiple_of(4) { "Open" } else { "Close" },
        if row.is_multiple_of(50) { "Y" } else { "N" },
        row * 11 % 1_000_000,
        row * 13 % 1_000_000,
        1 + row % 18,
        1 + row % 51,
        1 + row % 1_500,
        1_000_000 + row % 4_000_000,
        1 + row % 5,
        1 + row % 16_000,
        1 + row % 150,
        ["Rugby-Remsen Village", "West Concourse", "East Concourse-Concourse Village"][row as usize % 3],
        house = 1 + row % 5_000,
    );
}

#[expect(clippy::cast_precision_loss, reason = "three digits are shown")]
fn exact(bytes: u64) -> f64 {
    bytes as f64
}

/// The process's largest resident size so far, as Linux tells it.
fn peak_memory() -> String {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.map_or_else(|| "peak memory unknown".to_owned(), |peak| format!("peak memory {}", peak.trim()))
}
