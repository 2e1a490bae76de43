//! Every way in which a database does not let us in is told apart, and none repeats a secret.

use freshet_tests::postgres::PostgresCluster;
use tokio_postgres::error::SqlState;
use worker::fault::{Exit, Fault, Retry};
use worker::postgres::{Error, Purpose};

use crate::support::{PASSWORD, Place, session, target};

async fn refused(url: &str) -> Error {
    let error = target(url).connect(&session(), Purpose::Load).await.expect_err(url);
    let told = format!("{error} {error:?} {:?}", error.advice());
    assert!(!told.contains(PASSWORD) && !told.contains("hunter2"), "{told}");
    error
}

#[tokio::test]
async fn a_wrong_password_is_a_missing_right_and_names_the_role() {
    let place = Place::new();
    let error = refused(&place.cluster.url(&place.loader, "hunter2", &place.database)).await;
    assert_eq!((error.code(), error.exit(), error.retry()), ("database_password", Exit::Permission, Retry::Never));
    assert!(error.to_string().contains(&place.loader), "{error}");
    let none = format!("postgres://{}@127.0.0.1:{}/{}", place.loader, place.cluster.port(), place.database);
    assert_eq!(refused(&none).await.code(), "database_password");
}

#[tokio::test]
async fn no_such_host_and_nobody_listening_are_unavailable() {
    let error = refused(&format!("postgres://u:{PASSWORD}@no-such-host.invalid/d")).await;
    assert_eq!((error.code(), error.exit(), error.retry()), ("database_unreachable", Exit::Unavailable, Retry::Later));
    assert!(error.to_string().contains("no-such-host.invalid"), "{error}");
    let port = {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        listener.local_addr().unwrap().port()
    };
    let error = refused(&format!("postgres://u:{PASSWORD}@127.0.0.1:{port}/d")).await;
    assert_eq!(error.exit(), Exit::Unavailable);
    assert!(error.to_string().contains("refused"), "{error}");
}

#[tokio::test]
async fn a_database_that_does_not_exist_is_a_wrong_configuration() {
    let place = Place::new();
    let error = refused(&place.cluster.url(&place.loader, PASSWORD, "nowhere")).await;
    assert_eq!((error.code(), error.exit()), ("database_missing", Exit::Configuration));
    assert!(error.to_string().contains("nowhere"), "{error}");
}

#[tokio::test]
async fn a_role_without_login_is_told_so() {
    let place = Place::new();
    place.sql(&format!("CREATE ROLE no_login_{0} PASSWORD '{PASSWORD}'", place.database));
    let error = refused(&place.cluster.url(&format!("no_login_{}", place.database), PASSWORD, &place.database)).await;
    assert_eq!((error.code(), error.exit()), ("database_login", Exit::Permission));
}

#[tokio::test]
async fn a_server_without_tls_is_refused_where_tls_is_required() {
    let place = Place::new();
    for mode in ["require", "verify-ca", "verify-full"] {
        let error = refused(&format!("{}?sslmode={mode}", place.url)).await;
        assert_eq!((error.code(), error.exit()), ("database_protection", Exit::Configuration), "{mode}: {error}");
    }
    for mode in ["disable", "prefer"] {
        target(&format!("{}?sslmode={mode}", place.url)).connect(&session(), Purpose::Ledger).await.unwrap();
    }
}

#[tokio::test]
async fn a_database_that_takes_no_writes_is_refused_before_anything_is_tried() {
    let place = Place::new();
    place.sql(&format!("ALTER ROLE {} SET default_transaction_read_only = on", place.loader));
    let error = refused(&place.url).await;
    assert_eq!((error.code(), error.retry()), ("database_read_only", Retry::Later));
}

#[tokio::test]
async fn a_session_ended_by_the_server_says_why() {
    let place = Place::new();
    let connection = place.connect().await;
    // Nothing is under way when the server ends the session, so that its words are nobody else's answer.
    connection.batch("say nothing", "").await.unwrap();
    place.sql(&format!("SELECT pg_terminate_backend({})", connection.pid()));
    while !connection.is_closed() {
        tokio::task::yield_now().await;
    }
    let error = connection.batch("count to one", "SELECT 1").await.unwrap_err();
    assert_eq!((error.code(), error.exit(), error.retry()), ("database_lost", Exit::Unavailable, Retry::Later));
    assert!(error.to_string().contains("terminating connection due to administrator command"), "{error}");
}

#[tokio::test]
async fn sessions_are_set_up_alike_whatever_the_role_has_for_defaults() {
    let place = Place::new();
    place.sql(&format!(
        "ALTER ROLE {0} SET TimeZone = 'America/New_York'; ALTER ROLE {0} SET DateStyle = 'German';
         ALTER ROLE {0} SET search_path = public; ALTER ROLE {0} SET statement_timeout = '10s'",
        place.loader
    ));
    let connection = place.connect().await;
    let row = connection
        .row(
            "read its settings",
            "SELECT '2026-03-01 00:00+00'::timestamptz::text || ' ' || current_setting('search_path')
                || ' ' || current_setting('statement_timeout') || ' ' || current_setting('application_name')",
            &[],
        )
        .await
        .unwrap();
    assert_eq!(row.get::<_, &str>(0), "2026-03-01 00:00:00+00 pg_catalog, pg_temp 0 freshet tests run=0badcafe");
}

#[tokio::test]
async fn a_refused_statement_tells_what_it_was_for_and_postgresqls_own_words() {
    let place = Place::new();
    let error = place.connect().await.batch("make a table", "CREATE TABLE public.t (a nonsense)").await.unwrap_err();
    assert!(error.is(&SqlState::UNDEFINED_OBJECT));
    assert_eq!(
        error.to_string(),
        "the database would not make a table: type \"nonsense\" does not exist (SQLSTATE 42704)"
    );
}

#[tokio::test]
async fn the_cluster_listens_on_a_socket_too() {
    let place = Place::new();
    let cluster: &PostgresCluster = place.cluster;
    let address = format!(
        "host={} port={} user={} password={PASSWORD} dbname={} sslmode=verify-full",
        cluster.socket_dir().display(),
        cluster.port(),
        place.loader,
        place.database
    );
    target(&address).connect(&session(), Purpose::Lease).await.unwrap();
}
