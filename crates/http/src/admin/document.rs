//! The OpenAPI document: the library's, with what the library has no word for.

use std::fmt::Write;

use http::Method;
use poem_openapi::{registry::Registry, types::Type};
use serde_json::{Map, Value, json};

use super::{
    BASE, audit,
    code::Code,
    dry_run::{self, DryRun},
    problem::{MEDIA_TYPE, Problem},
    table::{self, Does, Row, TABLE},
};

/// Finishes the document that the library made.
pub(crate) fn finish(spec: &str) -> String {
    let mut document: Value = serde_json::from_str(spec).unwrap_or_default();
    for name in [
        "Registration",
        "SecretRequest",
        "Entry",
        "Release",
        "UpstreamTokens",
        "ProviderDraft",
        "ProviderTrial",
        "AccountChange",
        "KeyRotation",
        "ApiKeyRequest",
        "ApiKeyChange",
    ] {
        if let Some(Value::Object(schema)) = document.pointer_mut(&format!("/components/schemas/{name}")) {
            schema.insert("additionalProperties".to_owned(), Value::Bool(false));
        }
    }
    name_acts(&mut document);
    loosen_patches(&mut document);
    say_once(&mut document);
    name_needs(&mut document);
    widen(&mut document);
    show_copies(&mut document);
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

/// What is done to a thing stands behind a colon, which the library's paths have no word for.
fn name_acts(document: &mut Value) {
    let Some(paths) = document.pointer_mut("/paths").and_then(Value::as_object_mut) else { return };
    for (thing, act) in TABLE.iter().filter_map(|row| table::act(row.route)) {
        let thing = as_documented(thing);
        if let Some(operations) = paths.remove(&format!("{thing}/{act}")) {
            paths.insert(format!("{thing}:{act}"), operations);
        }
    }
}

/// What the table says of an operation, in words.
fn name_needs(document: &mut Value) {
    for row in TABLE {
        let Some(operation) = operation_of(document, row) else { continue };
        let mut text = operation["description"].as_str().map(|text| format!("{text}\n\n")).unwrap_or_default();
        let _ = write!(text, "Needs the scope `{}`.", row.needs);
        if let (Some(to_look), Does::Writes(_)) = (row.needs.to_look(), row.does) {
            let _ = write!(text, " `dry_run` needs `{to_look}` too: it shows what is there.");
            if operation.pointer("/responses/200").is_some() {
                let _ = write!(text, " Without that, the answer to a change has no more than the id and a secret that was made.");
            }
        }
        if let Does::Writes(leaves) | Does::Tries(leaves) = row.does {
            let names: Vec<_> = leaves.iter().map(|name| format!("`{name}`")).collect();
            let _ = write!(text, " Recorded as {}.", names.join(" or "));
        }
        operation["description"] = text.into();
    }
}

/// What every change takes and answers besides, whatever it is.
fn widen(document: &mut Value) {
    let mut registry = Registry::new();
    DryRun::register(&mut registry);
    let schemas = serde_json::to_value(&registry.schemas).unwrap_or_default();
    if let (Some(known), Value::Object(schemas)) = (document.pointer_mut("/components/schemas").and_then(Value::as_object_mut), schemas) {
        known.extend(schemas);
    }
    for row in TABLE {
        let Some(operation) = operation_of(document, row) else { continue };
        if let Does::Writes(_) = row.does {
            takes(
                operation,
                json!({
                    "name": "dry_run", "in": "query", "required": false, "deprecated": false, "explode": true,
                    "schema": { "type": "boolean", "default": false },
                    "description": "Checks everything, answers what would change, and changes nothing.",
                }),
            );
            let done = &mut operation["responses"]["200"];
            if done.is_null() {
                *done = json!({ "description": "With `dry_run`: what would change. Nothing was written." });
            }
            done["content"][dry_run::MEDIA_TYPE] = json!({ "schema": { "$ref": "#/components/schemas/DryRun" } });
            refuses(operation, 400, "`invalid_parameter`: `dry_run` is neither true nor false.");
        }
        if row.method == Method::POST {
            takes(
                operation,
                json!({
                    "name": "Idempotency-Key", "in": "header", "required": false, "deprecated": false, "explode": true,
                    "schema": { "type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[!-~]+$" },
                    "description": "A name for this call, as a UUID. Sent again under it within a day, the same call is not done again and has the same answer.",
                }),
            );
            refuses(operation, 400, "`invalid_parameter`: `Idempotency-Key` can't be used.");
            refuses(operation, 409, "`idempotency_key_in_use`: the same call is under way. `idempotency_outcome_unknown`: it was cut off.");
            refuses(operation, 422, "`idempotency_key_reused`: another call was sent under this `Idempotency-Key`.");
        }
    }
}

fn takes(operation: &mut Value, parameter: Value) {
    match &mut operation["parameters"] {
        Value::Array(parameters) => parameters.push(parameter),
        none => *none = json!([parameter]),
    }
}

/// One more way to be refused; under a status that is there already, in one more sentence.
fn refuses(operation: &mut Value, status: u16, text: &str) {
    let response = &mut operation["responses"][status.to_string()];
    match response["description"].as_str() {
        Some(before) => response["description"] = format!("{before} {text}").into(),
        None => {
            *response = json!({ "description": text, "content": { MEDIA_TYPE: { "schema": { "$ref": "#/components/schemas/Problem" } } } });
        }
    }
}

/// The operation of a row.
fn operation_of<'d>(document: &'d mut Value, row: &Row) -> Option<&'d mut Value> {
    let route = match table::act(row.route) {
        Some((thing, act)) => format!("{}:{act}", as_documented(thing)),
        None => as_documented(row.route),
    };
    let method = row.method.as_str().to_lowercase();
    let operation = document.pointer_mut("/paths").and_then(|paths| paths.get_mut(&route)?.get_mut(&method));
    debug_assert!(operation.is_some(), "{} {} is in the table and has no handler", row.method, row.route);
    operation
}

/// A route as the document writes it: `/clients/{client_id}`.
fn as_documented(route: &str) -> String {
    let below = route.strip_prefix(BASE).unwrap_or(route);
    let parts = below.split('/').map(|part| part.strip_prefix(':').map_or_else(|| part.to_owned(), |name| format!("{{{name}}}")));
    parts.collect::<Vec<_>>().join("/")
}

/// The library says what a field is twice, the second time in a schema that allows everything; what makes clients of documents stumbles over that.
fn say_once(value: &mut Value) {
    match value {
        Value::Object(members) => {
            if let Some(Value::Array(all)) = members.get_mut("allOf") {
                all.retain(|schema| schema.as_object().is_none_or(|schema| schema.keys().any(|key| key != "description")));
            }
            members.values_mut().for_each(say_once);
        }
        Value::Array(items) => items.iter_mut().for_each(say_once),
        _ => {}
    }
}

/// In a merge patch nothing has to be there, and what is left out has no default but stays as it is.
fn loosen_patches(document: &mut Value) {
    const SCHEMAS: &str = "#/components/schemas/";
    let schemas = document["components"]["schemas"].clone();
    let mut loose = Map::new();
    for path in members(document.pointer_mut("/paths")) {
        for content in members(path.pointer_mut("/patch/requestBody/content")) {
            let name = content["schema"]["$ref"].as_str().and_then(|to| to.strip_prefix(SCHEMAS)).unwrap_or_default().to_owned();
            if let Some(whole) = schemas[&name].as_object().filter(|whole| whole.contains_key("required")) {
                loose.insert(format!("{name}Patch"), loosened(&name, whole.clone()));
                content["schema"]["$ref"] = format!("{SCHEMAS}{name}Patch").into();
            }
        }
    }
    if let Some(schemas) = document.pointer_mut("/components/schemas").and_then(Value::as_object_mut) {
        schemas.extend(loose);
    }
}

fn loosened(name: &str, mut schema: Map<String, Value>) -> Value {
    schema.insert("title".to_owned(), format!("{name}Patch").into());
    schema.remove("required");
    schema.insert("description".to_owned(), "What is to change; what is left out stays as it is.".into());
    if schema.get("properties").and_then(|properties| properties.get("disabled")).is_some() {
        schema.insert("example".to_owned(), json!({ "disabled": true }));
    }
    for property in members(schema.get_mut("properties")) {
        if let Some(property) = property.as_object_mut() {
            property.remove("default");
        }
    }
    schema.into()
}

/// The library has no examples for what is not JSON.
fn show_copies(document: &mut Value) {
    for (kind, example) in audit::examples() {
        for path in members(document.pointer_mut("/paths")) {
            for response in members(path.pointer_mut("/get/responses")) {
                if let Some(content) = response.get_mut("content").and_then(|content| content.get_mut(kind)) {
                    content["example"] = example.as_str().into();
                }
            }
        }
    }
}

fn members(value: Option<&mut Value>) -> impl Iterator<Item = &mut Value> {
    value.and_then(Value::as_object_mut).into_iter().flat_map(Map::values_mut)
}

/// The library writes the names of headers in capitals.
fn spell_headers(response: &mut Value) {
    let Some(headers) = response.get_mut("headers").and_then(Value::as_object_mut) else { return };
    for name in ["Content-Disposition", "ETag", "Link", "Location", "Retry-After", "WWW-Authenticate"] {
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
