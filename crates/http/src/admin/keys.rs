//! What the admin API does with signing keys: which there are, and the next one sooner.

mod objects;

use std::sync::Arc;

use poem_openapi::{ApiResponse, OpenApi, payload::Json};
use vestibule_domain::{client::SigningAlg, keys::Pace, operator::Operator, registration::FieldFault};
use vestibule_flows::AdminFault;

use self::objects::{KeyList, RotationObject};
use super::{
    answers::refusals,
    body::Body,
    key::{Caller, Key},
    operations::Group,
    problem::Problem,
    refused::Refused,
};
use crate::house::House;

pub(super) struct Keys {
    pub(super) house: Arc<House>,
}

#[OpenApi]
impl Keys {
    /// List signing keys
    ///
    /// Every key that apps can fetch, by algorithm and date; all at once, as apps fetch them too. They follow one another by
    /// themselves, as `[keys]` in the configuration says.
    #[oai(path = "/keys", method = "get", operation_id = "list_keys", tag = "Group::Keys")]
    async fn list(&self, key: Key) -> Result<Shown, Refused<Listing>> {
        let keys = self.house.gateway.shown_keys().await.map_err(Problem::from)?;
        Ok(Shown::All(Json(KeyList::new(keys, key.0.witness.now))))
    }

    /// Rotate signing keys
    ///
    /// The next key signs sooner than its date says. Planned, it is published as long as every key is before it signs, and no app notices. `at_once`
    /// lets it sign in two minutes, when every node knows it; apps that keep our keys for longer refuse tokens until they fetch them again.
    /// `withdraw` also takes the keys before it away at that moment, and with them every token they signed: for keys that may be in other hands.
    #[oai(path = "/keys/rotate", method = "post", operation_id = "rotate_keys", tag = "Group::Keys")]
    async fn rotate(&self, key: Key, body: Body<RotationObject>) -> Result<Shown, Refused<Rotating>> {
        let Caller { gateway, operator: Operator { actor, .. }, witness } = &key.0;
        let (alg, pace) = asked(&body.0)?;
        let keys = gateway.rotate_keys(witness, actor, alg, pace).await.map_err(second)?;
        Ok(Shown::All(Json(KeyList::new(keys, witness.now))))
    }
}

fn asked(rotation: &RotationObject) -> Result<(Option<SigningAlg>, Pace), Problem> {
    let fault = |pointer: &str, message: String| Problem::invalid(vec![FieldFault { pointer: pointer.to_owned(), message }]);
    let alg = rotation.alg.as_ref().map(|alg| {
        let names: Vec<_> = SigningAlg::ALL.iter().map(|alg| alg.as_str()).collect();
        alg.0.parse().map_err(|()| fault("/alg", format!("must be one of {}", names.join(", "))))
    });
    let pace = match (rotation.at_once, rotation.withdraw) {
        (false, true) => return Err(fault("/withdraw", "needs at_once: what is in other hands is not left to sign".to_owned())),
        (false, false) => Pace::Planned,
        (true, withdraw) => Pace::AtOnce { withdraw },
    };
    Ok((alg.transpose()?, pace))
}

/// There is no `If-Match` for what follows by itself: whoever was first has rotated.
fn second(fault: AdminFault) -> Problem {
    match fault {
        AdminFault::PreconditionFailed(_) => Problem::changed_meanwhile(),
        fault => fault.into(),
    }
}

#[derive(ApiResponse)]
enum Shown {
    /// The keys.
    #[oai(status = 200)]
    All(Json<KeyList>),
}

refusals! {
    Listing: [];
    Rotating: [
        400 => "`invalid_json`: the body is not an object in JSON.",
        409 => "`changed_meanwhile`: somebody rotated in the same moment; look at the keys and decide again.",
        413 => "`too_large`: the body is larger than 64 KiB.",
        415 => "`unsupported_media_type`: the body is not sent as `application/json`.",
        422 => "`invalid_fields`: there is no key of that algorithm, or `withdraw` comes without `at_once`.",
    ];
}
