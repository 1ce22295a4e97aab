//! From what operators wrote to providers.

use std::{fmt, sync::Arc, time::Duration};

use secrecy::SecretString;
use time::{Date, macros::format_description};
use vestibule_domain::{
    claims::{ClaimMap, Claims, is_printable},
    email::DomainPattern,
    entry::EntryDraft,
    health::Checked,
    ids::ProviderId,
    ports::{Clock, Entropy, IdentityProvider, Observer, ProviderFactory},
    provider::{ButtonWording, Definition, EmailTrust, PresetCard, ProviderCard, ProviderTerms},
    registration::FieldFault,
    time::Timestamp,
};

use crate::{
    egress::Egress,
    facebook, github,
    line::Line,
    oauth2, oidc, params,
    preset::{self, Preset, Protocol, presets},
    sheet::{Sheet, escaped},
};

/// Every setting that is a secret.
pub(crate) const SECRETS: &[&str] = &["client_secret", "private_key", "service_account_key"];

/// What adapters need of the house.
#[derive(Clone)]
pub(crate) struct Tools {
    pub(crate) egress: Egress,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) entropy: Arc<dyn Entropy>,
    pub(crate) observer: Arc<dyn Observer>,
}

impl Tools {
    /// The line to one provider.
    pub(crate) fn line(&self, provider: ProviderId) -> Line {
        Line { provider, egress: self.egress.clone(), observer: Arc::clone(&self.observer) }
    }
}

/// What every provider has, whatever it speaks.
#[derive(Clone, Debug)]
pub(crate) struct Common {
    pub(crate) card: ProviderCard,
    pub(crate) terms: ProviderTerms,
    /// Our client there.
    pub(crate) client_id: String,
    /// Its secret.
    pub(crate) client_secret: Option<SecretString>,
    /// What is asked for.
    pub(crate) scopes: Vec<String>,
    /// Words of the parameter `prompt`, always sent.
    pub(crate) prompt: Vec<String>,
    /// Parameters of the authorization request that are ours to add, checked.
    pub(crate) authorization_params: Vec<(String, String)>,
    /// When our secret there expires.
    pub(crate) secret_expires: Option<Timestamp>,
}

impl Common {
    /// What a look at a provider always tells.
    pub(crate) fn checked(&self) -> Checked {
        Checked { secret_expires: self.secret_expires, ..Checked::default() }
    }
}

/// Makes the providers of every preset.
#[derive(Clone)]
pub struct ProviderMaker {
    tools: Tools,
}

impl fmt::Debug for ProviderMaker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ProviderMaker").finish_non_exhaustive()
    }
}

impl ProviderMaker {
    /// Providers made by it share one outgoing client.
    pub fn new(egress: Egress, clock: Arc<dyn Clock>, entropy: Arc<dyn Entropy>, observer: Arc<dyn Observer>) -> Self {
        Self { tools: Tools { egress, clock, entropy, observer } }
    }
}

/// Settings that say nothing of where requests go. All others may, in one preset or another, and so does one that is new.
const LEADS_NOWHERE: [&str; 32] = [
    "label",
    "icon",
    "wording",
    "client_id",
    "scopes",
    "offline_scopes",
    "pkce",
    "nonce",
    "algorithms",
    "userinfo",
    "prompt",
    "fresh_prompt",
    "acr_values",
    "claims",
    "email_trust",
    "entry",
    "domains",
    "links_by_email",
    "told_once",
    "keep_tokens",
    "ends_sessions",
    "recheck",
    "secret_expires",
    "audiences",
    "subject",
    "subject_is",
    "fields",
    "hosted_domains",
    "teams",
    "tenants",
    "groups",
    "authorization_params",
];

impl ProviderFactory for ProviderMaker {
    fn make(&self, definition: &Definition) -> Result<Arc<dyn IdentityProvider>, Vec<FieldFault>> {
        let preset = preset_of(definition).map_err(|fault| vec![fault])?;
        let mut sheet = Sheet::new(preset, definition);
        let common = common(&mut sheet, preset, &definition.id);
        let made = match preset.protocol {
            Protocol::Oidc => oidc::make(&mut sheet, common, &self.tools),
            Protocol::Oauth2 => oauth2::make(&mut sheet, common, &self.tools),
            Protocol::Github => github::make(&mut sheet, common, &self.tools),
            Protocol::Facebook => facebook::make(&mut sheet, common, &self.tools),
        };
        let faults = sheet.finish();
        match made {
            Some(provider) if faults.is_empty() => Ok(provider),
            _ => Err(faults),
        }
    }

    fn leads_elsewhere(&self, before: &Claims, after: &Claims) -> bool {
        let moved = |name: &String| !LEADS_NOWHERE.contains(&name.as_str()) && before.get(name) != after.get(name);
        before.keys().chain(after.keys()).any(moved)
    }

    fn presets(&self) -> Vec<PresetCard> {
        presets().iter().map(Preset::card).collect()
    }

    fn secret_settings(&self) -> &'static [&'static str] {
        SECRETS
    }
}

fn preset_of(definition: &Definition) -> Result<&'static Preset, FieldFault> {
    let names = || presets().iter().map(|preset| preset.name).collect::<Vec<_>>().join(", ");
    let fault = |message| FieldFault { pointer: "/preset".into(), message };
    let Some(name) = definition.settings.get("preset").and_then(serde_json::Value::as_str) else {
        return Err(fault(format!("is missing: one of {}", names())));
    };
    preset::preset(name).ok_or_else(|| fault(format!("is not a preset; there are {}", names())))
}

/// Reads what every provider has. Faults are noted, and stand-ins take the places of what is wrong, so that the rest is read too.
fn common(sheet: &mut Sheet<'_>, preset: &Preset, id: &ProviderId) -> Common {
    let label = sheet.text("label").unwrap_or_else(|| preset.name.to_owned());
    if !is_printable(&label) || label.chars().count() > 100 {
        sheet.fault("label", "must have 1 to 100 printable characters");
    }
    let card = ProviderCard {
        id: id.clone(),
        label,
        wording: sheet.choice("wording", ButtonWording::ALL).unwrap_or(preset.wording),
        icon: icon(sheet),
        preset: preset.name.to_owned(),
    };
    Common {
        card,
        terms: terms(sheet, preset),
        client_id: sheet.required("client_id", "the id of our client there").unwrap_or_default(),
        client_secret: sheet.secret("client_secret"),
        scopes: scopes(sheet, "scopes"),
        prompt: prompt(sheet),
        authorization_params: authorization_params(sheet, preset),
        secret_expires: secret_expires(sheet),
    }
}

fn icon(sheet: &mut Sheet<'_>) -> Option<String> {
    let icon = sheet.text("icon")?;
    let fits = icon.len() <= 40 && icon.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-');
    if !fits {
        sheet.fault("icon", "is the name of an embedded mark: small letters, digits and hyphens");
    }
    fits.then_some(icon)
}

fn terms(sheet: &mut Sheet<'_>, preset: &Preset) -> ProviderTerms {
    let claims: ClaimMap = sheet.shaped("claims");
    for (at, message) in claims.faults() {
        let at = at.split_once('/').map_or_else(|| escaped(&at), |(name, rest)| format!("{}/{rest}", escaped(name)));
        sheet.fault(if at.is_empty() { "claims".to_owned() } else { format!("claims/{at}") }.as_str(), message);
    }
    let mut entry: EntryDraft = sheet.shaped("entry");
    for (setting, pointer) in &preset.restrictions {
        let wanted = sheet.texts(setting);
        if sheet.has(setting) && wanted.is_empty() {
            sheet.fault(setting, "is empty, so nobody could enter; leave it out to let everybody in");
        }
        match pointer.as_str() {
            "/tid" => entry.tenants.extend(wanted),
            "/hd" => entry.hosted_domains.extend(wanted),
            _ if wanted.is_empty() => {}
            _ => entry.claims.entry(pointer.clone()).or_default().extend(wanted),
        }
    }
    let mut domains = Vec::new();
    for (at, text) in sheet.texts("domains").iter().enumerate() {
        match DomainPattern::parse(text) {
            Some(domain) => domains.push(domain),
            None => sheet.fault(&format!("domains/{at}"), "is not a domain: write corp.example, or *.corp.example for what lies below it"),
        }
    }
    let links_by_email = sheet.flag("links_by_email");
    if links_by_email && domains.is_empty() {
        sheet.fault(
            "links_by_email",
            "is for addresses of `domains`, and there are none: name the domains this provider is the authority for",
        );
    }
    let email_trust = sheet.choice("email_trust", EmailTrust::ALL).unwrap_or_default();
    let (keeps_tokens, ends_sessions) = (sheet.flag("keep_tokens"), sheet.flag("ends_sessions"));
    if ends_sessions && !keeps_tokens {
        sheet.fault("ends_sessions", "is found out by refreshing tokens, so it needs `keep_tokens = true`");
    }
    let recheck = span(sheet, "recheck");
    if recheck.is_some() && !keeps_tokens {
        sheet.fault("recheck", "is done by refreshing tokens, so it needs `keep_tokens = true`");
    }
    let told_once = sheet.texts("told_once");
    let entry = entry.check("/entry", sheet.faults());
    ProviderTerms { claims, email_trust, entry, domains, links_by_email, told_once, keeps_tokens, ends_sessions, recheck }
}

/// A number and its unit, as `90s`, `15m`, `8h` or `7d`.
fn span(sheet: &mut Sheet<'_>, name: &str) -> Option<Duration> {
    let text = sheet.text(name)?;
    let units = [('s', 1), ('m', 60), ('h', 3600), ('d', 24 * 3600)];
    let read = units.into_iter().find_map(|(unit, seconds)| {
        let number: u32 = text.strip_suffix(unit)?.parse().ok()?;
        Some(Duration::from_secs(u64::from(number) * seconds))
    });
    if read.is_none() {
        sheet.fault(name, "is not a span of time: write a number and a unit, as 90s, 15m, 8h or 7d");
    }
    read
}

/// Scopes, each of them checked where it stands.
pub(crate) fn scopes(sheet: &mut Sheet<'_>, name: &str) -> Vec<String> {
    let scopes = sheet.texts(name);
    for (at, _) in scopes.iter().enumerate().filter(|(_, scope)| !is_scope(scope)) {
        sheet.fault(&format!("{name}/{at}"), "must be one scope: printable ASCII without quotes, backslashes and spaces");
    }
    scopes
}

/// RFC 6749 §3.3.
pub(crate) fn is_scope(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| matches!(byte, 0x21 | 0x23..=0x5b | 0x5d..=0x7e))
}

fn prompt(sheet: &mut Sheet<'_>) -> Vec<String> {
    let words: Vec<_> =
        sheet.text("prompt").iter().flat_map(|text| text.split(' ')).filter(|word| !word.is_empty()).map(str::to_owned).collect();
    if words.iter().any(|word| word == "none") && words.len() > 1 {
        sheet.fault("prompt", "has none beside other words; a provider refuses that");
    }
    words
}

fn authorization_params(sheet: &mut Sheet<'_>, preset: &Preset) -> Vec<(String, String)> {
    let mut all = params::table(sheet, "authorization_params", &["acr_values", "ui_locales"]);
    for (setting, parameter) in &preset.parameters {
        if let Some(value) = sheet.text(setting) {
            all.insert(parameter.clone(), value);
        }
    }
    all.into_iter().collect()
}

fn secret_expires(sheet: &mut Sheet<'_>) -> Option<Timestamp> {
    let text = sheet.text("secret_expires")?;
    let date = Date::parse(&text, format_description!("[year]-[month]-[day]"));
    if date.is_err() {
        sheet.fault("secret_expires", "is not a date, as 2027-01-31");
    }
    date.ok().map(|date| Timestamp::from_secs(date.midnight().assume_utc().unix_timestamp()))
}
