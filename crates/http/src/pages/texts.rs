//! Every word of the hosted pages, one constant per language. `{app}`, `{provider}`, `{place}`, `{person}`, `{scope}` and `{date}` stand for
//! what a page puts there.
//!
//! A name stands in a sentence as it is, so each sentence is built around it: where a language bends its nouns, the noun is written out before
//! the name ("zur App {app}"), and what stands in for an unknown name is then empty.

mod ar;
mod de;
mod en;
mod es;
mod fr;
mod ja;
mod ko;
mod lookup;
mod overrides;
mod pt_br;
mod zh_cn;
mod zh_tw;

use time::Date;

use super::ErrorKind;

pub use en::ENGLISH;
pub use overrides::{TextOverrides, TextsDraft};

/// Every language there is, English first.
pub static LANGUAGES: [&Texts<'static>; 10] = [
    &en::ENGLISH,
    &de::GERMAN,
    &fr::FRENCH,
    &es::SPANISH,
    &pt_br::PORTUGUESE,
    &ja::JAPANESE,
    &zh_cn::CHINESE_SIMPLIFIED,
    &zh_tw::CHINESE_TRADITIONAL,
    &ko::KOREAN,
    &ar::ARABIC,
];

/// How a language writes a date.
#[derive(Clone, Copy, Debug)]
pub struct Dates {
    /// January first, in the form they have in a date.
    pub months: [&'static str; 12],
    /// How the first day of a month is written.
    pub first: &'static str,
    /// The order: `{day}`, `{month}` and `{year}`.
    pub pattern: &'static str,
}

impl Dates {
    /// The date in words.
    pub fn say(&self, date: Date) -> String {
        let day = if date.day() == 1 { self.first.to_owned() } else { date.day().to_string() };
        let month = self.months[usize::from(u8::from(date.month())) - 1];
        self.pattern.replace("{day}", &day).replace("{month}", month).replace("{year}", &date.year().to_string())
    }
}

/// Makes [`Texts`], and for each text its key and the slots it may have.
macro_rules! texts {
    ($($(#[$doc:meta])* $name:ident $slots:tt),+ $(,)?) => {
        /// The texts of one language. A missing text does not compile.
        #[derive(Clone, Debug)]
        pub struct Texts<'a> {
            /// BCP 47 tag for `lang` and `Content-Language`.
            pub lang: &'static str,
            /// Writing direction: `ltr` or `rtl`.
            pub dir: &'static str,
            /// How dates are written.
            pub dates: Dates,
            $($(#[$doc])* pub $name: &'a str,)+
            /// What error pages say.
            pub errors: Errors<'a>,
        }

        impl<'a> Texts<'a> {
            const OWN_KEYS: &'static [(&'static str, &'static [&'static str])] = &[$((stringify!($name), &$slots)),+];

            /// The text of this key, to be replaced.
            fn text_mut(&mut self, key: &str) -> Option<&mut &'a str> {
                match key {
                    $(stringify!($name) => Some(&mut self.$name),)+
                    error => self.errors.text_mut(error),
                }
            }
        }
    };
}

texts! {
    /// In place of `{app}` while the app is not known.
    an_app [],
    /// In place of `{app}` in `logout_lead`.
    an_app_you_used [],
    /// In place of `{provider}` while none is known.
    a_provider [],
    back_to ["app"],
    choose_again [],

    /// The title of the chooser's window.
    chooser_window ["app"],
    chooser_title [],
    chooser_lead ["app"],
    chooser_continue ["provider"],
    chooser_sign_in ["provider"],
    chooser_last_used [],
    chooser_trouble [],
    chooser_returns ["place"],
    /// The label of the field for an e-mail address.
    chooser_email [],
    chooser_email_next [],
    /// Between the field and the buttons.
    chooser_or [],
    /// When no provider is named by the address. Says nothing about whether anybody exists.
    chooser_choose [],

    onward_title ["provider"],
    onward_hint [],
    onward_open ["provider"],

    signed_out_title [],
    signed_out_what [],
    /// Before the names of the apps that hear of it.
    signed_out_told [],
    signed_out_also [],
    /// When the browser goes back to the app by itself.
    signed_out_going [],

    logout_title [],
    logout_lead ["app"],
    logout_yes [],
    logout_no [],
    logout_or_close [],

    return_title ["app"],
    return_hint [],
    return_open ["app"],
    form_post_hint [],

    consent_title ["app"],
    consent_lead ["app"],
    scope_openid [],
    scope_profile [],
    scope_email [],
    scope_groups [],
    scope_offline [],
    /// A scope that the house has no words for, by its name.
    scope_other ["scope"],
    consent_until_sign_out [],
    consent_remembered ["app"],
    consent_each_time [],
    /// For an app that nobody of the house stands behind.
    consent_unvetted ["place"],
    consent_allow [],
    consent_deny [],
    consent_other_account [],

    account_title [],
    account_person ["person"],
    account_lead [],
    account_first_sign_in ["date"],
    account_by_person ["date"],
    account_by_email ["date"],
    account_last_used ["date"],
    account_remove ["provider"],
    account_remove_sure ["provider"],
    account_remove_yes ["provider"],
    /// Why the last way in can't be removed.
    account_only [],
    account_add_title [],
    account_add ["provider"],
    /// On the way in by which the person is signed in now.
    account_current [],
    account_added [],
    account_removed [],
    /// When a form came too late.
    account_stale [],
    /// When the sign-in was too long ago to change anything.
    account_again [],
    account_ways [],
    account_sessions [],
    account_here [],
    account_unknown_browser [],
    account_end [],
    account_end_sure [],
    account_end_yes [],
    account_end_others [],
    account_ended [],
    account_others_ended [],
    account_apps [],
    account_app_since ["date"],
    account_revoke [],
    account_revoke_sure ["app"],
    account_revoke_yes ["app"],
    account_revoked [],
    account_back [],

    /// Where the code of a device is typed.
    device_title [],
    device_lead [],
    /// In its place when a link brought the code along.
    device_compare [],
    /// The label of the field.
    device_code [],
    device_unknown [],
    device_ask_title ["app"],
    device_warning [],
    /// Above the code.
    device_shows [],
    device_asked_at [],
    device_network [],
    /// When the person's browser is in another network than the device.
    device_elsewhere [],
    device_allow [],
    device_deny [],
    device_allowed_title [],
    device_allowed ["app"],
    device_denied_title [],
    device_denied ["app"],

    again_title [],
    again_why [],
    again_yes [],
    again_no [],

    error_reference [],
    error_time [],
    error_developer [],

    help [],
    privacy [],
    /// Below every page; empty unless an operator writes one.
    footer [],

    /// When not even a page can be made.
    unrenderable [],
}

/// What an error page says: a title, one sentence why, one or two what to do.
#[derive(Debug, Clone, Copy)]
pub struct ErrorText<'a> {
    /// What happened.
    pub title: &'a str,
    /// Why.
    pub why: &'a str,
    /// What to do.
    pub remedy: &'a str,
}

/// For the languages: `title`, `why`, `remedy`.
const fn error<'a>(title: &'a str, why: &'a str, remedy: &'a str) -> ErrorText<'a> {
    ErrorText { title, why, remedy }
}

/// Slots that every text of an error page may have.
const ERROR_SLOTS: &[&str] = &["app", "provider"];

/// Makes [`Errors`]: a text for each kind, and their keys.
macro_rules! errors {
    ($($name:ident: $kind:pat),+ $(,)?) => {
        /// What error pages say, by the kind's code.
        #[derive(Debug, Clone)]
        #[expect(missing_docs, reason = "the names are those of the codes")]
        pub struct Errors<'a> {
            $(pub $name: ErrorText<'a>,)+
        }

        impl<'a> Errors<'a> {
            const KEYS: &'static [&'static str] = &[$(
                concat!("error_", stringify!($name), "_title"),
                concat!("error_", stringify!($name), "_why"),
                concat!("error_", stringify!($name), "_remedy"),
            )+];

            /// What is said of a kind.
            pub fn of(&self, kind: &ErrorKind) -> &ErrorText<'a> {
                match kind {
                    $($kind => &self.$name,)+
                }
            }

            fn text_mut(&mut self, key: &str) -> Option<&mut &'a str> {
                match key {
                    $(
                        concat!("error_", stringify!($name), "_title") => Some(&mut self.$name.title),
                        concat!("error_", stringify!($name), "_why") => Some(&mut self.$name.why),
                        concat!("error_", stringify!($name), "_remedy") => Some(&mut self.$name.remedy),
                    )+
                    _ => None,
                }
            }
        }
    };
}

errors! {
    client_unknown: ErrorKind::ClientUnknown,
    redirect_mismatch: ErrorKind::RedirectMismatch { .. },
    request_invalid: ErrorKind::RequestInvalid { .. },
    request_expired: ErrorKind::RequestExpired,
    cookies_blocked: ErrorKind::CookiesBlocked,
    person_declined: ErrorKind::PersonDeclined,
    upstream_unavailable: ErrorKind::UpstreamUnavailable { .. },
    upstream_invalid: ErrorKind::UpstreamInvalid { .. },
    upstream_misconfigured: ErrorKind::UpstreamMisconfigured,
    provider_paused: ErrorKind::ProviderPaused { .. },
    email_not_verified: ErrorKind::EmailNotVerified { .. },
    not_allowed: ErrorKind::NotAllowed { .. },
    link_taken: ErrorKind::LinkTaken,
    account_disabled: ErrorKind::AccountDisabled,
    clock_skew: ErrorKind::ClockSkew,
    unavailable: ErrorKind::Unavailable,
    internal: ErrorKind::Internal,
    not_found: ErrorKind::NotFound,
    method_not_allowed: ErrorKind::MethodNotAllowed { .. },
    too_many_requests: ErrorKind::TooManyRequests { .. },
    logout_invalid: ErrorKind::LogoutInvalid { .. },
}

impl Texts<'static> {
    /// The language for a request: the first that the app asked for by `ui_locales` (OpenID Connect Core 1.0 §3.1.2.1) and that there is, else the
    /// one in the cookie, else what the browser accepts (RFC 9110 §12.5.4), else English. Everything handed in may be hostile.
    pub fn for_request(ui_locales: Option<&str>, cookie: Option<&str>, accept_language: Option<&str>) -> &'static Self {
        let asked = ui_locales.and_then(lookup::by_list);
        let kept = || cookie.and_then(lookup::by_tag);
        let accepted = || accept_language.and_then(lookup::by_header);
        asked.or_else(kept).or_else(accepted).unwrap_or(&ENGLISH)
    }

    /// Every key that can be replaced, with the slots its text may have.
    pub fn keys() -> impl Iterator<Item = (&'static str, &'static [&'static str])> {
        Self::OWN_KEYS.iter().copied().chain(Errors::KEYS.iter().map(|key| (*key, ERROR_SLOTS)))
    }
}

impl<'a> Texts<'a> {
    /// The text of a key.
    pub fn text(&self, key: &str) -> Option<&'a str> {
        self.clone().text_mut(key).map(|text| *text)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use time::macros::date;

    use super::*;

    fn slots_of(text: &str) -> BTreeSet<&str> {
        text.split('{').skip(1).filter_map(|rest| Some(rest.split_once('}')?.0)).collect()
    }

    #[test]
    fn every_text_of_every_language_says_something_with_the_slots_of_the_english_one() {
        for texts in LANGUAGES {
            for (key, allowed) in Texts::keys() {
                let (text, english) = (texts.text(key).unwrap(), ENGLISH.text(key).unwrap());
                let (slots, wanted) = (slots_of(text), slots_of(english));
                assert!(slots.iter().all(|slot| allowed.contains(slot)), "{} {key}: {text}", texts.lang);
                assert_eq!(text.matches('{').count(), text.matches('}').count(), "{} {key}: {text}", texts.lang);
                assert_eq!(text.trim(), text, "{} {key}", texts.lang);
                if !key.starts_with("error_") {
                    assert_eq!(slots, wanted, "{} {key}: {text}", texts.lang);
                }
                let may_be_empty = matches!(key, "footer" | "an_app" | "a_provider");
                assert!(may_be_empty || !text.is_empty(), "{} {key} is empty", texts.lang);
            }
        }
    }

    #[test]
    fn no_sentence_was_left_in_english() {
        for texts in &LANGUAGES[1..] {
            for (key, _) in Texts::keys() {
                let (text, english) = (texts.text(key).unwrap(), ENGLISH.text(key).unwrap());
                assert!(text != english || english.split(' ').count() < 3, "{} {key}: {text}", texts.lang);
            }
        }
    }

    #[test]
    fn only_languages_that_are_written_so_run_from_right_to_left() {
        let right: Vec<_> = LANGUAGES.iter().filter(|texts| texts.dir == "rtl").map(|texts| texts.lang).collect();
        assert_eq!(right, ["ar"]);
        assert!(LANGUAGES.iter().all(|texts| matches!(texts.dir, "ltr" | "rtl")));
    }

    #[test]
    fn dates_read_as_people_write_them() {
        let said: Vec<_> = LANGUAGES.iter().map(|texts| texts.dates.say(date!(2026 - 03 - 01))).collect();
        assert_eq!(
            said,
            [
                "1 March 2026",
                "1. März 2026",
                "1er mars 2026",
                "1 de marzo de 2026",
                "1 de março de 2026",
                "2026年3月1日",
                "2026年3月1日",
                "2026年3月1日",
                "2026년 3월 1일",
                "1 مارس 2026"
            ]
        );
        assert_eq!(LANGUAGES[1].dates.say(date!(2026 - 12 - 24)), "24. Dezember 2026");
        assert_eq!(LANGUAGES[2].dates.say(date!(2026 - 12 - 24)), "24 décembre 2026");
    }
}
