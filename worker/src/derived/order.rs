//! In which order derived tables are made.

use std::collections::{BTreeMap, BTreeSet};

use manifest::Identifier;

/// Tables in waves: each reads only tables of earlier waves, and tables that are no keys of `needs`. What is in a circle, or
/// behind one, is in none.
pub(super) fn waves(needs: &BTreeMap<Identifier, BTreeSet<Identifier>>) -> Vec<BTreeSet<&Identifier>> {
    let mut waves: Vec<BTreeSet<&Identifier>> = Vec::new();
    let mut left: BTreeMap<&Identifier, &BTreeSet<Identifier>> = needs.iter().collect();
    loop {
        let ready = |needed: &BTreeSet<Identifier>| needed.iter().all(|other| !left.contains_key(other));
        let wave: BTreeSet<&Identifier> =
            left.iter().filter(|(_, needed)| ready(needed)).map(|(table, _)| *table).collect();
        if wave.is_empty() {
            return waves;
        }
        left.retain(|table, _| !wave.contains(table));
        waves.push(wave);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn name(n: usize) -> Identifier {
        format!("t{n}").parse().unwrap()
    }

    #[test]
    fn what_is_in_a_circle_is_in_no_wave() {
        let needs = BTreeMap::from([
            (name(1), BTreeSet::from([name(2)])),
            (name(2), BTreeSet::from([name(1)])),
            (name(3), BTreeSet::from([name(0)])),
        ]);
        assert_eq!(waves(&needs), [BTreeSet::from([&name(3)])]);
    }

    proptest! {
        #[test]
        fn every_table_comes_after_all_that_it_reads(pairs in prop::collection::vec((1_usize..12, 0_usize..12), 0..40)) {
            // Reading only smaller numbers, there is no circle.
            let mut needs: BTreeMap<Identifier, BTreeSet<Identifier>> = BTreeMap::new();
            for (a, b) in pairs.into_iter().filter(|(a, b)| a != b) {
                needs.entry(name(a.max(b))).or_default().insert(name(a.min(b)));
            }
            let waves = waves(&needs);
            prop_assert_eq!(waves.iter().map(BTreeSet::len).sum::<usize>(), needs.len());
            for (i, wave) in waves.iter().enumerate() {
                for needed in wave.iter().flat_map(|table| &needs[*table]).filter(|needed| needs.contains_key(*needed)) {
                    prop_assert!(waves[..i].iter().any(|earlier| earlier.contains(needed)));
                }
            }
        }
    }
}
