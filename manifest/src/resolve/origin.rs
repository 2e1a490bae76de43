//! The place that bytes come from: which of the six kinds a source is, and its address once the variables of `each` have their values.

use std::collections::{BTreeMap, BTreeSet};

use url::Url;

use super::query::{self, Folder};
use super::source::Texts;
use crate::dataset::{HttpMethod, Origin, Query, Variables};
use crate::document::source::SourceDocument;
use crate::finding::{Code, Span};
use crate::template::Template;
use crate::yaml::{Named, Reader, Spanned};

/// Kinds of place, and the keys that belong to each beside its own.
const KINDS: &[(&str, &[&str])] = &[
    ("url", &["method", "headers", "body", "host_key", "private_key"]),
    ("socrata", &["id", "discover", "where", "headers"]),
    ("dcat", &["item"]),
    ("arcgis", &["where", "headers"]),
    ("ckan", &["resource"]),
    ("database", &["query"]),
];

const SCHEMES: &[&str] = &["https", "http", "file", "s3", "sftp"];

/// How the origin is made for each combination of variables.
pub(crate) enum Recipe {
    Url {
        address: Template,
        base: Option<String>,
        span: Span,
        method: HttpMethod,
        headers: BTreeMap<String, String>,
        body: Option<String>,
        host_key: Option<String>,
        private_key: Option<String>,
    },
    Socrata {
        host: String,
        id: Template,
        span: Span,
        filter: Option<String>,
        discover: Option<String>,
        headers: BTreeMap<String, String>,
    },
    Dcat {
        catalog: String,
        item: Template,
    },
    Arcgis {
        layer: Template,
        span: Span,
        filter: Option<String>,
        headers: BTreeMap<String, String>,
    },
    Ckan {
        portal: String,
        resource: Template,
    },
    Database {
        url: String,
        query: Query,
    },
}

/// Why an origin cannot be made.
pub(crate) struct Refused {
    pub(crate) span: Span,
    pub(crate) why: String,
    pub(crate) help: Option<String>,
}

fn refused<T>(span: Span, why: impl Into<String>, help: &str) -> Result<T, Refused> {
    Err(Refused { span, why: why.into(), help: (!help.is_empty()).then(|| help.to_owned()) })
}

/// The keys of a source that tell its place, each with where its value is.
fn given(document: &Named<SourceDocument>) -> Vec<(&'static str, Span)> {
    let text = |key, value: &Option<Spanned<String>>| value.as_ref().map(|value| (key, value.span));
    [
        text("url", &document.url),
        text("socrata", &document.socrata),
        text("dcat", &document.dcat),
        text("arcgis", &document.arcgis),
        text("ckan", &document.ckan),
        text("database", &document.database),
        document.method.as_ref().map(|value| ("method", value.span)),
        document.headers.as_ref().map(|value| ("headers", value.span)),
        text("body", &document.body),
        text("host_key", &document.host_key),
        text("private_key", &document.private_key),
        text("id", &document.id),
        text("discover", &document.discover),
        text("where", &document.filter),
        text("item", &document.item),
        text("resource", &document.resource),
        text("query", &document.query),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// Which kind the source is, after findings for what does not belong to it.
fn kind(document: &Named<SourceDocument>, reader: &mut Reader) -> Option<&'static str> {
    let given = given(document);
    let kinds: Vec<(&str, Span)> =
        given.iter().filter(|(key, _)| KINDS.iter().any(|(kind, _)| kind == key)).copied().collect();
    let (kind, _) = match kinds[..] {
        [one] => one,
        [] => {
            let message = "this source does not say where it is";
            let finding = reader.report(Code::Source, message, document.name);
            finding.help("write one of url, socrata, dcat, arcgis, ckan and database");
            return None;
        }
        [first, second, ..] => {
            let message = format!("a source is `{}` or `{}`, not both", first.0, second.0);
            reader.report(Code::Source, message, second.1).also(first.1, "the other place");
            return None;
        }
    };
    let (kind, own) = KINDS.iter().find(|(name, _)| *name == kind)?;
    for (key, span) in given.iter().filter(|(key, _)| key != kind && !own.contains(key)) {
        let owner = KINDS.iter().find(|(_, keys)| keys.contains(key)).map_or("another", |(owner, _)| owner);
        let message = format!("`{key}` belongs to a source of kind {owner}, and this one is {kind}");
        reader.report(Code::Source, message, *span);
    }
    Some(kind)
}

fn missing(document: &Named<SourceDocument>, kind: &str, key: &str, reader: &mut Reader) {
    let message = format!("a source of kind {kind} needs `{key}`");
    reader.report(Code::Source, message, document.name);
}

fn check_address(text: &Spanned<String>, schemes: &[&str], reader: &mut Reader) {
    if let Err(why) = address(&text.value, schemes) {
        reader.report(Code::Source, why, text.span);
    }
}

/// Reads the place of a source.
pub(crate) fn recipe(
    document: &Named<SourceDocument>,
    base: Option<&Spanned<String>>,
    folder: Folder<'_>,
    texts: &mut Texts<'_>,
    reader: &mut Reader,
) -> Option<Recipe> {
    let kind = kind(document, reader)?;
    let plain = |text: &Option<Spanned<String>>| text.as_ref().map(|text| text.value.clone());
    let headers = || -> BTreeMap<String, String> {
        let headers = document.headers.iter().flat_map(|headers| headers.iter());
        headers.map(|(name, value)| (name.value.clone(), value.value.clone())).collect()
    };
    Some(match kind {
        "url" => {
            let url = document.url.as_ref()?;
            let method = document.method.as_ref().map(|method| method.value).unwrap_or_default();
            if let (Some(body), HttpMethod::Get) = (&document.body, method) {
                reader.report(Code::Source, "a body goes with a POST", body.span).help("write method: post");
            }
            if let Some(host_key) = document.host_key.as_ref().filter(|host_key| !is_fingerprint(host_key)) {
                let message = format!("`{}` is not the fingerprint of a key", host_key.value);
                let finding = reader.report(Code::Source, message, host_key.span);
                finding.help("it is SHA256: and 43 characters, as `ssh-keyscan HOST | ssh-keygen -lf -` writes it");
            }
            Recipe::Url {
                address: texts.address(url, reader)?,
                base: base.map(|base| base.value.clone()),
                span: url.span,
                method,
                headers: headers(),
                body: plain(&document.body),
                host_key: plain(&document.host_key),
                private_key: plain(&document.private_key),
            }
        }
        "socrata" => {
            let host = document.socrata.as_ref()?;
            if host.contains('/') || !host.contains('.') {
                let message = format!("`{}` is not the name of a host", host.value);
                reader
                    .report(Code::Source, message, host.span)
                    .help("write data.lacity.org or the like, without https://");
            }
            let id = match &document.id {
                Some(id) => texts.template(id, reader)?,
                None if texts.has("id") => texts.variable("id"),
                None => {
                    missing(document, kind, "id", reader);
                    return None;
                }
            };
            let span = document.id.as_ref().map_or(host.span, |id| id.span);
            let (filter, discover) = (plain(&document.filter), plain(&document.discover));
            Recipe::Socrata { host: host.value.clone(), id, span, filter, discover, headers: headers() }
        }
        "dcat" => {
            let catalog = document.dcat.as_ref()?;
            check_address(catalog, &["https", "http"], reader);
            let Some(item) = &document.item else {
                missing(document, kind, "item", reader);
                return None;
            };
            Recipe::Dcat { catalog: catalog.value.clone(), item: texts.template(item, reader)? }
        }
        "arcgis" => {
            let layer = document.arcgis.as_ref()?;
            let (filter, headers) = (plain(&document.filter), headers());
            Recipe::Arcgis { layer: texts.template(layer, reader)?, span: layer.span, filter, headers }
        }
        "ckan" => {
            let portal = document.ckan.as_ref()?;
            check_address(portal, &["https", "http"], reader);
            let Some(resource) = &document.resource else {
                missing(document, kind, "resource", reader);
                return None;
            };
            Recipe::Ckan { portal: portal.value.clone(), resource: texts.template(resource, reader)? }
        }
        _ => {
            let url = document.database.as_ref()?;
            if !url.starts_with("${secret:") {
                check_address(url, &[], reader);
            }
            let Some(query) = &document.query else {
                missing(document, kind, "query", reader);
                return None;
            };
            Recipe::Database { url: url.value.clone(), query: query::select(query, folder, reader)? }
        }
    })
}

impl Recipe {
    pub(crate) fn kind(&self) -> &'static str {
        match self {
            Self::Url { .. } => "url",
            Self::Socrata { .. } => "socrata",
            Self::Dcat { .. } => "dcat",
            Self::Arcgis { .. } => "arcgis",
            Self::Ckan { .. } => "ckan",
            Self::Database { .. } => "database",
        }
    }

    /// The origin for one combination of variables.
    pub(crate) fn origin(&self, variables: &Variables) -> Result<Origin, Refused> {
        // Every name was checked when the template was read.
        let fill = |template: &Template| {
            template.fill(|name| variables.get(name).map(String::as_str)).unwrap_or_else(ToOwned::to_owned)
        };
        Ok(match self {
            Self::Url { address: template, base, span, method, headers, body, host_key, private_key } => {
                let url = joined(base.as_deref(), &fill(template));
                let scheme = match address(&url, SCHEMES) {
                    Err(_) if base.is_none() && !url.contains("://") && !url.starts_with("file:") => {
                        return refused(
                            *span,
                            format!("`{url}` is not a whole address"),
                            "write https://… or give the table a base:",
                        );
                    }
                    Err(why) => return refused(*span, why, ""),
                    Ok(scheme) => scheme,
                };
                let request = *method != HttpMethod::Get || !headers.is_empty() || body.is_some();
                if request && !scheme.starts_with("http") {
                    return refused(*span, format!("method, headers and body belong to HTTP, not to {scheme}:"), "");
                }
                if scheme != "sftp" {
                    if host_key.is_some() || private_key.is_some() {
                        let why = format!("host_key and private_key belong to SFTP, not to {scheme}:");
                        return refused(*span, why, "");
                    }
                    return Ok(Origin::Url { url, method: *method, headers: headers.clone(), body: body.clone() });
                }
                if let Err((why, help)) = login(&url, private_key.as_deref()) {
                    return refused(*span, why, help);
                }
                Origin::Sftp { url, host_key: host_key.clone(), private_key: private_key.clone() }
            }
            Self::Socrata { host, id, span, filter, discover, headers } => {
                let id = fill(id);
                let four =
                    |part: &str| part.len() == 4 && part.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit());
                if !id.split_once('-').is_some_and(|(first, second)| four(first) && four(second)) {
                    return refused(
                        *span,
                        format!("`{id}` is not the id of a Socrata dataset"),
                        "ids look like wvxf-dwi5",
                    );
                }
                Origin::Socrata {
                    host: host.clone(),
                    id,
                    filter: filter.clone(),
                    discover: discover.clone(),
                    headers: headers.clone(),
                }
            }
            Self::Dcat { catalog, item } => Origin::Dcat { catalog: catalog.clone(), item: fill(item) },
            Self::Arcgis { layer, span, filter, headers } => {
                let layer = fill(layer);
                if let Err(why) = address(&layer, &["https", "http"]) {
                    return refused(*span, why, "");
                }
                let number = layer.trim_end_matches('/').rsplit('/').next().unwrap_or_default();
                if number.is_empty() || !number.bytes().all(|byte| byte.is_ascii_digit()) {
                    return refused(*span, "the address of a layer ends in its number", "…/FeatureServer/0");
                }
                Origin::Arcgis { layer, filter: filter.clone(), headers: headers.clone() }
            }
            Self::Ckan { portal, resource } => Origin::Ckan { portal: portal.clone(), resource: fill(resource) },
            Self::Database { url, query } => Origin::Database { url: url.clone(), query: query.sql.clone() },
        })
    }
}

fn joined(base: Option<&str>, url: &str) -> String {
    match base {
        Some(base) if !url.contains("://") => format!("{}/{}", base.trim_end_matches('/'), url.trim_start_matches('/')),
        _ => url.to_owned(),
    }
}

/// Whether a text is what `ssh-keygen -l` writes of a key.
fn is_fingerprint(text: &str) -> bool {
    let base64 = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/');
    text.strip_prefix("SHA256:").is_some_and(|hash| hash.len() == 43 && hash.bytes().all(base64))
}

/// What is wrong with the way somebody logs in to an SFTP host, and what to do.
fn login(url: &str, private_key: Option<&str>) -> Result<(), (&'static str, &'static str)> {
    let authority = url.strip_prefix("sftp://").and_then(|rest| rest.split('/').next()).unwrap_or_default();
    let who = authority.rsplit_once('@').map_or("", |(who, _)| who);
    // The colon in ${secret:NAME} parts nothing.
    let has_password = who.replace("${secret:", "").contains(':');
    match private_key {
        _ if who.is_empty() => Err(("nobody is named who logs in", "write sftp://name:${secret:PASSWORD}@host/path")),
        None if !has_password => Err((
            "there is neither a password nor a private key",
            "write name:${secret:PASSWORD}@, or private_key: ${secret:NAME}",
        )),
        Some(_) if has_password => Err(("one logs in by a password or by a private key, not by both", "")),
        Some(key) if !key.contains("${secret:") => {
            Err(("a private key stands in the manifest", "write ${secret:NAME} in its place"))
        }
        _ => Ok(()),
    }
}

/// The scheme of an address, or what is wrong with it. A secret stands for any text.
pub(crate) fn address(text: &str, schemes: &[&str]) -> Result<String, String> {
    let mut plain = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("${") {
        plain.push_str(before);
        plain.push_str("secret");
        rest = after.split_once('}').map_or("", |(_, rest)| rest);
    }
    plain.push_str(rest);
    if plain.contains(char::is_whitespace) {
        return Err("an address has no blanks; write %20".to_owned());
    }
    let url = Url::parse(&plain).map_err(|error| format!("`{text}` is not an address: {error}"))?;
    if !schemes.is_empty() && !schemes.contains(&url.scheme()) {
        let known: BTreeSet<&str> = schemes.iter().copied().collect();
        let known: Vec<&str> = known.into_iter().collect();
        return Err(format!("an address begins with {}, not {}:", known.join(", "), url.scheme()));
    }
    if url.password().is_some_and(|password| password != "secret") {
        return Err("a password stands in the address; write ${secret:NAME} in its place".to_owned());
    }
    Ok(url.scheme().to_owned())
}
