//! When two values of a column are the same, so that only what differs is written. PostgreSQL's own `IS DISTINCT FROM` says
//! so for most types; some have no equality, or one that takes for equal what a reader can tell apart.

use manifest::dataset::TypeName;

/// How a value is compared with another of its column. Text goes by its characters, whatever the collation takes for equal;
/// numbers by their value, whatever their scale; `json` by what it says, whatever its blanks and the order of its keys.
pub(super) fn comparable(value: &str, type_name: &TypeName) -> String {
    let spelled = type_name.as_str();
    let element = spelled.trim_end_matches("[]");
    let array = if element.len() == spelled.len() { "" } else { "[]" };
    match element.split('(').next().unwrap_or(element) {
        "text" | "varchar" | "char" => format!("{value} COLLATE pg_catalog.\"C\""),
        "citext" => format!("{value}::text{array} COLLATE pg_catalog.\"C\""),
        "json" => format!("{value}::jsonb{array}"),
        // Their `=` compares boxes, areas or lengths, or is not there at all; `1 month` is `30 days` to an interval.
        "xml" | "point" | "line" | "lseg" | "box" | "path" | "polygon" | "circle" | "interval" => {
            format!("{value}::text{array}")
        }
        "geometry" | "geography" if array.is_empty() => format!("{value}::bytea"),
        _ => value.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(type_name: &str) -> String {
        comparable("s.x", &serde_json::from_value(serde_json::json!(type_name)).unwrap())
    }

    #[test]
    fn values_are_compared_by_what_a_reader_can_tell_apart() {
        assert_eq!(of("integer"), "s.x");
        assert_eq!(of("numeric(9,2)"), "s.x");
        assert_eq!(of("char(10)"), "s.x COLLATE pg_catalog.\"C\"");
        assert_eq!(of("text[]"), "s.x COLLATE pg_catalog.\"C\"");
        assert_eq!(of("json"), "s.x::jsonb");
        assert_eq!(of("json[]"), "s.x::jsonb[]");
        assert_eq!(of("geometry(point,2263)"), "s.x::bytea");
        assert_eq!(of("polygon"), "s.x::text");
    }
}
