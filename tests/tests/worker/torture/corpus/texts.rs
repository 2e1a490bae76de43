//! Delimited text: headers, line ends, quotes, encodings and values.

use super::{Item, item};

const ID: &[&str] = &["id: integer", "b: text"];
const NUMBER: &[&str] = &["v: numeric", "dot: text"];
const DATE: &[&str] = &["v: date", "dot: text"];

fn utf16(text: &str) -> Vec<u8> {
    text.encode_utf16().flat_map(u16::to_le_bytes).collect()
}

/// A character of two bytes whose first is the last of what is read at once.
fn across_a_border() -> Vec<u8> {
    const BLOCK: usize = 128 << 10;
    let mut text = b"id,b\n".to_vec();
    text.extend(std::iter::repeat_n(b'\n', BLOCK - 1 - text.len() - 2));
    text.extend("7,é\nx,y\n".as_bytes());
    text
}

pub(super) fn items() -> Vec<Item> {
    let long = "x".repeat(62) + "é";
    let border = format!("! {} id not_an_integer x", (128 << 10) - 1 - 5 - 2 + 3);
    vec![
        item(
            "quoted comma in header",
            &["id: integer", "name_full: text"],
            "t.csv",
            "\"Name, Full\",ID\na,1\na,x\n",
            &["1|a", "NULL|a", "! 3 id not_an_integer x"],
        ),
        item(
            "BOM + quoted first header",
            ID,
            "t.csv",
            "\u{feff}\"id\",b\n1,x\nx,y\n",
            &["1|x", "NULL|y", "! 3 id not_an_integer x"],
        ),
        item(
            "CRLF/LF/CR mixed",
            ID,
            "t.csv",
            "id,b\r\n1,x\n2,y\rx,z\r\n",
            &["1|x", "2|y", "NULL|z", "! 4 id not_an_integer x"],
        ),
        item(
            "newline in quotes",
            ID,
            "t.csv",
            "id,b\n1,\"x\ny\r\nz\"\nx,y\n",
            &["1|x\ny\r\nz", "NULL|y", "! 5 id not_an_integer x"],
        ),
        item(
            "bare quote",
            ID,
            "t.csv",
            "id,b\n1,6\" pipe\nx,5' 11\"\n",
            &["1|6\" pipe", "NULL|5' 11\"", "! 3 id not_an_integer x"],
        ),
        item(
            "short row, long row",
            ID,
            "t.csv",
            "id,b\n1\n2,x,y\n3,z,\n",
            &["3|z", "! 2 - too_few_fields 1", "! 3 - too_many_fields 2,x,y"],
        ),
        item(
            "duplicate headers",
            ID,
            "t.csv",
            "id,b,b\n1,x,y\n",
            &["refused column_duplicate: nothing tells which is meant"],
        ),
        item(
            "empty headers",
            ID,
            "t.csv",
            ",id,,b,\n0,1,2,x,\n0,x,2,y,\n",
            &["1|x", "NULL|y", "! 3 id not_an_integer x"],
        ),
        item(
            "header > 63 bytes with multibyte at the cut",
            &[
                "id: integer",
                "cut: text",
                "- rename: {xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxé: cut}",
            ],
            "t.csv",
            format!("id,{long}\n1,y\nx,z\n"),
            &["1|y", "NULL|z", "! 3 id not_an_integer x"],
        ),
        item("latin-1 0xE9", ID, "t.csv", b"id,b\n1,Caf\xe9\n", &["1|NULL", "! 2 b not_utf8 Caf\\xE9"]),
        item(
            "latin-1 0xE9, declared",
            &["id: integer", "b: text", "- encoding: latin1"],
            "t.csv",
            b"id,b\n1,Caf\xe9\n",
            &["1|Café"],
        ),
        item("cp1252 0x93", ID, "t.csv", b"id,b\n1,\x93x\x94\n", &["1|NULL", "! 2 b not_utf8 \\x93x\\x94"]),
        item(
            "cp1252 0x93, declared",
            &["id: integer", "b: text", "- encoding: windows-1252"],
            "t.csv",
            b"id,b\n1,\x93x\x94\n",
            &["1|“x”"],
        ),
        item(
            "UTF-16LE BOM",
            ID,
            "t.csv",
            utf16("\u{feff}id,b\r\n1,😀\r\nx,é\r\n"),
            &["1|😀", "NULL|é", "! 3 id not_an_integer x"],
        ),
        item("multibyte across buffer edge", ID, "t.csv", across_a_border(), &["7|é", "NULL|y", &border]),
        item("NUL byte", ID, "t.csv", b"id,b\n1,x\0y\n2,z\n", &["1|NULL", "2|z", "! 2 b nul_byte x\\x00y"]),
        item("leading-zero ZIP 02108", &["v: char(5)", "n: integer"], "t.csv", "v,n\n02108,02108\n", &["02108|2108"]),
        item(
            "BBL 10 digits",
            &["v: char(10)", "dot: text"],
            "t.csv",
            "v,dot\n1008300028,.\n1008300028.00,.\n",
            &["1008300028|.", "NULL|.", "! 3 v too_long 1008300028.00"],
        ),
        item(
            "20-digit id",
            &["v: numeric", "t: text", "i: bigint"],
            "t.csv",
            "v,t,i\n12345678901234567890,12345678901234567890,12345678901234567890\n",
            &["12345678901234567890|12345678901234567890|NULL", "! 2 i out_of_range 12345678901234567890"],
        ),
        item("1.0 in int column", ID, "t.csv", "id,b\n1.0,x\n1.5,y\n", &["1|x", "NULL|y", "! 3 id has_fraction 1.5"]),
        item("1e3", &["v: numeric", "i: integer"], "t.csv", "v,i\n1e3,1e3\n", &["1000|1000"]),
        item(
            "$1,234.50, (45.00), 12.5%, -, N/A, .",
            NUMBER,
            "t.csv",
            "v,dot\n\"$1,234.50\",.\n(45.00),.\n12.5%,.\n-,.\nN/A,.\n.,.\n",
            &[
                "1234.50|.",
                "-45.00|.",
                "NULL|.",
                "NULL|.",
                "NULL|.",
                "NULL|.",
                "! 4 v not_a_number 12.5%",
                "! 5 v not_a_number -",
                "! 6 v not_a_number N/A",
                "! 7 v not_a_number .",
            ],
        ),
        item(
            "12.5%, -, N/A, ., declared",
            &["v: numeric", "n: numeric", "- parse: {v: percent}", "- nulls: [\"-\", N/A, \".\"]"],
            "t.csv",
            "v,n\n12.5%,-\nN/A,.\n",
            &["0.125|NULL", "NULL|NULL"],
        ),
        item(
            "2/29/2023, 00/00/0000, 9999-12-31",
            DATE,
            "t.csv",
            "v,dot\n2/29/2023,.\n00/00/0000,.\n9999-12-31,.\n2/29/2024,.\n",
            &[
                "NULL|.",
                "NULL|.",
                "9999-12-31|.",
                "2024-02-29|.",
                "! 2 v no_such_date 2/29/2023",
                "! 3 v no_such_date 00/00/0000",
            ],
        ),
        item("Excel serial 45000", DATE, "t.csv", "v,dot\n45000,.\n", &["NULL|.", "! 2 v not_a_date 45000"]),
        item(
            "Excel serial 45000, 1904 epoch, declared",
            &["v: date", "w: date", "- parse: {v: excel_date, w: excel_1904}"],
            "t.csv",
            "v,w\n45000,45000\n",
            &["2023-03-15|2027-03-16"],
        ),
        item(
            "infinity, NaN",
            &["v: double precision", "n: numeric", "d: date", "i: integer"],
            "t.csv",
            "v,n,d,i\n-infinity,NaN,infinity,7\nNaN,1,2024-01-01,NaN\n",
            &["-Infinity|NaN|infinity|7", "NaN|1|2024-01-01|NULL", "! 3 i not_an_integer NaN"],
        ),
        item("empty file", ID, "t.csv", "", &["refused source_empty: there is no header row"]),
        item("header only", ID, "t.csv", "id,b\n", &[]),
        item(
            "HTML page",
            ID,
            "t.csv",
            "<!DOCTYPE html><html><body>Sorry</body></html>",
            &["refused source_is_html: an HTML page"],
        ),
    ]
}
