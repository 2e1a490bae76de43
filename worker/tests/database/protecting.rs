//! What each `sslmode` believes, against a server with a certificate of its own issuer.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

use freshet_tests::postgres::{Durability, PostgresCluster};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use worker::fault::{Exit, Fault};
use worker::postgres::{Error, Purpose, Target};

use crate::support::{PASSWORD, Place, session};

fn issuer() -> CertifiedIssuer<'static, KeyPair> {
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap()
}

/// A cluster whose certificate names `localhost`, and the files of its issuer and of another.
fn cluster(folder: &Path) -> PostgresCluster {
    let (ours, theirs, key) = (issuer(), issuer(), KeyPair::generate().unwrap());
    let certificate = CertificateParams::new(vec!["localhost".to_owned()]).unwrap().signed_by(&key, &ours).unwrap();
    let file = |name: &str, text: &str| fs::write(folder.join(name), text).unwrap();
    file("ca.pem", &ours.pem());
    file("other.pem", &theirs.pem());
    file("server.pem", &certificate.pem());
    file("server.key", &key.serialize_pem());
    fs::set_permissions(folder, fs::Permissions::from_mode(0o755)).unwrap();
    fs::set_permissions(folder.join("server.key"), fs::Permissions::from_mode(0o600)).unwrap();
    // The server does not run as root even where the tests do, and reads no key that is another's.
    let owner = Command::new("id").arg("-u").output().unwrap();
    if owner.stdout.starts_with(b"0\n") {
        let status = Command::new("chown").arg("postgres").arg(folder.join("server.key")).status().unwrap();
        assert!(status.success());
    }
    let path = |name: &str| folder.join(name).display().to_string();
    let (certificate, key) = (path("server.pem"), path("server.key"));
    let settings = [("ssl", "on"), ("ssl_cert_file", &*certificate), ("ssl_key_file", &*key)];
    PostgresCluster::start_with(Durability::Off, &settings).unwrap()
}

#[tokio::test]
async fn each_sslmode_believes_what_it_says() {
    let folder = tempfile::Builder::new().prefix("freshet-tls-").tempdir_in("/tmp").unwrap();
    let cluster = Box::leak(Box::new(cluster(folder.path())));
    let place = Place::on(cluster);
    let connect = async |host: &str, options: &str| -> Result<bool, Error> {
        let address = format!(
            "host={host} port={} user={} password={PASSWORD} dbname={} {}",
            place.cluster.port(),
            place.loader,
            place.database,
            options.replace("{}", &folder.path().display().to_string())
        );
        let connection = Target::parse(&address.into(), None)?.connect(&session(), Purpose::Load).await?;
        let row = connection.row("see", "SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()", &[]).await?;
        Ok(row.get(0))
    };
    // No TLS, TLS with whomever, TLS with whomever.
    for (mode, encrypted) in [("disable", false), ("prefer", true), ("require", true)] {
        assert_eq!(connect("127.0.0.1", &format!("sslmode={mode}")).await.unwrap(), encrypted, "{mode}");
    }
    // The issuer counts, and with verify-full the name.
    assert!(connect("localhost", "sslmode=verify-full sslrootcert={}/ca.pem").await.unwrap());
    assert!(connect("127.0.0.1", "sslmode=verify-ca sslrootcert={}/ca.pem").await.unwrap());
    assert!(connect("127.0.0.1", "sslmode=require sslrootcert={}/ca.pem").await.unwrap());
    for (host, options) in [
        ("127.0.0.1", "sslmode=verify-full sslrootcert={}/ca.pem"),
        ("localhost", "sslmode=verify-full sslrootcert={}/other.pem"),
        ("localhost", "sslmode=verify-ca sslrootcert={}/other.pem"),
        ("localhost", "sslmode=require sslrootcert={}/other.pem"),
        ("localhost", "sslmode=verify-full sslrootcert=system"),
    ] {
        let error = connect(host, options).await.expect_err(options);
        assert_eq!((error.code(), error.exit()), ("database_protection", Exit::Configuration), "{options}: {error}");
        assert!(error.to_string().contains("certificate"), "{error}");
    }
    let error = connect("localhost", "sslmode=verify-full sslrootcert={}/server.key").await.unwrap_err();
    assert_eq!(error.code(), "database_certificates");
}

#[tokio::test]
async fn a_bundle_beside_the_systems_certificates_is_believed() {
    let folder = tempfile::Builder::new().prefix("freshet-tls-").tempdir_in("/tmp").unwrap();
    let cluster = Box::leak(Box::new(cluster(folder.path())));
    let place = Place::on(cluster);
    let url = place.url.replace("127.0.0.1", "localhost") + "?sslmode=verify-full";
    let target = Target::parse(&url.into(), Some(folder.path().join("ca.pem"))).unwrap();
    target.connect(&session(), Purpose::Lease).await.unwrap();
}
