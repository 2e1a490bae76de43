//! A column as a self-describing format has it, for tables that take their columns from their source.

/// A column of a source.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceColumn {
    /// Its name as the source has it.
    pub name: String,
    /// The PostgreSQL type that holds every value of it.
    pub type_name: &'static str,
}
