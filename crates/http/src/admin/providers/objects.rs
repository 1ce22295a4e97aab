//! The words of the API about providers. What stands in the comments here is what the OpenAPI document says.

use std::borrow::Cow;

use poem_openapi::{
    Enum, Object,
    registry::{MetaSchema, MetaSchemaRef},
    types::{Example, ParseError, ParseFromJSON, ParseResult, ToJSON, Type},
};
use serde_json::{Value, json};
use vestibule_domain::{
    claims::Claims,
    health::{BreakerState, Checked},
    ids::ManagerName,
    provider::{Phase, ProviderError},
    registration::FieldFault,
    time::Timestamp,
};
use vestibule_flows::{ManagedBy, ShownProvider, Tested, TrialOutcome, TriedSignIn};

use crate::admin::{
    body::{Fields, Read},
    text::{Moment, Text},
};

/// Settings by name: a table of whatever the preset knows.
#[derive(Clone, Default)]
pub(super) struct Settings(pub(super) Claims);

impl Type for Settings {
    const IS_REQUIRED: bool = true;
    type RawValueType = Self;
    type RawElementValueType = Self;

    fn name() -> Cow<'static, str> {
        "settings".into()
    }

    fn schema_ref() -> MetaSchemaRef {
        let any = MetaSchemaRef::Inline(Box::new(MetaSchema::ANY));
        MetaSchemaRef::Inline(Box::new(MetaSchema { additional_properties: Some(Box::new(any)), ..MetaSchema::new("object") }))
    }

    fn as_raw_value(&self) -> Option<&Self> {
        Some(self)
    }

    fn raw_element_iter<'a>(&'a self) -> Box<dyn Iterator<Item = &'a Self> + 'a> {
        Box::new(std::iter::once(self))
    }
}

impl ToJSON for Settings {
    fn to_json(&self) -> Option<Value> {
        Some(Value::Object(self.0.clone()))
    }
}

/// Asked for by the derived schema; what callers send is read by `body`, which names every fault.
impl ParseFromJSON for Settings {
    fn parse_from_json(value: Option<Value>) -> ParseResult<Self> {
        match value {
            Some(Value::Object(settings)) => Ok(Self(settings)),
            other => Err(ParseError::expected_type(other.unwrap_or_default())),
        }
    }
}

/// What is written to set up a provider.
#[derive(Object)]
#[oai(example, deny_unknown_fields)]
pub(super) struct ProviderDraft {
    /// The settings, secrets among them, under the names they have in the configuration: `preset`, and what differs from it. A secret that is left out
    /// stays as it was; `null` takes it away.
    settings: Settings,
    /// Nobody comes through a disabled provider, and what was given to those who did stops working until it is enabled again.
    #[oai(default)]
    disabled: bool,
}

/// What the gateway shows of a provider and nobody sends.
const READ_ONLY: &[&str] = &["id", "label", "managed_by", "callback", "secrets", "health", "faults", "created_at", "updated_at"];

impl Read for ProviderDraft {
    const MAY_BE_EMPTY: bool = false;
    const READ_ONLY: &'static [&'static str] = READ_ONLY;

    fn read(fields: &mut Fields) -> Self {
        let settings = fields.table("settings");
        if settings.is_none() {
            fields.is_missing("settings", "an object that begins with \"preset\"");
        }
        Self { settings: Settings(settings.unwrap_or_default()), disabled: fields.flag("disabled").unwrap_or_default() }
    }
}

impl ProviderDraft {
    /// What a merge patch is laid over. Secrets are not in it: left out, they stay.
    pub(super) fn base_of(shown: &ShownProvider) -> Value {
        json!({ "settings": shown.settings.clone().unwrap_or_default(), "disabled": shown.disabled })
    }

    /// Takes a secret away.
    pub(super) fn take_away(&mut self, secret: &str) {
        self.settings.0.insert(secret.to_owned(), Value::Null);
    }
}

impl From<ProviderDraft> for vestibule_flows::ProviderDraft {
    fn from(draft: ProviderDraft) -> Self {
        Self { settings: draft.settings.0, disabled: draft.disabled }
    }
}

fn example_settings() -> Settings {
    let settings =
        json!({ "preset": "google", "label": "Google", "client_id": "1234.apps.googleusercontent.com", "domains": ["corp.example"] });
    Settings(settings.as_object().cloned().unwrap_or_default())
}

impl Example for ProviderDraft {
    fn example() -> Self {
        let mut settings = example_settings();
        settings.0.insert("client_secret".to_owned(), "GOCSPX-what-google-showed-you".into());
        Self { settings, disabled: false }
    }
}

/// What is to be tested.
#[derive(Object)]
#[oai(example, deny_unknown_fields, skip_serializing_if_is_none)]
pub(super) struct ProviderTrial {
    /// Settings to be tested and not kept. Without them the provider is tested as it is.
    pub(super) settings: Option<Settings>,
}

impl Read for ProviderTrial {
    const MAY_BE_EMPTY: bool = true;
    const READ_ONLY: &'static [&'static str] = READ_ONLY;

    fn read(fields: &mut Fields) -> Self {
        Self { settings: fields.table("settings").map(Settings) }
    }
}

impl Example for ProviderTrial {
    fn example() -> Self {
        Self { settings: Some(ProviderDraft::example().settings) }
    }
}

/// A provider as it is: its settings without secrets.
#[derive(Object)]
#[oai(rename = "Provider", example, skip_serializing_if_is_none)]
pub(super) struct ProviderObject {
    /// Its id.
    id: String,
    /// What stands on its button; its id if it can't be made.
    label: String,
    /// Where it is changed.
    managed_by: ManagedByObject,
    /// Whether nobody comes through it.
    disabled: bool,
    /// Our address to register there: where it sends people back to.
    callback: String,
    /// Its settings, never with a secret. Absent for one of the configuration.
    settings: Option<Settings>,
    /// Which secrets it has, by name. Empty for one of the configuration, whatever it has.
    secrets: Vec<String>,
    /// What is done with requests to it now on this node: `closed` lets them through, `open` none because it failed repeatedly, `half_open` one at a time to
    /// see whether it is well again.
    health: Text<BreakerState>,
    /// What is wrong with its settings; nobody comes through it as long as something is.
    faults: Vec<SettingFault>,
    /// When it was made. Absent for one of the configuration.
    created_at: Option<Text<Moment>>,
    /// When it last changed. Absent for one of the configuration.
    updated_at: Option<Text<Moment>>,
}

/// Where a provider is changed.
#[derive(Object)]
#[oai(rename = "ManagedBy", skip_serializing_if_is_none)]
pub(super) struct ManagedByObject {
    /// `api`: here. `file`: in the configuration; nothing here changes it. `apply`: in a set of files, as `vestibule apply` writes them; whoever else would
    /// change it here has to send `force=true`.
    kind: ManagedKind,
    /// Which file of the configuration.
    file: Option<String>,
    /// What the set of files is called.
    name: Option<String>,
}

#[derive(Enum)]
#[oai(rename = "ManagedKind", rename_all = "lowercase")]
/// Where a provider is changed.
pub(super) enum ManagedKind {
    Api,
    File,
    Apply,
}

/// What is wrong with a setting.
#[derive(Object)]
pub(super) struct SettingFault {
    /// Where in the provider: a JSON pointer (RFC 6901).
    pointer: String,
    /// What is wrong there, and what to write instead.
    detail: String,
}

impl ManagedByObject {
    fn new(by: ManagedBy, keeper: Option<&ManagerName>) -> Self {
        match (by, keeper) {
            (ManagedBy::File(file), _) => Self { kind: ManagedKind::File, file: Some(file), name: None },
            (ManagedBy::Api, Some(name)) => Self { kind: ManagedKind::Apply, file: None, name: Some(name.to_string()) },
            (ManagedBy::Api, None) => Self { kind: ManagedKind::Api, file: None, name: None },
        }
    }
}

/// A fault of settings, as seen from what they stand in.
pub(super) fn of_settings(fault: FieldFault) -> FieldFault {
    FieldFault { pointer: format!("/settings{}", fault.pointer), ..fault }
}

impl From<ShownProvider> for ProviderObject {
    fn from(shown: ShownProvider) -> Self {
        let faults = shown.faults.into_iter().map(of_settings);
        Self {
            id: shown.id.to_string(),
            label: shown.label,
            managed_by: ManagedByObject::new(shown.managed_by, shown.keeper.as_ref()),
            disabled: shown.disabled,
            callback: shown.callback,
            settings: shown.settings.map(Settings),
            secrets: shown.secrets,
            health: shown.health.into(),
            faults: faults.map(|fault| SettingFault { pointer: fault.pointer, detail: fault.message }).collect(),
            created_at: shown.times.map(|(created, _)| created.into()),
            updated_at: shown.times.map(|(_, updated)| updated.into()),
        }
    }
}

const EXAMPLE_TIME: Timestamp = Timestamp::from_secs(1_795_514_400);

impl Example for ProviderObject {
    fn example() -> Self {
        Self {
            id: "google".into(),
            label: "Google".into(),
            managed_by: ManagedByObject::new(ManagedBy::Api, None),
            disabled: false,
            callback: "https://sso.example.com/callback/google".into(),
            settings: Some(example_settings()),
            secrets: vec!["client_secret".into()],
            health: BreakerState::Closed.into(),
            faults: Vec::new(),
            created_at: Some(EXAMPLE_TIME.into()),
            updated_at: Some(EXAMPLE_TIME.into()),
        }
    }
}

/// All providers.
#[derive(Object)]
#[oai(example)]
pub(super) struct ProviderPage {
    items: Vec<ProviderObject>,
}

impl From<Vec<ShownProvider>> for ProviderPage {
    fn from(shown: Vec<ShownProvider>) -> Self {
        Self { items: shown.into_iter().map(Into::into).collect() }
    }
}

impl Example for ProviderPage {
    fn example() -> Self {
        Self { items: vec![ProviderObject::example()] }
    }
}

/// What a look at a provider showed.
#[derive(Object)]
#[oai(rename = "ProviderTest", example, skip_serializing_if_is_none)]
pub(super) struct TestObject {
    /// The provider's id.
    id: String,
    /// Whether what it publishes can be had and used.
    ok: bool,
    /// What was looked at, and what was found, in order.
    facts: Vec<Fact>,
    /// What works and may stop working, or works differently than documented.
    warnings: Vec<String>,
    /// When our secret or certificate there expires, where that is known.
    secret_expires_at: Option<Text<Moment>>,
    /// Why it can't be used; absent if it can.
    failure: Option<Failure>,
    /// The sign-in that is still to be tried; absent if it can't be used.
    sign_in: Option<SignInObject>,
}

/// A sign-in to be tried.
#[derive(Object)]
#[oai(rename = "ProviderSignIn")]
pub(super) struct SignInObject {
    /// Open this in a browser and sign in. It works once, leads into no account, and ends on a page that says what would come of it.
    url: String,
    /// The trial's name: `GET /providers/{id}/trials/{trial}` says what came of it.
    trial: String,
    /// Until when.
    expires_at: Text<Moment>,
}

/// What came of a sign-in on trial.
#[derive(Object)]
#[oai(rename = "ProviderTrialResult", example, skip_serializing_if_is_none)]
pub(super) struct TrialObject {
    /// `waiting`: nobody came back yet. `signed_in`: somebody did. `failed`: it went wrong.
    state: String,
    /// Who came back, and what would come of it.
    signed_in: Option<TriedObject>,
    /// What went wrong, for the operator.
    failure: Option<String>,
}

/// Who came back, and what would come of it.
#[derive(Object)]
#[oai(rename = "TriedSignIn", skip_serializing_if_is_none)]
pub(super) struct TriedObject {
    /// The issuer that vouches for the person.
    issuer: String,
    /// The provider's name for the person.
    subject: String,
    /// Which tokens came: `access_token`, `refresh_token`, `id_token`. They are not kept.
    tokens: Vec<String>,
    /// With what scopes, where it says.
    scope: Option<String>,
    /// What its claims would become.
    claims: Vec<MadeObject>,
    /// Whether the address would be believed.
    email_verified: bool,
    /// Why, in words.
    email_why: String,
    /// What it said and nothing was made of, by name.
    unused: Vec<String>,
    /// Each rule about who may enter, in the order they are asked.
    rules: Vec<VerdictObject>,
    /// Whether the person would be let in.
    admitted: bool,
}

/// A claim as it would become.
#[derive(Object)]
#[oai(rename = "MadeClaim", skip_serializing_if_is_none)]
pub(super) struct MadeObject {
    /// Its name.
    claim: String,
    /// The JSON pointer it would come from; absent for a default, or for what `email_trust` decides.
    from: Option<String>,
    /// Its value.
    value: Value,
}

/// What a rule says.
#[derive(Object)]
#[oai(rename = "RuleVerdict")]
pub(super) struct VerdictObject {
    /// The rule, as `provider.groups`.
    rule: String,
    /// Whether it is met.
    met: bool,
}

impl From<TrialOutcome> for TrialObject {
    fn from(outcome: TrialOutcome) -> Self {
        let told = |state: &str, signed_in, failure| Self { state: state.to_owned(), signed_in, failure };
        match outcome {
            TrialOutcome::Waiting => told("waiting", None, None),
            TrialOutcome::Failed(failure) => told("failed", None, Some(failure)),
            TrialOutcome::SignedIn(tried) => told("signed_in", Some(tried.into()), None),
        }
    }
}

impl From<TriedSignIn> for TriedObject {
    fn from(tried: TriedSignIn) -> Self {
        let rehearsal = tried.rehearsal;
        let made = rehearsal.claims.into_iter().map(|made| MadeObject { claim: made.claim, from: made.from, value: made.value });
        let rules = rehearsal.rules.into_iter().map(|verdict| VerdictObject { rule: verdict.rule, met: verdict.met });
        Self {
            issuer: tried.issuer,
            subject: tried.subject,
            tokens: tried.tokens,
            scope: tried.scope,
            claims: made.collect(),
            email_verified: rehearsal.email.verified,
            email_why: rehearsal.email.why.into_owned(),
            unused: rehearsal.unused,
            rules: rules.collect(),
            admitted: rehearsal.admitted,
        }
    }
}

impl Example for TrialObject {
    fn example() -> Self {
        Self { state: "waiting".into(), signed_in: None, failure: None }
    }
}

/// One thing that was looked at.
#[derive(Object)]
pub(super) struct Fact {
    /// What was looked at.
    name: String,
    /// What was found.
    value: String,
}

/// Why a provider can't be used.
#[derive(Object)]
#[oai(skip_serializing_if_is_none)]
pub(super) struct Failure {
    /// `unreachable`: it does not answer. `invalid`: it breaks the protocol. `misconfigured`: it does not accept our registration. `refused`: a rule of
    /// ours is against it.
    kind: FailureKind,
    /// At which step.
    phase: Option<Text<Phase>>,
    /// The HTTP status it answered with, if it answered.
    status: Option<u16>,
    /// Which rule is broken, where one is.
    rule: Option<String>,
    /// What happened, for the operator.
    detail: String,
}

#[derive(Clone, Copy, Enum)]
#[oai(rename = "FailureKind", rename_all = "lowercase")]
/// Whose fault it is that a provider can't be used.
pub(super) enum FailureKind {
    Unreachable,
    Invalid,
    Misconfigured,
    Refused,
}

impl From<ProviderError> for Failure {
    fn from(error: ProviderError) -> Self {
        let told = |kind, detail| Self { kind, phase: None, status: None, rule: None, detail };
        match error {
            ProviderError::Unreachable { phase, status, detail } => {
                Self { phase: Some(phase.into()), status, ..told(FailureKind::Unreachable, detail) }
            }
            ProviderError::Invalid { phase, rule, detail } => {
                Self { phase: Some(phase.into()), rule: Some(rule.to_owned()), ..told(FailureKind::Invalid, detail) }
            }
            ProviderError::Misconfigured { phase, detail } | ProviderError::Denied { phase, detail } => {
                Self { phase: Some(phase.into()), ..told(FailureKind::Misconfigured, detail) }
            }
            ProviderError::Refused { rule } => Self { rule: Some(rule.to_owned()), ..told(FailureKind::Refused, error.to_string()) },
            // A look at it asks neither a person nor its breaker.
            ProviderError::Declined | ProviderError::Paused { .. } => told(FailureKind::Unreachable, error.to_string()),
        }
    }
}

impl From<Tested> for TestObject {
    fn from(tested: Tested) -> Self {
        let ok = tested.checked.is_ok();
        let (Checked { facts, warnings, secret_expires }, failure) = match tested.checked {
            Ok(checked) => (checked, None),
            Err(error) => (Checked::default(), Some(error.into())),
        };
        Self {
            id: tested.id.to_string(),
            ok,
            facts: facts.into_iter().map(|(name, value)| Fact { name: name.to_owned(), value }).collect(),
            warnings,
            secret_expires_at: secret_expires.map(Into::into),
            failure,
            sign_in: tested.trial.map(|trial| SignInObject { url: trial.url, trial: trial.name, expires_at: trial.expires.into() }),
        }
    }
}

impl Example for TestObject {
    fn example() -> Self {
        Self {
            id: "google".into(),
            ok: false,
            facts: Vec::new(),
            warnings: Vec::new(),
            secret_expires_at: None,
            failure: Some(Failure {
                kind: FailureKind::Unreachable,
                phase: Some(Phase::Discovery.into()),
                status: Some(502),
                rule: None,
                detail: "the metadata could not be fetched".into(),
            }),
            sign_in: None,
        }
    }
}
