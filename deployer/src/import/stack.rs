//! Further secrets in `freshet.yml`. In: its text, and names with their references. Out: the text with them, everything else
//! as it was, comments too.

use std::collections::BTreeMap;

use manifest::SecretName;
use serde_json::json;

/// The text with these secrets; none where they cannot be put in without changing what a person wrote.
pub fn with_secrets(text: &str, secrets: &BTreeMap<SecretName, String>) -> Option<String> {
    if secrets.is_empty() {
        return Some(text.to_owned());
    }
    let pair = |(name, reference): (&SecretName, &String)| format!("{name}: {}", json!(reference));
    let pairs: Vec<String> = secrets.iter().map(pair).collect();
    let lines: Vec<&str> = text.lines().collect();
    let block = |indent: &str| pairs.iter().map(|pair| format!("{indent}{pair}")).collect::<Vec<_>>();
    let Some(at) = lines.iter().position(|line| line.starts_with("secrets:")) else {
        let end = if text.is_empty() || text.ends_with('\n') { "" } else { "\n" };
        return Some(format!("{text}{end}secrets:\n{}\n", block("  ").join("\n")));
    };
    let mut out: Vec<String> = lines.iter().map(|line| (*line).to_owned()).collect();
    let rest = lines[at]["secrets:".len()..].trim();
    if rest.is_empty() || rest.starts_with('#') {
        let next = lines[at + 1..].iter().find(|line| !line.trim().is_empty() && !line.trim_start().starts_with('#'));
        let indent: String = next.map(|line| line.chars().take_while(|c| *c == ' ').collect()).unwrap_or_default();
        let indent = if indent.is_empty() { "  ".to_owned() } else { indent };
        out.splice(at + 1..=at, block(&indent));
    } else {
        // One line of `{…}`, whose last brace closes it.
        let inside = rest.strip_prefix('{')?.strip_suffix('}')?.trim();
        let comma = if inside.is_empty() { "" } else { ", " };
        out[at] = format!("secrets: {{{inside}{comma}{}}}", pairs.join(", "));
    }
    Some(out.join("\n") + "\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(text: &str) -> Option<String> {
        let secrets = BTreeMap::from([("API_KEY".parse().unwrap(), "city/api:key".to_owned())]);
        with_secrets(text, &secrets)
    }

    #[test]
    fn secrets_are_added_where_the_others_stand() {
        let block = "stack: a\nsecrets: # all of them\n    A: b\ntags: {}\n";
        assert_eq!(
            with(block).unwrap(),
            "stack: a\nsecrets: # all of them\n    API_KEY: \"city/api:key\"\n    A: b\ntags: {}\n"
        );
        assert_eq!(with("secrets: {A: b}\n").unwrap(), "secrets: {A: b, API_KEY: \"city/api:key\"}\n");
        assert_eq!(with("secrets: {}\n").unwrap(), "secrets: {API_KEY: \"city/api:key\"}\n");
        assert_eq!(with("stack: a").unwrap(), "stack: a\nsecrets:\n  API_KEY: \"city/api:key\"\n");
    }

    #[test]
    fn what_cannot_be_added_to_is_left_to_a_person() {
        assert_eq!(with("secrets: {A: b} # all\n"), None);
        assert_eq!(with("secrets: {A: b,\n  C: d}\n"), None);
    }
}
