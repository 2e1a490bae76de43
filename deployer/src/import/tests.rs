use manifest::schedule::Replaced;
use manifest::task_def::Arch;
use serde_json::json;

use super::*;
use crate::desired::fixture;
use crate::observed::foreign::{Firing, Target};
use crate::observed::state::State;

fn definition() -> Definition {
    Definition {
        engine: Engine::Fargate,
        arn: "arn:aws:ecs:us-east-1:123456789012:task-definition/loader:7".to_owned(),
        name: "loader:7".to_owned(),
        cpu: Some(512),
        memory: Some(1024),
        arch: Arch::X86_64,
        storage: None,
        timeout_seconds: None,
        attempts: 1,
        container: Some("main".to_owned()),
        image: "ghcr.io/civic/loader:4.2".to_owned(),
        command: vec!["load".to_owned()],
        environment: BTreeMap::from([("CITY".to_owned(), "nyc \"the\" city".to_owned())]),
        secrets: BTreeMap::new(),
        task_role: None,
        tags: BTreeMap::new(),
        never: Vec::new(),
        notes: Vec::new(),
    }
}

fn fired(name: &str, input: Option<&str>) -> Taken {
    let target = Target {
        engine: Some(Engine::Fargate),
        definition: Some("loader:7".to_owned()),
        place: "civic".to_owned(),
        count: 1,
        on_instances: false,
        subnets: Vec::new(),
        overrides: Overrides::read(input),
        notes: Vec::new(),
    };
    let firing = Firing {
        of: Replaced::Rule(name.to_owned()),
        tags: BTreeMap::new(),
        description: String::new(),
        expression: "cron(0 3 * * ? *)".to_owned(),
        timezone: "UTC".to_owned(),
        state: State::Enabled,
        start: None,
        notes: Vec::new(),
        targets: vec![target],
    };
    Taken { firing, definition: Some(definition()), owner: Owner::Unknown }
}

fn drafted(firings: Vec<Taken>) -> Draft {
    let manifests = fixture::four();
    draft(&Found { manifests: &manifests, firings, unfired: Vec::new(), place: "imported" })
}

#[test]
fn firings_of_one_definition_are_one_dataset_unless_they_tell_it_different_things() {
    let other = r#"{"containerOverrides": [{"name": "main", "command": ["report"], "environment": [{"name": "CITY", "value": "la"}]}]}"#;
    let draft = drafted(vec![fired("b", None), fired("a", None), fired("c", Some(other))]);
    assert_eq!(draft.refused, []);
    let files: Vec<&str> = draft.files.keys().map(String::as_str).collect();
    let expected = [
        "datasets/imported/b.yml",
        "datasets/imported/c.yml",
        "schedules/imported.yml",
        "task-defs/fargate-512-1024.yml",
    ];
    assert_eq!(files, expected);
    let schedules = &draft.files["schedules/imported.yml"];
    assert!(
        schedules.contains("  b:\n    - {cron: \"cron(0 3 * * ? *)\", task-def: fargate-512-1024, replaces: rule/b}"),
        "{schedules}"
    );
    assert!(draft.files["datasets/imported/c.yml"].contains("command: [\"report\"]"));
    assert!(draft.files["datasets/imported/b.yml"].contains(r#"CITY: "nyc \"the\" city""#));
}

#[test]
fn what_looks_like_a_secret_is_written_nowhere() {
    let mut taken = fired("a", None);
    let definition = taken.definition.as_mut().unwrap();
    definition.environment.insert("DATABASE_DSN".to_owned(), "canary".to_owned());
    definition.secrets.insert("TOKEN".to_owned(), "arn:aws:ssm:us-east-1:123456789012:parameter/token".to_owned());
    let draft = drafted(vec![taken.clone()]);
    assert!(!format!("{draft:?}").contains("canary"));
    let to_set: Vec<&str> = draft.to_set.iter().map(|one| one.secret.as_str()).collect();
    assert_eq!(to_set, ["DATABASE_DSN", "TOKEN"]);
    assert_eq!(draft.secrets.values().collect::<Vec<_>>(), ["nycdb/a/database_dsn", "nycdb/a/token"]);

    let definition = taken.definition.as_mut().unwrap();
    definition.environment.insert("db_password".to_owned(), "canary".to_owned());
    assert!(drafted(vec![taken.clone()]).refused[0].why.contains("its variable db_password"));
    let mut taken = fired("a", None);
    taken.definition.as_mut().unwrap().command.push("--password=canary".to_owned());
    let draft = drafted(vec![taken]);
    assert!(draft.refused[0].why.contains("word 2 of its command") && !format!("{draft:?}").contains("canary"));
}

#[test]
fn a_secret_of_another_place_under_a_known_name_is_refused() {
    let mut taken = fired("a", None);
    let place = "arn:aws:secretsmanager:us-east-1:123456789012:secret:civic/db-AbCdEf";
    taken.definition.as_mut().unwrap().secrets.insert("DATABASE_URL".to_owned(), place.to_owned());
    let why = &drafted(vec![taken]).refused[0].why;
    assert_eq!(why, "its secret DATABASE_URL is civic/db, and freshet.yml has nycdb/database:url under that name");
}

#[test]
fn references_of_aws_become_those_of_freshet() {
    let arn = "arn:aws:secretsmanager:us-east-1:123456789012:secret:civic/db";
    assert_eq!(reference(&format!("{arn}-AbCdEf:url::")).as_deref(), Some("civic/db:url"));
    assert_eq!(reference(&format!("{arn}-AbCdEf")).as_deref(), Some("civic/db"));
    assert_eq!(reference("parameter-name"), None);
    assert_eq!(snake("Nightly--Load (v2)"), "nightly_load_v2");
    assert_eq!(snake("311-calls"), "job_311_calls");
}

#[test]
fn an_input_that_says_more_than_a_command_and_variables_is_not_guessed_at() {
    let of_batch = r#"{"JobName": "x", "ContainerOverrides": {"Environment": [{"Name": "A", "Value": "b"}]}}"#;
    let read = Overrides::read(Some(of_batch)).unwrap();
    assert_eq!(read.environment, BTreeMap::from([("A".to_owned(), "b".to_owned())]));
    for more in
        [json!({"containerOverrides": [{"name": "x", "cpu": 1024}]}), json!({"taskRoleArn": "x"}), json!("text")]
    {
        assert_eq!(Overrides::read(Some(&more.to_string())), None, "{more}");
    }
    assert_eq!(Overrides::read(None), Some(Overrides::default()));
}
