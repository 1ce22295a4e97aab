//! How one issuer is configured.

use std::{collections::BTreeMap, fmt, str::FromStr};

use secrecy::SecretString;
use url::Url;
use vestibule_domain::{
    client::SigningAlg,
    ids::ProviderId,
    provider::{ButtonWording, ProviderCard, ProviderTerms},
    time::Timestamp,
};

use super::{google::DirectorySettings, microsoft::GroupSettings, subject::SubjectTemplate};
use crate::{egress::Egress, factory::is_scope, signing::AssertionKey};

/// An issuer and our registration there.
#[derive(Clone, Debug)]
pub struct OidcSettings {
    /// What people and operators see.
    pub card: ProviderCard,
    /// The rules the core decides by.
    pub terms: ProviderTerms,
    /// Its identifier, exactly as it names itself, trailing slash included. Its metadata lies below it.
    pub issuer: String,
    /// Other names it has for itself in tokens and answers.
    pub issuer_aliases: Vec<String>,
    /// For an issuer that stands for many: what the issuer of each token is, with `{tenantid}` where its `tid` stands.
    pub issuer_template: Option<String>,
    /// Our client there.
    pub client_id: String,
    /// Its secret; none for a public client.
    pub client_secret: Option<SecretString>,
    /// Its private key, for [`TokenAuth::PrivateKeyJwt`] and [`TokenAuth::Apple`].
    pub private_key: Option<AssertionKey>,
    /// Whom assertions of ours are for; the issuer if nothing is said.
    pub assertion_audience: Option<String>,
    /// Apple's name for whoever registered the client there.
    pub team_id: String,
    /// What is asked for; `openid` is always among it.
    pub scopes: Vec<String>,
    /// What is asked for besides when tokens are kept, so that there is a refresh token.
    pub offline_scopes: Vec<String>,
    /// Parameters that are sent instead of the scope `offline_access`, which such an issuer refuses.
    pub offline_params: BTreeMap<String, String>,
    /// Whether its metadata is fetched. Without it, the endpoints have to be set.
    pub discovery: bool,
    /// Endpoints that are set rather than believed.
    pub endpoints: Endpoints,
    /// Hosts besides its own on which its endpoints are known to lie; `*.` stands for anything below.
    pub endpoint_hosts: Vec<String>,
    /// Audiences besides our client id that its tokens may have.
    pub audiences: Vec<String>,
    /// How the client proves itself at the token endpoint.
    pub token_auth: TokenAuth,
    /// Whether PKCE is used.
    pub pkce: Pkce,
    /// Whether a nonce is sent, and must come back.
    pub nonce: NonceRule,
    /// Whether it answers with a POST to our callback (OAuth 2.0 Form Post Response Mode).
    pub form_post: bool,
    /// How its ID tokens may be signed.
    pub allowed_algs: Vec<SigningAlg>,
    /// Whether claims are fetched from userinfo too, at a sign-in and after a refresh.
    pub userinfo: bool,
    /// Whether people who sign out here are sent on to sign out there too.
    pub sign_out: bool,
    /// Whether errors come with status 200.
    pub error_in_200: bool,
    /// What error codes of its own mean in those of RFC 6749.
    pub error_codes: BTreeMap<String, String>,
    /// What its unchanging name for a person is made of.
    pub subject: SubjectTemplate,
    /// Words of `prompt`, always sent.
    pub prompt: Vec<String>,
    /// The word of `prompt` for a new proof of who somebody is.
    pub fresh_prompt: FreshPrompt,
    /// Sent when an app asks for none.
    pub acr_values: Option<String>,
    /// The parameter for the domain of the person.
    pub domain_hint_param: Option<String>,
    /// Further parameters of the authorization request.
    pub authorization_params: Vec<(String, String)>,
    /// Parameters that it refuses rather than ignores.
    pub unsupported_params: Vec<String>,
    /// When our secret there expires.
    pub secret_expires: Option<Timestamp>,
    /// What no data can say.
    pub speciality: Speciality,
}

/// Endpoints that an operator sets. Each takes the place of what the metadata says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[expect(missing_docs, reason = "the fields are those of OpenID Connect Discovery 1.0 §3 and RFC 8414 §2")]
pub struct Endpoints {
    pub authorization_endpoint: Option<String>,
    pub token_endpoint: Option<String>,
    pub userinfo_endpoint: Option<String>,
    pub jwks_uri: Option<String>,
    pub revocation_endpoint: Option<String>,
    pub end_session_endpoint: Option<String>,
}

/// What is code at some issuers.
#[derive(Clone, Debug, Default)]
pub enum Speciality {
    /// Nothing.
    #[default]
    None,
    /// Groups from the Admin Directory API.
    Google(Option<DirectorySettings>),
    /// Tenants, and groups that did not fit into the token.
    Microsoft(GroupSettings),
    /// The name that is told once, beside the code.
    Apple,
}

macro_rules! words {
    ($(#[$doc:meta])* $vis:vis $name:ident { $($(#[$vdoc:meta])* $variant:ident = $text:literal),+ $(,)? }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        $vis enum $name { $($(#[$vdoc])* $variant),+ }

        impl $name {
            /// Every value.
            $vis const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// As it is written.
            $vis const fn word(self) -> &'static str {
                match self { $(Self::$variant => $text),+ }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.word())
            }
        }

        impl FromStr for $name {
            type Err = ();
            fn from_str(text: &str) -> Result<Self, ()> {
                Self::ALL.iter().copied().find(|value| value.word() == text).ok_or(())
            }
        }
    };
}
pub(super) use words;

words! {
    /// How a client proves itself (OpenID Connect Core 1.0 §9).
    pub TokenAuth {
        /// HTTP Basic.
        Basic = "client_secret_basic",
        /// In the form.
        Post = "client_secret_post",
        /// By a signed assertion (RFC 7523 §2.2).
        PrivateKeyJwt = "private_key_jwt",
        /// A public client.
        None = "none",
        /// By a secret that we sign for each request.
        Apple = "apple",
    }
}

words! {
    /// Whether PKCE is used (RFC 7636), always with S256.
    pub Pkce {
        /// It is, whether or not the metadata speaks of it: leaving it out is how it would be stripped (attack 17).
        Auto = "auto",
        /// It is not: for issuers that refuse it.
        Never = "never",
        /// It is, and an issuer that does not announce it is refused.
        Required = "required",
    }
}

words! {
    /// What becomes of the nonce (OpenID Connect Core 1.0 §3.1.2.1).
    pub NonceRule {
        /// It is sent and must come back.
        Required = "required",
        /// It is sent and must come back unless the signed token says `nonce_supported: false`.
        UnlessDisclaimed = "unless_disclaimed",
        /// It is sent, and what comes back must be it.
        Optional = "optional",
        /// It is not sent.
        Unsupported = "unsupported",
    }
}

words! {
    /// The word of `prompt` for people who must prove who they are again (OpenID Connect Core 1.0 §3.1.2.1).
    pub FreshPrompt {
        /// The specification's.
        Login = "login",
        /// For issuers that do not know that one; what counts is `auth_time` all the same.
        SelectAccount = "select_account",
        /// As above.
        Consent = "consent",
    }
}

words! {
    /// Which code an issuer needs.
    pub(super) Which {
        /// None.
        None = "none",
        /// Google's.
        Google = "google",
        /// Microsoft's.
        Microsoft = "microsoft",
        /// Apple's.
        Apple = "apple",
    }
}

words! {
    /// How answers come back.
    pub(super) ResponseMode {
        /// By a redirect.
        Query = "query",
        /// By a POST from their page.
        FormPost = "form_post",
    }
}

/// What is wrong with the settings of an issuer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SettingsFault {
    /// OpenID Connect Discovery 1.0 §4: a URL without query or fragment.
    #[error("issuer is not a URL without query and fragment, as https://accounts.example.com")]
    Issuer,
    /// Not public https.
    #[error("issuer is not a public https address; for a test bench or an issuer on the premises, put host:port on the allow-list")]
    IssuerAddress,
    /// Nothing there.
    #[error("client_id is blank")]
    ClientId,
    /// Nothing could be accepted.
    #[error("allowed_algs is empty")]
    Algorithms,
    /// RFC 6749 §3.3.
    #[error("a scope is blank or has other characters than printable ASCII without quotes, backslashes and spaces")]
    Scope,
    /// Nothing to prove ourselves with.
    #[error("there is no secret or private key for this token_auth")]
    Credentials,
}

impl OidcSettings {
    /// The usual settings for an issuer: profile and e-mail, HTTP Basic, userinfo.
    pub fn new(id: ProviderId, label: impl Into<String>, issuer: impl Into<String>, client_id: impl Into<String>) -> Self {
        let card = ProviderCard { id, label: label.into(), wording: ButtonWording::ContinueWith, icon: None, preset: "oidc".to_owned() };
        Self {
            card,
            terms: ProviderTerms::default(),
            issuer: issuer.into(),
            issuer_aliases: Vec::new(),
            issuer_template: None,
            client_id: client_id.into(),
            client_secret: None,
            private_key: None,
            assertion_audience: None,
            team_id: String::new(),
            scopes: ["openid", "profile", "email"].map(str::to_owned).into(),
            offline_scopes: Vec::new(),
            offline_params: BTreeMap::new(),
            discovery: true,
            endpoints: Endpoints::default(),
            endpoint_hosts: Vec::new(),
            audiences: Vec::new(),
            token_auth: TokenAuth::Basic,
            pkce: Pkce::Auto,
            nonce: NonceRule::Required,
            form_post: false,
            allowed_algs: vec![SigningAlg::Rs256, SigningAlg::Ps256, SigningAlg::Es256, SigningAlg::EdDsa],
            userinfo: true,
            sign_out: false,
            error_in_200: false,
            error_codes: BTreeMap::new(),
            subject: SubjectTemplate::default(),
            prompt: Vec::new(),
            fresh_prompt: FreshPrompt::Login,
            acr_values: None,
            domain_hint_param: None,
            authorization_params: Vec::new(),
            unsupported_params: Vec::new(),
            secret_expires: None,
            speciality: Speciality::None,
        }
    }

    /// Checks everything; returns the client that reaches the issuer, at its port too.
    pub(super) fn reached_by(&self, egress: Egress) -> Result<Egress, SettingsFault> {
        let url = issuer_url(&self.issuer).ok_or(SettingsFault::Issuer)?;
        let egress = egress.at_port_of(&url);
        let proves = match self.token_auth {
            // Without a secret it is a public client, however it would have sent one.
            TokenAuth::Basic | TokenAuth::Post | TokenAuth::None => true,
            TokenAuth::PrivateKeyJwt | TokenAuth::Apple => self.private_key.is_some(),
        };
        if !egress.permits(&url) {
            Err(SettingsFault::IssuerAddress)
        } else if self.client_id.is_empty() {
            Err(SettingsFault::ClientId)
        } else if self.allowed_algs.is_empty() {
            Err(SettingsFault::Algorithms)
        } else if self.scopes.iter().chain(&self.offline_scopes).any(|scope| !is_scope(scope)) {
            Err(SettingsFault::Scope)
        } else if !proves {
            Err(SettingsFault::Credentials)
        } else {
            Ok(egress)
        }
    }
}

/// An issuer's identifier as a URL (OpenID Connect Discovery 1.0 §4).
pub(super) fn issuer_url(issuer: &str) -> Option<Url> {
    let url = Url::parse(issuer).ok()?;
    let printable = issuer.bytes().all(|byte| byte.is_ascii_graphic());
    (printable && url.query().is_none() && url.fragment().is_none() && url.host().is_some()).then_some(url)
}
