//! How a firing's facts get into a target's input: Scheduler replaces keywords in a text, EventBridge fills a template with
//! parts of the event.

use serde_json::{Value, json};

use super::refused;
use crate::error::Result;

/// The facts of one firing of a schedule.
#[derive(Debug)]
pub(super) struct Firing<'a> {
    pub(super) schedule_arn: &'a str,
    /// As AWS writes it: `2026-03-22T18:59:43Z`.
    pub(super) time: &'a str,
    pub(super) execution_id: &'a str,
}

/// Replaces Scheduler's four keywords, wherever they stand.
pub(super) fn replace_keywords(text: &str, firing: &Firing<'_>) -> String {
    text.replace("<aws.scheduler.schedule-arn>", firing.schedule_arn)
        .replace("<aws.scheduler.scheduled-time>", firing.time)
        .replace("<aws.scheduler.execution-id>", firing.execution_id)
        .replace("<aws.scheduler.attempt-number>", "1")
}

/// The event that a rule with a schedule makes.
pub(super) fn scheduled_event(rule_arn: &str, id: &str, time: &str) -> Value {
    let mut parts = rule_arn.split(':').skip(3);
    let (region, account) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
    json!({
        "version": "0",
        "id": id,
        "detail-type": "Scheduled Event",
        "source": "aws.events",
        "account": account,
        "time": time,
        "region": region,
        "resources": [rule_arn],
        "detail": {},
    })
}

/// What a rule's target receives: its constant input, a part of the event, its filled template, or the whole event.
pub(super) fn target_input(target: &Value, event: &Value, rule_arn: &str) -> Result<Value> {
    if let Some(constant) = target["Input"].as_str() {
        return parse(constant);
    }
    if let Some(path) = target["InputPath"].as_str() {
        return select(event, path).cloned().ok_or_else(|| refused(format!("the event has nothing at {path}")));
    }
    match target["InputTransformer"]["InputTemplate"].as_str() {
        Some(template) => parse(&fill(template, &target["InputTransformer"]["InputPathsMap"], event, rule_arn)?),
        None => Ok(event.clone()),
    }
}

/// A target's input as JSON.
pub(super) fn parse(text: &str) -> Result<Value> {
    serde_json::from_str(text).map_err(|error| refused(format!("the target's input is not JSON: {error}: {text}")))
}

/// Fills a template. Inside a JSON string a placeholder gives its text, outside its JSON, so that `"at": <time>` and
/// `"at": "<time>"` are the same.
fn fill(template: &str, paths: &Value, event: &Value, rule_arn: &str) -> Result<String> {
    let (mut filled, mut rest) = (String::new(), template);
    let (mut in_string, mut escaped) = (false, false);
    while let Some(character) = rest.chars().next() {
        let placeholder = if character == '<' { rest[1..].split_once('>') } else { None };
        if let Some((name, after)) = placeholder {
            let value = value_of(name, paths, event, rule_arn)?;
            let as_json = value.to_string();
            let as_text = match &value {
                Value::String(_) => as_json[1..as_json.len() - 1].to_owned(),
                _ => Value::String(as_json.clone()).to_string().trim_matches('"').to_owned(),
            };
            filled += if in_string { &as_text } else { &as_json };
            rest = after;
            continue;
        }
        if character == '"' && !escaped {
            in_string = !in_string;
        }
        escaped = character == '\\' && !escaped;
        filled.push(character);
        rest = &rest[character.len_utf8()..];
    }
    Ok(filled)
}

fn value_of(name: &str, paths: &Value, event: &Value, rule_arn: &str) -> Result<Value> {
    match name {
        "aws.events.rule-arn" => return Ok(rule_arn.into()),
        "aws.events.rule-name" => return Ok(rule_arn.rsplit('/').next().unwrap_or_default().into()),
        "aws.events.event" | "aws.events.event.json" => return Ok(event.clone()),
        "aws.events.event.ingestion-time" => return Ok(event["time"].clone()),
        _ => {}
    }
    let path = paths[name].as_str().ok_or_else(|| refused(format!("InvalidTemplate: <{name}> has no path")))?;
    // A path that leads nowhere gives nothing.
    Ok(select(event, path).cloned().unwrap_or_default())
}

/// `$.detail.dataset`, `$.resources[0]`, `$`.
fn select<'a>(event: &'a Value, path: &str) -> Option<&'a Value> {
    let steps = path.strip_prefix('$')?;
    steps.split('.').filter(|step| !step.is_empty()).try_fold(event, |value, step| {
        let (name, index) = match step.split_once('[') {
            Some((name, index)) => (name, Some(index.strip_suffix(']')?.parse::<usize>().ok()?)),
            None => (step, None),
        };
        let value = value.get(name)?;
        index.map_or(Some(value), |index| value.get(index))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const RULE: &str = "arn:aws:events:us-east-1:123456789012:rule/demo-hpd";

    #[test]
    fn keywords_are_replaced_inside_escaped_json() {
        let firing = Firing { schedule_arn: "arn:s", time: "2026-03-22T18:59:43Z", execution_id: "e" };
        let text = r#"{"a":"{\"t\":\"<aws.scheduler.scheduled-time>\"}","b":"<aws.scheduler.schedule-arn>/<aws.scheduler.attempt-number>"}"#;
        let value = parse(&replace_keywords(text, &firing)).unwrap();
        assert_eq!(value, json!({"a": "{\"t\":\"2026-03-22T18:59:43Z\"}", "b": "arn:s/1"}));
    }

    #[test]
    fn a_template_takes_parts_of_the_event_quoted_or_not() {
        let event = scheduled_event(RULE, "id-1", "2026-03-22T18:59:00Z");
        let template = r#"{"a": <time>, "b": "<time>", "c": "{\"t\": \"<time>\"}", "r": <rules>, "n": "<aws.events.rule-name>", "x": <none>}"#;
        let target = json!({"InputTransformer": {"InputTemplate": template,
            "InputPathsMap": {"time": "$.time", "rules": "$.resources[0]", "none": "$.detail.x"}}});
        let expected = json!({"a": "2026-03-22T18:59:00Z", "b": "2026-03-22T18:59:00Z",
            "c": "{\"t\": \"2026-03-22T18:59:00Z\"}", "r": RULE, "n": "demo-hpd", "x": null});
        assert_eq!(target_input(&target, &event, RULE).unwrap(), expected);
        let unknown = json!({"InputTransformer": {"InputTemplate": "{\"a\": <b>}", "InputPathsMap": {}}});
        assert!(target_input(&unknown, &event, RULE).unwrap_err().to_string().contains("<b>"));
    }

    #[test]
    fn without_an_input_the_target_gets_the_event() {
        let event = scheduled_event(RULE, "id-1", "2026-03-22T18:59:00Z");
        assert_eq!(target_input(&json!({}), &event, RULE).unwrap()["account"], "123456789012");
        assert_eq!(target_input(&json!({"InputPath": "$.region"}), &event, RULE).unwrap(), "us-east-1");
        assert_eq!(target_input(&json!({"Input": "{\"k\":1}"}), &event, RULE).unwrap(), json!({"k": 1}));
    }
}
