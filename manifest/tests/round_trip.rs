//! A manifest means the same however it is written: in any order of keys, in blocks or braces, and again when what it means is written out.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use manifest::dataset::{
    Container, Content, Dataset, Deletes, Derivation, Duplicates, Emptiness, ExtraColumns, HeaderRow, Index, Load,
    Nullability, Origin, Source, Table, Uniqueness,
};
use manifest::finding::{Findings, Style};
use manifest::project::Files;
use manifest::{ContentHash, Project, canonical};
use proptest::prelude::*;
use proptest::sample::{select, subsequence};
use serde_json::{Map, Value, json};

const STACK: &str = "stack: s\nimage: i\nsecrets: {DATABASE_URL: a}\nnetwork: {subnets: [subnet-1], security_groups: [sg-1]}\nenvironments: {prod: {account: \"123456789012\", region: us-east-1, cluster: c}}\n";

fn parse(text: &str) -> Dataset {
    let files = Files::from_texts([("freshet.yml", STACK), ("datasets/d.yml", text)]);
    let project = Project::from_files(&files)
        .unwrap_or_else(|findings: Findings| panic!("{}\n{text}", findings.draw(Style::Plain, 110)));
    project.datasets.into_values().next().expect("one dataset")
}

fn hash(dataset: &Dataset) -> ContentHash {
    ContentHash::of(dataset).expect("it serialises")
}

// --- Manifests as a tree, in the grammar's own words.

const COLUMNS: [(&str, &str); 6] = [
    ("id", "bigint not null"),
    ("name", "text"),
    ("day", "date"),
    ("amount", "numeric(9,6)"),
    ("tags", "text[]"),
    ("at", "timestamptz"),
];

fn table(name: &'static str) -> impl Strategy<Value = Value> {
    let columns = subsequence(COLUMNS[1..].to_vec(), 1..=5).prop_shuffle();
    let source = (any::<bool>(), any::<bool>(), select(vec!["first", "find"]));
    let keys = (any::<[bool; 10]>(), 0u32..5_000_000, 0u32..=100, select(vec!["replace", "append", "upsert"]));
    (columns, source, keys).prop_map(move |(others, (each, zip, header), (with, rows, share, load))| {
        let mut columns: Vec<(&str, &str)> = vec![COLUMNS[0]];
        columns.extend(others);
        let has = |name: &str| columns.iter().any(|(column, _)| *column == name);
        let mut source = if each {
            json!({"url": format!("https://example.org/{name}/{{year}}_{{part}}.csv"), "file": format!("{name}_{{year:yy}}_{{part}}.csv"), "each": {"year": ["2019..2021", 2024], "part": ["a", "b"]}})
        } else {
            json!({"url": format!("https://example.org/{name}.csv?x=1#y"), "headers": {"B": "2: 3", "A": "${secret:DATABASE_URL}"}})
        };
        if zip {
            source["file"] = json!(if each { format!("{name}_{{year}}_{{part}}.zip") } else { format!("{name}.zip") });
            source["member"] = json!("*.csv");
        }
        let declared: Map<String, Value> = columns.iter().map(|(name, type_name)| ((*name).to_owned(), json!(type_name))).collect();
        let mut table = json!({"sources": [source], "columns": declared, "header": header, "primary_key": "id"});
        let mut put = |with: bool, key: &str, value: Value| {
            if with {
                table[key] = value;
            }
        };
        put(with[0], "expect", json!({"rows": rows, "max_drop": format!("{share}%"), "max_nulls": {"id": "0%"}, "max_null_jump": {"id": "5%"}, "never_back": "id"}));
        put(with[1], "bad_values", json!({"allow": "0.25%", "columns": {"id": "1%"}}));
        put(with[2], "skip", json!(["Other Header", "x: y", "#"]));
        put(with[3] && has("name"), "rename", json!({"The Name (full)": "name"}));
        put(with[4] && has("day"), "optional", json!(["day"]));
        put(with[5] && has("name"), "keep", json!({"name": ["a", 1, "01", "no"]}));
        put(with[6] && has("tags"), "indexes", json!(["id", {"gin": "tags"}]));
        put(with[7] && has("day"), "parse", json!({"day": "dmy"}));
        put(with[8], "nulls", json!(["N/A", "-", "~"]));
        put(with[9], "extra", json!("refuse"));
        put(each && has("name") && !with[3] && !with[5], "derive", json!({"name": "{part} of {year:yy}"}));
        match load {
            "upsert" if has("day") => put(true, "load", json!({"upsert": ["id"], "newer": "day", "duplicates": "newest", "deletes": "apply", "max_deletes": format!("{share}%"), "overlap": "36h"})),
            "upsert" => put(true, "load", json!({"upsert": "id"})),
            other => put(true, "load", json!(other)),
        }
        table
    })
}

fn document() -> impl Strategy<Value = Value> {
    (table("t"), table("u"), "[ -~ü]{1,30}", any::<bool>(), 0u8..=9).prop_filter_map("a title that is blank or a reference", |(t, u, title, both, generations)| {
        if title.trim().is_empty() || title.contains("${") {
            return None;
        }
        let mut tables = json!({"t": t});
        if both {
            tables["u"] = u;
        }
        Some(json!({"dataset": "d", "title": title, "publisher": "p", "schema": "geo", "timezone": "America/New_York", "generations": generations, "terminate_blockers": "10m", "dependent_views": if both { "recreate" } else { "fail" }, "tables": tables}))
    })
}

// --- Ways to write the same tree.

/// Mappings whose order means something: tables and columns stand in it, sources are read in it.
const ORDERED: [&str; 3] = ["tables", "columns", "each"];

/// The tree with the keys of every other mapping in another order.
fn shuffled(value: &Value, seed: u64, name: &str) -> Value {
    match value {
        Value::Object(map) => {
            let mut entries: Vec<(&String, &Value)> = map.iter().collect();
            if !ORDERED.contains(&name) {
                entries.sort_by_key(|(key, _)| ContentHash::of_bytes(format!("{seed}{key}").as_bytes()));
            }
            Value::Object(entries.into_iter().map(|(key, value)| (key.clone(), shuffled(value, seed, key))).collect())
        }
        Value::Array(items) => Value::Array(items.iter().map(|item| shuffled(item, seed, "")).collect()),
        other => other.clone(),
    }
}

/// The tree in blocks, texts in single quotes.
fn blocks(value: &Value, indent: usize, out: &mut String) {
    let pad = " ".repeat(indent);
    let quoted = |text: &str| format!("'{}'", text.replace('\'', "''"));
    match value {
        Value::Object(map) if !map.is_empty() => {
            for (key, value) in map {
                let _ = write!(out, "\n{pad}{}:", quoted(key));
                blocks(value, indent + 2, out);
            }
        }
        Value::Array(items) if !items.is_empty() => {
            for item in items {
                let _ = write!(out, "\n{pad}-");
                blocks(item, indent + 2, out);
            }
        }
        Value::String(text) => {
            let _ = write!(out, " {}", quoted(text));
        }
        other => {
            let _ = write!(out, " {other}");
        }
    }
}

fn in_blocks(value: &Value) -> String {
    let mut out = String::from("# yaml-language-server: $schema=x\n");
    blocks(value, 0, &mut out);
    out.push('\n');
    out
}

// --- What a dataset means, written out as a manifest.

fn written(dataset: &Dataset) -> Value {
    let tables: Map<String, Value> =
        dataset.tables.iter().map(|table| (table.name.to_string(), written_table(table))).collect();
    let mut document = json!({
        "dataset": dataset.dataset, "title": dataset.title, "publisher": dataset.publisher, "schema": dataset.schema, "tables": tables,
        "generations": dataset.generations, "terminate_blockers": dataset.terminate_blockers, "dependent_views": dataset.dependent_views,
    });
    if let Some(timezone) = &dataset.timezone {
        document["timezone"] = json!(timezone);
    }
    document
}

fn written_table(table: &Table) -> Value {
    let Content::Sources(sources) = &table.content else { panic!("generated tables have sources") };
    let columns: Map<String, Value> = table
        .columns
        .iter()
        .map(|column| {
            let suffix = match column.nullability {
                Nullability::Nullable => "",
                Nullability::NotNull => " not null",
                Nullability::Identity => " identity",
            };
            (column.name.to_string(), json!(format!("{}{suffix}", column.type_name)))
        })
        .collect();
    let mut out = json!({
        "sources": sources.iter().map(written_source).collect::<Vec<_>>(), "columns": columns, "rename": table.rename,
        "skip": table.skip, "optional": table.optional, "keep": table.keep, "parse": table.parse, "primary_key": table.primary_key,
        "indexes": table.indexes.iter().map(written_index).collect::<Vec<_>>(),
        "bad_values": {"allow": table.bad_values.allow, "columns": table.bad_values.columns},
        "expect": {"rows": table.expect.rows, "latest": table.expect.latest, "max_nulls": table.expect.max_nulls.columns, "max_null_jump": table.expect.max_null_jump.columns, "never_back": table.expect.never_back, "allow_empty": table.expect.empty == Emptiness::Allowed},
        "extra": if table.extra == ExtraColumns::Refuse { "refuse" } else { "report" },
    });
    if let Some(share) = table.expect.max_drop {
        out["expect"]["max_drop"] = json!(share);
    }
    let derive: BTreeMap<&str, String> = table
        .derive
        .iter()
        .map(|(name, derivation)| match derivation {
            Derivation::Template(text) => (name.as_str(), text.clone()),
            Derivation::Call { function, arguments } => {
                let arguments: Vec<&str> = arguments.iter().map(AsRef::as_ref).collect();
                (name.as_str(), format!("{function}({})", arguments.join(", ")))
            }
        })
        .collect();
    out["derive"] = json!(derive);
    out["load"] = match &table.load {
        Load::Replace => json!("replace"),
        Load::Append => json!("append"),
        Load::Upsert { key, newer, deletes, max_deletes, watermark, overlap } => {
            let mut load = json!({"upsert": key, "deletes": if *deletes == Deletes::Apply { "apply" } else { "keep" }});
            if let Some(newer) = newer {
                load["newer"] = json!(newer);
                load["overlap"] = json!(overlap);
            }
            if *deletes == Deletes::Apply {
                load["max_deletes"] = json!(max_deletes);
            }
            if let Some(watermark) = watermark {
                load["watermark"] = json!(watermark);
            }
            load
        }
    };
    out["duplicates"] = json!(match table.duplicates {
        Duplicates::Refuse => "refuse",
        Duplicates::First => "first",
        Duplicates::Newest => "newest",
    });
    out
}

fn written_source(source: &Source) -> Value {
    let Origin::Url { url, headers, .. } = &source.origin else { panic!("generated sources are addresses") };
    let mut out = json!({"url": url, "file": source.file, "format": source.reading.format.as_str(), "nulls": source.reading.nulls, "headers": headers});
    if let Container::Zip { member } = &source.reading.container {
        out["member"] = json!(member);
    }
    out["header"] = json!(if source.reading.header == HeaderRow::Find { "find" } else { "first" });
    if !source.vars.is_empty() {
        // Every value of a variable that a derivation names stands once more in each.
        out["each"] = json!(source.vars);
        out["url"] = json!(templated(url, source));
        out["file"] = json!(templated(&source.file, source));
    }
    out
}

/// A text in which the values of the variables stand as their names again.
fn templated(text: &str, source: &Source) -> String {
    let (year, part) = (&source.vars["year"], &source.vars["part"]);
    let name = text.replace(&format!("{year}_{part}."), "{year}_{part}.");
    name.replace(&format!("_{}_{part}.", &year[2..]), "_{year:yy}_{part}.")
}

fn written_index(index: &Index) -> Value {
    let method = if index.uniqueness == Uniqueness::Unique { "unique" } else { index.method.as_str() };
    json!({method: index.columns})
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(64) })]

    #[test]
    fn the_order_of_keys_and_the_style_of_writing_do_not_reach_the_hash(document in document(), seed in any::<u64>()) {
        let plain = parse(&document.to_string());
        let other = parse(&in_blocks(&shuffled(&document, seed, "")));
        prop_assert_eq!(&plain, &other);
        prop_assert_eq!(hash(&plain), hash(&other));
        prop_assert_eq!(parse(&in_blocks(&document)), plain);
    }

    #[test]
    fn what_a_dataset_means_reads_back_when_it_is_written_out(document in document()) {
        let dataset = parse(&document.to_string());
        let again = parse(&in_blocks(&written(&dataset)));
        let (before, after) = (canonical::to_json(&dataset).expect("json"), canonical::to_json(&again).expect("json"));
        prop_assert_eq!(before, after);
    }

    #[test]
    fn the_json_that_a_definition_carries_is_the_dataset(document in document()) {
        let dataset = parse(&document.to_string());
        let json = canonical::to_json(&dataset).expect("json");
        let read: Dataset = serde_json::from_str(&json).expect("a dataset");
        prop_assert_eq!(&read, &dataset);
        prop_assert_eq!(hash(&read), hash(&dataset));
    }
}

#[test]
fn what_is_expected_of_rows_does_not_decide_what_they_are() {
    let of = |more: &str, expect: &str| {
        parse(&format!(
            "dataset: d\ntitle: t\npublisher: p\n{more}tables:\n  t: {{sources: [{{url: \"https://example.org/t.csv\"}}], columns: {{id: integer}}, indexes: [id]{expect}}}\n"
        ))
    };
    let (plain, expecting) =
        (of("", ""), of("generations: 3\nterminate_blockers: 10m\ndependent_views: recreate\n", ", expect: {rows: 7}"));
    assert_ne!(hash(&plain), hash(&expecting));
    assert_eq!(hash(&plain.making()), hash(&expecting.making()));
    assert_ne!(hash(&plain.making()), hash(&of("timezone: America/New_York\n", "").making()));
}

#[test]
fn the_order_of_tables_and_columns_is_part_of_what_a_dataset_means() {
    let of = |columns: &str| {
        parse(&format!(
            "dataset: d\ntitle: t\npublisher: p\ntables: {{t: {{sources: [{{url: \"https://example.org/t.csv\"}}], columns: {{{columns}}}}}}}\n"
        ))
    };
    assert_ne!(hash(&of("a: text, b: text")), hash(&of("b: text, a: text")));
    // However a type is spelt, it is the same type.
    assert_eq!(hash(&of("a: text, b: text")), hash(&of("a: TEXT, b: \"text \"")));
}
