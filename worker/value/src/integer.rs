//! Integers of 16, 32 and 64 bits: any [`Number`] whose value is whole, so `1.0`, `1e3` and `$125.00` too, but not `25.92`.

use crate::Bad;
use crate::number::Number;

/// Reads text that has no outer blanks.
#[inline]
pub(crate) fn read(text: &[u8]) -> Result<i64, Bad> {
    let (negative, digits) = match text {
        [b'-', digits @ ..] => (true, digits),
        digits => (false, digits),
    };
    if matches!(digits.len(), 1..=18) {
        let mut value = 0_i64;
        let mut other = false;
        for byte in digits {
            let digit = byte.wrapping_sub(b'0');
            other |= digit > 9;
            value = value.wrapping_mul(10).wrapping_add(i64::from(digit));
        }
        if !other {
            return Ok(if negative { -value } else { value });
        }
    }
    general(text)
}

#[cold]
fn general(text: &[u8]) -> Result<i64, Bad> {
    from_number(&Number::read(text).map_err(not_an_integer)?)
}

/// No number is no integer either.
pub(crate) fn not_an_integer(bad: Bad) -> Bad {
    if bad == Bad::NotANumber { Bad::NotAnInteger } else { bad }
}

/// The whole value of a number of any size.
pub(crate) fn from_number(number: &Number<'_>) -> Result<i64, Bad> {
    let point = number.point();
    let mut magnitude = 0_u64;
    let mut seen = 0;
    for digit in number.digits() {
        if seen < point {
            magnitude = times_ten(magnitude)?.checked_add(u64::from(digit)).ok_or(Bad::OutOfRange)?;
        } else if digit != 0 {
            return Err(Bad::HasFraction);
        }
        seen += 1;
    }
    while magnitude != 0 && seen < point {
        magnitude = times_ten(magnitude)?;
        seen += 1;
    }
    let value = if number.negative { -i128::from(magnitude) } else { i128::from(magnitude) };
    i64::try_from(value).map_err(|_| Bad::OutOfRange)
}

fn times_ten(value: u64) -> Result<u64, Bad> {
    value.checked_mul(10).ok_or(Bad::OutOfRange)
}

#[cfg(test)]
mod tests {
    use super::read;
    use crate::Bad;

    #[test]
    fn thousands_money_and_whole_fractions_are_integers() {
        for (text, value) in [
            ("10", 10),
            ("-10", -10),
            ("+10", 10),
            ("007", 7),
            ("-0", 0),
            ("1.0", 1),
            ("5.", 5),
            ("1,234", 1234),
            ("-1,234,567.00", -1_234_567),
            ("$125", 125),
            ("$125.00", 125),
            ("-$5", -5),
            ("$-5", -5),
            ("$ 1,234", 1234),
            ("(45)", -45),
            ("($45.00)", -45),
            ("$(45)", -45),
            ("1e3", 1000),
            ("1.5E+3", 1500),
            ("1500e-2", 15),
            ("0e999", 0),
            ("000000000000000000000000000012", 12),
            ("9223372036854775807", i64::MAX),
            ("-9223372036854775808", i64::MIN),
        ] {
            assert_eq!(read(text.as_bytes()), Ok(value), "{text}");
        }
    }

    #[test]
    fn a_fraction_is_refused_where_the_predecessor_cut_it() {
        for text in ["25.923432", "$125.75", "1e-1", ".5"] {
            assert_eq!(read(text.as_bytes()), Err(Bad::HasFraction), "{text}");
        }
    }

    #[test]
    fn text_is_bad_where_the_predecessor_made_it_null() {
        for text in [
            "NOT AN INTEGER",
            ".",
            "-",
            "$",
            "99PN32735",
            "--5",
            "1 2",
            "1-",
            "()",
            "(-5)",
            "1e",
            "1e+",
            "0x10",
            "12.5%",
            "$$1",
            "٣",
        ] {
            assert_eq!(read(text.as_bytes()), Err(Bad::NotAnInteger), "{text}");
        }
    }

    #[test]
    fn commas_stand_between_thousands_or_nowhere() {
        for text in ["1,23", "12,34,567", ",123", "1234,567", "1,234,", "0,123", "1,,234"] {
            assert_eq!(read(text.as_bytes()), Err(Bad::MisplacedComma), "{text}");
        }
    }

    #[test]
    fn what_64_bits_cannot_hold_is_out_of_range() {
        for text in [
            "9223372036854775808",
            "-9223372036854775809",
            "99999999999999999999",
            "1e19",
            "1e99999999999",
            "1e1000000",
        ] {
            assert_eq!(read(text.as_bytes()), Err(Bad::OutOfRange), "{text}");
        }
    }
}
