//! A database that cannot be reached, or does not let the loader in. The ledger stands in it and so learns nothing.

use freshet_tests::postgres::PostgresCluster;

use crate::support::{City, Failure, PASSWORD, Told};

#[test]
fn a_wrong_password_names_role_and_place_and_never_the_password() {
    let city = City::with_live_trees();
    let wrong = "wrong/canary-77e1";
    let call = city.call(&["trees"]).env("DATABASE_URL", city.url_of(&city.loader, wrong));
    let failed = city.fails(
        &call,
        &Failure {
            exit: 77,
            code: "database_password",
            says: &["does not accept the password", &city.loader, "127.0.0.1", "DATABASE_URL"],
            ledger: Told::Nothing,
        },
    );
    freshet_tests::binaries::assert_no_secret(&failed.run, &[wrong]);
}

#[test]
fn a_host_that_does_not_exist_is_told_so() {
    let city = City::with_live_trees();
    let url = city.database_url().replace("127.0.0.1", "no-such-host.invalid");
    // Where there is no name server at all, its answer is not waited for either.
    let call = city.call(&["trees"]).env("DATABASE_URL", url).env("RES_OPTIONS", "timeout:1 attempts:1");
    city.fails(
        &call,
        &Failure {
            exit: 69,
            code: "database_unreachable",
            says: &["no-such-host.invalid", "there is no such host", "check host and port"],
            ledger: Told::Nothing,
        },
    );
}

#[test]
fn a_host_where_nobody_listens_is_told_so() {
    let city = City::with_live_trees();
    let port = PostgresCluster::shared().port().to_string();
    let call = city.call(&["trees"]).env("DATABASE_URL", city.database_url().replace(&port, "1"));
    city.fails(
        &call,
        &Failure {
            exit: 69,
            code: "database_unreachable",
            says: &["127.0.0.1:1", "refused", "security group"],
            ledger: Told::Nothing,
        },
    );
}

#[test]
fn a_database_that_does_not_exist_is_told_so() {
    let city = City::with_live_trees();
    let url = PostgresCluster::shared().url(&city.loader, PASSWORD, "no_such_database");
    let call = city.call(&["trees"]).env("DATABASE_URL", format!("{url}?sslmode=disable"));
    city.fails(
        &call,
        &Failure {
            exit: 78,
            code: "database_missing",
            says: &["there is no database no_such_database", "127.0.0.1", "create it"],
            ledger: Told::Nothing,
        },
    );
}

#[test]
fn a_right_that_is_missing_is_told_with_the_statement_that_grants_it() {
    let city = City::with_live_trees();
    city.publish("trees.csv", "id,species,planted,height\n7,Beech,,\n8,Birch,,\n9,Pine,,\n");
    city.sql(&format!("REVOKE CREATE ON SCHEMA public FROM {}", city.loader));
    let grant = format!("GRANT USAGE, CREATE ON SCHEMA \"public\" TO \"{}\"", city.loader);
    city.fails(
        &city.call(&["trees"]),
        &Failure { exit: 77, code: "database_permission", says: &["schema public", &grant], ledger: Told::Failed },
    );
}
