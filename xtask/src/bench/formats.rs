//! A million lots in every format into the same table, beside ogr2ogr, pgloader and duckdb where they are installed.
//!
//! Each loads into a fresh database of one cluster, in turn, in an order that alternates; the others into a table that was made for them,
//! with the same key and `ANALYZE` behind it. What is quoted is the ratio of the medians.

use std::fs;
use std::path::Path;
use std::time::Duration;

use freshet_tests::binaries::Invocation;
use freshet_tests::lots::Lots;
use freshet_tests::postgres::{Database, Durability, PostgresCluster};

use super::{Outcome, lots};
use crate::command::{program, say, works};

/// How many times faster than ogr2ogr these are promised to be.
const PROMISED: f64 = 2.0;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Loader {
    Freshet,
    Ogr2ogr,
    Pgloader,
    Duckdb,
}

impl Loader {
    const ALL: [Self; 4] = [Self::Freshet, Self::Ogr2ogr, Self::Pgloader, Self::Duckdb];

    fn name(self) -> &'static str {
        match self {
            Self::Freshet => "freshet",
            Self::Ogr2ogr => "ogr2ogr",
            Self::Pgloader => "pgloader",
            Self::Duckdb => "duckdb",
        }
    }

    fn is_installed(self) -> bool {
        match self {
            Self::Freshet => true,
            Self::Ogr2ogr => works(program("ogr2ogr").arg("--version")),
            Self::Pgloader => works(program("pgloader").arg("--version")),
            Self::Duckdb => works(program("python3").args(["-c", "import duckdb"])),
        }
    }

    /// Whether it reads the format at all, by what its packages have in them.
    fn reads(self, format: Lots) -> bool {
        match self {
            Self::Freshet => true,
            Self::Ogr2ogr => match format {
                Lots::Fixed | Lots::Json | Lots::Ndjson => false,
                Lots::Parquet => {
                    Invocation::of("ogrinfo").args(["--formats"]).run().is_ok_and(|run| run.stdout.contains("Parquet"))
                }
                _ => true,
            },
            Self::Pgloader => matches!(format, Lots::Csv | Lots::Tsv | Lots::Fixed),
            // Its shapes need an extension that is fetched from elsewhere.
            Self::Duckdb => matches!(format, Lots::Csv | Lots::Tsv | Lots::Json | Lots::Ndjson),
        }
    }
}

/// One place where all loaders find what they load.
struct Bench<'b> {
    cluster: &'b PostgresCluster,
    format: Lots,
    folder: &'b Path,
    profile: &'b str,
}

pub(super) fn measure(rows: u64, rounds: u32, profile: &str) -> Outcome {
    let cluster = PostgresCluster::start(Durability::Full)?;
    let has_postgis = lots::has_postgis(&cluster)?;
    for loader in Loader::ALL.into_iter().filter(|loader| !loader.is_installed()) {
        say(&format!("{} is not installed", loader.name()));
    }
    let mut broken = Vec::new();
    for format in Lots::ALL {
        if format.has_shapes() && !has_postgis {
            say(&format!("{} is left out: there is no PostGIS", format.format()));
            continue;
        }
        let folder = tempfile::tempdir()?;
        format.write(&folder.path().join(lots::file(format, "")), rows)?;
        lots::declare(folder.path(), format, "", "https://example.org")?;
        let bench = Bench { cluster: &cluster, format, folder: folder.path(), profile };
        let ratio = bench.measure(rows, rounds)?;
        if matches!(format, Lots::Geojson | Lots::Shapefile) && ratio.is_some_and(|ratio| ratio < PROMISED) {
            broken.push(format.format());
        }
    }
    if broken.is_empty() {
        return Ok(());
    }
    Err(format!("{} are not {PROMISED} times as fast as ogr2ogr", broken.join(" and ")).into())
}

impl Bench<'_> {
    /// Times all loaders, and says how many times faster ours is than ogr2ogr.
    fn measure(&self, rows: u64, rounds: u32) -> Result<Option<f64>, Box<dyn std::error::Error>> {
        let loaders: Vec<_> =
            Loader::ALL.into_iter().filter(|loader| loader.is_installed() && loader.reads(self.format)).collect();
        let bytes = fs::metadata(self.file())?.len() / 1_000_000;
        say(&format!("{}: {rows} rows, {bytes} MB, {rounds} rounds", self.format.format()));
        let mut all: Vec<(Loader, f64)> = Vec::new();
        for round in 0..rounds {
            let mut order = loaders.clone();
            if round % 2 == 1 {
                order.reverse();
            }
            for loader in order {
                let database = lots::database(self.cluster, self.format)?;
                let elapsed = self.load(loader, &database)?;
                let counted = self.cluster.query_value(&database.name, "SELECT count(*) FROM public.lots")?;
                if counted != Some(rows.to_string()) {
                    return Err(format!("{}: {counted:?} rows instead of {rows}", loader.name()).into());
                }
                all.push((loader, elapsed.as_secs_f64()));
                self.cluster.execute("postgres", &format!("DROP DATABASE {}", database.name))?;
            }
        }
        let median = |loader: Loader| {
            let mut seconds: Vec<f64> =
                all.iter().filter(|(one, _)| *one == loader).map(|(_, seconds)| *seconds).collect();
            seconds.sort_by(f64::total_cmp);
            seconds.get(seconds.len() / 2).copied()
        };
        let ours = median(Loader::Freshet).unwrap_or_default().max(0.001);
        for loader in loaders {
            #[expect(clippy::cast_precision_loss, reason = "a rate for a person")]
            if let Some(seconds) = median(loader) {
                let (rate, ratio) = (rows as f64 / seconds.max(0.001), seconds / ours);
                say(&format!("  {:<8} {seconds:>7.2} s {rate:>9.0} rows/s  {ratio:>5.2} of our time", loader.name()));
            }
        }
        Ok(median(Loader::Ogr2ogr).map(|theirs| theirs / ours))
    }

    fn file(&self) -> std::path::PathBuf {
        self.folder.join(lots::file(self.format, ""))
    }

    fn load(&self, loader: Loader, database: &Database) -> Result<Duration, Box<dyn std::error::Error>> {
        if loader == Loader::Freshet {
            let from = self.folder.display().to_string();
            let run = lots::freshet(&database.url, self.folder, self.profile, &["--from", &from])?;
            return if run.code() == Some(0) { Ok(run.elapsed) } else { Err(format!("freshet failed:\n{run}").into()) };
        }
        let columns: Vec<_> = lots::columns(self.format).iter().map(|(name, kind)| format!("{name} {kind}")).collect();
        self.cluster.execute(&database.name, &format!("CREATE TABLE public.lots ({})", columns.join(", ")))?;
        let mut elapsed = Duration::ZERO;
        let behind = "ALTER TABLE public.lots ADD PRIMARY KEY (id); ANALYZE public.lots";
        let psql = || {
            Ok::<_, Box<dyn std::error::Error>>(Invocation::of(self.cluster.program("psql")?).args([
                "-X",
                "-q",
                "-v",
                "ON_ERROR_STOP=1",
                &database.url,
            ]))
        };
        for call in [self.call(loader, database)?, psql()?.args(["-c", behind])] {
            let run = call.limit(lots::LIMIT).run()?;
            if run.code() != Some(0) {
                return Err(format!("{} failed:\n{run}", loader.name()).into());
            }
            elapsed += run.elapsed;
        }
        Ok(elapsed)
    }

    /// What a loader is called with to fill the table.
    fn call(&self, loader: Loader, database: &Database) -> Result<Invocation, Box<dyn std::error::Error>> {
        let (file, url) = (self.file().display().to_string(), database.url.as_str());
        Ok(match loader {
            Loader::Freshet | Loader::Ogr2ogr => {
                // It adds words of its own to what it is given, which an address does not take.
                let password = url.split('@').next().and_then(|login| login.rsplit(':').next()).unwrap_or_default();
                let target =
                    format!("PG:host=127.0.0.1 port={} user=postgres dbname={}", self.cluster.port(), database.name);
                let source = match self.format {
                    Lots::Shapefile => format!("/vsizip/{file}/lots.shp"),
                    _ => file,
                };
                let mut arguments = vec![
                    "-f",
                    "PostgreSQL",
                    &target,
                    &source,
                    "-append",
                    "-nln",
                    "public.lots",
                    "--config",
                    "PG_USE_COPY",
                    "YES",
                ];
                if self.format.has_shapes() {
                    arguments.extend(["-nlt", "PROMOTE_TO_MULTI"]);
                }
                if self.format == Lots::Geopackage {
                    // The number is the package's own key there, and no attribute.
                    arguments.extend(["-sql", "SELECT CAST(id AS integer) AS id, name, amount, day, shape FROM lots"]);
                }
                Invocation::of("ogr2ogr").args(arguments).env("PGPASSWORD", password)
            }
            Loader::Pgloader => {
                let script = self.folder.join("pgloader.load");
                let load = match self.format {
                    Lots::Fixed => format!(
                        "LOAD FIXED FROM '{file}' (id from 0 for 10, name from 10 for 30, amount from 40 for 12, day from 52 for 10) \
                         INTO {url}?tablename=lots (id, name, amount, day);"
                    ),
                    format => {
                        let delimiter = if format == Lots::Tsv { "\\t" } else { "," };
                        format!(
                            "LOAD CSV FROM '{file}' (id, name, amount, day) INTO {url}?tablename=lots (id, name, amount, day) \
                             WITH skip header = 1, fields terminated by '{delimiter}';"
                        )
                    }
                };
                fs::write(&script, load)?;
                Invocation::of("pgloader").args(["--quiet", "--on-error-stop", &script.display().to_string()])
            }
            Loader::Duckdb => {
                let read = if matches!(self.format, Lots::Csv | Lots::Tsv) { "read_csv" } else { "read_json" };
                let query = format!(
                    "COPY (SELECT id, name, amount, day FROM {read}('{file}')) TO '/dev/stdout' (FORMAT csv, HEADER false)"
                );
                let (python, psql) =
                    (format!("import duckdb; duckdb.sql(\"\"\"{query}\"\"\")"), self.cluster.program("psql")?);
                let pipe = "set -o pipefail; python3 -c \"$1\" | \"$2\" -X -q -v ON_ERROR_STOP=1 \"$3\" -c '\\copy public.lots from stdin with (format csv)'";
                Invocation::of("bash").args(["-c", pipe, "bash", &python, &psql.display().to_string(), url])
            }
        })
    }
}
