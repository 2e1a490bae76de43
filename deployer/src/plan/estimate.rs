//! What a stack costs a month and how much of the account it takes at once. In: manifests, how long the runs of each dataset
//! took, and the time now. Out: dollars by what they are for, and the most vCPU that run side by side. Estimates from one
//! price table; of datasets without runs one length is assumed, which is said. Instances of EC2 are counted at Fargate's
//! price. What is free or too little to be seen is left out, and so are NAT and endpoints, which are no part of the stack.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use manifest::DatasetName;
use manifest::calendar::{self, Expression};
use manifest::schedule::Schedule;
use manifest::stack::PublicIp;
use manifest::task_def::{Arch, Capacity, Compute, TaskDef};
use serde::{Deserialize, Serialize};

use super::prices::PRICES;
use crate::desired::resource::Kind;
use crate::desired::{Desired, Manifests};
use crate::finding::{Code, Finding};

/// How long a run is taken to last of a dataset that has none, in minutes.
pub const RUN_MINUTES: u32 = 10;
/// Days of a month.
const MONTH: i64 = 30;
/// Days that are looked at for what runs side by side.
const WEEK: i64 = 7;
/// vCPUs that a new account may run on Fargate at once; older ones may more.
const QUOTA_VCPU: f64 = 6.0;
/// Metrics that a run puts.
const METRICS_PER_RUN: f64 = 4.0;
/// GB that a run writes to the log.
const LOG_GIGABYTES_PER_RUN: f64 = 0.000_1;
/// Fargate charges a minute at least.
const SHORTEST_MINUTES: f64 = 1.0;
/// GiB of ephemeral storage that cost nothing.
const FREE_STORAGE: u16 = 20;

/// What a stack costs and takes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Estimate {
    /// Dollars a month, by what they are for, in whole cents.
    pub dollars: BTreeMap<String, f64>,
    /// All of them.
    pub dollars_a_month: f64,
    /// Firings a month.
    pub runs_a_month: u64,
    /// Datasets whose runs were looked at for how long they take.
    #[serde(default)]
    pub measured: usize,
    /// Minutes that a run of any other dataset is taken to last.
    pub assumed_minutes: u32,
    /// Month in which the prices were read, for us-east-1.
    pub prices_read: String,
    /// The most vCPU that run side by side in the coming week.
    pub peak_vcpu: f64,
    /// When that is, in UTC.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub peak_at: Option<String>,
}

/// Mean seconds that a run of each dataset took, as far as that is known.
pub type Lengths = BTreeMap<DatasetName, f64>;

/// The estimate, from now on.
#[expect(clippy::cast_precision_loss, reason = "an estimate in cents")]
pub fn of(manifests: &Manifests, desired: &Desired, lengths: &Lengths, now: Timestamp) -> Estimate {
    let mut dollars: BTreeMap<&str, f64> = BTreeMap::new();
    let mut runs_at: Vec<Running> = Vec::new();
    let mut runs = 0;
    for schedule in &manifests.schedules {
        let Some(task_def) = manifests.task_defs.get(&schedule.task_def) else { continue };
        let instants = instants(schedule, now);
        runs += instants.len();
        let minutes = lengths.get(&schedule.dataset).map_or(f64::from(RUN_MINUTES), |seconds| seconds / 60.0);
        let job = manifests.datasets.get(&schedule.dataset).and_then(|dataset| dataset.job.as_ref());
        let copies = f64::from(job.and_then(|job| job.array).unwrap_or(1));
        let public = manifests.environment.network.public_ip == PublicIp::Enabled;
        let hours = instants.len() as f64 * copies * minutes.max(SHORTEST_MINUTES) / 60.0;
        *dollars.entry("compute").or_default() += hours * hourly(task_def, public);
        *dollars.entry("logs").or_default() +=
            instants.len() as f64 * copies * LOG_GIGABYTES_PER_RUN * PRICES.log_gigabyte;
        if job.is_none() {
            *dollars.entry("metrics").or_default() +=
                instants.len() as f64 * METRICS_PER_RUN * PRICES.metric / (24.0 * MONTH as f64);
        }
        // Spot and instances have quotas of their own.
        if (task_def.compute, task_def.capacity) == (Compute::Fargate, Capacity::OnDemand) {
            let vcpu = f64::from(task_def.cpu) / 1_024.0 * copies;
            let length = SignedDuration::from_secs_f64(minutes * 60.0);
            let week = now.checked_add(SignedDuration::from_hours(24 * WEEK)).unwrap_or(now);
            let starts = instants.into_iter().take_while(|start| *start < week);
            runs_at.extend(starts.map(|start| Running { start, length, vcpu }));
        }
    }
    let count = |kind: Kind| desired.resources.iter().filter(|resource| resource.kind() == kind).count() as f64;
    dollars.insert("alarms", count(Kind::Alarm) * PRICES.alarm);
    dollars.insert("dashboards", count(Kind::Dashboard) * PRICES.dashboard);
    dollars.insert("secrets", desired.secrets.len() as f64 * PRICES.secret);
    let dollars: BTreeMap<String, f64> = dollars.into_iter().map(|(what, sum)| (what.to_owned(), cents(sum))).collect();
    let (peak_vcpu, peak_at) = peak(&runs_at);
    let measured = manifests.placed().into_iter().filter(|name| lengths.contains_key(*name)).count();
    Estimate {
        dollars_a_month: cents(dollars.values().sum()),
        dollars,
        runs_a_month: runs as u64,
        measured,
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
    let message =
        format!("{} vCPU run side by side at {at}; a new account may run {QUOTA_VCPU} on Fargate", estimate.peak_vcpu);
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
    let share = if task_def.capacity == Capacity::Spot { share * PRICES.spot } else { share };
    size * share + f64::from(storage) * PRICES.storage + address
}

fn cents(dollars: f64) -> f64 {
    (dollars * 100.0).round() / 100.0
}

/// A run that is to come.
#[derive(Debug, Clone, Copy)]
struct Running {
    start: Timestamp,
    length: SignedDuration,
    vcpu: f64,
}

/// The most that runs side by side, and when it first does. What ends at a moment makes room for what starts at it.
fn peak(runs: &[Running]) -> (f64, Option<Timestamp>) {
    let ends = runs.iter().filter_map(|run| Some((run.start.checked_add(run.length).ok()?, -run.vcpu)));
    let mut turns: Vec<(Timestamp, f64)> = ends.chain(runs.iter().map(|run| (run.start, run.vcpu))).collect();
    turns.sort_by(|a, b| a.0.cmp(&b.0).then(a.1.total_cmp(&b.1)));
    let (mut running, mut most, mut at) = (0.0, 0.0, None);
    for (time, vcpu) in turns {
        running += vcpu;
        if running > most {
            (most, at) = (running, Some(time));
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
        let estimate = of(&manifests, &Desired::new(&manifests, &BTreeSet::new()), &Lengths::new(), now());
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
        let run = |minute: i64, vcpu: f64| Running {
            start: now().checked_add(SignedDuration::from_mins(minute)).unwrap(),
            length: SignedDuration::from_mins(10),
            vcpu,
        };
        let at = |minute: i64| Some(run(minute, 0.0).start);
        assert_eq!(peak(&[run(0, 2.0), run(10, 2.0)]), (2.0, at(0)));
        assert_eq!(peak(&[run(0, 2.0), run(9, 2.0), run(9, 4.0)]), (8.0, at(9)));
        assert_eq!(peak(&[]), (0.0, None));
    }

    #[test]
    fn runs_cost_what_they_took_and_a_minute_at_least() {
        let names = ["acris", "pluto_16v2"];
        let schedules = names.map(|name| fixture::schedule(name, "small", &json!({})));
        let manifests = fixture::manifests(&names.map(|name| fixture::dataset(name, None)), &schedules);
        let desired = Desired::new(&manifests, &BTreeSet::new());
        let compute = |acris: f64, pluto: f64| {
            let lengths = [("acris", acris), ("pluto_16v2", pluto)];
            let lengths = lengths.map(|(name, seconds)| (name.parse().unwrap(), seconds)).into();
            let estimate = of(&manifests, &desired, &lengths, now());
            assert_eq!(estimate.measured, 2);
            estimate.dollars["compute"]
        };
        // 30 nights of an hour and of a minute, at half a vCPU, one GB and one address: 30.5 h × 0.029685.
        assert!((compute(3_600.0, 60.0) - 0.91).abs() < 0.006);
        assert!((compute(3_600.0, 1.0) - compute(3_600.0, 60.0)).abs() < 1e-9);
    }

    #[test]
    fn spot_costs_a_third_and_takes_nothing_of_the_quota() {
        let schedules = [fixture::schedule("acris", "small", &json!({}))];
        let mut manifests = fixture::manifests(&[fixture::dataset("acris", None)], &schedules);
        manifests.environment.network.public_ip = PublicIp::Disabled;
        let estimate = |manifests: &Manifests| {
            of(
                manifests,
                &Desired::new(manifests, &BTreeSet::new()),
                &[("acris".parse().unwrap(), 36_000.0)].into(),
                now(),
            )
        };
        let on_demand = estimate(&manifests);
        manifests.task_defs.get_mut(&"small".parse().unwrap()).unwrap().capacity = Capacity::Spot;
        let spot = estimate(&manifests);
        assert!((spot.dollars["compute"] - on_demand.dollars["compute"] * 0.3).abs() < 0.01, "{spot:?}");
        assert!((on_demand.peak_vcpu, spot.peak_vcpu) == (0.5, 0.0));
    }

    #[test]
    fn more_than_a_new_account_may_run_is_worth_a_word() {
        let names: Vec<String> = (0..20).map(|n| format!("d{n}")).collect();
        let manifests = fixture::many(&names);
        let estimate = of(&manifests, &Desired::new(&manifests, &BTreeSet::new()), &Lengths::new(), now());
        assert!(finding(&estimate).is_some_and(|finding| finding.message.contains("side by side")), "{estimate:?}");
    }
}
