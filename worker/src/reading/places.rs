//! Which line of which file each row came from. Lines mostly follow one another, so that runs of them say it for all rows; what
//! breaks them are records of several lines, and rows that were kept out or not wanted.

/// Runs that are kept, 24 bytes each. A file that breaks them more often is told by its first rows only.
const MOST: usize = 1 << 16;

/// Where the rows of a table came from.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RowPlaces {
    files: Vec<String>,
    runs: Vec<Run>,
    /// Rows so far.
    rows: u64,
    /// The first row that nothing is known of any more.
    until: Option<u64>,
}

/// Rows on lines that follow one another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Run {
    row: u64,
    line: u64,
    file: usize,
}

impl RowPlaces {
    /// Rows come from another file, or member of an archive, from now on.
    pub(super) fn begin(&mut self, label: String) {
        self.files.push(label);
    }

    /// The next row comes from this line.
    #[inline]
    pub(super) fn push(&mut self, line: u64) {
        let file = self.files.len().wrapping_sub(1);
        let follows = |run: &Run| run.file == file && run.line.wrapping_add(self.rows - run.row) == line;
        if !self.runs.last().is_some_and(follows) && self.until.is_none() {
            self.break_run(line, file);
        }
        self.rows += 1;
    }

    #[cold]
    fn break_run(&mut self, line: u64, file: usize) {
        if self.runs.len() < MOST {
            self.runs.push(Run { row: self.rows, line, file });
        } else {
            self.until = Some(self.rows);
        }
    }

    /// `file line 7` of a row, counted from 0; `None` when it is not known.
    pub fn of(&self, row: u64) -> Option<String> {
        self.line_of(row).map(|(file, line)| format!("{file} line {line}"))
    }

    /// The file, with the member of an archive behind a colon, and the line.
    pub fn line_of(&self, row: u64) -> Option<(&str, u64)> {
        if row >= self.until.unwrap_or(self.rows) {
            return None;
        }
        let run = self.runs[..self.runs.partition_point(|run| run.row <= row)].last()?;
        let file = self.files.get(run.file)?;
        Some((file, run.line + (row - run.row)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_is_found_by_its_file_and_line_whatever_was_left_out_between() {
        let mut places = RowPlaces::default();
        places.begin("a.csv".to_owned());
        // Line 1 is the header, line 4 was kept out, the record of line 6 has three lines.
        for line in [2, 3, 5, 6, 9, 10] {
            places.push(line);
        }
        places.begin("b.zip: c.csv".to_owned());
        for line in [11, 12] {
            places.push(line);
        }
        let found: Vec<_> = (0..9).map(|row| places.of(row)).collect();
        let expected = [
            "a.csv line 2",
            "a.csv line 3",
            "a.csv line 5",
            "a.csv line 6",
            "a.csv line 9",
            "a.csv line 10",
            "b.zip: c.csv line 11",
            "b.zip: c.csv line 12",
        ];
        assert_eq!(found, expected.map(|place| Some(place.to_owned())).into_iter().chain([None]).collect::<Vec<_>>());
        assert_eq!(places.runs.len(), 4);
    }

    #[test]
    fn what_is_remembered_has_an_end_and_beyond_it_nothing_is_claimed() {
        let mut places = RowPlaces::default();
        places.begin("a.csv".to_owned());
        let rows = MOST as u64 + 10;
        for row in 0..rows {
            places.push(row * 2);
        }
        assert_eq!(places.runs.len(), MOST);
        assert_eq!(places.of(MOST as u64 - 1), Some(format!("a.csv line {}", (MOST - 1) * 2)));
        assert_eq!(places.of(MOST as u64), None);
        assert_eq!(places.of(rows), None);
    }
}
