//! Memory does not grow with the file.

use std::fs::File;
use std::io::{BufWriter, Write as _};

use freshet_tests::violations;
use manifest::run::Outcome;

use crate::support::{City, repository};

const ROWS: u64 = 200_000;
/// Peak resident memory of a whole run, in bytes.
const BAR: u64 = 64 << 20;

#[test]
fn two_hundred_thousand_rows_of_41_columns_pass_through_a_bounded_memory() {
    let city = City::new();
    let path = city.publisher.folder().join("hpd_violations.csv");
    let mut file = BufWriter::with_capacity(1 << 20, File::create(&path).unwrap());
    violations::write(&mut file, ROWS, 1).unwrap();
    file.flush().unwrap();
    let bytes = path.metadata().unwrap().len();

    let call = city.call(&["hpd_violations"]).current_dir(repository()).env("FRESHET_SOURCES", city.publisher.url());
    let finished = city.follow(&call);
    let record = finished.is(Outcome::Published).record();
    assert_eq!((record.rows, record.bad_values), (ROWS, 0));
    // Systems without /proc do not tell.
    let peak = finished.run.peak_memory.unwrap_or_default();
    eprintln!("{ROWS} rows, {bytes} bytes: at most {} KiB in {:?}", peak >> 10, finished.run.elapsed);
    assert!(peak < BAR, "{peak} bytes of {bytes}");
}
