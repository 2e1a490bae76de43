//! The words of Freshet as types: stacks, task-defs, schedules and datasets.
//!
//! What comes in is a folder of YAML files; what goes out is a [`Project`] whose every value has been checked offline, or
//! findings that say where and what to do. Nothing here touches a network, AWS or a database, and no clock is read: time
//! is handed in.

pub mod calendar;
pub mod canonical;
pub mod contract;
pub mod dataset;
mod document;
pub mod finding;
pub mod name;
pub mod project;
pub mod quantity;
mod resolve;
pub mod run;
pub mod schedule;
pub mod schema;
pub mod served;
mod sql;
pub mod stack;
pub mod task_def;
pub mod template;
mod yaml;

pub use canonical::ContentHash;
pub use dataset::Dataset;
pub use finding::{Finding, Findings};
pub use name::{DatasetName, EnvironmentName, Identifier, SecretName, StackName, TaskDefName};
pub use project::{Project, list_datasets, load_dataset};
