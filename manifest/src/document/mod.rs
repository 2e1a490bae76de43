//! The four kinds of file as people write them: every key, in the order and with the places of the file, nothing resolved. The JSON
//! Schemas come from these types. What the values mean together is the business of `resolve`.

pub(crate) mod dataset;
pub(crate) mod schedules;
pub(crate) mod source;
pub(crate) mod stack;
pub(crate) mod table;
pub(crate) mod task_def;
mod words;

use crate::name::{DatasetName, EnvironmentName, Identifier, SecretName, StackName, TaskDefName};
use crate::quantity::{Share, Span};
use crate::yaml::scalars;

scalars! {
    DatasetName, "a dataset's name";
    EnvironmentName, "an environment's name";
    Identifier, "a name in PostgreSQL";
    SecretName, "a secret's name";
    StackName, "a stack's name";
    TaskDefName, "a task-def's name";
    Share, "a share such as 1%";
    Span, "a span of time such as 36h";
}
