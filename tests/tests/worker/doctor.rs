//! `worker doctor`: it says beforehand what a load would say, changes nothing, and the script it prints is all that a
//! database's owner has to run.

use freshet_tests::binaries::assert_no_secret;
use freshet_tests::postgres::PostgresCluster;
use freshet_tests::process::Run;
use manifest::run::Outcome;
use serde_json::Value;

use crate::support::{City, PASSWORD};

/// What hangs about in the database, by name: schemas, relations and grants.
fn everything(city: &City) -> Vec<String> {
    city.rows(
        "SELECT nspname, nspacl FROM pg_namespace ORDER BY 1;
         SELECT relnamespace::regnamespace, relname, relfilenode, relacl, xmin FROM pg_class
         WHERE relnamespace::regnamespace::text NOT LIKE 'pg\\_%' ORDER BY 1, 2",
    )
}

#[track_caller]
fn examine(city: &City, arguments: &[&str], code: i32) -> Run {
    let before = everything(city);
    let run = city.command(&[&["doctor", "trees"], arguments].concat()).expect_code(code);
    assert_no_secret(&run, &[PASSWORD]);
    assert_eq!(everything(city), before, "the doctor has changed something\n{run}");
    run
}

/// The verdict of each check, by name.
#[track_caller]
fn verdicts(run: &Run) -> Vec<(String, String)> {
    let document: Value = serde_json::from_str(&run.stdout).unwrap();
    assert_eq!(document["dataset"], "trees");
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    document["checks"].as_array().unwrap().iter().map(|check| (text(&check["name"]), text(&check["verdict"]))).collect()
}

#[test]
fn a_dataset_that_can_be_loaded_is_said_to_be_and_nothing_is_changed() {
    let city = City::new();
    let first = examine(&city, &["--json"], 0);
    let expected = ["manifest", "connection", "ledger", "rights", "survival", "trial"];
    let passed: Vec<String> =
        verdicts(&first).into_iter().filter(|(_, verdict)| verdict == "passed").map(|(name, _)| name).collect();
    assert_eq!(passed, expected);
    let text = examine(&city, &[], 0).stdout;
    assert!(text.contains("PostgreSQL ") && text.contains("no table is live yet"), "{text}");

    city.load().is(Outcome::Published);
    let text = examine(&city, &[], 0).stdout;
    assert!(text.contains("all that hangs on 1 live table is carried"), "{text}");
}

#[test]
fn the_script_is_all_that_is_missing() {
    let city = City::with_live_trees();
    // Somebody tidied up: the table has another owner, and the loader may do nothing any more.
    city.sql(&format!(
        "CREATE ROLE owner_{0}; ALTER TABLE public.trees OWNER TO owner_{0};
         REVOKE CREATE ON DATABASE {0} FROM {1}; REVOKE CREATE ON SCHEMA public FROM {1}; DROP SCHEMA freshet CASCADE",
        city.database, city.loader
    ));
    let run = examine(&city, &[], 77);
    assert!(run.stdout.contains("WRONG"), "{run}");
    let script = examine(&city, &["--sql"], 77).stdout;
    for statement in [
        format!("GRANT CREATE ON DATABASE \"{}\" TO \"{}\";", city.database, city.loader),
        format!("GRANT \"owner_{}\" TO \"{}\";", city.database, city.loader),
        format!("GRANT USAGE, CREATE ON SCHEMA \"public\" TO \"{}\";", city.loader),
    ] {
        assert!(script.contains(&statement), "`{statement}` is not in\n{script}");
    }
    city.sql(&script);
    let after = examine(&city, &["--sql"], 0).stdout;
    assert!(after.contains("pg_read_all_stats") || after.contains("Nothing is missing"), "{after}");
    city.publish("trees.csv", "id,species,planted,height\n1,Oak,,1\n2,Elm,,2\n3,Fir,,3\n");
    city.load().is(Outcome::Published);
}

#[test]
fn a_right_that_only_staging_needs_is_found_too() {
    let city = City::with_live_trees();
    city.sql(&format!("REVOKE CREATE ON DATABASE {} FROM {}", city.database, city.loader));
    let script = examine(&city, &["--sql"], 77).stdout;
    assert!(script.contains(&format!("GRANT CREATE ON DATABASE \"{}\"", city.database)), "{script}");
    city.sql(&script);
    examine(&city, &[], 0);
}

#[test]
fn what_would_be_lost_is_named_before_anybody_loads() {
    let city = City::with_live_trees();
    city.sql("ALTER TABLE public.trees ADD note text");
    let run = examine(&city, &[], 78);
    assert!(run.stdout.contains("column note"), "{run}");
}

#[test]
fn a_database_that_does_not_let_the_role_in_ends_as_a_load_would() {
    let city = City::new();
    let call = city.command(&["doctor", "trees"]).env("DATABASE_URL", city.url_of(&city.loader, "wrong/canary-31b0"));
    let run = call.expect_code(77);
    assert_no_secret(&run, &["wrong/canary-31b0"]);
    assert!(run.stdout.contains("does not accept the password"), "{run}");
    let port = PostgresCluster::shared().port().to_string();
    let call = city.command(&["doctor", "trees"]).env("DATABASE_URL", city.database_url().replace(&port, "1"));
    call.expect_code(69);
    city.command(&["doctor", "treess"]).expect_code(78);
}
