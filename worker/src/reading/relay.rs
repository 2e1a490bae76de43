//! Rows of another PostgreSQL database. Its binary `COPY` is what ours takes in, so that rows pass through as they are, as fast as the
//! wire brings them; that columns have the same names and types is looked at before. All of them are of one snapshot.

use std::collections::BTreeSet;
use std::sync::Arc;

use bytes::{Buf as _, Bytes};
use futures_util::StreamExt as _;
use manifest::dataset::{ExtraColumns, Origin, Table};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::drift::Drift;
use super::error::ReadError;
use super::layout::copied_columns;
use super::outcome::TableReading;
use super::tally::ColumnTally;
use crate::postgres::copy::{copy_out, described};
use crate::postgres::identifiers::quote_ident;
use crate::postgres::{self, Purpose, Session, Target, bundle};
use crate::source::{Access, Digest, ReadFrom, SourceError, SourceFingerprint};

/// Bytes before the first row: the signature, the flags and an empty extension.
const HEADER: usize = 19;

const WHAT: &str = "read the rows of another database";

/// Whether the rows of a table are those of another database.
pub(super) fn is_relayed(table: &Table, from: &ReadFrom) -> bool {
    let is_database = |origin: &Origin| matches!(origin, Origin::Database { .. });
    *from == ReadFrom::Publisher && table.sources().iter().any(|source| is_database(&source.origin))
}

/// Begins to read the one source of a table, until the token is cancelled.
pub(super) fn spawn(
    access: Arc<Access>,
    table: Table,
    chunks: mpsc::Sender<Bytes>,
    cancel: CancellationToken,
) -> JoinHandle<Result<TableReading, ReadError>> {
    tokio::spawn(async move {
        tokio::select! {
            biased;
            () = cancel.cancelled() => Err(SourceError::Stopped.into()),
            read = read(&access, &table, &chunks) => read,
        }
    })
}

async fn read(access: &Access, table: &Table, chunks: &mpsc::Sender<Bytes>) -> Result<TableReading, ReadError> {
    let Some((source, Origin::Database { url, query })) =
        table.sources().first().map(|source| (source, &source.origin))
    else {
        return Err(SourceError::Stopped.into());
    };
    let file = &source.file;
    let fail = |error: postgres::Error| ReadError::Database { file: file.clone(), error: Box::new(error) };
    let target = Target::parse(&access.filled(url)?, bundle()).map_err(fail)?;
    let session = Session::new(&table.name, "source");
    let connection = target.connect(&session, Purpose::Load).await.map_err(fail)?;
    // One snapshot for columns and rows; names mean what they mean to whoever logs in.
    let begin = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY;
                 SELECT set_config('search_path', reset_val, true) FROM pg_settings WHERE name = 'search_path'";
    connection.batch(WHAT, begin).await.map_err(fail)?;

    let offered = described(&connection, WHAT, &format!("SELECT * FROM ({query}) AS source")).await.map_err(fail)?;
    let wrong = differences(table, &offered);
    if !wrong.is_empty() {
        return Err(ReadError::Columns { table: table.name.clone(), file: file.clone(), wrong });
    }
    let names: Vec<String> = copied_columns(table).map(|column| quote_ident(column.name.as_str())).collect();
    let known: BTreeSet<&str> = copied_columns(table).map(|column| column.name.as_str()).collect();
    let extra = offered.iter().map(|(name, _)| name).filter(|name| !known.contains(name.as_str()));
    let extra: Vec<String> = extra.cloned().collect();

    let select = format!("COPY (SELECT {} FROM ({query}) AS source) TO STDOUT (FORMAT binary)", names.join(", "));
    let mut reading = TableReading::default();
    let (mut digest, mut rows) = (Digest::default(), Rows::default());
    {
        let mut copied = Box::pin(copy_out(&connection, WHAT, &select).await.map_err(fail)?);
        while let Some(chunk) = copied.next().await {
            let chunk = chunk.map_err(fail)?;
            digest.update(&chunk);
            rows.count(&chunk);
            if chunks.send(chunk).await.is_err() {
                return Err(SourceError::Stopped.into());
            }
        }
    }
    connection.rollback().await;
    if !extra.is_empty() {
        reading.drift.push(Drift::Extra { file: file.clone(), headers: extra });
    }
    let content = digest.finish();
    (reading.rows, reading.bytes) = (rows.rows, content.bytes);
    reading.columns = copied_columns(table).map(|column| (column.name.clone(), ColumnTally::default())).collect();
    let fingerprint = SourceFingerprint { address: url.clone(), etag: None, last_modified: None, content };
    reading.fingerprints.insert(file.clone(), fingerprint);
    Ok(reading)
}

/// What keeps columns of the query from being those of the table, each in a few words.
fn differences(table: &Table, offered: &[(String, String)]) -> Vec<String> {
    let mut wrong = Vec::new();
    for column in copied_columns(table) {
        let (name, declared) = (column.name.as_str(), column.type_name.as_str());
        match offered.iter().find(|(offered, _)| offered == name) {
            None => wrong.push(format!("it has no column {name}")),
            Some((_, found)) if is_same(declared, found) => {}
            Some((_, found)) => wrong.push(format!("its column {name} is {found}, and the manifest says {declared}")),
        }
    }
    if table.extra == ExtraColumns::Refuse {
        let known = |name: &str| copied_columns(table).any(|column| column.name.as_str() == name);
        let extra = offered.iter().filter(|(name, _)| !known(name));
        wrong.extend(extra.map(|(name, _)| format!("its column {name} is not in the manifest")));
    }
    wrong
}

/// Whether a type of the manifest is one that PostgreSQL spells like this. What the manifest does not limit may be limited.
fn is_same(declared: &str, found: &str) -> bool {
    let spelled = spelled(declared);
    spelled == found || (!declared.contains('(') && spelled == unlimited(found))
}

/// A type as PostgreSQL spells it.
fn spelled(declared: &str) -> String {
    let (element, array) = declared.strip_suffix("[]").map_or((declared, ""), |element| (element, "[]"));
    let (base, limit) = element.find('(').map_or((element, ""), |at| element.split_at(at));
    let (before, after) = match base {
        "varchar" => ("character varying", ""),
        "char" => ("character", ""),
        "time" | "timestamp" => (base, " without time zone"),
        "timestamptz" => ("timestamp", " with time zone"),
        other => (other, ""),
    };
    format!("{before}{limit}{after}{array}")
}

fn unlimited(found: &str) -> String {
    match (found.find('('), found.find(')')) {
        (Some(from), Some(to)) if from < to => format!("{}{}", &found[..from], &found[to + 1..]),
        _ => found.to_owned(),
    }
}

/// Counts the rows of a binary `COPY`, of which every chunk ends where a row does.
#[derive(Debug, Default)]
struct Rows {
    has_begun: bool,
    rows: u64,
}

impl Rows {
    fn count(&mut self, chunk: &Bytes) {
        let mut left = &chunk[..];
        if !std::mem::replace(&mut self.has_begun, true) {
            left.advance(HEADER.min(left.len()));
        }
        while left.len() >= 2 {
            // -1 is the end.
            let Ok(fields) = u16::try_from(left.get_i16()) else { return };
            self.rows += 1;
            for _ in 0..fields {
                if left.len() < 4 {
                    return;
                }
                let length = usize::try_from(left.get_i32()).unwrap_or(0);
                left.advance(length.min(left.len()));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_are_the_same_whoever_spells_them() {
        for (declared, found) in [
            ("integer", "integer"),
            ("text", "text"),
            ("varchar(10)", "character varying(10)"),
            ("varchar", "character varying(10)"),
            ("char(10)", "character(10)"),
            ("numeric", "numeric(9,6)"),
            ("numeric(9,6)", "numeric(9,6)"),
            ("timestamp", "timestamp without time zone"),
            ("timestamptz", "timestamp(3) with time zone"),
            ("text[]", "text[]"),
            ("varchar(5)[]", "character varying(5)[]"),
        ] {
            assert!(is_same(declared, found), "{declared} {found}");
        }
        for (declared, found) in [
            ("integer", "bigint"),
            ("numeric(9,2)", "numeric(9,6)"),
            ("numeric(9,2)", "numeric"),
            ("varchar(10)", "character varying"),
            ("timestamp", "timestamp with time zone"),
            ("text", "character varying(10)"),
        ] {
            assert!(!is_same(declared, found), "{declared} {found}");
        }
    }

    #[test]
    fn rows_are_counted_as_they_pass() {
        let mut rows = Rows::default();
        let mut first = b"PGCOPY\n\xff\r\n\0\0\0\0\0\0\0\0\0".to_vec();
        first.extend(b"\0\x02\0\0\0\x03abc\xff\xff\xff\xff");
        rows.count(&first.into());
        rows.count(&Bytes::from_static(b"\0\x02\0\0\0\0\0\0\0\x01x\0\x02\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff"));
        assert_eq!(rows.rows, 3);
    }
}
