//! Why a text is not a value. A [`Bad`] is what a column's encoder answers in place of a value: a code for counting and for
//! `freshet.rejects`, and a sentence for people.

use std::fmt;

macro_rules! bad {
    ($($(#[$doc:meta])* $name:ident $code:literal $explain:literal,)+) => {
        /// Why a text is not a value of the column's type.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum Bad {
            $($(#[$doc])* $name,)+
        }

        impl Bad {
            /// Every reason there is, in the order of their meaning's first use.
            pub const ALL: &[Self] = &[$(Self::$name,)+];

            /// The word that stands for this reason in counters, logs and `freshet.rejects`. It never changes.
            pub fn code(self) -> &'static str {
                match self {
                    $(Self::$name => $code,)+
                }
            }

            /// One sentence for people: what is wrong with the text, and what to declare where that helps.
            pub fn explain(self) -> &'static str {
                match self {
                    $(Self::$name => $explain,)+
                }
            }
        }
    };
}

bad! {
    /// Text in an integer column.
    NotAnInteger "not_an_integer" "the text is not a whole number",
    /// `25.92` in an integer column.
    HasFraction "has_fraction" "the number has a fraction, which an integer column would lose; declare numeric",
    /// Text in a numeric or floating-point column.
    NotANumber "not_a_number" "the text is not a number",
    /// `1,23` or `0,123`.
    MisplacedComma "misplaced_comma" "the marks between thousands do not stand between groups of three digits; if a comma stands before the fraction, declare the parser decimal_comma",
    /// The value is larger than the type holds.
    OutOfRange "out_of_range" "the value is beyond what the column's type can hold; declare a wider type",
    /// The value has more digits behind the point than the type holds, and they are not zeros.
    TooPrecise "too_precise" "the value has more digits behind the point than the column's type keeps; declare a larger scale",
    /// Longer than `char(n)` or `varchar(n)`, or than any field may be.
    TooLong "too_long" "the text has more characters than the column holds; declare a longer type or text",
    /// No number before a percent sign, where the parser `percent` is declared.
    NotAPercentage "not_a_percentage" "the text is not a number with a percent sign",
    /// Neither true nor false in any spelling.
    NotABoolean "not_a_boolean" "the text is neither yes nor no in any known spelling",
    /// Not the shape of a date.
    NotADate "not_a_date" "the text is not a date in a known form; another order of day and month is declared by a parser (mdy, dmy, ymd)",
    /// `2023-02-29`, `25/12/2013` where the month comes first.
    NoSuchDate "no_such_date" "the calendar has no such day; if the day stands before the month, declare the parser dmy",
    /// Not the shape of a time of day.
    NotATime "not_a_time" "the text is not a time of day in a known form",
    /// Not the shape of a date with a time of day.
    NotATimestamp "not_a_timestamp" "the text is not a date with a time in a known form; another order of day and month is declared by a parser (mdy, dmy, ymd)",
    /// A time of day other than midnight in a date column.
    HasTime "has_time" "the text has a time of day, which a date column would lose; declare timestamp",
    /// An offset from UTC in a column without time zone.
    HasZone "has_zone" "the text has a time zone, which this column would lose; declare timestamptz",
    /// A local time in a column with time zone, and no zone declared.
    NoZone "no_zone" "the text has no time zone; declare the zone of its clocks",
    /// A local time that was skipped when the clocks were set forward.
    NoSuchTime "no_such_time" "the clocks of the declared zone skipped this time when they were set forward",
    /// A local time that was shown twice when the clocks were set back.
    AmbiguousTime "ambiguous_time" "the clocks of the declared zone showed this time twice when they were set back; declare the parser earlier or later",
    /// Not a serial number of Excel, where one is declared.
    NotASerial "not_a_serial" "the text is not a serial number of a day in Excel",
    /// Not a count of seconds, where one is declared.
    NotACount "not_a_count" "the text is not a count of seconds or milliseconds since 1970",
    /// Not 32 hexadecimal digits.
    NotAUuid "not_a_uuid" "the text is not a UUID",
    /// Not an address of the internet, or a mask that is longer than it.
    NotAnAddress "not_an_address" "the text is not an internet address, as in 192.0.2.7, 192.0.2.0/24 or 2001:db8::1",
    /// `192.0.2.7/24` in a cidr column.
    NotANetwork "not_a_network" "the address has bits behind its mask, which a cidr column cannot hold; declare inet",
    /// Not a JSON document that the server would take.
    NotJson "not_json" "the text is not JSON",
    /// JSON nested deeper than 1,024 levels.
    TooDeep "too_deep" "the JSON is nested too deeply",
    /// Not `\\x` and pairs of hexadecimal digits.
    NotHex "not_hex" "the text is not bytes in hexadecimal, as in \\x00ff",
    /// Not an array in PostgreSQL's own syntax.
    NotAnArray "not_an_array" "the text is neither a plain list nor an array in PostgreSQL's syntax; a list whose elements hold quotes or braces is declared by a parser, as list(,)",
    /// Not one of the labels of the column's enum.
    NotALabel "not_a_label" "the text is not one of the labels of the column's enum",
    /// Not a geometry in any notation that is read.
    NotAGeometry "not_a_geometry" "the text is not a geometry in WKT, WKB, EWKB or GeoJSON",
    /// Another shape than the column's, which no collection of one makes it.
    WrongShape "wrong_shape" "the geometry has another shape than the column; declare geometry(Geometry, srid) for any",
    /// No height or measure where the column has one, or members of a collection that differ in it.
    WrongAxes "wrong_axes" "the geometry lacks the height or measure that the column has; declare the shape without Z or M",
    /// Another spatial reference system than the column's.
    WrongSrid "wrong_srid" "the geometry says that it is of another spatial reference system than the column",
    /// A line of one point, or a ring of fewer than four.
    FewPoints "too_few_points" "a line of the geometry has fewer than two points, or a ring fewer than four",
    /// A ring that does not end where it begins.
    OpenRing "open_ring" "a ring of the geometry does not end where it begins",
    /// A coordinate that is no number.
    NotFinite "not_finite" "a coordinate of the geometry is infinite or not a number",
    /// Bytes that are not UTF-8.
    NotUtf8 "not_utf8" "the bytes are not UTF-8; declare the source's encoding",
    /// A NUL byte, which PostgreSQL's text cannot hold.
    NulByte "nul_byte" "the text has a NUL byte, which PostgreSQL's text types cannot hold",
}

impl fmt::Display for Bad {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.explain())
    }
}

impl std::error::Error for Bad {}

#[cfg(test)]
mod tests {
    use super::Bad;
    use std::collections::BTreeSet;

    #[test]
    fn codes_are_distinct_words() {
        let codes: BTreeSet<_> = Bad::ALL.iter().map(|bad| bad.code()).collect();
        assert_eq!(codes.len(), Bad::ALL.len());
        assert!(
            codes
                .iter()
                .all(|code| { code.bytes().all(|b| b.is_ascii_lowercase() || b == b'_' || b.is_ascii_digit()) })
        );
    }
}
