//! The marker that says which stack a thing belongs to. In: a stack and an environment. Out: tags and a line of text that
//! carry it together with a content hash, and, read back, who owns a thing. There is no state file: this is all we know.

use std::collections::BTreeMap;
use std::fmt;

use manifest::{EnvironmentName, StackName};
use serde::{Deserialize, Serialize};

/// Tag that holds the stack's name.
pub const STACK_TAG: &str = "freshet:stack";
/// Tag that holds the environment's name.
pub const ENVIRONMENT_TAG: &str = "freshet:environment";
/// Tag that holds the hash of what was asked for.
pub const HASH_TAG: &str = "freshet:hash";
/// Tag that holds the dataset's name, for cost reports.
pub const DATASET_TAG: &str = "freshet:dataset";

/// Begins the marker inside a Description, whose words before it are for people.
const LEAD: &str = "freshet:v1 ";
/// After the hash of a trigger that is off because a required secret has no value.
const WAITS: &str = "waits-for-secret";

/// Begins the word for a trigger that starts one revision, whatever is newest.
const PINNED: &str = "pinned:";

/// A stack in one environment, as things in AWS carry it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Marker {
    /// The stack.
    pub stack: StackName,
    /// The environment.
    pub environment: EnvironmentName,
}

impl fmt::Display for Marker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.stack, self.environment)
    }
}

/// Whose a thing is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Owner {
    /// This stack's, in this environment.
    Ours,
    /// Another stack's, or a tool's that would make it anew or take it away: it is never taken over.
    Managed(String),
    /// Somebody else's, in their words.
    Other(String),
    /// It carries nothing that tells.
    Unknown,
}

impl fmt::Display for Owner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ours => f.write_str("this stack"),
            Self::Managed(who) | Self::Other(who) => f.write_str(who),
            Self::Unknown => f.write_str("nobody that it names"),
        }
    }
}

/// What a Description of ours says to machines.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Note {
    /// `stack/environment`.
    pub owner: String,
    /// The content hash; absent while the thing is half made.
    pub hash: Option<String>,
    /// Whether it is off only because a required secret has no value.
    pub waits_for_secret: bool,
    /// The revision that it starts, whatever is newest.
    pub pinned: Option<u32>,
}

impl Marker {
    /// The tags of a thing whose content has this hash: the user's own, then ours.
    pub fn tags(&self, own: &BTreeMap<String, String>, hash: Option<&str>) -> BTreeMap<String, String> {
        let mut tags = own.clone();
        tags.insert(STACK_TAG.to_owned(), self.stack.to_string());
        tags.insert(ENVIRONMENT_TAG.to_owned(), self.environment.to_string());
        if let Some(hash) = hash {
            tags.insert(HASH_TAG.to_owned(), hash.to_owned());
        }
        tags
    }

    /// A Description: words for people, then the marker, then the hash.
    pub fn describe(&self, words: &str, hash: Option<&str>, waits_for_secret: bool) -> String {
        let mut text = format!("{words} {LEAD}{self}");
        for part in [hash, waits_for_secret.then_some(WAITS)].into_iter().flatten() {
            text.push(' ');
            text.push_str(part);
        }
        text
    }

    /// The same Description for a trigger that starts this revision, whatever is newest; or no longer.
    pub fn pinned(description: &str, revision: Option<u32>) -> String {
        let kept: Vec<&str> = description.split(' ').filter(|word| !word.starts_with(PINNED)).collect();
        let pin = revision.map(|revision| format!(" {PINNED}{revision}")).unwrap_or_default();
        format!("{}{pin}", kept.join(" "))
    }

    /// Who owns a thing with these tags.
    pub fn owner_by_tags(&self, tags: &BTreeMap<String, String>) -> Owner {
        let of = |key: &str| tags.get(key).map(String::as_str);
        match (of(STACK_TAG), of(ENVIRONMENT_TAG)) {
            (Some(stack), Some(environment))
                if stack == self.stack.as_str() && environment == self.environment.as_str() =>
            {
                Owner::Ours
            }
            (Some(stack), environment) => Owner::Managed(format!("stack {stack}/{}", environment.unwrap_or("?"))),
            (None, _) => foreign(tags),
        }
    }

    /// Who owns a thing with this Description.
    pub fn owner_by_note(&self, description: &str) -> Owner {
        match Note::read(description) {
            Some(note) if note.owner == self.to_string() => Owner::Ours,
            Some(note) => Owner::Managed(format!("stack {}", note.owner)),
            None => tool_in(description)
                .map_or(Owner::Unknown, |tool| Owner::Managed(format!("{tool}, as its description says"))),
        }
    }
}

/// Tags without the marker and the hash: those that a resource's own body holds.
pub fn without_marks(tags: &BTreeMap<String, String>) -> BTreeMap<String, String> {
    let mark = |key: &str| [STACK_TAG, ENVIRONMENT_TAG, HASH_TAG].contains(&key);
    tags.iter().filter(|(key, _)| !mark(key)).map(|(key, value)| (key.clone(), value.clone())).collect()
}

/// Whom tags of other tools name. What a tool keeps a record of is its own whatever other tags say.
pub fn foreign(tags: &BTreeMap<String, String>) -> Owner {
    const KEPT: [(&str, &str); 2] =
        [("aws:cloudformation:stack-name", "CloudFormation stack"), ("copilot-application", "Copilot application")];
    const NAMED: [(&str, &str); 5] = [
        ("ecschedule:tracking-id", "ecschedule"),
        ("ManagedBy", "the tool"),
        ("managed-by", "the tool"),
        ("Owner", "the owner"),
        ("owner", "the owner"),
    ];
    let said = |(key, who): (&str, &str)| tags.get(key).map(|value| format!("{who} {value}"));
    let by_word = |(key, value): (&String, &String)| {
        tool_in(key).or_else(|| tool_in(value)).map(|tool| format!("{tool} (tag {key}={value})"))
    };
    if let Some(who) = KEPT.into_iter().find_map(said).or_else(|| tags.iter().find_map(by_word)) {
        return Owner::Managed(who);
    }
    NAMED.into_iter().find_map(said).map_or(Owner::Unknown, Owner::Other)
}

/// The tool of those that keep a record of what they made, by its name in a tag or a description. None of them has a tag
/// that it always sets but CloudFormation; these words are what teams write.
fn tool_in(text: &str) -> Option<&'static str> {
    const TOOLS: [(&str, &str); 4] = [
        ("cloudformation", "CloudFormation"),
        ("terraform", "Terraform"),
        ("opentofu", "OpenTofu"),
        ("pulumi", "Pulumi"),
    ];
    let text = text.to_ascii_lowercase();
    TOOLS.into_iter().find(|(word, _)| text.contains(word)).map(|(_, tool)| tool)
}

impl Note {
    /// What a Description says to machines, if it is one of ours.
    pub fn read(description: &str) -> Option<Self> {
        let (_, text) = description.rsplit_once(LEAD)?;
        let mut words = text.split_whitespace();
        let owner = words.next().filter(|owner| owner.contains('/'))?.to_owned();
        let mut note = Self { owner, hash: None, waits_for_secret: false, pinned: None };
        for word in words {
            if word == WAITS {
                note.waits_for_secret = true;
            } else if let Some(revision) = word.strip_prefix(PINNED) {
                note.pinned = revision.parse().ok();
            } else if note.hash.is_none() {
                note.hash = Some(word.to_owned());
            }
        }
        Some(note)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn marker() -> Marker {
        Marker { stack: "nycdb".parse().unwrap(), environment: "prod".parse().unwrap() }
    }

    #[test]
    fn a_description_reads_back_as_it_was_written() {
        let text = marker().describe("Loads hpd_violations.", Some("3fa9c1d2e0"), true);
        assert_eq!(text, "Loads hpd_violations. freshet:v1 nycdb/prod 3fa9c1d2e0 waits-for-secret");
        let note = Note::read(&text).unwrap();
        assert_eq!(note.hash.as_deref(), Some("3fa9c1d2e0"));
        assert!(note.waits_for_secret);
        assert_eq!(marker().owner_by_note(&text), Owner::Ours);
        assert_eq!(Note::read("somebody's nightly job"), None);
    }

    #[test]
    fn a_pin_stands_in_the_description_until_it_is_taken_out() {
        let text = marker().describe("Loads hpd_violations.", Some("3fa9c1d2e0"), false);
        let pinned = Marker::pinned(&Marker::pinned(&text, Some(3)), Some(7));
        assert_eq!(pinned, "Loads hpd_violations. freshet:v1 nycdb/prod 3fa9c1d2e0 pinned:7");
        assert_eq!(Note::read(&pinned).unwrap().pinned, Some(7));
        assert_eq!(Note::read(&pinned).unwrap().hash.as_deref(), Some("3fa9c1d2e0"));
        assert_eq!(Marker::pinned(&pinned, None), text);
    }

    #[test]
    fn what_another_stack_or_tool_owns_is_named() {
        let other = Marker { stack: "nycdb".parse().unwrap(), environment: "test".parse().unwrap() };
        let owner = marker().owner_by_tags(&other.tags(&BTreeMap::new(), None));
        assert_eq!(owner.to_string(), "stack nycdb/test");
        let tags = BTreeMap::from([("aws:cloudformation:stack-name".to_owned(), "legacy".to_owned())]);
        assert_eq!(marker().owner_by_tags(&tags).to_string(), "CloudFormation stack legacy");
        assert_eq!(marker().owner_by_tags(&BTreeMap::new()), Owner::Unknown);
    }

    #[test]
    fn what_a_tool_keeps_a_record_of_is_told_from_what_a_person_made() {
        let by = |key: &str, value: &str| {
            marker().owner_by_tags(&BTreeMap::from([
                (key.to_owned(), value.to_owned()),
                ("owner".to_owned(), "data".to_owned()),
            ]))
        };
        let managed = |who: &str| Owner::Managed(who.to_owned());
        assert_eq!(by("ManagedBy", "Terraform"), managed("Terraform (tag ManagedBy=Terraform)"));
        assert_eq!(by("terraform", "true"), managed("Terraform (tag terraform=true)"));
        assert_eq!(
            by("aws:cloudformation:stack-id", "arn"),
            managed("CloudFormation (tag aws:cloudformation:stack-id=arn)")
        );
        assert_eq!(by("team", "data"), Owner::Other("the owner data".to_owned()));
        assert_eq!(marker().owner_by_note("Managed by Terraform"), managed("Terraform, as its description says"));
        assert_eq!(marker().owner_by_note("x freshet:v1 other/prod 3fa9c1d2e0"), managed("stack other/prod"));
    }
}
