//! A plan, and what became of it, for people.

use std::fmt::Write as _;

use super::estimate;
use super::table::Table;
use crate::apply::Applied;
use crate::finding::Finding;
use crate::plan::Plan;
use crate::plan::change::{Action, Change};
use crate::plan::fires::Fires;

/// Schedules whose next time is shown in text.
const SHOWN_FIRES: usize = 20;

/// Text.
pub fn text(plan: &Plan, applied: Option<&Applied>) -> String {
    let mut text = format!("{}/{} in account {}, {}\n", plan.stack, plan.environment, plan.account, plan.region);
    for image in &plan.images {
        let _ = writeln!(text, "{} → {}", image.named, image.digest);
    }
    if !plan.changes.is_empty() {
        text.push('\n');
    }
    for change in &plan.changes {
        let Change { action, kind, name, reasons, .. } = change;
        let _ = writeln!(text, "  {} {action:<8} {kind:<20} {name}", action.sign());
        for reason in reasons {
            let _ = writeln!(text, "      {reason}");
        }
    }
    if !plan.held.is_empty() {
        text.push_str("\nHeld\n");
        for held in &plan.held {
            let _ = writeln!(text, "  {}: {}", held.name, held.how.join(", "));
        }
    }
    if !plan.fires.is_empty() {
        let _ = write!(text, "\nNext\n{}", indented(&fires(&plan.fires).text()));
        if let Some(more) = plan.fires.len().checked_sub(SHOWN_FIRES).filter(|more| *more > 0) {
            let _ = writeln!(text, "  and {more} more; `--output json` has all");
        }
    }
    if !plan.findings.is_empty() {
        text.push_str("\nFindings\n");
        text.push_str(&indented(&findings_text(&plan.findings)));
    }
    let _ = writeln!(text, "\n{}", summary(plan));
    for line in estimate::lines(plan) {
        let _ = writeln!(text, "{line}");
    }
    if let Some(applied) = applied {
        for failure in &applied.failures {
            let _ = writeln!(text, "  failed: {} {} {}: {}", failure.action, failure.kind, failure.name, failure.error);
        }
        let _ = writeln!(text, "{}", outcome(applied));
    }
    text
}

/// Markdown.
pub fn markdown(plan: &Plan, applied: Option<&Applied>) -> String {
    let mut text =
        format!("### {}/{} in {}, {}\n\n{}\n", plan.stack, plan.environment, plan.account, plan.region, summary(plan));
    for image in &plan.images {
        let _ = writeln!(text, "\n`{}` → `{}`", image.named, image.digest);
    }
    if !plan.changes.is_empty() {
        let mut table = Table::new(&["", "kind", "name", "why"]);
        for change in &plan.changes {
            let why: Vec<String> = change.reasons.iter().map(ToString::to_string).collect();
            let cells =
                [change.action.to_string(), change.kind.to_string(), format!("`{}`", change.name), why.join("<br>")];
            table.row(cells);
        }
        let _ = write!(text, "\n{}", table.markdown());
    }
    if !plan.held.is_empty() {
        text.push('\n');
        for held in &plan.held {
            let _ = writeln!(text, "- `{}` is held: {}", held.name, held.how.join(", "));
        }
    }
    if !plan.fires.is_empty() {
        let _ = write!(text, "\n{}", fires(&plan.fires).markdown());
    }
    if !plan.findings.is_empty() {
        text.push('\n');
        for finding in &plan.findings {
            let _ = writeln!(text, "- **{}** {}: {}; {}", finding.code, finding.place, finding.message, finding.remedy);
        }
    }
    for line in estimate::lines(plan) {
        let _ = writeln!(text, "\n{line}");
    }
    if let Some(applied) = applied {
        let _ = writeln!(text, "\n{}", outcome(applied));
        for failure in &applied.failures {
            let _ =
                writeln!(text, "- failed: {} {} `{}`: {}", failure.action, failure.kind, failure.name, failure.error);
        }
    }
    text
}

/// Findings, each with what to do on a line of its own.
pub fn findings_text(findings: &[Finding]) -> String {
    findings.iter().fold(String::new(), |mut text, finding| {
        let _ = writeln!(text, "{} {}: {}\n     {}", finding.code, finding.place, finding.message, finding.remedy);
        text
    })
}

fn fires(fires: &[Fires]) -> Table {
    let mut table = Table::new(&["schedule", "as written", "next, local", "next, UTC"]);
    for entry in fires.iter().take(SHOWN_FIRES) {
        let (local, utc) = entry.next.first().map_or(("never", ""), |fire| (fire.local.as_str(), fire.utc.as_str()));
        table.row([entry.schedule.clone(), entry.written.clone(), local.to_owned(), utc.to_owned()]);
    }
    table
}

fn indented(text: &str) -> String {
    text.lines().fold(String::new(), |mut indented, line| {
        let _ = writeln!(indented, "  {line}");
        indented
    })
}

fn summary(plan: &Plan) -> String {
    let unchanged: usize = plan.unchanged.values().sum();
    if plan.changes.is_empty() {
        return format!("Nothing to do: all {unchanged} resources are as they should be.");
    }
    let counts: Vec<String> = Action::ALL
        .into_iter()
        .map(|action| (plan.count(action), action))
        .filter(|(count, _)| *count > 0)
        .map(|(count, action)| format!("{count} to {action}"))
        .collect();
    format!("{}; {unchanged} unchanged.", counts.join(", "))
}

fn outcome(applied: &Applied) -> String {
    match (applied.failures.len(), applied.skipped) {
        (0, 0) => format!("Applied {} changes.", applied.made),
        (failed, skipped) => {
            format!(
                "Applied {} changes; {failed} failed, {skipped} were not tried. Run it again: what is done is kept.",
                applied.made
            )
        }
    }
}
