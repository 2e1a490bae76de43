//! From unix cron to AWS: one expression where AWS can say it, two where their union is exact and no day belongs to both, and a refusal
//! that says why otherwise. AWS can restrict the day of the month or the day of the week, never both, and cron means *or* by two.

use super::Refusal;
use super::cron::AwsCron;
use super::days::{Days, Shape};
use super::field::YEAR;
use super::unix::{Says, UnixCron};

/// The AWS expressions, one or two, which together fire exactly when `unix` does, each minute once.
pub fn translate(unix: &UnixCron) -> Result<Vec<AwsCron>, Refusal> {
    // From the day of the month to the day of the week, which only together are wrong.
    let end = unix.of_week.at + unix.of_week.text.len();
    let refuse = |why: String| Refusal::new(unix.of_month.at, end - unix.of_month.at, why);
    let rules = match (&unix.of_month.says, &unix.of_week.says) {
        (Says::Nothing, Says::Nothing) => vec![Days::Daily],
        (Says::Nothing, Says::AnyOf(days) | Says::Stepped(days))
        | (Says::AnyOf(days) | Says::Stepped(days), Says::Nothing) => days.clone(),
        (Says::AnyOf(of_month), Says::AnyOf(of_week)) => of_month.iter().chain(of_week).cloned().collect(),
        (of_month, _) => {
            let stepped = if matches!(of_month, Says::Stepped(_)) { &unix.of_month.text } else { &unix.of_week.text };
            return Err(refuse(format!(
                "day-of-month `{}` with day-of-week `{}`: some crons take the days in both, some the days in either, because of `{stepped}`",
                unix.of_month.text, unix.of_week.text
            ))
            .with_help("restrict one of the two fields and write `*` in the other"));
        }
    };
    let shapes = Shape::all(&unix.months);
    let rules = without_contained(rules, &shapes);
    let crons = rules
        .iter()
        .map(|days| {
            AwsCron {
                minutes: unix.minutes.clone(),
                hours: unix.hours.clone(),
                days: days.clone(),
                months: unix.months.clone(),
                years: YEAR.full(),
            }
            .checked()
            .map_err(&refuse)
        })
        .collect::<Result<Vec<_>, _>>()?;
    match &crons[..] {
        [_] => {}
        [first, second] => {
            if shapes.iter().any(|shape| rules[0].in_month(*shape) & rules[1].in_month(*shape) != 0) {
                return Err(refuse(format!(
                    "day-of-month `{}` or day-of-week `{}`: AWS cannot say this in one expression, and two would both fire on a day that is both",
                    unix.of_month.text, unix.of_week.text
                ))
                .with_help(format!(
                    "restrict one of the two fields, or accept the double firing by writing both: [{{cron: \"{first}\"}}, {{cron: \"{second}\"}}]"
                )));
            }
        }
        _ => {
            return Err(refuse(format!("this needs {} expressions in AWS's terms", crons.len()))
                .with_help("write at most two kinds of days in one expression"));
        }
    }
    Ok(crons)
}

/// Drops each rule whose days another rule already names in every shape of month.
fn without_contained(rules: Vec<Days>, shapes: &[Shape]) -> Vec<Days> {
    let contained =
        |inner: &Days, outer: &Days| shapes.iter().all(|shape| inner.in_month(*shape) & !outer.in_month(*shape) == 0);
    let mut kept: Vec<Days> = Vec::new();
    for rule in rules {
        if kept.iter().any(|other| contained(&rule, other)) {
            continue;
        }
        kept.retain(|other| !contained(other, &rule));
        kept.push(rule);
    }
    kept
}
