//! From a source of the manifest to the place it is read from: an HTTP request with its secrets filled in, or a path.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use manifest::dataset::{HttpMethod, Origin, Source};
use reqwest::Method;
use reqwest::header::HeaderMap;
use secrecy::ExposeSecret;
use url::Url;

use super::access::ReadFrom;
use super::error::SourceError;
use super::filling::{Filling, with_day};
use super::item::Item;
use super::{arcgis, s3, sftp, socrata};

/// The place that a source is read from.
pub(super) enum Located {
    Http(Box<Request>),
    Path(PathBuf),
    Socrata(Box<socrata::Place>),
    Arcgis(Box<arcgis::Place>),
    Item(Box<Item>),
    S3(s3::Place),
    Sftp(Box<sftp::Place>),
}

/// An HTTP request. It holds secrets and so has no `Debug`.
#[derive(Clone)]
pub(super) struct Request {
    /// The address as the manifest has it.
    pub(super) shown: String,
    pub(super) url: Url,
    pub(super) method: Method,
    pub(super) headers: HeaderMap,
    pub(super) body: Option<String>,
}

/// Finds the place of a source.
pub(super) fn locate(source: &Source, from: &ReadFrom, filling: &Filling) -> Result<Located, SourceError> {
    match from {
        ReadFrom::Folder { folder, .. } => Ok(Located::Path(folder.join(plain(&source.file)?))),
        ReadFrom::Mirror(base) => at_mirror(base, plain(&source.file)?),
        ReadFrom::Publisher => at_publisher(source, filling),
    }
}

/// A name that stays within its folder.
pub(super) fn plain(file: &str) -> Result<&str, SourceError> {
    let mut parts = Path::new(file).components();
    match (parts.next(), parts.next()) {
        (Some(std::path::Component::Normal(name)), None) if name == file => Ok(file),
        _ => Err(SourceError::Address { address: file.to_owned(), detail: "it is not a plain file name".to_owned() }),
    }
}

fn at_mirror(base: &str, file: &str) -> Result<Located, SourceError> {
    let fail = |detail: String| SourceError::Address { address: format!("{base}/{file}"), detail };
    let mut url = Url::parse(base).map_err(|error| fail(error.to_string()))?;
    url.path_segments_mut().map_err(|()| fail("it takes no path".to_owned()))?.pop_if_empty().push(file);
    match url.scheme() {
        "http" | "https" => {
            let (method, headers) = (Method::GET, HeaderMap::new());
            Ok(Located::Http(Box::new(Request { shown: url.to_string(), url, method, headers, body: None })))
        }
        "file" => url.to_file_path().map(Located::Path).map_err(|()| fail("it is not a local path".to_owned())),
        scheme => Err(fail(format!("a mirror is read over http, https or file, not {scheme}"))),
    }
}

fn at_publisher(source: &Source, filling: &Filling) -> Result<Located, SourceError> {
    match &source.origin {
        Origin::Url { url, method, headers, body } => at_url(url, *method, headers, body.as_deref(), filling),
        Origin::Sftp { url, host_key, private_key } => {
            let shown =
                with_day(url, filling.today).map_err(|detail| SourceError::Address { address: url.clone(), detail })?;
            let place = sftp::Place::new(shown, host_key.as_deref(), private_key.as_deref(), filling)?;
            Ok(Located::Sftp(Box::new(place)))
        }
        Origin::Socrata { host, id, filter, headers, discover: _ } => {
            at_portal(host, id, filter.as_deref(), headers, filling)
        }
        Origin::Arcgis { layer, filter, headers } => {
            let filter = filter.as_deref().map(|filter| filling.text(filter, layer)).transpose()?;
            Ok(Located::Arcgis(Box::new(arcgis::Place {
                layer: parsed(layer)?,
                filter: filter.map(|filter| filter.expose_secret().to_owned()),
                headers: filling.headers(headers, layer)?,
                shown: layer.clone(),
            })))
        }
        Origin::Dcat { catalog, item } => {
            let (catalog, format) = (parsed(catalog)?, source.reading.format);
            Ok(Located::Item(Box::new(Item::Dcat { catalog, item: item.clone(), format })))
        }
        Origin::Ckan { portal, resource } => {
            let (portal, resource) = (parsed(portal)?, resource.clone());
            Ok(Located::Item(Box::new(Item::Ckan { portal, resource })))
        }
        Origin::Database { .. } => {
            let detail = "rows of another database are no file".to_owned();
            Err(SourceError::Address { address: source.file.clone(), detail })
        }
    }
}

fn parsed(address: &str) -> Result<Url, SourceError> {
    Url::parse(address).map_err(|error| SourceError::Address { address: address.to_owned(), detail: error.to_string() })
}

fn at_portal(
    host: &str,
    id: &str,
    filter: Option<&str>,
    headers: &BTreeMap<String, String>,
    filling: &Filling,
) -> Result<Located, SourceError> {
    let mut shown = format!("https://{host}/resource/{id}.csv");
    if let Some(filter) = filter {
        // As the manifest has it, without the values of its secrets.
        shown = format!("{shown}?$where={filter}");
    }
    let fail = |error: url::ParseError| SourceError::Address { address: shown.clone(), detail: error.to_string() };
    let filled = filter.map(|filter| filling.text(filter, &shown)).transpose()?;
    Ok(Located::Socrata(Box::new(socrata::Place {
        base: socrata::base(host).map_err(fail)?,
        id: id.to_owned(),
        filter: filled.map(|filter| filter.expose_secret().to_owned()),
        headers: filling.headers(headers, &shown)?,
        system: Vec::new(),
        since: None,
        shown,
    })))
}

fn at_url(
    url: &str,
    method: HttpMethod,
    headers: &BTreeMap<String, String>,
    body: Option<&str>,
    filling: &Filling,
) -> Result<Located, SourceError> {
    let shown =
        with_day(url, filling.today).map_err(|detail| SourceError::Address { address: url.to_owned(), detail })?;
    let fail = |detail: String| SourceError::Address { address: shown.clone(), detail };
    if let Some(path) = shown.strip_prefix("file:") {
        return if path.starts_with("//") {
            let url = Url::parse(&shown).map_err(|error| fail(error.to_string()))?;
            url.to_file_path().map(Located::Path).map_err(|()| fail("it is not a local path".to_owned()))
        } else {
            Ok(Located::Path(PathBuf::from(path)))
        };
    }
    if shown.starts_with("s3:") {
        return s3::Place::parse(&shown).map(Located::S3).map_err(fail);
    }
    let url = filling.address(&shown)?;
    if !matches!(url.scheme(), "http" | "https") {
        let scheme = url.scheme().to_owned();
        return Err(fail(format!("addresses of kind `{scheme}` are not served by this version of the worker")));
    }
    let headers = filling.headers(headers, &shown)?;
    let body = body.map(|body| filling.text(body, &shown)).transpose()?;
    let method = match method {
        HttpMethod::Get => Method::GET,
        HttpMethod::Post => Method::POST,
    };
    let body = body.map(|body| body.expose_secret().to_owned());
    Ok(Located::Http(Box::new(Request { shown, url, method, headers, body })))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use jiff::civil::date;
    use manifest::dataset::{Format, Reading};
    use secrecy::SecretString;

    use super::*;
    use crate::source::{Missing, SecretLookup};

    impl Located {
        fn shown(&self) -> String {
            match self {
                Self::Http(request) => request.shown.clone(),
                Self::Path(path) => path.display().to_string(),
                Self::Socrata(place) => place.shown.clone(),
                Self::Arcgis(place) => place.shown.clone(),
                Self::Item(item) => format!("{item:?}"),
                Self::S3(place) => place.shown.clone(),
                Self::Sftp(place) => place.shown.clone(),
            }
        }
    }

    fn source(url: &str, headers: &[(&str, &str)]) -> Source {
        let headers = headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        Source {
            origin: Origin::Url { url: url.to_owned(), method: HttpMethod::Get, headers, body: None },
            file: "a b.csv".to_owned(),
            reading: Reading {
                format: Format::Csv,
                container: manifest::dataset::Container::Plain,
                sheet: None,
                header: manifest::dataset::HeaderRow::First,
                encoding: None,
                delimiter: None,
                layer: None,
                fields: Vec::new(),
                nulls: Vec::new(),
            },
            vars: BTreeMap::new(),
        }
    }

    fn secrets() -> SecretLookup {
        Arc::new(|name| (name.as_str() == "TOKEN").then(|| SecretString::from("hunter2")))
    }

    fn locate_it(source: &Source, from: &ReadFrom) -> Result<Located, SourceError> {
        locate(source, from, &Filling { secrets: secrets(), today: date(2026, 3, 1) })
    }

    #[test]
    fn addresses_may_hold_the_day_or_the_one_before() {
        let shown = |url: &str| locate_it(&source(url, &[]), &ReadFrom::Publisher).map(|located| located.shown());
        let url = "https://example.org/{today:%Y}/export_{yesterday:%Y%m%d}.csv?{x}";
        assert_eq!(shown(url).unwrap(), "https://example.org/2026/export_20260228.csv?{x}");
        assert!(shown("https://example.org/{today:%Q}").is_err());
    }

    #[test]
    fn a_secret_is_in_the_request_and_never_in_what_is_shown() {
        let source = source("https://example.org/a?token=${secret:TOKEN}", &[("X-Token", "t ${secret:TOKEN}")]);
        let Ok(Located::Http(request)) = locate_it(&source, &ReadFrom::Publisher) else { panic!("a request") };
        assert_eq!(request.url.query(), Some("token=hunter2"));
        assert_eq!(request.headers["x-token"], "t hunter2");
        assert_eq!(request.shown, "https://example.org/a?token=${secret:TOKEN}");
        assert!(!format!("{:?}", request.headers).contains("hunter2"));
    }

    #[test]
    fn a_secret_that_the_run_does_not_have_is_named() {
        let error = locate_it(&source("https://example.org/${secret:KEY}", &[]), &ReadFrom::Publisher).err().unwrap();
        assert_eq!(error.to_string(), "https://example.org/${secret:KEY} needs the secret KEY");
        let bad = source("https://example.org:${secret:TOKEN}/", &[]);
        let error = locate_it(&bad, &ReadFrom::Publisher).err().unwrap();
        assert!(!error.to_string().contains("hunter2"), "{error}");
    }

    #[test]
    fn a_mirror_or_a_folder_stands_in_the_place_of_every_source() {
        let source = source("https://example.org/${secret:NONE}", &[]);
        let mirror = ReadFrom::Mirror("http://127.0.0.1:9/samples".to_owned());
        assert_eq!(locate_it(&source, &mirror).unwrap().shown(), "http://127.0.0.1:9/samples/a%20b.csv");
        let mirror = ReadFrom::Mirror("file:///srv/samples/".to_owned());
        assert_eq!(locate_it(&source, &mirror).unwrap().shown(), "/srv/samples/a b.csv");
        let folder = ReadFrom::Folder { folder: "data".into(), missing: Missing::Refuse };
        assert_eq!(locate_it(&source, &folder).unwrap().shown(), "data/a b.csv");
    }

    #[test]
    fn a_file_name_does_not_leave_its_folder() {
        let folder = ReadFrom::Folder { folder: "data".into(), missing: Missing::Refuse };
        for file in ["../a.csv", "/etc/passwd", "a/b.csv", "..", ".", "", "a.csv/"] {
            let source = Source { file: file.to_owned(), ..source("https://example.org/", &[]) };
            assert!(locate_it(&source, &folder).is_err(), "{file}");
        }
    }

    #[test]
    fn local_addresses_are_paths() {
        let path = |url: &str| locate_it(&source(url, &[]), &ReadFrom::Publisher).unwrap().shown();
        assert_eq!(path("file:///srv/a%20b.csv"), "/srv/a b.csv");
        assert_eq!(path("file:data/a.csv"), "data/a.csv");
        assert_eq!(path("file:/srv/a.csv"), "/srv/a.csv");
    }
}
