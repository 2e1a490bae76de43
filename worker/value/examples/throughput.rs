//! Prints how many rows a second one core parses and encodes: rows of 41 columns and about 490 bytes, as New York publishes its
//! housing violations. `cargo run --release -p value --example throughput`
//!
//! What counts is the processor's time, so that other work on the machine does not.

use csv::ByteRecord;
use std::fmt::Write as _;
use std::hint::black_box;
use std::io::{self, Write};
use std::time::Duration;
use value::{Encoder, Parser, wire};

const COLUMNS: &str = "integer,integer,integer,char(1),text,text,text,text,text,text,char(5),text,text,integer,integer,char(1),\
                       date,date,date,date,date,date,date,text,integer,text,date,smallint,text,date,text,text,boolean,\
                       numeric,numeric,text,smallint,text,char(7),char(10),text";

const ROWS: u32 = 20_000;
const ROUNDS: u32 = 9;

/// Bytes that are collected before they would be sent.
const BUFFER: usize = 1 << 17;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let encoders = COLUMNS
        .split(',')
        .map(|column| Ok(Encoder::new(column.parse()?, Parser::Auto)?))
        .collect::<Result<Vec<_>, Box<dyn std::error::Error>>>()?;
    let file = (0..ROWS).fold(String::new(), |mut file, row| {
        violation(&mut file, row);
        file
    });
    let records = reader(file.as_bytes()).into_byte_records().collect::<Result<Vec<_>, _>>()?;
    let mut out = Vec::with_capacity(2 * BUFFER);
    let mut stdout = io::stdout().lock();
    writeln!(stdout, "{ROWS} rows, {} columns, {} bytes a row", encoders.len(), file.len() / records.len())?;

    let encode_only = fastest(|| {
        for record in &records {
            encode(&encoders, record, &mut out)?;
        }
        Ok(())
    })?;
    report(&mut stdout, "encode", encode_only, encoders.len())?;

    let both = fastest(|| {
        let mut reader = reader(file.as_bytes());
        let mut record = ByteRecord::new();
        while reader.read_byte_record(&mut record)? {
            encode(&encoders, &record, &mut out)?;
        }
        Ok(())
    })?;
    report(&mut stdout, "parse and encode", both, encoders.len())?;
    Ok(())
}

fn encode(encoders: &[Encoder], record: &ByteRecord, out: &mut Vec<u8>) -> Result<(), Box<dyn std::error::Error>> {
    out.extend_from_slice(&wire::row(u16::try_from(encoders.len())?));
    for (encoder, field) in encoders.iter().zip(record) {
        encoder.encode(field, out)?;
    }
    if out.len() > BUFFER {
        black_box(&out);
        out.clear();
    }
    Ok(())
}

/// The processor's time of this process so far.
fn processor_time() -> Duration {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
    Duration::new(time.tv_sec.try_into().unwrap_or(0), time.tv_nsec.try_into().unwrap_or(0))
}

/// The shortest of some rounds, which other work on the machine disturbed least.
fn fastest(
    mut round: impl FnMut() -> Result<(), Box<dyn std::error::Error>>,
) -> Result<Duration, Box<dyn std::error::Error>> {
    let mut fastest = Duration::MAX;
    for _ in 0..ROUNDS {
        let start = processor_time();
        round()?;
        fastest = fastest.min(processor_time().saturating_sub(start));
    }
    Ok(fastest)
}

fn report(to: &mut impl Write, what: &str, time: Duration, columns: usize) -> io::Result<()> {
    let row = time.as_secs_f64() / f64::from(ROWS);
    let columns = f64::from(u32::try_from(columns).unwrap_or(u32::MAX));
    writeln!(to, "{what}: {:.0} rows/s, {:.1} ns a field", 1.0 / row, row * 1e9 / columns)
}

fn reader(file: &[u8]) -> csv::Reader<&[u8]> {
    csv::ReaderBuilder::new().has_headers(false).buffer_capacity(1 << 16).from_reader(file)
}

/// One row of the shape, with the lengths and blanks that such rows have.
fn violation(file: &mut String, row: u32) {
    let house = 1 + row * 7 % 4_000;
    let date = |days: u32| {
        let day = row.wrapping_mul(31).wrapping_add(days);
        format!("{:02}/{:02}/{}", 1 + day % 12, 1 + day % 28, 1990 + day % 35)
    };
    let (apartment, newly) =
        if row.is_multiple_of(3) { (String::new(), String::new()) } else { (format!("{}B", row % 20), date(40)) };
    let borough = ["MANHATTAN", "BRONX", "BROOKLYN", "QUEENS", "STATEN ISLAND"][row as usize % 5];
    let order = [
        "SECTION 27-2005 ADM CODE PROPERLY REPAIR WITH SIMILAR MATERIAL THE BROKEN OR DEFECTIVE CERAMIC FLOOR TILES, IN THE BATHROOM LOCATED",
        "SECTION 27-2013 ADM CODE PAINT WITH LIGHT COLORED PAINT TO THE SATISFACTION OF THIS DEPARTMENT ALL PEELING WALLS AND CEILINGS IN THE ENTIRE",
    ][row as usize % 2];
    let _ = writeln!(
        file,
        "{},{},{},{},{borough},{house},{house},{},EAST {} STREET,{},1{:04},{apartment},{},{},{},{},{},{},{},{},{newly},,{},{},{},\
         \"{order} AT APT {}, {} STORY, 1st APARTMENT FROM SOUTH AT EAST\",{},{},VIOLATION DISMISSED,{},Original,Close,{},\
         40.{:06},-73.{:06},{},{},{},{},{}{:05}{:04},Rugby-Remsen Village",
        10_000_000 + row,
        80_000 + row * 3,
        200_000 + row * 5,
        1 + row % 5,
        house + 2,
        row % 220,
        10_000 + row % 80_000,
        row % 10_000,
        row % 9,
        1 + row % 16_000,
        1 + row % 300,
        ["A", "B", "C"][row as usize % 3],
        date(1),
        date(2),
        date(50),
        date(35),
        date(51),
        500 + row % 700,
        4_000_000 + row,
        row % 20,
        row % 9,
        date(3),
        1 + row % 30,
        date(90),
        if row.is_multiple_of(50) { "Y" } else { "N" },
        500_000 + row * 11 % 400_000,
        700_000 + row * 13 % 290_000,
        1 + row % 18,
        1 + row % 51,
        1 + row % 1_500,
        1_000_000 + row % 4_000_000,
        1 + row % 5,
        1 + row % 16_000,
        1 + row % 300,
    );
}
