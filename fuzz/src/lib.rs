//! What must hold of any bytes. A target gets bytes and panics where something does not hold: `cargo xtask fuzz` looks for such bytes,
//! guided by the branches that they reach, and `cargo test` goes through those that were found or thought of before, in `corpus/`.

mod files;
mod fixed;
mod objects;
mod shapes;
mod values;
mod workbooks;

/// Something that takes any bytes.
#[derive(Debug)]
pub struct Target {
    /// Its name, and that of its folder in `corpus/`.
    pub name: &'static str,
    holds: fn(&[u8]),
}

/// All of them.
pub const TARGETS: &[Target] = &[
    Target { name: "numbers", holds: values::numbers },
    Target { name: "moments", holds: values::moments },
    Target { name: "texts", holds: values::texts },
    Target { name: "geometry", holds: values::geometry },
    Target { name: "files", holds: files::files },
    Target { name: "fixed", holds: fixed::fixed },
    Target { name: "objects", holds: objects::objects },
    Target { name: "shapes", holds: shapes::shapes },
    Target { name: "workbooks", holds: workbooks::workbooks },
];

impl Target {
    /// The target of this name.
    pub fn named(name: &str) -> Option<&'static Self> {
        TARGETS.iter().find(|target| target.name == name)
    }

    /// Panics where something does not hold.
    pub fn run(&self, data: &[u8]) {
        (self.holds)(data);
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::fs;
    use std::path::Path;

    use super::TARGETS;

    #[test]
    fn every_target_has_its_folder_and_no_other_is_there() {
        let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus");
        let entries = fs::read_dir(corpus).expect("a folder").map(|entry| entry.expect("an entry").file_name());
        let folders: BTreeSet<_> = entries.collect();
        assert_eq!(folders, TARGETS.iter().map(|target| target.name.into()).collect());
    }

    #[test]
    fn what_was_found_before_holds_now() {
        for target in TARGETS {
            let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus").join(target.name);
            let mut seeds = 0;
            for entry in fs::read_dir(&folder).expect("a folder for each target") {
                let data = fs::read(entry.expect("an entry").path()).expect("a file");
                target.run(&data);
                // Damage that a fuzzer would do first.
                for at in 0..data.len() {
                    target.run(&data[..at]);
                }
                seeds += 1;
            }
            assert!(seeds > 3, "{} has {seeds} seeds", target.name);
        }
    }
}
