//! What one would do by hand: create the table, `\copy` the file, add the same key and indexes, analyse.

use std::path::Path;
use std::time::Duration;

use freshet_tests::binaries::Invocation;
use freshet_tests::postgres::{Database, PostgresCluster};
use freshet_tests::process::Run;
use freshet_tests::violations;
use manifest::Identifier;
use manifest::dataset::{Dataset, Nullability};

/// Loads the file with one psql.
pub(super) fn load(
    cluster: &PostgresCluster,
    database: &Database,
    dataset: &Dataset,
    file: &Path,
) -> Result<Run, Box<dyn std::error::Error>> {
    let script = script(dataset, file).ok_or("the dataset has no table")?;
    Ok(Invocation::of(cluster.program("psql")?)
        .args(["--no-psqlrc", "--quiet", "--set", "ON_ERROR_STOP=1", &database.url])
        .stdin(script)
        .limit(Duration::from_mins(10))
        .run()?)
}

fn script(dataset: &Dataset, file: &Path) -> Option<String> {
    let table = dataset.tables.first()?;
    let name = &table.name;
    let columns: Vec<String> = table
        .columns
        .iter()
        .map(|column| {
            let not_null = if column.nullability == Nullability::NotNull { " NOT NULL" } else { "" };
            format!("{} {}{not_null}", column.name, column.type_name)
        })
        .collect();
    // The file's own order of columns.
    let header = violations::HEADER.to_ascii_lowercase();
    let mut lines = vec![
        format!("CREATE TABLE {name} ({});", columns.join(", ")),
        // The publisher writes month first.
        "SET datestyle = 'ISO, MDY';".to_owned(),
        format!("\\copy {name} ({header}) FROM '{}' WITH (FORMAT csv, HEADER)", file.display()),
        format!("ALTER TABLE {name} ADD PRIMARY KEY ({});", list(&table.primary_key)),
    ];
    lines.extend(table.indexes.iter().map(|index| format!("CREATE INDEX ON {name} ({});", list(&index.columns))));
    lines.push(format!("ANALYZE {name};"));
    Some(lines.join("\n") + "\n")
}

fn list(columns: &[Identifier]) -> String {
    columns.iter().map(Identifier::as_str).collect::<Vec<_>>().join(", ")
}
