//! The OpenAPI document, made from the table of endpoints and the types of `core/wire`.

use std::sync::LazyLock;

use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use comfydock_core::wire::ErrorBody;
use schemars::SchemaGenerator;
use schemars::generate::SchemaSettings;
use serde_json::{Map, Value, json};

use super::endpoint::{Endpoint, Kind, endpoints};

static DOCUMENT: LazyLock<String> = LazyLock::new(|| {
    let mut text = format!("{:#}", document(&endpoints()));
    text.push('\n');
    text
});

pub(super) async fn show() -> Response {
    ([(CONTENT_TYPE, "application/json")], DOCUMENT.as_str()).into_response()
}

fn document(endpoints: &[Endpoint]) -> Value {
    // JSON schemas as OpenAPI 3.1 has them.
    let settings = SchemaSettings::draft2020_12().with(|settings| {
        settings.definitions_path = "/components/schemas".into();
        settings.meta_schema = None;
    });
    let mut generator = settings.into_generator();
    let mut paths: Map<String, Value> = Map::new();
    for endpoint in endpoints {
        let path = paths.entry(format!("/api{}", endpoint.path)).or_insert_with(|| json!({}));
        path[endpoint.method] = operation(endpoint, &mut generator);
    }
    let problem = generator.subschema_for::<ErrorBody>();
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "ComfyDock hub",
            "description": "Environments of a team, and where each model can be had. Fields that a client does not know are to be ignored.",
            "version": env!("CARGO_PKG_VERSION"),
            "license": { "name": "MIT OR Apache-2.0" },
        },
        "security": [{ "token": [] }, { "password": [] }],
        "paths": paths,
        "components": {
            "schemas": generator.take_definitions(true),
            "responses": {
                "Problem": {
                    "description": "Why it was not done. 401: sign in; 403: seen, but not allowed; 404: not there, or not to be seen; 409: in the way of something; 429: come back later.",
                    "content": { "application/json": { "schema": problem } },
                },
            },
            "securitySchemes": {
                "token": { "type": "http", "scheme": "bearer" },
                "password": { "type": "http", "scheme": "basic", "description": "Any user name, the token as password." },
            },
        },
    })
}

fn operation(endpoint: &Endpoint, generator: &mut SchemaGenerator) -> Value {
    let in_path = endpoint.path.split('/').filter_map(|part| part.strip_prefix('{')?.strip_suffix('}')).map(|name| {
        let kind = if name == "id" { "integer" } else { "string" };
        json!({ "name": name, "in": "path", "required": true, "schema": { "type": kind } })
    });
    let behind = endpoint.query.iter().map(|asked| {
        let schema = match asked.kind {
            Kind::YesOrNo => json!({ "type": "boolean" }),
            Kind::Text => json!({ "type": "string" }),
            Kind::Number(least, most) => json!({ "type": "integer", "minimum": least, "maximum": most }),
        };
        json!({ "name": asked.name, "in": "query", "description": asked.meaning, "schema": schema })
    });
    let in_head = endpoint.headers.iter().map(|(name, meaning)| {
        json!({ "name": name, "in": "header", "description": meaning, "schema": { "type": "string" } })
    });
    let file = json!({ "application/octet-stream": {} });
    let mut done = json!({ "description": if endpoint.status == 204 { "Done." } else { "The answer." } });
    if let Some(shape) = endpoint.answer {
        done["content"] = json!({ "application/json": { "schema": shape(generator) } });
    } else if endpoint.answers_bytes && endpoint.method != "head" {
        done["content"] = file.clone();
    }
    let mut operation = json!({
        "operationId": endpoint.id,
        "summary": endpoint.summary,
        "parameters": in_path.chain(behind).chain(in_head).collect::<Vec<_>>(),
        "responses": {
            endpoint.status.to_string(): done,
            "default": { "$ref": "#/components/responses/Problem" },
        },
    });
    if let Some(shape) = endpoint.body {
        let content = json!({ "application/json": { "schema": shape(generator) } });
        operation["requestBody"] = json!({ "required": true, "content": content });
    }
    if endpoint.sends_bytes {
        operation["requestBody"] = json!({ "required": false, "content": file });
    }
    for (status, meaning) in endpoint.also {
        let response = &mut operation["responses"][status.to_string()];
        *response = json!({ "description": meaning });
        if *status >= 400 && *status != 416 {
            let problem = generator.subschema_for::<ErrorBody>();
            response["content"] = json!({ "application/json": { "schema": problem } });
        }
    }
    if endpoint.is_open {
        operation["security"] = json!([{ "token": [] }, { "password": [] }, {}]);
    }
    operation
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_operation_has_its_own_name_and_no_reference_leads_nowhere() {
        let endpoints = endpoints();
        let ids: std::collections::BTreeSet<_> = endpoints.iter().map(|endpoint| endpoint.id).collect();
        assert_eq!(ids.len(), endpoints.len());
        let document = document(&endpoints);
        let mut references = Vec::new();
        collect(&document, &mut references);
        assert!(references.len() > endpoints.len());
        for reference in references {
            let pointer = reference.strip_prefix('#').unwrap();
            assert!(document.pointer(pointer).is_some(), "{reference}");
        }
    }

    fn collect(value: &Value, references: &mut Vec<String>) {
        match value {
            Value::Object(members) => {
                references.extend(members.get("$ref").and_then(Value::as_str).map(str::to_owned));
                members.values().for_each(|value| collect(value, references));
            }
            Value::Array(items) => items.iter().for_each(|value| collect(value, references)),
            _ => {}
        }
    }
}
