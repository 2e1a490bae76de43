//! What hangs on a table hangs on the one that takes its place: compared catalog row by catalog row, and dump by dump.

use std::process::Command;

use worker::fault::{Exit, Fault};

use crate::support::{Place, Run, dataset, load, rows, table};

/// All that is carried over, on a table of a role that the loader can become, with rights given by somebody else.
const FIXTURE: &str = include_str!("carrying.sql");

/// The catalogs' own words about everything in `public`.
const CATALOG: &str = include_str!("catalog.sql");

fn fixture() -> (Place, manifest::Dataset) {
    let place = Place::new();
    place.sql(&FIXTURE.replace("{db}", &place.database).replace("{loader}", &place.loader));
    let mut t = table("t", &["id bigint identity", "bbl char(10) not null", "note text", "price numeric(9,2)"]);
    t["primary_key"] = serde_json::json!(["id"]);
    t["indexes"] = serde_json::json!([{"columns": ["bbl"]}]);
    let u = table("u", &["id integer", "label text"]);
    let mut dataset = dataset(&[t, u]);
    dataset.publications = manifest::dataset::Publications::Carry;
    (place, dataset)
}

fn catalog(place: &Place) -> Vec<String> {
    let rows = place.cluster.query(&place.database, CATALOG).unwrap();
    rows.into_iter().map(|row| row.into_iter().map(Option::unwrap_or_default).collect::<Vec<_>>().join(" | ")).collect()
}

fn dump(place: &Place) -> String {
    let url = place.cluster.superuser_url();
    let password = url.split([':', '@']).nth(2).unwrap().to_owned();
    let output = Command::new(place.cluster.program("pg_dump").unwrap())
        .args(["--schema-only", "--schema=public", "--schema=reports", "--host=127.0.0.1", "--username=postgres"])
        .arg(format!("--port={}", place.cluster.port()))
        .arg(format!("--dbname={}", place.database))
        .env("PGPASSWORD", password)
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout).unwrap();
    // Recent versions write a random key into every dump.
    text.lines()
        .filter(|line| !line.starts_with("\\restrict") && !line.starts_with("\\unrestrict"))
        .collect::<Vec<_>>()
        .join("\n")
}

#[tokio::test]
async fn everything_that_is_carried_is_the_same_after_two_reloads() {
    let (place, dataset) = fixture();
    let (before, dumped) = (catalog(&place), dump(&place));
    assert!(before.len() > 40, "{before:#?}");
    for (t, u) in [("1000010001,first,1.5;1000010002,,2", "1,one"), ("1000010003,second,3", "1,one;2,two")] {
        load(&place, &dataset, &[("t", rows(t)), ("u", rows(u))]).await.unwrap();
        let after = catalog(&place);
        for (before, after) in before.iter().zip(&after) {
            assert_eq!(before, after);
        }
        assert_eq!(before.len(), after.len());
        assert_eq!(dump(&place), dumped);
    }
    // And it is not only there, but works.
    let read = |role: &str, what: &str| {
        format!("SET ROLE {role}_{}; SELECT string_agg(x::text, ' ') FROM ({what}) x", place.database)
    };
    assert_eq!(
        place.cluster.query(&place.database, &read("ana", "SELECT note FROM public.v")).unwrap()[0][0].as_deref(),
        Some("(second)")
    );
    assert_eq!(
        place.cluster.query(&place.database, &read("pub", "SELECT bbl FROM public.t")).unwrap()[0][0].as_deref(),
        Some("(1000010003)")
    );
    assert!(place.cluster.query(&place.database, &read("pub", "SELECT price FROM public.t")).is_err());
    assert_eq!(place.value("SELECT count(*) FROM public.v3"), "1");
    assert_eq!(place.value("SELECT string_agg(s::text, ' ') FROM public.\"sums of t\" s"), "(1000010003,1,second)");
    assert_eq!(place.value("SELECT string_agg(o::text, ' ') FROM public.over_stored o"), "(1,second,1000010003)");
    assert_eq!(place.value("SELECT string_agg(x::text, ' ') FROM public.total() x"), "(1000010003,1)");
    place.sql(
        "INSERT INTO public.invoked VALUES (7); INSERT INTO public.inbox VALUES ('far'); CALL reports.note('called')",
    );
    assert_eq!(
        place.value("SELECT string_agg(label, ' ' ORDER BY label) FROM public.u WHERE label !~ '^(one|two)$'"),
        "by rule called far"
    );
}

#[tokio::test]
async fn rows_that_a_check_constraint_does_not_hold_are_refused_by_its_name() {
    let (place, dataset) = fixture();
    for (note, named) in [("bad", "t: check constraint good note: "), ("x/0", "t: check constraint divides: ")] {
        place.sql(
            "ALTER TABLE public.t DROP CONSTRAINT IF EXISTS divides;
             ALTER TABLE public.t ADD CONSTRAINT divides CHECK (1 / (length(note) - 3) < 9 OR note = 'bad')",
        );
        let before = dump(&place);
        let t = rows(&format!("1000010001,{note},1"));
        let error = load(&place, &dataset, &[("t", t), ("u", rows("1,one"))]).await.unwrap_err();
        assert_eq!((error.code(), error.exit()), ("constraint_violated", Exit::Refused), "{error}");
        assert!(error.to_string().contains(named), "{error}");
        assert_eq!(dump(&place), before);
        assert_eq!(place.value("SELECT count(*) FROM freshet_staging_d.t"), "1", "to look at");
    }
}

#[tokio::test]
async fn a_sequence_gives_no_number_twice_whatever_was_loaded() {
    let place = Place::new();
    place.sql(
        "CREATE TABLE public.t (id serial, down integer); CREATE SEQUENCE public.s INCREMENT -1 OWNED BY public.t.down",
    );
    place.sql(&format!("ALTER TABLE public.t OWNER TO {}", place.loader));
    let dataset = dataset(&[table("t", &["id integer not null", "down integer"])]);
    let next = |sequence: &str| place.value(&format!("SELECT nextval('public.{sequence}')"));
    // Beyond what is loaded, and never back; what no sequence could give is nothing to it.
    for (loaded, id, down) in
        [("7,-3;5,9", "8", "-4"), ("3,", "9", "-5"), ("9,-5", "10", "-6"), ("40,-40", "41", "-41")]
    {
        load(&place, &dataset, &[("t", rows(loaded))]).await.unwrap();
        assert_eq!((next("t_id_seq").as_str(), next("s").as_str()), (id, down), "{loaded}");
    }
    assert_eq!(place.value("SELECT pg_get_serial_sequence('public.t', 'down')"), "public.s");
}

#[tokio::test]
async fn extended_statistics_are_gathered_before_anybody_reads() {
    let (place, dataset) = fixture();
    let many = (0..50).map(|n| format!("10000100{n:02},note {n},{}", n % 3)).collect::<Vec<_>>().join(";");
    for _ in 0..2 {
        load(&place, &dataset, &[("t", rows(&many)), ("u", rows("1,one"))]).await.unwrap();
        let gathered = "SELECT count(*) FROM pg_statistic_ext_data d JOIN pg_statistic_ext s ON s.oid = d.stxoid
                        WHERE s.stxrelid = 'public.t'::regclass";
        assert_eq!(place.value(gathered), "3");
    }
}

#[tokio::test]
async fn a_grant_and_a_view_made_during_the_load_are_carried() {
    let (place, dataset) = fixture();
    let run = Run::begin(&place, &dataset).await;
    let staging = run.stage(&[("t", rows("1000010001,new,1")), ("u", rows("1,one"))]).await.unwrap();
    place.sql(&format!(
        "GRANT UPDATE (note) ON public.t TO pub_{0}; REVOKE SELECT ON public.u FROM ana_{0};
         COMMENT ON TABLE public.u IS 'late'; CREATE INDEX late_idx ON public.u (label);
         CREATE VIEW public.late AS SELECT label FROM public.u; ALTER VIEW public.late OWNER TO {1}",
        place.database, place.loader
    ));
    let before = catalog(&place);
    run.publish(&staging, std::time::Duration::from_secs(20)).await.unwrap();
    for (before, after) in before.iter().zip(&catalog(&place)) {
        assert_eq!(before, after);
    }
    assert_eq!(place.value("SELECT label FROM public.late"), "one");
}

#[tokio::test]
async fn something_refused_that_was_made_during_the_load_stops_the_publish() {
    let (place, dataset) = fixture();
    let run = Run::begin(&place, &dataset).await;
    let staging = run.stage(&[("t", rows("1000010001,new,1")), ("u", rows("1,one"))]).await.unwrap();
    place.sql("CREATE FUNCTION public.of(x public.t) RETURNS int LANGUAGE sql AS 'SELECT 1'");
    let error = run.publish(&staging, std::time::Duration::from_secs(20)).await.unwrap_err();
    assert_eq!(error.code(), "not_carried");
    assert!(error.to_string().contains("function public.of(public.t)"), "{error}");
    assert_eq!(place.value("SELECT count(*) FROM public.t"), "0");
}

#[tokio::test]
async fn a_first_load_gets_the_default_privileges_of_its_schema_and_no_others() {
    let place = Place::new();
    let (db, loader) = (&place.database, &place.loader);
    place.sql(&format!(
        "CREATE ROLE rdr_{db}; CREATE ROLE everywhere_{db}; CREATE SCHEMA app; GRANT USAGE, CREATE ON SCHEMA app TO {loader};
         ALTER DEFAULT PRIVILEGES FOR ROLE {loader} GRANT SELECT ON TABLES TO everywhere_{db};
         ALTER DEFAULT PRIVILEGES FOR ROLE {loader} IN SCHEMA app GRANT SELECT, INSERT ON TABLES TO rdr_{db};
         ALTER DEFAULT PRIVILEGES FOR ROLE {loader} IN SCHEMA app GRANT USAGE ON SEQUENCES TO rdr_{db}"
    ));
    let mut dataset = dataset(&[table("t", &["id bigint identity", "a text"])]);
    dataset.schema = "app".parse().unwrap();
    place.sql(&format!(
        "SET ROLE {loader}; CREATE TABLE app.like_this (id bigint GENERATED BY DEFAULT AS IDENTITY, a text)"
    ));
    load(&place, &dataset, &[("t", rows("x"))]).await.unwrap();
    for (made, expected) in [("t", "like_this"), ("t_id_seq", "like_this_id_seq")] {
        let acl = |name: &str| place.value(&format!("SELECT relacl::text FROM pg_class WHERE relname = '{name}'"));
        assert_eq!(acl(made), acl(expected));
    }
    // A table that was stripped of them stays so.
    place.sql(&format!("REVOKE ALL ON app.t FROM everywhere_{db}, rdr_{db}"));
    let stripped = place.value("SELECT relacl::text FROM pg_class WHERE oid = 'app.t'::regclass");
    load(&place, &dataset, &[("t", rows("y"))]).await.unwrap();
    assert_eq!(place.value("SELECT relacl::text FROM pg_class WHERE oid = 'app.t'::regclass"), stripped);
}

#[tokio::test]
async fn a_schema_that_is_missing_is_made_with_the_first_publish() {
    let place = Place::new();
    let mut dataset = dataset(&[table("t", &["a text"])]);
    dataset.schema = "app".parse().unwrap();
    load(&place, &dataset, &[("t", rows("x"))]).await.unwrap();
    assert_eq!(place.value("SELECT a FROM app.t"), "x");
}

#[tokio::test]
async fn names_that_others_have_are_gone_round() {
    let place = Place::new();
    let mut t = table("t", &["id bigint identity", "bbl text"]);
    t["primary_key"] = serde_json::json!(["id"]);
    t["indexes"] = serde_json::json!([{"columns": ["bbl"]}]);
    let dataset = dataset(&[t]);
    place.sql(
        "CREATE TABLE public.other (a integer); CREATE INDEX t_pkey ON public.other (a);
         CREATE INDEX t_bbl_idx ON public.other (a); CREATE SEQUENCE public.t_id_seq",
    );
    for _ in 0..2 {
        load(&place, &dataset, &[("t", rows("x"))]).await.unwrap();
        assert_eq!(
            place.value("SELECT string_agg(indexrelid::regclass::text, ' ' ORDER BY 1) FROM pg_index WHERE indrelid = 'public.t'::regclass"),
            "t_bbl_idx1 t_pkey1"
        );
        assert_eq!(place.value("SELECT pg_get_serial_sequence('public.t', 'id')"), "public.t_id_seq1");
    }
}

#[tokio::test]
async fn columns_and_types_of_the_manifest_win_where_nothing_is_lost() {
    let place = Place::new();
    let first = dataset(&[table("t", &["a integer", "b text not null"])]);
    load(&place, &first, &[("t", rows("1,x"))]).await.unwrap();
    place
        .sql(&format!("CREATE VIEW public.v AS SELECT b FROM public.t; ALTER VIEW public.v OWNER TO {}", place.loader));
    let second = dataset(&[table("t", &["b text", "c date", "a bigint"])]);
    load(&place, &second, &[("t", rows("y,2026-03-01,5000000000"))]).await.unwrap();
    assert_eq!(place.value("SELECT t::text FROM public.t"), "(y,2026-03-01,5000000000)");
    assert_eq!(place.value("SELECT b FROM public.v"), "y");
}
