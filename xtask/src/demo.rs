//! `cargo xtask demo`: four of this repository's datasets as a stack, planned, deployed, run and loaded on a machine that has no AWS
//! account.
//!
//! Each dataset is run exactly as its registered definition says: the command, environment and overrides come from what
//! the endpoint holds and from nowhere else. Everything lives in temporary folders and on loopback, and is gone at the end.

use std::fs;
use std::path::Path;
use std::time::Instant;

use freshet_tests::postgres::Durability;
use freshet_tests::process::Run;
use freshet_tests::rehearsal::{DATABASE, READER, Rehearsal, record_of};
use freshet_tests::violations;
use jiff::Timestamp;

use crate::command::{Outcome, cargo, root, say, step};

/// Rows of the one large file, so that a rate means something; the other files are the samples beside the manifests.
const LARGE_FILE_ROWS: u64 = 200_000;

/// The firing that every schedule answers to here.
const FIRED_AT: &str = "2026-03-02T03:00:00Z";

pub(crate) fn run() -> Outcome {
    step("build", cargo().args(["build", "--quiet", "--bins", "--locked"]))?;
    let started = Instant::now();
    play().map_err(|error| error.to_string())?;
    say(&format!("\nThe demo took {:.0} s and leaves nothing behind.", started.elapsed().as_secs_f64()));
    Ok(())
}

fn play() -> Result<(), Box<dyn std::error::Error>> {
    chapter("A database, an AWS endpoint and the publishers' files, all on loopback");
    let folder = tempfile::tempdir()?;
    publish_files(folder.path())?;
    let stack = Rehearsal::start(folder.path(), Durability::Off)?;
    stack.cluster.execute(DATABASE, "CREATE TABLE public.note (text text); DROP TABLE public.note")?;
    say(&format!("PostgreSQL on port {}, AWS at {}", stack.cluster.port(), stack.plane.url()));

    chapter("deploy secrets set DATABASE_URL: the value comes from standard input");
    show(&stack.deploy(&["secrets", "set", "DATABASE_URL"])?.stdin(stack.database_url()).run()?, 0)?;

    chapter("deploy plan: what would be made, before anything is touched");
    show(&stack.deploy(&["plan"])?.run()?, 0)?;

    chapter("deploy schedule-all");
    show(&stack.deploy(&["schedule-all"])?.run()?, 0)?;

    chapter("Every schedule fires: the worker runs as its registered definition says");
    run_all(&stack)?;

    chapter("A reader looks while everything is loaded again");
    stack.cluster.execute(
        DATABASE,
        "CREATE VIEW public.open_violations AS
             SELECT violationid, bbl, class FROM public.hpd_violations WHERE violationstatus = 'Open';
         GRANT SELECT ON public.open_violations TO reader;",
    )?;
    stack.cluster.execute(DATABASE, "ALTER VIEW public.open_violations OWNER TO loader")?;
    reload_under_a_reader(&stack, folder.path())?;

    chapter("deploy status");
    show(&stack.deploy(&["status"])?.run()?, 0)?;

    chapter("deploy schedule-all once more: nothing to do");
    stack.plane.proxy.reset();
    show(&stack.deploy(&["schedule-all"])?.run()?, 0)?;
    let (calls, writes) = (stack.plane.proxy.calls().len(), stack.plane.proxy.writes().len());
    say(&format!("{calls} calls to AWS, {writes} of them writes"));
    if writes > 0 {
        return Err("the second schedule-all was to write nothing".into());
    }
    Ok(())
}

/// The samples beside the manifests, and a large file in the shape of the largest.
fn publish_files(folder: &Path) -> std::io::Result<()> {
    for sample in fs::read_dir(root().join("datasets/nyc/samples"))? {
        let sample = sample?;
        fs::copy(sample.path(), folder.join(sample.file_name()))?;
    }
    write_violations(folder, 1)
}

fn write_violations(folder: &Path, generation: u32) -> std::io::Result<()> {
    // Written aside and renamed, so that no reader of the folder meets half a file.
    let aside = folder.join("hpd_violations.next");
    let mut file = std::io::BufWriter::new(fs::File::create(&aside)?);
    violations::write(&mut file, LARGE_FILE_ROWS, generation)?;
    std::io::Write::flush(&mut file)?;
    fs::rename(aside, folder.join("hpd_violations.csv"))
}

fn run_all(stack: &Rehearsal) -> Result<(), Box<dyn std::error::Error>> {
    let at: Timestamp = FIRED_AT.parse()?;
    say(&format!(
        "{:<26} {:<10} {:>6} {:>9} {:>8} {:>10}",
        "dataset", "outcome", "tables", "rows", "seconds", "rows/s"
    ));
    for firing in stack.firings()? {
        let run = stack.fire(&firing, at)?;
        if run.code() != Some(0) {
            return Err(format!("{firing:?} ended otherwise than it should:\n{}", run.last()).into());
        }
        let record = record_of(&run).ok_or("a run left no record")?;
        #[expect(clippy::cast_precision_loss, reason = "a rate for a person")]
        let rate = record.rows as f64 / record.seconds.max(0.001);
        say(&format!(
            "{:<26} {:<10} {:>6} {:>9} {:>8.2} {:>10.0}",
            record.dataset,
            format!("{:?}", record.outcome).to_lowercase(),
            record.tables.len(),
            record.rows,
            record.seconds,
            rate
        ));
    }
    Ok(())
}

/// Loads the large dataset anew while a reader counts through a view: it sees the old file or the new one, never less.
fn reload_under_a_reader(stack: &Rehearsal, folder: &Path) -> Result<(), Box<dyn std::error::Error>> {
    write_violations(folder, 2)?;
    let at: Timestamp = "2026-03-03T03:00:00Z".parse()?;
    let firing = stack
        .firings()?
        .into_iter()
        .find(|firing| format!("{firing:?}").contains("hpd_violations"))
        .ok_or("nothing fires hpd_violations")?;
    let url = stack.cluster.url(READER, "reader", DATABASE);
    let (seen, outcome) = std::thread::scope(|scope| {
        let loading = scope.spawn(|| stack.fire(&firing, at).map_err(|error| error.to_string()));
        let seen = watch(&url, || loading.is_finished());
        (seen, loading.join())
    });
    let run = outcome.map_err(|_| "the run panicked")??;
    if run.code() != Some(0) {
        return Err(format!("the reload ended otherwise than it should:\n{}", run.last()).into());
    }
    let Seen { reads, worst_ms, rows } = seen?;
    let lock = record_of(&run).and_then(|record| record.publish_ms).unwrap_or_default();
    say(&format!(
        "{reads} reads, no error, every one saw {rows} rows; slowest {worst_ms:.0} ms; locks held {lock:.1} ms"
    ));
    Ok(())
}

struct Seen {
    reads: u64,
    worst_ms: f64,
    rows: String,
}

/// Reads through the view until told that the load is over, and once more.
fn watch(url: &str, over: impl Fn() -> bool) -> Result<Seen, String> {
    let mut seen = Seen { reads: 0, worst_ms: 0.0, rows: String::new() };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(|e| e.to_string())?;
    runtime.block_on(async {
        let (client, connection) =
            tokio_postgres::connect(url, tokio_postgres::NoTls).await.map_err(|error| error.to_string())?;
        tokio::spawn(connection);
        loop {
            let last = over();
            let begun = Instant::now();
            let row = client
                .query_one(
                    "SELECT (SELECT count(*) FROM hpd_violations)::text, count(*) > 0 FROM open_violations WHERE violationid < 10000100",
                    &[],
                )
                .await
                .map_err(|error| format!("a reader was disturbed: {error}"))?;
            let (rows, open): (String, bool) = (row.get(0), row.get(1));
            if rows != LARGE_FILE_ROWS.to_string() || !open {
                return Err(format!("a reader saw {rows} rows"));
            }
            seen.reads += 1;
            seen.worst_ms = seen.worst_ms.max(begun.elapsed().as_secs_f64() * 1e3);
            seen.rows = rows;
            if last {
                return Ok(seen);
            }
        }
    })
}

fn chapter(title: &str) {
    say(&format!("\n━━ {title}"));
}

/// Prints a command's output; fails when its exit code is another.
fn show(run: &Run, code: i32) -> Result<(), String> {
    for line in &run.lines {
        say(&line.text);
    }
    if run.code() == Some(code) { Ok(()) } else { Err(format!("it ended with {:?}", run.exit)) }
}
