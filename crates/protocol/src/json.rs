//! JSON from strangers, read strictly.

use std::{cell::Cell, fmt};

use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};

/// How deep arrays and objects may lie in one another. Tokens and metadata need three or four.
pub const DEEPEST: usize = 32;

/// Why a text is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum JsonError {
    /// It is not JSON (RFC 8259), not UTF-8, or has something before or behind.
    #[error("not JSON")]
    Syntax,
    /// An object has a member twice. Parsers disagree which one counts, so a check made by one would not hold for another (RFC 7519 §4).
    #[error("an object has a member twice")]
    Duplicate,
    /// Deeper than [`DEEPEST`].
    #[error("nested deeper than {DEEPEST}")]
    Depth,
}

/// Reads one JSON value. Refuses duplicate members at every level, anything but white space around the value, a byte order mark, and nesting
/// deeper than [`DEEPEST`]. The length is the caller's to bound.
pub fn parse_strict(bytes: &[u8]) -> Result<Value, JsonError> {
    let fault = Cell::new(JsonError::Syntax);
    let mut deserializer = serde_json::Deserializer::from_slice(bytes);
    let value = Strict { depth: 0, fault: &fault }.deserialize(&mut deserializer);
    value.and_then(|value| deserializer.end().map(|()| value)).map_err(|_| fault.get())
}

/// Reads one value. serde has no room for an error of ours, so `fault` says what kind it was.
#[derive(Clone, Copy)]
struct Strict<'a> {
    depth: usize,
    fault: &'a Cell<JsonError>,
}

impl Strict<'_> {
    fn refuse<E: Error>(self, fault: JsonError) -> E {
        self.fault.set(fault);
        E::custom(fault)
    }

    fn deeper<E: Error>(self) -> Result<Self, E> {
        if self.depth == DEEPEST { Err(self.refuse(JsonError::Depth)) } else { Ok(Self { depth: self.depth + 1, ..self }) }
    }
}

impl<'de> DeserializeSeed<'de> for Strict<'_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Strict<'_> {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Value, E> {
        Number::from_f64(value).map(Value::Number).ok_or_else(|| self.refuse(JsonError::Syntax))
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_string<E>(self, value: String) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut elements: A) -> Result<Value, A::Error> {
        let inner = self.deeper()?;
        let mut array = Vec::new();
        while let Some(element) = elements.next_element_seed(inner)? {
            array.push(element);
        }
        Ok(Value::Array(array))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Value, A::Error> {
        let inner = self.deeper()?;
        let mut object = Map::new();
        while let Some(name) = members.next_key::<String>()? {
            if object.contains_key(&name) {
                return Err(self.refuse(JsonError::Duplicate));
            }
            let value = members.next_value_seed(inner)?;
            object.insert(name, value);
        }
        Ok(Value::Object(object))
    }
}

#[cfg(test)]
mod tests {
    use proptest::{collection::vec, prelude::*};

    use super::*;

    #[test]
    fn attack_23_a_member_that_is_there_twice_is_refused_at_every_level() {
        for bad in [r#"{"a":1,"a":1}"#, r#"{"a":1,"b":2,"\u0061":3}"#, r#"[{"x":{"a":1,"a":2}}]"#] {
            assert_eq!(parse_strict(bad.as_bytes()), Err(JsonError::Duplicate), "{bad}");
        }
        assert!(parse_strict(br#"{"a":{"a":1},"b":{"a":[{"a":1},{"a":1}]}}"#).is_ok());
    }

    #[test]
    fn attack_47_depth_is_bounded() {
        let nested = |depth: usize| "[".repeat(depth) + &"]".repeat(depth);
        assert!(parse_strict(nested(DEEPEST).as_bytes()).is_ok());
        assert_eq!(parse_strict(nested(DEEPEST + 1).as_bytes()), Err(JsonError::Depth));
        assert_eq!(parse_strict("[".repeat(1_000_000).as_bytes()), Err(JsonError::Depth));
        assert_eq!(parse_strict(r#"{"a":"#.repeat(1_000_000).as_bytes()), Err(JsonError::Depth));
    }

    #[test]
    fn attack_47_what_is_not_exactly_one_value_is_refused() {
        for bad in
            [&b""[..], b"{} {}", b"{}x", b"\xef\xbb\xbf{}", b"\"\xff\"", br#""\ud800""#, b"{a:1}", b"[1,]", b"NaN", b"1e400", b"{}\0"]
        {
            assert_eq!(parse_strict(bad), Err(JsonError::Syntax), "{bad:?}");
        }
    }

    fn texts() -> impl Strategy<Value = String> {
        let leaf = prop_oneof![Just("null".to_owned()), "-?[1-9][0-9]{0,18}(\\.[0-9]{1,3})?", "\"[a-z\\\\u00e9]{0,6}\""];
        leaf.prop_recursive(4, 32, 5, |inner| {
            prop_oneof![
                vec(inner.clone(), 0..5).prop_map(|elements| format!("[{}]", elements.join(","))),
                vec(("[ab]", inner), 0..3).prop_map(|members| {
                    format!("{{{}}}", members.iter().map(|(k, v)| format!("\"{k}\":{v}")).collect::<Vec<_>>().join(","))
                }),
            ]
        })
    }

    proptest! {
        #[test]
        fn what_is_read_is_what_serde_json_reads(text in texts()) {
            match (parse_strict(text.as_bytes()), serde_json::from_str::<Value>(&text)) {
                (Ok(ours), Ok(theirs)) => prop_assert_eq!(ours, theirs),
                (Err(JsonError::Duplicate), Ok(_)) | (Err(JsonError::Duplicate | JsonError::Syntax), Err(_)) => {}
                other => prop_assert!(false, "{:?}", other),
            }
        }

        #[test]
        fn any_bytes_are_read_or_refused(bytes in vec(any::<u8>(), 0..500)) {
            if let Ok(value) = parse_strict(&bytes) {
                prop_assert_eq!(serde_json::from_slice::<Value>(&bytes).unwrap(), value);
            }
        }
    }
}
