//! Bytes of whoever is asked for the next piece: the pages of a portal, a file that is gone on with after each cut.

use bytes::Bytes;
use futures_util::{Stream, stream};

use super::error::SourceError;

/// Gives its bytes piece by piece.
pub(super) trait Pull: Send + 'static {
    /// The next piece; `None` behind the last.
    fn next(&mut self) -> impl Future<Output = Result<Option<Bytes>, SourceError>> + Send;
}

/// The pieces in their order, up to the last or to an error.
pub(super) fn pulled(source: impl Pull) -> impl Stream<Item = Result<Bytes, SourceError>> + Send + 'static {
    stream::unfold(Some(source), async |source| {
        let mut source = source?;
        match source.next().await {
            Ok(Some(bytes)) => Some((Ok(bytes), Some(source))),
            Ok(None) => None,
            Err(error) => Some((Err(error), None)),
        }
    })
}
