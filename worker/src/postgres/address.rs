//! The address of the target database: libpq's two spellings (`postgres://…` and `key=value …`) come in as a secret,
//! connection settings and the protection of the connection go out. No message repeats any part of the address but its
//! host, port, database and user, and those only after they were told apart from the password.

mod pairs;

use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use secrecy::{ExposeSecret, SecretString};
use tokio_postgres::Config;
use tokio_postgres::config::{Host, SslMode};
use tokio_postgres_rustls::MakeRustlsConnect;

use super::error::Error;
use super::tls;

/// Environment variable that names a further file of trusted certificates.
pub const BUNDLE_VARIABLE: &str = "FRESHET_DATABASE_CA";

/// Where the image keeps Amazon's certificates for RDS; used where it exists.
pub const BUNDLE_PATH: &str = "/etc/ssl/certs/rds-global-bundle.pem";

/// How long one host may take to answer; `connect_timeout` in the address overrides it.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// How long sent bytes may stay unacknowledged. A server that stalls on its disk acknowledges, but a window that stays
/// shut counts too, so this is generous.
const TCP_USER_TIMEOUT: Duration = Duration::from_mins(5);

/// Idle time before the kernel asks whether the server is still there, the interval of asking, and how often.
const KEEPALIVE: (Duration, Duration, u32) = (Duration::from_mins(1), Duration::from_secs(10), 6);

/// How a connection is protected: libpq's `sslmode`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Protection {
    /// No encryption.
    Disable,
    /// Encrypted where the server offers it; its certificate is not checked. The default away from RDS, as in libpq.
    Prefer,
    /// Encrypted or refused; the certificate is not checked, so whoever sits between can read along.
    Require,
    /// Encrypted, and the certificate was issued by one that we trust; its name is not compared.
    VerifyCa,
    /// Encrypted, trusted issuer, and the certificate names the host. The default for RDS.
    VerifyFull,
}

impl Protection {
    /// As it stands in an address.
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Disable => "disable",
            Self::Prefer => "prefer",
            Self::Require => "require",
            Self::VerifyCa => "verify-ca",
            Self::VerifyFull => "verify-full",
        }
    }
}

/// Which issuers are trusted when certificates are checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Roots {
    /// The system's, and those of this file.
    System(Option<PathBuf>),
    /// Those of this file only: `sslrootcert`.
    File(PathBuf),
}

/// A database to connect to.
#[derive(Clone)]
pub struct Target {
    pub(super) config: Config,
    pub(super) tls: MakeRustlsConnect,
    protection: Protection,
}

/// Certificates to trust beside the system's: those that the environment names, else Amazon's where the image has them.
pub fn bundle() -> Option<PathBuf> {
    let named = std::env::var_os(BUNDLE_VARIABLE).filter(|value| !value.is_empty()).map(PathBuf::from);
    named.or_else(|| Some(PathBuf::from(BUNDLE_PATH)).filter(|path| path.is_file()))
}

impl Target {
    /// Reads an address. `bundle` is a file of certificates to trust beside the system's ([`BUNDLE_VARIABLE`], else
    /// [`BUNDLE_PATH`] where it exists); a `sslrootcert` in the address replaces both.
    ///
    /// # Errors
    /// [`Error::Address`] when it cannot be read, names no host, or asks for what is not served; [`Error::Certificates`]
    /// when trusted certificates cannot be read.
    pub fn parse(address: &SecretString, bundle: Option<PathBuf>) -> Result<Self, Error> {
        let mut protection = None;
        let mut roots = Roots::System(bundle);
        let mut kept = String::new();
        for (key, value) in pairs::read(address.expose_secret())? {
            match key.as_str() {
                "sslmode" => protection = Some(read_mode(&value)?),
                "ssl" if value == "true" => protection = Some(Protection::Require),
                // As in libpq: trusting everybody's issuers only makes sense when names are compared.
                "sslrootcert" if value == "system" => {
                    protection = protection.or(Some(Protection::VerifyFull));
                    roots = Roots::System(None);
                }
                "sslrootcert" => roots = Roots::File(value.into()),
                // Ours to set, and set for every session.
                "application_name" | "fallback_application_name" | "client_encoding" => {}
                // GSSAPI encryption is not spoken; asking for it is refused below, leaving it open is no request.
                "gssencmode" if value != "require" => {}
                _ => pairs::keep(&key, &value, &mut kept)?,
            }
        }
        let mut config = Config::from_str(&kept).map_err(|error| Error::Address {
            // These messages hold names of options and never a value.
            reason: std::error::Error::source(&error).map_or_else(|| error.to_string(), ToString::to_string),
        })?;
        if config.get_hosts().is_empty() && config.get_hostaddrs().is_empty() {
            return Err(Error::Address { reason: "it names no host".to_owned() });
        }
        if config.get_user().is_none() {
            return Err(Error::Address { reason: "it names no user".to_owned() });
        }
        fill_in(&mut config);

        let protection = match (protection, &roots) {
            // As in libpq: whoever hands over a root certificate wants it used.
            (Some(Protection::Require), Roots::File(_)) => Protection::VerifyCa,
            (Some(given), _) => given,
            (None, _) if hosts(&config).any(|host| is_rds(&host)) => Protection::VerifyFull,
            (None, Roots::File(_)) => Protection::VerifyCa,
            (None, Roots::System(_)) => Protection::Prefer,
        };
        config.ssl_mode(match protection {
            Protection::Disable => SslMode::Disable,
            Protection::Prefer => SslMode::Prefer,
            _ => SslMode::Require,
        });
        // Sockets of the same machine are not encrypted by any client.
        if config.get_hosts().iter().all(|host| matches!(host, Host::Unix(_))) && config.get_hostaddrs().is_empty() {
            config.ssl_mode(SslMode::Disable);
        }
        let tls = tls::connector(&protection, &roots)?;
        Ok(Self { config, tls, protection })
    }

    /// How connections are protected.
    pub fn protection(&self) -> &Protection {
        &self.protection
    }

    /// The hosts with their ports, for messages.
    pub fn place(&self) -> String {
        let ports = self.config.get_ports();
        let named: Vec<String> = hosts(&self.config)
            .enumerate()
            .map(|(i, host)| format!("{host}:{}", ports.get(i).or_else(|| ports.first()).copied().unwrap_or(5432)))
            .collect();
        named.join(", ")
    }

    /// The login role.
    pub fn user(&self) -> &str {
        self.config.get_user().unwrap_or_default()
    }

    /// The database, which is named like the user unless the address says otherwise.
    pub fn database(&self) -> &str {
        self.config.get_dbname().unwrap_or_else(|| self.user())
    }
}

impl std::fmt::Debug for Target {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Target({} at {}, database {}, {:?})", self.user(), self.place(), self.database(), self.protection)
    }
}

fn fill_in(config: &mut Config) {
    if config.get_connect_timeout().is_none() {
        config.connect_timeout(CONNECT_TIMEOUT);
    }
    if config.get_tcp_user_timeout().is_none() {
        config.tcp_user_timeout(TCP_USER_TIMEOUT);
    }
    if config.get_keepalives_interval().is_none() {
        let (idle, interval, count) = KEEPALIVE;
        config.keepalives_idle(idle).keepalives_interval(interval).keepalives_retries(count);
    }
}

fn hosts(config: &Config) -> impl Iterator<Item = String> + '_ {
    let named = config.get_hosts().iter().map(|host| match host {
        Host::Tcp(name) => name.clone(),
        Host::Unix(path) => path.display().to_string(),
    });
    let bare = config.get_hostaddrs().iter().skip(config.get_hosts().len()).map(ToString::to_string);
    named.chain(bare)
}

fn is_rds(host: &str) -> bool {
    let host = host.to_ascii_lowercase();
    host.ends_with(".rds.amazonaws.com") || host.ends_with(".rds.amazonaws.com.cn")
}

fn read_mode(value: &str) -> Result<Protection, Error> {
    match value {
        "disable" => Ok(Protection::Disable),
        "prefer" => Ok(Protection::Prefer),
        "require" => Ok(Protection::Require),
        "verify-ca" => Ok(Protection::VerifyCa),
        "verify-full" => Ok(Protection::VerifyFull),
        "allow" => Err(Error::Address { reason: "sslmode=allow is not served; use prefer or require".to_owned() }),
        _ => Err(Error::Address {
            reason: "its sslmode is none of disable, prefer, require, verify-ca, verify-full".to_owned(),
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(address: &str) -> Result<Target, Error> {
        Target::parse(&SecretString::from(address), None)
    }

    #[test]
    fn both_spellings_mean_the_same() {
        for address in [
            "postgres://ana:s%40cret@db.example.org:5433/city?sslmode=disable",
            "postgresql://ana:s%40cret@db.example.org:5433/city?sslmode=disable&application_name=x",
            "host=db.example.org port=5433 user=ana password='s@cret' dbname=city sslmode = disable",
        ] {
            let target = parse(address).unwrap();
            assert_eq!((target.user(), target.database()), ("ana", "city"));
            assert_eq!(target.place(), "db.example.org:5433");
            assert_eq!(target.config.get_password(), Some(&b"s@cret"[..]));
            assert_eq!(target.protection(), &Protection::Disable);
        }
    }

    #[test]
    fn rds_is_verified_in_full_unless_the_address_says_otherwise() {
        let rds = "postgres://u:p@city.abc123.us-east-1.rds.amazonaws.com/city";
        assert_eq!(parse(rds).unwrap().protection(), &Protection::VerifyFull);
        assert_eq!(parse(&format!("{rds}?sslmode=require")).unwrap().protection(), &Protection::Require);
        assert_eq!(parse("postgres://u:p@localhost/city").unwrap().protection(), &Protection::Prefer);
    }

    #[test]
    fn a_root_certificate_is_used_where_it_is_named() {
        let error = parse("postgres://u:p@h/d?sslmode=require&sslrootcert=/nowhere/ca.pem").unwrap_err();
        assert!(error.to_string().contains("/nowhere/ca.pem"), "{error}");
    }

    #[test]
    fn no_address_that_cannot_be_read_is_ever_repeated() {
        for address in [
            "postgres://u:hunter2/x@host/db",
            "postgres://u:hunter2@x@host/db",
            "postgres://u:hunter2?x@host/db",
            "postgres://u:hunter2#x@host/db",
            "postgres://u:%hunter2@host/db",
            "host=h user=u password=hunter2 hunter2x dbname=d",
            "host=h user=u password='hunter2",
            "postgres://u:p@host/db?hunter2=1",
            "postgres://u:p@host/db?sslmode=hunter2",
            "mysql://u:hunter2@host/db",
            "hunter2",
            "",
        ] {
            let error = parse(address).expect_err(address);
            assert!(!format!("{error} {error:?}").contains("hunter2"), "{address}: {error}");
        }
        assert!(!format!("{:?}", parse("postgres://u:hunter2@h/d").unwrap()).contains("hunter2"));
    }

    #[test]
    fn what_is_not_served_is_refused_by_name() {
        let error = parse("postgres://u:p@h/d?sslcert=client.pem").unwrap_err().to_string();
        assert!(error.contains("sslcert"), "{error}");
    }

    #[test]
    fn a_socket_needs_no_certificate() {
        let target = parse("host=/var/run/postgresql user=u dbname=d sslmode=verify-full").unwrap();
        assert_eq!(target.config.get_ssl_mode(), SslMode::Disable);
    }
}
