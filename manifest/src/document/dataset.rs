//! `datasets/<place>/<name>.yml`

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};

use super::table::{IndexDocument, LoadDocument, TableDocument};
use crate::dataset::{Demand, DependentViews, Publications, Status};
use crate::name::{DatasetName, Identifier, SecretName};
use crate::quantity;
use crate::yaml::{FromNode, Keyed, Named, Node, OneOrMany, Reader, Spanned, Text, Value, document};

document! {
    /// Tables from one publisher that are loaded and published together.
    pub(crate) struct DatasetDocument {
        /// Its name; also the file's name without `.yml`.
        dataset: Spanned<DatasetName>,
        /// What a person would call it.
        title: Spanned<String>,
        /// Who publishes it; `derived` for what is made from other datasets.
        publisher: Spanned<String>,
        /// The publisher's page about it.
        homepage: Option<Spanned<String>>,
        /// The licence it is published under.
        license: Option<Spanned<String>>,
        /// The schema its tables live in; public when absent.
        schema: Option<Spanned<Identifier>>,
        /// IANA time zone of local times in its sources.
        timezone: Option<Spanned<String>>,
        /// unavailable where the publisher took it down.
        status: Option<Status>,
        /// Datasets that must have been published before this one is loaded.
        depends_on: Option<OneOrMany<Spanned<DatasetName>>>,
        /// Table → where its rows come from and what they are.
        tables: Option<Spanned<Keyed<Identifier, TableDocument>>>,
        /// A container of another image that is run instead of the worker, in the place of tables.
        job: Option<Named<JobDocument>>,
        /// Views that belong to the dataset.
        views: Option<Keyed<Identifier, ViewDocument>>,
        /// SQL files that run after each publish, in their order and in one transaction. What they do must bear being done again; they may not write to the dataset's tables.
        after: Option<OneOrMany<Spanned<String>>>,
        /// How rows replace or join those that are live, for every table that says nothing else.
        load: Option<Spanned<LoadDocument>>,
        /// What to do when a published table belongs to a publication of logical replication.
        publications: Option<Publications>,
        /// What to do when new column types or names would change what a view over a table looks like.
        dependent_views: Option<DependentViews>,
        /// How many earlier generations are kept to go back to, 0 to 9; 1 when absent.
        generations: Option<Spanned<u64>>,
        /// From when on someone is told of this dataset by an alarm of its own.
        alarms: Option<Named<AlarmsDocument>>,
        /// How long another session may keep a publish waiting before it is ended, such as 10m; for ever when absent.
        terminate_blockers: Option<quantity::Span>,
        /// A folder of S3, s3://bucket/prefix, that gets the exact bytes of the sources of every run that loads.
        archive: Option<ArchiveDocument>,
    }
}

document! {
    /// An archive in full.
    pub(crate) struct ArchiveFields {
        /// s3://bucket/prefix.
        to: Spanned<String>,
        /// Whether a run whose bytes cannot be kept ends without publishing; it publishes and tells when absent.
        required: Option<bool>,
    }
}

/// An archive: its address as a text, or in full.
#[derive(Debug, Clone)]
pub(crate) struct ArchiveDocument {
    pub(crate) to: Spanned<String>,
    pub(crate) demand: Demand,
}

impl FromNode for ArchiveDocument {
    fn from_node(node: &Node, reader: &mut Reader) -> Option<Self> {
        if matches!(node.value, Value::Mapping(_)) {
            let fields = ArchiveFields::from_node(node, reader)?;
            let demand = if fields.required.unwrap_or(false) { Demand::Required } else { Demand::Wanted };
            return Some(Self { to: fields.to, demand });
        }
        Spanned::from_node(node, reader).map(|to| Self { to, demand: Demand::Wanted })
    }
}

impl JsonSchema for ArchiveDocument {
    fn schema_name() -> Cow<'static, str> {
        "Archive".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let fields = generator.subschema_for::<ArchiveFields>();
        json_schema!({"anyOf": [{"type": "string"}, fields]})
    }
}

document! {
    /// A view that belongs to a dataset.
    pub(crate) struct ViewDocument {
        /// The file with its one SELECT.
        query: Spanned<String>,
        /// Whether its rows are stored.
        materialized: Option<bool>,
        /// Columns of its unique index, which lets it be refreshed while it is read.
        primary_key: Option<Spanned<OneOrMany<Spanned<Identifier>>>>,
        /// Its other indexes.
        indexes: Option<Spanned<Vec<IndexDocument>>>,
    }
}

document! {
    /// Alarms of one dataset, beside those of the stack; each costs a little every month.
    pub(crate) struct AlarmsDocument {
        /// So many runs that failed or were refused within a day, at least 1.
        failures: Option<Spanned<u32>>,
        /// So many values that could not be read within a day, at least 1.
        bad_values: Option<Spanned<u32>>,
        /// One run takes as long as this, such as 90m.
        longer_than: Option<Spanned<quantity::Span>>,
    }
}

document! {
    /// A container of another image that is run instead of the worker; it has done well when it exits with 0.
    pub(crate) struct JobDocument {
        /// Its image, with a tag or a digest.
        image: Spanned<String>,
        /// What it is told to do, word by word; the image's own command when absent.
        command: Option<Vec<Spanned<Text>>>,
        /// Names of secrets of freshet.yml that are put into its environment under these names.
        secrets: Option<Vec<Spanned<SecretName>>>,
        /// Further variables of its environment.
        environment: Option<Keyed<String, Spanned<Text>>>,
        /// So many copies side by side, 2 to 10000, each with its number in AWS_BATCH_JOB_ARRAY_INDEX; engine: batch only.
        array: Option<Spanned<u32>>,
    }
}
