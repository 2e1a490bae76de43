//! Runs that are killed (SIGKILL) at every step that they take with the database and at random moments between, under busy
//! readers: nobody ever sees a table that is missing, empty or mixed, the next run goes through, and nothing is left behind.
//! Here a share of the steps is taken each time; `FRESHET_CRASHES=all` takes every one of them, and a hundred moments.

use std::time::{Duration, Instant};

use freshet_tests::binaries::Invocation;
use freshet_tests::postgres::PostgresCluster;
use freshet_tests::postgres::wire::{Side, Wire};
use freshet_tests::process::Signal;
use manifest::run::Outcome;

use crate::generations::{ROWS, city_with_generations, file, while_read};
use crate::support::{City, SOON, start, until};

/// Whether all is tried, or the share that fits into every test run.
fn is_thorough() -> bool {
    std::env::var_os("FRESHET_CRASHES").is_some_and(|value| value == "all")
}

/// A load whose database stands behind a wire.
fn call_through(city: &City, wire: &Wire) -> Invocation {
    let (port, wired) = (PostgresCluster::shared().port(), wire.port());
    let url = city.database_url().replace(&format!(":{port}/"), &format!(":{wired}/"));
    city.call(&["trees"]).env("DATABASE_URL", url)
}

/// Runs the next load to its end, and looks at all that a killed one could have left.
#[track_caller]
fn recover(city: &City, at: &str) {
    until("the server has ended the killed worker's sessions", || city.sessions() == 0);
    let next = city.load();
    next.run.expect_code(0);
    let outcome = next.record().outcome;
    assert!(matches!(outcome, Outcome::Published | Outcome::Unchanged), "{at}: {outcome:?}");
    let left = city.rows(
        "SELECT nspname FROM pg_namespace WHERE nspname LIKE 'freshet_staging%';
         SELECT state FROM freshet.runs WHERE state = 'running';
         SELECT c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
         WHERE n.nspname = 'public' AND c.relkind = 'r' AND c.relname <> 'trees'",
    );
    assert_eq!(left, [""; 0], "{at}: something was left behind");
    let generations = city.value("SELECT count(*) FROM pg_namespace WHERE nspname LIKE 'freshet_previous%'");
    assert!(generations.parse::<u32>().unwrap() <= 1, "{at}: {generations} generations are kept");
}

/// Which file is to be loaded next, so that every load has something to do.
fn other_file(city: &City) -> String {
    let live = city.value("SELECT max(generation) FROM public.trees");
    file(ROWS[usize::from(live == "1")])
}

#[test]
fn a_run_that_is_killed_at_any_step_with_the_database_leaves_nothing_for_readers_to_see() {
    let city = city_with_generations();
    city.load().is(Outcome::Published);
    // One run to its end tells how many steps there are.
    city.publish("trees.csv", other_file(&city));
    let wire = Wire::to(PostgresCluster::shared().port()).unwrap();
    city.follow(&call_through(&city, &wire)).is(Outcome::Published);
    let steps = wire.steps();
    let publish = steps.iter().position(|asked| asked.contains("pg_current_xact_id")).unwrap();
    assert!(steps.len() > publish + 5, "{steps:#?}");

    let (kills, _) = while_read(&city, || {
        let mut kills = 0;
        for (step, asked) in steps.iter().enumerate() {
            // The publish is where it matters; the rest is sampled.
            let samples = if step >= publish { 2 } else { 7 };
            if !is_thorough() && step % samples != 0 {
                continue;
            }
            let sides = if is_thorough() { &[Side::Before, Side::After][..] } else { &[Side::After][..] };
            for side in sides {
                let at = format!("{side:?} step {step}, like {asked}");
                city.publish("trees.csv", other_file(&city));
                let wire = Wire::to(PostgresCluster::shared().port()).unwrap();
                wire.stop_at(step, *side);
                let loading = start(&call_through(&city, &wire));
                if wire.wait_until_stopped(SOON, || !loading.is_running()) {
                    loading.signal(Signal::KILL);
                    kills += 1;
                }
                assert!(loading.ends_within(SOON), "{at}");
                drop(wire);
                recover(&city, &at);
            }
        }
        kills
    });
    eprintln!("killed at {kills} places in {} steps with the database", steps.len());
    assert!(kills > 10);
}

#[test]
fn a_run_that_is_killed_at_a_random_moment_leaves_nothing_for_readers_to_see() {
    let city = city_with_generations();
    city.load().is(Outcome::Published);
    city.publish("trees.csv", other_file(&city));
    let begun = Instant::now();
    city.load().is(Outcome::Published);
    let whole = begun.elapsed();
    let moments: u32 = if is_thorough() { 100 } else { 12 };
    let (kills, _) = while_read(&city, || {
        let mut kills = 0;
        for moment in 1..=moments {
            city.publish("trees.csv", other_file(&city));
            let loading = start(&city.call(&["trees"]));
            // Spread over the run by the golden ratio, so that any number of them is even.
            let share = (f64::from(moment) * 0.618_033_988_75).fract();
            let killed = !loading.ends_within(whole.mul_f64(share).max(Duration::from_millis(1)));
            if killed {
                loading.signal(Signal::KILL);
                assert!(loading.ends_within(SOON));
                kills += 1;
            }
            drop(loading);
            recover(&city, &format!("moment {moment}"));
        }
        kills
    });
    eprintln!("killed at {kills} of {moments} moments within {whole:?}");
}

#[test]
fn a_key_of_another_table_that_a_killed_run_left_unproven_is_proven_by_the_next() {
    let city = City::with_live_trees();
    // Killed between its COMMIT and the proof.
    city.sql(&format!(
        "CREATE TABLE public.visits (tree integer); INSERT INTO public.visits VALUES (99); ALTER TABLE public.visits OWNER TO {loader};
         ALTER TABLE public.visits ADD CONSTRAINT visited FOREIGN KEY (tree) REFERENCES public.trees NOT VALID;
         INSERT INTO freshet.unproven_keys VALUES ('trees', 'public', 'visits', 'visited')",
        loader = city.loader,
    ));
    let proven = || city.value("SELECT convalidated FROM pg_constraint WHERE conname = 'visited'");
    let notice = city.load().is(Outcome::Unchanged).fact("notice")["detail"].to_string();
    assert!(notice.contains("foreign key visited of public.visits could not be proven"), "{notice}");
    assert_eq!(proven(), "f");

    city.sql("DELETE FROM public.visits");
    city.load().is(Outcome::Unchanged);
    assert_eq!((proven(), city.value("SELECT count(*) FROM freshet.unproven_keys")), ("t".to_owned(), "0".to_owned()));
}
