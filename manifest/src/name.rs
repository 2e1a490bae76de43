//! Names, each checked once where it enters and never again: a value of one of these types is valid by construction.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};

/// A name that does not follow its kind's rule.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{kind} `{given}` {reason}")]
pub struct NameError {
    kind: &'static str,
    given: String,
    reason: String,
}

fn check(kind: &'static str, given: &str, longest: usize, rule: Rule) -> Result<(), NameError> {
    let fail = |reason: String| Err(NameError { kind, given: given.to_owned(), reason });
    if given.is_empty() {
        return fail("is empty".to_owned());
    }
    if given.len() > longest {
        return fail(format!("has {} bytes; at most {longest} are allowed", given.len()));
    }
    let first = given.chars().next().unwrap_or_default();
    if !(rule.first)(first) {
        return fail(format!("may not begin with `{first}`; {}", rule.says));
    }
    match given.chars().find(|c| !(rule.rest)(*c)) {
        Some(bad) => fail(format!("may not hold `{}`; {}", bad.escape_debug(), rule.says)),
        None => Ok(()),
    }
}

#[derive(Clone, Copy)]
struct Rule {
    first: fn(char) -> bool,
    rest: fn(char) -> bool,
    says: &'static str,
    /// The same for a JSON Schema; an editor may be laxer than we are.
    pattern: &'static str,
}

const SNAKE: Rule = Rule {
    first: |c| c.is_ascii_lowercase(),
    rest: |c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_',
    says: "use lower-case letters, digits and _, beginning with a letter",
    pattern: "^[a-z][a-z0-9_]*$",
};

const KEBAB: Rule = Rule {
    first: |c| c.is_ascii_lowercase(),
    rest: |c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-' || c == '_',
    says: "use lower-case letters, digits, - and _, beginning with a letter",
    pattern: "^[a-z][a-z0-9_-]*$",
};

/// PostgreSQL takes any character in a quoted identifier; we take what needs no second thought in SQL, YAML and a shell.
const IDENTIFIER: Rule = Rule {
    first: |c| c.is_lowercase() || c == '_',
    rest: |c| (c.is_alphanumeric() && !c.is_uppercase()) || c == '_' || c == '$',
    says: "use lower-case letters, digits and _, beginning with a letter or _",
    pattern: "^[^A-Z]+$",
};

const SECRET: Rule = Rule {
    first: |c| c.is_ascii_uppercase() || c == '_',
    rest: |c| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_',
    says: "use upper-case letters, digits and _, as in an environment variable",
    pattern: "^[A-Z_][A-Z0-9_]*$",
};

macro_rules! name {
    ($(#[$doc:meta])* $type:ident, $kind:literal, $longest:literal, $rule:expr) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $type(String);

        impl $type {
            /// The name as text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl FromStr for $type {
            type Err = NameError;
            fn from_str(given: &str) -> Result<Self, NameError> {
                check($kind, given, $longest, $rule)?;
                Ok(Self(given.to_owned()))
            }
        }

        impl TryFrom<String> for $type {
            type Error = NameError;
            fn try_from(given: String) -> Result<Self, NameError> {
                given.parse()
            }
        }

        impl From<$type> for String {
            fn from(name: $type) -> String {
                name.0
            }
        }

        impl fmt::Display for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl JsonSchema for $type {
            fn schema_name() -> Cow<'static, str> {
                stringify!($type).into()
            }

            fn inline_schema() -> bool {
                true
            }

            fn json_schema(_: &mut SchemaGenerator) -> Schema {
                json_schema!({"type": "string", "maxLength": $longest, "pattern": $rule.pattern})
            }
        }

        impl AsRef<str> for $type {
            fn as_ref(&self) -> &str {
                &self.0
            }
        }
    };
}

name! {
    /// A dataset's name, also the name of its file without `.yml`. At most 40 bytes, so that `<name>.<hash>` and the staging
    /// and previous schemas stay within what AWS (64) and PostgreSQL (63) allow.
    DatasetName, "dataset name", 40, SNAKE
}
name! {
    /// A PostgreSQL identifier (schema, table, column, index, view) as it is stored: lower case, at most 63 bytes.
    Identifier, "identifier", 63, IDENTIFIER
}

impl Identifier {
    /// The schema `public`.
    pub fn public() -> Self {
        Self("public".to_owned())
    }
}

name! {
    /// A stack's name, at most 20 bytes: it stands in the names of roles, groups and queues.
    StackName, "stack name", 20, KEBAB
}
name! {
    /// An environment's name, such as `prod`; at most 12 bytes.
    EnvironmentName, "environment name", 12, KEBAB
}
name! {
    /// A task-def's name: the file in `task-defs/` without `.yml`.
    TaskDefName, "task-def name", 40, KEBAB
}
name! {
    /// A secret's name inside the worker, such as `DATABASE_URL`.
    SecretName, "secret name", 64, SECRET
}

impl SecretName {
    /// The secret that holds the target database's address.
    pub fn database_url() -> Self {
        Self(crate::contract::DATABASE_URL.to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_that_breaks_its_rule_says_which_character_and_what_is_allowed() {
        let error = "HPD".parse::<DatasetName>().expect_err("upper case");
        assert_eq!(
            error.to_string(),
            "dataset name `HPD` may not begin with `H`; use lower-case letters, digits and _, beginning with a letter"
        );
        assert!("a b".parse::<Identifier>().is_err());
        assert!("".parse::<StackName>().is_err());
        assert!("x".repeat(41).parse::<DatasetName>().is_err());
    }

    #[test]
    fn names_that_people_use_are_accepted() {
        assert!("hpd_violations".parse::<DatasetName>().is_ok());
        assert!("pluto_16v2".parse::<DatasetName>().is_ok());
        assert!("_id".parse::<Identifier>().is_ok());
        assert!("DATABASE_URL".parse::<SecretName>().is_ok());
        assert!("civic-test".parse::<StackName>().is_ok());
    }
}
