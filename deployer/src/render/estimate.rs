//! What a stack costs and takes, in two lines.

use crate::plan::Plan;

/// The lines, without a line end after the last.
pub fn lines(plan: &Plan) -> Vec<String> {
    let mut lines = Vec::new();
    if let Some(estimate) = &plan.estimate {
        let parts: Vec<String> =
            estimate.dollars.iter().map(|(what, dollars)| format!("{what} {dollars:.2}")).collect();
        lines.push(format!(
            "About ${:.2} a month ({}): {} runs of {} minutes, prices of us-east-1 as of {}.",
            estimate.dollars_a_month,
            parts.join(", "),
            estimate.runs_a_month,
            estimate.assumed_minutes,
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

fn span(seconds: u64) -> String {
    if seconds < 120 { format!("{seconds} s") } else { format!("{} min", seconds.div_ceil(60)) }
}
