//! From a publisher on loopback, with the faults that publishers have, to the binary `COPY` stream of a table.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod conformance;
mod copied;
mod faults;
mod formats;
mod house;
mod kinds;
mod portals;
mod resuming;
mod sftp;
mod unchanged;
mod workbooks;
