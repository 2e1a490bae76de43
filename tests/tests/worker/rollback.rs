//! Back to what was live before: at once, with all that hangs on the tables now, and not undone by the next firing.

use freshet_tests::http::Fault;
use manifest::run::Outcome;

use crate::support::{City, Failure, Finished, TREES, Told};

/// [`TREES`] with more of them.
fn trees(more: usize) -> String {
    (0..more).fold(TREES.to_owned(), |text, n| format!("{text}{},Maple,,9\n", 10 + n))
}

/// Loads so many more trees than four.
#[track_caller]
fn load(city: &City, more: usize) -> Finished {
    city.publish("trees.csv", trees(more));
    let loaded = city.load();
    loaded.is(Outcome::Published);
    loaded
}

#[track_caller]
fn roll_back(city: &City, arguments: &[&str]) -> Finished {
    let finished = city.follow(&city.command(&[&["rollback", "trees"], arguments].concat()));
    finished.is(Outcome::Published);
    finished
}

fn rows(city: &City) -> String {
    city.value("SELECT count(*) FROM public.trees")
}

/// The schemas of previous generations with their rows.
fn generations(city: &City) -> Vec<String> {
    let schemas = "SELECT nspname FROM pg_namespace WHERE nspname LIKE 'freshet_previous%' ORDER BY nspname";
    let count = |schema: String| format!("{schema} {}", city.value(&format!("SELECT count(*) FROM {schema}.trees")));
    city.rows(schemas).into_iter().map(count).collect()
}

#[test]
fn a_generation_goes_live_again_with_all_that_hangs_on_the_tables_now() {
    let city = City::with_live_trees();
    load(&city, 1);
    let first = city.runs()[0].run.clone();
    // What came since the generation was live stays.
    city.sql(&format!(
        "SET ROLE {}; GRANT DELETE ON public.trees TO {reader}; COMMENT ON TABLE public.trees IS 'newer words';
         CREATE INDEX tallest ON public.trees (height); CREATE VIEW public.maples AS SELECT id FROM public.trees WHERE species = 'Maple'",
        city.loader,
        reader = city.reader
    ));
    let dressed = "SELECT relname, relacl, obj_description(oid), relkind FROM pg_class
                   WHERE relnamespace = 'public'::regnamespace ORDER BY relname";
    let (before, view) = (city.rows(dressed), city.value("SELECT 'public.tall_trees'::regclass::oid"));
    city.publisher.forget_requests();
    let back = roll_back(&city, &[]);
    assert_eq!(back.fact("restoring")["run"], first.as_str());
    assert_eq!((rows(&city).as_str(), back.record().rows), ("4", 4));
    assert_eq!(city.rows(dressed), before);
    assert_eq!(city.value("SELECT 'public.tall_trees'::regclass::oid"), view);
    assert_eq!(city.value("SELECT count(*) FROM public.maples"), "0");
    assert_eq!(generations(&city), ["freshet_previous_trees 5"]);
    assert_eq!(city.publisher.requests(), []);
    let reach = format!("SELECT has_schema_privilege('{}', 'freshet_previous_trees', 'USAGE')", city.reader);
    assert_eq!(city.value(&reach), "f");
}

#[test]
fn keys_and_statistics_that_came_later_hold_of_a_generation_that_is_live_again() {
    let city = City::with_live_trees();
    load(&city, 1);
    city.sql(&format!(
        "SET ROLE {};
         CREATE TABLE public.visits (tree integer REFERENCES public.trees ON DELETE CASCADE); INSERT INTO public.visits VALUES (1);
         CREATE TABLE public.kinds (name text PRIMARY KEY); INSERT INTO public.kinds SELECT DISTINCT species FROM public.trees;
         ALTER TABLE public.trees ADD CONSTRAINT kind FOREIGN KEY (species) REFERENCES public.kinds;
         CREATE STATISTICS public.together (dependencies) ON species, height FROM public.trees;
         ALTER TABLE public.trees ALTER height SET STATISTICS 500",
        city.loader
    ));
    let hung = "SELECT conname, conrelid::regclass, pg_get_constraintdef(oid), convalidated FROM pg_constraint
                WHERE connamespace = 'public'::regnamespace
                UNION ALL SELECT stxname, stxrelid::regclass, pg_get_statisticsobjdef(oid), true FROM pg_statistic_ext
                UNION ALL SELECT attname, attrelid::regclass, attstattarget::text, true FROM pg_attribute
                WHERE attrelid = 'public.trees'::regclass AND attstattarget > 0 ORDER BY 1, 2";
    let before = city.rows(hung);
    roll_back(&city, &[]);
    assert_eq!((rows(&city).as_str(), city.rows(hung)), ("4", before.clone()));

    // Of the generation that is live now there is a row that the other does not have.
    roll_back(&city, &[]);
    assert_eq!((rows(&city).as_str(), city.rows(hung)), ("5", before));
    city.sql("INSERT INTO public.visits VALUES (10)");
    let refused = Failure {
        exit: 65,
        code: "constraint_violated",
        says: &[
            "foreign key visits_tree_fkey of public.visits",
            "1 rows name trees (id) that the new rows do not have: 10",
        ],
        ledger: Told::Refused,
    };
    city.fails(&city.command(&["rollback", "trees"]), &refused);
    assert_eq!(rows(&city), "5");
}

#[test]
fn what_was_taken_back_stays_away_until_it_changes_or_somebody_insists() {
    let city = City::with_live_trees();
    let bad = load(&city, 1).record().run;
    roll_back(&city, &[]);
    let next = city.follow(&city.call(&["trees"]).env("FRESHET_SCHEDULED_TIME", "2026-03-01T03:00:00Z"));
    next.is(Outcome::Unchanged);
    assert_eq!(next.fact("withdrawn")["run"], bad.as_str());
    assert_eq!(rows(&city), "4");
    // A corrected file is loaded by itself.
    load(&city, 2);
    assert_eq!(rows(&city), "6");
    roll_back(&city, &[]);
    assert_eq!(rows(&city), "4");
    city.follow(&city.call(&["trees", "--force"])).is(Outcome::Published);
    assert_eq!(rows(&city), "6", "somebody insists");
    city.load().is(Outcome::Unchanged);
}

#[test]
fn what_was_taken_back_stays_away_too_where_a_publisher_does_not_say_what_it_has() {
    let city = City::with_live_trees();
    city.publisher.fault("trees.csv", Fault::NoValidators);
    let bad = load(&city, 1).record().run;
    roll_back(&city, &[]);
    let next = city.load();
    next.is(Outcome::Unchanged);
    assert_eq!(next.fact("withdrawn")["run"], bad.as_str());
    assert_eq!((rows(&city).as_str(), city.staging().as_str()), ("4", "0"));
    load(&city, 3);
    assert_eq!(rows(&city), "7");
}

#[test]
fn going_back_twice_is_going_forward_again() {
    let city = City::with_live_trees();
    load(&city, 1);
    roll_back(&city, &[]);
    roll_back(&city, &[]);
    assert_eq!(rows(&city), "5");
    assert_eq!(generations(&city), ["freshet_previous_trees 4"]);
    let next = city.load();
    next.is(Outcome::Unchanged);
    assert_eq!(next.fact("unchanged")["event"], "unchanged", "it is what the publisher has");
}

#[test]
fn as_many_generations_are_kept_as_the_manifest_says_and_any_of_them_can_be_gone_back_to() {
    let city = City::new();
    city.edit_manifest("title: Street trees", "title: Street trees\ngenerations: 3");
    for more in 0..5 {
        load(&city, more);
    }
    let kept = ["freshet_previous_2_trees 6", "freshet_previous_3_trees 5", "freshet_previous_trees 7"];
    assert_eq!(generations(&city), kept);
    roll_back(&city, &["--back", "2"]);
    assert_eq!(rows(&city), "6");
    let kept = ["freshet_previous_2_trees 7", "freshet_previous_3_trees 5", "freshet_previous_trees 8"];
    assert_eq!(generations(&city), kept);
    city.edit_manifest("generations: 3", "generations: 1");
    load(&city, 9);
    assert_eq!(generations(&city), ["freshet_previous_trees 6"], "fewer are asked for");
    city.edit_manifest("generations: 1", "generations: 0");
    load(&city, 10);
    assert_eq!(generations(&city), [""; 0]);
}

#[test]
fn what_cannot_be_gone_back_to_is_told_and_nothing_is_touched() {
    let city = City::with_live_trees();
    let command = city.command(&["rollback", "trees"]);
    city.fails(
        &command,
        &Failure {
            exit: 78,
            code: "no_generation",
            says: &["trees has 0 previous generations, and 1 back is asked for", "generations: 3"],
            ledger: Told::Failed,
        },
    );
    load(&city, 1);
    city.sql("DROP VIEW public.tall_trees; ALTER TABLE public.trees ALTER COLUMN height TYPE double precision");
    city.sql(&format!(
        "SET ROLE {}; CREATE VIEW public.tall_trees AS SELECT id, species FROM public.trees WHERE height > 5",
        city.loader
    ));
    city.edit_manifest("height: numeric", "height: double precision");
    city.fails(
        &command,
        &Failure {
            exit: 78,
            code: "generation_unfit",
            says: &["freshet_previous_trees", "its table trees has other columns", "manifest of that time"],
            ledger: Told::Failed,
        },
    );
    assert_eq!(generations(&city), ["freshet_previous_trees 4"]);
}

#[test]
fn a_reader_in_the_way_of_going_back_leaves_everything_where_it_was() {
    let city = City::with_live_trees();
    load(&city, 1);
    let reading = crate::stopping::hold(&city, "BEGIN; SELECT count(*) FROM public.trees");
    let blocked = city.command(&["rollback", "trees"]).env("FRESHET_TIMEOUT", "2");
    city.fails(
        &blocked,
        &Failure { exit: 69, code: "publish_blocked", says: &["server process"], ledger: Told::Failed },
    );
    assert_eq!(generations(&city), ["freshet_previous_trees 4"]);
    drop(reading);
    roll_back(&city, &[]);
    assert_eq!(rows(&city), "4");
}
