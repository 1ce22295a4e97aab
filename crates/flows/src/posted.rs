//! What a provider posts to our callback, on its way to where our cookies are.
//!
//! Apple answers with a form that comes from its own site, and a browser sends no Lax cookie along with that. So what was posted is sealed into an
//! address of ours and the browser asks again by GET, which carries the cookies and shows nobody the code, or the person's name, in between.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use vestibule_domain::{
    audit::Witness,
    ids::ProviderId,
    secret::{Purpose, Sealed},
    time::Timestamp,
};

use crate::{Gateway, codec};

/// A browser follows a redirect at once.
const GOOD_FOR: Duration = Duration::from_mins(2);
/// Apple's answers are below two kilobytes; addresses above eight are cut by proxies.
const LONGEST: usize = 4_096;

#[derive(Serialize, Deserialize)]
struct Posted {
    at: Timestamp,
    form: String,
}

impl Gateway {
    /// Seals a posted form for the address of `provider`'s callback; nothing if it is too long to be an answer.
    pub fn seal_posted(&self, witness: &Witness, provider: &str, form: &str) -> Option<String> {
        let known = ProviderId::parse(provider).is_ok_and(|id| self.doorkeeper.last_known().find(&id).is_some());
        let plain = serde_json::to_vec(&Posted { at: witness.now, form: form.to_owned() }).ok();
        let plain = plain.filter(|plain| known && plain.len() <= LONGEST)?;
        Some(codec::encode(&self.sealer.seal(Purpose::PostedCallback, provider.as_bytes(), &plain).0))
    }

    /// Opens it: for the same provider and not long after.
    pub fn open_posted(&self, witness: &Witness, provider: &str, sealed: &str) -> Option<String> {
        let sealed = Sealed(codec::decode(sealed).filter(|_| sealed.len() <= LONGEST * 2)?);
        let plain = self.sealer.open(Purpose::PostedCallback, provider.as_bytes(), &sealed)?;
        let posted: Posted = serde_json::from_slice(&plain).ok()?;
        (witness.now.since(posted.at) <= GOOD_FOR).then_some(posted.form)
    }
}
