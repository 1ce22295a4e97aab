//! Why a login came to what it came to: what was asked, which door, what the provider answered, rule by rule what followed, and what was given. Kept for
//! a while for whoever is asked about the reference on a page.
//!
//! It says which claims there were and never what they said: of a claim it keeps the name and what kind of value it was, of a rule its name and whether
//! it was met. Codes, tokens, `state`, `nonce` and what people type have no place in it.

mod refused;
mod told;

use std::{fmt, str::FromStr, time::Duration};

use serde::{Deserialize, Serialize};
use serde_json::Value;

pub use refused::Refused;
pub use told::{Chapter, Explanation, Fact, HappenedEvent, Mood, Step, Stretch};

use crate::{
    account::{Link, LinkedBy},
    attempt::{Attempt, Errand},
    audit::{EventName, Outcome, Reason, bounded, bounded_to},
    authorize::{AuthorizationRequest, Prompt},
    claims::{Claims, VOUCHES},
    client::{Client, closed_enum},
    code::Code,
    door::Chosen,
    email::EmailDomain,
    ids::{AccountId, ClientId, GrantId, LinkId, LoginId, ProviderId, SessionId},
    linking::Destination,
    provider::{Arrival, Phase, ProviderTerms},
    rehearsal::{self, Believed, Verdict},
    scope::Scopes,
    time::Timestamp,
};

/// No trace takes more room, in bytes of JSON.
pub const MOST_BYTES: usize = 16 * 1024;
/// No list in one is longer.
const MOST_ENTRIES: usize = 60;
/// No address in one is longer, in characters.
const LONGEST_ADDRESS: usize = 300;

/// What one request decided about a login. Most logins have one of these; one that went through a provider in trouble first, or that waited for consent,
/// has one for each.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LoginTrace {
    /// Of which login.
    pub login: LoginId,
    /// The id of the request's trace: the reference on its page. Empty where nobody traces.
    pub reference: String,
    /// When.
    pub at: Timestamp,
    /// When it is kept no more.
    pub expires: Timestamp,
    /// What was decided.
    pub decisions: Decisions,
}

/// What was decided, as far as it came.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Decisions {
    /// What was asked; nothing where the browser did not bring it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub asked: Option<AskedFor>,
    /// What it named, where nothing of it could be believed: then nothing else is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub refused: Option<Refused>,
    /// Through which door.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub door: Option<Door>,
    /// The requests that were made of the provider meanwhile, in their order.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub requests: Vec<UpstreamRequest>,
    /// What the provider said.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub came: Option<CameIn>,
    /// Each rule that was held against it, in their order.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub rules: Vec<Verdict>,
    /// To whom it led.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub led: Option<Led>,
    /// Whose it is, if that was known: what is kept of a person goes with them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub account: Option<AccountId>,
    /// What came of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub end: Option<End>,
    /// What the app was given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub given: Option<Given>,
    /// Whether lists were left out, because it would have been too large.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub cut: bool,
}

/// What an app asked for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AskedFor {
    /// Which app; a name of ours for our own pages.
    pub client: ClientId,
    /// What for.
    pub errand: ErrandKind,
    /// When it began.
    pub began: Timestamp,
    /// Where the answer goes.
    pub returns_to: String,
    /// With what scopes.
    pub scopes: Scopes,
    /// What may or must be shown.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub prompt: Vec<Prompt>,
    /// How old a sign-in may be, in seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_age: Option<u64>,
    /// How the person should sign in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub acr: Option<String>,
    /// Whether no other way will do.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub acr_is_essential: bool,
    /// Claims that were asked for by name.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub claims: Vec<String>,
    /// For which resources.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub resources: Vec<String>,
    /// The provider that the app named.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub idp_hint: Option<String>,
    /// The domain that the app named.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub domain_hint: Option<String>,
    /// Whether somebody was named, by the app or by themselves. Who, is not kept.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub login_hint: bool,
    /// Whether nobody but one person would do.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub expects_somebody: bool,
    /// Whether the code is bound to a verifier (RFC 7636).
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub pkce: bool,
    /// Whether it is bound to a key (RFC 9449 §10).
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub dpop: bool,
    /// Whether it was pushed beforehand (RFC 9126).
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub pushed: bool,
}

closed_enum! {
    /// What a login is for: [`Errand`] without what belongs to one person or ticket.
    ErrandKind {
        /// A code for an app.
        SignIn = "sign_in",
        /// A person's own page.
        OwnPage = "own_page",
        /// One more way into an account.
        Link = "link",
        /// A provider, only tried.
        Trial = "trial",
        /// The operators' console.
        Console = "console",
        /// An app, tried by an operator.
        Tried = "tried",
        /// A device that waits to be let in.
        Device = "device",
    }
}

impl From<&Errand> for ErrandKind {
    fn from(errand: &Errand) -> Self {
        match errand {
            Errand::SignIn => Self::SignIn,
            Errand::OwnPage => Self::OwnPage,
            Errand::Link { .. } => Self::Link,
            Errand::Trial { .. } => Self::Trial,
            Errand::Console => Self::Console,
            Errand::Tried => Self::Tried,
            Errand::Device(_) => Self::Device,
        }
    }
}

/// Through which door, and why.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Door {
    /// Which provider.
    pub provider: ProviderId,
    /// How it came to be the one. Nothing where a session was enough, or the browser did not say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub how: Option<Chosen>,
    /// How long the person was there, in milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub away_ms: Option<u64>,
}

/// A request that was made of a provider.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UpstreamRequest {
    /// In which step.
    pub phase: Phase,
    /// The status of its answer; nothing if there was none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    /// How long it took, in milliseconds.
    pub took_ms: u64,
}

/// What a provider said, and what was made of it; no value of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CameIn {
    /// Who vouches.
    pub issuer: String,
    /// Each claim, by name.
    pub claims: Vec<Seen>,
    /// The claims as we know them.
    pub became: Vec<Became>,
    /// Claims that nothing was made of and that no rule reads.
    pub unused: Vec<String>,
    /// Whether the address is believed.
    pub email: Believed,
    /// How the person signed in there, if it says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub acr: Option<String>,
    /// By what means.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub amr: Vec<String>,
    /// When, if it says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub auth_time: Option<Timestamp>,
}

/// A claim that was said.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Seen {
    /// Its name.
    pub claim: String,
    /// What kind of value it has.
    pub kind: String,
}

/// A claim that was made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Became {
    /// Its name.
    pub claim: String,
    /// What of: a JSON pointer of the claim map; nothing for a default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<String>,
    /// What kind of value it has.
    pub kind: String,
}

/// To whom an arrival led, and why.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Led {
    /// Where to.
    pub to: Destined,
    /// Why the link leads to its account.
    pub by: LinkedBy,
    /// The link.
    pub link: LinkId,
    /// When it was made.
    pub since: Timestamp,
    /// The link whose verified address was the same, where that is the reason.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub same_email_as: Option<LinkId>,
}

closed_enum! {
    /// Where an arrival led: [`Destination`] without whose.
    Destined {
        /// To the account that it always led to.
        Known = "known",
        /// To a new account.
        New = "new",
        /// To an account that there was already, by a new link.
        Joined = "joined",
    }
}

/// What came of a request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct End {
    /// As the audit log calls it.
    pub event: EventName,
    /// How it ended.
    pub outcome: Outcome,
    /// Why, when it did not end well.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<Reason>,
    /// Which rule, which step.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
    /// Whether the person is asked first whether the app may have what it asks for.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub asks_consent: bool,
    /// Their session.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session: Option<SessionId>,
}

/// What an app was given: a code, which becomes tokens when it is redeemed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Given {
    /// What the tokens will belong to.
    pub grant: GrantId,
    /// With what scopes.
    pub scopes: Scopes,
    /// For which resources.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub resources: Vec<String>,
    /// Which tokens the code becomes.
    pub tokens: Vec<TokenKind>,
    /// Until when it is good.
    pub code_expires: Timestamp,
}

closed_enum! {
    /// A kind of token.
    TokenKind {
        /// For resources.
        Access = "access_token",
        /// About the sign-in.
        Id = "id_token",
        /// For more of the others.
        Refresh = "refresh_token",
    }
}

impl AskedFor {
    fn new(request: &AuthorizationRequest, errand: ErrandKind, began: Timestamp) -> Self {
        let acr = request.acr_values.clone().or_else(|| request.claims.acr_values());
        let wanted = &request.claims.wanted;
        Self {
            client: request.client.clone(),
            errand,
            began,
            returns_to: address(request.redirect_uri.as_str()),
            scopes: request.scopes.clone(),
            prompt: request.prompt.iter().copied().collect(),
            max_age: request.max_age.map(|age| age.as_secs()),
            acr: acr.as_deref().map(bounded),
            acr_is_essential: request.claims.acr_is_essential,
            claims: wanted.id_token.union(&wanted.userinfo).take(MOST_ENTRIES).map(|name| bounded(name)).collect(),
            resources: request.resources.iter().take(MOST_ENTRIES).map(address).collect(),
            idp_hint: request.idp_hint.as_deref().and_then(|hint| ProviderId::parse(hint).ok()).map(|id| id.to_string()),
            domain_hint: request.domain_hint.as_deref().and_then(EmailDomain::parse).map(|domain| domain.to_string()),
            login_hint: request.login_hint.is_some(),
            expects_somebody: request.expected.is_some() || request.claims.subjects.is_some(),
            pkce: request.challenge.is_some(),
            dpop: request.dpop_jkt.is_some(),
            pushed: false,
        }
    }
}

impl Decisions {
    /// What is known before anything is decided.
    pub fn begun(attempt: &Attempt) -> Self {
        let door = attempt.departed.as_ref().map(|departed| Door { provider: departed.provider.clone(), how: departed.how, away_ms: None });
        let asked =
            AskedFor { pushed: attempt.pushed.is_some(), ..AskedFor::new(&attempt.request, (&attempt.errand).into(), attempt.started) };
        Self { asked: Some(asked), door, ..Self::default() }
    }

    /// The same where somebody who is signed in answers what was asked elsewhere.
    pub fn answering(request: &AuthorizationRequest, errand: ErrandKind, began: Timestamp) -> Self {
        Self { asked: Some(AskedFor::new(request, errand, began)), ..Self::default() }
    }

    /// The person is back from a provider they were sent to.
    pub fn returned(&mut self, away: Duration) {
        if let Some(door) = &mut self.door {
            door.away_ms = Some(millis(away));
        }
    }

    /// Notes a rule of the sign-in itself, and whether this one is so.
    pub fn holds(&mut self, rule: SignInRule, met: bool) {
        self.rules.push(Verdict { rule: rule.as_str().to_owned(), met });
    }

    /// Holds what a provider said against the rules. What was held against an earlier try is forgotten.
    pub fn judge(&mut self, terms: &ProviderTerms, client: &Client, provider: &ProviderId, claims: &Claims, arrival: &Arrival) {
        let all = rehearsal::rehearse(provider, terms, Some(client), claims);
        let of_request = [SignInRule::Fresh.as_str(), SignInRule::Acr.as_str()];
        self.rules.retain(|verdict| of_request.contains(&verdict.rule.as_str()));
        self.rules.extend(all.rules);
        self.came = Some(CameIn {
            issuer: address(&arrival.issuer),
            claims: claims
                .iter()
                .take(MOST_ENTRIES)
                .map(|(name, value)| Seen { claim: bounded(name), kind: kind_of(name, value) })
                .collect(),
            became: (all.claims.into_iter().take(MOST_ENTRIES))
                .map(|made| Became {
                    kind: kind_of(&made.claim, &made.value),
                    claim: bounded(&made.claim),
                    from: made.from.as_deref().map(bounded),
                })
                .collect(),
            unused: all.unused.iter().take(MOST_ENTRIES).map(|name| bounded(name)).collect(),
            email: all.email,
            acr: arrival.acr.as_deref().map(bounded),
            amr: arrival.amr.iter().take(10).map(|means| bounded(means)).collect(),
            auth_time: arrival.auth_time,
        });
    }

    /// To whom it led, by which link.
    pub fn leads(&mut self, destination: &Destination, link: &Link) {
        let to = match destination {
            Destination::Linked(_) => Destined::Known,
            Destination::New => Destined::New,
            Destination::Joins { .. } => Destined::Joined,
        };
        let same_email_as = link.evidence.same_email_as;
        self.led = Some(Led { to, by: link.evidence.by, link: link.id, since: link.created, same_email_as });
        self.account = Some(link.account);
    }

    /// The app gets a code.
    pub fn gives(&mut self, code: &Code, client: &Client) {
        let tokens = [(TokenKind::Access, true), (TokenKind::Id, code.scopes.has("openid")), (TokenKind::Refresh, client.refreshes())];
        self.given = Some(Given {
            grant: code.grant,
            scopes: code.scopes.clone(),
            resources: code.resources.iter().take(MOST_ENTRIES).map(address).collect(),
            tokens: tokens.into_iter().filter(|(_, given)| *given).map(|(kind, _)| kind).collect(),
            code_expires: code.expires,
        });
    }

    /// The same where it came to nothing: no code was given, and a link or an account that would have been made was not.
    #[must_use]
    pub fn came_to_nothing(self, end: End) -> Self {
        let made = self.led.as_ref().map(|led| led.to);
        let account = self.account.filter(|_| made != Some(Destined::New));
        let led = self.led.filter(|_| made == Some(Destined::Known));
        Self { account, led, given: None, end: Some(end), ..self }
    }

    /// The same, no larger than a trace may be.
    #[must_use]
    pub fn within_bounds(mut self) -> Self {
        let size = |decisions: &Self| serde_json::to_vec(decisions).map_or(usize::MAX, |text| text.len());
        if size(&self) <= MOST_BYTES {
            return self;
        }
        self.cut = true;
        if let Some(came) = &mut self.came {
            came.unused.clear();
            came.claims.truncate(MOST_ENTRIES / 6);
            came.became.truncate(MOST_ENTRIES / 6);
        }
        if let Some(asked) = &mut self.asked {
            asked.claims.truncate(MOST_ENTRIES / 6);
            asked.resources.truncate(MOST_ENTRIES / 6);
        }
        self.requests.truncate(MOST_ENTRIES);
        if size(&self) <= MOST_BYTES {
            return self;
        }
        // What is left is what came of it, and why.
        Self { asked: None, came: None, given: None, requests: Vec::new(), ..self }
    }
}

closed_enum! {
    /// Rules of a sign-in besides those about who may enter, as they are named.
    SignInRule {
        /// That it is new enough: `max_age`, or `prompt=login`.
        Fresh = "request.fresh_sign_in",
        /// That it is of a kind: an essential `acr`.
        Acr = "request.acr",
        /// That the account is enabled.
        Account = "account.enabled",
        /// That it is a certain person's.
        Person = "request.person",
    }
}

fn millis(span: Duration) -> u64 {
    u64::try_from(span.as_millis()).unwrap_or(u64::MAX)
}

fn address(text: &str) -> String {
    bounded_to(text, LONGEST_ADDRESS)
}

/// What a value is, without what it says. Only whether an address is verified is said, because that decides so much.
fn kind_of(name: &str, value: &Value) -> String {
    match value {
        Value::Null => "nothing".to_owned(),
        Value::Bool(yes) if VOUCHES.contains(&name) => if *yes { "yes" } else { "no" }.to_owned(),
        Value::Bool(_) => "yes or no".to_owned(),
        Value::Number(_) => "a number".to_owned(),
        Value::String(text) => many("a text of", text.chars().count(), "character"),
        Value::Array(list) => many("a list of", list.len(), "entry"),
        Value::Object(members) => many("an object of", members.len(), "member"),
    }
}

fn many(what: &str, count: usize, unit: &str) -> String {
    let units = match (count, unit) {
        (1, unit) => unit.to_owned(),
        (_, "entry") => "entries".to_owned(),
        (_, unit) => format!("{unit}s"),
    };
    format!("{what} {count} {units}")
}

#[cfg(test)]
mod tests;
