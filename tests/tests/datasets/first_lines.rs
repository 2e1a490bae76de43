//! The publishers' own first lines load whole. They are not ours to hand on, so that they lie in a folder of whoever has them.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};

use manifest::run::Outcome;

use crate::desk::{self, Desk, Known};

/// Names a folder with files as the publishers write them, each called as its source's `file:`.
const FOLDER: &str = "FRESHET_FIRST_LINES";

/// What a file is called whose header was changed by hand so that it must be refused: `<file>_invalid_header.csv`.
const INVALID: &str = "_invalid_header.csv";

fn folder() -> Option<PathBuf> {
    let folder = env::var_os(FOLDER).map(PathBuf::from);
    if folder.is_none() {
        eprintln!("skipped: {FOLDER} names no folder with the publishers' own first lines");
    }
    folder
}

fn has_files_of(folder: &Path, known: &Known) -> bool {
    let mut sources = known.dataset.tables.iter().flat_map(manifest::dataset::Table::sources);
    sources.any(|source| folder.join(&source.file).is_file())
}

#[test]
fn first_lines_as_the_publishers_write_them_load_whole() {
    let Some(folder) = folder() else { return };
    let desk = Desk::new();
    for known in desk::all().iter().filter(|known| has_files_of(&folder, known)) {
        if !known.unserved().is_empty() {
            eprintln!("{}: not served yet: {}", known.name, Vec::from_iter(known.unserved()).join(", "));
            continue;
        }
        let run = desk.load(known, &folder, &[]);
        let record = desk::record(run.expect_code(0));
        assert_eq!(record.outcome, Outcome::Published, "{run}");
        assert_eq!((record.bad_values, record.rejected_rows), (0, 0), "{run}");
        assert!(record.tables.values().all(|table| table.rows > 0), "{run}");
    }
}

#[test]
fn a_header_that_is_nearly_right_is_refused_with_what_was_probably_meant() {
    let Some(folder) = folder() else { return };
    let desk = Desk::new();
    let all = desk::all();
    for entry in fs::read_dir(&folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        let Some(stem) = name.strip_suffix(INVALID) else { continue };
        let alone = tempfile::tempdir().unwrap();
        fs::copy(&path, alone.path().join(format!("{stem}.csv"))).unwrap();
        let known = all.iter().find(|known| has_files_of(alone.path(), known)).expect("a dataset reads this file");
        let run = desk.load(known, alone.path(), &[]);
        assert_ne!(run.code(), Some(0), "{run}");
        assert!(run.to_string().contains("did you mean"), "{run}");
    }
}
