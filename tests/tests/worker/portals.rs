//! Sources with an API of their own, from the manifest to the live table: a Socrata portal, and objects of S3.

use freshet_tests::http::{Fault, FileServer, Reply};
use freshet_tests::moto::Moto;
use freshet_tests::socrata::Portal;
use manifest::run::Outcome;
use serde_json::json;

use crate::support::{City, TREES};

const ID: &str = "aaaa-0000";
const UNAVAILABLE: i32 = 69;
const CANARY: &str = "canary-token-91c2";

/// A city whose trees are rows of a portal, with `load` in their manifest.
fn city_with_portal(load: &str) -> (City, Portal) {
    let city = City::new();
    let portal = Portal::start(&city.publisher);
    portal.largest_page(3);
    portal.write(ID, |dataset| {
        dataset.columns = ["id", "species", "planted", "height"].map(str::to_owned).to_vec();
        for (number, species) in ["Oak", "Elm", "Ginkgo", "Linden"].into_iter().enumerate() {
            let day = format!("2020-01-0{}T00:00:00.000", number + 1);
            dataset.insert(&[&(number + 1).to_string(), species, &day, ""], "2026-01-01T00:00:00.000Z");
        }
    });
    let host = city.publisher.host();
    let source = format!("socrata: \"{host}\", id: {ID}, headers: {{X-App-Token: \"${{secret:APP_TOKEN}}\"}}");
    city.edit_manifest(&format!("url: \"{}\", file: trees.csv", city.publisher.url_of("trees.csv")), &source);
    city.edit_manifest("    expect: {rows: 3}", &format!("{load}    expect: {{rows: 3}}"));
    (city, portal)
}

fn load(city: &City, more: &[&str]) -> Outcome {
    let call = city.call(&[&["trees"], more].concat()).env("APP_TOKEN", CANARY);
    let finished = city.follow(&call);
    assert!(!finished.run.stderr.contains(CANARY) && !finished.run.stdout.contains(CANARY), "{}", finished.run);
    finished.run.expect_code(0);
    finished.record().outcome
}

fn pages(city: &City) -> Vec<String> {
    let asked = city.publisher.requests_for("/resource/aaaa-0000.csv");
    asked.iter().map(|request| request.parameter("$where").unwrap_or_default()).collect()
}

#[test]
fn a_dataset_of_a_portal_is_loaded_and_then_left_alone_until_it_is_written_to() {
    let (city, portal) = city_with_portal("");
    assert_eq!(load(&city, &[]), Outcome::Published);
    let rows = "SELECT id, species, planted FROM public.trees ORDER BY id";
    assert_eq!(city.rows(rows), ["1|Oak|2020-01-01", "2|Elm|2020-01-02", "3|Ginkgo|2020-01-03", "4|Linden|2020-01-04"]);
    let asked = pages(&city).len();
    assert_eq!(load(&city, &[]), Outcome::Unchanged);
    assert_eq!(pages(&city).len(), asked, "no page is read to know that");
    portal
        .write(ID, |dataset| dataset.insert(&["5", "Ash", "2020-01-05T00:00:00.000", "3"], "2026-02-02T00:00:00.000Z"));
    assert_eq!(load(&city, &[]), Outcome::Published);
    assert_eq!(city.value("SELECT count(*) FROM public.trees"), "5");
}

#[test]
fn an_upsert_reads_what_is_new_behind_its_watermark_and_all_when_it_is_told_to() {
    let (city, portal) = city_with_portal("    load: {upsert: id, watermark: planted, overlap: 1 day}\n");
    assert_eq!(load(&city, &[]), Outcome::Published);
    assert!(pages(&city).iter().all(|condition| !condition.contains("planted")), "the first load reads all");
    portal.write(ID, |dataset| {
        dataset.insert(&["5", "Ash", "2020-02-05T00:00:00.000", "3"], "2026-02-02T00:00:00.000Z");
        dataset.rows.values_mut().next().unwrap().fields[1] = "Edited long ago".to_owned();
    });
    city.publisher.forget_requests();
    assert_eq!(load(&city, &[]), Outcome::Published);
    let asked = pages(&city);
    assert!(asked.iter().all(|condition| condition.starts_with("`planted` >= '2020-01-03'")), "{asked:?}");
    assert_eq!(city.value("SELECT count(*) FROM public.trees"), "5", "what is not new stays");
    assert_eq!(city.value("SELECT count(*) FROM public.trees WHERE species = 'Edited long ago'"), "0");
    assert_eq!(load(&city, &["--force"]), Outcome::Published);
    assert_eq!(city.value("SELECT count(*) FROM public.trees WHERE species = 'Edited long ago'"), "1");
}

#[test]
fn an_upsert_that_deletes_reads_all_each_time() {
    let (city, portal) =
        city_with_portal("    load: {upsert: id, watermark: planted, deletes: apply, max_deletes: 50%}\n");
    assert_eq!(load(&city, &[]), Outcome::Published);
    portal.write(ID, |dataset| {
        let gone = dataset.rows.iter().find(|(_, row)| row.fields[0] == "2").unwrap().0.clone();
        dataset.rows.remove(&gone);
        dataset.updated += 1;
    });
    assert_eq!(load(&city, &[]), Outcome::Published);
    assert_eq!(city.rows("SELECT id FROM public.trees ORDER BY id"), ["1", "3", "4"]);
}

#[test]
fn what_is_fetched_of_a_portal_is_one_file_that_loads() {
    let (city, _) = city_with_portal("");
    let folder = tempfile::tempdir().unwrap();
    let to = folder.path().to_str().unwrap();
    let fetched = city.command(&["fetch", "trees", "--to", to]).env("APP_TOKEN", CANARY).run().unwrap();
    fetched.expect_code(0);
    let text = std::fs::read_to_string(folder.path().join("aaaa-0000.csv")).unwrap();
    assert_eq!((text.lines().count(), text.lines().next().unwrap()), (5, "\"id\",\"species\",\"planted\",\"height\""));
    city.follow(&city.call(&["trees", "--from", to])).is(Outcome::Published);
    assert_eq!(city.value("SELECT count(*) FROM public.trees"), "4");
}

#[test]
fn an_object_of_s3_is_loaded_and_asked_for_its_version() {
    let moto = Moto::start().unwrap();
    moto.put_object("civic-files", "exports/trees.csv", TREES).unwrap();
    let city = City::new();
    city.edit_manifest(&city.publisher.url_of("trees.csv"), "s3://civic-files/exports/trees.csv");
    let call = || city.call(&["trees"]).endpoint(moto.url());
    city.follow(&call()).is(Outcome::Published);
    assert_eq!(city.value("SELECT count(*) FROM public.trees"), "4");
    city.follow(&call()).is(Outcome::Unchanged);
    moto.put_object("civic-files", "exports/trees.csv", &format!("{TREES}5,Ash,05/05/2021,2\n")).unwrap();
    city.follow(&call()).is(Outcome::Published);
    assert_eq!(city.value("SELECT count(*) FROM public.trees"), "5");
    city.edit_manifest("exports/trees.csv", "exports/gone.csv");
    let gone = city.follow(&call());
    gone.run.expect_code(UNAVAILABLE);
    assert_eq!(gone.fact("failed")["message"], "s3://civic-files/exports/gone.csv answered 404 Not Found");
}

#[test]
fn an_object_that_is_cut_is_gone_on_with_and_one_that_was_replaced_is_not() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("bucket")).unwrap();
    let store = FileServer::start(folder.path()).unwrap();
    let text = (5..9_000).fold(TREES.to_owned(), |text, row| text + &format!("{row},Ash,05/05/2021,2\n"));
    std::fs::write(folder.path().join("bucket/trees.csv"), &text).unwrap();
    let city = City::new();
    city.edit_manifest(&city.publisher.url_of("trees.csv"), "s3://bucket/trees.csv");
    let call = || city.call(&["trees"]).endpoint(&store.url());
    store.fault("bucket/trees.csv", Fault::CutAfter(100_000));
    city.follow(&call()).is(Outcome::Published);
    assert_eq!(city.value("SELECT count(*) FROM public.trees"), "8999");
    let sent: u64 = store.requests_for("bucket/trees.csv").iter().map(|request| request.sent).sum();
    assert!(sent * 100 <= text.len() as u64 * 102, "{sent} of {}", text.len());

    std::fs::write(folder.path().join("bucket/trees.csv"), text.replace("Ash", "Elm")).unwrap();
    // Files of one length that were written within one tick of the clock would have the same tag.
    let next = text.replace("Ash", "Yew") + "9000,Yew,05/05/2021,2\n";
    std::fs::write(folder.path().join("bucket/next"), next).unwrap();
    let replaced = [Fault::CutAfter(100_000), Fault::ReplacedBy("bucket/next".into())];
    store.faults_then("bucket/trees.csv", &replaced, 1, &[]);
    let finished = city.follow(&city.call(&["trees", "--force"]).endpoint(&store.url()));
    finished.is(Outcome::Published);
    assert_eq!(finished.fact("started_over")["table"], "trees");
    assert_eq!(city.value("SELECT string_agg(DISTINCT species, ',') FROM public.trees WHERE id > 5"), "Yew");
}

#[test]
fn a_portal_tells_the_columns_of_its_rows() {
    let (city, portal) = city_with_portal("");
    let columns =
        "      id: integer not null\n      species: text not null\n      planted: date\n      height: numeric\n";
    city.edit_manifest(columns, "      id: integer not null\n      \"*\": source\n");
    portal.write(ID, |dataset| {
        dataset.types = ["number", "text", "calendar_date", "number"].map(str::to_owned).to_vec();
    });
    let call = || city.call(&["trees"]).env("APP_TOKEN", CANARY);
    city.follow(&call()).is(Outcome::Published);
    let live = "SELECT string_agg(attname || ' ' || format_type(atttypid, NULL), ', ' ORDER BY attnum)
        FROM pg_attribute WHERE attrelid = 'public.trees'::regclass AND attnum > 0";
    let columns = "id integer, species text, planted timestamp without time zone, height numeric";
    assert_eq!(city.value(live), columns);
    assert_eq!(city.value("SELECT count(*) FROM public.trees"), "4");
    city.publisher.forget_requests();
    city.follow(&call()).is(Outcome::Unchanged);
    assert!(city.publisher.requests().iter().all(|asked| !asked.path.starts_with("/resource")), "no row is asked for");
}

#[test]
fn a_layer_goes_into_postgis() {
    let city = City::new();
    city.sql("CREATE EXTENSION postgis SCHEMA public");
    city.publisher.serve("/FeatureServer/0", |request| {
        let answer = |body: serde_json::Value| Reply { status: 200, content_type: "application/json", body: body.to_string() };
        let condition = request.parameter("where").unwrap_or_default();
        if request.path.ends_with("/0") {
            return answer(json!({"objectIdField": "OBJECTID", "maxRecordCount": 2, "editingInfo": {"lastEditDate": 1_767_225_600_000_i64}}));
        }
        if request.parameter("returnCountOnly").is_some() {
            return answer(json!({"count": 5}));
        }
        let after = condition.split("OBJECTID > ").nth(1).map_or(1, |last| last.parse::<i32>().unwrap() + 1);
        let features: Vec<_> = (after..=5.min(after + 1))
            .map(|id| {
                let geometry = json!({"type": "Point", "coordinates": [f64::from(id) / 8.0 - 74.0, 40.5]});
                json!({"type": "Feature", "geometry": geometry, "properties": {"OBJECTID": id, "Species": "Oak", "HEIGHT": 2.5}})
            })
            .collect();
        answer(json!({"type": "FeatureCollection", "features": features}))
    });
    let layer = city.publisher.url_of("FeatureServer/0");
    city.edit_manifest(
        &format!("url: \"{}\", file: trees.csv", city.publisher.url_of("trees.csv")),
        &format!("arcgis: \"{layer}\", file: trees.geojson"),
    );
    let columns =
        "      id: integer not null\n      species: text not null\n      planted: date\n      height: numeric\n";
    city.edit_manifest(
        columns,
        "      objectid: integer not null\n      \"*\": source\n      geom: \"geometry(Point, 4326)\"\n",
    );
    city.edit_manifest("primary_key: id", "primary_key: objectid");
    city.edit_manifest("indexes: [species]", "indexes: [species, {gist: geom}]");
    city.load().is(Outcome::Published);
    let found = "SELECT count(*) || ' ' || string_agg(DISTINCT species, ',') || ' ' || sum(height) || ' ' || max(ST_AsEWKT(geom))
        FROM public.trees";
    assert_eq!(city.value(found), "5 Oak 12.5 SRID=4326;POINT(-73.875 40.5)");
    city.publisher.forget_requests();
    city.load().is(Outcome::Unchanged);
    assert!(city.publisher.requests().iter().all(|asked| !asked.path.ends_with("/query")), "no feature is asked for");
}
