//! JSON as it was sent, repeated names too: a map would silently keep the last, and a reader who looks at the first is deceived.

use std::{cell::RefCell, fmt};

use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};
use vestibule_domain::registration::FieldFault;

/// An object as it was sent.
#[derive(Default)]
pub(crate) struct Sent {
    /// Its members in the order they came.
    pub(crate) members: Vec<(String, Value)>,
    /// Names that are there twice below one of them.
    pub(crate) faults: Vec<FieldFault>,
}

impl Sent {
    /// Reads one object and nothing behind it.
    pub(crate) fn parse(bytes: &[u8]) -> Result<Self, serde_json::Error> {
        let twice = RefCell::default();
        let mut deserializer = serde_json::Deserializer::from_slice(bytes);
        let members = deserializer.deserialize_map(Members(&twice))?;
        deserializer.end()?;
        Ok(Self { members, faults: twice.into_inner().into_iter().map(is_twice).collect() })
    }

    /// The members by name, or which are there twice.
    pub(crate) fn into_map(self) -> Result<Map<String, Value>, Vec<FieldFault>> {
        let mut faults = self.faults;
        let mut map = Map::new();
        for (name, value) in self.members {
            let pointer = format!("/{}", escaped(&name));
            if map.insert(name, value).is_some() {
                faults.push(is_twice(pointer));
            }
        }
        if faults.is_empty() { Ok(map) } else { Err(faults) }
    }
}

impl From<Map<String, Value>> for Sent {
    fn from(members: Map<String, Value>) -> Self {
        Self { members: members.into_iter().collect(), faults: Vec::new() }
    }
}

/// A name as a part of a JSON pointer (RFC 6901 §3), cut to what a person reads.
pub(crate) fn escaped(name: &str) -> String {
    let name: String = name.chars().take(100).collect();
    vestibule_domain::registration::escaped(&name)
}

fn is_twice(pointer: String) -> FieldFault {
    FieldFault { pointer, message: "is there twice".to_owned() }
}

struct Members<'a>(&'a RefCell<Vec<String>>);

impl<'de> Visitor<'de> for Members<'_> {
    type Value = Vec<(String, Value)>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut members = Vec::new();
        while let Some(name) = map.next_key::<String>()? {
            let value = map.next_value_seed(Node { at: format!("/{}", escaped(&name)), twice: self.0 })?;
            members.push((name, value));
        }
        Ok(members)
    }
}

/// Any value, and where it stands.
struct Node<'a> {
    at: String,
    twice: &'a RefCell<Vec<String>>,
}

impl Node<'_> {
    fn below(&self, name: &str) -> Self {
        Self { at: format!("{}/{name}", self.at), twice: self.twice }
    }
}

impl<'de> DeserializeSeed<'de> for Node<'_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Node<'_> {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Value, E> {
        Number::from_f64(value).map(Value::Number).ok_or_else(|| E::custom("invalid number"))
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let mut list = Vec::new();
        while let Some(item) = items.next_element_seed(self.below(&list.len().to_string()))? {
            list.push(item);
        }
        Ok(Value::Array(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Value, A::Error> {
        let mut members = Map::new();
        while let Some(name) = map.next_key::<String>()? {
            let node = self.below(&escaped(&name));
            let pointer = node.at.clone();
            if members.insert(name, map.next_value_seed(node)?).is_some() {
                self.twice.borrow_mut().push(pointer);
            }
        }
        Ok(Value::Object(members))
    }
}
