//! Any stage's error on its way out: what it says with its whole chain of causes, and its consequences.

use std::fmt;

use manifest::run::Outcome;

use crate::fault::{Exit, Fault, Retry};

/// What ended a run. `run` passes it on and only ever asks for its consequences.
#[derive(Debug)]
pub struct Trouble(Box<dyn Fault>);

impl<F: Fault> From<F> for Trouble {
    fn from(fault: F) -> Self {
        Self(Box::new(fault))
    }
}

impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut said = self.0.to_string();
        f.write_str(&said)?;
        let mut cause = self.0.source();
        while let Some(error) = cause {
            let text = error.to_string();
            // Many errors repeat their cause in their own words.
            if !said.contains(&text) {
                write!(f, ": {text}")?;
                said = text;
            }
            cause = error.source();
        }
        Ok(())
    }
}

impl Trouble {
    /// The error's code.
    pub fn code(&self) -> &'static str {
        self.0.code()
    }

    /// How the process ends.
    pub fn exit(&self) -> Exit {
        self.0.exit()
    }

    /// Whether another try can help.
    pub fn retry(&self) -> Retry {
        self.0.retry()
    }

    /// What a person should do.
    pub fn advice(&self) -> Option<String> {
        self.0.advice()
    }

    /// How the run ended.
    pub fn outcome(&self) -> Outcome {
        match self.exit() {
            Exit::Refused => Outcome::Refused,
            Exit::Stopped => Outcome::Stopped,
            _ => Outcome::Failed,
        }
    }
}
