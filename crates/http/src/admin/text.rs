//! Text whose schema says more than "a string": a closed set of words, or a moment.

use std::{borrow::Cow, marker::PhantomData};

use poem_openapi::{
    registry::{MetaSchema, MetaSchemaRef},
    types::{ParseError, ParseFromJSON, ParseFromParameter, ParseResult, ToJSON, Type},
};
use serde_json::Value;
use vestibule_domain::{
    about::ApplicationType,
    account::LinkedBy,
    audit::{Binding, EventName, Outcome, Reason},
    client::{AuthMethod, ConsentMode, GrantType, SigningAlg, SubjectType},
    health::BreakerState,
    login_trace::{Mood, Stretch},
    operator::AdminScope,
    provider::Phase,
    stats::Range,
    time::Timestamp,
};

/// What a text is, for the schema. The rules themselves are the domain's.
pub(crate) trait Kind: 'static {
    const NAME: &'static str;
    fn schema() -> MetaSchema;
}

/// Text of a kind.
pub(crate) struct Text<K>(pub(crate) String, PhantomData<fn() -> K>);

impl<K> Text<K> {
    pub(crate) fn new(text: impl Into<String>) -> Self {
        Self(text.into(), PhantomData)
    }
}

/// A point in time, as RFC 3339 writes it.
pub(crate) struct Moment;

impl Kind for Moment {
    const NAME: &'static str = "moment";
    fn schema() -> MetaSchema {
        MetaSchema::new_with_format("string", "date-time")
    }
}

impl From<Timestamp> for Text<Moment> {
    fn from(at: Timestamp) -> Self {
        Self::new(at.to_string())
    }
}

macro_rules! words {
    ($($kind:ty => $name:literal),+) => {
        $(impl Kind for $kind {
            const NAME: &'static str = $name;
            fn schema() -> MetaSchema {
                MetaSchema { enum_items: Self::ALL.iter().map(|word| word.as_str().into()).collect(), ..MetaSchema::new("string") }
            }
        })+
    };
}
words!(
    ApplicationType => "application_type", GrantType => "grant_type", AuthMethod => "token_endpoint_auth_method", SigningAlg => "signing_alg",
    SubjectType => "subject_type", ConsentMode => "consent", BreakerState => "health", Phase => "phase", LinkedBy => "linked_by", EventName => "event_name", Outcome => "outcome",
    Reason => "reason", Binding => "bound_to", Stretch => "step", Mood => "mood", Range => "range"
);

impl Kind for AdminScope {
    const NAME: &'static str = "scope";
    fn schema() -> MetaSchema {
        MetaSchema { enum_items: Self::all().map(|scope| scope.to_string().into()).collect(), ..MetaSchema::new("string") }
    }
}

impl<K: Kind + std::fmt::Display> From<K> for Text<K> {
    fn from(word: K) -> Self {
        Self::new(word.to_string())
    }
}

impl<K: Kind> Type for Text<K> {
    const IS_REQUIRED: bool = true;
    type RawValueType = Self;
    type RawElementValueType = Self;

    fn name() -> Cow<'static, str> {
        K::NAME.into()
    }

    fn schema_ref() -> MetaSchemaRef {
        MetaSchemaRef::Inline(Box::new(K::schema()))
    }

    fn as_raw_value(&self) -> Option<&Self> {
        Some(self)
    }

    fn raw_element_iter<'a>(&'a self) -> Box<dyn Iterator<Item = &'a Self> + 'a> {
        Box::new(std::iter::once(self))
    }
}

impl<K: Kind> ToJSON for Text<K> {
    fn to_json(&self) -> Option<Value> {
        Some(Value::String(self.0.clone()))
    }
}

/// Whether it is a word of its kind is the handler's to say, in our words.
impl<K: Kind> ParseFromParameter for Text<K> {
    fn parse_from_parameter(value: &str) -> ParseResult<Self> {
        Ok(Self::new(value))
    }
}

/// Asked for by the derived schema; what callers send is read by `body`, which names every fault.
impl<K: Kind> ParseFromJSON for Text<K> {
    fn parse_from_json(value: Option<Value>) -> ParseResult<Self> {
        match value {
            Some(Value::String(text)) => Ok(Self::new(text)),
            other => Err(ParseError::expected_type(other.unwrap_or_default())),
        }
    }
}
