//! English.

use super::{Dates, Errors, Texts, error};

/// English.
pub static ENGLISH: Texts<'static> = Texts {
    lang: "en",
    dir: "ltr",
    dates: Dates {
        months: ["January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November", "December"],
        first: "1",
        pattern: "{day} {month} {year}",
    },
    an_app: "the app",
    an_app_you_used: "an app you used",
    a_provider: "the sign-in provider",
    back_to: "Back to {app}",
    choose_again: "Choose another way to sign in",

    chooser_window: "Sign in to {app}",
    chooser_title: "Sign in",
    chooser_lead: "Choose how to continue to {app}.",
    chooser_continue: "Continue with {provider}",
    chooser_sign_in: "Sign in with {provider}",
    chooser_last_used: "Last used",
    chooser_trouble: "Having problems right now",
    chooser_returns: "You will return to {place}.",
    chooser_email: "E-mail address",
    chooser_email_next: "Continue",
    chooser_or: "or",
    chooser_choose: "Choose how to continue.",

    onward_title: "Taking you to {provider}",
    onward_hint: "You sign in there and then come back here. If nothing happens, use the button.",
    onward_open: "Continue to {provider}",

    signed_out_title: "You are signed out",
    signed_out_what: "Your session here has ended.",
    signed_out_told: "These apps are told, so that they sign you out too:",
    signed_out_also: "Apps and providers you used may still have you signed in. On a shared computer, sign out of them too.",
    signed_out_going: "You are taken back in a moment.",

    logout_title: "Sign out?",
    logout_lead: "The request came from {app}. Your session here ends for every app in this browser that relies on it.",
    logout_yes: "Sign out",
    logout_no: "Stay signed in",
    logout_or_close: "To stay signed in, close this page.",

    return_title: "Returning to {app}",
    return_hint: "Your browser may ask for permission to open the app. If nothing happens, use the button.",
    return_open: "Open {app}",

    account_title: "Ways to sign in",
    account_person: "You are signed in as {person}.",
    account_lead: "Each of these leads to the same account.",
    account_first_sign_in: "Added on {date}, when you first signed in",
    account_by_person: "Added by you on {date}",
    account_by_email: "Added on {date}, because the e-mail address is the same",
    account_last_used: "Last used on {date}",
    account_remove: "Remove {provider}",
    account_remove_sure: "You will no longer be able to sign in with {provider}, and apps you reached through it may sign you out.",
    account_remove_yes: "Yes, remove {provider}",
    account_only: "This is your only way to sign in, so it cannot be removed. To replace it, add another one first.",
    account_add_title: "Add another way",
    account_add: "Add {provider}",
    account_current: "Signed in this way",
    account_added: "A way to sign in was added. You can use it from now on.",
    account_removed: "The way to sign in was removed. It can no longer be used.",
    account_stale: "This page was open too long, so nothing was changed. Please try again.",
    account_again: "To add or remove a way to sign in, please sign in once more, so that it is certain to be you.",
    account_back: "Back to ways to sign in",

    device_title: "Connect a device",
    device_lead: "Type the code that your device shows.",
    device_compare: "Check that your device shows this code, and continue only if it does.",
    device_code: "Code",
    device_unknown: "This code is not valid, or no longer. Check it, or let the device show a new one.",
    device_ask_title: "Sign in to {app} on your device?",
    device_warning: "Allow this only if you started it yourself, on a device that you have in front of you. If somebody sent you the \
                     code or the link, deny it.",
    device_shows: "Your device must show this code:",
    device_scopes: "The app may then:",
    device_asked_at: "Requested",
    device_network: "From network",
    device_elsewhere: "This is not the network you are using now.",
    device_allow: "Allow",
    device_deny: "Deny",
    device_allowed_title: "Your device is connected",
    device_allowed: "Go back to your device: {app} will be signed in there in a few seconds.",
    device_denied_title: "The device was turned away",
    device_denied: "{app} was not signed in, and nothing was shared.",

    scope_profile: "see your name and profile",
    scope_email: "see your e-mail address",
    scope_groups: "see which groups you belong to",
    scope_offline_access: "stay signed in while you are not using it",

    again_title: "Sign in again first",
    again_why: "You are about to change how this account is reached. To be sure that it is you, we ask you to sign in once more.",
    again_yes: "Sign in again",
    again_no: "Not now",

    error_reference: "Reference",
    error_time: "Time",
    error_developer: "For the app’s developer",

    help: "Help",
    privacy: "Privacy",
    footer: "",

    unrenderable: "Something went wrong on our side. Please try again.",

    errors: Errors {
        client_unknown: error(
            "This app is not registered",
            "The link you followed names an app that this sign-in service does not know.",
            "Go back to the app and try again. If it happens again, send the reference below to the people who run the app.",
        ),
        redirect_mismatch: error(
            "The return address does not match",
            "{app} asked to send you to an address that is not registered for it, so we stopped before sharing anything.",
            "You cannot mend this yourself. Please send the reference below to the people who run the app.",
        ),
        request_invalid: error(
            "This sign-in request is not valid",
            "{app} sent a request that we cannot accept.",
            "Go back to the app and try again. If it happens again, send the reference below to the people who run the app.",
        ),
        request_expired: error(
            "This sign-in has expired",
            "It took too long, was already used, or was opened in a different browser from the one it began in.",
            "Go back to {app} and sign in again.",
        ),
        cookies_blocked: error(
            "Cookies are blocked",
            "Your browser did not keep the cookie that ties this sign-in to you, so we cannot tell that it is yours.",
            "Allow cookies for this site, then go back to {app} and sign in again.",
        ),
        person_declined: error(
            "Sign-in was cancelled",
            "{provider} reports that you chose not to continue, so you are not signed in.",
            "Go back to {app} to try again or to choose another way to sign in.",
        ),
        upstream_unavailable: error(
            "{provider} cannot be reached",
            "We asked {provider} to sign you in and got no usable answer.",
            "Wait a minute, then go back to {app} and try again, or choose another way to sign in.",
        ),
        upstream_invalid: error(
            "You could not be signed in",
            "The answer from {provider} did not pass our checks, so we did not trust it.",
            "Go back to {app} and try again. If it happens again, send the reference below to your administrator.",
        ),
        upstream_misconfigured: error(
            "This way to sign in is not set up correctly",
            "{provider} refused to work with this sign-in service, and only its administrator can change that.",
            "Choose another way to sign in, or send the reference below to your administrator.",
        ),
        provider_paused: error(
            "{provider} has problems right now",
            "Signing in with {provider} has failed several times in a row, so we are giving it a short rest.",
            "Choose another way to sign in, or try again in a few minutes.",
        ),
        email_not_verified: error(
            "Your e-mail address is not verified",
            "{provider} has not confirmed that your e-mail address is yours, and signing in here requires it.",
            "Verify your address with {provider}, then go back to {app} and sign in again.",
        ),
        not_allowed: error(
            "You do not have access",
            "We know who you are, but a rule here does not let this account into {app}.",
            "Try another account, or send the reference below to your administrator to ask for access.",
        ),
        link_taken: error(
            "This account is already in use here",
            "This {provider} account is already used to sign in as somebody else, so it cannot be added to yours.",
            "Nothing was changed. Choose another account, or send the reference below to your administrator.",
        ),
        account_disabled: error(
            "This account is disabled",
            "An administrator has turned off signing in with this account.",
            "If you think this is a mistake, send the reference below to your administrator.",
        ),
        clock_skew: error(
            "The clocks do not agree",
            "The time at {provider} and the time here are too far apart for a safe sign-in.",
            "Try again in a few minutes. If it happens again, send the reference below to your administrator.",
        ),
        unavailable: error(
            "Signing in is not possible right now",
            "A part of this service is not available, and we do not let anybody in without it.",
            "Wait a minute, then go back to {app} and try again.",
        ),
        internal: error(
            "Something went wrong on our side",
            "A fault in this service stopped your request.",
            "Go back to {app} and try again. If it happens again, send the reference below to your administrator.",
        ),
        not_found: error(
            "There is no such page",
            "The address may be mistyped or out of date.",
            "To sign in, start from the app you want to use.",
        ),
        method_not_allowed: error(
            "This page does not work that way",
            "The request used a method that this address does not accept.",
            "To sign in, start from the app you want to use.",
        ),
        too_many_requests: error(
            "Too many requests",
            "More requests came from your network than we accept in so short a time.",
            "Wait a little, then try again.",
        ),
        logout_invalid: error(
            "This sign-out request is not valid",
            "{app} asked to sign you out in a way that we cannot accept, so nothing was changed.",
            "Go back to the app and try again. If it happens again, send the reference below to the people who run the app.",
        ),
    },
};
