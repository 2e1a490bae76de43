//! Several rows with one key: the one that the manifest means stays, and the others are counted.

use freshet_tests::postgres::connect;

use crate::support::{Place, Rows, Run, dataset, load, rows, table};

fn keyed(duplicates: &str) -> serde_json::Value {
    let mut t = table("t", &["id integer not null", "note text", "at timestamp"]);
    t["primary_key"] = serde_json::json!(["id"]);
    t["duplicates"] = serde_json::json!(duplicates);
    t
}

const LIVE: &str = "SELECT string_agg(concat_ws(' ', id, note, at::date), ', ' ORDER BY ctid) FROM public.t";

#[tokio::test]
async fn the_row_that_was_read_first_stays_and_the_order_of_the_file_does_too() {
    let place = Place::new();
    let content = rows("3,c,;1,a,2026-01-02;3,x,2026-01-03;2,b,;1,y,2026-01-09;1,z,");
    load(&place, &dataset(&[keyed("first")]), &[("t", content)]).await.unwrap();
    assert_eq!(place.value(LIVE), "3 c, 1 a 2026-01-02, 2 b");
    assert_eq!(place.value("SELECT count(*) FROM pg_class WHERE relname LIKE '%as read'"), "0");
}

#[tokio::test]
async fn the_newest_row_stays_any_time_is_newer_than_none_and_of_equals_the_first() {
    let place = Place::new();
    let mut t = keyed("newest");
    t["load"] = serde_json::json!({"upsert": {"key": ["id"], "newer": "at"}});
    let content =
        rows("1,none,;1,old,2026-01-01;1,new,2026-01-03;1,same,2026-01-03;2,one,;2,two,;3,dated,2026-01-01;3,none,");
    load(&place, &dataset(&[t]), &[("t", content)]).await.unwrap();
    assert_eq!(place.value(LIVE), "1 new 2026-01-03, 2 one, 3 dated 2026-01-01");
}

#[tokio::test]
async fn keys_of_several_columns_and_quoted_names_are_told_apart_and_rows_without_a_key_are_no_duplicates() {
    let place = Place::new();
    let mut t = table("order", &["group text", "größe integer", "note text"]);
    t["indexes"] = serde_json::json!([{"columns": ["group", "größe"], "uniqueness": "unique"}]);
    t["duplicates"] = serde_json::json!("first");
    let content = rows("a,1,first;a,1,second;a,2,other;,1,none;,1,none;a,,none;a,,none");
    load(&place, &dataset(&[t]), &[("order", content)]).await.unwrap();
    let live = "SELECT string_agg(note, ' ' ORDER BY ctid) FROM public.\"order\"";
    assert_eq!(place.value(live), "first other none none none none");
}

/// Long rows do not fit behind short ones on a page, which must not change who was first.
#[tokio::test]
async fn the_first_is_the_first_however_long_the_rows_are() {
    let place = Place::new();
    let content: Rows = (0..20_000_usize)
        .map(|n| {
            let length = if n % 7 == 0 { 1_900 } else { n % 60 };
            vec![Some((n % 5_000).to_string()), Some(format!("{n} {}", "x".repeat(length))), None]
        })
        .collect();
    load(&place, &dataset(&[keyed("first")]), &[("t", content)]).await.unwrap();
    let wrong = "SELECT count(*) FROM public.t WHERE split_part(note, ' ', 1) <> id::text";
    assert_eq!((place.value("SELECT count(*) FROM public.t").as_str(), place.value(wrong).as_str()), ("5000", "0"));
}

#[tokio::test]
async fn rows_that_were_thinned_out_are_frozen_too() {
    let place = Place::new();
    let dataset = dataset(&[keyed("first")]);
    load(&place, &dataset, &[("t", rows("1,old,"))]).await.unwrap();
    let old = connect(&place.cluster.superuser_url_of(&place.database)).await.unwrap();
    old.batch_execute("BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT 1").await.unwrap();
    let run = Run::begin(&place, &dataset).await;
    let staging = run.stage(&[("t", rows("1,a,;2,b,;1,c,"))]).await.unwrap();
    run.publish(&staging, std::time::Duration::from_secs(20)).await.unwrap();
    let seen: String =
        old.query_one("SELECT string_agg(note, '' ORDER BY id) FROM public.t", &[]).await.unwrap().get(0);
    assert_eq!(seen, "ab", "a snapshot that is older than the load");
}

#[tokio::test]
async fn without_a_word_about_duplicates_they_are_refused() {
    let place = Place::new();
    let error = load(&place, &dataset(&[keyed("refuse")]), &[("t", rows("1,a,;1,b,"))]).await.unwrap_err();
    assert!(error.to_string().contains("share a key that should be unique (t_pkey)"), "{error}");
}
