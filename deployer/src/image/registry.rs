//! The OCI distribution API, as much as a tag's digest takes: one HEAD, and where the registry asks for it an anonymous token
//! first. Nobody's credentials are looked for: what is private is named by digest, or is in ECR.

use std::sync::Arc;
use std::time::Duration;

use reqwest::header::{ACCEPT, AUTHORIZATION, HeaderMap, WWW_AUTHENTICATE};
use reqwest::{Client, Method, Response, StatusCode};
use rustls::{ClientConfig, RootCertStore};
use serde::Deserialize;
use url::Url;

use super::{Failure, Reference};

/// Longest wait for a connection, and for a whole answer.
const PATIENCE: (Duration, Duration) = (Duration::from_secs(3), Duration::from_secs(10));

/// Manifests of one platform, and lists of several, in both spellings.
const FORMS: &str = "application/vnd.oci.image.index.v1+json, application/vnd.docker.distribution.manifest.list.v2+json, \
                     application/vnd.oci.image.manifest.v1+json, application/vnd.docker.distribution.manifest.v2+json";

#[derive(Deserialize)]
struct Token {
    token: Option<String>,
    access_token: Option<String>,
}

/// The digest of what the tag means now.
pub(super) async fn digest(reference: &Reference) -> Result<String, Failure> {
    let client = client()?;
    // A registry on this machine has no certificate.
    let scheme = if reference.is_on_this_machine() { "http" } else { "https" };
    let Reference { host, path, .. } = reference;
    let address = format!("{scheme}://{host}/v2/{path}/manifests/{}", reference.tag());
    let mut answer = ask(&client, Method::HEAD, &address, None).await?;
    if answer.status() == StatusCode::UNAUTHORIZED
        && let Some(realm) = challenge(answer.headers(), scheme)
    {
        let body = ask(&client, Method::GET, realm.as_str(), None).await?.bytes().await;
        let token = body.ok().and_then(|body| serde_json::from_slice::<Token>(&body).ok());
        let token = token.ok_or_else(|| Failure::Unknown(format!("{host} gives no token to who has no account")))?;
        let token = token.token.or(token.access_token);
        answer = ask(&client, Method::HEAD, &address, token.as_deref()).await?;
    }
    match answer.status() {
        status if status.is_success() => {
            let digest = answer.headers().get("docker-content-digest").and_then(|value| value.to_str().ok());
            let digest = digest.filter(|digest| digest.starts_with("sha256:")).map(str::to_owned);
            digest.ok_or_else(|| Failure::Unknown(format!("{host} does not tell the digest")))
        }
        StatusCode::NOT_FOUND => Err(Failure::Missing(format!("{host} holds no such tag"))),
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => {
            Err(Failure::Unknown(format!("{host} tells only who has an account, if it holds the image at all")))
        }
        status => Err(Failure::Unknown(format!("{host} answers HTTP {}", status.as_u16()))),
    }
}

async fn ask(client: &Client, method: Method, address: &str, token: Option<&str>) -> Result<Response, Failure> {
    let mut request = client.request(method, address).header(ACCEPT, FORMS);
    if let Some(token) = token {
        request = request.header(AUTHORIZATION, format!("Bearer {token}"));
    }
    request.send().await.map_err(|error| {
        let why = if error.is_timeout() { "does not answer in time" } else { "cannot be reached" };
        let host = Url::parse(address).ok().and_then(|url| url.host_str().map(str::to_owned)).unwrap_or_default();
        Failure::Unknown(format!("{host} {why}"))
    })
}

/// Where a token is to be had: `Bearer realm="…",service="…",scope="…"`.
fn challenge(headers: &HeaderMap, scheme: &str) -> Option<Url> {
    let text = headers.get(WWW_AUTHENTICATE)?.to_str().ok()?;
    let (kind, rest) = text.split_once(' ')?;
    if !kind.eq_ignore_ascii_case("bearer") {
        return None;
    }
    let field = |name: &str| {
        let start = rest.find(&format!("{name}=\""))? + name.len() + 2;
        rest[start..].split('"').next()
    };
    let mut realm: Url = field("realm")?.parse().ok()?;
    // What was asked over TLS is not asked on without.
    if realm.scheme() != "https" && scheme == "https" {
        return None;
    }
    for name in ["service", "scope"] {
        if let Some(value) = field(name) {
            realm.query_pairs_mut().append_pair(name, value);
        }
    }
    Some(realm)
}

fn client() -> Result<Client, Failure> {
    let fail = |why: String| Failure::Unknown(format!("no HTTP client: {why}"));
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    let tls = ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|error| fail(error.to_string()))?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Client::builder()
        .tls_backend_preconfigured(tls)
        .connect_timeout(PATIENCE.0)
        .timeout(PATIENCE.1)
        .user_agent(concat!("freshet/", env!("CARGO_PKG_VERSION")))
        .build()
        .map_err(|error| fail(error.to_string()))
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpListener;

    use super::*;

    const DIGEST: &str = "sha256:0f3e7b0c";

    /// A registry that gives a token to anybody and asks for it; tag `1` is there.
    async fn registry() -> String {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let host = listener.local_addr().unwrap().to_string();
        let realm = format!("http://{host}/token");
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let mut request = vec![0; 4_096];
                let read = stream.read(&mut request).await.unwrap_or(0);
                let request = String::from_utf8_lossy(&request[..read]).to_lowercase();
                let line = request.lines().next().unwrap_or_default().to_owned();
                let (status, header, body) = if line.contains("/token") {
                    let asked = line.contains("service=reg") && line.contains("scope=repository");
                    ("200 OK", String::new(), if asked { r#"{"token": "t1"}"# } else { "{}" })
                } else if !request.contains("authorization: bearer t1") {
                    let challenge = format!(
                        "WWW-Authenticate: Bearer realm=\"{realm}\",service=\"reg\",scope=\"repository:w:pull\"\r\n"
                    );
                    ("401 Unauthorized", challenge, "")
                } else if line.contains("/v2/team/w/manifests/1 ") {
                    ("200 OK", format!("Docker-Content-Digest: {DIGEST}\r\n"), "")
                } else {
                    ("404 Not Found", String::new(), "")
                };
                let length = body.len();
                let answer =
                    format!("HTTP/1.1 {status}\r\n{header}Content-Length: {length}\r\nConnection: close\r\n\r\n{body}");
                let _ = stream.write_all(answer.as_bytes()).await;
            }
        });
        host
    }

    async fn asked(image: String) -> Result<String, Failure> {
        digest(&Reference::read(&image).unwrap()).await
    }

    #[tokio::test]
    async fn a_tag_is_looked_up_with_a_token_that_anybody_gets() {
        let host = registry().await;
        assert_eq!(asked(format!("{host}/team/w:1")).await, Ok(DIGEST.to_owned()));
        let missing = asked(format!("{host}/team/w:2")).await;
        assert!(matches!(&missing, Err(Failure::Missing(why)) if why.contains("no such tag")), "{missing:?}");
    }

    #[tokio::test]
    async fn a_registry_that_is_not_there_is_no_end_of_the_plan() {
        let unreachable = asked("127.0.0.1:1/team/w:1".to_owned()).await;
        assert_eq!(unreachable, Err(Failure::Unknown("127.0.0.1 cannot be reached".to_owned())));
    }
}
