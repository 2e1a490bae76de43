//! What a number is shown as in a workbook of Excel 97–2003: the number of a format, or its code such as `m/d/yyyy h:mm`, comes in.

/// What a number means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shown {
    Number,
    /// A date, a time of day, or both.
    Moment,
    /// Hours that may be more than a day has.
    Span,
}

impl Shown {
    /// By the number of a format that every program knows.
    pub(super) fn built_in(number: u16) -> Self {
        match number {
            // Those of East Asia between are dates in one language and times in another.
            14..=22 | 27..=36 | 45 | 47 | 50..=58 => Self::Moment,
            46 => Self::Span,
            _ => Self::Number,
        }
    }

    /// By a format's code, of which the part for positive numbers counts.
    pub(super) fn of(code: &str) -> Self {
        let mut letters = code.chars();
        while let Some(letter) = letters.next() {
            match letter {
                // What stands literally, in the width of another, or is repeated.
                '\\' | '_' | '*' => {
                    letters.next();
                }
                '"' => {
                    letters.by_ref().find(|letter| *letter == '"');
                }
                '[' => {
                    let inside: String = letters.by_ref().take_while(|letter| *letter != ']').collect();
                    let inside = inside.to_ascii_lowercase();
                    let all = |unit: char| inside.chars().all(|letter| letter == unit);
                    if !inside.is_empty() && ['h', 'm', 's'].into_iter().any(all) {
                        return Self::Span;
                    }
                }
                ';' => break,
                'd' | 'm' | 'y' | 'h' | 's' | 'D' | 'M' | 'Y' | 'H' | 'S' => return Self::Moment,
                _ => {}
            }
        }
        Self::Number
    }
}

#[cfg(test)]
mod tests {
    use super::Shown;

    #[test]
    fn a_code_with_parts_of_a_date_shows_one() {
        for (code, shown) in [
            ("General", Shown::Number),
            ("0.00E+00", Shown::Number),
            ("_(* #,##0_);_(* \\(#,##0\\);_(* \"-\"_);_(@_)", Shown::Number),
            ("[Red]0;yyyy", Shown::Number),
            ("#,##0\\ \"days\"", Shown::Number),
            ("[$-409]d-mmm-yy;@", Shown::Moment),
            ("m/d/yyyy h:mm", Shown::Moment),
            ("h:mm AM/PM", Shown::Moment),
            ("YYYY", Shown::Moment),
            ("[h]:mm:ss", Shown::Span),
            ("[mm]", Shown::Span),
            ("[", Shown::Number),
            ("\"", Shown::Number),
        ] {
            assert_eq!(Shown::of(code), shown, "{code}");
        }
        assert_eq!([14, 46, 2].map(Shown::built_in), [Shown::Moment, Shown::Span, Shown::Number]);
    }
}
