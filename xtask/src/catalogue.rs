//! `cargo xtask catalogue`: a page for each place that says which datasets there are, made from the manifests and schedules, so that people
//! can browse them without reading YAML.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;

use manifest::dataset::{Content, Dataset, Status, Table};
use manifest::schedule::{Mode, Schedule};
use manifest::{DatasetName, Project};

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
    let mut out = format!(
        "# Datasets: {place}\n\nMade from the manifests in `datasets/{place}/` and the schedules by `cargo xtask catalogue`.\n\n\
         | dataset | what | publisher | tables | rows, at least | loaded |\n|---|---|---|---|---|---|\n"
    );
    for (name, dataset) in datasets {
        let rows: u64 = dataset.tables.iter().map(|table| table.expect.rows).sum();
        let rows = if rows == 0 { String::new() } else { grouped(rows) };
        let _ = writeln!(
            out,
            "| [{name}](#{name}) | {} | {} | {} | {rows} | {} |",
            cell(&dataset.title),
            cell(&dataset.publisher),
            dataset.tables.len(),
            cell(&loaded(name, dataset, project))
        );
    }
    for (name, dataset) in datasets {
        let _ = write!(out, "\n## {name}\n\n{}. {}", dataset.title, dataset.publisher);
        if let Some(homepage) = &dataset.homepage {
            let _ = write!(out, ", [{homepage}]({homepage})");
        }
        let _ = writeln!(out, ". Loaded: {}.", loaded(name, dataset, project));
        if !dataset.depends_on.is_empty() {
            let names: Vec<_> = dataset.depends_on.iter().map(|name| format!("[{name}](#{name})")).collect();
            let _ = writeln!(out, "Made from {}.", names.join(" and "));
        }
        for table in &dataset.tables {
            let _ = writeln!(out, "\n{}", table_text(dataset, table));
        }
        for view in &dataset.views {
            let _ = writeln!(out, "\n**`{}`**: a view.", view.name);
        }
    }
    out
}

fn table_text(dataset: &Dataset, table: &Table) -> String {
    let schema = if dataset.schema.as_str() == "public" { String::new() } else { format!("{}.", dataset.schema) };
    let mut out = format!("**`{schema}{}`**", table.name);
    if table.expect.rows > 0 {
        let _ = write!(out, ", {} rows or more", grouped(table.expect.rows));
    }
    if matches!(table.content, Content::Query(_)) {
        out.push_str(": made by a query");
        return out + ".";
    }
    let mut columns: Vec<String> =
        table.columns.iter().map(|column| format!("`{}` {}", column.name, column.type_name)).collect();
    if let Some(at) = table.source_columns_at {
        columns.insert(at.min(columns.len()), "those that its file names".to_owned());
    }
    let _ = write!(out, ": {}.", columns.join(", "));
    out
}

fn loaded(name: &DatasetName, dataset: &Dataset, project: &Project) -> String {
    if dataset.status == Status::Unavailable {
        return "never, its source is not public".to_owned();
    }
    let entry = |schedule: &Schedule| {
        let full = if schedule.mode == Mode::Full { ", in full" } else { "" };
        format!("`{}` {}{full}", schedule.written, schedule.timezone)
    };
    let entries: Vec<_> = project.schedules.iter().filter(|schedule| schedule.dataset == *name).map(entry).collect();
    if entries.is_empty() { "by hand".to_owned() } else { entries.join("; ") }
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
    fn thousands_are_parted() {
        for (number, text) in [(0, "0"), (999, "999"), (1000, "1,000"), (1_234_567, "1,234,567")] {
            assert_eq!(grouped(number), text);
        }
    }
}
