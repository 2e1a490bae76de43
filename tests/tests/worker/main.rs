//! Journeys through the worker's binary as its users have it: a real PostgreSQL, a publisher on loopback that can fail as
//! publishers do, and a project folder of its own for each. What comes in is a manifest and a file; what is looked at is
//! exit codes, log lines, the ledger and, above all, the live table.

#![allow(clippy::unwrap_used, reason = "the helpers of a test fail it by panicking")]

mod generations;
mod support;

mod after;
mod archive;
mod columns;
mod crashes;
mod databases;
mod derived;
mod diff;
mod doctor;
mod firings;
mod formats;
mod guards;
mod kept;
mod manifests;
mod memory;
mod modes;
mod portals;
mod readers;
mod rejects;
mod relayed;
mod replay;
mod rollback;
mod rows;
mod secrets;
mod sources;
mod stopping;
mod survival;
mod torture;
mod types;
mod views;
