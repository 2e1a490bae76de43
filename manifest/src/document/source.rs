//! A source of a table: one of six kinds of place, and how its bytes are read.

use crate::dataset::{Format, HeaderRow, HttpMethod};
use crate::yaml::{Keyed, OneOrMany, Spanned, Text, document};

document! {
    /// Where bytes come from: exactly one of url, socrata, dcat, arcgis, ckan and database.
    pub(crate) struct SourceDocument {
        /// An address: https, http, file, s3 or sftp; behind `base:` a path.
        url: Option<Spanned<String>>,
        /// Request method of an HTTP address.
        method: Option<Spanned<HttpMethod>>,
        /// Request headers of an HTTP address, a Socrata portal or an ArcGIS layer.
        headers: Option<Spanned<Keyed<String, Spanned<String>>>>,
        /// Request body of a POST.
        body: Option<Spanned<String>>,
        /// Fingerprint of an SFTP host's public key, SHA256:…, as its publisher tells it.
        host_key: Option<Spanned<String>>,
        /// The private key that an SFTP host knows, as ${secret:NAME}; a password stands in the address instead.
        private_key: Option<Spanned<String>>,
        /// Host of a Socrata portal, such as data.lacity.org.
        socrata: Option<Spanned<String>>,
        /// Four-by-four id of a Socrata dataset.
        id: Option<Spanned<String>>,
        /// A title to look for in the portal's catalog, with {year}.
        discover: Option<Spanned<String>>,
        /// Address of a DCAT catalog.
        dcat: Option<Spanned<String>>,
        /// Identifier of an item of the catalog.
        item: Option<Spanned<String>>,
        /// Address of a layer of an ArcGIS FeatureServer, ending in its number.
        arcgis: Option<Spanned<String>>,
        /// A condition for rows, in the service's own language.
        filter as "where": Option<Spanned<String>>,
        /// Address of a CKAN portal.
        ckan: Option<Spanned<String>>,
        /// Id of a CKAN resource.
        resource: Option<Spanned<String>>,
        /// Address of another database; its password is a ${secret:NAME}.
        database: Option<Spanned<String>>,
        /// The file with the one SELECT for another database.
        query: Option<Spanned<String>>,
        /// Its name under --from DIR and under an environment's sources; the last part of the address when absent.
        file: Option<Spanned<String>>,
        /// Variables, each with its values; the source stands once for every combination.
        each: Option<Keyed<String, OneOrMany<Spanned<Text>>>>,
        /// What the bytes are, where the file's name does not tell.
        format: Option<Spanned<Format>>,
        /// A file in a zip archive, or a pattern for several.
        member: Option<Spanned<String>>,
        /// Sheet of a workbook, from 1, or its name.
        sheet: Option<Spanned<Text>>,
        /// Which row holds the column names.
        header: Option<Spanned<HeaderRow>>,
        /// Text encoding, such as windows-1252; UTF-8 when absent.
        encoding: Option<Spanned<String>>,
        /// What parts the fields; a comma when absent.
        delimiter: Option<Spanned<char>>,
        /// Layer of a GeoPackage; its only one when absent.
        layer: Option<Spanned<String>>,
        /// Field of fixed-width text → its characters, from 1: 5-9, or 5+5 for five from the fifth on, 5 for one, 5- to the end of the line.
        fields: Option<Spanned<Keyed<String, Spanned<Text>>>>,
        /// Texts that mean NULL, beside a blank.
        nulls: Option<OneOrMany<Spanned<Text>>>,
    }
}
