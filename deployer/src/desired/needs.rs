//! What a dataset's worker needs of AWS beside its log. In: manifests. Out: ids of secrets, and the objects of S3 that it reads
//! or keeps, as narrow as they are known before a run.

use std::collections::{BTreeMap, BTreeSet};

use manifest::Dataset;
use manifest::dataset::{Origin, Table};
use manifest::stack::Environment;
use serde_json::json;

use super::definition;
use crate::hash::Hash;
use crate::names::Names;

/// A policy that lists more objects of one bucket names what their keys begin with instead: inline policies of a role have
/// 10,240 characters (IAM quotas).
const OBJECTS: usize = 16;

/// What a worker needs; datasets that need the same share a role.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Needs {
    /// Ids in Secrets Manager.
    pub secrets: BTreeSet<String>,
    /// ARNs of objects that are read.
    pub reads: BTreeSet<String>,
    /// ARNs of objects that are written.
    pub writes: BTreeSet<String>,
}

impl Needs {
    /// What the worker of a dataset needs. Where an environment has a mirror in the place of all sources, nothing is read of S3
    /// and nothing kept there.
    pub fn of(names: &Names, environment: &Environment, dataset: &Dataset) -> Self {
        let (secrets, _) = definition::roles_secrets(environment, dataset);
        if environment.sources.is_some() {
            return Self { secrets, reads: BTreeSet::new(), writes: BTreeSet::new() };
        }
        let arn = |object: String| format!("arn:{}:s3:::{object}", names.partition());
        let writes = dataset.archive.iter().map(|archive| {
            let (bucket, prefix) = archive.place();
            arn(format!("{bucket}/{prefix}{}/{}/*", environment.stack, environment.name))
        });
        Self { secrets, writes: writes.collect(), reads: objects(dataset).into_iter().map(arn).collect() }
    }

    /// What the purpose of the task role ends with.
    pub fn hash(&self) -> Hash {
        let Self { secrets, reads, writes } = self;
        // A role that has nothing to do with S3 keeps the name that it had before roles had.
        if reads.is_empty() && writes.is_empty() {
            Hash::of(&json!(secrets))
        } else {
            Hash::of(&json!([secrets, reads, writes]))
        }
    }
}

/// The objects that sources name, as `bucket/key`, with a star for what is known only when they are read.
fn objects(dataset: &Dataset) -> BTreeSet<String> {
    let mut by_bucket: BTreeMap<&str, BTreeSet<(&str, bool)>> = BTreeMap::new();
    for source in dataset.tables.iter().flat_map(Table::sources) {
        let Origin::Url { url, .. } = &source.origin else { continue };
        let Some((bucket, key)) = url.strip_prefix("s3://").and_then(|rest| rest.split_once('/')) else { continue };
        // `{today:%Y}` and `${secret:NAME}`.
        let known = key.split(['{', '$']).next().unwrap_or_default();
        by_bucket.entry(bucket).or_default().insert((known, known.len() < key.len()));
    }
    let mut objects = BTreeSet::new();
    for (bucket, keys) in by_bucket {
        if keys.len() > OBJECTS {
            let common = keys.iter().map(|(key, _)| *key).reduce(common).unwrap_or_default();
            objects.insert(format!("{bucket}/{common}*"));
            continue;
        }
        objects.extend(keys.into_iter().map(|(key, open)| format!("{bucket}/{key}{}", if open { "*" } else { "" })));
    }
    objects
}

/// What both begin with.
fn common<'a>(one: &'a str, other: &str) -> &'a str {
    let equal = one.char_indices().zip(other.chars()).find(|((_, a), b)| a != b);
    &one[..equal.map_or(one.len().min(other.len()), |((at, _), _)| at)]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn dataset(urls: &[String]) -> Dataset {
        let source =
            |url: &String| json!({"origin": {"url": {"url": url}}, "file": "a.csv", "reading": {"format": "csv"}});
        let sources: Vec<_> = urls.iter().map(source).collect();
        let table = json!({"name": "t", "content": {"sources": sources}, "columns": [{"name": "a", "type": "text"}]});
        serde_json::from_value(json!({"dataset": "d", "title": "D", "publisher": "P", "tables": [table]}))
            .expect("a dataset")
    }

    #[test]
    fn objects_are_named_as_far_as_they_are_known() {
        let urls =
            ["s3://open/a b.csv", "s3://own/x/{today:%Y}.csv", "s3://own/${secret:KEY}", "https://example.org/a.csv"];
        let found = objects(&dataset(&urls.map(str::to_owned)));
        assert_eq!(found, BTreeSet::from(["open/a b.csv", "own/*", "own/x/*"].map(str::to_owned)));
    }

    #[test]
    fn many_objects_are_named_by_what_they_begin_with() {
        let urls: Vec<String> = (2000..2020).map(|year| format!("s3://own/sales/{year}.csv")).collect();
        assert_eq!(objects(&dataset(&urls)), BTreeSet::from(["own/sales/20*".to_owned()]));
        assert_eq!(objects(&dataset(&urls[..OBJECTS])).len(), OBJECTS);
    }
}
