//! What the gateway itself says an app is: its fields, out of the OpenAPI document it publishes. So a gateway of another version is taken at its word, and a
//! name that is none is told with the one that was meant.

use std::collections::BTreeSet;

use super::declared::{Declared, Kind};
use crate::{
    failure::Failure,
    remote::{Remote, strangers},
};

/// The names of the fields of an app.
#[derive(Debug)]
pub(super) struct Contract(BTreeSet<String>);

impl Contract {
    /// Asks for it.
    pub(super) async fn of(remote: &Remote) -> Result<Self, Failure> {
        let mut fields = remote.fields("Registration").await?;
        fields.remove(Kind::Client.id());
        Ok(Self(fields))
    }

    /// Whether it is a field of such a thing.
    pub(super) fn knows(&self, kind: Kind, name: &str) -> bool {
        kind == Kind::Client && self.0.contains(name)
    }

    /// Fields that are none.
    pub(super) fn faults(&self, one: &Declared) -> Vec<String> {
        match (one.kind, one.body.as_object()) {
            (Kind::Client, Some(fields)) => strangers(&self.0, fields.keys()),
            _ => Vec::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn contract() -> Contract {
        let fields = ["client_name", "scope", "grant_types", "redirect_uris", "entry", "release", "consent", "jwks_uri", "disabled"];
        Contract(fields.map(str::to_owned).into())
    }

    fn client(body: Value) -> Declared {
        Declared { kind: Kind::Client, id: "app".into(), body, file: "app.toml".into() }
    }

    #[test]
    fn a_field_that_is_none_is_told_with_what_was_meant() {
        let wrong = client(json!({ "client_name": "App", "redirect_uri": "x", "colour": 1 }));
        assert_eq!(contract().faults(&wrong), ["colour is not a field", "redirect_uri is not a field; did you mean redirect_uris?"]);
    }
}
