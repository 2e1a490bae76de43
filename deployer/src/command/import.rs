//! `deploy import`: manifests of what others made to start tasks and jobs. Nothing in AWS is touched; what the manifests then
//! replace is shown by the next plan. Files that are there are never written over, and secrets never written at all.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use futures_util::stream::{self, StreamExt, TryStreamExt};
use manifest::schedule::Replaced;
use serde::{Deserialize, Serialize};

use super::session::Session;
use super::triggers::SIDE_BY_SIDE;
use crate::aws::error::AwsError;
use crate::cli::{Global, Import};
use crate::error::{Error, Exit, most_similar};
use crate::import::{self, Draft, Found, Imported, Refused, ToSet};
use crate::marker::Owner;
use crate::observed::foreign::{Taken, owner};
use crate::output::{Report, bullets, print};
use crate::project;

/// What was written, and what was left alone.
#[derive(Debug, Serialize, Deserialize)]
pub struct ImportReport {
    /// Files that were written, `freshet.yml` where it was added to.
    pub written: Vec<PathBuf>,
    /// Jobs that were imported.
    pub jobs: Vec<Imported>,
    /// Secrets that have to be given a value before what needs them is taken over.
    pub to_set: Vec<ToSet>,
    /// What was left alone, and why.
    pub refused: Vec<Refused>,
}

impl Report for ImportReport {
    fn text(&self) -> String {
        let mut text = String::new();
        for path in &self.written {
            let _ = writeln!(text, "wrote {}", path.display());
        }
        for job in &self.jobs {
            let by = if job.fired_by.is_empty() { "nothing".to_owned() } else { job.fired_by.join(", ") };
            let _ = writeln!(text, "\n{}: {}, fired by {by}", job.dataset, job.definition);
            for note in &job.notes {
                let _ = writeln!(text, "  {note}");
            }
        }
        if !self.to_set.is_empty() {
            text.push_str("\nto be given a value, and nothing that needs them is taken over before:\n");
        }
        for ToSet { secret, stood } in &self.to_set {
            let _ = writeln!(text, "  deploy secrets set {secret}    it stood {stood}");
        }
        if !self.refused.is_empty() {
            text.push_str("\nleft alone:\n");
        }
        for Refused { name, why } in &self.refused {
            let _ = writeln!(text, "  {name}: {why}");
        }
        if self.jobs.is_empty() && self.refused.is_empty() {
            text.push_str("nothing here starts tasks or jobs that is not of this stack\n");
        } else if !self.jobs.is_empty() {
            text.push_str("\nRead the files, then see with `deploy plan` what takes the place of what.\n");
        }
        text
    }

    fn markdown(&self) -> String {
        bullets(self.text().lines().filter(|line| !line.is_empty()))
    }
}

/// Reads what there is, and writes manifests of it.
pub(super) async fn import(global: &Global, options: &Import) -> Result<Exit, Error> {
    let is_name = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
    if options.place.is_empty() || !options.place.chars().all(is_name) {
        return Err(Error::Refused(format!(
            "`{}` is not the name of a folder of datasets/; write one such as nyc",
            options.place
        )));
    }
    let session = Session::open(global).await?;
    let draft = read(&session, options).await?;
    if let Some(Refused { name, why }) = draft.refused.iter().find(|refused| names(&options.names, &refused.name)) {
        return Err(Error::Refused(format!("{name} is not imported: {why}")));
    }
    let written = write(global, &draft)?;
    let Draft { jobs, refused, to_set, .. } = draft;
    let all = refused.is_empty() && to_set.is_empty();
    print(&ImportReport { written, jobs, to_set, refused }, global.output)?;
    Ok(if all { Exit::Done } else { Exit::Findings })
}

/// Whether a trigger or definition is among those that a person named.
fn names(given: &[String], of: &str) -> bool {
    let last = of.rsplit('/').next().unwrap_or(of);
    let plain = last.split(':').next().unwrap_or(last);
    given.iter().any(|given| [of, last, plain].contains(&given.as_str()))
}

/// Everything in the account that starts tasks or jobs, or what was named of it, as manifests.
async fn read(session: &Session, options: &Import) -> Result<Draft, Error> {
    let Session { names: own, clients, manifests, .. } = session;
    let (rules, schedules, jobs) =
        tokio::try_join!(clients.rules(""), clients.all_schedules(), clients.all_job_definitions())?;
    let rules = rules.into_iter().map(|rule| Replaced::Rule(rule.name));
    let schedules = schedules.into_iter().map(|(group, name)| Replaced::Schedule { group, name });
    let is_wanted = |of: &Replaced| options.names.is_empty() || names(&options.names, &of.to_string());
    let triggers: Vec<Replaced> = rules.chain(schedules).filter(is_wanted).collect();
    let looks = triggers.into_iter().map(async |of| {
        let Some(firing) = clients.foreign_trigger(&of).await? else { return Ok(None) };
        let starts = firing.targets.iter().find_map(|target| target.engine.zip(target.definition.clone()));
        let Some((engine, definition)) = starts else { return Ok(None) };
        let definition = clients.foreign_definition(engine, &definition).await?;
        let owner = owner(&own.marker, &firing, definition.as_ref());
        Ok::<_, AwsError>((owner != Owner::Ours).then_some(Taken { firing, definition, owner }))
    });
    let looks = stream::iter(looks).buffer_unordered(SIDE_BY_SIDE).try_filter_map(async |found| Ok(found));
    let mut firings: Vec<Taken> = looks.try_collect().await?;
    firings.sort_by(|a, b| a.firing.of.cmp(&b.firing.of));
    let fired = |name: &str| {
        firings
            .iter()
            .filter_map(|taken| taken.definition.as_ref())
            .any(|started| started.arn.rsplit('/').next().is_some_and(|other| other.split(':').next() == Some(name)))
    };
    let unfired = jobs
        .into_iter()
        .filter(|(name, _)| !fired(name) && (options.names.is_empty() || names(&options.names, name)))
        .map(|(_, definition)| {
            let owner = own.marker.owner_by_tags(&definition.tags);
            (definition, owner)
        })
        .filter(|(_, owner)| *owner != Owner::Ours)
        .collect();
    let draft = import::draft(&Found { manifests, firings, unfired, place: &options.place });
    let told: Vec<&str> = draft
        .refused
        .iter()
        .map(|refused| refused.name.as_str())
        .chain(
            draft.jobs.iter().flat_map(|job| job.fired_by.iter().map(String::as_str).chain([job.definition.as_str()])),
        )
        .collect();
    match options.names.iter().find(|name| !told.iter().any(|told| names(std::slice::from_ref(name), told))) {
        None => Ok(draft),
        Some(unknown) => {
            let similar = most_similar(unknown, told.into_iter());
            let similar = similar.map(|name| format!("; did you mean `{name}`?")).unwrap_or_default();
            Err(Error::Refused(format!("nothing of the name `{unknown}` starts a task or a job here{similar}")))
        }
    }
}

/// Writes the files, all of them or none: the project has to hold together afterwards.
fn write(global: &Global, draft: &Draft) -> Result<Vec<PathBuf>, Error> {
    let mut files: BTreeMap<PathBuf, String> =
        draft.files.iter().map(|(path, text)| (global.dir.join(path), text.clone())).collect();
    if let Some(there) = files.keys().find(|path| path.exists()) {
        let words = format!("{} is there already, and nothing was written; say another `--place`", there.display());
        return Err(Error::Refused(words));
    }
    let stack = global.dir.join("freshet.yml");
    let before = fs::read_to_string(&stack).map_err(|cause| Error::File { path: stack.clone(), cause })?;
    if !draft.secrets.is_empty() {
        let text = import::stack::with_secrets(&before, &draft.secrets).ok_or_else(|| {
            let pairs: Vec<String> =
                draft.secrets.iter().map(|(name, reference)| format!("{name}: \"{reference}\"")).collect();
            Error::Refused(format!(
                "freshet.yml writes `secrets` in a way that cannot be added to; write {} there, and import again",
                pairs.join(", ")
            ))
        })?;
        files.insert(stack.clone(), text);
    }
    let written = files.iter().try_for_each(|(path, text)| put(path, text));
    let holds = written.and_then(|()| project::load(global).map(drop));
    if let Err(error) = holds {
        let _ = fs::write(&stack, before);
        for path in files.keys().filter(|path| **path != stack) {
            let _ = fs::remove_file(path);
        }
        return Err(error);
    }
    Ok(files.into_keys().collect())
}

fn put(path: &Path, text: &str) -> Result<(), Error> {
    let fail = |cause| Error::Unwritable { path: path.to_owned(), cause };
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder).map_err(fail)?;
    }
    fs::write(path, text).map_err(fail)
}
