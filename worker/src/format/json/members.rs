//! The members of one object, cut where they stand.

/// A member: its name and its value as they are written, the name without its quotes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Member<'t> {
    pub(super) key: &'t [u8],
    pub(super) value: &'t [u8],
}

/// Members of an object in their order. An item of `None` says that it is not JSON, and is the last.
pub(super) struct Members<'t> {
    rest: &'t [u8],
    state: State,
}

#[derive(PartialEq, Eq)]
enum State {
    First,
    Further,
    Over,
}

/// The members of an object whose text begins with its brace.
pub(super) fn members(text: &[u8]) -> Option<Members<'_>> {
    Some(Members { rest: text.strip_prefix(b"{")?, state: State::First })
}

impl<'t> Iterator for Members<'t> {
    type Item = Option<Member<'t>>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.state == State::Over {
            return None;
        }
        let rest = self.rest.trim_ascii_start();
        let before = match (&self.state, rest) {
            (_, [b'}', tail @ ..]) => {
                self.state = State::Over;
                return if tail.trim_ascii().is_empty() { None } else { Some(None) };
            }
            (State::Further, [b',', tail @ ..]) => tail,
            (State::First, _) => rest,
            _ => {
                self.state = State::Over;
                return Some(None);
            }
        };
        self.state = State::Further;
        let member = self.member(before);
        if member.is_none() {
            self.state = State::Over;
        }
        Some(member)
    }
}

impl<'t> Members<'t> {
    fn member(&mut self, text: &'t [u8]) -> Option<Member<'t>> {
        let text = text.trim_ascii_start();
        let quoted = string(text)?;
        let rest = text[quoted..].trim_ascii_start().strip_prefix(b":")?.trim_ascii_start();
        let length = value(rest)?;
        self.rest = &rest[length..];
        Some(Member { key: &text[1..quoted - 1], value: &rest[..length] })
    }
}

/// The length of a string with its quotes; `None` where it does not end.
pub(super) fn string(text: &[u8]) -> Option<usize> {
    if *text.first()? != b'"' {
        return None;
    }
    let mut at = 1;
    loop {
        at += memchr::memchr2(b'"', b'\\', text.get(at..)?)?;
        if text[at] == b'"' {
            return Some(at + 1);
        }
        at += 2;
    }
}

/// The length of a value.
fn value(text: &[u8]) -> Option<usize> {
    match *text.first()? {
        b'"' => string(text),
        b'{' => nested(text, b'{', b'}'),
        b'[' => nested(text, b'[', b']'),
        _ => {
            let end = text.iter().position(|byte| matches!(byte, b',' | b'}' | b']') || byte.is_ascii_whitespace())?;
            let word = &text[..end];
            let is_number =
                word.iter().all(|byte| byte.is_ascii_digit() || matches!(byte, b'-' | b'+' | b'.' | b'e' | b'E'));
            (end > 0 && (is_number || matches!(word, b"true" | b"false" | b"null"))).then_some(end)
        }
    }
}

/// The length of what is in brackets of one kind; those of the other kind balance where it is JSON at all.
fn nested(text: &[u8], open: u8, close: u8) -> Option<usize> {
    let (mut at, mut depth) = (0, 0_usize);
    loop {
        at += memchr::memchr3(open, close, b'"', text.get(at..)?)?;
        match text[at] {
            b'"' => at += string(&text[at..])?,
            byte => {
                at += 1;
                if byte == open {
                    depth += 1;
                } else {
                    depth -= 1;
                    if depth == 0 {
                        return Some(at);
                    }
                }
            }
        }
    }
}
