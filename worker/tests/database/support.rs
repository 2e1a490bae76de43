//! What the tests share: a database of its own for each, with a loader role that owns nothing but what it is given.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use freshet_tests::postgres::PostgresCluster;
use futures_util::stream;
use manifest::Dataset;
use manifest::dataset::{Nullability, Table};
use secrecy::SecretString;
use tokio::time::Instant;
use uuid::Uuid;
use value::{Encoder, Parser, wire};
use worker::fault::Fault;
use worker::ledger::{Claim, Ending, Failure, Firing, Lease, Ledger, NewRun, Publication, RunId, claim};
use worker::postgres::{Connection, Pool, Purpose, Session, Target};
use worker::publish::merge::{Drops, Size, Terms};
use worker::publish::{self, Miss, Publish, Published};
use worker::staging::{LoadError, Mark, Staging};

/// A database with a role `loader_<n>` that may create schemas in it and in `public`, and no more.
pub(crate) struct Place {
    pub(crate) cluster: &'static PostgresCluster,
    pub(crate) database: String,
    pub(crate) loader: String,
    pub(crate) url: String,
}

pub(crate) const PASSWORD: &str = "l0ader-s3cret";

impl Place {
    pub(crate) fn new() -> Self {
        Self::on(PostgresCluster::shared())
    }

    pub(crate) fn on(cluster: &'static PostgresCluster) -> Self {
        let database = cluster.fresh_database().unwrap().name;
        // Roles belong to the cluster, so each database has its own.
        let loader = format!("loader_{database}");
        cluster.create_role(&loader, PASSWORD).unwrap();
        let place = Self { cluster, url: cluster.url(&loader, PASSWORD, &database), database, loader };
        place.sql(&format!(
            "GRANT CREATE ON DATABASE {} TO {1}; GRANT USAGE, CREATE ON SCHEMA public TO {1}",
            place.database, place.loader
        ));
        place
    }

    /// As the superuser.
    pub(crate) fn sql(&self, sql: &str) {
        self.cluster.execute(&self.database, sql).unwrap();
    }

    /// As the superuser; one value.
    pub(crate) fn value(&self, sql: &str) -> String {
        self.cluster.query_value(&self.database, sql).unwrap().unwrap_or_else(|| "NULL".to_owned())
    }

    pub(crate) fn target(&self) -> Target {
        target(&self.url)
    }

    pub(crate) async fn connect(&self) -> Connection {
        self.target().connect(&session(), Purpose::Load).await.unwrap()
    }
}

pub(crate) fn target(url: &str) -> Target {
    Target::parse(&SecretString::from(url), None).unwrap()
}

pub(crate) fn session() -> Session {
    Session::new("tests", "0badcafe")
}

/// A dataset `d` from the JSON of its tables.
pub(crate) fn dataset(tables: &[serde_json::Value]) -> Dataset {
    let json = serde_json::json!({"dataset": "d", "title": "D", "publisher": "P", "tables": tables});
    serde_json::from_value(json).unwrap()
}

/// The JSON of one table; each column is `name type [not null | identity]`.
pub(crate) fn table(name: &str, columns: &[&str]) -> serde_json::Value {
    let columns: Vec<serde_json::Value> = columns
        .iter()
        .map(|column| {
            let (name, rest) = column.split_once(' ').unwrap();
            let (rest, nullability) = match (rest.strip_suffix(" not null"), rest.strip_suffix(" identity")) {
                (Some(rest), _) => (rest, "not_null"),
                (_, Some(rest)) => (rest, "identity"),
                _ => (rest, "nullable"),
            };
            serde_json::json!({"name": name, "type": rest, "nullability": nullability})
        })
        .collect();
    serde_json::json!({"name": name, "columns": columns, "content": {"sources": []}})
}

/// Rows of one table as text; `None` for NULL.
pub(crate) type Rows = Vec<Vec<Option<String>>>;

/// Rows written as `1,a;2,` with nothing for NULL.
pub(crate) fn rows(text: &str) -> Rows {
    let field = |field: &str| (!field.is_empty()).then(|| field.to_owned());
    text.split(';').filter(|row| !row.is_empty()).map(|row| row.split(',').map(field).collect()).collect()
}

/// The binary `COPY` stream of rows.
pub(crate) fn encode(table: &Table, rows: &Rows) -> Bytes {
    let columns: Vec<_> = table.columns.iter().filter(|c| c.nullability != Nullability::Identity).collect();
    let encoders: Vec<Encoder> = columns
        .iter()
        .map(|column| Encoder::new(column.type_name.as_str().parse().unwrap(), Parser::Auto).unwrap())
        .collect();
    let mut stream = wire::HEADER.to_vec();
    for row in rows {
        assert_eq!(row.len(), encoders.len());
        stream.extend(wire::row(u16::try_from(row.len()).unwrap()));
        for (field, encoder) in row.iter().zip(&encoders) {
            match field {
                Some(text) => drop(encoder.encode(text.as_bytes(), &mut stream).unwrap()),
                None => stream.extend(wire::NULL),
            }
        }
    }
    stream.extend(wire::TRAILER);
    stream.into()
}

/// One run of a dataset, stage by stage.
pub(crate) struct Run {
    pub(crate) dataset: Dataset,
    pub(crate) ledger: Ledger,
    pub(crate) pool: Arc<Pool>,
    pub(crate) publication: Publication,
    pub(crate) terms: Terms,
    _lease: Lease,
}

impl Run {
    pub(crate) async fn begin(place: &Place, dataset: &Dataset) -> Self {
        Self::begin_on(place.target(), dataset).await
    }

    pub(crate) async fn begin_on(target: Target, dataset: &Dataset) -> Self {
        let run = RunId::new(Uuid::new_v4());
        let session = Session::new(&dataset.dataset, run);
        let ledger = Ledger::open(&target, &session).await.unwrap();
        let firing = Firing { dataset: dataset.dataset.clone(), scheduled_time: None };
        let new = NewRun {
            run,
            stack: String::new(),
            environment: String::new(),
            worker: "0".into(),
            manifest: "m".into(),
            number: 1,
        };
        let deadline = Instant::now() + Duration::from_secs(30);
        let Claim::Ours { lease, .. } =
            claim(&target, &session, &ledger, &firing, &new, deadline, |_| {}).await.unwrap()
        else {
            panic!("a run by hand is never a duplicate")
        };
        let publication = Publication {
            run,
            dataset: dataset.dataset.clone(),
            scheduled_time: None,
            manifest: "m".into(),
            fingerprint: run.to_string(),
            sources: Vec::new(),
            withdrawn: None,
        };
        let pool = Arc::new(Pool::new(target, session));
        Self {
            dataset: dataset.clone(),
            ledger,
            pool,
            publication,
            terms: Terms { drops: Drops::Limited, size: Size::Enforced },
            _lease: lease,
        }
    }

    pub(crate) fn mark(&self) -> Mark {
        Mark::new(self.publication.run, "m", Some("f".to_owned()))
    }

    /// All stages up to the one that publishes.
    pub(crate) async fn stage(&self, tables: &[(&str, Rows)]) -> Result<Staging, publish::Error> {
        let survey = publish::survey(&self.pool, &self.dataset).await?;
        let connection = self.pool.take().await?;
        let room = publish::generation::room(self.dataset.generations);
        publish::generation::drop_beyond(&connection, &self.dataset.dataset, room).await?;
        self.pool.give_back(connection);
        let staging =
            Staging::begin(Arc::clone(&self.pool), &self.dataset.dataset, &self.mark(), &survey.staging_roles())
                .await?;
        for blueprint in survey.blueprints()? {
            let table = self.dataset.table(&blueprint.table).unwrap();
            let rows = &tables.iter().find(|(name, _)| *name == table.name.as_str()).unwrap().1;
            let chunks = stream::iter([Ok::<_, std::fmt::Error>(encode(table, rows))]);
            let loaded = staging.load_table(&blueprint, chunks).await.map_err(|error| match error {
                LoadError::Staging(error) => error,
                LoadError::Reading(error) => panic!("{error}"),
            })?;
            assert_eq!(usize::try_from(loaded.rows + loaded.duplicates).unwrap(), rows.len());
            staging.finish_table(&blueprint).await?;
        }
        Ok(staging)
    }

    pub(crate) async fn publish(&self, staging: &Staging, deadline: Duration) -> Result<Published, publish::Error> {
        self.publish_telling(staging, deadline, |_| {}).await
    }

    pub(crate) async fn publish_telling(
        &self,
        staging: &Staging,
        deadline: Duration,
        missed: impl FnMut(&Miss),
    ) -> Result<Published, publish::Error> {
        let rows = BTreeMap::from([("t".to_owned(), 1)]);
        let publish = Publish {
            dataset: &self.dataset,
            staging,
            publication: &self.publication,
            rows: &rows,
            terms: self.terms,
            views: &[],
            deadline: Instant::now() + deadline,
        };
        publish.run(&self.ledger, missed).await
    }
}

/// A whole load.
pub(crate) async fn load(
    place: &Place,
    dataset: &Dataset,
    tables: &[(&str, Rows)],
) -> Result<Published, publish::Error> {
    let run = Run::begin(place, dataset).await;
    let ended = async {
        let staging = run.stage(tables).await?;
        let published = run.publish(&staging, Duration::from_secs(20)).await?;
        staging.clear().await?;
        Ok(published)
    };
    let ended: Result<Published, publish::Error> = ended.await;
    if let Err(error) = &ended {
        let failure = Failure { code: error.code().into(), message: error.to_string(), exit: error.exit() as i32 };
        run.ledger.finish(run.publication.run, &Ending::Failed(failure)).await.unwrap();
    }
    ended
}
