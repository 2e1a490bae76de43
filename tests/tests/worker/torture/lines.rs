//! Lines that end in three ways, quotes that hold line ends or nothing, and records of another length.

use super::checked::check;

const REFUSED: i32 = 65;
const ANY: &str = "- bad_values: {allow: 100%}";

#[test]
fn lines_are_counted_however_they_end() {
    let checked = check(&["id: integer", "b: text", ANY], "t.csv", "id,b\r\n1,x\n2,y\rbad,z\r\n\r\nworse,w");
    assert_eq!(checked.losses(), ["4 id not_an_integer bad", "6 id not_an_integer worse"]);
    assert_eq!(checked.rows().len(), 4);
}

#[test]
fn lines_within_quotes_are_counted_too() {
    let text = "id,b\n1,\"x\ny\r\nz\"\nbad,\"\"\n2,\"\r\"\nworse,w\n";
    let checked = check(&["id: integer", "b: text", ANY], "t.csv", text);
    assert_eq!(checked.losses(), ["5 id not_an_integer bad", "8 id not_an_integer worse"]);
    let offsets: Vec<_> =
        checked.table["losses"].as_array().unwrap().iter().map(|loss| loss["offset"].as_u64()).collect();
    assert_eq!(offsets, [text.find("bad").map(|at| at as u64), text.find("worse").map(|at| at as u64)]);
    assert_eq!(checked.rows()[0], [Some("1"), Some("x\ny\r\nz")]);
}

#[test]
fn a_bare_quote_is_a_quote() {
    let checked =
        check(&["id: integer", "b: text", ANY], "t.csv", "id,b\n1,6\" pipe\nbad,5' 11\"\n2,\"say \"\"ah\"\"\"\n");
    assert_eq!(checked.losses(), ["3 id not_an_integer bad"]);
    let texts: Vec<_> = checked.rows().into_iter().map(|row| row[1]).collect();
    assert_eq!(texts, [Some("6\" pipe"), Some("5' 11\""), Some("say \"ah\"")]);
}

#[test]
fn a_quote_that_is_never_closed_refuses_the_file_with_its_line() {
    let checked = check(&["id: integer", "b: text", ANY], "t.csv", "id,b\n1,x\n2,\"open\n3,y\n");
    checked.is_refused(REFUSED, "quote_unclosed", "line 3: a quote is opened and never closed");
}

#[test]
fn records_that_are_too_short_or_too_long_are_kept_out_whole() {
    let text = "id,b\n1\n2,x,y\n3,z,\n\n   \n4,\"q\nr\",s\n5,t\n";
    let checked = check(&["id: integer", "b: text", ANY], "t.csv", text);
    assert_eq!(
        checked.losses(),
        ["2 - too_few_fields 1", "3 - too_many_fields 2,x,y", "7 - too_many_fields 4,\"q\nr\",s"]
    );
    assert_eq!(checked.rows(), [[Some("3"), Some("z")], [Some("5"), Some("t")]]);
    let strict = check(&["id: integer", "b: text"], "t.csv", text);
    strict.is_refused(REFUSED, "bad_values", "3 of 5 records have too few or too many fields");
}

#[test]
fn files_without_records_are_told_apart() {
    check(&["id: integer"], "t.csv", "").is_refused(REFUSED, "source_empty", "there is no header row");
    check(&["id: integer"], "t.csv", "\n\n").is_refused(REFUSED, "source_empty", "there is no header row");
    assert_eq!(check(&["id: integer"], "t.csv", "id\n").is_whole().rows().len(), 0);
    assert_eq!(check(&["id: integer"], "t.csv", "id").is_whole().rows().len(), 0);
}

#[test]
fn a_page_in_the_place_of_the_data_is_none_of_it() {
    let page = "<!DOCTYPE html><html><body>Be right back</body></html>";
    check(&["id: integer"], "t.csv", page).is_refused(69, "source_is_html", "an HTML page arrived instead of the data");
}
