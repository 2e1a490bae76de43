//! What a calendar expression is refused with: the place in its text, the reason, and what to write instead.

/// A calendar text that is refused, with the place and the reason.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{why} (at byte {at}){}", help.as_ref().map(|help| format!("; {help}")).unwrap_or_default())]
pub struct Refusal {
    /// Byte offset in the text that was read where the trouble starts.
    pub at: usize,
    /// Length of the offending part in bytes; 0 where something is missing.
    pub len: usize,
    /// The reason, lower case.
    pub why: String,
    /// What to write instead, where there is an obvious answer.
    pub help: Option<String>,
}

impl Refusal {
    pub(super) fn new(at: usize, len: usize, why: impl Into<String>) -> Self {
        Self { at, len, why: why.into(), help: None }
    }

    pub(super) fn with_help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }
}
