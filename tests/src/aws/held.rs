//! What the endpoint holds: schedules, rules, definitions, secrets, logs and metrics, as JSON in AWS's own shape.

use serde_json::{Value, json};

use super::Aws;
use crate::error::{Error, Result};
use crate::http::percent_encode;

impl Aws {
    /// All schedules of a group, as ListSchedules shows them.
    pub fn list_schedules(&self, group: &str) -> Result<Vec<Value>> {
        let mut schedules = Vec::new();
        let mut token = String::new();
        loop {
            let path = format!("/schedules?ScheduleGroup={}{token}", percent_encode(group));
            let mut page = self.rest("scheduler", "GET", &path, None)?;
            if let Some(found) = page["Schedules"].as_array_mut() {
                schedules.append(found);
            }
            match page["NextToken"].as_str() {
                Some(next) => token = format!("&NextToken={}", percent_encode(next)),
                None => return Ok(schedules),
            }
        }
    }

    /// One schedule, whole.
    pub fn get_schedule(&self, group: &str, name: &str) -> Result<Value> {
        let path = format!("/schedules/{}?groupName={}", percent_encode(name), percent_encode(group));
        self.rest("scheduler", "GET", &path, None)
    }

    /// The rules of the default bus whose names start so.
    pub fn list_rules(&self, prefix: &str) -> Result<Vec<Value>> {
        self.list("events", "ListRules", json!({"NamePrefix": prefix}), "Rules", "NextToken")
    }

    /// One rule.
    pub fn describe_rule(&self, name: &str) -> Result<Value> {
        self.json("events", "DescribeRule", &json!({"Name": name}))
    }

    /// The targets of a rule.
    pub fn list_targets_by_rule(&self, rule: &str) -> Result<Vec<Value>> {
        self.list("events", "ListTargetsByRule", json!({"Rule": rule}), "Targets", "NextToken")
    }

    /// A task definition by ARN, `family:revision`, or family for its latest.
    pub fn describe_task_definition(&self, name: &str) -> Result<Value> {
        let input = json!({"taskDefinition": name, "include": ["TAGS"]});
        Ok(self.json("ecs", "DescribeTaskDefinition", &input)?["taskDefinition"].take())
    }

    /// Registers a new revision of what `describe_task_definition` gave, after a change by hand, and returns its ARN.
    pub fn register_task_definition(&self, definition: &Value) -> Result<String> {
        // Members that describe a revision and are refused at registration.
        const READ_ONLY: [&str; 9] = [
            "taskDefinitionArn",
            "revision",
            "status",
            "requiresAttributes",
            "compatibilities",
            "registeredAt",
            "registeredBy",
            "deregisteredAt",
            "tags",
        ];
        let mut input = definition.clone();
        if let Some(members) = input.as_object_mut() {
            members.retain(|name, _| !READ_ONLY.contains(&name.as_str()));
        }
        let registered = self.json("ecs", "RegisterTaskDefinition", &input)?;
        let arn = registered["taskDefinition"]["taskDefinitionArn"].as_str();
        arn.map(str::to_owned).ok_or_else(|| Error::failed("ecs:RegisterTaskDefinition", "the answer holds no ARN"))
    }

    /// Job definitions by ARN or `name:revision`; a bare name gives all active revisions.
    pub fn describe_job_definitions(&self, name: &str) -> Result<Vec<Value>> {
        let input = if name.contains(':') {
            json!({"jobDefinitions": [name]})
        } else {
            json!({"jobDefinitionName": name, "status": "ACTIVE"})
        };
        let mut answer = self.rest("batch", "POST", "/v1/describejobdefinitions", Some(&input))?;
        Ok(answer["jobDefinitions"].as_array_mut().map(std::mem::take).unwrap_or_default())
    }

    /// A secret's text, as it is.
    pub fn get_secret_value(&self, id: &str) -> Result<String> {
        let answer = self.json("secretsmanager", "GetSecretValue", &json!({"SecretId": id}))?;
        let text = answer["SecretString"].as_str().map(str::to_owned);
        text.ok_or_else(|| Error::failed("secretsmanager:GetSecretValue", format!("{id} holds no text")))
    }

    /// Makes a secret, or gives it a new value when it is there.
    pub fn put_secret(&self, name: &str, text: &str) -> Result<()> {
        match self.json("secretsmanager", "CreateSecret", &json!({"Name": name, "SecretString": text})) {
            Err(Error::Aws { code, .. }) if code == "ResourceExistsException" => {
                let input = json!({"SecretId": name, "SecretString": text});
                self.json("secretsmanager", "PutSecretValue", &input).map(drop)
            }
            other => other.map(drop),
        }
    }

    /// Makes a log group; fails when it is there.
    pub fn create_log_group(&self, group: &str) -> Result<()> {
        self.json("logs", "CreateLogGroup", &json!({"logGroupName": group})).map(drop)
    }

    /// Makes a stream and puts these lines into it; times are milliseconds since 1970.
    pub fn put_log_stream(&self, group: &str, stream: &str, events: &[(i64, String)]) -> Result<()> {
        /// AWS takes 10,000 events and 1 MiB at a time; a line and its overhead rarely have 1 KiB.
        const BATCH: usize = 1000;
        let place = json!({"logGroupName": group, "logStreamName": stream});
        match self.json("logs", "CreateLogStream", &place) {
            // A further attempt of the same job writes to the same stream.
            Err(Error::Aws { code, .. }) if code == "ResourceAlreadyExistsException" => {}
            other => drop(other?),
        }
        for batch in events.chunks(BATCH) {
            let mut input = place.clone();
            input["logEvents"] =
                batch.iter().map(|(time, line)| json!({"timestamp": time, "message": line})).collect::<Value>();
            let answer = self.json("logs", "PutLogEvents", &input)?;
            // HTTP 200, and the lines are gone: too old, or in the future.
            if let Some(rejected) = answer.get("rejectedLogEventsInfo").filter(|rejected| !rejected.is_null()) {
                return Err(Error::failed("logs:PutLogEvents", format!("some lines were rejected: {rejected}")));
            }
        }
        Ok(())
    }

    /// The lines of a stream, oldest first.
    pub fn log_lines(&self, group: &str, stream: &str) -> Result<Vec<String>> {
        let mut lines = Vec::new();
        let mut input = json!({"logGroupName": group, "logStreamName": stream, "startFromHead": true});
        loop {
            let page = self.json("logs", "GetLogEvents", &input)?;
            let events = page["events"].as_array().map(Vec::as_slice).unwrap_or_default();
            lines.extend(events.iter().filter_map(|event| event["message"].as_str().map(str::to_owned)));
            // The end of a stream is told by the same token coming back.
            if events.is_empty() || page["nextForwardToken"] == input["nextToken"] {
                return Ok(lines);
            }
            input["nextToken"] = page["nextForwardToken"].clone();
        }
    }

    /// The names of a group's streams that start so.
    pub fn log_streams(&self, group: &str, prefix: &str) -> Result<Vec<String>> {
        let input = json!({"logGroupName": group, "logStreamNamePrefix": prefix});
        let streams = self.list("logs", "DescribeLogStreams", input, "logStreams", "nextToken")?;
        Ok(streams.iter().filter_map(|stream| stream["logStreamName"].as_str().map(str::to_owned)).collect())
    }

    /// The sum of a metric over the last day, by GetMetricData; 0 when there is no data.
    pub fn metric_sum(&self, namespace: &str, metric: &str, dimensions: &[(&str, &str)]) -> Result<f64> {
        let now = jiff::Timestamp::now().as_second();
        let dimensions: Vec<_> = dimensions.iter().map(|(name, value)| json!({"Name": name, "Value": value})).collect();
        let metric = json!({"Namespace": namespace, "MetricName": metric, "Dimensions": dimensions});
        let input = json!({
            "StartTime": now - 86_400,
            "EndTime": now + 3_600,
            "MetricDataQueries": [{"Id": "m", "MetricStat": {"Metric": metric, "Period": 60, "Stat": "Sum"}}],
        });
        let answer = self.json("monitoring", "GetMetricData", &input)?;
        let values = answer["MetricDataResults"][0]["Values"].as_array().map(Vec::as_slice).unwrap_or_default();
        Ok(values.iter().filter_map(Value::as_f64).sum())
    }

    fn list(&self, service: &str, operation: &str, input: Value, items: &str, token: &str) -> Result<Vec<Value>> {
        let (mut input, mut found) = (input, Vec::new());
        loop {
            let mut page = self.json(service, operation, &input)?;
            if let Some(items) = page[items].as_array_mut() {
                found.append(items);
            }
            match page[token].take() {
                Value::String(next) => input[token] = next.into(),
                _ => return Ok(found),
            }
        }
    }
}
