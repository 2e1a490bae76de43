//! Upserts: of a table that stays, only what differs is written, in the transaction that publishes.

use std::collections::BTreeMap;
use std::time::Duration;

use manifest::run::Changes;
use serde_json::json;
use worker::fault::{Exit, Fault};
use worker::publish::Published;
use worker::publish::merge::{Drops, Size};
use worker::staging::Coverage;

use crate::support::{Place, Rows, Run, dataset, load, rows, table};

/// A table `t` with a key, a text and a time of its last change, and this way to load it.
pub(crate) fn keyed(load: &serde_json::Value) -> serde_json::Value {
    let mut t = table("t", &["id integer not null", "note text", "at timestamp"]);
    t["primary_key"] = json!(["id"]);
    t["load"] = json!({"upsert": load});
    t
}

pub(crate) fn by_id() -> serde_json::Value {
    keyed(&json!({"key": ["id"]}))
}

/// Inserted, updated, deleted, unchanged.
pub(crate) fn counts(published: &Published) -> [u64; 4] {
    let Changes { inserted, updated, deleted, unchanged } = published.merged.values().next().unwrap().changes;
    [inserted, updated, deleted, unchanged]
}

pub(crate) const LIVE: &str = "SELECT string_agg(concat_ws(' ', id, note, at::date), ', ' ORDER BY id) FROM public.t";

#[tokio::test]
async fn only_rows_that_differ_are_written() {
    let place = Place::new();
    let dataset = dataset(&[by_id()]);
    let first = load(&place, &dataset, &[("t", rows("1,a,;2,b,;3,c,"))]).await.unwrap();
    assert_eq!(first.merged, BTreeMap::new(), "a table that does not exist is made");
    let oid = place.value("SELECT 'public.t'::regclass::oid");
    let written = "SELECT string_agg(id || ':' || xmin, ' ' ORDER BY id) FROM public.t WHERE id IN (1, 3)";
    let before = place.value(written);

    let second = load(&place, &dataset, &[("t", rows("3,c,;2,B,;1,a,;4,d,2026-01-01"))]).await.unwrap();
    assert_eq!(counts(&second), [1, 1, 0, 2]);
    assert_eq!(place.value(LIVE), "1 a, 2 B, 3 c, 4 d 2026-01-01");
    assert_eq!(place.value(written), before, "rows that are the same were written");
    assert_eq!(place.value("SELECT 'public.t'::regclass::oid"), oid);

    let third = load(&place, &dataset, &[("t", rows("1,a,;2,B,"))]).await.unwrap();
    assert_eq!(counts(&third), [0, 0, 0, 2], "what the source does not hold stays");
    assert_eq!(place.value("SELECT rows FROM freshet.published_tables WHERE dataset = 'd'"), "4");
    assert_eq!(place.value("SELECT count(*) FROM pg_namespace WHERE nspname LIKE 'freshet_staging%'"), "0");
}

#[tokio::test]
async fn a_row_replaces_the_live_one_only_when_it_is_newer() {
    let place = Place::new();
    let dataset = dataset(&[keyed(&json!({"key": ["id"], "newer": "at"}))]);
    let live = "1,live,2026-02-01;2,live,2026-02-01;3,live,2026-02-01;4,live,2026-02-01;5,live,;6,live,";
    load(&place, &dataset, &[("t", rows(live))]).await.unwrap();
    let came = "1,older,2026-01-01;2,same age,2026-02-01;3,newer,2026-03-01;4,no age,;5,some age,2020-01-01;6,no age,";
    let published = load(&place, &dataset, &[("t", rows(came))]).await.unwrap();
    assert_eq!(counts(&published), [0, 3, 0, 3]);
    assert_eq!(
        place.value(LIVE),
        "1 live 2026-02-01, 2 live 2026-02-01, 3 newer 2026-03-01, 4 live 2026-02-01, 5 some age 2020-01-01, 6 no age"
    );
}

#[tokio::test]
async fn rows_that_the_source_lacks_go_where_the_manifest_says_so_and_never_too_many() {
    let place = Place::new();
    let dataset = dataset(&[keyed(&json!({"key": ["id"], "deletes": "apply", "max_deletes": "25%"}))]);
    load(&place, &dataset, &[("t", rows("1,a,;2,b,;3,c,;4,d,"))]).await.unwrap();

    let error = load(&place, &dataset, &[("t", rows("1,a,;2,b,"))]).await.unwrap_err();
    assert_eq!((error.code(), error.exit()), ("guard_deletes", Exit::Refused));
    assert!(error.to_string().contains("the source lacks 2 of 4 live rows, and at most 25% may be deleted"), "{error}");
    assert_eq!(place.value(LIVE), "1 a, 2 b, 3 c, 4 d");
    assert_eq!(place.value("SELECT count(*) FROM freshet_staging_d.t"), "2", "for looking at");

    let published = load(&place, &dataset, &[("t", rows("1,a,;2,B,;3,c,;5,e,"))]).await.unwrap();
    assert_eq!(counts(&published), [1, 1, 1, 2]);
    assert_eq!(place.value(LIVE), "1 a, 2 B, 3 c, 5 e");

    // A part of the sources says nothing about rows that are not in it.
    let run = Run::begin(&place, &dataset).await;
    let staging = run.stage(&[("t", rows("9,z,"))]).await.unwrap();
    staging.remark(&run.mark().covering(Coverage::Part)).await.unwrap();
    let published = run.publish(&staging, Duration::from_secs(20)).await.unwrap();
    assert_eq!(counts(&published), [1, 0, 0, 0]);
    drop(run);

    // Somebody has looked and wants it.
    let mut run = Run::begin(&place, &dataset).await;
    run.terms.drops = Drops::Accepted;
    let staging = run.stage(&[("t", rows("1,a,"))]).await.unwrap();
    let published = run.publish(&staging, Duration::from_secs(20)).await.unwrap();
    assert_eq!(counts(&published), [0, 0, 4, 1]);
    assert_eq!(place.value(LIVE), "1 a");
}

#[tokio::test]
async fn how_many_rows_are_expected_is_judged_by_what_the_table_becomes() {
    let place = Place::new();
    let mut t = keyed(&json!({"key": ["id"], "deletes": "apply", "max_deletes": "100%"}));
    t["expect"] = json!({"rows": 3, "max_drop": "30%"});
    let dataset = dataset(&[t]);
    load(&place, &dataset, &[("t", rows("1,a,;2,b,;3,c,;4,d,"))]).await.unwrap();
    let error = load(&place, &dataset, &[("t", rows("1,a,;9,i,"))]).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "the data did not pass: t has 2 rows where 3 are expected; t has 2 rows where 4 are live, and at most 30% may go"
    );
    let mut run = Run::begin(&place, &dataset).await;
    run.terms.size = Size::Told;
    let staging = run.stage(&[("t", rows("1,a,;9,i,"))]).await.unwrap();
    let published = run.publish(&staging, Duration::from_secs(20)).await.unwrap();
    let merged = published.merged.values().next().unwrap();
    assert_eq!((merged.rows, merged.told.len()), (2, 2));
}

#[tokio::test]
async fn values_are_the_same_when_nobody_can_tell_them_apart() {
    let place = Place::new();
    let columns =
        ["id integer not null", "price numeric", "tag char(4)", "doc json", "docs json[]", "note text", "day date"];
    let mut t = table("t", &columns);
    t["primary_key"] = json!(["id"]);
    t["load"] = json!({"upsert": {"key": ["id"]}});
    let dataset = dataset(&[t]);
    let row = |fields: &[&str]| -> Rows { vec![fields.iter().map(|field| Some((*field).to_owned())).collect()] };
    load(&place, &dataset, &[("t", row(&["1", "1.50", "ab", r#"{"a": 1, "b": 2}"#, "{}", "x", "2026-01-01"]))])
        .await
        .unwrap();
    let same = row(&["1", "1.5", "ab  ", r#"{"b":2,"a":1}"#, "{}", "x", "2026-01-01"]);
    assert_eq!(counts(&load(&place, &dataset, &[("t", same)]).await.unwrap()), [0, 0, 0, 1]);
    assert_eq!(place.value("SELECT concat_ws(' ', price, doc) FROM public.t"), r#"1.50 {"a": 1, "b": 2}"#);
    for other in [
        ["1", "1.51", "ab", r#"{"a": 1, "b": 2}"#, "{}", "x", "2026-01-01"],
        ["1", "1.51", "ab", r#"{"a": 1}"#, "{}", "x", "2026-01-01"],
        ["1", "1.51", "ab", r#"{"a": 1}"#, "{}", "X", "2026-01-01"],
    ] {
        assert_eq!(counts(&load(&place, &dataset, &[("t", row(&other))]).await.unwrap()), [0, 1, 0, 0], "{other:?}");
    }
    // To a collation that takes them for equal they differ all the same.
    place.sql("CREATE COLLATION public.loose (provider = icu, locale = 'und-u-ks-level2', deterministic = false)");
    place.sql("ALTER TABLE public.t ALTER note TYPE text COLLATE public.loose");
    let lower = row(&["1", "1.51", "ab", r#"{"a": 1}"#, "{}", "x", "2026-01-01"]);
    assert_eq!(counts(&load(&place, &dataset, &[("t", lower)]).await.unwrap()), [0, 1, 0, 0]);
}

#[tokio::test]
async fn columns_that_only_the_live_table_has_are_left_alone_and_identities_are_filled() {
    let place = Place::new();
    let mut t = table("t", &["gid bigint identity", "id integer not null", "note text"]);
    t["primary_key"] = json!(["gid"]);
    t["indexes"] = json!([{"columns": ["id"], "uniqueness": "unique"}]);
    t["load"] = json!({"upsert": {"key": ["id"]}});
    let dataset = dataset(&[t]);
    load(&place, &dataset, &[("t", rows("1,a;2,b"))]).await.unwrap();
    place.sql(
        "ALTER TABLE public.t ADD remark text, ADD seen date NOT NULL DEFAULT '2026-01-01',
             ADD double text GENERATED ALWAYS AS (note || note) STORED;
         UPDATE public.t SET remark = 'mine'",
    );
    let published = load(&place, &dataset, &[("t", rows("2,B;4,d;3,c"))]).await.unwrap();
    assert_eq!(counts(&published), [2, 1, 0, 0]);
    assert_eq!(
        place.value(
            "SELECT string_agg(concat_ws(' ', gid, id, note, remark, seen, double), ', ' ORDER BY gid) FROM public.t"
        ),
        "1 1 a mine 2026-01-01 aa, 2 2 B mine 2026-01-01 BB, 3 4 d 2026-01-01 dd, 4 3 c 2026-01-01 cc"
    );
}

#[tokio::test]
async fn keys_of_several_columns_and_names_that_need_quotes_are_upserted() {
    let place = Place::new();
    let mut t = table("order", &["group text", "größe integer", "select text"]);
    t["indexes"] = json!([{"columns": ["group", "größe"], "uniqueness": "unique"}]);
    t["load"] = json!({"upsert": {"key": ["größe", "group"], "deletes": "apply", "max_deletes": "100%"}});
    let dataset = dataset(&[t]);
    load(&place, &dataset, &[("order", rows("a,1,x;a,2,x;b,1,x"))]).await.unwrap();
    // Rows without a key, which somebody else has made, are of no source.
    place.sql("INSERT INTO public.\"order\" VALUES (NULL, 1, 'y'), ('a', NULL, 'y'), (NULL, NULL, 'y')");
    let published = load(&place, &dataset, &[("order", rows("a,1,x;a,2,X;b,2,n"))]).await.unwrap();
    assert_eq!(counts(&published), [1, 1, 4, 1]);
    assert_eq!(
        place.value(
            "SELECT string_agg(concat_ws(' ', \"group\", größe, \"select\"), ', ' ORDER BY 1) FROM public.\"order\""
        ),
        "a 1 x, a 2 X, b 2 n"
    );
}

#[tokio::test]
async fn a_table_of_nothing_but_its_key_gets_and_loses_rows() {
    let place = Place::new();
    let mut t = table("t", &["id integer not null"]);
    t["primary_key"] = json!(["id"]);
    t["load"] = json!({"upsert": {"key": ["id"], "deletes": "apply", "max_deletes": "50%"}});
    let dataset = dataset(&[t]);
    load(&place, &dataset, &[("t", rows("1;2"))]).await.unwrap();
    assert_eq!(counts(&load(&place, &dataset, &[("t", rows("2;3"))]).await.unwrap()), [1, 0, 1, 1]);
}

#[tokio::test]
async fn rows_with_one_key_are_refused_or_resolved_before_they_meet_the_live_ones() {
    let place = Place::new();
    let mut t = keyed(&json!({"key": ["id"], "newer": "at"}));
    load(&place, &dataset(&[t.clone()]), &[("t", rows("1,a,2026-01-01"))]).await.unwrap();
    let twice = "1,new,2026-01-03;1,newer,2026-01-04;1,newest,2026-01-05;2,b,";
    let error = load(&place, &dataset(&[t.clone()]), &[("t", rows(twice))]).await.unwrap_err();
    assert_eq!(error.code(), "duplicate_keys");
    t["duplicates"] = json!("newest");
    assert_eq!(counts(&load(&place, &dataset(&[t]), &[("t", rows(twice))]).await.unwrap()), [1, 1, 0, 0]);
    assert_eq!(place.value(LIVE), "1 newest 2026-01-05, 2 b");
}

/// What each of these says, after a first load and some statement.
async fn refused(t: serde_json::Value, content: &str, statement: &str) -> String {
    let place = Place::new();
    load(&place, &dataset(&[by_id()]), &[("t", rows("1,a,"))]).await.unwrap();
    place.sql(&statement.replace("LOADER", &place.loader));
    let error = load(&place, &dataset(&[t]), &[("t", rows(content))]).await.unwrap_err();
    assert_eq!(place.value("SELECT count(*) FROM public.t"), "1");
    format!("{} {}: {error}", error.code(), error.exit() as i32)
}

#[tokio::test]
async fn what_does_not_fit_into_the_live_table_is_refused_with_the_statement_that_helps() {
    let mut wider = by_id();
    wider["columns"].as_array_mut().unwrap().push(json!({"name": "zip", "type": "char(5)"}));
    let said = refused(wider, "1,a,,10001", "SELECT").await;
    let expected = "table_differs 78: d cannot be loaded into its live tables: t: column zip is not there \
                    (ALTER TABLE \"public\".\"t\" ADD COLUMN \"zip\" character(5))";
    assert_eq!(said, expected);

    let same = async |statement: &str| refused(by_id(), "1,b,", statement).await;
    let said = same("ALTER TABLE public.t ALTER note TYPE varchar(10)").await;
    assert!(said.contains("column note is character varying(10) and the manifest says text"), "{said}");
    assert!(said.contains("ALTER TABLE \"public\".\"t\" ALTER COLUMN \"note\" TYPE text"), "{said}");
    let said = same("ALTER TABLE public.t DROP CONSTRAINT t_pkey").await;
    assert!(
        said.contains(
            "its key (\"id\"), which nothing keeps unique (ALTER TABLE \"public\".\"t\" ADD UNIQUE (\"id\"))"
        ),
        "{said}"
    );
    let said =
        same("ALTER TABLE public.t DROP CONSTRAINT t_pkey; CREATE UNIQUE INDEX ON public.t (id) WHERE id > 0").await;
    assert!(said.contains("which nothing keeps unique"), "a part of the rows: {said}");
    let said = same(
        "ALTER TABLE public.t ADD x integer; UPDATE public.t SET x = 1; ALTER TABLE public.t ALTER x SET NOT NULL",
    )
    .await;
    assert!(said.contains("column x, NOT NULL and without a default"), "{said}");
    let said = same("ALTER TABLE public.t DROP note, ADD note text GENERATED ALWAYS AS (id::text) STORED").await;
    assert!(said.contains("column note is generated"), "{said}");
    let said = same("ALTER TABLE public.t ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY").await;
    assert!(said.contains("NO FORCE ROW LEVEL SECURITY"), "{said}");
    let said = same("CREATE RULE r AS ON UPDATE TO public.t DO INSTEAD NOTHING").await;
    assert!(said.contains("its rules"), "{said}");
    let said = same("ALTER TABLE public.t RENAME TO u; ALTER TABLE public.u OWNER TO LOADER; CREATE VIEW public.t AS SELECT * FROM public.u").await;
    assert!(said.contains("what stands there is no table"), "{said}");
}

#[tokio::test]
async fn rows_that_a_constraint_of_the_live_table_does_not_take_are_refused() {
    let place = Place::new();
    let dataset = dataset(&[by_id()]);
    load(&place, &dataset, &[("t", rows("1,a,"))]).await.unwrap();
    place.sql("ALTER TABLE public.t ADD CONSTRAINT short CHECK (length(note) < 3)");
    let error = load(&place, &dataset, &[("t", rows("1,b,;2,long,"))]).await.unwrap_err();
    assert_eq!((error.code(), error.exit()), ("database_rejects_data", Exit::Refused));
    assert!(error.to_string().contains("short"), "{error}");
    assert_eq!(place.value(LIVE), "1 a");
}

#[tokio::test]
async fn everything_that_hangs_on_the_table_stays_and_its_triggers_fire_with_the_names_they_know() {
    let place = Place::new();
    let dataset = dataset(&[by_id()]);
    load(&place, &dataset, &[("t", rows("1,a,;2,b,"))]).await.unwrap();
    place.sql(
        "CREATE TABLE public.log (said text);
         CREATE FUNCTION public.told() RETURNS trigger LANGUAGE plpgsql AS
             'BEGIN INSERT INTO log VALUES (concat_ws('' '', TG_OP, NEW.id, NEW.note)); RETURN NEW; END';
         CREATE TRIGGER told AFTER INSERT OR UPDATE OR DELETE ON public.t FOR EACH ROW EXECUTE FUNCTION public.told();
         CREATE TABLE public.child (id integer REFERENCES public.t);
         INSERT INTO public.child VALUES (1);
         CREATE MATERIALIZED VIEW public.m AS SELECT * FROM public.t",
    );
    place.sql(&format!("GRANT INSERT ON public.log TO {}", place.loader));
    load(&place, &dataset, &[("t", rows("1,a,;2,B,;3,c,"))]).await.unwrap();
    assert_eq!(place.value("SELECT string_agg(said, ', ') FROM public.log"), "UPDATE 2 B, INSERT 3 c");
    assert_eq!(place.value("SELECT count(*) FROM public.child"), "1");
}

#[tokio::test]
async fn a_role_that_only_may_write_and_one_that_may_become_the_owner_both_do() {
    let place = Place::new();
    let dataset = dataset(&[by_id()]);
    load(&place, &dataset, &[("t", rows("1,a,"))]).await.unwrap();
    let owner = format!("owner_{}", place.database);
    place.sql(&format!("CREATE ROLE {owner}; ALTER TABLE public.t OWNER TO {owner}"));
    let error = load(&place, &dataset, &[("t", rows("1,b,"))]).await.unwrap_err();
    assert_eq!((error.code(), error.exit()), ("database_permission", Exit::Permission));
    let advice = error.advice().unwrap();
    assert!(advice.contains("GRANT SELECT, INSERT, UPDATE, DELETE ON \"public\".\"t\" TO"), "{advice}");

    place.sql(&format!("GRANT SELECT, INSERT, UPDATE, DELETE ON public.t TO {}", place.loader));
    load(&place, &dataset, &[("t", rows("1,b,"))]).await.unwrap();
    assert_eq!(place.value(LIVE), "1 b");

    // A policy may hide rows from everybody but the owner: what is hidden would be inserted again.
    place.sql("ALTER TABLE public.t ENABLE ROW LEVEL SECURITY");
    let error = load(&place, &dataset, &[("t", rows("1,c,"))]).await.unwrap_err();
    assert!(error.to_string().contains("whose table hides rows from others"), "{error}");
    place.sql(&format!("GRANT {owner} TO {}", place.loader));
    load(&place, &dataset, &[("t", rows("1,c,"))]).await.unwrap();
    assert_eq!(place.value(LIVE), "1 c");
}
