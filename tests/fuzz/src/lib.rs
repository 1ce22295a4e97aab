//! What strangers send, as bytes from a fuzzer: each function reads them as the gateway would, and insists on what must hold of everything that was
//! let through. Each says whether anything was, so that a test can see that the seeds get that far.
//!
//! Plain functions, because coverage wants a compiler of its own and they do not: `cargo test --lib` runs them over the seeds anywhere.
#![forbid(unsafe_code)]
#![warn(missing_docs)]

use std::{borrow::Cow, sync::LazyLock, time::Duration};

use base64::{
    Engine,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use serde_json::{Map, Value, json};
use url::{Host, Url, form_urlencoded};
use vestibule_domain::{
    account::Release,
    assertion,
    authorize::{Asked, PageFault, Rejection},
    certificate::DistinguishedName,
    claims_request::{ClaimsRequest, WantedClaims},
    client::{Client, Origin, SigningAlg},
    client_document::{DocumentFault, FetchedDocument},
    error::OAuthError,
    ids::ClientId,
    possession::{self, Proof, ProvenRequest, Thumbprint},
    redirect::{RegisteredUri, first_difference},
    registration::{Draft, FieldFault, Offered},
    request_object,
    secret::Digest,
    self_registration::{SAYABLE, SelfRegistration},
    signed::SignedJwt,
    time::Timestamp,
};
use vestibule_protocol::{
    authorization::Authorization,
    certificate, claims_request, dpop, json,
    jwt::{self, Unverified},
    key_set::{self, Numbers},
    parameters::{MOST_PAIRS, Parameters},
    registration::read_metadata,
};

/// A function for each target, by the name of its file in `targets/` and of its folder in `corpus/`.
pub const TARGETS: [(&str, fn(&[u8]) -> bool); 13] = [
    ("authorization_header", authorization_header),
    ("authorization_request", authorization_request),
    ("certificate_header", certificate_header),
    ("claims_parameter", claims_parameter),
    ("client_assertion", client_assertion),
    ("client_certificate", client_certificate),
    ("client_document", client_document),
    ("client_metadata", client_metadata),
    ("dpop_proof", dpop_proof),
    ("key_set", key_set),
    ("redirect_uri", redirect_uri),
    ("request_object", request_object),
    ("strict_json", strict_json),
];

const NOW: Timestamp = Timestamp::from_secs(1_800_000_000);
const ISSUER: &str = "https://sso.example.com";
const TOKEN: &str = "https://sso.example.com/token";
const API: &str = "https://api.example.com/";
const CALLBACK: &str = "https://app.example.com/cb";

/// Members that only a private or a symmetric key has.
const PRIVATE: [&str; 8] = ["d", "p", "q", "dp", "dq", "qi", "oth", "k"];

static OFFERED: LazyLock<Offered> =
    LazyLock::new(|| Offered { algorithms: SigningAlg::ALL.to_vec(), client_certificates: true, ..Offered::default() });

static RULES: LazyLock<SelfRegistration> = LazyLock::new(|| SelfRegistration {
    metadata_documents: true,
    audiences: vec!["https://mcp.example.com".into()],
    ..SelfRegistration::default()
});

/// An app that an operator registered, for requests to be held against.
static CLIENT: LazyLock<Client> = LazyLock::new(|| {
    let draft = Draft {
        name: "App".into(),
        redirect_uris: vec![CALLBACK.into(), "http://127.0.0.1/cb".into()],
        audiences: vec![API.into()],
        jwks_uri: Some("https://app.example.com/jwks".into()),
        scope: "openid email".into(),
        ..Draft::default()
    };
    draft.check("app", &OFFERED, NOW).expect("a good registration")
});

/// The `Authorization` header: credentials are read whole or not at all, and none is ever printed.
pub fn authorization_header(data: &[u8]) -> bool {
    let Ok(read) = Authorization::parse(data) else { return false };
    assert!(["Basic(..)", "Bearer(..)", "DPoP(..)"].contains(&format!("{read:?}").as_str()));
    match &read {
        Authorization::Basic { id, secret } => {
            let halves = [id, secret].map(|half| form_urlencoded::byte_serialize(half.as_bytes()).collect::<String>()).join(":");
            let again = Authorization::parse(format!("Basic {}", STANDARD.encode(halves)).as_bytes());
            assert!(again.is_ok_and(|again| again == read), "what was read is what a client would send");
        }
        Authorization::Bearer(token) | Authorization::Dpop(token) => {
            assert!(!token.is_empty() && data.ends_with(token.as_bytes()));
            assert!(token.bytes().all(|b| b.is_ascii_graphic() && !b"\"',;:\\".contains(&b)));
        }
    }
    true
}

/// A query string or form body, and the authorization request in it.
pub fn authorization_request(data: &[u8]) -> bool {
    let Ok(mut parameters) = Parameters::parse(data) else { return false };
    // The library puts U+FFFD for what it can't read. Ours refuses that, and the rest both read alike.
    let pairs: Vec<(String, String)> = form_urlencoded::parse(data).into_owned().collect();
    let values = |name: &str| pairs.iter().filter(|(key, _)| key == name).map(|(_, value)| value.clone()).collect::<Vec<_>>();
    let filled = |name: &str| values(name).into_iter().filter(|value| !value.is_empty()).collect::<Vec<_>>();
    let twice: Vec<&str> = Asked::NAMES.into_iter().filter(|name| values(name).len() > 1).collect();
    assert!(pairs.len() <= MOST_PAIRS);
    assert_eq!(format!("{parameters:?}"), format!("Parameters({} pairs)", pairs.len()), "and no value");
    assert_eq!(parameters.repeated(&Asked::NAMES), twice);
    for name in Asked::NAMES {
        assert_eq!(parameters.get(name), filled(name).first().map(String::as_str), "{name}");
    }
    let asked = Asked::read(|name| parameters.take(name));
    let claims = parameters.take("claims").map(|text| claims_request::read(&text));
    assert_eq!(parameters.repeated(&Asked::NAMES), twice, "a name that came twice is known when it is taken");
    let resources = parameters.take_all("resource");
    assert_eq!(resources, filled("resource"));
    is_within_registration(Asked { claims, resources, repeated: twice, ..asked })
}

/// A certificate as a proxy passes it on, and a chain of them.
pub fn certificate_header(data: &[u8]) -> bool {
    let Ok(text) = std::str::from_utf8(data) else { return false };
    let chain = certificate::chain_from_header(text);
    if let Some(chain) = &chain {
        assert!(chain.len() <= 10 && chain.iter().map(Vec::len).sum::<usize>() <= text.len());
    }
    let Some(der) = certificate::from_header(text) else { return chain.is_some_and(|chain| chain.len() > 1) };
    assert!(der.len() <= text.len() && text.trim().len() <= certificate::LONGEST * 3);
    let field = format!(":{}:", STANDARD.encode(&der));
    assert_eq!(certificate::from_header(&field).as_ref(), Some(&der));
    assert!(!text.trim().starts_with(':') || text.trim() == field, "a byte sequence is written in one way");
    true
}

/// The `claims` parameter: it is kept in a cookie, and lets nothing out that scopes do not.
pub fn claims_parameter(data: &[u8]) -> bool {
    let Ok(text) = std::str::from_utf8(data) else { return false };
    let Ok(read) = claims_request::read(text) else { return false };
    is_bounded(&read);
    let kept = serde_json::to_string(&read).expect("it is kept as JSON");
    assert!(kept.len() <= text.len() + 300, "a cookie is not longer than what it was made from");
    assert_eq!(serde_json::from_str::<ClaimsRequest>(&kept).ok().as_ref(), Some(&read));
    let known = read.clone().known_by(&CLIENT);
    assert!(known.wanted.scopes().within(&CLIENT.scopes));
    assert!(known.wanted.id_token.is_subset(&read.wanted.id_token) && known.wanted.userinfo.is_subset(&read.wanted.userinfo));
    true
}

/// A JWT by which a client says who it is.
pub fn client_assertion(data: &[u8]) -> bool {
    let Some(token) = token(data) else { return false };
    let Ok(read) = jwt::parse(&token) else { return false };
    is_taken_apart(&token, &read);
    let signed = signed(read);
    let Ok(assertion) = assertion::check(&signed, &CLIENT.id, &[ISSUER, TOKEN], NOW) else { return false };
    let claim = |name: &str| signed.claims.get(name);
    let ahead = |name: &str| claim(name).and_then(Value::as_f64).is_some_and(|secs| secs >= 1_800_000_011.0);
    assert!(claim("iss") == Some(&json!("app")) && claim("sub") == Some(&json!("app")));
    assert!(claim("aud") == Some(&json!(ISSUER)) || claim("aud") == Some(&json!(TOKEN)), "for us, and for nobody else");
    assert!(assertion.expires > NOW && assertion.expires <= NOW + assertion::LONGEST + assertion::CLOCKS_DIFFER);
    assert!(!ahead("nbf") && !ahead("iat"));
    assert!((1..=255).contains(&assertion.jti.len()) && claim("jti") == Some(&json!(assertion.jti)));
    assert!(signed.typ.is_none_or(|typ| !typ.to_ascii_lowercase().contains("at+jwt") && !typ.to_ascii_lowercase().contains("dpop")));
    true
}

/// A client's certificate in DER.
pub fn client_certificate(data: &[u8]) -> bool {
    let thumbprint = Digest([7; 32]);
    let Some(read) = certificate::read(data, thumbprint, false) else { return false };
    assert!(!read.trusted && read.thumbprint == thumbprint, "what it says changes nothing about who vouches for it");
    assert!(data.len() <= certificate::LONGEST);
    let texts = read.dns.iter().chain(&read.uris).chain(&read.emails).map(String::len).sum::<usize>();
    assert!(texts + read.ips.len() * 4 <= data.len());
    assert!(certificate::read(&[data, &[0]].concat(), thumbprint, false).is_none(), "nothing may follow it");
    // An operator registers a subject as text. Two subjects must not be one text.
    if let Ok(again) = read.subject.to_string().parse::<DistinguishedName>() {
        assert_eq!(again, read.subject);
    }
    true
}

/// The address of a client's document, a line break, and the document.
pub fn client_document(data: &[u8]) -> bool {
    let Some((address, body)) = halves(data) else { return false };
    let Ok(id) = std::str::from_utf8(address).map_err(drop).and_then(|text| ClientId::parse(text).map_err(drop)) else { return false };
    if RULES.takes_documents_from(&id).is_err() {
        return false;
    }
    let url = Url::parse(id.as_str()).expect("an address");
    assert!(url.as_str() == id.as_str() && url.scheme() == "https" && url.host_str() == id.document_host().as_deref());
    assert!(url.username().is_empty() && url.password().is_none() && url.fragment().is_none());
    let Ok(Value::Object(members)) = json::parse_strict(body) else { return false };
    let speaks_of_secret = members.keys().any(|name| name.starts_with("client_secret"));
    let Ok(document) = fetched(members) else { return false };
    let names_itself = document.client_id.as_deref() == Some(id.as_str());
    let Ok(known) = RULES.read_document(&id, document, &OFFERED, NOW) else { return false };
    assert!(names_itself && known.client.id == id, "a document speaks for its own address alone");
    assert!(!speaks_of_secret && !known.client.auth_method.has_secret(), "what everybody can read is no secret");
    assert!(!known.client.is_vetted() && known.client.origin == Origin::MetadataDocument { kept_until: NOW + RULES.unused });
    assert!(known.fresh_until >= NOW + Duration::from_mins(1) && known.fresh_until <= NOW + Duration::from_hours(24));
    is_for_strangers(&known.client);
    true
}

/// What an app sends to register itself.
pub fn client_metadata(data: &[u8]) -> bool {
    let Ok(Value::Object(members)) = json::parse_strict(data) else { return false };
    let client = read_metadata(members).and_then(|asked| RULES.bound(asked)).and_then(|draft| draft.check("app", &OFFERED, NOW));
    match client.and_then(SelfRegistration::settle) {
        Ok(client) => {
            is_for_strangers(&client);
            true
        }
        Err(faults) => {
            repeat_nothing(&faults);
            false
        }
    }
}

/// A DPoP proof.
pub fn dpop_proof(data: &[u8]) -> bool {
    let Some(token) = token(data) else { return false };
    let Ok(read) = dpop::parse(&token) else { return false };
    let taken = jwt::parse(&token).expect("a proof is a JWT");
    is_taken_apart(&token, &taken);
    assert!(taken.header.typ.is_some_and(|typ| typ.eq_ignore_ascii_case("dpop+jwt")) && read.key.fits(read.alg));
    let header = token.split('.').next().and_then(|part| URL_SAFE_NO_PAD.decode(part).ok()).expect("a header");
    let header: Value = serde_json::from_slice(&header).expect("JSON");
    assert!(PRIVATE.iter().all(|name| header["jwk"].get(name).is_none()), "a private key was seen by everybody on the way");
    has_one_form(&read.key);
    let claims = read.claims;
    let fits = |text: &str, longest: usize| (1..=longest).contains(&text.len());
    assert!(fits(&claims.jti, 256) && fits(&claims.htm, 256) && fits(&claims.htu, 2048));
    assert!(claims.nonce.as_deref().is_none_or(|nonce| fits(nonce, 256)));
    let proof = Proof {
        key: Thumbprint(Digest([1; 32])),
        alg: read.alg,
        id: claims.jti,
        method: claims.htm,
        target: claims.htu,
        issued: claims.iat,
        nonce: claims.nonce,
        token: claims.ath,
    };
    let request = ProvenRequest { method: "POST", address: TOKEN, token: None, algs: SigningAlg::ALL, now: NOW };
    let other = Digest([2; 32]);
    assert!(proof.check(&ProvenRequest { token: Some(&other), ..request }).is_err() || proof.token == Some(other));
    if proof.check(&request).is_err() {
        return false;
    }
    let target = Url::parse(&proof.target).expect("an address");
    assert!(proof.method == "POST" && target.origin() == Url::parse(TOKEN).expect("an address").origin());
    assert!(target.username().is_empty() && target.password().is_none() && target.path_segments().is_some_and(|path| path.count() == 1));
    assert!(proof.issued >= NOW - possession::OLDEST && proof.issued <= NOW + possession::MOST_AHEAD);
    true
}

/// A set of keys that a client publishes.
pub fn key_set(data: &[u8]) -> bool {
    let Ok(keys) = key_set::read(data) else { return false };
    assert!(data.len() <= key_set::LONGEST && (1..=key_set::MOST_KEYS).contains(&keys.len()));
    let written: Value = serde_json::from_slice(data).expect("JSON");
    let members = written["keys"].as_array().into_iter().flatten();
    assert!(members.flat_map(|key| PRIVATE.map(|name| key.get(name))).all(|private| private.is_none()));
    for (at, key) in keys.iter().enumerate() {
        assert!(key.kid.is_none() || keys[..at].iter().all(|other| other.kid != key.kid), "a name is of one key");
        assert!(key.alg.is_none_or(|alg| key.numbers.fits(alg)));
        has_one_form(&key.numbers);
    }
    true
}

/// An address to register, a line break, and one to ask for.
pub fn redirect_uri(data: &[u8]) -> bool {
    let Ok(text) = std::str::from_utf8(data) else { return false };
    let (registered, asked) = text.split_once('\n').unwrap_or((text, text));
    let Ok(uri) = RegisteredUri::parse(registered) else { return false };
    is_safe(&uri);
    assert!(uri.admits(registered).is_some());
    let Some(admitted) = uri.admits(asked) else {
        assert!(first_difference(&[uri], asked).is_some());
        return false;
    };
    assert_eq!(admitted.as_str(), asked);
    let sent = Url::parse(asked).expect("an address");
    if asked != registered {
        let meant = Url::parse(registered).expect("an address");
        assert!(matches!(sent.host_str(), Some("127.0.0.1" | "[::1]")) && sent.host() == meant.host(), "only a port of loopback is free");
        assert!(sent.scheme() == "http" && sent.username().is_empty() && sent.password().is_none() && sent.fragment().is_none());
        assert!(sent.path() == meant.path() && sent.query() == meant.query());
    }
    let ours = [("code", "ours"), ("state", "a&code=b #%00"), ("iss", ISSUER)];
    let answered = Url::parse(&admitted.with(&ours)).expect("an address");
    for (name, value) in ours {
        let values: Vec<_> = answered.query_pairs().filter(|(key, _)| key == name).map(|(_, value)| value.into_owned()).collect();
        assert_eq!(values, [value], "{name} is what we say");
    }
    let place = |url: &Url| (url.scheme().to_owned(), url.host_str().map(str::to_owned), url.port(), url.path().to_owned());
    assert_eq!(place(&answered), place(&sent));
    true
}

/// A request that a client signed; the signature was found good.
pub fn request_object(data: &[u8]) -> bool {
    let Some(token) = token(data) else { return false };
    let Ok(read) = jwt::parse(&token) else { return false };
    let beside = Asked {
        client_id: Some("app".into()),
        response_type: Some("code".into()),
        redirect_uri: Some(CALLBACK.into()),
        state: Some("beside".into()),
        ..Asked::default()
    };
    let signed = signed(read);
    let asked = match request_object::read(&signed, &beside, &CLIENT, ISSUER, NOW) {
        Ok(asked) => asked,
        Err(error) => {
            repeats_nothing(&error);
            return false;
        }
    };
    assert!(asked.signed && !asked.pushed && asked.request.is_none() && asked.request_uri.is_none());
    assert_eq!(asked.client_id.as_deref(), Some("app"));
    assert_eq!((&asked.redirect_uri, &asked.response_type), (&beside.redirect_uri, &beside.response_type));
    let said = signed.claims.get("state").and_then(Value::as_str).filter(|state| !state.is_empty());
    assert!(said.is_none() || asked.state.as_deref() == said);
    assert!(said.is_some() || asked.state.as_deref() != Some("beside"), "what stands beside it does not count");
    let expires = signed.claims["exp"].as_f64().expect("a moment");
    assert!((1_800_000_000.0..1_800_003_611.0).contains(&expires));
    is_within_registration(asked)
}

/// JSON, as everything above reads it.
pub fn strict_json(data: &[u8]) -> bool {
    let Ok(read) = json::parse_strict(data) else { return false };
    assert!(depth(&read) <= json::DEEPEST);
    assert_eq!(serde_json::from_slice::<Value>(data).ok(), Some(read), "no other reader sees something else");
    true
}

/// A compact JWS of what stands before and after the first line break, so that what a fuzzer changes is JSON and not base64. Without one, the text
/// itself.
fn token(data: &[u8]) -> Option<String> {
    match halves(data) {
        Some((header, payload)) => Some(format!("{}.{}.c2lnbmF0dXJl", URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode(payload))),
        None => std::str::from_utf8(data).ok().map(str::to_owned),
    }
}

fn halves(data: &[u8]) -> Option<(&[u8], &[u8])> {
    let at = data.iter().position(|&byte| byte == b'\n')?;
    Some((&data[..at], &data[at + 1..]))
}

fn signed(read: Unverified<'_>) -> SignedJwt {
    SignedJwt { typ: read.header.typ, alg: Some(SigningAlg::Es256), claims: read.claims }
}

/// What a client's document is before it is believed: as the fetcher reads the body of an answer.
fn fetched(members: Map<String, Value>) -> Result<FetchedDocument, DocumentFault> {
    let client_id = members.get("client_id").and_then(Value::as_str).map(str::to_owned);
    let has_secret = members.keys().any(|name| name.starts_with("client_secret"));
    let asked = read_metadata(members).map_err(|_| DocumentFault::NotJson)?;
    Ok(FetchedDocument { client_id, has_secret, asked, fresh_for: Some(Duration::MAX) })
}

/// A token is signed, is written in one way, and its claims are what anybody else would read in it.
fn is_taken_apart(token: &str, read: &Unverified<'_>) {
    assert!(token.len() <= jwt::LONGEST && !read.signature.is_empty() && !read.header.alg.eq_ignore_ascii_case("none"));
    assert_eq!(jwt::assemble(read.signing_input.to_owned(), &read.signature), token);
    assert_eq!(serde_json::from_slice::<Map<String, Value>>(&read.payload).ok().as_ref(), Some(&read.claims));
    let header = read.signing_input.split('.').next().and_then(|part| URL_SAFE_NO_PAD.decode(part).ok()).unwrap_or_default();
    let header: Value = serde_json::from_slice(&header).expect("JSON");
    assert!(header.get("crit").is_none() && header.get("b64").is_none());
}

/// A key has one thumbprint, however it came.
fn has_one_form(key: &Numbers) {
    let again = key_set::read(json!({ "keys": [key.rewritten()] }).to_string().as_bytes()).expect("a key");
    assert!(matches!(&again[..], [only] if only.numbers == *key));
}

/// Where codes may be sent: nowhere that runs what it is given, and no host but the one that is read in it.
fn is_safe(uri: &RegisteredUri) {
    let text = uri.as_str();
    assert!(text.len() <= 1024 && text.bytes().all(|b| b.is_ascii_graphic()) && !text.contains(['#', '*', '\\', '"', '<', '>']));
    let url = Url::parse(text).expect("an address");
    let shown = uri.exactly().shown_host();
    assert_eq!(uri.exactly().is_web(), is_web(&url), "a browser takes a scheme for the same in capitals");
    let is_loopback = match url.host() {
        Some(Host::Ipv4(ip)) => ip.is_loopback(),
        Some(Host::Ipv6(ip)) => ip.is_loopback(),
        Some(Host::Domain(name)) => name == "localhost",
        None => false,
    };
    match url.scheme() {
        "https" => assert_eq!(Some(shown.as_str()), url.host_str()),
        "http" => assert!(is_loopback && Some(shown.as_str()) == url.host_str()),
        scheme => {
            assert!(scheme.contains('.'));
            assert_eq!(shown, scheme, "who owns a scheme need not own a host that is written behind it");
            return;
        }
    }
    assert!(url.username().is_empty() && url.password().is_none());
    let rest = text.split_once("://").map_or("", |(_, rest)| rest);
    let (authority, path) = rest.split_at(rest.find(['/', '?']).unwrap_or(rest.len()));
    assert!(!authority.is_empty() && !authority.contains('@'), "the host stands where everybody looks for it");
    let path = path.split('?').next().filter(|path| !path.is_empty()).unwrap_or("/");
    assert_eq!(path.split('/').count(), url.path().split('/').count(), "no part of a path takes back another");
}

fn is_web(url: &Url) -> bool {
    matches!(url.scheme(), "https" | "http")
}

/// What nobody looked at gets what the house gives to strangers, and no more.
fn is_for_strangers(client: &Client) {
    assert!(client.scopes.within(&RULES.scopes) && client.grant_types.is_subset(&RULES.grant_types));
    assert!(client.require_pkce && !client.legacy_oauth && !client.disabled && client.profile.is_none());
    assert_eq!(client.audiences, RULES.audiences);
    assert!(client.serves.is_empty() && client.exchange_audiences.is_empty() && client.may_act.is_none());
    assert!(client.allowed_providers.is_empty() && client.upstream_tokens.is_empty() && client.entry.is_empty());
    assert!(client.release == Release::default() && client.certificate_subject.is_none() && client.secrets.is_empty());
    let turns = |c: char| matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    assert!((1..=100).contains(&client.name.chars().count()) && !client.name.chars().any(|c| c.is_control() || turns(c)));
    assert!(client.redirect_uris.len() <= 50 && client.post_logout_redirect_uris.len() <= 50 && client.about.contacts.len() <= 10);
    client.redirect_uris.iter().chain(&client.post_logout_redirect_uris).for_each(is_safe);
    let host = |text: &str| Url::parse(text).ok().filter(|url| is_web(url)).and_then(|url| url.host_str().map(str::to_owned));
    if let (Some(sector), false) = (client.sector(), client.redirect_uris.is_empty()) {
        assert!(client.redirect_uris.iter().all(|uri| host(uri.as_str()).as_ref() == Some(&sector)), "{sector} is not theirs");
    }
    for page in [&client.about.client_uri, &client.about.policy_uri, &client.about.tos_uri].into_iter().flatten() {
        assert!(page.starts_with("https://") && client.redirect_uris.iter().any(|uri| host(uri.as_str()) == host(page)), "{page}");
    }
}

/// What a request may be trusted with is what its client is registered for.
fn is_within_registration(asked: Asked) -> bool {
    let request = match asked.check(&CLIENT) {
        Ok(request) => request,
        Err(Rejection::Redirect { to, error, .. }) => {
            assert!(CLIENT.redirect_uri(Some(to.as_str())).is_some());
            repeats_nothing(&error);
            return false;
        }
        Err(Rejection::Page(PageFault::Invalid(error))) => {
            repeats_nothing(&error);
            return false;
        }
        Err(Rejection::Page(_)) => return false,
    };
    assert!(request.client == CLIENT.id && CLIENT.redirect_uri(Some(request.redirect_uri.as_str())).is_some());
    assert!(request.scopes.within(&CLIENT.scopes) && request.challenge.is_some());
    assert!(request.resources.iter().all(|resource| resource == API));
    assert!(request.state.is_none_or(|state| state.0.len() <= 2048) && request.nonce.is_none_or(|nonce| nonce.0.len() <= 512));
    for hint in [request.login_hint, request.domain_hint, request.idp_hint, request.acr_values, request.ui_locales] {
        assert!(hint.is_none_or(|hint| hint.len() <= 256));
    }
    is_bounded(&request.claims);
    assert_eq!(request.claims.wanted.within(&CLIENT.scopes), request.claims.wanted);
    true
}

fn is_bounded(claims: &ClaimsRequest) {
    let WantedClaims { id_token, userinfo } = &claims.wanted;
    assert!(id_token.len() <= 50 && userinfo.len() <= 50);
    assert!(id_token.iter().chain(userinfo).all(|name| (1..=100).contains(&name.len()) && name.bytes().all(|b| b.is_ascii_graphic())));
    // One `value` and ten `values`.
    assert!(claims.acr.len() <= 11 && claims.acr.iter().all(|acr| (1..=256).contains(&acr.len())));
    assert!(claims.subjects.as_ref().is_none_or(|names| names.len() <= 11) && (!claims.acr_is_essential || !claims.acr.is_empty()));
}

/// An error is a text of ours, or has the name of a parameter in it.
fn repeats_nothing(error: &OAuthError) {
    if let Cow::Owned(text) = &error.description {
        assert!(Asked::NAMES.iter().any(|name| *text == format!("{name} came more than once")), "{text}");
    }
}

/// A fault names a member that we know and a place in it, and says nothing that was written there.
fn repeat_nothing(faults: &[FieldFault]) {
    assert!(!faults.is_empty());
    for fault in faults {
        let mut parts = fault.pointer.split('/').skip(1);
        let known = |name: &str| SAYABLE.contains(&name) || ["response_types", "sector_identifier_uri"].contains(&name);
        assert!(parts.next().is_some_and(known) && parts.all(|part| part.parse::<usize>().is_ok()), "{}", fault.pointer);
        assert!(fault.message.len() <= 300 && fault.message.bytes().all(|b| matches!(b, b' '..=b'~')), "{}", fault.message);
    }
}

fn depth(value: &Value) -> usize {
    match value {
        Value::Array(values) => 1 + values.iter().map(depth).max().unwrap_or_default(),
        Value::Object(members) => 1 + members.values().map(depth).max().unwrap_or_default(),
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use std::{collections::BTreeSet, fs, path::Path};

    use super::*;

    fn names(folder: &str) -> BTreeSet<String> {
        let entries = fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join(folder)).expect("a folder");
        entries.map(|entry| entry.expect("an entry").path().file_stem().expect("a name").to_string_lossy().into_owned()).collect()
    }

    #[test]
    fn every_target_has_a_file_and_seeds() {
        let ours: BTreeSet<String> = TARGETS.iter().map(|(name, _)| (*name).to_owned()).collect();
        assert_eq!((names("targets"), names("corpus")), (ours.clone(), ours));
    }

    #[test]
    fn every_seed_is_let_through() {
        for (name, target) in TARGETS {
            let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus").join(name);
            let files = fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry").path());
            let seeds: Vec<_> =
                files.filter(|file| file.file_name().is_some_and(|name| name.to_string_lossy().starts_with("seed-"))).collect();
            assert!(!seeds.is_empty(), "{name}");
            for seed in seeds {
                assert!(target(&fs::read(&seed).expect("a file")), "a fuzzer that starts from {} gets nowhere", seed.display());
            }
        }
    }
}
