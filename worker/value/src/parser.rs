//! The parsers that a column can declare. Most columns need none: [`Parser::Auto`] reads what is unambiguous.

use crate::types::{Scalar, Type};
use std::fmt;
use std::str::FromStr;

/// How the text of a column is read where its type alone does not say.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Parser {
    /// What is unambiguous for the column's type; between slashes the month comes first.
    #[default]
    Auto,
    /// Dates with month, day, year.
    Mdy,
    /// Dates with day, month, year.
    Dmy,
    /// Dates with year, month, day.
    Ymd,
    /// Text that is a whole number, of which an all-zero fraction is dropped: `1008300028.00`.
    Whole,
    /// Numbers with a percent sign, divided by a hundred: `12.5%` is 0.125. The sign is required.
    Percent,
    /// Numbers with a comma before the fraction: `1.234,50`. Points, blanks or apostrophes part thousands.
    DecimalComma,
    /// Numbers as spreadsheets show money: a dash alone is zero, and a minus may stand behind the digits.
    Accounting,
    /// Seconds since 1970-01-01 00:00 UTC, maybe with a fraction.
    Unix,
    /// Milliseconds since then.
    UnixMillis,
    /// Dates as serial numbers of an Excel workbook that counts from 1900: `45000` is 2023-03-15.
    ExcelDate,
    /// Dates as serial numbers of an Excel workbook that counts from 1904, as old ones from a Macintosh do.
    Excel1904,
    /// An array whose elements are parted by commas, without quotes.
    ListComma,
    /// An array whose elements are parted by semicolons, without quotes.
    ListSemicolon,
    /// An array whose elements are parted by vertical bars, without quotes.
    ListBar,
}

impl Parser {
    /// Every parser there is.
    pub const ALL: &[Self] = &[
        Self::Auto,
        Self::Mdy,
        Self::Dmy,
        Self::Ymd,
        Self::Whole,
        Self::Percent,
        Self::DecimalComma,
        Self::Accounting,
        Self::Unix,
        Self::UnixMillis,
        Self::ExcelDate,
        Self::Excel1904,
        Self::ListComma,
        Self::ListSemicolon,
        Self::ListBar,
    ];

    /// The name in a manifest.
    pub fn name(self) -> &'static str {
        match self {
            Self::Auto => "auto",
            Self::Mdy => "mdy",
            Self::Dmy => "dmy",
            Self::Ymd => "ymd",
            Self::Whole => "whole",
            Self::Percent => "percent",
            Self::DecimalComma => "decimal_comma",
            Self::Accounting => "accounting",
            Self::Unix => "unix",
            Self::UnixMillis => "unix_ms",
            Self::ExcelDate => "excel_date",
            Self::Excel1904 => "excel_1904",
            Self::ListComma => "list(,)",
            Self::ListSemicolon => "list(;)",
            Self::ListBar => "list(|)",
        }
    }

    /// What parts the elements of a list.
    pub(crate) fn separator(self) -> Option<u8> {
        match self {
            Self::ListComma => Some(b','),
            Self::ListSemicolon => Some(b';'),
            Self::ListBar => Some(b'|'),
            _ => None,
        }
    }

    /// Whether this parser has a meaning for columns of this type.
    pub fn serves(self, column: Type) -> bool {
        let (Type::Scalar(scalar) | Type::Array(scalar)) = column;
        match self {
            Self::Auto => true,
            Self::Mdy | Self::Dmy | Self::Ymd => {
                matches!(scalar, Scalar::Date | Scalar::Timestamp(_) | Scalar::Timestamptz(_))
            }
            Self::Whole => scalar.is_text(),
            Self::Percent => matches!(scalar, Scalar::Numeric(_) | Scalar::Real | Scalar::Double),
            Self::DecimalComma | Self::Accounting => scalar.is_number(),
            Self::Unix | Self::UnixMillis => matches!(scalar, Scalar::Timestamp(_) | Scalar::Timestamptz(_)),
            Self::ExcelDate | Self::Excel1904 => {
                matches!(scalar, Scalar::Date | Scalar::Timestamp(_) | Scalar::Timestamptz(_))
            }
            Self::ListComma | Self::ListSemicolon | Self::ListBar => matches!(column, Type::Array(_)),
        }
    }
}

impl fmt::Display for Parser {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// No parser has this name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("unknown parser {0:?}; there are {known}", known = known())]
pub struct UnknownParser(
    /// The name as it was given.
    pub String,
);

fn known() -> String {
    Parser::ALL.iter().map(|parser| parser.name()).collect::<Vec<_>>().join(", ")
}

impl FromStr for Parser {
    type Err = UnknownParser;

    fn from_str(name: &str) -> Result<Self, UnknownParser> {
        Self::ALL.iter().copied().find(|parser| parser.name() == name).ok_or_else(|| UnknownParser(name.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::Parser;

    #[test]
    fn a_parser_is_found_by_its_name() {
        for parser in Parser::ALL {
            assert_eq!(parser.name().parse(), Ok(*parser));
        }
        let unknown = "us_date".parse::<Parser>().unwrap_err();
        assert!(unknown.to_string().starts_with("unknown parser \"us_date\"; there are auto, mdy, dmy, "), "{unknown}");
    }
}
