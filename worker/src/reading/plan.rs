//! How the records of one file become rows: a compiled table, a file's header and a source's variables come in; for each column of the
//! `COPY`, the place of its text and its encoder go out.

use std::sync::Arc;

use manifest::Identifier;
use manifest::dataset::{Function, Source, Table};
use manifest::template::{self, Part, Template};
use value::Encoder;

use super::derive::{MOST, make};
use super::header::Binding;
use super::layout::{Form, From, Layout};
use crate::format::Record;

/// How records become rows.
#[derive(Debug)]
pub(super) struct Plan {
    pub(super) slots: Vec<Slot>,
    /// Fields of a complete record.
    pub(super) width: usize,
    pub(super) delimiter: u8,
    /// The names of the fields as the file has them.
    pub(super) names: Arc<[String]>,
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
    Call(Call),
    Template(Vec<Piece>, Nulls),
}

/// A function of fields; `None` where the file lacks an optional column.
#[derive(Debug)]
pub(super) struct Call {
    function: Function,
    fields: Vec<Option<usize>>,
    form: Form,
    nulls: Nulls,
}

/// Texts that a source writes where it has no value.
#[derive(Debug, Clone)]
pub(super) struct Nulls(Vec<String>);

impl Nulls {
    /// A field's text without outer blanks; nothing where it says that there is no value.
    #[inline]
    fn text<'r>(&self, record: &Record<'r>, field: Option<usize>) -> Result<&'r [u8], &'static str> {
        let text = field.map_or(Ok(&[][..]), |field| record.value(field))?;
        let text = value::trim(text);
        Ok(if self.0.iter().any(|null| text == null.as_bytes()) { &[] } else { text })
    }
}

impl Call {
    fn make(&self, record: &Record<'_>, out: &mut Vec<u8>) -> Result<(), &'static str> {
        let mut texts: [&[u8]; MOST] = [&[]; MOST];
        for (text, field) in texts.iter_mut().zip(&self.fields) {
            *text = self.nulls.text(record, *field)?;
        }
        make(self.function, &texts[..self.fields.len().min(MOST)], out)?;
        if self.form == Form::Bytes && !out.is_empty() {
            out.splice(..0, *b"\\x");
        }
        Ok(())
    }

    /// What it is made of, which says more than the nothing that it came to.
    pub(super) fn parts(&self, record: &Record<'_>) -> Vec<u8> {
        let fields = self.fields.iter().map(|field| field.map_or(&[][..], |field| record.field(field)));
        fields.collect::<Vec<_>>().join(&b","[..])
    }
}

/// A piece of a template.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Piece {
    Text(String),
    /// A field, and how it is written; `None` where the file lacks an optional column.
    Field(Option<usize>, template::Form),
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
            Self::Call(call) => {
                scratch.clear();
                call.make(record, scratch)?;
                Ok(scratch)
            }
            Self::Template(pieces, nulls) => {
                scratch.clear();
                for piece in pieces {
                    let text = match piece {
                        Piece::Text(text) => text.as_bytes(),
                        Piece::Field(field, template::Form::Whole) => nulls.text(record, *field)?,
                        Piece::Field(field, template::Form::TwoDigits) => last_two(nulls.text(record, *field)?),
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
    /// A plan for one file, or for one member of an archive.
    pub(super) fn new(
        table: &Table,
        layout: &Layout,
        source: &Source,
        member: Option<&str>,
        binding: &Binding,
        delimiter: u8,
    ) -> Self {
        let field = |name: &Identifier| layout.wanted.place(name).and_then(|place| binding.fields[place]);
        let nulls = Nulls(source.reading.nulls.iter().map(|null| null.trim().to_owned()).collect());
        let column = |name: &Identifier| layout.wanted.place(name).map(|place| binding.fields[place]);
        let own = |name: &Identifier| field(name).map_or(Text::Constant(Vec::new()), Text::Field);
        let text = |name: &Identifier, from: &From| match from {
            From::File => own(name),
            From::Call { function, arguments, form } => Text::Call(Call {
                function: *function,
                fields: arguments.iter().map(field).collect(),
                form: *form,
                nulls: nulls.clone(),
            }),
            From::Template(template) => filled(template, source, member, &nulls, column),
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
        Self { slots, width: binding.width, delimiter, names: Arc::clone(&binding.names), keep }
    }

    /// Whether `keep` wants a record.
    #[inline]
    pub(super) fn keeps(&self, record: &Record<'_>, scratch: &mut Vec<u8>) -> bool {
        self.keep.iter().all(|keep| {
            let text = value::trim(keep.text.of(record, scratch).unwrap_or_default());
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
        } else if record.fields().skip(self.width).all(|field| value::trim(field).is_empty()) {
            Ok(())
        } else {
            Err("too_many_fields")
        }
    }
}

/// A template with the values of its source in place; only columns are left to be filled in for each record.
fn filled(
    template: &Template,
    source: &Source,
    member: Option<&str>,
    nulls: &Nulls,
    column: impl Fn(&Identifier) -> Option<Option<usize>>,
) -> Text {
    let of_source = |name: &str| match name {
        _ if source.vars.contains_key(name) => source.vars.get(name).map(String::as_str),
        "file" => Some(source.file.as_str()),
        "member" => Some(member.unwrap_or_default()),
        _ => None,
    };
    let mut pieces: Vec<Piece> = Vec::new();
    for part in template.parts() {
        let text = match part {
            Part::Text(text) => text.clone(),
            Part::Value { name, form } => {
                // A column of that name outranks the source's file and member.
                let column = name.parse().ok().and_then(|name| column(&name));
                let column = column.filter(|_| !source.vars.contains_key(name));
                match (column, of_source(name)) {
                    (None, Some("")) => return Text::Constant(Vec::new()),
                    (None, Some(value)) => match form {
                        template::Form::Whole => value.to_owned(),
                        template::Form::TwoDigits => String::from_utf8_lossy(last_two(value.as_bytes())).into_owned(),
                    },
                    (column, _) => {
                        pieces.push(Piece::Field(column.flatten(), *form));
                        continue;
                    }
                }
            }
        };
        match pieces.last_mut() {
            Some(Piece::Text(last)) => last.push_str(&text),
            _ => pieces.push(Piece::Text(text)),
        }
    }
    match pieces.as_slice() {
        [] => Text::Constant(Vec::new()),
        [Piece::Text(text)] => Text::Constant(text.as_bytes().to_vec()),
        _ => Text::Template(pieces, nulls.clone()),
    }
}

/// The last two characters of a year.
fn last_two(text: &[u8]) -> &[u8] {
    &text[text.len().saturating_sub(2)..]
}
