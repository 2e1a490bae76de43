//! What a database's catalog says of the types that it has made itself, so that values of them are read like any.

use std::collections::BTreeMap;

use manifest::dataset::{Table, TypeName};
use value::{Kind, Type};

/// The types of a table's columns that are not built in. One that is not among them is left to the server.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct OwnTypes(BTreeMap<TypeName, OwnType>);

/// A type of the database's own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OwnType {
    /// How its text is read.
    pub kind: Kind,
    /// A domain that takes no NULL.
    pub is_required: bool,
    /// The type that its values are copied as, where the server has to judge them before they are of this type.
    pub judged_as: Option<String>,
}

/// A table, and what its database says of its columns' types.
#[derive(Debug, Clone)]
pub struct Typed {
    /// As the manifest has it.
    pub table: Table,
    /// The types that are not built in.
    pub types: OwnTypes,
}

/// Without a database, so that types of its own are taken for text.
impl From<Table> for Typed {
    fn from(table: Table) -> Self {
        Self { table, types: OwnTypes::default() }
    }
}

impl OwnTypes {
    /// Whether a type is none of PostgreSQL's that are encoded here.
    pub fn is_own(name: &TypeName) -> bool {
        name.as_str().parse::<Type>().is_err()
    }

    /// What the catalog said of a type.
    pub fn of(&self, name: &TypeName) -> Option<&OwnType> {
        self.0.get(name)
    }

    /// How the text of a column of this type is read.
    pub(super) fn kind(&self, name: &TypeName) -> Kind {
        match name.as_str().parse::<Type>() {
            Ok(built_in) => built_in.into(),
            Err(_) => self.of(name).map_or(Kind::Foreign, |own| own.kind.clone()),
        }
    }
}

impl FromIterator<(TypeName, OwnType)> for OwnTypes {
    fn from_iter<I: IntoIterator<Item = (TypeName, OwnType)>>(types: I) -> Self {
        Self(types.into_iter().collect())
    }
}
