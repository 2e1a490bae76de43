//! Every name and ARN of one stack in one environment. In: the environment. Out: text that follows each service's rule.
//! Nothing else in the crate puts a name together.

use manifest::stack::Environment;
use manifest::task_def::{Arch, Capacity, Compute, TaskDef};
use manifest::{ContentHash, DatasetName, TaskDefName};

use crate::marker::Marker;

/// The names of one stack.
#[derive(Debug, Clone)]
pub struct Names {
    /// Stack and environment.
    pub marker: Marker,
    /// Twelve digits.
    pub account: String,
    /// Region, such as `us-east-1`.
    pub region: String,
    cluster: String,
    role_path: String,
}

impl Names {
    /// The names of this environment's stack.
    pub fn new(environment: &Environment) -> Self {
        let marker = Marker { stack: environment.stack.clone(), environment: environment.name.clone() };
        let role_path = environment
            .role_path
            .clone()
            .unwrap_or_else(|| format!("/freshet/{}/{}/", environment.stack, environment.name));
        Self {
            marker,
            account: environment.account.clone(),
            region: environment.region.clone(),
            cluster: environment.cluster.clone(),
            role_path,
        }
    }

    /// What most names begin with. At most 41 bytes.
    pub fn prefix(&self) -> String {
        format!("freshet-{}-{}", self.marker.stack, self.marker.environment)
    }

    /// The partition that ARNs of this region begin with.
    pub fn partition(&self) -> &'static str {
        let known = [
            ("cn-", "aws-cn"),
            ("us-gov-", "aws-us-gov"),
            ("us-isob-", "aws-iso-b"),
            ("us-isof-", "aws-iso-f"),
            ("us-iso-", "aws-iso"),
            ("eu-isoe-", "aws-iso-e"),
            ("eusc-", "aws-eusc"),
        ];
        known.into_iter().find(|(prefix, _)| self.region.starts_with(prefix)).map_or("aws", |(_, partition)| partition)
    }

    /// An ARN in this account and region.
    pub fn arn(&self, service: &str, rest: &str) -> String {
        format!("arn:{}:{service}:{}:{}:{rest}", self.partition(), self.region, self.account)
    }

    /// The log group of all datasets; one stream prefix each.
    pub fn log_group(&self) -> String {
        format!("/freshet/{}/{}", self.marker.stack, self.marker.environment)
    }

    /// Where the stack's roles live in IAM.
    pub fn role_path(&self) -> &str {
        &self.role_path
    }

    /// A role of the stack; IAM's names are one space per account whatever their path. At most 64 bytes.
    pub fn role(&self, purpose: &str) -> String {
        format!("{}-{purpose}", self.prefix())
    }

    /// ARN of a role of the stack.
    pub fn role_arn(&self, purpose: &str) -> String {
        format!("arn:{}:iam::{}:role{}{}", self.partition(), self.account, self.role_path, self.role(purpose))
    }

    /// The queue that undeliverable firings go to.
    pub fn dead_letters(&self) -> String {
        format!("{}-dead-letters", self.prefix())
    }

    /// ARN of [`Self::dead_letters`].
    pub fn dead_letters_arn(&self) -> String {
        self.arn("sqs", &self.dead_letters())
    }

    /// The topic that people are told by.
    pub fn topic(&self) -> String {
        format!("{}-alerts", self.prefix())
    }

    /// ARN of [`Self::topic`].
    pub fn topic_arn(&self) -> String {
        self.arn("sns", &self.topic())
    }

    /// What the names of the stack's alarms begin with; a dot, as for rules.
    pub fn alarm_prefix(&self) -> String {
        self.rule_prefix()
    }

    /// An alarm of the stack.
    pub fn alarm(&self, what: &str) -> String {
        format!("{}{what}", self.alarm_prefix())
    }

    /// The n-th dashboard of the stack, counted from 0. Names of dashboards hold no dot.
    pub fn dashboard(&self, place: usize) -> String {
        match place {
            0 => self.prefix(),
            more => format!("{}--{}", self.prefix(), more + 1),
        }
    }

    /// Whether a dashboard's name is one of this stack's.
    pub fn is_dashboard(&self, name: &str) -> bool {
        let number = |rest: &str| !rest.is_empty() && rest.bytes().all(|byte| byte.is_ascii_digit());
        name.strip_prefix(&self.prefix())
            .is_some_and(|rest| rest.is_empty() || rest.strip_prefix("--").is_some_and(number))
    }

    /// The rule that tells of tasks which end without a word. No dataset's name begins with a hyphen.
    pub fn stopped_rule(&self) -> String {
        format!("{}-stopped", self.rule_prefix())
    }

    /// The rule that tells of a job that failed. No dataset's name begins with a hyphen.
    pub fn failed_rule(&self, dataset: &DatasetName) -> String {
        self.rule(&format!("-failed-{dataset}"))
    }

    /// The ECS cluster that the manifest names.
    pub fn cluster(&self) -> &str {
        &self.cluster
    }

    /// ARN of [`Self::cluster`].
    pub fn cluster_arn(&self) -> String {
        self.arn("ecs", &format!("cluster/{}", self.cluster))
    }

    /// Batch's compute environment and job queue of a place, which have a name space each. No stack's or environment's name
    /// holds two hyphens in a row.
    pub fn batch(&self, place: BatchPlace) -> String {
        match place.suffix() {
            suffix if suffix.is_empty() => self.prefix(),
            suffix => format!("{}--{suffix}", self.prefix()),
        }
    }

    /// ARN of a place's job queue.
    pub fn job_queue_arn(&self, place: BatchPlace) -> String {
        self.arn("batch", &format!("job-queue/{}", self.batch(place)))
    }

    /// ARNs of everything of a kind of Batch that places consist of, as policies say it.
    pub fn batch_arns(&self, kind: &str) -> [String; 2] {
        let plain = self.arn("batch", &format!("{kind}/{}", self.prefix()));
        let further = format!("{plain}--*");
        [plain, further]
    }

    /// What the names of the stack's definitions begin with.
    pub fn definition_prefix(&self) -> String {
        format!("{}-", self.prefix())
    }

    /// The task or job definition of a dataset; with its task-def when that is not the dataset's first. ECS takes 255
    /// bytes, Batch 128.
    pub fn definition(&self, dataset: &DatasetName, further: Option<&TaskDefName>) -> String {
        match further {
            None => format!("{}{dataset}", self.definition_prefix()),
            Some(task_def) => format!("{}{dataset}-{task_def}", self.definition_prefix()),
        }
    }

    /// The dataset that a definition of this stack belongs to, by its name alone.
    pub fn dataset_of_definition(&self, definition: &str) -> Option<DatasetName> {
        let rest = definition.strip_prefix(&self.definition_prefix())?;
        dataset_of_schedule(rest)
    }

    /// The Scheduler group, which marks every schedule in it as ours.
    pub fn schedule_group(&self) -> String {
        self.prefix()
    }

    /// ARN of [`Self::schedule_group`].
    pub fn schedule_group_arn(&self) -> String {
        self.arn("scheduler", &format!("schedule-group/{}", self.schedule_group()))
    }

    /// What the names of the stack's rules begin with. A stack's or environment's name holds no dot, so that this is no
    /// prefix of another stack's.
    pub fn rule_prefix(&self) -> String {
        format!("{}.", self.prefix())
    }

    /// The rule of a schedule; a name above EventBridge's 64 bytes is cut and told apart by a hash of the whole.
    pub fn rule(&self, schedule: &str) -> String {
        const LONGEST: usize = 64;
        let whole = format!("{}{schedule}", self.rule_prefix());
        if whole.len() <= LONGEST {
            return whole;
        }
        let hash = ContentHash::of_bytes(whole.as_bytes()).prefix(8);
        format!("{}-{hash}", &whole[..LONGEST - 9])
    }
}

/// Where Batch's jobs run: a compute environment with its queue for each.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct BatchPlace {
    /// Fargate, or instances.
    pub compute: Compute,
    /// Whether AWS may take the machine away.
    pub capacity: Capacity,
    /// Architecture of instances; those of Fargate take either.
    pub arm: bool,
}

impl BatchPlace {
    /// Every place that there can be.
    pub const ALL: [Self; 6] = {
        const fn place(compute: Compute, capacity: Capacity, arm: bool) -> BatchPlace {
            BatchPlace { compute, capacity, arm }
        }
        [
            place(Compute::Fargate, Capacity::OnDemand, false),
            place(Compute::Fargate, Capacity::Spot, false),
            place(Compute::Ec2, Capacity::OnDemand, false),
            place(Compute::Ec2, Capacity::Spot, false),
            place(Compute::Ec2, Capacity::OnDemand, true),
            place(Compute::Ec2, Capacity::Spot, true),
        ]
    };

    /// Where jobs of this task-def run.
    pub fn of(task_def: &TaskDef) -> Self {
        let arm = task_def.compute == Compute::Ec2 && task_def.arch == Arch::Arm64;
        Self { compute: task_def.compute, capacity: task_def.capacity, arm }
    }

    fn suffix(self) -> String {
        let words = [
            (self.compute == Compute::Ec2).then_some("ec2"),
            (self.capacity == Capacity::Spot).then_some("spot"),
            self.arm.then_some("arm64"),
        ];
        words.into_iter().flatten().collect::<Vec<_>>().join("-")
    }
}

/// The dataset in a schedule's name, `<dataset>[-<mode>][-<number>]`: a dataset's own name holds no `-`.
pub fn dataset_of_schedule(schedule: &str) -> Option<DatasetName> {
    schedule.split('-').next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(region: &str) -> Names {
        let environment = serde_json::from_value(serde_json::json!({
            "stack": "nycdb", "name": "prod", "account": "123456789012", "region": region, "cluster": "civic",
            "image": "w:1", "network": {"subnets": ["subnet-a"], "security_groups": ["sg-1"]},
        }));
        Names::new(&environment.unwrap())
    }

    #[test]
    fn arns_follow_the_partition_of_the_region() {
        assert_eq!(
            names("cn-north-1").dead_letters_arn(),
            "arn:aws-cn:sqs:cn-north-1:123456789012:freshet-nycdb-prod-dead-letters"
        );
        assert_eq!(
            names("us-gov-west-1").role_arn("execution"),
            "arn:aws-us-gov:iam::123456789012:role/freshet/nycdb/prod/freshet-nycdb-prod-execution"
        );
        assert_eq!(names("eu-west-1").partition(), "aws");
    }

    #[test]
    fn the_longest_names_stay_within_what_each_service_takes() {
        let environment = serde_json::from_value(serde_json::json!({
            "stack": "s".repeat(20), "name": "e".repeat(12), "account": "123456789012", "region": "ap-southeast-2",
            "cluster": "c", "image": "w:1", "network": {"subnets": ["subnet-a"], "security_groups": ["sg-1"]},
        }));
        let names = Names::new(&environment.unwrap());
        let dataset: DatasetName = "d".repeat(40).parse().unwrap();
        assert!(names.role("task-3fa9c1d2e0").len() <= 64);
        assert!(names.schedule_group().len() <= 64);
        assert!(names.rule(&format!("{dataset}-full-2")).len() <= 64);
        assert!(names.definition(&dataset, Some(&"t".repeat(40).parse().unwrap())).len() <= 128);
        assert!(BatchPlace::ALL.into_iter().all(|place| names.batch(place).len() <= 128));
        assert!(names.dead_letters().len() <= 80);
    }

    #[test]
    fn a_definition_tells_its_dataset_and_another_stacks_does_not() {
        let names = names("us-east-1");
        let dataset = names.dataset_of_definition("freshet-nycdb-prod-hpd_violations-large");
        assert_eq!(dataset.map(|d| d.to_string()).as_deref(), Some("hpd_violations"));
        assert_eq!(names.dataset_of_definition("freshet-other-prod-hpd_violations"), None);
    }
}
