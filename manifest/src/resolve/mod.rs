//! From documents to the resolved types: every default applied, every reference followed, every `each` expanded, every SQL file read in.
//! Each step takes what a person wrote, with its places, and a [`crate::yaml::Reader`]; it returns the best it can make of it, and leaves
//! a finding for everything that AWS, PostgreSQL or the worker would refuse later.

pub(crate) mod columns;
pub(crate) mod dataset;
pub(crate) mod derive;
pub(crate) mod each;
pub(crate) mod expectation;
pub(crate) mod fixed;
pub(crate) mod interpolation;
pub(crate) mod job;
pub(crate) mod load;
pub(crate) mod origin;
pub(crate) mod query;
pub(crate) mod reading;
pub(crate) mod schedules;
pub(crate) mod source;
pub(crate) mod stack;
pub(crate) mod table;
pub(crate) mod task_def;

use crate::yaml::{OneOrMany, Spanned};

/// The values of a list that may be absent.
pub(crate) fn values<T: Clone>(list: Option<&OneOrMany<Spanned<T>>>) -> Vec<T> {
    list.map(|list| list.iter().map(|item| item.value.clone()).collect()).unwrap_or_default()
}
