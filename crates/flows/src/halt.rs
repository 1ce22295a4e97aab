//! How a walk in a browser ends early: on a page, or back at the app with an error.

use vestibule_domain::{
    attempt::AttemptFault,
    audit::Reason,
    authorize::{AuthorizationRequest, PageFault, Rejection, ResponseMode, State},
    entry::{Denial, RuleKind},
    error::{OAuthError, OAuthErrorCode},
    ids::AttemptId,
    policy::Refusal,
    provider::ProviderError,
    redirect::RedirectUri,
    store::StoreError,
};

use crate::refused;

/// An authorization response: where the browser goes, parameters and all. Always carries `iss` (RFC 9207 §2).
#[derive(Clone, PartialEq, Eq)]
pub struct AppAnswer {
    /// The client's own address.
    pub to: RedirectUri,
    /// The same as the browser goes there: with the parameters, unless they go in a form.
    pub location: String,
    /// The parameters, where the app asked for a form (OAuth 2.0 Form Post Response Mode §2).
    pub form: Option<Vec<(&'static str, String)>>,
}

/// The location has a code in it.
impl std::fmt::Debug for AppAnswer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("AppAnswer").field("to", &self.to).finish_non_exhaustive()
    }
}

impl AppAnswer {
    pub(crate) fn code(request: &AuthorizationRequest, code: &str, issuer: &str) -> Self {
        Self::with((&request.redirect_uri, request.response_mode), &[("code", code)], request.state.as_ref(), issuer)
    }

    pub(crate) fn error(request: &AuthorizationRequest, error: &OAuthError, issuer: &str) -> Self {
        Self::refusal((&request.redirect_uri, request.response_mode), error, request.state.as_ref(), issuer)
    }

    fn refusal(to: (&RedirectUri, ResponseMode), error: &OAuthError, state: Option<&State>, issuer: &str) -> Self {
        Self::with(to, &[("error", error.code.as_str()), ("error_description", &error.description)], state, issuer)
    }

    fn with((to, mode): (&RedirectUri, ResponseMode), parameters: &[(&'static str, &str)], state: Option<&State>, issuer: &str) -> Self {
        let mut all = parameters.to_vec();
        if let Some(State(state)) = state {
            all.push(("state", state));
        }
        all.push(("iss", issuer));
        match mode {
            ResponseMode::Query => Self { to: to.clone(), location: to.with(&all), form: None },
            ResponseMode::FormPost => {
                let form = all.into_iter().map(|(name, value)| (name, value.to_owned())).collect();
                Self { to: to.clone(), location: to.with(&[]), form: Some(form) }
            }
        }
    }
}

/// Why a walk ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The request itself can't be trusted with a redirect.
    Request(PageFault),
    /// The attempt can't go on.
    Attempt(AttemptFault),
    /// It was settled before.
    AttemptSpent,
    /// No such provider, or not for this client.
    ProviderNotAllowed,
    /// The upstream gave no identity.
    Provider(ProviderError),
    /// The upstream sign-in is older than the app asked for.
    StaleSignIn,
    /// The person did not sign in in a way that the app demanded.
    UnmetAcr,
    /// Somebody else than the request names.
    OtherPerson,
    /// The account is disabled.
    AccountDisabled,
    /// A rule about who may enter.
    NotAllowed(Denial),
    /// The way in a person wanted to add leads to another account.
    LinkTaken,
    /// The account was signed in to too often, and how many seconds it waits.
    TooManySignIns(u64),
    /// The client went away meanwhile.
    ClientGone,
    /// The app's mistake; it is told by redirect.
    App(OAuthError),
    /// A logout request that can't be honoured; what the app's developer is told.
    Logout(&'static str),
    /// The database can't be used.
    Store(StoreError),
}

impl From<Refusal> for Fault {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::ClientDisabled => Self::ClientGone,
            Refusal::AccountDisabled => Self::AccountDisabled,
            Refusal::ProviderNotAllowed => Self::ProviderNotAllowed,
            Refusal::Rule(denial) => Self::NotAllowed(denial),
        }
    }
}

impl Fault {
    /// The closed reason of the audit event and the metric.
    pub fn reason(&self) -> Reason {
        match self {
            Self::Request(fault) => refused::reason_of(fault),
            Self::App(_) | Self::Logout(_) => Reason::Unknown,
            Self::Attempt(AttemptFault::NotHere | AttemptFault::NotDeparted) => Reason::AttemptUnknown,
            Self::Attempt(AttemptFault::Expired) => Reason::AttemptExpired,
            Self::Attempt(AttemptFault::OtherProvider) => Reason::MixUp,
            Self::AttemptSpent => Reason::AttemptSpent,
            Self::ProviderNotAllowed => Reason::ProviderNotAllowed,
            Self::Provider(ProviderError::Declined) => Reason::PersonDeclined,
            Self::Provider(ProviderError::Unreachable { .. }) => Reason::UpstreamUnreachable,
            Self::Provider(ProviderError::Invalid { .. }) => Reason::UpstreamInvalid,
            Self::Provider(ProviderError::Refused { .. }) => Reason::ProviderRule,
            Self::Provider(ProviderError::Misconfigured { .. }) => Reason::UpstreamMisconfigured,
            Self::StaleSignIn => Reason::StaleSignIn,
            Self::UnmetAcr => Reason::UnmetAcr,
            Self::OtherPerson => Reason::OtherPerson,
            Self::AccountDisabled => Reason::AccountDisabled,
            Self::NotAllowed(denial) if denial.kind == RuleKind::EmailVerified => Reason::EmailNotVerified,
            Self::NotAllowed(_) => Reason::EntryRule,
            Self::LinkTaken => Reason::LinkTaken,
            Self::Provider(ProviderError::Paused { .. }) => Reason::BreakerOpen,
            Self::Provider(ProviderError::Denied { .. }) => Reason::UpstreamDenied,
            Self::TooManySignIns(_) => Reason::SignInRate,
            Self::ClientGone => Reason::ClientDisabled,
            Self::Store(_) => Reason::Internal,
        }
    }

    /// What the app hears, when the person goes back to it.
    pub(crate) fn to_oauth(&self) -> OAuthError {
        use OAuthErrorCode as Code;
        match self {
            Self::App(error) => error.clone(),
            Self::Provider(ProviderError::Declined) => OAuthError::new(Code::AccessDenied, "the person declined at the identity provider"),
            Self::TooManySignIns(_) => OAuthError::new(Code::TemporarilyUnavailable, "this account was signed in to too often"),
            Self::Provider(ProviderError::Unreachable { .. } | ProviderError::Paused { .. }) => {
                OAuthError::new(Code::TemporarilyUnavailable, "the identity provider can't be reached now")
            }
            Self::Provider(ProviderError::Refused { .. })
            | Self::ProviderNotAllowed
            | Self::AccountDisabled
            | Self::NotAllowed(_)
            | Self::LinkTaken
            | Self::ClientGone => OAuthError::new(Code::AccessDenied, "a rule here does not allow this sign-in"),
            Self::OtherPerson => OAuthError::new(Code::LoginRequired, "somebody else than the request names signed in"),
            Self::UnmetAcr => {
                let why = "the person did not sign in in one of the ways that claims demands";
                OAuthError::new(Code::UnmetAuthenticationRequirements, why)
            }
            Self::StaleSignIn => OAuthError::new(Code::LoginRequired, "the sign-in at the identity provider is older than asked for"),
            Self::Provider(_) | Self::Attempt(_) | Self::AttemptSpent | Self::Request(_) | Self::Logout(_) => {
                OAuthError::new(Code::ServerError, "the sign-in could not be completed")
            }
            Self::Store(_) => OAuthError::unavailable(),
        }
    }
}

/// An end: the fault, and the way back to the app where one is known to be safe.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Halt {
    /// Why.
    pub fault: Fault,
    /// Back to the app, with the error.
    pub back: Option<AppAnswer>,
    /// What people know the app as.
    pub client_name: Option<String>,
    /// The attempt that is over, so that its cookie goes.
    pub settled: Option<AttemptId>,
    /// An attempt that can go on by another provider.
    pub goes_on: Option<AttemptId>,
    /// Whether the browser goes back at once rather than see a page: the app's own mistakes, and whatever `prompt=none` forbids showing.
    pub at_once: bool,
}

impl From<Fault> for Halt {
    fn from(fault: Fault) -> Self {
        Self { fault, back: None, client_name: None, settled: None, goes_on: None, at_once: false }
    }
}

impl From<StoreError> for Halt {
    fn from(error: StoreError) -> Self {
        Fault::Store(error).into()
    }
}

impl Halt {
    pub(crate) fn rejected(rejection: Rejection, client_name: Option<&str>, issuer: &str) -> Self {
        match rejection {
            Rejection::Page(fault) => Self { client_name: client_name.map(Into::into), ..Fault::Request(fault).into() },
            Rejection::Redirect { to, mode, state, error } => {
                let back = Some(AppAnswer::refusal((&to, mode), &error, state.as_ref(), issuer));
                Self { back, client_name: client_name.map(Into::into), at_once: true, ..Fault::App(error).into() }
            }
        }
    }
}
