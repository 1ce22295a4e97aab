//! Proofs of possession: whoever uses a token shows that they hold the key it is bound to (RFC 9449, RFC 7800). A stolen token alone is worth nothing.

use std::{fmt, time::Duration};

use serde::{Deserialize, Serialize};
use url::Url;

use crate::{
    audit::Binding,
    client::SigningAlg,
    error::{OAuthError, OAuthErrorCode},
    secret::Digest,
    time::Timestamp,
};

/// The SHA-256 that names a public key (RFC 7638) or a certificate (RFC 8705 §3.1).
#[derive(Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Thumbprint(pub Digest);

impl Thumbprint {
    /// Reads 43 characters of base64url, as they stand in a parameter or a claim.
    pub fn parse(text: &str) -> Option<Self> {
        Digest::from_base64url(text).map(Self)
    }
}

/// It is public: it stands in tokens and logs.
impl fmt::Debug for Thumbprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.to_hex())
    }
}

/// What a token is bound to (RFC 7800 §3.1). Each that is there must be shown at every use.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Confirmation {
    /// The key that makes the proofs (`jkt`, RFC 9449 §6.1).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<Thumbprint>,
    /// The certificate of the connection (`x5t#S256`, RFC 8705 §3.1).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub certificate: Option<Thumbprint>,
}

impl Confirmation {
    /// Whether it binds to nothing.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// To what, for the record.
    pub const fn binding(&self) -> Option<Binding> {
        match (&self.key, &self.certificate) {
            (Some(_), _) => Some(Binding::Key),
            (None, Some(_)) => Some(Binding::Certificate),
            (None, None) => None,
        }
    }

    /// Whether everything it binds to was shown.
    pub fn is_met_by(&self, shown: &Self) -> bool {
        let met = |bound: Option<Thumbprint>, shown: Option<Thumbprint>| bound.is_none() || bound == shown;
        met(self.key, shown.key) && met(self.certificate, shown.certificate)
    }

    /// Whether what comes of it is bound too, in the same way, be it to another key or certificate.
    pub fn is_kept_by(&self, shown: &Self) -> bool {
        let kept = |bound: Option<Thumbprint>, shown: Option<Thumbprint>| bound.is_none() || shown.is_some();
        kept(self.key, shown.key) && kept(self.certificate, shown.certificate)
    }
}

/// A DPoP proof whose signature is good: its key was there to sign. Whether it was for this request, [`Proof::check`] says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proof {
    /// Which key.
    pub key: Thumbprint,
    /// By which algorithm it signed.
    pub alg: SigningAlg,
    /// `jti`.
    pub id: String,
    /// `htm`.
    pub method: String,
    /// `htu`.
    pub target: String,
    /// `iat`.
    pub issued: Timestamp,
    /// `nonce`.
    pub nonce: Option<String>,
    /// `ath`: the SHA-256 of the access token it goes with.
    pub token: Option<Digest>,
}

/// The request that a proof came with.
#[derive(Clone, Copy, Debug)]
pub struct ProvenRequest<'a> {
    /// Its method.
    pub method: &'a str,
    /// Its address as clients know it.
    pub address: &'a str,
    /// The SHA-256 of the access token that came along, where one is used.
    pub token: Option<&'a Digest>,
    /// What its client may sign with.
    pub algs: &'a [SigningAlg],
    /// When it came.
    pub now: Timestamp,
}

/// How old a proof may be. A client's clock may be off by this; a proof is used once all the same.
pub const OLDEST: Duration = Duration::from_mins(5);

/// How far ahead of ours a client's clock may be (FAPI 2.0 Security Profile §5.3.2.1: no more than this).
pub const MOST_AHEAD: Duration = Duration::from_mins(1);

/// Why a proof proves nothing (RFC 9449 §4.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ProofFault {
    /// There is none, and there must be one.
    Missing,
    /// There is no certificate of the connection, and there must be one (RFC 8705 §3).
    Certificate,
    /// There is more than one header.
    Several,
    /// It is no JWT, lacks something, or has something too long.
    Malformed,
    /// `typ` is not `dpop+jwt`.
    Type,
    /// `alg` is none of those we check, or not one of the key's.
    Algorithm,
    /// `jwk` is no public key that we can use; most of all, if it is a private one.
    Key,
    /// Its key did not sign it.
    Signature,
    /// `htm` is another method.
    Method,
    /// `htu` is another address.
    Target,
    /// `iat` is too long ago or ahead.
    Time,
    /// `ath` is not of the access token that came along.
    Token,
    /// Its key is not the one that is expected.
    OtherKey,
    /// It was used before.
    Replayed,
    /// It has no `nonce`, or one that is not good any more. No fault of the client: it takes the new one and comes again (§8).
    Nonce,
}

impl Proof {
    /// Whether it is for this request, and for now (RFC 9449 §4.3, 8 to 12; that it was not used before, only a store can say).
    pub fn check(&self, request: &ProvenRequest<'_>) -> Result<(), ProofFault> {
        if !request.algs.contains(&self.alg) {
            return Err(ProofFault::Algorithm);
        }
        // Methods are case-sensitive (RFC 9110 §9.1).
        if self.method != request.method {
            return Err(ProofFault::Method);
        }
        if !is_same_target(&self.target, request.address) {
            return Err(ProofFault::Target);
        }
        let (oldest, latest) = (request.now - OLDEST, request.now + MOST_AHEAD);
        if !(oldest..=latest).contains(&self.issued) {
            return Err(ProofFault::Time);
        }
        // Without this, a proof that was made for one token would let another in (§4.3, 12).
        match (request.token, &self.token) {
            (Some(token), said) if said.as_ref() != Some(token) => Err(ProofFault::Token),
            _ => Ok(()),
        }
    }
}

/// Whether `htu` names our address: after normalisation (RFC 3986 §6.2.2, §6.2.3), without query and fragment (RFC 9449 §4.3, 9).
fn is_same_target(htu: &str, address: &str) -> bool {
    // What the URL parser would mend in silence (RFC 3986 §2: none of it may stand in a URI) is refused.
    if !htu.bytes().all(|b| matches!(b, 0x21..=0x7e) && b != b'\\') {
        return false;
    }
    normal(htu).is_some_and(|sent| Some(sent) == normal(address))
}

fn normal(address: &str) -> Option<String> {
    let mut url = Url::parse(address).ok()?;
    let has_user = !url.username().is_empty() || url.password().is_some();
    if !url.has_host() || has_user {
        return None;
    }
    url.set_query(None);
    url.set_fragment(None);
    let path = unreserved_decoded(url.path());
    url.set_path(&path);
    Some(url.into())
}

/// RFC 3986 §6.2.2.2: `%7E` is `~`; of what stays escaped, the digits are upper case (§6.2.2.1).
fn unreserved_decoded(path: &str) -> String {
    let mut decoded = String::with_capacity(path.len());
    let mut rest = path;
    while let Some((before, escape)) = rest.split_once('%') {
        decoded.push_str(before);
        let byte = escape.get(..2).and_then(|digits| u8::from_str_radix(digits, 16).ok());
        match byte {
            Some(byte) if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) => decoded.push(char::from(byte)),
            _ => {
                decoded.push('%');
                decoded.push_str(&escape.get(..2).unwrap_or_default().to_ascii_uppercase());
            }
        }
        rest = escape.get(2..).unwrap_or_default();
    }
    decoded.push_str(rest);
    decoded
}

impl ProofFault {
    /// For the app's developer.
    pub const fn explanation(self) -> &'static str {
        match self {
            Self::Missing => "a DPoP proof is missing: what this is for is bound to a key",
            Self::Certificate => "a client certificate is missing: what this is for is bound to the certificate of the connection",
            Self::Several => "there is more than one DPoP header",
            Self::Malformed => "the DPoP proof is not a JWT with jwk, jti, htm, htu and iat",
            Self::Type => "typ of the DPoP proof must be dpop+jwt",
            Self::Algorithm => "alg of the DPoP proof is not supported, not one of its key, or not one for this client",
            Self::Key => "jwk of the DPoP proof must be the public half of a key for RS256, PS256, ES256 or EdDSA",
            Self::Signature => "the signature of the DPoP proof is not of its jwk",
            Self::Method => "htm of the DPoP proof is not the method of the request",
            Self::Target => "htu of the DPoP proof is not the address of the request",
            Self::Time => "iat of the DPoP proof is too long ago or lies ahead",
            Self::Token => "ath of the DPoP proof is not the hash of the access token",
            Self::OtherKey => "the DPoP proof is of another key than what it is for",
            Self::Replayed => "the DPoP proof was used before",
            Self::Nonce => "the DPoP proof must have the nonce of the DPoP-Nonce header",
        }
    }

    /// What the app is told at an endpoint of the authorization server (RFC 9449 §5, §8).
    pub fn to_oauth(self) -> OAuthError {
        let code = match self {
            Self::Nonce => OAuthErrorCode::UseDpopNonce,
            Self::Certificate => OAuthErrorCode::InvalidRequest,
            _ => OAuthErrorCode::InvalidDpopProof,
        };
        OAuthError::new(code, self.explanation())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const NOW: Timestamp = Timestamp::from_secs(1_800_000_000);
    const TOKEN: &str = "https://sso.example.com/token";

    fn proof() -> Proof {
        Proof {
            key: Thumbprint(Digest([1; 32])),
            alg: SigningAlg::Es256,
            id: "-BwC3ESc6acc2lTc".into(),
            method: "POST".into(),
            target: TOKEN.into(),
            issued: NOW,
            nonce: None,
            token: None,
        }
    }

    fn request(token: Option<&Digest>) -> ProvenRequest<'_> {
        ProvenRequest { method: "POST", address: TOKEN, token, algs: SigningAlg::ALL, now: NOW }
    }

    #[test]
    fn rfc_9449_section_4_3_htm_is_the_method_letter_by_letter() {
        for (method, verdict) in
            [("POST", Ok(())), ("post", Err(ProofFault::Method)), ("GET", Err(ProofFault::Method)), ("", Err(ProofFault::Method))]
        {
            assert_eq!(Proof { method: method.into(), ..proof() }.check(&request(None)), verdict, "{method}");
        }
    }

    #[test]
    fn attack_58_rfc_9449_section_4_3_htu_is_the_address_in_any_of_its_spellings_and_no_other() {
        for same in [
            TOKEN,
            "HTTPS://SSO.Example.COM/token",
            "https://sso.example.com:443/token",
            "https://sso.example.com/token?grant=x",
            "https://sso.example.com/token#part",
            "https://sso.example.com/%74oken",
            "https://sso.example.com/a/../token",
            "https://sso.example.com/./token",
        ] {
            assert!(is_same_target(same, TOKEN), "{same}");
        }
        for other in [
            "",
            "/token",
            "http://sso.example.com/token",
            "https://sso.example.com:8443/token",
            "https://sso.example.com/Token",
            "https://sso.example.com/token/",
            "https://sso.example.com/token%2f",
            "https://sso.example.com//token",
            "https://sso.example.com/token;x",
            "https://sso.example.com./token",
            "https://sso.example.com.evil/token",
            "https://evil@sso.example.com/token",
            "https://sso.example.com@evil.example/token",
            "https:\\\\sso.example.com\\token",
            " https://sso.example.com/token",
            "https://sso.example.com/tok\nen",
            "https://sso.example.com/userinfo",
            "https://sso.example.com/%",
            "data:https://sso.example.com/token",
        ] {
            assert!(!is_same_target(other, TOKEN), "{other}");
        }
        assert!(is_same_target("https://a.example/%c3%a9%7e", "https://a.example/%C3%A9~"), "of escapes, the case means nothing");
    }

    #[test]
    fn attack_58_rfc_9449_section_4_3_iat_is_within_its_window() {
        let at = |issued| Proof { issued, ..proof() }.check(&request(None));
        for good in [NOW, NOW - OLDEST, NOW + MOST_AHEAD, NOW + Duration::from_secs(10)] {
            assert_eq!(at(good), Ok(()));
        }
        let moment = Duration::from_millis(1);
        for bad in [
            NOW - OLDEST - moment,
            NOW + MOST_AHEAD + moment,
            Timestamp::default(),
            Timestamp::from_secs(i64::MAX),
            Timestamp::from_secs(i64::MIN),
        ] {
            assert_eq!(at(bad), Err(ProofFault::Time));
        }
    }

    #[test]
    fn rfc_9449_section_4_3_ath_is_of_the_token_that_came_along() {
        let (this, other) = (Digest([7; 32]), Digest([8; 32]));
        let with = |token| Proof { token, ..proof() };
        assert_eq!(with(Some(this)).check(&request(Some(&this))), Ok(()));
        assert_eq!(with(Some(other)).check(&request(Some(&this))), Err(ProofFault::Token));
        assert_eq!(with(None).check(&request(Some(&this))), Err(ProofFault::Token));
        assert_eq!(with(Some(other)).check(&request(None)), Ok(()), "where no token is used, it means nothing");
    }

    #[test]
    fn attack_36_what_is_bound_is_met_by_the_same_and_kept_by_another_but_never_by_nothing() {
        let [this, other] = [1, 2].map(|byte| Some(Thumbprint(Digest([byte; 32]))));
        let bound = |key, certificate| Confirmation { key, certificate };
        for (of, shown, is_met, is_kept) in [
            (bound(None, None), bound(None, None), true, true),
            (bound(None, None), bound(this, this), true, true),
            (bound(this, None), bound(this, other), true, true),
            (bound(this, None), bound(other, None), false, true),
            (bound(this, None), bound(None, this), false, false),
            (bound(this, other), bound(this, None), false, false),
            (bound(None, this), bound(this, None), false, false),
        ] {
            assert_eq!((of.is_met_by(&shown), of.is_kept_by(&shown)), (is_met, is_kept), "{of:?} {shown:?}");
        }
    }

    proptest! {
        #[test]
        fn any_address_is_compared_without_a_panic(text in ".{0,120}", path in "[/%.a-z0-9;?#~\\\\-]{0,40}") {
            let _ = is_same_target(&text, TOKEN);
            let (theirs, ours) = (format!("https://evil.example{path}"), format!("https://sso.example.com{path}"));
            prop_assert!(!is_same_target(&theirs, TOKEN));
            let _ = is_same_target(&ours, TOKEN);
        }

        #[test]
        fn an_address_is_its_own_whatever_its_query(path in "(/[a-zA-Z0-9._~-]{1,8}){1,4}", query in "[a-z=&]{0,12}") {
            let address = format!("https://sso.example.com{path}");
            let sent = format!("{address}?{query}");
            prop_assert!(is_same_target(&sent, &address));
        }
    }
}
