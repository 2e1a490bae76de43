//! `cargo xtask catalogue`: a page for each place that says which datasets there are, made from the manifests and schedules, so that people
//! can browse them without reading YAML.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;

use manifest::dataset::{Column, Content, Dataset, Derivation, Nullability, Status, Table};
use manifest::schedule::{Mode, Schedule};
use manifest::{DatasetName, Identifier, Project};

use crate::command::{Outcome, root, say};

/// Where the pages are, below the root.
const FOLDER: &str = "docs/catalogue";

/// Writes the pages.
pub(crate) fn run() -> Outcome {
    for (path, text) in pages()? {
        let path = root().join(path);
        let fail = |error| format!("{}: {error}", path.display());
        fs::create_dir_all(path.parent().unwrap_or(&path)).map_err(fail)?;
        fs::write(&path, text).map_err(fail)?;
        say(&format!("wrote {}", path.display()));
    }
    Ok(())
}

/// The pages by their paths below the root.
fn pages() -> Outcome<BTreeMap<String, String>> {
    let project =
        Project::load(&root()).map_err(|findings| format!("the manifests do not hold together: {findings:?}"))?;
    let mut places: BTreeMap<&str, Vec<(&DatasetName, &Dataset)>> = BTreeMap::new();
    for (name, dataset) in &project.datasets {
        let path = project.paths.get(name).map_or("", String::as_str);
        let place = path.split('/').nth(1).unwrap_or_default();
        places.entry(place).or_default().push((name, dataset));
    }
    let page = |(place, datasets): (&&str, &Vec<_>)| (format!("{FOLDER}/{place}.md"), page(place, datasets, &project));
    Ok(places.iter().map(page).collect())
}

fn page(place: &str, datasets: &[(&DatasetName, &Dataset)], project: &Project) -> String {
    let tables = datasets.iter().flat_map(|(_, dataset)| &dataset.tables);
    let rows: u64 = tables.clone().map(|table| table.expect.rows).sum();
    let mut out = format!(
        "# Datasets: {place}\n\n{} datasets, {} tables, {} rows or more. Made from the manifests in `datasets/{place}/` and the schedules by \
         `cargo xtask catalogue`.\n\nA load begins at the time that is given here or a while after it, as `spread:` says. \"Rows\" is the least that a load is \
         published with.\n\n| dataset | what | publisher | tables | rows | loaded |\n|---|---|---|--:|--:|---|\n",
        datasets.len(),
        tables.count(),
        grouped(rows)
    );
    for (name, dataset) in datasets {
        let rows: u64 = dataset.tables.iter().map(|table| table.expect.rows).sum();
        let _ = writeln!(
            out,
            "| [{name}](#{name}) | {} | {} | {} | {} | {} |",
            cell(&dataset.title),
            cell(&dataset.publisher),
            dataset.tables.len(),
            known(rows),
            cell(&loaded(name, dataset, project))
        );
    }
    for (name, dataset) in datasets {
        let path = project.paths.get(name).map_or("", String::as_str);
        let _ = write!(out, "\n## {name}\n\n{}. {}. ", dataset.title, dataset.publisher);
        if let Some(homepage) = &dataset.homepage {
            let _ = write!(out, "[The publisher's page]({homepage}). ");
        }
        let _ = writeln!(out, "[Manifest](../../{path}).\n\nLoaded: {}.", loaded(name, dataset, project));
        if !dataset.depends_on.is_empty() {
            let names: Vec<_> = dataset.depends_on.iter().map(|name| format!("[{name}](#{name})")).collect();
            let _ = writeln!(out, "Made from {}.", names.join(" and "));
        }
        for table in &dataset.tables {
            out.push_str(&table_text(dataset, table));
        }
        for view in &dataset.views {
            let file = &view.query.file;
            let _ =
                writeln!(out, "\n`{}{}` is a view: [{file}](../../{})", schema(dataset), view.name, beside(path, file));
        }
        for (table, query) in dataset.tables.iter().filter_map(|table| match &table.content {
            Content::Query(query) => Some((table, query)),
            Content::Sources(_) => None,
        }) {
            let (name, file) = (&table.name, &query.file);
            let _ = writeln!(
                out,
                "\n`{}{name}` is made by a query: [{file}](../../{})",
                schema(dataset),
                beside(path, file)
            );
        }
    }
    out
}

/// A table's columns, folded away.
fn table_text(dataset: &Dataset, table: &Table) -> String {
    if matches!(table.content, Content::Query(_)) {
        return String::new();
    }
    let rows = if table.expect.rows > 0 { format!(", {} rows", grouped(table.expect.rows)) } else { String::new() };
    let columns = match (table.source_columns_at, table.columns.len()) {
        (Some(_), _) => "the columns of its file".to_owned(),
        (None, number) => format!("{number} columns"),
    };
    let mut out = format!(
        "\n<details><summary><code>{}{}</code>: {columns}{rows}</summary>\n\n| column | type | |\n|---|---|---|\n",
        schema(dataset),
        table.name
    );
    for (at, column) in table.columns.iter().enumerate() {
        if table.source_columns_at == Some(at) {
            out.push_str("| … | | those of the file |\n");
        }
        let _ = writeln!(out, "| `{}` | {} | {} |", column.name, column.type_name, cell(&remarks(table, column)));
    }
    let indexes = table.indexes.iter().map(|index| {
        let columns: Vec<_> = index.columns.iter().map(|column| format!("`{column}`")).collect();
        columns.join(" and ")
    });
    let indexes: Vec<_> = indexes.collect();
    if !indexes.is_empty() {
        let _ = writeln!(out, "\nIndexes: {}.", indexes.join(", "));
    }
    out.push_str("\n</details>\n");
    out
}

/// What there is to know of a column besides its type.
fn remarks(table: &Table, column: &Column) -> String {
    let made = table.derive.get(&column.name).map(|how| match how {
        Derivation::Call { function, arguments } => {
            let arguments: Vec<_> = arguments.iter().map(Identifier::as_str).collect();
            format!("`{function}({})`", arguments.join(", "))
        }
        Derivation::Template(template) => format!("`{template}`"),
    });
    let key = table.key().contains(&column.name).then(|| "key".to_owned());
    let optional = table.optional.contains(&column.name).then(|| "not in every file".to_owned());
    let numbered = (column.nullability == Nullability::Identity).then(|| "numbered by PostgreSQL".to_owned());
    [key, numbered, made, optional].into_iter().flatten().collect::<Vec<_>>().join(", ")
}

/// The path of a file that stands beside a manifest.
fn beside(manifest: &str, file: &str) -> String {
    manifest.rsplit_once('/').map_or_else(|| file.to_owned(), |(folder, _)| format!("{folder}/{file}"))
}

fn schema(dataset: &Dataset) -> String {
    if dataset.schema.as_str() == "public" { String::new() } else { format!("{}.", dataset.schema) }
}

fn loaded(name: &DatasetName, dataset: &Dataset, project: &Project) -> String {
    if dataset.status == Status::Unavailable {
        return "never, its source is not public".to_owned();
    }
    let entry = |schedule: &Schedule| {
        let full = if schedule.mode == Mode::Full { ", in full" } else { "" };
        let zone = schedule.timezone.rsplit('/').next().unwrap_or_default().replace('_', " ");
        format!("{} {zone}{full}", in_words(&schedule.written))
    };
    let entries: Vec<_> = project.schedules.iter().filter(|schedule| schedule.dataset == *name).map(entry).collect();
    if entries.is_empty() { "by hand".to_owned() } else { entries.join("; ") }
}

/// The commonest shapes of a cron expression as people say them; any other as it is.
fn in_words(cron: &str) -> String {
    const DAYS: [&str; 7] = ["Sundays", "Mondays", "Tuesdays", "Wednesdays", "Thursdays", "Fridays", "Saturdays"];
    let fields: Vec<_> = cron.split(' ').collect();
    let [minute, hour, day, month, weekday] = fields[..] else {
        return if cron == "@yearly" { "1 January".to_owned() } else { format!("`{cron}`") };
    };
    let (Ok(minute), Ok(hour)) = (minute.parse::<u8>(), hour.parse::<u8>()) else { return format!("`{cron}`") };
    let days = match (day, month, weekday) {
        ("*", "*", "*") => "daily",
        ("1-31/2", "*", "*") => "odd days",
        ("2-30/2", "*", "*") => "even days",
        ("1", "*", "*") => "the 1st of each month",
        ("1", "1", "*") => "1 January",
        ("*", "*", day) => match day.parse::<usize>().ok().and_then(|day| DAYS.get(day)) {
            Some(day) => day,
            None => return format!("`{cron}`"),
        },
        _ => return format!("`{cron}`"),
    };
    format!("{days} {hour:02}:{minute:02}")
}

/// A number of rows, or nothing where none is known.
fn known(rows: u64) -> String {
    if rows == 0 { String::new() } else { grouped(rows) }
}

/// `1234567` as `1,234,567`.
fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut out = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// A text in a table's cell.
fn cell(text: &str) -> String {
    text.replace('|', "\\|")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_catalogue_is_what_the_manifests_say_now() {
        for (path, text) in pages().unwrap() {
            let written = fs::read_to_string(root().join(&path)).unwrap_or_default();
            assert!(written == text, "{path} is not what the manifests say: run cargo xtask catalogue");
        }
    }

    #[test]
    fn times_are_told_as_people_say_them() {
        for (cron, words) in [
            ("0 22 * * *", "daily 22:00"),
            ("0 23 1-31/2 * *", "odd days 23:00"),
            ("30 3 * * 0", "Sundays 03:30"),
            ("0 6 1 1 *", "1 January 06:00"),
            ("@yearly", "1 January"),
            ("*/5 * * * *", "`*/5 * * * *`"),
            ("rate(1 day)", "`rate(1 day)`"),
        ] {
            assert_eq!(in_words(cron), words);
        }
    }

    #[test]
    fn thousands_are_parted() {
        for (number, text) in [(0, "0"), (999, "999"), (1000, "1,000"), (1_234_567, "1,234,567")] {
            assert_eq!(grouped(number), text);
        }
    }
}
