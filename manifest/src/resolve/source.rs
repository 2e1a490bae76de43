//! One entry of `sources`, and the sources it becomes.

use std::collections::BTreeSet;

use super::each;
use super::interpolation::part;
use super::origin::{self, Recipe, Refused};
use super::query::Folder;
use super::reading::{self, Shown};
use crate::dataset::{Origin, Source, Variables};
use crate::document::source::SourceDocument;
use crate::document::table::TableDocument;
use crate::finding::{Code, Span};
use crate::template::{Template, TemplateError};
use crate::yaml::{Named, Reader, Spanned};

/// Texts that may hold variables: they are read once, and remember which variables stand in them.
pub(crate) struct Texts<'a> {
    variables: &'a BTreeSet<String>,
    used: BTreeSet<String>,
}

impl Texts<'_> {
    pub(crate) fn has(&self, variable: &str) -> bool {
        self.variables.contains(variable)
    }

    /// A template of nothing but a variable that is known.
    pub(crate) fn variable(&mut self, name: &str) -> Template {
        self.used.insert(name.to_owned());
        Template::of(name)
    }

    pub(crate) fn template(&mut self, text: &Spanned<String>, reader: &mut Reader) -> Option<Template> {
        self.read(text, Template::parse(&text.value), reader)
    }

    /// The template of an address, which may hold the day.
    pub(crate) fn address(&mut self, text: &Spanned<String>, reader: &mut Reader) -> Option<Template> {
        self.read(text, Template::parse_address(&text.value), reader)
    }

    fn read(
        &mut self,
        text: &Spanned<String>,
        parsed: Result<Template, TemplateError>,
        reader: &mut Reader,
    ) -> Option<Template> {
        let template = match parsed {
            Ok(template) => template,
            Err(error) => {
                let span = part(reader, text.span, &text.value, error.at, error.len);
                reader.report(Code::Template, error.to_string(), span);
                return None;
            }
        };
        let mut known = true;
        for name in template.names() {
            if self.variables.contains(name) {
                self.used.insert(name.to_owned());
                continue;
            }
            known = false;
            let at = text.value.find(&format!("{{{name}")).unwrap_or_default();
            let span = part(reader, text.span, &text.value, at, name.len() + 2);
            let finding = reader.report(Code::Template, format!("`{name}` is not a variable of each"), span);
            if self.variables.is_empty() {
                finding.help("write each: {name: [a, b]} beside it, or {{ for a brace");
            } else {
                finding.suggest(name, self.variables.iter().map(String::as_str));
            }
        }
        known.then_some(template)
    }
}

/// A source with the place that names its file.
pub(crate) struct Resolved {
    pub(crate) source: Source,
    pub(crate) span: Span,
}

/// The sources of one entry, and its variables. `derived` are the variables that the table's derivations use.
pub(crate) fn resolve(
    document: &Named<SourceDocument>,
    table: &TableDocument,
    derived: &BTreeSet<String>,
    folder: Folder<'_>,
    reader: &mut Reader,
) -> (Vec<Resolved>, BTreeSet<String>) {
    let combinations = each::combinations(document.each.as_ref(), reader);
    let variables: BTreeSet<String> =
        document.each.iter().flat_map(|each| each.iter()).map(|(name, _)| name.value.clone()).collect();
    let mut texts = Texts { variables: &variables, used: BTreeSet::new() };
    let recipe = origin::recipe(document, table.base.as_ref(), folder, &mut texts, reader);
    // The table's default member stands in a place of its own; its variables are those of the source that takes it.
    let member_text = document.member.as_ref().or(table.member.as_ref());
    let member = member_text.map(|member| texts.template(member, reader));
    let file = document.file.as_ref().map(|file| texts.template(file, reader));
    let used = std::mem::take(&mut texts.used);
    let (Some(recipe), false, false) = (recipe, matches!(member, Some(None)), matches!(file, Some(None))) else {
        return (Vec::new(), variables);
    };
    let mut unused = false;
    for (name, _) in document.each.iter().flat_map(|each| each.iter()) {
        if !used.contains(&name.value) && !derived.contains(&name.value) {
            unused = true;
            let message = format!("the variable `{}` stands in neither url, file, member nor derive", name.value);
            let finding = reader.report(Code::Each, message, name.span);
            finding.help("the same rows would be loaded once for each of its values");
        }
    }
    let parts = Parts { document, table, recipe, member: member.flatten(), file: file.flatten() };
    let mut resolved = Vec::new();
    // Combinations that differ in nothing would be told a second time, as repeated sources.
    for variables in combinations.into_iter().take(if unused { 1 } else { usize::MAX }) {
        match parts.source(variables) {
            Ok(source) => {
                let span = document.file.as_ref().map_or(document.name, |file| file.span);
                resolved.push(Resolved { source, span });
            }
            Err((code, refused)) => {
                // What is wrong with one combination is mostly wrong with all: it is told once.
                let finding = reader.report(code, refused.why, refused.span);
                finding.help = refused.help;
                break;
            }
        }
    }
    (resolved, variables)
}

struct Parts<'a> {
    document: &'a Named<SourceDocument>,
    table: &'a TableDocument,
    recipe: Recipe,
    member: Option<Template>,
    file: Option<Template>,
}

impl Parts<'_> {
    fn source(&self, variables: Variables) -> Result<Source, (Code, Refused)> {
        let filled = |template: &Template| {
            template.fill(|name| variables.get(name).map(String::as_str)).unwrap_or_else(ToOwned::to_owned)
        };
        let origin = self.recipe.origin(&variables).map_err(|refused| (Code::Source, refused))?;
        let path = path(&origin);
        let file = match &self.file {
            Some(template) => filled(template),
            None => self.default_file(&origin, path.as_deref()).map_err(|refused| (Code::FileName, refused))?,
        };
        self.plain(&file).map_err(|refused| (Code::FileName, refused))?;
        let member = self.member.as_ref().map(filled);
        let shown = Shown { kind: self.recipe.kind(), file: &file, path: path.as_deref(), member: member.as_deref() };
        let reading = reading::resolve(self.document, self.table, &shown).map_err(|refused| (Code::Format, refused))?;
        Ok(Source { origin, file, reading, vars: variables })
    }

    fn default_file(&self, origin: &Origin, path: Option<&str>) -> Result<String, Refused> {
        let last = path.and_then(|path| path.rsplit('/').next()).unwrap_or_default();
        match origin {
            Origin::Socrata { id, .. } => Ok(format!("{id}.csv")),
            _ if last.contains('.') => Ok(last.to_owned()),
            _ => Err(Refused {
                span: self.document.name,
                why: "`file` is missing: the address does not end in the name of a file".to_owned(),
                help: Some("write file: name.csv; it is also the source's name under --from DIR".to_owned()),
            }),
        }
    }

    fn plain(&self, file: &str) -> Result<(), Refused> {
        let wrong = file.is_empty()
            || file.starts_with('.')
            || file.len() > 200
            || file
                .chars()
                .any(|c| matches!(c, '/' | '\\' | ':' | '?' | '*' | '"' | '<' | '>' | '|') || c.is_control());
        if wrong {
            let span = self.document.file.as_ref().map_or(self.document.name, |text| text.span);
            let why = format!("`{file}` is not a plain file name");
            return Err(Refused {
                span,
                why,
                help: Some("write a name such as hpd_violations.csv, without folders".to_owned()),
            });
        }
        Ok(())
    }
}

/// The path of an address, its percent escapes resolved where they are text.
fn path(origin: &Origin) -> Option<String> {
    let (Origin::Url { url, .. } | Origin::Sftp { url, .. }) = origin else { return None };
    let path = url.split(['?', '#']).next().unwrap_or(url);
    let path = path.split_once("://").map_or(path, |(_, rest)| rest.split_once('/').map_or("", |(_, path)| path));
    let mut bytes = Vec::new();
    let mut rest = path.as_bytes();
    while let [first, tail @ ..] = rest {
        let escape = if *first == b'%' { tail.get(..2).and_then(|hex| std::str::from_utf8(hex).ok()) } else { None };
        if let Some(byte) = escape.and_then(|hex| u8::from_str_radix(hex, 16).ok()) {
            bytes.push(byte);
            rest = &tail[2..];
        } else {
            bytes.push(*first);
            rest = tail;
        }
    }
    String::from_utf8(bytes).ok()
}
