//! The same rows in every format that the worker reads: lots with a number, a name, an amount, a day and a shape of eight corners. They are
//! written as a stream, so that a file may be larger than what memory or disk would hold, and the same rows are the same bytes on every
//! machine.

mod geopackage;
mod parquet;
mod shapefile;
mod text;
mod workbook;

use std::io::{self, Write};
use std::path::Path;

pub use shapefile::SHAPES_MAX;
pub use text::NOTE_MAX;

/// A format, and what its file is packed in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lots {
    /// With a header row.
    Csv,
    /// The same, by tabs.
    Tsv,
    /// Lines of [`FIXED`].
    Fixed,
    /// An array of objects.
    Json,
    /// An object a line.
    Ndjson,
    /// A collection of features in longitude and latitude.
    Geojson,
    /// Four members of a zip archive.
    Shapefile,
    /// One layer, `lots`.
    Geopackage,
    /// Row groups of 100,000 rows, packed by zstd; shapes as GeoParquet has them.
    Parquet,
    /// One sheet, without shapes.
    Xlsx,
}

/// The fields of a line of fixed width, as a manifest has them: names, first characters from 1, and widths.
pub const FIXED: [(&str, u32, u32); 4] = [("id", 1, 10), ("name", 11, 30), ("amount", 41, 12), ("day", 53, 10)];

/// Corners of a shape; its first comes again at its end.
const CORNERS: usize = 8;

/// One lot by its number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lot(pub u64);

impl Lot {
    /// Text of some twenty letters.
    pub fn name(self) -> String {
        format!("the name of row {}", self.0)
    }

    /// A number with two digits behind its point.
    pub fn amount(self) -> String {
        format!("{}.{:02}", self.cents() / 100, self.cents() % 100)
    }

    /// The same as a whole number.
    pub fn cents(self) -> u64 {
        self.0 * 37 % 100_000_000
    }

    /// A day of 25 years.
    pub fn day(self) -> String {
        format!("{}-{:02}-{:02}", 2000 + self.0 % 25, 1 + self.0 % 12, 1 + self.0 % 28)
    }

    /// The corners of its shape, clockwise, in longitude and latitude of six digits.
    pub fn ring(self) -> [(f64, f64); CORNERS + 1] {
        const AROUND: [(i32, i32); CORNERS] =
            [(0, 10), (0, 30), (10, 40), (30, 40), (40, 30), (40, 10), (30, 0), (10, 0)];
        let part = |divisor: u64| i32::try_from(self.0 / divisor % 1_000).unwrap_or_default() * 50;
        let degrees = |origin: i32, offset: i32| f64::from(origin + offset) / 1e6;
        std::array::from_fn(|corner| {
            let (x, y) = AROUND[corner % CORNERS];
            (degrees(-74_000_000, part(1) + x), degrees(40_000_000, part(1_000) + y))
        })
    }

    /// Its shape as well-known binary.
    pub fn wkb(self) -> Vec<u8> {
        let ring = self.ring();
        let mut bytes = vec![1, 3, 0, 0, 0, 1, 0, 0, 0, 9, 0, 0, 0];
        for (x, y) in ring {
            bytes.extend_from_slice(&x.to_le_bytes());
            bytes.extend_from_slice(&y.to_le_bytes());
        }
        bytes
    }
}

impl Lots {
    /// All of them.
    pub const ALL: [Self; 10] = [
        Self::Csv,
        Self::Tsv,
        Self::Fixed,
        Self::Json,
        Self::Ndjson,
        Self::Geojson,
        Self::Shapefile,
        Self::Geopackage,
        Self::Parquet,
        Self::Xlsx,
    ];

    /// The word of a manifest.
    pub fn format(self) -> &'static str {
        match self {
            Self::Csv => "csv",
            Self::Tsv => "tsv",
            Self::Fixed => "fixed",
            Self::Json => "json",
            Self::Ndjson => "ndjson",
            Self::Geojson => "geojson",
            Self::Shapefile => "shapefile",
            Self::Geopackage => "geopackage",
            Self::Parquet => "parquet",
            Self::Xlsx => "xlsx",
        }
    }

    /// The ending of its files.
    pub fn ending(self) -> &'static str {
        match self {
            Self::Fixed => "txt",
            Self::Shapefile => "zip",
            Self::Geopackage => "gpkg",
            other => other.format(),
        }
    }

    /// Whether it has the shapes.
    pub fn has_shapes(self) -> bool {
        matches!(self, Self::Geojson | Self::Shapefile | Self::Geopackage | Self::Parquet)
    }

    /// Writes so many lots to a new file.
    pub fn write(self, path: &Path, rows: u64) -> io::Result<()> {
        if self == Self::Geopackage {
            return geopackage::write(path, rows);
        }
        let mut file = io::BufWriter::with_capacity(1 << 20, std::fs::File::create(path)?);
        match self {
            Self::Shapefile => shapefile::write(&mut file, rows)?,
            Self::Parquet => parquet::write(&mut file, rows)?,
            Self::Xlsx => workbook::write(&mut file, rows)?,
            text => text.stream(&mut file, rows, 0)?,
        }
        file.flush()?;
        Ok(())
    }

    /// Writes so many lots of a format that is text, from its first byte to its last. A note of so many letters, at most
    /// [`NOTE_MAX`], makes each as long as is wanted.
    pub fn stream(self, out: &mut impl Write, rows: u64, note: usize) -> io::Result<()> {
        text::write(self, out, rows, note)
    }

    /// The bytes of so many lots.
    pub fn bytes(self, rows: u64) -> io::Result<Vec<u8>> {
        let folder = tempfile::tempdir()?;
        let path = folder.path().join("lots");
        self.write(&path, rows)?;
        std::fs::read(path)
    }
}
