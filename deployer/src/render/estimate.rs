//! What a stack costs and takes, in two lines.

use crate::plan::Plan;
use crate::plan::estimate::Estimate;

/// The lines, without a line end after the last.
pub fn lines(plan: &Plan) -> Vec<String> {
    let mut lines = Vec::new();
    if let Some(estimate) = &plan.estimate {
        let parts: Vec<String> = estimate
            .dollars
            .iter()
            .filter(|(_, dollars)| **dollars > 0.0)
            .map(|(what, dollars)| format!("{what} {dollars:.2}"))
            .collect();
        lines.push(format!(
            "About ${:.2} a month ({}): {} runs of {}, prices of us-east-1 as of {}.",
            estimate.dollars_a_month,
            parts.join(", "),
            estimate.runs_a_month,
            length(estimate),
            estimate.prices_read
        ));
        if let Some(at) = &estimate.peak_at {
            lines.push(format!("At most {} vCPU side by side, at {at}.", estimate.peak_vcpu));
        }
    }
    if plan.apply_seconds > 0 {
        lines.push(format!("The apply takes about {}, at the rates that AWS allows.", span(plan.apply_seconds)));
    }
    lines
}

/// How long a run is, and how that is known.
fn length(estimate: &Estimate) -> String {
    let assumed = format!("{} minutes", estimate.assumed_minutes);
    match estimate.measured {
        0 => assumed,
        measured => format!("as long as those of the past month ({measured} datasets), else {assumed}"),
    }
}

fn span(seconds: u64) -> String {
    if seconds < 120 { format!("{seconds} s") } else { format!("{} min", seconds.div_ceil(60)) }
}
