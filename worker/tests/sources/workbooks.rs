//! Workbooks are read as they are: each value as its cell holds it, each row at its own number.

use serde_json::json;

use super::copied::row;
use super::formats::zip;
use super::house::{House, dataset};

const CONTENT_TYPES: &str = r#"<?xml version="1.0"?><Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types"><Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/><Default Extension="xml" ContentType="application/xml"/></Types>"#;
const RELS: &str = r#"<?xml version="1.0"?><Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Id="r1" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/officeDocument" Target="xl/workbook.xml"/></Relationships>"#;
const BOOK_RELS: &str = r#"<?xml version="1.0"?><Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Id="r1" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/worksheet" Target="worksheets/sheet1.xml"/><Relationship Id="r2" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/worksheet" Target="worksheets/sheet2.xml"/><Relationship Id="r3" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/styles" Target="styles.xml"/><Relationship Id="r4" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/sharedStrings" Target="sharedStrings.xml"/></Relationships>"#;
/// Style 1 is a date, 2 a date with a time, 3 a percentage.
const STYLES: &str = r#"<?xml version="1.0"?><styleSheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><numFmts count="1"><numFmt numFmtId="164" formatCode="m/d/yyyy h:mm"/></numFmts><cellXfs count="4"><xf numFmtId="0"/><xf numFmtId="14"/><xf numFmtId="164"/><xf numFmtId="9"/></cellXfs></styleSheet>"#;
const STRINGS: &str = r#"<?xml version="1.0"?><sst xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><si><t>Rolling sales; all of 2019</t></si><si><r><t>BOR</t></r><r><t>OUGH</t></r></si><si><t xml:space="preserve"> Caf&#233; &amp; more </t></si></sst>"#;

/// A workbook whose sheets `Notes` and `Sales` hold these rows.
fn xlsx(epoch: &str, sales: &str) -> Vec<u8> {
    let book = format!(
        r#"<?xml version="1.0"?><workbook xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main" xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships"><workbookPr {epoch}/><sheets><sheet name="Notes" sheetId="1" r:id="r1"/><sheet name="Sales" sheetId="2" r:id="r2"/></sheets></workbook>"#
    );
    let sheet = |rows: &str| {
        format!(
            r#"<?xml version="1.0"?><worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData>{rows}</sheetData><mergeCells count="1"><mergeCell ref="A1:C1"/></mergeCells></worksheet>"#
        )
    };
    zip(&[
        ("[Content_Types].xml", CONTENT_TYPES),
        ("_rels/.rels", RELS),
        ("xl/workbook.xml", &book),
        ("xl/_rels/workbook.xml.rels", BOOK_RELS),
        ("xl/styles.xml", STYLES),
        ("xl/sharedStrings.xml", STRINGS),
        ("xl/worksheets/sheet1.xml", &sheet("")),
        ("xl/worksheets/sheet2.xml", &sheet(sales)),
    ])
}

const TITLE: &str = r#"<row r="1"><c r="A1" t="s"><v>0</v></c><c r="B1"/></row>"#;
const HEADER: &str = r#"<row r="3"><c r="A3" t="s"><v>1</v></c><c r="B3" t="inlineStr"><is><t>Name</t></is></c><c r="C3" t="inlineStr"><is><t>SALE
PRICE</t></is></c><c r="D3" t="inlineStr"><is><t>Sale Date</t></is></c><c r="E3" t="inlineStr"><is><t>Share</t></is></c></row>"#;

#[tokio::test(flavor = "multi_thread")]
async fn a_sheet_is_read_from_the_row_that_holds_the_header() {
    let house = House::new();
    let rows = r#"
        <row r="4"><c r="A4"><v>1</v></c><c r="B4" t="s"><v>2</v></c><c r="C4"><v>1234.5</v></c><c r="D4" s="1"><v>43538</v></c><c r="E4" s="3"><v>0.125</v></c></row>
        <row r="5"><c r="A5" t="str"><f>"2"</f><v>2</v></c><c r="C5"><f>1+1</f><v>0.30000000000000004</v></c><c r="D5" s="2"><v>43538.520833333336</v></c></row>
        <row r="6"><c r="A6" s="1"/><c r="B6" t="inlineStr"><is><t> </t></is></c></row>
        <row r="9"><c r="A9"><v>1008300028</v></c><c r="B9" t="b"><v>1</v></c><c r="C9"><v>1E+15</v></c></row>"#;
    house.publish("sales.xlsx", xlsx("", &format!("{TITLE}{HEADER}{rows}")));
    let reading = json!({"format": "xlsx", "header": "find", "sheet": "2"});
    let columns = ["borough", "name", "sale_price", "sale_date", "share"];
    let data = dataset(&[("t", &columns, vec![house.source("sales.xlsx", &reading)])]);
    let read = house.read(&data).await.unwrap();
    let some = |text: &str| Some(text.to_owned());
    assert_eq!(
        read.rows,
        [
            row(["1", "Café & more", "1234.5", "2019-03-14", "0.125"]),
            vec![some("2"), None, some("0.30000000000000004"), some("2019-03-14 12:30:00"), None],
            vec![some("1008300028"), some("true"), some("1000000000000000"), None, None],
        ]
    );
    assert_eq!(read.reading.places.of(2).as_deref(), Some("sales.xlsx: Sales line 9"));
    let named = json!({"format": "xlsx", "header": "find", "sheet": "sales"});
    let data = dataset(&[("t", &columns, vec![house.source("sales.xlsx", &named)])]);
    assert_eq!(house.read(&data).await.unwrap().rows, read.rows);
    assert_eq!(house.spool.path().read_dir().unwrap().count(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn workbooks_of_1904_have_other_days() {
    let house = House::new();
    let rows = r#"<row r="4"><c r="A4"><v>1</v></c><c r="D4" s="1"><v>43538</v></c></row>"#;
    house.publish("sales.xlsx", xlsx(r#"date1904="1""#, &format!("{HEADER}{rows}")));
    let source = house.source("sales.xlsx", &json!({"format": "xlsx", "sheet": "Sales"}));
    let read = house.read(&dataset(&[("t", &["borough", "sale_date"], vec![source])])).await.unwrap();
    assert_eq!(read.rows, [row(["1", "2023-03-15"])]);
}

#[tokio::test(flavor = "multi_thread")]
async fn errors_in_cells_are_bad_values_with_sheet_and_row() {
    let house = House::new();
    let rows = r#"<row r="7"><c r="A7" t="e"><v>#N/A</v></c><c r="B7" t="e"><f>1/0</f><v>#DIV/0!</v></c></row>"#;
    house.publish("sales.xlsx", xlsx("", &format!("{HEADER}{rows}")));
    let reading = json!({"format": "xlsx", "sheet": "Sales", "nulls": ["#N/A"]});
    let data = dataset(&[("t", &["borough", "name"], vec![house.source("sales.xlsx", &reading)])]);
    let read = house.read(&data).await.unwrap();
    assert_eq!(read.rows, [vec![None, None]]);
    let [reject] = &read.rejects[..] else { panic!("{:?}", read.rejects) };
    assert_eq!((reject.member.as_deref(), reject.line, reject.code), (Some("Sales"), 7, "cell_error"));
    assert_eq!(
        (reject.raw.as_str(), reject.column.as_ref().map(manifest::Identifier::as_str)),
        ("#DIV/0!", Some("name"))
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_the_workbook_that_was_promised_is_told() {
    let house = House::new();
    let source = |sheet: &str| house.source("a.xlsx", &json!({"format": "xlsx", "sheet": sheet}));
    let data = |sheet: &str| dataset(&[("t", &["borough"], vec![source(sheet)])]);
    let book = xlsx("", HEADER);
    house.publish("a.xlsx", &book);
    let (code, text) = house.error(&data("Rentals")).await;
    assert_eq!(
        (code, text.as_str()),
        ("workbook_no_sheet", "a.xlsx: the workbook has no sheet `Rentals`; it has Notes, Sales")
    );
    assert_eq!(house.error(&data("Notes")).await.0, "source_empty");
    house.publish("a.xlsx", &book[..book.len() / 2]);
    assert_eq!(house.error(&data("Sales")).await.0, "zip_corrupt");
    house.publish("a.xlsx", "<!doctype html><html>");
    assert_eq!(house.error(&data("Sales")).await.0, "source_is_html");
    house.publish("a.xlsx", zip(&[("a.csv", "borough\n1\n")]));
    assert_eq!(house.error(&data("Sales")).await.0, "xlsx_corrupt");
    let xls = house.source("a.xls", &json!({"format": "xls"}));
    let data = dataset(&[("t", &["borough"], vec![xls])]);
    house.publish("a.xls", &book);
    assert_eq!(house.error(&data).await.0, "source_is_zip");
    house.publish("a.xls", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1 and nothing else");
    assert_eq!(house.error(&data).await.0, "xls_corrupt");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_workbook_in_an_archive_is_read_and_what_it_holds_in_memory_is_limited() {
    let house = House::new();
    let rows = r#"<row r="4"><c r="A4"><v>1</v></c></row>"#;
    let book = xlsx("", &format!("{HEADER}{rows}"));
    let mut writer = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    writer.start_file("in/sales.xlsx", zip::write::SimpleFileOptions::default()).unwrap();
    std::io::Write::write_all(&mut writer, &book).unwrap();
    house.publish("all.zip", writer.finish().unwrap().into_inner());
    let container = json!({"zip": {"member": "*.xlsx"}});
    let source = house.source("all.zip", &json!({"format": "xlsx", "sheet": "Sales", "container": container}));
    let read = house.read(&dataset(&[("t", &["borough"], vec![source])])).await.unwrap();
    assert_eq!(read.rows, [row(["1"])]);
    assert_eq!(read.reading.places.of(0).as_deref(), Some("all.zip: in/sales.xlsx: Sales line 4"));
    let strings = format!("{}{}", STRINGS, " ".repeat(129 << 20));
    house.publish("a.xlsx", zip(&[("xl/workbook.xml", "<a/>"), ("xl/sharedStrings.xml", &strings)]));
    let source = house.source("a.xlsx", &json!({"format": "xlsx"}));
    let code = house.error(&dataset(&[("t", &["borough"], vec![source])])).await.0;
    assert!(["source_too_large", "source_bomb"].contains(&code), "{code}");
}
