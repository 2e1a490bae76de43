//! A layer of an ArcGIS FeatureServer as one GeoJSON document. It is paged by its object id, which no two features share, so that edits
//! between pages neither hide features nor repeat them. At the end the layer's own count is held against what came.

use std::collections::VecDeque;
use std::sync::Arc;

use bytes::Bytes;
use futures_util::Stream;
use jiff::Timestamp;
use reqwest::Method;
use reqwest::header::HeaderMap;
use serde_json::Value;
use tokio_util::sync::CancellationToken;
use url::Url;

use super::error::SourceError;
use super::hosts::Turn;
use super::http::Http;
use super::locate::Request;
use super::pull::{Pull, pulled};

/// The most features of a page: a thousand parcels are a few megabytes.
const PAGE: u64 = 1_000;

/// Features in a thousand that the layer's count may be off by while it is edited.
const SLACK: u64 = 1;

/// A layer, and which of its features are wanted.
#[derive(Clone)]
pub(super) struct Place {
    /// `…/FeatureServer/0`.
    pub(super) layer: Url,
    /// The declared condition; it may hold secrets.
    pub(super) filter: Option<String>,
    /// Declared headers.
    pub(super) headers: HeaderMap,
    /// The address as it is shown.
    pub(super) shown: String,
}

/// What a layer says of itself.
pub(super) struct Layer {
    /// The field of its object ids.
    id: String,
    page: u64,
    /// When it was edited last.
    pub(super) edited: Option<String>,
}

impl Place {
    fn request(&self, path: &str, parameters: &[(&str, &str)]) -> Request {
        let mut url = self.layer.clone();
        if !path.is_empty()
            && let Ok(mut segments) = url.path_segments_mut()
        {
            segments.pop_if_empty().push(path);
        }
        url.query_pairs_mut().extend_pairs(parameters);
        Request { shown: self.shown.clone(), url, method: Method::GET, headers: self.headers.clone(), body: None }
    }

    fn wrong(&self, detail: impl Into<String>) -> SourceError {
        SourceError::Answer { address: self.shown.clone(), detail: detail.into() }
    }

    /// An answer in JSON. These services tell their errors with status 200.
    async fn ask(&self, http: &Http, request: &Request, cancel: &CancellationToken) -> Result<Value, SourceError> {
        let text = http.text(request, cancel).await?;
        let answer: Value = serde_json::from_str(&text).map_err(|_| self.wrong("it is no JSON"))?;
        match answer.get("error") {
            Some(error) => {
                let (code, message) = (&error["code"], error["message"].as_str().unwrap_or_default());
                Err(self.wrong(format!("error {code}: {message}")))
            }
            None => Ok(answer),
        }
    }

    /// Asks the layer what it is.
    pub(super) async fn layer(&self, http: &Http, cancel: &CancellationToken) -> Result<Layer, SourceError> {
        let answer = self.ask(http, &self.request("", &[("f", "json")]), cancel).await?;
        let of_type = |field: &&Value| field["type"] == "esriFieldTypeOID";
        let field = || answer["fields"].as_array()?.iter().find(of_type)?["name"].as_str();
        let id = answer["objectIdField"].as_str().or_else(field);
        let id = id.ok_or_else(|| self.wrong("it has no field of object ids"))?.to_owned();
        let page = answer["maxRecordCount"].as_u64().filter(|page| *page > 0).unwrap_or(PAGE).min(PAGE);
        let edited = ["dataLastEditDate", "lastEditDate"].iter().find_map(|key| answer["editingInfo"][*key].as_i64());
        let edited = edited.and_then(|at| Timestamp::from_millisecond(at).ok()).map(|at| at.to_string());
        Ok(Layer { id, page, edited })
    }

    fn condition(&self, after: Option<(&str, i64)>) -> String {
        let filter = self.filter.as_ref().map(|filter| format!("({filter})"));
        let after = after.map(|(id, last)| format!("{id} > {last}"));
        let parts: Vec<String> = filter.into_iter().chain(after).collect();
        if parts.is_empty() { "1=1".to_owned() } else { parts.join(" AND ") }
    }

    async fn count(&self, http: &Http, cancel: &CancellationToken) -> Result<u64, SourceError> {
        let condition = self.condition(None);
        let parameters = [("where", condition.as_str()), ("returnCountOnly", "true"), ("f", "json")];
        let answer = self.ask(http, &self.request("query", &parameters), cancel).await?;
        answer["count"].as_u64().ok_or_else(|| self.wrong("a count of its features was asked for"))
    }
}

/// All features as one document, for whoever has a turn at the host.
pub(super) async fn pages(
    http: &Arc<Http>,
    turn: Turn,
    place: Place,
    layer: Layer,
    cancel: &CancellationToken,
) -> Result<impl Stream<Item = Result<Bytes, SourceError>> + Send + 'static, SourceError> {
    let before = place.count(http, cancel).await?;
    let mut pager = Pager {
        http: Arc::clone(http),
        cancel: cancel.clone(),
        place,
        layer,
        before,
        last: None,
        features: 0,
        ready: VecDeque::from([Bytes::from_static(b"{\"type\":\"FeatureCollection\",\"features\":[")]),
        is_over: false,
        _turn: turn,
    };
    // What is wrong with the first page is known before anything is read.
    pager.page().await?;
    Ok(pulled(pager))
}

struct Pager {
    http: Arc<Http>,
    cancel: CancellationToken,
    place: Place,
    layer: Layer,
    before: u64,
    last: Option<i64>,
    features: u64,
    ready: VecDeque<Bytes>,
    is_over: bool,
    _turn: Turn,
}

impl Pull for Pager {
    async fn next(&mut self) -> Result<Option<Bytes>, SourceError> {
        loop {
            if let Some(bytes) = self.ready.pop_front() {
                return Ok(Some(bytes));
            }
            if self.is_over {
                return Ok(None);
            }
            self.page().await?;
        }
    }
}

impl Pager {
    /// Reads a page; the empty one is the last.
    async fn page(&mut self) -> Result<(), SourceError> {
        let id = self.layer.id.clone();
        let condition = self.place.condition(self.last.map(|last| (id.as_str(), last)));
        let page = self.layer.page.to_string();
        let parameters = [
            ("where", condition.as_str()),
            ("outFields", "*"),
            ("orderByFields", id.as_str()),
            ("resultRecordCount", page.as_str()),
            ("f", "geojson"),
        ];
        let request = self.place.request("query", &parameters);
        let mut answer = self.place.ask(&self.http, &request, &self.cancel).await?;
        let Value::Array(features) = answer["features"].take() else {
            return Err(self.place.wrong("it is no page of features"));
        };
        if features.is_empty() {
            self.is_over = true;
            self.ready.push_back(Bytes::from_static(b"\n]}\n"));
            return self.compare().await;
        }
        let mut text = String::new();
        for feature in features {
            let number = feature["properties"][&id].as_i64().or_else(|| feature["id"].as_i64());
            let number = number.ok_or_else(|| self.place.wrong(format!("a feature has no {id}")))?;
            // The order that was asked for is what tells where the next page begins.
            if self.last.is_some_and(|last| number <= last) {
                return Err(self.place.wrong(format!("its features are not in the order of {id}")));
            }
            text.push_str(if self.features == 0 { "\n" } else { ",\n" });
            text.push_str(&feature.to_string());
            (self.last, self.features) = (Some(number), self.features + 1);
        }
        self.ready.push_back(text.into());
        Ok(())
    }

    async fn compare(&self) -> Result<(), SourceError> {
        let (before, after, came) = (self.before, self.place.count(&self.http, &self.cancel).await?, self.features);
        // Nobody tells how many were made and how many went; none can have come twice.
        let slack = before.abs_diff(after) + after * SLACK / 1_000;
        if came >= before.min(after).saturating_sub(slack) {
            return Ok(());
        }
        Err(SourceError::Count { address: self.place.shown.clone(), came, counted: after })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn conditions_and_addresses_are_put_together() {
        let layer = Url::parse("https://example.org/arcgis/rest/services/a/FeatureServer/0").unwrap();
        let place =
            Place { layer, filter: Some("a = 1 OR b = 2".into()), headers: HeaderMap::new(), shown: String::new() };
        let condition = place.condition(Some(("OBJECTID", 7)));
        assert_eq!(condition, "(a = 1 OR b = 2) AND OBJECTID > 7");
        assert_eq!(Place { filter: None, ..place.clone() }.condition(None), "1=1");
        let request = place.request("query", &[("where", "1=1")]);
        assert_eq!(request.url.path(), "/arcgis/rest/services/a/FeatureServer/0/query");
        assert_eq!(request.url.query(), Some("where=1%3D1"));
    }
}
