//! Run records from the stack's log group. In: a log group and a time. Out: the newest record of each dataset.

use std::collections::BTreeMap;

use manifest::DatasetName;
use manifest::run::{Outcome, RUN_EVENT, RunRecord};

use crate::aws::Clients;
use crate::aws::error::AwsError;
use crate::aws::logs::LogEvent;
use crate::names::Names;

/// The newest record of each dataset since a time, in milliseconds since 1970: one sweep over the log group.
pub(super) async fn latest(
    clients: &Clients,
    names: &Names,
    since: i64,
) -> Result<BTreeMap<DatasetName, RunRecord>, AwsError> {
    let pattern = format!("{{ $.event = \"{RUN_EVENT}\" }}");
    let events = clients.filter_events(&names.log_group(), &pattern, since).await?;
    Ok(newest(&events, names))
}

/// Mean seconds that the runs of each dataset took since a time. Those that found another at work did nothing, and are not
/// counted.
pub(in crate::command) async fn lengths(
    clients: &Clients,
    names: &Names,
    since: i64,
) -> Result<BTreeMap<DatasetName, f64>, AwsError> {
    let pattern = format!("{{ $.event = \"{RUN_EVENT}\" }}");
    let events = clients.filter_events(&names.log_group(), &pattern, since).await?;
    let mut seconds: BTreeMap<DatasetName, Vec<f64>> = BTreeMap::new();
    for (dataset, record) in records(&events, names).filter(|(_, record)| record.outcome != Outcome::Duplicate) {
        seconds.entry(dataset).or_default().push(record.seconds);
    }
    #[expect(clippy::cast_precision_loss, reason = "a mean of some hundred runs")]
    let mean = |(dataset, seconds): (DatasetName, Vec<f64>)| {
        let mean = seconds.iter().sum::<f64>() / seconds.len() as f64;
        (dataset, mean)
    };
    Ok(seconds.into_iter().map(mean).collect())
}

/// The records of this stack among these events, each with its dataset.
fn records<'a>(events: &'a [LogEvent], names: &'a Names) -> impl Iterator<Item = (DatasetName, RunRecord)> + 'a {
    let marker = &names.marker;
    events.iter().filter_map(|event| read(&event.message)).filter_map(move |record| {
        let ours = record.stack == marker.stack.as_str() && record.environment == marker.environment.as_str();
        Some((record.dataset.parse().ok().filter(|_| ours)?, record))
    })
}

fn newest(events: &[LogEvent], names: &Names) -> BTreeMap<DatasetName, RunRecord> {
    let mut newest: BTreeMap<DatasetName, RunRecord> = BTreeMap::new();
    for (dataset, record) in records(events, names) {
        // RFC 3339 in UTC with one precision sorts as text; with several it does not, so it is read.
        let time = |record: &RunRecord| record.finished.parse::<jiff::Timestamp>().ok();
        if newest.get(&dataset).is_none_or(|known| time(known) <= time(&record)) {
            newest.insert(dataset, record);
        }
    }
    newest
}

/// A record, whatever a log driver put before it. Whether it is one is asked again: not every log filters by fields.
fn read(message: &str) -> Option<RunRecord> {
    let json = &message[message.find('{')?..];
    let record: RunRecord = serde_json::from_str(json.trim_end()).ok()?;
    (record.event == RUN_EVENT).then_some(record)
}

/// The word people use.
pub(super) fn outcome(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Published => "published",
        Outcome::Unchanged => "unchanged",
        Outcome::Duplicate => "duplicate",
        Outcome::Refused => "refused",
        Outcome::Failed => "failed",
        Outcome::Stopped => "stopped",
    }
}

/// A time to the minute.
pub(super) fn minute(time: &str) -> String {
    time.parse::<jiff::Timestamp>()
        .map_or_else(|_| time.to_owned(), |time| time.strftime("%Y-%m-%d %H:%MZ").to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names() -> Names {
        let environment = serde_json::json!({
            "stack": "nycdb", "name": "prod", "account": "123456789012", "region": "us-east-1", "cluster": "civic",
            "image": "w:1", "network": {"subnets": ["subnet-a"], "security_groups": ["sg-1"]},
        });
        Names::new(&serde_json::from_value(environment).unwrap())
    }

    fn event(stack: &str, finished: &str, rows: u64) -> LogEvent {
        let record = serde_json::json!({
            "event": "run", "run": "r", "dataset": "acris", "stack": stack, "environment": "prod", "attempt": 1,
            "started": finished, "finished": finished, "seconds": 1.0, "outcome": "published", "exit_code": 0,
            "rows": rows, "bad_values": 0, "rejected_rows": 0, "manifest": "m",
        });
        LogEvent { time: 0, stream: String::new(), message: format!("[container] {record}\n") }
    }

    #[test]
    fn the_newest_record_of_this_stack_is_the_last_run() {
        let events = [
            event("nycdb", "2026-11-20T09:00:00.5Z", 2),
            event("nycdb", "2026-11-20T09:00:00Z", 1),
            event("other", "2026-11-21T09:00:00Z", 3),
            LogEvent { time: 0, stream: String::new(), message: r#"{"event":"table","rows":9}"#.to_owned() },
            LogEvent { time: 0, stream: String::new(), message: "plain words".to_owned() },
        ];
        let newest = newest(&events, &names());
        assert_eq!(newest.values().map(|record| record.rows).collect::<Vec<_>>(), [2]);
        assert_eq!(minute("2026-11-20T09:00:00.5Z"), "2026-11-20 09:00Z");
    }
}
