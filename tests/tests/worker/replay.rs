//! What a load could not read is loaded by `worker replay` once the manifest can read it: exactly once, and nothing else.

use std::io::{Cursor, Write as _};

use freshet_tests::binaries::Invocation;
use freshet_tests::postgres::PostgresCluster;
use freshet_tests::postgres::wire::{Side, Wire};
use freshet_tests::process::Signal;
use manifest::run::Outcome;
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

use crate::support::{City, Finished, SOON, start, until};

/// A height with a unit, an id with a letter before it, and a row that is too short.
const BAD: &str = "id,species,planted,height\n1,Oak,2001-03-04,12.5\n2,Elm,1999-11-30,none\n3,Ginkgo,2010-04-01,n/a\nx4,Linden,2011-01-01,7\n5,Beech\n";

const ALLOWED: &str = "    expect: {rows: 1}\n    bad_values: {allow: 90%}";

fn city() -> City {
    let city = City::new();
    city.edit_manifest("    expect: {rows: 3}", ALLOWED);
    city
}

fn replay(city: &City) -> Finished {
    city.follow(&city.command(&["replay", "trees"]))
}

fn trees(city: &City) -> Vec<String> {
    city.rows("SELECT id, species, height FROM public.trees ORDER BY id")
}

/// Reasons of records that stay.
fn reasons(finished: &Finished) -> Vec<String> {
    let stay = finished.facts.iter().filter(|fact| fact["event"] == "not_replayed");
    let reason =
        |fact: &serde_json::Value| format!("{} {}", fact["place"].as_str().unwrap(), fact["reason"].as_str().unwrap());
    let mut reasons: Vec<_> = stay.map(reason).collect();
    reasons.sort();
    reasons
}

#[test]
fn what_the_manifest_can_read_now_goes_live_once_and_the_rest_stays() {
    let city = city();
    let bad = BAD.replace("none", "1900-01-01").replace("n/a", "3 m");
    city.publish("trees.csv", &bad);
    city.load().is(Outcome::Published);
    assert_eq!(trees(&city), ["1|Oak|12.5", "2|Elm|NULL", "3|Ginkgo|NULL"]);
    let before = city.value("SELECT 'public.trees'::regclass::oid");

    // Nothing has changed, so that nothing can be read.
    let nothing = replay(&city);
    nothing.is(Outcome::Unchanged);
    assert_eq!(
        reasons(&nothing),
        [
            "trees.csv line 3 height: not_a_number",
            "trees.csv line 4 height: not_a_number",
            "trees.csv line 5 id: not_an_integer",
            "trees.csv line 6 too_few_fields",
        ]
    );

    // A null marker settles a value, and a row whose key was the trouble goes live as soon as it can be read.
    city.edit_manifest("file: trees.csv", "file: trees.csv, nulls: [\"3 m\"]");
    let some = replay(&city);
    some.is(Outcome::Published);
    assert_eq!(some.fact("replayed")["settled"], 1);
    assert_eq!(trees(&city), ["1|Oak|12.5", "2|Elm|NULL", "3|Ginkgo|NULL"]);
    assert_eq!(city.value("SELECT count(*) FROM freshet.rejects WHERE replayed IS NOT NULL"), "1");
    assert_eq!(city.value("SELECT 'public.trees'::regclass::oid"), before, "the table is the same");
}

#[test]
fn values_are_put_right_by_key_and_rows_inserted_exactly_once() {
    let city = city();
    // Where no height may be missing, a row without one is kept out.
    city.edit_manifest("height: numeric", "height: integer");
    let half = "id,species,planted,height\n1,Oak,2001-03-04,12\n2,Elm,1999-11-30,7.0.\n3,Ginkgo,9999,3\n,Linden,2011-01-01,7\n";
    city.publish("trees.csv", half);
    city.load().is(Outcome::Published);
    // Somebody has put one right by hand; the other is still to be.
    city.sql("UPDATE freshet.rejects SET record = overlay(record placing '7   '::bytea from position('7.0.'::bytea in record))
              WHERE position('7.0.'::bytea in record) > 0");
    let first = replay(&city);
    first.is(Outcome::Published);
    assert_eq!((&first.fact("replayed")["updated"], &first.fact("replayed")["inserted"]), (&1.into(), &0.into()));
    assert_eq!(trees(&city), ["1|Oak|12", "2|Elm|7", "3|Ginkgo|3"]);
    let again = replay(&city);
    again.is(Outcome::Unchanged);
    assert_eq!(trees(&city), ["1|Oak|12", "2|Elm|7", "3|Ginkgo|3"]);
    // What has a value by now is not written over.
    city.sql("UPDATE freshet.rejects SET replayed = NULL; UPDATE public.trees SET height = 99 WHERE id = 2");
    let late = replay(&city);
    late.is(Outcome::Unchanged);
    assert!(reasons(&late).iter().any(|reason| reason.contains("has a value there")), "{:?}", reasons(&late));
    assert_eq!(trees(&city)[1], "2|Elm|99");
}

#[test]
fn a_row_that_was_kept_out_is_inserted_unless_its_key_is_live() {
    let city = city();
    city.publish(
        "trees.csv",
        "id,species,planted,height\n1,Oak,2001-03-04,12\n#2,Elm,1999-11-30,7\n#1,Other,1999-11-30,7\n",
    );
    city.load().is(Outcome::Published);
    assert_eq!(trees(&city), ["1|Oak|12"]);
    city.sql(
        "UPDATE freshet.rejects SET record = overlay(record placing ' '::bytea from position('#'::bytea in record))",
    );
    city.sql("CREATE MATERIALIZED VIEW public.kinds AS SELECT species FROM public.trees");
    let finished = replay(&city);
    finished.is(Outcome::Published);
    assert_eq!(finished.fact("replayed")["inserted"], 1);
    assert_eq!(trees(&city), ["1|Oak|12", "2|Elm|7"]);
    assert_eq!(reasons(&finished), ["trees.csv line 4 a row with its key is live already"]);
    assert_eq!(city.value("SELECT rows FROM freshet.published_tables"), "2");
    assert_eq!(city.value("SELECT generation FROM freshet.published"), "2");
    replay(&city).is(Outcome::Unchanged);
    assert_eq!(trees(&city).len(), 2);
}

#[test]
fn a_constraint_that_a_row_does_not_hold_leaves_everything_as_it_was() {
    let city = city();
    city.publish("trees.csv", "id,species,planted,height\n1,Oak,2001-03-04,12\n#2,Elm,1999-11-30,7\n");
    city.load().is(Outcome::Published);
    city.sql(
        "UPDATE freshet.rejects SET record = overlay(record placing ' '::bytea from position('#'::bytea in record));
              ALTER TABLE public.trees ADD CHECK (height > 10)",
    );
    let finished = replay(&city);
    assert_ne!(finished.run.code(), Some(0));
    assert_eq!(trees(&city), ["1|Oak|12"]);
    assert_eq!(city.value("SELECT count(*) FROM freshet.rejects WHERE replayed IS NOT NULL"), "0");
}

/// Days come first in some rows, and commas before fractions, which the manifest does not say yet.
const DAYS_FIRST: &str = "    parse: {planted: dmy, height: decimal_comma}\n    primary_key: id\n";

/// A city whose trees have a day each; `how` is what its manifest says about loading.
fn city_of_days(how: &str) -> City {
    let city = city();
    city.edit_manifest("planted: date", "planted: date not null");
    city.edit_manifest(ALLOWED, &format!("{how}{ALLOWED}"));
    city
}

fn planted(city: &City) -> Vec<String> {
    city.rows("SELECT id, species, planted, height FROM public.trees ORDER BY id")
}

/// All that was kept is live, and the ledger knows how many rows that are.
#[track_caller]
fn is_settled(city: &City) {
    assert_eq!(city.value("SELECT count(*) FROM freshet.rejects WHERE replayed IS NULL"), "0");
    assert_eq!(
        city.value("SELECT rows FROM freshet.published_tables"),
        city.value("SELECT count(*) FROM public.trees")
    );
    let before = planted(city);
    replay(city).is(Outcome::Unchanged);
    assert_eq!(planted(city), before);
}

#[test]
fn what_several_files_lost_is_added_to_the_table_that_they_were_added_to() {
    let city = city_of_days("    load: append\n");
    let header = "id,species,planted,height\n";
    for rows in [
        "1,Oak,2001-03-04,12\n2,Elm,25/12/2013,7\n3,Fir,2001-03-04,\"2,5\"\n",
        "4,Ash,26/12/2013,\n5,Yew,2001-03-05,\"7,25\"\n",
        "6,Box,2001-03-06,1\n",
    ] {
        city.publish("trees.csv", format!("{header}{rows}"));
        city.load().is(Outcome::Published);
    }
    assert_eq!(
        planted(&city),
        ["1|Oak|2001-03-04|12", "3|Fir|2001-03-04|NULL", "5|Yew|2001-03-05|NULL", "6|Box|2001-03-06|1"]
    );
    city.edit_manifest("    primary_key: id\n", DAYS_FIRST);
    let finished = replay(&city);
    let fact = finished.is(Outcome::Published).fact("replayed");
    assert_eq!((&fact["inserted"], &fact["updated"], &fact["settled"]), (&2.into(), &2.into(), &4.into()));
    let all = [
        "1|Oak|2001-03-04|12",
        "2|Elm|2013-12-25|7",
        "3|Fir|2001-03-04|2.5",
        "4|Ash|2013-12-26|NULL",
        "5|Yew|2001-03-05|7.25",
        "6|Box|2001-03-06|1",
    ];
    assert_eq!(planted(&city), all);
    is_settled(&city);

    // The table is still one that files are added to, and none of them twice.
    city.publish("trees.csv", format!("{header}7,Bay,1/2/2020,1\n"));
    city.load().is(Outcome::Published);
    assert_eq!(planted(&city).len(), 7);
    city.publish("trees.csv", format!("{header}6,Box,2001-03-06,1\n"));
    city.follow(&city.call(&["trees", "--force"])).is(Outcome::Published);
    assert_eq!(planted(&city).len(), 7);
    is_settled(&city);
}

#[test]
fn members_of_an_archive_are_told_apart() {
    let city = city_of_days("");
    city.edit_manifest(
        "URL/trees.csv".replace("URL", &city.publisher.url()).as_str(),
        &format!("{}/trees.zip", city.publisher.url()),
    );
    city.edit_manifest("file: trees.csv", "file: trees.zip, member: \"*.csv\"");
    city.edit_manifest("species: text not null", "species: text not null\n      origin: text");
    city.edit_manifest("    primary_key: id\n", "    derive: {origin: \"{member}\"}\n    primary_key: id\n");
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    // The same lines of both are lost, and their columns stand in another order.
    for (name, text) in [
        ("b.csv", "id,species,planted,height\n1,Oak,2001-03-04,1\n2,Elm,25/12/2013,2\n3,Fir,2001-03-04,\"3,5\"\n"),
        ("a/a.csv", "height,planted,species,id\n6,2001-03-04,Ash,6\n7,26/12/2013,Yew,7\n\"8,5\",2001-03-04,Box,8\n"),
    ] {
        zip.start_file(name, SimpleFileOptions::default()).unwrap();
        zip.write_all(text.as_bytes()).unwrap();
    }
    city.publish("trees.zip", zip.finish().unwrap().into_inner());
    city.load().is(Outcome::Published);
    assert_eq!(
        reasons(&replay(&city)),
        [
            "trees.zip: a/a.csv line 3 planted: no_such_date",
            "trees.zip: a/a.csv line 4 height: misplaced_comma",
            "trees.zip: b.csv line 3 planted: no_such_date",
            "trees.zip: b.csv line 4 height: misplaced_comma",
        ]
    );
    city.edit_manifest("    primary_key: id\n", DAYS_FIRST);
    replay(&city).is(Outcome::Published);
    assert_eq!(
        city.rows("SELECT id, origin, planted, height FROM public.trees WHERE id IN (2, 3, 7, 8) ORDER BY id"),
        ["2|b.csv|2013-12-25|2", "3|b.csv|2001-03-04|3.5", "7|a/a.csv|2013-12-26|7", "8|a/a.csv|2001-03-04|8.5",]
    );
    is_settled(&city);
}

#[test]
fn upserted_rows_that_were_kept_out_come_in_unless_one_of_their_key_is_live() {
    let city = city_of_days("    load: {upsert: id}\n");
    city.publish("trees.csv", "id,species,planted,height\n1,Oak,2001-03-04,12\n2,Elm,2002-03-04,7\n");
    city.load().is(Outcome::Published);
    city.publish(
        "trees.csv",
        "id,species,planted,height\n1,Oak,2001-03-04,\"12,5\"\n2,Elm,25/12/2013,7\n3,Fir,26/12/2013,8\n",
    );
    city.load().is(Outcome::Published);
    assert_eq!(planted(&city), ["1|Oak|2001-03-04|NULL", "2|Elm|2002-03-04|7"]);
    city.edit_manifest("    primary_key: id\n", DAYS_FIRST);
    let finished = replay(&city);
    finished.is(Outcome::Published);
    assert_eq!(reasons(&finished), ["trees.csv line 3 a row with its key is live already"]);
    assert_eq!(planted(&city), ["1|Oak|2001-03-04|12.5", "2|Elm|2002-03-04|7", "3|Fir|2013-12-26|8"]);
    replay(&city).is(Outcome::Unchanged);
    // A load brings what a replay must not.
    city.load().is(Outcome::Published);
    assert_eq!(planted(&city), ["1|Oak|2001-03-04|12.5", "2|Elm|2013-12-25|7", "3|Fir|2013-12-26|8"]);
}

#[test]
fn of_kept_rows_that_share_a_key_the_one_comes_in_that_a_load_would_have_kept() {
    let rows =
        "id,species,planted,height\n1,Oak,2001-03-04,1\n2,Elm,25/12/2013,2\n2,Elm,27/12/2013,4\n2,Elm,26/12/2013,3\n";
    for (how, kept, reason) in [
        ("    duplicates: first\n", Some("2013-12-25|2"), "the one that the manifest wants"),
        (
            "    load: {upsert: id, newer: planted, duplicates: newest}\n",
            Some("2013-12-27|4"),
            "the one that the manifest wants",
        ),
        ("", None, "the manifest does not say which one to load"),
    ] {
        let city = city_of_days(how);
        city.publish("trees.csv", rows);
        city.load().is(Outcome::Published);
        city.edit_manifest("    primary_key: id\n", DAYS_FIRST);
        let finished = replay(&city);
        assert_eq!(city.rows("SELECT planted, height FROM public.trees WHERE id = 2"), Vec::from_iter(kept), "{how}");
        let stay = reasons(&finished);
        assert_eq!(
            stay.iter().filter(|stays| stays.contains(reason)).count(),
            3 - usize::from(kept.is_some()),
            "{stay:?}"
        );
        replay(&city).is(Outcome::Unchanged);
    }
}

/// Two of three rows lack something that the manifest can read now, and a materialized view shows them. One column is called as short as
/// can be.
fn city_before_replay() -> City {
    let city = city_of_days("");
    city.edit_manifest("height: numeric", "n: numeric");
    let rows = "id,species,planted,n\n1,Oak,2001-03-04,12\n2,Elm,25/12/2013,7\n3,Fir,2001-03-04,\"2,5\"\n";
    city.publish("trees.csv", rows);
    city.load().is(Outcome::Published);
    city.sql(&format!(
        "SET ROLE {}; CREATE MATERIALIZED VIEW public.kinds AS SELECT species, n FROM public.trees",
        city.loader
    ));
    city.edit_manifest("    primary_key: id\n", &DAYS_FIRST.replace("height", "n"));
    city
}

fn replay_through(city: &City, wire: &Wire) -> Invocation {
    let (port, wired) = (PostgresCluster::shared().port(), wire.port());
    let url = city.database_url().replace(&format!(":{port}/"), &format!(":{wired}/"));
    city.command(&["replay", "trees"]).env("DATABASE_URL", url)
}

#[test]
fn a_replay_that_is_killed_at_its_commit_has_happened_once_when_it_is_run_again() {
    for (side, again) in [(Side::Before, Outcome::Published), (Side::After, Outcome::Unchanged)] {
        let city = city_before_replay();
        let wire = Wire::to(PostgresCluster::shared().port()).unwrap();
        wire.stop_at_commit_of("UPDATE freshet.rejects", side);
        let replaying = start(&replay_through(&city, &wire));
        assert!(wire.wait_until_stopped(SOON, || !replaying.is_running()), "{side:?}: {:#?}", wire.steps());
        replaying.signal(Signal::KILL);
        assert!(replaying.ends_within(SOON));
        drop(wire);
        until("the server has ended the killed worker's sessions", || city.sessions() == 0);
        assert_eq!(city.value("SELECT count(*) FROM public.kinds"), "2", "not refreshed yet");

        replay(&city).is(again);
        assert_eq!(
            city.rows("SELECT id, species, planted, n FROM public.trees ORDER BY id"),
            ["1|Oak|2001-03-04|12", "2|Elm|2013-12-25|7", "3|Fir|2001-03-04|2.5"]
        );
        assert_eq!(city.value("SELECT count(*) || ' ' || count(replayed) FROM freshet.rejects"), "2 2");
        assert_eq!(city.value("SELECT count(*) FROM freshet.runs WHERE state = 'running'"), "0");
        assert_eq!(city.value("SELECT rows FROM freshet.published_tables"), "3");
        assert_eq!(city.rows("SELECT n FROM public.kinds ORDER BY species"), ["7", "2.5", "12"], "{side:?}");
        replay(&city).is(Outcome::Unchanged);
    }
}

#[test]
fn what_follows_a_publish_follows_a_replay_and_views_show_what_came_in() {
    let city = city_of_days("");
    city.put(
        "counted.sql",
        "CREATE TABLE IF NOT EXISTS counted (trees bigint); INSERT INTO counted SELECT count(*) FROM trees",
    );
    city.put("kinds.sql", "SELECT species, sum(height) AS height FROM trees GROUP BY species");
    city.put("tall.sql", "SELECT id FROM trees WHERE height > 5");
    city.edit_manifest(
        ALLOWED,
        &format!(
            "{ALLOWED}\nafter: counted.sql\nviews:\n  tall: {{query: tall.sql}}\n  kinds: {{query: kinds.sql, materialized: true, primary_key: species}}"
        ),
    );
    city.publish(
        "trees.csv",
        "id,species,planted,height\n1,Oak,2001-03-04,12\n2,Elm,25/12/2013,7\n3,Fir,2001-03-04,\"2,5\"\n",
    );
    city.load().is(Outcome::Published);
    let objects = "SELECT 'public.kinds'::regclass::oid, 'public.tall'::regclass::oid, 'public.trees'::regclass::oid";
    let before = city.rows(objects);
    assert_eq!(city.rows("SELECT * FROM public.counted"), ["2"]);
    city.edit_manifest("    primary_key: id\n", DAYS_FIRST);

    // Its own SQL fails: the rows are live, and the next replay makes up for it.
    city.put("counted.sql", "INSERT INTO counted SELECT count(*) FROM trees, lamps");
    let failed = replay(&city);
    failed.run.expect_code(78);
    assert_eq!(failed.record().code.as_deref(), Some("after"));
    assert_eq!(planted(&city), ["1|Oak|2001-03-04|12", "2|Elm|2013-12-25|7", "3|Fir|2001-03-04|2.5"]);
    assert_eq!(city.rows("SELECT * FROM public.kinds ORDER BY species"), ["Elm|7", "Fir|2.5", "Oak|12"]);
    assert_eq!(city.rows("SELECT * FROM public.tall ORDER BY id"), ["1", "2"]);
    assert_eq!(city.rows(objects), before, "all are the same objects");
    city.put("counted.sql", "INSERT INTO counted SELECT count(*) FROM trees");
    replay(&city).is(Outcome::Unchanged);
    assert_eq!(city.rows("SELECT * FROM public.counted"), ["2", "3"]);
    is_settled(&city);
    assert_eq!(city.rows("SELECT * FROM public.counted"), ["2", "3"]);
}
