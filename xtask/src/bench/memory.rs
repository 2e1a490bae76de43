//! The peak of a worker's memory while it loads files of many gigabytes. What is text comes as a stream that is made while it is read, so
//! that no disk has to hold it; what must be sought is in the worker's spool. Gigabytes are packed fast enough by an optimised xtask alone:
//! `cargo run --release -p xtask -- bench memory --megabytes 5000`.

use std::io::{self, BufRead as _, BufReader, BufWriter, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::thread;

use flate2::Compression;
use flate2::write::GzEncoder;
use freshet_tests::lots::{Lots, SHAPES_MAX};
use freshet_tests::postgres::{Durability, PostgresCluster};
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

use super::{Outcome, lots};
use crate::command::say;

/// What is promised, in MiB.
const PROMISED: u64 = 64;

/// Letters of the note that makes a row long; it is read and not loaded.
const NOTE: usize = 900;

/// About the bytes of a row of text with its note.
const ROW: u64 = 1_000;

/// About the unpacked bytes of a lot of a shapefile.
const SHAPE: u64 = 265;

const MEASURED: [(Lots, &str); 7] = [
    (Lots::Csv, ""),
    (Lots::Csv, "gz"),
    (Lots::Csv, "zst"),
    (Lots::Csv, "zip"),
    (Lots::Ndjson, ""),
    (Lots::Geojson, ""),
    (Lots::Shapefile, ""),
];

pub(super) fn measure(megabytes: u64, profile: &str) -> Outcome {
    let cluster = PostgresCluster::start(Durability::Full)?;
    let has_postgis = lots::has_postgis(&cluster)?;
    say(&format!("peak memory of a whole load at {megabytes} MB unpacked; {PROMISED} MiB are promised"));
    let mut worst = 0;
    for (format, packing) in MEASURED {
        let name = [format.format(), packing].join(if packing.is_empty() { "" } else { "." });
        if format.has_shapes() && !has_postgis {
            say(&format!("{name:<10} left out: there is no PostGIS"));
            continue;
        }
        let project = tempfile::tempdir()?;
        let bytes = megabytes * 1_000_000;
        let rows = if format == Lots::Shapefile { (bytes / SHAPE).min(SHAPES_MAX) } else { bytes / ROW };
        let address = if format == Lots::Shapefile {
            format.write(&project.path().join(lots::file(format, "")), rows)?;
            format!("file:{}", project.path().display())
        } else {
            publish(format, packing, rows)?
        };
        lots::declare(project.path(), format, packing, &address)?;
        let database = lots::database(&cluster, format)?;
        let run = lots::freshet(&database.url, project.path(), profile, &[])?;
        if run.code() != Some(0) {
            return Err(format!("{name} failed:\n{run}").into());
        }
        let counted = cluster.query_value(&database.name, "SELECT count(*) FROM public.lots")?;
        if counted != Some(rows.to_string()) {
            return Err(format!("{name}: {counted:?} rows instead of {rows}").into());
        }
        let peak = run.peak_memory.unwrap_or_default() >> 20;
        worst = worst.max(peak);
        let seconds = run.elapsed.as_secs_f64();
        let limit = if format == Lots::Shapefile && rows == SHAPES_MAX { ", all that a .shp holds" } else { "" };
        say(&format!("{name:<10} {peak:>4} MiB  {rows:>9} rows in {seconds:>6.1} s{limit}"));
        cluster.execute("postgres", &format!("DROP DATABASE {}", database.name))?;
    }
    if worst > PROMISED { Err(format!("{worst} MiB are more than {PROMISED}").into()) } else { Ok(()) }
}

/// Serves lots on loopback, made anew for everyone who asks; gives back the address.
fn publish(format: Lots, packing: &'static str, rows: u64) -> io::Result<String> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    let address = format!("http://{}", listener.local_addr()?);
    thread::spawn(move || {
        for client in listener.incoming().flatten() {
            // Whoever has read enough closes the connection.
            thread::spawn(move || answer(client, format, packing, rows));
        }
    });
    Ok(address)
}

fn answer(client: TcpStream, format: Lots, packing: &str, rows: u64) -> io::Result<()> {
    let mut head = BufReader::new(client.try_clone()?);
    let mut line = String::new();
    while head.read_line(&mut line)? > 2 {
        line.clear();
    }
    let mut client = client;
    client.write_all(
        b"HTTP/1.1 200 OK\r\nContent-Type: application/octet-stream\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n",
    )?;
    let mut out = BufWriter::with_capacity(1 << 20, Chunked(client));
    match packing {
        "gz" => {
            let mut packed = GzEncoder::new(&mut out, Compression::fast());
            format.stream(&mut packed, rows, NOTE)?;
            packed.finish()?;
        }
        "zst" => {
            let mut packed = zstd::Encoder::new(&mut out, 1)?;
            format.stream(&mut packed, rows, NOTE)?;
            packed.finish()?;
        }
        "zip" => {
            let mut archive = ZipWriter::new_stream(&mut out);
            let options = SimpleFileOptions::default().compression_level(Some(1)).large_file(true);
            archive.start_file(format!("lots.{}", format.ending()), options).map_err(io::Error::other)?;
            format.stream(&mut archive, rows, NOTE)?;
            archive.finish().map_err(io::Error::other)?;
        }
        _ => format.stream(&mut out, rows, NOTE)?,
    }
    let Chunked(mut client) = out.into_inner().map_err(io::IntoInnerError::into_error)?;
    client.write_all(b"0\r\n\r\n")
}

/// Writes each piece as a chunk of a body without a length.
struct Chunked(TcpStream);

impl Write for Chunked {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if !bytes.is_empty() {
            write!(self.0, "{:x}\r\n", bytes.len())?;
            self.0.write_all(bytes)?;
            self.0.write_all(b"\r\n")?;
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}
