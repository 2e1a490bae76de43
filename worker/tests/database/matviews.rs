//! Materialized views: built beside the tables that they read, and complete for everybody who sees them.

use freshet_tests::postgres::connect;
use worker::fault::{Exit, Fault};
use worker::postgres::Acting;
use worker::staging::{Filled, IndexPlan, MatviewPlan, Over};

use crate::support::{Place, Run, dataset, load, rows, table};

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
        over: Over::Staged,
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

/// A live table `t` of the loader with one old row.
fn live() -> (Place, manifest::Dataset) {
    let place = Place::new();
    place.sql("CREATE TABLE public.t (id integer, note text); INSERT INTO public.t VALUES (1, 'old')");
    place.sql(&format!("ALTER TABLE public.t OWNER TO {}", place.loader));
    (place, dataset(&[table("t", &["id integer", "note text"])]))
}

#[tokio::test]
async fn a_snapshot_older_than_the_load_sees_all_rows_of_what_is_stored_and_never_none() {
    let (place, dataset) = live();
    place.sql(&format!(
        "CREATE MATERIALIZED VIEW public.m AS SELECT id, note FROM public.t;
         CREATE MATERIALIZED VIEW public.m2 AS SELECT count(*)::int AS n FROM public.m;
         CREATE UNIQUE INDEX m_id ON public.m (id);
         CREATE VIEW public.v AS SELECT id FROM public.m;
         ALTER MATERIALIZED VIEW public.m OWNER TO {0}; ALTER MATERIALIZED VIEW public.m2 OWNER TO {0};
         ALTER VIEW public.v OWNER TO {0}",
        place.loader
    ));
    let old = connect(&place.cluster.superuser_url_of(&place.database)).await.unwrap();
    old.batch_execute("BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT 1").await.unwrap();
    load(&place, &dataset, &[("t", rows("2,a;3,b;4,c"))]).await.unwrap();
    for (relation, count) in [("m", "count(*)::int"), ("m2", "sum(n)::int"), ("v", "count(*)::int")] {
        let row = old.query_one(&format!("SELECT {count} FROM public.{relation}"), &[]).await.unwrap();
        assert_eq!(row.get::<_, i32>(0), 3, "{relation}");
    }
    let found = old.query_one("SELECT note FROM public.m WHERE id = 3", &[]).await.unwrap();
    assert_eq!(found.get::<_, &str>(0), "b", "by its index");
    old.batch_execute("COMMIT").await.unwrap();
    // The generation that they leave behind goes with the next load.
    load(&place, &dataset, &[("t", rows("5,d"))]).await.unwrap();
    assert_eq!(place.value("SELECT id FROM public.v"), "5");
}

#[tokio::test]
async fn a_query_that_fails_on_the_new_rows_is_told_by_name_and_the_live_ones_stay() {
    let (place, dataset) = live();
    place.sql(&format!(
        "CREATE MATERIALIZED VIEW public.ratio AS SELECT 10 / (id - 2) AS x FROM public.t;
         ALTER MATERIALIZED VIEW public.ratio OWNER TO {}",
        place.loader
    ));
    let error = load(&place, &dataset, &[("t", rows("2,a"))]).await.unwrap_err();
    assert_eq!((error.code(), error.exit()), ("constraint_violated", Exit::Refused));
    assert!(error.to_string().contains("materialized view public.ratio: division by zero"), "{error}");
    assert_eq!(place.value("SELECT x FROM public.ratio"), "-10");
    assert_eq!(place.value("SELECT note FROM public.t"), "old");
}

#[tokio::test]
async fn two_that_would_meet_under_one_name_are_refused_beforehand() {
    let (place, dataset) = live();
    let loader = &place.loader;
    place.sql(&format!(
        "CREATE SCHEMA reports; GRANT USAGE, CREATE ON SCHEMA reports TO {loader};
         CREATE MATERIALIZED VIEW reports.t AS SELECT id FROM public.t;
         ALTER MATERIALIZED VIEW reports.t OWNER TO {loader}"
    ));
    let error = load(&place, &dataset, &[("t", rows("2,a"))]).await.unwrap_err();
    assert_eq!(error.code(), "not_carried");
    assert!(error.to_string().contains("materialized view reports.t"), "{error}");
    assert_eq!(place.value("SELECT to_regnamespace('freshet_staging_d')"), "NULL", "nothing was loaded");
}

#[tokio::test]
async fn one_of_a_role_that_the_loader_is_no_member_of_is_refused_with_the_grant_that_helps() {
    let (place, dataset) = live();
    let (loader, ana) = (&place.loader, format!("ana_{}", place.database));
    place.sql(&format!(
        "CREATE ROLE {ana}; CREATE SCHEMA reports; GRANT USAGE, CREATE ON SCHEMA reports TO {ana};
         GRANT SELECT ON public.t TO {ana};
         CREATE MATERIALIZED VIEW reports.m AS SELECT id FROM public.t; ALTER MATERIALIZED VIEW reports.m OWNER TO {ana};
         CREATE FUNCTION reports.f() RETURNS bigint LANGUAGE sql BEGIN ATOMIC SELECT count(*) FROM public.t; END;
         ALTER FUNCTION reports.f OWNER TO {ana}"
    ));
    let error = load(&place, &dataset, &[("t", rows("2,a"))]).await.unwrap_err();
    assert_eq!(error.code(), "database_permission");
    let advice = error.advice().unwrap();
    assert!(advice.contains(&format!("GRANT \"{ana}\" TO \"{loader}\"")), "{advice}");
    place.sql(advice.strip_prefix("have an owner or superuser run: ").unwrap());
    load(&place, &dataset, &[("t", rows("2,a"))]).await.unwrap();
    assert_eq!(place.value("SELECT id || ' ' || reports.f() FROM reports.m"), "2 1");
}

#[tokio::test]
async fn one_that_is_changed_or_made_during_the_load_goes_live_as_it_is_then() {
    let (place, dataset) = live();
    let loader = &place.loader;
    place.sql(&format!(
        "CREATE MATERIALIZED VIEW public.m AS SELECT id FROM public.t; ALTER MATERIALIZED VIEW public.m OWNER TO {loader}"
    ));
    let run = Run::begin(&place, &dataset).await;
    let staging = run.stage(&[("t", rows("2,a"))]).await.unwrap();
    place.sql(&format!(
        "DROP MATERIALIZED VIEW public.m; CREATE MATERIALIZED VIEW public.m AS SELECT note FROM public.t;
         CREATE INDEX late ON public.m (note); COMMENT ON COLUMN public.m.note IS 'late';
         CREATE MATERIALIZED VIEW public.m2 AS SELECT note || '!' AS note FROM public.m;
         ALTER MATERIALIZED VIEW public.m OWNER TO {loader}; ALTER MATERIALIZED VIEW public.m2 OWNER TO {loader}"
    ));
    run.publish(&staging, std::time::Duration::from_secs(20)).await.unwrap();
    assert_eq!(place.value("SELECT m.note || ' ' || m2.note FROM public.m, public.m2"), "a a!");
    assert_eq!(place.value("SELECT col_description('public.m'::regclass, 1)"), "late");
    assert_eq!(place.value("SELECT to_regclass('public.late')::text"), "late");
}

#[tokio::test]
async fn one_over_a_view_is_refreshed_after_the_publish_and_while_it_is_read_where_that_can_be() {
    let (place, dataset) = live();
    let (loader, ana) = (&place.loader, format!("ana_{}", place.database));
    place.sql(&format!(
        "CREATE ROLE {ana}; CREATE VIEW public.v AS SELECT id, note FROM public.t;
         CREATE MATERIALIZED VIEW public.keyed AS SELECT id FROM public.v; CREATE UNIQUE INDEX ON public.keyed (id);
         CREATE MATERIALIZED VIEW public.over AS SELECT count(*) AS n FROM public.keyed;
         CREATE MATERIALIZED VIEW public.mixed AS SELECT t.id, v.note FROM public.t JOIN public.v USING (id);
         CREATE MATERIALIZED VIEW public.never AS SELECT id FROM public.v WITH NO DATA;
         CREATE MATERIALIZED VIEW public.theirs AS SELECT id FROM public.v"
    ));
    for relation in ["v", "keyed", "over", "mixed", "never"] {
        place.sql(&format!("ALTER TABLE public.{relation} OWNER TO {loader}"));
    }
    place.sql(&format!("GRANT SELECT ON public.v TO {ana}; ALTER MATERIALIZED VIEW public.theirs OWNER TO {ana}"));
    let run = Run::begin(&place, &dataset).await;
    let staging = run.stage(&[("t", rows("2,a;3,b"))]).await.unwrap();
    let published = run.publish(&staging, std::time::Duration::from_secs(20)).await.unwrap();
    let named: Vec<&str> = published.lagging.iter().map(|lagging| lagging.described.as_str()).collect();
    let stored = |name: &str| format!("materialized view public.{name}");
    assert_eq!(named, ["theirs", "mixed", "keyed", "over"].map(stored));
    let reader = connect(&place.cluster.superuser_url_of(&place.database)).await.unwrap();
    reader.batch_execute("BEGIN; SELECT id FROM public.keyed").await.unwrap();
    for lagging in &published.lagging {
        let refreshed = lagging.refresh(&run.ledger, &run.pool).await;
        if lagging.described.ends_with("theirs") {
            let told = refreshed.unwrap_err().to_string();
            assert!(told.contains(&format!("GRANT \"{ana}\" TO \"{loader}\"")), "{told}");
        } else {
            refreshed.unwrap();
        }
    }
    reader.batch_execute("COMMIT").await.unwrap();
    let read = |what: &str| place.value(&format!("SELECT string_agg(x::text, ' ' ORDER BY x) FROM public.{what} x"));
    assert_eq!((read("keyed").as_str(), read("over").as_str()), ("(2) (3)", "(2)"));
    assert_eq!((read("mixed").as_str(), read("theirs").as_str()), ("(2,a) (3,b)", "(1)"));
    assert_eq!(place.value("SELECT relispopulated FROM pg_class WHERE relname = 'never'"), "f");
}

#[tokio::test]
async fn what_is_stored_of_a_table_that_stays_is_refreshed_when_the_table_has_changed() {
    let place = Place::new();
    place.sql(&format!(
        "CREATE TABLE public.t (id integer PRIMARY KEY, note text); INSERT INTO public.t VALUES (1, 'old');
         CREATE MATERIALIZED VIEW public.m AS SELECT note FROM public.t;
         CREATE MATERIALIZED VIEW public.m2 AS SELECT max(note) AS note FROM public.m;
         ALTER TABLE public.t OWNER TO {0}; ALTER MATERIALIZED VIEW public.m OWNER TO {0};
         ALTER MATERIALIZED VIEW public.m2 OWNER TO {0}",
        place.loader
    ));
    let mut t = table("t", &["id integer not null", "note text"]);
    t["primary_key"] = serde_json::json!(["id"]);
    t["load"] = serde_json::json!({"upsert": {"key": ["id"]}});
    let dataset = dataset(&[t]);
    for (content, late) in [("1,new", 2), ("1,new", 0)] {
        let run = Run::begin(&place, &dataset).await;
        let staging = run.stage(&[("t", rows(content))]).await.unwrap();
        let published = run.publish(&staging, std::time::Duration::from_secs(20)).await.unwrap();
        assert_eq!(published.lagging.len(), late, "{:?}", published.lagging);
        for lagging in &published.lagging {
            lagging.refresh(&run.ledger, &run.pool).await.unwrap();
        }
        assert_eq!(place.value("SELECT note FROM public.m2"), "new");
        staging.clear().await.unwrap();
    }
}
