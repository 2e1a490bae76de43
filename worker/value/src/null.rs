//! Null markers: the texts that a source writes for "no value", such as `N/A` or `-`. A field without outer blanks comes in; whether
//! it is such a marker goes out.

/// The markers of one column. Comparison is by bytes, so case matters.
#[derive(Debug, Clone, Default)]
pub(crate) struct Nulls {
    markers: Vec<Box<[u8]>>,
    /// Bit `n` is set when a marker has `n` bytes (bit 63: or more), so that most values cost one test.
    lengths: u64,
}

impl Nulls {
    pub(crate) fn new(markers: impl IntoIterator<Item = impl AsRef<str>>) -> Self {
        let markers: Vec<Box<[u8]>> =
            markers.into_iter().map(|marker| crate::blank::trim(marker.as_ref().as_bytes()).into()).collect();
        let lengths = markers.iter().fold(0, |bits, marker| bits | bit(marker));
        Self { markers, lengths }
    }

    #[inline]
    pub(crate) fn holds(&self, field: &[u8]) -> bool {
        self.lengths & bit(field) != 0 && self.markers.iter().any(|marker| **marker == *field)
    }
}

fn bit(field: &[u8]) -> u64 {
    1 << field.len().min(63)
}

#[cfg(test)]
mod tests {
    use super::Nulls;

    #[test]
    fn a_marker_is_matched_whole_and_by_case() {
        let long = "x".repeat(80);
        let nulls = Nulls::new(["N/A", " - ", &long]);
        assert!(nulls.holds(b"N/A") && nulls.holds(b"-") && nulls.holds(long.as_bytes()));
        assert!(!nulls.holds(b"n/a") && !nulls.holds(b"N/A.") && !nulls.holds(&long.as_bytes()[1..]));
        assert!(!Nulls::default().holds(b"N/A"));
    }
}
