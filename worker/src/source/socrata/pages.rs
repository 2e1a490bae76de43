//! The pages of a dataset, one after the other, up to the empty one.

use std::sync::Arc;

use bytes::Bytes;
use futures_util::Stream;
use jiff::{SignedDuration, Timestamp};
use reqwest::Response;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use super::Place;
use super::records::{Records, Wrong};
use crate::source::error::SourceError;
use crate::source::hosts::Turn;
use crate::source::http::{Ask, Http};
use crate::source::pull::{Pull, pulled};

/// Rows of a page: the most that every version of the portals' software gives.
const PAGE: &str = "50000";

/// How far the portal's clock may be behind ours.
const SKEW: SignedDuration = SignedDuration::from_mins(5);

/// All rows as one CSV, for whoever has a turn at the portal.
pub(in crate::source) async fn pages(
    http: &Arc<Http>,
    turn: Turn,
    place: Place,
    cancel: &CancellationToken,
) -> Result<impl Stream<Item = Result<Bytes, SourceError>> + Send + 'static, SourceError> {
    let began = Timestamp::now();
    let before = place.count(None, http, cancel).await?;
    let mut pager = Pager {
        http: Arc::clone(http),
        place,
        cancel: cancel.clone(),
        began,
        before,
        records: Records::default(),
        page: None,
        tried: 0,
        _turn: turn,
    };
    // What is wrong with the first page is known before anything is read.
    pager.open().await?;
    Ok(pulled(pager))
}

struct Pager {
    http: Arc<Http>,
    place: Place,
    cancel: CancellationToken,
    began: Timestamp,
    before: u64,
    records: Records,
    page: Option<Response>,
    tried: u32,
    _turn: Turn,
}

impl Pull for Pager {
    /// The next rows; `None` when there are no more and the portal agrees.
    async fn next(&mut self) -> Result<Option<Bytes>, SourceError> {
        let mut out = Vec::new();
        while out.is_empty() {
            let Some(page) = &mut self.page else {
                self.open().await?;
                continue;
            };
            let chunk = timeout(self.http.patience.stall, page.chunk()).await;
            let address = || self.place.shown.clone();
            match chunk {
                Ok(Ok(Some(bytes))) => self.records.push(&bytes, &mut out).map_err(|wrong| self.wrong(wrong))?,
                Ok(Ok(None)) => {
                    self.records.end(&mut out).map_err(|wrong| self.wrong(wrong))?;
                    self.page = None;
                    self.tried = 0;
                    if self.records.of_page() == 0 {
                        self.compare().await?;
                        return Ok((!out.is_empty()).then(|| out.into()));
                    }
                }
                Ok(Err(_)) => {
                    let received = self.records.rows;
                    let detail = format!("a page was cut off behind row {received}");
                    self.lost(SourceError::Unreachable { address: address(), detail }).await?;
                }
                Err(_) => {
                    let (seconds, received) = (self.http.patience.stall.as_secs(), 0);
                    self.lost(SourceError::Stalled { address: address(), seconds, received }).await?;
                }
            }
        }
        Ok(Some(out.into()))
    }
}

impl Pager {
    /// Forgets a page that was cut: the next one begins behind its last complete row.
    async fn lost(&mut self, error: SourceError) -> Result<(), SourceError> {
        self.page = None;
        self.tried = if self.records.of_page() > 0 { 0 } else { self.tried + 1 };
        if self.tried > 0 {
            self.http.pause(error, self.tried, None, &self.cancel).await?;
        }
        Ok(())
    }

    async fn open(&mut self) -> Result<(), SourceError> {
        let last = self.records.last.clone();
        let condition = self.place.condition(last.as_deref());
        let mut select = vec![":id".to_owned(), "*".to_owned()];
        select.extend(self.place.system.iter().cloned());
        let select = select.join(",");
        let mut parameters = vec![("$select", select.as_str()), ("$order", ":id"), ("$limit", PAGE)];
        parameters.extend(condition.as_deref().map(|condition| ("$where", condition)));
        let request = self.place.request(&format!("/resource/{}.csv", self.place.id), &parameters);
        self.page = Some(self.http.get(&request, &Ask::default(), &self.cancel).await?);
        self.records.begin();
        Ok(())
    }

    /// Holds what came against the portal's own count. Every row that was there before and after must have come, and no more rows than
    /// were there or were made meanwhile.
    async fn compare(&self) -> Result<(), SourceError> {
        let (http, cancel) = (&self.http, &self.cancel);
        let (before, after, came) = (self.before, self.place.count(None, http, cancel).await?, self.records.rows);
        if (before.min(after)..=before.max(after)).contains(&came) {
            return Ok(());
        }
        // As many may have gone as were made.
        let made = self.place.count(Some(self.began.saturating_sub(SKEW).unwrap_or(self.began)), http, cancel).await?;
        if (after.saturating_sub(made)..=before + made).contains(&came) {
            return Ok(());
        }
        Err(SourceError::Count { address: self.place.shown.clone(), came, counted: after })
    }

    fn wrong(&self, wrong: Wrong) -> SourceError {
        let address = self.place.shown.clone();
        match wrong {
            Wrong::NotRows => SourceError::Answer { address, detail: "it is no page of rows".to_owned() },
            Wrong::OtherColumns => SourceError::Changed { address, received: self.records.rows },
        }
    }
}
