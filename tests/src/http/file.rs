//! From a request and perhaps a fault to the answer: which file, which part of it, and whether the client has it already.

use std::io::SeekFrom;
use std::ops::Range;
use std::path::{Component, Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use jiff::Timestamp;
use jiff::fmt::rfc2822::{DateTimeParser, DateTimePrinter};
use tokio::fs::File;
use tokio::io::AsyncSeekExt;

use super::fault::Fault;
use super::wire::{Answer, Body, Ending, Head, Length};

const HTML: &str = "<!DOCTYPE html>\n<html><head><title>Service unavailable</title></head>\n\
    <body><h1>We are down for maintenance</h1><p>Please try again later.</p></body></html>\n";

/// The answer of a fault that lets nothing of the right one through.
pub(super) async fn instead(faults: &[Fault]) -> Option<Answer> {
    for fault in faults {
        match fault {
            Fault::Hangup => return Some(Answer { ending: Ending::Hangup, ..Answer::text(0, "") }),
            Fault::Status { code, retry_after } => {
                let answer = Answer::text(*code, &format!("this is a {code}\n"));
                return Some(match retry_after {
                    Some(seconds) => answer.header("Retry-After", seconds.to_string()),
                    None => answer,
                });
            }
            Fault::HtmlPage => return Some(Answer::page(200, "text/html; charset=utf-8", HTML)),
            Fault::Redirect(url) => return Some(Answer::text(302, "").header("Location", url.clone())),
            Fault::Late(time) => tokio::time::sleep(*time).await,
            _ => {}
        }
    }
    None
}

/// An answer whose body of `whole` bytes goes wrong: how its length is announced, how much of it is sent, and what comes then.
pub(super) fn spoiled(whole: u64, faults: &[Fault]) -> (Length, u64, Ending) {
    let (mut announced, mut sent, mut ending) = (Length::Known(whole), whole, Ending::KeepOpen);
    for fault in faults {
        match fault {
            Fault::CutAfter(bytes) => (sent, ending) = (whole.min(*bytes), Ending::Cut),
            Fault::FalseLength(bytes) => (announced, ending) = (Length::Known(*bytes), Ending::Close),
            Fault::StallAfter(bytes) => (sent, ending) = (whole.min(*bytes), Ending::Stall),
            Fault::Chunked => announced = Length::Chunked,
            _ => {}
        }
    }
    (announced, sent, ending)
}

/// Answers a request for a file of `folder`.
pub(super) async fn answer(folder: &Path, head: &Head, faults: &[Fault]) -> Answer {
    if let Some(answer) = instead(faults).await {
        return answer;
    }
    if !matches!(head.method.as_str(), "GET" | "HEAD" | "POST") {
        return Answer { ending: Ending::Close, ..Answer::text(405, "only GET, HEAD and POST\n") };
    }
    let Some(file) = open(folder, &head.path).await else { return Answer::text(404, "no such file\n") };
    for fault in faults {
        if let Fault::ReplacedBy(other) = fault {
            // The open file stays what it was.
            let path = folder.join(head.path.trim_start_matches('/'));
            if tokio::fs::rename(folder.join(other), path).await.is_err() {
                return Answer::text(500, "there is nothing to replace the file by\n");
            }
        }
    }
    of_file(file, head, faults).await
}

struct Opened {
    file: File,
    length: u64,
    modified: SystemTime,
    content_type: &'static str,
}

async fn open(folder: &Path, path: &str) -> Option<Opened> {
    let relative = PathBuf::from(path.strip_prefix('/')?);
    if !relative.components().all(|part| matches!(part, Component::Normal(_))) {
        return None;
    }
    let file = File::open(folder.join(&relative)).await.ok()?;
    let metadata = file.metadata().await.ok().filter(std::fs::Metadata::is_file)?;
    let content_type = match relative.extension().and_then(|extension| extension.to_str()) {
        Some("csv") => "text/csv; charset=utf-8",
        Some("txt") => "text/plain; charset=utf-8",
        Some("json") => "application/json",
        Some("zip") => "application/zip",
        _ => "application/octet-stream",
    };
    Some(Opened { file, length: metadata.len(), modified: metadata.modified().ok()?, content_type })
}

async fn of_file(opened: Opened, head: &Head, faults: &[Fault]) -> Answer {
    let Opened { mut file, length, modified, content_type } = opened;
    let mut part = 0..length;
    let has = |fault: &Fault| faults.contains(fault);
    let mut answer = Answer::text(200, "");
    if !has(&Fault::NoValidators) {
        let version = Version::of(length, modified);
        answer = if has(&Fault::WeakTag) {
            answer.header("ETag", format!("W/{}", version.tag))
        } else {
            answer.header("ETag", version.tag.clone()).header("Last-Modified", version.date.clone())
        };
        answer = answer.header("Accept-Ranges", "bytes");
        if version.is_known_to(head) {
            return Answer { status: 304, length: Length::Unsaid, ..answer };
        }
        if head.field("if-match").is_some_and(|tag| tag != version.tag) {
            return Answer::text(412, "it is another by now\n");
        }
        let range = head.field("range").filter(|_| version.allows_range(head) && !has(&Fault::NoRanges));
        match range.and_then(|range| parse_range(range, length)) {
            Some(Ok(range)) => {
                answer = answer.header("Content-Range", format!("bytes {}-{}/{length}", range.start, range.end - 1));
                answer.status = 206;
                part = range;
            }
            Some(Err(Unsatisfiable)) => {
                let answer = answer.header("Content-Range", format!("bytes */{length}"));
                return Answer { status: 416, ..answer };
            }
            None => {}
        }
    }
    if part.start > 0 && file.seek(SeekFrom::Start(part.start)).await.is_err() {
        return Answer::text(500, "the file cannot be read at this place\n");
    }
    let whole = part.end - part.start;
    for fault in faults {
        if let Fault::Header(name, value) = fault {
            answer = answer.header(name, value.clone());
        }
    }
    let (announced, sent, ending) = spoiled(whole, faults);
    answer.content_type = content_type;
    answer.length = announced;
    if head.method != "HEAD" {
        answer.body = Body::File(file, sent);
        // Only a body can be cut or stall.
        answer.ending = ending;
    }
    answer
}

/// What tells one version of a file from another.
struct Version {
    tag: String,
    date: String,
    /// The date, in whole seconds as HTTP has it.
    modified: Timestamp,
}

impl Version {
    fn of(length: u64, modified: SystemTime) -> Self {
        let since_epoch = modified.duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO);
        let seconds = i64::try_from(since_epoch.as_secs()).unwrap_or(0);
        let modified = Timestamp::from_second(seconds).unwrap_or(Timestamp::UNIX_EPOCH);
        Self {
            tag: format!("\"{length:x}-{:x}\"", since_epoch.as_nanos()),
            date: DateTimePrinter::new().timestamp_to_rfc9110_string(&modified).unwrap_or_default(),
            modified,
        }
    }

    /// Whether the client's copy is current: by the tag where it sent one, by the date otherwise.
    fn is_known_to(&self, head: &Head) -> bool {
        if let Some(tags) = head.field("if-none-match") {
            let mut tags = tags.split(',').map(|tag| tag.trim().trim_start_matches("W/"));
            return tags.any(|tag| tag == self.tag || tag == "*");
        }
        let since = head.field("if-modified-since").and_then(|date| DateTimeParser::new().parse_timestamp(date).ok());
        since.is_some_and(|since| self.modified <= since)
    }

    /// A range of another version would not fit to what the client has.
    fn allows_range(&self, head: &Head) -> bool {
        head.field("if-range").is_none_or(|condition| condition == self.tag || condition == self.date)
    }
}

#[derive(Debug, PartialEq, Eq)]
struct Unsatisfiable;

/// One range of bytes: `bytes=10-19`, `bytes=10-`, `bytes=-5`. Anything else is ignored, as the standard allows.
fn parse_range(field: &str, length: u64) -> Option<Result<Range<u64>, Unsatisfiable>> {
    let (first, last) = field.strip_prefix("bytes=")?.split_once('-')?;
    let range = match (first, last) {
        ("", suffix) => length.saturating_sub(suffix.parse().ok()?)..length,
        (first, "") => first.parse().ok()?..length,
        (first, last) => first.parse().ok()?..last.parse::<u64>().ok()?.saturating_add(1).min(length),
    };
    Some(if range.start < range.end { Ok(range) } else { Err(Unsatisfiable) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_are_inclusive_and_end_with_the_file() {
        assert_eq!(parse_range("bytes=2-4", 10), Some(Ok(2..5)));
        assert_eq!(parse_range("bytes=2-", 10), Some(Ok(2..10)));
        assert_eq!(parse_range("bytes=-3", 10), Some(Ok(7..10)));
        assert_eq!(parse_range("bytes=-30", 10), Some(Ok(0..10)));
        assert_eq!(parse_range("bytes=2-400", 10), Some(Ok(2..10)));
        assert_eq!(parse_range("bytes=10-", 10), Some(Err(Unsatisfiable)));
        assert_eq!(parse_range("bytes=0-0,2-3", 10), None);
        assert_eq!(parse_range("rows=1-2", 10), None);
    }
}
