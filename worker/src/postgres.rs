//! The target database: a secret address comes in, sessions go out that all speak UTC, UTF-8 and qualified names, whose
//! errors say what was attempted and what to do, and never hold the secret.

pub mod address;
pub mod copy;
pub mod error;
pub mod identifiers;
pub mod session;

mod acting;
mod connection;
mod pool;
mod tls;

pub use acting::Acting;
pub use address::{BUNDLE_PATH, BUNDLE_VARIABLE, Protection, Target, bundle};
pub use connection::Connection;
pub use error::Error;
pub use pool::Pool;
pub use session::{Purpose, Session};
