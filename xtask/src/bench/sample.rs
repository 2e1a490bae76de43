//! The files that loads are measured with: one million rows in the shape of three of New York's tables.

use std::fs;
use std::io::{BufWriter, Write as _};
use std::path::Path;

use freshet_tests::{shape, violations};
use manifest::dataset::{Dataset, Table};

use super::Outcome;
use crate::command::root;

/// What is loaded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sample {
    /// Wide, and most of it text.
    Violations,
    /// Wider, and most of it numbers.
    Assessments,
    /// Narrow.
    Legals,
}

impl Sample {
    pub(super) const ALL: [Self; 3] = [Self::Violations, Self::Assessments, Self::Legals];

    /// The dataset that it belongs to.
    pub(super) fn dataset(self) -> &'static str {
        match self {
            Self::Violations => "hpd_violations",
            Self::Assessments => "dof_property_valuation_and_assessments",
            Self::Legals => "acris",
        }
    }

    /// Its table.
    pub(super) fn table_name(self) -> &'static str {
        match self {
            Self::Legals => "real_property_legals",
            _ => self.dataset(),
        }
    }

    /// The name that the dataset's source has in a folder.
    pub(super) fn file(self) -> String {
        match self {
            Self::Legals => "acris_real_property_legals.csv".to_owned(),
            _ => format!("{}.csv", self.dataset()),
        }
    }

    /// What is special about it.
    pub(super) fn describe(self) -> &'static str {
        match self {
            Self::Violations => "mostly text",
            Self::Assessments => "mostly numbers",
            Self::Legals => "narrow",
        }
    }

    /// The dataset and the table as their manifest has them.
    pub(super) fn read(self) -> Result<(Dataset, Table), Box<dyn std::error::Error>> {
        let dataset = manifest::load_dataset(&root().join(format!("datasets/nyc/{}.yml", self.dataset())))
            .map_err(|findings| format!("the manifest does not hold: {findings:?}"))?;
        let table = dataset.tables.iter().find(|table| table.name.as_str() == self.table_name()).cloned();
        let table = table.ok_or_else(|| format!("{} has no table {}", self.dataset(), self.table_name()))?;
        Ok((dataset, table))
    }

    /// The publisher's header line.
    pub(super) fn header(self) -> std::io::Result<String> {
        if self == Self::Violations {
            return Ok(violations::HEADER.to_owned());
        }
        let sample = fs::read_to_string(root().join("datasets/nyc/samples").join(self.file()))?;
        Ok(sample.lines().next().unwrap_or_default().to_owned())
    }

    /// Writes so many rows.
    pub(super) fn write(self, path: &Path, table: &Table, rows: u64) -> Outcome {
        let mut file = BufWriter::with_capacity(1 << 20, fs::File::create(path)?);
        match self {
            Self::Violations => violations::write(&mut file, rows, 1)?,
            _ => shape::write(&mut file, &self.header()?, table, rows, 1)?,
        }
        file.flush()?;
        Ok(())
    }
}
