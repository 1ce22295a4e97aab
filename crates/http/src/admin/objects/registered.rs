//! Clients as they are registered.

use std::collections::BTreeMap;

use poem_openapi::{Object, types::Example};
use secrecy::ExposeSecret;
use serde_json::Value;
use vestibule_domain::{
    about::ApplicationType,
    client::{AuthMethod, Client, ConsentMode, GrantType, KeySource, SigningAlg, SubjectType},
    ids::SecretId,
    time::Timestamp,
};
use vestibule_flows::NewSecret;

use super::{
    super::{
        rules::{EntryObject, ReleaseObject, UpstreamTokensObject},
        text::{Moment, Text},
    },
    EXAMPLE_SECRET, EXAMPLE_TIME, Registration, SecretObject,
};

/// A client as it is registered.
#[derive(Object)]
#[oai(rename = "Client", example, skip_serializing_if_is_none)]
pub(crate) struct ClientObject {
    /// Its id.
    client_id: String,
    /// What people see when they sign in.
    client_name: String,
    /// Who registered it: an `operator`, or the app itself (`dynamic`). People are always asked before they sign in to an app that no operator
    /// registered.
    registered_by: String,
    /// The set of files that keeps it, as `vestibule apply` writes them; whoever else would change it has to send `force=true`. Absent where there is
    /// none.
    managed_by: Option<String>,
    /// What kind of app it is.
    application_type: Option<Text<ApplicationType>>,
    /// Its home page.
    client_uri: Option<String>,
    /// What it does with people's data.
    policy_uri: Option<String>,
    /// Its terms.
    tos_uri: Option<String>,
    /// Where another party may send people to begin a login.
    initiate_login_uri: Option<String>,
    /// Whom to ask about it.
    contacts: Vec<String>,
    /// Which software it is.
    software_id: Option<String>,
    /// Which version of it.
    software_version: Option<String>,
    /// Where codes may be sent.
    redirect_uris: Vec<String>,
    /// Where a browser may be sent after logout.
    post_logout_redirect_uris: Vec<String>,
    /// What it may ask the token endpoint for.
    grant_types: Vec<Text<GrantType>>,
    /// How it proves who it is.
    token_endpoint_auth_method: Text<AuthMethod>,
    /// The most it may be given, separated by spaces.
    scope: String,
    /// Its public keys, a JWK set (RFC 7517): what its assertions and request objects are checked with. Replacing it rotates them.
    jwks: Option<Value>,
    /// The address of its public keys, instead of `jwks`: fetched when they are needed, and again when something is signed with a new one.
    jwks_uri: Option<String>,
    /// The only algorithm that its assertions may be signed with: RS256, PS256, ES256 or EdDSA for `private_key_jwt`, HS256 for `client_secret_jwt`.
    /// Left out, every one that fits its keys.
    token_endpoint_auth_signing_alg: Option<String>,
    /// For `tls_client_auth`: the subject of its certificate, as RFC 4514 writes it. One of the five `tls_client_auth_` fields, and no more.
    tls_client_auth_subject_dn: Option<String>,
    /// For `tls_client_auth`: a DNS name in the subject alternative name of its certificate.
    tls_client_auth_san_dns: Option<String>,
    /// For `tls_client_auth`: a URI in the subject alternative name of its certificate.
    tls_client_auth_san_uri: Option<String>,
    /// For `tls_client_auth`: an IP address in the subject alternative name of its certificate.
    tls_client_auth_san_ip: Option<String>,
    /// For `tls_client_auth`: an e-mail address in the subject alternative name of its certificate.
    tls_client_auth_san_email: Option<String>,
    /// How its ID tokens are signed.
    id_token_signed_response_alg: Text<SigningAlg>,
    /// How its access tokens are signed.
    access_token_signed_response_alg: Text<SigningAlg>,
    /// How userinfo is signed for it; left out, it is plain JSON. Only algorithms that the gateway has keys for.
    userinfo_signed_response_alg: Option<Text<SigningAlg>>,
    /// How introspection is signed for it when it asks for a JWT; left out, with RS256. Only algorithms that the gateway has keys for.
    introspection_signed_response_alg: Option<Text<SigningAlg>>,
    /// Whether its codes need PKCE.
    require_pkce: bool,
    /// Whether it is an OAuth 2.0 app of the old tutorials, which knows neither PKCE nor `openid`.
    legacy_oauth: bool,
    /// Whether it must push its authorization requests.
    require_pushed_authorization_requests: bool,
    /// Whether it gets tokens only with a DPoP proof.
    dpop_bound_access_tokens: bool,
    /// Whether it gets tokens only over a connection with its certificate.
    tls_client_certificate_bound_access_tokens: bool,
    /// The rules it is held to as a whole; absent where there are none.
    profile: Option<String>,
    /// Whether it must sign its authorization requests.
    require_signed_request_object: bool,
    /// The only algorithm that its request objects may be signed with; absent where every one will do.
    request_object_signing_alg: Option<String>,
    /// Resources its access tokens are for.
    audiences: Vec<String>,
    /// Resources whose tokens it may introspect.
    introspection_audiences: Vec<String>,
    /// Providers its people may come through, in the order they are shown; an empty list means every one.
    allowed_providers: Vec<String>,
    /// Who may enter, besides what each provider's own rules say.
    entry: EntryObject,
    /// What is told of them.
    release: ReleaseObject,
    /// What people are called in its tokens.
    subject_type: Text<SubjectType>,
    /// Providers whose access tokens it may ask for.
    upstream_tokens: Vec<UpstreamTokensObject>,
    /// Where it is told of the end of sessions.
    #[oai(skip_serializing_if_is_none)]
    backchannel_logout_uri: Option<String>,
    /// Whether it needs the `sid` in its logout tokens.
    backchannel_logout_session_required: bool,
    /// What the signed-out page loads in a frame for it.
    #[oai(skip_serializing_if_is_none)]
    frontchannel_logout_uri: Option<String>,
    /// Whether it needs `iss` and `sid` in that address.
    frontchannel_logout_session_required: bool,
    /// Audiences for which it may exchange access tokens.
    exchange_audiences: Vec<String>,
    /// The only app that may act by its people's access tokens, if one is named.
    #[oai(skip_serializing_if_is_none)]
    may_act: Option<String>,
    /// Whether the claims of the granted scopes stand in the ID token too.
    id_token_claims: bool,
    /// When its people are asked whether it may have what it asks for.
    consent: Text<ConsentMode>,
    /// Whether it gets nothing.
    disabled: bool,
    /// When it was registered.
    created_at: Text<Moment>,
    /// When it last changed.
    updated_at: Text<Moment>,
    /// Its secrets by name, without what they are; a public client has none.
    secrets: Vec<SecretObject>,
}

/// A client as it would be registered again, as a merge patch finds it.
impl From<&Client> for Registration {
    fn from(client: &Client) -> Self {
        let shown = ClientObject::from(client);
        Self {
            client_id: Some(shown.client_id),
            client_name: shown.client_name,
            application_type: shown.application_type,
            client_uri: shown.client_uri,
            policy_uri: shown.policy_uri,
            tos_uri: shown.tos_uri,
            initiate_login_uri: shown.initiate_login_uri,
            contacts: shown.contacts,
            software_id: shown.software_id,
            software_version: shown.software_version,
            redirect_uris: shown.redirect_uris,
            post_logout_redirect_uris: shown.post_logout_redirect_uris,
            grant_types: shown.grant_types,
            token_endpoint_auth_method: shown.token_endpoint_auth_method,
            scope: shown.scope,
            jwks: shown.jwks,
            jwks_uri: shown.jwks_uri,
            token_endpoint_auth_signing_alg: shown.token_endpoint_auth_signing_alg,
            tls_client_auth_subject_dn: shown.tls_client_auth_subject_dn,
            tls_client_auth_san_dns: shown.tls_client_auth_san_dns,
            tls_client_auth_san_uri: shown.tls_client_auth_san_uri,
            tls_client_auth_san_ip: shown.tls_client_auth_san_ip,
            tls_client_auth_san_email: shown.tls_client_auth_san_email,
            id_token_signed_response_alg: shown.id_token_signed_response_alg,
            access_token_signed_response_alg: shown.access_token_signed_response_alg,
            userinfo_signed_response_alg: shown.userinfo_signed_response_alg,
            introspection_signed_response_alg: shown.introspection_signed_response_alg,
            require_pkce: shown.require_pkce,
            legacy_oauth: shown.legacy_oauth,
            require_pushed_authorization_requests: shown.require_pushed_authorization_requests,
            dpop_bound_access_tokens: shown.dpop_bound_access_tokens,
            tls_client_certificate_bound_access_tokens: shown.tls_client_certificate_bound_access_tokens,
            profile: shown.profile,
            require_signed_request_object: shown.require_signed_request_object,
            request_object_signing_alg: shown.request_object_signing_alg,
            audiences: shown.audiences,
            introspection_audiences: shown.introspection_audiences,
            allowed_providers: shown.allowed_providers,
            entry: shown.entry,
            release: shown.release,
            subject_type: shown.subject_type,
            upstream_tokens: shown.upstream_tokens,
            backchannel_logout_uri: shown.backchannel_logout_uri,
            backchannel_logout_session_required: shown.backchannel_logout_session_required,
            frontchannel_logout_uri: shown.frontchannel_logout_uri,
            frontchannel_logout_session_required: shown.frontchannel_logout_session_required,
            exchange_audiences: shown.exchange_audiences,
            may_act: shown.may_act,
            id_token_claims: shown.id_token_claims,
            consent: shown.consent,
            disabled: shown.disabled,
        }
    }
}

impl From<&Client> for ClientObject {
    fn from(client: &Client) -> Self {
        let uris = |uris: &[vestibule_domain::redirect::RegisteredUri]| uris.iter().map(ToString::to_string).collect();
        let (jwks, jwks_uri) = match &client.keys {
            Some(KeySource::Registered(jwks)) => (serde_json::from_str(jwks).ok(), None),
            Some(KeySource::Published(address)) => (None, Some(address.clone())),
            None => (None, None),
        };
        let known_by = |name: &str| {
            let subject = serde_json::to_value(client.certificate_subject.as_ref()?).ok()?;
            subject.get(name)?.as_str().map(str::to_owned)
        };
        Self {
            client_id: client.id.to_string(),
            client_name: client.name.clone(),
            registered_by: client.origin.as_str().to_owned(),
            managed_by: client.managed_by.as_ref().map(ToString::to_string),
            application_type: client.about.application_type.map(|kind| Text::new(kind.as_str())),
            client_uri: client.about.client_uri.clone(),
            policy_uri: client.about.policy_uri.clone(),
            tos_uri: client.about.tos_uri.clone(),
            initiate_login_uri: client.about.initiate_login_uri.clone(),
            contacts: client.about.contacts.clone(),
            software_id: client.about.software_id.clone(),
            software_version: client.about.software_version.clone(),
            redirect_uris: uris(&client.redirect_uris),
            post_logout_redirect_uris: uris(&client.post_logout_redirect_uris),
            grant_types: client.grant_types.iter().map(|grant| Text::new(grant.as_str())).collect(),
            token_endpoint_auth_method: Text::new(client.auth_method.as_str()),
            scope: client.scopes.to_string(),
            jwks,
            jwks_uri,
            token_endpoint_auth_signing_alg: client.assertion_alg.map(|alg| alg.to_string()),
            tls_client_auth_subject_dn: known_by("tls_client_auth_subject_dn"),
            tls_client_auth_san_dns: known_by("tls_client_auth_san_dns"),
            tls_client_auth_san_uri: known_by("tls_client_auth_san_uri"),
            tls_client_auth_san_ip: known_by("tls_client_auth_san_ip"),
            tls_client_auth_san_email: known_by("tls_client_auth_san_email"),
            id_token_signed_response_alg: Text::new(client.id_token_alg.as_str()),
            access_token_signed_response_alg: Text::new(client.access_token_alg.as_str()),
            userinfo_signed_response_alg: client.userinfo_alg.map(|alg| Text::new(alg.as_str())),
            introspection_signed_response_alg: client.introspection_alg.map(|alg| Text::new(alg.as_str())),
            require_pkce: client.require_pkce,
            legacy_oauth: client.legacy_oauth,
            require_pushed_authorization_requests: client.require_pushed_requests,
            dpop_bound_access_tokens: client.dpop_bound_access_tokens,
            tls_client_certificate_bound_access_tokens: client.certificate_bound_access_tokens,
            profile: client.profile.map(|profile| profile.to_string()),
            require_signed_request_object: client.require_signed_requests,
            request_object_signing_alg: client.request_object_alg.map(|alg| alg.to_string()),
            audiences: client.audiences.clone(),
            introspection_audiences: client.serves.clone(),
            allowed_providers: client.allowed_providers.iter().map(ToString::to_string).collect(),
            entry: (&client.entry).into(),
            release: (&client.release).into(),
            subject_type: Text::new(client.subject_type.as_str()),
            upstream_tokens: client.upstream_tokens.iter().map(Into::into).collect(),
            backchannel_logout_uri: client.logout.backchannel_uri.as_ref().map(ToString::to_string),
            backchannel_logout_session_required: client.logout.backchannel_session_required,
            frontchannel_logout_uri: client.logout.frontchannel_uri.as_ref().map(ToString::to_string),
            frontchannel_logout_session_required: client.logout.frontchannel_session_required,
            exchange_audiences: client.exchange_audiences.clone(),
            may_act: client.may_act.as_ref().map(ToString::to_string),
            id_token_claims: client.id_token_claims,
            consent: Text::new(client.consent.as_str()),
            disabled: client.disabled,
            created_at: client.created.into(),
            updated_at: client.updated.into(),
            secrets: client.secrets.iter().map(SecretObject::from).collect(),
        }
    }
}

impl ClientObject {
    /// The same, with when its secrets were used last.
    pub(crate) fn used(self, uses: &BTreeMap<SecretId, Timestamp>) -> Self {
        Self { secrets: self.secrets.into_iter().map(|secret| secret.used(uses)).collect(), ..self }
    }
}

impl Example for ClientObject {
    fn example() -> Self {
        let registration = Registration::example();
        Self {
            client_id: registration.client_id.unwrap_or_default(),
            client_name: registration.client_name,
            registered_by: "operator".into(),
            managed_by: None,
            application_type: registration.application_type,
            client_uri: registration.client_uri,
            policy_uri: registration.policy_uri,
            tos_uri: registration.tos_uri,
            initiate_login_uri: registration.initiate_login_uri,
            contacts: registration.contacts,
            software_id: registration.software_id,
            software_version: registration.software_version,
            redirect_uris: registration.redirect_uris,
            post_logout_redirect_uris: registration.post_logout_redirect_uris,
            grant_types: registration.grant_types,
            token_endpoint_auth_method: registration.token_endpoint_auth_method,
            scope: registration.scope,
            jwks: registration.jwks,
            jwks_uri: registration.jwks_uri,
            token_endpoint_auth_signing_alg: registration.token_endpoint_auth_signing_alg,
            tls_client_auth_subject_dn: registration.tls_client_auth_subject_dn,
            tls_client_auth_san_dns: registration.tls_client_auth_san_dns,
            tls_client_auth_san_uri: registration.tls_client_auth_san_uri,
            tls_client_auth_san_ip: registration.tls_client_auth_san_ip,
            tls_client_auth_san_email: registration.tls_client_auth_san_email,
            id_token_signed_response_alg: registration.id_token_signed_response_alg,
            access_token_signed_response_alg: registration.access_token_signed_response_alg,
            userinfo_signed_response_alg: registration.userinfo_signed_response_alg,
            introspection_signed_response_alg: registration.introspection_signed_response_alg,
            require_pkce: registration.require_pkce,
            legacy_oauth: registration.legacy_oauth,
            require_pushed_authorization_requests: registration.require_pushed_authorization_requests,
            dpop_bound_access_tokens: registration.dpop_bound_access_tokens,
            tls_client_certificate_bound_access_tokens: registration.tls_client_certificate_bound_access_tokens,
            profile: registration.profile,
            require_signed_request_object: registration.require_signed_request_object,
            request_object_signing_alg: registration.request_object_signing_alg,
            audiences: registration.audiences,
            introspection_audiences: registration.introspection_audiences,
            allowed_providers: registration.allowed_providers,
            entry: registration.entry,
            release: registration.release,
            subject_type: registration.subject_type,
            upstream_tokens: registration.upstream_tokens,
            backchannel_logout_uri: registration.backchannel_logout_uri,
            backchannel_logout_session_required: registration.backchannel_logout_session_required,
            frontchannel_logout_uri: registration.frontchannel_logout_uri,
            frontchannel_logout_session_required: registration.frontchannel_logout_session_required,
            exchange_audiences: registration.exchange_audiences,
            may_act: registration.may_act,
            id_token_claims: registration.id_token_claims,
            consent: registration.consent,
            disabled: registration.disabled,
            created_at: EXAMPLE_TIME.into(),
            updated_at: EXAMPLE_TIME.into(),
            secrets: vec![SecretObject::example()],
        }
    }
}

/// A client, and its secret if one was just made.
#[derive(Object)]
#[oai(rename = "RegisteredClient", example, skip_serializing_if_is_none)]
pub(crate) struct RegisteredClient {
    #[oai(flatten)]
    client: ClientObject,
    /// The secret that was just made. Shown in this answer only; keep it.
    client_secret: Option<String>,
}

impl RegisteredClient {
    pub(crate) fn new(client: &Client, secret: Option<&NewSecret>) -> Self {
        Self { client: client.into(), client_secret: secret.map(|new| new.secret.expose_secret().to_owned()) }
    }
}

impl Example for RegisteredClient {
    fn example() -> Self {
        Self { client: ClientObject::example(), client_secret: Some(EXAMPLE_SECRET.into()) }
    }
}

/// Some clients, in the order of their ids. `Link` leads to the next ones, if there are any.
#[derive(Object)]
#[oai(example)]
pub(crate) struct ClientPage {
    items: Vec<ClientObject>,
}

impl ClientPage {
    pub(crate) fn new(clients: &[Client], uses: &BTreeMap<SecretId, Timestamp>) -> Self {
        Self { items: clients.iter().map(|client| ClientObject::from(client).used(uses)).collect() }
    }
}

impl Example for ClientPage {
    fn example() -> Self {
        Self { items: vec![ClientObject::example()] }
    }
}
