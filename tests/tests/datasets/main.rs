//! The datasets of this repository: each loads its sample into a real PostgreSQL as its expectation says, the publishers' own first lines
//! where a folder of them is named, and the schedules start them in an orderly way. Which datasets there are is read from the files.

#![allow(clippy::unwrap_used, reason = "the helpers of a test fail it by panicking")]

mod angeles;
mod desk;
mod expected;

mod first_lines;
mod hostile;
mod names;
mod new;
mod samples;
mod schedules;
