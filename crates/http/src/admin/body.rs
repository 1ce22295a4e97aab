//! What a caller sends: strict JSON, every fault named by its place, in our own words.

use std::{fmt, ops::RangeInclusive};

use http::header;
use poem::{Request, RequestBody, error::ReadBodyError};
use poem_openapi::{
    ApiExtractor, ApiExtractorType, ExtractParamOptions,
    registry::{MetaMediaType, MetaRequest, Registry},
    types::Type,
};
use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::{Value, error::Category};
use vestibule_domain::registration::FieldFault;

use super::{code::Code, problem::Problem};

const LARGEST: usize = 64 * 1024;

/// A type whose schema is in the document and which is read from [`Fields`].
pub(crate) trait Read: Type {
    /// Whether no body at all means the defaults.
    const MAY_BE_EMPTY: bool;
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
        let content = vec![MetaMediaType { content_type: "application/json", schema: T::schema_ref() }];
        Some(MetaRequest { description: None, content, required: !T::MAY_BE_EMPTY })
    }

    async fn from_request(request: &'a Request, body: &mut RequestBody, _: ExtractParamOptions<()>) -> poem::Result<Self> {
        let bytes = body.take()?.into_bytes_limit(LARGEST).await.map_err(|error| match error {
            ReadBodyError::PayloadTooLarge => Problem::too_large(),
            _ => Problem::new(Code::InvalidJson, "The body can't be read to its end."),
        })?;
        let fields = if bytes.is_empty() && T::MAY_BE_EMPTY {
            Sent(Vec::new())
        } else if is_json(request) {
            serde_json::from_slice(&bytes).map_err(|error| Problem::new(Code::InvalidJson, malformed(&error)))?
        } else {
            return Err(Problem::unsupported_media_type().into());
        };
        let mut fields = Fields { sent: fields.0, known: Vec::new(), faults: Vec::new() };
        let value = T::read(&mut fields);
        fields.finish().map_err(Problem::invalid)?;
        Ok(Self(value))
    }
}

fn is_json(request: &Request) -> bool {
    let sent = request.headers().get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let mut parts = sent.split(';').map(str::trim);
    parts.next().is_some_and(|kind| kind.eq_ignore_ascii_case("application/json"))
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

/// The members of an object in the order they came, repeated ones too: a map would silently keep the last.
struct Sent(Vec<(String, Value)>);

impl<'de> Deserialize<'de> for Sent {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Members;
        impl<'de> Visitor<'de> for Members {
            type Value = Sent;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Sent, A::Error> {
                let mut members = Vec::new();
                while let Some(member) = map.next_entry()? {
                    members.push(member);
                }
                Ok(Sent(members))
            }
        }
        deserializer.deserialize_map(Members)
    }
}

/// The members of a body, taken one by one; what is left at the end was not asked for.
pub(crate) struct Fields {
    sent: Vec<(String, Value)>,
    known: Vec<&'static str>,
    faults: Vec<FieldFault>,
}

/// What the gateway sets and shows.
const READ_ONLY: [&str; 4] = ["created_at", "updated_at", "secrets", "client_secret"];

impl Fields {
    pub(crate) fn text(&mut self, name: &'static str) -> Option<String> {
        match self.take(name)? {
            Value::String(text) => Some(text),
            _ => self.fault(&format!("/{name}"), "must be text in double quotes"),
        }
    }

    pub(crate) fn texts(&mut self, name: &'static str) -> Option<Vec<String>> {
        let Value::Array(items) = self.take(name)? else {
            return self.fault(&format!("/{name}"), "must be a list of texts, in '[' and ']'");
        };
        let mut texts = Vec::with_capacity(items.len());
        for (at, item) in items.into_iter().enumerate() {
            match item {
                Value::String(text) => texts.push(text),
                _ => return self.fault(&format!("/{name}/{at}"), "must be text in double quotes"),
            }
        }
        Some(texts)
    }

    pub(crate) fn flag(&mut self, name: &'static str) -> Option<bool> {
        match self.take(name)? {
            Value::Bool(flag) => Some(flag),
            _ => self.fault(&format!("/{name}"), "must be true or false"),
        }
    }

    pub(crate) fn whole(&mut self, name: &'static str, range: RangeInclusive<u64>) -> Option<u64> {
        let number = self.take(name)?.as_u64().filter(|number| range.contains(number));
        let message = || format!("must be a whole number from {} to {}", range.start(), range.end());
        number.or_else(|| self.fault(&format!("/{name}"), &message()))
    }

    /// `null` is how programs write "not given".
    fn take(&mut self, name: &'static str) -> Option<Value> {
        self.known.push(name);
        let at = self.sent.iter().position(|(sent, _)| sent == name)?;
        Some(self.sent.remove(at).1).filter(|value| !value.is_null())
    }

    fn fault<T>(&mut self, pointer: &str, message: &str) -> Option<T> {
        self.faults.push(FieldFault { pointer: pointer.to_owned(), message: message.to_owned() });
        None
    }

    fn finish(mut self) -> Result<(), Vec<FieldFault>> {
        for (name, _) in std::mem::take(&mut self.sent) {
            let message = if self.known.contains(&name.as_str()) {
                "is there twice".to_owned()
            } else if READ_ONLY.contains(&name.as_str()) {
                "is set by the gateway; leave it out of what you send".to_owned()
            } else {
                format!("is not a field here; the fields are {}", self.known.join(", "))
            };
            let name: String = name.chars().take(100).collect();
            // RFC 6901 §3.
            self.fault::<()>(&format!("/{}", name.replace('~', "~0").replace('/', "~1")), &message);
        }
        if self.faults.is_empty() { Ok(()) } else { Err(self.faults) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wrong(text: &str) -> String {
        malformed(&serde_json::from_slice::<Sent>(text.as_bytes()).err().unwrap())
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
        let Sent(sent) = serde_json::from_str(sent).unwrap();
        let mut fields = Fields { sent, known: Vec::new(), faults: Vec::new() };
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
}
