//! Telling apps that a session has ended (OpenID Connect Back-Channel Logout 1.0, Front-Channel Logout 1.0).

use std::time::Duration;

use serde::{Deserialize, Serialize};
use url::Url;

use crate::{
    ids::{AccountId, ClientId, SessionId},
    redirect::RegisteredUri,
    registration::FieldFault,
    time::Timestamp,
};

/// How a client wants to hear of the end of sessions.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct LogoutRegistration {
    /// Where logout tokens are posted to (Back-Channel Logout 1.0 §2.2).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub backchannel_uri: Option<RegisteredUri>,
    /// Whether it can do nothing without a `sid` in them.
    pub backchannel_session_required: bool,
    /// What the signed-out page loads in a frame (Front-Channel Logout 1.0 §2).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub frontchannel_uri: Option<RegisteredUri>,
    /// Whether it can do nothing without `iss` and `sid` in its address.
    pub frontchannel_session_required: bool,
}

impl LogoutRegistration {
    /// Whether it is told anything at all.
    pub const fn is_told(&self) -> bool {
        self.backchannel_uri.is_some() || self.frontchannel_uri.is_some()
    }
}

/// The same as it was written.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[expect(missing_docs, reason = "the fields are those of [`LogoutRegistration`]")]
pub struct LogoutDraft {
    pub backchannel_uri: Option<String>,
    pub backchannel_session_required: bool,
    pub frontchannel_uri: Option<String>,
    pub frontchannel_session_required: bool,
}

impl LogoutDraft {
    /// The registration; what is wrong with it is added to `faults`.
    pub fn check(&self, redirect_uris: &[RegisteredUri], pairwise: bool, faults: &mut Vec<FieldFault>) -> LogoutRegistration {
        let mut add = |pointer: &str, message: String| faults.push(FieldFault { pointer: pointer.to_owned(), message });
        let mut read = |pointer: &str, text: Option<&str>, required: bool| {
            let Some(text) = text else {
                if required {
                    add(&format!("{pointer}_session_required"), format!("is true without {}_uri", &pointer[1..]));
                }
                return None;
            };
            if pairwise && required {
                // A `sid` is the same at every client, so it would tell two sectors that two of their people are one.
                let message = "can't be true with the subject_type pairwise: such a client is told who signed out, and of no session";
                add(&format!("{pointer}_session_required"), message.to_owned());
            }
            match RegisteredUri::parse(text) {
                Ok(uri) if web(&uri).is_some() => Some(uri),
                Ok(_) => {
                    add(&format!("{pointer}_uri"), "is not a web address; begin it with https://".to_owned());
                    None
                }
                Err(error) => {
                    add(&format!("{pointer}_uri"), error.to_string());
                    None
                }
            }
        };
        let backchannel_uri = read("/backchannel_logout", self.backchannel_uri.as_deref(), self.backchannel_session_required);
        let frontchannel_uri = read("/frontchannel_logout", self.frontchannel_uri.as_deref(), self.frontchannel_session_required);
        // Our page frames it, so an address elsewhere would let whoever registers show a stranger's page under our name (§2).
        let at_home = |uri: &RegisteredUri| redirect_uris.iter().any(|home| web(home).is_some_and(|home| Some(home) == web(uri)));
        if frontchannel_uri.as_ref().is_some_and(|uri| !at_home(uri)) {
            add("/frontchannel_logout_uri", "must have the scheme, host and port of one of redirect_uris".to_owned());
        }
        LogoutRegistration {
            backchannel_uri,
            backchannel_session_required: self.backchannel_session_required,
            frontchannel_uri,
            frontchannel_session_required: self.frontchannel_session_required,
        }
    }
}

/// The origin of a web address; nothing for a private-use scheme.
fn web(uri: &RegisteredUri) -> Option<String> {
    let url = Url::parse(uri.as_str()).ok()?;
    matches!(url.scheme(), "https" | "http").then(|| url.origin().ascii_serialization())
}

/// That a client got tokens in a session and is to hear of its end. Outlives the grants: an app's own session lasts longer than its tokens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Participant {
    /// In which session.
    pub session: SessionId,
    /// Which client.
    pub client: ClientId,
    /// Whose session it is.
    pub account: AccountId,
    /// When it may be forgotten if the session is gone by then.
    pub expires: Timestamp,
}

/// A client that is to be told now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DueLogout {
    /// Which session ended.
    pub session: SessionId,
    /// Whom to tell.
    pub client: ClientId,
    /// Who was signed in.
    pub account: AccountId,
    /// How often it was tried.
    pub attempts: u32,
}

/// How often a client is tried before it is given up.
pub const MOST_ATTEMPTS: u32 = 8;

/// How long after each attempt the next one comes, in all about 21 hours. The first is also how long a node that took a delivery has for it before
/// another takes it, so it must be longer than a delivery may last.
const PAUSES: [Duration; MOST_ATTEMPTS as usize] = [
    Duration::from_secs(30),
    Duration::from_mins(2),
    Duration::from_mins(10),
    Duration::from_mins(30),
    Duration::from_hours(2),
    Duration::from_hours(6),
    Duration::from_hours(12),
    // After the last one: whoever finds it still there tells that it failed.
    Duration::from_mins(1),
];

impl DueLogout {
    /// When it is due again if the attempt that begins now comes to nothing.
    pub fn next(&self, now: Timestamp) -> Timestamp {
        let pause = PAUSES.get(self.attempts as usize).copied().unwrap_or(PAUSES[PAUSES.len() - 1]);
        now + pause
    }

    /// Whether the attempt that begins now is the last.
    pub const fn is_last(&self) -> bool {
        self.attempts + 1 >= MOST_ATTEMPTS
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn checked(draft: &LogoutDraft, pairwise: bool) -> Result<LogoutRegistration, Vec<String>> {
        let home = [RegisteredUri::parse("https://app.example.com/cb").unwrap(), RegisteredUri::parse("com.example.app:/cb").unwrap()];
        let mut faults = Vec::new();
        let checked = draft.check(&home, pairwise, &mut faults);
        if faults.is_empty() { Ok(checked) } else { Err(faults.into_iter().map(|fault| fault.pointer).collect()) }
    }

    #[test]
    fn back_channel_logout_section_2_2_the_address_is_a_web_address_without_a_fragment() {
        let draft = |uri: &str| LogoutDraft { backchannel_uri: Some(uri.into()), ..LogoutDraft::default() };
        for good in ["https://app.example.com/bye", "https://elsewhere.example:8443/bye?x=1", "http://127.0.0.1:9000/bye"] {
            assert!(checked(&draft(good), true).unwrap().is_told(), "{good}");
        }
        for bad in ["http://app.example.com/bye", "com.example.app:/bye", "https://a.example/#x", "file:///etc/passwd", "/bye", ""] {
            assert_eq!(checked(&draft(bad), false), Err(vec!["/backchannel_logout_uri".into()]), "{bad}");
        }
    }

    #[test]
    fn front_channel_logout_section_2_the_address_has_the_origin_of_a_redirect_uri() {
        let draft = |uri: &str| LogoutDraft { frontchannel_uri: Some(uri.into()), ..LogoutDraft::default() };
        assert!(checked(&draft("https://app.example.com/other?x=1"), false).unwrap().is_told());
        for bad in ["https://app.example.com:444/", "https://www.app.example.com/", "https://evil.example/", "com.example.app:/cb"] {
            assert_eq!(checked(&draft(bad), false), Err(vec!["/frontchannel_logout_uri".into()]), "{bad}");
        }
    }

    #[test]
    fn a_pairwise_client_can_t_ask_for_a_session_and_nobody_can_without_an_address() {
        let all = LogoutDraft {
            backchannel_uri: Some("https://app.example.com/b".into()),
            backchannel_session_required: true,
            frontchannel_uri: Some("https://app.example.com/f".into()),
            frontchannel_session_required: true,
        };
        assert!(checked(&all, false).is_ok());
        let both = Err(vec!["/backchannel_logout_session_required".into(), "/frontchannel_logout_session_required".into()]);
        assert_eq!(checked(&all, true), both);
        assert_eq!(checked(&LogoutDraft { backchannel_uri: None, frontchannel_uri: None, ..all }, false), both);
    }

    #[test]
    fn attempts_are_further_and_further_apart_and_end() {
        let now = Timestamp::default();
        let due = |attempts| DueLogout {
            session: SessionId(uuid::Uuid::nil()),
            client: ClientId::parse("app").unwrap(),
            account: AccountId(uuid::Uuid::nil()),
            attempts,
        };
        let pauses: Vec<_> = (0..MOST_ATTEMPTS - 1).map(|attempts| due(attempts).next(now)).collect();
        assert!(pauses.is_sorted() && pauses[0] > now + Duration::from_secs(15));
        assert!(!due(MOST_ATTEMPTS - 2).is_last() && due(MOST_ATTEMPTS - 1).is_last() && due(u32::MAX - 1).is_last());
    }
}
