//! The one place where the end of a walk becomes what a person sees.

use http::{HeaderValue, StatusCode, header};
use poem::{IntoResponse, Response};
use time::OffsetDateTime;
use url::Url;
use vestibule_domain::{
    attempt::AttemptFault, authorize::PageFault, client_document::DocumentFault, entry::RuleKind, provider::ProviderError, time::Timestamp,
};
use vestibule_flows::{AppAnswer, Fault, Halt};

use crate::{
    house::House,
    pages::{ErrorKind, ErrorPage, FormPost, FormTarget, Href, Look, Onward, Page, PostForm, ReturnToApp},
    visit::Visit,
};

/// Says why a walk ended: back at the app at once where nothing may be shown, otherwise a page with a way back.
pub(crate) fn respond(house: &House, visit: &Visit, halt: &Halt, provider_label: Option<&str>) -> Response {
    let settled = halt.settled;
    let mut response = match (&halt.back, halt.at_once) {
        (Some(back), true) => to_app(house, visit, back, halt.client_name.as_deref().unwrap_or_default()),
        _ => error_page(house, visit, halt, provider_label),
    };
    if let Some(id) = settled {
        response.headers_mut().append(header::SET_COOKIE, house.cookies.drop_attempt(id));
    }
    response
}

/// A page for what goes wrong outside a walk.
pub(crate) fn page(house: &House, visit: &Visit, kind: ErrorKind) -> Response {
    log(&kind, None);
    ErrorPage::new(kind, visit.reference(), at(visit)).respond(&house.look(visit, None))
}

/// A page for a fault of ours that nothing is known of.
pub(crate) fn last_resort(reference: &str, now: Timestamp) -> Response {
    ErrorPage::new(ErrorKind::Internal, reference, moment(now)).respond(&Look::default())
}

/// Sends the browser to an app. 303, never 307: what was posted to us is not posted on (OAuth 2.1 §7.5.3).
pub(crate) fn to_app(house: &House, visit: &Visit, answer: &AppAnswer, client_name: &str) -> Response {
    if answer.form.is_none() && answer.to.is_web() {
        return see_other(&answer.location);
    }
    if let Some((form, ends_at)) = form_to(answer) {
        return FormPost { client_name: client_name.to_owned(), form, ends_at }.respond(&house.look(visit, None));
    }
    match Href::app(&answer.location) {
        Some(href) => ReturnToApp { client_name: client_name.to_owned(), href }.respond(&house.look(visit, None)),
        None => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}

/// The form that carries an answer to an app that asked for one, and where it may end.
fn form_to(answer: &AppAnswer) -> Option<(PostForm, Vec<FormTarget>)> {
    let fields = answer.form.clone()?;
    let ends_at = FormTarget::after(&Url::parse(&answer.location).ok()?);
    Some((PostForm { action: Href::app(&answer.location)?, fields }, ends_at))
}

/// A POST from another site comes without our Lax cookies. The browser asks again by GET, and then they come along.
pub(crate) fn again_by_get(house: &House, visit: &Visit, path: &str) -> Response {
    match std::str::from_utf8(&visit.body) {
        Ok(query) if query.bytes().all(|b| matches!(b, 0x21..=0x7e)) => see_other(&format!("{}{path}?{query}", house.prefix())),
        _ => page(house, visit, ErrorKind::RequestInvalid { detail: "the form is not percent-encoded".into() }),
    }
}

/// Answers a form and leads on to a provider. A redirect would not do: browsers hold whatever follows a form against its page's `form-action`.
pub(crate) fn onward(house: &House, visit: &Visit, location: &str, provider_label: String) -> Response {
    match Href::app(location) {
        Some(href) => Onward { provider_label, href }.respond(&house.look(visit, None)),
        None => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}

/// A redirect that leaves no trace of where it came from.
pub(crate) fn see_other(location: &str) -> Response {
    let Ok(location) = HeaderValue::try_from(location) else {
        tracing::error!("an address to redirect to can't stand in a header");
        return StatusCode::INTERNAL_SERVER_ERROR.into_response();
    };
    Response::builder()
        .status(StatusCode::SEE_OTHER)
        .header(header::LOCATION, location)
        .header(header::CACHE_CONTROL, "no-store")
        .header(header::REFERRER_POLICY, "no-referrer")
        .finish()
}

fn error_page(house: &House, visit: &Visit, halt: &Halt, provider_label: Option<&str>) -> Response {
    let kind = kind_of(&halt.fault, visit.witness.now);
    log(&kind, Some(&halt.fault));
    let mut page = ErrorPage::new(kind, visit.reference(), at(visit));
    if let Some(name) = &halt.client_name {
        page = page.app(name);
    }
    if let Some(label) = provider_label {
        page = page.provider(label);
    }
    if let Some(href) = halt.goes_on.and_then(|attempt| Href::local(&format!("{}/login?attempt={attempt}", house.prefix()))) {
        page = page.choose_again(href);
    }
    if halt.fault == Fault::LinkTaken {
        page = page.account(house.href("/account"));
    }
    if let Some((form, ends_at)) = halt.back.as_ref().and_then(form_to) {
        page = page.back_by(form, ends_at);
    } else if let Some(href) = halt.back.as_ref().and_then(|back| Href::app(&back.location)) {
        page = page.back(href);
    }
    page.respond(&house.look(visit, None))
}

fn at(visit: &Visit) -> OffsetDateTime {
    moment(visit.witness.now)
}

pub(crate) fn moment(now: Timestamp) -> OffsetDateTime {
    OffsetDateTime::from_unix_timestamp(now.as_secs()).unwrap_or(OffsetDateTime::UNIX_EPOCH)
}

fn kind_of(fault: &Fault, now: Timestamp) -> ErrorKind {
    let invalid = |detail: &str| ErrorKind::RequestInvalid { detail: detail.to_owned() };
    match fault {
        Fault::Request(PageFault::ClientUnknown) | Fault::ClientGone => ErrorKind::ClientUnknown,
        Fault::Request(PageFault::RedirectMismatch { received, differs }) => ErrorKind::RedirectMismatch {
            received: received.clone().unwrap_or_else(|| "none; the request must name one".into()),
            first_difference: *differs,
        },
        Fault::Request(PageFault::ClientDocument(DocumentFault::Busy)) => ErrorKind::TooManyRequests { retry_after: 60 },
        Fault::Request(PageFault::ClientDocument(fault)) => invalid(&fault.to_string()),
        Fault::Request(PageFault::Repeated(name)) => invalid(&format!("{name} came more than once")),
        Fault::Attempt(AttemptFault::OtherProvider) | Fault::StaleSignIn | Fault::UnmetAcr => {
            ErrorKind::UpstreamInvalid { phase: "callback" }
        }
        Fault::Attempt(_) | Fault::AttemptSpent | Fault::Request(PageFault::PushedGone) => ErrorKind::RequestExpired,
        Fault::ProviderNotAllowed => ErrorKind::NotAllowed { rule: "allowed_providers".into() },
        Fault::Provider(ProviderError::Declined) => ErrorKind::PersonDeclined,
        Fault::Provider(ProviderError::Unreachable { phase, status, .. }) => {
            ErrorKind::UpstreamUnavailable { phase: phase.as_str(), status: *status }
        }
        Fault::Provider(ProviderError::Invalid { rule: "exp" | "iat" | "nbf", .. }) => ErrorKind::ClockSkew,
        Fault::Provider(ProviderError::Invalid { phase, .. } | ProviderError::Denied { phase, .. }) => {
            ErrorKind::UpstreamInvalid { phase: phase.as_str() }
        }
        Fault::Provider(ProviderError::Refused { rule }) => ErrorKind::NotAllowed { rule: (*rule).to_owned() },
        Fault::Provider(ProviderError::Paused { until }) => {
            ErrorKind::ProviderPaused { retry_after: u32::try_from(until.since(now).as_secs().max(1)).unwrap_or(u32::MAX) }
        }
        Fault::Provider(ProviderError::Misconfigured { .. }) => ErrorKind::UpstreamMisconfigured,
        Fault::TooManySignIns(seconds) => ErrorKind::TooManyRequests { retry_after: u32::try_from(*seconds).unwrap_or(u32::MAX) },
        Fault::OtherPerson => ErrorKind::NotAllowed { rule: "id_token_hint".into() },
        Fault::AccountDisabled => ErrorKind::AccountDisabled,
        Fault::NotAllowed(denial) if denial.kind == RuleKind::EmailVerified => ErrorKind::EmailNotVerified { claim: "email_verified" },
        Fault::NotAllowed(denial) => ErrorKind::NotAllowed { rule: denial.to_string() },
        Fault::LinkTaken => ErrorKind::LinkTaken,
        Fault::App(error) | Fault::Request(PageFault::Invalid(error)) => invalid(&error.description),
        Fault::Logout(detail) => ErrorKind::LogoutInvalid { detail: (*detail).to_owned() },
        Fault::Store(_) => ErrorKind::Unavailable,
    }
}

/// The operator's half of an error page; the span has the reference.
fn log(kind: &ErrorKind, fault: Option<&Fault>) {
    match fault {
        Some(Fault::Store(error)) => tracing::error!(code = kind.code(), %error, "the database can't be used"),
        Some(Fault::Provider(error @ ProviderError::Misconfigured { .. })) => {
            tracing::error!(code = kind.code(), %error, "a provider refuses us");
        }
        Some(Fault::Provider(error)) => tracing::warn!(code = kind.code(), %error, "no identity came back"),
        _ => tracing::info!(code = kind.code(), "showed an error page"),
    }
}
