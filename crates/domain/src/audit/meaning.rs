//! What reasons mean, in words, and what helps: said to whoever looks at one event or at a whole login, on a terminal or in a browser.

use super::Reason;

/// What a reason means, and what helps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Meaning {
    /// What happened: the end of a sentence, without a full stop.
    pub what: &'static str,
    /// What helps: a sentence.
    pub helps: &'static str,
}

impl Reason {
    /// Every reason has a meaning: whoever adds one says it here.
    pub const fn meaning(self) -> Meaning {
        let (what, helps) = words(self);
        Meaning { what, helps }
    }
}

const fn words(reason: Reason) -> (&'static str, &'static str) {
    use Reason as R;
    match reason {
        R::PersonDeclined => ("the person said no, at the provider or here", "nothing has to be done; they may try again."),
        R::UpstreamUnreachable => {
            ("the provider did not answer in time, or not at all", "try `vestibule provider test`; look at egress in the configuration.")
        }
        R::UpstreamInvalid => (
            "the provider's answer breaks the protocol, so it was not believed",
            "the detail names the rule; compare the provider's issuer and keys.",
        ),
        R::UpstreamMisconfigured => (
            "the provider does not accept our registration",
            "compare client_id, secret and redirect address there; try `vestibule provider test`.",
        ),
        R::ProviderRule => (
            "a rule of the provider's own settings does not let this identity in",
            "the detail names the rule, as a tenant or a hosted domain.",
        ),
        R::EntryRule => (
            "a rule about who may enter does not let them in",
            "the detail names the rule; `vestibule claims` tries it on claims, `vestibule policy replay` on past logins.",
        ),
        R::EmailNotVerified => (
            "a rule asks for a verified e-mail address, and the provider vouches for none",
            "they verify it there, or email_trust of the provider is set.",
        ),
        R::BreakerOpen => (
            "the provider failed so often that it is left alone for a while",
            "it is asked again by itself; `vestibule provider test` says what is wrong.",
        ),
        R::LinkTaken => ("this way to sign in belongs to another account already", "undo it there first (DELETE /accounts/ID/links/ID)."),
        R::UpstreamDenied => ("the provider honours its tokens no more", "the person signs in there again."),
        R::ProviderNotAllowed => ("the app does not allow this provider", "compare allowed_providers of the client."),
        R::AccountDisabled => ("the account is disabled", "PATCH /accounts/ID enables it."),
        R::ClientDisabled => ("the app is disabled, or was deleted", "PATCH /clients/ID enables it."),
        R::AttemptUnknown => (
            "the browser did not bring the cookie of this login",
            "cookies are blocked, or the login began in another browser or a bookmark.",
        ),
        R::AttemptExpired => ("it took longer than a login may", "they begin again at the app; lifetimes.attempt is how long it may take."),
        R::AttemptSpent => ("this login was finished before", "the back button or a reload does that; they begin again at the app."),
        R::MixUp => {
            ("the answer came from another provider than was asked", "if it happens again, somebody is trying to mix providers up.")
        }
        R::StaleSignIn => (
            "the provider's sign-in is older than the app asked for",
            "the provider does not ask again when it is told to, or its clock is wrong.",
        ),
        R::UnmetAcr => (
            "the person did not sign in in a way that the app demands",
            "compare acr_values and claims of the app with what the provider says.",
        ),
        R::OtherPerson => ("somebody else signed in than the app named", "they sign in as the person the app expects."),
        R::Unknown => ("the code or token is not known here", "it was made up, cut off, or swept after its end."),
        R::OtherClient => ("the code or token is another app's", "compare the client_id of the app; if it goes on, a token leaked."),
        R::Expired => ("it came too late", "look at the clocks, and at [lifetimes]."),
        R::Replayed => (
            "it was used before; if it was a code or a refresh token, what it gave was taken back",
            "the app sends it twice, or somebody has a copy.",
        ),
        R::Revoked => ("it was ended before", "the person signed out, or it was taken back; they sign in again."),
        R::RedirectUri => ("the redirect address is not the one of the request", "the app sends the same redirect_uri both times."),
        R::RedirectMismatch => (
            "the redirect_uri of the request is not one that the app registered",
            "register it as it was sent, or have the app send a registered one; they are compared character by character.",
        ),
        R::ClientUnknown => (
            "there is no app of the client_id that was sent",
            "compare the client_id in the app's settings with those that are registered here.",
        ),
        R::BadRequest => ("the request can't be read", "the detail names what is wrong with it; whoever keeps the app mends that."),
        R::Verifier => ("PKCE does not hold: the verifier is not the challenge's", "the app keeps the verifier of each login apart."),
        R::Proof => ("the key or certificate that it is bound to was not shown, or its proof does not hold", "the detail names the check."),
        R::Scope => ("more scope was asked for than may be had", "compare scope of the client."),
        R::Resource => ("a token was asked for a resource that may not be had", "compare audiences of the client."),
        R::Actor => ("somebody would act for the person who may not", "compare may_act and exchange_audiences of the clients."),
        R::BadSecret => ("the client's secret is wrong", "compare it, or make a new one (POST /clients/ID/secrets)."),
        R::BadAssertion => {
            ("what the client signed does not prove who it is", "the detail names the check; clocks and aud are the usual ones.")
        }
        R::BadCertificate => (
            "the client's certificate is another's, or nobody vouches for it",
            "compare the names of the registration and listen.client_certificates.",
        ),
        R::KeysUnavailable => ("the client's keys can't be had", "its jwks_uri does not answer, or has no key of that name."),
        R::WrongMethod => ("the client proves who it is in another way than it is registered for", "compare token_endpoint_auth_method."),
        R::BadMetadata => ("what the app says of itself breaks a rule", "the detail names the member."),
        R::BadConfiguration => {
            ("the configuration is wrong somewhere", "`vestibule config check FILE` says where, and what to write instead.")
        }
        R::TooManyClients => {
            ("as many apps have registered themselves as may", "raise registration.most_clients, or let the unused ones be swept.")
        }
        R::GrantNotAllowed => ("the client is not registered for this grant", "compare grant_types."),
        R::Logout => ("the person signed out", "nothing has to be done."),
        R::UpstreamLogout => ("the person signed out at the provider", "nothing has to be done."),
        R::Replaced => ("another person signed in in the same browser", "nothing has to be done."),
        R::Unlinked => ("the way in that it came by was undone", "nothing has to be done; they sign in by another."),
        R::Undelivered => (
            "whom it was for did not take it",
            "an app's backchannel_logout_uri must answer 200 within the time limit; `vestibule audit sinks` says what keeps a sink.",
        ),
        R::AuthorizeRate | R::TokenRate | R::PushRate | R::DeviceRate | R::SignInRate | R::AdminRate => {
            ("there were too many in too short a time", "they wait; [limits] in the configuration says how many are taken.")
        }
        R::ClientRate | R::UserCodeRate => ("there were too many wrong tries from one place", "they wait; Retry-After says how long."),
        R::EventRate => ("events came so often that they are counted and no longer stored", "the metrics have their number."),
        R::Internal => ("it is our fault, or the database could not be used", "the log has the error under this trace."),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_reason_is_a_sentence_and_says_what_helps() {
        for reason in Reason::ALL {
            let Meaning { what, helps } = reason.meaning();
            assert!(!what.ends_with('.') && helps.ends_with('.') && helps.len() > 10, "{reason}");
        }
    }
}
