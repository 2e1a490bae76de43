//! The deployer against an AWS control plane that reads every field back, through a proxy that records, counts and fails.

#![expect(clippy::unwrap_used, reason = "a journey that cannot go on has failed")]

mod alarms;
mod budget;
mod chance;
mod convergence;
mod faces;
mod import;
mod jobs;
mod meeting;
mod ownership;
mod peers;
mod permissions;
mod rounds;
mod secrets;
mod spot;
mod stage;
mod takeover;
mod verbs;
