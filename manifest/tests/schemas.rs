//! The JSON Schemas in `docs/schema/`, which editors read, are those of the types that read the manifests.

use std::fs;
use std::path::Path;

use manifest::schema::{Kind, schema};
use serde_json::Value;

/// Set to write the files anew.
const UPDATE: &str = "UPDATE_SCHEMAS";

#[test]
fn the_schemas_in_docs_are_those_of_the_types() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/schema");
    for kind in Kind::ALL {
        let path = folder.join(format!("{}.json", kind.as_str()));
        let text = serde_json::to_string_pretty(&schema(kind)).expect("json") + "\n";
        if std::env::var_os(UPDATE).is_some() {
            fs::create_dir_all(&folder).expect("a folder");
            fs::write(&path, &text).expect("it can be written");
        }
        let written = fs::read_to_string(&path).unwrap_or_default();
        assert!(written == text, "{} is out of date: run the tests once with {UPDATE}=1", path.display());
    }
}

/// Every object with fixed keys refuses others, as the reader does.
fn closed(schema: &Value, path: &str) {
    match schema {
        Value::Object(map) => {
            if map.contains_key("properties") {
                assert_eq!(map.get("additionalProperties"), Some(&Value::Bool(false)), "{path}");
            }
            map.iter().for_each(|(key, value)| closed(value, &format!("{path}/{key}")));
        }
        Value::Array(items) => items.iter().for_each(|item| closed(item, path)),
        _ => {}
    }
}

#[test]
fn unknown_keys_are_refused_by_every_schema() {
    for kind in Kind::ALL {
        closed(&schema(kind), kind.as_str());
    }
    let dataset = schema(Kind::Dataset);
    assert_eq!(dataset["required"], serde_json::json!(["dataset", "title", "publisher"]));
    assert_eq!(dataset["anyOf"], serde_json::json!([{"required": ["tables"]}, {"required": ["job"]}]));
    assert!(
        dataset["properties"]["title"]["description"].as_str().is_some_and(|text| text.starts_with("What a person"))
    );
}
