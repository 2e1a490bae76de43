//! How the records of one file become rows: a compiled table, a file's header and a source's variables come in; for each column of the
//! `COPY`, the place of its text and its encoder go out.

use manifest::Identifier;
use manifest::dataset::{Source, Table};
use manifest::template::{Form, Part, Template};
use value::Encoder;

use super::bbl::bbl;
use super::header::Binding;
use super::layout::{From, Layout};
use crate::format::Record;

/// How records become rows.
#[derive(Debug)]
pub(super) struct Plan {
    pub(super) slots: Vec<Slot>,
    /// Fields of a complete record.
    pub(super) width: usize,
    pub(super) delimiter: u8,
    keep: Vec<Keep>,
}

/// A column of the `COPY`.
#[derive(Debug)]
pub(super) struct Slot {
    pub(super) encoder: Encoder,
    pub(super) is_required: bool,
    pub(super) text: Text,
}

/// Where a text is.
#[derive(Debug)]
pub(super) enum Text {
    Field(usize),
    Constant(Vec<u8>),
    Bbl([Option<usize>; 3]),
    Template(Vec<Piece>),
}

/// A piece of a template.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Piece {
    Text(String),
    /// A field, and how it is written; `None` where the file lacks an optional column.
    Field(Option<usize>, Form),
}

#[derive(Debug)]
struct Keep {
    text: Text,
    wanted: Vec<Vec<u8>>,
}

impl Text {
    /// The text for a record, made in `scratch` where no field holds it. What cannot be made is a code.
    #[inline]
    pub(super) fn of<'a>(&'a self, record: &Record<'a>, scratch: &'a mut Vec<u8>) -> Result<&'a [u8], &'static str> {
        match self {
            Self::Field(field) => record.value(*field),
            Self::Constant(text) => Ok(text),
            Self::Bbl(fields) => {
                let [borough, block, lot] = fields.map(|field| field.map_or(&[][..], |field| record.field(field)));
                scratch.clear();
                bbl(borough, block, lot, scratch)?;
                Ok(scratch)
            }
            Self::Template(pieces) => {
                scratch.clear();
                for piece in pieces {
                    let text = match piece {
                        Piece::Text(text) => text.as_bytes(),
                        Piece::Field(field, form) => {
                            let text = field.map_or(&[][..], |field| record.field(field)).trim_ascii();
                            match form {
                                Form::Whole => text,
                                Form::TwoDigits => last_two(text),
                            }
                        }
                    };
                    // As with || in SQL, nothing comes of nothing.
                    if text.is_empty() {
                        scratch.clear();
                        break;
                    }
                    scratch.extend_from_slice(text);
                }
                Ok(scratch)
            }
        }
    }
}

impl Plan {
    /// A plan for one file.
    pub(super) fn new(table: &Table, layout: &Layout, source: &Source, binding: &Binding, delimiter: u8) -> Self {
        let field = |name: &Identifier| layout.wanted.place(name).and_then(|place| binding.fields[place]);
        let own = |name: &Identifier| field(name).map_or(Text::Constant(Vec::new()), Text::Field);
        let text = |name: &Identifier, from: &From| match from {
            From::File => own(name),
            From::Bbl(arguments) => Text::Bbl([0, 1, 2].map(|index| field(&arguments[index]))),
            From::Template(template) => filled(template, source, field),
        };
        let mut slots = Vec::new();
        for column in &layout.columns {
            slots.push(Slot {
                encoder: column.encoder.clone().nulls(&source.reading.nulls),
                is_required: column.is_required,
                text: text(&column.name, &column.from),
            });
        }
        let mut keep = Vec::new();
        for (name, wanted) in &table.keep {
            let from =
                layout.columns.iter().find(|column| column.name == *name).map_or(&From::File, |column| &column.from);
            let wanted = wanted.iter().map(|text| text.trim().as_bytes().to_vec()).collect();
            keep.push(Keep { text: text(name, from), wanted });
        }
        Self { slots, width: binding.width, delimiter, keep }
    }

    /// Whether `keep` wants a record.
    #[inline]
    pub(super) fn keeps(&self, record: &Record<'_>, scratch: &mut Vec<u8>) -> bool {
        self.keep.iter().all(|keep| {
            let text = keep.text.of(record, scratch).unwrap_or_default().trim_ascii();
            keep.wanted.iter().any(|wanted| wanted == text)
        })
    }

    /// Whether a record has the fields of a complete one. Blank fields beyond them say nothing.
    #[inline]
    pub(super) fn fits(&self, record: &Record<'_>) -> Result<(), &'static str> {
        if record.len() == self.width {
            Ok(())
        } else if record.len() < self.width {
            Err("too_few_fields")
        } else if record.fields().skip(self.width).all(|field| field.trim_ascii().is_empty()) {
            Ok(())
        } else {
            Err("too_many_fields")
        }
    }
}

/// A template with its variables in place; only columns are left to be filled in for each record.
fn filled(template: &Template, source: &Source, field: impl Fn(&Identifier) -> Option<usize>) -> Text {
    let mut pieces: Vec<Piece> = Vec::new();
    for part in template.parts() {
        let text = match part {
            Part::Text(text) => text.clone(),
            Part::Value { name, form } => match (source.vars.get(name), form) {
                (Some(value), Form::Whole) => value.clone(),
                (Some(value), Form::TwoDigits) => String::from_utf8_lossy(last_two(value.as_bytes())).into_owned(),
                (None, form) => {
                    pieces.push(Piece::Field(name.parse().ok().and_then(|name| field(&name)), *form));
                    continue;
                }
            },
        };
        match pieces.last_mut() {
            Some(Piece::Text(last)) => last.push_str(&text),
            _ => pieces.push(Piece::Text(text)),
        }
    }
    match pieces.as_slice() {
        [] => Text::Constant(Vec::new()),
        [Piece::Text(text)] => Text::Constant(text.as_bytes().to_vec()),
        _ => Text::Template(pieces),
    }
}

/// The last two characters of a year.
fn last_two(text: &[u8]) -> &[u8] {
    &text[text.len().saturating_sub(2)..]
}
