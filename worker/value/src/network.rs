//! Internet addresses, with a mask or without: `192.0.2.7`, `192.0.2.0/24`, `2001:db8::1/64`. Text comes in, the bytes of
//! `inet` or `cidr` go out. Short forms of old, such as `10/8`, and numbers with a zero before them, which are octal to some, are not taken.

use std::net::IpAddr;

use crate::Bad;
use crate::cursor::number;

/// Which of the two types.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// An address, maybe one in a network.
    Inet,
    /// A network: nothing stands behind its mask.
    Cidr,
}

/// Longest value: family, bits, kind, length of the address, and sixteen bytes.
const LONGEST: usize = 20;

/// Reads text that has no outer blanks; gives the bytes and how many of them count.
pub(crate) fn read(text: &[u8], kind: Kind) -> Result<([u8; LONGEST], usize), Bad> {
    let slash = text.iter().position(|byte| *byte == b'/');
    let (address, mask) = slash.map_or((text, None), |at| (&text[..at], Some(&text[at + 1..])));
    let address = std::str::from_utf8(address).ok().and_then(|text| text.parse::<IpAddr>().ok());
    // PostgreSQL's numbers of the families: AF_INET, and that plus one on every system.
    let (family, octets, length) = match address.ok_or(Bad::NotAnAddress)? {
        IpAddr::V4(address) => {
            let mut octets = [0; 16];
            octets[..4].copy_from_slice(&address.octets());
            (2, octets, 4)
        }
        IpAddr::V6(address) => (3, address.octets(), 16),
    };
    let most = length * 8;
    let bits = match mask {
        None => most,
        Some(digits) => bits(digits).filter(|bits| *bits <= most).ok_or(Bad::NotAnAddress)?,
    };
    if kind == Kind::Cidr && has_bits_behind(&octets[..length], bits) {
        return Err(Bad::NotANetwork);
    }
    let mut value = [0; LONGEST];
    // No value is longer than a byte can say.
    let small = |number: usize| u8::try_from(number).unwrap_or(u8::MAX);
    value[..4].copy_from_slice(&[family, small(bits), u8::from(kind == Kind::Cidr), small(length)]);
    value[4..4 + length].copy_from_slice(&octets[..length]);
    Ok((value, 4 + length))
}

/// The number of a mask's bits, without zeros before it.
fn bits(digits: &[u8]) -> Option<usize> {
    let plain = match digits {
        [b'0'] => true,
        [b'1'..=b'9', rest @ ..] => rest.len() < 3 && rest.iter().all(u8::is_ascii_digit),
        _ => false,
    };
    if plain { usize::try_from(number(digits)).ok() } else { None }
}

fn has_bits_behind(octets: &[u8], bits: usize) -> bool {
    octets.iter().enumerate().any(|(i, octet)| {
        let kept = bits.saturating_sub(i * 8).min(8);
        kept < 8 && (u32::from(*octet) << kept) & 0xff != 0
    })
}

#[cfg(test)]
mod tests {
    use super::{Kind, read};
    use crate::Bad;

    fn bytes(text: &str, kind: Kind) -> Result<Vec<u8>, Bad> {
        read(text.as_bytes(), kind).map(|(value, length)| value[..length].to_vec())
    }

    #[test]
    fn an_address_has_all_its_bits_unless_a_mask_says_otherwise() {
        assert_eq!(bytes("192.0.2.7", Kind::Inet), Ok(vec![2, 32, 0, 4, 192, 0, 2, 7]));
        assert_eq!(bytes("192.0.2.7/24", Kind::Inet), Ok(vec![2, 24, 0, 4, 192, 0, 2, 7]));
        assert_eq!(bytes("192.0.2.0/24", Kind::Cidr), Ok(vec![2, 24, 1, 4, 192, 0, 2, 0]));
        let mut long = vec![3, 128, 0, 16, 0x20, 0x01, 0x0d, 0xb8];
        long.extend([0; 11]);
        long.push(1);
        assert_eq!(bytes("2001:DB8::1", Kind::Inet), Ok(long));
    }

    #[test]
    fn a_network_has_nothing_behind_its_mask() {
        assert_eq!(bytes("192.0.2.7/24", Kind::Cidr), Err(Bad::NotANetwork));
        assert_eq!(bytes("192.0.2.128/25", Kind::Cidr).unwrap()[1], 25);
        assert_eq!(bytes("0.0.0.0/0", Kind::Cidr).unwrap()[1], 0);
        assert_eq!(bytes("2001:db8::/32", Kind::Cidr).unwrap()[1], 32);
        assert_eq!(bytes("2001:db8::1/127", Kind::Cidr), Err(Bad::NotANetwork));
    }

    #[test]
    fn what_is_no_address_is_refused() {
        for text in
            ["", "1.2.3", "1.2.3.4.5", "1.2.3.256", "1.2.3.4/33", "1.2.3.4/", "1.2.3.4/08", "::1/129", "10/8", "a"]
        {
            assert_eq!(bytes(text, Kind::Inet), Err(Bad::NotAnAddress), "{text}");
        }
    }
}
