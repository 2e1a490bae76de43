//! What a portal says of a dataset's columns: their names, and what they hold.

use serde_json::Value;
use tokio_util::sync::CancellationToken;

use super::Place;
use crate::source::error::SourceError;
use crate::source::http::Http;

/// A column as its publisher declares it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ToldColumn {
    /// Its name in the rows.
    pub name: String,
    /// The PostgreSQL type that holds every value of it.
    pub type_name: &'static str,
}

impl Place {
    /// The dataset's columns in their order.
    pub(in crate::source) async fn columns(
        &self,
        http: &Http,
        cancel: &CancellationToken,
    ) -> Result<Vec<ToldColumn>, SourceError> {
        let text = http.text(&self.request(&format!("/api/views/{}.json", self.id), &[]), cancel).await?;
        let told = serde_json::from_str::<Value>(&text).ok().and_then(|view| told(&view));
        let detail = || "the columns of its dataset were asked for".to_owned();
        told.ok_or_else(|| SourceError::Answer { address: self.shown.clone(), detail: detail() })
    }
}

fn told(view: &Value) -> Option<Vec<ToldColumn>> {
    let columns: Option<Vec<_>> = view["columns"]
        .as_array()?
        .iter()
        .map(|column| {
            let type_name = type_of(column["dataTypeName"].as_str().unwrap_or_default());
            Some(ToldColumn { name: column["fieldName"].as_str()?.to_owned(), type_name })
        })
        .collect();
    columns.filter(|columns| !columns.is_empty())
}

/// The type for one of the portals' own. What they call a percentage or a place is written in several ways, and stays text.
fn type_of(name: &str) -> &'static str {
    match name {
        "number" | "money" => "numeric",
        "calendar_date" | "floating_timestamp" => "timestamp",
        "date" | "fixed_timestamp" => "timestamptz",
        "checkbox" | "boolean" => "boolean",
        _ => "text",
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn columns_have_the_types_that_hold_what_the_portal_says() {
        let view = json!({"columns": [
            {"fieldName": "id", "dataTypeName": "number"},
            {"fieldName": "opened", "dataTypeName": "calendar_date"},
            {"fieldName": "done", "dataTypeName": "checkbox"},
            {"fieldName": "share", "dataTypeName": "percent"},
            {"fieldName": "new_kind", "dataTypeName": "never_heard_of"},
        ]});
        let found: Vec<_> = told(&view).unwrap().into_iter().map(|column| (column.name, column.type_name)).collect();
        let expected =
            [("id", "numeric"), ("opened", "timestamp"), ("done", "boolean"), ("share", "text"), ("new_kind", "text")];
        assert_eq!(found, expected.map(|(name, type_name)| (name.to_owned(), type_name)));
        assert_eq!(told(&json!({"columns": []})), None);
        assert_eq!(told(&json!({"error": true})), None);
    }
}
