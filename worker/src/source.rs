//! Where bytes come from. A source of the manifest comes in; what goes out is a body that is still being downloaded, or a file
//! that can be sought, and afterwards the fingerprint of what was read. HTTP(S), local files, a folder in the place of all
//! sources, and an environment's mirror.

mod access;
mod ahead;
mod arcgis;
mod archive;
mod body;
mod checksum;
mod discover;
mod download;
mod error;
mod filling;
mod fingerprint;
mod hosts;
mod http;
mod item;
mod locate;
mod pull;
mod reach;
mod s3;
mod sftp;
mod socrata;

pub use access::{Access, Input, Means, Missing, Opened, ReadFrom, Use};
pub use archive::Archived;
pub use body::{Body, Coding};
pub use error::SourceError;
pub use filling::SecretLookup;
pub use fingerprint::{Content, Digest, SourceFingerprint};
pub use http::Patience;
pub use reach::STARTS;
pub use socrata::{Since, ToldColumn};
