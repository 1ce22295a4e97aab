//! A provider in one form: what its preset does not know by itself. Whatever else can be said of one goes in below, in the words of the configuration.

use std::sync::Arc;

use askama::Template;
use http::StatusCode;
use poem::Response;
use serde_json::Value;
use vestibule_domain::{
    claims::Claims,
    ids::{ManagerName, ProviderId},
    provider::{Need, PresetCard},
    registration::FieldFault,
};
use vestibule_flows::{AdminFault, Desk, ProviderDraft, ShownProvider};

use super::{
    super::{
        Frame, Section, faulty,
        form::Sent,
        named, onward,
        parts::{Field, Kept},
        said, show,
    },
    place_of,
};
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
        Ok(provider) => onward(&house, &place_of(provider.id.as_str()), Some("saved")),
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
    let edit = match sent.edit() {
        Ok(edit) => edit,
        Err(fault) => return faulty(&house, &visit, &desk, &fault),
    };
    let of = Form::of(&house, &present);
    let (form, draft) = Form::written(&house, &sent, of.id, of.preset);
    // What is shown again is still what was made of the version that was seen: who saves it then overwrites nothing that came between.
    let mut form = Form { version: edit.expected, is_forced: edit.editor.force, keeper: of.keeper, secrets: of.secrets, ..form };
    let saved = match draft {
        Ok(settings) => {
            let draft = ProviderDraft { settings, disabled: present.disabled };
            house.gateway.put_provider(&visit.witness, &desk.operator.actor, &form.id, draft, edit).await
        }
        Err(faults) => Err(AdminFault::Invalid(faults)),
    };
    match saved {
        Ok(_) => onward(&house, &place_of(&form.id), Some("saved")),
        Err(AdminFault::Invalid(faults)) => {
            form.faults.extend(faults);
            respond(&house, &visit, &desk, StatusCode::UNPROCESSABLE_ENTITY, &form)
        }
        Err(AdminFault::Kept(_)) => respond(&house, &visit, &desk, StatusCode::CONFLICT, &form),
        Err(AdminFault::PreconditionFailed(_)) => {
            form.theirs = present.settings.as_ref().map(pretty);
            form.version = Some(present.version);
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
    /// The version that the form was made of.
    version: Option<i64>,
    /// Whose files keep it.
    keeper: Option<ManagerName>,
    /// Whether it is to be saved though files keep it.
    is_forced: bool,
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
            keeper: present.keeper.clone(),
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
        let secrets: Vec<_> = form.card.iter().flat_map(|card| &card.needs).filter(|need| need.is_secret).map(|need| need.name).collect();
        let fixed: Vec<_> = ["preset", "id"].iter().chain(&secrets).copied().collect();
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
        // Browsers send lines as a network protocol would; keys are files.
        let typed = secrets.iter().filter_map(|name| Some(((*name).to_owned(), Value::from(sent.optional(name)?.replace("\r\n", "\n")))));
        settings.extend(typed);
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
    let needs = card.iter().flat_map(|card| &card.needs).filter(|need| !need.is_secret).map(|need| need.name.to_owned());
    OWN.iter().map(|name| (*name).to_owned()).chain(variables).chain(needs).collect()
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
    fields.extend(card.needs.iter().map(|need| needed(form, need)));
    fields.extend(card.variables.iter().map(|(name, help, default)| {
        let field = Field::code(name.clone(), name.clone(), form.value(name)).wrong(form.faults_at(name));
        match default {
            Some(default) => field.hint(format!("{help}. Left empty: {default}")).optional(),
            None => field.hint(help.clone()),
        }
    }));
    let label = Field::text("label", "Label", form.value("label"))
        .hint("What stands on its button, after \"Continue with\" or \"Sign in with\".")
        .optional()
        .wrong(form.faults_at("label"));
    let rest = Field::json("rest", "More settings", form.rest.clone())
        .hint("A JSON object in the words of the configuration: scopes, entry, claims, domains, token_auth and so on. Secrets among them are sealed.")
        .optional()
        .wrong(form.faults_at("rest"));
    let needs = card.needs.iter().map(|need| need.name.to_owned());
    let known: Vec<String> = own_names(Some(card)).into_iter().chain(needs).chain(["rest", "id"].map(str::to_owned)).collect();
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
        at: (!is_new).then(|| format!("{}{}", frame.base, place_of(&form.id))),
        version: form.version,
        kept: form.keeper.as_ref().map(|keeper| Kept::new(keeper, form.is_forced)),
        console: card.console.as_deref().and_then(Href::outside),
        help: (before.to_owned(), after.to_owned()),
        callback,
        fields,
        label,
        rest,
        others: others.collect(),
        theirs: form.theirs.clone(),
    };
    show(status, &frame, &view)
}

/// The field of a setting that no preset can know.
fn needed(form: &Form, need: &Need) -> Field {
    let Need { name, help, is_secret } = *need;
    let label = match name {
        "client_secret" => "Client secret",
        "private_key" => "Private key",
        other => other,
    };
    if !is_secret {
        return Field::code(name, label, form.value(name)).hint(help).wrong(form.faults_at(name));
    }
    let field = if name == "private_key" { Field::secret_lines(name, label) } else { Field::secret(name, label) };
    let field = field.wrong(form.faults_at(name));
    if form.secrets.iter().any(|there| there == name) {
        return field.hint("Left empty, it stays as it is.").optional();
    }
    field.hint(format!("{help} It is sealed and never shown again."))
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
    kept: Option<Kept>,
    console: Option<Href>,
    /// What to do at the provider, before and after our callback.
    help: (String, String),
    callback: String,
    fields: Vec<Field>,
    label: Field,
    rest: Field,
    others: Vec<String>,
    theirs: Option<String>,
}
