//! What a caller sends: strict JSON, every fault named by its place, in our own words.

use std::{collections::BTreeMap, marker::PhantomData, ops::RangeInclusive};

use http::header;
use poem::{Request, RequestBody, error::ReadBodyError};
use poem_openapi::{
    ApiExtractor, ApiExtractorType, ExtractParamOptions,
    registry::{MetaMediaType, MetaRequest, Registry},
    types::Type,
};
use serde_json::{Map, Value, error::Category};
use vestibule_domain::registration::FieldFault;

use super::{
    code::Code,
    json::{Sent, escaped},
    problem::Problem,
};

pub(crate) const LARGEST: usize = 64 * 1024;
const JSON: &str = "application/json";
/// RFC 7396 §4.
const MERGE_PATCH: &str = "application/merge-patch+json";

/// A type whose schema is in the document and which is read from [`Fields`].
pub(crate) trait Read: Type {
    /// Whether no body at all means the defaults.
    const MAY_BE_EMPTY: bool;
    /// What the gateway sets and shows, and nobody sends.
    const READ_ONLY: &'static [&'static str];
    fn read(fields: &mut Fields) -> Self;
}

/// The body of a request.
pub(crate) struct Body<T>(pub(crate) T);

impl<'a, T: Read> ApiExtractor<'a> for Body<T> {
    const TYPES: &'static [ApiExtractorType] = &[ApiExtractorType::RequestObject];
    type ParamType = ();
    type ParamRawType = ();

    fn register(registry: &mut Registry) {
        T::register(registry);
    }

    fn request_meta() -> Option<MetaRequest> {
        let content = vec![MetaMediaType { content_type: JSON, schema: T::schema_ref() }];
        Some(MetaRequest { description: None, content, required: !T::MAY_BE_EMPTY })
    }

    async fn from_request(request: &'a Request, body: &mut RequestBody, _: ExtractParamOptions<()>) -> poem::Result<Self> {
        let bytes = taken(body).await?;
        let sent = if bytes.is_empty() && T::MAY_BE_EMPTY {
            Sent::default()
        } else if is_kind(request, &[JSON]) {
            parsed(&bytes)?
        } else {
            return Err(Problem::unsupported_media_type().into());
        };
        Ok(Self(read(sent)?))
    }
}

/// A change of something that is there, as JSON Merge Patch has it (RFC 7396): what it names is replaced, what it says `null` to is taken away, the
/// rest stays.
pub(crate) struct Patch<T> {
    members: Map<String, Value>,
    reads: PhantomData<fn() -> T>,
}

impl<'a, T: Read> ApiExtractor<'a> for Patch<T> {
    const TYPES: &'static [ApiExtractorType] = &[ApiExtractorType::RequestObject];
    type ParamType = ();
    type ParamRawType = ();

    fn register(registry: &mut Registry) {
        T::register(registry);
    }

    fn request_meta() -> Option<MetaRequest> {
        let content = [MERGE_PATCH, JSON].map(|content_type| MetaMediaType { content_type, schema: T::schema_ref() });
        Some(MetaRequest { description: None, content: content.into(), required: true })
    }

    async fn from_request(request: &'a Request, body: &mut RequestBody, _: ExtractParamOptions<()>) -> poem::Result<Self> {
        let bytes = taken(body).await?;
        if !is_kind(request, &[MERGE_PATCH, JSON]) {
            return Err(Problem::unsupported_patch().into());
        }
        let members = parsed(&bytes)?.into_map().map_err(Problem::invalid)?;
        Ok(Self { members, reads: PhantomData })
    }
}

impl<T: Read> Patch<T> {
    /// What becomes of `present` by it.
    pub(crate) fn of(&self, present: Value) -> Result<T, Problem> {
        let mut merged = present;
        merge(&mut merged, &Value::Object(self.members.clone()));
        let members = match merged {
            Value::Object(members) => members,
            _ => Map::new(),
        };
        read(Sent::from(members))
    }

    /// What it says of one thing, if it says nothing else.
    pub(crate) fn only_flag(&self, name: &str) -> Option<bool> {
        self.members.get(name).filter(|_| self.members.len() == 1)?.as_bool()
    }

    /// What it takes away of a table.
    pub(crate) fn takes_away(&self, table: &str, name: &str) -> bool {
        self.members.get(table).and_then(|table| table.get(name)).is_some_and(Value::is_null)
    }
}

/// RFC 7396 §2.
fn merge(target: &mut Value, patch: &Value) {
    let Value::Object(patch) = patch else {
        *target = patch.clone();
        return;
    };
    if !target.is_object() {
        *target = Value::Object(Map::new());
    }
    let Value::Object(target) = target else { return };
    for (name, value) in patch {
        if value.is_null() {
            target.remove(name);
        } else {
            merge(target.entry(name.clone()).or_insert(Value::Null), value);
        }
    }
}

/// Reads what was written elsewhere than in the body of a request.
pub(crate) fn read_text<T: Read>(text: &str) -> Result<T, Problem> {
    read(parsed(text.as_bytes())?)
}

/// The same, of an object that no type describes.
pub(crate) fn read_object(text: &str) -> Result<Map<String, Value>, Problem> {
    parsed(text.as_bytes())?.into_map().map_err(Problem::invalid)
}

async fn taken(body: &mut RequestBody) -> poem::Result<bytes::Bytes> {
    let taken = body.take()?.into_bytes_limit(LARGEST).await.map_err(|error| match error {
        ReadBodyError::PayloadTooLarge => Problem::too_large(),
        _ => Problem::new(Code::InvalidJson, "The body can't be read to its end."),
    });
    Ok(taken?)
}

fn parsed(bytes: &[u8]) -> Result<Sent, Problem> {
    Sent::parse(bytes).map_err(|error| Problem::new(Code::InvalidJson, malformed(&error)))
}

fn read<T: Read>(sent: Sent) -> Result<T, Problem> {
    let mut fields = Fields::new(sent, T::READ_ONLY);
    let value = T::read(&mut fields);
    fields.finish().map_err(Problem::invalid)?;
    Ok(value)
}

fn is_kind(request: &Request, kinds: &[&str]) -> bool {
    let sent = request.headers().get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let mut parts = sent.split(';').map(str::trim);
    parts.next().is_some_and(|kind| kinds.iter().any(|known| kind.eq_ignore_ascii_case(known)))
        && parts.all(|parameter| parameter.is_empty() || parameter.eq_ignore_ascii_case("charset=utf-8"))
}

/// Where JSON stops being JSON, and what should stand there. The library's text is only recognised, never shown.
fn malformed(error: &serde_json::Error) -> String {
    const WORDS: [(&str, &str); 13] = [
        ("expected value", "a value"),
        ("expected `:`", "':' after the name"),
        ("expected `,` or `}`", "',' or '}'"),
        ("expected `,` or `]`", "',' or ']'"),
        ("expected ident", "true, false or null"),
        ("trailing comma", "another item after ','"),
        ("key must be a string", "a name in double quotes"),
        ("trailing characters", "nothing after the closing '}'"),
        ("control character", "control characters in text to be escaped, as \\n"),
        ("invalid escape", "one of the escapes of JSON after '\\'"),
        ("invalid number", "a number as JSON writes it"),
        ("invalid unicode", "text in UTF-8"),
        ("recursion limit", "less nesting"),
    ];
    let text = error.to_string();
    let expected = match error.classify() {
        Category::Eof => "more; the JSON ends in the middle",
        Category::Data => "an object in '{' and '}'",
        Category::Syntax | Category::Io => {
            WORDS.iter().find(|(theirs, _)| text.starts_with(theirs)).map_or("JSON as RFC 8259 writes it", |(_, ours)| ours)
        }
    };
    // The library counts a line break as column 0 of the line after it.
    format!("line {}, column {}: expected {expected}", error.line(), error.column().max(1))
}

/// The members of an object, taken one by one; what is left at the end was not asked for.
pub(crate) struct Fields {
    /// Where the object stands in what was sent.
    at: String,
    sent: Vec<(String, Value)>,
    known: Vec<&'static str>,
    read_only: &'static [&'static str],
    faults: Vec<FieldFault>,
}

impl Fields {
    fn new(sent: Sent, read_only: &'static [&'static str]) -> Self {
        Self { at: String::new(), sent: sent.members, known: Vec::new(), read_only, faults: sent.faults }
    }

    pub(crate) fn text(&mut self, name: &'static str) -> Option<String> {
        match self.take(name)? {
            Value::String(text) => Some(text),
            _ => self.fault(name, "must be text in double quotes"),
        }
    }

    pub(crate) fn texts(&mut self, name: &'static str) -> Option<Vec<String>> {
        let value = self.take(name)?;
        self.all_texts(name, value)
    }

    pub(crate) fn flag(&mut self, name: &'static str) -> Option<bool> {
        match self.take(name)? {
            Value::Bool(flag) => Some(flag),
            _ => self.fault(name, "must be true or false"),
        }
    }

    pub(crate) fn whole(&mut self, name: &'static str, range: RangeInclusive<u64>) -> Option<u64> {
        let number = self.take(name)?.as_u64().filter(|number| range.contains(number));
        let message = || format!("must be a whole number from {} to {}", range.start(), range.end());
        number.or_else(|| self.fault(name, &message()))
    }

    /// An object whose members are read by `read`.
    pub(crate) fn object<T>(&mut self, name: &'static str, read: impl Fn(&mut Self) -> T) -> Option<T> {
        let value = self.take(name)?;
        self.below(name, value, read)
    }

    /// A list of such objects.
    pub(crate) fn objects<T>(&mut self, name: &'static str, read: impl Fn(&mut Self) -> T) -> Option<Vec<T>> {
        let Value::Array(items) = self.take(name)? else {
            return self.fault(name, "must be a list of objects, in '[' and ']'");
        };
        let objects: Vec<_> = items.into_iter().enumerate().map(|(at, item)| self.below(&format!("{name}/{at}"), item, &read)).collect();
        objects.into_iter().collect()
    }

    /// An object with names of the caller's own, as it is.
    pub(crate) fn table(&mut self, name: &'static str) -> Option<Map<String, Value>> {
        match self.take(name)? {
            Value::Object(members) => Some(members),
            _ => self.fault(name, "must be an object, in '{' and '}'"),
        }
    }

    /// The same as one value, for whoever reads it further.
    pub(crate) fn json_object(&mut self, name: &'static str) -> Option<Value> {
        self.table(name).map(Value::Object)
    }

    /// An object with names of the caller's own and a text for each.
    pub(crate) fn table_of_texts(&mut self, name: &'static str) -> Option<BTreeMap<String, String>> {
        let mut table = BTreeMap::new();
        for (key, value) in self.table(name)? {
            match value {
                Value::String(text) => drop(table.insert(key, text)),
                _ => return self.fault(&format!("{name}/{}", escaped(&key)), "must be text in double quotes"),
            }
        }
        Some(table)
    }

    /// An object with names of the caller's own and a list of texts for each.
    pub(crate) fn table_of_lists(&mut self, name: &'static str) -> Option<BTreeMap<String, Vec<String>>> {
        let mut table = BTreeMap::new();
        for (key, value) in self.table(name)? {
            let texts = self.all_texts(&format!("{name}/{}", escaped(&key)), value)?;
            table.insert(key, texts);
        }
        Some(table)
    }

    /// Something that has to be there is not.
    pub(crate) fn is_missing(&mut self, name: &'static str, what: &str) {
        let pointer = format!("{}/{name}", self.at);
        if self.faults.iter().all(|fault| fault.pointer != pointer) {
            self.fault::<()>(name, &format!("is missing: {what}"));
        }
    }

    fn all_texts(&mut self, place: &str, value: Value) -> Option<Vec<String>> {
        let Value::Array(items) = value else {
            return self.fault(place, "must be a list of texts, in '[' and ']'");
        };
        let mut texts = Vec::with_capacity(items.len());
        for (at, item) in items.into_iter().enumerate() {
            match item {
                Value::String(text) => texts.push(text),
                _ => return self.fault(&format!("{place}/{at}"), "must be text in double quotes"),
            }
        }
        Some(texts)
    }

    fn below<T>(&mut self, place: &str, value: Value, read: impl Fn(&mut Self) -> T) -> Option<T> {
        let Value::Object(members) = value else {
            return self.fault(place, "must be an object, in '{' and '}'");
        };
        let mut inner = Self { at: format!("{}/{place}", self.at), ..Self::new(Sent::from(members), &[]) };
        let object = read(&mut inner);
        match inner.finish() {
            Ok(()) => Some(object),
            Err(faults) => {
                self.faults.extend(faults);
                None
            }
        }
    }

    /// `null` is how programs write "not given".
    fn take(&mut self, name: &'static str) -> Option<Value> {
        self.known.push(name);
        let at = self.sent.iter().position(|(sent, _)| sent == name)?;
        Some(self.sent.remove(at).1).filter(|value| !value.is_null())
    }

    /// Notes what is wrong with a member, or below it: `name`, or `name/0`.
    fn fault<T>(&mut self, place: &str, message: &str) -> Option<T> {
        self.faults.push(FieldFault { pointer: format!("{}/{place}", self.at), message: message.to_owned() });
        None
    }

    fn finish(mut self) -> Result<(), Vec<FieldFault>> {
        for (name, _) in std::mem::take(&mut self.sent) {
            let message = if self.known.contains(&name.as_str()) {
                "is there twice".to_owned()
            } else if self.read_only.contains(&name.as_str()) {
                "is set by the gateway; leave it out of what you send".to_owned()
            } else {
                format!("is not a field here; the fields are {}", self.known.join(", "))
            };
            self.fault::<()>(&escaped(&name), &message);
        }
        if self.faults.is_empty() { Ok(()) } else { Err(self.faults) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wrong(text: &str) -> String {
        malformed(&Sent::parse(text.as_bytes()).err().unwrap())
    }

    #[test]
    fn broken_json_is_named_by_its_place_in_our_own_words() {
        for (text, said) in [
            ("", "line 1, column 1: expected more; the JSON ends in the middle"),
            ("{\n  \"a\": }", "line 2, column 8: expected a value"),
            ("{\"a\" 1}", "line 1, column 6: expected ':' after the name"),
            ("{\"a\": 1 \"b\": 2}", "line 1, column 9: expected ',' or '}'"),
            ("{\"a\": [1 2]}", "line 1, column 10: expected ',' or ']'"),
            ("{\"a\": 1,}", "line 1, column 9: expected another item after ','"),
            ("{a: 1}", "line 1, column 2: expected a name in double quotes"),
            ("{'a': 1}", "line 1, column 2: expected a name in double quotes"),
            ("{\"a\": tru}", "line 1, column 10: expected true, false or null"),
            ("{\"a\": 01}", "line 1, column 8: expected a number as JSON writes it"),
            ("{\"a\": \"x\ny\"}", "line 2, column 1: expected control characters in text to be escaped, as \\n"),
            ("{} x", "line 1, column 4: expected nothing after the closing '}'"),
            ("{\"a\": \"\\q\"}", "line 1, column 9: expected one of the escapes of JSON after '\\'"),
            ("[]", "line 1, column 1: expected an object in '{' and '}'"),
            ("{\"a\":", "line 1, column 5: expected more; the JSON ends in the middle"),
        ] {
            assert_eq!(wrong(text), said, "{text}");
        }
        assert!(wrong(&format!("{{\"a\":{}", "[".repeat(5000))).ends_with("expected less nesting"));
    }

    #[test]
    fn every_wrong_member_is_named_at_once() {
        let sent = r#"{"name": 3, "list": ["a", 1], "flag": "yes", "age": 200, "na/me~": 1, "secrets": [], "name": "again", "note": null}"#;
        let mut fields = Fields::new(Sent::parse(sent.as_bytes()).unwrap(), &["secrets"]);
        assert_eq!(fields.text("name"), None);
        assert_eq!(fields.texts("list"), None);
        assert_eq!(fields.flag("flag"), None);
        assert_eq!(fields.whole("age", 1..=150), None);
        assert_eq!(fields.text("note"), None);
        let faults: Vec<_> = fields.finish().unwrap_err().into_iter().map(|fault| format!("{} {}", fault.pointer, fault.message)).collect();
        assert_eq!(
            faults,
            [
                "/name must be text in double quotes",
                "/list/1 must be text in double quotes",
                "/flag must be true or false",
                "/age must be a whole number from 1 to 150",
                "/na~1me~0 is not a field here; the fields are name, list, flag, age, note",
                "/secrets is set by the gateway; leave it out of what you send",
                "/name is there twice",
            ]
        );
    }

    #[test]
    fn what_is_wrong_below_is_named_where_it_stands() {
        let sent = r#"{"rules": {"list": [1], "more": true, "map": {"a/b": [2]}}, "rows": [{"name": "a"}, {"name": 7, "x": 1}], "texts": {"k": 1},
            "flat": {"a": 1, "b": {"c": 1, "c": 2}, "a": 3}, "none": [], "no": 3}"#;
        let mut fields = Fields::new(Sent::parse(sent.as_bytes()).unwrap(), &[]);
        assert_eq!(fields.object("rules", |rules| (rules.texts("list"), rules.table_of_lists("map"))), None);
        assert_eq!(fields.objects("rows", |row| row.text("name")), None);
        assert_eq!(fields.table_of_texts("texts"), None);
        assert!(fields.table("flat").is_some());
        assert!(fields.object("none", |_| ()).is_none());
        fields.is_missing("no", "it has to be there");
        assert!(fields.table("no").is_none());
        fields.is_missing("no", "it has to be there");
        let faults: Vec<_> = fields.finish().unwrap_err().into_iter().map(|fault| format!("{} {}", fault.pointer, fault.message)).collect();
        assert_eq!(
            faults,
            [
                "/flat/b/c is there twice",
                "/flat/a is there twice",
                "/rules/list/0 must be text in double quotes",
                "/rules/map/a~1b/0 must be text in double quotes",
                "/rules/more is not a field here; the fields are list, map",
                "/rows/1/name must be text in double quotes",
                "/rows/1/x is not a field here; the fields are name",
                "/texts/k must be text in double quotes",
                "/none must be an object, in '{' and '}'",
                "/no is missing: it has to be there",
                "/no must be an object, in '{' and '}'",
            ]
        );
    }

    #[test]
    fn rfc_7396_appendix_a_what_a_merge_patch_makes() {
        for (present, patch, becomes) in [
            (r#"{"a":"b"}"#, r#"{"a":"c"}"#, r#"{"a":"c"}"#),
            (r#"{"a":"b"}"#, r#"{"b":"c"}"#, r#"{"a":"b","b":"c"}"#),
            (r#"{"a":"b"}"#, r#"{"a":null}"#, "{}"),
            (r#"{"a":"b","b":"c"}"#, r#"{"a":null}"#, r#"{"b":"c"}"#),
            (r#"{"a":["b"]}"#, r#"{"a":"c"}"#, r#"{"a":"c"}"#),
            (r#"{"a":"c"}"#, r#"{"a":["b"]}"#, r#"{"a":["b"]}"#),
            (r#"{"a":{"b":"c"}}"#, r#"{"a":{"b":"d","c":null}}"#, r#"{"a":{"b":"d"}}"#),
            (r#"{"a":[{"b":"c"}]}"#, r#"{"a":[1]}"#, r#"{"a":[1]}"#),
            (r#"["a","b"]"#, r#"["c","d"]"#, r#"["c","d"]"#),
            (r#"{"a":"b"}"#, r#"["c"]"#, r#"["c"]"#),
            (r#"{"a":"foo"}"#, "null", "null"),
            (r#"{"a":"foo"}"#, r#""bar""#, r#""bar""#),
            (r#"{"e":null}"#, r#"{"a":1}"#, r#"{"e":null,"a":1}"#),
            ("[1,2]", r#"{"a":"b","c":null}"#, r#"{"a":"b"}"#),
            ("{}", r#"{"a":{"bb":{"ccc":null}}}"#, r#"{"a":{"bb":{}}}"#),
        ] {
            let mut merged = serde_json::from_str(present).unwrap();
            merge(&mut merged, &serde_json::from_str(patch).unwrap());
            assert_eq!(merged, serde_json::from_str::<Value>(becomes).unwrap(), "{present} {patch}");
        }
    }
}
