//! A table of a dataset.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};

use super::source::SourceDocument;
use crate::dataset::{Deletes, Duplicates, ExtraColumns, Format, HeaderRow, IndexMethod, Parser, Uniqueness};
use crate::finding::{Code, Span};
use crate::name::Identifier;
use crate::quantity::{self, Share};
use crate::yaml::{FromNode, Keyed, Named, Node, OneOrMany, Reader, Spanned, Text, Value, document};

document! {
    /// One target table: it has sources, or a query.
    pub(crate) struct TableDocument {
        /// Where its rows come from, one after the other.
        sources: Option<Spanned<Vec<Named<SourceDocument>>>>,
        /// The file with the one SELECT that makes its rows.
        query: Option<Spanned<String>>,
        /// A common beginning of the addresses of its sources.
        base: Option<Spanned<String>>,
        /// Format of every source that says nothing else.
        format: Option<Spanned<Format>>,
        /// Member of every zip that says nothing else.
        member: Option<Spanned<String>>,
        /// Sheet of every workbook that says nothing else.
        sheet: Option<Spanned<Text>>,
        /// Header row of every source that says nothing else.
        header: Option<Spanned<HeaderRow>>,
        /// Encoding of every source that says nothing else.
        encoding: Option<Spanned<String>>,
        /// Delimiter of every source that says nothing else.
        delimiter: Option<Spanned<char>>,
        /// Layer of every GeoPackage that says nothing else.
        layer: Option<Spanned<String>>,
        /// Fields of every fixed-width text that says nothing else.
        fields: Option<Spanned<Keyed<String, Spanned<Text>>>>,
        /// Texts that mean NULL in every source that says nothing else.
        nulls: Option<OneOrMany<Spanned<Text>>>,
        /// Column → its type, with `not null` or `identity` behind it; `"*": source` for the columns of a self-describing format.
        columns: Option<Spanned<Keyed<String, Spanned<String>>>>,
        /// Header in the file → column, where they differ by more than case and punctuation.
        rename: Option<Spanned<Keyed<String, Spanned<String>>>>,
        /// Headers that are not loaded.
        skip: Option<Spanned<OneOrMany<Spanned<String>>>>,
        /// Columns that a file may lack.
        optional: Option<Spanned<OneOrMany<Spanned<String>>>>,
        /// Column → a function such as bbl(boro, block, lot), or a template such as "{year}".
        derive: Option<Spanned<Keyed<String, Spanned<String>>>>,
        /// Column → the texts with which rows are kept.
        keep: Option<Spanned<Keyed<String, OneOrMany<Spanned<Text>>>>>,
        /// Column → the parser that reads it.
        parse: Option<Spanned<Keyed<String, Spanned<Parser>>>>,
        /// Columns of its primary key.
        primary_key: Option<Spanned<OneOrMany<Spanned<String>>>>,
        /// Its other indexes: a column, a list of columns, or {gist: column}.
        indexes: Option<Vec<IndexDocument>>,
        /// How rows replace or join those that are live.
        load: Option<Spanned<LoadDocument>>,
        /// What to do with rows whose key was read already.
        duplicates: Option<Spanned<Duplicates>>,
        /// What to do with columns of the file that are neither declared nor skipped.
        extra: Option<Spanned<ExtraColumns>>,
        /// How many values may fail to parse.
        bad_values: Option<BadValuesDocument>,
        /// What must hold before the table is published.
        expect: Option<ExpectDocument>,
    }
}

document! {
    /// How many values of a column may fail to parse.
    pub(crate) struct BadValuesDocument {
        /// In every column that is not named, such as 1%.
        allow: Option<Share>,
        /// In these.
        columns: Option<Keyed<String, Share>>,
    }
}

document! {
    /// What must hold before a table is published.
    pub(crate) struct ExpectDocument {
        /// At least so many rows.
        rows: Option<Spanned<u64>>,
        /// At most this share fewer rows than are live.
        max_drop: Option<Share>,
        /// At most this share of NULL, in all columns or in those named.
        max_nulls: Option<NullsDocument>,
        /// At most so much more NULL than is live: 5% lets a column go from 1% to 6%. In all columns or in those named.
        max_null_jump: Option<NullsDocument>,
        /// Column → how old its newest value may be.
        latest: Option<Keyed<String, quantity::Span>>,
        /// Columns whose newest value may not lie before the newest that is live.
        never_back: Option<OneOrMany<Spanned<String>>>,
        /// Whether no rows at all is a good day's result.
        allow_empty: Option<Spanned<bool>>,
        /// Name → the file with a SELECT of rows that should not be there; one such row refuses the load.
        checks: Option<Keyed<Identifier, Spanned<String>>>,
    }
}

document! {
    /// Only rows that differ are written, found by key.
    pub(crate) struct UpsertDocument {
        /// The key's columns.
        upsert: Spanned<OneOrMany<Spanned<String>>>,
        /// A row replaces a live one only when this column is newer.
        newer: Option<Spanned<String>>,
        /// What becomes of live rows that the source does not hold.
        deletes: Option<Deletes>,
        /// The largest share of live rows that one load may delete; 10% when absent.
        max_deletes: Option<Spanned<Share>>,
        /// The column that says how far a source was read that is read by what is new in it; `newer` when absent.
        watermark: Option<Spanned<String>>,
        /// How far before the watermark such a source is read again; 1 day when absent.
        overlap: Option<Spanned<quantity::Span>>,
        /// What to do with rows whose key was read already.
        duplicates: Option<Spanned<Duplicates>>,
    }
}

/// How rows replace or join those that are live.
#[derive(Debug, Clone)]
pub(crate) enum LoadDocument {
    Replace,
    Append,
    Upsert(Box<UpsertDocument>),
}

impl FromNode for LoadDocument {
    fn from_node(node: &Node, reader: &mut Reader) -> Option<Self> {
        if let Value::Scalar(scalar) = &node.value {
            match scalar.text.as_str() {
                "replace" => return Some(Self::Replace),
                "append" => return Some(Self::Append),
                other => {
                    let message = format!("`{other}` is not a way to load");
                    let finding = reader.report(Code::Value, message, node.span);
                    match other {
                        "upsert" => finding.help("an upsert names its key: {upsert: column}"),
                        _ => finding.help("write replace, append or {upsert: column}"),
                    };
                    return None;
                }
            }
        }
        UpsertDocument::from_node(node, reader).map(|upsert| Self::Upsert(Box::new(upsert)))
    }
}

impl JsonSchema for LoadDocument {
    fn schema_name() -> Cow<'static, str> {
        "Load".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let upsert = generator.subschema_for::<UpsertDocument>();
        json_schema!({"anyOf": [{"enum": ["replace", "append"]}, upsert]})
    }
}

/// The largest share of NULL, for all columns or by column.
#[derive(Debug, Clone)]
pub(crate) enum NullsDocument {
    All(Share),
    Columns(Keyed<String, Share>),
}

impl FromNode for NullsDocument {
    fn from_node(node: &Node, reader: &mut Reader) -> Option<Self> {
        match node.value {
            Value::Mapping(_) => Keyed::from_node(node, reader).map(Self::Columns),
            _ => Share::from_node(node, reader).map(Self::All),
        }
    }
}

impl JsonSchema for NullsDocument {
    fn schema_name() -> Cow<'static, str> {
        "Nulls".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let share = generator.subschema_for::<Share>();
        json_schema!({"anyOf": [share, {"type": "object", "additionalProperties": share}]})
    }
}

/// An index: a column, a list of columns, or `{gist: column}`.
#[derive(Debug, Clone)]
pub(crate) struct IndexDocument {
    pub(crate) span: Span,
    pub(crate) columns: Vec<Spanned<String>>,
    pub(crate) method: IndexMethod,
    pub(crate) uniqueness: Uniqueness,
}

const METHODS: [(&str, IndexMethod, Uniqueness); 6] = [
    ("btree", IndexMethod::Btree, Uniqueness::Repeatable),
    ("gist", IndexMethod::Gist, Uniqueness::Repeatable),
    ("gin", IndexMethod::Gin, Uniqueness::Repeatable),
    ("brin", IndexMethod::Brin, Uniqueness::Repeatable),
    ("hash", IndexMethod::Hash, Uniqueness::Repeatable),
    ("unique", IndexMethod::Btree, Uniqueness::Unique),
];

impl FromNode for IndexDocument {
    fn from_node(node: &Node, reader: &mut Reader) -> Option<Self> {
        let (columns, method, uniqueness) = match &node.value {
            Value::Mapping(entries) => {
                let [entry] = &entries[..] else {
                    reader.report(Code::Kind, "an index has one method", node.span).help("write {gist: column}");
                    return None;
                };
                let Some((_, method, uniqueness)) = METHODS.iter().find(|(word, ..)| *word == entry.key) else {
                    let message = format!("`{}` is not an index method", entry.key);
                    let finding = reader.report(Code::UnknownKey, message, entry.key_span);
                    finding.suggest(&entry.key, METHODS.iter().map(|(word, ..)| *word));
                    return None;
                };
                (OneOrMany::from_node(&entry.value, reader)?, *method, *uniqueness)
            }
            _ => (OneOrMany::from_node(node, reader)?, IndexMethod::Btree, Uniqueness::Repeatable),
        };
        Some(Self { span: node.span, columns: columns.0, method, uniqueness })
    }
}

impl JsonSchema for IndexDocument {
    fn schema_name() -> Cow<'static, str> {
        "Index".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        let text = serde_json::json!({"type": "string"});
        let columns = serde_json::json!({"anyOf": [text, {"type": "array", "items": text}]});
        let methods: serde_json::Map<String, serde_json::Value> =
            METHODS.iter().map(|(word, ..)| ((*word).to_owned(), columns.clone())).collect();
        json_schema!({"anyOf": [
            columns,
            {"type": "object", "properties": methods, "additionalProperties": false, "minProperties": 1, "maxProperties": 1},
        ]})
    }
}
