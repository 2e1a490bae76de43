//! From a source of the manifest to the place it is read from: an HTTP request with its secrets filled in, or a path.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use manifest::SecretName;
use manifest::dataset::{HttpMethod, Origin, Source};
use reqwest::Method;
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use secrecy::{ExposeSecret, SecretString};
use url::Url;

use super::access::ReadFrom;
use super::error::SourceError;

/// Finds a secret's value by its name.
pub type SecretLookup = Arc<dyn Fn(&SecretName) -> Option<SecretString> + Send + Sync>;

/// The place that a source is read from.
pub(super) enum Located {
    Http(Box<Request>),
    Path(PathBuf),
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
pub(super) fn locate(source: &Source, from: &ReadFrom, secrets: &SecretLookup) -> Result<Located, SourceError> {
    match from {
        ReadFrom::Folder { folder, .. } => Ok(Located::Path(folder.join(plain(&source.file)?))),
        ReadFrom::Mirror(base) => at_mirror(base, plain(&source.file)?),
        ReadFrom::Publisher => at_publisher(source, secrets),
    }
}

/// A name that stays within its folder.
fn plain(file: &str) -> Result<&str, SourceError> {
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

fn at_publisher(source: &Source, secrets: &SecretLookup) -> Result<Located, SourceError> {
    let Origin::Url { url: shown, method, headers, body } = &source.origin else {
        let kind = source.origin.kind();
        return Err(SourceError::Address {
            address: source.file.clone(),
            detail: format!("sources of kind `{kind}` are not served by this version of the worker"),
        });
    };
    let fail = |detail: String| SourceError::Address { address: shown.clone(), detail };
    if let Some(path) = shown.strip_prefix("file:") {
        return if path.starts_with("//") {
            let url = Url::parse(shown).map_err(|error| fail(error.to_string()))?;
            url.to_file_path().map(Located::Path).map_err(|()| fail("it is not a local path".to_owned()))
        } else {
            Ok(Located::Path(PathBuf::from(path)))
        };
    }
    let fill = |text: &str| fill(text, secrets).map_err(|name| SourceError::Secret { address: shown.clone(), name });
    let url = Url::parse(fill(shown)?.expose_secret()).map_err(|error| fail(error.to_string()))?;
    if !matches!(url.scheme(), "http" | "https") {
        let scheme = url.scheme().to_owned();
        return Err(fail(format!("addresses of kind `{scheme}` are not served by this version of the worker")));
    }
    let mut filled = HeaderMap::new();
    for (name, value) in headers {
        let bad = |what: &str| fail(format!("its header `{name}` has a {what} that HTTP does not take"));
        let header = HeaderName::try_from(name).map_err(|_| bad("name"))?;
        let mut value = HeaderValue::from_str(fill(value)?.expose_secret()).map_err(|_| bad("value"))?;
        value.set_sensitive(true);
        filled.append(header, value);
    }
    let body = body.as_deref().map(fill).transpose()?.map(|body| body.expose_secret().to_owned());
    let method = match method {
        HttpMethod::Get => Method::GET,
        HttpMethod::Post => Method::POST,
    };
    Ok(Located::Http(Box::new(Request { shown: shown.clone(), url, method, headers: filled, body })))
}

/// Puts values in the place of `${secret:NAME}`. The name of a missing one is the error.
fn fill(text: &str, secrets: &SecretLookup) -> Result<SecretString, SecretName> {
    let mut filled = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("${secret:") {
        filled.push_str(before);
        let reference = after.split_once('}').and_then(|(name, tail)| Some((name.parse::<SecretName>().ok()?, tail)));
        let Some((name, tail)) = reference else {
            // Validation reports it; here it is text.
            filled.push_str("${secret:");
            rest = after;
            continue;
        };
        filled.push_str(secrets(&name).ok_or(name)?.expose_secret());
        rest = tail;
    }
    filled.push_str(rest);
    Ok(SecretString::from(filled))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use manifest::dataset::{Format, Reading};

    use super::*;
    use crate::source::Missing;

    impl Located {
        fn shown(&self) -> String {
            match self {
                Self::Http(request) => request.shown.clone(),
                Self::Path(path) => path.display().to_string(),
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
                nulls: Vec::new(),
            },
            vars: BTreeMap::new(),
        }
    }

    fn secrets() -> SecretLookup {
        Arc::new(|name| (name.as_str() == "TOKEN").then(|| SecretString::from("hunter2")))
    }

    fn locate_it(source: &Source, from: &ReadFrom) -> Result<Located, SourceError> {
        locate(source, from, &secrets())
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
