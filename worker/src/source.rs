//! Where bytes come from. A source of the manifest comes in; what goes out is a body that is still being downloaded, or a file
//! that can be sought, and afterwards the fingerprint of what was read. HTTP(S), local files, a folder in the place of all
//! sources, and an environment's mirror.

mod access;
mod ahead;
mod arcgis;
mod body;
mod checksum;
mod discover;
mod download;
mod error;
mod fingerprint;
mod hosts;
mod http;
mod item;
mod locate;
mod reach;
mod s3;
mod socrata;

pub use access::{Access, Input, Means, Missing, Opened, ReadFrom, Use};
pub use body::{Body, Coding};
pub use error::SourceError;
pub use fingerprint::{Content, Digest, SourceFingerprint};
pub use http::Patience;
pub use locate::SecretLookup;
pub use reach::STARTS;
pub use socrata::Since;
