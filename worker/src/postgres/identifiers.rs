//! Names and texts on their way into SQL: quoted as PostgreSQL's own `quote_ident` and `quote_literal` do, and shortened
//! to what it keeps of a name.

use sha2::{Digest, Sha256};

/// PostgreSQL keeps 63 bytes of a name (`NAMEDATALEN` - 1) and silently drops the rest.
pub const LONGEST: usize = 63;

/// Hex digits of the hash that ends a shortened name.
const SUFFIX: usize = 8;

/// An identifier in double quotes.
///
/// A NUL cannot stand in a name; it becomes U+FFFD, so that the name is not found rather than cut off at the NUL.
pub fn quote_ident(name: &str) -> String {
    format!("\"{}\"", name.replace('\0', "\u{fffd}").replace('"', "\"\""))
}

/// `"schema"."name"`.
pub fn qualified(schema: &str, name: &str) -> String {
    format!("{}.{}", quote_ident(schema), quote_ident(name))
}

/// A text in single quotes, read the same whatever `standard_conforming_strings` says. A NUL, which PostgreSQL's text
/// cannot hold, becomes U+FFFD.
pub fn quote_literal(text: &str) -> String {
    let escaped = text.replace('\0', "\u{fffd}").replace('\'', "''");
    if escaped.contains('\\') { format!("E'{}'", escaped.replace('\\', "\\\\")) } else { format!("'{escaped}'") }
}

/// The name itself when PostgreSQL keeps all of it; else its beginning, cut between characters, and a hash of the whole,
/// so that two long names that begin alike stay two names.
pub fn fitting(name: &str) -> String {
    if name.len() <= LONGEST {
        return name.to_owned();
    }
    let hash = Sha256::digest(name.as_bytes());
    let suffix = u32::from_be_bytes([hash[0], hash[1], hash[2], hash[3]]);
    let mut end = LONGEST - SUFFIX - 1;
    while !name.is_char_boundary(end) {
        end -= 1;
    }
    format!("{}_{suffix:08x}", &name[..end])
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn quotes_inside_names_and_texts_are_doubled() {
        assert_eq!(quote_ident("a\"b"), "\"a\"\"b\"");
        assert_eq!(quote_literal("it's"), "'it''s'");
        assert_eq!(quote_literal(r"a\'b"), r"E'a\\''b'");
        assert_eq!(qualified("s", "t"), "\"s\".\"t\"");
    }

    #[test]
    fn a_name_of_63_bytes_stays_and_one_of_64_is_told_from_its_neighbours() {
        let fits = "x".repeat(63);
        assert_eq!(fitting(&fits), fits);
        let (one, other) = (fitting(&format!("{fits}a")), fitting(&format!("{fits}b")));
        assert_eq!(one.len(), 63);
        assert_ne!(one, other);
    }

    proptest! {
        #[test]
        fn a_fitting_name_is_never_cut_inside_a_character(name in "\\PC{0,80}") {
            let fitted = fitting(&name);
            prop_assert!(fitted.len() <= LONGEST);
            let kept = fitted.chars().zip(name.chars()).take_while(|(a, b)| a == b).count();
            prop_assert!(fitted == name || kept > 0);
        }
    }
}
