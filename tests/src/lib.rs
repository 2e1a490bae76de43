//! Real parts for tests, demo and bench: what a deployment needs around it, started on loopback in a second and gone
//! when its handle is dropped. PostgreSQL is PostgreSQL; the AWS control plane is an emulator that reads every field
//! back; a recording proxy adds the faults and page sizes that the emulator leaves out; `fargate` runs what a schedule
//! says, from nothing but what the endpoint holds. Every function here blocks, and all servers live on threads of their
//! own, so that plain and asynchronous callers are served alike. No AWS SDK is linked: the crate builds in seconds.

pub mod aws;
pub mod binaries;
pub mod fargate;
pub mod http;
pub mod lots;
pub mod moto;
pub mod postgres;
pub mod process;
pub mod proxy;
pub mod rehearsal;
pub mod sftp;
pub mod shape;
pub mod socrata;
pub mod violations;

mod background;
mod error;
mod random;
mod target;
mod transport;

pub use error::{Error, Result};
