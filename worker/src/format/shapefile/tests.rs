use super::*;
use crate::format::blocks::tests::Pieces;

/// A `.shp` of these contents of records.
fn shp(records: &[Vec<u8>]) -> Vec<u8> {
    let mut file = vec![0; 100];
    file[..4].copy_from_slice(&9994_u32.to_be_bytes());
    file[28..32].copy_from_slice(&1000_u32.to_le_bytes());
    for (number, record) in (1_u32..).zip(records) {
        file.extend_from_slice(&number.to_be_bytes());
        file.extend_from_slice(&(u32::try_from(record.len()).unwrap() / 2).to_be_bytes());
        file.extend_from_slice(record);
    }
    let words = u32::try_from(file.len()).unwrap() / 2;
    file[24..28].copy_from_slice(&words.to_be_bytes());
    file
}

fn point(x: f64, y: f64) -> Vec<u8> {
    [&1_u32.to_le_bytes()[..], &x.to_le_bytes(), &y.to_le_bytes()].concat()
}

/// A `.dbf` of these fields (name, type, length, decimals) and rows as they stand in it.
fn dbf(driver: u8, fields: &[(&str, u8, u8, u8)], rows: &[&[u8]]) -> Vec<u8> {
    let width = 1 + fields.iter().map(|(_, _, length, _)| u16::from(*length)).sum::<u16>();
    let head = 33 + 32 * u16::try_from(fields.len()).unwrap();
    let mut file = vec![0; 32];
    file[0] = 3;
    file[4..8].copy_from_slice(&u32::try_from(rows.len()).unwrap().to_le_bytes());
    file[8..10].copy_from_slice(&head.to_le_bytes());
    file[10..12].copy_from_slice(&width.to_le_bytes());
    file[29] = driver;
    for (name, kind, length, decimals) in fields {
        let mut field = [0; 32];
        field[..name.len()].copy_from_slice(name.as_bytes());
        (field[11], field[16], field[17]) = (*kind, *length, *decimals);
        file.extend_from_slice(&field);
    }
    file.push(0x0d);
    for row in rows {
        assert_eq!(row.len(), usize::from(width));
        file.extend_from_slice(row);
    }
    file.push(0x1a);
    file
}

type Rows = Vec<(u64, Vec<Option<Vec<u8>>>)>;

fn read(shp: &[u8], dbf: &[u8], label: Label) -> Result<Rows, FormatError> {
    let cuts = [3, 50, 101, 130];
    let mut records = Records::new(Pieces::cut(shp, &cuts), Pieces::cut(dbf, &cuts), label, "geom")?;
    let mut rows = Vec::new();
    while let Some(record) = records.read()? {
        let field = |index| (!record.is_absent(index)).then(|| record.field(index).to_vec());
        rows.push((record.place().line, (0..record.len()).map(field).collect()));
    }
    Ok(rows)
}

#[test]
fn attributes_stay_what_they_are_to_the_last_digit() {
    let fields =
        [("ID", b'N', 20, 0), ("NAME", b'C', 6, 0), ("SHARE", b'F', 8, 3), ("BUILT", b'D', 8, 0), ("OK", b'L', 1, 0)];
    let rows: [&[u8]; 4] = [
        b" 12345678901234567890Caf\xe9   1.5e+0220240229T",
        b"*                   2gone          20240101F",
        b"                     \x00\x00\x00\x00\x00\x00        00000000?",
        b" ********************a b      0.000        F",
    ];
    let bytes = dbf(0x57, &fields, &rows);
    let shapes = shp(&[point(1.0, 2.0), point(9.0, 9.0), 0_u32.to_le_bytes().to_vec(), point(3.0, 4.0)]);
    let all = read(&shapes, &bytes, Label::default()).unwrap();
    let text = |text: &str| Some(text.as_bytes().to_vec());
    assert_eq!(all.iter().map(|(line, _)| *line).collect::<Vec<_>>(), [1, 3, 4]);
    assert_eq!(
        all[0].1[1..],
        [text("12345678901234567890"), text("Café"), text("1.5e+02"), text("20240229"), text("T")]
    );
    assert_eq!(all[1].1, [None, None, None, None, None, None]);
    assert_eq!(all[2].1[1..], [text("********************"), text("a b"), text("0.000"), None, text("F")]);
    let utf8 = Label { of_cpg: Label::cpg(b"UTF-8\r\n"), declared: None };
    assert_eq!(read(&shapes, &bytes, utf8).unwrap()[0].1[2], Some(b"Caf\xe9\xff".to_vec()));
    let latin = Label { declared: Some(encoding_rs::WINDOWS_1252), ..utf8 };
    assert_eq!(read(&shapes, &bytes, latin).unwrap()[0].1[2], text("Café"));
}

#[test]
fn columns_are_as_wide_as_what_they_may_hold() {
    let fields = [
        ("A", b'N', 4, 0),
        ("B", b'N', 9, 0),
        ("C", b'N', 18, 0),
        ("D", b'N', 19, 0),
        ("E", b'N', 9, 2),
        ("F", b'C', 3, 0),
    ];
    let bytes = dbf(0, &fields, &[]);
    let records =
        Records::new(Pieces::cut(&shp(&[]), &[]), Pieces::cut(&bytes, &[]), Label::default(), "the_geom").unwrap();
    let types: Vec<_> = records.columns().iter().map(|column| column.type_name).collect();
    assert_eq!(types, ["smallint", "integer", "bigint", "numeric", "numeric", "text"]);
    assert_eq!(records.names().unwrap(), ["the_geom", "A", "B", "C", "D", "E", "F"]);
}

#[test]
fn a_file_that_is_cut_off_or_does_not_match_is_damaged() {
    let table = dbf(0, &[("A", b'C', 1, 0)], &[b" 1", b" 2"]);
    let shapes = shp(&[point(1.0, 2.0), point(3.0, 4.0)]);
    assert_eq!(read(&shapes, &table, Label::default()).unwrap().len(), 2);
    for (shapes, table) in [
        (&shapes[..shapes.len() - 9], &table[..]),
        (&shapes[..130], &table[..]),
        (&shapes[..50], &table[..]),
        (&shapes[..], &table[..table.len() - 3]),
        (&shapes[..], &table[..20]),
        (&shapes[..], &dbf(0, &[("A", b'C', 1, 0)], &[b" 1"])[..]),
        (&shp(&[point(1.0, 2.0)])[..], &table[..]),
        (&b"<html>"[..], &table[..]),
    ] {
        let result = read(shapes, table, Label::default());
        assert!(matches!(result, Err(FormatError::Corrupt(Format::Shapefile, _))), "{result:?}");
    }
    let patch = read(
        &shp(&[[&31_u32.to_le_bytes()[..], &[0; 40]].concat()]),
        &dbf(0, &[("A", b'C', 1, 0)], &[b" 1"]),
        Label::default(),
    );
    assert_eq!(
        patch.unwrap_err().to_string(),
        "the shapefile is damaged: its record 1 is of shape type 31, which is not read"
    );
}

#[test]
fn companions_are_found_whatever_the_case_of_their_names() {
    let files = ["a/Zip.SHP", "a/zip.DBF", "a/zip.prj", "b/zip.cpg"].map(str::to_owned);
    let members = Members::of("a/Zip.SHP", &files).unwrap();
    assert_eq!((members.dbf.as_str(), members.prj.as_deref(), members.cpg), ("a/zip.DBF", Some("a/zip.prj"), None));
    assert!(Members::of("b/zip.shp", &files).is_err());
}
