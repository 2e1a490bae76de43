//! Prints how many rows a second one table is read at, from a file to the chunks of its binary `COPY` stream, which are thrown away:
//! rows of 41 columns and about 490 bytes, as New York publishes its housing violations, two thirds of them with a quoted field.
//! `cargo run --release -p worker --example read_throughput [ROWS]`

use std::collections::BTreeSet;
use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use freshet_tests::violations;
use manifest::Dataset;
use serde_json::json;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use worker::reading::spawn;
use worker::source::{Access, Means, Missing, Patience, ReadFrom};
use worker::spool::Spool;

/// Types of the columns, in the order of the publisher's header.
const TYPES: &str = "integer,integer,integer,char(1),text,text,text,text,text,text,char(5),text,text,integer,integer,char(1),date,\
                     date,date,date,date,date,date,text,integer,text,date,smallint,text,date,text,text,boolean,numeric,numeric,\
                     text,smallint,text,char(7),char(10),text";

const ROUNDS: usize = 5;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let rows = std::env::args().nth(1).map_or(Ok(500_000), |rows| rows.parse::<u32>())?;
    let folder = tempfile::tempdir()?;
    let bytes = generate(&folder.path().join("violations.csv"), rows)?;
    let mut out = io::stdout().lock();
    writeln!(out, "{rows} rows, {} columns, {} bytes a row", violations::COLUMNS, bytes / u64::from(rows))?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let mut times = Vec::new();
    for _ in 0..ROUNDS {
        let before = processor_time();
        let (time, sent) = runtime.block_on(read(folder.path(), rows))?;
        let busy = processor_time().saturating_sub(before).as_secs_f64();
        times.push(time);
        let seconds = time.as_secs_f64();
        let (per_second, megabytes) = (f64::from(rows) / seconds, exact(bytes) / 1e6 / seconds);
        writeln!(
            out,
            "{seconds:.3} s: {per_second:.0} rows/s, {megabytes:.0} MB/s in, {sent} bytes out, {busy:.2} s of processors"
        )?;
    }
    times.sort_unstable();
    writeln!(out, "median {:.0} rows/s; {}", f64::from(rows) / times[ROUNDS / 2].as_secs_f64(), peak_memory())?;
    Ok(())
}

/// Reads the file once; the time and the bytes of the stream.
async fn read(folder: &Path, rows: u32) -> Result<(Duration, u64), Box<dyn std::error::Error>> {
    let columns: Vec<_> = violations::HEADER
        .split(',')
        .zip(TYPES.split(','))
        .map(|(name, column)| json!({"name": name.to_lowercase(), "type": column}))
        .collect();
    let source = json!({"origin": {"url": {"url": "https://example.org/"}}, "file": "violations.csv", "reading": {"format": "csv"}});
    let dataset: Dataset = serde_json::from_value(json!({
        "dataset": "violations", "title": "Violations", "publisher": "Nobody",
        "tables": [{"name": "violations", "content": {"sources": [source]}, "columns": columns, "primary_key": ["violationid"]}],
    }))?;
    let from = ReadFrom::Folder { folder: folder.to_owned(), missing: Missing::Refuse };
    let means = Means {
        aws: None,
        spool: Spool::new(folder),
        secrets: Arc::new(|_| None),
        patience: Patience::default(),
        today: jiff::civil::Date::default(),
    };
    let access = Access::new(&dataset, from, means);
    let (rejects, _none) = mpsc::unbounded_channel();
    let start = Instant::now();
    let mut stream =
        spawn(Arc::new(access), dataset.tables[0].clone(), BTreeSet::new(), rejects, &CancellationToken::new());
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
    violations::write(&mut file, rows.into(), 1)?;
    file.flush()?;
    Ok(file.get_ref().metadata()?.len())
}

/// The processor time of all threads so far.
fn processor_time() -> Duration {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
    Duration::new(time.tv_sec.try_into().unwrap_or(0), time.tv_nsec.try_into().unwrap_or(0))
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
