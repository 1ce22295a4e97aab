//! An issuer's settings, read from what operators and presets wrote.

use std::{collections::BTreeMap, sync::Arc};

use serde_json::Value;
use url::Url;
use vestibule_domain::{client::SigningAlg, email::EmailDomain, ports::IdentityProvider};

use super::{
    OidcProvider, consistent,
    google::{DirectorySettings, ServiceAccount},
    microsoft::{GroupSettings, Groups},
    settings::{
        Endpoints, FreshPrompt, NonceRule, OidcSettings, Pkce, ResponseMode, SettingsFault, Speciality, TokenAuth, Which, issuer_url,
    },
    subject::SubjectTemplate,
};
use crate::{
    egress::Egress,
    factory::{self, Common, Tools},
    oauth2::settings::{address, error_codes, required_address},
    params,
    sheet::Sheet,
    signing::AssertionKey,
};

/// Makes a provider. Everything is read, so that every fault is noted, before anything is made.
pub(crate) fn make(sheet: &mut Sheet<'_>, common: Common, tools: &Tools) -> Option<Arc<dyn IdentityProvider>> {
    let issuer = issuer(sheet, &tools.egress);
    let egress = issuer.as_deref().and_then(issuer_url).map_or_else(|| tools.egress.clone(), |url| tools.egress.clone().at_port_of(&url));
    let settings = settings(sheet, common, issuer.unwrap_or_default(), &egress);
    if sheet.is_bad() {
        return None;
    }
    let Tools { clock, entropy, observer, .. } = tools.clone();
    match OidcProvider::new(settings, tools.egress.clone(), clock, entropy, observer) {
        Ok(provider) => Some(Arc::new(provider)),
        // All of these were found before, each where it stands.
        Err(fault) => {
            sheet.fault("issuer", fault.to_string());
            None
        }
    }
}

fn issuer(sheet: &mut Sheet<'_>, egress: &Egress) -> Option<String> {
    if !sheet.has("issuer") {
        sheet.required("issuer", "the issuer's identifier, exactly as it names itself, as https://login.example.com");
        return None;
    }
    let issuer = sheet.address("issuer")?;
    match issuer_url(&issuer) {
        None => sheet.fault("issuer", SettingsFault::Issuer.to_string()),
        Some(url) if !egress.clone().at_port_of(&url).permits(&url) => sheet.fault("issuer", SettingsFault::IssuerAddress.to_string()),
        Some(_) => return Some(issuer),
    }
    None
}

fn settings(sheet: &mut Sheet<'_>, common: Common, issuer: String, egress: &Egress) -> OidcSettings {
    let discovery = sheet.value("discovery") != Some(Value::Bool(false));
    sheet.flag("discovery");
    let token_auth = sheet.choice("token_auth", TokenAuth::ALL).unwrap_or(TokenAuth::Basic);
    let private_key = private_key(sheet, token_auth);
    let domain_hint_param = params::name(sheet, "domain_hint_param", None);
    let settings = OidcSettings {
        card: common.card,
        terms: common.terms,
        issuer_aliases: sheet.texts("issuer_aliases"),
        issuer_template: sheet.address("issuer_template"),
        client_id: common.client_id,
        client_secret: common.client_secret,
        private_key,
        assertion_audience: sheet.text("assertion_audience"),
        team_id: String::new(),
        scopes: common.scopes,
        offline_scopes: factory::scopes(sheet, "offline_scopes"),
        offline_params: params::table(sheet, "offline_params", &["prompt"]),
        discovery,
        endpoints: endpoints(sheet, egress, discovery),
        endpoint_hosts: sheet.texts("endpoint_hosts"),
        audiences: sheet.texts("audiences"),
        token_auth,
        pkce: sheet.choice("pkce", Pkce::ALL).unwrap_or(Pkce::Auto),
        nonce: sheet.choice("nonce", NonceRule::ALL).unwrap_or(NonceRule::Required),
        form_post: form_post(sheet),
        allowed_algs: algorithms(sheet),
        userinfo: sheet.flag("userinfo"),
        sign_out: sheet.flag("sign_out"),
        error_in_200: sheet.flag("error_in_200"),
        error_codes: error_codes(sheet),
        subject: subject(sheet),
        prompt: common.prompt,
        fresh_prompt: sheet.choice("fresh_prompt", FreshPrompt::ALL).unwrap_or(FreshPrompt::Login),
        acr_values: sheet.text("acr_values"),
        unsupported_params: params::left_out(sheet, "unsupported_params", domain_hint_param.as_deref()),
        domain_hint_param,
        authorization_params: common.authorization_params,
        secret_expires: common.secret_expires,
        speciality: Speciality::None,
        issuer,
    };
    let settings = specialised(sheet, settings, egress);
    consistent::look(sheet, &settings);
    settings
}

fn form_post(sheet: &mut Sheet<'_>) -> bool {
    sheet.choice("response_mode", ResponseMode::ALL) == Some(ResponseMode::FormPost)
}

fn algorithms(sheet: &mut Sheet<'_>) -> Vec<SigningAlg> {
    let algorithms = sheet.choices("algorithms", SigningAlg::ALL);
    match (sheet.has("algorithms"), algorithms.is_empty()) {
        (false, _) => SigningAlg::ALL.to_vec(),
        (true, true) => {
            sheet.fault("algorithms", "is empty, so that no ID token could be accepted");
            algorithms
        }
        (true, false) => algorithms,
    }
}

fn subject(sheet: &mut Sheet<'_>) -> SubjectTemplate {
    match sheet.text("subject").map(|text| text.parse::<SubjectTemplate>()) {
        None => SubjectTemplate::default(),
        Some(Ok(subject)) => {
            if let Some(claim) = subject.name() {
                sheet.fault(
                    "subject",
                    format!("is made of {claim}, which can be changed or taken over by another person; take sub or an id"),
                );
            }
            subject
        }
        Some(Err(fault)) => {
            sheet.fault("subject", fault.to_string());
            SubjectTemplate::default()
        }
    }
}

fn endpoints(sheet: &mut Sheet<'_>, egress: &Egress, discovery: bool) -> Endpoints {
    let mut endpoint = |name: &str, needed: bool| {
        if needed && !discovery && !sheet.has(name) {
            return sheet.required(name, "it has to be set where discovery = false");
        }
        let text = sheet.address(name)?;
        match Url::parse(&text) {
            Ok(url) if url.fragment().is_none() && egress.permits(&url) => return Some(url.into()),
            Ok(url) if url.fragment().is_none() && url.has_host() => {
                sheet.fault(name, "is not public https; for a test bench or an issuer on the premises, put host:port on the allow-list");
            }
            _ => sheet.fault(name, "is not an address, as https://login.example.com/token"),
        }
        None
    };
    Endpoints {
        authorization_endpoint: endpoint("authorization_endpoint", true),
        token_endpoint: endpoint("token_endpoint", true),
        userinfo_endpoint: endpoint("userinfo_endpoint", false),
        jwks_uri: endpoint("jwks_uri", true),
        revocation_endpoint: endpoint("revocation_endpoint", false),
        end_session_endpoint: endpoint("end_session_endpoint", false),
    }
}

/// The key that assertions are signed with, where they are.
fn private_key(sheet: &mut Sheet<'_>, token_auth: TokenAuth) -> Option<AssertionKey> {
    let (pem, kid) = match token_auth {
        TokenAuth::Apple => (
            sheet.required_secret("private_key", "the key file (.p8) that Apple gave, whole"),
            sheet.required("key_id", "the ten characters by which Apple calls the key"),
        ),
        TokenAuth::PrivateKeyJwt => {
            (sheet.required_secret("private_key", "the private key in PEM whose public half is registered there"), sheet.text("key_id"))
        }
        TokenAuth::Basic | TokenAuth::Post | TokenAuth::None => {
            if sheet.secret("private_key").is_some() || sheet.text("key_id").is_some() {
                sheet.fault("private_key", "is never used unless token_auth is private_key_jwt");
            }
            return None;
        }
    };
    match AssertionKey::from_pem(&pem?, kid) {
        Ok(key) if token_auth == TokenAuth::Apple && key.alg() != "ES256" => {
            sheet.fault("private_key", "is not a P-256 key, which Apple's are");
            None
        }
        Ok(key) => Some(key),
        Err(fault) => {
            sheet.fault("private_key", fault.to_string());
            None
        }
    }
}

fn specialised(sheet: &mut Sheet<'_>, settings: OidcSettings, egress: &Egress) -> OidcSettings {
    match sheet.choice("speciality", Which::ALL).unwrap_or(Which::None) {
        Which::None => settings,
        Which::Google => {
            let directory = directory(sheet, egress);
            OidcSettings { speciality: Speciality::Google(directory), ..settings }
        }
        Which::Microsoft => {
            let groups = sheet.choice("groups", Groups::ALL).unwrap_or(Groups::Ids);
            let security_only = sheet.flag("security_groups_only");
            let graph = required_address(sheet, egress, "graph_endpoint", "where Graph is, as https://graph.microsoft.com");
            match graph {
                Some(graph) => {
                    OidcSettings { speciality: Speciality::Microsoft(GroupSettings { groups, security_only, graph }), ..settings }
                }
                None => settings,
            }
        }
        Which::Apple => {
            let team_id = sheet.required("team_id", "the ten characters by which Apple calls your team").unwrap_or_default();
            OidcSettings { speciality: Speciality::Apple, team_id, ..settings }
        }
    }
}

/// Groups are read where there are administrators in whose name to read them.
fn directory(sheet: &mut Sheet<'_>, egress: &Egress) -> Option<DirectorySettings> {
    let admins = admins(sheet);
    let transitive = sheet.flag("transitive_groups");
    let endpoint = address(sheet, egress, "directory_endpoint");
    let key = sheet.secret("service_account_key");
    if admins.is_empty() && key.is_none() {
        return None;
    }
    if admins.is_empty() {
        sheet.fault(
            "admin_emails",
            "is missing: the address of an administrator for each Workspace domain, as {\"corp.example\": \"it@corp.example\"}",
        );
    }
    let Some(key) = key else {
        sheet.fault("service_account_key", "is missing: the JSON key file of the service account that reads groups");
        return None;
    };
    let account = ServiceAccount::from_json(&key).filter(|account| egress.permits(&account.token_uri));
    if account.is_none() {
        sheet.fault("service_account_key", "is not the JSON key file of a service account");
    }
    if endpoint.is_none() && !sheet.has("directory_endpoint") {
        sheet.required("directory_endpoint", "where the Directory API is, as https://admin.googleapis.com");
    }
    Some(DirectorySettings { account: account?, admins, transitive, endpoint: endpoint? })
}

fn admins(sheet: &mut Sheet<'_>) -> BTreeMap<String, String> {
    let mut admins = BTreeMap::new();
    for (domain, email) in sheet.table("admin_emails") {
        match EmailDomain::parse(&domain) {
            Some(domain) => drop(admins.insert(domain.to_string(), email)),
            None => sheet.fault(&format!("admin_emails/{}", crate::sheet::escaped(&domain)), "is not a Workspace domain, as corp.example"),
        }
    }
    admins
}
