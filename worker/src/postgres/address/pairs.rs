//! Both spellings of an address as one list of keys and values.

use std::fmt::Write as _;

use super::super::error::Error;

/// Options of libpq that the connection serves, by its name and by the driver's.
const SERVED: [(&str, &str); 16] = [
    ("user", "user"),
    ("password", "password"),
    ("dbname", "dbname"),
    ("host", "host"),
    ("hostaddr", "hostaddr"),
    ("port", "port"),
    ("options", "options"),
    ("connect_timeout", "connect_timeout"),
    ("tcp_user_timeout", "tcp_user_timeout"),
    ("keepalives", "keepalives"),
    ("keepalives_idle", "keepalives_idle"),
    ("keepalives_interval", "keepalives_interval"),
    ("keepalives_count", "keepalives_retries"),
    ("target_session_attrs", "target_session_attrs"),
    ("channel_binding", "channel_binding"),
    ("sslnegotiation", "sslnegotiation"),
];

/// Options of libpq that are not: they may be named in an error, unlike a word that may be part of a password.
const NOT_SERVED: [&str; 19] = [
    "sslcert",
    "sslkey",
    "sslpassword",
    "sslcrl",
    "sslcrldir",
    "sslsni",
    "sslcertmode",
    "ssl_min_protocol_version",
    "ssl_max_protocol_version",
    "service",
    "passfile",
    "requirepeer",
    "require_auth",
    "gssencmode",
    "gsslib",
    "krbsrvname",
    "load_balance_hosts",
    "replication",
    "requiressl",
];

fn unreadable(reason: &str) -> Error {
    Error::Address { reason: reason.to_owned() }
}

const ENCODE: &str = "it cannot be taken apart; in a password percent-encode @ : / ? # and %";

/// Appends one option in the driver's own spelling.
pub(super) fn keep(key: &str, value: &str, kept: &mut String) -> Result<(), Error> {
    if let Some((_, driver)) = SERVED.iter().find(|(name, _)| *name == key) {
        if value.contains('\0') {
            return Err(unreadable("it holds a NUL"));
        }
        let escaped = value.replace('\\', "\\\\").replace('\'', "\\'");
        let _ = write!(kept, "{driver}='{escaped}' ");
        return Ok(());
    }
    Err(if NOT_SERVED.contains(&key) {
        Error::Address { reason: format!("its option {key} is not served") }
    } else {
        unreadable("it holds an option that PostgreSQL does not know; quote a password that holds blanks")
    })
}

/// Takes an address apart.
pub(super) fn read(address: &str) -> Result<Vec<(String, String)>, Error> {
    let address = address.trim();
    if address.is_empty() {
        return Err(unreadable("it is empty"));
    }
    match ["postgres://", "postgresql://"].iter().find_map(|scheme| address.strip_prefix(scheme)) {
        Some(rest) => url(rest),
        None if address.split_once("://").is_some_and(|(scheme, _)| !scheme.contains(['=', ' '])) => {
            Err(unreadable("it begins with another scheme than postgres:// or postgresql://"))
        }
        None => words(address),
    }
}

fn url(rest: &str) -> Result<Vec<(String, String)>, Error> {
    let mut pairs = Vec::new();
    let (before, parameters) = rest.split_once('?').unwrap_or((rest, ""));
    let (authority, database) = before.split_once('/').unwrap_or((before, ""));
    // An @ that is left over, or a #, means that a password was not encoded; what follows is then not what it seems.
    let (credentials, places) = authority.rsplit_once('@').map_or((None, authority), |(c, p)| (Some(c), p));
    if database.contains('@')
        || credentials.is_some_and(|c| c.contains('@'))
        || rest.contains('#')
        || parameters.contains('@')
    {
        return Err(unreadable(ENCODE));
    }
    if let Some(credentials) = credentials {
        let (user, password) = credentials.split_once(':').map_or((credentials, None), |(u, p)| (u, Some(p)));
        if !user.is_empty() {
            pairs.push(("user".to_owned(), decode(user)?));
        }
        if let Some(password) = password {
            pairs.push(("password".to_owned(), decode(password)?));
        }
    }
    place(places, &mut pairs)?;
    if !database.is_empty() {
        pairs.push(("dbname".to_owned(), decode(database)?));
    }
    for parameter in parameters.split('&').filter(|parameter| !parameter.is_empty()) {
        let (key, value) = parameter.split_once('=').ok_or_else(|| unreadable(ENCODE))?;
        pairs.push((decode(key)?, decode(value)?));
    }
    Ok(pairs)
}

fn place(places: &str, pairs: &mut Vec<(String, String)>) -> Result<(), Error> {
    if places.is_empty() {
        return Ok(());
    }
    let (mut hosts, mut ports) = (Vec::new(), Vec::new());
    for place in places.split(',') {
        let (host, port) = match place.strip_prefix('[') {
            Some(bracketed) => {
                let (host, after) = bracketed.split_once(']').ok_or_else(|| unreadable(ENCODE))?;
                (host, after.strip_prefix(':'))
            }
            None => place.split_once(':').map_or((place, None), |(host, port)| (host, Some(port))),
        };
        if port.is_some_and(|port| port.parse::<u16>().is_err()) {
            return Err(unreadable(
                "its port is not a number up to 65535, or its password holds an unencoded character",
            ));
        }
        hosts.push(decode(host)?);
        ports.push(port.unwrap_or("5432").to_owned());
    }
    pairs.push(("host".to_owned(), hosts.join(",")));
    pairs.push(("port".to_owned(), ports.join(",")));
    Ok(())
}

fn decode(text: &str) -> Result<String, Error> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        if byte != b'%' {
            bytes.push(byte);
            continue;
        }
        let mut digit = || rest.next().and_then(|b| char::from(b).to_digit(16));
        let decoded = digit().zip(digit()).and_then(|(high, low)| u8::try_from(high * 16 + low).ok());
        bytes.push(decoded.ok_or_else(|| unreadable(ENCODE))?);
    }
    String::from_utf8(bytes).map_err(|_| unreadable("it is not UTF-8"))
}

/// `key = value`, values in single quotes where they hold blanks, `\` before a quote or a backslash.
fn words(address: &str) -> Result<Vec<(String, String)>, Error> {
    let mut pairs = Vec::new();
    let mut rest = address.chars().peekable();
    loop {
        while rest.next_if(|c| c.is_whitespace()).is_some() {}
        if rest.peek().is_none() {
            return Ok(pairs);
        }
        let mut key = String::new();
        while let Some(c) = rest.next_if(|c| *c != '=' && !c.is_whitespace()) {
            key.push(c);
        }
        while rest.next_if(|c| c.is_whitespace()).is_some() {}
        if rest.next() != Some('=') {
            return Err(unreadable(
                "a word in it has no `=`; write postgres://… or key=value, values with blanks quoted",
            ));
        }
        while rest.next_if(|c| c.is_whitespace()).is_some() {}
        let quoted = rest.next_if_eq(&'\'').is_some();
        let mut value = String::new();
        loop {
            match rest.next_if(|c| quoted || !c.is_whitespace()) {
                Some('\'') if quoted => break,
                Some('\\') => value.extend(rest.next()),
                Some(c) => value.push(c),
                None if quoted => return Err(unreadable("a quote in it is not closed")),
                None => break,
            }
        }
        pairs.push((key, value));
    }
}
