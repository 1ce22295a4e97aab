//! The session a browser has.

use std::{sync::Arc, time::Duration};

use vestibule_domain::{audit::Witness, session::Session, store::StoreError};

use crate::Gateway;

/// A session for a browser's cookie.
#[derive(Clone)]
pub struct SessionCookie {
    /// 256 random bits; only the browser has them.
    pub value: String,
    /// How long the browser keeps it: the session's absolute limit.
    pub max_age: Duration,
}

impl std::fmt::Debug for SessionCookie {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SessionCookie(..)")
    }
}

impl Gateway {
    /// The living session of a cookie, if it is one.
    pub(crate) async fn session_of(&self, witness: &Witness, cookie: Option<&str>) -> Result<Option<Arc<Session>>, StoreError> {
        let Some(cookie) = cookie.filter(|cookie| cookie.len() == 43) else { return Ok(None) };
        let digest = self.sealer.hash(cookie.as_bytes());
        let session = self.store.session(&digest).await?;
        let Some(session) = session.filter(|session| session.is_alive(witness.now, &self.settings.lifetimes)) else { return Ok(None) };
        let account = self.store.account(&session.account).await?;
        Ok(account.filter(|account| !account.disabled).map(|_| session))
    }
}
