//! A preset wired to a server that speaks for its provider.

use std::{
    collections::BTreeMap,
    path::Path,
    sync::{Arc, OnceLock},
    time::Duration,
};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use rcgen::{KeyPair, PublicKeyData, SigningKey};
use secrecy::SecretString;
use serde_json::{Map, Value, json};
use url::Url;
use vestibule_domain::{
    account::{Link, Profile},
    attempt::Kept,
    entry::{Denial, RuleSet},
    ids::ProviderId,
    ports::{Clock, IdentityProvider, Observer, ProviderFactory},
    provider::{Arrival, Callback, Definition, Departure, Known, ProviderError, Renewed},
    registration::FieldFault,
};
use vestibule_providers::{
    egress::{Egress, EgressOptions},
    factory::ProviderMaker,
};
use vestibule_testkit::{
    clock::{SeededEntropy, StoppedClock},
    sample::Sample,
};

use crate::upstream::{Upstream, pairs, value};
pub(crate) use crate::watched::{REDIRECT_URI, Steps, departure, rule};

pub(crate) const SECRET: &str = "s3cret: 100%+ä";

pub(crate) struct Bench {
    pub(crate) upstream: Upstream,
    pub(crate) provider: Arc<dyn IdentityProvider>,
    pub(crate) clock: Arc<StoppedClock>,
    pub(crate) steps: Arc<Steps>,
    preset: &'static str,
    jwks: String,
}

/// A file of the preset, with `{base}` filled in.
pub(crate) fn fixture(preset: &str, name: &str, base: &str) -> Value {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures").join(preset).join(format!("{name}.json"));
    let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    serde_json::from_str(&text.replace("{base}", base)).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

pub(crate) fn object(value: Value) -> Map<String, Value> {
    let Value::Object(object) = value else { panic!("an object was expected") };
    object
}

/// Makes what a definition describes.
pub(crate) fn make(
    preset: &str,
    own: Value,
    secrets: &[(&str, &str)],
    allow: &[String],
    steps: &Arc<Steps>,
    clock: &Arc<StoppedClock>,
) -> Result<Arc<dyn IdentityProvider>, Vec<FieldFault>> {
    maker(allow, steps, clock).make(&definition(preset, own, secrets))
}

pub(crate) fn maker(allow: &[String], steps: &Arc<Steps>, clock: &Arc<StoppedClock>) -> ProviderMaker {
    let allow = allow.iter().map(|text| text.parse().unwrap()).collect();
    let egress = Egress::new(EgressOptions { allow, timeout: Duration::from_millis(700), ..EgressOptions::default() }).unwrap();
    ProviderMaker::new(
        egress,
        Arc::clone(clock) as Arc<dyn Clock>,
        Arc::new(SeededEntropy::default()),
        Arc::clone(steps) as Arc<dyn Observer>,
    )
}

pub(crate) fn definition(preset: &str, own: Value, secrets: &[(&str, &str)]) -> Definition {
    let mut settings = object(own);
    settings.insert("preset".into(), preset.into());
    settings.entry("client_id").or_insert("vestibule".into());
    let secrets = secrets.iter().map(|(name, secret)| ((*name).to_owned(), SecretString::from((*secret).to_owned())));
    Definition { id: ProviderId::parse("acme").unwrap(), settings, secrets: secrets.collect::<BTreeMap<_, _>>() }
}

impl Bench {
    /// A preset whose issuer is below the test server, with these settings over it. `{base}` stands for the address of the server.
    pub(crate) async fn new(preset: &'static str, own: Value) -> Self {
        Self::with(preset, "discovery", own, &[("client_secret", SECRET)]).await
    }

    /// The same with other metadata and secrets.
    pub(crate) async fn with(preset: &'static str, discovery: &str, own: Value, secrets: &[(&str, &str)]) -> Self {
        Self::on(Upstream::start(preset).await, preset, discovery, &own, secrets)
    }

    /// The same with a server that runs already.
    pub(crate) fn on(upstream: Upstream, preset: &'static str, discovery: &str, own: &Value, secrets: &[(&str, &str)]) -> Self {
        upstream.says(&[discovery]);
        let recorded = fixture(preset, discovery, &upstream.base());
        let issuer =
            recorded["on"].as_str().unwrap().replacen("GET ", &upstream.base(), 1).replace("/.well-known/openid-configuration", "");
        let slash = if recorded["body"]["issuer"].as_str().unwrap().ends_with('/') { "/" } else { "" };
        let mut own = object(serde_json::from_str(&own.to_string().replace("{base}", &upstream.base())).unwrap());
        own.entry("issuer").or_insert(format!("{issuer}{slash}").into());
        let jwks = recorded["body"]["jwks_uri"].as_str().unwrap().replacen(&upstream.base(), "GET ", 1);
        let (steps, clock) = (Arc::new(Steps::default()), Arc::new(StoppedClock::default()));
        let provider = make(preset, Value::Object(own), secrets, &[upstream.address()], &steps, &clock).unwrap();
        let bench = Self { upstream, provider, clock, steps, preset, jwks };
        bench.publishes(&json!({"keys": [jwk()]}));
        bench
    }

    pub(crate) fn publishes(&self, keys: &Value) {
        self.upstream.responds(&self.jwks, 200, "application/json", keys.to_string());
    }

    /// Where somebody is sent, as its parameters.
    pub(crate) async fn departs(&self, departure: &Departure) -> Vec<(String, String)> {
        let sent = self.provider.begin(departure).await.unwrap();
        pairs(Url::parse(&sent.location).unwrap().query().unwrap())
    }

    /// From the button to the verified identity, with the recorded claims.
    pub(crate) async fn sign_in(&self) -> Result<Arrival, ProviderError> {
        self.sign_in_as("id_token", |_| {}).await
    }

    /// The same, with other claims and changes to them.
    pub(crate) async fn sign_in_as(&self, claims: &str, change: impl FnOnce(&mut Map<String, Value>)) -> Result<Arrival, ProviderError> {
        let (parameters, kept) = self.depart().await?;
        let mut claims = self.claims(claims);
        if let Some(nonce) = value(&parameters, "nonce") {
            claims.insert("nonce".into(), nonce.into());
        }
        change(&mut claims);
        self.token("token", &claims);
        self.complete(callback(), kept).await
    }

    pub(crate) async fn depart(&self) -> Result<(Vec<(String, String)>, Kept), ProviderError> {
        let sent = self.provider.begin(&departure()).await?;
        let parameters = pairs(Url::parse(&sent.location).unwrap().query().unwrap());
        assert_eq!(value(&parameters, "state"), Some(departure().attempt.to_string().as_str()));
        Ok((parameters, sent.kept))
    }

    pub(crate) async fn complete(&self, callback: Callback, kept: Kept) -> Result<Arrival, ProviderError> {
        self.provider.complete(callback, kept, self.clock.now()).await
    }

    /// Recorded claims of an ID token that was just made.
    pub(crate) fn claims(&self, name: &str) -> Map<String, Value> {
        let mut claims = object(fixture(self.preset, name, &self.upstream.base()));
        let now = self.clock.now().as_secs();
        claims.extend([("iat".to_owned(), now.into()), ("exp".to_owned(), (now + 600).into())]);
        claims
    }

    /// From now on the token endpoint gives this recorded answer, with an ID token of these claims in it.
    pub(crate) fn token(&self, name: &str, claims: &Map<String, Value>) {
        let mut recorded = fixture(self.preset, name, &self.upstream.base());
        let mut claims = claims.clone();
        if claims.get("at_hash").is_some_and(|hash| hash == "{at_hash}") {
            claims.insert("at_hash".into(), half_hash(recorded["body"]["access_token"].as_str().unwrap()).into());
        }
        if recorded["body"].get("id_token").is_some() {
            recorded["body"]["id_token"] = signed(&Value::Object(claims)).into();
        }
        self.upstream.answers(serde_json::from_value(recorded).unwrap());
    }

    /// What a sign-in makes of somebody.
    pub(crate) async fn profile(&self) -> Profile {
        self.profile_of(&self.sign_in().await.unwrap())
    }

    pub(crate) fn profile_of(&self, arrival: &Arrival) -> Profile {
        self.provider.terms().profile_of(&arrival.claims).profile
    }

    /// Whether the preset's rules let somebody enter.
    pub(crate) fn judged(&self, arrival: &Arrival) -> Result<(), Denial> {
        let sample = Sample::default();
        let link = sample.link(&sample.account(), &arrival.subject);
        let link = Link { claims: arrival.claims.clone(), profile: self.profile_of(arrival), ..link };
        self.provider.terms().entry.judge(&link, RuleSet::Provider)
    }

    pub(crate) async fn refresh(&self, arrival: &Arrival) -> Result<Renewed, ProviderError> {
        let known = Known { issuer: &arrival.issuer, subject: &arrival.subject, claims: &arrival.claims };
        self.provider.refresh().unwrap().refresh(&arrival.tokens, known, self.clock.now()).await
    }
}

pub(crate) fn callback() -> Callback {
    Callback { code: Some("code-1".into()), redirect_uri: REDIRECT_URI.into(), ..Callback::default() }
}

/// RSA takes a while to make, so every issuer has the same.
fn key() -> &'static KeyPair {
    static KEY: OnceLock<KeyPair> = OnceLock::new();
    KEY.get_or_init(|| KeyPair::generate_for(&rcgen::PKCS_RSA_SHA256).unwrap())
}

/// As the issuer publishes it.
pub(crate) fn jwk() -> Value {
    // RFC 8017 §A.1.1: a sequence of modulus and exponent, with 2048 bits and 65537 always at the same places.
    let der = key().der_bytes();
    assert_eq!((der.len(), &der[265..]), (270, &[2, 3, 1, 0, 1][..]));
    json!({"kty": "RSA", "use": "sig", "alg": "RS256", "kid": "k1", "n": URL_SAFE_NO_PAD.encode(&der[9..265]), "e": "AQAB"})
}

/// A private key in PEM, as operators have them.
pub(crate) fn pem() -> String {
    key().serialize_pem()
}

pub(crate) fn signed(claims: &Value) -> String {
    let encoded = |part: &Value| URL_SAFE_NO_PAD.encode(part.to_string());
    let input = format!("{}.{}", encoded(&json!({"alg": "RS256", "kid": "k1"})), encoded(claims));
    format!("{input}.{}", URL_SAFE_NO_PAD.encode(key().sign(input.as_bytes()).unwrap()))
}

/// Header and claims of a token of ours.
pub(crate) fn read(token: &str) -> (Value, Value) {
    let parts: Vec<Value> =
        token.split('.').take(2).map(|part| serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).unwrap()).unwrap()).collect();
    (parts[0].clone(), parts[1].clone())
}

/// OpenID Connect Core 1.0 §3.1.3.6.
fn half_hash(access_token: &str) -> String {
    use openidconnect::{
        AccessToken, AccessTokenHash,
        core::{CoreJsonWebKey, CoreJwsSigningAlgorithm},
    };
    let key: CoreJsonWebKey = serde_json::from_value(jwk()).unwrap();
    let alg = CoreJwsSigningAlgorithm::RsaSsaPkcs1V15Sha256;
    AccessTokenHash::from_token(&AccessToken::new(access_token.to_owned()), &alg, &key).unwrap().as_str().to_owned()
}
