//! What tells people: the stack's topic, its four alarms, the rule for tasks that end without the worker having said why, and
//! a dashboard with one row per dataset. In: the environment and its datasets. Out: bodies. Four alarms per stack, whatever
//! the number of datasets: an alarm costs money and each dataset would need several. Those that a dataset asks for come
//! besides, and so do rules for jobs that fail.

use std::collections::BTreeMap;

use manifest::stack::Environment;
use manifest::task_def::Engine;
use manifest::{Dataset, contract};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::resource::{Body, DefinitionRef, Resource, Tags};
use super::role;
use crate::names::Names;

/// Run records that count as failures of the stack, as a filter pattern of CloudWatch Logs.
pub const FAILURES: &str =
    r#"{ $.event = "run" && ($.outcome = "failed" || $.outcome = "refused" || $.outcome = "stopped") }"#;

/// A dashboard holds 500 widgets and 2,500 metrics (CloudWatch quotas): a row is one widget of four metrics.
const ROWS_PER_DASHBOARD: usize = 400;

/// The stack's topic.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Topic {
    /// Addresses that are told: of mail, or `https:`; sorted. Others may subscribe besides.
    pub subscribers: Vec<String>,
    /// Who may publish to it: a policy document.
    pub policy: Value,
}

/// One metric.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Metric {
    /// Its namespace.
    pub namespace: String,
    /// Its name.
    pub name: String,
    /// Its dimensions.
    pub dimensions: BTreeMap<String, String>,
}

/// A CloudWatch alarm: too much of a metric in one period. No data is no alarm.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Alarm {
    /// Words for people in its Description.
    pub words: String,
    /// What is watched.
    pub metric: Metric,
    /// `Sum` or `Maximum`.
    pub statistic: String,
    /// Seconds of a period.
    pub period_seconds: u32,
    /// From this value on it rings.
    pub threshold: u32,
    /// ARN of the topic that it tells.
    pub topic: String,
}

/// A rule that tells the topic of events.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Watch {
    /// Words for people in its Description.
    pub words: String,
    /// The events that it answers to.
    pub pattern: Value,
    /// ARN of the topic that it tells.
    pub topic: String,
    /// What of an event its message shows: name → JSON path.
    pub paths: BTreeMap<String, String>,
    /// The message, with names in angle brackets.
    pub message: String,
    /// ARN of the queue for messages that could not be delivered.
    pub dead_letters: String,
    /// The user's tags.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub tags: Tags,
}

/// A CloudWatch dashboard.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Dashboard {
    /// Region of its metrics.
    pub region: String,
    /// Dimensions of all of its metrics.
    pub dimensions: BTreeMap<String, String>,
    /// Datasets by name, each with its title: a row.
    pub rows: BTreeMap<String, String>,
}

/// Everything of the stack that tells people.
pub fn resources(names: &Names, environment: &Environment, datasets: &[&Dataset]) -> Vec<Resource> {
    let mut made = vec![topic(names, environment), stopped(names, environment)];
    made.extend(alarms(names));
    // The worker alone puts metrics.
    let loaded: Vec<&Dataset> = datasets.iter().copied().filter(|dataset| dataset.job.is_none()).collect();
    made.extend(loaded.iter().flat_map(|dataset| of_dataset(names, dataset)));
    made.extend(dashboards(names, &loaded));
    made
}

fn topic(names: &Names, environment: &Environment) -> Resource {
    let mut subscribers = environment.notify.clone();
    subscribers.sort();
    subscribers.dedup();
    let topic = Topic { subscribers, policy: role::topic_policy(names) };
    Resource::new(names.topic(), None, Body::Topic(topic))
}

/// Dimensions of the stack's own metrics.
fn of_stack(names: &Names) -> BTreeMap<String, String> {
    let marker = &names.marker;
    BTreeMap::from([
        ("Stack".to_owned(), marker.stack.to_string()),
        ("Environment".to_owned(), marker.environment.to_string()),
    ])
}

fn alarms(names: &Names) -> Vec<Resource> {
    let metric = |namespace: &str, name: &str, dimensions: BTreeMap<String, String>| Metric {
        namespace: namespace.to_owned(),
        name: name.to_owned(),
        dimensions,
    };
    let of = |name: &str, value: String| BTreeMap::from([(name.to_owned(), value)]);
    let alarm = |name: &str, words: &str, metric: Metric, statistic: &str, period_seconds: u32, threshold: u32| {
        let alarm = Alarm {
            words: words.to_owned(),
            metric,
            statistic: statistic.to_owned(),
            period_seconds,
            threshold,
            topic: names.topic_arn(),
        };
        Resource::new(names.alarm(name), None, Body::Alarm(alarm))
    };
    vec![
        alarm(
            "runs-failed",
            "A load failed or was refused; what was live stays.",
            metric(contract::METRIC_NAMESPACE, contract::METRIC_FAILURES, of_stack(names)),
            "Sum",
            300,
            1,
        ),
        alarm(
            "dead-letters",
            "A firing could not be delivered and waits in the dead-letter queue.",
            metric("AWS/SQS", "ApproximateNumberOfMessagesVisible", of("QueueName", names.dead_letters())),
            "Maximum",
            300,
            1,
        ),
        // One refusal is tried again; several in a row mean a role, a quota or a definition that is wrong.
        alarm(
            "firings-refused",
            "AWS refuses again and again to start what schedules start.",
            metric("AWS/Scheduler", "TargetErrorCount", of("ScheduleGroup", names.schedule_group())),
            "Sum",
            900,
            3,
        ),
        alarm(
            "tasks-lost",
            "A task ended before its worker could say why: it was not started, was killed, or ran out of memory.",
            metric("AWS/Events", "TriggeredRules", of("RuleName", names.stopped_rule())),
            "Sum",
            300,
            1,
        ),
    ]
}

/// Alarms that a dataset asks for, on the metrics that its runs put.
fn of_dataset(names: &Names, dataset: &Dataset) -> Vec<Resource> {
    /// CloudWatch looks back a day at most.
    const DAY: u32 = 86_400;
    /// A run's length is put once, at its end.
    const HOUR: u32 = 3_600;
    let name = &dataset.dataset;
    let mut dimensions = of_stack(names);
    dimensions.insert("Dataset".to_owned(), name.to_string());
    let alarm = |what: &str, words: String, metric: &str, statistic: &str, period_seconds: u32, threshold: u32| {
        let metric = Metric {
            namespace: contract::METRIC_NAMESPACE.to_owned(),
            name: metric.to_owned(),
            dimensions: dimensions.clone(),
        };
        let (statistic, topic) = (statistic.to_owned(), names.topic_arn());
        let alarm = Alarm { words, metric, statistic, period_seconds, threshold, topic };
        Resource::new(names.alarm(&format!("{name}-{what}")), Some(name.clone()), Body::Alarm(alarm))
    };
    let alarms = &dataset.alarms;
    let failures = alarms.failures.map(|count| {
        let words = format!("{count} or more runs of {name} failed or were refused within a day.");
        alarm("failures", words, contract::METRIC_FAILURES, "Sum", DAY, count)
    });
    let bad_values = alarms.bad_values.map(|count| {
        let words = format!("{count} or more values of {name} could not be read within a day.");
        alarm("bad-values", words, contract::METRIC_BAD_VALUES, "Sum", DAY, count)
    });
    let longer_than = alarms.longer_than.map(|span| {
        let words = format!("A run of {name} took {span} or longer.");
        let seconds = u32::try_from(span.seconds()).unwrap_or(u32::MAX);
        alarm("longer-than", words, contract::METRIC_SECONDS, "Maximum", HOUR, seconds)
    });
    [failures, bad_values, longer_than].into_iter().flatten().collect()
}

/// The rule for tasks and jobs that end without a word of the worker: those that it ends itself leave a run record.
fn stopped(names: &Names, environment: &Environment) -> Resource {
    let definitions = |service: &str, kind: &str| json!([{"prefix": names.arn(service, &format!("{kind}/{}", names.definition_prefix()))}]);
    // What was taken away is started again.
    let told_by_itself = ["EssentialContainerExited", "UserInitiated", super::upstream::SPOT_INTERRUPTION];
    let pattern = json!({
        "source": ["aws.ecs", "aws.batch"],
        "detail": {"$or": [
            {
                "lastStatus": ["STOPPED"],
                "taskDefinitionArn": definitions("ecs", "task-definition"),
                "stopCode": [{"anything-but": told_by_itself}],
            },
            {
                "lastStatus": ["STOPPED"],
                "taskDefinitionArn": definitions("ecs", "task-definition"),
                "containers": {"reason": [{"prefix": "OutOfMemory"}]},
            },
            {
                "status": ["FAILED"],
                "jobDefinition": definitions("batch", "job-definition"),
                "statusReason": [{"anything-but": ["Essential container in task exited"]}],
            },
        ]},
    });
    let path = |name: &str, path: &str| (name.to_owned(), path.to_owned());
    let watch = Watch {
        words: "Tells of tasks that end without a word of their worker.".to_owned(),
        pattern,
        topic: names.topic_arn(),
        paths: BTreeMap::from([
            path("task", "$.detail.taskDefinitionArn"),
            path("why", "$.detail.stoppedReason"),
            path("job", "$.detail.jobName"),
            path("reason", "$.detail.statusReason"),
            path("time", "$.time"),
        ]),
        // A path that an event does not have is left empty.
        message: format!("\"{}: a run ended without a word at <time>: <task><job>: <why><reason>\"", names.marker),
        dead_letters: names.dead_letters_arn(),
        tags: environment.tags.clone(),
    };
    Resource::new(names.stopped_rule(), None, Body::Watch(watch))
}

/// The rule for a job that ends with another exit code than 0: nobody but its container could have told. Of Batch it is the
/// last attempt that counts.
pub fn job_failed(
    names: &Names,
    environment: &Environment,
    dataset: &Dataset,
    definitions: &[&DefinitionRef],
) -> Resource {
    let mut ways: Vec<Value> = Vec::new();
    for (engine, arns) in super::upstream::arns_by_engine(names, definitions) {
        ways.push(match engine {
            Engine::Fargate => json!({
                "lastStatus": ["STOPPED"],
                "containers": {"exitCode": [{"anything-but": [0]}]},
                "taskDefinitionArn": arns,
            }),
            Engine::Batch => json!({"status": ["FAILED"], "jobDefinition": arns}),
        });
    }
    let name = &dataset.dataset;
    let path = |name: &str, path: &str| (name.to_owned(), path.to_owned());
    let watch = Watch {
        words: format!("Tells when {name} fails."),
        pattern: json!({"source": ["aws.ecs", "aws.batch"], "detail": super::upstream::any_of(ways)}),
        topic: names.topic_arn(),
        paths: BTreeMap::from([
            path("why", "$.detail.stoppedReason"),
            path("reason", "$.detail.statusReason"),
            path("time", "$.time"),
        ]),
        message: format!(
            "\"{}: the job {name} failed at <time>: <why><reason>. Its log: aws logs tail {} --region {} --since 1d \
             --log-stream-name-prefix {name}/\"",
            names.marker,
            names.log_group(),
            names.region,
        ),
        dead_letters: names.dead_letters_arn(),
        tags: environment.tags.clone(),
    };
    Resource::new(names.failed_rule(name), Some(name.clone()), Body::Watch(watch))
}

fn dashboards(names: &Names, datasets: &[&Dataset]) -> Vec<Resource> {
    let chunks = datasets.chunks(ROWS_PER_DASHBOARD).enumerate();
    chunks
        .map(|(place, datasets)| {
            let rows = datasets.iter().map(|dataset| (dataset.dataset.to_string(), dataset.title.clone())).collect();
            let body = Dashboard { region: names.region.clone(), dimensions: of_stack(names), rows };
            Resource::new(names.dashboard(place), None, Body::Dashboard(body))
        })
        .collect()
}

/// The JSON that CloudWatch takes, with `note` in the text on top.
pub fn dashboard_json(dashboard: &Dashboard, note: &str) -> Value {
    let mut widgets = vec![json!({
        "type": "text", "x": 0, "y": 0, "width": 24, "height": 1, "properties": {"markdown": note},
    })];
    for (place, (dataset, title)) in dashboard.rows.iter().enumerate() {
        let metric = |name: &str, label: &str, stat: &str| {
            let mut metric = vec![json!(contract::METRIC_NAMESPACE), json!(name)];
            for (name, value) in &dashboard.dimensions {
                metric.extend([json!(name), json!(value)]);
            }
            metric.extend([json!("Dataset"), json!(dataset), json!({"label": label, "stat": stat})]);
            Value::Array(metric)
        };
        widgets.push(json!({
            "type": "metric", "x": 0, "y": 1 + place * 3, "width": 24, "height": 3,
            "properties": {
                "title": format!("{dataset}: {title}"), "view": "singleValue", "sparkline": true,
                "region": dashboard.region, "period": 86_400,
                "metrics": [
                    metric(contract::METRIC_ROWS, "rows", "Maximum"),
                    metric(contract::METRIC_SECONDS, "seconds", "Maximum"),
                    metric(contract::METRIC_BAD_VALUES, "bad values", "Sum"),
                    metric(contract::METRIC_FAILURES, "failed runs", "Sum"),
                ],
            },
        }));
    }
    json!({"widgets": widgets})
}
