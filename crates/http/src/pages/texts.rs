//! Every word of the hosted pages, one constant per language. `{app}`, `{provider}` and `{place}` stand for names.

use super::ErrorKind;

/// The texts of one language. A missing text does not compile.
#[derive(Debug)]
pub struct Texts {
    /// BCP 47 tag for `lang` and `Content-Language`.
    pub lang: &'static str,
    /// Writing direction: `ltr` or `rtl`.
    pub dir: &'static str,
    pub product: &'static str,
    /// In place of `{app}` while the app is not known.
    pub an_app: &'static str,
    pub an_app_you_used: &'static str,
    /// In place of `{provider}` while none is known.
    pub a_provider: &'static str,
    pub back_to: &'static str,

    pub chooser_window: &'static str,
    pub chooser_title: &'static str,
    pub chooser_lead: &'static str,
    pub chooser_continue: &'static str,
    pub chooser_last_used: &'static str,
    pub chooser_returns: &'static str,

    pub signed_out_title: &'static str,
    pub signed_out_what: &'static str,
    pub signed_out_also: &'static str,

    pub logout_title: &'static str,
    pub logout_lead: &'static str,
    pub logout_yes: &'static str,
    pub logout_no: &'static str,
    pub logout_or_close: &'static str,

    pub return_title: &'static str,
    pub return_hint: &'static str,
    pub return_open: &'static str,

    pub error_reference: &'static str,
    pub error_time: &'static str,
    pub error_developer: &'static str,
    pub error: fn(&ErrorKind) -> ErrorText,

    /// When not even a page can be made.
    pub unrenderable: &'static str,
}

/// What an error page says: a title, one sentence why, one or two what to do.
#[derive(Debug, Clone, Copy)]
pub struct ErrorText {
    pub title: &'static str,
    pub why: &'static str,
    pub remedy: &'static str,
}

/// English.
pub static ENGLISH: Texts = Texts {
    lang: "en",
    dir: "ltr",
    product: "Vestibule",
    an_app: "the app",
    an_app_you_used: "an app you used",
    a_provider: "the sign-in provider",
    back_to: "Back to {app}",

    chooser_window: "Sign in to {app}",
    chooser_title: "Sign in",
    chooser_lead: "Choose how to continue to {app}.",
    chooser_continue: "Continue with {provider}",
    chooser_last_used: "Last used",
    chooser_returns: "You will return to {place}.",

    signed_out_title: "You are signed out",
    signed_out_what: "Your session here has ended.",
    signed_out_also: "Apps and providers you used may still have you signed in. On a shared computer, sign out of them too.",

    logout_title: "Sign out?",
    logout_lead: "The request came from {app}. Your session here ends for every app in this browser that relies on it.",
    logout_yes: "Sign out",
    logout_no: "Stay signed in",
    logout_or_close: "To stay signed in, close this page.",

    return_title: "Returning to {app}",
    return_hint: "Your browser may ask for permission to open the app. If nothing happens, use the button.",
    return_open: "Open {app}",

    error_reference: "Reference",
    error_time: "Time",
    error_developer: "For the app’s developer",
    error: english_error,

    unrenderable: "Something went wrong on our side. Please try again.",
};

fn english_error(kind: &ErrorKind) -> ErrorText {
    let (title, why, remedy) = match kind {
        ErrorKind::ClientUnknown => (
            "This app is not registered",
            "The link you followed names an app that this sign-in service does not know.",
            "Go back to the app and try again. If it happens again, send the reference below to the people who run the app.",
        ),
        ErrorKind::RedirectMismatch { .. } => (
            "The return address does not match",
            "{app} asked to send you to an address that is not registered for it, so we stopped before sharing anything.",
            "You cannot mend this yourself. Please send the reference below to the people who run the app.",
        ),
        ErrorKind::RequestInvalid { .. } => (
            "This sign-in request is not valid",
            "{app} sent a request that we cannot accept.",
            "Go back to the app and try again. If it happens again, send the reference below to the people who run the app.",
        ),
        ErrorKind::RequestExpired => (
            "This sign-in has expired",
            "It took too long, was already used, or was opened in a different browser from the one it began in.",
            "Go back to {app} and sign in again.",
        ),
        ErrorKind::CookiesBlocked => (
            "Cookies are blocked",
            "Your browser did not keep the cookie that ties this sign-in to you, so we cannot tell that it is yours.",
            "Allow cookies for this site, then go back to {app} and sign in again.",
        ),
        ErrorKind::PersonDeclined => (
            "Sign-in was cancelled",
            "{provider} reports that you chose not to continue, so you are not signed in.",
            "Go back to {app} to try again or to choose another way to sign in.",
        ),
        ErrorKind::UpstreamUnavailable { .. } => (
            "{provider} cannot be reached",
            "We asked {provider} to sign you in and got no usable answer.",
            "Wait a minute, then go back to {app} and try again, or choose another way to sign in.",
        ),
        ErrorKind::UpstreamInvalid { .. } => (
            "You could not be signed in",
            "The answer from {provider} did not pass our checks, so we did not trust it.",
            "Go back to {app} and try again. If it happens again, send the reference below to your administrator.",
        ),
        ErrorKind::UpstreamMisconfigured => (
            "This way to sign in is not set up correctly",
            "{provider} refused to work with this sign-in service, and only its administrator can change that.",
            "Choose another way to sign in, or send the reference below to your administrator.",
        ),
        ErrorKind::EmailNotVerified { .. } => (
            "Your e-mail address is not verified",
            "{provider} has not confirmed that your e-mail address is yours, and signing in here requires it.",
            "Verify your address with {provider}, then go back to {app} and sign in again.",
        ),
        ErrorKind::NotAllowed { .. } => (
            "You do not have access",
            "We know who you are, but a rule here does not let this account into {app}.",
            "Try another account, or send the reference below to your administrator to ask for access.",
        ),
        ErrorKind::AccountDisabled => (
            "This account is disabled",
            "An administrator has turned off signing in with this account.",
            "If you think this is a mistake, send the reference below to your administrator.",
        ),
        ErrorKind::ClockSkew => (
            "The clocks do not agree",
            "The time at {provider} and the time here are too far apart for a safe sign-in.",
            "Try again in a few minutes. If it happens again, send the reference below to your administrator.",
        ),
        ErrorKind::Unavailable => (
            "Signing in is not possible right now",
            "A part of this service is not available, and we do not let anybody in without it.",
            "Wait a minute, then go back to {app} and try again.",
        ),
        ErrorKind::Internal => (
            "Something went wrong on our side",
            "A fault in this service stopped your request.",
            "Go back to {app} and try again. If it happens again, send the reference below to your administrator.",
        ),
        ErrorKind::NotFound => {
            ("There is no such page", "The address may be mistyped or out of date.", "To sign in, start from the app you want to use.")
        }
        ErrorKind::MethodNotAllowed { .. } => (
            "This page does not work that way",
            "The request used a method that this address does not accept.",
            "To sign in, start from the app you want to use.",
        ),
        ErrorKind::TooManyRequests { .. } => (
            "Too many requests",
            "More requests came from your network than we accept in so short a time.",
            "Wait a little, then try again.",
        ),
        ErrorKind::LogoutInvalid { .. } => (
            "This sign-out request is not valid",
            "{app} asked to sign you out in a way that we cannot accept, so nothing was changed.",
            "Go back to the app and try again. If it happens again, send the reference below to the people who run the app.",
        ),
    };
    ErrorText { title, why, remedy }
}
