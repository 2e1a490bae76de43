//! Rejected values and rows on their way into `freshet.rejects`: in batches, each with its place and its text, up to a
//! limit per table; the rest is counted by whoever reads.

use std::collections::BTreeMap;
use std::sync::Arc;

use manifest::Identifier;

use crate::postgres;

use super::Ledger;
use super::run::{RunId, bigint};

/// Longest raw text that is kept, in bytes.
const LONGEST_RAW: usize = 1_100;

/// Something in a source that could not be loaded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reject {
    /// The source's file name.
    pub file: String,
    /// The member of an archive.
    pub member: Option<String>,
    /// The line that the record begins in, from 1.
    pub line: Option<u64>,
    /// Where the record begins, in bytes of the unpacked file.
    pub byte_offset: Option<u64>,
    /// The column; `None` when it is the row as a whole.
    pub column: Option<Identifier>,
    /// The text as it stood there.
    pub raw: String,
    /// Why, in one word.
    pub code: String,
    /// What became of the row, in one word.
    pub consequence: String,
    /// The record, to be read again.
    pub record: Option<Vec<u8>>,
    /// The names of its fields; none where the file has no header.
    pub names: Arc<[String]>,
}

/// How many rejects of one table are kept, shared by all who write them.
#[derive(Debug)]
pub struct RejectLimit {
    left: usize,
}

impl RejectLimit {
    /// Rejects that one run keeps of one table.
    pub const PER_TABLE: usize = 10_000;
}

impl Default for RejectLimit {
    fn default() -> Self {
        Self { left: Self::PER_TABLE }
    }
}

impl Ledger {
    /// Keeps a batch of rejects, as many as the limit leaves; returns how many.
    pub async fn keep_rejects(
        &self,
        run: RunId,
        table: &Identifier,
        batch: &[Reject],
        limit: &mut RejectLimit,
    ) -> Result<usize, postgres::Error> {
        let batch = &batch[..batch.len().min(limit.left)];
        if batch.is_empty() {
            return Ok(0);
        }
        let files: Vec<&str> = batch.iter().map(|reject| reject.file.as_str()).collect();
        let members: Vec<Option<&str>> = batch.iter().map(|reject| reject.member.as_deref()).collect();
        let lines: Vec<Option<i64>> = batch.iter().map(|reject| reject.line.map(bigint)).collect();
        let offsets: Vec<Option<i64>> = batch.iter().map(|reject| reject.byte_offset.map(bigint)).collect();
        let columns: Vec<Option<&str>> =
            batch.iter().map(|reject| reject.column.as_ref().map(Identifier::as_str)).collect();
        let raws: Vec<String> = batch.iter().map(|reject| keepable(&reject.raw)).collect();
        let codes: Vec<&str> = batch.iter().map(|reject| reject.code.as_str()).collect();
        let records: Vec<Option<&[u8]>> = batch.iter().map(|reject| reject.record.as_deref()).collect();
        let consequences: Vec<&str> = batch.iter().map(|reject| reject.consequence.as_str()).collect();
        self.connection()
            .await?
            .execute(
                "keep rejected values",
                "INSERT INTO freshet.rejects
                     (run, table_name, file, member, line, byte_offset, column_name, raw, code, consequence, record)
                 SELECT $1, $2, * FROM unnest($3::text[], $4::text[], $5::int8[], $6::int8[], $7::text[],
                     $8::text[], $9::text[], $10::text[], $11::bytea[])",
                &[
                    run.uuid(),
                    &table.as_str(),
                    &files,
                    &members,
                    &lines,
                    &offsets,
                    &columns,
                    &raws,
                    &codes,
                    &consequences,
                    &records,
                ],
            )
            .await?;
        self.keep_headers(run, table, batch).await?;
        limit.left -= batch.len();
        Ok(batch.len())
    }

    /// Keeps the names that the fields of these records stand under, once for each file.
    async fn keep_headers(&self, run: RunId, table: &Identifier, batch: &[Reject]) -> Result<(), postgres::Error> {
        let with_record = batch.iter().filter(|reject| reject.record.is_some());
        let files = with_record.map(|reject| ((reject.file.as_str(), reject.member.as_deref()), &reject.names));
        let files: BTreeMap<(&str, Option<&str>), &Arc<[String]>> = files.collect();
        for ((file, member), names) in files {
            let names: Vec<String> = names.iter().map(|name| name.replace('\0', "")).collect();
            let sql = "INSERT INTO freshet.reject_files (run, table_name, file, member, names)
                       VALUES ($1, $2, $3, coalesce($4, ''), $5) ON CONFLICT DO NOTHING";
            let parameters: &[&(dyn tokio_postgres::types::ToSql + Sync)] =
                &[run.uuid(), &table.as_str(), &file, &member, &names];
            self.connection().await?.execute("keep the header of rejected values", sql, parameters).await?;
        }
        Ok(())
    }
}

/// A text that PostgreSQL can hold: without NUL, and not longer than is worth keeping.
fn keepable(raw: &str) -> String {
    let mut end = raw.len().min(LONGEST_RAW);
    while !raw.is_char_boundary(end) {
        end -= 1;
    }
    let cut = if end < raw.len() { "…" } else { "" };
    format!("{}{cut}", raw[..end].replace('\0', "␀"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_raw_text_is_cut_between_characters_and_holds_no_nul() {
        assert_eq!(keepable("a\0b"), "a␀b");
        let long = format!("{}é", "x".repeat(LONGEST_RAW - 1));
        assert_eq!(keepable(&long), format!("{}…", "x".repeat(LONGEST_RAW - 1)));
    }
}
