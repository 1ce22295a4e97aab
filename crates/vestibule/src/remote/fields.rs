//! Fields that somebody wrote, on the command line or into a file.

use std::{collections::BTreeSet, path::Path};

use serde_json::{Map, Value};

use crate::{config::meant, document, failure::Failure};

/// A file with one object, in the format that its ending names.
fn read_document(path: &Path) -> Result<Map<String, Value>, Failure> {
    document::object(path, &document::read(path)?).map_err(|error| Failure::Plain(error.to_string()))
}

/// The fields of a file, and over them those of the command line. A dot leads into an object.
pub(crate) fn assigned(file: Option<&Path>, set: &[(String, Value)], unset: &[String]) -> Result<Map<String, Value>, Failure> {
    let mut fields = file.map(read_document).transpose()?.unwrap_or_default();
    for (name, value) in set {
        put(&mut fields, name, value.clone())?;
    }
    for name in unset {
        put(&mut fields, name, Value::Null)?;
    }
    Ok(fields)
}

fn put(fields: &mut Map<String, Value>, name: &str, value: Value) -> Result<(), Failure> {
    let Some((outer, inner)) = name.split_once('.') else {
        fields.insert(name.to_owned(), value);
        return Ok(());
    };
    match fields.entry(outer).or_insert_with(|| Value::Object(Map::new())) {
        Value::Object(members) => put(members, inner, value),
        _ => Err(Failure::Plain(format!("{outer} is a value and has no {inner}"))),
    }
}

/// Names that are no fields, each with the field that was meant.
pub(crate) fn strangers<'a>(fields: &BTreeSet<String>, written: impl Iterator<Item = &'a String>) -> Vec<String> {
    let known: Vec<_> = fields.iter().map(String::as_str).collect();
    let said = written.filter(|name| !fields.contains(*name)).map(|name| {
        let near = meant(name, &known).map(|near| format!("; did you mean {near}?")).unwrap_or_default();
        format!("{name} is not a field{near}")
    });
    said.collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_dot_leads_into_an_object_and_the_last_word_holds() {
        let set =
            [("entry.groups".to_owned(), json!(["a"])), ("entry.emails".to_owned(), json!([])), ("consent".to_owned(), json!("always"))];
        let fields = assigned(None, &set, &["may_act".to_owned(), "consent".to_owned()]).unwrap();
        assert_eq!(Value::Object(fields), json!({ "entry": { "groups": ["a"], "emails": [] }, "consent": null, "may_act": null }));
        let wrong = [("a".to_owned(), json!(1)), ("a.b".to_owned(), json!(2))];
        assert_eq!(assigned(None, &wrong, &[]).unwrap_err().to_string(), "error: a is a value and has no b");
    }
}
