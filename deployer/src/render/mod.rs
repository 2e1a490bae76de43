//! How reports look. In: reports. Out: text for people and Markdown for a pull request.

pub mod estimate;
pub mod plan;
pub mod table;
