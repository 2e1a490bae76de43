//! The deployer: turns a folder of manifests into AWS resources. What comes in is a project and an environment; what goes
//! out is a plan, and then exactly that. Data moves one way: `cli → command → desired → observed → plan → apply → render`.

pub mod apply;
pub mod aws;
pub mod cli;
pub mod clock;
pub mod command;
pub mod desired;
pub mod error;
pub mod finding;
pub mod hash;
pub mod image;
pub mod import;
pub mod marker;
pub mod names;
pub mod observed;
pub mod output;
pub mod plan;
pub mod project;
pub mod render;
