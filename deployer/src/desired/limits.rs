//! Limits of AWS on what is put together here, checked before anything is touched; limits on what people write are the
//! manifests' own. In: what is desired. Out: findings. Emulators accept all of this, and AWS refuses it in the middle of an
//! apply. Numbers are those of the service models and quota pages.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::resource::{Body, Definition, Kind, Resource, Role, Trigger};
use crate::finding::{Code, Finding};
use crate::hash::canonical;
use crate::names::Names;

const TASK_DEFINITION_BYTES: usize = 64 * 1024;
const JOB_DEFINITION_BYTES: usize = 24 * 1024;
const OVERRIDES_CHARS: usize = 8_192;
const TRIGGER_NAME: usize = 64;
const PATTERN_CHARS: usize = 2_048;
const POLICY_CHARS: usize = 10_240;
const RULES_PER_BUS: usize = 300;

/// A finding when there are more rules than an event bus holds.
pub fn rules(names: &Names, resources: &[Resource]) -> Option<Finding> {
    let rules = resources.iter().filter(|resource| resource.kind() == Kind::Rule).count();
    if rules <= RULES_PER_BUS {
        return None;
    }
    let message = format!("{rules} rules; an event bus holds {RULES_PER_BUS}");
    Some(Finding::new(Code::RuleCount, names.prefix(), message, "leave `trigger: rule` out of some schedules"))
}

/// Findings about one resource.
pub fn resource(resource: &Resource) -> Vec<Finding> {
    let place = resource.dataset.as_ref().map_or_else(|| resource.name.clone(), ToString::to_string);
    match &resource.body {
        Body::TaskDefinition(body) => definition(&place, body, Code::TaskDefinitionSize, TASK_DEFINITION_BYTES),
        Body::JobDefinition(body) => definition(&place, body, Code::JobDefinitionSize, JOB_DEFINITION_BYTES),
        Body::Schedule(body) | Body::Rule(body) => trigger(&place, &resource.name, body),
        Body::Role(body) => role(&resource.name, body),
        _ => Vec::new(),
    }
}

fn definition(place: &str, body: &Definition, code: Code, most: usize) -> Vec<Finding> {
    let bytes = definition_bytes(body);
    if bytes <= most {
        return Vec::new();
    }
    let message = format!("its definition takes {bytes} bytes; AWS takes {most}");
    let remedy = match code {
        Code::JobDefinitionSize => "use a task-def with `engine: fargate`, which takes 64 KiB, or split the dataset",
        _ => "split the dataset, or shorten its SQL",
    };
    vec![Finding::new(code, place, message, remedy)]
}

/// Bytes of the request that registers a definition, on the safe side: every variable as an object, and room for the keys
/// that our own form does not have.
fn definition_bytes(body: &Definition) -> usize {
    const KEYS: usize = 1_024;
    let environment: Vec<Value> =
        body.environment.iter().map(|(name, value)| json!({"name": name, "value": value})).collect();
    let rest = Definition { environment: BTreeMap::new(), ..body.clone() };
    Value::Array(environment).to_string().len() + canonical(&super::resource::value(&rest)).len() + KEYS
}

fn trigger(place: &str, name: &str, body: &Trigger) -> Vec<Finding> {
    let mut findings = Vec::new();
    if name.len() > TRIGGER_NAME {
        let message = format!("the name {name} has {} characters; AWS takes {TRIGGER_NAME}", name.len());
        findings.push(Finding::new(Code::NameLength, place, message, "give the dataset a shorter name"));
    }
    let input = body.target.input.chars().count();
    if input > OVERRIDES_CHARS {
        let message = format!("a firing hands over {input} characters; AWS takes {OVERRIDES_CHARS}");
        findings.push(Finding::new(Code::OverridesSize, place, message, "shorten what the schedule hands over"));
    }
    let pattern = body.pattern.as_ref().map_or(0, |pattern| canonical(pattern).chars().count());
    if pattern > PATTERN_CHARS {
        let message = format!("the events that it follows take {pattern} characters; AWS takes {PATTERN_CHARS}");
        let remedy = "name fewer datasets in `depends_on`, or give it a schedule of its own";
        findings.push(Finding::new(Code::PatternSize, place, message, remedy));
    }
    findings
}

fn role(name: &str, body: &Role) -> Vec<Finding> {
    // IAM does not count blanks.
    let chars = canonical(&body.policy).chars().count();
    if chars <= POLICY_CHARS {
        return Vec::new();
    }
    let message = format!("its policy takes {chars} characters; IAM takes {POLICY_CHARS}");
    vec![Finding::new(Code::PolicySize, format!("role {name}"), message, "use fewer secrets in one dataset")]
}
