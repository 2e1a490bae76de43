//! Views and materialized views that read the live tables, themselves or through each other. Carried, each in its way:
//! - A view stays the object that it is, with owner, rights, comments and all that hangs on it in turn, and is bound to the
//!   new table by `CREATE OR REPLACE VIEW` with its options, which would be reset otherwise.
//! - A materialized view over a table is bound to that table for good: another is built over the table in staging and goes
//!   live with it (see `matviews`).
//! - A view whose columns would change is made anew too, where the manifest wants that (see `recreated`).
//! - What only reads views that stay needs nothing; a materialized view among these is refreshed afterwards.

use std::collections::{BTreeMap, BTreeSet};

use tokio_postgres::Row;

use super::refusal::Refusal;
use super::rights::{Missing, Owner};
use crate::postgres::Acting;
use crate::postgres::identifiers::{qualified, quote_ident};
use crate::staging::blueprint::parameters;

pub(super) const QUERY: &str = include_str!("views.sql");

/// A view or materialized view that reads the live tables.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct View {
    pub(super) oid: u32,
    pub(super) schema: String,
    pub(super) name: String,
    pub(super) owner: Owner,
    login_creates: bool,
    pub(super) rows: Rows,
    lasting: Lasting,
    /// The live tables and other views that its query names, by PostgreSQL's ids.
    reads: Vec<u32>,
    /// Its `SELECT`, all names qualified, and a semicolon at the end.
    definition: String,
    /// Its options, each `name=value`.
    pub(super) options: Vec<String>,
    pub(super) comment: Option<String>,
    pub(super) way: Way,
}

/// Whether its rows are stored, and how.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Rows {
    Computed,
    Stored(Storage),
}

/// How the rows of a materialized view are stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Storage {
    pub(super) populated: bool,
    pub(super) tablespace: Option<String>,
    pub(super) refreshes_while_read: bool,
    /// Whether rows reach it through a view that stays, and so only after the swap.
    pub(super) lags: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Lasting {
    Permanent,
    Temporary,
}

/// What becomes of a view in a publish.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Way {
    /// It reads nothing that is replaced, and stays as it is.
    Kept,
    /// It is bound to what takes the place of what it reads.
    Rebound,
    /// Another is made in staging and takes its place.
    Rebuilt,
}

/// What becomes of each view, and which of them show rows of the swap only after a refresh. `replaced` are the live tables
/// and the views that are to be made anew whatever they read; `views` stand in any order.
fn ways(views: &[View], replaced: &BTreeSet<u32>) -> (BTreeMap<u32, Way>, BTreeSet<u32>) {
    let mut gone = replaced.clone();
    // What a materialized view over something that goes reads is fixed: it goes too.
    while let Some(next) =
        views.iter().find(|view| view.is_materialized() && !gone.contains(&view.oid) && view.reads_any(&gone))
    {
        gone.insert(next.oid);
    }
    let way = |view: &View| match view.reads_any(&gone) {
        _ if gone.contains(&view.oid) => Way::Rebuilt,
        true => Way::Rebound,
        false => Way::Kept,
    };
    let ways: BTreeMap<u32, Way> = views.iter().map(|view| (view.oid, way(view))).collect();
    let mut late: BTreeSet<u32> =
        views.iter().filter(|view| !view.is_materialized() && !gone.contains(&view.oid)).map(|view| view.oid).collect();
    while let Some(next) = views.iter().find(|view| !late.contains(&view.oid) && view.reads_any(&late)) {
        late.insert(next.oid);
    }
    (ways, late)
}

/// Reads rows of [`QUERY`], and finds for each what becomes of it. `replaced` as for [`ways`].
pub(super) fn read(rows: &[Row], replaced: &BTreeSet<u32>) -> Vec<View> {
    let mut views: Vec<View> = rows.iter().map(View::read).collect();
    let (ways, late) = ways(&views, replaced);
    for view in &mut views {
        view.way = ways.get(&view.oid).copied().unwrap_or(Way::Kept);
        if let Rows::Stored(storage) = &mut view.rows {
            storage.lags = late.contains(&view.oid);
        }
    }
    views
}

impl View {
    fn read(row: &Row) -> Self {
        let options: Vec<String> = row.get("options");
        let toast_options: Vec<String> = row.get("toast_options");
        Self {
            oid: row.get("oid"),
            schema: row.get("schema_name"),
            name: row.get("name"),
            owner: Owner::read(row),
            login_creates: row.get("login_creates"),
            rows: match row.get::<_, &str>("kind") {
                "m" => Rows::Stored(Storage {
                    populated: row.get("populated"),
                    tablespace: row.get("tablespace"),
                    refreshes_while_read: row.get("refreshes_while_read"),
                    lags: false,
                }),
                _ => Rows::Computed,
            },
            lasting: if row.get::<_, &str>("persistence") == "t" { Lasting::Temporary } else { Lasting::Permanent },
            reads: row.get("reads"),
            definition: row.get("definition"),
            options: options.into_iter().chain(toast_options).collect(),
            comment: row.get("comment"),
            way: Way::Kept,
        }
    }

    pub(super) fn is_materialized(&self) -> bool {
        matches!(self.rows, Rows::Stored(_))
    }

    /// Whether it has rows of its own.
    pub(super) fn is_populated(&self) -> bool {
        matches!(&self.rows, Rows::Stored(storage) if storage.populated)
    }

    /// Whether it is anything that we could carry: views of other sessions end with them.
    pub(super) fn is_carried(&self) -> bool {
        self.lasting == Lasting::Permanent
    }

    /// Whether its query names one of these, by PostgreSQL's ids.
    pub(super) fn reads_any(&self, relations: &BTreeSet<u32>) -> bool {
        self.reads.iter().any(|read| relations.contains(read))
    }

    /// What a message calls it.
    pub(super) fn describe(&self) -> String {
        let kind = if self.is_materialized() { "materialized view" } else { "view" };
        format!("{kind} {}.{}", self.schema, self.name)
    }

    /// PostgreSQL's word for what it is.
    pub(super) fn kind(&self) -> &'static str {
        if self.is_materialized() { "MATERIALIZED VIEW" } else { "VIEW" }
    }

    /// `MATERIALIZED VIEW "s"."m"`, in the schema where it stands or is to stand.
    pub(super) fn place(&self, schema: &str) -> String {
        format!("{} {}", self.kind(), qualified(schema, &self.name))
    }

    /// As whom it is replaced or moved. Meaningful where nothing was found missing.
    pub(super) fn mover(&self, login: &str) -> Acting {
        self.owner.placing(login, self.login_creates, &self.schema, &mut BTreeSet::new())
    }

    /// As whom another is made that takes its place.
    pub(super) fn maker(&self, login: &str) -> Acting {
        self.owner.making(login, &mut BTreeSet::new())
    }

    /// What is missing to carry it.
    pub(super) fn refuse_rights(&self, login: &str, missing: &mut BTreeSet<Missing>) {
        if self.way != Way::Kept {
            self.owner.placing(login, self.login_creates, &self.schema, missing);
        }
    }

    /// The statement that takes ACCESS EXCLUSIVE on the view and nothing else, and as whom; `None` where that is not ours
    /// to do, and then nothing of it changes either. It names the owner that the view has. `LOCK TABLE` would lock every
    /// table that the view reads as well, also those of others, with the rights of the view's owner, and takes no
    /// materialized view.
    pub(super) fn lock(&self, login: &str) -> Option<(Acting, String)> {
        let mut missing = BTreeSet::new();
        let acting = self.owner.placing(login, self.login_creates, &self.schema, &mut missing);
        let changes = self.way != Way::Kept || !self.is_materialized();
        let ours = missing.is_empty() && changes && self.lasting == Lasting::Permanent;
        ours.then(|| (acting, format!("ALTER {} OWNER TO {}", self.place(&self.schema), quote_ident(&self.owner.name))))
    }

    /// The statement that binds it to what now has the names that it reads, and as whom. The view is locked already.
    pub(super) fn rebind(&self, login: &str) -> Option<(Acting, String)> {
        if self.way != Way::Rebound {
            return None;
        }
        let select = self.definition.trim().trim_end_matches(';');
        let view = qualified(&self.schema, &self.name);
        let sql = format!("CREATE OR REPLACE VIEW {view}{} AS {select}", self.with_options());
        Some((self.mover(login), sql))
    }

    /// ` WITH (…)`, or nothing.
    pub(super) fn with_options(&self) -> String {
        if self.options.is_empty() { String::new() } else { format!(" WITH ({})", parameters(&self.options)) }
    }
}

/// Views of other sessions that end with them.
pub(super) fn refuse_temporary(table: &str, views: &[View]) -> Vec<Refusal> {
    let temporary = views.iter().filter(|view| view.lasting == Lasting::Temporary && view.way != Way::Kept);
    temporary
        .map(|view| {
            Refusal::new(
                table,
                format!("temporary view {}", view.name),
                "it is another session's and cannot be bound again: end that session, or wait for its end",
            )
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `m3 reads 1,2`: views begin with v, materialized ones with m; the number is the id, and tables are below 10.
    fn view(text: &str) -> View {
        let (name, reads) = text.split_once(" reads ").unwrap();
        let storage = Storage { populated: true, tablespace: None, refreshes_while_read: true, lags: false };
        View {
            oid: name[1..].parse().unwrap(),
            schema: "s".into(),
            name: name.into(),
            owner: Owner { name: "o".into(), inherited: true, reachable: true, creates: true },
            login_creates: true,
            rows: if name.starts_with('m') { Rows::Stored(storage) } else { Rows::Computed },
            lasting: Lasting::Permanent,
            reads: reads.split(',').map(|read| read.parse().unwrap()).collect(),
            definition: " SELECT 1;".into(),
            options: Vec::new(),
            comment: None,
            way: Way::Kept,
        }
    }

    fn told(views: &[&str], replaced: &[u32]) -> (String, String) {
        let views: Vec<View> = views.iter().map(|text| view(text)).collect();
        let (ways, late) = ways(&views, &replaced.iter().copied().collect());
        let told = ways.iter().map(|(oid, way)| format!("{oid} {way:?}"));
        let late = views.iter().filter(|view| view.is_materialized() && late.contains(&view.oid));
        (told.collect::<Vec<_>>().join(", "), late.map(|view| view.name.clone()).collect::<Vec<_>>().join(", "))
    }

    #[test]
    fn a_view_over_a_table_is_bound_again_and_one_over_that_view_is_left() {
        assert_eq!(told(&["v10 reads 1", "v11 reads 10", "v12 reads 1,11"], &[1]).0, "10 Rebound, 11 Kept, 12 Rebound");
    }

    #[test]
    fn a_materialized_view_goes_with_what_it_reads_and_what_reads_it_is_bound_again() {
        let (ways, late) = told(&["v13 reads 12", "m12 reads 11", "m11 reads 1", "v14 reads 13"], &[1]);
        assert_eq!((ways.as_str(), late.as_str()), ("11 Rebuilt, 12 Rebuilt, 13 Rebound, 14 Kept", ""));
    }

    #[test]
    fn a_materialized_view_over_a_view_that_stays_is_refreshed_and_so_is_what_reads_it() {
        let (ways, late) = told(&["v10 reads 1", "m11 reads 10", "m12 reads 11", "m13 reads 1,10"], &[1]);
        assert_eq!(ways, "10 Rebound, 11 Kept, 12 Kept, 13 Rebuilt");
        assert_eq!(late, "m11, m12, m13");
    }

    #[test]
    fn a_view_that_must_be_made_anew_takes_what_is_stored_of_it_along() {
        let (ways, late) = told(&["v10 reads 1", "m11 reads 10", "v12 reads 10"], &[1, 10]);
        assert_eq!((ways.as_str(), late.as_str()), ("10 Rebuilt, 11 Rebuilt, 12 Rebound", ""));
    }

    #[test]
    fn options_are_repeated_and_the_view_is_locked_by_its_owners_name() {
        let mut one = view("v10 reads 1");
        one.way = Way::Rebound;
        one.options = vec!["security_barrier=true".into()];
        assert_eq!(
            one.rebind("me").unwrap().1,
            r#"CREATE OR REPLACE VIEW "s"."v10" WITH ("security_barrier" = 'true') AS SELECT 1"#
        );
        assert_eq!(one.lock("me").unwrap().1, r#"ALTER VIEW "s"."v10" OWNER TO "o""#);
    }
}
