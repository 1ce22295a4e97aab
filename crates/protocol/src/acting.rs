//! Who acts by a token, and who may, on the wire (RFC 8693 §4.1, §4.4). Apps act here, under the names that the tokens of their own have.

use serde::{Deserialize, Serialize};
use vestibule_domain::{actors::Actors, ids::ClientId, token::Subject};

/// The claim `act`: who acts now, and within it who acted before.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ActorClaim {
    sub: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    act: Option<Box<Self>>,
}

impl ActorClaim {
    /// The claim of a chain; nothing for a token that nobody but its own app acts by.
    pub fn of(actors: &Actors) -> Option<Self> {
        actors.iter().rev().fold(None, |act, actor| Some(Self { sub: name_of(actor), act: act.map(Box::new) }))
    }

    /// Reads it again. Nothing if an actor can't be read or there are too many: a chain that is cut would hide who acts.
    pub fn read(&self) -> Option<Actors> {
        let mut chain = Vec::new();
        let mut next = Some(self);
        while let Some(claim) = next {
            // Counted on the way: how deep it goes is for whoever wrote it to say.
            if chain.len() == Actors::MOST {
                return None;
            }
            chain.push(read_name(&claim.sub)?);
            next = claim.act.as_deref();
        }
        Actors::new(chain)
    }
}

/// The claim `may_act`: who alone may act.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MayActClaim {
    sub: String,
}

impl MayActClaim {
    /// The claim that names this app.
    pub fn of(client: &ClientId) -> Self {
        Self { sub: name_of(client) }
    }

    /// Reads it again. Nothing if it names no app: what can't be read must not be taken for a rule that isn't there.
    pub fn read(&self) -> Option<ClientId> {
        read_name(&self.sub)
    }
}

fn name_of(client: &ClientId) -> String {
    Subject::Client(client.clone()).to_claim()
}

fn read_name(text: &str) -> Option<ClientId> {
    match Subject::from_claim(text)? {
        Subject::Client(id) => Some(id),
        Subject::Account(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use proptest::{collection::vec, prelude::*};
    use serde_json::{Value, json};

    use super::*;

    fn read(claim: &Value) -> Option<Actors> {
        serde_json::from_value::<ActorClaim>(claim.clone()).ok()?.read()
    }

    fn nested(depth: usize) -> Value {
        (0..depth).fold(Value::Null, |act, at| {
            let sub = format!("client:app-{at}");
            if act.is_null() { json!({ "sub": sub }) } else { json!({ "sub": sub, "act": act }) }
        })
    }

    #[test]
    fn rfc_8693_section_4_1_the_outermost_acts_and_those_within_acted_before() {
        let actors = Actors::new(["now", "before"].map(|id| ClientId::parse(id).unwrap()).to_vec()).unwrap();
        let claim = serde_json::to_value(ActorClaim::of(&actors)).unwrap();
        assert_eq!(claim, json!({ "sub": "client:now", "act": { "sub": "client:before" } }));
        assert_eq!(read(&claim), Some(actors));
        assert_eq!(ActorClaim::of(&Actors::default()), None);
    }

    #[test]
    fn attack_52_a_chain_that_is_too_deep_or_names_no_app_is_none() {
        assert!(read(&nested(Actors::MOST)).is_some());
        for depth in [Actors::MOST + 1, 100] {
            assert_eq!(read(&nested(depth)), None, "{depth}");
        }
        let person = "0199c0de-0000-7000-8000-000000000001";
        for bad in [
            json!({}),
            json!([]),
            json!({ "sub": person }),
            json!({ "sub": "client:" }),
            json!({ "sub": "client:a", "act": {} }),
            json!({ "sub": "client:a", "iss": "https://else.example" }),
            json!({ "sub": ["client:a"] }),
            json!({ "sub": "client:a b" }),
        ] {
            assert_eq!(read(&bad), None, "{bad}");
        }
    }

    fn any_json() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![Just(Value::Null), any::<bool>().prop_map(Value::from), "client:[a-z ]{0,4}|.{0,12}".prop_map(Value::from)];
        leaf.prop_recursive(6, 32, 4, |inner| {
            prop_oneof![
                vec(inner.clone(), 0..3).prop_map(Value::from),
                vec(("sub|act|iss", inner), 0..3).prop_map(|pairs| Value::Object(pairs.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn what_is_written_reads_the_same(ids in vec("[A-Za-z0-9._~-]{1,100}", 0..=Actors::MOST)) {
            let ids = ids.into_iter().map(|id| ClientId::parse(id).unwrap()).collect();
            let actors = Actors::new(ids).unwrap();
            let claim = ActorClaim::of(&actors);
            prop_assert_eq!(claim.map_or_else(Actors::default, |claim| read(&serde_json::to_value(claim).unwrap()).unwrap()), actors);
        }

        #[test]
        fn whatever_else_comes_is_read_or_refused_and_what_is_read_is_whole(claim in any_json()) {
            if let Some(actors) = read(&claim) {
                prop_assert!(!actors.is_empty());
                prop_assert_eq!(read(&serde_json::to_value(ActorClaim::of(&actors)).unwrap()), Some(actors));
            }
        }
    }
}
