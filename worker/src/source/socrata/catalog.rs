//! A portal's catalog: the id of the dataset that has a title.

use serde_json::Value;
use tokio_util::sync::CancellationToken;

use super::Place;
use crate::source::error::SourceError;
use crate::source::http::Http;

/// Results of a search that are looked at.
const RESULTS: &str = "100";

/// The id of the dataset of the portal of `place` that has this title, without regard to case and blanks; `None` when there is none yet.
pub(in crate::source) async fn find(
    http: &Http,
    place: &Place,
    title: &str,
    cancel: &CancellationToken,
) -> Result<Option<String>, SourceError> {
    let host = place.base.host_str().unwrap_or_default();
    let parameters =
        [("domains", host), ("search_context", host), ("only", "datasets"), ("limit", RESULTS), ("q", title)];
    let request = place.request("/api/catalog/v1", &parameters);
    let text = http.text(&request, cancel).await?;
    let detail = || "the portal's catalog was asked for a title".to_owned();
    let wrong = || SourceError::Answer { address: place.shown.clone(), detail: detail() };
    let answer: Value = serde_json::from_str(&text).map_err(|_| wrong())?;
    let results = answer.get("results").and_then(Value::as_array).ok_or_else(wrong)?;
    let named = |result: &&Value| {
        let resource = &result["resource"];
        resource["type"].as_str().is_none_or(|kind| kind == "dataset")
            && resource["name"].as_str().is_some_and(|name| plain(name) == plain(title))
    };
    let found = results.iter().find(named).and_then(|result| result["resource"]["id"].as_str());
    Ok(found.filter(|id| is_id(id)).map(str::to_owned))
}

fn plain(title: &str) -> String {
    title.split_whitespace().collect::<Vec<_>>().join(" ").to_lowercase()
}

/// Whether a text is an id such as `2cy6-i7zn`: it becomes part of an address and of a file's name.
fn is_id(text: &str) -> bool {
    let four =
        |part: &str| part.len() == 4 && part.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit());
    text.split_once('-').is_some_and(|(first, second)| four(first) && four(second))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn titles_are_compared_without_regard_to_case_and_blanks() {
        assert_eq!(plain(" MyLA311  Service Request\nData 2026"), plain("myla311 service request data 2026"));
        assert!(is_id("2cy6-i7zn") && !is_id("../a-bbbb") && !is_id("2cy6-I7ZN"));
    }
}
