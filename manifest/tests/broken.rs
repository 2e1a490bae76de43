//! Manifests as people get them wrong. Each file under `tests/broken/` is put into a small project that is right, and what is found is
//! compared with the file of the same name in `tests/broken/expected/`, line for line, caret for caret.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use manifest::Project;
use manifest::finding::{CODES, Code, Findings, Severity, Style};
use manifest::project::Files;
use proptest::prelude::*;

const STACK: &str = r#"
stack: civic
image: ghcr.io/example/freshet-worker:1.0.0
secrets: {DATABASE_URL: civic/database:url, API_TOKEN: civic/api}
network: {subnets: [subnet-0a1b2c3d], security_groups: [sg-01234567]}
environments:
  prod: {account: "123456789012", region: us-east-1, cluster: civic}
"#;

const SMALL: &str = "engine: fargate\ncpu: 512\nmemory: 1024\n";

fn dataset(name: &str, more: &str) -> String {
    format!(
        "dataset: {name}\ntitle: t\npublisher: p\n{more}tables:\n  {name}:\n    sources: [{{url: \"https://example.org/{name}.csv\"}}]\n    columns: {{id: integer}}\n"
    )
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/broken")
}

/// Every broken manifest: the kind of its folder, its name, its text.
fn fixtures() -> Vec<(String, String, String)> {
    let mut fixtures = Vec::new();
    for kind in ["stack", "task-defs", "schedules", "dataset"] {
        let mut files: Vec<PathBuf> =
            fs::read_dir(folder().join(kind)).expect("a folder").map(|entry| entry.expect("a file").path()).collect();
        files.sort();
        for file in files.iter().filter(|file| file.extension().is_some_and(|extension| extension == "yml")) {
            let name = file.file_stem().and_then(|stem| stem.to_str()).expect("a name").to_owned();
            fixtures.push((kind.to_owned(), name, fs::read_to_string(file).expect("a text")));
        }
    }
    fixtures
}

/// A project that is right but for the one file.
fn findings(kind: &str, name: &str, text: &str) -> Findings {
    let mut files: BTreeMap<String, String> = BTreeMap::new();
    files.insert("freshet.yml".to_owned(), STACK.to_owned());
    files.insert("task-defs/small.yml".to_owned(), SMALL.to_owned());
    files.insert("datasets/nyc/hpd_violations.yml".to_owned(), dataset("hpd_violations", ""));
    if name == "circular_dependency" {
        let back = dataset("circle_back", "depends_on: circular_dependency\n");
        files.insert("datasets/nyc/circle_back.yml".to_owned(), back);
    }
    files.insert("datasets/nyc/circular_dependency.yml".to_owned(), dataset("circular_dependency", ""));
    files.insert("datasets/nyc/scheduled_elsewhere.yml".to_owned(), dataset("scheduled_elsewhere", ""));
    files.insert("datasets/nyc/gone.yml".to_owned(), dataset("gone", "status: unavailable\n"));
    for sql in ["select", "changes", "overwrites"] {
        let text = fs::read_to_string(folder().join(format!("dataset/{sql}.sql"))).expect("a text");
        files.insert(format!("datasets/nyc/{sql}.sql"), text);
    }
    let path = match kind {
        "stack" => "freshet.yml".to_owned(),
        "dataset" => format!("datasets/nyc/{name}.yml"),
        other => format!("{other}/{name}.yml"),
    };
    files.insert(path, text.to_owned());
    // Everything is loaded by hand, but for what the broken file itself schedules.
    let names: BTreeSet<&str> = files
        .keys()
        .filter_map(|path| path.strip_prefix("datasets/nyc/")?.strip_suffix(".yml"))
        .filter(|name| *name != "hpd_violations" || kind != "schedules")
        .collect();
    let entries: Vec<String> = names.iter().map(|name| format!("  {name}: manual\n")).collect();
    let schedules = format!("task-def: small\nschedules:\n{}", entries.concat());
    files.insert("schedules/a.yml".to_owned(), schedules);
    match Project::from_files(&Files::from_texts(files)) {
        Ok(project) => project.warnings,
        Err(findings) => findings,
    }
}

#[test]
fn every_broken_manifest_is_told_where_it_is_wrong_and_what_to_do() {
    let fixtures = fixtures();
    assert!(fixtures.len() >= 40, "{} broken manifests", fixtures.len());
    let mut settings = insta::Settings::clone_current();
    settings.set_snapshot_path("broken/expected");
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings.bind(|| {
        for (kind, name, text) in fixtures {
            let findings = findings(&kind, &name, &text);
            assert!(!findings.is_empty(), "{kind}/{name} is not broken");
            insta::assert_snapshot!(format!("{kind}.{name}"), findings.draw(Style::Plain, 110));
        }
    });
}

#[test]
fn every_finding_of_a_broken_manifest_has_a_place_in_a_file() {
    for (kind, name, text) in fixtures() {
        for finding in findings(&kind, &name, &text).iter() {
            let place = finding.place.as_ref();
            assert!(place.is_some_and(|place| place.span.end <= place.file.text().len()), "{kind}/{name}: {finding}");
        }
    }
}

/// Codes of what is no manifest of its own: files that are not there, and variables of a later command.
const ELSEWHERE: &[Code] =
    &[Code::File, Code::DuplicateDataset, Code::EnvironmentVariable, Code::Unscheduled, Code::DefinitionSize];

#[test]
fn every_code_has_a_broken_manifest_that_shows_it() {
    let shown: BTreeSet<Code> = fixtures()
        .iter()
        .flat_map(|(kind, name, text)| {
            findings(kind, name, text).into_iter().map(|finding| finding.code).collect::<Vec<_>>()
        })
        .collect();
    let missing: Vec<&Code> = CODES.iter().filter(|code| !shown.contains(code) && !ELSEWHERE.contains(code)).collect();
    assert!(missing.is_empty(), "{missing:?}");
    assert!(CODES.iter().all(|code| !code.title().is_empty() && !code.explain().is_empty()));
    assert_eq!(CODES.iter().map(|code| code.as_str()).collect::<BTreeSet<_>>().len(), CODES.len());
}

#[test]
fn a_project_without_its_broken_file_has_no_findings() {
    let right = findings("stack", "right", STACK);
    assert!(right.iter().all(|finding| finding.severity() == Severity::Warning), "{}", right.draw(Style::Plain, 110));
}

#[test]
fn findings_are_told_to_machines_with_line_and_column() {
    let findings = findings(
        "schedules",
        "names_unknown",
        "task-def: small\nschedules:\n  hpd_violation: manual\n  hpd_violations: manual\n",
    );
    let json = serde_json::to_value(&findings).unwrap();
    assert_eq!(
        json,
        serde_json::json!([{
            "code": "M105", "severity": "error", "message": "there is no dataset `hpd_violation`",
            "help": "did you mean `hpd_violations`?", "file": "schedules/names_unknown.yml", "line": 3, "column": 3,
        }])
    );
    assert_eq!(
        findings.to_string(),
        "schedules/names_unknown.yml:3:3: there is no dataset `hpd_violation` [M105] (did you mean `hpd_violations`?)"
    );
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(192) })]

    #[test]
    fn no_slip_of_the_keyboard_is_without_an_answer(
        choice in any::<prop::sample::Index>(),
        slips in prop::collection::vec((any::<prop::sample::Index>(), "[:{}\\[\\]'\"#&*!|>%@`\t\n ,$ü0a-]{0,3}", 0usize..3), 1..4),
    ) {
        let fixtures = fixtures();
        let (kind, name, text) = choice.get(&fixtures);
        let mut letters: Vec<char> = text.chars().collect();
        for (place, typed, gone) in slips {
            let at = place.index(letters.len().max(1));
            let end = (at + gone).min(letters.len());
            letters.splice(at.min(end)..end, typed.chars());
        }
        let findings = findings(kind, name, &letters.iter().collect::<String>());
        // Every caret can be drawn and every place told.
        prop_assert!(findings.is_empty() || !findings.draw(Style::Plain, 110).is_empty());
        prop_assert_eq!(findings.to_string().is_empty(), findings.is_empty());
    }
}
