//! What every session of a run is set to, whatever role, database or server say by default.

use std::fmt::Write as _;

use super::identifiers::quote_literal;

/// Bytes that PostgreSQL keeps of `application_name`.
const LONGEST_NAME: usize = 63;

/// Digits of the run's id that stand in `application_name`.
const SHORT_RUN: usize = 8;

/// Memory that one index build or one `ANALYZE` may take in the server.
const MAINTENANCE_MEMORY: &str = "256MB";

/// A server notices the end of a client only when it next writes to it, unless it is told to look: a killed worker's index
/// would be built to its end, under locks that its next run needs. Servers on Windows cannot look and refuse the setting.
const NOTICE_OUR_END: &str = "DO $$ BEGIN PERFORM set_config('client_connection_check_interval', '1s', false);
    EXCEPTION WHEN OTHERS THEN NULL; END $$";

/// What a session is opened for; it decides its timeouts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// Holds the dataset's advisory lock in an open transaction, and does nothing else.
    Lease,
    /// Reads and writes the ledger, one statement a transaction.
    Ledger,
    /// Reads catalogs, copies rows, builds indexes, publishes.
    Load,
}

/// Who a session works for, as `pg_stat_activity` shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Session {
    dataset: String,
    run: String,
}

impl Session {
    /// A session of this run of this dataset.
    pub fn new(dataset: impl std::fmt::Display, run: impl std::fmt::Display) -> Self {
        Self { dataset: dataset.to_string(), run: run.to_string() }
    }

    /// `freshet <dataset> run=<first digits of the run's id>`, at most 63 bytes.
    pub fn application_name(&self) -> String {
        let short: String = self.run.chars().take(SHORT_RUN).collect();
        let name = format!("freshet {} run={short}", self.dataset);
        name.chars()
            .scan(0, |bytes, c| {
                *bytes += c.len_utf8();
                (*bytes <= LONGEST_NAME).then_some(c)
            })
            .collect()
    }
}

/// The statements that every session begins with.
pub(super) fn settings(purpose: Purpose) -> String {
    let mut sql = String::new();
    let (statement_timeout, lock_timeout) = match purpose {
        Purpose::Lease | Purpose::Load => ("0", "0"),
        Purpose::Ledger => ("60s", "30s"),
    };
    let settings = [
        ("TimeZone", "UTC"),
        ("DateStyle", "ISO, YMD"),
        ("IntervalStyle", "postgres"),
        ("client_encoding", "UTF8"),
        ("client_min_messages", "warning"),
        // Nothing planted in a schema that others may write to is ever picked up.
        ("search_path", "pg_catalog, pg_temp"),
        ("standard_conforming_strings", "on"),
        ("bytea_output", "hex"),
        ("default_transaction_isolation", "read committed"),
        // Definitions are read as text and compared.
        ("quote_all_identifiers", "off"),
        // Reading catalogs never repays compilation, least of all under locks.
        ("jit", "off"),
        // What is read under locks has been planned before them.
        ("plan_cache_mode", "force_generic_plan"),
        // A table that a policy thins out is an error, not a smaller table.
        ("row_security", "off"),
        ("maintenance_work_mem", MAINTENANCE_MEMORY),
        ("statement_timeout", statement_timeout),
        ("lock_timeout", lock_timeout),
        // The lease and a load's transaction stay open for as long as the source takes.
        ("idle_in_transaction_session_timeout", "0"),
        ("idle_session_timeout", "0"),
        // A worker whose machine vanished is noticed, and its locks are freed, within half a minute.
        ("tcp_keepalives_idle", "15"),
        ("tcp_keepalives_interval", "5"),
        ("tcp_keepalives_count", "3"),
    ];
    for (name, value) in settings {
        let _ = write!(sql, "SET {name} = {};", set_value(name, value));
    }
    sql.push_str(NOTICE_OUR_END);
    sql
}

fn set_value(name: &str, value: &str) -> String {
    // A list must not be one quoted word.
    if name == "search_path" || name == "DateStyle" { value.to_owned() } else { quote_literal(value) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_session_names_dataset_and_run_within_what_postgresql_keeps() {
        let session = Session::new("hpd_violations", "7f0c9a52-0000-4000-8000-000000000000");
        assert_eq!(session.application_name(), "freshet hpd_violations run=7f0c9a52");
        assert_eq!(Session::new("x".repeat(40), "7f0c9a52").application_name().len(), 61);
        assert!(Session::new("é".repeat(40), "7f0c9a52").application_name().len() <= 63);
    }
}
