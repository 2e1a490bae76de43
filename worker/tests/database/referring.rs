//! Foreign keys: between tables of a dataset, to tables of others, and of others to the dataset's.

use std::time::Duration;

use freshet_tests::postgres::connect;
use manifest::Dataset;
use worker::fault::{Exit, Fault};

use crate::support::{Place, Run, dataset, load, rows, table};

/// `t` names `u`, itself and `lookup`; `asked` and `log`, of somebody else, name `t`.
fn fixture() -> (Place, Dataset) {
    let place = Place::new();
    let (db, loader) = (&place.database, &place.loader);
    place.sql(&format!(
        "CREATE ROLE other_{db}; GRANT other_{db} TO {loader}; CREATE SCHEMA others AUTHORIZATION other_{db};
         CREATE TABLE public.u (id integer PRIMARY KEY);
         CREATE TABLE others.lookup (code text PRIMARY KEY); INSERT INTO others.lookup VALUES ('a'), ('b');
         CREATE TABLE public.t (id integer PRIMARY KEY, u integer, parent integer, code varchar(9), UNIQUE (id, code));
         INSERT INTO public.u VALUES (1); INSERT INTO public.t VALUES (1, 1, 1, 'a'), (2, NULL, 1, 'b');
         ALTER TABLE public.t ADD CONSTRAINT own FOREIGN KEY (u) REFERENCES public.u ON UPDATE CASCADE DEFERRABLE INITIALLY DEFERRED;
         ALTER TABLE public.t ADD CONSTRAINT tree FOREIGN KEY (parent) REFERENCES public.t MATCH FULL;
         ALTER TABLE public.t ADD CONSTRAINT outgoing FOREIGN KEY (code) REFERENCES others.lookup ON DELETE SET NULL;
         ALTER TABLE public.u ADD CONSTRAINT later FOREIGN KEY (id) REFERENCES public.t NOT VALID;
         COMMENT ON CONSTRAINT outgoing ON public.t IS 'to lookup';
         CREATE TABLE others.asked (t integer, code varchar(9));
         INSERT INTO others.asked VALUES (1, 'a'), (1, 'a'), (2, NULL), (NULL, 'x');
         ALTER TABLE others.asked ADD CONSTRAINT \"in\" FOREIGN KEY (t, code) REFERENCES public.t (id, code) ON DELETE CASCADE;
         CREATE TABLE others.log (t integer REFERENCES public.t ON DELETE SET NULL DEFERRABLE); INSERT INTO others.log VALUES (2);
         CREATE TABLE others.loose (t integer); INSERT INTO others.loose VALUES (99);
         ALTER TABLE others.loose ADD CONSTRAINT loose FOREIGN KEY (t) REFERENCES public.t NOT VALID;
         COMMENT ON CONSTRAINT \"in\" ON others.asked IS 'from asked';
         ALTER TABLE public.t OWNER TO {loader}; ALTER TABLE public.u OWNER TO {loader};
         ALTER TABLE others.lookup OWNER TO other_{db}; ALTER TABLE others.asked OWNER TO other_{db};
         ALTER TABLE others.log OWNER TO other_{db}; ALTER TABLE others.loose OWNER TO other_{db}"
    ));
    let mut t = table("t", &["id integer not null", "u integer", "parent integer", "code varchar(9)"]);
    t["primary_key"] = serde_json::json!(["id"]);
    let mut u = table("u", &["id integer not null"]);
    u["primary_key"] = serde_json::json!(["id"]);
    (place, dataset(&[t, u]))
}

const KEYS: &str =
    "SELECT string_agg(concat_ws(' ', conrelid::regclass, conname, pg_get_constraintdef(oid), convalidated,
        obj_description(oid, 'pg_constraint')), chr(10) ORDER BY conrelid::regclass::text, conname)
    FROM pg_constraint WHERE contype = 'f' AND connamespace IN ('public'::regnamespace, 'others'::regnamespace)";

#[tokio::test]
async fn foreign_keys_are_the_same_after_two_reloads_and_hold() {
    let (place, dataset) = fixture();
    let before = place.value(KEYS);
    assert_eq!(before.lines().count(), 7, "{before}");
    for t in ["1,1,1,a;2,,2,b;3,1,1,b", "2,,1,b;1,,1,a"] {
        let published = load(&place, &dataset, &[("t", rows(t)), ("u", rows("1"))]).await.unwrap();
        assert_eq!(published.notices, [""; 0]);
        assert_eq!(place.value(KEYS), before);
        // Nothing cascades: a swap deletes nothing.
        assert_eq!(place.value("SELECT count(*) FROM others.asked"), "4");
        assert_eq!(place.value("SELECT t FROM others.log"), "2");
    }
    // The keys are those of the new table: its rows are held, those of the old generation are not.
    assert!(place.cluster.execute(&place.database, "INSERT INTO others.log VALUES (3)").is_err());
    place.sql("DELETE FROM others.asked; UPDATE public.t SET code = NULL; DELETE FROM others.lookup; DELETE FROM public.t WHERE id = 2");
    assert_eq!(place.value("SELECT coalesce(t::text, 'nobody') FROM others.log"), "nobody");
}

#[tokio::test]
async fn rows_that_would_be_left_alone_refuse_the_load_with_examples() {
    let (place, dataset) = fixture();
    let before = place.value(KEYS);
    for (t, u, named) in [
        // `asked` has two rows of (1, a), and `log` one of 2; nobody needs (2, NULL).
        (
            "3,,3,b",
            "1",
            "t: foreign key in of others.asked: 2 rows name t (id, code) that the new rows do not have: 1, a",
        ),
        ("1,,1,a", "1", "t: foreign key log_t_fkey of others.log: 1 rows name t (id) that the new rows do not have: 2"),
        ("1,7,1,a;2,,1,b", "1", "t: foreign key own: Key (u)=(7) is not present in table \"u\"."),
        ("1,,1,a;2,,9,b", "1", "t: foreign key tree: Key (parent)=(9) is not present in table \"t\"."),
        ("1,,1,a;2,,1,z", "1", "t: foreign key outgoing: Key (code)=(z) is not present in table \"lookup\"."),
    ] {
        let error = load(&place, &dataset, &[("t", rows(t)), ("u", rows(u))]).await.unwrap_err();
        assert_eq!((error.code(), error.exit()), ("constraint_violated", Exit::Refused), "{error}");
        assert!(error.to_string().contains(named), "{error}");
        assert_eq!(place.value("SELECT string_agg(id::text, ' ' ORDER BY id) FROM public.t"), "1 2");
    }
    assert_eq!(place.value(KEYS), before);
}

#[tokio::test]
async fn a_row_that_came_during_the_load_is_told_and_no_new_one_gets_in() {
    let (place, dataset) = fixture();
    let run = Run::begin(&place, &dataset).await;
    let staging = run.stage(&[("t", rows("1,,1,a;2,,1,b")), ("u", rows("1"))]).await.unwrap();
    // Somebody holds the table until the search for orphans is over, and adds one.
    let other = connect(&place.cluster.superuser_url_of(&place.database)).await.unwrap();
    place.sql("INSERT INTO public.t VALUES (5, NULL, 1, 'a')");
    other.batch_execute("BEGIN; LOCK TABLE public.t IN ACCESS SHARE MODE").await.unwrap();
    let (told, mut telling) = tokio::sync::mpsc::unbounded_channel();
    let publishing = run.publish_telling(&staging, Duration::from_secs(20), move |_| told.send(()).unwrap_or_default());
    let adding = async {
        telling.recv().await.unwrap();
        other.batch_execute("INSERT INTO others.log VALUES (5); COMMIT").await.unwrap();
    };
    let (published, ()) = tokio::join!(publishing, adding);
    let published = published.unwrap();
    assert_eq!(published.notices.len(), 1, "{:?}", published.notices);
    assert!(published.notices[0].contains("log_t_fkey of others.log could not be proven"), "{:?}", published.notices);
    assert_eq!(place.value("SELECT convalidated FROM pg_constraint WHERE conname = 'log_t_fkey'"), "f");
    assert!(place.cluster.execute(&place.database, "INSERT INTO others.log VALUES (6)").is_err());

    // Once the rows are put right, the next publish proves it.
    drop(run);
    place.sql("DELETE FROM others.log WHERE t = 5");
    let run = Run::begin(&place, &dataset).await;
    let staging = run.stage(&[("t", rows("1,,1,a;2,,1,b")), ("u", rows("1"))]).await.unwrap();
    let published = run.publish(&staging, Duration::from_secs(20)).await.unwrap();
    assert_eq!(published.notices, [""; 0]);
    assert_eq!(place.value("SELECT convalidated FROM pg_constraint WHERE conname = 'log_t_fkey'"), "t");
    assert_eq!(place.value("SELECT count(*) FROM freshet.unproven_keys"), "0");
}

#[tokio::test]
async fn who_writes_to_a_table_that_ours_names_is_waited_for() {
    let (place, dataset) = fixture();
    let run = Run::begin(&place, &dataset).await;
    let staging = run.stage(&[("t", rows("1,,1,a;2,,1,b")), ("u", rows("1"))]).await.unwrap();
    let other = connect(&place.cluster.superuser_url_of(&place.database)).await.unwrap();
    other.batch_execute("BEGIN; INSERT INTO others.lookup VALUES ('c')").await.unwrap();
    let (told, mut telling) = tokio::sync::mpsc::unbounded_channel();
    let publishing = run.publish_telling(&staging, Duration::from_secs(20), move |_| told.send(()).unwrap_or_default());
    let committing = async {
        telling.recv().await.unwrap();
        other.batch_execute("COMMIT").await.unwrap();
    };
    let (published, ()) = tokio::join!(publishing, committing);
    assert!(published.unwrap().tries > 1);
    assert_eq!(place.value("SELECT count(*) FROM public.t"), "2");
}

#[tokio::test]
async fn who_may_not_change_the_table_that_names_ours_is_told_the_grant() {
    let (place, dataset) = fixture();
    place.sql(&format!("REVOKE other_{} FROM {}", place.database, place.loader));
    let error = load(&place, &dataset, &[("t", rows("1,,1,a;2,,1,b")), ("u", rows("1"))]).await.unwrap_err();
    assert_eq!((error.code(), error.exit()), ("database_permission", Exit::Permission), "{error}");
    let grant = format!("GRANT \"other_{}\" TO \"{}\"", place.database, place.loader);
    assert!(error.advice().unwrap().contains(&grant), "{error}");
}

#[tokio::test]
async fn a_grant_on_a_column_that_is_not_committed_yet_is_waited_for() {
    let place = Place::new();
    let dataset = dataset(&[table("t", &["id integer", "note text"])]);
    load(&place, &dataset, &[("t", rows("1,a"))]).await.unwrap();
    place.sql(&format!("CREATE ROLE late_{}", place.database));
    let run = Run::begin(&place, &dataset).await;
    let staging = run.stage(&[("t", rows("2,b"))]).await.unwrap();
    let other = connect(&place.cluster.superuser_url_of(&place.database)).await.unwrap();
    // GRANT takes no lock on the table: nobody but the catalog's row knows of it.
    let grant = format!("BEGIN; GRANT SELECT (note) ON public.t TO late_{}", place.database);
    other.batch_execute(&grant).await.unwrap();
    let (told, mut telling) = tokio::sync::mpsc::unbounded_channel();
    let publishing = run.publish_telling(&staging, Duration::from_secs(20), move |_| told.send(()).unwrap_or_default());
    let committing = async {
        telling.recv().await.unwrap();
        other.batch_execute("COMMIT").await.unwrap();
    };
    let (published, ()) = tokio::join!(publishing, committing);
    assert!(published.unwrap().tries > 1);
    let granted = format!("SELECT has_column_privilege('late_{}', 'public.t', 'note', 'SELECT')", place.database);
    assert_eq!((place.value(&granted).as_str(), place.value("SELECT note FROM public.t").as_str()), ("t", "b"));
}
