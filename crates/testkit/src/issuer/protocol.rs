//! What an honest issuer does, with the changes its manners make.

use base64::{
    Engine,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use serde_json::{Value, json};
use url::{Url, form_urlencoded};
use vestibule_domain::client::SigningAlg;

use super::{CLIENT_ID, CLIENT_SECRET, CallbackIss, Claims, Desk, Person, Place, Seen, manners::changed};

/// What a code stands for.
pub(super) struct Issued {
    redirect_uri: String,
    challenge: Option<String>,
    nonce: Option<String>,
    person: Person,
}

/// An OAuth error.
pub(super) type Refused = (u16, &'static str);

impl Desk {
    pub(super) fn metadata(&self) -> Value {
        let url = self.url();
        let at = |place: Place| format!("{url}{}", place.path());
        let honest = json!({
            "issuer": url,
            "authorization_endpoint": at(Place::Authorize),
            "token_endpoint": at(Place::Token),
            "userinfo_endpoint": at(Place::Userinfo),
            "jwks_uri": at(Place::Keys),
            "response_types_supported": ["code"],
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": [self.lock().keys.alg().as_str()],
            "code_challenge_methods_supported": ["S256"],
            "token_endpoint_auth_methods_supported": ["client_secret_basic", "client_secret_post"],
            "authorization_response_iss_parameter_supported": true,
        });
        Value::Object(changed(object(honest), &self.lock().manners.discovery))
    }

    pub(super) fn jwks(&self) -> Value {
        let state = self.lock();
        state.manners.jwks.clone().unwrap_or_else(|| state.keys.jwks())
    }

    /// Where the browser goes next, or what a page would say.
    pub(super) fn authorize(&self, query: &str) -> Result<Url, String> {
        let parameter =
            |name: &str| form_urlencoded::parse(query.as_bytes()).find(|(key, _)| key == name).map(|(_, value)| value.into_owned());
        if parameter("client_id").as_deref() != Some(CLIENT_ID) || parameter("response_type").as_deref() != Some("code") {
            return Err("no client of mine, or no code flow".into());
        }
        let redirect_uri = parameter("redirect_uri").ok_or("no redirect_uri")?;
        let mut back = Url::parse(&redirect_uri).map_err(|error| error.to_string())?;
        let mut state = self.lock();
        if let Some((code, description)) = state.manners.callback_error.clone() {
            back.query_pairs_mut().append_pair("error", &code).append_pair("error_description", &description);
        } else {
            state.counter += 1;
            let code = format!("code-{}", state.counter);
            back.query_pairs_mut().append_pair("code", &code);
            let (challenge, nonce, person) = (parameter("code_challenge"), parameter("nonce"), state.person.clone());
            state.codes.insert(code, Issued { redirect_uri, challenge, nonce, person });
        }
        if let Some(value) = parameter("state") {
            back.query_pairs_mut().append_pair("state", &value);
        }
        match &state.manners.callback_iss {
            CallbackIss::Right => drop(back.query_pairs_mut().append_pair("iss", &self.url())),
            CallbackIss::Other(iss) => drop(back.query_pairs_mut().append_pair("iss", iss)),
            CallbackIss::Missing => {}
        }
        Ok(back)
    }

    /// The code for tokens. A code works once, for who knows the verifier.
    pub(super) fn token(&self, request: &Seen) -> Result<Value, Refused> {
        if !is_client(request) {
            return Err((401, "invalid_client"));
        }
        if request.field("grant_type") != Some("authorization_code") {
            return Err((400, "unsupported_grant_type"));
        }
        let mut state = self.lock();
        let issued = request.field("code").and_then(|code| state.codes.remove(code)).ok_or((400, "invalid_grant"))?;
        let verified = issued.challenge.as_ref().is_none_or(|challenge| {
            request
                .field("code_verifier")
                .is_some_and(|verifier| URL_SAFE_NO_PAD.encode(state.keys.sha256(verifier.as_bytes())) == *challenge)
        });
        if !verified || request.field("redirect_uri") != Some(&issued.redirect_uri) {
            return Err((400, "invalid_grant"));
        }
        state.counter += 1;
        let access_token = format!("access-{}", state.counter);
        let refresh_token = format!("refresh-{}", state.counter);
        state.access_tokens.insert(access_token.clone(), issued.person.clone());
        drop(state);
        let honest = json!({
            "access_token": access_token,
            "token_type": "Bearer",
            "expires_in": 3600,
            "refresh_token": refresh_token,
            "scope": "openid profile email",
            "id_token": self.id_token(&issued, &access_token),
        });
        Ok(Value::Object(changed(object(honest), &self.lock().manners.token)))
    }

    fn id_token(&self, issued: &Issued, access_token: &str) -> String {
        let now = self.clock.now().as_secs();
        let state = self.lock();
        let mut claims = object(json!({
            "iss": self.url(), "sub": issued.person.sub, "aud": CLIENT_ID, "exp": now + 600, "iat": now, "auth_time": now, "nonce": issued.nonce,
        }));
        // EdDSA hashes with SHA-512, which is not at hand here; `at_hash` is optional.
        if state.keys.alg() != SigningAlg::EdDsa {
            claims.insert("at_hash".into(), URL_SAFE_NO_PAD.encode(&state.keys.sha256(access_token.as_bytes())[..16]).into());
        }
        if state.manners.thick_id_token {
            claims.extend(issued.person.claims.clone());
        }
        let claims = serde_json::to_string(&changed(claims, &state.manners.claims)).expect("an object is JSON");
        let payload = claims.replacen('{', &format!("{{{}", state.manners.claims_prefix), 1);
        state.keys.sign(&state.manners.typ, &state.manners.header, payload.as_bytes(), &state.manners.signature)
    }

    pub(super) fn userinfo(&self, request: &Seen) -> Result<Value, Refused> {
        let state = self.lock();
        let token = request.authorization.as_deref().and_then(|header| header.strip_prefix("Bearer "));
        let person = token.and_then(|token| state.access_tokens.get(token)).ok_or((401, "invalid_token"))?;
        let honest = changed(object(json!({"sub": person.sub})), &person.claims);
        Ok(Value::Object(changed(honest, &state.manners.userinfo)))
    }
}

fn is_client(request: &Seen) -> bool {
    let basic = request.authorization.as_deref().and_then(|header| STANDARD.decode(header.strip_prefix("Basic ")?).ok());
    let encoded = |text: &str| form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>();
    match basic {
        Some(sent) => sent == format!("{}:{}", encoded(CLIENT_ID), encoded(CLIENT_SECRET)).into_bytes(),
        None => request.field("client_id") == Some(CLIENT_ID) && request.field("client_secret") == Some(CLIENT_SECRET),
    }
}

fn object(value: Value) -> Claims {
    match value {
        Value::Object(object) => object,
        _ => Claims::new(),
    }
}
