//! The table of lots that formats are measured with: its manifest, and the load of it.

use std::fs;
use std::path::Path;
use std::time::Duration;

use freshet_tests::binaries;
use freshet_tests::lots::{FIXED, Lots};
use freshet_tests::postgres::{Database, PostgresCluster};
use freshet_tests::process::Run;

use super::Outcome;

/// How long a load may take.
pub(super) const LIMIT: Duration = Duration::from_hours(1);

/// The name of a format's file, packed or not.
pub(super) fn file(lots: Lots, packing: &str) -> String {
    let inner = lots.ending();
    match packing {
        "" => format!("lots.{inner}"),
        "zip" => "lots.zip".to_owned(),
        packing => format!("lots.{inner}.{packing}"),
    }
}

/// Whether the machine has what shapes need.
pub(super) fn has_postgis(cluster: &PostgresCluster) -> Result<bool, Box<dyn std::error::Error>> {
    let available = "SELECT count(*) FROM pg_available_extensions WHERE name = 'postgis'";
    Ok(cluster.query_value("postgres", available)?.as_deref() == Some("1"))
}

/// The columns as SQL and as the manifest has them; shapes where the format has them.
pub(super) fn columns(lots: Lots) -> Vec<(&'static str, &'static str)> {
    let mut columns = vec![("id", "integer"), ("name", "text"), ("amount", "numeric(12,2)"), ("day", "date")];
    if lots.has_shapes() {
        columns.push(("shape", "geometry(MultiPolygon, 4326)"));
    }
    columns
}

/// Writes a manifest into a project's folder.
pub(super) fn declare(project: &Path, lots: Lots, packing: &str, address: &str) -> Outcome {
    let file = file(lots, packing);
    let member = match (lots, packing) {
        (Lots::Shapefile, _) => ", member: \"*.shp\"".to_owned(),
        (lots, "zip") => format!(", member: \"lots.{}\"", lots.ending()),
        _ => String::new(),
    };
    let fields = FIXED.map(|(name, start, width)| format!("{name}: {start}+{width}")).join(", ");
    let fixed = if lots == Lots::Fixed { format!(", format: fixed, fields: {{{fields}}}") } else { String::new() };
    let columns: Vec<_> = columns(lots).iter().map(|(name, kind)| format!("{name}: \"{kind}\"")).collect();
    let text = format!(
        "dataset: lots\ntitle: Lots\npublisher: Nobody\ntables:\n  lots:\n    sources: [{{url: \"{address}/{file}\", \
         file: {file}{member}{fixed}}}]\n    columns: {{{}}}\n    skip: [note]\n    primary_key: id\n",
        columns.join(", ")
    );
    fs::create_dir_all(project.join("datasets"))?;
    Ok(fs::write(project.join("datasets/lots.yml"), text)?)
}

/// A fresh database, with PostGIS where shapes come into it.
pub(super) fn database(cluster: &PostgresCluster, lots: Lots) -> Result<Database, Box<dyn std::error::Error>> {
    let database = cluster.fresh_database()?;
    if lots.has_shapes() {
        cluster.execute(&database.name, "CREATE EXTENSION postgis")?;
    }
    Ok(database)
}

/// The whole run of a worker: process start, ledger, load, key, statistics, publish.
pub(super) fn freshet(url: &str, project: &Path, profile: &str, more: &[&str]) -> freshet_tests::Result<Run> {
    binaries::in_profile(profile, "worker")?
        .call([&["load", "lots"], more].concat())
        .current_dir(project)
        .env("DATABASE_URL", format!("{url}?sslmode=disable"))
        .env("FRESHET_SPOOL", project)
        .limit(LIMIT)
        .run()
}
