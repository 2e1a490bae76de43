//! Many tables at once, and others who change rights and comments while a dataset is published.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use freshet_tests::postgres::connect;
use tokio::sync::watch;

use crate::support::{Place, Run, dataset, load, rows, table};

#[tokio::test]
async fn fourteen_tables_with_views_change_at_once() {
    let place = Place::new();
    let names: Vec<String> = (1..=14).map(|n| format!("t{n}")).collect();
    let tables: Vec<_> = names
        .iter()
        .map(|name| {
            let mut json = table(name, &["id bigint identity", "a integer", "b text"]);
            json["primary_key"] = serde_json::json!(["id"]);
            json["indexes"] = serde_json::json!([{"columns": ["a"]}, {"columns": ["b"]}]);
            json
        })
        .collect();
    let dataset = dataset(&tables);
    let content = |b: &str| names.iter().map(|name| (name.as_str(), rows(&format!("1,{b}")))).collect::<Vec<_>>();
    load(&place, &dataset, &content("old")).await.unwrap();
    for name in &names {
        place.sql(&format!(
            "CREATE VIEW public.v_{name} AS SELECT * FROM public.{name}; ALTER VIEW public.v_{name} OWNER TO {};
             GRANT SELECT ON public.{name} TO PUBLIC; COMMENT ON COLUMN public.{name}.a IS 'a'",
            place.loader
        ));
    }
    let mut held = Vec::new();
    for round in 0..5 {
        let published = load(&place, &dataset, &content(&format!("round {round}"))).await.unwrap();
        assert_eq!(published.views, 14);
        held.push(published.locked);
    }
    held.sort();
    eprintln!(
        "14 tables, 28 indexes of theirs and 14 views: locks held {:?} in the middle, {:?} at most",
        held[2], held[4]
    );
    assert_eq!(
        place.value(
            "SELECT count(DISTINCT b) || min(b) FROM (SELECT b FROM public.v_t1 UNION SELECT b FROM public.v_t14) x"
        ),
        "1round 4"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn rights_and_comments_that_change_all_the_time_are_never_lost() {
    let place = Place::new();
    let dataset = dataset(&[table("t", &["id integer not null", "note text"])]);
    load(&place, &dataset, &[("t", rows("1,a"))]).await.unwrap();
    place.sql(&format!("CREATE ROLE one_{0}; CREATE ROLE two_{0}", place.database));
    let (told, mut published) = watch::channel(0);
    let changes = Arc::new(AtomicU32::new(0));
    let client = connect(&place.cluster.superuser_url_of(&place.database)).await.unwrap();
    let database = place.database.clone();
    let changing = tokio::spawn({
        let changes = Arc::clone(&changes);
        async move {
            let mut expected = (false, String::new());
            for n in 0_u32.. {
                let verb = if n % 2 == 0 { "GRANT SELECT ON public.t TO" } else { "REVOKE SELECT ON public.t FROM" };
                // Who comes at the same moment is told to try again, or that the table has just gone; it is never
                // told that it has succeeded when it has not.
                if client.batch_execute(&format!("{verb} one_{database}")).await.is_ok() {
                    expected.0 = n % 2 == 0;
                }
                if client.batch_execute(&format!("COMMENT ON TABLE public.t IS 'number {n}'")).await.is_ok() {
                    expected.1 = format!("number {n}");
                }
                changes.store(n, Ordering::Relaxed);
                // Whoever changes things faster than a publish can get ready keeps it from ever being.
                if published.changed().await.is_err() {
                    break;
                }
            }
            expected
        }
    });
    let mut n = 0;
    while n < 15 || changes.load(Ordering::Relaxed) < 6 {
        load(&place, &dataset, &[("t", rows(&format!("{n},a")))]).await.unwrap();
        n += 1;
        told.send_replace(n);
    }
    drop(told);
    let (granted, comment) = changing.await.unwrap();
    assert_eq!(place.value("SELECT obj_description('public.t'::regclass)"), comment);
    let has = format!("SELECT has_table_privilege('one_{}', 'public.t', 'SELECT')", place.database);
    assert_eq!(place.value(&has), if granted { "t" } else { "f" });
}

#[tokio::test]
async fn what_another_run_left_in_staging_is_taken_up_when_it_was_made_from_the_same() {
    use worker::staging::{Mark, Staging};

    let place = Place::new();
    let dataset = dataset(&[table("t", &["id integer not null", "note text"])]);
    let dead = Run::begin(&place, &dataset).await;
    let staging = dead.stage(&[("t", rows("1,kept"))]).await.unwrap();
    drop((staging, dead));

    let heir = Run::begin(&place, &dataset).await;
    let survey = worker::publish::survey(&heir.pool, &dataset).await.unwrap();
    let roles = survey.staging_roles();
    let resume = async |mark: Mark| Staging::resume(Arc::clone(&heir.pool), &dataset.dataset, &mark, &roles).await;
    let other_rows = Mark::new(heir.publication.run, "m", Some("other".to_owned()));
    assert!(resume(other_rows).await.unwrap().is_none());
    let other_manifest = Mark::new(heir.publication.run, "other", Some("f".to_owned()));
    assert!(resume(other_manifest).await.unwrap().is_none());
    let staging = resume(heir.mark()).await.unwrap().unwrap();
    let connection = heir.pool.take().await.unwrap();
    assert!(staging.holds(&connection, &survey.blueprints().unwrap()[0]).await.unwrap());
    heir.pool.give_back(connection);
    heir.publish(&staging, Duration::from_secs(20)).await.unwrap();
    assert_eq!(place.value("SELECT note FROM public.t"), "kept");
}
