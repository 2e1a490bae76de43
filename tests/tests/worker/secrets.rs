//! Secrets are nowhere but in memory: not on a command line, in a log, in the run record or in the ledger, whatever
//! happens. Every other journey looks for the loader's password too.

use std::time::Duration;

use freshet_tests::aws::Aws;
use freshet_tests::binaries::{assert_no_secret, assert_no_secret_in};
use freshet_tests::http::Fault;
use freshet_tests::moto::Moto;
use freshet_tests::postgres::PostgresCluster;
use freshet_tests::proxy::{self, Emulator, Proxy, When};
use manifest::run::Outcome;
use serde_json::json;

use crate::support::{City, PASSWORD, SOON, TREES, start, until};

const TOKEN: &str = "canary-token/+81c0&x";
const ENCODED: &str = "canary-token%2F%2B81c0%26x";

#[test]
fn a_secret_of_a_sources_address_reaches_the_publisher_and_nobody_else() {
    let city = City::new();
    city.edit_manifest("/trees.csv\", file", "/trees.csv?token=${secret:PORTAL_TOKEN}\", file");
    let call = city.call(&["trees"]).env("PORTAL_TOKEN", ENCODED);
    let look = |finished: &crate::support::Finished| {
        assert_no_secret(&finished.run, &[TOKEN, ENCODED]);
        let ledger = city.rows("SELECT s FROM freshet.sources s; SELECT r FROM freshet.runs r").join("\n");
        assert_no_secret_in("the ledger", &ledger, &[TOKEN, ENCODED]);
    };
    let published = city.follow(&call);
    published.is(Outcome::Published);
    look(&published);
    let asked = city.publisher.requests_for("trees.csv");
    assert_eq!(asked[0].query, format!("token={ENCODED}"));
    let address = city.value("SELECT address FROM freshet.sources");
    assert!(address.ends_with("/trees.csv?token=${secret:PORTAL_TOKEN}"), "{address}");

    let unchanged = city.follow(&call);
    unchanged.is(Outcome::Unchanged);
    look(&unchanged);

    for fault in [Fault::status(404), Fault::HtmlPage, Fault::Redirect("ftp://example.org/x".into())] {
        city.publisher.fault("trees.csv", fault);
        let failed = city.follow(&call);
        assert_ne!(failed.run.code(), Some(0));
        look(&failed);
    }
    city.publisher.clear_fault("trees.csv");
    let missing = city.follow(&city.call(&["trees"]));
    missing.run.expect_code(78);
    assert!(missing.fact("failed")["message"].as_str().unwrap().contains("PORTAL_TOKEN"), "{}", missing.run);
}

#[test]
fn the_password_is_in_no_log_of_the_worker_or_the_server_however_much_is_asked_for() {
    let city = City::with_live_trees();
    city.publish("trees.csv", format!("{TREES}5,Maple,,\n"));
    let run = city.call(&["trees", "--log", "text"]).env("FRESHET_TRACE", "trace").env("RUST_BACKTRACE", "1");
    let run = run.expect_code(0);
    assert!(run.stderr.contains("published 1 table"), "{run}");
    assert_no_secret(&run, &[PASSWORD]);

    // An address that cannot be read is where a password would slip out.
    for address in [
        city.database_url().replace("postgres://", "postgre://"),
        city.database_url().replace("sslmode=disable", "sslmod=disable"),
        city.database_url().replace("canary%2F", "canary/"),
        format!("{} ", city.database_url().replace("127.0.0.1:", "127.0.0.1:x")),
        format!("host=127.0.0.1 user=x password='{PASSWORD}"),
        PASSWORD.to_owned(),
    ] {
        let failed = city.follow(&city.call(&["trees"]).env("DATABASE_URL", &address));
        assert_ne!(failed.run.code(), Some(0), "{}", failed.run);
        assert_no_secret(&failed.run, &[PASSWORD, "never:shown", "5cb1f2d0"]);
    }
    // A secret that somebody put where its name belongs.
    let wrong = city.call(&["trees"]).env_remove("DATABASE_URL").env("FRESHET_SECRETS", city.database_url());
    let failed = city.follow(&wrong);
    failed.run.expect_code(78);
    assert_eq!(failed.fact("failed")["code"], "environment");

    assert_no_secret_in("the server's log", &PostgresCluster::shared().log(), &[PASSWORD]);
}

/// The password changes after the worker has fetched it and before it logs in, as a rotation does it. What the worker asks
/// for again is kept waiting until the new one is there.
#[test]
fn a_password_that_is_rotated_after_it_was_fetched_is_fetched_again_and_costs_no_try() {
    const GET: &str = "secretsmanager:GetSecretValue";
    const OLD: &str = "canary-old-5d20";
    let city = City::new();
    let moto = Moto::start().unwrap();
    let proxy = Proxy::start(moto.url(), Emulator::Moto).unwrap();
    let aws = Aws::new(moto.url());
    let value = |password: &str| json!({"url": city.url_of(&city.loader, password)}).to_string();
    let secret = json!({"Name": "city/database", "SecretString": value(OLD), "ClientRequestToken": "1".repeat(32)});
    aws.json("secretsmanager", "CreateSecret", &secret).unwrap();
    proxy.inject(When::operation(GET).nth(2), proxy::Fault::Delay(Duration::from_secs(2)));
    let call = city
        .call(&["trees"])
        .env_remove("DATABASE_URL")
        .env("FRESHET_SECRETS", r#"{"DATABASE_URL": "city/database:url"}"#)
        .env("FRESHET_ATTEMPTS", "1")
        .endpoint(&proxy.url());
    let loading = start(&call);
    until("the secret is asked for again", || proxy.calls_of(GET).len() == 2);
    let rotated =
        json!({"SecretId": "city/database", "SecretString": value(PASSWORD), "ClientRequestToken": "2".repeat(32)});
    aws.json("secretsmanager", "PutSecretValue", &rotated).unwrap();
    let finished = city.finish(loading);
    finished.is(Outcome::Published);
    assert_eq!(finished.record().attempt, 1);
    assert_no_secret(&finished.run, &[OLD]);

    // A password that is simply wrong is asked for twice and no more.
    let wrong = json!({"SecretId": "city/database", "SecretString": value(OLD), "ClientRequestToken": "3".repeat(32)});
    aws.json("secretsmanager", "PutSecretValue", &wrong).unwrap();
    proxy.reset();
    let failed = city.follow(&call);
    failed.run.expect_code(77);
    assert_eq!(failed.fact("failed")["code"], "database_password");
    assert_eq!(proxy.calls_of(GET).len(), 2);
    assert!(failed.run.elapsed < SOON);
}
