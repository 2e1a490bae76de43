//! What the environment tells a run: the contract of [`manifest::contract`] read once, checked, and never looked at again.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use jiff::Timestamp;
use manifest::SecretName;
use manifest::contract;
use manifest::schedule::Mode;
use manifest::stack::SecretReference;

use crate::fault::{Exit, Fault};

/// Deadline of a run whose definition names none.
pub const DEFAULT_TIMEOUT: Duration = Duration::from_hours(6);

/// Tries of a run whose definition names none.
pub const DEFAULT_ATTEMPTS: u32 = 1;

/// Reads one environment variable.
pub trait Environment: Fn(&str) -> Option<String> {}
impl<T: Fn(&str) -> Option<String>> Environment for T {}

/// What the environment tells a run.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The stack and environment that started it; `None` on somebody's own machine.
    pub stack: Option<Stack>,
    /// The firing it answers to.
    pub scheduled_time: Option<Timestamp>,
    /// How much of the source is read.
    pub mode: Mode,
    /// Base address that replaces every source's own.
    pub sources: Option<String>,
    /// Folder for what must be seekable.
    pub spool: PathBuf,
    /// The run's deadline, counted from its start.
    pub timeout: Duration,
    /// Tries in all.
    pub attempts: u32,
    /// Where secrets are, by the name the worker knows them under.
    pub secrets: BTreeMap<SecretName, SecretReference>,
}

/// The stack and environment that started a run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stack {
    /// The stack's name.
    pub name: String,
    /// The environment's name.
    pub environment: String,
}

/// A variable that does not hold what it should.
#[derive(Debug, thiserror::Error)]
#[error("{variable} is `{given}`, which is not {expected}")]
pub struct SettingsError {
    variable: &'static str,
    given: String,
    expected: &'static str,
}

impl Fault for SettingsError {
    fn code(&self) -> &'static str {
        "environment"
    }
    fn exit(&self) -> Exit {
        Exit::Configuration
    }
    fn advice(&self) -> Option<String> {
        Some(format!("correct {} where the definition sets it, or deploy again", self.variable))
    }
}

impl Settings {
    /// Reads the contract's variables.
    pub fn read(environment: &impl Environment) -> Result<Self, SettingsError> {
        // What AWS did not substitute arrives as it was written, and an empty override means none.
        let set = |variable: &str| environment(variable).filter(|value| !value.is_empty());
        let number = |variable: &'static str, default: u64| match set(variable) {
            None => Ok(default),
            Some(given) => match given.parse::<u64>() {
                Ok(number) if number > 0 => Ok(number),
                _ => Err(SettingsError { variable, given, expected: "a whole number above 0" }),
            },
        };
        Ok(Self {
            stack: set(contract::STACK)
                .map(|name| Stack { name, environment: set(contract::ENVIRONMENT).unwrap_or_default() }),
            scheduled_time: set(contract::SCHEDULED_TIME)
                .map(|given| {
                    given.parse().map_err(|_| SettingsError {
                        variable: contract::SCHEDULED_TIME,
                        given,
                        expected: "a time such as 2026-03-01T03:00:00Z",
                    })
                })
                .transpose()?,
            mode: match set(contract::MODE).as_deref() {
                None | Some("normal") => Mode::Normal,
                Some("full") => Mode::Full,
                Some(other) => {
                    return Err(SettingsError {
                        variable: contract::MODE,
                        given: other.to_owned(),
                        expected: "`normal` or `full`",
                    });
                }
            },
            sources: set(contract::SOURCES).map(|base| base.trim_end_matches('/').to_owned()),
            spool: set(contract::SPOOL).map_or_else(std::env::temp_dir, PathBuf::from),
            timeout: Duration::from_secs(number(contract::TIMEOUT, DEFAULT_TIMEOUT.as_secs())?),
            attempts: u32::try_from(number(contract::ATTEMPTS, DEFAULT_ATTEMPTS.into())?).unwrap_or(u32::MAX),
            secrets: read_secrets(set(contract::SECRETS))?,
        })
    }
}

fn read_secrets(value: Option<String>) -> Result<BTreeMap<SecretName, SecretReference>, SettingsError> {
    let Some(given) = value else { return Ok(BTreeMap::new()) };
    let parsed = serde_json::from_str::<BTreeMap<SecretName, String>>(&given).ok().and_then(|names| {
        names.into_iter().map(|(name, reference)| Some((name, reference.parse().ok()?))).collect::<Option<_>>()
    });
    // Not echoed: somebody may have put a secret itself there.
    parsed.ok_or(SettingsError {
        variable: contract::SECRETS,
        given: "…".to_owned(),
        expected: r#"a JSON object such as {"DATABASE_URL": "nycdb/database:url"}"#,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(pairs: &[(&str, &str)]) -> Result<Settings, SettingsError> {
        let pairs: BTreeMap<String, String> = pairs.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
        Settings::read(&move |name: &str| pairs.get(name).cloned())
    }

    #[test]
    fn an_empty_environment_is_somebodys_own_machine() {
        let settings = read(&[]).expect("defaults");
        assert_eq!(settings.stack, None);
        assert_eq!(settings.timeout, DEFAULT_TIMEOUT);
        assert_eq!(settings.attempts, 1);
        assert!(settings.secrets.is_empty());
    }

    #[test]
    fn the_contract_reads_back_what_the_deployer_writes() {
        let settings = read(&[
            ("FRESHET_STACK", "nyc"),
            ("FRESHET_ENV", "prod"),
            ("FRESHET_SCHEDULED_TIME", "2026-03-01T03:00:00Z"),
            ("FRESHET_MODE", "full"),
            ("FRESHET_SOURCES", "http://127.0.0.1:9/samples/"),
            ("FRESHET_TIMEOUT", "7200"),
            ("FRESHET_ATTEMPTS", "2"),
            ("FRESHET_SECRETS", r#"{"DATABASE_URL":"nyc/database:url","SLACK":"nyc/slack?"}"#),
        ])
        .expect("valid");
        assert_eq!(settings.stack, Some(Stack { name: "nyc".into(), environment: "prod".into() }));
        assert_eq!(settings.mode, Mode::Full);
        assert_eq!(settings.sources.as_deref(), Some("http://127.0.0.1:9/samples"));
        assert_eq!(settings.timeout.as_secs(), 7_200);
        assert_eq!(settings.secrets.len(), 2);
    }

    #[test]
    fn a_variable_that_makes_no_sense_is_named_with_what_it_should_hold() {
        let error = read(&[("FRESHET_TIMEOUT", "2h")]).expect_err("not a number");
        assert_eq!(error.to_string(), "FRESHET_TIMEOUT is `2h`, which is not a whole number above 0");
        assert!(read(&[("FRESHET_SCHEDULED_TIME", "<aws.scheduler.scheduled-time>")]).is_err());
    }

    #[test]
    fn what_stands_in_the_secrets_variable_is_never_echoed() {
        let error = read(&[("FRESHET_SECRETS", "postgres://user:hunter2@host/db")]).expect_err("not JSON");
        assert!(!error.to_string().contains("hunter2"));
    }
}
