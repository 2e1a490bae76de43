//! A publisher's file on this machine: fetched from its address into a temporary file, or opened where it lies.

use std::fs::File;
use std::io::{BufReader, Read, Seek, Write};
use std::path::Path;

use crate::error::Error;

/// A file to look at.
pub(super) struct Fetched {
    file: File,
    /// The name it should have beside the manifest.
    pub(super) file_name: String,
    /// Where it came from, if from an address.
    pub(super) address: Option<String>,
}

impl Fetched {
    /// Its bytes from the beginning.
    pub(super) fn content(&self) -> impl Read + '_ {
        BufReader::with_capacity(1 << 20, &self.file)
    }
}

/// Fetches an address, or opens a file.
pub(super) async fn source(source: &str) -> Result<Fetched, Error> {
    match url::Url::parse(source) {
        Ok(address) if matches!(address.scheme(), "http" | "https") => fetch(source, &address).await,
        _ => open(source),
    }
}

fn open(source: &str) -> Result<Fetched, Error> {
    let path = Path::new(source);
    let file = File::open(path).map_err(|cause| Error::File { path: path.to_owned(), cause })?;
    let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    Ok(Fetched { file, file_name: name, address: None })
}

async fn fetch(source: &str, address: &url::Url) -> Result<Fetched, Error> {
    let fail = |why: String| Error::Draft { source_name: source.to_owned(), why };
    let told = |error: reqwest::Error| fail(error.without_url().to_string());
    // Another part of the program may have chosen the provider already.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let client = reqwest::Client::builder().user_agent("freshet").build().map_err(told)?;
    let mut answer = client.get(address.clone()).send().await.map_err(told)?;
    if !answer.status().is_success() {
        return Err(fail(format!("the publisher answered {}", answer.status())));
    }
    let mut file = tempfile::tempfile().map_err(|error| fail(format!("no temporary file: {error}")))?;
    while let Some(chunk) = answer.chunk().await.map_err(told)? {
        file.write_all(&chunk).map_err(|error| fail(format!("the temporary file cannot be written: {error}")))?;
    }
    file.rewind().map_err(|error| fail(format!("the temporary file cannot be read: {error}")))?;
    Ok(Fetched { file, file_name: file_name(address), address: Some(source.to_owned()) })
}

/// The last part of the path that says something: a portal's `…/api/views/wvxf-dwi5/rows.csv` is called by its number.
fn file_name(address: &url::Url) -> String {
    let parts: Vec<&str> = address.path_segments().into_iter().flatten().filter(|part| !part.is_empty()).collect();
    match parts[..] {
        [.., id, "rows.csv"] => format!("{id}.csv"),
        [.., last] => last.to_owned(),
        [] => address.host_str().unwrap_or_default().to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_of_a_portal_is_called_by_its_number() {
        for (address, name) in [
            ("https://data.example.org/api/views/wvxf-dwi5/rows.csv?accessType=DOWNLOAD", "wvxf-dwi5.csv"),
            ("https://example.org/files/trees%202020.csv", "trees%202020.csv"),
            ("https://example.org", "example.org"),
        ] {
            assert_eq!(file_name(&address.parse().unwrap()), name);
        }
    }
}
