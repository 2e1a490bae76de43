//! What should exist. In: the resolved manifests of one environment, and which required secrets have no value. Out: every
//! resource in the order in which it is made, each with a canonical body and its hash, and findings. Pure: it asks nobody.

pub mod definition;
#[cfg(test)]
pub(crate) mod fixture;
pub mod limits;
pub mod needs;
pub mod policy;
pub mod resource;
pub mod role;
pub mod secret;
pub mod trigger;
pub mod upstream;
pub mod watch;

use std::collections::{BTreeMap, BTreeSet};

use manifest::dataset::Status;
use manifest::schedule::{Replaced, Schedule};
use manifest::stack::Environment;
use manifest::task_def::{Capacity, Compute, Engine, TaskDef};
use manifest::{Dataset, DatasetName, SecretName, TaskDefName};

use self::needs::Needs;
use self::resource::{
    Body, Cluster, ComputeEnvironment, DefinitionRef, JobQueue, LogGroup, Queue, Resource, ScheduleGroup,
};
use self::secret::SecretNeed;
use crate::aws::rds::DatabaseNetwork;
use crate::finding::{Code, Finding};
use crate::image::Resolved;
use crate::names::{BatchPlace, Names};

/// vCPUs that Batch may use at once: eight of the largest Fargate jobs.
const MAX_VCPUS: u32 = 128;
/// SQS keeps a message at most 14 days.
const DEAD_LETTER_SECONDS: u32 = 14 * 24 * 3_600;

/// The manifests of one environment.
#[derive(Debug, Clone, serde::Deserialize)]
pub struct Manifests {
    /// The stack in this environment.
    pub environment: Environment,
    /// Datasets by name.
    pub datasets: BTreeMap<DatasetName, Dataset>,
    /// Task-defs by name.
    pub task_defs: BTreeMap<TaskDefName, TaskDef>,
    /// When each dataset is loaded.
    pub schedules: Vec<Schedule>,
    /// Datasets that are loaded by hand only, and on what.
    pub manual: BTreeMap<DatasetName, TaskDefName>,
}

impl Manifests {
    /// Datasets that are loaded, by schedule or by hand.
    pub fn placed(&self) -> BTreeSet<&DatasetName> {
        let named = self.schedules.iter().map(|schedule| &schedule.dataset).chain(self.manual.keys());
        named.filter(|name| self.is_active(name)).collect()
    }

    /// Datasets with the task-defs they run on, the dataset's own first.
    pub fn placements(&self) -> BTreeMap<&DatasetName, Vec<&TaskDefName>> {
        let mut placements: BTreeMap<&DatasetName, Vec<&TaskDefName>> = BTreeMap::new();
        // The entry named as the dataset itself decides which definition bears the dataset's plain name.
        let (first, further): (Vec<&Schedule>, Vec<&Schedule>) =
            self.schedules.iter().partition(|schedule| schedule.name == schedule.dataset.as_str());
        let scheduled = first.into_iter().chain(further).map(|schedule| (&schedule.dataset, &schedule.task_def));
        for (dataset, task_def) in scheduled.chain(&self.manual) {
            let task_defs = placements.entry(dataset).or_default();
            if !task_defs.contains(&task_def) {
                task_defs.push(task_def);
            }
        }
        placements.retain(|dataset, _| self.is_active(dataset));
        placements
    }

    /// Every image that a run starts, with the place that names it: a key of `freshet.yml`, or a dataset.
    pub fn images(&self) -> BTreeMap<String, String> {
        let of_jobs = self.placed().into_iter().filter_map(|name| {
            let job = self.datasets.get(name)?.job.as_ref()?;
            Some((job.image.clone(), name.to_string()))
        });
        of_jobs.chain([(self.environment.image.clone(), "image".to_owned())]).collect()
    }

    /// Names each image by the digest that its tag means now, where that was found out.
    pub fn pin(&mut self, images: &BTreeMap<String, Resolved>) {
        let jobs = self.datasets.values_mut().filter_map(|dataset| dataset.job.as_mut());
        for image in jobs.map(|job| &mut job.image).chain([&mut self.environment.image]) {
            if let Some(Resolved::Found(meaning)) = images.get(image) {
                image.clone_from(&meaning.pinned);
            }
        }
    }

    fn is_active(&self, dataset: &DatasetName) -> bool {
        self.datasets.get(dataset).is_some_and(|dataset| dataset.status == Status::Active)
    }
}

/// What should exist.
#[derive(Debug, Clone)]
pub struct Desired {
    /// Names of the stack.
    pub names: Names,
    /// The user's tags.
    pub tags: resource::Tags,
    /// Resources in the order in which they are made.
    pub resources: Vec<Resource>,
    /// What triggers replace of what others made, by the names of ours.
    pub replaced: BTreeMap<String, Replaced>,
    /// Secrets that are looked for, by id.
    pub secrets: BTreeMap<String, SecretNeed>,
    /// What is wrong or worth knowing.
    pub findings: Vec<Finding>,
}

impl Desired {
    /// What these manifests ask for; triggers of datasets that need a secret of `missing` are off.
    pub fn new(manifests: &Manifests, missing: &BTreeSet<SecretName>) -> Self {
        let mut build = Build::new(manifests);
        build.definitions();
        build.triggers(missing);
        build.upstreams(missing);
        build.jobs();
        build.spot();
        build.stack();
        build.finish()
    }

    /// Nothing at all, under the names of the same stack.
    pub fn nothing(manifests: &Manifests) -> Self {
        let environment = &manifests.environment;
        Self {
            names: Names::new(environment),
            tags: environment.tags.clone(),
            resources: Vec::new(),
            replaced: BTreeMap::new(),
            secrets: BTreeMap::new(),
            findings: Vec::new(),
        }
    }

    /// Tells what the network of that database is, to be written down.
    pub fn network_is(&mut self, instance: &str, found: Option<&DatabaseNetwork>) {
        for finding in self.findings.iter_mut().filter(|finding| finding.code == Code::Network) {
            finding.remedy = match found {
                None => format!("there is no database instance {instance} in {}", self.names.region),
                Some(DatabaseNetwork { subnets, security_groups, public }) => format!(
                    "write `network: {{subnets: [{}], security_groups: [{}], public_ip: {public}}}`; the database must let \
                     these groups in on its port",
                    subnets.join(", "),
                    security_groups.join(", ")
                ),
            };
        }
    }

    /// Tells what was found out about an image that this place names.
    pub fn image_is(&mut self, image: &str, place: &str, resolved: &Resolved) {
        match resolved {
            Resolved::Pinned | Resolved::Found(_) => {}
            Resolved::Missing(why) => {
                let remedy = "push it, or name one that is there";
                self.findings.push(Finding::new(Code::MissingImage, place, format!("{image}: {why}"), remedy));
            }
            Resolved::Unknown(why) => {
                for finding in
                    self.findings.iter_mut().filter(|finding| finding.code == Code::ImageTag && finding.place == place)
                {
                    finding.message = format!("{} ({why})", finding.message);
                }
            }
        }
        self.findings.sort();
    }

    /// The resource of that kind and name.
    pub fn get(&self, kind: resource::Kind, name: &str) -> Option<&Resource> {
        let order = |resource: &Resource| (resource.kind(), resource.name.as_str()).cmp(&(kind, name));
        self.resources.binary_search_by(order).ok().map(|at| &self.resources[at])
    }
}

/// The pieces while they are put together: what the datasets need decides what the stack is made of.
struct Build<'a> {
    manifests: &'a Manifests,
    names: Names,
    common: role::Common,
    definitions: BTreeMap<(DatasetName, TaskDefName), DefinitionRef>,
    needs: BTreeSet<Needs>,
    /// Images by the secrets that are put into their containers.
    execution: BTreeMap<BTreeSet<String>, BTreeSet<String>>,
    resources: Vec<Resource>,
    replaced: BTreeMap<String, Replaced>,
    findings: Vec<Finding>,
}

impl<'a> Build<'a> {
    fn new(manifests: &'a Manifests) -> Self {
        let environment = &manifests.environment;
        Self {
            manifests,
            names: Names::new(environment),
            common: role::Common { boundary: environment.permissions_boundary.clone(), tags: environment.tags.clone() },
            definitions: BTreeMap::new(),
            needs: BTreeSet::new(),
            execution: BTreeMap::new(),
            resources: Vec::new(),
            replaced: BTreeMap::new(),
            findings: Vec::new(),
        }
    }

    fn definitions(&mut self) {
        for (name, task_defs) in self.manifests.placements() {
            let Some(dataset) = self.manifests.datasets.get(name) else { continue };
            for (place, task_def) in task_defs.into_iter().enumerate() {
                if let Some(task_def) = self.manifests.task_defs.get(task_def) {
                    self.definition(dataset, task_def, place);
                }
            }
        }
    }

    fn definition(&mut self, dataset: &Dataset, task_def: &TaskDef, place: usize) {
        let environment = &self.manifests.environment;
        let needs = Needs::of(&self.names, environment, dataset);
        let (_, injected) = definition::roles_secrets(environment, dataset);
        let given = &environment.roles;
        let roles = definition::Roles {
            execution: given
                .execution
                .clone()
                .unwrap_or_else(|| self.names.role_arn(&role::execution_purpose(&injected))),
            task: given.task.clone().unwrap_or_else(|| self.names.role_arn(&role::task_purpose(&needs))),
        };
        self.needs.insert(needs);
        let images = self.execution.entry(injected).or_default();
        images.insert(definition::image(environment, dataset).to_owned());
        let name = self.names.definition(&dataset.dataset, (place > 0).then_some(&task_def.name));
        match definition::body(&self.names, environment, dataset, task_def, roles) {
            Ok(body) => {
                let resource = Resource::new(name.clone(), Some(dataset.dataset.clone()), body);
                let reference = DefinitionRef { engine: task_def.engine, name, hash: resource.hash.clone() };
                self.definitions.insert((dataset.dataset.clone(), task_def.name.clone()), reference);
                self.resources.push(resource);
            }
            Err(error) => {
                let code = Code::TaskDefinitionSize;
                self.findings.push(Finding::new(code, &dataset.dataset, error.to_string(), "split the dataset"));
            }
        }
    }

    fn triggers(&mut self, missing: &BTreeSet<SecretName>) {
        for schedule in &self.manifests.schedules {
            let key = (schedule.dataset.clone(), schedule.task_def.clone());
            let Some(definition) = self.definitions.get(&key) else { continue };
            let Some(dataset) = self.manifests.datasets.get(&schedule.dataset) else { continue };
            let Some(task_def) = self.manifests.task_defs.get(&schedule.task_def) else { continue };
            let given = definition::secrets(&self.manifests.environment, dataset);
            let waits_for: Vec<_> = given.into_keys().filter(|name| missing.contains(*name)).cloned().collect();
            let firing = trigger::Firing {
                schedule,
                definition,
                task_def,
                array: dataset.job.as_ref().and_then(|job| job.array),
                waits_for: &waits_for,
            };
            let engine = trigger::engine(schedule.trigger);
            let resource = engine.resource(&self.names, &self.manifests.environment, firing);
            if let Some(replaced) = &schedule.replaces {
                self.replaced.insert(resource.name.clone(), replaced.clone());
            }
            self.resources.push(resource);
        }
    }

    /// Rules that start datasets which are made from others, once these have been loaded.
    fn upstreams(&mut self, missing: &BTreeSet<SecretName>) {
        for (name, task_defs) in self.manifests.placements() {
            let Some(dataset) = self.manifests.datasets.get(name).filter(|dataset| !dataset.depends_on.is_empty())
            else {
                continue;
            };
            let first = task_defs.first().map(|task_def| (name.clone(), (*task_def).clone()));
            let Some((definition, task_def)) =
                first.and_then(|key| Some((self.definitions.get(&key)?, self.manifests.task_defs.get(&key.1)?)))
            else {
                continue;
            };
            let given = definition::secrets(&self.manifests.environment, dataset);
            let waits_for: Vec<_> = given.into_keys().filter(|name| missing.contains(*name)).cloned().collect();
            let upstreams: Vec<&DefinitionRef> = self
                .definitions
                .iter()
                .filter(|((upstream, _), _)| dataset.depends_on.contains(upstream))
                .map(|(_, definition)| definition)
                .collect();
            let rule = upstream::resource(
                &self.names,
                &self.manifests.environment,
                upstream::Firing { dataset, definition, upstreams: &upstreams, task_def, waits_for: &waits_for },
            );
            self.resources.extend(rule);
        }
    }

    /// Rules that tell when jobs fail.
    fn jobs(&mut self) {
        for (name, _) in self.manifests.placements() {
            let Some(dataset) = self.manifests.datasets.get(name).filter(|dataset| dataset.job.is_some()) else {
                continue;
            };
            let of_dataset = self.definitions.iter().filter(|((other, _), _)| other == name);
            let definitions: Vec<&DefinitionRef> = of_dataset.map(|(_, definition)| definition).collect();
            let rule = watch::job_failed(&self.names, &self.manifests.environment, dataset, &definitions);
            self.resources.push(rule);
        }
    }

    /// Rules that start again what ECS lets be taken away.
    fn spot(&mut self) {
        let mut rules = Vec::new();
        for ((name, task_def), definition) in &self.definitions {
            let task_def = self.manifests.task_defs.get(task_def).filter(|task_def| is_ecs_spot(task_def));
            if let Some((dataset, task_def)) = self.manifests.datasets.get(name).zip(task_def) {
                let on_spot = upstream::OnSpot { dataset, task_def, definition };
                rules.push(upstream::again(&self.names, &self.manifests.environment, on_spot));
            }
        }
        self.resources.extend(rules);
    }

    /// What all datasets share.
    fn stack(&mut self) {
        let names = &self.names;
        let environment = &self.manifests.environment;
        let given = &environment.roles;
        let used = || self.definitions.keys().filter_map(|(_, task_def)| self.manifests.task_defs.get(task_def));
        let batch: BTreeSet<BatchPlace> =
            used().filter(|task_def| task_def.engine == Engine::Batch).map(BatchPlace::of).collect();
        let providers = if used().any(is_ecs_spot) {
            vec!["FARGATE".to_owned(), trigger::FARGATE_SPOT.to_owned()]
        } else {
            Vec::new()
        };
        let passed = role::passed(names, given.execution.as_ref(), given.task.as_ref());
        let has_rules = self.resources.iter().any(|resource| matches!(resource.body, Body::Rule(_)));

        let log_group = LogGroup { retention_days: environment.log_retention, failures: watch::FAILURES.to_owned() };
        let mut made = vec![Resource::new(names.log_group(), None, Body::LogGroup(log_group))];
        if given.execution.is_none() {
            let roles = self.execution.iter();
            made.extend(roles.map(|(secrets, images)| role::execution(names, &self.common, images, secrets)));
        }
        if given.task.is_none() {
            made.extend(self.needs.iter().map(|needs| role::task(names, &self.common, needs)));
        }
        if given.scheduler.is_none() {
            made.push(role::scheduler(names, &self.common, &passed));
        }
        if given.events.is_none() && has_rules {
            made.push(role::events(names, &self.common, &passed));
        }
        let queue = Queue { retention_seconds: DEAD_LETTER_SECONDS, policy: Some(role::queue_policy(names)) };
        made.push(Resource::new(names.dead_letters(), None, Body::Queue(queue)));
        made.push(Resource::new(names.cluster(), None, Body::Cluster(Cluster { providers })));
        for place in batch {
            let name = names.batch(place);
            if place.compute == Compute::Ec2 && given.instance.is_none() {
                let message = "jobs on EC2 need an instance profile, which is made once per account";
                let remedy = "write roles: {instance: ecsInstanceRole} in freshet.yml, or the name or ARN of another \
                              instance profile with AmazonEC2ContainerServiceforEC2Role";
                self.findings.push(Finding::new(Code::InstanceProfile, "roles.instance", message, remedy));
            }
            made.push(Resource::new(name.clone(), None, Body::ComputeEnvironment(compute(environment, place))));
            let queue = JobQueue { compute_environment: name.clone(), priority: 1 };
            made.push(Resource::new(name, None, Body::JobQueue(queue)));
        }
        let placed: Vec<&Dataset> =
            self.manifests.placed().into_iter().filter_map(|name| self.manifests.datasets.get(name)).collect();
        made.extend(watch::resources(names, environment, &placed));
        let group = ScheduleGroup { tags: environment.tags.clone() };
        made.push(Resource::new(names.schedule_group(), None, Body::ScheduleGroup(group)));
        self.resources.extend(made);
    }

    fn finish(mut self) -> Desired {
        let manifests = self.manifests;
        let environment = &manifests.environment;
        self.resources.sort_by(|a, b| (a.kind(), &a.name).cmp(&(b.kind(), &b.name)));
        let secrets = secret::needs(manifests);
        let mut findings = self.findings;
        findings.extend(secret::findings(manifests));
        findings.extend(limits::rules(&self.names, &self.resources));
        findings.extend(self.resources.iter().flat_map(limits::resource));
        for (image, place) in manifests.images().iter().filter(|(image, _)| !image.contains("@sha256:")) {
            let message = format!("{image} is a tag: a definition holds whatever it means when a task starts");
            findings.push(Finding::new(Code::ImageTag, place, message, "write the image as name@sha256:<digest>"));
        }
        if let Some(instance) = &environment.network.like {
            let message =
                format!("it is to be like that of the database {instance}, and subnets and groups are not written yet");
            findings.push(Finding::new(
                Code::Network,
                "network",
                message,
                "see what `deploy plan` proposes, and write it",
            ));
        }
        findings.sort();
        findings.dedup();
        Desired {
            names: self.names,
            tags: environment.tags.clone(),
            resources: self.resources,
            replaced: self.replaced,
            secrets,
            findings,
        }
    }
}

fn is_ecs_spot(task_def: &TaskDef) -> bool {
    task_def.engine == Engine::Fargate && task_def.capacity == Capacity::Spot
}

/// The compute environment of a place.
fn compute(environment: &Environment, place: BatchPlace) -> ComputeEnvironment {
    let word = match (place.compute, place.capacity) {
        (Compute::Fargate, Capacity::OnDemand) => "FARGATE",
        (Compute::Fargate, Capacity::Spot) => "FARGATE_SPOT",
        (Compute::Ec2, Capacity::OnDemand) => "EC2",
        (Compute::Ec2, Capacity::Spot) => "SPOT",
    };
    // AWS picks among the families of an architecture.
    let types = if place.arm { "default_arm64" } else { "optimal" };
    let instances = (place.compute == Compute::Ec2).then(|| resource::Instances {
        types: vec![types.to_owned()],
        profile: environment.roles.instance.clone().unwrap_or_default(),
    });
    ComputeEnvironment {
        subnets: trigger::sorted(&environment.network.subnets),
        security_groups: trigger::sorted(&environment.network.security_groups),
        max_vcpus: MAX_VCPUS,
        compute: word.to_owned(),
        instances,
    }
}

#[cfg(test)]
mod tests;
