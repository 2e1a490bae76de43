//! What is wrong before anything is touched: a manifest, a name, a secret that nobody set.

use freshet_tests::binaries::Invocation;
use manifest::contract;
use manifest::run::Outcome;

use crate::support::{City, Failure, TREES, Told};

const CONFIGURATION: i32 = 78;

#[test]
fn an_unknown_field_is_shown_with_its_place_and_the_one_that_was_meant() {
    let city = City::with_live_trees();
    city.edit_manifest("    indexes: [species]", "    indexs: [species]");
    let failed = city.fails(
        &city.call(&["trees"]),
        &Failure {
            exit: CONFIGURATION,
            code: "manifest",
            says: &["datasets/trees.yml:13:5", "`indexs` is not a key that is known here", "did you mean `indexes`?"],
            ledger: Told::Nothing,
        },
    );
    let message = failed.fact("failed")["message"].as_str().unwrap();
    let mut lines = message.lines().skip_while(|line| !line.contains("indexs: [species]"));
    let (shown, mark) = (lines.next().unwrap(), lines.next().unwrap());
    assert_eq!(column(shown, "indexs"), column(mark, "──────"), "{message}");
}

#[test]
fn a_type_that_does_not_exist_is_answered_with_the_one_that_does() {
    let city = City::with_live_trees();
    city.edit_manifest("height: numeric", "height: number");
    city.fails(
        &city.call(&["trees"]),
        &Failure {
            exit: CONFIGURATION,
            code: "manifest",
            says: &["datasets/trees.yml:11:15", "`number`", "did you mean `numeric`?"],
            ledger: Told::Nothing,
        },
    );
}

#[test]
fn an_unknown_dataset_is_answered_with_the_near_one_and_all_there_are() {
    let city = City::with_live_trees();
    city.fails(
        &city.call(&["treez"]),
        &Failure {
            exit: CONFIGURATION,
            code: "dataset_unknown",
            says: &["there is no dataset `treez`", "did you mean `trees`?", "known are trees"],
            ledger: Told::Nothing,
        },
    );
}

#[test]
fn a_run_without_a_dataset_says_where_it_would_have_come_from() {
    let city = City::with_live_trees();
    city.fails(
        &city.call(&[]),
        &Failure {
            exit: CONFIGURATION,
            code: "payload",
            says: &["FRESHET_MANIFEST", "name a dataset"],
            ledger: Told::Nothing,
        },
    );
}

#[test]
fn a_missing_secret_is_named_with_how_to_set_it_and_nobody_is_asked_for_it() {
    let city = City::with_live_trees();
    let bare = |call: Invocation| call.env_remove("DATABASE_URL");
    let missing = Failure {
        exit: CONFIGURATION,
        code: "secret_undeclared",
        says: &["secret DATABASE_URL is needed", "FRESHET_SECRETS", "freshet.yml", "in the environment"],
        ledger: Told::Nothing,
    };
    city.publisher.forget_requests();
    city.fails(&bare(city.call(&["trees"])), &missing);
    city.fails(&bare(city.call(&["trees"])).env("FRESHET_SECRETS", "{}"), &missing);
    assert_eq!(city.publisher.requests(), [], "the publisher was asked before all secrets were there");
}

#[test]
fn a_wrong_command_line_is_told_in_words_and_by_its_own_code() {
    let city = City::with_live_trees();
    let before = city.live();
    let run = city.call(&["trees", "--partial"]).expect_code(64);
    assert!(run.stderr.contains("--from"), "{run}");
    assert_eq!(city.live(), before);
}

/// The character at which a text begins in a line.
fn column(line: &str, text: &str) -> usize {
    line[..line.find(text).unwrap()].chars().count()
}

#[test]
fn a_manifest_that_a_definition_hands_over_is_loaded_without_a_file_however_long_it_is() {
    let city = City::new();
    let mut dataset = manifest::load_dataset(&city.manifest_path()).unwrap();
    for (title, expected) in [("Trees", contract::MANIFEST), (&*"Trees ".repeat(3_000), contract::MANIFEST_GZIP)] {
        title.clone_into(&mut dataset.title);
        // A title alone does not ask for another load.
        city.publish("trees.csv", format!("{TREES}{},Maple,,\n", title.len()));
        let (variable, value) = contract::pack(&dataset).unwrap();
        assert_eq!(variable, expected);
        let loaded = city.follow(&city.command(&["load"]).env(variable, value));
        loaded.is(Outcome::Published);
        assert_eq!(loaded.record().dataset, "trees");
    }
    let damaged = city.follow(&city.command(&["load"]).env(contract::MANIFEST_GZIP, "aGVsbG8="));
    damaged.run.expect_code(78);
    assert_eq!(damaged.fact("failed")["code"], "payload");
}
