//! `[host/]path[:tag][@digest]`, as Docker and OCI write it.

/// The parts of a reference.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reference {
    /// Its registry; Docker's own when none is named.
    pub host: String,
    /// Repository in the registry.
    pub path: String,
    /// `sha256:…`
    pub digest: Option<String>,
    tag: Option<String>,
    /// What comes before tag and digest, as it was written.
    name: String,
}

/// A private registry of ECR.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ecr {
    /// Twelve digits.
    pub account: String,
    /// Its region.
    pub region: String,
}

impl Reference {
    /// Reads a reference; none when it is not one.
    pub fn read(text: &str) -> Option<Self> {
        let (name, digest) = match text.split_once('@') {
            Some((name, digest)) => (name, Some(digest.to_owned())),
            None => (text, None),
        };
        let last = name.rfind('/').map_or(0, |slash| slash + 1);
        let (name, tag) = match name[last..].split_once(':') {
            Some((part, tag)) => (&name[..last + part.len()], Some(tag.to_owned())),
            None => (name, None),
        };
        let is_host = |part: &str| part.contains(['.', ':']) || part == "localhost";
        let (host, path) = match name.split_once('/') {
            Some((host, path)) if is_host(host) => (host.to_owned(), path.to_owned()),
            Some(_) => ("registry-1.docker.io".to_owned(), name.to_owned()),
            None => ("registry-1.docker.io".to_owned(), format!("library/{name}")),
        };
        let host = if host == "docker.io" { "registry-1.docker.io".to_owned() } else { host };
        let whole = !path.is_empty() && !text.contains(char::is_whitespace);
        whole.then(|| Self { host, path, digest, tag, name: name.to_owned() })
    }

    /// Its tag; `latest` when none is named.
    pub fn tag(&self) -> &str {
        self.tag.as_deref().unwrap_or("latest")
    }

    /// The same image by its digest.
    pub fn at(&self, digest: &str) -> String {
        format!("{}@{digest}", self.name)
    }

    /// The registry of ECR that it is in, if it is: `<account>.dkr.ecr.<region>.amazonaws.com[.cn]`.
    pub fn ecr(&self) -> Option<Ecr> {
        let mut parts = self.host.split('.');
        let (account, dkr, ecr, region) = (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
        let aws = parts.next() == Some("amazonaws");
        ((dkr, ecr) == ("dkr", "ecr") && aws).then(|| Ecr { account: account.to_owned(), region: region.to_owned() })
    }

    /// Whether its registry is reached without a network.
    pub fn is_on_this_machine(&self) -> bool {
        let host = self.host.rsplit_once(':').map_or(self.host.as_str(), |(host, _)| host);
        host == "localhost" || host.starts_with("127.")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn references_come_apart_as_docker_reads_them() {
        let cases = [
            ("ghcr.io/example/worker:1.0", "ghcr.io", "example/worker", "1.0"),
            ("127.0.0.1:5000/worker:local", "127.0.0.1:5000", "worker", "local"),
            ("localhost/worker", "localhost", "worker", "latest"),
            ("example/worker:2", "registry-1.docker.io", "example/worker", "2"),
            ("postgres", "registry-1.docker.io", "library/postgres", "latest"),
        ];
        for (text, host, path, tag) in cases {
            let read = Reference::read(text).unwrap();
            assert_eq!((read.host.as_str(), read.path.as_str(), read.tag()), (host, path, tag), "{text}");
        }
        let pinned = Reference::read("ghcr.io/example/worker:1.0@sha256:5f0c").unwrap();
        assert_eq!(pinned.digest.as_deref(), Some("sha256:5f0c"));
        assert_eq!(
            Reference::read("ghcr.io/example/worker:1.0").unwrap().at("sha256:1"),
            "ghcr.io/example/worker@sha256:1"
        );
    }

    #[test]
    fn registries_of_ecr_are_known_by_their_names() {
        let ecr = |text: &str| Reference::read(text).unwrap().ecr();
        let found = ecr("123456789012.dkr.ecr.us-east-1.amazonaws.com/worker:1").unwrap();
        assert_eq!((found.account.as_str(), found.region.as_str()), ("123456789012", "us-east-1"));
        assert_eq!(ecr("public.ecr.aws/x/worker:1"), None);
        assert_eq!(ecr("ghcr.io/x/worker:1"), None);
    }
}
