//! The OpenAPI document: the library's, with what the library has no word for.

use serde_json::{Map, Value, json};

use super::{
    code::Code,
    problem::{MEDIA_TYPE, Problem},
};

/// Finishes the document that the library made.
pub(crate) fn finish(spec: &str) -> String {
    let mut document: Value = serde_json::from_str(spec).unwrap_or_default();
    for name in ["Registration", "SecretRequest"] {
        if let Some(Value::Object(schema)) = document.pointer_mut(&format!("/components/schemas/{name}")) {
            schema.insert("additionalProperties".to_owned(), Value::Bool(false));
        }
    }
    for path in members(document.pointer_mut("/paths")) {
        for operation in members(Some(path)) {
            for response in members(operation.get_mut("responses")) {
                spell_headers(response);
                show_problems(response);
            }
        }
    }
    document.to_string()
}

fn members(value: Option<&mut Value>) -> impl Iterator<Item = &mut Value> {
    value.and_then(Value::as_object_mut).into_iter().flat_map(Map::values_mut)
}

/// The library writes the names of headers in capitals.
fn spell_headers(response: &mut Value) {
    let Some(headers) = response.get_mut("headers").and_then(Value::as_object_mut) else { return };
    for name in ["ETag", "Link", "Location", "Retry-After", "WWW-Authenticate"] {
        if let Some(header) = headers.remove(&name.to_uppercase()) {
            headers.insert(name.to_owned(), header);
        }
    }
}

/// An example for each code that the description names.
fn show_problems(response: &mut Value) {
    let description = response["description"].as_str().unwrap_or_default();
    let named = Code::ALL.iter().filter(|code| description.contains(&format!("`{}`", code.name())));
    let examples: Map<_, _> = named.map(|code| (code.name().to_owned(), json!({ "value": Problem::example(*code).shown() }))).collect();
    if let Some(content) = response.pointer_mut(&format!("/content/{}", MEDIA_TYPE.replace('/', "~1"))) {
        content["examples"] = examples.into();
    }
}
