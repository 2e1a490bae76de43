//! The columns that a table takes from its source (`"*": source`), before anything else is known of them: the first source is opened and
//! only its own description, or its first records, are looked at.

use std::sync::Arc;

use encoding_rs::UTF_8;
use manifest::Identifier;
use manifest::dataset::{Column, Container, Format, Nullability, Source, Table, TypeName, header_key};
use tokio_util::sync::CancellationToken;

use super::error::ReadError;
use super::formats::{is_sought, spooled};
use super::incoming::{Incoming, packing, unpack};
use super::reader::label;
use crate::format::geopackage::GeoPackage;
use crate::format::parquet::Parquet;
use crate::format::shapefile::{self, Label, Members};
use crate::format::{Archive, Blocks, FormatError, SourceColumn, json, json_text};
use crate::source::{Access, Input, SourceError, ToldColumn, Use};
use crate::spool::{SharedFile, Spool};

/// Longest name of a column.
const NAME_MAX: usize = 63;

/// The table with the columns of its first source in the place of `"*"`. One whose sources are all absent stays as it is.
pub async fn describe(access: &Arc<Access>, table: &Table, cancel: &CancellationToken) -> Result<Table, ReadError> {
    let Some(source) = access.sources(table)?.into_iter().next().cloned() else { return Ok(table.clone()) };
    if let Some(told) = access.columns(&source, cancel).await? {
        let column = |ToldColumn { name, type_name }| SourceColumn { name, type_name };
        // Regions that the portal computes are of its system, and no column has such a name.
        let of_rows = told.into_iter().filter(|column| !column.name.starts_with(':')).map(column);
        return with_columns(table.clone(), &of_rows.collect::<Vec<_>>())
            .map_err(|error| ReadError::format(source.file.clone(), error));
    }
    let opened = access.open(&source, Use::Seek, cancel).await?;
    let coding = opened.coding;
    let (input, _) = opened.into_parts();
    let (described, access) = (table.clone(), Arc::clone(access));
    let reading = tokio::task::spawn_blocking(move || {
        let in_file = |error| ReadError::format(source.file.clone(), error);
        let spool = access.spool();
        let columns = match (&source.reading.container, input) {
            (Container::Zip { member }, Input::File(file, _)) => in_archive(spool, &source, member, &file)?,
            (_, input) => {
                let mut incoming = Incoming::new(input);
                let packing = packing(&source.reading.container);
                columns(spool, &source, None, unpack(&mut incoming, coding, packing).map_err(in_file)?)?
            }
        };
        with_columns(described, &columns).map_err(in_file)
    });
    match reading.await {
        Ok(described) => described,
        Err(error) if error.is_panic() => std::panic::resume_unwind(error.into_panic()),
        Err(_) => Err(SourceError::Stopped.into()),
    }
}

fn in_archive(spool: &Spool, source: &Source, member: &str, file: &SharedFile) -> Result<Vec<SourceColumn>, ReadError> {
    let in_file = |error| ReadError::format(source.file.clone(), error);
    let mut archive = Archive::open(file.clone()).map_err(in_file)?;
    let is_shapefile = source.reading.format == Format::Shapefile;
    let fits = |name: &String| !is_shapefile || name.to_lowercase().ends_with(".shp");
    let Some(name) = archive.members(member).map_err(in_file)?.into_iter().find(fits) else {
        let (member, members) = ("*.shp".to_owned(), archive.files().map_err(in_file)?);
        return Err(in_file(FormatError::ZipNoMember { member, members }));
    };
    let in_member = |error| ReadError::format(label(source, Some(&name)), error);
    if !is_shapefile {
        let bytes = archive.read(&name).map_err(in_member)?;
        return columns(spool, source, Some(&name), bytes);
    }
    let members = Members::of(&name, &archive.files().map_err(in_member)?).map_err(in_member)?;
    let mut other = Archive::open(file.clone()).map_err(in_member)?;
    let shp = archive.read(&members.shp).map_err(in_member)?;
    let dbf = other.read(&members.dbf).map_err(in_member)?;
    let records = shapefile::Records::new(shp, dbf, Label::default(), "geom").map_err(in_member)?;
    Ok(records.columns())
}

/// The columns of unpacked bytes.
fn columns(
    spool: &Spool,
    source: &Source,
    member: Option<&str>,
    bytes: impl Blocks,
) -> Result<Vec<SourceColumn>, ReadError> {
    let label = label(source, member);
    let format = source.reading.format;
    if !is_sought(format) {
        let features = json_text(bytes, UTF_8).and_then(|text| json::Records::new(text, format, "geom"));
        return features.map(|features| features.columns()).map_err(|error| ReadError::format(label, error));
    }
    let file = spooled(spool, &label, bytes, || Ok(()))?;
    let columns = if format == Format::Geopackage {
        let package = GeoPackage::open(&file, spool);
        let package = package.map_err(|error| SourceError::Spool { address: label.clone(), error })?;
        let layer = package.and_then(|package| package.layer(source.reading.layer.as_deref()));
        layer.map(|layer| layer.columns())
    } else {
        Parquet::open(file).map(|parquet| parquet.columns())
    };
    columns.map_err(|error| ReadError::format(label, error))
}

/// The table with these columns beside those that it declares, under their names as PostgreSQL would have them.
fn with_columns(mut table: Table, columns: &[SourceColumn]) -> Result<Table, FormatError> {
    let mut at = table.source_columns_at.take().unwrap_or(table.columns.len());
    let skipped = |name: &str| table.skip.iter().any(|skipped| header_key(skipped) == header_key(name));
    let renamed = |name: &str| table.rename.keys().any(|renamed| header_key(renamed) == header_key(name));
    let wanted: Vec<&SourceColumn> =
        columns.iter().filter(|column| !skipped(&column.name) && !renamed(&column.name)).collect();
    for column in wanted {
        let key = header_key(&column.name);
        if table.columns.iter().any(|declared| header_key(declared.name.as_str()) == key) {
            continue;
        }
        let name = identifier(&column.name).ok_or_else(|| FormatError::Unnamed { name: column.name.clone() })?;
        let type_name = TypeName::of_server(column.type_name);
        table.columns.insert(at, Column { name, type_name, nullability: Nullability::Nullable });
        at += 1;
    }
    Ok(table)
}

/// A name in lower case, with an underscore for each run of what no name holds.
fn identifier(name: &str) -> Option<Identifier> {
    let mut plain = String::new();
    for c in name.trim().to_lowercase().chars() {
        if c.is_alphanumeric() {
            plain.push(c);
        } else if !plain.ends_with('_') {
            plain.push('_');
        }
    }
    if plain.starts_with(|c: char| c.is_ascii_digit()) {
        plain.insert(0, '_');
    }
    while plain.len() > NAME_MAX {
        plain.pop();
    }
    plain.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::super::layout::tests::table;
    use super::*;

    #[test]
    fn columns_of_the_source_stand_where_the_star_does_under_plain_names() {
        let mut given = table(&["gid bigint identity", "pop_2020 integer", "geom geometry(multipolygon,2263)"]);
        given.source_columns_at = Some(1);
        given.skip.insert("Shape_Leng".into());
        given.rename.insert("POP".into(), "pop_2020".parse().unwrap());
        let column = |name: &str, type_name| SourceColumn { name: name.to_owned(), type_name };
        let columns = [
            column("ZIPCODE", "text"),
            column("Shape_Leng", "numeric"),
            column("POP", "numeric"),
            column("2nd % share", "numeric"),
            column("Pop 2020", "text"),
        ];
        let described = with_columns(given, &columns).unwrap();
        let names: Vec<_> =
            described.columns.iter().map(|column| format!("{} {}", column.name, column.type_name)).collect();
        let expected = [
            "gid bigint",
            "zipcode text",
            "_2nd_share numeric",
            "pop_2020 integer",
            "geom geometry(multipolygon,2263)",
        ];
        assert_eq!(names, expected);
        assert_eq!(described.source_columns_at, None);
    }
}
