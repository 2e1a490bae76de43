//! What looks like a secret. In: a variable's name and value, or a word of a command. Out: whether a person should take it for
//! one. Wrong in doubt on the safe side: what is taken for a secret is asked for, what is not is written into a file.

/// Parts of names under which people keep secrets.
const NAMES: [&str; 16] = [
    "password",
    "passwd",
    "passphrase",
    "pwd",
    "pass",
    "secret",
    "secrets",
    "token",
    "tokens",
    "apikey",
    "key",
    "keys",
    "credential",
    "credentials",
    "dsn",
    "auth",
];
/// What tokens of well-known services begin with.
const PREFIXES: [&str; 16] = [
    "AKIA",
    "ASIA",
    "ghp_",
    "gho_",
    "ghs_",
    "github_pat_",
    "glpat-",
    "xoxb-",
    "xoxp-",
    "xoxa-",
    "sk-",
    "sk_live_",
    "rk_live_",
    "SG.",
    "eyJ",
    "-----BEGIN",
];
/// Hosts of addresses that are secrets themselves.
const HOSTS: [&str; 3] = ["hooks.slack.com/", "discord.com/api/webhooks/", "outlook.office.com/webhook/"];
/// From so many characters on a word without meaning is taken for a secret.
const LONG: usize = 20;

/// Whether a variable's value should not be written into a file.
pub fn is_secret(name: &str, value: &str) -> bool {
    if value.is_empty() {
        return false;
    }
    let named = name
        .split(|c: char| !c.is_ascii_alphanumeric())
        .any(|part| NAMES.contains(&part.to_ascii_lowercase().as_str()));
    let joined = ["password", "secret", "passwd", "apikey", "token"];
    let lower = name.to_ascii_lowercase();
    named || joined.iter().any(|word| lower.contains(word)) || is_secret_value(value)
}

/// Whether a value, or a word of a command, gives itself away.
pub fn is_secret_value(value: &str) -> bool {
    let bare = value.trim();
    let assigned = ["password=", "passwd=", "pwd=", "secret=", "token=", "apikey=", "api_key=", "api-key="];
    let lower = bare.to_ascii_lowercase();
    PREFIXES.iter().any(|prefix| bare.starts_with(prefix))
        || HOSTS.iter().any(|host| bare.contains(host))
        || assigned.iter().any(|word| lower.contains(word))
        || has_login(bare)
        || bare.rsplit('=').next().is_some_and(|word| is_random(word.trim_end_matches('=')))
        || is_random(bare.trim_end_matches('='))
}

/// `scheme://user:password@host`.
fn has_login(value: &str) -> bool {
    let Some((_, rest)) = value.split_once("://") else { return false };
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    authority.rsplit_once('@').is_some_and(|(login, _)| login.contains(':'))
}

/// A long word of letters and digits that no person would have made up: hexadecimal, or of all three kinds of character.
fn is_random(word: &str) -> bool {
    let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '+' | '/' | '-' | '_');
    if word.len() < LONG || !word.chars().all(allowed) {
        return false;
    }
    let any = |of: fn(&char) -> bool| word.chars().filter(of).count();
    let (digits, upper, lower) =
        (any(char::is_ascii_digit), any(char::is_ascii_uppercase), any(char::is_ascii_lowercase));
    let hexadecimal = word.len() >= 32 && word.chars().all(|c| c.is_ascii_hexdigit()) && digits > 0;
    // A path or a name of words holds few digits between its letters.
    let mixed = digits >= 3 && upper >= 3 && lower >= 3 && !word.contains("//") && word.matches('/').count() < 3;
    hexadecimal || mixed
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_values_that_give_a_secret_away() {
        for (name, value) in [
            ("PGPASSWORD", "x"),
            ("db_password", "x"),
            ("API_KEY", "abc"),
            ("DATABASE_URL", "postgres://loader:hunter2@db.example.org/city"),
            ("TARGET", "https://hooks.slack.com/services/T0/B0/x"),
            ("ACCOUNT", "AKIAIOSFODNN7EXAMPLE"),
            ("OPTIONS", "host=db password=hunter2"),
            ("SALT", "9f86d081884c7d659a2feaa0c55ad015"),
            ("STATE", "Zm9vYmFyQkFaMTIzNDU2Nzg5MA=="),
        ] {
            assert!(is_secret(name, value), "{name}={value}");
        }
    }

    #[test]
    fn names_and_values_that_everybody_may_read() {
        for (name, value) in [
            ("CITY", "nyc"),
            ("SOURCE_URL", "https://data.example.org/rows.csv?accessType=DOWNLOAD"),
            ("DATABASE_HOST", "postgres://db.example.org/city"),
            ("BUCKET", "civic-data-archive-of-public-records"),
            ("TABLES", "hpd_violations,hpd_complaints,dob_permits"),
            ("MODULE", "loader/datasets/hpd_violations"),
            ("SECRET_TOKEN", ""),
            ("RUN_DATE", "2026-11-20T00:00:00Z"),
        ] {
            assert!(!is_secret(name, value), "{name}={value}");
        }
    }
}
