//! `/account`: a person's own page, where they see the ways they sign in, add one and remove one; where they are signed in; and which apps have what.

use std::sync::Arc;

use http::StatusCode;
use poem::Response;
use vestibule_flows::{OwnApp, OwnLink, OwnPage, OwnPageNotice, OwnSession};

use crate::{
    authorize,
    halt::{self, moment},
    house::House,
    login,
    pages::{AccountPage, Addition, AppAccess, Href, Notice, Page, PostForm, Remove, SignInAgain, SignedIn, Way},
    visit::Visit,
};

/// The page; whoever is not signed in signs in first and comes back to it.
pub(crate) async fn show(house: Arc<House>, visit: Visit) -> Response {
    let parameters = visit.parameters().ok();
    let notice = match parameters.as_ref().and_then(|parameters| parameters.get("notice")) {
        Some("added") => Some(Notice::Added),
        _ => None,
    };
    page(&house, &visit, notice).await
}

/// A new sign-in, because the last is too long ago to change anything.
pub(crate) async fn again(house: Arc<House>, visit: Visit) -> Response {
    match house.gateway.enter_own_page(&visit.witness, true).await {
        Ok(authorized) => authorize::respond(&house, &visit, authorized, false),
        Err(end) => halt::respond(&house, &visit, &end, None),
    }
}

/// One more way in: off to its provider.
pub(crate) async fn add(house: Arc<House>, visit: Visit) -> Response {
    let session = house.cookies.session(visit.headers());
    let [token, provider] = sent(&visit, ["token", "provider"]);
    match house.gateway.add_link(&visit.witness, session.as_deref(), &token, &provider).await {
        Ok(Ok(away)) => authorize::onward(&house, &visit, &away),
        Ok(Err(notice)) => noticed(&house, &visit, notice).await,
        Err(end) => login::ended(&house, &visit, &end, &provider),
    }
}

/// One way in less.
pub(crate) async fn remove(house: Arc<House>, visit: Visit) -> Response {
    let session = house.cookies.session(visit.headers());
    let [token, link] = sent(&visit, ["token", "link"]);
    match house.gateway.remove_link(&visit.witness, session.as_deref(), &token, &link).await {
        Ok(notice) => noticed(&house, &visit, notice).await,
        Err(end) => halt::respond(&house, &visit, &end, None),
    }
}

/// Another browser is signed out, or, without saying which, every other.
pub(crate) async fn end_sessions(house: Arc<House>, visit: Visit) -> Response {
    let cookie = house.cookies.session(visit.headers());
    let [token, session, others] = sent(&visit, ["token", "session", "others"]);
    let which = if others == "all" { None } else { Some(session.as_str()) };
    match house.gateway.end_own_sessions(&visit.witness, cookie.as_deref(), &token, which).await {
        Ok(notice) => noticed(&house, &visit, notice).await,
        Err(end) => halt::respond(&house, &visit, &end, None),
    }
}

/// An app loses what it was given.
pub(crate) async fn revoke_app(house: Arc<House>, visit: Visit) -> Response {
    let cookie = house.cookies.session(visit.headers());
    let [token, app] = sent(&visit, ["token", "app"]);
    match house.gateway.revoke_own_app(&visit.witness, cookie.as_deref(), &token, &app).await {
        Ok(notice) => noticed(&house, &visit, notice).await,
        Err(end) => halt::respond(&house, &visit, &end, None),
    }
}

async fn noticed(house: &House, visit: &Visit, notice: OwnPageNotice) -> Response {
    let notice = match notice {
        OwnPageNotice::Removed => Notice::Removed,
        OwnPageNotice::LastOne => Notice::LastOne,
        OwnPageNotice::SessionEnded => Notice::SessionEnded,
        OwnPageNotice::OtherSessionsEnded => Notice::OtherSessionsEnded,
        OwnPageNotice::AppRevoked => Notice::AppRevoked,
        OwnPageNotice::Stale => Notice::Stale,
        OwnPageNotice::SignInAgain => {
            let page = SignInAgain { again: house.href("/account/again"), cancel: house.href("/account") };
            return page.respond(&house.look(visit, None));
        }
    };
    let mut response = page(house, visit, Some(notice)).await;
    if matches!(notice, Notice::Stale) && response.status() == StatusCode::OK {
        response.set_status(StatusCode::CONFLICT);
    }
    response
}

async fn page(house: &House, visit: &Visit, notice: Option<Notice>) -> Response {
    let session = house.cookies.session(visit.headers());
    match house.gateway.own_page(&visit.witness, session.as_deref()).await {
        Ok(Some(own)) => shown(house, &own, notice).respond(&house.look(visit, None)),
        Ok(None) => match house.gateway.enter_own_page(&visit.witness, false).await {
            Ok(authorized) => authorize::respond(house, visit, authorized, false),
            Err(end) => halt::respond(house, visit, &end, None),
        },
        Err(end) => halt::respond(house, visit, &end, None),
    }
}

fn shown(house: &House, own: &OwnPage, notice: Option<Notice>) -> AccountPage {
    let form = |path: &str, name: &'static str, value: String| PostForm {
        action: house.href(path),
        fields: vec![("token", own.token.clone()), (name, value)],
    };
    let way = |OwnLink { link, label, icon, is_current }: &OwnLink| Way {
        provider: link.key.provider.to_string(),
        label: label.clone().unwrap_or_else(|| link.key.provider.to_string()),
        icon: icon.clone(),
        current: *is_current,
        name: link.profile.name.clone().or_else(|| link.profile.preferred_username.clone()),
        email: link.profile.email.clone(),
        created: moment(link.created),
        by: link.evidence.by,
        used: moment(link.seen),
        remove: match (own.only_way, own.may_change) {
            (true, _) => Remove::OnlyWay,
            (false, false) => Remove::NotNow,
            (false, true) => Remove::By(form("/account/links/remove", "link", link.id.to_string())),
        },
    };
    let addition = |offer: &vestibule_domain::door::Offer| Addition {
        provider: offer.card.id.to_string(),
        label: offer.card.label.clone(),
        icon: offer.card.icon.clone(),
        form: form("/account/links", "provider", offer.card.id.to_string()),
    };
    // As the links: only whoever signed in lately changes anything.
    let changing = |path: &str, name: &'static str, value: String| own.may_change.then(|| form(path, name, value));
    let session = |session: &OwnSession| SignedIn {
        user_agent: session.user_agent.clone(),
        by: session.label.iter().cloned().chain(session.ip.map(|ip| ip.to_string())).collect(),
        current: session.is_current,
        seen: moment(session.last_seen),
        end: if session.is_current { None } else { changing("/account/sessions/end", "session", session.id.to_string()) },
    };
    let app = |app: &OwnApp| AppAccess {
        name: app.name.clone(),
        scopes: app.scopes.iter().map(str::to_owned).collect(),
        since: moment(app.since),
        used: moment(app.used),
        begin: app.begin.as_deref().and_then(Href::app),
        revoke: changing("/account/apps/revoke", "app", app.id.to_string()),
    };
    let others = own.sessions.len() > 1;
    let profile = &own.account.profile;
    AccountPage {
        person: profile.name.clone().or_else(|| profile.email.clone()),
        notice,
        ways: own.links.iter().map(way).collect(),
        additions: if own.may_change { own.more.iter().map(addition).collect() } else { Vec::new() },
        sessions: own.sessions.iter().map(session).collect(),
        end_others: if others { changing("/account/sessions/end", "others", "all".to_owned()) } else { None },
        apps: own.apps.iter().map(app).collect(),
        again: (!own.may_change).then(|| house.href("/account/again")),
        sign_out: house.href("/logout"),
    }
}

fn sent<const N: usize>(visit: &Visit, names: [&str; N]) -> [String; N] {
    let mut parameters = visit.parameters().ok();
    names.map(|name| parameters.as_mut().and_then(|parameters| parameters.take(name)).unwrap_or_default())
}
