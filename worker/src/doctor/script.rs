//! The script for whoever owns the database: pure text.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use super::check::{Check, Remedy};

/// Every statement once, each below what it is for. `login` is the role that loads and its database.
pub(super) fn write(dataset: &str, login: Option<(&str, &str)>, checks: &[Check]) -> String {
    let mut script = String::new();
    let _ = match login {
        Some((user, database)) => {
            writeln!(script, "-- What role {user} needs in database {database} to load {dataset}.")
        }
        None => writeln!(script, "-- What is needed to load {dataset}."),
    };
    let remedies: BTreeSet<&Remedy> = checks.iter().flat_map(|check| &check.sql).collect();
    if remedies.is_empty() {
        script.push_str(if checks.iter().any(|check| check.exit().is_some()) {
            "-- Something is wrong that no statement makes right: see the checks without --sql.\n"
        } else {
            "-- Nothing is missing.\n"
        });
        return script;
    }
    script.push_str("-- Run it as a superuser, or as the owner of what it names; run the doctor again afterwards.\n");
    let mut statements: Vec<(&str, Vec<&str>)> = Vec::new();
    for remedy in remedies {
        match statements.iter_mut().find(|(statement, _)| *statement == remedy.statement) {
            Some((_, reasons)) => reasons.push(&remedy.why),
            None => statements.push((&remedy.statement, vec![&remedy.why])),
        }
    }
    for (statement, reasons) in statements {
        let _ = writeln!(script, "\n-- to {}\n{statement};", reasons.join("; to "));
    }
    script
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fault::Exit;

    fn remedy(why: &str, statement: &str) -> Remedy {
        Remedy { why: why.to_owned(), statement: statement.to_owned() }
    }

    #[test]
    fn a_script_has_each_statement_once_with_all_it_is_for() {
        let checks = [
            Check::passed("manifest", "1 table"),
            Check::wrong("ledger", "no", Exit::Permission).repaired_by(vec![remedy("make the ledger", "GRANT a TO b")]),
            Check::wrong("rights", "no", Exit::Permission)
                .repaired_by(vec![remedy("make staging", "GRANT a TO b"), remedy("own", "GRANT c TO b")]),
        ];
        assert_eq!(
            write("trees", Some(("loader", "city")), &checks),
            "-- What role loader needs in database city to load trees.\n\
             -- Run it as a superuser, or as the owner of what it names; run the doctor again afterwards.\n\
             \n-- to make staging; to make the ledger\nGRANT a TO b;\n\
             \n-- to own\nGRANT c TO b;\n"
        );
    }

    #[test]
    fn a_script_that_has_nothing_to_do_says_so() {
        assert!(write("trees", None, &[Check::passed("a", "b")]).ends_with("-- Nothing is missing.\n"));
        let wrong = [Check::wrong("connection", "no such host", Exit::Unavailable)];
        assert!(write("trees", None, &wrong).contains("no statement makes right"));
    }
}
