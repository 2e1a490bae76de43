//! What only a whole project tells: files that are missing or misplaced, names that meet, sizes.

use manifest::finding::{Code, Findings};
use manifest::project::Files;
use manifest::stack::PublicIp;
use manifest::{ContentHash, Project};

const STACK: &str = "stack: civic\nimage: example/worker:1\nsecrets: {DATABASE_URL: civic/database}\nnetwork: {subnets: [subnet-1], security_groups: [sg-1]}\nenvironments: {prod: {account: \"123456789012\", region: us-east-1, cluster: civic}}\n";
const BATCH: &str = "engine: batch\ncpu: 512\nmemory: 1024\n";

fn dataset(name: &str, table: &str, more: &str) -> String {
    format!(
        "dataset: {name}\ntitle: t\npublisher: p\n{more}tables: {{{table}: {{sources: [{{url: \"https://example.org/{name}.csv\"}}], columns: {{id: integer}}}}}}\n"
    )
}

fn findings(files: &[(&str, String)]) -> Findings {
    let files = files.iter().map(|(path, text)| (*path, text.clone()));
    match Project::from_files(&Files::from_texts(files)) {
        Ok(project) => project.warnings,
        Err(findings) => findings,
    }
}

fn codes(findings: &Findings) -> Vec<Code> {
    findings.iter().map(|finding| finding.code).collect()
}

#[test]
fn a_folder_without_a_stack_is_no_project() {
    let found = findings(&[("datasets/a.yml", dataset("a", "a", ""))]);
    assert!(found.to_string().starts_with("there is no freshet.yml in this folder [M101]"), "{found}");
}

#[test]
fn a_manifest_that_nobody_would_look_at_is_told() {
    let found = findings(&[
        ("freshet.yml", STACK.to_owned()),
        ("datasets/nyc/a.yaml", dataset("a", "a", "")),
        ("task-defs/Big One.yml", BATCH.to_owned()),
    ]);
    assert_eq!(
        found.to_string(),
        "datasets/nyc/a.yaml is not looked at: manifests end in .yml [M101] (rename it to datasets/nyc/a.yml)\n\
         task-defs/Big One.yml: task-def name `Big One` may not begin with `B`; use lower-case letters, digits, - and _, \
         beginning with a letter [M101] (rename the file)"
    );
}

#[test]
fn one_name_is_one_dataset_whatever_folder_it_is_in() {
    let found = findings(&[
        ("freshet.yml", STACK.to_owned()),
        ("datasets/la/a.yml", dataset("a", "a", "")),
        ("datasets/nyc/a.yml", dataset("a", "b", "")),
    ]);
    let told = found.to_string();
    assert!(
        told.contains("datasets/nyc/a.yml:1:10: the dataset `a` stands in datasets/la/a.yml:1:10 already [M103]"),
        "{told}"
    );
}

#[test]
fn tables_of_one_name_may_stand_in_two_schemas() {
    let apart = [
        ("freshet.yml", STACK.to_owned()),
        ("datasets/a.yml", dataset("a", "streets", "")),
        ("datasets/b.yml", dataset("b", "streets", "schema: geo\n")),
    ];
    assert!(!codes(&findings(&apart)).contains(&Code::DuplicateTable));
}

#[test]
fn a_dataset_that_nothing_loads_is_warned_of_once() {
    let found = findings(&[("freshet.yml", STACK.to_owned()), ("datasets/a.yml", dataset("a", "a", ""))]);
    assert_eq!(codes(&found), [Code::Unscheduled]);
}

#[test]
fn a_manifest_that_does_not_fit_into_its_definition_is_refused_before_aws_would() {
    // Hexadecimal digits of hashes: gzip and base64 bring 40,000 of them to about 27,000 bytes.
    let noise: String = (0u32..625).map(|n| ContentHash::of_bytes(&n.to_le_bytes()).to_string()).collect();
    let files = |engine: &str| {
        findings(&[
            ("freshet.yml", STACK.to_owned()),
            ("task-defs/t.yml", format!("engine: {engine}\ncpu: 512\nmemory: 1024\n")),
            ("schedules/s.yml", "task-def: t\nschedules: {a: {cron: \"@daily\"}}\n".to_owned()),
            ("datasets/a.yml", "dataset: a\ntitle: t\npublisher: p\ntables: {a: {query: a.sql}}\n".to_owned()),
            ("datasets/a.sql", format!("SELECT '{noise}'")),
        ])
    };
    assert!(codes(&files("batch")).contains(&Code::DefinitionSize), "{}", files("batch"));
    assert!(!codes(&files("fargate")).contains(&Code::DefinitionSize));
}

#[test]
fn one_broken_file_does_not_hide_what_is_wrong_with_the_others() {
    let found = findings(&[
        ("freshet.yml", STACK.replace("us-east-1", "moon")),
        ("task-defs/t.yml", BATCH.replace("512", "513")),
        ("schedules/s.yml", "task-def: t\nschedules: {a: {cron: \"@daily\"}, b: manual, c: manual}\n".to_owned()),
        ("datasets/a.yml", "dataset: [".to_owned()),
        ("datasets/b.yml", dataset("b", "b", "schema: pg_toast\n")),
    ]);
    assert_eq!(
        codes(&found),
        [Code::Syntax, Code::Table, Code::Account, Code::UnknownDataset, Code::TaskDef],
        "{found}"
    );
}

#[test]
fn any_value_of_the_stack_may_come_from_the_environment_and_is_checked_once_it_is_known() {
    let stack = STACK
        .replace("civic/database", "\"${env:DB_SECRET}\"")
        .replace("security_groups: [sg-1]", "security_groups: [sg-1], public_ip: \"${env:PUBLIC}\"")
        .replace("region: us-east-1", "region: \"${env:REGION}-1\"");
    let project =
        Project::from_files(&Files::from_texts([("freshet.yml", stack)])).expect("nothing is known to be wrong");
    let resolve = |public: &str, region: &str| {
        let values = [("DB_SECRET", "civic/db:url"), ("PUBLIC", public), ("REGION", region), ("UNUSED", "x")];
        let values = values.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
        project.environment(&"prod".parse().expect("a name"), &values)
    };
    let environment = resolve("true", "us-east").expect("it resolves");
    assert_eq!((environment.region.as_str(), environment.network.public_ip), ("us-east-1", PublicIp::Enabled));
    assert_eq!(environment.secrets[&"DATABASE_URL".parse().expect("a name")].to_string(), "civic/db:url");
    let told = resolve("perhaps", "us-east").expect_err("no boolean").to_string();
    assert!(told.contains("`perhaps` is neither true nor false"), "{told}");
    let told = resolve("true", "moon").expect_err("no region").to_string();
    assert!(told.contains("`moon-1` is not an AWS region"), "{told}");
}
