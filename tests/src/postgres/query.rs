//! Asking the cluster: connections for asynchronous callers, rows as text for those that block.

use tokio_postgres::{Client, NoTls, SimpleQueryMessage};

use crate::background;
use crate::error::{Error, Result};

/// Opens a connection whose socket is served by this library's own threads, so that the client works in any runtime.
pub async fn connect(url: &str) -> Result<Client> {
    let url = url.to_owned();
    let opened = background::runtime().spawn(async move { open(&url).await });
    opened.await.map_err(|error| Error::failed("postgres", error.to_string()))?
}

async fn open(url: &str) -> Result<Client> {
    let (client, connection) = tokio_postgres::connect(url, NoTls).await.map_err(refused("connect"))?;
    // The connection ends when the client is dropped; its error reaches the client's next call.
    tokio::spawn(connection);
    Ok(client)
}

/// Runs statements over a connection of their own and returns all rows as text.
pub(super) fn rows(url: &str, sql: &str) -> Result<Vec<Vec<Option<String>>>> {
    let (url, sql) = (url.to_owned(), sql.to_owned());
    background::wait(async move {
        let client = open(&url).await?;
        let messages = client.simple_query(&sql).await.map_err(refused(&sql))?;
        let rows = messages.into_iter().filter_map(|message| match message {
            SimpleQueryMessage::Row(row) => {
                Some((0..row.len()).map(|column| row.get(column).map(str::to_owned)).collect())
            }
            _ => None,
        });
        Ok(rows.collect())
    })
}

fn refused(action: &str) -> impl FnOnce(tokio_postgres::Error) -> Error {
    // Passwords stand in statements that make roles.
    let action = action.split(" PASSWORD ").next().unwrap_or_default().to_owned();
    move |error| {
        let message = error.as_db_error().map_or_else(
            || {
                let source = std::error::Error::source(&error).map(|source| format!(": {source}"));
                format!("{error}{}", source.unwrap_or_default())
            },
            |refusal| format!("{}: {}", refusal.code().code(), refusal.message()),
        );
        Error::Postgres { action, message }
    }
}

/// An identifier in double quotes.
pub fn quote(identifier: &str) -> String {
    format!("\"{}\"", identifier.replace('"', "\"\""))
}

/// A string literal in single quotes, for servers with `standard_conforming_strings` on, as is the default.
pub fn literal(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}
