//! Columns that change under views: refused by name, or the views are made anew with all that belongs to them.

use manifest::dataset::DependentViews;
use worker::fault::{Exit, Fault};

use crate::support::{Place, dataset, load, rows, table};

/// A live table whose `note` is shorter than the manifest's, with views over it and over each other.
fn live(columns: &[&str], policy: DependentViews) -> (Place, manifest::Dataset) {
    let place = Place::new();
    place.sql(&format!(
        "CREATE ROLE ana_{0}; GRANT ana_{0} TO {1}; GRANT CREATE ON SCHEMA public TO ana_{0};
         CREATE TABLE public.t (id integer, note varchar(9)); INSERT INTO public.t VALUES (1, 'old');
         GRANT SELECT, DELETE ON public.t TO ana_{0}; ALTER TABLE public.t OWNER TO {1}",
        place.database, place.loader
    ));
    let mut dataset = dataset(&[table("t", columns)]);
    dataset.dependent_views = policy;
    (place, dataset)
}

const VIEWS: &str = "
    CREATE SCHEMA reports; GRANT USAGE, CREATE ON SCHEMA reports TO ana_{db}, {loader};
    CREATE VIEW public.v WITH (security_barrier = true) AS SELECT id, note FROM public.t;
    CREATE VIEW public.counted AS SELECT count(note) AS n FROM public.v;
    CREATE VIEW reports.v2 AS SELECT note AS \"The note\" FROM public.v;
    CREATE MATERIALIZED VIEW reports.stored AS SELECT \"The note\" FROM reports.v2;
    CREATE UNIQUE INDEX stored_note ON reports.stored (\"The note\");
    CREATE VIEW public.over AS SELECT * FROM reports.stored;
    ALTER VIEW public.v ALTER COLUMN note SET DEFAULT 'none';
    CREATE FUNCTION public.instead() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN INSERT INTO public.t VALUES (NEW.id, NEW.note); RETURN NEW; END';
    CREATE TRIGGER instead INSTEAD OF INSERT ON public.v FOR EACH ROW EXECUTE FUNCTION public.instead();
    COMMENT ON TRIGGER instead ON public.v IS 'trigger';
    CREATE RULE gone AS ON DELETE TO public.v DO INSTEAD DELETE FROM public.t WHERE t.id = old.id;
    COMMENT ON RULE gone ON public.v IS 'rule';
    CREATE FUNCTION public.many() RETURNS bigint LANGUAGE sql BEGIN ATOMIC SELECT count(*) FROM reports.v2; END;
    ALTER VIEW public.v OWNER TO ana_{db}; ALTER VIEW public.counted OWNER TO {loader};
    ALTER VIEW reports.v2 OWNER TO ana_{db}; ALTER MATERIALIZED VIEW reports.stored OWNER TO ana_{db};
    ALTER VIEW public.over OWNER TO {loader}; ALTER FUNCTION public.many OWNER TO {loader};
    GRANT SELECT ON public.v TO {loader}; GRANT SELECT ON reports.stored TO {loader} WITH GRANT OPTION;
    GRANT SELECT (note) ON public.v TO PUBLIC; GRANT SELECT ON reports.v2 TO {loader};
    COMMENT ON VIEW public.v IS 'view'; COMMENT ON COLUMN public.v.note IS 'column';
    COMMENT ON MATERIALIZED VIEW reports.stored IS 'stored'; COMMENT ON INDEX reports.stored_note IS 'index'";

fn oid(place: &Place, name: &str) -> String {
    place.value(&format!("SELECT '{name}'::regclass::oid::text"))
}

/// All that is said of the views but for the types of their columns.
fn described(place: &Place) -> Vec<Vec<Option<String>>> {
    let sql = "SELECT c.relname, pg_get_userbyid(c.relowner), c.relacl::text, c.reloptions::text, obj_description(c.oid, 'pg_class'),
            pg_get_viewdef(c.oid),
            (SELECT string_agg(concat_ws(' ', a.attname, a.attacl, col_description(c.oid, a.attnum), pg_get_expr(f.adbin, f.adrelid)), '; ' ORDER BY a.attnum)
             FROM pg_attribute a LEFT JOIN pg_attrdef f ON f.adrelid = a.attrelid AND f.adnum = a.attnum WHERE a.attrelid = c.oid AND a.attnum > 0),
            (SELECT string_agg(pg_get_triggerdef(t.oid) || obj_description(t.oid), '; ') FROM pg_trigger t WHERE t.tgrelid = c.oid),
            (SELECT string_agg(pg_get_ruledef(r.oid) || obj_description(r.oid), '; ') FROM pg_rewrite r
             WHERE r.ev_class = c.oid AND r.rulename <> '_RETURN'),
            (SELECT string_agg(pg_get_indexdef(i.indexrelid) || obj_description(i.indexrelid), '; ') FROM pg_index i WHERE i.indrelid = c.oid)
        FROM pg_class c WHERE c.relkind IN ('v', 'm') AND c.relnamespace IN ('public'::regnamespace, 'reports'::regnamespace)
        UNION ALL
        SELECT p.proname, pg_get_functiondef(p.oid), p.oid::text, NULL, NULL, NULL, NULL, NULL, NULL, NULL
        FROM pg_proc p WHERE p.proname = 'many' ORDER BY 1";
    place.cluster.query(&place.database, sql).unwrap()
}

#[tokio::test]
async fn a_view_that_would_look_otherwise_is_refused_by_default_and_told_how_to_let_it() {
    let (place, dataset) = live(&["id integer", "note text"], DependentViews::Fail);
    place.sql(&VIEWS.replace("{db}", &place.database).replace("{loader}", &place.loader));
    let error = load(&place, &dataset, &[("t", rows("2,new"))]).await.unwrap_err();
    assert_eq!((error.code(), error.exit()), ("not_carried", Exit::Configuration));
    let told = error.to_string();
    assert!(told.contains("view public.v (its column note is character varying(9) and would become text"), "{told}");
    assert!(told.contains("dependent_views: recreate"), "{told}");
    assert_eq!(place.value("SELECT to_regnamespace('freshet_staging_d')"), "NULL", "nothing was loaded");
}

#[tokio::test]
async fn views_are_made_anew_with_all_that_belongs_to_them_where_the_manifest_wants_it() {
    let (place, dataset) = live(&["id integer", "note text"], DependentViews::Recreate);
    place.sql(&VIEWS.replace("{db}", &place.database).replace("{loader}", &place.loader));
    let (before, counted, v) = (described(&place), oid(&place, "public.counted"), oid(&place, "public.v"));
    load(&place, &dataset, &[("t", rows("2,something longer"))]).await.unwrap();
    for (before, after) in before.iter().zip(&described(&place)) {
        assert_eq!(before, after);
    }
    for view in ["public.v.note", "reports.v2.\"The note\"", "reports.stored.\"The note\"", "public.over.\"The note\""]
    {
        let (relation, column) = view.rsplit_once('.').unwrap();
        assert_eq!(place.value(&format!("SELECT pg_typeof({column}) FROM {relation}")), "text", "{view}");
    }
    assert_eq!(place.value("SELECT \"The note\" FROM public.over"), "something longer");
    assert_eq!(oid(&place, "public.counted"), counted, "its columns are what they were");
    assert_ne!(oid(&place, "public.v"), v);
    place.sql("INSERT INTO public.v (id) VALUES (3)");
    assert_eq!(place.value("SELECT public.many() || ' ' || n FROM public.counted"), "2 2");
    place.sql("DELETE FROM public.v WHERE id = 3");
    assert_eq!(place.value("SELECT count(*) FROM public.t"), "1");
    // From now on they fit, and stay; what they were goes with its generation.
    let v = oid(&place, "public.v");
    for note in ["one", "two"] {
        load(&place, &dataset, &[("t", rows(&format!("2,{note}")))]).await.unwrap();
        assert_eq!(oid(&place, "public.v"), v);
        assert_eq!(described(&place), before);
    }
}

#[tokio::test]
async fn a_definition_that_does_not_hold_over_the_new_columns_is_refused_whatever_the_manifest_wants() {
    let (place, dataset) = live(&["id integer", "note integer"], DependentViews::Recreate);
    place.sql(&format!(
        "ALTER TABLE public.t ALTER COLUMN note TYPE text;
         CREATE VIEW public.v AS SELECT substr(note, 1, 2) AS first FROM public.t; ALTER VIEW public.v OWNER TO {0};
         CREATE FUNCTION public.longest() RETURNS integer LANGUAGE sql BEGIN ATOMIC SELECT max(length(note)) FROM public.t; END;
         ALTER FUNCTION public.longest OWNER TO {0}",
        place.loader
    ));
    let error = load(&place, &dataset, &[("t", rows("2,3"))]).await.unwrap_err();
    assert_eq!(error.code(), "not_carried");
    let told = error.to_string();
    assert!(told.contains("t: view public.v (it could not be made again over the new columns: function"), "{told}");
    assert!(told.contains("function public.longest() (it could not be made again over the new columns"), "{told}");
}

#[tokio::test]
async fn columns_that_only_change_their_place_leave_views_as_they_are() {
    let (place, dataset) = live(&["note varchar(9)", "seen date", "id integer"], DependentViews::Fail);
    place.sql(&VIEWS.replace("{db}", &place.database).replace("{loader}", &place.loader));
    let (before, v) = (described(&place), oid(&place, "public.v"));
    load(&place, &dataset, &[("t", rows("new,2026-03-01,2"))]).await.unwrap();
    assert_eq!(described(&place), before);
    assert_eq!((oid(&place, "public.v"), place.value("SELECT id || note FROM public.v")), (v, "2new".to_owned()));
}

#[tokio::test]
async fn what_another_dataset_keeps_of_its_last_generation_is_in_nobodys_way() {
    let (place, first) = live(&["id integer", "note varchar(9)"], DependentViews::Fail);
    let mut second = dataset(&[table("u", &["id integer"])]);
    second.dataset = "e".parse().unwrap();
    load(&place, &second, &[("u", rows("1;2"))]).await.unwrap();
    place.sql(&format!(
        "CREATE MATERIALIZED VIEW public.both AS SELECT t.note, u.id FROM public.t JOIN public.u USING (id);
         ALTER MATERIALIZED VIEW public.both OWNER TO {}",
        place.loader
    ));
    for note in ["a", "b"] {
        load(&place, &second, &[("u", rows("1;2"))]).await.unwrap();
        load(&place, &first, &[("t", rows(&format!("2,{note}")))]).await.unwrap();
        load(&place, &first, &[("t", rows(&format!("2,{note}{note}")))]).await.unwrap();
        assert_eq!(place.value("SELECT note || id FROM public.both"), format!("{note}{note}2"));
    }
}
