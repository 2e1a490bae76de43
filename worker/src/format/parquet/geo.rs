//! What a GeoParquet file says of its shapes: which column they are in, and of which reference system.

use parquet::basic::LogicalType;
use parquet::schema::types::SchemaDescriptor;
use serde_json::Value;

/// The column of shapes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Geo {
    pub(super) column: String,
    /// The number in EPSG, where that is what the file says.
    pub(super) srid: Option<u32>,
}

/// Longitude and latitude, which is what is meant where nothing is said.
const LONLAT: u32 = 4326;

impl Geo {
    /// Reads the metadata `geo`; `None` where they name no column of well-known binary.
    pub(super) fn read(text: &str) -> Option<Self> {
        let geo: Value = serde_json::from_str(text).ok()?;
        let column = geo["primary_column"].as_str()?;
        let described = &geo["columns"][column];
        if !described["encoding"].as_str()?.eq_ignore_ascii_case("wkb") {
            return None;
        }
        let srid = match described.get("crs") {
            None => Some(LONLAT),
            Some(Value::Null) => None,
            Some(crs) => numbered(crs["id"]["authority"].as_str(), &crs["id"]["code"]),
        };
        Some(Self { column: column.to_owned(), srid })
    }

    /// The first column that is annotated as one of shapes.
    pub(super) fn annotated(schema: &SchemaDescriptor) -> Option<Self> {
        schema.columns().iter().find_map(|column| {
            let crs = match column.logical_type_ref()? {
                LogicalType::Geometry(shape) => shape.crs.clone(),
                LogicalType::Geography(shape) => shape.crs.clone(),
                _ => return None,
            };
            let srid = match crs.as_deref().map(|crs| crs.split_once(':')) {
                None => Some(LONLAT),
                Some(Some((authority, code))) => numbered(Some(authority), &Value::from(code)),
                Some(None) => None,
            };
            Some(Self { column: column.name().to_owned(), srid })
        })
    }
}

/// The number of a system in EPSG.
fn numbered(authority: Option<&str>, code: &Value) -> Option<u32> {
    let number = || code.as_u64().and_then(|code| u32::try_from(code).ok()).or_else(|| code.as_str()?.parse().ok());
    match authority?.to_ascii_uppercase().as_str() {
        "EPSG" | "SRID" => number(),
        "OGC" if code.as_str().is_some_and(|code| code.eq_ignore_ascii_case("CRS84")) => Some(LONLAT),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_column_of_shapes_and_its_system_are_read() {
        for (crs, srid) in [
            ("", Some(4326)),
            (r#","crs":null"#, None),
            (r#","crs":{"id":{"authority":"EPSG","code":2263}}"#, Some(2263)),
            (r#","crs":{"id":{"authority":"OGC","code":"CRS84"}}"#, Some(4326)),
            (r#","crs":{"name":"somewhere"}"#, None),
        ] {
            let text = format!(r#"{{"primary_column":"g","columns":{{"g":{{"encoding":"WKB"{crs}}}}}}}"#);
            assert_eq!(Geo::read(&text), Some(Geo { column: "g".to_owned(), srid }), "{crs}");
        }
        assert_eq!(Geo::read(r#"{"primary_column":"g","columns":{"g":{"encoding":"point"}}}"#), None);
        assert_eq!(Geo::read("{"), None);
    }
}
