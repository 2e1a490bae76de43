//! Types that the database has made itself, and those that only it reads: enums, domains, arrays of both, intervals. What is
//! loaded is exact, and what the server does not take has its line like anything else that cannot be read.

use manifest::run::Outcome;

use crate::support::City;

/// A city whose trees have columns of such types.
fn city() -> City {
    let city = City::new();
    city.sql(
        "CREATE TYPE public.mood AS ENUM ('sad', 'ok', 'very happy');
         CREATE DOMAIN public.zip AS char(5) CHECK (VALUE ~ '^[0-9]{5}$');
         CREATE DOMAIN public.label AS text NOT NULL;
         CREATE DOMAIN public.height AS numeric(5,1) CHECK (VALUE > 0) CHECK (VALUE < 200)",
    );
    city.edit_manifest(
        "      species: text not null\n      planted: date\n      height: numeric\n",
        "      species: public.label\n      mood: public.mood\n      moods: public.mood[]\n      zip: public.zip\n      \
         height: public.height\n      waited: interval\n      grid: integer[]\n",
    );
    city.edit_manifest("    indexes: [species]\n", "");
    city
}

const HEADER: &str = "id,species,mood,moods,zip,height,waited,grid\n";

#[test]
fn types_of_the_databases_own_are_loaded_as_exactly_as_any() {
    let city = city();
    city.publish(
        "trees.csv",
        format!(
            "{HEADER}1,Oak,ok,\"sad,ok\",10001,\"$12.5\",3 days,\"{{{{1,2}},{{3,4}}}}\"\n\
             2, Elm ,very happy,\"{{\"\"very happy\"\",NULL}}\",02108,199.9,04:05:06,\"7,8\"\n\
             3,Ginkgo,,,,,,\n"
        ),
    );
    let finished = city.load();
    finished.is(Outcome::Published);
    assert_eq!(
        city.rows("SELECT * FROM public.trees ORDER BY id"),
        [
            "1|Oak|ok|{sad,ok}|10001|12.5|3 days|{{1,2},{3,4}}",
            "2|Elm|very happy|{\"very happy\",NULL}|02108|199.9|04:05:06|{7,8}",
            "3|Ginkgo|NULL|NULL|NULL|NULL|NULL|NULL",
        ]
    );
    let told = finished.fact("notice")["detail"].to_string();
    assert!(told.contains("column waited of trees: interval is read by the server, from text"), "{told}");
}

#[test]
fn what_the_server_does_not_take_has_its_line_and_counts_against_the_budget() {
    let city = city();
    city.edit_manifest("    expect: {rows: 3}", "    expect: {rows: 3}\n    bad_values: {allow: 30%}");
    city.publish(
        "trees.csv",
        format!(
            "{HEADER}1,Oak,OK,,1000,250,soon,\n\
             2,\"Elm\n2\",ok,,02108,12.5,1 day,\n\
             3,,ok,,02108,12.5,1 day,\n\
             4,Linden,ok,\"ok,glad\",02108,12.55,1 day,\n\
             5,Beech,ok,,abcde,0,1 day,\"{{1,2\"\n\
             6,Ash,ok,,02108,12.5,1 day,\n\
             7,Yew,ok,,02108,12.5,1 day,\n\
             8,Fig,ok,,02108,12.5,1 day,\n\
             9,Fir,ok,,02108,12.5,1 day,\n\
             10,Pear,ok,,02108,12.5,1 day,\n"
        ),
    );
    let finished = city.load();
    let record = finished.is(Outcome::Published).record();
    assert_eq!((record.rows, record.rejected_rows), (9, 1));
    assert_eq!(
        city.rows("SELECT id, mood, zip, height, waited FROM public.trees WHERE id < 6 ORDER BY id"),
        ["1|NULL|NULL|NULL|NULL", "2|ok|02108|12.5|1 day", "4|ok|02108|NULL|1 day", "5|ok|NULL|NULL|1 day",]
    );
    let rejects = city
        .rows("SELECT file, line, column_name, raw, code, consequence FROM freshet.rejects ORDER BY line, column_name");
    assert_eq!(
        rejects,
        [
            "trees.csv|2|height|250.0|check_violation|null",
            "trees.csv|2|mood|OK|not_a_label|null",
            "trees.csv|2|waited|soon|not_taken|null",
            "trees.csv|2|zip|1000|check_violation|null",
            "trees.csv|5|species|3,,ok,,02108,12.5,1 day,|no_value|row_rejected",
            "trees.csv|6|height|12.55|too_precise|null",
            "trees.csv|6|moods|ok,glad|not_a_label|null",
            "trees.csv|7|grid|{1,2|not_an_array|null",
            "trees.csv|7|height|0.0|check_violation|null",
            "trees.csv|7|zip|abcde|check_violation|null",
        ]
    );
}

#[test]
fn a_value_that_the_server_does_not_take_where_one_must_be_keeps_its_row_out() {
    let city = city();
    city.edit_manifest("      waited: interval\n", "      waited: interval not null\n");
    city.edit_manifest("    expect: {rows: 3}", "    bad_values: {allow: 50%}\n    duplicates: first");
    city.publish(
        "trees.csv",
        format!("{HEADER}1,Oak,,,,,1 day,\n2,Elm,,,,,soon,\n3,Fir,,,,,2 days,\n3,Fir,,,,-1,3 days,\n"),
    );
    let record = city.load().is(Outcome::Published).record();
    assert_eq!((record.rows, record.rejected_rows), (2, 1));
    assert_eq!(city.rows("SELECT id, waited FROM public.trees ORDER BY id"), ["1|1 day", "3|2 days"]);
    assert_eq!(
        city.rows("SELECT line, column_name, raw, code, consequence FROM freshet.rejects ORDER BY line"),
        ["3|waited|soon|not_taken|row_rejected", "5|height|-1.0|check_violation|null"]
    );
}

#[test]
fn rows_that_join_others_are_judged_too() {
    let city = city();
    city.edit_manifest(
        "    primary_key: id\n",
        "    primary_key: id\n    load: {upsert: id}\n    bad_values: {allow: 50%}\n",
    );
    city.edit_manifest("    expect: {rows: 3}", "    expect: {rows: 1}");
    city.publish("trees.csv", format!("{HEADER}1,Oak,ok,,10001,5,1 day,\n"));
    city.load().is(Outcome::Published);
    city.publish("trees.csv", format!("{HEADER}1,Oak,sad,,10002,500,2 days,\n2,Elm,ok,,10001,7,3 days,\n"));
    city.load().is(Outcome::Published);
    assert_eq!(
        city.rows("SELECT id, mood, zip, height, waited FROM public.trees ORDER BY id"),
        ["1|sad|10002|NULL|2 days", "2|ok|10001|7.0|3 days"]
    );
}

#[test]
fn a_point_of_longitude_and_latitude_is_where_postgis_puts_it() {
    let city = City::new();
    if city.value("SELECT count(*) FROM pg_available_extensions WHERE name = 'postgis'") == "0" {
        eprintln!(
            "PostGIS is not installed: points are not tested; on Debian, `apt-get install postgis postgresql-postgis`"
        );
        return;
    }
    city.sql("CREATE EXTENSION postgis");
    city.edit_manifest(
        "      height: numeric\n",
        "      longitude: text\n      latitude: text\n      geom: geometry(Point, 4326)\n      plane: geometry(PointZ, 2263)\n",
    );
    city.edit_manifest(
        "    indexes: [species]\n",
        "    indexes: [{gist: geom}]\n    derive: {geom: \"point(longitude, latitude)\"}\n    bad_values: {allow: 50%}\n",
    );
    let rows = "id,species,planted,Longitude,Latitude,plane\n\
        1,Oak,,\u{a0}-73.985130 ,40.748817,SRID=2263;POINT Z (987654.5 211947.25 12)\n\
        2,Elm,,,40.7,\n\
        3,Fir,,987214,211947,POINT(1 2)\n\
        4,Ash,,0,51.47,\"{\"\"type\"\":\"\"Point\"\",\"\"coordinates\"\":[1,2,3]}\"\n";
    city.publish("trees.csv", rows);
    city.load().is(Outcome::Published);
    assert_eq!(
        city.rows(
            "SELECT id, ST_AsEWKT(geom), ST_AsEWKT(plane), geom = ST_SetSRID(ST_MakePoint(-73.985130, 40.748817), 4326)
             FROM public.trees ORDER BY id"
        ),
        [
            "1|SRID=4326;POINT(-73.98513 40.748817)|SRID=2263;POINT(987654.5 211947.25 12)|t",
            "2|NULL|NULL|NULL",
            "3|NULL|NULL|NULL",
            "4|SRID=4326;POINT(0 51.47)|SRID=2263;POINT(1 2 3)|f",
        ]
    );
    assert_eq!(
        city.rows("SELECT line, column_name, code, raw FROM freshet.rejects ORDER BY column_name"),
        ["4|geom|not_a_longitude|987214,211947", "4|plane|wrong_axes|POINT(1 2)"]
    );
    // What was made is what PostGIS itself would have made of it, to the last bit.
    let near = "SELECT count(*) FROM public.trees WHERE ST_DWithin(geom::geography, ST_GeogFromText('POINT(-73.98513 40.748817)'), 0.001)";
    assert_eq!(city.value(near), "1");
    city.load().is(Outcome::Unchanged);
}
