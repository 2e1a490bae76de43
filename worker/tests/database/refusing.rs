//! What a load would lose, or may not do, is refused by name before anything is loaded, with what to do.

use freshet_tests::postgres::connect;
use worker::fault::{Exit, Fault};
use worker::publish::Error;

use crate::support::{Place, dataset, load, rows, table};

fn one_table() -> manifest::Dataset {
    let mut t = table("t", &["id integer not null", "note text"]);
    t["primary_key"] = serde_json::json!(["id"]);
    dataset(&[t])
}

/// A live table `t` of the loader, and other things that hang-ons need.
fn live() -> Place {
    let place = Place::new();
    place.sql(
        "CREATE TABLE public.t (id integer PRIMARY KEY, note text); INSERT INTO public.t VALUES (1, 'old');
         CREATE TABLE public.other (id integer PRIMARY KEY);
         CREATE FUNCTION public.fire() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END'",
    );
    place.sql(&format!("ALTER TABLE public.t OWNER TO {0}; ALTER TABLE public.other OWNER TO {0}", place.loader));
    place
}

async fn refusal(place: &Place) -> Error {
    let before = place.value("SELECT pg_relation_filenode(to_regclass('public.t'))");
    let error = load(place, &one_table(), &[("t", rows("2,new"))]).await.expect_err("it should be refused");
    assert_eq!(place.value("SELECT pg_relation_filenode(to_regclass('public.t'))"), before);
    assert_eq!(place.value("SELECT to_regnamespace('freshet_staging_d')"), "NULL", "nothing was loaded");
    error
}

/// What is made on the table, and the words that name it.
const HANGS_ON: [(&str, &str); 36] = [
    (
        "CREATE TRIGGER audit BEFORE INSERT ON public.t FOR EACH ROW EXECUTE FUNCTION public.fire()",
        "trigger audit on table",
    ),
    (
        "CREATE CONSTRAINT TRIGGER late AFTER INSERT ON public.t FOR EACH ROW EXECUTE FUNCTION public.fire()",
        "trigger late on table",
    ),
    ("ALTER TABLE public.t ENABLE ROW LEVEL SECURITY", "row level security"),
    ("ALTER TABLE public.t FORCE ROW LEVEL SECURITY", "row level security"),
    ("CREATE POLICY own ON public.t USING (true)", "policy own on table"),
    ("CREATE POLICY far ON public.other USING (EXISTS (SELECT FROM public.t))", "policy far on table public.other"),
    (
        "ALTER TABLE public.t ADD CONSTRAINT out FOREIGN KEY (id) REFERENCES public.other NOT VALID",
        "constraint out on table",
    ),
    (
        "ALTER TABLE public.other ADD CONSTRAINT incoming FOREIGN KEY (id) REFERENCES public.t NOT VALID",
        "constraint incoming on table public.other",
    ),
    ("ALTER TABLE public.t ALTER COLUMN note SET DEFAULT 'none'", "default value for column note"),
    ("SET ROLE {loader}; CREATE SEQUENCE public.mine OWNED BY public.t.id", "sequence public.mine"),
    (
        "ALTER TABLE public.t DROP COLUMN note, ADD COLUMN note text GENERATED ALWAYS AS (id::text) STORED",
        "note of table public.t",
    ),
    ("CREATE MATERIALIZED VIEW public.sums AS SELECT count(*) FROM public.t", "materialized view public.sums"),
    (
        "CREATE FUNCTION public.total() RETURNS bigint LANGUAGE sql BEGIN ATOMIC SELECT count(*) FROM public.t; END",
        "function public.total()",
    ),
    (
        "CREATE FUNCTION public.all_of() RETURNS SETOF public.t LANGUAGE sql AS 'SELECT * FROM public.t'",
        "function public.all_of()",
    ),
    (
        "CREATE FUNCTION public.of_one(x public.t) RETURNS int LANGUAGE sql AS 'SELECT 1'",
        "function public.of_one(public.t)",
    ),
    (
        "CREATE FUNCTION public.of_many(x public.t[]) RETURNS int LANGUAGE sql AS 'SELECT 1'",
        "function public.of_many(public.t[])",
    ),
    ("CREATE TABLE public.keeper (kept public.t)", "column kept of table public.keeper"),
    ("CREATE TABLE public.keepers (kept public.t[])", "column kept of table public.keepers"),
    ("CREATE DOMAIN public.td AS public.t", "type public.td"),
    ("SET ROLE {loader}; CREATE VIEW public.whole AS SELECT t FROM public.t", "column t of view public.whole"),
    ("CREATE RULE quiet AS ON DELETE TO public.t DO INSTEAD NOTHING", "rule quiet on table"),
    (
        "CREATE RULE far AS ON INSERT TO public.other DO ALSO INSERT INTO public.t VALUES (new.id)",
        "rule far on table public.other",
    ),
    ("CREATE STATISTICS public.pair ON id, note FROM public.t", "statistics object public.pair"),
    ("CREATE PUBLICATION one FOR TABLE public.t", "publication one"),
    ("CREATE PUBLICATION every FOR ALL TABLES", "publication every"),
    ("CREATE TABLE public.child () INHERITS (public.t)", "table public.child"),
    ("CREATE TABLE public.parent (id integer); ALTER TABLE public.t INHERIT public.parent", "its parent public.parent"),
    ("ALTER TABLE public.t SET UNLOGGED", "it is unlogged"),
    ("ALTER TABLE public.t ALTER COLUMN note TYPE text COLLATE \"C\"", "collation of column note"),
    (
        "CREATE INDEX low ON public.t (lower(note)); ALTER INDEX public.low ALTER COLUMN 1 SET STATISTICS 9",
        "statistics target of index low",
    ),
    ("ALTER EXTENSION plpgsql ADD TABLE public.t", "extension plpgsql"),
    ("ALTER TABLE public.t ADD COLUMN extra text", "column extra"),
    ("ALTER TABLE public.t ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY", "the identity of column id"),
    (
        "ALTER TABLE public.t DROP CONSTRAINT t_pkey, ADD CONSTRAINT key PRIMARY KEY (note)",
        "its key key PRIMARY KEY (note)",
    ),
    (
        "ALTER TABLE public.t ALTER COLUMN note TYPE varchar(9); SET ROLE {loader}; CREATE VIEW public.v AS SELECT note FROM public.t",
        "view public.v",
    ),
    (
        "CREATE TABLE public.x (id integer, note text) PARTITION BY LIST (id); ALTER TABLE public.x ATTACH PARTITION public.t DEFAULT",
        "its parent public.x",
    ),
];

#[tokio::test]
async fn everything_that_would_be_lost_is_refused_by_name_before_loading() {
    for (made, named) in HANGS_ON {
        let place = live();
        place.sql(&made.replace("{loader}", &place.loader));
        let error = refusal(&place).await;
        assert_eq!((error.code(), error.exit()), ("not_carried", Exit::Configuration), "{made}: {error}");
        let told = error.to_string();
        assert!(told.starts_with("loading d would lose what hangs on its tables: t: "), "{told}");
        assert!(told.contains(named), "{made}: {told}");
        let Error::NotCarried { refusals, .. } = error else { panic!("{error}") };
        assert!(refusals.iter().all(|refusal| !refusal.remedy.is_empty()), "{refusals:?}");
    }
}

#[tokio::test]
async fn several_things_are_refused_at_once() {
    let place = live();
    place.sql(
        "CREATE TRIGGER audit BEFORE INSERT ON public.t FOR EACH ROW EXECUTE FUNCTION public.fire();
         ALTER TABLE public.t ADD COLUMN extra text, ALTER COLUMN note SET DEFAULT 'none'",
    );
    let Error::NotCarried { refusals, .. } = refusal(&place).await else { panic!("refused otherwise") };
    assert_eq!(refusals.len(), 3, "{refusals:#?}");
}

#[tokio::test]
async fn what_stands_in_the_place_of_a_table_is_refused() {
    for (made, named) in [
        ("CREATE VIEW public.t AS SELECT 1 AS id", "it is a view"),
        ("CREATE MATERIALIZED VIEW public.t AS SELECT 1 AS id", "it is a materialized view"),
        ("CREATE SEQUENCE public.t", "it is a sequence"),
        ("CREATE TYPE public.t AS (id integer)", "it is a composite type"),
        ("CREATE TYPE public.t AS ENUM ('a')", "type public.t"),
        ("CREATE TABLE public.t (id integer) PARTITION BY RANGE (id)", "it is a partitioned table"),
        (
            "CREATE FOREIGN DATA WRAPPER w; CREATE SERVER s FOREIGN DATA WRAPPER w; CREATE FOREIGN TABLE public.t (id integer) SERVER s",
            "it is a foreign table",
        ),
    ] {
        let place = Place::new();
        place.sql(made);
        place.sql(&format!("GRANT {} TO CURRENT_USER", place.loader));
        // Whoever owns it: it is no matter of rights.
        place.sql(&format!("DO $$ BEGIN EXECUTE (SELECT coalesce((SELECT format('ALTER %s public.t OWNER TO {}',
            CASE relkind WHEN 'v' THEN 'VIEW' WHEN 'm' THEN 'MATERIALIZED VIEW' WHEN 'S' THEN 'SEQUENCE' WHEN 'c' THEN 'TYPE'
            WHEN 'f' THEN 'FOREIGN TABLE' ELSE 'TABLE' END) FROM pg_class WHERE oid = to_regclass('public.t')), 'SELECT 1')); END $$", place.loader));
        let error = load(&place, &one_table(), &[("t", rows("2,new"))]).await.expect_err(made);
        assert_eq!(error.code(), "not_carried", "{made}: {error}");
        assert!(error.to_string().contains(named), "{made}: {error}");
    }
}

#[tokio::test]
async fn a_temporary_view_of_another_session_is_refused() {
    let place = live();
    let other = connect(&place.cluster.superuser_url_of(&place.database)).await.unwrap();
    other.batch_execute("CREATE TEMPORARY VIEW mine AS SELECT * FROM public.t").await.unwrap();
    // Nobody can do anything to it but its session, so that it is no matter of rights.
    place.sql(&format!("GRANT postgres TO {}", place.loader));
    let error = refusal(&place).await;
    assert!(error.to_string().contains("temporary view mine"), "{error}");
}

#[tokio::test]
async fn missing_rights_are_named_with_the_grants_that_help() {
    let place = live();
    let loader = &place.loader;
    let (own, ana) = (format!("own_{}", place.database), format!("ana_{}", place.database));
    place.sql(&format!(
        "CREATE ROLE {own}; CREATE ROLE {ana}; CREATE SCHEMA reports;
         CREATE VIEW reports.v AS SELECT * FROM public.t; ALTER VIEW reports.v OWNER TO {ana};
         GRANT SELECT ON public.t TO {ana} WITH GRANT OPTION; SET ROLE {ana}; GRANT SELECT ON public.t TO PUBLIC; RESET ROLE;
         ALTER TABLE public.t OWNER TO {own}; REVOKE CREATE ON SCHEMA public FROM {loader}"
    ));
    let error = refusal(&place).await;
    assert_eq!((error.code(), error.exit()), ("database_permission", Exit::Permission), "{error}");
    let advice = error.advice().unwrap();
    for grant in [
        format!("GRANT \"{own}\" TO \"{loader}\""),
        format!("GRANT \"{ana}\" TO \"{loader}\""),
        format!("GRANT USAGE, CREATE ON SCHEMA \"public\" TO \"{loader}\""),
        format!("GRANT USAGE, CREATE ON SCHEMA \"reports\" TO \"{loader}\""),
    ] {
        assert!(advice.contains(&grant), "{grant} is not in: {advice}");
    }
    // What it says is enough.
    let script = advice.strip_prefix("have an owner or superuser run: ").unwrap();
    place.sql(script);
    load(&place, &one_table(), &[("t", rows("2,new"))]).await.unwrap();
    assert_eq!(place.value("SELECT note FROM reports.v"), "new");
    assert_eq!(
        place.value("SELECT relacl::text FROM pg_class WHERE oid = 'public.t'::regclass"),
        format!("{{{own}=arwdDxt/{own},{ana}=r*/{own},=r/{ana}}}")
    );
}

#[tokio::test]
async fn a_login_that_inherits_nothing_acts_as_the_owners() {
    let place = live();
    let (loader, own) = (&place.loader, format!("own_{}", place.database));
    place.sql(&format!(
        "CREATE ROLE {own}; ALTER TABLE public.t OWNER TO {own}; GRANT USAGE, CREATE ON SCHEMA public TO {own};
         CREATE VIEW public.v AS SELECT * FROM public.t; ALTER VIEW public.v OWNER TO {own};
         ALTER ROLE {loader} NOINHERIT; GRANT {own} TO {loader}; REVOKE CREATE ON SCHEMA public FROM {loader}"
    ));
    for note in ["one", "two"] {
        load(&place, &one_table(), &[("t", rows(&format!("2,{note}")))]).await.unwrap();
        assert_eq!(place.value("SELECT note FROM public.v"), note);
    }
    assert_eq!(place.value("SELECT relowner::regrole::text FROM pg_class WHERE oid = 'public.t'::regclass"), own);
}

#[tokio::test]
async fn staging_that_is_somebody_elses_is_left_alone() {
    let place = live();
    place.sql(&format!("CREATE SCHEMA freshet_staging_d AUTHORIZATION {}", place.loader));
    let error = load(&place, &one_table(), &[("t", rows("2,new"))]).await.unwrap_err();
    assert_eq!((error.code(), error.exit()), ("staging_foreign", Exit::Configuration));
    assert_eq!(place.value("SELECT note FROM public.t"), "old");
}

#[tokio::test]
async fn rows_that_share_a_key_are_refused_and_the_live_table_stays() {
    let place = live();
    let error = load(&place, &one_table(), &[("t", rows("2,new;2,again"))]).await.unwrap_err();
    assert_eq!((error.code(), error.exit()), ("duplicate_keys", Exit::Refused));
    assert!(error.to_string().contains("Key (id)=(2)"), "{error}");
    assert_eq!(place.value("SELECT note FROM public.t"), "old");
}
