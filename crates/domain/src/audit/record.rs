//! The record of an event: the one form in which it leaves the house, and the form of it that the chain holds.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Deserializer, Serialize};
use serde_json::{Map, Value, json};

use super::{AuditEvent, ecs::ecs, ocsf::ocsf};
use crate::{client::closed_enum, time::Timestamp};

closed_enum! {
    /// The forms in which others read events.
    RecordForm {
        /// Our own, which can be verified.
        Json = "json",
        /// The Open Cybersecurity Schema Framework's.
        Ocsf = "ocsf",
        /// The Elastic Common Schema's.
        Ecs = "ecs",
    }
}

impl RecordForm {
    /// The event in this form.
    pub fn value(self, event: &AuditEvent) -> Value {
        match self {
            Self::Json => Value::Object(record(event)),
            Self::Ocsf => ocsf(event),
            Self::Ecs => ecs(event),
        }
    }

    /// The same as one line of text, without its end.
    pub fn text(self, event: &AuditEvent) -> String {
        canonical(&self.value(event))
    }
}

/// The event as others read it: its time in words, its stable number beside its name, its place in the chain if it has one.
pub fn record(event: &AuditEvent) -> Map<String, Value> {
    let mut record = match serde_json::to_value(event) {
        Ok(Value::Object(record)) => record,
        // Nothing in an event is without a form in JSON.
        _ => Map::new(),
    };
    record.insert("time".into(), json!(event.time.to_string()));
    record.insert("code".into(), json!(event.name.code()));
    if let Some(link) = &event.link {
        record.insert("chain".into(), json!(link));
    }
    record
}

/// What the chain holds of an event: its record without its place, and with a digest where personal data is. Erasing what the digest stands for
/// changes nothing here.
pub fn chained(event: &AuditEvent) -> String {
    let mut record = record(event);
    record.remove("chain");
    if let Some(personal) = &event.personal {
        record.remove("source");
        record.insert("personal".into(), json!({ "digest": personal.digest }));
    }
    canonical(&Value::Object(record))
}

/// The one text of a value (RFC 8785), so that whoever has the value has the bytes that were hashed.
pub fn canonical(value: &Value) -> String {
    // Most have nothing that the two write differently, and this way is several times as fast.
    let written = if is_written_alike(value) { serde_json::to_string(value) } else { serde_json_canonicalizer::to_string(value) };
    written.unwrap_or_default()
}

/// Whether any writer writes it in canonical form: numbers that are whole and exact in every language, and members whose names are in the order of their
/// bytes, which among ASCII is also that of RFC 8785 §3.2.3.
fn is_written_alike(value: &Value) -> bool {
    const MOST: u64 = 1 << 53;
    match value {
        Value::Null | Value::Bool(_) | Value::String(_) => true,
        Value::Number(number) => number.as_i64().is_some_and(|number| number.unsigned_abs() <= MOST),
        Value::Array(values) => values.iter().all(is_written_alike),
        Value::Object(members) => {
            members.keys().is_sorted() && members.iter().all(|(name, value)| name.is_ascii() && is_written_alike(value))
        }
    }
}

/// The moment of a record: in words, or the milliseconds of a row that was not sealed yet.
pub(super) fn moment<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Timestamp, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Moment {
        Millis(i64),
        Words(String),
    }
    match Moment::deserialize(deserializer)? {
        Moment::Millis(millis) => Ok(Timestamp::from_millis(millis)),
        Moment::Words(words) => Timestamp::parse(&words).ok_or_else(|| serde::de::Error::custom("is no moment as RFC 3339 writes it")),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// RFC 8785 §3.2.2 and §3.2.3: the example of the text, and of the order of names.
    #[test]
    fn rfc_8785_the_examples_come_out_as_they_are_printed() {
        let text = r#"{"numbers": [333333333.33333329, 1E30, 4.50, 2e-3, 0.000000000000000000000000001],
            "string": "\u20ac$\u000F\u000aA'\u0042\u0022\u005c\\\"\/", "literals": [null, true, false]}"#;
        let printed = "{\"literals\":[null,true,false],\"numbers\":[333333333.3333333,1e+30,4.5,0.002,1e-27],\
            \"string\":\"€$\\u000f\\nA'B\\\"\\\\\\\\\\\"/\"}";
        assert_eq!(canonical(&serde_json::from_str(text).unwrap()), printed);
        let names = "{\"\u{20ac}\": 1, \"\\r\": 2, \"\u{fb33}\": 3, \"1\": 4, \"\u{1f600}\": 5, \"\u{80}\": 6, \"\u{f6}\": 7}";
        let sorted = "{\"\\r\":2,\"1\":4,\"\u{80}\":6,\"\u{f6}\":7,\"\u{20ac}\":1,\"\u{1f600}\":5,\"\u{fb33}\":3}";
        assert_eq!(canonical(&serde_json::from_str(names).unwrap()), sorted);
    }

    proptest! {
        /// Whatever is in it.
        #[test]
        fn rfc_8785_the_fast_way_writes_what_the_slow_one_does(value in any_value()) {
            prop_assert_eq!(canonical(&value), serde_json_canonicalizer::to_string(&value).unwrap());
        }
    }

    fn any_value() -> impl Strategy<Value = Value> {
        let number =
            prop_oneof![any::<i64>().prop_map(Value::from), any::<u64>().prop_map(Value::from), (-1e20..1e20f64).prop_map(Value::from)];
        let name = prop_oneof!["[a-z_]{1,6}", "[\\PC\u{0}-\u{1f}\u{7f}-\u{a0}\u{1f600}]{0,4}"];
        let text = any::<String>().prop_map(Value::from);
        let leaf = prop_oneof![Just(Value::Null), any::<bool>().prop_map(Value::from), number, text];
        leaf.prop_recursive(4, 32, 6, move |inner| {
            prop_oneof![
                proptest::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
                proptest::collection::btree_map(name.clone(), inner, 0..6).prop_map(|members| Value::Object(members.into_iter().collect())),
            ]
        })
    }

    #[test]
    fn a_moment_is_read_in_words_and_in_milliseconds() {
        let read = |text: &str| moment(&mut serde_json::Deserializer::from_str(text)).unwrap();
        assert_eq!(read("1800000000123"), Timestamp::from_millis(1_800_000_000_123));
        assert_eq!(read("\"2027-01-15T08:00:00.123Z\""), Timestamp::from_millis(1_800_000_000_123));
    }
}
