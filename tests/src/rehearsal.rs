//! Four of this repository's datasets as a stack of their own in the environment `demo`, with everything that a deployment of it needs
//! around it: an account, a database with a loader's and a reader's role, and publishers on loopback. What is deployed is what `deploy`
//! registers; what runs is what the endpoint then holds.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use manifest::run::{RUN_EVENT, RunRecord};
use serde_json::Value;
use tempfile::TempDir;

use crate::aws::ControlPlane;
use crate::binaries::{self, Invocation};
use crate::error::{Error, Result};
use crate::fargate::{Fargate, TaskRun};
use crate::http::FileServer;
use crate::postgres::{Durability, PostgresCluster};
use crate::target;

/// The database that is loaded.
pub const DATABASE: &str = "civic";
/// The role that loads it; no superuser.
pub const LOADER: &str = "loader";
/// A role that may read what the loader makes, by default privileges.
pub const READER: &str = "reader";
/// The loader's password, planted so that tests can look for it where it must not be.
pub const PASSWORD: &str = "canary-5cb1f2d0-never-shown";

/// What the stack loads: a small file of each day, one large file, fourteen tables at once, and a zip of several files.
pub const DATASETS: [&str; 4] = ["acris", "dhs_daily_shelter_count", "hpd_violations", "pluto_16v2"];
/// When, on what and by which part of EventBridge.
const SCHEDULES: &str = include_str!("rehearsal/schedules.yml");

/// A stack that can be deployed, fired and looked at.
#[derive(Debug)]
pub struct Rehearsal {
    /// The account.
    pub plane: ControlPlane,
    /// The server of [`DATABASE`].
    pub cluster: PostgresCluster,
    /// The publishers' files.
    pub publishers: FileServer,
    project: TempDir,
}

/// Something at the endpoint that fires.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Firing {
    /// A schedule of EventBridge Scheduler.
    Schedule {
        /// Its group.
        group: String,
        /// Its name.
        name: String,
    },
    /// An EventBridge rule.
    Rule {
        /// Its name.
        name: String,
    },
}

impl Rehearsal {
    /// Starts everything; the files of `samples` stand for all publishers.
    pub fn start(samples: impl Into<PathBuf>, durability: Durability) -> Result<Self> {
        let cluster = PostgresCluster::start(durability)?;
        prepare(&cluster)?;
        Ok(Self {
            plane: ControlPlane::start()?,
            cluster,
            publishers: FileServer::start(samples)?,
            project: project(&target::workspace_root()).map_err(Error::io("copy the manifests"))?,
        })
    }

    /// Starts with this repository's own samples.
    pub fn of_this_repository() -> Result<Self> {
        Self::start(target::workspace_root().join("datasets/nyc/samples"), Durability::Off)
    }

    /// The address that the loader connects with. It holds [`PASSWORD`].
    pub fn database_url(&self) -> String {
        format!("{}?sslmode=disable", self.cluster.url(LOADER, PASSWORD, DATABASE))
    }

    /// A call of `deploy` for this environment.
    pub fn deploy(&self, arguments: &[&str]) -> Result<Invocation> {
        let endpoint = self.plane.url();
        let call = binaries::deploy()?
            .call(["--env", "demo", "--endpoint", &endpoint])
            .args(arguments)
            .current_dir(self.project.path())
            .env("FRESHET_DEMO_ENDPOINT", &endpoint)
            .env("FRESHET_DEMO_SOURCES", self.publishers.url())
            .env("FRESHET_DEMO_SUBNET", &self.plane.network.subnets[0])
            .env("FRESHET_DEMO_SECURITY_GROUP", &self.plane.network.security_group);
        Ok(call)
    }

    /// Sets the database's secret and registers everything; fails the test unless both succeed.
    #[track_caller]
    pub fn schedule_all(&self) -> Result<()> {
        self.deploy(&["secrets", "set", "DATABASE_URL"])?.stdin(self.database_url()).expect_code(0);
        self.deploy(&["schedule-all"])?.expect_code(0);
        Ok(())
    }

    /// Everything at the endpoint that fires, in the order of names.
    pub fn firings(&self) -> Result<Vec<Firing>> {
        let aws = &self.plane.aws;
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let groups = aws.rest("scheduler", "GET", "/schedule-groups", None)?;
        let mut found = Vec::new();
        for group in groups["ScheduleGroups"].as_array().into_iter().flatten().map(|group| text(&group["Name"])) {
            for schedule in aws.list_schedules(&group)? {
                found.push(Firing::Schedule { group: group.clone(), name: text(&schedule["Name"]) });
            }
        }
        for rule in aws.list_rules("")? {
            // Rules without a schedule answer to events.
            if rule["ScheduleExpression"].is_string() {
                found.push(Firing::Rule { name: text(&rule["Name"]) });
            }
        }
        found.sort();
        Ok(found)
    }

    /// What AWS would run for a firing at this time, run here with the worker of this workspace in the image's place.
    pub fn fire(&self, firing: &Firing, at: Timestamp) -> Result<TaskRun> {
        let fargate = Fargate::of(&self.plane).image("ghcr.io/example/freshet-worker*", binaries::worker()?.path());
        match firing {
            Firing::Schedule { group, name } => fargate.fire_schedule(group, name, at),
            Firing::Rule { name } => {
                let mut runs = fargate.fire_rule(name, at)?;
                assert_eq!(runs.len(), 1, "a rule of a dataset has one target");
                Ok(runs.remove(0))
            }
        }
    }
}

/// The run record that a task left.
pub fn record_of(run: &TaskRun) -> Option<RunRecord> {
    run.lines()
        .filter_map(|line| serde_json::from_str::<RunRecord>(&line.text).ok())
        .filter(|record| record.event == RUN_EVENT)
        .last()
}

/// This repository's stack and task-defs with the manifests of [`DATASETS`] and their own schedules.
fn project(repository: &Path) -> io::Result<TempDir> {
    let project = tempfile::tempdir()?;
    for folder in ["datasets/nyc", "schedules", "task-defs"] {
        fs::create_dir_all(project.path().join(folder))?;
    }
    let copy = |path: &str| fs::copy(repository.join(path), project.path().join(path));
    copy("freshet.yml")?;
    for name in DATASETS {
        copy(&format!("datasets/nyc/{name}.yml"))?;
    }
    for task_def in fs::read_dir(repository.join("task-defs"))? {
        let task_def = task_def?;
        fs::copy(task_def.path(), project.path().join("task-defs").join(task_def.file_name()))?;
    }
    fs::write(project.path().join("schedules/nyc.yml"), SCHEDULES)?;
    Ok(project)
}

/// A database as a city has one: the loader owns what it loads, and readers may read it.
fn prepare(cluster: &PostgresCluster) -> Result<()> {
    cluster.create_database(DATABASE)?;
    cluster.create_role(LOADER, PASSWORD)?;
    cluster.create_role(READER, "reader")?;
    cluster.execute(
        DATABASE,
        &format!(
            "GRANT CREATE ON DATABASE {DATABASE} TO {LOADER};
             GRANT USAGE, CREATE ON SCHEMA public TO {LOADER};
             ALTER DEFAULT PRIVILEGES FOR ROLE {LOADER} IN SCHEMA public GRANT SELECT ON TABLES TO {READER};"
        ),
    )
}
