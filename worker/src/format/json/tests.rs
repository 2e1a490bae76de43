use super::*;
use crate::format::Impostor;
use crate::format::blocks::tests::Pieces;

type Rows = Vec<(u64, Vec<Option<String>>)>;

fn open(format: Format, text: &str, cuts: &[usize]) -> Result<Records<Pieces>, FormatError> {
    Records::new(Pieces::cut(text.as_bytes(), cuts), format, "geom")
}

fn rows(records: &mut Records<Pieces>) -> Result<Rows, FormatError> {
    let mut rows = Vec::new();
    while let Some(record) = records.read()? {
        let field =
            |index| (!record.is_absent(index)).then(|| String::from_utf8_lossy(record.field(index)).into_owned());
        rows.push((record.place().line, (0..record.len()).map(field).collect()));
    }
    Ok(rows)
}

fn read(format: Format, text: &str) -> Result<Rows, FormatError> {
    let read = rows(&mut open(format, text, &[])?)?;
    let cuts: Vec<usize> = (0..text.len()).step_by(3).collect();
    assert_eq!(rows(&mut open(format, text, &cuts)?)?, read);
    Ok(read)
}

fn row<const N: usize>(texts: [Option<&str>; N]) -> Vec<Option<String>> {
    texts.map(|text| text.map(str::to_owned)).to_vec()
}

#[test]
fn members_are_fields_by_their_names_whatever_their_order() {
    let text = "{\"id\": 1, \"name\": \"a \\\"b\\\" \\u00e9\\ud83d\\ude00\\n\", \"tags\": [\"}\", {\"x\": \"]\"}]}\n\n\
                {\"name\": null, \"more\": true, \"id\": 12345678901234567890.10}\n{}\n";
    let expected = [
        (1, row([Some("1"), Some("a \"b\" é😀\n"), Some("[\"}\", {\"x\": \"]\"}]"), None])),
        (3, row([Some("12345678901234567890.10"), None, None, Some("true")])),
        (4, row([None, None, None, None])),
    ];
    assert_eq!(read(Format::Ndjson, text).unwrap(), expected);
    let array = format!("[{}]", text.trim().replace("}\n", "},\n"));
    assert_eq!(read(Format::Json, &array).unwrap(), expected);
    assert_eq!(read(Format::Json, " [ ] ").unwrap(), []);
    assert_eq!(read(Format::Ndjson, "").unwrap(), []);
}

#[test]
fn a_feature_is_its_geometry_and_its_properties() {
    let text = r#"{"type": "FeatureCollection", "crs": {"type": "name", "properties": {"name": "urn:ogc:def:crs:EPSG::2263"}},
        "features": [
        {"type": "Feature", "properties": {"a": "x", "b": null}, "geometry": {"type": "Point", "coordinates": [987654.5, 2]}},
        {"type": "Feature", "geometry": null, "properties": {"b": {"c": 1}}, "id": 7},
        {"geometry": {"type": "GeometryCollection", "geometries": []}, "type": "Feature", "properties": null}
    ], "more": {"features": []}}
    {"type": "FeatureCollection", "features": []}
    {"type": "Feature", "geometry": null, "properties": {"a": "last"}}"#;
    let mut records = open(Format::Geojson, text, &[]).unwrap();
    assert_eq!(records.names().unwrap(), ["geom", "a", "b", "id"]);
    assert_eq!(records.srid(), Some(2263));
    let types: Vec<_> = records.columns().into_iter().map(|column| (column.name, column.type_name)).collect();
    assert_eq!(types, [("a".into(), "text"), ("b".into(), "jsonb"), ("id".into(), "numeric")]);
    assert_eq!(
        rows(&mut records).unwrap(),
        [
            (3, row([Some(r#"{"type": "Point", "coordinates": [987654.5, 2]}"#), Some("x"), None, None])),
            (4, row([None, None, Some(r#"{"c": 1}"#), Some("7")])),
            (5, row([Some(r#"{"type": "GeometryCollection", "geometries": []}"#), None, None, None])),
            (8, row([None, Some("last"), None, None])),
        ]
    );
    read(Format::Geojson, text).unwrap();
}

#[test]
fn coordinates_are_longitudes_unless_the_file_or_they_say_otherwise() {
    let feature = |x: &str| {
        format!(
            r#"{{"type":"Feature","geometry":{{"type":"Polygon","coordinates":[ [ [{x},40.7]]]}},"properties":{{}}}}"#
        )
    };
    let srid = |text: &str| open(Format::Geojson, text, &[]).unwrap().srid();
    assert_eq!(srid(&feature("-73.9")), Some(4326));
    assert_eq!(srid(&feature("987654.5")), None);
    assert_eq!(
        srid(&format!(
            r#"{{"crs":{{"properties":{{"name":"urn:ogc:def:crs:OGC:1.3:CRS84"}}}},"features":[{}]}}"#,
            feature("1")
        )),
        Some(4326)
    );
}

#[test]
fn names_that_come_later_are_fields_where_a_table_waits_for_them_and_told_where_none_does() {
    let mut text: String = (0..1_000).fold(String::new(), |text, n| text + &format!("{{\"id\":{n}}}\n"));
    text.push_str("{\"id\":1000,\"New One\":\"x\",\"other\":1}\n");
    let mut records = open(Format::Ndjson, &text, &[]).unwrap();
    records.admit("new_one");
    assert_eq!(records.names().unwrap(), ["id", "new_one"]);
    let read = rows(&mut records).unwrap();
    assert_eq!(read[1_000], (1_001, row([Some("1000"), Some("x")])));
    assert_eq!((read[0].1.len(), records.late_names()), (2, vec!["other".to_owned()]));
}

#[test]
fn what_is_cut_off_or_no_json_is_told_with_its_line() {
    for (format, text, told) in [
        (Format::Ndjson, "{\"a\":1}\n{\"a\":", "line 2: it ends in the middle of an object"),
        (Format::Ndjson, "{\"a\":1}\n[1]", "line 2: something else stands where an object should"),
        (Format::Ndjson, "{\"a\":1}\n{\"a\" 1}", "line 2: it is not JSON"),
        (Format::Ndjson, "{\"a\":1}\n{\"a\":x}", "line 2: it is not JSON"),
        (Format::Ndjson, "{\"a\":\"\\q\"}", "line 1: it is not JSON"),
        (Format::Json, "[{\"a\":1},\n{\"a\":1}", "line 2: it ends in the middle of an array"),
        (Format::Json, "[{\"a\":1}\n{\"a\":1}]", "line 2: something else stands where an object should"),
        (
            Format::Json,
            "{\"data\":[]}",
            "line 1: an object stands where an array of objects should; ndjson has one a line",
        ),
        (Format::Geojson, "{\"features\":[{\"type\":\"Feature\"}]", "line 1: its collection of features does not end"),
        (Format::Geojson, "{\"features\":[{\"type\":\"Feature\"}", "line 1: it ends in the middle of an array"),
    ] {
        let error = read(format, text).unwrap_err();
        assert!(matches!(error, FormatError::Corrupt(..)), "{text}: {error:?}");
        assert!(error.to_string().ends_with(told), "{text}: {error}");
    }
    let message = read(Format::Geojson, "{\"error\":{\"code\":500}}");
    assert!(matches!(message, Err(FormatError::Impostor(Impostor::Json))), "{message:?}");
}
