//! Who may do what: as whom each table is made, moved and dressed, and the `GRANT` that helps where nobody may.

use std::collections::BTreeSet;

use tokio_postgres::Row;

use crate::postgres::Acting;
use crate::postgres::identifiers::quote_ident;

/// A right that is missing.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Missing {
    /// What the login role may not do.
    pub what: String,
    /// The statement that lets it, for an owner or superuser.
    pub grant: String,
}

impl Missing {
    pub(super) fn new(what: impl Into<String>, grant: impl Into<String>) -> Self {
        Self { what: what.into(), grant: grant.into() }
    }

    /// Membership in a role.
    pub(super) fn membership(role: &str, login: &str, why: &str) -> Self {
        Self::new(
            format!("act as role {role}, {why}"),
            format!("GRANT {} TO {}", quote_ident(role), quote_ident(login)),
        )
    }

    /// `CREATE` in a schema.
    pub(super) fn create_in(schema: &str, login: &str) -> Self {
        Self::new(
            format!("create in schema {schema}"),
            format!("GRANT USAGE, CREATE ON SCHEMA {} TO {}", quote_ident(schema), quote_ident(login)),
        )
    }
}

/// An owner as seen by the role that logged in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Owner {
    /// Its name.
    pub name: String,
    /// Whether what it may do, the login role may do too without becoming it.
    pub inherited: bool,
    /// Whether the login role may become it.
    pub reachable: bool,
    /// Whether it may create in the schema that its object stands in.
    pub creates: bool,
}

impl Owner {
    /// Takes the columns `owner, inherits, can_set, owner_creates` of a row.
    pub(super) fn read(row: &Row) -> Self {
        Self {
            name: row.get("owner"),
            inherited: row.get("inherits"),
            reachable: row.get("can_set"),
            creates: row.get("owner_creates"),
        }
    }

    /// As whom its object is changed where it stands.
    pub(super) fn touching(&self, login: &str, missing: &mut BTreeSet<Missing>) -> Acting {
        if !self.inherited && self.reachable {
            return Acting::Role(self.name.clone());
        }
        if !self.inherited {
            missing.insert(Missing::membership(&self.name, login, "which owns what is to be bound again"));
        }
        Acting::Login
    }

    /// As whom a table is made that is to belong to this owner.
    pub(super) fn making(&self, login: &str, missing: &mut BTreeSet<Missing>) -> Acting {
        if self.name == login {
            return Acting::Login;
        }
        if !self.reachable {
            missing.insert(Missing::membership(&self.name, login, "which owns a live table"));
        }
        Acting::Role(self.name.clone())
    }

    /// As whom its object is moved into, or replaced in, its schema.
    pub(super) fn placing(
        &self,
        login: &str,
        login_creates: bool,
        schema: &str,
        missing: &mut BTreeSet<Missing>,
    ) -> Acting {
        if self.inherited && login_creates {
            return Acting::Login;
        }
        if self.name != login && self.reachable && self.creates {
            return Acting::Role(self.name.clone());
        }
        if !self.inherited && !self.reachable {
            missing.insert(Missing::membership(&self.name, login, "which owns what is to be replaced"));
        }
        if !login_creates {
            missing.insert(Missing::create_in(schema, login));
        }
        Acting::Login
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn owner(inherited: bool, reachable: bool, creates: bool) -> Owner {
        Owner { name: "own".into(), inherited, reachable, creates }
    }

    #[test]
    fn a_table_of_another_role_is_made_as_that_role_and_moved_by_whoever_may() {
        let mut missing = BTreeSet::new();
        assert_eq!(owner(true, true, false).making("me", &mut missing), Acting::Role("own".into()));
        assert_eq!(owner(true, true, false).placing("me", true, "s", &mut missing), Acting::Login);
        assert_eq!(owner(false, true, true).placing("me", true, "s", &mut missing), Acting::Role("own".into()));
        assert_eq!(missing, BTreeSet::new());
    }

    #[test]
    fn what_is_missing_is_named_with_its_grant() {
        let mut missing = BTreeSet::new();
        owner(false, false, false).making("me", &mut missing);
        owner(true, true, false).placing("me", false, "s", &mut missing);
        let grants: Vec<&str> = missing.iter().map(|m| m.grant.as_str()).collect();
        assert_eq!(grants, ["GRANT \"own\" TO \"me\"", "GRANT USAGE, CREATE ON SCHEMA \"s\" TO \"me\""]);
    }
}
