//! The cluster starts from the machine's own PostgreSQL, keeps strangers out, and leaves nothing behind.

use freshet_tests::binaries::Invocation;
use freshet_tests::postgres::{Durability, PostgresCluster, connect};

#[test]
fn a_cluster_answers_and_keeps_what_it_was_told_to() {
    let cluster = PostgresCluster::shared();
    let value = |sql: &str| cluster.query_value("postgres", sql).unwrap().unwrap();
    assert_eq!(value("SHOW fsync"), "off");
    assert_eq!(value("SHOW wal_level"), "replica");
    assert_eq!(value("SHOW server_encoding"), "UTF8");
    assert!(value("SHOW server_version_num").parse::<u32>().unwrap() >= 140_000);
}

#[test]
fn durability_and_settings_are_the_callers_choice() {
    let cluster = PostgresCluster::start_with(Durability::Full, &[("work_mem", "7MB")]).unwrap();
    assert_eq!(cluster.query_value("postgres", "SHOW fsync").unwrap().unwrap(), "on");
    assert_eq!(cluster.query_value("postgres", "SHOW work_mem").unwrap().unwrap(), "7MB");
}

#[tokio::test]
async fn each_test_can_have_a_database_and_a_login_of_its_own() {
    let cluster = PostgresCluster::shared();
    let [one, two] = [cluster.fresh_database().unwrap(), cluster.fresh_database().unwrap()];
    assert_ne!(one.name, two.name);
    cluster.create_role("reader one", "pass/word:@'").unwrap();

    let client = connect(&cluster.url("reader one", "pass/word:@'", &one.name)).await.unwrap();
    let row = client.query_one("SELECT current_user::text, current_database()::text", &[]).await.unwrap();
    assert_eq!((row.get::<_, String>(0), row.get::<_, String>(1)), ("reader one".into(), one.name));
    let refused = client.batch_execute("CREATE ROLE another").await.unwrap_err();
    assert_eq!(refused.code().unwrap().code(), "42501");
}

#[test]
fn the_programs_of_the_same_installation_are_at_hand() {
    let cluster = PostgresCluster::shared();
    let database = cluster.fresh_database().unwrap();
    let psql = Invocation::bare(cluster.program("psql").unwrap());
    let run = psql.args([&database.url, "--tuples-only", "--command=SELECT 6 * 7"]).expect_code(0);
    assert_eq!(run.stdout.trim(), "42");
    let error = cluster.program("no-such-program").unwrap_err().to_string();
    assert!(error.contains("no-such-program") && error.contains("apt-get install"), "{error}");
}

#[tokio::test]
async fn a_wrong_password_is_refused() {
    let cluster = PostgresCluster::shared();
    let error = connect(&cluster.url("postgres", "wrong", "postgres")).await.unwrap_err();
    assert!(error.to_string().contains("28P01"), "{error}");
}

#[test]
fn a_dropped_cluster_leaves_neither_server_nor_folder() {
    let cluster = PostgresCluster::start(Durability::Off).unwrap();
    let (folder, url) = (cluster.socket_dir().to_owned(), cluster.superuser_url());
    assert!(folder.join("data/postmaster.pid").exists());
    drop(cluster);
    assert!(!folder.exists());
    assert!(tokio::runtime::Runtime::new().unwrap().block_on(connect(&url)).is_err());
}
