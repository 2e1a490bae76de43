//! A dataset of a Socrata portal as one CSV. It is paged by `:id`, which no two rows share and which no edit changes: whatever is
//! written to the portal meanwhile, no row that stays is missed and none comes twice. A page that is cut is gone on with behind its
//! last complete row. At the end the portal's own count is held against what came.

mod catalog;
mod metadata;
mod pages;
mod records;

use jiff::Timestamp;
use reqwest::Method;
use reqwest::header::HeaderMap;
use serde_json::Value;
use tokio_util::sync::CancellationToken;
use url::Url;

use super::error::SourceError;
use super::http::Http;
use super::locate::Request;

pub(super) use catalog::find;
pub use metadata::ToldColumn;
pub(super) use pages::pages;

/// A dataset of a portal, and which of its rows are wanted.
#[derive(Clone)]
pub(super) struct Place {
    /// `https://data.lacity.org`.
    pub(super) base: Url,
    /// Such as `2cy6-i7zn`.
    pub(super) id: String,
    /// The declared condition; it may hold secrets.
    pub(super) filter: Option<String>,
    /// Declared headers, such as the one of an app token.
    pub(super) headers: HeaderMap,
    /// Fields of the system beside `:id` that the table takes, such as `:updated_at`.
    pub(super) system: Vec<String>,
    /// From where on.
    pub(super) since: Option<Since>,
    /// The address as it is shown.
    pub(super) shown: String,
}

/// Rows from one moment on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Since {
    /// The field, as the service calls it.
    pub field: String,
    /// The least value, as PostgreSQL writes it.
    pub value: String,
    /// Its type in the manifest.
    pub type_name: String,
}

impl Since {
    /// As a condition of the portal's own language.
    fn condition(&self) -> String {
        let Self { field, value, type_name } = self;
        let field = if field.starts_with(':') { field.clone() } else { format!("`{field}`") };
        match type_name.split('(').next().unwrap_or_default() {
            "smallint" | "integer" | "bigint" | "numeric" | "real" | "double precision" => {
                format!("{field} >= {value}")
            }
            "timestamptz" => format!("{field} >= {}", quoted(&value.replace(' ', "T").replace("+00", "Z"))),
            "timestamp" => format!("{field} >= {}", quoted(&value.replace(' ', "T"))),
            _ => format!("{field} >= {}", quoted(value)),
        }
    }
}

/// A text of the portal's own language.
fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

/// The base address of a portal's host. A machine's own host speaks plain HTTP, as a proxy or a rehearsal does.
pub(super) fn base(host: &str) -> Result<Url, url::ParseError> {
    let name = host.split(':').next().unwrap_or_default();
    let scheme = if matches!(name, "localhost" | "127.0.0.1") { "http" } else { "https" };
    Url::parse(&format!("{scheme}://{host}"))
}

impl Place {
    /// A request for `path` with these parameters.
    fn request(&self, path: &str, parameters: &[(&str, &str)]) -> Request {
        let mut url = self.base.clone();
        url.set_path(path);
        if !parameters.is_empty() {
            url.query_pairs_mut().extend_pairs(parameters);
        }
        Request { shown: self.shown.clone(), url, method: Method::GET, headers: self.headers.clone(), body: None }
    }

    /// The condition on rows, behind this one where it is given.
    fn condition(&self, after: Option<&str>) -> Option<String> {
        let parts = [
            self.filter.as_ref().map(|filter| format!("({filter})")),
            self.since.as_ref().map(Since::condition),
            after.map(|after| format!(":id > {}", quoted(after))),
        ];
        let parts: Vec<String> = parts.into_iter().flatten().collect();
        (!parts.is_empty()).then(|| parts.join(" AND "))
    }

    /// How many rows the portal says there are, or were made since.
    async fn count(
        &self,
        made_since: Option<Timestamp>,
        http: &Http,
        cancel: &CancellationToken,
    ) -> Result<u64, SourceError> {
        let made = made_since.map(|since| format!(":created_at >= {}", quoted(&since.to_string())));
        let parts: Vec<String> = self.condition(None).into_iter().chain(made).collect();
        let condition = (!parts.is_empty()).then(|| parts.join(" AND "));
        let mut parameters = vec![("$select", "count(*)")];
        parameters.extend(condition.as_deref().map(|condition| ("$where", condition)));
        let text = http.text(&self.request(&format!("/resource/{}.json", self.id), &parameters), cancel).await?;
        let count = serde_json::from_str::<Value>(&text).ok().and_then(|answer| {
            let (_, count) = answer.get(0)?.as_object()?.iter().next()?;
            count.as_u64().or_else(|| count.as_str()?.parse().ok())
        });
        let detail = || "a count of its rows was asked for".to_owned();
        count.ok_or_else(|| SourceError::Answer { address: self.shown.clone(), detail: detail() })
    }

    /// When its rows were written last; `None` where the portal does not tell.
    pub(super) async fn updated(&self, http: &Http, cancel: &CancellationToken) -> Result<Option<String>, SourceError> {
        let text = match http.text(&self.request(&format!("/api/views/{}.json", self.id), &[]), cancel).await {
            Ok(text) => text,
            Err(SourceError::Status { status: 401..=404, .. }) => return Ok(None),
            Err(error) => return Err(error),
        };
        let seconds = serde_json::from_str::<Value>(&text).ok().and_then(|view| view.get("rowsUpdatedAt")?.as_i64());
        Ok(seconds.and_then(|seconds| Timestamp::from_second(seconds).ok()).map(|at| at.to_string()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(filter: Option<&str>, since: Option<Since>) -> Place {
        Place {
            base: base("data.example.org").unwrap(),
            id: "aaaa-0000".to_owned(),
            filter: filter.map(str::to_owned),
            headers: HeaderMap::new(),
            system: Vec::new(),
            since,
            shown: "https://data.example.org/resource/aaaa-0000.csv".to_owned(),
        }
    }

    fn since(field: &str, type_name: &str, value: &str) -> String {
        Since { field: field.to_owned(), value: value.to_owned(), type_name: type_name.to_owned() }.condition()
    }

    #[test]
    fn conditions_are_put_together() {
        assert_eq!(place(None, None).condition(None), None);
        let since = Since {
            field: ":updated_at".into(),
            value: "2026-01-02 03:04:05+00".into(),
            type_name: "timestamptz".into(),
        };
        assert_eq!(
            place(Some("boro = 'X' OR boro = 'Y'"), Some(since)).condition(Some("row-a'b")).unwrap(),
            "(boro = 'X' OR boro = 'Y') AND :updated_at >= '2026-01-02T03:04:05Z' AND :id > 'row-a''b'"
        );
    }

    #[test]
    fn values_are_written_as_the_portal_reads_them() {
        assert_eq!(since("day", "date", "2026-01-02"), "`day` >= '2026-01-02'");
        assert_eq!(since("at", "timestamp", "2026-01-02 03:04:05"), "`at` >= '2026-01-02T03:04:05'");
        assert_eq!(since("nc", "integer", "7"), "`nc` >= 7");
    }

    #[test]
    fn portals_are_asked_over_tls_and_this_machine_is_not() {
        assert_eq!(base("data.lacity.org").unwrap().as_str(), "https://data.lacity.org/");
        assert_eq!(base("127.0.0.1:8080").unwrap().as_str(), "http://127.0.0.1:8080/");
    }
}
