//! What the tests share: a database of its own for each, with a loader role that owns nothing but what it is given.

use freshet_tests::postgres::PostgresCluster;
use secrecy::SecretString;
use worker::postgres::{Connection, Purpose, Session, Target};

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
