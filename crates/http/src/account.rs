//! `/account`: a person's own page, where they see the ways they sign in, add one and remove one.

use std::sync::Arc;

use http::StatusCode;
use poem::Response;
use vestibule_flows::{OwnLink, OwnPage, OwnPageNotice};

use crate::{
    authorize,
    halt::{self, moment},
    house::House,
    login,
    pages::{AccountPage, Addition, Notice, Page, PostForm, Remove, SignInAgain, Way},
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

async fn noticed(house: &House, visit: &Visit, notice: OwnPageNotice) -> Response {
    let notice = match notice {
        OwnPageNotice::Removed => Notice::Removed,
        OwnPageNotice::LastOne => Notice::LastOne,
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
    let profile = &own.account.profile;
    AccountPage {
        person: profile.name.clone().or_else(|| profile.email.clone()),
        notice,
        ways: own.links.iter().map(way).collect(),
        additions: if own.may_change { own.more.iter().map(addition).collect() } else { Vec::new() },
        again: (!own.may_change).then(|| house.href("/account/again")),
    }
}

fn sent<const N: usize>(visit: &Visit, names: [&str; N]) -> [String; N] {
    let mut parameters = visit.parameters().ok();
    names.map(|name| parameters.as_mut().and_then(|parameters| parameters.take(name)).unwrap_or_default())
}
