//! Field by field, what differs between two bodies. In: JSON as found and as wanted. Out: reasons in the order of the keys.
//! A text that is itself a JSON object (a manifest in a variable, an input) is compared inside.

use serde_json::{Map, Value};

use super::change::Reason;

/// Longest value that is shown whole, in characters.
const SHOWN: usize = 72;

/// What differs. Only keys that `found` has at its top are compared: the others were not read. Absent equals null.
pub fn compare(found: &Value, wanted: &Value) -> Vec<Reason> {
    let mut reasons = Vec::new();
    let (Some(found), Some(wanted)) = (found.as_object(), wanted.as_object()) else {
        walk("", found, wanted, &mut reasons);
        return reasons;
    };
    for (key, value) in sorted(found) {
        walk(key, value, wanted.get(key).unwrap_or(&Value::Null), &mut reasons);
    }
    reasons
}

fn sorted(map: &Map<String, Value>) -> Vec<(&String, &Value)> {
    let mut entries: Vec<_> = map.iter().collect();
    entries.sort_by_key(|(key, _)| *key);
    entries
}

fn walk(path: &str, found: &Value, wanted: &Value, reasons: &mut Vec<Reason>) {
    if same(found, wanted) {
        return;
    }
    match (unfolded(found), unfolded(wanted)) {
        (Some(found), Some(wanted)) => {
            let mut keys: Vec<&String> = found.keys().chain(wanted.keys()).collect();
            keys.sort();
            keys.dedup();
            for key in keys {
                let at = |map: &Map<String, Value>| map.get(key).cloned().unwrap_or(Value::Null);
                let path = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
                walk(&path, &at(&found), &at(&wanted), reasons);
            }
        }
        _ => reasons.push(Reason::Field { field: path.to_owned(), from: shown(found), to: shown(wanted) }),
    }
}

/// Equal, whatever the order of keys inside objects.
fn same(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Object(a), Value::Object(b)) => {
            let covers = |a: &Map<String, Value>, b: &Map<String, Value>| {
                a.iter().all(|(key, value)| same(value, b.get(key).unwrap_or(&Value::Null)))
            };
            covers(a, b) && covers(b, a)
        }
        (Value::Array(a), Value::Array(b)) => a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same(a, b)),
        _ => a == b,
    }
}

/// The object that a value is, or that its text holds.
fn unfolded(value: &Value) -> Option<Map<String, Value>> {
    match value {
        Value::Object(map) => Some(map.clone()),
        Value::String(text) if text.starts_with('{') => serde_json::from_str(text).ok(),
        _ => None,
    }
}

fn shown(value: &Value) -> Option<String> {
    let text = match value {
        Value::Null => return None,
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    if text.chars().count() <= SHOWN {
        return Some(text);
    }
    let cut: String = text.chars().take(SHOWN).collect();
    Some(format!("{cut}…"))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn lines(found: &Value, wanted: &Value) -> Vec<String> {
        compare(found, wanted).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn each_field_that_differs_is_named_with_both_values() {
        let found = json!({"expression": "cron(0 2 * * ? *)", "network": {"subnets": ["a"]}, "policy": null});
        let wanted = json!({"expression": "cron(0 3 * * ? *)", "network": {"subnets": ["a", "b"]}, "zone": "UTC"});
        let expected = ["expression: cron(0 2 * * ? *) → cron(0 3 * * ? *)", r#"network.subnets: ["a"] → ["a","b"]"#];
        assert_eq!(lines(&found, &wanted), expected);
    }

    #[test]
    fn json_inside_a_text_is_compared_inside() {
        let found = json!({"environment": {"FRESHET_MANIFEST": r#"{"title":"a","tables":[1]}"#}});
        let wanted = json!({"environment": {"FRESHET_MANIFEST": r#"{"tables":[1],"title":"b"}"#}});
        assert_eq!(lines(&found, &wanted), ["environment.FRESHET_MANIFEST.title: a → b"]);
    }

    #[test]
    fn a_long_value_is_cut_in_the_middle_of_no_character() {
        let text = lines(&json!({"sql": "é".repeat(500)}), &json!({"sql": ""})).concat();
        assert!(text.starts_with("sql: éé") && text.contains('…') && text.chars().count() < 100);
    }

    fn tree() -> impl Strategy<Value = Value> {
        let leaf =
            prop_oneof![Just(Value::Null), any::<bool>().prop_map(Value::from), "[a-c]{0,3}".prop_map(Value::from)];
        leaf.prop_recursive(3, 16, 3, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..3).prop_map(Value::from),
                prop::collection::btree_map("[a-c]", inner, 0..3)
                    .prop_map(|map| Value::Object(map.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn a_body_does_not_differ_from_itself(body in tree()) {
            prop_assert_eq!(compare(&body, &body), vec![]);
        }

        #[test]
        fn bodies_with_the_same_keys_that_differ_have_a_reason(a in tree(), b in tree()) {
            let (found, wanted) = (json!({"x": a}), json!({"x": b}));
            prop_assert_eq!(compare(&found, &wanted).is_empty(), same(&a, &b));
        }
    }
}
