//! The page for everything that can go wrong in front of a person.

use askama::Template;
use http::{HeaderName, HeaderValue, StatusCode, header};
use time::{OffsetDateTime, UtcOffset, macros::format_description};

use super::{
    Brand, FormTarget, Href, Look, Page, PostForm,
    logout::Back,
    phrase::{Phrase, visible},
    texts::Texts,
};

/// The longest value shown to a developer, in characters.
const DETAIL_LIMIT: usize = 500;

/// What happened, told apart by whose fault it is and what helps. The status, the code and the texts each follow from the kind
/// alone. No kind has room for an upstream's own error text: it was written by a stranger and is never shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ErrorKind {
    /// No client has this `client_id`, or it is disabled.
    ClientUnknown,
    /// The `redirect_uri` is none of the client's (RFC 6749 §3.1.2.4): a page, never a redirect.
    RedirectMismatch {
        /// The address that came.
        received: String,
        /// The first part that differs from the nearest registered one: `host`, `path`, …
        first_difference: Option<&'static str>,
    },
    /// The authorization request is wrong in a way that may not be told by redirect.
    RequestInvalid {
        /// For the app's developer, in our own words.
        detail: String,
    },
    /// The attempt is too old, already spent, or belongs to another browser.
    RequestExpired,
    /// The browser did not keep our cookie.
    CookiesBlocked,
    /// The person said no at the provider.
    PersonDeclined,
    /// The provider did not answer, or not usably.
    UpstreamUnavailable {
        /// The step: `discovery`, `keys`, `token`, `userinfo`.
        phase: &'static str,
        /// Its HTTP status, when one came.
        status: Option<u16>,
    },
    /// The provider's answer failed a check.
    UpstreamInvalid {
        /// The step at which it failed.
        phase: &'static str,
    },
    /// The provider refused us: wrong client id, secret or callback address.
    UpstreamMisconfigured,
    /// The provider failed so often that nobody is sent there for a while.
    ProviderPaused {
        /// Seconds until somebody may look again.
        retry_after: u32,
    },
    /// A rule demands a verified e-mail address.
    EmailNotVerified {
        /// The claim that decided.
        claim: &'static str,
    },
    /// A rule refused this account.
    NotAllowed {
        /// The rule's name, as `provider.groups` or `client.email`; never the list behind it.
        rule: String,
    },
    /// A person wanted to add a way to sign in that leads to somebody else already. To whom is nobody's business.
    LinkTaken,
    /// An operator disabled the account.
    AccountDisabled,
    /// A token's times and our clock are too far apart.
    ClockSkew,
    /// A part of ours that is needed is down.
    Unavailable,
    /// A fault of ours.
    Internal,
    /// No such address.
    NotFound,
    /// The address exists, for other methods.
    MethodNotAllowed {
        /// The methods it takes, for `Allow` (RFC 9110 §15.5.6).
        allow: &'static str,
    },
    /// A rate limit was met.
    TooManyRequests {
        /// Seconds until another try makes sense.
        retry_after: u32,
    },
    /// The logout request cannot be honoured.
    LogoutInvalid {
        /// For the app's developer, in our own words.
        detail: String,
    },
}

impl ErrorKind {
    /// The HTTP status.
    pub fn status(&self) -> StatusCode {
        match self {
            Self::ClientUnknown
            | Self::RedirectMismatch { .. }
            | Self::RequestInvalid { .. }
            | Self::RequestExpired
            | Self::CookiesBlocked
            | Self::LogoutInvalid { .. } => StatusCode::BAD_REQUEST,
            Self::PersonDeclined | Self::EmailNotVerified { .. } | Self::NotAllowed { .. } | Self::AccountDisabled => StatusCode::FORBIDDEN,
            Self::UpstreamUnavailable { .. } | Self::UpstreamInvalid { .. } | Self::ClockSkew => StatusCode::BAD_GATEWAY,
            Self::LinkTaken => StatusCode::CONFLICT,
            Self::UpstreamMisconfigured | Self::Internal => StatusCode::INTERNAL_SERVER_ERROR,
            Self::ProviderPaused { .. } | Self::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
            Self::NotFound => StatusCode::NOT_FOUND,
            Self::MethodNotAllowed { .. } => StatusCode::METHOD_NOT_ALLOWED,
            Self::TooManyRequests { .. } => StatusCode::TOO_MANY_REQUESTS,
        }
    }

    /// The stable name of the kind: in the page, in metrics and in tests.
    pub fn code(&self) -> &'static str {
        match self {
            Self::ClientUnknown => "client_unknown",
            Self::RedirectMismatch { .. } => "redirect_mismatch",
            Self::RequestInvalid { .. } => "request_invalid",
            Self::RequestExpired => "request_expired",
            Self::CookiesBlocked => "cookies_blocked",
            Self::PersonDeclined => "person_declined",
            Self::UpstreamUnavailable { .. } => "upstream_unavailable",
            Self::UpstreamInvalid { .. } => "upstream_invalid",
            Self::UpstreamMisconfigured => "upstream_misconfigured",
            Self::ProviderPaused { .. } => "provider_paused",
            Self::EmailNotVerified { .. } => "email_not_verified",
            Self::NotAllowed { .. } => "not_allowed",
            Self::LinkTaken => "link_taken",
            Self::AccountDisabled => "account_disabled",
            Self::ClockSkew => "clock_skew",
            Self::Unavailable => "unavailable",
            Self::Internal => "internal",
            Self::NotFound => "not_found",
            Self::MethodNotAllowed { .. } => "method_not_allowed",
            Self::TooManyRequests { .. } => "too_many_requests",
            Self::LogoutInvalid { .. } => "logout_invalid",
        }
    }

    /// True when the client or its address is not established: a link to it would be an open redirect with our name above it.
    fn distrusts_the_app(&self) -> bool {
        matches!(self, Self::ClientUnknown | Self::RedirectMismatch { .. })
    }

    /// What the kind itself tells the app's developer.
    fn details(&self) -> Vec<(&'static str, String)> {
        match self {
            Self::RedirectMismatch { received, first_difference } => std::iter::once(("redirect_uri received", received.clone()))
                .chain(first_difference.map(|part| ("first part that differs", part.to_owned())))
                .collect(),
            Self::RequestInvalid { detail } | Self::LogoutInvalid { detail } => vec![("detail", detail.clone())],
            Self::UpstreamUnavailable { phase, status } => std::iter::once(("phase", (*phase).to_owned()))
                .chain(status.map(|status| ("provider's status", status.to_string())))
                .collect(),
            Self::UpstreamInvalid { phase } => vec![("phase", (*phase).to_owned())],
            Self::ProviderPaused { retry_after } | Self::TooManyRequests { retry_after } => {
                vec![("retry after", format!("{retry_after} s"))]
            }
            Self::EmailNotVerified { claim } => vec![("claim that decided", (*claim).to_owned())],
            Self::NotAllowed { rule } => vec![("rule", rule.clone())],
            Self::MethodNotAllowed { allow } => vec![("allowed methods", (*allow).to_owned())],
            _ => Vec::new(),
        }
    }
}

/// An error page being made: the kind, and what is known besides.
#[derive(Debug, Clone)]
pub struct ErrorPage {
    kind: ErrorKind,
    reference: String,
    at: OffsetDateTime,
    client_name: Option<String>,
    provider_label: Option<String>,
    back: Option<Href>,
    back_by: Option<(PostForm, Vec<FormTarget>)>,
    choose_again: Option<Href>,
    account: Option<Href>,
    details: Vec<(&'static str, String)>,
}

impl ErrorPage {
    /// `reference` is the trace id, by which an operator finds the whole story; `at` is when it happened.
    pub fn new(kind: ErrorKind, reference: impl Into<String>, at: OffsetDateTime) -> Self {
        Self {
            kind,
            reference: reference.into(),
            at,
            client_name: None,
            provider_label: None,
            back: None,
            back_by: None,
            choose_again: None,
            account: None,
            details: Vec::new(),
        }
    }

    /// What happened.
    pub fn kind(&self) -> &ErrorKind {
        &self.kind
    }

    /// The registered name of the app, once the client is known.
    #[must_use]
    pub fn app(mut self, client_name: impl Into<String>) -> Self {
        self.client_name = Some(client_name.into());
        self
    }

    /// The provider's label, once one was picked.
    #[must_use]
    pub fn provider(mut self, label: impl Into<String>) -> Self {
        self.provider_label = Some(label.into());
        self
    }

    /// A way back to the app. Without effect on kinds that do not trust the app's address.
    #[must_use]
    pub fn back(mut self, href: Href) -> Self {
        self.back = Some(href);
        self
    }

    /// The same for an app that asked for a form, which may end at these places.
    #[must_use]
    pub fn back_by(mut self, form: PostForm, ends_at: Vec<FormTarget>) -> Self {
        self.back_by = Some((form, ends_at));
        self
    }

    /// The chooser of the same attempt, where another provider may help.
    #[must_use]
    pub fn choose_again(mut self, href: Href) -> Self {
        self.choose_again = Some(href);
        self
    }

    /// The page about the person's ways to sign in, where what went wrong began there.
    #[must_use]
    pub fn account(mut self, href: Href) -> Self {
        self.account = Some(href);
        self
    }

    /// One more line for the app's developer. The value may be hostile: it is shortened, made visible and escaped.
    #[must_use]
    pub fn detail(mut self, key: &'static str, value: impl Into<String>) -> Self {
        self.details.push((key, value.into()));
        self
    }
}

impl ErrorPage {
    fn form_back(&self) -> Option<&(PostForm, Vec<FormTarget>)> {
        self.back_by.as_ref().filter(|_| !self.kind.distrusts_the_app())
    }
}

impl Page for ErrorPage {
    fn render(&self, look: &Look<'_>) -> askama::Result<String> {
        let t = &look.texts;
        let text = t.errors.of(&self.kind);
        let phrase = |text| {
            let named = Phrase::new(text).named("app", self.client_name.as_deref(), t.an_app);
            named.named("provider", self.provider_label.as_deref(), t.a_provider)
        };
        let details = [("code", self.kind.code().to_owned()), ("status", self.kind.status().as_u16().to_string())]
            .into_iter()
            .chain(self.kind.details())
            .chain(self.details.iter().cloned())
            .map(|(key, value)| (key, visible(&value, DETAIL_LIMIT)));
        let at = self.at.to_offset(UtcOffset::UTC);
        View {
            t,
            brand: look.brand,
            code: self.kind.code(),
            title: phrase(text.title),
            why: phrase(text.why),
            remedy: phrase(text.remedy),
            choose_again: self.choose_again.as_ref(),
            back: self.back.as_ref().filter(|_| !self.kind.distrusts_the_app()).map(|href| Back::new(t, href, self.client_name.as_deref())),
            back_by: self.form_back().map(|(form, _)| (form, Back::new(t, &form.action, self.client_name.as_deref()))),
            account: self.account.as_ref(),
            reference: visible(&self.reference, DETAIL_LIMIT),
            at: at.format(format_description!("[year]-[month]-[day] [hour]:[minute]:[second] UTC")).unwrap_or_default(),
            at_machine: at.format(format_description!("[year]-[month]-[day]T[hour]:[minute]:[second]Z")).unwrap_or_default(),
            details: details.collect(),
        }
        .render()
    }

    fn status(&self) -> StatusCode {
        self.kind.status()
    }

    fn forms(&self) -> Option<&[FormTarget]> {
        self.form_back().map(|(_, ends_at)| ends_at.as_slice())
    }

    fn headers(&self) -> Vec<(HeaderName, HeaderValue)> {
        match self.kind {
            ErrorKind::MethodNotAllowed { allow } => vec![(header::ALLOW, HeaderValue::from_static(allow))],
            ErrorKind::TooManyRequests { retry_after } | ErrorKind::ProviderPaused { retry_after } => {
                vec![(header::RETRY_AFTER, retry_after.into())]
            }
            _ => Vec::new(),
        }
    }
}

#[derive(Template)]
#[template(path = "error.html")]
struct View<'a> {
    t: &'a Texts<'a>,
    brand: &'a Brand,
    code: &'static str,
    title: Phrase<'a>,
    why: Phrase<'a>,
    remedy: Phrase<'a>,
    choose_again: Option<&'a Href>,
    back: Option<Back<'a>>,
    back_by: Option<(&'a PostForm, Back<'a>)>,
    account: Option<&'a Href>,
    reference: String,
    at: String,
    at_machine: String,
    details: Vec<(&'static str, String)>,
}
