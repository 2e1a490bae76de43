//! SQL files: found beside the manifest, and looked at as far as words tell.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::dataset::Query;
use crate::finding::{Code, Finding, Place, SourceFile};
use crate::sql;
use crate::yaml::{Reader, Spanned, nearest};

/// The SQL files of a project, by their path.
pub(crate) type SqlFiles = BTreeMap<String, Arc<SourceFile>>;

/// Where a manifest's SQL files are looked for.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Folder<'a> {
    /// The manifest's folder within the project, without a slash at its end.
    pub(crate) path: &'a str,
    pub(crate) files: &'a SqlFiles,
}

impl<'a> Folder<'a> {
    fn join(self, name: &str) -> String {
        if self.path.is_empty() { name.to_owned() } else { format!("{}/{name}", self.path) }
    }

    fn find(self, name: &Spanned<String>, reader: &mut Reader) -> Option<&'a Arc<SourceFile>> {
        let path = self.join(&name.value);
        if let Some(file) = self.files.get(&path) {
            return Some(file);
        }
        let looks_like_sql = name.value.contains(char::is_whitespace);
        let message = if looks_like_sql {
            "SQL stands in a file beside the manifest, not in it".to_owned()
        } else {
            format!("there is no file `{path}`")
        };
        let beside = self.join("");
        let known: Vec<&str> = self.files.keys().filter_map(|path| path.strip_prefix(&beside)).collect();
        let finding = reader.report(Code::File, message, name.span);
        if looks_like_sql {
            finding.help("write the SELECT to a .sql file and its name here");
        } else if let Some(near) = nearest(&name.value, known) {
            finding.help(format!("did you mean `{near}`?"));
        } else {
            finding.help("SQL stands in a file beside the manifest");
        }
        None
    }
}

/// The one `SELECT` of a file.
pub(crate) fn select(name: &Spanned<String>, folder: Folder<'_>, reader: &mut Reader) -> Option<Query> {
    let file = folder.find(name, reader)?;
    if let Err(slip) = sql::one_select(file.text()) {
        slipped(file, &slip, reader);
    }
    Some(Query { file: name.value.clone(), sql: file.text().to_owned() })
}

/// A script that runs after the load and may not write to `tables`.
pub(crate) fn script(
    name: &Spanned<String>,
    schema: &str,
    tables: &[&str],
    folder: Folder<'_>,
    reader: &mut Reader,
) -> Option<Query> {
    let file = folder.find(name, reader)?;
    if let Err(slip) = sql::one_transaction(file.text()) {
        slipped(file, &slip, reader);
        return None;
    }
    match sql::writes(file.text()) {
        Err(slip) => slipped(file, &slip, reader),
        Ok(writes) => {
            let ours = |write: &sql::Write| {
                tables.contains(&write.table.as_str()) && write.schema.as_ref().is_none_or(|given| given == schema)
            };
            for write in writes.iter().filter(|write| ours(write)) {
                let why = format!("this writes to `{}`, which the dataset has just loaded", write.table);
                slipped(file, &sql::Slip { span: write.span, why }, reader);
            }
        }
    }
    Some(Query { file: name.value.clone(), sql: file.text().to_owned() })
}

fn slipped(file: &Arc<SourceFile>, slip: &sql::Slip, reader: &mut Reader) {
    let place = Place { file: Arc::clone(file), span: slip.span };
    reader.findings.push(Finding::new(Code::Sql, slip.why.clone(), Some(place)));
}
