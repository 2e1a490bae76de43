//! Files behind SSH: who is let in, which host is trusted, and how a file that is cut is gone on with.

use freshet_tests::sftp::SftpFault;
use manifest::Dataset;
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;
use worker::fault::{Exit, Fault};
use worker::source::SourceError;

use super::house::{House, dataset, read};

const MEGABYTE: u64 = 1 << 20;

/// A dataset of the file `a.csv`, asked for in this way.
fn of(login: &str, house: &House, more: &Value) -> Dataset {
    let mut origin = json!({"url": house.sftp().url_of(login, "a.csv")});
    origin.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    let source = json!({"origin": {"sftp": origin}, "file": "a.csv", "reading": {"format": "csv"}});
    dataset(&[("t", &["id", "name"], vec![source])])
}

/// The same by the right password, from the right host.
fn trusted(house: &House) -> Dataset {
    of("city:${secret:PASSWORD}", house, &json!({"host_key": house.sftp().fingerprint()}))
}

fn rows(count: u32) -> String {
    (0..count).fold("id,name\n".to_owned(), |text, row| text + &format!("{row},the name of row {row} of this file\n"))
}

async fn refused(house: &House, dataset: &Dataset) -> SourceError {
    let source = &dataset.tables[0].sources()[0];
    let opened = house.access(dataset).open(source, worker::source::Use::Stream, &CancellationToken::new()).await;
    opened.expect_err("it is refused")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_host_is_trusted_by_any_of_its_keys_that_the_manifest_names() {
    let house = House::new();
    house.publish("a.csv", rows(3));
    let password = "city:${secret:PASSWORD}";
    for host_key in [house.sftp().fingerprint(), house.sftp().second_fingerprint().to_owned()] {
        let dataset = of(password, &house, &json!({"host_key": host_key}));
        assert_eq!(house.read(&dataset).await.unwrap().rows.len(), 3);
    }
    let unknown = refused(&house, &of(password, &house, &json!({}))).await;
    let line = format!("host_key: {}", house.sftp().fingerprint());
    assert_eq!((unknown.code(), unknown.exit()), ("source_host_key", Exit::Configuration));
    assert!(unknown.advice().unwrap().ends_with(&line), "{unknown}");
    let pinned = "SHA256:2v5u6pGyxLFiYbYY7Oq4b0KmtoGSfVZKmnxDHVsC5pM";
    let other = refused(&house, &of(password, &house, &json!({"host_key": pinned}))).await;
    assert!(other.to_string().ends_with(&format!("and its manifest names {pinned}")), "{other}");
    assert!(other.advice().unwrap().starts_with("somebody may stand between"));
}

#[tokio::test(flavor = "multi_thread")]
async fn one_is_let_in_by_a_password_or_a_key_and_told_why_not_without_it() {
    let house = House::new();
    house.publish("a.csv", rows(3));
    let host_key = house.sftp().fingerprint();
    let by_key = of("city", &house, &json!({"host_key": host_key, "private_key": "${secret:KEY}"}));
    assert_eq!(house.read(&by_key).await.unwrap().rows.len(), 3);
    house.sftp().faults(&[SftpFault::Questions]);
    assert_eq!(house.read(&trusted(&house)).await.unwrap().rows.len(), 3, "the password is the answer to a question");
    let wrong = refused(&house, &of("city:${secret:TOKEN}", &house, &json!({"host_key": host_key}))).await;
    assert_eq!((wrong.code(), wrong.exit()), ("source_login", Exit::Permission));
    let no_key = of("city", &house, &json!({"host_key": host_key, "private_key": "${secret:BAD_KEY}"}));
    let no_key = refused(&house, &no_key).await;
    assert!(no_key.to_string().contains("not one in OpenSSH's or PEM's form"), "{no_key}");
    for error in [wrong, no_key] {
        let told = format!("{error} {error:?} {:?}", error.advice());
        assert!(!told.contains("hunter2"), "{told}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_is_not_there_is_told_with_where_to_look() {
    let house = House::new();
    let gone = refused(&house, &trusted(&house)).await;
    assert_eq!((gone.code(), gone.exit()), ("source_withheld", Exit::Unavailable));
    assert_eq!(house.sftp().connections(), 1, "it is not asked for again");
    std::fs::create_dir(house.folder().join("a.csv")).unwrap();
    assert!(refused(&house, &trusted(&house)).await.to_string().ends_with("is not given out: it is a folder"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_that_is_cut_every_megabyte_is_gone_on_with() {
    let house = House::new();
    let text = rows(120_000);
    house.publish("a.csv", &text);
    house.sftp().faults(&[SftpFault::CutAfter(MEGABYTE)]);
    assert_eq!(house.read(&trusted(&house)).await.unwrap().rows.len(), 120_000);
    let (length, connections) = (text.len() as u64, u64::from(house.sftp().connections()));
    assert!(length > 4 * MEGABYTE && connections > length / MEGABYTE, "{connections} for {length}");
    // What was under way when a connection was lost is asked for again.
    let sent = house.sftp().sent();
    assert!(sent < 2 * length, "{sent} of {length}");
}

#[tokio::test(flavor = "multi_thread")]
async fn answers_that_are_shorter_than_asked_for_leave_nothing_out() {
    let house = House::new();
    house.publish("a.csv", rows(10_000));
    house.sftp().faults(&[SftpFault::Short(10_007)]);
    assert_eq!(house.read(&trusted(&house)).await.unwrap().rows.len(), 10_000);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_is_known_by_its_time_of_change_and_its_size() {
    let house = House::new();
    house.publish("a.csv", rows(3));
    let dataset = trusted(&house);
    let first = read(house.access(&dataset).into(), &dataset, 0).await.unwrap().reading.fingerprints["a.csv"].clone();
    assert!(first.last_modified.is_some());
    house.sftp().forget();
    let (access, source, token) = (house.access(&dataset), &dataset.tables[0].sources()[0], CancellationToken::new());
    assert!(access.unchanged(source, &first, &token).await.unwrap());
    assert_eq!(house.sftp().sent(), 0, "nothing of it is read");
    house.publish("a.csv", rows(4));
    assert!(!access.unchanged(source, &first, &token).await.unwrap());
    house.publish("a.csv", rows(3));
    let file = std::fs::File::options().append(true).open(house.folder().join("a.csv")).unwrap();
    file.set_modified(std::time::SystemTime::now() + std::time::Duration::from_hours(1)).unwrap();
    assert!(!access.unchanged(source, &first, &token).await.unwrap());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_host_that_tells_nothing_of_its_files_is_read_to_their_end_and_never_gone_on_with() {
    let house = House::new();
    house.publish("a.csv", rows(10_000));
    house.sftp().faults(&[SftpFault::NoAttributes]);
    let dataset = trusted(&house);
    let read = read(house.access(&dataset).into(), &dataset, 0).await.unwrap();
    assert_eq!(read.rows.len(), 10_000);
    let first = read.reading.fingerprints["a.csv"].clone();
    let source = &dataset.tables[0].sources()[0];
    assert!(!house.access(&dataset).unchanged(source, &first, &CancellationToken::new()).await.unwrap());
    house.sftp().faults(&[SftpFault::NoAttributes, SftpFault::CutAfter(1_000)]);
    assert_eq!(house.read(&dataset).await.unwrap_err().code(), "source_changed");
}
