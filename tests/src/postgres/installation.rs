//! Where PostgreSQL's programs are, and as whom they can run: PostgreSQL refuses to run as root, so that root hands its
//! folders to the account `postgres` and drops to it.

use std::cmp::Reverse;
use std::env;
use std::fs;
use std::os::unix::fs::{PermissionsExt, chown};
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::error::{Error, Result};

/// Names the folder that holds `initdb` and `postgres`, before all other places.
const OVERRIDE: &str = "FRESHET_POSTGRES_BIN";
/// Debian's and Ubuntu's folder: one version beside the other.
const DEBIAN: &str = "/usr/lib/postgresql";
const INSTALL: &str = "apt-get install postgresql   (or: brew install postgresql)";
/// The account that Debian's package makes.
const ACCOUNT: &str = "postgres";

/// A PostgreSQL installation and the account that its programs run as.
#[derive(Debug)]
pub(super) struct Installation {
    folder: PathBuf,
    account: Option<Account>,
}

#[derive(Debug, Clone, Copy)]
struct Account {
    user: u32,
    group: u32,
}

impl Installation {
    /// Looks at the override, `PATH`, then Debian's folder from the newest version down.
    pub(super) fn find() -> Result<Self> {
        let folder = candidates().into_iter().find(|folder| holds_server(folder)).ok_or_else(|| Error::Missing {
            what: format!("no initdb and postgres in {OVERRIDE}, on PATH or under {DEBIAN}"),
            install: INSTALL.into(),
        })?;
        // Some machines have only the server's programs linked into PATH; their neighbours are where the links lead.
        let resolved = fs::canonicalize(folder.join("initdb")).ok();
        let folder = resolved.and_then(|initdb| initdb.parent().map(Path::to_path_buf)).unwrap_or(folder);
        let account = if rustix::process::geteuid().is_root() { Some(unprivileged_account()?) } else { None };
        Ok(Self { folder, account })
    }

    pub(super) fn program(&self, name: &str) -> Result<PathBuf> {
        let path = self.folder.join(name);
        if path.is_file() {
            return Ok(path);
        }
        Err(Error::Missing { what: format!("{} does not exist", path.display()), install: INSTALL.into() })
    }

    /// A command for one of the programs, run as the unprivileged account when we are root.
    pub(super) fn command(&self, name: &str) -> Command {
        let program = self.folder.join(name);
        if self.account.is_none() {
            return Command::new(program);
        }
        let mut command = Command::new("setpriv");
        command.args([&format!("--reuid={ACCOUNT}"), &format!("--regid={ACCOUNT}"), "--init-groups", "--"]);
        command.arg(program);
        command
    }

    /// Makes a path belong to the account that the programs run as.
    pub(super) fn hand_over(&self, path: &Path) -> Result<()> {
        let Some(account) = self.account else { return Ok(()) };
        chown(path, Some(account.user), Some(account.group))
            .map_err(Error::io(format!("give {} to {ACCOUNT}", path.display())))
    }

    /// A folder for temporary data that the account can enter and whose path leaves room for a socket's.
    pub(super) fn temporary_parent(&self, longest: usize) -> Result<PathBuf> {
        let places = [env::temp_dir(), "/tmp".into(), "/var/tmp".into()];
        let enters = |folder: &Path| {
            self.account.is_none()
                || folder
                    .ancestors()
                    .all(|part| fs::metadata(part).is_ok_and(|data| data.permissions().mode() & 1 == 1))
        };
        let fits = |folder: &PathBuf| folder.is_dir() && folder.as_os_str().len() + 20 <= longest && enters(folder);
        places.into_iter().find(fits).ok_or_else(|| {
            Error::failed("postgres", "no temporary folder with a short path that the server's account can enter")
        })
    }
}

fn candidates() -> Vec<PathBuf> {
    if let Some(folder) = env::var_os(OVERRIDE) {
        return vec![folder.into()];
    }
    let on_path = env::var_os("PATH").map(|path| env::split_paths(&path).collect::<Vec<_>>()).unwrap_or_default();
    let versions = fs::read_dir(DEBIAN).into_iter().flatten().flatten().map(|entry| entry.path());
    on_path.into_iter().chain(newest_first(versions).into_iter().map(|version| version.join("bin"))).collect()
}

fn newest_first(folders: impl Iterator<Item = PathBuf>) -> Vec<PathBuf> {
    let major = |folder: &PathBuf| folder.file_name().and_then(|name| name.to_str()?.parse::<u32>().ok());
    let mut folders: Vec<_> = folders.collect();
    folders.sort_by_key(|folder| Reverse(major(folder)));
    folders
}

fn holds_server(folder: &Path) -> bool {
    folder.join("initdb").is_file() && folder.join("postgres").is_file()
}

fn unprivileged_account() -> Result<Account> {
    let accounts = fs::read_to_string("/etc/passwd").map_err(Error::io("read /etc/passwd"))?;
    parse_account(&accounts).ok_or_else(|| Error::Missing {
        what: format!("this is root, postgres refuses to run as root, and there is no account {ACCOUNT}"),
        install: INSTALL.into(),
    })
}

fn parse_account(accounts: &str) -> Option<Account> {
    accounts.lines().find_map(|line| {
        let mut fields = line.split(':');
        (fields.next() == Some(ACCOUNT)).then_some(())?;
        let mut ids = fields.skip(1);
        Some(Account { user: ids.next()?.parse().ok()?, group: ids.next()?.parse().ok()? })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_compared_as_numbers() {
        let folders = ["/p/9", "/p/14", "/p/17", "/p/x"].map(PathBuf::from);
        let order = newest_first(folders.into_iter());
        assert_eq!(order, ["/p/17", "/p/14", "/p/9", "/p/x"].map(PathBuf::from));
    }

    #[test]
    fn the_account_is_found_by_its_whole_name() {
        let account = parse_account("root:x:0:0::/:/bin/sh\npostgresx:x:1:1:::\npostgres:x:103:105:PG:/:/bin/sh\n");
        let account = account.expect("it is there");
        assert_eq!((account.user, account.group), (103, 105));
        assert!(parse_account("root:x:0:0::/:/bin/sh\n").is_none());
    }
}
