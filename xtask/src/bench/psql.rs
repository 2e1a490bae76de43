//! What one would do by hand: create the table, `\copy` the file, add the same key and indexes, analyse.

use std::path::Path;
use std::time::Duration;

use freshet_tests::binaries::Invocation;
use freshet_tests::postgres::{Database, PostgresCluster};
use freshet_tests::process::Run;
use freshet_tests::shape;
use manifest::Identifier;
use manifest::dataset::{Column, Derivation, Nullability, Table};

/// Loads the file with one psql.
pub(super) fn load(
    cluster: &PostgresCluster,
    database: &Database,
    table: &Table,
    header: &str,
    file: &Path,
) -> Result<Run, Box<dyn std::error::Error>> {
    Ok(Invocation::of(cluster.program("psql")?)
        .args(["--no-psqlrc", "--quiet", "--set", "ON_ERROR_STOP=1", &database.url])
        .stdin(script(table, header, file)?)
        .limit(Duration::from_mins(10))
        .run()?)
}

fn script(table: &Table, header: &str, file: &Path) -> std::io::Result<String> {
    let name = &table.name;
    let columns: Vec<String> = table
        .columns
        .iter()
        .map(|column| {
            let not_null = if column.nullability == Nullability::NotNull { " NOT NULL" } else { "" };
            let made = made(table, column).unwrap_or_default();
            format!("{} {}{not_null}{made}", column.name, column.type_name)
        })
        .collect();
    // The file's own order of columns.
    let header = header
        .split(',')
        .map(|name| shape::column(name, table).map(|column| column.name.to_string()))
        .collect::<std::io::Result<Vec<_>>>()?;
    let mut lines = vec![
        format!("CREATE TABLE {name} ({});", columns.join(", ")),
        // The publisher writes month first.
        "SET datestyle = 'ISO, MDY';".to_owned(),
        format!("\\copy {name} ({}) FROM '{}' WITH (FORMAT csv, HEADER)", header.join(", "), file.display()),
    ];
    if !table.primary_key.is_empty() {
        lines.push(format!("ALTER TABLE {name} ADD PRIMARY KEY ({});", list(&table.primary_key)));
    }
    lines.extend(table.indexes.iter().map(|index| format!("CREATE INDEX ON {name} ({});", list(&index.columns))));
    lines.push(format!("ANALYZE {name};"));
    Ok(lines.join("\n") + "\n")
}

/// How PostgreSQL makes a column of others while it copies: the number of a lot.
fn made(table: &Table, column: &Column) -> Option<String> {
    let Derivation::Call { arguments, .. } = table.derive.get(&column.name)? else { return None };
    let [borough, block, lot] = arguments.as_slice() else { return None };
    Some(format!(
        " GENERATED ALWAYS AS ({borough}::text || lpad({block}::text, 5, '0') || lpad({lot}::text, 4, '0')) STORED"
    ))
}

fn list(columns: &[Identifier]) -> String {
    columns.iter().map(Identifier::as_str).collect::<Vec<_>>().join(", ")
}
