//! Header rows: names with commas, marks and line ends in them, twice, without a name, too long for PostgreSQL.

use super::checked::check;

const REFUSED: i32 = 65;

#[test]
fn a_comma_within_quotes_is_part_of_a_name() {
    let checked = check(&["id: integer", "name_full: text"], "t.csv", "\"Name, Full\",ID\n\"Doe, Jane\",1\n");
    assert_eq!(checked.is_whole().rows(), [[Some("1"), Some("Doe, Jane")]]);
}

#[test]
fn a_mark_before_a_quoted_name_is_no_part_of_it() {
    let checked = check(&["id: integer", "b: text"], "t.csv", "\u{feff}\"id\",b\n1,x\n");
    assert_eq!(checked.is_whole().rows(), [[Some("1"), Some("x")]]);
}

#[test]
fn a_line_end_within_a_name_is_part_of_it_and_of_the_line_count() {
    let text = "\"Violation\r\nID\",b\n1,x\nbad,y\n";
    let checked = check(&["violationid: integer", "b: text", "- bad_values: {allow: 100%}"], "t.csv", text);
    assert_eq!(checked.losses(), ["4 violationid not_an_integer bad"]);
}

#[test]
fn two_headers_for_one_column_are_refused_with_the_lines_that_choose() {
    let checked = check(&["id: integer", "b: text"], "t.csv", "id,B,b.\n1,x,y\n");
    checked.is_refused(REFUSED, "column_duplicate", "are all column `b`");
    assert_eq!(checked.fix(), ["rename: {\"B\": b}", "skip: [\"b.\"]"]);
    let lines = ["id: integer", "b: text", "- rename: {\"B\": b}", "- skip: [\"b.\"]"];
    assert_eq!(check(&lines, "t.csv", "id,B,b.\n1,x,y\n").is_whole().rows(), [[Some("1"), Some("x")]]);
}

#[test]
fn two_headers_that_are_the_same_cannot_be_told_apart() {
    let checked = check(&["id: integer", "b: text"], "t.csv", "id,B,B\n1,x,y\n");
    checked.is_refused(REFUSED, "column_duplicate", "nothing tells which is meant");
    assert_eq!(checked.fix(), [""; 0]);
    assert_eq!(check(&["id: integer", "- skip: [B]"], "t.csv", "id,B,B\n1,x,y\n").is_whole().drift(), [""; 0]);
}

#[test]
fn columns_without_a_name_are_told_unless_they_are_only_commas_at_the_end() {
    let text = ",id,,b,,\n0,1,2,x,,\n";
    let checked = check(&["id: integer", "b: text"], "t.csv", text);
    assert_eq!(checked.is_whole().rows(), [[Some("1"), Some("x")]]);
    assert_eq!(checked.drift(), [r#"{"kind":"unnamed","file":"t.csv","fields":[1,3]}"#]);
    assert_eq!(checked.fix(), ["skip: [\"\"]"]);
    let silenced = check(&["id: integer", "b: text", "- skip: [\"\"]"], "t.csv", text);
    assert_eq!(silenced.drift(), [""; 0]);
}

#[test]
fn a_name_that_is_too_long_for_postgresql_is_known_by_a_rename() {
    let long = format!("{}é and more", "x".repeat(62));
    let text = format!("id,{long}\n1,y\n");
    let checked = check(&["id: integer"], "t.csv", &text);
    let cut = "x".repeat(62);
    assert_eq!(
        checked.fix(),
        ["columns:", &format!("  {cut}: text # or skip: [\"{long}\"]"), &format!("rename: {{\"{long}\": {cut}}}")]
    );
    let lines = ["id: integer".to_owned(), format!("{cut}: text"), format!("- rename: {{\"{long}\": {cut}}}")];
    let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
    assert_eq!(check(&lines, "t.csv", &text).is_whole().rows(), [[Some("1"), Some("y")]]);
}

#[test]
fn a_column_that_is_gone_is_answered_with_the_lines_that_would_repair_it() {
    let text = "Violation ID,Community Bord,Notes\n1,Two,x\n";
    let lines = ["violationid: integer", "communityboard: text", "nta: text"];
    let checked = check(&lines, "t.csv", text);
    checked.is_refused(REFUSED, "column_missing", "`communityboard` (did you mean \\\"Community Bord\\\"?), `nta`");
    assert_eq!(checked.fix(), ["rename: {\"Community Bord\": communityboard}", "optional: [nta]"]);
    let repaired = [&lines[..], &["- rename: {\"Community Bord\": communityboard}", "- optional: [nta]"]].concat();
    let checked = check(&repaired, "t.csv", text);
    assert_eq!(checked.is_whole().rows(), [[Some("1"), Some("Two"), None]]);
    assert_eq!(
        checked.drift(),
        [
            r#"{"kind":"extra","file":"t.csv","headers":["Notes"]}"#,
            r#"{"kind":"absent","file":"t.csv","columns":["nta"]}"#,
        ]
    );
    assert_eq!(checked.fix(), ["columns:", "  notes: text # or skip: [\"Notes\"]"]);
    let strict = [&repaired[..], &["- extra: refuse"]].concat();
    check(&strict, "t.csv", text).is_refused(REFUSED, "column_extra", "declare them, or say `skip: [\\\"Notes\\\"]`");
}

#[test]
fn a_header_below_other_lines_is_found_and_lines_are_those_of_the_file() {
    let text = "Annualized sales\n\"as of\nJune\",\n\nID,Price\n1,5\nx,6\n";
    let lines = ["id: integer", "price: integer", "- header: find", "- bad_values: {allow: 100%}"];
    let checked = check(&lines, "t.csv", text);
    assert_eq!(checked.losses(), ["7 id not_an_integer x"]);
    assert_eq!(checked.rows(), [[Some("1"), Some("5")], [None, Some("6")]]);
}

#[test]
fn columns_in_another_order_and_of_another_type_are_told() {
    let text = "b,a\n2013-10-09,1.5\n2014-01-02,x\n";
    let checked = check(&["a: integer", "b: boolean", "- bad_values: {allow: 100%}"], "t.csv", text);
    assert_eq!(
        checked.drift(),
        [
            r#"{"kind":"reordered","file":"t.csv","columns":["b"]}"#,
            r#"{"kind":"retyped","column":"a","declared":"integer","fits":"text","bad":2}"#,
            r#"{"kind":"retyped","column":"b","declared":"boolean","fits":"date","bad":2}"#,
        ]
    );
    assert_eq!(checked.fix(), ["columns:", "  a: text # instead of integer", "  b: date # instead of boolean"]);
}
