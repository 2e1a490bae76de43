//! Materialized views: built beside the tables that they read, and complete for everybody who sees them.

use freshet_tests::postgres::connect;
use worker::postgres::Acting;
use worker::staging::{Filled, IndexPlan, MatviewPlan};

use crate::support::{Place, Run, dataset, rows, table};

#[tokio::test]
async fn one_in_staging_reads_the_table_there_and_its_rows_are_frozen() {
    let place = Place::new();
    place.sql("CREATE TABLE public.t (id integer, note text); INSERT INTO public.t VALUES (1, 'old')");
    place.sql(&format!("ALTER TABLE public.t OWNER TO {}", place.loader));
    let old = connect(&place.cluster.superuser_url_of(&place.database)).await.unwrap();
    old.batch_execute("BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT 1").await.unwrap();
    let run = Run::begin(&place, &dataset(&[table("t", &["id integer", "note text"])])).await;
    let staging = run.stage(&[("t", rows("2,new;3,newer"))]).await.unwrap();
    let mut plan = MatviewPlan {
        name: "My sums".into(),
        owner: Acting::Login,
        query: " SELECT t.id,\n    t.note\n   FROM t;".into(),
        path: vec!["public".into()],
        options: vec!["fillfactor=70".into()],
        tablespace: None,
        settings: Vec::new(),
        indexes: vec![IndexPlan {
            name: "sums by id".into(),
            unique: manifest::dataset::Uniqueness::Unique,
            tail: "USING btree (id)".into(),
            constraint: None,
        }],
        filled: Filled::Yes,
    };
    assert_eq!(staging.build_matview(&plan).await.unwrap().indexes, 1);
    let count = "SELECT count(*)::int FROM freshet_staging_d.\"My sums\"";
    let seen: i32 = old.query_one(count, &[]).await.unwrap().get(0);
    assert_eq!(seen, 2, "to a snapshot that is older than its rows");
    old.batch_execute("COMMIT").await.unwrap();
    let connection = run.pool.take().await.unwrap();
    assert!(staging.holds_matview(&connection, &plan).await.unwrap());
    plan.query = " SELECT t.note\n   FROM t;".into();
    plan.indexes.clear();
    assert!(!staging.holds_matview(&connection, &plan).await.unwrap());
    plan.filled = Filled::No;
    staging.build_matview(&plan).await.unwrap();
    assert!(staging.holds_matview(&connection, &plan).await.unwrap());
    assert!(place.cluster.query(&place.database, count).is_err(), "it has not been populated");
}
