//! Loads one dataset into PostgreSQL without its readers noticing.
//!
//! A row goes one way through the house: `source` gives bytes, `format` makes records of them, `reading` encodes each field
//! as the exact value of its column, `staging` copies them into tables nobody reads yet, `publish` swaps those live and
//! `ledger` remembers it. What SQL makes of tables, `derived` finds out before; what follows a publish is run by `after`.
//! `run` is the one page that names these stages in order; `report` tells what happened.

pub mod after;
pub mod aws;
pub mod check;
pub mod command;
pub mod derived;
pub mod diff;
pub mod doctor;
pub mod draft;
pub mod fault;
pub mod format;
pub mod ledger;
pub mod postgres;
pub mod publish;
pub mod reading;
pub mod replay;
pub mod report;
pub mod run;
pub mod secrets;
pub mod settings;
pub mod source;
pub mod spool;
pub mod staging;
pub mod trouble;
