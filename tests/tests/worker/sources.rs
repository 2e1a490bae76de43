//! Publishers that fail, each in its own way. The live trees stay as they are.

use std::io::{Cursor, Write as _};

use freshet_tests::http::{Fault, FileServer};
use manifest::run::Outcome;

use crate::support::{City, Failure, TREES, Told};

const REFUSED: i32 = 65;
const UNAVAILABLE: i32 = 69;
const CONFIGURATION: i32 = 78;

/// Rows that differ from [`TREES`], so that validators do not end the run before its source is read.
fn other_trees() -> String {
    format!("{TREES}5,Maple,05/05/2020,1\n")
}

fn zipped(content: &str) -> Vec<u8> {
    let mut archive = zip::ZipWriter::new(Cursor::new(Vec::new()));
    archive.start_file("trees.csv", zip::write::SimpleFileOptions::default()).unwrap();
    archive.write_all(content.as_bytes()).unwrap();
    archive.finish().unwrap().into_inner()
}

/// A city whose trees come as a zip archive.
fn city_with_zip() -> City {
    let city = City::with_live_trees();
    city.edit_manifest("/trees.csv\", file: trees.csv", "/trees.zip\", file: trees.zip, member: trees.csv");
    city
}

#[test]
fn a_file_that_is_gone_is_told_with_its_address() {
    let city = City::with_live_trees();
    city.publisher.fault("trees.csv", Fault::status(404));
    let address = city.publisher.url_of("trees.csv");
    city.fails(
        &city.call(&["trees"]),
        &Failure {
            exit: UNAVAILABLE,
            code: "source_status",
            says: &[&address, "answered 404 Not Found", "new address", "manifest"],
            ledger: Told::Failed,
        },
    );
    assert_eq!(city.publisher.requests_for("trees.csv").len(), 1 + 1, "a file that is gone is asked for once");
}

#[test]
fn a_server_that_fails_is_asked_again_before_the_run_gives_up() {
    let city = City::with_live_trees();
    city.publisher.fault("trees.csv", Fault::status(500));
    let address = city.publisher.url_of("trees.csv");
    city.publisher.forget_requests();
    city.fails(
        &city.call(&["trees"]),
        &Failure {
            exit: UNAVAILABLE,
            code: "source_status",
            says: &[&address, "answered 500 Internal Server Error"],
            ledger: Told::Failed,
        },
    );
    assert_eq!(city.publisher.requests_for("trees.csv").len(), 4);
}

#[test]
fn a_page_for_people_in_the_place_of_the_data_is_recognised() {
    let city = City::with_live_trees();
    city.publisher.fault("trees.csv", Fault::HtmlPage);
    city.fails(
        &city.call(&["trees"]),
        &Failure {
            exit: UNAVAILABLE,
            code: "source_is_html",
            says: &["trees.csv: an HTML page arrived instead of the data", "in a browser"],
            ledger: Told::Failed,
        },
    );
}

#[test]
fn a_body_that_is_cut_off_is_told_with_how_much_came() {
    let city = City::with_live_trees();
    let trees = other_trees();
    city.publish("trees.csv", &trees);
    // At the end of a line, where nothing but the announced length tells.
    let cut = trees.find("4,Linden").unwrap();
    city.publisher.faults("trees.csv", &[Fault::CutAfter(cut.try_into().unwrap()), Fault::NoRanges]);
    city.fails(
        &city.call(&["trees"]),
        &Failure {
            exit: UNAVAILABLE,
            code: "source_cut_off",
            says: &[&city.publisher.url_of("trees.csv"), &format!("after {cut} of {} bytes", trees.len())],
            ledger: Told::Failed,
        },
    );
    city.publisher.clear_fault("trees.csv");
    assert_eq!(city.load().is(Outcome::Published).record().rows, 5, "the next run loads what is whole again");
}

#[test]
fn a_zip_archive_that_is_damaged_is_refused() {
    let city = city_with_zip();
    let mut archive = zipped(&other_trees());
    let data = archive.windows(9).position(|bytes| bytes == b"trees.csv").unwrap() + 9;
    archive[data + 4] ^= 0xff;
    city.publish("trees.zip", &archive);
    city.fails(
        &city.call(&["trees"]),
        &Failure {
            exit: REFUSED,
            code: "zip_corrupt",
            says: &["trees.zip: trees.csv", "the zip archive is damaged"],
            ledger: Told::Refused,
        },
    );
    city.publish("trees.zip", &archive[..archive.len() / 2]);
    city.fails(
        &city.call(&["trees"]),
        &Failure {
            exit: REFUSED,
            code: "zip_corrupt",
            says: &["trees.zip", "the zip archive is damaged"],
            ledger: Told::Refused,
        },
    );
    city.publish("trees.zip", zipped(&other_trees()));
    assert_eq!(city.load().is(Outcome::Published).record().rows, 5);
}

#[test]
fn a_spool_folder_that_takes_no_file_is_named_with_the_variable_that_moves_it() {
    let city = city_with_zip();
    city.publish("trees.zip", zipped(&other_trees()));
    // Not one without rights: who runs the tests may have them all.
    let file = city.publisher.folder().join("trees.zip");
    for folder in ["/no/such/folder", file.to_str().unwrap()] {
        city.fails(
            &city.call(&["trees"]).env("FRESHET_SPOOL", folder),
            &Failure {
                exit: CONFIGURATION,
                code: "spool_folder",
                says: &["the spool folder", folder, "does not take a file", "point FRESHET_SPOOL at"],
                ledger: Told::Failed,
            },
        );
    }
}

#[test]
fn a_file_that_does_not_fit_into_the_spool_folder_is_refused_before_it_is_fetched() {
    let city = city_with_zip();
    city.publish("trees.zip", zipped(&other_trees()));
    let exbibyte: u64 = 1 << 60;
    city.publisher.fault("trees.zip", Fault::FalseLength(exbibyte));
    city.fails(
        &city.call(&["trees"]),
        &Failure {
            exit: CONFIGURATION,
            code: "spool_space",
            says: &["the spool folder", &format!("{exbibyte} are needed"), "ephemeral storage", "FRESHET_SPOOL"],
            ledger: Told::Failed,
        },
    );
}

#[test]
fn a_column_that_is_missing_is_answered_with_the_near_header_and_the_line_to_write() {
    let city = City::with_live_trees();
    city.publish("trees.csv", other_trees().replace("Species", "Specie Name"));
    city.fails(
        &city.call(&["trees"]),
        &Failure {
            exit: REFUSED,
            code: "column_missing",
            says: &[
                "table trees: trees.csv: the header has no column for `species`",
                "did you mean \"Specie Name\"?",
                "`rename: {\"Specie Name\": species}`",
            ],
            ledger: Told::Refused,
        },
    );
    city.edit_manifest("    primary_key: id", "    rename: {\"Specie Name\": species}\n    primary_key: id");
    assert_eq!(city.load().is(Outcome::Published).record().rows, 5, "the line that was proposed repairs it");
}

#[test]
fn a_file_that_changes_while_it_is_read_starts_the_table_over() {
    let city = City::with_live_trees();
    let trees = other_trees();
    city.publish("trees.csv", &trees);
    city.publish("next.csv", trees.replace("Maple", "Acer") + "6,Ash,05/05/2021,2\n");
    let changes = [Fault::CutAfter(20), Fault::ReplacedBy("next.csv".into())];
    city.publisher.faults_then("trees.csv", &changes, 1, &[]);
    let finished = city.follow(&city.call(&["trees", "--force"]));
    finished.is(Outcome::Published);
    let reason = finished.fact("started_over")["reason"].as_str().unwrap().to_owned();
    assert!(reason.contains("changed at the publisher while it was read, after 20 bytes"), "{reason}");
    assert_eq!(city.rows("SELECT id, species FROM public.trees WHERE id > 4 ORDER BY 1"), ["5|Acer", "6|Ash"]);
}

#[test]
fn a_publisher_on_tls_is_trusted_by_its_certificate() {
    let city = City::new();
    let folder = tempfile::tempdir().unwrap();
    let publisher = FileServer::start_with_tls(folder.path()).unwrap();
    std::fs::write(folder.path().join("trees.csv"), TREES).unwrap();
    city.edit_manifest(&city.publisher.url_of("trees.csv"), &publisher.url_of("trees.csv"));
    let call = city.call(&["trees"]);
    let failed = city.follow(&call);
    failed.run.expect_code(UNAVAILABLE);
    let message = failed.fact("failed")["message"].as_str().unwrap().to_owned();
    assert!(message.contains("did not answer") && message.contains("certificate"), "{message}");
    let certificate = folder.path().join("ca.pem");
    std::fs::write(&certificate, publisher.certificate()).unwrap();
    city.follow(&city.call(&["trees"]).env("SSL_CERT_FILE", certificate.to_str().unwrap())).is(Outcome::Published);
}

#[test]
fn what_a_publisher_serves_again_is_not_published_again_though_nothing_but_its_bytes_tell() {
    let city = City::with_live_trees();
    city.publisher.fault("trees.csv", Fault::NoValidators);
    let before = city.live();
    city.load().is(Outcome::Unchanged);
    assert_eq!((city.live(), city.staging().as_str()), (before, "0"));
    assert_eq!(city.value("SELECT generation FROM freshet.published"), "1");
    city.publish("trees.csv", other_trees());
    city.load().is(Outcome::Published);
}

#[test]
fn what_is_known_of_sources_is_listed_and_can_be_forgotten() {
    let city = City::with_live_trees();
    let listed = city.command(&["sources", "list", "trees"]).run().unwrap();
    listed.expect_code(0);
    let address = city.publisher.url_of("trees.csv");
    let bytes = format!("{} bytes", TREES.len());
    for word in ["trees.csv", &bytes, "sha256", "etag", &address] {
        assert!(listed.stdout.contains(word), "`{word}` does not stand in\n{}", listed.stdout);
    }
    city.load().is(Outcome::Unchanged);
    let reset = city.command(&["sources", "reset", "trees"]).run().unwrap();
    reset.expect_code(0);
    assert_eq!(reset.stdout, "trees: 1 sources forgotten\n");
    let listed = city.command(&["sources", "list", "trees"]).run().unwrap();
    assert_eq!(listed.stdout, "trees.csv  not read for what is live\n");
    city.load().is(Outcome::Published);
    city.load().is(Outcome::Unchanged);
}

#[test]
fn what_is_fetched_into_a_folder_is_loaded_from_it() {
    let city = city_with_zip();
    let folder = tempfile::tempdir().unwrap();
    let to = folder.path().join("new");
    city.publish("trees.zip", zipped(&other_trees()));
    let fetched = city.command(&["fetch", "trees", "--to", to.to_str().unwrap()]).run().unwrap();
    fetched.expect_code(0);
    assert_eq!(fetched.stdout, format!("trees.zip  {} bytes\n", zipped(&other_trees()).len()));
    assert_eq!(std::fs::read_dir(&to).unwrap().count(), 1, "nothing is left beside it");
    city.follow(&city.call(&["trees", "--from", to.to_str().unwrap()])).is(Outcome::Published);
    assert_eq!(city.value("SELECT count(*) FROM public.trees"), "5");
    city.publisher.fault("trees.zip", Fault::status(404));
    let failed = city.command(&["fetch", "trees", "--to", to.to_str().unwrap()]).run().unwrap();
    failed.expect_code(UNAVAILABLE);
    assert!(failed.stderr.contains("error: source_status: "), "{}", failed.stderr);
}
