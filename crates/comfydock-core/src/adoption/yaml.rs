//! YAML as the values JSON has: the forms read here exist in both.

use saphyr::{ScalarStyle, ScanError, Yaml, YamlLoader};
use saphyr_parser::Parser;
use serde_json::{Map, Value};

use super::Error;

/// Reads JSON, or YAML when it is none.
pub(super) fn read(bytes: &[u8]) -> Result<Value, Error> {
    let text = String::from_utf8_lossy(bytes);
    let text = text.trim_start_matches('\u{feff}');
    if text.trim_start().starts_with('{') {
        return serde_json::from_str(text).map_err(|error| Error::Syntax(error.to_string()));
    }
    let mut loader = YamlLoader::<Yaml<'_>>::default();
    // Scalars stay as they are written: a version 1.10 and a commit of digits are no numbers.
    loader.early_parse(false);
    let fault = |error: &ScanError| Error::Syntax(format!("line {}: {}", error.marker().line().max(1), error.info()));
    Parser::new_from_str(text).load(&mut loader, false).map_err(|error| fault(&error))?;
    if let Some(error) = loader.error() {
        return Err(fault(error));
    }
    Ok(loader.into_documents().first().map_or(Value::Null, value))
}

fn value(node: &Yaml<'_>) -> Value {
    match node {
        Yaml::Representation(text, ScalarStyle::Plain, _) => match &**text {
            "true" | "True" | "TRUE" | "yes" | "on" => Value::Bool(true),
            "false" | "False" | "FALSE" | "no" | "off" => Value::Bool(false),
            "" | "~" | "null" | "Null" | "NULL" => Value::Null,
            other => Value::String(other.to_owned()),
        },
        Yaml::Representation(text, ..) => Value::String(text.to_string()),
        Yaml::Sequence(items) => Value::Array(items.iter().map(value).collect()),
        Yaml::Mapping(mapping) => {
            let entries = mapping.iter().filter_map(|(key, item)| Some((word(key)?, value(item))));
            Value::Object(entries.collect::<Map<_, _>>())
        }
        Yaml::Tagged(_, inner) => value(inner),
        _ => Value::Null,
    }
}

fn word(node: &Yaml<'_>) -> Option<String> {
    match node {
        Yaml::Representation(text, ..) => Some(text.to_string()),
        _ => None,
    }
}
