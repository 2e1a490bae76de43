//! The exact bytes of a run's sources, kept in S3 where the manifest says so.

use freshet_tests::binaries::Invocation;
use freshet_tests::http::Fault;
use freshet_tests::moto::Moto;
use manifest::run::Outcome;

use crate::support::{City, TREES};

const UNAVAILABLE: i32 = 69;

/// A city that keeps what its trees are made from, in this archive.
fn city_that_keeps(archive: &str) -> City {
    let city = City::new();
    city.edit_manifest("title: Street trees", &format!("title: Street trees\narchive: {archive}"));
    city
}

/// A load as a stack's task does it.
fn call(city: &City, moto: &Moto, arguments: &[&str]) -> Invocation {
    city.call(arguments).endpoint(moto.url()).env("FRESHET_STACK", "civic").env("FRESHET_ENV", "prod")
}

fn object(moto: &Moto, address: &str) -> Option<String> {
    let bytes = moto.s3(address.strip_prefix("s3://").unwrap()).unwrap()?;
    Some(String::from_utf8(bytes.to_vec()).unwrap())
}

fn keys(moto: &Moto) -> usize {
    let listed = moto.s3("kept?list-type=2").unwrap().unwrap();
    String::from_utf8_lossy(&listed).matches("<Key>").count()
}

fn half_uploads(moto: &Moto) -> usize {
    let listed = moto.s3("kept?uploads").unwrap().unwrap();
    String::from_utf8_lossy(&listed).matches("<UploadId>").count()
}

const KEPT: &str = "SELECT s.archived FROM freshet.run_sources s JOIN freshet.runs r USING (run)
    WHERE r.state = 'published' ORDER BY r.started DESC LIMIT 1";

#[test]
fn the_bytes_that_rows_were_made_from_are_kept_and_the_ledger_knows_where() {
    let moto = Moto::start().unwrap();
    moto.put_object("kept", "first", "").unwrap();
    let city = city_that_keeps("s3://kept/raw");
    city.follow(&call(&city, &moto, &["trees"])).is(Outcome::Published);
    let kept = city.value(KEPT);
    let run = city.value("SELECT run FROM freshet.runs WHERE state = 'published'");
    assert_eq!(kept, format!("s3://kept/raw/civic/prod/trees/{run}/trees.csv"));
    assert_eq!(object(&moto, &kept).as_deref(), Some(TREES));

    // Nothing is kept twice: neither of a source that says that it is the same, nor of one that turns out to be.
    city.follow(&call(&city, &moto, &["trees"])).is(Outcome::Unchanged);
    city.publisher.fault("trees.csv", Fault::NoValidators);
    city.follow(&call(&city, &moto, &["trees"])).is(Outcome::Unchanged);
    assert_eq!((keys(&moto), half_uploads(&moto)), (2, 0));

    // A file of several parts, over several connections.
    let text = (5..400_000).fold(TREES.to_owned(), |text, row| text + &format!("{row},Ash,05/05/2021,2\n"));
    assert!(text.len() > 7 << 20);
    city.publish("trees.csv", &text);
    city.publisher.fault("trees.csv", Fault::CutAfter(3 << 20));
    city.follow(&call(&city, &moto, &["trees"])).is(Outcome::Published);
    assert!(object(&moto, &city.value(KEPT)).is_some_and(|kept| kept == text));
    assert_eq!((keys(&moto), half_uploads(&moto)), (3, 0));

    // On somebody's own machine nothing is kept, and of samples neither.
    city.publish("trees.csv", TREES);
    city.follow(&city.call(&["trees"]).endpoint(moto.url())).is(Outcome::Published);
    assert_eq!((city.value(KEPT), keys(&moto)), ("NULL".to_owned(), 3));
}

#[test]
fn what_cannot_be_kept_is_told_and_only_stops_whoever_requires_it() {
    let moto = Moto::start().unwrap();
    let city = city_that_keeps("s3://not-there");
    let published = city.follow(&call(&city, &moto, &["trees"]));
    published.is(Outcome::Published);
    let lost = published.fact("archive_lost");
    assert_eq!(lost["file"], "trees.csv");
    assert!(lost["detail"].as_str().unwrap().contains("NoSuchBucket"), "{lost}");

    city.edit_manifest("archive: s3://not-there", "archive: {to: \"s3://not-there\", required: true}");
    city.publish("trees.csv", format!("{TREES}5,Ash,05/05/2021,2\n"));
    let refused = city.follow(&call(&city, &moto, &["trees"]).env("FRESHET_ATTEMPTS", "1"));
    refused.run.expect_code(UNAVAILABLE);
    assert_eq!(refused.fact("failed")["code"], "archive");
    assert_eq!(city.value("SELECT count(*) FROM public.trees"), "4");
    moto.put_object("not-there", "first", "").unwrap();
    city.follow(&call(&city, &moto, &["trees"])).is(Outcome::Published);
    assert_eq!(city.value("SELECT count(*) FROM public.trees"), "5");
}
