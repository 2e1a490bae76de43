//! Values that the loaders before this one made NULL, cut or mistook, each under the name of its loss, and the texts that are known
//! to torture a loader. Each is now read exactly or refused with a code.

use value::{Encoded, Encoder, Parser};

/// What became of a text.
#[derive(Debug, PartialEq)]
enum Got {
    Field(Vec<u8>),
    Null,
    Bad(&'static str),
}

fn read_by(parser: &str, column: &str, text: &str) -> Got {
    let parser = parser.parse().expect("a parser");
    let encoder = Encoder::new(column.parse().expect("a type"), parser).expect("a parser for the type");
    let mut out = Vec::new();
    match encoder.nulls(["N/A"]).encode(text.as_bytes(), &mut out) {
        Ok(Encoded::Null) => Got::Null,
        Ok(Encoded::Value | Encoded::Trimmed) => Got::Field(out),
        Err(bad) => Got::Bad(bad.code()),
    }
}

fn read(column: &str, text: &str) -> Got {
    read_by(Parser::Auto.name(), column, text)
}

/// All of the texts are the same value as the plain one.
#[track_caller]
fn same(column: &str, plain: &str, texts: &[&str]) {
    let expected = read(column, plain);
    assert!(matches!(expected, Got::Field(_)), "{plain} is {expected:?}");
    for text in texts {
        assert_eq!(read(column, text), expected, "{text} as {column}");
    }
}

#[track_caller]
fn bad(column: &str, code: &'static str, texts: &[&str]) {
    for text in texts {
        assert_eq!(read(column, text), Got::Bad(code), "{text} as {column}");
    }
}

#[test]
fn sale_dates_in_iso_form_with_a_t_were_null() {
    same("date", "2021-02-09", &["2021-02-09T00:00:00.000", "2021-02-09T00:00:00"]);
    same("timestamp", "2021-02-09 00:00:00", &["2021-02-09T00:00:00.000"]);
}

#[test]
fn prices_and_areas_with_commas_were_null() {
    same("integer", "1234567", &["1,234,567", " 1,234,567 ", "$1,234,567", "1,234,567.00"]);
    same("bigint", "1234", &["1,234"]);
    bad("integer", "misplaced_comma", &["1,23", "12,34", ",123"]);
}

#[test]
fn a_borough_was_cut_to_its_first_letter() {
    bad("char(1)", "too_long", &["MANHATTAN", "Bronx"]);
}

#[test]
fn a_lot_was_cut_to_another_lot() {
    bad("char(4)", "too_long", &["00011", "SI0203"]);
    bad("char(2)", "too_long", &["test", " test"]);
    same("char(3)", "345", &[" 345 "]);
}

#[test]
fn transfer_dates_with_the_day_first_were_null() {
    assert_eq!(read_by("dmy", "date", "25/12/2013"), read("date", "2013-12-25"));
    assert_eq!(read_by("dmy", "date", "09/10/2013"), read("date", "2013-10-09"));
    bad("date", "no_such_date", &["25/12/2013"]);
}

#[test]
fn dates_in_a_boolean_column_were_null() {
    bad("boolean", "not_a_boolean", &["12/31/2020", "2020-12-31", "maybe"]);
}

#[test]
fn a_middle_initial_in_a_numeric_column_was_null() {
    bad("numeric", "not_a_number", &["J", "not a number"]);
    bad("double precision", "not_a_number", &["J"]);
}

#[test]
fn file_numbers_with_letters_in_an_integer_column_were_null() {
    bad("integer", "not_an_integer", &["99PN32735", "NOT AN INTEGER", ".", "-"]);
}

#[test]
fn a_declared_null_marker_is_null_and_nothing_else_is() {
    assert_eq!(read("date", "N/A"), Got::Null);
    assert_eq!(read("date", " N/A "), Got::Null);
    bad("date", "not_a_date", &["n/a", "NONE"]);
    for column in ["integer", "numeric", "text", "date", "boolean", "char(3)", "timestamp"] {
        assert_eq!(read(column, ""), Got::Null);
        assert_eq!(read(column, " \t"), Got::Null);
    }
}

#[test]
fn yes_was_null_while_no_was_false() {
    same("boolean", "true", &["yes", "Y", "TRUE", "x", "X", "1", "on", "t"]);
    same("boolean", "false", &["no", "N", "FALSE", "0", "off", "f"]);
}

#[test]
fn integers_lost_their_fraction() {
    bad("integer", "has_fraction", &["25.923432", "$125.75"]);
    same("integer", "125", &["$125", "$125.00", "125.0", "  125  ", "1.25e2"]);
}

#[test]
fn an_id_with_a_zero_fraction_is_whole_only_where_declared() {
    bad("char(10)", "too_long", &["1008300028.00", "2029580065.00"]);
    assert_eq!(read_by("whole", "char(10)", "1008300028.00"), read("char(10)", "1008300028"));
    assert_eq!(read_by("whole", "char(10)", "2029580065.00000000"), read("char(10)", "2029580065"));
    assert_eq!(read_by("whole", "text", "12.50"), read("text", "12.50"));
}

#[test]
fn dates_of_every_known_shape_are_one_day() {
    same("date", "1925-05-01", &["19250501", "05/01/1925", "5/1/1925", "1925-5-1"]);
    same("date", "2022-05-01", &["5/1/22"]);
    same("date", "1995-05-01", &["5/1/95"]);
    same("date", "2015-03-04", &["03/04/2015 12:00:00 AM"]);
    bad("date", "no_such_date", &["19940231", "1994-02-31", "01/01/0000"]);
    bad("date", "not_a_date", &["03/04/2015 12:00:00 AM XYZ", "WHATHAPP"]);
}

#[test]
fn times_of_every_known_shape_are_one_time() {
    same("time", "15:01:00", &["15:1:0", "3:01:00 PM"]);
    same("time", "00:45:41", &["12:45:41 AM"]);
    same("time", "12:45:41", &["12:45:41 PM"]);
}

#[test]
fn timestamps_of_every_known_shape_are_one_instant() {
    same("timestamp", "2020-05-13 23:30:00", &["05/13/2020 23:30:00", "2020-05-13 11:30:00 PM"]);
    same("timestamp", "2021-03-26 00:45:41", &["03/26/2021 12:45:41 AM"]);
    bad("timestamp", "no_such_date", &["02/31/2020 23:30:00"]);
    bad("timestamp", "not_a_timestamp", &["05/13/2020 23:30:00 and more"]);
}

#[test]
fn lists_are_parted_by_commas_or_as_declared() {
    same("text[]", "{one,two,three}", &["one,two,three"]);
    assert_eq!(read_by("list(|)", "text[]", "1|2|3"), read("text[]", "{1,2,3}"));
}

#[test]
fn leading_zeros_and_long_ids_are_kept_as_text() {
    for text in ["02108", "2004320010", "98765432109876543210"] {
        let Got::Field(field) = read("text", text) else { panic!("{text} is text") };
        assert_eq!(&field[4..], text.as_bytes());
    }
    bad("bigint", "out_of_range", &["98765432109876543210"]);
    same("numeric", "98765432109876543210", &["98,765,432,109,876,543,210"]);
}

#[test]
fn money_percent_and_exponents_are_numbers() {
    same("numeric", "1234.50", &["$1,234.50", "1,234.50", "$ 1,234.50", "+1234.50"]);
    same("numeric", "-45.00", &["(45.00)", "($45.00)", "-$45.00"]);
    same("numeric", "1000", &["1e3", "1E+3"]);
    same("integer", "1000", &["1e3"]);
    bad("numeric", "not_a_number", &["12.5%", "-", "."]);
    assert_eq!(read_by("percent", "numeric", "12.5%"), read("numeric", "0.125"));
    assert_eq!(read_by("percent", "numeric", "12.5"), Got::Bad("not_a_percentage"));
}

#[test]
fn numbers_in_a_declared_notation_are_exact() {
    let number = |parser, text| read_by(parser, "numeric", text);
    assert_eq!(number("decimal_comma", "1.234,50"), read("numeric", "1234.50"));
    assert_eq!(number("decimal_comma", "1\u{a0}234,50 €"), read("numeric", "1234.50"));
    assert_eq!(number("decimal_comma", "1.5"), Got::Bad("misplaced_comma"));
    assert_eq!(read_by("decimal_comma", "integer", "1.234"), read("integer", "1234"));
    assert_eq!(read_by("decimal_comma", "integer", "1,5"), Got::Bad("has_fraction"));
    assert_eq!(read_by("accounting", "integer", " $ -   "), read("integer", "0"));
    assert_eq!(number("accounting", "–"), read("numeric", "$0"));
    assert_eq!(number("accounting", "(1,234.50)"), read("numeric", "-1234.50"));
    assert_eq!(read_by("accounting", "smallint", "45-"), read("smallint", "-45"));
    assert_eq!(read_by("accounting", "double precision", "x"), Got::Bad("not_a_number"));
    bad("numeric", "not_a_number", &["-", "–", "45-"]);
}

#[test]
fn compact_and_counted_times_are_timestamps() {
    same("timestamp", "2020-05-13 23:30:00", &["20200513233000", "202005132330", "20200513_233000", "20200513T233000"]);
    same("timestamptz", "2020-05-13 23:30:00Z", &["20200513233000Z", "20200513233000+00"]);
    for (parser, text) in [("unix", "1589412600"), ("unix_ms", "1589412600000")] {
        assert_eq!(read_by(parser, "timestamp", text), read("timestamp", "2020-05-13 23:30:00"));
        assert_eq!(read_by(parser, "timestamptz", text), read("timestamptz", "2020-05-13 23:30:00Z"));
    }
    same("time", "15:01:00", &["3:01:00P", "3:01 p. m.", "3:01\u{202f}PM"]);
}

#[test]
fn blanks_of_unicode_around_a_value_are_none_of_it() {
    same("text", "Main St", &["\u{a0}Main St\u{a0}", "\u{3000}Main St", "Main St\u{200b}"]);
    same("date", "2020-05-13", &["\u{a0}2020-05-13\u{202f}"]);
    assert_eq!(read("text", "\u{a0}"), Got::Null);
}

#[test]
fn the_edges_of_the_calendar_are_told_apart() {
    bad("date", "no_such_date", &["2/29/2023", "00/00/0000"]);
    same("date", "9999-12-31", &["12/31/9999"]);
    same("date", "infinity", &["Infinity"]);
    assert_eq!(read_by("excel_date", "date", "45000"), read("date", "2023-03-15"));
    assert_eq!(read_by("excel_1904", "date", "43538"), read("date", "2023-03-15"));
    same("double precision", "NaN", &["nan"]);
    same("numeric", "NaN", &["nan"]);
}

#[test]
fn a_parser_without_meaning_for_a_type_is_refused() {
    for (parser, column) in [("dmy", "integer"), ("whole", "numeric"), ("percent", "integer"), ("list(|)", "text")] {
        let parser = parser.parse().expect("a parser");
        let mismatch = Encoder::new(column.parse().expect("a type"), parser).expect_err("no meaning");
        assert_eq!(mismatch.to_string(), format!("the parser {parser} does not read {column}"));
    }
}
