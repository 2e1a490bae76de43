//! Derived columns: one named function of columns, or a template of columns and of the variables of `each`.

use std::collections::{BTreeMap, BTreeSet};

use super::columns::Columns;
use super::interpolation::part;
use crate::dataset::{Column, Derivation, Function, Nullability, SOURCE_VALUES};
use crate::document::table::TableDocument;
use crate::finding::Code;
use crate::name::Identifier;
use crate::template::{Template, is_name};
use crate::yaml::{Reader, Spanned};

/// The columns that are derived, whether or not their derivation can be read.
fn names(table: &TableDocument) -> BTreeSet<String> {
    table.derive.iter().flat_map(|derive| derive.iter()).map(|(name, _)| name.value.clone()).collect()
}

/// Those of them that no file has: a function may also take the file's own column and write it in another way.
pub(crate) fn made(table: &TableDocument) -> BTreeSet<String> {
    let takes_itself =
        |name: &str, text: &str| call(text).is_some_and(|call| call.arguments().any(|(_, argument)| argument == name));
    let derived = table.derive.iter().flat_map(|derive| derive.iter());
    derived.filter(|(name, text)| !takes_itself(name, &text.value)).map(|(name, _)| name.value.clone()).collect()
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
        let declared = columns.get(column.as_str());
        match declared {
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
        let names = Names { own: column.as_str(), declared, columns, derived: &derived, variables };
        let derivation = match call(&text.value) {
            Some(call) => function_call(text, &call, &names, reader),
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
    own: &'a str,
    declared: Option<&'a Column>,
    columns: &'a Columns,
    derived: &'a BTreeSet<String>,
    variables: &'a [BTreeSet<String>],
}

/// `name(a, b)`.
struct Call<'t> {
    /// The function's name and where it begins.
    function: (usize, &'t str),
    /// What stands between the parentheses and where it begins.
    inside: (usize, &'t str),
}

impl<'t> Call<'t> {
    /// Each argument, and where it begins.
    fn arguments(&self) -> impl Iterator<Item = (usize, &'t str)> {
        let (start, inside) = self.inside;
        let mut at = start;
        inside.split(',').filter_map(move |piece| {
            let blanks = piece.len() - piece.trim_start().len();
            let begin = at + blanks;
            at += piece.len() + 1;
            Some((begin, piece.trim())).filter(|(_, argument)| !argument.is_empty())
        })
    }
}

/// A text as a call; texts with braces are templates.
fn call(text: &str) -> Option<Call<'_>> {
    let open = text.find('(')?;
    let close = text.trim_end().strip_suffix(')')?.len();
    let function = text[..open].trim();
    let at = text.len() - text.trim_start().len();
    let is_call = is_name(function) && !text.contains('{');
    is_call.then(|| Call { function: (at, function), inside: (open + 1, &text[open + 1..close]) })
}

fn function_call(
    text: &Spanned<String>,
    call: &Call<'_>,
    names: &Names<'_>,
    reader: &mut Reader,
) -> Option<Derivation> {
    let (at, name) = call.function;
    let Ok(function) = name.parse::<Function>() else {
        let span = part(reader, text.span, &text.value, at, name.len());
        let finding = reader.report(Code::Derive, format!("there is no function `{name}`"), span);
        finding.suggest(name, Function::ALL.iter().map(|known| known.as_str()));
        return None;
    };
    let given = call.arguments().count();
    if !function.takes().iter().any(|names| names.len() == given) {
        let counts: Vec<_> = function.takes().iter().map(|names| names.len().to_string()).collect();
        let columns = if counts == ["1"] { "column" } else { "columns" };
        let message = format!("{function} takes {} {columns}, not {given}", counts.join(" or "));
        reader.report(Code::Derive, message, text.span).help(format!("write {}", function.usage()));
        return None;
    }
    if let Some(declared) = names.declared
        && let Err(instead) = function.suits(&declared.type_name)
    {
        let message = format!("a column of type {} does not hold what {function} makes", declared.type_name);
        let span = part(reader, text.span, &text.value, at, name.len());
        reader.report(Code::Derive, message, span).help(format!("declare `{}` as {instead}", names.own));
    }
    let mut columns = Vec::new();
    for (at, argument) in call.arguments() {
        let span = part(reader, text.span, &text.value, at, argument.len());
        if argument.contains(['(', ')', '"', '\'']) {
            let finding = reader.report(Code::Derive, format!("`{argument}` is not a column"), span);
            finding.help("a function takes columns; functions are not put into each other");
            continue;
        }
        if names.derived.contains(argument) && argument != names.own {
            let finding = reader.report(Code::Derive, format!("`{argument}` is itself derived"), span);
            finding.help("derive from the columns of the file");
            continue;
        }
        columns.extend(names.columns.known(argument, span, reader));
    }
    (columns.len() == given).then_some(Derivation::Call { function, arguments: columns })
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
        let is_column = names.columns.get(name).is_some() && !names.derived.contains(name);
        let somewhere = names.variables.iter().any(|set| set.contains(name));
        if SOURCE_VALUES.contains(&name) && !is_column && !somewhere {
            continue;
        }
        if names.derived.contains(name) && !everywhere {
            let finding = reader.report(Code::Derive, format!("`{name}` is itself derived"), span);
            finding.help("derive from the columns of the file and the variables of each");
        } else if !everywhere && names.columns.get(name).is_none() {
            let message = if somewhere {
                format!("`{name}` is a variable of some sources of this table and not of all")
            } else {
                format!("`{name}` is neither a column nor a variable of each")
            };
            let known = names.columns.declared.iter().map(|column| column.name.as_str());
            let known = known.chain(names.variables.iter().flatten().map(String::as_str));
            let known: Vec<&str> = known.chain(SOURCE_VALUES).collect();
            let finding = reader.report(Code::Derive, message, span);
            if !somewhere && let Some(near) = crate::yaml::nearest(name, known) {
                finding.help(format!("did you mean `{near}`?"));
            }
        }
    }
    Some(Derivation::Template(text.value.clone()))
}
