//! A source that is what it was is not read again.

use std::time::{Duration, SystemTime};

use freshet_tests::http::Fault as ServerFault;
use manifest::Dataset;
use tokio_util::sync::CancellationToken;
use worker::source::{Access, Missing, ReadFrom, SourceFingerprint};

use super::house::{House, read};

const CSV: &str = "id,name\n1,one\n";

async fn fingerprint(access: Access, dataset: &Dataset) -> SourceFingerprint {
    read(access.into(), dataset, 0).await.unwrap().reading.fingerprints["a.csv"].clone()
}

async fn unchanged(access: &Access, dataset: &Dataset, previous: &SourceFingerprint) -> bool {
    let source = &dataset.tables[0].sources()[0];
    access.unchanged(source, previous, &CancellationToken::new()).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_publisher_is_asked_by_its_validators() {
    let house = House::new();
    house.publish("a.csv", CSV);
    let dataset = house.csv("a.csv", &["id", "name"]);
    let first = fingerprint(house.access(&dataset), &dataset).await;
    assert!(first.etag.is_some() && first.last_modified.is_some());
    assert_eq!(first.content.bytes, CSV.len() as u64);
    assert_eq!(first.content.sha256, "6ce3439da00998c98347de9818a2ab2b6d84a0d69b7d2bb268ff264243bc292b");
    let access = house.access(&dataset);
    house.server.forget_requests();
    assert!(unchanged(&access, &dataset, &first).await);
    assert_eq!(house.server.requests()[0].status, 304);
    let only_date = SourceFingerprint { etag: None, ..first.clone() };
    assert!(unchanged(&access, &dataset, &only_date).await);

    let file = std::fs::File::options().append(true).open(house.folder().join("a.csv")).unwrap();
    file.set_modified(SystemTime::now() + Duration::from_hours(1)).unwrap();
    assert!(!unchanged(&access, &dataset, &first).await);
    let elsewhere = SourceFingerprint { address: "http://127.0.0.1/other".into(), ..first };
    assert!(!unchanged(&access, &dataset, &elsewhere).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_publisher_without_validators_has_always_changed() {
    let house = House::new();
    house.publish("a.csv", CSV);
    house.server.fault("a.csv", ServerFault::NoValidators);
    let dataset = house.csv("a.csv", &["id", "name"]);
    let first = fingerprint(house.access(&dataset), &dataset).await;
    assert_eq!((&first.etag, &first.last_modified), (&None, &None));
    assert!(!unchanged(&house.access(&dataset), &dataset, &first).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_local_file_is_compared_by_its_content() {
    let house = House::new();
    house.publish("a.csv", CSV);
    let dataset = house.csv("a.csv", &["id", "name"]);
    let folder = || ReadFrom::Folder { folder: house.folder().to_owned(), missing: Missing::Refuse };
    let access = house.access_from(&dataset, folder());
    let first = fingerprint(house.access_from(&dataset, folder()), &dataset).await;
    assert!(unchanged(&access, &dataset, &first).await);
    house.publish("a.csv", CSV.replace("one", "two"));
    assert!(!unchanged(&access, &dataset, &first).await);
    house.publish("a.csv", CSV);
    assert!(unchanged(&access, &dataset, &first).await, "the same bytes are the same source");
    assert_eq!(house.server.requests(), []);
}
