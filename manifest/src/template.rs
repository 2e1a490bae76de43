//! Texts with `{name}` in them: addresses, file names and derived columns. `{year:yy}` is the last two characters, `{{` and `}}` are
//! braces, and `${secret:NAME}` is left as it stands: only the worker resolves it. So are `{today:%Y-%m-%d}` and `{yesterday:…}` in an
//! address.

use std::fmt;

use jiff::civil::Date;
use jiff::fmt::strtime;

/// A text with places for values.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Template {
    parts: Vec<Part>,
}

/// A piece of a template.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Part {
    /// As it stands.
    Text(String),
    /// The value of a name.
    Value {
        /// The name.
        name: String,
        /// How the value is written.
        form: Form,
    },
}

/// How a value is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// As it is.
    Whole,
    /// Its last two characters: `{year:yy}`.
    TwoDigits,
}

/// A template that cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{why}")]
pub struct TemplateError {
    /// Byte offset of the brace.
    pub at: usize,
    /// Bytes up to the end of the offending part.
    pub len: usize,
    /// The reason.
    pub why: String,
}

/// What becomes of `{today:…}` and `{yesterday:…}`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Days {
    Refused,
    /// They stay as they stand: only the worker knows the day.
    Left,
}

const DAYS: &[&str] = &["today", "yesterday"];

impl Template {
    /// Reads a template.
    pub fn parse(text: &str) -> Result<Self, TemplateError> {
        Self::parse_with(text, Days::Refused)
    }

    /// Reads the template of an address, which may hold the day.
    pub fn parse_address(text: &str) -> Result<Self, TemplateError> {
        Self::parse_with(text, Days::Left)
    }

    fn parse_with(text: &str, days: Days) -> Result<Self, TemplateError> {
        let mut parts = Vec::new();
        let mut plain = String::new();
        let mut rest = 0;
        while let Some(offset) = text[rest..].find(['{', '}']) {
            let at = rest + offset;
            plain.push_str(&text[rest..at]);
            let tail = &text[at..];
            if tail.starts_with("{{") || tail.starts_with("}}") {
                plain.push_str(&tail[..1]);
                rest = at + 2;
                continue;
            }
            let fail = |len: usize, why: String| Err(TemplateError { at, len, why });
            if tail.starts_with('}') {
                return fail(1, "`}` closes nothing; write }} for a brace".to_owned());
            }
            let Some(end) = tail.find('}') else {
                return fail(tail.len(), "`{` is opened and never closed; write {{ for a brace".to_owned());
            };
            rest = at + end + 1;
            if plain.ends_with('$') {
                plain.push_str(&tail[..=end]);
                continue;
            }
            let inside = &tail[1..end];
            if let (Days::Left, Some((name, form))) = (days, inside.split_once(':'))
                && DAYS.contains(&name)
            {
                if let Err(error) = strtime::format(form, Date::default()) {
                    return fail(end + 1, format!("`{form}` is not a form of a day, such as %Y-%m-%d: {error}"));
                }
                plain.push_str(&tail[..=end]);
                continue;
            }
            let (name, form) = match inside.split_once(':') {
                None => (inside, Form::Whole),
                Some((name, "yy")) => (name, Form::TwoDigits),
                Some((_, form)) => return fail(end + 1, format!("`{form}` is not a form of a value; there is `yy`")),
            };
            if !is_name(name) {
                return fail(end + 1, format!("`{name}` is not a name; write {{{{ for a brace"));
            }
            if !plain.is_empty() {
                parts.push(Part::Text(std::mem::take(&mut plain)));
            }
            parts.push(Part::Value { name: name.to_owned(), form });
        }
        plain.push_str(&text[rest..]);
        if !plain.is_empty() {
            parts.push(Part::Text(plain));
        }
        Ok(Self { parts })
    }

    /// The value of one name and nothing else.
    pub(crate) fn of(name: &str) -> Self {
        Self { parts: vec![Part::Value { name: name.to_owned(), form: Form::Whole }] }
    }

    /// The pieces in order.
    pub fn parts(&self) -> &[Part] {
        &self.parts
    }

    /// The names whose values it needs, in order, each as often as it stands there.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.parts.iter().filter_map(|part| match part {
            Part::Value { name, .. } => Some(name.as_str()),
            Part::Text(_) => None,
        })
    }

    /// The text with every value in its place; the name that has none otherwise.
    pub fn fill<'a, 'v>(&'a self, value: impl Fn(&str) -> Option<&'v str>) -> Result<String, &'a str> {
        let mut filled = String::new();
        for part in &self.parts {
            match part {
                Part::Text(text) => filled.push_str(text),
                Part::Value { name, form } => {
                    let value = value(name).ok_or(name.as_str())?;
                    filled.push_str(match form {
                        Form::Whole => value,
                        Form::TwoDigits => value.char_indices().rev().nth(1).map_or(value, |(at, _)| &value[at..]),
                    });
                }
            }
        }
        Ok(filled)
    }
}

/// Whether the text may be the name of a variable or column.
pub(crate) fn is_name(text: &str) -> bool {
    let mut chars = text.chars();
    chars.next().is_some_and(|first| first.is_lowercase() || first == '_')
        && chars.all(|c| c == '_' || c == '$' || (c.is_alphanumeric() && !c.is_uppercase()))
}

impl fmt::Display for Template {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for part in &self.parts {
            match part {
                Part::Text(text) => f.write_str(text)?,
                Part::Value { name, form: Form::Whole } => write!(f, "{{{name}}}")?,
                Part::Value { name, form: Form::TwoDigits } => write!(f, "{{{name}:yy}}")?,
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fill(template: &str) -> String {
        let value = |name: &str| match name {
            "year" => Some("2003"),
            "boro" => Some("si"),
            _ => None,
        };
        Template::parse(template).unwrap().fill(value).unwrap()
    }

    #[test]
    fn values_stand_where_their_names_stood() {
        assert_eq!(fill("sales_{boro}_{year:yy}.xls"), "sales_si_03.xls");
        assert_eq!(fill("{year}"), "2003");
        assert_eq!(fill("{{{year}}}"), "{2003}");
        assert_eq!(fill("?key=${secret:TOKEN}&y={year}"), "?key=${secret:TOKEN}&y=2003");
        assert_eq!(fill("nothing"), "nothing");
    }

    #[test]
    fn an_address_may_hold_the_day_in_a_form_that_exists() {
        let address = "export_{boro}_{yesterday:%Y%m%d}.csv";
        let filled = Template::parse_address(address).unwrap().fill(|_| Some("si")).unwrap();
        assert_eq!(filled, "export_si_{yesterday:%Y%m%d}.csv");
        assert!(Template::parse_address("{today:%Q}").is_err());
        assert!(Template::parse_address("{tomorrow:%Y}").is_err());
        assert!(Template::parse(address).is_err(), "only addresses");
    }

    #[test]
    fn what_is_no_template_is_refused_at_its_place() {
        for (template, at, len) in
            [("a{b", 1, 2), ("a}b", 1, 1), ("x{year:yyyy}", 1, 11), ("{Year}", 0, 6), ("{}", 0, 2)]
        {
            let error = Template::parse(template).unwrap_err();
            assert_eq!((error.at, error.len), (at, len), "{template}: {error}");
        }
        assert_eq!(Template::parse("{month}").unwrap().fill(|_| None), Err("month"));
    }
}
