//! The words of the API and the values of the domain. What stands in the comments here is what the OpenAPI document says.

mod registered;
mod secrets;

use poem_openapi::{Object, types::Example};
use serde_json::Value;
use vestibule_domain::{
    about::{AboutDraft, ApplicationType},
    client::{AuthMethod, ConsentMode, GrantType, SigningAlg, SubjectType},
    logout::LogoutDraft,
    registration::{CertificateDraft, Draft},
    time::Timestamp,
};

pub(crate) use self::{
    registered::{ClientObject, ClientPage, RegisteredClient},
    secrets::{NewSecretObject, SecretObject, SecretRequest},
};
use super::{
    body::{Fields, Read},
    rules::{EntryObject, ReleaseObject, UpstreamTokensObject},
    text::Text,
};

const EXAMPLE_SECRET: &str = "shown-once-43-letters-of-256-random-bits-AAA";
const EXAMPLE_TIME: Timestamp = Timestamp::from_secs(1_795_514_400);

/// What is written to register a client.
#[derive(Object)]
#[oai(example, deny_unknown_fields, skip_serializing_if_is_none)]
pub(crate) struct Registration {
    /// Its id, in letters, digits, `-`, `.`, `_` and `~`. Left out, it is given one; in a `PUT` it may only repeat the address.
    #[oai(validator(min_length = 1, max_length = 100, pattern = "^[A-Za-z0-9._~-]+$"))]
    client_id: Option<String>,
    /// What people see when they sign in.
    #[oai(validator(min_length = 1, max_length = 100))]
    client_name: String,
    /// What kind of app it is: `web`, at https addresses alone, or `native`, on people's machines.
    application_type: Option<Text<ApplicationType>>,
    /// Its home page.
    client_uri: Option<String>,
    /// What it does with people's data: a page of its own.
    policy_uri: Option<String>,
    /// Its terms: a page of its own.
    tos_uri: Option<String>,
    /// Where another party may send people to begin a login (OpenID Connect Core 1.0 §4).
    initiate_login_uri: Option<String>,
    /// Whom to ask about it.
    #[oai(default, validator(max_items = 10))]
    contacts: Vec<String>,
    /// Which software it is, the same for every copy.
    software_id: Option<String>,
    /// Which version of it.
    software_version: Option<String>,
    /// Where codes may be sent. Compared as text, except that a loopback IP address may have any port (RFC 8252).
    #[oai(default, validator(max_items = 50))]
    redirect_uris: Vec<String>,
    /// Where a browser may be sent after logout.
    #[oai(default, validator(max_items = 50))]
    post_logout_redirect_uris: Vec<String>,
    /// What it may ask the token endpoint for.
    #[oai(default = "default_grant_types")]
    grant_types: Vec<Text<GrantType>>,
    /// How it proves who it is; `none` makes it a public client, without secrets.
    #[oai(default = "default_auth_method")]
    token_endpoint_auth_method: Text<AuthMethod>,
    /// The most it may be given, separated by spaces.
    #[oai(default = "default_scope")]
    scope: String,
    /// Its public keys, a JWK set (RFC 7517): what its assertions and request objects are checked with. Replacing it rotates them.
    jwks: Option<Value>,
    /// The address of its public keys, instead of `jwks`: fetched when they are needed, and again when something is signed with a new one.
    #[oai(validator(max_length = 1000))]
    jwks_uri: Option<String>,
    /// The only algorithm that its assertions may be signed with: RS256, PS256, ES256 or EdDSA for `private_key_jwt`, HS256 for `client_secret_jwt`.
    /// Left out, every one that fits its keys.
    token_endpoint_auth_signing_alg: Option<String>,
    /// For `tls_client_auth`: the subject of its certificate, as RFC 4514 writes it. One of the five `tls_client_auth_` fields, and no more.
    #[oai(validator(max_length = 1000))]
    tls_client_auth_subject_dn: Option<String>,
    /// For `tls_client_auth`: a DNS name in the subject alternative name of its certificate.
    #[oai(validator(max_length = 1000))]
    tls_client_auth_san_dns: Option<String>,
    /// For `tls_client_auth`: a URI in the subject alternative name of its certificate.
    #[oai(validator(max_length = 1000))]
    tls_client_auth_san_uri: Option<String>,
    /// For `tls_client_auth`: an IP address in the subject alternative name of its certificate.
    #[oai(validator(max_length = 1000))]
    tls_client_auth_san_ip: Option<String>,
    /// For `tls_client_auth`: an e-mail address in the subject alternative name of its certificate.
    #[oai(validator(max_length = 1000))]
    tls_client_auth_san_email: Option<String>,
    /// How its ID tokens are signed. Only algorithms that the gateway has keys for.
    #[oai(default = "default_id_token_alg")]
    id_token_signed_response_alg: Text<SigningAlg>,
    /// How its access tokens are signed. Only algorithms that the gateway has keys for.
    #[oai(default = "default_access_token_alg")]
    access_token_signed_response_alg: Text<SigningAlg>,
    /// How userinfo is signed for it; left out, it is plain JSON. Only algorithms that the gateway has keys for.
    userinfo_signed_response_alg: Option<Text<SigningAlg>>,
    /// How introspection is signed for it when it asks for a JWT; left out, with RS256. Only algorithms that the gateway has keys for.
    introspection_signed_response_alg: Option<Text<SigningAlg>>,
    /// Whether its codes need PKCE. Never false for a public client.
    #[oai(default = "default_require_pkce")]
    require_pkce: bool,
    /// For an OAuth 2.0 app of the old tutorials, which can't be changed: PKCE is optional, the secret may come by HTTP Basic or in the form, and
    /// userinfo answers without the scope `openid`, with what the granted scopes allow. What it costs: somebody who gets hold of a code can slip it into
    /// another person's browser and so into the app, and an app that sends no `state` either can't tell who began a sign-in. Never for a public client.
    #[oai(default)]
    legacy_oauth: bool,
    /// Whether it must push its authorization requests to `/par` (RFC 9126), so that nobody changes them on their way through a browser.
    #[oai(default)]
    require_pushed_authorization_requests: bool,
    /// Whether it gets tokens only with a DPoP proof, and each is bound to the proof's key (RFC 9449). Any client may send proofs; this one must.
    #[oai(default)]
    dpop_bound_access_tokens: bool,
    /// Whether it gets tokens only over a connection with its certificate, and each is bound to it (RFC 8705 §3).
    #[oai(default)]
    tls_client_certificate_bound_access_tokens: bool,
    /// A set of rules to hold it to as a whole: `fapi2`, the FAPI 2.0 Security Profile. Its requests are pushed, its tokens are bound to it, its codes
    /// are good for a minute, and it proves who it is by a key or a certificate; a registration that says otherwise is refused.
    profile: Option<String>,
    /// Whether it must sign its authorization requests (RFC 9101) with one of its keys, so that nobody can ask in its name.
    #[oai(default)]
    require_signed_request_object: bool,
    /// The only algorithm that its request objects may be signed with: RS256, PS256, ES256 or EdDSA. Left out, every one that fits its keys.
    request_object_signing_alg: Option<String>,
    /// Resources its access tokens are for, besides the gateway's own userinfo, each as the app names it in `resource` (RFC 8707): a token for a
    /// resource that was named is for that one alone, and a resource that is not in this list is refused.
    #[oai(default)]
    audiences: Vec<String>,
    /// For a resource server: the resources it serves, as others have them in `audiences`. It may introspect tokens that are for them, besides its
    /// own and those that are for its `client_id`, and exchange them if it may exchange any.
    #[oai(default)]
    introspection_audiences: Vec<String>,
    /// Providers its people may come through, in the order they are shown; an empty list means every one, in the order of the house.
    #[oai(default)]
    allowed_providers: Vec<String>,
    /// Who may enter, besides what each provider's own rules say.
    #[oai(default)]
    entry: EntryObject,
    /// What is told of them.
    #[oai(default)]
    release: ReleaseObject,
    /// What people are called in its tokens: `public`, the same everywhere, or `pairwise`, another name for the hosts of other clients. Changing it
    /// changes every name.
    #[oai(default = "default_subject_type")]
    subject_type: Text<SubjectType>,
    /// Providers whose access tokens it may ask for; goes together with the grant type for token exchange.
    #[oai(default)]
    upstream_tokens: Vec<UpstreamTokensObject>,
    /// Where a logout token is posted to when a session ends in which it got tokens (OpenID Connect Back-Channel Logout 1.0): public https at port
    /// 443, unless the configuration's `egress.allow` names it. Sessions that it has joined before are not told of.
    backchannel_logout_uri: Option<String>,
    /// Whether it needs the `sid` in its logout tokens. They have one always, except those of a client whose `subject_type` is `pairwise`, which
    /// can't ask for it.
    #[oai(default)]
    backchannel_logout_session_required: bool,
    /// What the signed-out page loads in a frame for it (OpenID Connect Front-Channel Logout 1.0), at the origin of one of `redirect_uris`. Browsers
    /// keep cookies from frames of other sites more and more: the back channel is the one to rely on.
    frontchannel_logout_uri: Option<String>,
    /// Whether it needs `iss` and `sid` in that address. They are added always, except for a client whose `subject_type` is `pairwise`.
    #[oai(default)]
    frontchannel_logout_session_required: bool,
    /// Audiences for which it may exchange access tokens: its own, and those of others that are for it (RFC 8693). Goes together with the grant type
    /// for token exchange; each audience is compared character by character.
    #[oai(default)]
    exchange_audiences: Vec<String>,
    /// The `client_id` of the only app that may act by its people's access tokens: it stands in them as `may_act`, and nobody else may exchange them.
    /// Left out, any app that such a token is for may exchange it, if its own registration lets it.
    may_act: Option<String>,
    /// Whether the claims of the granted scopes stand in the ID token too, not just at userinfo.
    #[oai(default = "default_id_token_claims")]
    id_token_claims: bool,
    /// When its people are asked whether it may have what it asks for: `implicit`, never; `remembered`, once for each account, host of return and set of
    /// scopes; `always`, every time. `prompt=consent` asks in any case, and so does a native app that another could pose as.
    #[oai(default = "default_consent")]
    consent: Text<ConsentMode>,
    /// A disabled client gets nothing, and what it had stops working.
    #[oai(default)]
    disabled: bool,
}

fn texts<K>(words: Vec<String>) -> Vec<Text<K>> {
    words.into_iter().map(Text::new).collect()
}

fn default_grant_types() -> Vec<Text<GrantType>> {
    texts(Draft::default().grant_types)
}

fn default_auth_method() -> Text<AuthMethod> {
    Text::new(Draft::default().auth_method)
}

fn default_scope() -> String {
    Draft::default().scope
}

fn default_id_token_alg() -> Text<SigningAlg> {
    Text::new(Draft::default().id_token_alg)
}

fn default_access_token_alg() -> Text<SigningAlg> {
    Text::new(Draft::default().access_token_alg)
}

fn default_require_pkce() -> bool {
    Draft::default().require_pkce
}

fn default_subject_type() -> Text<SubjectType> {
    Text::new(Draft::default().subject_type)
}

fn default_consent() -> Text<ConsentMode> {
    Text::new(Draft::default().consent)
}

fn default_id_token_claims() -> bool {
    Draft::default().id_token_claims
}

impl Read for Registration {
    const MAY_BE_EMPTY: bool = false;
    const READ_ONLY: &'static [&'static str] = &["created_at", "updated_at", "secrets", "client_secret", "registered_by", "managed_by"];

    fn read(fields: &mut Fields) -> Self {
        let plain = Draft::default();
        Self {
            client_id: fields.text("client_id"),
            client_name: fields.text("client_name").unwrap_or(plain.name),
            application_type: fields.text("application_type").map(Text::new),
            client_uri: fields.text("client_uri"),
            policy_uri: fields.text("policy_uri"),
            tos_uri: fields.text("tos_uri"),
            initiate_login_uri: fields.text("initiate_login_uri"),
            contacts: fields.texts("contacts").unwrap_or_default(),
            software_id: fields.text("software_id"),
            software_version: fields.text("software_version"),
            redirect_uris: fields.texts("redirect_uris").unwrap_or(plain.redirect_uris),
            post_logout_redirect_uris: fields.texts("post_logout_redirect_uris").unwrap_or(plain.post_logout_redirect_uris),
            grant_types: texts(fields.texts("grant_types").unwrap_or(plain.grant_types)),
            token_endpoint_auth_method: Text::new(fields.text("token_endpoint_auth_method").unwrap_or(plain.auth_method)),
            scope: fields.text("scope").unwrap_or(plain.scope),
            jwks: fields.json_object("jwks"),
            jwks_uri: fields.text("jwks_uri"),
            token_endpoint_auth_signing_alg: fields.text("token_endpoint_auth_signing_alg"),
            tls_client_auth_subject_dn: fields.text("tls_client_auth_subject_dn"),
            tls_client_auth_san_dns: fields.text("tls_client_auth_san_dns"),
            tls_client_auth_san_uri: fields.text("tls_client_auth_san_uri"),
            tls_client_auth_san_ip: fields.text("tls_client_auth_san_ip"),
            tls_client_auth_san_email: fields.text("tls_client_auth_san_email"),
            id_token_signed_response_alg: Text::new(fields.text("id_token_signed_response_alg").unwrap_or(plain.id_token_alg)),
            access_token_signed_response_alg: Text::new(fields.text("access_token_signed_response_alg").unwrap_or(plain.access_token_alg)),
            userinfo_signed_response_alg: fields.text("userinfo_signed_response_alg").map(Text::new),
            introspection_signed_response_alg: fields.text("introspection_signed_response_alg").map(Text::new),
            require_pkce: fields.flag("require_pkce").unwrap_or(plain.require_pkce),
            legacy_oauth: fields.flag("legacy_oauth").unwrap_or(plain.legacy_oauth),
            require_pushed_authorization_requests: fields
                .flag("require_pushed_authorization_requests")
                .unwrap_or(plain.require_pushed_requests),
            dpop_bound_access_tokens: fields.flag("dpop_bound_access_tokens").unwrap_or(plain.dpop_bound_access_tokens),
            tls_client_certificate_bound_access_tokens: fields
                .flag("tls_client_certificate_bound_access_tokens")
                .unwrap_or(plain.certificate_bound_access_tokens),
            profile: fields.text("profile"),
            require_signed_request_object: fields.flag("require_signed_request_object").unwrap_or(plain.require_signed_requests),
            request_object_signing_alg: fields.text("request_object_signing_alg"),
            audiences: fields.texts("audiences").unwrap_or(plain.audiences),
            introspection_audiences: fields.texts("introspection_audiences").unwrap_or(plain.serves),
            allowed_providers: fields.texts("allowed_providers").unwrap_or(plain.allowed_providers),
            entry: fields.object("entry", EntryObject::read).unwrap_or_default(),
            release: fields.object("release", ReleaseObject::read).unwrap_or_default(),
            subject_type: Text::new(fields.text("subject_type").unwrap_or(plain.subject_type)),
            upstream_tokens: fields.objects("upstream_tokens", UpstreamTokensObject::read).unwrap_or_default(),
            backchannel_logout_uri: fields.text("backchannel_logout_uri"),
            backchannel_logout_session_required: fields.flag("backchannel_logout_session_required").unwrap_or_default(),
            frontchannel_logout_uri: fields.text("frontchannel_logout_uri"),
            frontchannel_logout_session_required: fields.flag("frontchannel_logout_session_required").unwrap_or_default(),
            exchange_audiences: fields.texts("exchange_audiences").unwrap_or(plain.exchange_audiences),
            may_act: fields.text("may_act"),
            id_token_claims: fields.flag("id_token_claims").unwrap_or(plain.id_token_claims),
            consent: Text::new(fields.text("consent").unwrap_or(plain.consent)),
            disabled: fields.flag("disabled").unwrap_or(plain.disabled),
        }
    }
}

impl Registration {
    /// The id it asks for, and the rest as the domain reads it.
    pub(crate) fn split(self) -> (Option<String>, Draft) {
        let draft = Draft {
            name: self.client_name,
            about: AboutDraft {
                application_type: self.application_type.map(|text| text.0),
                client_uri: self.client_uri,
                policy_uri: self.policy_uri,
                tos_uri: self.tos_uri,
                initiate_login_uri: self.initiate_login_uri,
                contacts: self.contacts,
                software_id: self.software_id,
                software_version: self.software_version,
            },
            redirect_uris: self.redirect_uris,
            post_logout_redirect_uris: self.post_logout_redirect_uris,
            grant_types: self.grant_types.into_iter().map(|text| text.0).collect(),
            auth_method: self.token_endpoint_auth_method.0,
            scope: self.scope,
            jwks: self.jwks,
            jwks_uri: self.jwks_uri,
            assertion_alg: self.token_endpoint_auth_signing_alg,
            certificate_subject: CertificateDraft {
                subject_dn: self.tls_client_auth_subject_dn,
                san_dns: self.tls_client_auth_san_dns,
                san_uri: self.tls_client_auth_san_uri,
                san_ip: self.tls_client_auth_san_ip,
                san_email: self.tls_client_auth_san_email,
            },
            id_token_alg: self.id_token_signed_response_alg.0,
            access_token_alg: self.access_token_signed_response_alg.0,
            userinfo_alg: self.userinfo_signed_response_alg.map(|text| text.0),
            introspection_alg: self.introspection_signed_response_alg.map(|text| text.0),
            require_pkce: self.require_pkce,
            legacy_oauth: self.legacy_oauth,
            require_pushed_requests: self.require_pushed_authorization_requests,
            dpop_bound_access_tokens: self.dpop_bound_access_tokens,
            certificate_bound_access_tokens: self.tls_client_certificate_bound_access_tokens,
            profile: self.profile,
            require_signed_requests: self.require_signed_request_object,
            request_object_alg: self.request_object_signing_alg,
            audiences: self.audiences,
            serves: self.introspection_audiences,
            allowed_providers: self.allowed_providers,
            entry: self.entry.into(),
            release: self.release.into(),
            subject_type: self.subject_type.0,
            upstream_tokens: self.upstream_tokens.into_iter().map(Into::into).collect(),
            logout: LogoutDraft {
                backchannel_uri: self.backchannel_logout_uri,
                backchannel_session_required: self.backchannel_logout_session_required,
                frontchannel_uri: self.frontchannel_logout_uri,
                frontchannel_session_required: self.frontchannel_logout_session_required,
            },
            exchange_audiences: self.exchange_audiences,
            may_act: self.may_act,
            id_token_claims: self.id_token_claims,
            consent: self.consent.0,
            disabled: self.disabled,
        };
        (self.client_id, draft)
    }
}

impl Example for Registration {
    fn example() -> Self {
        Self {
            client_id: Some("grafana".into()),
            client_name: "Grafana".into(),
            application_type: Some(Text::new("web")),
            client_uri: Some("https://grafana.example.com".into()),
            policy_uri: None,
            tos_uri: None,
            initiate_login_uri: Some("https://grafana.example.com/login/generic_oauth".into()),
            contacts: vec!["observability@example.com".into()],
            software_id: None,
            software_version: None,
            redirect_uris: vec!["https://grafana.example.com/login/generic_oauth".into()],
            post_logout_redirect_uris: vec!["https://grafana.example.com/login".into()],
            grant_types: default_grant_types(),
            token_endpoint_auth_method: default_auth_method(),
            scope: default_scope(),
            jwks: None,
            jwks_uri: None,
            token_endpoint_auth_signing_alg: None,
            tls_client_auth_subject_dn: None,
            tls_client_auth_san_dns: None,
            tls_client_auth_san_uri: None,
            tls_client_auth_san_ip: None,
            tls_client_auth_san_email: None,
            id_token_signed_response_alg: default_id_token_alg(),
            access_token_signed_response_alg: default_access_token_alg(),
            userinfo_signed_response_alg: None,
            introspection_signed_response_alg: None,
            require_pkce: default_require_pkce(),
            legacy_oauth: false,
            require_pushed_authorization_requests: false,
            dpop_bound_access_tokens: false,
            tls_client_certificate_bound_access_tokens: false,
            profile: None,
            require_signed_request_object: false,
            request_object_signing_alg: None,
            audiences: Vec::new(),
            introspection_audiences: Vec::new(),
            allowed_providers: Vec::new(),
            entry: EntryObject::default(),
            release: ReleaseObject::default(),
            subject_type: default_subject_type(),
            upstream_tokens: Vec::new(),
            backchannel_logout_uri: Some("https://grafana.example.com/logout/backchannel".into()),
            backchannel_logout_session_required: false,
            frontchannel_logout_uri: None,
            frontchannel_logout_session_required: false,
            exchange_audiences: Vec::new(),
            may_act: None,
            id_token_claims: default_id_token_claims(),
            consent: default_consent(),
            disabled: false,
        }
    }
}

#[cfg(test)]
mod tests {
    use poem_openapi::types::ToJSON;
    use vestibule_domain::{
        about::About,
        account::Release,
        certificate::CertificateSubject,
        client::{Client, KeySource, UpstreamTokenRule},
        entry::EntryRules,
        registration,
    };
    use vestibule_testkit::sample::{Sample, provider_id};

    use super::*;

    /// What records and rehearsals compare is what the API shows, name by name.
    #[test]
    fn a_client_s_facts_are_its_registration() {
        let sample = Sample::default();
        let plain = sample.client("app");
        let full = Client {
            about: About {
                application_type: Some(ApplicationType::Web),
                client_uri: Some("https://app.example.com".into()),
                contacts: vec!["ops@example.com".into()],
                software_id: Some("s".into()),
                ..About::default()
            },
            keys: Some(KeySource::Published("https://app.example.com/jwks".into())),
            assertion_alg: Some(SigningAlg::Rs256),
            certificate_subject: Some(CertificateSubject::Dns("app.example.com".into())),
            userinfo_alg: Some(SigningAlg::Rs256),
            introspection_alg: Some(SigningAlg::Rs256),
            request_object_alg: Some(SigningAlg::Rs256),
            audiences: vec!["https://api.example.com".into()],
            serves: vec!["https://api.example.com".into()],
            allowed_providers: vec![provider_id("acme")],
            entry: EntryRules { groups: vec!["staff".into()], ..EntryRules::default() },
            release: Release {
                claims: Some(["email".to_owned()].into()),
                groups: vec!["a*".into()],
                rename: [("groups".into(), "roles".into())].into(),
            },
            upstream_tokens: vec![UpstreamTokenRule { provider: provider_id("acme"), scopes: ["repo".to_owned()].into() }],
            exchange_audiences: vec!["https://other.example.com".into()],
            may_act: Some(plain.id.clone()),
            disabled: true,
            ..plain.clone()
        };
        for client in [plain, full] {
            let mut shown = Registration::from(&client).to_json().unwrap();
            let facts = serde_json::Value::Object(registration::facts(&client));
            let shown = shown.as_object_mut().map(std::mem::take).unwrap();
            let shown: serde_json::Map<_, _> = shown.into_iter().filter(|(_, value)| !value.is_null()).collect();
            assert_eq!(facts, serde_json::Value::Object(shown));
        }
    }
}
