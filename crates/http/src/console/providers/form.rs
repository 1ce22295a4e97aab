//! A provider in one form: what its preset does not know by itself. Whatever else can be said of one goes in below, in the words of the configuration.

use std::sync::Arc;

use askama::Template;
use http::StatusCode;
use poem::Response;
use serde_json::Value;
use vestibule_domain::{claims::Claims, ids::ProviderId, provider::PresetCard, registration::FieldFault};
use vestibule_flows::{AdminFault, Desk, ProviderDraft, ShownProvider};

use super::super::{Frame, Section, faulty, form::Sent, named, onward, parts::Field, said, segment, show};
use crate::{
    admin,
    house::House,
    pages::{Href, mark_of, visible},
    visit::Visit,
};

/// From what.
pub(super) async fn choose(house: Arc<House>, visit: Visit, desk: Desk) -> Response {
    let frame = Frame::new(&house, &visit, &desk, Section::Providers);
    let mut presets: Vec<_> = house.gateway.presets().into_iter().map(|card| (mark_of(card.icon.as_deref()), card)).collect();
    // What fits any provider comes last.
    presets.sort_by_key(|(_, card)| (["oidc", "oauth2"].contains(&card.name.as_str()), card.label.to_lowercase()));
    show(StatusCode::OK, &frame, &Choose { f: &frame, presets })
}

/// An empty form for a preset.
pub(super) async fn new(house: Arc<House>, visit: Visit, desk: Desk) -> Response {
    let preset = named(&visit, "preset");
    let taken = house.gateway.shown_providers(&visit.witness).await.unwrap_or_default();
    let is_taken = |id: &str| taken.iter().any(|provider| provider.id.as_str() == id);
    let id = (1_u32..=100).map(|count| if count == 1 { preset.clone() } else { format!("{preset}-{count}") }).find(|id| !is_taken(id));
    let form = Form { id: id.unwrap_or_default(), preset, ..Form::default() };
    respond(&house, &visit, &desk, StatusCode::OK, &form)
}

pub(super) async fn create(house: Arc<House>, visit: Visit, desk: Desk) -> Response {
    let sent = Sent::of(&visit);
    let (mut form, draft) = Form::written(&house, &sent, sent.text("id"), sent.text("preset"));
    let made = match draft {
        Ok(settings) => {
            let draft = ProviderDraft { settings, disabled: false };
            house.gateway.put_provider(&visit.witness, &desk.operator.actor, &form.id, draft, None).await
        }
        Err(faults) => Err(AdminFault::Invalid(faults)),
    };
    match made {
        Ok(provider) => onward(&house, &format!("/provider/{}", segment(provider.id.as_str())), Some("saved")),
        Err(AdminFault::Invalid(faults)) => {
            form.faults.extend(faults);
            respond(&house, &visit, &desk, StatusCode::UNPROCESSABLE_ENTITY, &form)
        }
        Err(AdminFault::PreconditionRequired | AdminFault::PreconditionFailed(_)) => {
            form.faults.push(FieldFault { pointer: "/id".into(), message: "belongs to another provider already".into() });
            respond(&house, &visit, &desk, StatusCode::CONFLICT, &form)
        }
        Err(fault) => faulty(&house, &visit, &desk, &fault),
    }
}

/// The form of one that is there.
pub(super) async fn edit(house: Arc<House>, visit: Visit, desk: Desk) -> Response {
    match editable(&house, &visit).await {
        Ok(present) => {
            let form = Form::of(&house, &present);
            respond(&house, &visit, &desk, StatusCode::OK, &form)
        }
        Err(fault) => faulty(&house, &visit, &desk, &fault),
    }
}

pub(super) async fn save(house: Arc<House>, visit: Visit, desk: Desk) -> Response {
    let present = match editable(&house, &visit).await {
        Ok(present) => present,
        Err(fault) => return faulty(&house, &visit, &desk, &fault),
    };
    let sent = Sent::of(&visit);
    let of = Form::of(&house, &present);
    let (form, draft) = Form::written(&house, &sent, of.id, of.preset);
    let mut form = Form { version: of.version, secrets: of.secrets, ..form };
    let saved = match (draft, sent.text("version").parse::<i64>()) {
        (Ok(settings), Ok(expected)) => {
            let draft = ProviderDraft { settings, disabled: present.disabled };
            house.gateway.put_provider(&visit.witness, &desk.operator.actor, &form.id, draft, Some(expected)).await
        }
        (Ok(_), Err(_)) => Err(AdminFault::PreconditionRequired),
        (Err(faults), _) => Err(AdminFault::Invalid(faults)),
    };
    match saved {
        Ok(_) => onward(&house, &format!("/provider/{}", segment(&form.id)), Some("saved")),
        Err(AdminFault::Invalid(faults)) => {
            form.faults.extend(faults);
            respond(&house, &visit, &desk, StatusCode::UNPROCESSABLE_ENTITY, &form)
        }
        Err(AdminFault::PreconditionFailed(_)) => {
            form.theirs = present.settings.as_ref().map(pretty);
            respond(&house, &visit, &desk, StatusCode::CONFLICT, &form)
        }
        Err(fault) => faulty(&house, &visit, &desk, &fault),
    }
}

/// A provider that is changed here and not in a file.
async fn editable(house: &House, visit: &Visit) -> Result<ShownProvider, AdminFault> {
    let provider = house.gateway.shown_provider(&visit.witness, &named(visit, "provider")).await?;
    match &provider.managed_by {
        vestibule_flows::ManagedBy::File(file) => Err(AdminFault::ManagedElsewhere(file.clone())),
        vestibule_flows::ManagedBy::Api => Ok(provider),
    }
}

/// What stands in the form.
#[derive(Default)]
struct Form {
    id: String,
    preset: String,
    card: Option<PresetCard>,
    /// Settings with a field of their own.
    own: Claims,
    /// All others, as JSON.
    rest: String,
    /// Which secrets it has already.
    secrets: Vec<String>,
    version: Option<i64>,
    faults: Vec<FieldFault>,
    /// What somebody else made of it meanwhile.
    theirs: Option<String>,
}

/// Settings that every preset has a field for.
const OWN: [&str; 3] = ["label", "issuer", "client_id"];

impl Form {
    fn of(house: &House, present: &ShownProvider) -> Self {
        let mut settings = present.settings.clone().unwrap_or_default();
        let preset = settings.remove("preset").and_then(|name| name.as_str().map(str::to_owned)).unwrap_or_else(|| "oidc".to_owned());
        let card = card(house, &preset);
        // What is no text does not fit into a field, and stays below.
        let texts =
            own_names(card.as_ref()).into_iter().filter(|name| settings.get(name).is_some_and(Value::is_string)).collect::<Vec<_>>();
        let own = texts.into_iter().filter_map(|name| Some((name.clone(), settings.remove(&name)?))).collect();
        Self {
            id: present.id.to_string(),
            rest: if settings.is_empty() { String::new() } else { pretty(&settings) },
            secrets: present.secrets.clone(),
            version: Some(present.version),
            card,
            own,
            preset,
            ..Self::default()
        }
    }

    /// What the form says: to be shown again, in which no secret is, and as the use case wants it, where one that was not typed stays as it is.
    fn written(house: &House, sent: &Sent, id: String, preset: String) -> (Self, Result<Claims, Vec<FieldFault>>) {
        let card = card(house, &preset);
        let names = own_names(card.as_ref());
        let own: Claims = names.iter().filter_map(|name| Some((name.clone(), sent.optional(name)?.into()))).collect();
        let text = sent.text("rest");
        let about = |message: String| FieldFault { pointer: "/rest".into(), message };
        let mut form = Self { id, preset, card, own, ..Self::default() };
        let secret_names = house.gateway.secret_settings();
        let read = if text.is_empty() { Ok(Claims::new()) } else { admin::read_object(&text) };
        let mut rest = match read {
            Ok(rest) => rest,
            Err(faults) => {
                let mut faults: Vec<_> =
                    faults.iter().map(|fault| about(format!("can't be read: {}", fault.trim_end_matches('.')))).collect();
                // Whatever it is, there may be a secret in it.
                if secret_names.iter().any(|name| text.contains(name)) {
                    faults.push(about("had the name of a secret in it, so it is not shown again: type it anew".into()));
                } else {
                    form.rest = text;
                }
                return (form, Err(faults));
            }
        };
        let mut faults = Vec::new();
        let twice = |name: &String, value: &Value| names.contains(name) && (value.is_string() || form.own.contains_key(name));
        let fixed = ["preset", "id", "client_secret"];
        for name in rest.iter().filter(|(name, value)| twice(name, value) || fixed.contains(&name.as_str())).map(|(name, _)| name) {
            faults.push(about(format!("has {name} in it, which has a field of its own")));
        }
        let mut settings = rest.clone();
        for name in secret_names {
            if rest.get(*name).is_some_and(|value| !value.is_null()) {
                rest.remove(*name);
                form.faults.push(about(format!("had {name} in it, which is not shown again: type it anew")));
            }
        }
        form.rest = if rest.is_empty() { String::new() } else { pretty(&rest) };
        settings.insert("preset".into(), form.preset.clone().into());
        settings.extend(form.own.clone());
        settings.extend(sent.optional("client_secret").map(|secret| ("client_secret".to_owned(), Value::from(secret))));
        let written = if faults.is_empty() { Ok(settings) } else { Err(faults) };
        (form, written)
    }

    fn value(&self, name: &str) -> String {
        self.own.get(name).and_then(Value::as_str).unwrap_or_default().to_owned()
    }

    fn faults_at(&self, name: &str) -> Vec<String> {
        let at = |fault: &&FieldFault| fault.pointer.strip_prefix('/').and_then(|rest| rest.split('/').next()) == Some(name);
        self.faults.iter().filter(at).map(said).collect()
    }
}

fn card(house: &House, preset: &str) -> Option<PresetCard> {
    house.gateway.presets().into_iter().find(|card| card.name == preset)
}

fn own_names(card: Option<&PresetCard>) -> Vec<String> {
    let variables = card.map(|card| card.variables.iter().map(|(name, ..)| name.clone()).collect::<Vec<_>>()).unwrap_or_default();
    OWN.iter().map(|name| (*name).to_owned()).chain(variables).collect()
}

fn pretty(settings: &Claims) -> String {
    serde_json::to_string_pretty(settings).unwrap_or_default()
}

fn respond(house: &House, visit: &Visit, desk: &Desk, status: StatusCode, form: &Form) -> Response {
    let found = form.card.clone().or_else(|| card(house, &form.preset));
    let Some(card) = found.as_ref() else {
        return faulty(house, visit, desk, &AdminFault::NotFound);
    };
    let frame = Frame::new(house, visit, desk, Section::Providers);
    let mut fields = Vec::new();
    if card.needs_issuer || !form.value("issuer").is_empty() {
        let hint = "Exactly as its discovery document says it, to the trailing slash.";
        fields.push(Field::code("issuer", "Issuer", form.value("issuer")).hint(hint).wrong(form.faults_at("issuer")));
    }
    fields.push(
        Field::code("client_id", "Client ID", form.value("client_id"))
            .hint("As the provider gave it to us.")
            .wrong(form.faults_at("client_id")),
    );
    let secret = Field::secret("client_secret", "Client secret").wrong(form.faults_at("client_secret"));
    let has_secret = form.secrets.iter().any(|name| name == "client_secret");
    fields.push(if has_secret {
        secret.hint("Left empty, it stays as it is.").optional()
    } else {
        secret.hint("It is sealed and never shown again.")
    });
    let variables = card.variables.iter().map(|(name, help, default)| Variable {
        value: form.value(name),
        faults: form.faults_at(name).join(" "),
        name: name.clone(),
        help: help.clone(),
        default: default.clone(),
    });
    let label = Field::text("label", "Label", form.value("label"))
        .hint("What stands on its button, after \"Continue with\" or \"Sign in with\".")
        .optional()
        .wrong(form.faults_at("label"));
    let rest = Field::json("rest", "More settings", form.rest.clone())
        .hint("A JSON object in the words of the configuration: scopes, entry, claims, domains, private_key and so on. Secrets among them are sealed.")
        .optional()
        .wrong(form.faults_at("rest"));
    let known: Vec<String> = own_names(Some(card)).into_iter().chain(["client_secret", "rest", "id"].map(str::to_owned)).collect();
    let is_elsewhere = |fault: &&FieldFault| {
        let name = fault.pointer.trim_start_matches('/').split('/').next().unwrap_or_default();
        !known.iter().any(|known| known == name)
    };
    let others = form.faults.iter().filter(is_elsewhere).map(said);
    let callback = match ProviderId::parse(&form.id) {
        Ok(id) => house.gateway.settings().callback_of(&id),
        Err(_) => house.gateway.settings().url("/callback/ID"),
    };
    let (before, after) = card.register.split_once("{callback}").unwrap_or((card.register.as_str(), ""));
    let is_new = form.version.is_none();
    let view = Page {
        f: &frame,
        title: if is_new { format!("Add {}", card.label) } else { format!("Edit {}", visible(&form.id, 60)) },
        icon: mark_of(card.icon.as_deref()),
        preset: &card.name,
        id: is_new.then(|| {
            Field::code("id", "ID", form.id.clone())
                .hint("Part of the callback address; it can't be changed later.")
                .wrong(form.faults_at("id"))
        }),
        at: (!is_new).then(|| format!("{}/provider/{}", frame.base, segment(&form.id))),
        version: form.version,
        console: card.console.as_deref().and_then(Href::outside),
        help: (before.to_owned(), after.to_owned()),
        callback,
        fields,
        variables: variables.collect(),
        label,
        rest,
        others: others.collect(),
        theirs: form.theirs.clone(),
    };
    show(status, &frame, &view)
}

/// A setting that stands in addresses.
struct Variable {
    name: String,
    help: String,
    value: String,
    default: Option<String>,
    faults: String,
}

#[derive(Template)]
#[template(path = "console/presets.html")]
struct Choose<'a> {
    f: &'a Frame,
    presets: Vec<(&'static str, PresetCard)>,
}

#[derive(Template)]
#[template(path = "console/provider_form.html")]
struct Page<'a> {
    f: &'a Frame,
    title: String,
    icon: &'static str,
    preset: &'a str,
    id: Option<Field>,
    /// Its address, if it is there.
    at: Option<String>,
    version: Option<i64>,
    console: Option<Href>,
    /// What to do at the provider, before and after our callback.
    help: (String, String),
    callback: String,
    fields: Vec<Field>,
    variables: Vec<Variable>,
    label: Field,
    rest: Field,
    others: Vec<String>,
    theirs: Option<String>,
}
