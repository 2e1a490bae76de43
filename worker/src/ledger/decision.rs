//! Whether a firing is ours to run: the whole table of ledger states as one pure function.

use jiff::Timestamp;

use super::run::RunId;

/// Whether we hold the dataset's lease.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Held {
    /// We do: no other run of the dataset is alive.
    ByUs,
    /// Another session does.
    ByAnother(Sign),
}

/// Whether the one who holds a lease lives. A server takes half a minute to notice that a machine is gone, and until then
/// a dead run's lease is held like a living one's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sign {
    /// Nothing has been heard of it since we came.
    None,
    /// It has been heard of, or it holds the lease for longer than a dead one could.
    OfLife,
}

/// What the ledger says about a dataset, as far as one firing cares.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Seen {
    /// The run that published, or found nothing to do, for the same scheduled time.
    pub answered: Option<RunId>,
    /// The run whose state is `running`, with its scheduled time. There is at most one.
    pub running: Option<(RunId, Option<Timestamp>)>,
    /// Attempts made at the same scheduled time so far, whatever became of them.
    pub attempts: u32,
}

/// What to do about a firing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decision {
    /// This run answers, or has answered, to the same firing.
    Duplicate(RunId),
    /// Another run is at work; look again when it has let go of the lease.
    Wait,
    /// It is ours.
    Start {
        /// Which try at this firing, from 1.
        attempt: u32,
        /// A run that died without a word; it becomes `abandoned` and its staging may be used.
        abandon: Option<RunId>,
    },
}

/// Decides about a firing for this scheduled time; `None` when a person started the run, who wants it to happen whatever
/// other runs do.
pub fn decide(scheduled_time: Option<Timestamp>, held: Held, seen: &Seen) -> Decision {
    if let (Some(_), Some(run)) = (scheduled_time, seen.answered) {
        return Decision::Duplicate(run);
    }
    match (held, seen.running) {
        // A firing that were left to a dead run would be lost.
        (Held::ByAnother(Sign::OfLife), Some((run, theirs)))
            if scheduled_time.is_some() && theirs == scheduled_time =>
        {
            Decision::Duplicate(run)
        }
        // Without a running row the holder is about to write it, or has just ended and not yet let go.
        (Held::ByAnother(_), _) => Decision::Wait,
        (Held::ByUs, running) => {
            Decision::Start { attempt: seen.attempts.saturating_add(1), abandon: running.map(|(run, _)| run) }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use uuid::Uuid;

    const THEIRS: RunId = RunId::new(Uuid::from_u128(1));

    const ONE: Option<Timestamp> = Some(Timestamp::UNIX_EPOCH);
    const OTHER: Option<Timestamp> = Some(Timestamp::MAX);

    #[test]
    fn a_firing_that_was_published_or_unchanged_is_a_duplicate_whoever_holds_the_lease() {
        let seen = Seen { answered: Some(THEIRS), attempts: 1, ..Seen::default() };
        assert_eq!(decide(ONE, Held::ByUs, &seen), Decision::Duplicate(THEIRS));
        assert_eq!(decide(ONE, Held::ByAnother(Sign::OfLife), &seen), Decision::Duplicate(THEIRS));
    }

    #[test]
    fn a_firing_that_another_run_is_working_on_is_a_duplicate_once_that_run_is_known_to_live() {
        let seen = Seen { running: Some((THEIRS, ONE)), attempts: 1, ..Seen::default() };
        assert_eq!(decide(ONE, Held::ByAnother(Sign::OfLife), &seen), Decision::Duplicate(THEIRS));
        assert_eq!(decide(ONE, Held::ByAnother(Sign::None), &seen), Decision::Wait);
    }

    #[test]
    fn a_firing_waits_while_another_firing_is_worked_on() {
        let seen = Seen { running: Some((THEIRS, ONE)), ..Seen::default() };
        assert_eq!(decide(OTHER, Held::ByAnother(Sign::OfLife), &seen), Decision::Wait);
        assert_eq!(decide(None, Held::ByAnother(Sign::OfLife), &seen), Decision::Wait);
        let by_hand = Seen { running: Some((THEIRS, None)), ..Seen::default() };
        assert_eq!(decide(OTHER, Held::ByAnother(Sign::OfLife), &by_hand), Decision::Wait);
        assert_eq!(decide(None, Held::ByAnother(Sign::OfLife), &by_hand), Decision::Wait);
    }

    #[test]
    fn a_lease_without_a_running_row_is_waited_for() {
        assert_eq!(decide(ONE, Held::ByAnother(Sign::OfLife), &Seen::default()), Decision::Wait);
    }

    #[test]
    fn a_run_without_its_lease_is_abandoned_and_taken_over_as_the_next_attempt() {
        let seen = Seen { running: Some((THEIRS, ONE)), attempts: 1, ..Seen::default() };
        assert_eq!(decide(ONE, Held::ByUs, &seen), Decision::Start { attempt: 2, abandon: Some(THEIRS) });
        let other = Seen { running: Some((THEIRS, ONE)), ..Seen::default() };
        assert_eq!(decide(OTHER, Held::ByUs, &other), Decision::Start { attempt: 1, abandon: Some(THEIRS) });
    }

    #[test]
    fn a_firing_that_failed_or_was_refused_gets_its_next_attempt() {
        let seen = Seen { attempts: 2, ..Seen::default() };
        assert_eq!(decide(ONE, Held::ByUs, &seen), Decision::Start { attempt: 3, abandon: None });
    }

    #[test]
    fn a_first_firing_starts() {
        assert_eq!(decide(ONE, Held::ByUs, &Seen::default()), Decision::Start { attempt: 1, abandon: None });
        assert_eq!(decide(None, Held::ByUs, &Seen::default()), Decision::Start { attempt: 1, abandon: None });
    }
}
