//! The calendar against three independent readings: a scan of every minute, a reading of the text by hand, and another cron library.

mod against_croner;
mod aws;
mod fires;
mod oracle;
mod spread;
mod unix;
