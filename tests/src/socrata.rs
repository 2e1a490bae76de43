//! A Socrata portal on loopback: rows in memory behind the part of its API that loaders use. Rows that nobody asked to be ordered come
//! in another order each time, and between two pages anything may be written, as on a real one.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde_json::json;

use crate::http::{FileServer, Reply, Request};

/// A dataset of the portal.
#[derive(Debug, Clone, Default)]
pub struct Dataset {
    /// Its title in the catalog.
    pub title: String,
    /// Its columns.
    pub columns: Vec<String>,
    /// Their types as the portal names them; text where there are fewer.
    pub types: Vec<String>,
    /// Its rows by `:id`.
    pub rows: BTreeMap<String, Row>,
    /// When its rows were written last, in seconds; the portal keeps it.
    pub updated: i64,
    next: u32,
}

/// A row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// One field a column.
    pub fields: Vec<String>,
    /// `:created_at`, and `:updated_at` too: who edits a row here leaves it as it is.
    pub updated: String,
}

impl Dataset {
    /// Adds a row, and gives it an id that says nothing about when it came.
    pub fn insert(&mut self, fields: &[&str], updated: &str) -> String {
        // An odd factor gives each of 65,536 rows another id.
        let id = format!("row-{:04x}.{:04x}", self.next.wrapping_mul(40_503) & 0xffff, self.next >> 16);
        self.next += 1;
        self.updated += 1;
        let fields = fields.iter().map(|field| (*field).to_owned()).collect();
        self.rows.insert(id.clone(), Row { fields, updated: updated.to_owned() });
        id
    }
}

type Between = Box<dyn FnMut(&mut Dataset, usize) + Send>;

#[derive(Default)]
struct State {
    datasets: BTreeMap<String, Dataset>,
    between: Option<Between>,
    pages: usize,
    largest: usize,
    /// Rows that the count claims beyond those that there are.
    overcount: u64,
}

/// The portal. It is served for as long as its server.
#[derive(Clone)]
pub struct Portal(Arc<Mutex<State>>);

impl std::fmt::Debug for Portal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Portal").finish_non_exhaustive()
    }
}

impl Portal {
    /// An empty portal at this server. Its host is the server's.
    pub fn start(server: &FileServer) -> Self {
        let portal = Self(Arc::new(Mutex::new(State { largest: 50_000, ..State::default() })));
        for path in ["/resource", "/api/views", "/api/catalog/v1"] {
            let portal = portal.clone();
            server.serve(path, move |request| portal.answer(request));
        }
        portal
    }

    /// Changes a dataset, or makes it.
    pub fn write<T>(&self, id: &str, change: impl FnOnce(&mut Dataset) -> T) -> T {
        change(self.lock().datasets.entry(id.to_owned()).or_default())
    }

    /// Gives at most so many rows a page, however many are asked for.
    pub fn largest_page(&self, rows: usize) {
        self.lock().largest = rows;
    }

    /// What happens to a dataset after each of its pages, whose number comes with it.
    pub fn between_pages(&self, change: impl FnMut(&mut Dataset, usize) + Send + 'static) {
        self.lock().between = Some(Box::new(change));
    }

    /// Counts so many rows more than there are.
    pub fn overcount(&self, rows: u64) {
        self.lock().overcount = rows;
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn answer(&self, request: &Request) -> Reply {
        let last = request.path.rsplit('/').next().unwrap_or_default();
        if last == "v1" {
            return self.catalog(request);
        }
        let (id, form) = last.rsplit_once('.').unwrap_or((last, ""));
        let mut state = self.lock();
        let (largest, overcount) = (state.largest, state.overcount);
        let State { datasets, between, pages, .. } = &mut *state;
        let Some(dataset) = datasets.get_mut(id) else { return reply(404, &json!({"error": true})) };
        if request.path.starts_with("/api/views") {
            let types = dataset.types.iter().map(String::as_str).chain(std::iter::repeat("text"));
            let columns = dataset.columns.iter().zip(types);
            let columns: Vec<_> = columns.map(|(name, of)| json!({"fieldName": name, "dataTypeName": of})).collect();
            let told = json!({"id": id, "name": dataset.title, "rowsUpdatedAt": dataset.updated, "columns": columns});
            return reply(200, &told);
        }
        let mut rows: Vec<(&String, &Row)> = dataset.rows.iter().collect();
        if let Some(condition) = request.parameter("$where") {
            for part in condition.split(" AND ") {
                let Some(holds) = condition_of(part, &dataset.columns) else {
                    return reply(400, &json!({"error": true, "message": format!("cannot read {part}")}));
                };
                rows.retain(|(id, row)| holds(id, row));
            }
        }
        let select = request.parameter("$select").unwrap_or_default();
        if select == "count(*)" {
            let of_new = request.parameter("$where").is_some_and(|condition| condition.contains(":created_at"));
            let overcount = if of_new { 0 } else { overcount };
            return reply(200, &json!([{"count": (rows.len() as u64 + overcount).to_string()}]));
        }
        *pages += 1;
        if request.parameter("$order").as_deref() != Some(":id") {
            let turn = *pages * 7 % rows.len().max(1);
            rows.rotate_left(turn);
        }
        let number = |name: &str| request.parameter(name).and_then(|number| number.parse::<usize>().ok());
        let limit = number("$limit").unwrap_or(1_000).min(largest);
        let page = rows.into_iter().skip(number("$offset").unwrap_or(0)).take(limit);
        let body = match form {
            "csv" => csv(&select, &dataset.columns, page),
            _ => return reply(400, &json!({"error": true, "message": "only csv"})),
        };
        if let Some(between) = between {
            between(dataset, *pages);
        }
        Reply { status: 200, content_type: "text/csv; charset=utf-8", body }
    }

    fn catalog(&self, request: &Request) -> Reply {
        let asked = request.parameter("q").unwrap_or_default().to_lowercase();
        let mut words = asked.split_whitespace();
        let first = words.next().unwrap_or_default().to_owned();
        let state = self.lock();
        let found = state.datasets.iter().filter(|(_, dataset)| dataset.title.to_lowercase().contains(&first));
        let results: Vec<_> = found
            .map(|(id, dataset)| json!({"resource": {"id": id, "name": dataset.title, "type": "dataset"}}))
            .collect();
        reply(200, &json!({"results": results, "resultSetSize": results.len()}))
    }
}

fn reply(status: u16, body: &serde_json::Value) -> Reply {
    Reply { status, content_type: "application/json; charset=utf-8", body: body.to_string() }
}

type Condition = Box<dyn Fn(&str, &Row) -> bool>;

/// `:id > 'x'`, `(field = 'x')` and the like.
fn condition_of(text: &str, columns: &[String]) -> Option<Condition> {
    let text = text.trim().trim_start_matches('(').trim_end_matches(')');
    let mut words = text.splitn(3, ' ');
    let (field, operator, value) = (words.next()?.trim_matches('`'), words.next()?, words.next()?);
    let value = value.strip_prefix('\'').and_then(|value| value.strip_suffix('\'')).unwrap_or(value).replace("''", "'");
    let column = columns.iter().position(|column| column == field);
    if column.is_none() && !matches!(field, ":id" | ":updated_at" | ":created_at") {
        return None;
    }
    let (field, operator) = (field.to_owned(), operator.to_owned());
    Some(Box::new(move |id, row| {
        let found = match (column, field.as_str()) {
            (Some(column), _) => row.fields[column].as_str(),
            (None, ":id") => id,
            _ => row.updated.as_str(),
        };
        match operator.as_str() {
            ">" => found > value.as_str(),
            ">=" => found >= value.as_str(),
            _ => found == value,
        }
    }))
}

fn csv<'r>(select: &str, columns: &[String], rows: impl Iterator<Item = (&'r String, &'r Row)>) -> String {
    let quoted = |text: &str| format!("\"{}\"", text.replace('"', "\"\""));
    let selected: Vec<&str> = select.split(',').map(str::trim).collect();
    let mut text = String::new();
    let mut line = |pick: &dyn Fn(&str) -> Vec<String>| {
        let fields: Vec<String> = selected.iter().flat_map(|name| pick(name)).map(|field| quoted(&field)).collect();
        let _ = writeln!(text, "{}", fields.join(","));
    };
    line(&|name| if name == "*" { columns.to_vec() } else { vec![name.to_owned()] });
    for (id, row) in rows {
        line(&|name| match name {
            "*" => row.fields.clone(),
            ":id" => vec![id.clone()],
            _ => vec![row.updated.clone()],
        });
    }
    text
}
