//! Where bytes come from and how they are read.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::{Variables, is_default};
use crate::name::SecretName;

/// One place that bytes come from, after `each` has been expanded.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Source {
    /// Where the bytes are.
    pub origin: Origin,
    /// Its name under `--from DIR` and under an environment's `sources:`; a plain file name, unique per address.
    pub file: String,
    /// How the bytes become rows.
    pub reading: Reading,
    /// The values of `each` for this source; they may stand in the table's `derive`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub vars: Variables,
}

/// The kinds of place that bytes come from. Text may hold `${secret:NAME}`, which only the worker resolves.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase", deny_unknown_fields)]
pub enum Origin {
    /// `https://`, `http://`, `file:` or `s3://`.
    Url {
        /// The address.
        url: String,
        /// Request method; HTTP only.
        #[serde(default, skip_serializing_if = "is_default")]
        method: HttpMethod,
        /// Request headers; HTTP only.
        #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
        headers: BTreeMap<String, String>,
        /// Request body; with POST only.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        body: Option<String>,
    },
    /// A file behind SSH.
    Sftp {
        /// `sftp://name:${secret:PASSWORD}@host/path`; the path is absolute, or begins with `/~/` in the home of whoever logs in.
        url: String,
        /// What the host's public key must have: `SHA256:` and 43 characters of base64, as `ssh-keygen -l` writes it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        host_key: Option<String>,
        /// A private key in OpenSSH's or PEM's form, mostly `${secret:NAME}`, in the place of a password.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        private_key: Option<String>,
    },
    /// A Socrata dataset, paged by `:id`.
    Socrata {
        /// Host, such as `data.lacity.org`.
        host: String,
        /// Four-by-four id, such as `2cy6-i7zn`.
        id: String,
        /// A SoQL condition.
        #[serde(default, rename = "where", skip_serializing_if = "Option::is_none")]
        filter: Option<String>,
        /// A title to look for in the catalog, with `{year}`, to find ids that are not listed yet.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        discover: Option<String>,
        /// Request headers, such as `X-App-Token`.
        #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
        headers: BTreeMap<String, String>,
    },
    /// An item of a DCAT catalog (an ArcGIS hub has one): its best download.
    Dcat {
        /// The catalog's address.
        catalog: String,
        /// The item's identifier.
        item: String,
    },
    /// A layer of an ArcGIS FeatureServer.
    Arcgis {
        /// The layer's address, ending in its number.
        layer: String,
        /// A condition.
        #[serde(default, rename = "where", skip_serializing_if = "Option::is_none")]
        filter: Option<String>,
        /// Request headers.
        #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
        headers: BTreeMap<String, String>,
    },
    /// A CKAN resource.
    Ckan {
        /// The portal's address.
        portal: String,
        /// The resource's id.
        resource: String,
    },
    /// Another database.
    Database {
        /// Connection address; its password is a `${secret:NAME}`.
        url: String,
        /// One `SELECT`.
        query: String,
    },
}

impl Origin {
    /// The word the manifest uses for this kind of place.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Url { .. } | Self::Sftp { .. } => "url",
            Self::Socrata { .. } => "socrata",
            Self::Dcat { .. } => "dcat",
            Self::Arcgis { .. } => "arcgis",
            Self::Ckan { .. } => "ckan",
            Self::Database { .. } => "database",
        }
    }

    /// The names in `${secret:NAME}` of this place.
    pub fn secrets(&self) -> BTreeSet<SecretName> {
        let texts: Vec<&str> = match self {
            Self::Url { url, headers, body, method: _ } => {
                std::iter::once(url).chain(headers.values()).chain(body).map(String::as_str).collect()
            }
            Self::Sftp { url, private_key, host_key: _ } => {
                std::iter::once(url).chain(private_key).map(String::as_str).collect()
            }
            Self::Socrata { filter, headers, .. } | Self::Arcgis { filter, headers, .. } => {
                filter.iter().chain(headers.values()).map(String::as_str).collect()
            }
            Self::Database { url, .. } => vec![url],
            Self::Dcat { .. } | Self::Ckan { .. } => Vec::new(),
        };
        texts.into_iter().flat_map(secret_references).collect()
    }
}

/// The names in `${secret:NAME}` of a text. What is not a valid name is passed over here; validation reports it.
pub fn secret_references(text: &str) -> impl Iterator<Item = SecretName> + '_ {
    text.split("${secret:").skip(1).filter_map(|rest| rest.split_once('}')?.0.parse().ok())
}

/// HTTP request method of a source.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum HttpMethod {
    /// `GET`.
    #[default]
    Get,
    /// `POST`, with a body.
    Post,
}

/// How bytes become rows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Reading {
    /// What the unpacked bytes are.
    pub format: Format,
    /// What they are packed in.
    #[serde(default, skip_serializing_if = "is_default")]
    pub container: Container,
    /// Sheet of a workbook, from 1, or its name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sheet: Option<String>,
    /// Which row holds the column names.
    #[serde(default, skip_serializing_if = "is_default")]
    pub header: HeaderRow,
    /// Text encoding by its WHATWG label; UTF-8 when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub encoding: Option<String>,
    /// Field delimiter of CSV, one byte; the format's own when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub delimiter: Option<char>,
    /// Layer of a GeoPackage; its only one when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub layer: Option<String>,
    /// Where the fields of fixed-width text are.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub fields: Vec<FixedField>,
    /// Texts that mean NULL, beside a blank.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub nulls: Vec<String>,
}

/// Where a field of fixed-width text is, in characters of its line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FixedField {
    /// Its name, as a header row would have it.
    pub name: String,
    /// Its first character, from 1.
    pub start: u32,
    /// How many it has, at least 1; up to the end of the line when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub width: Option<u32>,
}

/// What unpacked bytes are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Format {
    /// Comma-separated, or with a declared delimiter.
    Csv,
    /// Tab-separated.
    Tsv,
    /// Fixed width.
    Fixed,
    /// One JSON array of objects.
    Json,
    /// One JSON object a line.
    Ndjson,
    /// GeoJSON feature collection.
    Geojson,
    /// ESRI shapefile with its companions.
    Shapefile,
    /// GeoPackage.
    Geopackage,
    /// Apache Parquet.
    Parquet,
    /// Excel 97–2003.
    Xls,
    /// Excel since 2007.
    Xlsx,
    /// Rows of a query result; sources of kind `database` only.
    Rows,
}

impl Format {
    /// The word the manifest uses.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Csv => "csv",
            Self::Tsv => "tsv",
            Self::Fixed => "fixed",
            Self::Json => "json",
            Self::Ndjson => "ndjson",
            Self::Geojson => "geojson",
            Self::Shapefile => "shapefile",
            Self::Geopackage => "geopackage",
            Self::Parquet => "parquet",
            Self::Xls => "xls",
            Self::Xlsx => "xlsx",
            Self::Rows => "rows",
        }
    }
}

/// What bytes are packed in.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Container {
    /// Nothing.
    #[default]
    Plain,
    /// A zip archive; `member` names one file in it or is a glob over its paths. Members are read in the order of their names.
    Zip {
        /// Path or glob (`*` also crosses `/`).
        member: String,
    },
    /// gzip, several members allowed.
    Gzip,
    /// Zstandard.
    Zstd,
    /// bzip2.
    Bzip2,
    /// xz.
    Xz,
}

/// Which row holds the column names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum HeaderRow {
    /// The first.
    #[default]
    First,
    /// The first that holds every required column.
    Find,
    /// There is none: fields are the declared columns in order.
    None,
}
