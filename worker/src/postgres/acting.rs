//! As whom a statement runs: the role that logged in, or one that it is a member of.

use super::identifiers::quote_ident;

/// As whom a statement runs.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Acting {
    /// The role that logged in.
    Login,
    /// A role that it may become.
    Role(String),
}

impl Acting {
    /// The statement that becomes this role until the transaction ends.
    pub fn set_local(&self) -> String {
        match self {
            Self::Login => "SET LOCAL ROLE NONE".to_owned(),
            Self::Role(name) => format!("SET LOCAL ROLE {}", quote_ident(name)),
        }
    }

    /// Its name, when it is not the login role.
    pub fn role(&self) -> Option<&str> {
        match self {
            Self::Login => None,
            Self::Role(name) => Some(name),
        }
    }
}
