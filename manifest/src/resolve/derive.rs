//! Derived columns: one named function of columns, or a template of columns and of the variables of `each`.

use std::collections::{BTreeMap, BTreeSet};

use super::columns::Columns;
use super::interpolation::part;
use crate::dataset::{Derivation, FUNCTIONS, Nullability};
use crate::document::table::TableDocument;
use crate::finding::Code;
use crate::name::Identifier;
use crate::template::{Template, is_name};
use crate::yaml::{Reader, Spanned};

/// The columns that are derived, whether or not their derivation can be read.
pub(crate) fn names(table: &TableDocument) -> BTreeSet<String> {
    table.derive.iter().flat_map(|derive| derive.iter()).map(|(name, _)| name.value.clone()).collect()
}

/// Reads the derivations; `variables` are the names of `each`, per source.
pub(crate) fn resolve(
    table: &TableDocument,
    columns: &Columns,
    variables: &[BTreeSet<String>],
    reader: &mut Reader,
) -> BTreeMap<Identifier, Derivation> {
    let derived = names(table);
    let mut resolved = BTreeMap::new();
    for (name, text) in table.derive.iter().flat_map(|derive| derive.iter()) {
        let Some(column) = columns.known(name, name.span, reader) else { continue };
        match columns.get(column.as_str()) {
            None => {
                let message = format!("`{column}` is derived: its type must be declared under columns:");
                reader.report(Code::Derive, message, name.span);
            }
            Some(declared) if declared.nullability == Nullability::Identity => {
                let message = format!("`{column}` is numbered by PostgreSQL: it is not derived");
                reader.report(Code::Derive, message, name.span);
            }
            Some(_) => {}
        }
        let names = Names { columns, derived: &derived, variables };
        let derivation = match call(&text.value) {
            Some((function, arguments)) => function_call(text, function, &arguments, &names, reader),
            None => template(text, &names, reader),
        };
        if let Some(derivation) = derivation {
            resolved.insert(column, derivation);
        }
    }
    resolved
}

/// What a derivation may name.
struct Names<'a> {
    columns: &'a Columns,
    derived: &'a BTreeSet<String>,
    variables: &'a [BTreeSet<String>],
}

/// `name(a, b)` as its parts; texts with braces are templates.
fn call(text: &str) -> Option<(&str, Vec<&str>)> {
    let (function, rest) = text.trim().split_once('(')?;
    let inside = rest.strip_suffix(')')?;
    (is_name(function.trim()) && !text.contains('{')).then(|| {
        let arguments = inside.split(',').map(str::trim).filter(|argument| !argument.is_empty());
        (function.trim(), arguments.collect())
    })
}

fn function_call(
    text: &Spanned<String>,
    function: &str,
    arguments: &[&str],
    names: &Names<'_>,
    reader: &mut Reader,
) -> Option<Derivation> {
    let Some((_, count)) = FUNCTIONS.iter().find(|(known, _)| *known == function) else {
        let message = format!("there is no function `{function}`");
        let finding = reader.report(Code::Derive, message, text.span);
        finding.suggest(function, FUNCTIONS.iter().map(|(known, _)| *known));
        return None;
    };
    if arguments.len() != *count {
        let message = format!("{function} takes {count} columns, not {}", arguments.len());
        reader.report(Code::Derive, message, text.span);
        return None;
    }
    let mut columns = Vec::new();
    for argument in arguments {
        let at = text.value.find(argument).unwrap_or_default();
        let span = part(reader, text.span, &text.value, at, argument.len());
        if argument.contains(['(', ')', '"', '\'']) {
            let finding = reader.report(Code::Derive, format!("`{argument}` is not a column"), span);
            finding.help("a function takes columns; functions are not put into each other");
            continue;
        }
        if names.derived.contains(*argument) {
            let finding = reader.report(Code::Derive, format!("`{argument}` is itself derived"), span);
            finding.help("derive from the columns of the file");
            continue;
        }
        columns.extend(names.columns.known(argument, span, reader));
    }
    (columns.len() == *count).then(|| Derivation::Call { function: function.to_owned(), arguments: columns })
}

fn template(text: &Spanned<String>, names: &Names<'_>, reader: &mut Reader) -> Option<Derivation> {
    let template = match Template::parse(&text.value) {
        Ok(template) => template,
        Err(error) => {
            let span = part(reader, text.span, &text.value, error.at, error.len);
            reader.report(Code::Derive, error.to_string(), span);
            return None;
        }
    };
    for name in template.names() {
        let everywhere = !names.variables.is_empty() && names.variables.iter().all(|set| set.contains(name));
        let at = text.value.find(&format!("{{{name}")).unwrap_or_default();
        let span = part(reader, text.span, &text.value, at, name.len() + 2);
        if names.derived.contains(name) && !everywhere {
            let finding = reader.report(Code::Derive, format!("`{name}` is itself derived"), span);
            finding.help("derive from the columns of the file and the variables of each");
        } else if !everywhere && names.columns.get(name).is_none() {
            let somewhere = names.variables.iter().any(|set| set.contains(name));
            let message = if somewhere {
                format!("`{name}` is a variable of some sources of this table and not of all")
            } else {
                format!("`{name}` is neither a column nor a variable of each")
            };
            let known = names.columns.declared.iter().map(|column| column.name.as_str());
            let known: Vec<&str> = known.chain(names.variables.iter().flatten().map(String::as_str)).collect();
            let finding = reader.report(Code::Derive, message, span);
            if !somewhere && let Some(near) = crate::yaml::nearest(name, known) {
                finding.help(format!("did you mean `{near}`?"));
            }
        }
    }
    Some(Derivation::Template(text.value.clone()))
}
