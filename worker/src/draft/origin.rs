//! Where a source is: a file of this machine, an address, or a dataset of a portal that has an interface of its own and tells the types of
//! its columns.

use std::collections::BTreeMap;
use std::io::Read as _;
use std::path::Path;
use std::sync::Arc;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use manifest::Dataset;
use manifest::dataset::header_key;
use serde_json::Value;
use tokio_util::sync::CancellationToken;
use url::Url;

use super::DraftError;
use super::guess::Hint;
use crate::settings::Settings;
use crate::source::{Access, Coding, Input, Means, Missing, Patience, ReadFrom, SourceError, Use};
use crate::spool::{SharedFile, Spool};
use crate::trouble::Trouble;

/// Most bytes of what a portal tells of a dataset.
const METADATA_MAX: u64 = 16 << 20;

/// What a portal tells of the columns, by the letters and digits of their names.
pub(super) type Hints = BTreeMap<String, Hint>;

/// Where a source is.
#[derive(Debug, Clone)]
pub(super) struct Place {
    origin: Origin,
    /// What it is called.
    pub(super) file_name: String,
}

#[derive(Debug, Clone)]
enum Origin {
    /// In a folder of this machine.
    File(std::path::PathBuf),
    Url(String),
    Socrata {
        host: String,
        id: String,
    },
    Arcgis(String),
}

/// An open source.
pub(super) struct Opened {
    pub(super) file: SharedFile,
    pub(super) coding: Coding,
    /// What it is called.
    pub(super) name: String,
}

impl Place {
    /// What an argument of the command line means.
    pub(super) fn of(source: &str) -> Result<Self, DraftError> {
        let Some(address) = Url::parse(source).ok().filter(|url| matches!(url.scheme(), "http" | "https" | "s3"))
        else {
            let path = Path::new(source);
            let fail = |error| DraftError::File { path: path.to_owned(), error };
            let path = path.canonicalize().map_err(fail)?;
            let file_name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
            return Ok(Self { origin: Origin::File(path), file_name });
        };
        let parts: Vec<&str> = address.path_segments().into_iter().flatten().filter(|part| !part.is_empty()).collect();
        if let Some(at) = parts.iter().position(|part| matches!(*part, "FeatureServer" | "MapServer"))
            && let Some(layer) = parts.get(at + 1).filter(|part| part.bytes().all(|byte| byte.is_ascii_digit()))
        {
            let service = parts.get(at.wrapping_sub(1)).copied().unwrap_or_default();
            let mut url = address.clone();
            url.set_query(None);
            url.set_path(&parts[..at + 2].join("/"));
            return Ok(Self { origin: Origin::Arcgis(url.into()), file_name: format!("{service}_{layer}.geojson") });
        }
        if let (Some(host), Some(id)) = (address.host_str(), dataset_of_portal(&parts)) {
            let host = address.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"));
            let (origin, file_name) = (Origin::Socrata { host, id: id.clone() }, format!("{id}.csv"));
            return Ok(Self { origin, file_name });
        }
        let file_name = match parts[..] {
            // A portal's export is called by its number.
            [.., id, "rows.csv"] => format!("{id}.csv"),
            [.., last] => last.to_owned(),
            [] => address.host_str().unwrap_or_default().to_owned(),
        };
        Ok(Self { origin: Origin::Url(source.to_owned()), file_name })
    }

    /// Its keys in a manifest.
    pub(super) fn keys(&self) -> String {
        let quoted = |text: &str| Value::from(text).to_string();
        match &self.origin {
            Origin::File(_) => format!("url: {}", quoted(&format!("https://example.org/{}", escaped(&self.file_name)))),
            Origin::Url(url) => format!("url: {}", quoted(url)),
            Origin::Socrata { host, id } => format!("socrata: {}, id: {id}", quoted(host)),
            Origin::Arcgis(layer) => format!("arcgis: {}", quoted(layer)),
        }
    }

    /// Who puts it out, as far as the address tells.
    pub(super) fn publisher(&self) -> String {
        let url = match &self.origin {
            Origin::File(_) => return "example.org".to_owned(),
            Origin::Socrata { host, .. } => return host.clone(),
            Origin::Url(url) | Origin::Arcgis(url) => url,
        };
        Url::parse(url).ok().and_then(|url| url.host_str().map(str::to_owned)).unwrap_or_default()
    }

    /// Whether its address has to be written by hand.
    pub(super) fn is_local(&self) -> bool {
        matches!(self.origin, Origin::File(_))
    }

    /// Fetches it, or opens it where it lies.
    pub(super) async fn open(&self, settings: &Settings, stop: &CancellationToken) -> Result<Opened, Trouble> {
        let (keys, from) = match &self.origin {
            Origin::File(path) => {
                let folder = path.parent().map(Path::to_owned).unwrap_or_default();
                (self.keys(), ReadFrom::Folder { folder, missing: Missing::Refuse })
            }
            _ => (self.keys(), ReadFrom::Publisher),
        };
        let described = match &self.origin {
            Origin::File(_) => format!("file: {}, format: csv", Value::from(self.file_name.as_str())),
            Origin::Url(_) => "file: draft.csv, format: csv".to_owned(),
            Origin::Socrata { .. } => "file: draft.csv".to_owned(),
            Origin::Arcgis(_) => "file: draft.geojson".to_owned(),
        };
        let keys = format!("{keys}, {described}");
        open(&keys, from, settings, stop).await
    }

    /// Asks a portal for the types of the dataset's columns. An address that only looks like one of a portal is an address.
    pub(super) async fn ask(&mut self, settings: &Settings, stop: &CancellationToken) -> Result<Hints, Trouble> {
        let address = match &self.origin {
            Origin::Socrata { host, id } => format!("{}/api/views/{id}.json", base(host)),
            Origin::Arcgis(layer) => format!("{layer}?f=json"),
            Origin::File(_) | Origin::Url(_) => return Ok(Hints::new()),
        };
        let keys = format!("url: {}, file: metadata.json, format: json", Value::from(address.as_str()));
        let answer = open(&keys, ReadFrom::Publisher, settings, stop).await?;
        let mut text = Vec::new();
        let read = answer.file.take(METADATA_MAX).read_to_end(&mut text);
        let told: Option<Value> = read.ok().and_then(|_| serde_json::from_slice(&text).ok());
        let told = told.unwrap_or_default();
        Ok(match &self.origin {
            Origin::Arcgis(_) => hints(&told["fields"], "name", "type", of_arcgis),
            _ => hints(&told["columns"], "fieldName", "dataTypeName", of_socrata),
        })
    }
}

/// The number of a dataset in a portal's address: `…/d/wvxf-dwi5`, `…/resource/wvxf-dwi5.json`, `…/Housing/Violations/wvxf-dwi5/about_data`.
fn dataset_of_portal(parts: &[&str]) -> Option<String> {
    let is_id = |part: &str| {
        let is_group =
            |group: &str| group.len() == 4 && group.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit());
        part.split_once('-').is_some_and(|(first, second)| is_group(first) && is_group(second))
    };
    let stem = |part: &str| part.split('.').next().unwrap_or_default().to_owned();
    let id = match parts {
        ["d" | "resource", id] | [_, _, id] | [_, _, id, "data" | "about_data"] => stem(id),
        _ => return None,
    };
    // A view's rows.csv is a file like any other.
    (is_id(&id) && parts.first() != Some(&"api")).then_some(id)
}

/// Where a portal is: without TLS on this machine alone.
fn base(host: &str) -> String {
    let is_here = host.starts_with("127.") || host.starts_with("localhost") || host.starts_with("[::1]");
    format!("{}://{host}", if is_here { "http" } else { "https" })
}

async fn open(keys: &str, from: ReadFrom, settings: &Settings, stop: &CancellationToken) -> Result<Opened, Trouble> {
    // Only the bytes are wanted; but what is called an archive is none without a member.
    let dataset = probe(keys).or_else(|_| probe(&format!("{keys}, member: \"*\"")))?;
    let means = Means {
        aws: None,
        spool: Spool::new(&settings.spool),
        secrets: Arc::new(|_| None),
        patience: Patience::default(),
        today: Timestamp::now().to_zoned(TimeZone::UTC).date(),
    };
    let access = Access::new(&dataset, from, means);
    let table = dataset.tables.first();
    let Some(source) = table.and_then(|table| table.sources().first()) else { return Err(SourceError::Stopped.into()) };
    let opened = access.open(source, Use::Seek, stop).await?;
    let coding = opened.coding;
    match opened.input {
        Input::File(file, _) => Ok(Opened { file, coding, name: source.file.clone() }),
        Input::Body(_) => Err(SourceError::Stopped.into()),
    }
}

/// A manifest that is only asked where its one source is.
fn probe(keys: &str) -> Result<Dataset, Trouble> {
    let fail = |error| DraftError::File { path: std::env::temp_dir(), error };
    let folder = tempfile::tempdir().map_err(fail)?;
    let path = folder.path().join("draft.yml");
    let text = format!(
        "dataset: draft\ntitle: draft\npublisher: draft\ntables: {{draft: {{sources: [{{{keys}}}], columns: {{draft: text}}}}}}\n"
    );
    std::fs::write(&path, text).map_err(fail)?;
    let dataset = manifest::load_dataset(&path).map_err(|findings| {
        let all: Vec<_> = findings.iter().map(|finding| finding.message.clone()).collect();
        DraftError::unfit(keys, all.join("; "))
    })?;
    Ok(dataset)
}

fn hints(fields: &Value, name: &str, type_name: &str, of: fn(&str) -> Hint) -> Hints {
    let fields = fields.as_array().into_iter().flatten();
    fields.filter_map(|field| Some((header_key(field[name].as_str()?), of(field[type_name].as_str()?)))).collect()
}

fn of_socrata(type_name: &str) -> Hint {
    match type_name {
        "number" | "money" | "double" | "percent" => Hint::Number,
        "checkbox" => Hint::Is("boolean"),
        "calendar_date" => Hint::Moment,
        "date" | "fixed_timestamp" => Hint::Is("timestamptz"),
        "point" | "multipoint" | "line" | "multiline" | "polygon" | "multipolygon" => Hint::Shape(Some(4326)),
        _ => Hint::Text,
    }
}

fn of_arcgis(type_name: &str) -> Hint {
    match type_name {
        "esriFieldTypeOID"
        | "esriFieldTypeInteger"
        | "esriFieldTypeSmallInteger"
        | "esriFieldTypeBigInteger"
        | "esriFieldTypeSingle"
        | "esriFieldTypeDouble" => Hint::Number,
        "esriFieldTypeDate" => Hint::Milliseconds,
        _ => Hint::Text,
    }
}

/// A file's name as part of an address.
fn escaped(text: &str) -> String {
    url::form_urlencoded::byte_serialize(text.as_bytes()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_known_for_what_it_is() {
        for (address, keys, file_name) in [
            (
                "https://data.example.org/api/views/wvxf-dwi5/rows.csv?accessType=DOWNLOAD",
                "url: \"https://data.example.org/api/views/wvxf-dwi5/rows.csv?accessType=DOWNLOAD\"",
                "wvxf-dwi5.csv",
            ),
            ("https://data.example.org/d/wvxf-dwi5", "socrata: \"data.example.org\", id: wvxf-dwi5", "wvxf-dwi5.csv"),
            (
                "https://data.example.org/Housing/Violations/wvxf-dwi5/about_data",
                "socrata: \"data.example.org\", id: wvxf-dwi5",
                "wvxf-dwi5.csv",
            ),
            (
                "https://data.example.org/resource/wvxf-dwi5.json?$limit=10",
                "socrata: \"data.example.org\", id: wvxf-dwi5",
                "wvxf-dwi5.csv",
            ),
            (
                "https://maps.example.org/arcgis/rest/services/Parks/FeatureServer/3/query?where=1%3D1",
                "arcgis: \"https://maps.example.org/arcgis/rest/services/Parks/FeatureServer/3\"",
                "Parks_3.geojson",
            ),
            (
                "https://example.org/files/trees%202020.csv",
                "url: \"https://example.org/files/trees%202020.csv\"",
                "trees%202020.csv",
            ),
            ("https://example.org", "url: \"https://example.org\"", "example.org"),
        ] {
            let place = Place::of(address).unwrap();
            assert_eq!((place.keys().as_str(), place.file_name.as_str()), (keys, file_name), "{address}");
        }
        assert!(Place::of("/nowhere/at/all.csv").unwrap_err().to_string().contains("/nowhere/at/all.csv"));
    }
}
