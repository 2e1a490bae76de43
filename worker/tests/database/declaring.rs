//! What the manifest declared once and does not any more goes; what somebody made by hand stays.

use manifest::Dataset;
use worker::fault::{Exit, Fault};
use worker::publish;

use crate::support::{Place, Run, dataset, load, rows, table};

fn manifest(columns: &[&str], key: &[&str], indexes: &[&str]) -> Dataset {
    let mut t = table("t", columns);
    t["primary_key"] = serde_json::json!(key);
    t["indexes"] = indexes.iter().map(|column| serde_json::json!({"columns": [column]})).collect();
    dataset(&[t])
}

fn indexes(place: &Place) -> String {
    place.value("SELECT string_agg(indexname, ' ' ORDER BY indexname) FROM pg_indexes WHERE schemaname = 'public' AND tablename = 't'")
}

async fn notices(place: &Place, dataset: &Dataset) -> Vec<String> {
    let run = Run::begin(place, dataset).await;
    let inventory = publish::survey(&run.pool, dataset).await.unwrap();
    place.sql("UPDATE freshet.runs SET state = 'stopped' WHERE state = 'running'");
    inventory.notices()
}

#[tokio::test]
async fn an_index_that_was_declared_goes_with_its_declaration_and_one_made_by_hand_stays() {
    let place = Place::new();
    let columns = ["id integer not null", "a text", "b text"];
    load(&place, &manifest(&columns, &["id"], &["a", "b"]), &[("t", rows("1,x,y"))]).await.unwrap();
    place.sql(
        "CREATE INDEX by_hand ON public.t (a); DROP INDEX public.t_b_idx; CREATE INDEX t_b_idx ON public.t (b DESC)",
    );
    assert_eq!(indexes(&place), "by_hand t_a_idx t_b_idx t_pkey");
    let fewer = manifest(&columns, &[], &[]);
    assert_eq!(
        notices(&place, &fewer).await,
        [
            "t_a_idx of t is not in the manifest any more, and goes",
            "t_pkey of t is not in the manifest any more, and goes"
        ]
    );
    for _ in 0..2 {
        load(&place, &fewer, &[("t", rows("1,x,y;1,x,y"))]).await.unwrap();
        // What was changed by hand is somebody's own, whatever its name.
        assert_eq!(indexes(&place), "by_hand t_b_idx");
    }
    load(&place, &manifest(&columns, &["id", "a"], &["a"]), &[("t", rows("1,x,y"))]).await.unwrap();
    assert_eq!(indexes(&place), "by_hand t_b_idx t_pkey");
    // Another key of ours takes the place of ours, under its name.
    load(&place, &manifest(&columns, &["id"], &["a"]), &[("t", rows("1,x,y"))]).await.unwrap();
    assert_eq!(
        place.value("SELECT pg_get_constraintdef(oid) FROM pg_constraint WHERE conrelid = 'public.t'::regclass AND conname = 't_pkey'"),
        "PRIMARY KEY (id)"
    );
}

#[tokio::test]
async fn an_index_that_something_relies_on_stays() {
    let place = Place::new();
    let columns = ["id integer not null", "a text"];
    load(&place, &manifest(&columns, &["id"], &["a"]), &[("t", rows("1,x"))]).await.unwrap();
    place.sql("CREATE TABLE public.child (t integer REFERENCES public.t)");
    place.sql(&format!("ALTER TABLE public.child OWNER TO {}", place.loader));
    load(&place, &manifest(&columns, &[], &["a"]), &[("t", rows("1,x"))]).await.unwrap();
    assert_eq!(indexes(&place), "t_a_idx t_pkey");
    let error = load(&place, &manifest(&columns, &["a"], &["a"]), &[("t", rows("1,x"))]).await.unwrap_err();
    assert!(error.to_string().contains("its key t_pkey PRIMARY KEY (id)"), "{error}");
}

#[tokio::test]
async fn what_an_older_worker_published_is_kept_and_told() {
    let place = Place::new();
    let columns = ["id integer not null", "a text"];
    load(&place, &manifest(&columns, &["id"], &["a"]), &[("t", rows("1,x"))]).await.unwrap();
    place.sql("DELETE FROM freshet.declared");
    let fewer = manifest(&["id integer", "a text"], &["id"], &[]);
    assert_eq!(notices(&place, &fewer).await, ["t_a_idx of t is not in the manifest, and is kept"]);
    for _ in 0..2 {
        load(&place, &fewer, &[("t", rows("1,x"))]).await.unwrap();
        assert_eq!(indexes(&place), "t_a_idx t_pkey");
    }
}

#[tokio::test]
async fn a_not_null_made_by_hand_holds_for_new_rows_and_one_of_the_manifest_goes_with_it() {
    let place = Place::new();
    let nullable = manifest(&["id integer", "a text"], &[], &[]);
    load(&place, &manifest(&["id integer", "a text not null"], &[], &[]), &[("t", rows("1,x"))]).await.unwrap();
    load(&place, &nullable, &[("t", rows("1,"))]).await.unwrap();
    let not_null = "SELECT string_agg(attname, ' ' ORDER BY attnum) FROM pg_attribute
                    WHERE attrelid = 'public.t'::regclass AND attnum > 0 AND attnotnull";
    assert_eq!(place.value(not_null), "NULL");

    place.sql("ALTER TABLE public.t ALTER COLUMN id SET NOT NULL");
    for _ in 0..2 {
        load(&place, &nullable, &[("t", rows("1,;2,x"))]).await.unwrap();
        assert_eq!(place.value(not_null), "id");
    }
    let error = load(&place, &nullable, &[("t", rows("1,;,x"))]).await.unwrap_err();
    assert_eq!((error.code(), error.exit()), ("constraint_violated", Exit::Refused), "{error}");
    assert!(error.to_string().contains("t: NOT NULL of column id"), "{error}");
    assert_eq!(place.value("SELECT count(*) FROM public.t"), "2");
}
