//! What a manifest leaves open in an address, a header or a condition: secrets, and the day. They are filled in here and nowhere else, and
//! what is shown to people keeps `${secret:NAME}` in their place.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::civil::Date;
use jiff::fmt::strtime;
use manifest::SecretName;
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use secrecy::{ExposeSecret, SecretString};
use url::Url;

use super::error::SourceError;

/// Finds a secret's value by its name.
pub type SecretLookup = Arc<dyn Fn(&SecretName) -> Option<SecretString> + Send + Sync>;

/// What addresses are filled with.
pub(super) struct Filling {
    /// Values of `${secret:NAME}`.
    pub(super) secrets: SecretLookup,
    /// The day of `{today:…}`.
    pub(super) today: Date,
}

/// Puts the day in the place of `{today:%Y-%m-%d}` and the one before in that of `{yesterday:%Y-%m-%d}`.
pub(super) fn with_day(text: &str, today: Date) -> Result<String, String> {
    let mut filled = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('{') {
        filled.push_str(before);
        let named = after.split_once('}').and_then(|(inside, tail)| {
            let (name, form) = inside.split_once(':')?;
            let day = match name {
                "today" => today,
                "yesterday" => today.yesterday().ok()?,
                _ => return None,
            };
            Some((day, form, tail))
        });
        let Some((day, form, tail)) = named else {
            filled.push('{');
            rest = after;
            continue;
        };
        let day = strtime::format(form, day).map_err(|error| format!("`{form}` is not a form of a day: {error}"))?;
        filled.push_str(&day);
        rest = tail;
    }
    filled.push_str(rest);
    Ok(filled)
}

impl Filling {
    /// A text with its secrets.
    pub(super) fn text(&self, text: &str, shown: &str) -> Result<SecretString, SourceError> {
        fill(text, &self.secrets).map_err(|name| SourceError::Secret { address: shown.to_owned(), name })
    }

    /// An address with its secrets. One that stands before the host, as in `https://me:${secret:NAME}@example.org`, may hold any
    /// characters; elsewhere it stands as it is.
    pub(super) fn address(&self, shown: &str) -> Result<Url, SourceError> {
        let fail =
            |error: url::ParseError| SourceError::Address { address: shown.to_owned(), detail: error.to_string() };
        let authority = shown.find("://").map(|at| at + 3).unwrap_or_default();
        let end = shown[authority..].find(['/', '?', '#']).map_or(shown.len(), |at| authority + at);
        let Some(at) = shown[authority..end].rfind('@').map(|at| authority + at) else {
            return Url::parse(self.text(shown, shown)?.expose_secret()).map_err(fail);
        };
        let rest = format!("{}{}", &shown[..authority], &shown[at + 1..]);
        let mut url = Url::parse(self.text(&rest, shown)?.expose_secret()).map_err(fail)?;
        let (name, password) = login(&shown[authority..at]);
        let takes_none = |()| fail(url::ParseError::EmptyHost);
        // Set in this way they are escaped; what the manifest has escaped itself is taken as it is meant.
        url.set_username(self.text(&unescaped(name), shown)?.expose_secret()).map_err(takes_none)?;
        if let Some(password) = password {
            url.set_password(Some(self.text(&unescaped(password), shown)?.expose_secret())).map_err(takes_none)?;
        }
        Ok(url)
    }

    /// Declared headers with their secrets.
    pub(super) fn headers(&self, headers: &BTreeMap<String, String>, shown: &str) -> Result<HeaderMap, SourceError> {
        let mut filled = HeaderMap::new();
        for (name, value) in headers {
            let bad = |what: &str| SourceError::Address {
                address: shown.to_owned(),
                detail: format!("its header `{name}` has a {what} that HTTP does not take"),
            };
            let header = HeaderName::try_from(name).map_err(|_| bad("name"))?;
            let value = self.text(value, shown)?;
            let mut value = HeaderValue::from_str(value.expose_secret()).map_err(|_| bad("value"))?;
            value.set_sensitive(true);
            filled.append(header, value);
        }
        Ok(filled)
    }
}

/// Name and password of `name:password`; the colon in `${secret:NAME}` parts nothing.
fn login(text: &str) -> (&str, Option<&str>) {
    let mut inside = false;
    for (at, character) in text.char_indices() {
        match character {
            '{' => inside = true,
            '}' => inside = false,
            ':' if !inside => return (&text[..at], Some(&text[at + 1..])),
            _ => {}
        }
    }
    (text, None)
}

/// A part of an address without its percent escapes.
pub(super) fn unescaped(text: &str) -> String {
    url::form_urlencoded::parse(format!("x={}", text.replace('+', "%2B").replace('&', "%26")).as_bytes())
        .next()
        .map(|(_, value)| value.into_owned())
        .unwrap_or_default()
}

/// Puts values in the place of `${secret:NAME}`. The name of a missing one is the error.
fn fill(text: &str, secrets: &SecretLookup) -> Result<SecretString, SecretName> {
    let mut filled = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("${secret:") {
        filled.push_str(before);
        let reference = after.split_once('}').and_then(|(name, tail)| Some((name.parse::<SecretName>().ok()?, tail)));
        let Some((name, tail)) = reference else {
            // Validation reports it; here it is text.
            filled.push_str("${secret:");
            rest = after;
            continue;
        };
        filled.push_str(secrets(&name).ok_or(name)?.expose_secret());
        rest = tail;
    }
    filled.push_str(rest);
    Ok(SecretString::from(filled))
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;

    #[test]
    fn a_login_may_hold_any_characters() {
        let secrets: SecretLookup = Arc::new(|_| Some(SecretString::from("p@ss/w:rd")));
        let filling = Filling { secrets, today: date(2026, 3, 1) };
        let url = filling.address("https://me%40home:${secret:PW}@example.org/a?b").unwrap();
        assert_eq!(url.as_str(), "https://me%40home:p%40ss%2Fw%3Ard@example.org/a?b");
        let url = filling.address("https://${secret:USER}@example.org/").unwrap();
        assert_eq!((url.username(), url.password()), ("p%40ss%2Fw%3Ard", None));
    }
}
