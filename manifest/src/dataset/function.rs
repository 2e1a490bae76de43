//! Functions of derived columns: what each takes, and the types that hold what it makes.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::type_name::{Family, TypeName};

/// A function that makes a column of others.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Function {
    /// New York City's ten-digit number of a lot, of its borough, block and lot or of a number written in another way.
    Bbl,
    /// A street's name as New York City's agencies write it out.
    Street,
    /// An apartment's designation without what varies.
    Apartment,
    /// What a code of New York City's land use map means.
    LandUse,
    /// A point of longitude and latitude in WGS 84.
    Point,
    /// MD5 of a text, in hexadecimal.
    Md5,
    /// SHA-256 of a text, in hexadecimal.
    Sha256,
}

impl Function {
    /// All there are.
    pub const ALL: [Self; 7] =
        [Self::Bbl, Self::Street, Self::Apartment, Self::LandUse, Self::Point, Self::Md5, Self::Sha256];

    /// The word in manifests.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Bbl => "bbl",
            Self::Street => "street",
            Self::Apartment => "apartment",
            Self::LandUse => "landuse",
            Self::Point => "point",
            Self::Md5 => "md5",
            Self::Sha256 => "sha256",
        }
    }

    /// What it takes, in each way that it can be called.
    pub fn takes(self) -> &'static [&'static [&'static str]] {
        match self {
            Self::Bbl => &[&["borough", "block", "lot"], &["number"]],
            Self::Street => &[&["name"]],
            Self::Apartment => &[&["designation"]],
            Self::LandUse => &[&["code"]],
            Self::Point => &[&["longitude", "latitude"]],
            Self::Md5 | Self::Sha256 => &[&["column"]],
        }
    }

    /// How it is written in a manifest: `bbl(borough, block, lot) or bbl(number)`.
    pub fn usage(self) -> String {
        let calls = self.takes().iter().map(|names| format!("{self}({})", names.join(", ")));
        calls.collect::<Vec<_>>().join(" or ")
    }

    /// Whether a column of this type holds what it makes; what to declare where not.
    pub fn suits(self, type_name: &TypeName) -> Result<(), &'static str> {
        let (fits, instead) = match self {
            Self::Bbl => (type_name.family() == Family::Text, "char(10)"),
            Self::Street | Self::Apartment | Self::LandUse => (type_name.family() == Family::Text, "text"),
            Self::Md5 | Self::Sha256 => (type_name.family() == Family::Text || type_name.as_str() == "bytea", "text"),
            Self::Point => (holds_points(type_name.as_str()), "geometry(Point, 4326)"),
        };
        if fits { Ok(()) } else { Err(instead) }
    }
}

/// Whether a type holds points of longitude and latitude. One that says nothing of its reference system holds any.
fn holds_points(type_name: &str) -> bool {
    let (name, modifier) = type_name.split_once('(').unwrap_or((type_name, ")"));
    let mut parts = modifier.trim_end_matches(')').split(',');
    let (shape, system) = (parts.next().unwrap_or_default(), parts.next());
    matches!(name, "geometry" | "geography")
        && matches!(shape, "" | "point" | "geometry")
        && system.is_none_or(|system| system == "4326")
}

impl fmt::Display for Function {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Function {
    type Err = ();

    fn from_str(name: &str) -> Result<Self, ()> {
        Self::ALL.into_iter().find(|function| function.as_str() == name).ok_or(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn type_name(text: &str) -> TypeName {
        TypeName::parse(text).unwrap()
    }

    #[test]
    fn a_function_is_called_by_the_word_that_the_definition_carries() {
        for function in Function::ALL {
            assert_eq!(function.as_str().parse(), Ok(function));
            assert_eq!(serde_json::to_string(&function).unwrap(), format!("\"{function}\""));
        }
        assert_eq!(Function::Bbl.usage(), "bbl(borough, block, lot) or bbl(number)");
    }

    #[test]
    fn points_are_held_by_geometries_of_their_own_reference_system() {
        for fits in ["geometry", "geometry(Point)", "geometry(Point, 4326)", "geography(Point, 4326)"] {
            assert_eq!(Function::Point.suits(&type_name(fits)), Ok(()), "{fits}");
        }
        for other in ["geometry(Point, 2263)", "geometry(Polygon, 4326)", "point", "text"] {
            assert_eq!(Function::Point.suits(&type_name(other)), Err("geometry(Point, 4326)"), "{other}");
        }
        assert_eq!(Function::Sha256.suits(&type_name("bytea")), Ok(()));
        assert_eq!(Function::Bbl.suits(&type_name("bigint")), Err("char(10)"));
    }
}
