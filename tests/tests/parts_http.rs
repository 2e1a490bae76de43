//! The file server serves as publishers should, and fails as they do. Asked over a bare socket: what a client library
//! would repair stays visible.

#![allow(clippy::unwrap_used, reason = "the helpers of a test fail it by panicking")]

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use freshet_tests::http::{Fault, FileServer};

const SOON: Duration = Duration::from_secs(10);

struct Reply {
    status: u16,
    head: String,
    body: String,
}

impl Reply {
    fn field(&self, name: &str) -> Option<&str> {
        let mut fields = self.head.lines().filter_map(|line| line.split_once(": "));
        fields.find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value)
    }
}

fn ask(server: &FileServer, path: &str, headers: &str) -> Reply {
    let mut stream = TcpStream::connect(server.url().trim_start_matches("http://")).unwrap();
    stream.set_read_timeout(Some(SOON)).unwrap();
    write!(stream, "GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n{headers}\r\n").unwrap();
    let mut bytes = Vec::new();
    stream.read_to_end(&mut bytes).unwrap();
    let text = String::from_utf8(bytes).unwrap();
    let (head, body) = text.split_once("\r\n\r\n").unwrap_or((&text, ""));
    let status = head.split(' ').nth(1).map_or(0, |code| code.parse().unwrap());
    Reply { status, head: head.to_owned(), body: body.to_owned() }
}

fn server_with(name: &str, content: &str) -> (tempfile::TempDir, FileServer) {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join(name), content).unwrap();
    let server = FileServer::start(folder.path()).unwrap();
    (folder, server)
}

#[test]
fn a_file_comes_with_length_and_validators_and_is_not_sent_twice() {
    let (_folder, server) = server_with("a b.csv", "id,name\n1,x\n");
    let url = server.url_of("a b.csv");
    let path = url.strip_prefix(&server.url()).unwrap();
    let first = ask(&server, path, "");
    assert_eq!((first.status, first.body.as_str()), (200, "id,name\n1,x\n"));
    assert_eq!(first.field("content-length"), Some("12"));
    assert_eq!(first.field("content-type"), Some("text/csv; charset=utf-8"));

    let tag = first.field("etag").unwrap();
    let again = ask(&server, path, &format!("If-None-Match: {tag}\r\n"));
    assert_eq!((again.status, again.body.as_str()), (304, ""));
    let date = first.field("last-modified").unwrap();
    assert!(date.ends_with(" GMT"), "{date}");
    assert_eq!(ask(&server, path, &format!("If-Modified-Since: {date}\r\n")).status, 304);

    std::fs::write(server.folder().join("a b.csv"), "id,name\n1,changed\n").unwrap();
    assert_eq!(ask(&server, path, &format!("If-None-Match: {tag}\r\n")).status, 200);
}

#[test]
fn a_part_of_a_file_can_be_asked_for() {
    let (_folder, server) = server_with("data.txt", "0123456789");
    let part = ask(&server, "/data.txt", "Range: bytes=2-4\r\n");
    assert_eq!((part.status, part.body.as_str()), (206, "234"));
    assert_eq!(part.field("content-range"), Some("bytes 2-4/10"));
    assert_eq!(ask(&server, "/data.txt", "Range: bytes=10-\r\n").status, 416);
    let changed = ask(&server, "/data.txt", "Range: bytes=2-\r\nIf-Range: \"another\"\r\n");
    assert_eq!((changed.status, changed.body.as_str()), (200, "0123456789"));
}

#[test]
fn nothing_outside_the_folder_is_served() {
    let (_folder, server) = server_with("data.txt", "x");
    for path in ["/../../etc/passwd", "/%2e%2e/%2e%2e/etc/passwd", "//etc/passwd", "/"] {
        assert_eq!(ask(&server, path, "").status, 404, "{path}");
    }
}

#[test]
fn statuses_pages_and_redirects_stand_in_for_the_data() {
    let (_folder, server) = server_with("data.csv", "a\n1\n");
    server.fault("data.csv", Fault::Status { code: 429, retry_after: Some(3) });
    let reply = ask(&server, "/data.csv", "");
    assert_eq!((reply.status, reply.field("retry-after")), (429, Some("3")));
    server.fault("data.csv", Fault::HtmlPage);
    let reply = ask(&server, "/data.csv", "");
    assert_eq!(reply.status, 200);
    assert!(reply.field("content-type").unwrap().starts_with("text/html") && reply.body.contains("<html>"));
    server.fault("data.csv", Fault::Redirect("/other".into()));
    assert_eq!(ask(&server, "/data.csv", "").field("location"), Some("/other"));
    server.fault("data.csv", Fault::Hangup);
    assert_eq!(ask(&server, "/data.csv", "").head, "");
    server.clear_fault("data.csv");
    assert_eq!(ask(&server, "/data.csv", "").status, 200);
}

#[test]
fn a_fault_can_pass_after_some_requests() {
    let (_folder, server) = server_with("data.csv", "a\n1\n");
    server.fault_times("data.csv", Fault::status(500), 2);
    let statuses: Vec<_> = (0..3).map(|_| ask(&server, "/data.csv?page=1", "").status).collect();
    assert_eq!(statuses, [500, 500, 200]);
    let log = server.requests_for("data.csv");
    assert_eq!(log.iter().map(|request| request.status).collect::<Vec<_>>(), [500, 500, 200]);
    assert_eq!(log[0].query, "page=1");
    assert_eq!(log[0].headers["host"], "x");
}

#[test]
fn bodies_are_cut_lengths_are_false_and_chunks_have_none() {
    let (_folder, server) = server_with("data.txt", "0123456789");
    server.fault("data.txt", Fault::CutAfter(4));
    let cut = ask(&server, "/data.txt", "");
    assert_eq!((cut.field("content-length"), cut.body.as_str()), (Some("10"), "0123"));
    server.fault("data.txt", Fault::FalseLength(99));
    let lie = ask(&server, "/data.txt", "");
    assert_eq!((lie.field("content-length"), lie.body.as_str()), (Some("99"), "0123456789"));
    server.fault("data.txt", Fault::Chunked);
    let chunks = ask(&server, "/data.txt", "");
    assert_eq!((chunks.field("content-length"), chunks.body.as_str()), (None, "a\r\n0123456789\r\n0\r\n\r\n"));
    server.fault("data.txt", Fault::NoValidators);
    let bare = ask(&server, "/data.txt", "Range: bytes=1-2\r\n");
    assert_eq!((bare.status, bare.field("etag"), bare.field("last-modified")), (200, None, None));
}

#[test]
fn a_stalled_body_neither_goes_on_nor_ends() {
    let (_folder, server) = server_with("data.txt", "0123456789");
    server.fault("data.txt", Fault::StallAfter(3));
    let mut stream = TcpStream::connect(server.url().trim_start_matches("http://")).unwrap();
    stream.set_read_timeout(Some(Duration::from_millis(300))).unwrap();
    write!(stream, "GET /data.txt HTTP/1.1\r\n\r\n").unwrap();
    assert!(server.wait_for_requests("data.txt", 1, SOON));
    let started = Instant::now();
    let error = std::iter::repeat_with(|| stream.read(&mut [0; 4096])).find_map(|read| match read {
        Ok(0) => Some("closed".to_owned()),
        Ok(_) => None,
        Err(error) => Some(error.kind().to_string()),
    });
    assert_ne!(error.unwrap(), "closed");
    assert!(started.elapsed() >= Duration::from_millis(300));
}

#[test]
fn a_dropped_server_closes_its_port() {
    let (_folder, server) = server_with("data.txt", "x");
    let address = server.url().trim_start_matches("http://").to_owned();
    drop(server);
    let closed = (0..500).any(|_| {
        std::thread::sleep(Duration::from_millis(5));
        TcpStream::connect(&address).is_err()
    });
    assert!(closed);
}
