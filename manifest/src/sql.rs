//! Enough of SQL's words to see, without a database, that a query is one `SELECT` and which tables a script writes to. Comments, quoted
//! names and every kind of text are told from words; nothing is parsed beyond that.

use crate::finding::Span;

/// A word, name or sign of SQL with its place.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Token {
    kind: Kind,
    span: Span,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Kind {
    /// An unquoted word, in lower case.
    Word(String),
    /// A quoted name, as it stands between its quotes.
    Name(String),
    /// A value: a text in any kind of quotes, or a number.
    Value,
    /// Anything else, one character.
    Sign(char),
}

/// Something that is not allowed in a script, with its place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Slip {
    pub(crate) span: Span,
    pub(crate) why: String,
}

/// A table that a script writes to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Write {
    pub(crate) span: Span,
    pub(crate) schema: Option<String>,
    pub(crate) table: String,
}

/// Words that change something wherever they begin a statement or a common table expression.
const CHANGES: &[&str] = &[
    "insert", "update", "delete", "merge", "truncate", "drop", "alter", "create", "grant", "revoke", "copy", "call",
    "do", "vacuum", "set", "reset", "begin", "commit", "rollback", "lock", "refresh", "reindex", "cluster", "comment",
];

/// Refuses what is not exactly one `SELECT` (or `WITH`, `VALUES`, `TABLE`).
pub(crate) fn one_select(sql: &str) -> Result<(), Slip> {
    let tokens = tokens(sql)?;
    let end = sql.trim_end().len();
    let Some(first) = tokens.iter().find(|token| token.kind != Kind::Sign('(')) else {
        return Err(Slip { span: Span { start: 0, end }, why: "the file holds no query".to_owned() });
    };
    if !matches!(&first.kind, Kind::Word(word) if ["select", "with", "values", "table"].contains(&word.as_str())) {
        return Err(Slip { span: first.span, why: "a query begins with SELECT or WITH".to_owned() });
    }
    let semicolon = tokens.iter().position(|token| token.kind == Kind::Sign(';'));
    if let Some(next) = semicolon.and_then(|at| tokens[at..].iter().find(|token| token.kind != Kind::Sign(';'))) {
        return Err(Slip { span: next.span, why: "a second statement begins here".to_owned() });
    }
    for pair in tokens.windows(2) {
        if let (Kind::Sign('('), Kind::Word(word)) = (&pair[0].kind, &pair[1].kind)
            && ["insert", "update", "delete", "merge"].contains(&word.as_str())
        {
            return Err(Slip { span: pair[1].span, why: format!("`{word}` changes rows: a query only reads") });
        }
    }
    Ok(())
}

/// The statement without semicolons, blanks and comments behind its last word.
pub(crate) fn without_end(sql: &str) -> &str {
    let Ok(tokens) = tokens(sql) else { return sql };
    let last = tokens.iter().rfind(|token| token.kind != Kind::Sign(';'));
    last.map_or("", |token| &sql[..token.span.end])
}

/// The tables that the statements of a script write to.
pub(crate) fn writes(sql: &str) -> Result<Vec<Write>, Slip> {
    let tokens = tokens(sql)?;
    let mut found = Vec::new();
    let mut begins = true;
    for (at, token) in tokens.iter().enumerate() {
        if let (true, Kind::Word(word)) = (begins, &token.kind)
            && CHANGES.contains(&word.as_str())
        {
            found.extend(targets(word, &tokens[at + 1..]));
        }
        begins = matches!(token.kind, Kind::Sign(';' | '(' | ')'));
    }
    Ok(found)
}

/// Words that begin, end or divide a transaction, or that cannot stand in one.
const TRANSACTIONS: &[&str] = &["begin", "start", "commit", "rollback", "abort", "savepoint", "release", "vacuum"];

/// Refuses what cannot be a part of a larger transaction.
pub(crate) fn one_transaction(sql: &str) -> Result<(), Slip> {
    let tokens = tokens(sql)?;
    let mut begins = true;
    for token in &tokens {
        if let (true, Kind::Word(word)) = (begins, &token.kind)
            && TRANSACTIONS.contains(&word.as_str())
        {
            let why = format!("`{word}` cannot stand here: all of `after` is one transaction");
            return Err(Slip { span: token.span, why });
        }
        begins = token.kind == Kind::Sign(';');
    }
    Ok(())
}

/// Words between a statement's verb and the name of its table.
const BETWEEN: &[&str] = &["into", "from", "only", "table", "if", "exists", "concurrently", "column", "on"];

fn targets(verb: &str, rest: &[Token]) -> Vec<Write> {
    if ["grant", "revoke", "call", "do", "vacuum", "set", "reset", "begin", "commit", "rollback", "create", "comment"]
        .contains(&verb)
    {
        return Vec::new();
    }
    let mut rest = rest;
    let mut found = Vec::new();
    loop {
        while let [Token { kind: Kind::Word(word), .. }, tail @ ..] = rest {
            if !BETWEEN.contains(&word.as_str()) {
                break;
            }
            rest = tail;
        }
        let Some((write, tail)) = name(rest) else { return found };
        found.push(write);
        match tail {
            // TRUNCATE and DROP take a list.
            [Token { kind: Kind::Sign(','), .. }, tail @ ..] if ["truncate", "drop"].contains(&verb) => rest = tail,
            _ => return found,
        }
    }
}

fn name(tokens: &[Token]) -> Option<(Write, &[Token])> {
    let text = |token: &Token| match &token.kind {
        Kind::Word(word) => Some(word.clone()),
        Kind::Name(name) => Some(name.clone()),
        _ => None,
    };
    let first = tokens.first()?;
    match tokens {
        [_, Token { kind: Kind::Sign('.'), .. }, second, tail @ ..] => {
            let span = first.span.to(second.span);
            Some((Write { span, schema: Some(text(first)?), table: text(second)? }, tail))
        }
        [_, tail @ ..] => Some((Write { span: first.span, schema: None, table: text(first)? }, tail)),
        [] => None,
    }
}

fn tokens(sql: &str) -> Result<Vec<Token>, Slip> {
    let mut tokens = Vec::new();
    let mut at = 0;
    while let Some(c) = sql[at..].chars().next() {
        let rest = &sql[at..];
        let end = if c.is_whitespace() {
            at + c.len_utf8()
        } else if rest.starts_with("--") {
            at + rest.find('\n').unwrap_or(rest.len())
        } else if rest.starts_with("/*") {
            at + comment(rest).ok_or_else(|| open(at, rest, "a comment"))?
        } else if c == '\'' {
            let escapes = matches!(sql[..at].chars().next_back(), Some('e' | 'E')) && preceded_by_lone_e(sql, at);
            let end = at + quoted(rest, '\'', escapes).ok_or_else(|| open(at, rest, "a text"))?;
            tokens.push(Token { kind: Kind::Value, span: Span { start: at, end } });
            end
        } else if c == '"' {
            let end = at + quoted(rest, '"', false).ok_or_else(|| open(at, rest, "a quoted name"))?;
            let name = sql[at + 1..end - 1].replace("\"\"", "\"");
            tokens.push(Token { kind: Kind::Name(name), span: Span { start: at, end } });
            end
        } else if let Some(tag) = dollar_tag(rest) {
            let body = &rest[tag.len()..];
            let closing = body.find(tag).ok_or_else(|| open(at, rest, "a text"))?;
            let end = at + tag.len() * 2 + closing;
            tokens.push(Token { kind: Kind::Value, span: Span { start: at, end } });
            end
        } else if c.is_alphabetic() || c == '_' {
            let len = rest.find(|c: char| !(c.is_alphanumeric() || c == '_' || c == '$')).unwrap_or(rest.len());
            tokens
                .push(Token { kind: Kind::Word(rest[..len].to_lowercase()), span: Span { start: at, end: at + len } });
            at + len
        } else if c.is_ascii_digit() {
            let end = at + rest.find(|c: char| !(c.is_alphanumeric() || c == '.')).unwrap_or(rest.len());
            tokens.push(Token { kind: Kind::Value, span: Span { start: at, end } });
            end
        } else {
            let end = at + c.len_utf8();
            tokens.push(Token { kind: Kind::Sign(c), span: Span { start: at, end } });
            end
        };
        at = end;
    }
    Ok(tokens)
}

fn open(at: usize, rest: &str, what: &str) -> Slip {
    let end = at + rest.find('\n').unwrap_or(rest.len());
    Slip { span: Span { start: at, end }, why: format!("{what} is opened and never closed") }
}

/// `E'…'`, where a backslash escapes: the E stands alone in front of the quote.
fn preceded_by_lone_e(sql: &str, at: usize) -> bool {
    let before = &sql[..at - 1];
    !before.chars().next_back().is_some_and(|c| c.is_alphanumeric() || c == '_')
}

/// Bytes up to behind the closing quote; a doubled quote is one that belongs to the text.
fn quoted(text: &str, quote: char, escapes: bool) -> Option<usize> {
    let mut chars = text.char_indices().skip(1).peekable();
    while let Some((at, c)) = chars.next() {
        if escapes && c == '\\' {
            chars.next();
        } else if c == quote && chars.next_if(|(_, next)| *next == quote).is_none() {
            return Some(at + 1);
        }
    }
    None
}

/// Bytes up to behind the end of a comment; comments nest.
fn comment(text: &str) -> Option<usize> {
    let mut depth = 0;
    let mut at = 0;
    loop {
        let open = text[at..].find("/*").map(|found| at + found);
        let close = text[at..].find("*/").map(|found| at + found)?;
        match open {
            Some(open) if open < close => {
                depth += 1;
                at = open + 2;
            }
            _ => {
                depth -= 1;
                at = close + 2;
                if depth == 0 {
                    return Some(at);
                }
            }
        }
    }
}

/// `$$` or `$tag$` at the beginning.
fn dollar_tag(text: &str) -> Option<&str> {
    let inner = text.strip_prefix('$')?;
    let len = inner.find('$')?;
    let tag = &inner[..len];
    let valid = tag.chars().all(|c| c.is_alphanumeric() || c == '_') && !tag.starts_with(|c: char| c.is_ascii_digit());
    valid.then(|| &text[..len + 2])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_select_is_a_query_whatever_its_texts_and_comments_say() {
        for sql in [
            "select 1",
            "-- delete from x;\nSELECT ';' AS semicolon, $$ drop table x; $$ FROM \"a;b\" ;\n",
            "with x as (select 1 /* insert /* nested */ ; */) table x",
            "(select e'it\\'s; fine') union all (values (1))",
            "select name from t for update",
        ] {
            assert_eq!(one_select(sql), Ok(()), "{sql}");
        }
    }

    #[test]
    fn what_is_not_one_select_is_refused_at_its_place() {
        for (sql, start, why) in [
            ("", 0, "the file holds no query"),
            ("-- nothing", 0, "the file holds no query"),
            ("insert into t select 1", 0, "a query begins with SELECT or WITH"),
            ("select 1; select 2", 10, "a second statement begins here"),
            ("with x as (delete from t returning *) select * from x", 11, "`delete` changes rows: a query only reads"),
            ("select 'open", 7, "a text is opened and never closed"),
            ("select 1 /* open", 9, "a comment is opened and never closed"),
        ] {
            let slip = one_select(sql).unwrap_err();
            assert_eq!((slip.span.start, slip.why.as_str()), (start, why), "{sql}");
        }
    }

    #[test]
    fn a_statement_ends_with_its_last_word() {
        for (sql, statement) in [
            ("select 1", "select 1"),
            ("select ';' -- all\n;\n-- done; really\n", "select ';'"),
            ("select 12 ; ; /* ; */", "select 12"),
            ("select (1.5)::numeric(9,2);", "select (1.5)::numeric(9,2)"),
            ("-- nothing", ""),
        ] {
            assert_eq!(without_end(sql), statement, "{sql}");
        }
    }

    #[test]
    fn a_script_leaves_its_transaction_to_the_worker() {
        let slip = one_transaction("insert into a select 1;\ncommit;").unwrap_err();
        assert_eq!(
            (slip.span.start, slip.why.as_str()),
            (24, "`commit` cannot stand here: all of `after` is one transaction")
        );
        let body = "create function f(n int) returns int language sql begin atomic select 1; select 2; end;";
        assert_eq!(one_transaction(body), Ok(()));
        assert_eq!(one_transaction("do $$ begin perform 1; end $$; select 'x' as begin"), Ok(()));
    }

    #[test]
    fn the_tables_a_script_writes_to_are_found() {
        let found = |sql: &str| -> Vec<String> {
            let writes = writes(sql).unwrap();
            writes.iter().map(|w| w.schema.iter().chain([&w.table]).cloned().collect::<Vec<_>>().join(".")).collect()
        };
        assert_eq!(found("insert into a select 1; update only b set x = 1"), ["a", "b"]);
        assert_eq!(
            found("DELETE FROM public.c; truncate table d, \"E\"; drop table if exists f"),
            ["public.c", "d", "E", "f"]
        );
        assert_eq!(found("with gone as (delete from g returning *) insert into h select * from gone"), ["g", "h"]);
        assert_eq!(found("create index on i (x); select 'update j'; -- update k\n comment on table l is 'x'"), [""; 0]);
    }
}
