//! Presets: what differs between providers, as data.
//!
//! A preset is a TOML file below `presets/`, compiled in. It has a few words about itself and, in `[settings]`, settings in the very words an
//! operator would use. A provider's definition is laid over them: a text or list replaces the preset's, the tables `claims`,
//! `authorization_params` and `error_codes` are laid over entry by entry. So there is one way to read settings, and nothing a preset can say
//! that an operator cannot say too.
//!
//! ```toml
//! protocol = "oidc"                 # which adapter: see [`Protocol`]
//! wording = "sign_in_with"          # what the brand wants on its button: continue_with or sign_in_with
//!
//! [help]
//! console = "https://…"             # where the client is registered; absent where every installation has its own
//! register = "…"                    # one sentence or two for whoever stands before that page; {callback} is our callback
//!
//! [variables.tenant]                # may be written as {tenant} in the addresses of [settings]; set by a setting of the same name
//! help = "…"                        # what it is and how it looks, after "is missing: "
//! default = "common"                # without one, operators must say it, unless they override every address it stands in
//! wrap = "/oauth2/{}"               # optional: put around the value when there is one
//!
//! [parameters]                      # settings that are sent along as parameters of the authorization request
//! idp_hint = "kc_idp_hint"          # setting = parameter
//!
//! [restrictions]                    # settings with lists of texts that become a rule about who may enter
//! teams = "/https:~1~1slack.com~1team_id"   # setting = JSON pointer to the claim
//!
//! [settings]                        # everything an operator may write but `preset` and secrets
//! label = "Google"
//! icon = "google"
//! issuer = "https://…/{tenant}"
//! ```

use std::{collections::BTreeMap, sync::LazyLock};

use serde::Deserialize;
use vestibule_domain::{
    claims::Claims,
    provider::{ButtonWording, Need, PresetCard},
};

/// Which adapter a preset is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Protocol {
    /// OpenID Connect.
    Oidc,
    /// OAuth 2.0 with an address that says who somebody is.
    Oauth2,
    /// GitHub's.
    Github,
    /// Facebook's.
    Facebook,
}

/// What an operator may start from.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Preset {
    /// How a definition names it.
    #[serde(skip)]
    pub name: &'static str,
    /// Which adapter it is for.
    pub protocol: Protocol,
    /// What the brand wants on its button.
    #[serde(default = "continue_with")]
    pub wording: ButtonWording,
    /// For whoever registers the client there.
    pub help: Help,
    /// What stands between braces in the addresses of [`Self::settings`].
    #[serde(default)]
    pub variables: BTreeMap<String, Variable>,
    /// Settings that are sent along as authorization parameters, and under which name.
    #[serde(default)]
    pub parameters: BTreeMap<String, String>,
    /// Settings that become a rule about who may enter, and the claim they are held against.
    #[serde(default)]
    pub restrictions: BTreeMap<String, String>,
    /// Settings, as an operator would write them.
    pub settings: Claims,
}

/// How to register a client.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Help {
    /// The page to do it on.
    pub console: Option<String>,
    /// What to do there; `{callback}` stands for our callback.
    pub register: String,
}

/// A part of an address that is an operator's to say.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Variable {
    /// What it is, and how it looks.
    pub help: String,
    /// What it is when nobody says.
    pub default: Option<String>,
    /// What is put around it, with `{}` where it stands.
    pub wrap: Option<String>,
}

const fn continue_with() -> ButtonWording {
    ButtonWording::ContinueWith
}

impl Preset {
    /// What stands on its button.
    pub fn label(&self) -> &str {
        self.settings.get("label").and_then(serde_json::Value::as_str).unwrap_or(self.name)
    }

    /// What an operator sees of it before there is a provider.
    pub(crate) fn card(&self) -> PresetCard {
        let text = |name: &str| self.settings.get(name).and_then(serde_json::Value::as_str).map(str::to_owned);
        let variables = self.variables.iter().map(|(name, variable)| (name.clone(), variable.help.clone(), variable.default.clone()));
        PresetCard {
            name: self.name.to_owned(),
            label: self.label().to_owned(),
            icon: text("icon"),
            console: self.help.console.clone(),
            register: self.help.register.clone(),
            needs_issuer: self.protocol == Protocol::Oidc && text("issuer").is_none(),
            variables: variables.collect(),
            needs: self.needs(),
        }
    }

    /// What nobody but an operator knows of such a provider: by what we prove who we are there, and where it is if that is said nowhere.
    fn needs(&self) -> Vec<Need> {
        let said = |name: &str| self.settings.get(name).and_then(serde_json::Value::as_str);
        let open = |name, help| Need { name, help, is_secret: false };
        let sealed = |name, help| Need { name, help, is_secret: true };
        let addresses = [
            open("authorization_endpoint", "Where people are sent to sign in."),
            open("token_endpoint", "Where codes become tokens."),
            open("userinfo_endpoint", "Where it says, as JSON, who holds an access token."),
        ];
        let unsaid = addresses.into_iter().filter(|need| self.protocol == Protocol::Oauth2 && said(need.name).is_none());
        let proof = match said("token_auth") {
            Some("apple") => vec![
                open("team_id", "The ten characters by which Apple calls your team."),
                open("key_id", "The ten characters by which Apple calls the key."),
                sealed("private_key", "The key file (.p8) that Apple gave, whole."),
            ],
            _ => vec![sealed("client_secret", "As the provider gave it to us.")],
        };
        unsaid.chain(proof).collect()
    }

    /// What to do at the provider, with our callback filled in.
    pub fn registration(&self, callback: &str) -> String {
        self.help.register.replace("{callback}", callback)
    }
}

macro_rules! sources {
    ($($name:literal),+ $(,)?) => { [$(($name, include_str!(concat!("../presets/", $name, ".toml")))),+] };
}

/// Every preset, by name.
const SOURCES: [(&str, &str); 17] = sources![
    "apple",
    "auth0",
    "cognito",
    "discord",
    "facebook",
    "github",
    "gitlab",
    "google",
    "keycloak",
    "linkedin",
    "microsoft",
    "oauth2",
    "oidc",
    "okta",
    "salesforce",
    "slack",
    "x",
];

/// Every preset, in the order of their names.
pub fn presets() -> &'static [Preset] {
    static PRESETS: LazyLock<Vec<Preset>> = LazyLock::new(|| SOURCES.into_iter().map(read).collect());
    &PRESETS
}

/// One preset.
pub fn preset(name: &str) -> Option<&'static Preset> {
    presets().iter().find(|preset| preset.name == name)
}

/// A compiled-in file that can't be read is a mistake of ours that no test lets through.
fn read((name, text): (&'static str, &str)) -> Preset {
    let preset: Preset = toml::from_str(text).unwrap_or_else(|error| panic!("presets/{name}.toml: {error}"));
    Preset { name, ..preset }
}
