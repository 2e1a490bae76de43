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

    /// Whether a cluster, by name or ARN, takes tasks.
    pub fn cluster_is_active(&self, cluster: &str) -> Result<bool> {
        let answer = self.json("ecs", "DescribeClusters", &json!({"clusters": [cluster]}))?;
        Ok(answer["clusters"][0]["status"] == "ACTIVE")
    }

    /// Whether a job queue, by name or ARN, takes jobs.
    pub fn job_queue_is_enabled(&self, queue: &str) -> Result<bool> {
        let answer = self.rest("batch", "POST", "/v1/describejobqueues", Some(&json!({"jobQueues": [queue]})))?;
        Ok(answer["jobQueues"][0]["state"] == "ENABLED")
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

    /// Whether a log group of exactly this name exists.
    pub fn log_group_exists(&self, name: &str) -> Result<bool> {
        let input = json!({"logGroupNamePrefix": name});
        let groups = self.list("logs", "DescribeLogGroups", input, "logGroups", "nextToken")?;
        Ok(groups.iter().any(|group| group["logGroupName"] == name))
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
