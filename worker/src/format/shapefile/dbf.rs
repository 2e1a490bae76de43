//! dBase tables: rows of fixed width come in, their fields go out as the text that stands in them. Numbers are text already, and stay
//! what they are to the last digit.

use encoding_rs::Encoding;
use manifest::dataset::Format;

use crate::format::FormatError;
use crate::format::blocks::Blocks;
use crate::format::exact::Exact;
use crate::format::record::Draft;
use crate::format::source_column::SourceColumn;

/// What says how texts are encoded, from the strongest to the weakest: the manifest, the file `.cpg`, the table's own head.
#[derive(Debug, Clone, Copy, Default)]
pub struct Label {
    /// The manifest's.
    pub declared: Option<&'static Encoding>,
    /// That of the file `.cpg`.
    pub of_cpg: Option<&'static Encoding>,
}

impl Label {
    /// Reads the text of a `.cpg`: a label of the web, or the number of a code page behind any word.
    pub fn cpg(text: &[u8]) -> Option<&'static Encoding> {
        let text = text.trim_ascii();
        let digits: String = text.iter().map(|byte| char::from(*byte)).filter(char::is_ascii_digit).collect();
        Encoding::for_label(text).or_else(|| match digits.as_str() {
            "65001" => Some(encoding_rs::UTF_8),
            "88591" => Some(encoding_rs::WINDOWS_1252),
            "932" => Some(encoding_rs::SHIFT_JIS),
            "936" => Some(encoding_rs::GBK),
            "949" => Some(encoding_rs::EUC_KR),
            "950" => Some(encoding_rs::BIG5),
            page => Encoding::for_label(format!("windows-{page}").as_bytes()),
        })
    }
}

/// The encoding of a language driver, as far as it is one of the web's. ASCII is the same in all of them.
fn of_driver(id: u8) -> Option<&'static Encoding> {
    match id {
        0x03 | 0x57..=0x59 => Some(encoding_rs::WINDOWS_1252),
        0x7b | 0x13 => Some(encoding_rs::SHIFT_JIS),
        0x4d | 0x7a => Some(encoding_rs::GBK),
        0x4e | 0x79 => Some(encoding_rs::EUC_KR),
        0x4f | 0x78 => Some(encoding_rs::BIG5),
        0x50 | 0x7c => Some(encoding_rs::WINDOWS_874),
        0xc8 => Some(encoding_rs::WINDOWS_1250),
        0xc9 => Some(encoding_rs::WINDOWS_1251),
        0xca => Some(encoding_rs::WINDOWS_1254),
        0xcb => Some(encoding_rs::WINDOWS_1253),
        0xcc => Some(encoding_rs::WINDOWS_1257),
        _ => None,
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Text,
    Number { digits: u8, decimals: u8 },
    Float,
    Date,
    Logical,
    Integer,
}

#[derive(Debug)]
struct Field {
    name: String,
    kind: Kind,
    start: usize,
    end: usize,
}

/// Reads rows.
pub(super) struct Attributes<B> {
    bytes: Exact<B>,
    fields: Vec<Field>,
    encoding: Option<&'static Encoding>,
    /// Bytes of a row, with the mark of deletion.
    width: usize,
    left: u32,
    row: Vec<u8>,
}

/// What became of a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Row {
    Read,
    /// It is marked as deleted.
    Deleted,
    End,
}

fn damaged(detail: impl Into<String>) -> FormatError {
    FormatError::Corrupt(Format::Shapefile, detail.into())
}

impl<B: Blocks> Attributes<B> {
    pub(super) fn new(blocks: B, label: Label) -> Result<Self, FormatError> {
        let mut bytes = Exact::new(blocks);
        let mut head = Vec::new();
        bytes.read(32, &mut head)?;
        if head.len() < 32 {
            return Err(damaged("its .dbf ends in its head"));
        }
        let left = u32::from_le_bytes([head[4], head[5], head[6], head[7]]);
        let length = usize::from(u16::from_le_bytes([head[8], head[9]]));
        let width = usize::from(u16::from_le_bytes([head[10], head[11]]));
        let driver = head[29];
        let mut rest = Vec::new();
        bytes.read(length.saturating_sub(32), &mut rest)?;
        let mut attributes = Self { bytes, fields: Vec::new(), encoding: None, width, left, row: Vec::new() };
        attributes.encoding = label.declared.or(label.of_cpg).or_else(|| of_driver(driver));
        let mut at = 1;
        for descriptor in rest.chunks_exact(32).take_while(|descriptor| descriptor[0] != 0x0d) {
            let field = attributes.field(descriptor, at)?;
            at = field.end;
            attributes.fields.push(field);
        }
        if attributes.fields.is_empty() || at > width {
            return Err(damaged("the head of its .dbf is not that of a dBase table"));
        }
        Ok(attributes)
    }

    fn field(&self, descriptor: &[u8], start: usize) -> Result<Field, FormatError> {
        let name = descriptor[..11].split(|byte| *byte == 0).next().unwrap_or_default();
        let mut text = Vec::new();
        self.decode(name, &mut text);
        let name = String::from_utf8_lossy(text.trim_ascii()).into_owned();
        let (digits, decimals) = (descriptor[16], descriptor[17]);
        let mut length = usize::from(digits);
        let kind = match descriptor[11] {
            b'C' => {
                // Some programs keep the upper byte of a long text's length where others have decimals.
                length += usize::from(decimals) << 8;
                Kind::Text
            }
            b'N' => Kind::Number { digits, decimals },
            b'F' => Kind::Float,
            b'D' => Kind::Date,
            b'L' => Kind::Logical,
            b'I' if length == 4 => Kind::Integer,
            other => {
                return Err(damaged(format!("its field {name} is of type {}, which is not read", char::from(other))));
            }
        };
        Ok(Field { name, kind, start, end: start + length })
    }

    pub(super) fn names(&self) -> impl Iterator<Item = String> + '_ {
        self.fields.iter().map(|field| field.name.clone())
    }

    pub(super) fn columns(&self) -> Vec<SourceColumn> {
        let column = |field: &Field| SourceColumn { name: field.name.clone(), type_name: field.kind.type_name() };
        self.fields.iter().map(column).collect()
    }

    pub(super) fn bytes(&self) -> u64 {
        self.bytes.bytes()
    }

    /// Gives the draft a row, from its second field on.
    pub(super) fn read(&mut self, draft: &mut Draft) -> Result<Row, FormatError> {
        if self.left == 0 {
            return Ok(Row::End);
        }
        let mut row = std::mem::take(&mut self.row);
        self.bytes.read(self.width, &mut row)?;
        if row.len() < self.width {
            return Err(damaged(format!("its .dbf ends {} rows too early", self.left)));
        }
        self.left -= 1;
        let is_deleted = row[0] == b'*';
        for (index, field) in self.fields.iter().enumerate().filter(|_| !is_deleted) {
            let raw = &row[field.start..field.end];
            if let Some(value) = field.kind.value(raw) {
                draft.set(index + 1, |text| match field.kind {
                    Kind::Text => self.decode(value, text),
                    Kind::Integer => {
                        let number = value.try_into().map(i32::from_le_bytes).unwrap_or_default();
                        text.extend_from_slice(number.to_string().as_bytes());
                    }
                    _ => text.extend_from_slice(value),
                });
            }
        }
        self.row = row;
        Ok(if is_deleted { Row::Deleted } else { Row::Read })
    }

    /// Appends a text in UTF-8. What its encoding cannot mean is no UTF-8 afterwards either.
    fn decode(&self, raw: &[u8], text: &mut Vec<u8>) {
        let decoded = match self.encoding {
            Some(encoding) if !raw.is_ascii() => encoding.decode_without_bom_handling_and_without_replacement(raw),
            _ => return text.extend_from_slice(raw),
        };
        if let Some(decoded) = decoded {
            text.extend_from_slice(decoded.as_bytes());
        } else {
            text.extend_from_slice(raw);
            text.push(0xff);
        }
    }
}

impl Kind {
    /// The part of a field that says something; nothing where the field is empty.
    fn value(self, raw: &[u8]) -> Option<&[u8]> {
        let is_pad = |byte: &u8| matches!(byte, b' ' | 0);
        match self {
            Self::Text => {
                let end = raw.iter().rposition(|byte| !is_pad(byte))? + 1;
                Some(&raw[..end])
            }
            Self::Integer => Some(raw),
            _ => {
                let start = raw.iter().position(|byte| !is_pad(byte))?;
                let end = raw.iter().rposition(|byte| !is_pad(byte))? + 1;
                let value = &raw[start..end];
                let says_nothing = match self {
                    Self::Logical => value == b"?",
                    Self::Date => value.iter().all(|digit| *digit == b'0'),
                    _ => false,
                };
                if says_nothing { None } else { Some(value) }
            }
        }
    }

    /// The PostgreSQL type that holds every value of it.
    fn type_name(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Number { digits: 0..=4, decimals: 0 } => "smallint",
            Self::Number { digits: 5..=9, decimals: 0 } | Self::Integer => "integer",
            Self::Number { digits: 10..=18, decimals: 0 } => "bigint",
            Self::Number { .. } => "numeric",
            Self::Float => "double precision",
            Self::Date => "date",
            Self::Logical => "boolean",
        }
    }
}
