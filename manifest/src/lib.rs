//! The words of Freshet as types: stacks, task-defs, schedules and datasets.
//!
//! What comes in is a folder of YAML files; what goes out is a [`Project`] whose every value has been checked offline, or
//! findings that say where and what to do. Nothing here touches a network, AWS or a database, and no clock is read: time
//! is handed in.

pub mod calendar;
pub mod contract;
pub mod dataset;
pub mod name;
pub mod quantity;
pub mod run;
pub mod schedule;
pub mod stack;
pub mod task_def;

pub use dataset::Dataset;
pub use name::{DatasetName, EnvironmentName, Identifier, SecretName, StackName, TaskDefName};
