//! Text that is not UTF-8, or says so in its own way, and characters that lie on the border of two blocks.

use super::checked::check;

const REFUSED: i32 = 65;
const CONFIGURATION: i32 = 78;
const LATIN: &str = "- encoding: windows-1252";
const ANY: &str = "- bad_values: {allow: 100%}";

/// Bytes that are read at once.
const BLOCK: usize = 128 << 10;

fn utf16(text: &str) -> Vec<u8> {
    text.encode_utf16().flat_map(u16::to_le_bytes).collect()
}

#[test]
fn text_in_another_encoding_is_kept_byte_by_byte_and_answered_with_what_it_looks_like() {
    let text = b"id,b\n1,plain\n2,Caf\xe9 de la R\xe9publique\n3,\x93quoted\x94\n";
    let checked = check(&["id: integer", "b: text"], "t.csv", text);
    assert_eq!(checked.losses(), ["3 b not_utf8 Caf\\xE9 de la R\\xE9publique", "4 b not_utf8 \\x93quoted\\x94"]);
    checked.is_refused(REFUSED, "bad_values", "it looks like `encoding: windows-1252`");
    let checked = check(&["id: integer", "b: text", LATIN], "t.csv", text);
    let texts: Vec<_> = checked.is_whole().rows().into_iter().map(|row| row[1]).collect();
    assert_eq!(texts, [Some("plain"), Some("Café de la République"), Some("“quoted”")]);
}

#[test]
fn a_header_in_another_encoding_is_answered_too() {
    let text = b"id,A\xf1o de construcci\xf3n\n1,1931\n";
    let lines = ["id: integer", "año_de_construcción: integer"];
    check(&lines, "t.csv", text).is_refused(REFUSED, "header_not_utf8", "it looks like `encoding: windows-1252`");
    let declared = [lines[0], lines[1], LATIN];
    assert_eq!(check(&declared, "t.csv", text).is_whole().rows(), [[Some("1"), Some("1931")]]);
}

#[test]
fn utf16_is_read_where_it_says_so_and_named_where_it_does_not() {
    let text = "id,b\r\n1,é\r\n2,😀\r\n";
    let marked = utf16(&format!("\u{feff}{text}"));
    let rows = [[Some("1"), Some("é")], [Some("2"), Some("😀")]];
    assert_eq!(check(&["id: integer", "b: text"], "t.csv", marked).is_whole().rows(), rows);
    check(&["id: integer", "b: text"], "t.csv", utf16(text)).is_refused(
        CONFIGURATION,
        "text_utf16",
        "encoding: utf-16le",
    );
    let declared = ["id: integer", "b: text", "- encoding: utf-16le"];
    assert_eq!(check(&declared, "t.csv", utf16(text)).is_whole().rows(), rows);
}

#[test]
fn a_character_on_the_border_of_two_blocks_is_one_character() {
    for before in [BLOCK - 3, BLOCK - 2, BLOCK - 1, BLOCK] {
        let mut text = "id,b\n".to_owned();
        while text.len() < before - 2 {
            let room = (before - 2 - text.len()).min(1_000);
            let filling = if room < 6 { "\n".repeat(room) } else { "1,".to_owned() + &"x".repeat(room - 3) + "\n" };
            text.push_str(&filling);
        }
        text += "2,é😀\n";
        // As many characters as a column of two holds, where none was cut in half.
        let checked = check(&["id: integer", "b: text", "- keep: {id: [2]}"], "t.csv", &text);
        assert_eq!(checked.is_whole().rows(), [[Some("2"), Some("é😀")]], "{before}");
        let wide = utf16(&format!("\u{feff}{text}"));
        assert_eq!(check(&["id: integer", "b: text", "- keep: {id: [2]}"], "t.csv", wide).is_whole().rows().len(), 1);
    }
}

#[test]
fn a_nul_byte_is_a_bad_value_and_not_the_end_of_a_text() {
    let checked = check(&["id: integer", "b: text", ANY], "t.csv", b"id,b\n1,x\0y\n2,z\n");
    assert_eq!(checked.losses(), ["2 b nul_byte x\\x00y"]);
    assert_eq!(checked.rows(), [[Some("1"), None], [Some("2"), Some("z")]]);
}
