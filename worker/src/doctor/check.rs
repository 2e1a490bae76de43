//! One thing that was looked at, and what came of it.

use std::fmt;

use serde::Serialize;

use crate::fault::Exit;
use crate::trouble::Trouble;

/// One thing that was looked at.
#[derive(Debug, Serialize)]
pub struct Check {
    /// What: one word or two.
    pub name: &'static str,
    /// What came of it.
    #[serde(flatten)]
    pub verdict: Verdict,
    /// What a person should do.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub advice: Option<String>,
    /// Statements that make it right, each with what it is for.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub sql: Vec<Remedy>,
}

/// A statement that makes something right.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Remedy {
    /// What it is for.
    pub why: String,
    /// The statement, without a semicolon at the end.
    pub statement: String,
}

/// What came of a check.
#[derive(Debug, Serialize)]
#[serde(tag = "verdict", rename_all = "lowercase")]
pub enum Verdict {
    /// It is as it should be.
    Passed {
        /// What was seen.
        detail: String,
    },
    /// A load goes through, but somebody should know.
    Noted {
        /// What was seen.
        detail: String,
    },
    /// A load would fail.
    Wrong {
        /// Why.
        detail: String,
        /// How it would end.
        #[serde(serialize_with = "code")]
        exit: Exit,
    },
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks for a reference")]
fn code<S: serde::Serializer>(exit: &Exit, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_i32(*exit as i32)
}

impl Check {
    fn new(name: &'static str, verdict: Verdict) -> Self {
        Self { name, verdict, advice: None, sql: Vec::new() }
    }

    pub(super) fn passed(name: &'static str, detail: impl Into<String>) -> Self {
        Self::new(name, Verdict::Passed { detail: detail.into() })
    }

    pub(super) fn noted(name: &'static str, detail: impl Into<String>) -> Self {
        Self::new(name, Verdict::Noted { detail: detail.into() })
    }

    pub(super) fn wrong(name: &'static str, detail: impl Into<String>, exit: Exit) -> Self {
        Self::new(name, Verdict::Wrong { detail: detail.into(), exit })
    }

    /// As a load would end that met this error.
    pub(super) fn failed(name: &'static str, error: impl Into<Trouble>) -> Self {
        let trouble: Trouble = error.into();
        Self { advice: trouble.advice(), ..Self::wrong(name, trouble.to_string(), trouble.exit()) }
    }

    pub(super) fn advising(self, advice: impl Into<String>) -> Self {
        Self { advice: Some(advice.into()), ..self }
    }

    pub(super) fn repaired_by(self, sql: Vec<Remedy>) -> Self {
        Self { sql, ..self }
    }

    /// How a load would end for it; `None` when it would not.
    pub fn exit(&self) -> Option<Exit> {
        match &self.verdict {
            Verdict::Wrong { exit, .. } => Some(*exit),
            Verdict::Passed { .. } | Verdict::Noted { .. } => None,
        }
    }
}

impl fmt::Display for Check {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (sign, detail) = match &self.verdict {
            Verdict::Passed { detail } => ("ok", detail),
            Verdict::Noted { detail } => ("note", detail),
            Verdict::Wrong { detail, .. } => ("WRONG", detail),
        };
        write!(f, "{sign:<6}{:<12}{detail}", self.name)?;
        let indent = " ".repeat(18);
        if let Some(advice) = &self.advice {
            write!(f, "\n{indent}→ {advice}")?;
        }
        for remedy in &self.sql {
            write!(f, "\n{indent}→ {};", remedy.statement)?;
        }
        Ok(())
    }
}
