//! One form for an app: what most need. Whatever else can be said of one is on the page with all its settings.

use std::{collections::BTreeMap, sync::Arc};

use askama::Template;
use http::StatusCode;
use poem::Response;
use vestibule_domain::{
    client::{AuthMethod, Client, ConsentMode},
    operator::AdminArea,
    registration::{Draft, FieldFault},
};
use vestibule_flows::{AdminFault, Desk};

use super::{
    super::{
        Frame, Section, faulty,
        form::Sent,
        frame::show_part,
        named, onward,
        parts::{Faults, Field, Kept, Tick},
        said, segment, show,
    },
    onward_with, place_of,
};
use crate::{admin, house::House, pages::visible, visit::Visit};

/// An empty form.
pub(super) async fn new(house: Arc<House>, visit: Visit, desk: Desk) -> Response {
    let form = Form { draft: Draft::default(), ..Form::default() };
    respond(&house, &visit, &desk, StatusCode::OK, form).await
}

/// Registers what the form says.
pub(super) async fn create(house: Arc<House>, visit: Visit, desk: Desk) -> Response {
    let Written { id, draft, faults } = written(&visit, Draft::default());
    if !faults.is_empty() {
        return unclear(&house, &visit, &desk, Form { id, draft, faults, ..Form::default() }).await;
    }
    match house.gateway.create_client(&visit.witness, &desk.operator.actor, id.as_deref(), &draft).await {
        Ok((client, Some(secret))) => onward_with(&house, &visit, &desk, &client, &secret),
        Ok((client, None)) => onward(&house, &place_of(client.id.as_str()), Some("saved")),
        Err(AdminFault::Invalid(faults)) => {
            let form = Form { id, draft, faults, ..Form::default() };
            respond(&house, &visit, &desk, StatusCode::UNPROCESSABLE_ENTITY, form).await
        }
        Err(AdminFault::Exists) => {
            let faults = vec![FieldFault { pointer: "/client_id".into(), message: "belongs to another app already".into() }];
            respond(&house, &visit, &desk, StatusCode::CONFLICT, Form { id, draft, faults, ..Form::default() }).await
        }
        Err(fault) => faulty(&house, &visit, &desk, &fault),
    }
}

/// The form of an app that is there.
pub(super) async fn edit(house: Arc<House>, visit: Visit, desk: Desk) -> Response {
    match house.gateway.client(&named(&visit, "app")).await {
        Ok(client) => {
            let form = Form { draft: admin::draft_of(&client), version: Some(client.version), present: Some(client), ..Form::default() };
            respond(&house, &visit, &desk, StatusCode::OK, form).await
        }
        Err(fault) => faulty(&house, &visit, &desk, &fault),
    }
}

/// Replaces what is there by what the form says. What the form does not have stays.
pub(super) async fn save(house: Arc<House>, visit: Visit, desk: Desk) -> Response {
    let app = named(&visit, "app");
    let present = match house.gateway.client(&app).await {
        Ok(present) => present,
        Err(fault) => return faulty(&house, &visit, &desk, &fault),
    };
    let edit = match Sent::of(&visit).edit() {
        Ok(edit) => edit,
        Err(fault) => return faulty(&house, &visit, &desk, &fault),
    };
    let Written { draft, faults, .. } = written(&visit, admin::draft_of(&present));
    // What is shown again is still what was made of the version that was seen: who saves it then overwrites nothing that came between.
    let form = Form { version: edit.expected, is_forced: edit.editor.force, ..Form::default() };
    if !faults.is_empty() {
        return unclear(&house, &visit, &desk, Form { draft, faults, present: Some(present), ..form }).await;
    }
    match house.gateway.replace_client(&visit.witness, &desk.operator.actor, &app, &draft, edit).await {
        Ok((client, Some(secret))) => onward_with(&house, &visit, &desk, &client, &secret),
        Ok((_, None)) => onward(&house, &place_of(&app), Some("saved")),
        Err(AdminFault::Invalid(faults)) => {
            let form = Form { draft, faults, present: Some(present), ..form };
            respond(&house, &visit, &desk, StatusCode::UNPROCESSABLE_ENTITY, form).await
        }
        Err(AdminFault::Kept(_)) => {
            respond(&house, &visit, &desk, StatusCode::CONFLICT, Form { draft, present: Some(present), ..form }).await
        }
        // What this operator wrote stays in the form, beside what somebody else made of it; to save it now is to decide between the two.
        Err(AdminFault::PreconditionFailed(_)) => match house.gateway.client(&app).await {
            Ok(present) => {
                let form = Form { draft, version: Some(present.version), present: Some(present), is_late: true, ..form };
                respond(&house, &visit, &desk, StatusCode::CONFLICT, form).await
            }
            Err(fault) => faulty(&house, &visit, &desk, &fault),
        },
        Err(fault) => faulty(&house, &visit, &desk, &fault),
    }
}

/// What would be said of one field, while it is written.
pub(super) async fn check(house: Arc<House>, visit: Visit, desk: Desk) -> Response {
    let sent = Sent::of(&visit);
    let (field, app) = (named(&visit, "field"), sent.optional("app"));
    let present = match &app {
        Some(app) => house.gateway.client(app).await.ok(),
        None => None,
    };
    let Written { id, draft, .. } = written(&visit, present.as_ref().map_or_else(Draft::default, admin::draft_of));
    let id = app.or(id);
    match house.gateway.faults_of_client(&visit.witness, id.as_deref(), &draft).await {
        Ok(faults) => show_part(StatusCode::OK, &Faults { faults: by_field(&faults).remove(field.as_str()).unwrap_or_default() }),
        Err(fault) => faulty(&house, &visit, &desk, &fault),
    }
}

/// What the form says.
struct Written {
    id: Option<String>,
    draft: Draft,
    /// What contradicts itself in it.
    faults: Vec<FieldFault>,
}

/// What the form says, over what is there.
fn written(visit: &Visit, under: Draft) -> Written {
    let mut sent = Sent::of(visit);
    let mut faults = Vec::new();
    let allowed_providers = providers_of(&mut sent, under.allowed_providers, &mut faults);
    let auth_method = sent.optional("auth_method").unwrap_or(under.auth_method);
    let draft = Draft {
        name: sent.text("name"),
        redirect_uris: sent.lines("redirect_uris"),
        post_logout_redirect_uris: sent.lines("post_logout_redirect_uris"),
        grant_types: sent.ticked("grant_types"),
        scope: sent.text("scope"),
        allowed_providers,
        entry: vestibule_domain::entry::EntryDraft {
            email_domains: sent.lines("email_domains"),
            emails: sent.lines("emails"),
            groups: sent.lines("groups"),
            ..under.entry
        },
        consent: sent.optional("consent").unwrap_or(under.consent),
        logout: vestibule_domain::logout::LogoutDraft { backchannel_uri: sent.optional("backchannel_uri"), ..under.logout },
        require_pkce: sent.is_ticked("require_pkce"),
        legacy_oauth: sent.is_ticked("legacy_oauth"),
        auth_method,
        ..under
    };
    Written { id: sent.optional("client_id"), draft, faults }
}

/// The providers that may lead to the app. An empty list means all of them, so none ever comes from a box that was not ticked or not shown: whoever
/// wants all says so.
fn providers_of(sent: &mut Sent, there: Vec<String>, faults: &mut Vec<FieldFault>) -> Vec<String> {
    let ticked = sent.ticked("allowed_providers");
    let message = match (sent.text("providers").as_str(), ticked.is_empty()) {
        ("all", true) => return Vec::new(),
        ("these", false) => return ticked,
        ("all", false) => "has some ticked, and all are chosen: choose only those that are ticked, or tick none",
        ("these", true) => "has none ticked: tick those that may lead to the app, or choose all of them",
        _ => return there,
    };
    faults.push(FieldFault { pointer: "/allowed_providers".into(), message: message.into() });
    if ticked.is_empty() { there } else { ticked }
}

/// The form again, with what contradicts itself in it and whatever else is wrong.
async fn unclear(house: &House, visit: &Visit, desk: &Desk, mut form: Form) -> Response {
    let id = form.present.as_ref().map(|present| present.id.to_string()).or_else(|| form.id.clone());
    match house.gateway.faults_of_client(&visit.witness, id.as_deref(), &form.draft).await {
        Ok(others) => form.faults.extend(others),
        Err(fault) => return faulty(house, visit, desk, &fault),
    }
    respond(house, visit, desk, StatusCode::UNPROCESSABLE_ENTITY, form).await
}

/// The form, and what is said on it.
#[derive(Default)]
struct Form {
    id: Option<String>,
    draft: Draft,
    faults: Vec<FieldFault>,
    present: Option<Client>,
    /// The version that the form was made of.
    version: Option<i64>,
    /// Whether it is to be saved though files keep the app.
    is_forced: bool,
    /// Whether somebody else changed the app while this operator wrote.
    is_late: bool,
}

async fn respond(house: &House, visit: &Visit, desk: &Desk, status: StatusCode, form: Form) -> Response {
    // Who may not look at providers sees those that the app names, and changes nothing about the others.
    let sees_providers = desk.operator.sees(AdminArea::Providers);
    let providers = if sees_providers { house.gateway.shown_providers(&visit.witness).await } else { Ok(Vec::new()) };
    let providers = match providers {
        Ok(providers) => providers,
        Err(fault) => return faulty(house, visit, desk, &fault),
    };
    let frame = Frame::new(house, visit, desk, Section::Apps);
    let mut faults = by_field(&form.faults);
    // Each with the field it is about: on a long form nobody hunts for it.
    let fielded = faults.iter().filter(|(field, _)| !field.is_empty());
    let wrong: Vec<_> = fielded.flat_map(|(field, said)| said.iter().map(move |said| (*field, said.clone()))).collect();
    let Form { draft, present, id, .. } = &form;
    let app = present.as_ref().map(|present| present.id.to_string());
    let mut fault = |name: &str| faults.remove(name).unwrap_or_default();
    let checked = |field: Field, name: &str| field.checked_at(format!("{}/apps/check/{name}", frame.base));
    let main = vec![
        checked(Field::text("name", "Name", &draft.name).hint("What people see when they sign in.").wrong(fault("name")), "name"),
        checked(
            Field::lines("redirect_uris", "Redirect addresses", &draft.redirect_uris)
                .hint("Where people come back to, one a line, exactly as the app sends it. The app's own documentation calls it callback or redirect URI.")
                .wrong(fault("redirect_uris")),
            "redirect_uris",
        ),
    ];
    let id = (app.is_none()).then(|| {
        let field = Field::code("client_id", "Client ID", id.clone().unwrap_or_default());
        checked(field.optional().hint("Letters, digits, - . _ ~. Left empty, it is given one.").wrong(fault("client_id")), "client_id")
    });
    let proof = Field::choice("auth_method", "How it proves who it is", &draft.auth_method, methods(&draft.auth_method))
        .hint("An app on a server keeps a secret. One that runs in people's browsers or on their devices can't, and is public. With nothing, or a key of its own, its secrets end at once.")
        .wrong(fault("auth_method"));
    let logout = vec![
        checked(
            Field::lines("post_logout_redirect_uris", "After sign-out", &draft.post_logout_redirect_uris)
                .hint("Where browsers may be sent after sign-out, one a line.")
                .optional()
                .wrong(fault("post_logout_redirect_uris")),
            "post_logout_redirect_uris",
        ),
        checked(
            Field::code("backchannel_uri", "Told of sign-outs at", draft.logout.backchannel_uri.clone().unwrap_or_default())
                .hint("Where a logout token is posted when a session ends.")
                .optional()
                .wrong(fault("backchannel_uri")),
            "backchannel_uri",
        ),
    ];
    let entry = vec![
        Field::lines("email_domains", "E-mail domains", &draft.entry.email_domains)
            .hint("Verified addresses only; *.corp.example is what lies below.")
            .optional()
            .wrong(fault("email_domains")),
        Field::lines("emails", "E-mail addresses", &draft.entry.emails)
            .hint("Whole addresses, besides the domains.")
            .optional()
            .wrong(fault("emails")),
        Field::lines("groups", "Groups", &draft.entry.groups).hint("* stands for any text.").optional().wrong(fault("groups")),
    ];
    let tokens = vec![
        Field::code("scope", "Scopes", &draft.scope).hint("The most it may be given, separated by spaces.").wrong(fault("scope")),
        Field::choice("consent", "Consent", &draft.consent, consents())
            .hint("When people are asked whether the app may have what it asks for.")
            .wrong(fault("consent")),
    ];
    let tick = |name, value: &str, label: &str, hint, is_ticked| Tick { name, value: value.into(), label: label.into(), hint, is_ticked };
    let grants = [
        ("authorization_code", "Signs people in", "authorization_code"),
        ("refresh_token", "Stays signed in", "refresh_token"),
        ("client_credentials", "Gets tokens for itself", "client_credentials"),
        ("urn:ietf:params:oauth:grant-type:device_code", "Signs in on devices without a browser", "device_code"),
        ("urn:ietf:params:oauth:grant-type:token-exchange", "Exchanges tokens", "token-exchange"),
    ];
    let grants =
        grants.map(|(value, label, hint)| tick("grant_types", value, label, hint, draft.grant_types.iter().any(|grant| grant == value)));
    let is_allowed = |id: &str| draft.allowed_providers.iter().any(|allowed| allowed == id);
    let offered = providers.iter().map(|provider| {
        let id = provider.id.as_str();
        tick("allowed_providers", id, &visible(&provider.label, 60), "", is_allowed(id))
    });
    // One that is not here any more stays until somebody takes it away: without it the app might be open to more than it was.
    let gone = draft.allowed_providers.iter().filter(|allowed| providers.iter().all(|provider| provider.id.as_str() != *allowed));
    let remark = if sees_providers { " (not here any more)" } else { "" };
    let gone = gone.map(|id| tick("allowed_providers", id, &format!("{}{remark}", visible(id, 60)), "", true));
    let pkce = tick(
        "require_pkce",
        "true",
        "Require PKCE",
        "Protects codes on their way. Every client library of today can do it.",
        draft.require_pkce,
    );
    let legacy = tick(
        "legacy_oauth",
        "true",
        "This app is from an old OAuth tutorial and can't be changed",
        "PKCE and openid are not asked of it, and its secret may come in the form. What it costs: a stolen code can be slipped into another person's browser.",
        draft.legacy_oauth,
    );
    let differences = match (present, form.is_late) {
        (Some(present), true) => differences(&admin::draft_of(present), draft),
        _ => Vec::new(),
    };
    let others: Vec<String> = faults.into_values().flatten().collect();
    let view = Page {
        f: &frame,
        title: present.as_ref().map_or_else(|| "New app".to_owned(), |present| format!("Edit {}", visible(&present.name, 100))),
        at: app.as_deref().map(|app| format!("{}/app/{}", frame.base, segment(app))),
        app,
        version: form.version,
        kept: present.as_ref().and_then(|present| present.managed_by.as_ref()).map(|keeper| Kept::new(keeper, form.is_forced)),
        main,
        id,
        proof,
        logout,
        entry,
        tokens,
        grants: grants.into(),
        providers: offered.chain(gone).collect(),
        all_providers: draft.allowed_providers.is_empty(),
        pkce,
        legacy,
        is_wrong: !wrong.is_empty() || !others.is_empty(),
        wrong,
        others,
        is_late: form.is_late,
        differences,
    };
    show(status, &frame, &view)
}

/// The ways to prove who one is that need nothing more than this form has, and the one that is chosen.
fn methods(chosen: &str) -> Vec<(String, String)> {
    let usual = [
        (AuthMethod::ClientSecretBasic, "Secret, by HTTP Basic (client_secret_basic)"),
        (AuthMethod::ClientSecretPost, "Secret, in the form (client_secret_post)"),
        (AuthMethod::None, "Nothing: a public app (none)"),
    ];
    let mut methods: Vec<_> = usual.iter().map(|(method, label)| (method.as_str().to_owned(), (*label).to_owned())).collect();
    if methods.iter().all(|(method, _)| method != chosen) {
        methods.push((chosen.to_owned(), chosen.to_owned()));
    }
    methods
}

fn consents() -> Vec<(&'static str, &'static str)> {
    let label = |mode: &ConsentMode| match mode {
        ConsentMode::Implicit => "Never: it is one of ours (implicit)",
        ConsentMode::Remembered => "Once (remembered)",
        ConsentMode::Always => "Every time (always)",
    };
    ConsentMode::ALL.iter().map(|mode| (mode.as_str(), label(mode))).collect()
}

/// What is wrong, by the field of the form it stands in; what stands in none has its own name before it.
fn by_field(faults: &[FieldFault]) -> BTreeMap<&'static str, Vec<String>> {
    const FIELDS: [(&str, &str); 15] = [
        ("/client_name", "name"),
        ("/client_id", "client_id"),
        ("/redirect_uris", "redirect_uris"),
        ("/post_logout_redirect_uris", "post_logout_redirect_uris"),
        ("/token_endpoint_auth_method", "auth_method"),
        ("/scope", "scope"),
        ("/consent", "consent"),
        ("/entry/email_domains", "email_domains"),
        ("/entry/emails", "emails"),
        ("/entry/groups", "groups"),
        ("/backchannel_logout_uri", "backchannel_uri"),
        ("/grant_types", ""),
        ("/require_pkce", ""),
        ("/legacy_oauth", ""),
        ("/allowed_providers", ""),
    ];
    let mut sorted: BTreeMap<&'static str, Vec<String>> = BTreeMap::new();
    for fault in faults {
        let is_at =
            |pointer: &str| fault.pointer.strip_prefix(pointer).filter(|rest| rest.is_empty() || rest.starts_with('/')).map(str::to_owned);
        let found = FIELDS.iter().find_map(|(pointer, field)| is_at(pointer).map(|rest| (*field, rest)));
        let (field, message) = match found {
            Some((field, rest)) if !field.is_empty() => {
                let line = rest.trim_start_matches('/').parse::<usize>().map(|at| format!("Line {}: ", at + 1)).unwrap_or_default();
                (field, format!("{line}{}.", fault.message))
            }
            _ => ("", said(fault)),
        };
        sorted.entry(field).or_default().push(message);
    }
    sorted
}

/// What the form says of an app, by the names it has there.
fn fields_of(draft: &Draft) -> Vec<(&'static str, String)> {
    let yes = |yes: bool| if yes { "yes" } else { "no" }.to_owned();
    vec![
        ("Name", draft.name.clone()),
        ("Redirect addresses", draft.redirect_uris.join(", ")),
        ("How it proves who it is", draft.auth_method.clone()),
        ("Grants", draft.grant_types.join(", ")),
        ("Scopes", draft.scope.clone()),
        ("Providers", draft.allowed_providers.join(", ")),
        ("E-mail domains", draft.entry.email_domains.join(", ")),
        ("E-mail addresses", draft.entry.emails.join(", ")),
        ("Groups", draft.entry.groups.join(", ")),
        ("Consent", draft.consent.clone()),
        ("After sign-out", draft.post_logout_redirect_uris.join(", ")),
        ("Told of sign-outs at", draft.logout.backchannel_uri.clone().unwrap_or_default()),
        ("Require PKCE", yes(draft.require_pkce)),
        ("Old OAuth tutorial", yes(draft.legacy_oauth)),
    ]
}

/// Where two differ: what is there, and what was written.
fn differences(there: &Draft, written: &Draft) -> Vec<(&'static str, String, String)> {
    let pairs = fields_of(there).into_iter().zip(fields_of(written));
    pairs
        .filter(|((_, there), (_, written))| there != written)
        .map(|((name, there), (_, written))| (name, visible(&there, 400), visible(&written, 400)))
        .collect()
}

#[derive(Template)]
#[template(path = "console/app_form.html")]
struct Page<'a> {
    f: &'a Frame,
    title: String,
    /// The address of the app, if it is there.
    at: Option<String>,
    app: Option<String>,
    version: Option<i64>,
    kept: Option<Kept>,
    main: Vec<Field>,
    id: Option<Field>,
    proof: Field,
    logout: Vec<Field>,
    entry: Vec<Field>,
    tokens: Vec<Field>,
    grants: Vec<Tick>,
    providers: Vec<Tick>,
    all_providers: bool,
    pkce: Tick,
    legacy: Tick,
    is_wrong: bool,
    /// What is wrong with fields, by their names.
    wrong: Vec<(&'static str, String)>,
    /// What is wrong elsewhere.
    others: Vec<String>,
    /// Whether somebody else changed the app while this was written.
    is_late: bool,
    /// What they changed of what this form has: name, what is there, what was written.
    differences: Vec<(&'static str, String, String)>,
}
