//! Rows of another PostgreSQL database: they pass as they are, or not at all.

use freshet_tests::postgres::PostgresCluster;
use manifest::run::Outcome;

use crate::support::{City, Failure, PASSWORD, Told};

const ROWS: &str = "SELECT count(*) || ' ' || md5(string_agg(t::text, '|' ORDER BY id)) FROM public.trees t";

/// A city whose trees are those of another database, and that database's name.
fn city_with_other() -> (City, String) {
    let city = City::with_live_trees();
    let cluster = PostgresCluster::shared();
    let other = cluster.fresh_database().unwrap().name;
    cluster
        .execute(
            &other,
            &format!(
                "CREATE SCHEMA parks;
                 CREATE TABLE parks.trees (id integer PRIMARY KEY, species text, planted date, height numeric, zone varchar(8));
                 INSERT INTO parks.trees SELECT i, 'tree ' || i, DATE '2000-01-01' + i % 9000,
                     CASE WHEN i % 7 > 0 THEN (i::numeric / 7) ^ 3 END, 'x' FROM generate_series(1, 20000) i;
                 GRANT USAGE ON SCHEMA parks TO {loader}; GRANT SELECT ON parks.trees TO {loader};
                 ALTER ROLE {loader} IN DATABASE {other} SET search_path = parks",
                loader = city.loader
            ),
        )
        .unwrap();
    let source = "database: \"${secret:OTHER_URL}\", query: other.sql, file: trees.rows";
    city.edit_manifest(&format!("url: \"{}\", file: trees.csv", city.publisher.url_of("trees.csv")), source);
    city.put("other.sql", "SELECT id, species, planted, height, zone FROM trees");
    (city, other)
}

fn call(city: &City, other: &str) -> freshet_tests::binaries::Invocation {
    let url = PostgresCluster::shared().url(&city.loader, PASSWORD, other);
    city.call(&["trees"]).env("OTHER_URL", format!("{url}?sslmode=disable"))
}

#[test]
fn rows_of_another_database_pass_as_they_are() {
    let (city, other) = city_with_other();
    let finished = city.follow(&call(&city, &other));
    let record = finished.is(Outcome::Published).record();
    assert_eq!(record.rows, 20_000);
    assert!(finished.fact("drift")["detail"].as_str().unwrap().contains("\"zone\""), "what is not declared is told");
    let there = "SELECT count(*) || ' ' || md5(string_agg(t::text, '|' ORDER BY id))
                 FROM (SELECT id, species, planted, height FROM parks.trees) t";
    let there = PostgresCluster::shared().query_value(&other, there).unwrap().unwrap();
    assert_eq!(city.value(ROWS), there);
    // Nobody but the rows can tell that nothing has changed.
    city.follow(&call(&city, &other)).is(Outcome::Unchanged);
    PostgresCluster::shared().execute(&other, "DELETE FROM parks.trees WHERE id > 19990").unwrap();
    city.follow(&call(&city, &other)).is(Outcome::Published);
    assert_eq!(city.value("SELECT count(*) FROM public.trees"), "19990");
}

#[test]
fn columns_of_other_types_are_refused_before_a_row_is_read() {
    let (city, other) = city_with_other();
    let refuse = |query: &str, says: &[&str]| {
        city.put("other.sql", query);
        city.fails(&call(&city, &other), &Failure { exit: 65, code: "source_columns", says, ledger: Told::Refused });
    };
    refuse(
        "SELECT id::bigint AS id, species, planted::timestamp AS planted FROM trees",
        &[
            "table trees: trees.rows",
            "its column id is bigint, and the manifest says integer",
            "its column planted is timestamp without time zone, and the manifest says date",
            "it has no column height",
            "cast the columns in the query",
        ],
    );
    city.put("other.sql", "SELECT id, species, planted, height FROM no_such_table");
    let failed = city.follow(&call(&city, &other));
    assert_eq!(failed.run.code(), Some(failed.record().exit_code));
    let message = failed.fact("failed")["message"].as_str().unwrap().to_owned();
    assert!(message.starts_with("trees.rows: ") && message.contains("no_such_table"), "{message}");
}

#[test]
fn another_database_that_lets_nobody_in_is_told_as_the_source_that_it_is() {
    let (city, other) = city_with_other();
    let wrong = "wrong/canary-5520";
    let url = PostgresCluster::shared().url(&city.loader, wrong, &other);
    let failed = city.follow(&city.call(&["trees"]).env("OTHER_URL", format!("{url}?sslmode=disable")));
    failed.run.expect_code(77);
    let message = failed.fact("failed")["message"].as_str().unwrap().to_owned();
    assert!(message.starts_with("trees.rows: ") && message.contains(&city.loader), "{message}");
    freshet_tests::binaries::assert_no_secret(&failed.run, &[wrong]);
}
