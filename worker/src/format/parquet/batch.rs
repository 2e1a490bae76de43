//! A few hundred values of one column.

use parquet::column::reader::{ColumnReader, ColumnReaderImpl};
use parquet::data_type::{
    BoolType, ByteArray, ByteArrayType, DataType, DoubleType, FixedLenByteArray, FixedLenByteArrayType, FloatType,
    Int32Type, Int64Type, Int96, Int96Type,
};

use super::kind::{Kind, Value};
use super::{FormatError, RawBytes, damaged, wrong};
use crate::format::record::Draft;

/// Values that are read at once.
const VALUES: usize = 512;

/// Values that were read and are yet to be handed over.
pub(super) struct Batch {
    /// The field of the record that they become.
    field: usize,
    leaf: usize,
    kind: Kind,
    raw: RawBytes,
    column: Option<Typed>,
    /// For each row whether it has a value, where a row may have none.
    levels: Vec<i16>,
    /// Rows that were read, and those that were handed over.
    rows: usize,
    row: usize,
    /// Values that were handed over.
    value: usize,
}

/// A column and its values by physical type.
enum Typed {
    Truth(ColumnReaderImpl<BoolType>, Vec<bool>),
    Int32(ColumnReaderImpl<Int32Type>, Vec<i32>),
    Int64(ColumnReaderImpl<Int64Type>, Vec<i64>),
    Old(ColumnReaderImpl<Int96Type>, Vec<Int96>),
    Float(ColumnReaderImpl<FloatType>, Vec<f32>),
    Double(ColumnReaderImpl<DoubleType>, Vec<f64>),
    Bytes(ColumnReaderImpl<ByteArrayType>, Vec<ByteArray>),
    Fixed(ColumnReaderImpl<FixedLenByteArrayType>, Vec<FixedLenByteArray>),
}

impl Batch {
    pub(super) fn new(field: usize, leaf: usize, kind: Kind, raw: RawBytes) -> Self {
        Self { field, leaf, kind, raw, column: None, levels: Vec::new(), rows: 0, row: 0, value: 0 }
    }

    pub(super) fn leaf(&self) -> usize {
        self.leaf
    }

    /// Goes on with the same column of another row group.
    pub(super) fn begin(&mut self, column: ColumnReader) {
        self.column = Some(match column {
            ColumnReader::BoolColumnReader(reader) => Typed::Truth(reader, Vec::new()),
            ColumnReader::Int32ColumnReader(reader) => Typed::Int32(reader, Vec::new()),
            ColumnReader::Int64ColumnReader(reader) => Typed::Int64(reader, Vec::new()),
            ColumnReader::Int96ColumnReader(reader) => Typed::Old(reader, Vec::new()),
            ColumnReader::FloatColumnReader(reader) => Typed::Float(reader, Vec::new()),
            ColumnReader::DoubleColumnReader(reader) => Typed::Double(reader, Vec::new()),
            ColumnReader::ByteArrayColumnReader(reader) => Typed::Bytes(reader, Vec::new()),
            ColumnReader::FixedLenByteArrayColumnReader(reader) => Typed::Fixed(reader, Vec::new()),
        });
        (self.rows, self.row, self.value) = (0, 0, 0);
    }

    /// Whether all was handed over.
    pub(super) fn is_empty(&self) -> bool {
        self.row == self.rows
    }

    /// Reads the next values.
    pub(super) fn fill(&mut self) -> Result<(), FormatError> {
        self.levels.clear();
        (self.row, self.value) = (0, 0);
        let levels = &mut self.levels;
        self.rows = match &mut self.column {
            Some(Typed::Truth(reader, values)) => read(reader, values, levels),
            Some(Typed::Int32(reader, values)) => read(reader, values, levels),
            Some(Typed::Int64(reader, values)) => read(reader, values, levels),
            Some(Typed::Old(reader, values)) => read(reader, values, levels),
            Some(Typed::Float(reader, values)) => read(reader, values, levels),
            Some(Typed::Double(reader, values)) => read(reader, values, levels),
            Some(Typed::Bytes(reader, values)) => read(reader, values, levels),
            Some(Typed::Fixed(reader, values)) => read(reader, values, levels),
            None => Ok(0),
        }?;
        if self.rows == 0 { Err(damaged("a column has fewer values than the file has rows")) } else { Ok(()) }
    }

    /// Gives the draft the value of the next row, if it has one.
    pub(super) fn put(&mut self, draft: &mut Draft) {
        let is_null = self.levels.get(self.row).is_some_and(|level| *level == 0);
        self.row += 1;
        if is_null {
            return;
        }
        let at = self.value;
        self.value += 1;
        let value = self.column.as_ref().and_then(|column| column.value(at));
        if let Some(value) = value {
            draft.set(self.field, |out| self.kind.write(value, self.raw, out));
        }
    }
}

impl Typed {
    fn value(&self, at: usize) -> Option<Value<'_>> {
        Some(match self {
            Self::Truth(_, values) => Value::Truth(*values.get(at)?),
            Self::Int32(_, values) => Value::Integer((*values.get(at)?).into()),
            Self::Int64(_, values) => Value::Integer(*values.get(at)?),
            Self::Old(_, values) => Value::Old(values.get(at)?),
            Self::Float(_, values) => Value::Float(*values.get(at)?),
            Self::Double(_, values) => Value::Double(*values.get(at)?),
            Self::Bytes(_, values) => Value::Bytes(values.get(at)?.data()),
            Self::Fixed(_, values) => Value::Bytes(values.get(at)?.data()),
        })
    }
}

/// Reads values in the place of those before, and for how many rows they are.
fn read<T: DataType>(
    reader: &mut ColumnReaderImpl<T>,
    values: &mut Vec<T::T>,
    levels: &mut Vec<i16>,
) -> Result<usize, FormatError> {
    values.clear();
    let (rows, ..) = reader.read_records(VALUES, Some(levels), None, values).map_err(wrong)?;
    Ok(rows)
}
