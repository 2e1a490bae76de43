//! The worker's rooms against a real PostgreSQL, by roles that are no superusers.
#![allow(missing_docs, clippy::unwrap_used, reason = "a test fails by its panic, and its name is its documentation")]

mod carrying;
mod connecting;
mod contending;
mod crowding;
mod declaring;
mod duplicates;
mod generations;
mod guarding;
mod ledger;
mod matviews;
mod modelled;
mod progressing;
mod protecting;
mod publishing;
mod recreating;
mod referring;
mod refusing;
mod severed;
mod support;
mod upserting;
