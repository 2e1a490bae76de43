//! What the journeys share: a city with a publisher on loopback, a database whose loader is no superuser, and a project of
//! one small dataset. Every run is followed in the same way: no secret in anything it writes, JSON on every line of its
//! log, and no word to AWS.

mod finished;

use std::fs;
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use freshet_tests::binaries::{self, Invocation, assert_no_secret, assert_no_secret_in};
use freshet_tests::http::FileServer;
use freshet_tests::postgres::PostgresCluster;
use freshet_tests::process::Process;
use manifest::run::Outcome;
use tempfile::TempDir;

pub(crate) use finished::{Failure, Finished, LedgerRun, Told};

/// The loader's password. It needs percent-encoding in an address, so that both its forms are looked for.
pub(crate) const PASSWORD: &str = "canary/5cb1f2d0@never:shown";

/// How long anything that is waited for may take on a machine that is busy with other things.
pub(crate) const SOON: Duration = Duration::from_mins(1);

/// Between two looks at something that is waited for.
const LOOK_EVERY: Duration = Duration::from_millis(5);

/// Four rows that are right.
pub(crate) const TREES: &str = "ID,Species,Planted,Height\n\
    1,Oak,03/04/2001,12.5\n\
    2,Elm,11/30/1999,8\n\
    3,\"Ginkgo \"\"Saratoga\"\"\",04/01/2010,\n\
    4,Linden,10/10/2015,3.25\n";

/// The manifest of the dataset `trees`; `URL` stands for the publisher's address.
const MANIFEST: &str = r#"dataset: trees
title: Street trees
publisher: Department of Examples
tables:
  trees:
    sources: [{url: "URL/trees.csv", file: trees.csv}]
    columns:
      id: integer not null
      species: text not null
      planted: date
      height: numeric
    primary_key: id
    indexes: [species]
    expect: {rows: 3}
"#;

/// A publisher, a database and a project.
pub(crate) struct City {
    /// The publisher; its folder is what it serves.
    pub(crate) publisher: FileServer,
    /// Stands where AWS would. Nobody asks it for anything.
    aws: FileServer,
    pub(crate) database: String,
    /// The role that loads; no superuser.
    pub(crate) loader: String,
    /// A role that may read.
    pub(crate) reader: String,
    published: TempDir,
    project: TempDir,
    _nothing: TempDir,
}

impl City {
    /// A city that has loaded nothing yet. The publisher has [`TREES`].
    pub(crate) fn new() -> Self {
        let cluster = PostgresCluster::shared();
        let database = cluster.fresh_database().unwrap().name;
        // Roles belong to the cluster, so each database has its own.
        let (loader, reader) = (format!("loader_{database}"), format!("reader_{database}"));
        cluster.create_role(&loader, PASSWORD).unwrap();
        cluster.create_role(&reader, "reader").unwrap();
        let [published, project, nothing] = std::array::from_fn(|_| tempfile::tempdir().unwrap());
        let city = Self {
            publisher: FileServer::start(published.path()).unwrap(),
            aws: FileServer::start(nothing.path()).unwrap(),
            database,
            loader,
            reader,
            published,
            project,
            _nothing: nothing,
        };
        city.sql(&format!(
            "GRANT CREATE ON DATABASE {} TO {loader}; GRANT USAGE, CREATE ON SCHEMA public TO {loader}",
            city.database,
            loader = city.loader
        ));
        fs::create_dir(city.project.path().join("datasets")).unwrap();
        fs::write(city.manifest_path(), MANIFEST.replace("URL", &city.publisher.url())).unwrap();
        city.publish("trees.csv", TREES);
        city
    }

    /// A city whose trees are live, with a view and grants on both; all of it is the loader's.
    pub(crate) fn with_live_trees() -> Self {
        let city = Self::new();
        city.load().is(Outcome::Published);
        city.sql(&format!(
            "SET ROLE {};
             CREATE VIEW public.tall_trees AS SELECT id, species FROM public.trees WHERE height > 5;
             GRANT SELECT ON public.trees, public.tall_trees TO {reader};
             GRANT UPDATE (species) ON public.trees TO {reader};
             COMMENT ON TABLE public.trees IS 'All trees of the city'",
            city.loader,
            reader = city.reader,
        ));
        city
    }

    /// Puts a file beside the manifest.
    pub(crate) fn write_beside_manifest(&self, name: &str, text: &str) {
        fs::write(self.project.path().join("datasets").join(name), text).unwrap();
    }

    pub(crate) fn manifest_path(&self) -> std::path::PathBuf {
        self.project.path().join("datasets/trees.yml")
    }

    /// Changes one place of the manifest.
    #[track_caller]
    pub(crate) fn edit_manifest(&self, from: &str, to: &str) {
        let text = fs::read_to_string(self.manifest_path()).unwrap();
        assert_eq!(text.matches(from).count(), 1, "`{from}` should stand once in\n{text}");
        fs::write(self.manifest_path(), text.replace(from, to)).unwrap();
    }

    /// Puts a file beside the manifest.
    #[track_caller]
    pub(crate) fn put(&self, name: &str, text: &str) {
        fs::write(self.project.path().join("datasets").join(name), text).unwrap();
    }

    /// Puts a file where the publisher serves it.
    pub(crate) fn publish(&self, name: &str, content: impl AsRef<[u8]>) {
        // Written aside and renamed, so that nobody is served half of it.
        let aside = self.published.path().join("next");
        fs::write(&aside, content).unwrap();
        fs::rename(aside, self.published.path().join(name)).unwrap();
    }

    /// The address of the database, as it stands in the secret.
    pub(crate) fn database_url(&self) -> String {
        self.url_of(&self.loader, PASSWORD)
    }

    pub(crate) fn url_of(&self, login: &str, password: &str) -> String {
        format!("{}?sslmode=disable", PostgresCluster::shared().url(login, password, &self.database))
    }

    /// A call of `worker load` in the project's folder, which reads the database's address from its environment.
    pub(crate) fn call(&self, arguments: &[&str]) -> Invocation {
        self.command(&[&["load"], arguments].concat())
    }

    /// A call of `worker` with any subcommand.
    pub(crate) fn command(&self, arguments: &[&str]) -> Invocation {
        let worker = binaries::worker().unwrap();
        let call = worker.call(arguments).current_dir(self.project.path());
        call.env("DATABASE_URL", self.database_url()).endpoint(&self.aws.url())
    }

    /// `worker load trees`, to its end.
    #[track_caller]
    pub(crate) fn load(&self) -> Finished {
        self.follow(&self.call(&["trees"]))
    }

    /// Runs a call to its end.
    #[track_caller]
    pub(crate) fn follow(&self, call: &Invocation) -> Finished {
        self.finish(start(call))
    }

    /// Waits for the end of a run and looks at all that it left.
    #[track_caller]
    pub(crate) fn finish(&self, process: Process) -> Finished {
        let run = process.finish(SOON * 2).unwrap();
        assert_no_secret(&run, &[PASSWORD]);
        assert_no_secret_in("the ledger", &self.ledger_text(), &[PASSWORD]);
        let asked = self.aws.requests();
        assert!(asked.is_empty(), "AWS was asked: {asked:?}");
        Finished::of(run)
    }

    /// Runs a call that is to end badly, and looks whether it ends as it should and leaves everything as it was. Gives back
    /// what it said.
    #[track_caller]
    pub(crate) fn fails(&self, call: &Invocation, expected: &Failure<'_>) -> Finished {
        let before = self.live();
        let runs = self.runs().len();
        let finished = self.follow(call);
        let run = &finished.run;
        run.expect_code(expected.exit);
        let fact = finished.fact("failed");
        let text = |name: &str| fact[name].as_str().unwrap_or_default().to_owned();
        assert_eq!(
            (text("code").as_str(), fact["exit"].as_i64()),
            (expected.code, Some(expected.exit.into())),
            "{run}"
        );
        let said = format!("{}; {}", text("message"), text("advice"));
        for word in expected.says {
            assert!(said.contains(word), "`{word}` does not stand in: {said}");
        }
        assert_eq!(self.live(), before, "something live has changed\n{run}");

        let all = self.runs();
        if expected.ledger == Told::Nothing {
            assert_eq!(all.len(), runs, "the ledger has a run that never reached it");
            return finished;
        }
        let last = all.last().unwrap();
        let (state, outcome) = match expected.ledger {
            Told::Refused => ("refused", Outcome::Refused),
            _ => ("failed", Outcome::Failed),
        };
        assert_eq!(all.len(), runs + 1);
        assert_eq!((last.state.as_str(), last.code.as_deref()), (state, Some(expected.code)));
        assert_eq!(last.exit_code, Some(expected.exit));
        for word in expected.says {
            assert!(last.message.contains(word), "`{word}` does not stand in the ledger: {}", last.message);
        }
        let record = finished.record();
        assert_eq!((record.outcome, record.exit_code), (outcome, expected.exit));
        assert_eq!(record.code.as_deref(), Some(expected.code));
        if expected.ledger == Told::Failed {
            assert_eq!(self.staging(), "0", "half-loaded rows are of no use to anyone");
        }
        finished
    }

    /// As the superuser.
    #[track_caller]
    pub(crate) fn sql(&self, sql: &str) {
        PostgresCluster::shared().execute(&self.database, sql).unwrap();
    }

    /// As the superuser; one value.
    #[track_caller]
    pub(crate) fn value(&self, sql: &str) -> String {
        let value = PostgresCluster::shared().query_value(&self.database, sql).unwrap();
        value.unwrap_or_else(|| "NULL".to_owned())
    }

    /// As the superuser; every row with its columns joined by `|`.
    #[track_caller]
    pub(crate) fn rows(&self, sql: &str) -> Vec<String> {
        let rows = PostgresCluster::shared().query(&self.database, sql).unwrap();
        let joined = |row: Vec<Option<String>>| {
            row.into_iter().map(|value| value.unwrap_or_else(|| "NULL".to_owned())).collect::<Vec<_>>().join("|")
        };
        rows.into_iter().map(joined).collect()
    }

    /// Everything that is live: the relations with their files, owners, grants and comments, the views with their
    /// definitions, and each row of the trees with the place on disk that it stands at.
    #[track_caller]
    pub(crate) fn live(&self) -> Vec<String> {
        self.rows(
            "SELECT c.oid, c.relname, c.relfilenode, c.relowner::regrole, c.relacl, obj_description(c.oid),
                    CASE c.relkind WHEN 'v' THEN pg_get_viewdef(c.oid) END
             FROM pg_class c WHERE c.relnamespace = 'public'::regnamespace ORDER BY 1;
             SELECT a.attrelid::regclass, a.attname, a.attacl FROM pg_attribute a
             WHERE a.attrelid = 'public.trees'::regclass ORDER BY a.attnum;
             SELECT t.ctid, t.xmin, t FROM public.trees t ORDER BY t.ctid;
             SELECT t FROM public.tall_trees t ORDER BY t.id",
        )
    }

    /// The ledger's runs, the oldest first.
    #[track_caller]
    pub(crate) fn runs(&self) -> Vec<LedgerRun> {
        if self.value("SELECT to_regclass('freshet.runs')") == "NULL" {
            return Vec::new();
        }
        let sql = "SELECT run, state, code, exit_code, coalesce(message, '') FROM freshet.runs ORDER BY started";
        let rows = PostgresCluster::shared().query(&self.database, sql).unwrap();
        let run = |row: Vec<Option<String>>| {
            let [run, state, code, exit_code, message] = row.try_into().unwrap();
            LedgerRun {
                run: run.unwrap(),
                state: state.unwrap(),
                code,
                exit_code: exit_code.map(|code| code.parse().unwrap()),
                message: message.unwrap(),
            }
        };
        rows.into_iter().map(run).collect()
    }

    /// The states of the ledger's runs, the oldest first.
    #[track_caller]
    pub(crate) fn states(&self) -> Vec<String> {
        self.runs().into_iter().map(|run| run.state).collect()
    }

    /// Everything that the ledger holds.
    fn ledger_text(&self) -> String {
        let tables = "SELECT c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
                      WHERE n.nspname = 'freshet' AND c.relkind = 'r'";
        let selects: Vec<_> = self.rows(tables).iter().map(|name| format!("SELECT t FROM freshet.{name} t")).collect();
        self.rows(&selects.join(";")).join("\n")
    }

    /// How many staging schemas there are.
    #[track_caller]
    pub(crate) fn staging(&self) -> String {
        self.value("SELECT count(*) FROM pg_namespace WHERE nspname LIKE 'freshet_staging%'")
    }

    /// Sessions of the worker that the server has in this database.
    #[track_caller]
    pub(crate) fn sessions(&self) -> usize {
        let sql = "SELECT count(*) FROM pg_stat_activity
                   WHERE datname = current_database() AND application_name LIKE 'freshet %'";
        self.value(sql).parse().unwrap()
    }

    /// Waits until the worker copies rows.
    #[track_caller]
    pub(crate) fn wait_for_copy(&self) {
        let sql = "SELECT count(*) FROM pg_stat_activity
                   WHERE datname = current_database() AND state = 'active' AND query LIKE 'COPY %FREEZE%'";
        until("rows are copied", || self.value(sql) != "0");
    }
}

/// Starts a call, which is to have no secret on its command line.
#[track_caller]
pub(crate) fn start(call: &Invocation) -> Process {
    let process = call.start().unwrap();
    let command_line = fs::read(format!("/proc/{}/cmdline", process.id())).unwrap_or_default();
    assert_no_secret_in("the command line", &String::from_utf8_lossy(&command_line), &[PASSWORD]);
    process
}

/// Waits for a condition.
#[track_caller]
pub(crate) fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !holds() {
        assert!(begun.elapsed() < SOON, "still not: {what}");
        thread::sleep(LOOK_EVERY);
    }
}

/// Waits until a run has told this fact.
#[track_caller]
pub(crate) fn wait_for_fact(process: &Process, event: &str) {
    let told = format!("\"event\":\"{event}\"");
    process.wait_for_line(SOON, |line| line.text.contains(&told)).unwrap();
}

/// This repository's folder.
pub(crate) fn repository() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap()
}
