//! Why a dataset's SQL cannot be run. Found out before anything is loaded.

use manifest::dataset::Query;

use crate::fault::{Exit, Fault, Retry};
use crate::postgres;
use crate::postgres::error::Statement;
use crate::publish::Missing;

/// Why a dataset's SQL cannot be run.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The database.
    #[error(transparent)]
    Database(#[from] postgres::Error),
    /// PostgreSQL does not take a query.
    #[error("the query of {table} does not hold: {file}{}: {reason}", at(*.line))]
    Query {
        /// The table.
        table: String,
        /// The query's file.
        file: String,
        /// The line in it, from 1, where PostgreSQL tells.
        line: Option<usize>,
        /// PostgreSQL's words.
        reason: String,
        /// PostgreSQL's hint.
        hint: Option<String>,
    },
    /// Queries read each other's results.
    #[error("no order can be found for {}: each reads a table that is not made yet", tables.join(", "))]
    Circle {
        /// The tables that cannot be made.
        tables: Vec<String>,
    },
    /// A query would read the rows that are about to be replaced.
    #[error("the query of {table} reads {read}{}, whose rows are the old ones while the new ones are in staging", via(.through.as_ref()))]
    ReadsLive {
        /// The table.
        table: String,
        /// The live table that it would read.
        read: String,
        /// The view that it reads it through.
        through: Option<String>,
    },
    /// A query would read rows of which staging holds only a part.
    #[error("the query of {table} reads {read}, of which a run has only what is added or changed")]
    ReadsPart {
        /// The table.
        table: String,
        /// The table that is not replaced as a whole.
        read: String,
    },
    /// A stored view would read tables that are complete at different moments.
    #[error("the materialized view {view} reads {stays}, which stays and gets changes, and {comes}, which is replaced")]
    ReadsBoth {
        /// The view.
        view: String,
        /// A table whose rows stay.
        stays: String,
        /// A table that another takes the place of.
        comes: String,
    },
    /// A column of the result has a name that no column of ours can have.
    #[error("the query of {table} gives a column that cannot stay unnamed: {reason}")]
    ColumnName {
        /// The table.
        table: String,
        /// What is wrong with it.
        reason: String,
    },
    /// The manifest says something of a column that the query does not have.
    #[error("`{key}` of {table} names the column {column}, which its query does not give; it gives {}", given.join(", "))]
    NoColumn {
        /// The table.
        table: String,
        /// Where the manifest names it.
        key: &'static str,
        /// The column.
        column: String,
        /// The columns that there are.
        given: Vec<String>,
    },
    /// A materialized view would read another view of the dataset, which stays bound to old rows until the publish.
    #[error("the materialized view {view} reads {read}, which is a view of the dataset itself")]
    ReadsView {
        /// The materialized view.
        view: String,
        /// The view that it reads.
        read: String,
    },
    /// Something stands under the name of a view.
    #[error("{view} exists and was not made by this dataset")]
    ViewTaken {
        /// The view, with its schema.
        view: String,
    },
    /// PostgreSQL cannot replace a view by what the manifest says now.
    #[error(
        "{view} cannot become what the manifest says: PostgreSQL only adds columns at the end of a view, and replaces no materialized one"
    )]
    ViewFixed {
        /// The view, quoted and with its schema.
        view: String,
        /// `VIEW` or `MATERIALIZED VIEW`.
        kind: &'static str,
    },
    /// Rights are missing.
    #[error("the login role may not {}", missing.iter().map(|m| m.what.as_str()).collect::<Vec<_>>().join("; "))]
    Rights {
        /// What is missing.
        missing: Vec<Missing>,
    },
    /// There is nothing yet to make the tables from.
    #[error("{dataset} depends on {}, which has never been published here", upstream.join(", "))]
    NeverPublished {
        /// The dataset.
        dataset: String,
        /// The datasets that are not there.
        upstream: Vec<String>,
    },
}

impl Error {
    /// A query that PostgreSQL does not take.
    pub(super) fn refused(name: &str, query: &Query, refusal: Statement) -> Self {
        Self::Query {
            table: name.to_owned(),
            file: query.file.clone(),
            line: refusal.position.map(|position| line(&query.sql, position)),
            reason: refusal.message,
            hint: refusal.hint,
        }
    }
}

/// The line of a place that PostgreSQL counts in characters, both from 1.
fn line(sql: &str, position: u32) -> usize {
    let before = usize::try_from(position).unwrap_or_default().saturating_sub(1);
    1 + sql.chars().take(before).filter(|c| *c == '\n').count()
}

fn at(line: Option<usize>) -> String {
    line.map_or_else(String::new, |line| format!(", line {line}"))
}

fn via(view: Option<&String>) -> String {
    view.map_or_else(String::new, |view| format!(" through the view {view}"))
}

impl Fault for Error {
    fn code(&self) -> &'static str {
        match self {
            Self::Database(error) => error.code(),
            Self::Query { .. } => "query",
            Self::Circle { .. } => "query_circle",
            Self::ReadsLive { .. } => "query_reads_live",
            Self::ReadsPart { .. } => "query_reads_part",
            Self::ReadsBoth { .. } => "view_reads_both",
            Self::ReadsView { .. } => "view_reads_view",
            Self::ViewTaken { .. } => "view_taken",
            Self::ViewFixed { .. } => "view_fixed",
            Self::ColumnName { .. } | Self::NoColumn { .. } => "query_columns",
            Self::Rights { .. } => "database_permission",
            Self::NeverPublished { .. } => "upstream_unpublished",
        }
    }

    fn exit(&self) -> Exit {
        match self {
            Self::Database(error) => error.exit(),
            Self::Rights { .. } => Exit::Permission,
            // Like a source that is not there yet: it comes without anybody changing the manifest.
            Self::NeverPublished { .. } => Exit::Unavailable,
            _ => Exit::Configuration,
        }
    }

    fn retry(&self) -> Retry {
        match self {
            Self::Database(error) => error.retry(),
            Self::NeverPublished { .. } => Retry::Later,
            _ => Retry::Never,
        }
    }

    fn advice(&self) -> Option<String> {
        match self {
            Self::Database(error) => error.advice(),
            Self::Query { hint, .. } => hint.clone(),
            Self::Circle { .. } => Some("have one of them read what the other one reads".to_owned()),
            Self::ReadsLive { read, through: None, .. } => {
                let name = read.rsplit('.').next().unwrap_or(read);
                Some(format!("write {name} without its schema: it is then the table in staging"))
            }
            Self::ReadsLive { .. } => Some("write what the view selects into the query".to_owned()),
            Self::ReadsPart { .. } => {
                Some("give the query a dataset of its own, with `depends_on`: it then reads the whole table".to_owned())
            }
            Self::ReadsBoth { .. } => {
                Some("make it a plain view, or a query of a dataset of its own with `depends_on`".to_owned())
            }
            Self::ReadsView { .. } => Some("write what that view selects into the query".to_owned()),
            Self::ViewTaken { .. } => Some("give the view another name, or drop what has it".to_owned()),
            Self::ViewFixed { view, kind } => {
                Some(format!("DROP {kind} {view}, and the next load makes it anew; grant again what was granted on it"))
            }
            Self::ColumnName { .. } => Some("name it with AS, in lower case".to_owned()),
            Self::NoColumn { .. } => None,
            Self::Rights { missing } => {
                let grants: Vec<&str> = missing.iter().map(|missing| missing.grant.as_str()).collect();
                Some(format!("have an owner or superuser run: {};", grants.join("; ")))
            }
            Self::NeverPublished { upstream, .. } => {
                Some(format!("load {} first, into the same database", upstream.join(" and ")))
            }
        }
    }
}
