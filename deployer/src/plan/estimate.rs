//! What a stack costs a month and how much of the account it takes at once. In: manifests and the time now. Out: dollars by
//! what they are for, and the most vCPU that run side by side. Estimates from one price table and one assumed length of a run,
//! both of which are said; what is free or too little to be seen is left out.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use manifest::calendar::{self, Expression};
use manifest::schedule::Schedule;
use manifest::stack::PublicIp;
use manifest::task_def::{Arch, TaskDef};
use serde::{Deserialize, Serialize};

use crate::desired::resource::Kind;
use crate::desired::{Desired, Manifests};
use crate::finding::{Code, Finding};

/// How long a run is taken to last, in minutes.
pub const RUN_MINUTES: u32 = 10;
/// Days of a month.
const MONTH: i64 = 30;
/// Days that are looked at for what runs side by side.
const WEEK: i64 = 7;
/// vCPUs that a new account may run on Fargate at once; older ones may more.
const QUOTA_VCPU: f64 = 6.0;
/// Metrics that a run puts.
const METRICS_PER_RUN: f64 = 4.0;
/// GiB of ephemeral storage that cost nothing.
const FREE_STORAGE: u16 = 20;

/// Prices in US dollars, us-east-1, from the services' pricing pages.
struct Prices {
    /// When they were read.
    read: &'static str,
    /// Linux on x86-64, an hour.
    vcpu: f64,
    /// GB of memory, an hour.
    gigabyte: f64,
    /// What of both an ARM task costs.
    arm: f64,
    /// GB of storage above 20, an hour.
    storage: f64,
    /// A public IPv4 address, an hour.
    address: f64,
    /// An alarm, a month.
    alarm: f64,
    /// A metric, a month; only hours in which it has data count.
    metric: f64,
    /// A dashboard, a month.
    dashboard: f64,
    /// A secret, a month.
    secret: f64,
}

const PRICES: Prices = Prices {
    read: "2026-06",
    vcpu: 0.040_48,
    gigabyte: 0.004_445,
    arm: 0.8,
    storage: 0.000_111,
    address: 0.005,
    alarm: 0.10,
    metric: 0.30,
    dashboard: 3.0,
    secret: 0.40,
};

/// What a stack costs and takes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Estimate {
    /// Dollars a month, by what they are for, in whole cents.
    pub dollars: BTreeMap<String, f64>,
    /// All of them.
    pub dollars_a_month: f64,
    /// Firings a month.
    pub runs_a_month: u64,
    /// Minutes that a run is taken to last.
    pub assumed_minutes: u32,
    /// Month in which the prices were read, for us-east-1.
    pub prices_read: String,
    /// The most vCPU that run side by side in the coming week.
    pub peak_vcpu: f64,
    /// When that is, in UTC.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub peak_at: Option<String>,
}

/// The estimate, from now on.
#[expect(clippy::cast_precision_loss, reason = "an estimate in cents")]
pub fn of(manifests: &Manifests, desired: &Desired, now: Timestamp) -> Estimate {
    let mut dollars: BTreeMap<&str, f64> = BTreeMap::new();
    let mut starts: Vec<(Timestamp, f64)> = Vec::new();
    let mut runs = 0;
    for schedule in &manifests.schedules {
        let Some(task_def) = manifests.task_defs.get(&schedule.task_def) else { continue };
        let instants = instants(schedule, now);
        runs += instants.len();
        let public = manifests.environment.network.public_ip == PublicIp::Enabled;
        let hours = instants.len() as f64 * f64::from(RUN_MINUTES) / 60.0;
        *dollars.entry("compute").or_default() += hours * hourly(task_def, public);
        *dollars.entry("metrics").or_default() +=
            instants.len() as f64 * METRICS_PER_RUN * PRICES.metric / (24.0 * MONTH as f64);
        let vcpu = f64::from(task_def.cpu) / 1_024.0;
        let week = now.checked_add(SignedDuration::from_hours(24 * WEEK)).unwrap_or(now);
        starts.extend(instants.into_iter().take_while(|start| *start < week).map(|start| (start, vcpu)));
    }
    let count = |kind: Kind| desired.resources.iter().filter(|resource| resource.kind() == kind).count() as f64;
    dollars.insert("alarms", count(Kind::Alarm) * PRICES.alarm);
    dollars.insert("dashboards", count(Kind::Dashboard) * PRICES.dashboard);
    dollars.insert("secrets", desired.secrets.len() as f64 * PRICES.secret);
    let dollars: BTreeMap<String, f64> = dollars.into_iter().map(|(what, sum)| (what.to_owned(), cents(sum))).collect();
    let (peak_vcpu, peak_at) = peak(starts);
    Estimate {
        dollars_a_month: cents(dollars.values().sum()),
        dollars,
        runs_a_month: runs as u64,
        assumed_minutes: RUN_MINUTES,
        prices_read: PRICES.read.to_owned(),
        peak_vcpu,
        peak_at: peak_at.map(|time| time.strftime("%Y-%m-%d %H:%MZ").to_string()),
    }
}

/// A note when more starts at once than a new account may run.
pub fn finding(estimate: &Estimate) -> Option<Finding> {
    if estimate.peak_vcpu <= QUOTA_VCPU {
        return None;
    }
    let at = estimate.peak_at.as_deref().unwrap_or("some time");
    let message = format!(
        "{} vCPU run side by side at {at}, if runs last {RUN_MINUTES} minutes; a new account may run {QUOTA_VCPU} on Fargate",
        estimate.peak_vcpu
    );
    let remedy = "write `spread:` in schedules, or look at the quota: \
                  `aws service-quotas get-service-quota --service-code fargate --quota-code L-3032A538`";
    Some(Finding::new(Code::PeakVcpu, "schedules", message, remedy))
}

/// The firings of the coming month.
fn instants(schedule: &Schedule, now: Timestamp) -> Vec<Timestamp> {
    let (Ok(expression), Ok(zone)) = (schedule.expression.parse::<Expression>(), calendar::zone(&schedule.timezone))
    else {
        return Vec::new();
    };
    let month = now.checked_add(SignedDuration::from_hours(24 * MONTH)).unwrap_or(now);
    let fires = calendar::fires(&expression, &zone, now).map(|time| time.timestamp());
    fires.take_while(|instant| *instant < month).collect()
}

/// Dollars that an hour of a task costs.
fn hourly(task_def: &TaskDef, public: bool) -> f64 {
    let share = if task_def.arch == Arch::Arm64 { PRICES.arm } else { 1.0 };
    let size = f64::from(task_def.cpu) / 1_024.0 * PRICES.vcpu + f64::from(task_def.memory) / 1_024.0 * PRICES.gigabyte;
    let storage = task_def.storage.map_or(0, |gib| gib.saturating_sub(FREE_STORAGE));
    let address = if public { PRICES.address } else { 0.0 };
    size * share + f64::from(storage) * PRICES.storage + address
}

fn cents(dollars: f64) -> f64 {
    (dollars * 100.0).round() / 100.0
}

/// The most that runs side by side, and when it first does.
fn peak(mut starts: Vec<(Timestamp, f64)>) -> (f64, Option<Timestamp>) {
    let length = SignedDuration::from_mins(i64::from(RUN_MINUTES));
    starts.sort_by_key(|(start, _)| *start);
    let (mut running, mut most, mut at, mut ended) = (0.0, 0.0, None, 0);
    for (start, vcpu) in &starts {
        while starts[ended].0.checked_add(length).is_ok_and(|end| end <= *start) {
            running -= starts[ended].1;
            ended += 1;
        }
        running += vcpu;
        if running > most {
            (most, at) = (running, Some(*start));
        }
    }
    (most, at)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use serde_json::json;

    use super::*;
    use crate::desired::fixture;

    fn now() -> Timestamp {
        "2026-11-20T12:00:00Z".parse().unwrap()
    }

    #[test]
    fn a_month_of_nightly_runs_costs_what_the_price_table_says() {
        let manifests =
            fixture::manifests(&[fixture::dataset("acris", None)], &[fixture::schedule("acris", "small", &json!({}))]);
        let estimate = of(&manifests, &Desired::new(&manifests, &BTreeSet::new()), now());
        // 30 runs of ten minutes at half a vCPU, one GB and one address: 5 h × 0.029685.
        assert_eq!(estimate.runs_a_month, 30);
        assert!((estimate.dollars["compute"] - 0.15).abs() < 0.001, "{estimate:?}");
        assert!((estimate.dollars["alarms"] - 0.40).abs() < 0.001);
        assert!((estimate.dollars_a_month - estimate.dollars.values().sum::<f64>()).abs() < 0.01);
        assert!((estimate.peak_vcpu - 0.5).abs() < 1e-9);
        assert_eq!(finding(&estimate), None);
    }

    #[test]
    fn what_starts_together_runs_side_by_side_and_what_has_ended_does_not() {
        let minute = |n: i64| now().checked_add(SignedDuration::from_mins(n)).unwrap();
        assert_eq!(peak(vec![(minute(0), 2.0), (minute(10), 2.0)]), (2.0, Some(minute(0))));
        assert_eq!(peak(vec![(minute(0), 2.0), (minute(9), 2.0), (minute(9), 4.0)]), (8.0, Some(minute(9))));
        assert_eq!(peak(Vec::new()), (0.0, None));
    }

    #[test]
    fn more_than_a_new_account_may_run_is_worth_a_word() {
        let names: Vec<String> = (0..20).map(|n| format!("d{n}")).collect();
        let manifests = fixture::many(&names);
        let estimate = of(&manifests, &Desired::new(&manifests, &BTreeSet::new()), now());
        assert!(finding(&estimate).is_some_and(|finding| finding.message.contains("side by side")), "{estimate:?}");
    }
}
