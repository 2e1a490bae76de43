//! Generations that are kept: nobody else enters them, and one of them goes live again as rows from staging do.

use std::sync::Arc;
use std::time::Duration;

use worker::publish::{self, generation};
use worker::staging::Staging;

use crate::support::{Place, Run, dataset, load, rows, table};

#[tokio::test]
async fn a_generation_of_another_owner_goes_live_again_and_is_closed_to_everybody_before_and_after() {
    let place = Place::new();
    let dataset = dataset(&[table("t", &["id integer not null", "file text"])]);
    let owner = format!("owner_{}", place.database);
    place.sql(&format!(
        "CREATE ROLE {owner}; GRANT {owner} TO {}; GRANT CREATE ON SCHEMA public TO {owner}",
        place.loader
    ));
    load(&place, &dataset, &[("t", rows("1,a"))]).await.unwrap();
    place.sql(&format!("ALTER TABLE public.t OWNER TO {owner}"));
    for file in ["1,b", "1,c;2,c"] {
        load(&place, &dataset, &[("t", rows(file))]).await.unwrap();
    }
    let reach = format!("SELECT has_schema_privilege('{owner}', 'freshet_previous_d', 'USAGE')");
    assert_eq!(place.value(&reach), "f");

    let run = Run::begin(&place, &dataset).await;
    let connection = run.pool.take().await.unwrap();
    let kept = generation::kept(&connection, &dataset.dataset).await.unwrap();
    run.pool.give_back(connection);
    let [previous] = &kept[..] else { panic!("{kept:?}") };
    assert_eq!(
        (previous.back, previous.schema.as_str(), &previous.tables[..]),
        (1, "freshet_previous_d", &["t".to_owned()][..])
    );
    let published = run.ledger.published(&dataset.dataset).await.unwrap().unwrap();
    assert_ne!(previous.mark.run(), published.run, "it is known by the run that had loaded it");
    assert!(previous.mark.fingerprint().is_some());

    let roles = publish::survey(&run.pool, &dataset).await.unwrap().staging_roles();
    let open = async || Staging::of_generation(Arc::clone(&run.pool), previous.schema.clone(), &roles).await.unwrap();
    open().await;
    assert_eq!(place.value(&reach), "t", "its owner makes it ready");
    Staging::shut(&run.pool, &previous.schema, &roles).await.unwrap();
    assert_eq!(place.value(&reach), "f");

    let staging = open().await;
    run.publish(&staging, Duration::from_secs(20)).await.unwrap();
    staging.clear().await.unwrap();
    assert_eq!(place.value("SELECT file FROM public.t"), "b");
    assert_eq!(place.value("SELECT string_agg(file, '') FROM freshet_previous_d.t"), "cc", "what was live is kept");
    assert_eq!(place.value(&reach), "f");
    assert_eq!(place.value("SELECT count(*) FROM pg_namespace WHERE nspname LIKE 'freshet\\_%'"), "1");
}
