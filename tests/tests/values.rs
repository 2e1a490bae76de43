//! Random texts for every type, read by the worker's encoder and by PostgreSQL itself: what both take is the same stored
//! value; what PostgreSQL takes and the encoder does not is something that PostgreSQL would have changed. Here a share of
//! the texts is taken; `FRESHET_VALUES=100000` takes so many of each type.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "values/forms.rs"]
mod forms;
#[path = "../../worker/value/tests/properties/specimens.rs"]
mod specimens;

use std::collections::BTreeMap;
use std::pin::pin;

use bytes::Bytes;
use freshet_tests::postgres::{PostgresCluster, connect};
use futures_util::SinkExt;
use specimens::{MOODS, OWN_TYPES, Specimens, TYPES};
use tokio_postgres::Client;
use value::{Bad, Empty, Encoded, Encoder, Kind, Labels, Outer, Overlap, Parser, Type, wire};

/// Where local times of `timestamptz` are read from clocks. It has had offsets of its own and both kinds of change.
const ZONE: &str = "America/New_York";

fn texts_of_each_type() -> usize {
    std::env::var("FRESHET_VALUES").map_or(3_000, |count| count.parse().unwrap())
}

/// What the encoder made of a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Ours {
    Value,
    Null,
    Bad(Bad),
}

/// An encoder that keeps text as it is, as PostgreSQL does.
fn encoder(column: &Kind) -> Encoder {
    let zone = jiff::tz::TimeZone::get(ZONE).unwrap();
    // Of a time that clocks showed twice PostgreSQL takes the second.
    let encoder = Encoder::of(column, Parser::Auto).unwrap().zone(zone, Overlap::Later);
    encoder.outer(Outer::Keep).empty(Empty::Keep)
}

#[tokio::test]
async fn what_postgresql_takes_is_stored_alike_or_would_have_been_changed() {
    let cluster = PostgresCluster::shared();
    let database = cluster.fresh_database().unwrap();
    let client = connect(&database.url).await.unwrap();
    client.batch_execute(&format!("SET timezone = '{ZONE}'; SET datestyle = 'ISO, MDY'")).await.unwrap();
    let labels: Vec<String> = MOODS.iter().map(|mood| format!("'{mood}'")).collect();
    client.batch_execute(&format!("CREATE TYPE mood AS ENUM ({})", labels.join(", "))).await.unwrap();
    let mut differences = Vec::new();
    for (seed, column) in (1..).zip(TYPES.iter().chain(OWN_TYPES)) {
        differences.extend(compare(&client, column, seed).await);
    }
    assert!(differences.is_empty(), "{} differences:\n{}", differences.len(), differences.join("\n"));
}

/// What a type of the database's own is made of.
async fn kind(client: &Client, column: &str) -> Kind {
    if let Ok(built_in) = column.parse::<Type>() {
        return built_in.into();
    }
    let mood = Kind::Enum(Labels::new(MOODS.iter().copied()));
    let oid = client.query_one("SELECT 'mood'::regtype::oid", &[]).await.unwrap().get(0);
    if column == "mood" { mood } else { Kind::Array(Box::new(mood), oid) }
}

async fn compare(client: &Client, column: &str, seed: u64) -> Vec<String> {
    let encoder = encoder(&kind(client, column).await);
    let text_encoder = encoder_of_text();
    let mut specimens = Specimens::new(seed);
    let (mut values, mut texts) = (wire::HEADER.to_vec(), wire::HEADER.to_vec());
    let mut all = Vec::new();
    for number in 0..texts_of_each_type() {
        let text = specimens.text(column);
        let mut field = Vec::new();
        let ours = match encoder.encode(text.as_bytes(), &mut field) {
            Ok(Encoded::Null) => Ours::Null,
            Ok(_) => Ours::Value,
            Err(bad) => Ours::Bad(bad),
        };
        let number = i32::try_from(number).unwrap();
        let key = [&4_i32.to_be_bytes()[..], &number.to_be_bytes()].concat();
        if ours == Ours::Value {
            values.extend(wire::row(2));
            values.extend(&key);
            values.extend(&field);
        }
        texts.extend(wire::row(2));
        texts.extend(&key);
        text_encoder.encode(text.as_bytes(), &mut texts).unwrap();
        all.push((text, ours));
    }
    client
        .batch_execute(&format!(
            "CREATE TEMPORARY TABLE ours (n integer PRIMARY KEY, v {column});
             CREATE TEMPORARY TABLE texts (n integer PRIMARY KEY, t text);
             CREATE FUNCTION pg_temp.read(t text, OUT taken boolean, OUT v {column}) LANGUAGE plpgsql AS $$
                 DECLARE x {column}; -- a parameter has no modifier
                 BEGIN x := t; v := x; taken := true;
                 EXCEPTION WHEN OTHERS THEN taken := false;
                 END $$"
        ))
        .await
        .unwrap();
    copy(client, "ours", values).await;
    copy(client, "texts", texts).await;
    let rows = client
        .query(
            "SELECT t.n, r.taken, r.v::text, o.v::text FROM texts t CROSS JOIN LATERAL pg_temp.read(t.t) r
             LEFT JOIN ours o ON o.n = t.n ORDER BY t.n",
            &[],
        )
        .await
        .unwrap();
    client.batch_execute("DROP TABLE ours, texts; DROP FUNCTION pg_temp.read(text)").await.unwrap();
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    let mut differences = Vec::new();
    for (row, (text, ours)) in rows.iter().zip(&all) {
        let (taken, theirs, stored): (bool, Option<String>, Option<String>) = (row.get(1), row.get(2), row.get(3));
        let verdict = match (taken, ours) {
            (true, Ours::Value) if theirs == stored || is_known(column, text, theirs.as_deref(), stored.as_deref()) => {
                "the same"
            }
            (true, Ours::Value) => "different",
            (true, Ours::Null) if theirs.is_none() => "the same",
            (true, Ours::Null) => "NULL for a value",
            (true, Ours::Bad(bad)) if is_loss(*bad) => "kept from a loss",
            (true, Ours::Bad(_)) if !is_declared(column, text) => "in no declared form",
            (true, Ours::Bad(_)) => "refused without need",
            (false, Ours::Value) => "generous",
            (false, _) => "refused by both",
        };
        *counts.entry(verdict).or_default() += 1;
        if ["different", "NULL for a value", "refused without need"].contains(&verdict) {
            differences.push(format!("{column}: {text:?} is {verdict}: {theirs:?} there, {ours:?} {stored:?} here"));
        }
    }
    eprintln!("{column}: {counts:?}");
    differences
}

/// Whether a text is refused because PostgreSQL would have cut, rounded or dropped a part of it.
fn is_loss(bad: Bad) -> bool {
    matches!(bad, Bad::TooPrecise | Bad::HasTime | Bad::HasZone | Bad::HasFraction | Bad::TooLong)
}

/// Where the encoder has a rule of its own, which its documentation states.
fn is_known(column: &str, text: &str, theirs: Option<&str>, stored: Option<&str>) -> bool {
    match column {
        // Blanks around a document mean nothing.
        "json" => theirs.map(str::trim) == stored,
        // A year of two digits is one of the hundred around the declared pivot, which is not PostgreSQL's.
        _ => (forms::has_short_year(text) || forms::has_posix_zone(text)) && !column.starts_with("text"),
    }
}

/// Whether a text has one of the forms that are declared for its type. PostgreSQL also takes prefixes of words, times with
/// letters in them and anything at all for `bytea`; no publisher means these.
fn is_declared(column: &str, text: &str) -> bool {
    let text = text.trim();
    if let Some(element) = column.strip_suffix("[]") {
        let mut bare = text.trim_matches(['{', '}']).split(',').map(|element| element.trim().trim_matches('"'));
        if element == "bytea" {
            // One backslash is the array's own.
            return bare.all(|one| one == "NULL" || one.starts_with("\\\\x"));
        }
        return element == "text" || bare.all(|one| one == "NULL" || is_declared(element, one));
    }
    match column.split('(').next().unwrap_or(column) {
        "boolean" => ["t", "true", "y", "yes", "on", "1", "f", "false", "n", "no", "off", "0"]
            .iter()
            .any(|word| text.eq_ignore_ascii_case(word)),
        // Short forms, and numbers that may be octal.
        "inet" | "cidr" => {
            text.split('/').next().is_some_and(|address| address.parse::<std::net::IpAddr>().is_ok())
                && !text.contains("/0")
        }
        "bytea" => text.starts_with("\\x"),
        "date" => forms::is_date(text),
        "time" => forms::is_time(text),
        "timestamp" | "timestamptz" => forms::is_moment(text),
        // Zero with an exponent of any size, and blanks inside of a number.
        "numeric" => !text.contains(' ') && !text.trim_start_matches(['+', '-', '0', '.']).starts_with(['e', 'E']),
        _ => true,
    }
}

fn encoder_of_text() -> Encoder {
    Encoder::new("text".parse().unwrap(), Parser::Auto).unwrap().outer(Outer::Keep).empty(Empty::Keep)
}

async fn copy(client: &Client, table: &str, mut rows: Vec<u8>) {
    rows.extend(wire::TRAILER);
    let sink = client.copy_in(&format!("COPY {table} FROM STDIN (FORMAT binary)")).await.unwrap();
    let mut sink = pin!(sink);
    sink.send(Bytes::from(rows)).await.unwrap();
    sink.finish().await.unwrap();
}
