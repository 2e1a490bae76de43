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
    /// Every request for a part is answered with the whole.
    NoRanges,
    /// The `ETag` is a weak one, and there is no `Last-Modified`.
    WeakTag,
    /// While this answer is sent, the file is replaced by the one of this name in the same folder; whoever asks next gets that.
    ReplacedBy(String),
    /// A further header field, whatever it claims.
    Header(&'static str, String),
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

/// Faults that come together, for how many more requests, and those that come after them.
#[derive(Debug)]
pub(super) struct Planned {
    pub(super) faults: Vec<Fault>,
    /// `None` is all requests.
    pub(super) left: Option<u32>,
    pub(super) then: Vec<Fault>,
}

impl Planned {
    /// The faults for the next request.
    pub(super) fn take(&mut self) -> Vec<Fault> {
        match &mut self.left {
            Some(0) => self.then.clone(),
            Some(left) => {
                *left -= 1;
                self.faults.clone()
            }
            None => self.faults.clone(),
        }
    }
}
