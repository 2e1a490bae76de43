//! The column of a table that takes the shapes of a format that has them: by its type, for such formats give them no name, or each
//! another one.

use manifest::Identifier;
use manifest::dataset::Table;
use value::{Geometry, Scalar, Type};

use super::error::ReadError;
use super::layout::copied_columns;

/// A column of geometry.
#[derive(Debug, Clone)]
pub(super) struct GeometryColumn {
    name: Identifier,
    declared: Geometry,
}

impl GeometryColumn {
    /// The first such column that is not made from others.
    pub(super) fn of(table: &Table) -> Option<Self> {
        copied_columns(table).filter(|column| !table.derive.contains_key(&column.name)).find_map(|column| match column
            .type_name
            .as_str()
            .parse()
        {
            Ok(Type::Scalar(Scalar::Geometry(declared))) => Some(Self { name: column.name.clone(), declared }),
            _ => None,
        })
    }

    /// Its name.
    pub(super) fn name(&self) -> &str {
        self.name.as_str()
    }

    /// Refuses coordinates of another reference system than the declared one, as far as the source tells its own: they would be
    /// shown in another part of the world.
    pub(super) fn check(&self, of_source: Option<u32>, file: impl FnOnce() -> String) -> Result<(), ReadError> {
        match of_source {
            Some(of_source) if self.declared.srid > 0 && of_source != self.declared.srid => Err(ReadError::Srid {
                file: file(),
                column: self.name.clone(),
                declared: self.declared.srid,
                of_source,
            }),
            _ => Ok(()),
        }
    }
}
