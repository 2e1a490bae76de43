//! `deploy secrets`: a value comes in on standard input or from a file, goes to Secrets Manager, and is written nowhere else.

use std::collections::BTreeMap;
use std::io::{self, IsTerminal, Read};
use std::path::Path;

use manifest::SecretName;
use manifest::stack::{Need, SecretReference};
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use uuid::Uuid;

use super::session::Session;
use crate::cli::{Global, Secrets, SetSecret};
use crate::error::{Error, Exit, most_similar};
use crate::marker::Owner;
use crate::observed::state::SecretState;
use crate::output::{Report, print};
use crate::render::table::Table;

/// Secrets Manager takes this many bytes.
const LONGEST: usize = 65_536;

/// What was done about a secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Done {
    /// It was made.
    Created,
    /// It has a new value.
    Updated,
    /// It had this value already.
    Unchanged,
}

/// A secret that was set; never its value.
#[derive(Debug, Serialize, Deserialize)]
pub struct SecretSet {
    /// Its name in the worker.
    pub name: SecretName,
    /// Its id in Secrets Manager, with its key.
    pub secret: String,
    /// What was done.
    pub done: Done,
}

impl Report for SecretSet {
    fn text(&self) -> String {
        let done = match self.done {
            Done::Created => "created",
            Done::Updated => "updated",
            Done::Unchanged => "unchanged",
        };
        format!("{}: {} {done}\n", self.name, self.secret)
    }

    fn markdown(&self) -> String {
        self.text()
    }
}

/// The secrets of a stack.
#[derive(Debug, Serialize, Deserialize)]
pub struct SecretList {
    /// Each of them.
    pub secrets: Vec<SecretLine>,
}

/// One secret.
#[derive(Debug, Serialize, Deserialize)]
pub struct SecretLine {
    /// Its name in the worker.
    pub name: SecretName,
    /// Its id in Secrets Manager, with its key.
    pub secret: String,
    /// Whether a run can do without it.
    pub need: Need,
    /// Whether it is there and, for `check`, holds what it should.
    pub state: String,
    /// Whether that is as it should be.
    pub good: bool,
}

impl SecretList {
    fn table(&self) -> Table {
        let mut table = Table::new(&["name", "secret", "state"]);
        for line in &self.secrets {
            let optional = if line.need == Need::Optional { " (optional)" } else { "" };
            table.row([line.name.to_string(), line.secret.clone(), format!("{}{optional}", line.state)]);
        }
        table
    }
}

impl Report for SecretList {
    fn text(&self) -> String {
        self.table().text()
    }

    fn markdown(&self) -> String {
        self.table().markdown()
    }
}

/// Sets, lists or checks.
pub(super) async fn secrets(global: &Global, command: Secrets) -> Result<Exit, Error> {
    match command {
        Secrets::Set(options) => {
            // Read before anything is asked of AWS: a pipe that ends early should not be found out late.
            let value = read_value(options.file.as_deref())?;
            let session = Session::open(global).await?;
            let report = set(&session, &options, &value).await?;
            print(&report, global.output)?;
            Ok(Exit::Done)
        }
        Secrets::List => {
            let session = Session::open(global).await?;
            list(global, look(&session, Depth::Presence).await?)
        }
        Secrets::Check => {
            let session = Session::open(global).await?;
            list(global, look(&session, Depth::Keys).await?)
        }
    }
}

fn list(global: &Global, secrets: Vec<SecretLine>) -> Result<Exit, Error> {
    let good = secrets.iter().all(|line| line.good || line.need == Need::Optional);
    print(&SecretList { secrets }, global.output)?;
    Ok(if good { Exit::Done } else { Exit::Findings })
}

fn read_value(file: Option<&Path>) -> Result<SecretString, Error> {
    let mut text = String::new();
    match file {
        Some(path) => {
            let fail = |cause| Error::File { path: path.to_owned(), cause };
            std::fs::File::open(path).and_then(|mut file| file.read_to_string(&mut text)).map_err(fail)?;
        }
        None if io::stdin().is_terminal() => {
            let words = "standard input is a terminal, which would show the value; pipe it in, or say `--file FILE`";
            return Err(Error::Secret(words.to_owned()));
        }
        None => {
            let fail = |cause| Error::File { path: "standard input".into(), cause };
            io::stdin().read_to_string(&mut text).map_err(fail)?;
        }
    }
    checked(text)
}

/// One line break at the end is the editor's or echo's, not the secret's.
fn checked(mut text: String) -> Result<SecretString, Error> {
    if text.ends_with('\n') {
        text.pop();
        if text.ends_with('\r') {
            text.pop();
        }
    }
    match text.len() {
        0 => Err(Error::Secret("the value is empty".to_owned())),
        n if n > LONGEST => Err(Error::Secret(format!("the value has {n} bytes; Secrets Manager takes {LONGEST}"))),
        _ => Ok(SecretString::from(text)),
    }
}

async fn set(session: &Session, options: &SetSecret, value: &SecretString) -> Result<SecretSet, Error> {
    let name = &options.name;
    let known = &session.manifests.environment.secrets;
    let reference = known.get(name).ok_or_else(|| {
        let similar = most_similar(name.as_str(), known.keys().map(SecretName::as_str));
        let similar = similar.map(|name| format!("; did you mean {name}?")).unwrap_or_default();
        Error::Secret(format!("freshet.yml names no secret {name} for this environment{similar}"))
    })?;
    let marker = &session.names.marker;
    let tags = marker.tags(&session.manifests.environment.tags, None);
    let id = reference.id.as_str();
    let clients = &session.clients;
    let report = |done| SecretSet { name: name.clone(), secret: reference.to_string(), done };
    let Some(found) = clients.secret(id).await? else {
        if id.starts_with("arn:") {
            return Err(Error::Secret(format!(
                "{id} does not exist, and a secret is made by its name, not by its ARN"
            )));
        }
        let whole = with_key(None, reference, value)?;
        clients.create_secret(id, &whole, &tags, Uuid::new_v4()).await?;
        return Ok(report(Done::Created));
    };
    if found.state == SecretState::Deleted {
        let words =
            format!("{id} is scheduled for deletion; `aws secretsmanager restore-secret --secret-id {id}` first");
        return Err(Error::Secret(words));
    }
    let owner = marker.owner_by_tags(&found.tags);
    if let Owner::Managed(who) = &owner {
        let words = format!(
            "{id} belongs to {who}, and is not taken over; let {who} give it up, or name another secret in freshet.yml"
        );
        return Err(Error::Secret(words));
    }
    if owner != Owner::Ours {
        if !options.adopt {
            let words =
                format!("{id} exists without our marker, owned by {owner}; say `--adopt` to write to it and mark it");
            return Err(Error::Secret(words));
        }
        clients.tag_secret(id, &tags).await?;
    }
    let current = clients.secret_value(id).await?;
    let whole = with_key(current.as_ref(), reference, value)?;
    if current.is_some_and(|current| current.expose_secret() == whole.expose_secret()) {
        return Ok(report(Done::Unchanged));
    }
    clients.put_secret(id, &whole, Uuid::new_v4()).await?;
    Ok(report(Done::Updated))
}

/// The secret's whole text with this value in it: the value itself, or a JSON object whose other keys stay.
fn with_key(
    current: Option<&SecretString>,
    reference: &SecretReference,
    value: &SecretString,
) -> Result<SecretString, Error> {
    let Some(key) = &reference.json_key else { return Ok(value.clone()) };
    let mut object = match current {
        None => Map::new(),
        Some(current) => json_object(current).ok_or_else(|| {
            let words =
                format!("{} holds a text that is no JSON object, so the key `{key}` cannot be set in it", reference.id);
            Error::Secret(words)
        })?,
    };
    object.insert(key.clone(), Value::String(value.expose_secret().to_owned()));
    checked(Value::Object(object).to_string())
}

fn json_object(text: &SecretString) -> Option<Map<String, Value>> {
    serde_json::from_str(text.expose_secret()).ok()
}

/// How closely secrets are looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Depth {
    /// Whether they are there; needs no right to read them.
    Presence,
    /// Whether they hold their keys.
    Keys,
}

async fn look(session: &Session, depth: Depth) -> Result<Vec<SecretLine>, Error> {
    let mut states: BTreeMap<&str, (SecretState, Option<SecretString>)> = BTreeMap::new();
    let secrets = &session.manifests.environment.secrets;
    for reference in secrets.values() {
        if states.contains_key(reference.id.as_str()) {
            continue;
        }
        let state = session.clients.secret(&reference.id).await?.map_or(SecretState::Absent, |found| found.state);
        let value = match (depth, state) {
            (Depth::Keys, SecretState::Present) => session.clients.secret_value(&reference.id).await?,
            _ => None,
        };
        states.insert(&reference.id, (state, value));
    }
    Ok(secrets
        .iter()
        .filter_map(|(name, reference)| {
            let (state, value) = states.get(reference.id.as_str())?;
            let (state, good) = judged(reference, *state, value.as_ref(), depth);
            Some(SecretLine { name: name.clone(), secret: reference.to_string(), need: reference.need, state, good })
        })
        .collect())
}

fn judged(
    reference: &SecretReference,
    state: SecretState,
    value: Option<&SecretString>,
    depth: Depth,
) -> (String, bool) {
    match state {
        SecretState::Absent => return ("does not exist".to_owned(), false),
        SecretState::Empty => return ("has no value".to_owned(), false),
        SecretState::Deleted => return ("is scheduled for deletion".to_owned(), false),
        SecretState::Present => {}
    }
    match (depth, &reference.json_key) {
        (Depth::Presence, _) => ("present".to_owned(), true),
        (Depth::Keys, None) if value.is_none() => ("holds no text".to_owned(), false),
        (Depth::Keys, None) => ("good".to_owned(), true),
        (Depth::Keys, Some(key)) => match value.and_then(json_object) {
            None => ("is no JSON object".to_owned(), false),
            Some(object) if object.get(key).is_some_and(Value::is_string) => ("good".to_owned(), true),
            Some(object) => {
                let similar = most_similar(key, object.keys().map(String::as_str));
                let similar = similar.map(|key| format!("; it has `{key}`")).unwrap_or_default();
                (format!("lacks the key `{key}`{similar}"), false)
            }
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reference(text: &str) -> SecretReference {
        text.parse().unwrap()
    }

    #[test]
    fn a_key_is_set_beside_the_others_and_the_value_shows_nowhere() {
        let value = SecretString::from("canary-7c1f");
        let current = SecretString::from(r#"{"user":"loader","url":"old"}"#);
        let whole = with_key(Some(&current), &reference("nycdb/database:url"), &value).unwrap();
        assert_eq!(whole.expose_secret(), r#"{"user":"loader","url":"canary-7c1f"}"#);
        assert!(!format!("{whole:?}").contains("canary"));
        let error = with_key(Some(&value), &reference("nycdb/database:url"), &value).unwrap_err();
        assert!(!error.to_string().contains("canary"), "{error}");
    }

    #[test]
    fn one_line_break_at_the_end_is_not_part_of_a_value() {
        assert_eq!(checked("a b\r\n".to_owned()).unwrap().expose_secret(), "a b");
        assert_eq!(checked("a\n\n".to_owned()).unwrap().expose_secret(), "a\n");
        assert!(checked("\n".to_owned()).is_err());
        assert!(checked("x".repeat(LONGEST + 1)).is_err());
    }

    #[test]
    fn a_key_that_is_not_there_is_named_with_the_one_that_was_meant() {
        let value = SecretString::from(r#"{"urls":"x"}"#);
        let (state, good) = judged(&reference("d:url"), SecretState::Present, Some(&value), Depth::Keys);
        assert_eq!((state.as_str(), good), ("lacks the key `url`; it has `urls`", false));
    }
}
