//! Catalogs: the item of a DCAT catalog, which every ArcGIS hub has, or a resource of a CKAN portal. Its id comes in, the address of its
//! best download goes out.

use manifest::dataset::Format;
use reqwest::Method;
use reqwest::header::HeaderMap;
use serde_json::Value;
use tokio_util::sync::CancellationToken;
use url::Url;

use super::error::SourceError;
use super::http::Http;
use super::locate::Request;

/// An item of a catalog.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Item {
    /// Of a DCAT catalog, such as a hub's `data.json`.
    Dcat { catalog: Url, item: String, format: Format },
    /// Of a CKAN portal.
    Ckan { portal: Url, resource: String },
}

/// Words that name a download in a catalog, by what the manifest reads: the first that any download has is taken.
fn words(format: Format) -> &'static [&'static str] {
    match format {
        Format::Csv | Format::Tsv => &["csv"],
        Format::Geojson => &["geojson", "geo+json"],
        Format::Shapefile => &["shapefile", "shp", "zip"],
        Format::Geopackage => &["geopackage", "gpkg"],
        Format::Xls | Format::Xlsx => &["xlsx", "spreadsheetml", "excel", "xls"],
        Format::Json | Format::Ndjson => &["json"],
        Format::Parquet => &["parquet"],
        Format::Fixed => &["txt", "text/plain"],
        Format::Rows => &[],
    }
}

impl Item {
    /// Asks the catalog for the address.
    pub(super) async fn resolve(&self, http: &Http, cancel: &CancellationToken) -> Result<Request, SourceError> {
        let (catalog, shown) = match self {
            Self::Dcat { catalog, .. } => (catalog.clone(), catalog.to_string()),
            Self::Ckan { portal, resource } => {
                let mut url = portal.clone();
                let shown = portal.to_string();
                if let Ok(mut path) = url.path_segments_mut() {
                    path.pop_if_empty().extend(["api", "3", "action", "resource_show"]);
                }
                url.query_pairs_mut().append_pair("id", resource);
                (url, shown)
            }
        };
        let _turn = http.turn(&catalog, cancel).await?;
        let text = http.text(&plain(catalog, shown.clone()), cancel).await?;
        let wrong = |detail: String| SourceError::Answer { address: shown.clone(), detail };
        let answer: Value = serde_json::from_str(&text).map_err(|_| wrong("it is no catalog in JSON".to_owned()))?;
        let address = match self {
            Self::Dcat { item, format, .. } => download(&answer, item, *format).map_err(wrong)?,
            Self::Ckan { resource, .. } => {
                let url = answer["result"]["url"].as_str();
                url.ok_or_else(|| wrong(format!("it has no address for the resource {resource}")))?.to_owned()
            }
        };
        let url = Url::parse(&address).map_err(|error| wrong(format!("`{address}` is not an address: {error}")))?;
        if !matches!(url.scheme(), "http" | "https") {
            return Err(wrong(format!("`{address}` is neither http nor https")));
        }
        Ok(plain(url, address))
    }
}

fn plain(url: Url, shown: String) -> Request {
    Request { shown, url, method: Method::GET, headers: HeaderMap::new(), body: None }
}

/// The address of an item's best download, or what is wrong.
fn download(catalog: &Value, item: &str, format: Format) -> Result<String, String> {
    let datasets = catalog["dataset"].as_array().ok_or("it lists no datasets")?;
    let found = datasets.iter().find(|dataset| dataset["identifier"].as_str().is_some_and(|id| is_named(id, item)));
    let found = found.ok_or_else(|| format!("it has no item {item}"))?;
    let none = Vec::new();
    let offered = found["distribution"].as_array().unwrap_or(&none);
    let address =
        |offer: &Value| offer["downloadURL"].as_str().or_else(|| offer["accessURL"].as_str()).map(str::to_owned);
    for word in words(format) {
        let is_it = |offer: &&Value| {
            ["format", "mediaType", "title"]
                .iter()
                .any(|key| offer[*key].as_str().is_some_and(|text| text.to_lowercase().contains(word)))
        };
        if let Some(address) = offered.iter().filter(is_it).find_map(address) {
            return Ok(address);
        }
    }
    let kind = |offer: &Value| offer["format"].as_str().or_else(|| offer["mediaType"].as_str()).map(str::to_owned);
    let kinds: Vec<String> = offered.iter().filter_map(kind).collect();
    Err(format!("its item {item} has no download as {}; it has {}", format.as_str(), kinds.join(", ")))
}

/// Whether an identifier, mostly an address, is that of an item such as `2602345a7a85_0`, whose layer some hubs write apart.
fn is_named(identifier: &str, item: &str) -> bool {
    let ends = |name: &str| {
        identifier.strip_suffix(name).is_some_and(|rest| rest.is_empty() || rest.ends_with(['/', '=', ':', '#']))
    };
    let apart = item.rsplit_once('_').map(|(id, layer)| format!("{id}&sublayer={layer}"));
    ends(item) || apart.is_some_and(|name| ends(&name))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn catalog() -> Value {
        let offers = json!([
            {"title": "ArcGIS Hub Dataset", "format": "Web Page", "mediaType": "text/html", "accessURL": "https://hub/page"},
            {"title": "GeoJSON", "format": "GeoJSON", "mediaType": "application/vnd.geo+json", "accessURL": "https://hub/a.geojson"},
            {"title": "Shapefile", "format": "ZIP", "mediaType": "application/zip", "accessURL": "https://hub/a.zip"},
            {"title": "CSV", "format": "CSV", "mediaType": "text/csv", "downloadURL": "https://hub/a.csv"},
        ]);
        json!({"dataset": [
            {"identifier": "https://www.arcgis.com/home/item.html?id=2602345a_0x", "distribution": []},
            {"identifier": "https://www.arcgis.com/home/item.html?id=2602345a&sublayer=0", "distribution": offers},
        ]})
    }

    #[test]
    fn the_download_is_the_one_that_the_manifest_reads() {
        for (format, address) in [
            (Format::Csv, "https://hub/a.csv"),
            (Format::Geojson, "https://hub/a.geojson"),
            (Format::Shapefile, "https://hub/a.zip"),
        ] {
            assert_eq!(download(&catalog(), "2602345a_0", format).as_deref(), Ok(address));
        }
    }

    #[test]
    fn what_there_is_not_is_told() {
        assert_eq!(
            download(&catalog(), "2602345a_0", Format::Parquet).unwrap_err(),
            "its item 2602345a_0 has no download as parquet; it has Web Page, GeoJSON, ZIP, CSV"
        );
        assert_eq!(download(&catalog(), "2602345b_0", Format::Csv).unwrap_err(), "it has no item 2602345b_0");
        assert_eq!(download(&json!([]), "x", Format::Csv).unwrap_err(), "it lists no datasets");
    }

    #[test]
    fn an_item_is_known_by_the_end_of_its_address() {
        for identifier in ["a_1", "http://hub/datasets/a_1", "https://www.arcgis.com/home/item.html?id=a&sublayer=1"] {
            assert!(is_named(identifier, "a_1"), "{identifier}");
        }
        assert!(!is_named("http://hub/datasets/aa_1", "a_1") && !is_named("http://hub/datasets/a_1", "1"));
    }
}
