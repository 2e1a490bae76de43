//! Limits of AWS on what is put together here, checked before anything is touched; limits on what people write are the
//! manifests' own. In: what is desired. Out: findings. Emulators accept all of this, and AWS refuses it in the middle of an
//! apply. Numbers are those of the service models and quota pages.

use std::collections::BTreeMap;

use manifest::task_def::Engine;
use serde_json::{Value, json};

use super::resource::{Body, Definition, Kind, Resource, Role, Trigger};
use crate::finding::{Code, Finding};
use crate::hash::canonical;
use crate::names::Names;

const TASK_DEFINITION_BYTES: usize = 64 * 1024;
const JOB_DEFINITION_BYTES: usize = 24 * 1024;
const OVERRIDES_CHARS: usize = 8_192;
/// Characters of a Description, of which the stack's mark, the hash and what people decided take up to [`MARK_CHARS`].
const DESCRIPTION_CHARS: usize = 512;
const MARK_CHARS: usize = 112;
const EXPRESSION_CHARS: usize = 256;
const TIMEZONE_CHARS: usize = 50;
/// What Scheduler hands to Batch is one request of `SubmitJob`.
const SUBMIT_JOB_BYTES: usize = 30 * 1024;
/// Tags of one resource, of which the stack's own marks take three.
const TAGS: usize = 50;
const MARKS: usize = 3;
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

/// Characters that a name of this kind may have.
fn longest_name(kind: Kind) -> usize {
    match kind {
        Kind::Schedule | Kind::Rule | Kind::ScheduleGroup | Kind::Role => 64,
        Kind::Queue => 80,
        Kind::ComputeEnvironment | Kind::JobQueue | Kind::JobDefinition => 128,
        Kind::Cluster | Kind::TaskDefinition | Kind::Alarm | Kind::Dashboard => 255,
        Kind::Topic => 256,
        Kind::LogGroup | Kind::Secret => 512,
    }
}

/// Something whose length AWS limits.
struct Measure {
    what: &'static str,
    length: usize,
    most: usize,
    remedy: &'static str,
}

impl Measure {
    fn finding(self, place: &str) -> Option<Finding> {
        let Self { what, length, most, remedy } = self;
        let message = format!("{what} takes {length} characters; AWS takes {most}");
        (length > most).then(|| Finding::new(Code::TextLength, place, message, remedy))
    }
}

/// Texts that people's words end up in.
fn texts(body: &Body) -> Vec<Measure> {
    let words = |words: &str| Measure {
        what: "its description",
        length: words.chars().count() + MARK_CHARS,
        most: DESCRIPTION_CHARS,
        remedy: "shorten what it is made of: the expression as it is written, or the names in `depends_on`",
    };
    match body {
        Body::Schedule(trigger) | Body::Rule(trigger) => vec![
            words(&trigger.words),
            Measure {
                what: "its expression",
                length: trigger.expression.chars().count(),
                most: EXPRESSION_CHARS,
                remedy: "write several entries, each with a shorter expression",
            },
            Measure {
                what: "its time zone",
                length: trigger.timezone.chars().count(),
                most: TIMEZONE_CHARS,
                remedy: "use the zone's shorter name",
            },
        ],
        Body::Watch(watch) => vec![words(&watch.words)],
        Body::Alarm(alarm) => vec![words(&alarm.words)],
        Body::Role(role) => vec![words(&role.words)],
        _ => Vec::new(),
    }
}

fn tags(body: &Body) -> usize {
    match body {
        Body::Role(body) => body.tags.len(),
        Body::TaskDefinition(body) | Body::JobDefinition(body) => body.tags.len(),
        Body::ScheduleGroup(body) => body.tags.len(),
        Body::Schedule(body) | Body::Rule(body) => body.tags.len(),
        Body::Watch(body) => body.tags.len(),
        _ => 0,
    }
}

/// Findings about one resource.
pub fn resource(resource: &Resource) -> Vec<Finding> {
    let place = resource.dataset.as_ref().map_or_else(|| resource.name.clone(), ToString::to_string);
    let mut findings = of_body(&place, resource);
    findings.extend(name(&place, resource));
    findings.extend(texts(&resource.body).into_iter().filter_map(|measure| measure.finding(&place)));
    let count = tags(&resource.body) + MARKS;
    if count > TAGS {
        let message = format!("it has {count} tags, the stack's own among them; AWS takes {TAGS}");
        findings.push(Finding::new(Code::TextLength, place, message, "write fewer `tags` in freshet.yml"));
    }
    findings
}

fn name(place: &str, resource: &Resource) -> Option<Finding> {
    let (length, most) = (resource.name.chars().count(), longest_name(resource.kind()));
    if length <= most {
        return None;
    }
    let message = format!("the name {} has {length} characters; AWS takes {most}", resource.name);
    let remedy =
        if resource.dataset.is_some() { "give the dataset a shorter name" } else { "give the stack a shorter name" };
    Some(Finding::new(Code::NameLength, place, message, remedy))
}

fn of_body(place: &str, resource: &Resource) -> Vec<Finding> {
    match &resource.body {
        Body::TaskDefinition(body) => definition(place, body, Code::TaskDefinitionSize, TASK_DEFINITION_BYTES),
        Body::JobDefinition(body) => definition(place, body, Code::JobDefinitionSize, JOB_DEFINITION_BYTES),
        Body::Schedule(body) | Body::Rule(body) => trigger(place, body),
        Body::Watch(body) => pattern(place, &body.pattern),
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

fn pattern(place: &str, pattern: &Value) -> Vec<Finding> {
    let pattern = canonical(pattern).chars().count();
    if pattern <= PATTERN_CHARS {
        return Vec::new();
    }
    let message = format!("the events that it follows take {pattern} characters; AWS takes {PATTERN_CHARS}");
    let remedy = "name fewer datasets in `depends_on`, or give it a schedule of its own";
    vec![Finding::new(Code::PatternSize, place, message, remedy)]
}

fn trigger(place: &str, body: &Trigger) -> Vec<Finding> {
    let mut findings = Vec::new();
    // Scheduler's request to Batch has the names of queue and definition besides.
    let request = body.target.input.len() + body.target.place.len() + body.target.definition.name.len() + 512;
    if body.target.definition.engine == Engine::Batch && request > SUBMIT_JOB_BYTES {
        let message = format!("a firing hands over {request} bytes; Batch takes {SUBMIT_JOB_BYTES}");
        findings.push(Finding::new(Code::OverridesSize, place, message, "shorten what the schedule hands over"));
    }
    let input = body.target.input.chars().count();
    if input > OVERRIDES_CHARS {
        let message = format!("a firing hands over {input} characters; AWS takes {OVERRIDES_CHARS}");
        findings.push(Finding::new(Code::OverridesSize, place, message, "shorten what the schedule hands over"));
    }
    findings.extend(body.pattern.iter().flat_map(|events| pattern(place, events)));
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

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::desired::resource::Target;
    use crate::desired::{Desired, fixture};

    type Set = fn(&mut Resource, usize);

    fn trigger(resource: &mut Resource) -> &mut Trigger {
        let (Body::Schedule(trigger) | Body::Rule(trigger)) = &mut resource.body else { panic!("no trigger") };
        trigger
    }

    fn definition_of(resource: &mut Resource) -> &mut Definition {
        let (Body::TaskDefinition(body) | Body::JobDefinition(body)) = &mut resource.body else {
            panic!("no definition")
        };
        body
    }

    /// A definition that takes so many bytes in all.
    fn fill(resource: &mut Resource, bytes: usize) {
        let body = definition_of(resource);
        body.environment.insert("FILL".to_owned(), String::new());
        let rest = bytes - definition_bytes(body);
        body.environment.insert("FILL".to_owned(), "x".repeat(rest));
    }

    fn fill_policy(resource: &mut Resource, chars: usize) {
        let Body::Role(role) = &mut resource.body else { panic!("no role") };
        role.policy = json!({"Sid": ""});
        let rest = chars - canonical(&role.policy).chars().count();
        role.policy = json!({"Sid": "x".repeat(rest)});
    }

    fn fill_pattern(resource: &mut Resource, chars: usize) {
        let rest = chars - canonical(&json!({"source": [""]})).chars().count();
        trigger(resource).pattern = Some(json!({"source": ["x".repeat(rest)]}));
    }

    fn fill_tags(resource: &mut Resource, count: usize) {
        definition_of(resource).tags = (MARKS..count).map(|n| (format!("t{n}"), String::new())).collect();
    }

    fn fill_request(resource: &mut Resource, bytes: usize) {
        let Target { place, input, definition, .. } = &mut trigger(resource).target;
        *input = "x".repeat(bytes - place.len() - definition.name.len() - 512);
    }

    /// Every limit: what it is about, the most that AWS takes, how to come there, and what is told beyond it.
    const LIMITS: &[(&str, Kind, usize, Set, Code)] = &[
        ("task definition", Kind::TaskDefinition, 65_536, fill, Code::TaskDefinitionSize),
        ("job definition", Kind::JobDefinition, 24_576, fill, Code::JobDefinitionSize),
        (
            "overrides of a schedule",
            Kind::Schedule,
            8_192,
            |r, n| trigger(r).target.input = "x".repeat(n),
            Code::OverridesSize,
        ),
        ("overrides of a rule", Kind::Rule, 8_192, |r, n| trigger(r).target.input = "x".repeat(n), Code::OverridesSize),
        ("pattern of a rule", Kind::Rule, 2_048, fill_pattern, Code::PatternSize),
        ("policy of a role", Kind::Role, 10_240, fill_policy, Code::PolicySize),
        ("description of a schedule", Kind::Schedule, 400, |r, n| trigger(r).words = "é".repeat(n), Code::TextLength),
        ("description of a rule", Kind::Rule, 400, |r, n| trigger(r).words = "x".repeat(n), Code::TextLength),
        ("expression", Kind::Schedule, 256, |r, n| trigger(r).expression = "x".repeat(n), Code::TextLength),
        ("time zone", Kind::Schedule, 50, |r, n| trigger(r).timezone = "x".repeat(n), Code::TextLength),
        ("tags", Kind::TaskDefinition, 50, fill_tags, Code::TextLength),
        ("name of a schedule", Kind::Schedule, 64, |r, n| r.name = "x".repeat(n), Code::NameLength),
        ("name of a rule", Kind::Rule, 64, |r, n| r.name = "x".repeat(n), Code::NameLength),
        ("name of a role", Kind::Role, 64, |r, n| r.name = "x".repeat(n), Code::NameLength),
        ("name of a group", Kind::ScheduleGroup, 64, |r, n| r.name = "x".repeat(n), Code::NameLength),
        ("name of a queue", Kind::Queue, 80, |r, n| r.name = "x".repeat(n), Code::NameLength),
        ("name of a job queue", Kind::JobQueue, 128, |r, n| r.name = "x".repeat(n), Code::NameLength),
        ("name of a job definition", Kind::JobDefinition, 128, |r, n| r.name = "x".repeat(n), Code::NameLength),
        ("name of a family", Kind::TaskDefinition, 255, |r, n| r.name = "x".repeat(n), Code::NameLength),
        ("name of an alarm", Kind::Alarm, 255, |r, n| r.name = "x".repeat(n), Code::NameLength),
        ("name of a topic", Kind::Topic, 256, |r, n| r.name = "x".repeat(n), Code::NameLength),
        ("name of a log group", Kind::LogGroup, 512, |r, n| r.name = "x".repeat(n), Code::NameLength),
    ];

    #[test]
    fn what_is_at_a_limit_of_aws_passes_and_what_is_one_beyond_is_told() {
        let desired = Desired::new(&fixture::four(), &BTreeSet::new());
        for (what, kind, most, set, code) in LIMITS {
            // Of rules those that start something.
            let wanted = |resource: &&Resource| resource.kind() == *kind && !matches!(resource.body, Body::Watch(_));
            let mut tried = desired.resources.iter().find(wanted).unwrap().clone();
            set(&mut tried, *most);
            assert_eq!(resource(&tried), [], "{what} of {most}");
            set(&mut tried, *most + 1);
            let codes: Vec<Code> = resource(&tried).into_iter().map(|finding| finding.code).collect();
            assert_eq!(codes, [*code], "{what} of {}", most + 1);
        }
    }

    #[test]
    fn a_request_to_batch_and_the_rules_of_a_bus_have_limits_too() {
        let desired = Desired::new(&fixture::four(), &BTreeSet::new());
        let mut batch = desired.resources.iter().find(|one| one.name.starts_with("acris.")).unwrap().clone();
        fill_request(&mut batch, SUBMIT_JOB_BYTES + 1);
        assert!(resource(&batch).iter().any(|finding| finding.message.contains("Batch takes 30720")));
        let rule = desired.resources.iter().find(|one| one.kind() == Kind::Rule).unwrap();
        let rules = |count: usize| rules(&desired.names, &vec![rule.clone(); count]);
        assert_eq!(rules(RULES_PER_BUS), None);
        assert!(rules(RULES_PER_BUS + 1).is_some_and(|finding| finding.code == Code::RuleCount));
    }
}
