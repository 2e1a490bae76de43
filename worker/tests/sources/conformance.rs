//! What every kind of source has to stand: each case is one thing that happens to publishers, and each kind goes through all of them.
//! Rows of databases go through theirs in the journeys.

use std::time::Duration;

use freshet_tests::http::{Fault as ServerFault, Reply};
use freshet_tests::sftp::SftpFault;
use freshet_tests::socrata::Portal;
use manifest::Dataset;
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;
use worker::fault::Fault;
use worker::source::{Access, Content, Digest, Input, Missing, Patience, ReadFrom, SourceError, Use};

use super::house::{House, dataset, patience};

/// A kind of source at a publisher of its own.
struct Kind {
    name: &'static str,
    /// The path of the publisher that gives the bytes.
    path: &'static str,
    origin: fn(&House) -> Value,
    publish: fn(&House, rows: u32),
    /// Whether it is a file that is replaced as a whole, and says how long it is; others are asked for pages.
    shape: Shape,
    way: Way,
}

/// What is between a publisher and whoever reads it, and can go wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    Http,
    Ssh,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Shape {
    File,
    Pages,
    /// Of this machine: nothing is between it and whoever reads it.
    Local,
}

const FILE: &str = "a.csv";

fn text(rows: u32) -> String {
    (0..rows).fold("id,name\n".to_owned(), |text, row| text + &format!("{row},the name of row {row}\n"))
}

fn publish_file(house: &House, rows: u32) {
    house.publish(FILE, text(rows));
}

/// What has the same effect behind SSH. Pages for people are files there like all others, and nobody is only late.
fn behind_ssh(house: &House, fault: &ServerFault) -> Option<SftpFault> {
    match fault {
        ServerFault::CutAfter(bytes) => Some(SftpFault::CutAfter(*bytes)),
        ServerFault::StallAfter(bytes) => Some(SftpFault::StallAfter(*bytes)),
        ServerFault::ReplacedBy(name) => Some(SftpFault::ReplacedBy(name.clone())),
        ServerFault::FalseLength(bytes) => Some(SftpFault::FalseLength(*bytes)),
        ServerFault::Hangup | ServerFault::Status { .. } => Some(SftpFault::Hangup),
        ServerFault::HtmlPage => {
            house.publish(FILE, "<!DOCTYPE html>\n<html><body>Sorry</body></html>\n");
            None
        }
        _ => None,
    }
}

fn publish_portal(house: &House, rows: u32) {
    let portal = Portal::start(&house.server);
    portal.largest_page(400);
    portal.write("aaaa-0000", |dataset| {
        *dataset = freshet_tests::socrata::Dataset::default();
        dataset.columns = vec!["id".to_owned(), "name".to_owned()];
        for row in 0..rows {
            dataset.insert(&[&row.to_string(), &format!("the name of row {row}")], "2026-01-01T00:00:00.000Z");
        }
    });
}

/// A layer of so many points, in pages of 400.
fn publish_layer(house: &House, rows: u32) {
    let answer = |body: Value| Reply { status: 200, content_type: "application/json", body: body.to_string() };
    house.server.serve("/FeatureServer/0", move |request| {
        let condition = request.parameter("where").unwrap_or_default();
        if request.path.ends_with("/0") {
            return answer(json!({"objectIdField": "OBJECTID", "maxRecordCount": 400}));
        }
        if request.parameter("returnCountOnly").is_some() {
            return answer(json!({"count": rows}));
        }
        let after = condition.split("OBJECTID > ").nth(1).map_or(0, |last| last.parse::<u32>().unwrap() + 1);
        let features: Vec<_> = (after..rows.min(after + 400))
            .map(|row| {
                json!({"type": "Feature", "geometry": null, "properties": {"OBJECTID": row, "name": format!("the name of row {row}")}})
            })
            .collect();
        answer(json!({"type": "FeatureCollection", "features": features}))
    });
}

fn catalog(house: &House) {
    let address = house.server.url_of(FILE);
    let of_dcat =
        json!({"dataset": [{"identifier": "x_0", "distribution": [{"format": "CSV", "accessURL": address}]}]});
    let of_ckan = json!({"result": {"url": address}});
    for (path, body) in [("/data.json", of_dcat), ("/api/3/action/resource_show", of_ckan)] {
        house.server.serve(path, move |_| Reply {
            status: 200,
            content_type: "application/json",
            body: body.to_string(),
        });
    }
}

const KINDS: &[Kind] = &[
    Kind {
        name: "a local file",
        path: FILE,
        origin: |house| json!({"url": {"url": format!("file:{}", house.folder().join(FILE).display())}}),
        publish: publish_file,
        shape: Shape::Local,
        way: Way::Http,
    },
    Kind {
        name: "http",
        path: FILE,
        origin: |house| json!({"url": {"url": house.server.url_of(FILE)}}),
        publish: publish_file,
        shape: Shape::File,
        way: Way::Http,
    },
    Kind {
        name: "http post",
        path: FILE,
        origin: |house| json!({"url": {"url": house.server.url_of(FILE), "method": "post", "body": "all=1"}}),
        publish: publish_file,
        shape: Shape::File,
        way: Way::Http,
    },
    Kind {
        name: "dcat",
        path: FILE,
        origin: |house| json!({"dcat": {"catalog": house.server.url_of("data.json"), "item": "x_0"}}),
        publish: |house, rows| {
            catalog(house);
            publish_file(house, rows);
        },
        shape: Shape::File,
        way: Way::Http,
    },
    Kind {
        name: "ckan",
        path: FILE,
        origin: |house| json!({"ckan": {"portal": house.server.url(), "resource": "r"}}),
        publish: |house, rows| {
            catalog(house);
            publish_file(house, rows);
        },
        shape: Shape::File,
        way: Way::Http,
    },
    Kind {
        name: "s3",
        path: "bucket/a.csv",
        origin: |_| json!({"url": {"url": "s3://bucket/a.csv"}}),
        publish: |house, rows| house.publish("bucket/a.csv", text(rows)),
        shape: Shape::File,
        way: Way::Http,
    },
    Kind {
        name: "sftp",
        path: FILE,
        origin: |house| {
            let sftp = house.sftp();
            json!({"sftp": {"url": sftp.url_of("city:${secret:PASSWORD}", FILE), "host_key": sftp.fingerprint()}})
        },
        publish: publish_file,
        shape: Shape::File,
        way: Way::Ssh,
    },
    Kind {
        name: "socrata",
        path: "/resource/aaaa-0000.csv",
        origin: |house| json!({"socrata": {"host": house.server.host(), "id": "aaaa-0000"}}),
        publish: publish_portal,
        shape: Shape::Pages,
        way: Way::Http,
    },
    Kind {
        name: "arcgis",
        path: "/FeatureServer/0/query",
        origin: |house| json!({"arcgis": {"layer": house.server.url_of("FeatureServer/0")}}),
        publish: publish_layer,
        shape: Shape::Pages,
        way: Way::Http,
    },
];

/// One kind with so many rows published.
struct Case {
    kind: &'static Kind,
    house: House,
    dataset: Dataset,
}

impl Case {
    fn of(kind: &'static Kind, rows: u32) -> Self {
        let house = House::new();
        (kind.publish)(&house, rows);
        let source = json!({"origin": (kind.origin)(&house), "file": FILE, "reading": {"format": "csv"}});
        let dataset = dataset(&[("t", &["id", "name"], vec![source])]);
        Self { kind, house, dataset }
    }

    fn fault(&self, faults: &[ServerFault], times: Option<u32>) {
        if self.kind.way == Way::Ssh {
            let faults: Vec<_> = faults.iter().filter_map(|fault| behind_ssh(&self.house, fault)).collect();
            return match times {
                Some(times) => self.house.sftp().faults_of_next(&vec![faults.as_slice(); times as usize]),
                None => self.house.sftp().faults(&faults),
            };
        }
        match times {
            Some(times) => self.house.server.faults_then(self.kind.path, faults, times, &[]),
            None => self.house.server.faults(self.kind.path, faults),
        }
    }

    /// All bytes as text, by either way of reading them.
    async fn text(&self, usage: Use, cancel: &CancellationToken) -> Result<String, SourceError> {
        let access = self.house.access(&self.dataset);
        text_of(access, &self.dataset, usage, cancel).await
    }

    async fn both(&self) -> [Result<String, SourceError>; 2] {
        let token = CancellationToken::new();
        [self.text(Use::Stream, &token).await, self.text(Use::Seek, &token).await]
    }
}

async fn text_of(
    access: Access,
    dataset: &Dataset,
    usage: Use,
    cancel: &CancellationToken,
) -> Result<String, SourceError> {
    let opened = access.open(&dataset.tables[0].sources()[0], usage, cancel).await?;
    let (input, _) = opened.into_parts();
    tokio::task::spawn_blocking(move || {
        let mut text = Vec::new();
        let content = match input {
            Input::Body(mut body) => {
                while let Some(bytes) = body.piece()? {
                    text.extend_from_slice(&bytes);
                }
                body.content().cloned().unwrap()
            }
            Input::File(mut file, content) => {
                std::io::Read::read_to_end(&mut file, &mut text).unwrap();
                content
            }
        };
        assert_eq!(content, Digest::of(text.as_slice()).unwrap(), "the hash is that of the bytes");
        let Content { bytes, .. } = content;
        assert_eq!(bytes, text.len() as u64);
        Ok(String::from_utf8(text).unwrap())
    })
    .await
    .unwrap()
}

/// How many rows a text has, each of which must be there once.
fn rows(text: &str) -> usize {
    let mut names: Vec<&str> = text.split("the name of row ").skip(1).collect();
    for name in &mut names {
        *name = name.split(|c: char| !c.is_ascii_digit()).next().unwrap();
    }
    let all = names.len();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), all, "no row comes twice");
    all
}

#[tokio::test(flavor = "multi_thread")]
async fn the_happy_path() {
    for kind in KINDS {
        let case = Case::of(kind, 1_000);
        for text in case.both().await {
            assert_eq!(rows(&text.unwrap()), 1_000, "{}", kind.name);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_nothing_and_no_error_of_the_way() {
    for kind in KINDS {
        let case = Case::of(kind, 0);
        for text in case.both().await {
            assert_eq!(rows(&text.unwrap()), 0, "{}", kind.name);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_truncated_is_an_error() {
    for kind in KINDS.iter().filter(|kind| kind.shape != Shape::Local) {
        let case = Case::of(kind, 1_000);
        case.fault(&[ServerFault::CutAfter(20), ServerFault::NoRanges], None);
        for text in case.both().await {
            let code = text.unwrap_err().code();
            assert!(["source_cut_off", "source_unreachable"].contains(&code), "{}: {code}", kind.name);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_for_people_is_no_data() {
    for kind in KINDS.iter().filter(|kind| kind.shape != Shape::Local) {
        let case = Case::of(kind, 1_000);
        case.fault(&[ServerFault::HtmlPage], None);
        let error = case.house.read(&case.dataset).await.unwrap_err();
        assert!(["source_is_html", "source_answer"].contains(&error.code()), "{}: {error}", kind.name);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_is_slow_is_waited_for() {
    for kind in KINDS.iter().filter(|kind| kind.shape != Shape::Local) {
        let case = Case::of(kind, 1_000);
        for late in [ServerFault::Late(Duration::from_millis(50)), ServerFault::StallAfter(500)] {
            case.fault(std::slice::from_ref(&late), Some(1));
            let text = case.text(Use::Stream, &CancellationToken::new()).await.unwrap();
            assert_eq!(rows(&text), 1_000, "{}: {late:?}", kind.name);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_is_started_again_is_asked_again() {
    for kind in KINDS.iter().filter(|kind| kind.shape != Shape::Local) {
        let case = Case::of(kind, 1_000);
        for fault in [ServerFault::Hangup, ServerFault::status(503), ServerFault::CutAfter(500)] {
            case.fault(std::slice::from_ref(&fault), Some(1));
            let text = case.text(Use::Seek, &CancellationToken::new()).await.unwrap();
            assert_eq!(rows(&text), 1_000, "{}: {fault:?}", kind.name);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_changes_midway_is_read_anew_or_not_at_all() {
    for kind in KINDS.iter().filter(|kind| kind.shape == Shape::File) {
        let case = Case::of(kind, 1_000);
        let old = text(1_000);
        let new = old.replace("the name of row", "the name of row ");
        let changes = [ServerFault::CutAfter(500), ServerFault::ReplacedBy("next".into())];
        for usage in [Use::Stream, Use::Seek] {
            case.house.publish(case.kind.path, &old);
            case.house.publish("next", &new);
            case.fault(&changes, Some(1));
            match case.text(usage, &CancellationToken::new()).await {
                Ok(text) => assert_eq!((usage, text == new), (Use::Seek, true), "{}", kind.name),
                Err(error) => assert_eq!((usage, error.code()), (Use::Stream, "source_changed"), "{}", kind.name),
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_does_not_fit_is_refused_before_it_is_fetched() {
    for kind in KINDS.iter().filter(|kind| kind.shape == Shape::File) {
        let case = Case::of(kind, 1_000);
        case.fault(&[ServerFault::FalseLength(1 << 60)], None);
        let error = case.text(Use::Seek, &CancellationToken::new()).await.unwrap_err();
        assert_eq!(error.code(), "spool_space", "{}", kind.name);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_cancels_is_let_go_at_once_and_nothing_is_left() {
    for kind in KINDS.iter().filter(|kind| kind.shape != Shape::Local) {
        let case = Case::of(kind, 1_000);
        case.fault(&[ServerFault::StallAfter(500)], None);
        let patient = Patience { stall: Duration::from_hours(1), answer: Duration::from_hours(1), ..patience() };
        for usage in [Use::Stream, Use::Seek] {
            case.house.server.forget_requests();
            case.house.sftp().forget();
            let access = Access::new(&case.dataset, ReadFrom::Publisher, case.house.means(patient));
            let token = CancellationToken::new();
            let (dataset, cancel) = (case.dataset.clone(), token.clone());
            let reading = tokio::spawn(async move { text_of(access, &dataset, usage, &cancel).await });
            let (server, path) = (&case.house.server, case.kind.path);
            let limit = Duration::from_secs(30);
            let asked = match kind.way {
                Way::Http => server.wait_for_requests(path, 1, limit),
                Way::Ssh => case.house.sftp().wait_for_opened(1, limit),
            };
            assert!(asked, "{}", kind.name);
            token.cancel();
            let text = reading.await.unwrap();
            assert_eq!(text.unwrap_err().code(), "stopped", "{}", kind.name);
            assert_eq!(case.house.spool.path().read_dir().unwrap().count(), 0);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_folder_stands_in_for_every_kind() {
    for kind in KINDS {
        let case = Case::of(kind, 10);
        publish_file(&case.house, 20);
        case.house.server.forget_requests();
        let folder = ReadFrom::Folder { folder: case.house.folder().to_owned(), missing: Missing::Refuse };
        let access = case.house.access_from(&case.dataset, folder);
        let text = text_of(access, &case.dataset, Use::Stream, &CancellationToken::new()).await.unwrap();
        assert_eq!((rows(&text), case.house.server.requests().len()), (20, 0), "{}", kind.name);
    }
}
