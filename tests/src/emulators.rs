//! Google, GitHub, Apple, Microsoft and Okta as others stand them in: npm `emulate`.

use std::collections::BTreeMap;

use serde_json::json;

use crate::{CLIENT_ID, CLIENT_SECRET, Neighbours, Program, free_port, modern_node};

/// A provider that can be emulated. The gateway knows it by the same name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[expect(missing_docs, reason = "the names are the providers'")]
pub enum Emulated {
    Google,
    Github,
    Apple,
    Microsoft,
    Okta,
}

/// The tenant that every person at the emulated Microsoft is in: that of personal accounts.
const MICROSOFT_TENANT: &str = "9188040d-6c67-4c5b-b112-36a304b66dad";

impl Emulated {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Google, Self::Github, Self::Apple, Self::Microsoft, Self::Okta];

    /// Its name, which is also the preset's and the provider's in the gateway.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Google => "google",
            Self::Github => "github",
            Self::Apple => "apple",
            Self::Microsoft => "microsoft",
            Self::Okta => "okta",
        }
    }

    /// What differs from the preset because the provider is at `url` and not where the real one is.
    fn section(self, url: &str) -> String {
        let own = match self {
            // It announces HTTP Basic and reads the form alone.
            Self::Google => format!("issuer = \"{url}\"\ntoken_auth = \"client_secret_post\""),
            Self::Okta => format!("issuer = \"{url}\""),
            Self::Github => {
                format!(
                    "authorization_endpoint = \"{url}/login/oauth/authorize\"\n\
                     token_endpoint = \"{url}/login/oauth/access_token\"\n\
                     api_url = \"{url}\""
                )
            }
            Self::Apple => {
                let key = rcgen::KeyPair::generate().expect("a key can be made").serialize_pem();
                return format!(
                    "preset = \"apple\"\nid = \"apple\"\nissuer = \"{url}\"\nclient_id = \"{CLIENT_ID}\"\n\
                     team_id = \"TEAM012345\"\nkey_id = \"KEY0123456\"\nprivate_key = \"\"\"\n{key}\"\"\""
                );
            }
            Self::Microsoft => {
                format!("issuer = \"{url}/{MICROSOFT_TENANT}/v2.0\"\nissuer_template = \"{url}/{{tenantid}}/v2.0\"")
            }
        };
        let name = self.name();
        format!("preset = \"{name}\"\nid = \"{name}\"\n{own}\nclient_id = \"{CLIENT_ID}\"\nclient_secret = \"{CLIENT_SECRET}\"")
    }
}

/// Running emulators. They stop when they are dropped.
#[derive(Debug)]
pub struct Emulators {
    _program: Program,
    urls: BTreeMap<Emulated, String>,
}

impl Emulators {
    /// Starts these, for a gateway of this issuer name, and waits until all answer.
    pub fn start(gateway: &str, which: &[Emulated]) -> Self {
        let ports: BTreeMap<_, _> = which.iter().map(|emulated| (*emulated, free_port())).collect();
        let named: BTreeMap<_, _> = ports.iter().map(|(emulated, port)| (emulated.name(), port)).collect();
        let program = Program::start(modern_node("emulators.mjs", &json!({ "gateway": gateway, "ports": named })));
        let urls = ports.into_iter().map(|(emulated, port)| (emulated, format!("http://127.0.0.1:{port}"))).collect();
        Self { _program: program, urls }
    }

    /// Where one answers; panics when it was not started.
    pub fn url(&self, of: Emulated) -> &str {
        &self.urls[&of]
    }

    /// All of them as neighbours of the gateway, each with more settings of its own.
    pub fn neighbours(&self, more: impl Fn(Emulated) -> &'static str) -> Neighbours {
        self.urls.iter().fold(Neighbours::default(), |all, (emulated, url)| {
            all.with(&format!("{}\n{}", emulated.section(url), more(*emulated)), &[url])
        })
    }
}
