//! What publishers do wrong, and how often.

use std::time::Duration;

/// One way in which an answer goes wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fault {
    /// An error status, with `Retry-After` in seconds where it is given.
    Status {
        /// 404, 500, 429 …
        code: u16,
        /// The header's value.
        retry_after: Option<u32>,
    },
    /// Status 200 and an HTML error page in place of the data.
    HtmlPage,
    /// The full `Content-Length`, then only this many bytes of the body, then the connection is closed.
    CutAfter(u64),
    /// A `Content-Length` that is not the body's, then the whole body, then the connection is closed.
    FalseLength(u64),
    /// This many bytes of the body, then silence until the client gives up.
    StallAfter(u64),
    /// The body in chunks, without a `Content-Length`.
    Chunked,
    /// No `ETag` and no `Last-Modified`; conditions and ranges are ignored.
    NoValidators,
    /// Status 302 to this URL.
    Redirect(String),
    /// The right answer after this time.
    Late(Duration),
    /// The connection is closed without an answer.
    Hangup,
}

impl Fault {
    /// An error status without `Retry-After`.
    pub fn status(code: u16) -> Self {
        Self::Status { code, retry_after: None }
    }
}

/// A fault and how many more requests it is for; `None` is all.
#[derive(Debug)]
pub(super) struct Planned {
    fault: Fault,
    left: Option<u32>,
}

impl Planned {
    pub(super) fn always(fault: Fault) -> Self {
        Self { fault, left: None }
    }

    pub(super) fn times(fault: Fault, times: u32) -> Self {
        Self { fault, left: Some(times) }
    }

    /// The fault for the next request, if any is left.
    pub(super) fn take(&mut self) -> Option<Fault> {
        if let Some(left) = &mut self.left {
            *left = left.checked_sub(1)?;
        }
        Some(self.fault.clone())
    }
}
