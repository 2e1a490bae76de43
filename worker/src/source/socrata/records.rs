//! The pages of a dataset become one CSV. Bytes of a page come in as they arrive; complete rows go out without their first field, which
//! is the row's id, and with one header for all pages. What is left of a row at the end of a cut page is forgotten: its id was not seen.

/// A page that is not what was asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Wrong {
    /// It does not begin with the header of a page of rows.
    NotRows,
    /// Its columns are others than those of the first page.
    OtherColumns,
}

/// Rows of all pages.
#[derive(Debug, Default)]
pub(super) struct Records {
    header: Option<Vec<u8>>,
    /// The id of the last complete row of all.
    pub(super) last: Option<String>,
    /// Complete rows of all pages.
    pub(super) rows: u64,
    /// Of the page.
    page: Page,
}

#[derive(Debug, Default)]
struct Page {
    has_header: bool,
    rows: u64,
    /// The row that is not complete yet.
    partial: Vec<u8>,
    /// Bytes of it that were looked at.
    seen: usize,
    quoted: bool,
    /// Where its first field ends.
    comma: Option<usize>,
}

impl Records {
    /// Begins a page.
    pub(super) fn begin(&mut self) {
        self.page = Page::default();
    }

    /// Complete rows of the page so far.
    pub(super) fn of_page(&self) -> u64 {
        self.page.rows
    }

    /// Takes in the next bytes of the page, and appends the rows that they complete.
    pub(super) fn push(&mut self, bytes: &[u8], out: &mut Vec<u8>) -> Result<(), Wrong> {
        self.page.partial.extend_from_slice(bytes);
        let mut begins = 0;
        while let Some(found) = memchr::memchr3(b'"', b',', b'\n', &self.page.partial[self.page.seen..]) {
            let at = self.page.seen + found;
            self.page.seen = at + 1;
            match self.page.partial[at] {
                b'"' => self.page.quoted = !self.page.quoted,
                _ if self.page.quoted => {}
                b',' => self.page.comma = self.page.comma.or(Some(at)),
                _ => {
                    self.row(begins, at + 1, out)?;
                    begins = at + 1;
                    self.page.comma = None;
                }
            }
        }
        self.page.partial.drain(..begins);
        self.page.seen = self.page.partial.len();
        self.page.comma = self.page.comma.map(|comma| comma - begins);
        Ok(())
    }

    /// Ends a page that has come completely; its last row may lack a line end.
    pub(super) fn end(&mut self, out: &mut Vec<u8>) -> Result<(), Wrong> {
        if !self.page.partial.is_empty() {
            self.push(b"\n", out)?;
        }
        if self.page.has_header && self.page.partial.is_empty() { Ok(()) } else { Err(Wrong::NotRows) }
    }

    /// One complete row.
    fn row(&mut self, begins: usize, ends: usize, out: &mut Vec<u8>) -> Result<(), Wrong> {
        let comma = self.page.comma.filter(|comma| *comma >= begins).ok_or(Wrong::NotRows)?;
        let (id, rest) = (&self.page.partial[begins..comma], &self.page.partial[comma + 1..ends]);
        let id = String::from_utf8_lossy(id.strip_prefix(b"\xef\xbb\xbf").unwrap_or(id)).replace('"', "");
        if self.page.has_header {
            self.rows += 1;
            self.page.rows += 1;
            self.last = Some(id);
            out.extend_from_slice(rest);
            return Ok(());
        }
        if id != ":id" {
            return Err(Wrong::NotRows);
        }
        self.page.has_header = true;
        match &self.header {
            None => {
                self.header = Some(rest.to_vec());
                out.extend_from_slice(rest);
                Ok(())
            }
            Some(header) if header == rest => Ok(()),
            Some(_) => Err(Wrong::OtherColumns),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const ONE: &str = "\":id\",\"name\"\n\"row-1\",\"one, \"\"1\"\"\ntwo lines\"\n\"row-2\",\"two\"\n";
    const TWO: &str = "\":id\",\"name\"\n\"row-3\",\"three\"\n";

    #[test]
    fn pages_become_one_file() {
        let mut records = Records::default();
        let mut out = Vec::new();
        for page in [ONE, TWO] {
            records.begin();
            records.push(page.as_bytes(), &mut out).unwrap();
            records.end(&mut out).unwrap();
        }
        let text = String::from_utf8(out).unwrap();
        assert_eq!(text, "\"name\"\n\"one, \"\"1\"\"\ntwo lines\"\n\"two\"\n\"three\"\n");
        assert_eq!((records.rows, records.last.as_deref()), (3, Some("row-3")));
    }

    #[test]
    fn what_is_not_a_page_of_rows_is_told() {
        for text in ["<!DOCTYPE html>\n<html>\n", "{\"error\": true, \"code\": 1}\n", "name,:id\na,b\n", "\n"] {
            let (mut records, mut out) = (Records::default(), Vec::new());
            assert_eq!(records.push(text.as_bytes(), &mut out), Err(Wrong::NotRows), "{text}");
        }
        let (mut records, mut out) = (Records::default(), Vec::new());
        assert_eq!(records.end(&mut out), Err(Wrong::NotRows), "nothing at all");
        records.push(ONE.as_bytes(), &mut out).unwrap();
        records.begin();
        assert_eq!(records.push(b":id,name,more\n", &mut out), Err(Wrong::OtherColumns));
    }

    proptest! {
        #[test]
        fn it_does_not_matter_how_a_page_arrives_or_where_it_is_cut(cuts in proptest::collection::vec(0..ONE.len(), 0..6)) {
            let mut places = cuts;
            places.extend([0, ONE.len()]);
            places.sort_unstable();
            let (mut records, mut out) = (Records::default(), Vec::new());
            records.begin();
            for pair in places.windows(2) {
                records.push(&ONE.as_bytes()[pair[0]..pair[1]], &mut out).unwrap();
            }
            records.end(&mut out).unwrap();
            let (mut whole, mut expected) = (Records::default(), Vec::new());
            whole.push(ONE.as_bytes(), &mut expected).unwrap();
            prop_assert_eq!(&out, &expected);
            prop_assert_eq!(records.last, Some("row-2".to_owned()));
        }
    }
}
