//! What the database knows of the types that it has made itself. Column types as it spells them come in; for each, how its text is
//! read goes out. Enums and domains are read like any type; what only the server can judge is copied as something plainer first.

use std::collections::BTreeMap;

use manifest::dataset::{Table, TypeName};
use tokio_postgres::Row;
use value::{Kind, Labels, Scalar, Type};

use super::Blueprint;
use super::judge::Judged;
use crate::postgres::{self, Connection};
use crate::reading::{OwnType, OwnTypes};

const QUERY: &str = include_str!("catalog.sql");

/// Asks for the types of a table's columns that are not built in.
///
/// # Errors
/// The database's own.
pub async fn own_types(
    connection: &Connection,
    table: &Table,
    blueprint: &Blueprint,
) -> Result<OwnTypes, postgres::Error> {
    let mut spelled: BTreeMap<&str, &TypeName> = BTreeMap::new();
    for plan in blueprint.copied() {
        let declared = table.columns.iter().find(|column| column.name == plan.name);
        let own = declared.filter(|column| OwnTypes::is_own(&column.type_name));
        spelled.extend(own.map(|column| (plan.type_name.as_str(), &column.type_name)));
    }
    if spelled.is_empty() {
        return Ok(OwnTypes::default());
    }
    let names: Vec<&str> = spelled.keys().copied().collect();
    let mut types = Vec::new();
    for row in connection.rows("read what types are made of", QUERY, &[&names]).await? {
        let name: &str = row.get("spelled");
        let mut own = own_type(&row);
        own.is_required |= row.get::<_, bool>("checked") && !takes_null(connection, name).await?;
        types.extend(spelled.get(name).map(|declared| ((*declared).clone(), own)));
    }
    Ok(types.into_iter().collect())
}

/// Whether the checks of a domain let NULL pass, as they do unless they are about it.
async fn takes_null(connection: &Connection, domain: &str) -> Result<bool, postgres::Error> {
    match connection.batch("try a domain with NULL", &format!("SELECT NULL::{domain}")).await {
        Ok(()) => Ok(true),
        Err(postgres::Error::Statement(refusal)) if refusal.state.code().starts_with("23") => Ok(false),
        Err(error) => Err(error),
    }
}

/// The columns that only the server can judge, once they are copied.
pub fn judged(table: &Table, blueprint: &Blueprint, types: &OwnTypes) -> Vec<Judged> {
    let judged = blueprint.copied().filter_map(|plan| {
        let declared = table.columns.iter().find(|column| column.name == plan.name)?;
        let own = types.of(&declared.type_name)?;
        let is_required = own.is_required || plan.nullability == manifest::dataset::Nullability::NotNull;
        let raw_type = own.judged_as.clone()?;
        Some(Judged { column: plan.name.clone(), type_name: plan.type_name.clone(), raw_type, is_required })
    });
    judged.collect()
}

fn own_type(row: &Row) -> OwnType {
    let one = match row.get::<_, Option<Vec<String>>>("labels") {
        Some(labels) => Kind::Enum(Labels::new(labels)),
        // Text that compares in its own way, and is written like any.
        None if row.get::<_, Option<&str>>("receive") == Some("citextrecv") => Type::Scalar(Scalar::Text).into(),
        None => row.get::<_, &str>("one").parse().map_or(Kind::Foreign, Kind::BuiltIn),
    };
    let base: &str = row.get("base");
    let kind = match (base.parse::<Type>(), row.get::<_, Option<u32>>("element")) {
        (Ok(built_in), _) => built_in.into(),
        (Err(_), Some(_)) if one == Kind::Foreign => Kind::Foreign,
        (Err(_), Some(element)) => Kind::Array(Box::new(one), element),
        (Err(_), None) => one,
    };
    let judged_as = match kind {
        Kind::Foreign => Some("text".to_owned()),
        _ => row.get::<_, bool>("checked").then(|| base.to_owned()),
    };
    OwnType { kind, is_required: row.get("not_null"), judged_as }
}
