//! The policy of whoever deploys: a person, or CI. In: names. Out: a policy document with every API that a command of this
//! program calls, and the actions that AWS asks for besides, which are no calls: handing over roles, tagging what is made. A
//! journey holds it to that, both ways. Resources are narrowed to the stack wherever AWS lets them be.

use serde_json::{Value, json};

use crate::names::Names;

/// A customer-managed policy takes so many characters; blanks do not count (IAM quotas).
pub const LONGEST: usize = 6_144;

/// What actions are about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum On {
    /// AWS takes no resource here, or lists across all.
    Anything,
    Cluster,
    Definitions,
    Batch,
    Schedules,
    Rules,
    Alarms,
    Dashboards,
    Logs,
    Queue,
    Topic,
    Roles,
    ServiceRoles,
    Secrets,
}

const GRANTS: &[(On, &str, &[&str])] = &[
    (On::Anything, "sts", &["GetCallerIdentity"]),
    (
        On::Anything,
        "ecs",
        &[
            "DeregisterTaskDefinition",
            "DescribeTaskDefinition",
            "ListTaskDefinitionFamilies",
            "ListTaskDefinitions",
            "ListTasks",
            "DescribeTasks",
        ],
    ),
    (On::Cluster, "ecs", &["CreateCluster", "DeleteCluster", "DescribeClusters", "PutClusterCapacityProviders"]),
    (On::Definitions, "ecs", &["RegisterTaskDefinition", "RunTask"]),
    (
        On::Anything,
        "batch",
        &["DescribeComputeEnvironments", "DescribeJobDefinitions", "DescribeJobQueues", "ListJobs"],
    ),
    (
        On::Batch,
        "batch",
        &[
            "CreateComputeEnvironment",
            "CreateJobQueue",
            "DeleteComputeEnvironment",
            "DeleteJobQueue",
            "DeregisterJobDefinition",
            "RegisterJobDefinition",
            "SubmitJob",
            "UpdateComputeEnvironment",
            "UpdateJobQueue",
        ],
    ),
    (On::Anything, "scheduler", &["ListSchedules"]),
    (
        On::Schedules,
        "scheduler",
        &[
            "CreateSchedule",
            "CreateScheduleGroup",
            "DeleteSchedule",
            "DeleteScheduleGroup",
            "GetSchedule",
            "GetScheduleGroup",
            "ListTagsForResource",
            "UpdateSchedule",
        ],
    ),
    (On::Anything, "events", &["ListRuleNamesByTarget", "ListRules", "ListTargetsByRule"]),
    (
        On::Rules,
        "events",
        &["DeleteRule", "DisableRule", "EnableRule", "ListTagsForResource", "PutRule", "PutTargets", "RemoveTargets"],
    ),
    (On::Anything, "cloudwatch", &["DescribeAlarms", "ListDashboards"]),
    (On::Alarms, "cloudwatch", &["DeleteAlarms", "ListTagsForResource", "PutMetricAlarm"]),
    (On::Dashboards, "cloudwatch", &["DeleteDashboards", "GetDashboard", "PutDashboard"]),
    (On::Anything, "logs", &["DescribeLogGroups"]),
    (
        On::Logs,
        "logs",
        &[
            "CreateLogGroup",
            "DeleteLogGroup",
            "DescribeMetricFilters",
            "FilterLogEvents",
            "PutMetricFilter",
            "PutRetentionPolicy",
        ],
    ),
    (
        On::Queue,
        "sqs",
        &["CreateQueue", "DeleteQueue", "GetQueueAttributes", "GetQueueUrl", "ListQueueTags", "SetQueueAttributes"],
    ),
    (
        On::Topic,
        "sns",
        &[
            "CreateTopic",
            "DeleteTopic",
            "GetTopicAttributes",
            "ListSubscriptionsByTopic",
            "ListTagsForResource",
            "SetTopicAttributes",
            "Subscribe",
        ],
    ),
    (On::Anything, "iam", &["ListRoles"]),
    (
        On::Roles,
        "iam",
        &[
            "CreateRole",
            "DeleteRole",
            "DeleteRolePermissionsBoundary",
            "DeleteRolePolicy",
            "GetRole",
            "GetRolePolicy",
            "PutRolePermissionsBoundary",
            "PutRolePolicy",
            "UpdateAssumeRolePolicy",
            "UpdateRole",
        ],
    ),
    (On::ServiceRoles, "iam", &["CreateServiceLinkedRole"]),
    (
        On::Secrets,
        "secretsmanager",
        &["CreateSecret", "DeleteSecret", "DescribeSecret", "GetSecretValue", "PutSecretValue"],
    ),
    (On::Anything, "ecr", &["DescribeImages"]),
    (On::Anything, "rds", &["DescribeDBInstances"]),
];

/// What AWS asks for besides the calls themselves, with why.
pub const DEPENDENT: &[(&str, &str)] = &[
    ("iam:PassRole", "definitions, schedules and rules name roles"),
    ("ecs:TagResource", "definitions and the cluster are made with tags"),
    ("batch:TagResource", "compute environment, queue and definitions are made with tags, and tagged anew"),
    ("scheduler:TagResource", "the group is made with tags"),
    ("events:TagResource", "rules are made with tags"),
    ("cloudwatch:TagResource", "alarms are made with tags"),
    ("logs:TagResource", "the log group is made with tags"),
    ("sqs:TagQueue", "the queue is made with tags"),
    ("sns:TagResource", "the topic is made with tags"),
    ("iam:TagRole", "roles are made with tags"),
    ("secretsmanager:TagResource", "secrets are made with tags"),
];

/// The policy.
pub fn deployer(names: &Names) -> Value {
    let mut statements: Vec<(On, Vec<String>)> = Vec::new();
    let dependent = |service: &str, on: On| -> Vec<String> {
        let tags = DEPENDENT.iter().map(|(action, _)| *action).filter(|action| *action != "iam:PassRole");
        let of_service = tags.filter(|action| action.split(':').next() == Some(service));
        of_service.filter(|_| tagged(service) == Some(on)).map(str::to_owned).collect()
    };
    for (on, service, actions) in GRANTS {
        let actions = actions.iter().map(|action| format!("{service}:{action}")).chain(dependent(service, *on));
        match statements.iter_mut().find(|(other, _)| other == on) {
            Some((_, known)) => known.extend(actions),
            None => statements.push((*on, actions.collect())),
        }
    }
    let mut statements: Vec<Value> = statements
        .into_iter()
        .map(|(on, mut actions)| {
            actions.sort();
            json!({"Effect": "Allow", "Action": actions, "Resource": resources(names, on)})
        })
        .collect();
    let services = ["ecs-tasks", "scheduler", "events", "batch"].map(|service| format!("{service}.amazonaws.com"));
    statements.push(json!({
        "Effect": "Allow", "Action": ["iam:PassRole"], "Resource": resources(names, On::Roles),
        "Condition": {"StringEquals": {"iam:PassedToService": services}},
    }));
    json!({"Version": "2012-10-17", "Statement": statements})
}

/// Where a service's tags are put.
fn tagged(service: &str) -> Option<On> {
    Some(match service {
        "ecs" => On::Definitions,
        "batch" => On::Batch,
        "scheduler" => On::Schedules,
        "events" => On::Rules,
        "cloudwatch" => On::Alarms,
        "logs" => On::Logs,
        "sqs" => On::Queue,
        "sns" => On::Topic,
        "iam" => On::Roles,
        "secretsmanager" => On::Secrets,
        _ => return None,
    })
}

fn resources(names: &Names, on: On) -> Vec<String> {
    let global = |service: &str, rest: &str| format!("arn:{}:{service}::{}:{rest}", names.partition(), names.account);
    let prefix = names.definition_prefix();
    match on {
        On::Anything => vec!["*".to_owned()],
        On::Cluster => vec![names.cluster_arn()],
        On::Definitions => vec![names.arn("ecs", &format!("task-definition/{prefix}*")), names.cluster_arn()],
        On::Batch => {
            let places = [names.batch_arns("compute-environment"), names.batch_arns("job-queue")];
            let definitions = names.arn("batch", &format!("job-definition/{prefix}*"));
            places.into_iter().flatten().chain([definitions]).collect()
        }
        On::Schedules => {
            vec![names.schedule_group_arn(), names.arn("scheduler", &format!("schedule/{}/*", names.schedule_group()))]
        }
        On::Rules => vec![names.arn("events", &format!("rule/{}*", names.rule_prefix()))],
        On::Alarms => vec![names.arn("cloudwatch", &format!("alarm:{}*", names.alarm_prefix()))],
        On::Dashboards => vec![global("cloudwatch", &format!("dashboard/{}*", names.prefix()))],
        On::Logs => {
            let group = names.arn("logs", &format!("log-group:{}", names.log_group()));
            vec![format!("{group}:*"), group]
        }
        On::Queue => vec![names.dead_letters_arn()],
        On::Topic => vec![names.topic_arn()],
        On::Roles => vec![global("iam", &format!("role{}{prefix}*", names.role_path()))],
        On::ServiceRoles => vec![global("iam", "role/aws-service-role/batch.amazonaws.com/*")],
        On::Secrets => vec![names.arn("secretsmanager", "secret:*")],
    }
}
