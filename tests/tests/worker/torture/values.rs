//! Values as publishers write them. The value crate tests each of them alone; here it is the whole way with its line.

use super::checked::check;

const ANY: &str = "- bad_values: {allow: 100%}";

/// What a column of this type makes of texts, one on each line below the header, and what is lost of them.
#[track_caller]
fn column(type_name: &str, lines: &[&str], texts: &[&str]) -> (Vec<Option<String>>, Vec<String>) {
    let quoted: Vec<_> = texts.iter().map(|text| format!("\"{text}\",.\n")).collect();
    let declared = format!("v: {type_name}");
    let lines = [&[declared.as_str(), "dot: text", ANY], lines].concat();
    let checked = check(&lines, "t.csv", format!("v,dot\n{}", quoted.concat()));
    (checked.values().into_iter().map(|value| value.map(str::to_owned)).collect(), checked.losses())
}

#[track_caller]
fn reads(type_name: &str, lines: &[&str], texts: &[&str], values: &[&str]) {
    let (read, lost) = column(type_name, lines, texts);
    let values: Vec<_> = values.iter().map(|value| Some((*value).to_owned())).collect();
    assert_eq!((read, lost), (values, Vec::new()), "{type_name}");
}

#[track_caller]
fn loses(type_name: &str, texts: &[&str], losses: &[&str]) {
    let (read, lost) = column(type_name, &[], texts);
    assert!(read.iter().all(Option::is_none), "{type_name}: {read:?}");
    assert_eq!(lost, losses, "{type_name}");
}

#[test]
fn leading_zeros_and_long_numbers_are_what_they_were() {
    reads("char(5)", &[], &["02108"], &["02108"]);
    reads("char(10)", &[], &["1008300028"], &["1008300028"]);
    reads("char(10)", &["- parse: {v: whole}"], &["1008300028.00"], &["1008300028"]);
    reads("text", &[], &["12345678901234567890"], &["12345678901234567890"]);
    reads("numeric", &[], &["12345678901234567890", "0.10"], &["12345678901234567890", "0.10"]);
    loses("bigint", &["12345678901234567890"], &["2 v out_of_range 12345678901234567890"]);
    loses("char(4)", &["00011"], &["2 v too_long 00011"]);
}

#[test]
fn whole_numbers_may_be_written_with_a_fraction_of_zeros_and_an_exponent() {
    reads("integer", &[], &["1.0", "1e3", "1,234", "$125.00"], &["1", "1000", "1234", "125"]);
    loses("integer", &["25.923432", "1,23"], &["2 v has_fraction 25.923432", "3 v misplaced_comma 1,23"]);
}

#[test]
fn money_and_shares_are_exact() {
    reads("numeric", &[], &["$1,234.50", "(45.00)", "-45.00"], &["1234.50", "-45.00", "-45.00"]);
    reads("numeric", &["- parse: {v: percent}"], &["12.5%"], &["0.125"]);
}

#[test]
fn marks_for_nothing_are_lost_unless_they_are_declared() {
    let marks = ["-", "N/A", "."];
    loses("numeric", &marks, &["2 v not_a_number -", "3 v not_a_number N/A", "4 v not_a_number ."]);
    let (read, lost) = column("numeric", &["- nulls: [\"-\", N/A, \".\"]"], &marks);
    assert_eq!((read, lost), (vec![None, None, None], Vec::new()));
}

#[test]
fn days_that_do_not_exist_are_lost_and_strange_ones_are_not() {
    loses(
        "date",
        &["2/29/2023", "00/00/0000", "45000"],
        &["2 v no_such_date 2/29/2023", "3 v no_such_date 00/00/0000", "4 v not_a_date 45000"],
    );
    reads("date", &[], &["9999-12-31", "infinity", "2/29/2024"], &["9999-12-31", "infinity", "2024-02-29"]);
    reads("date", &["- parse: {v: excel_date}"], &["45000"], &["2023-03-15"]);
    reads("date", &["- parse: {v: excel_1904}"], &["45000"], &["2027-03-16"]);
}

#[test]
fn numbers_beyond_numbers_are_kept_where_the_type_has_them() {
    reads("double precision", &[], &["infinity", "-Infinity", "NaN"], &["Infinity", "-Infinity", "NaN"]);
    reads("numeric", &[], &["NaN"], &["NaN"]);
    loses("integer", &["NaN"], &["2 v not_an_integer NaN"]);
}
