//! `deploy dataset new` makes of a publisher's CSV a manifest that loads, whatever the file holds: it is tried on every CSV among the samples.

use std::ffi::OsStr;
use std::fs;

use freshet_tests::binaries;
use freshet_tests::http::FileServer;
use manifest::run::Outcome;

use crate::desk::{self, Desk, Known};
use crate::expected::Expected;

/// A file with all that goes wrong when types are guessed from the first row or by a spreadsheet.
const TREES: &str = "\u{feff}Tree ID;2020 count;Zip;Planted;Höhe;% alive\n\
    1;007;00501;31/12/2020;12,5;100\n\
    2;12;10002;01/02/2021;;99.5\n\
    3;1,000;;;\"a; b\";\n";

#[test]
fn a_manifest_made_of_an_address_loads_what_was_there() {
    let publisher = tempfile::tempdir().unwrap();
    fs::write(publisher.path().join("trees.csv"), TREES).unwrap();
    let server = FileServer::start(publisher.path()).unwrap();
    let project = tempfile::tempdir().unwrap();
    let deploy = binaries::deploy().unwrap();
    let address = format!("{}/trees.csv?version=1", server.url());
    let call = deploy.call(["dataset", "new", &address, "--place", "x"]).current_dir(project.path());
    call.expect_code(0);

    let known = Known::at(&project.path().join("datasets/x/trees.yml"));
    let manifest = fs::read_to_string(&known.path).unwrap();
    for line in [
        "tree_id: integer",
        "_2020_count: text",
        "zip: text",
        "planted: date",
        "pct_alive: numeric",
        "parse: {planted: dmy}",
    ] {
        assert!(manifest.contains(line), "{line} is not in\n{manifest}");
    }
    let desk = Desk::new();
    assert_eq!(desk::record(&desk.load(&known, &known.samples(), &[])).outcome, Outcome::Published);
    desk.assert_as(&known, &Expected::beside(&known.path));
    let rows = desk.rows(&known, "trees");
    assert_eq!(rows[0], "(1,007,00501,2020-12-31,\"12,5\",100)");

    // What is there already is nobody's to overwrite.
    let again = call.expect_code(1).to_string();
    assert!(again.contains("--name"), "{again}");
}

#[test]
fn every_csv_among_the_samples_becomes_a_manifest_that_loads_it() {
    let project = tempfile::tempdir().unwrap();
    let desk = Desk::new();
    let deploy = binaries::deploy().unwrap();
    let samples = desk::repository().join("datasets/nyc/samples");
    let mut files: Vec<_> = fs::read_dir(samples).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.retain(|path| path.extension() == Some(OsStr::new("csv")));
    files.sort();
    // Each load is a process: every third is enough to meet all the shapes.
    for file in files.iter().step_by(3) {
        let name = format!("new_{}", file.file_stem().unwrap().to_string_lossy().replace('-', "_"));
        let name = name.chars().take(40).collect::<String>();
        let source = file.to_str().unwrap();
        let call = deploy.call(["dataset", "new", source, "--place", "x", "--name", &name]);
        call.current_dir(project.path()).expect_code(0);
        let known = Known::at(&project.path().join(format!("datasets/x/{name}.yml")));
        let run = desk.load(&known, &known.samples(), &[]);
        let record = desk::record(run.expect_code(0));
        assert_eq!((record.outcome, record.bad_values), (Outcome::Published, 0), "{run}");
        desk.assert_as(&known, &Expected::beside(&known.path));
    }
}
