//! Token exchange (RFC 8693): what an access token of ours may become in the hands of an app that was given it.
//!
//! The new token speaks for the same person, on the same grant. It is for fewer or other resources, allows no more, lives no longer, and says who acts.

use crate::{
    actors::Actors,
    audit::Reason,
    client::{Client, GrantType},
    error::{OAuthError, OAuthErrorCode},
    ids::ClientId,
    scope::Scopes,
    time::Timestamp,
    token::{AccessToken, Subject},
};

/// What an app asks for in place of a token. Empty is absent.
#[derive(Clone, Copy, Debug, Default)]
pub struct Wish<'a> {
    /// `scope`.
    pub scope: Option<&'a str>,
    /// `audience`.
    pub audience: Option<&'a str>,
    /// Each `resource` (RFC 8707).
    pub resources: &'a [String],
}

/// What the new token says; the rest it has from the old one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Exchange {
    /// What it allows.
    pub scopes: Scopes,
    /// Whom it is for.
    pub audiences: Vec<String>,
    /// Who acts by it.
    pub actors: Actors,
    /// Who may act by it further on.
    pub may_act: Option<ClientId>,
    /// When it stops working.
    pub expires: Timestamp,
}

/// Why there is no new token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExchangeFault {
    /// The subject's token is not good, or neither the app's nor for it.
    Subject,
    /// It speaks for an app. Such an app can ask for a token for itself, and nobody has to speak for it.
    NoPerson,
    /// The actor's token is not good, neither the app's nor for it, or not an app's own.
    Actor,
    /// Somebody would act whom `may_act` does not name.
    MayNotAct,
    /// Too many have acted already.
    TooManyActors,
    /// The app may not have tokens for that resource.
    Target,
    /// Several resources could be meant.
    TargetMissing,
    /// More than the subject's token allows, or more than the app may have.
    Scope,
    /// The app knows the person by another name than the token says; exchanged, it would tell which names belong together (attack 57).
    OtherName,
    /// The person is not wanted at the app that would act for them.
    NotWelcome,
    /// A token is bound to a key or a certificate, and who asks shows another, or none.
    Unproven,
}

impl Exchange {
    /// Decides an exchange by `client`. Both tokens are good now: that is the caller's to know. `latest` is when a new token expires in any case.
    pub fn decide(
        client: &Client,
        subject: &AccessToken,
        actor: Option<&AccessToken>,
        wish: Wish<'_>,
        latest: Timestamp,
    ) -> Result<Self, ExchangeFault> {
        if !client.may_inspect(subject) {
            return Err(ExchangeFault::Subject);
        }
        if !matches!(subject.subject, Subject::Account(_)) {
            return Err(ExchangeFault::NoPerson);
        }
        let acting = actor.map(|token| own_name(client, token)).transpose()?;
        may_act(client, subject, acting)?;
        let actors = match acting {
            Some(acting) => subject.actors.followed_by(acting.clone()).ok_or(ExchangeFault::TooManyActors)?,
            // Nobody new is named, and nobody who acted is forgotten.
            None => subject.actors.clone(),
        };
        Ok(Self {
            scopes: scopes(client, subject, wish.scope)?,
            audiences: audiences(client, wish)?,
            actors,
            // Whoever was named stays named: one more exchange must not free a token from the rule it came with.
            may_act: subject.may_act.clone().or_else(|| client.may_act.clone()),
            expires: actor.map_or(latest, |token| token.expires.min(latest)).min(subject.expires),
        })
    }
}

/// Which app an actor's token speaks for: one that got it for itself. A token in which an app acts for somebody says nothing of its own.
fn own_name<'t>(client: &Client, token: &'t AccessToken) -> Result<&'t ClientId, ExchangeFault> {
    match &token.subject {
        Subject::Client(id) if client.may_inspect(token) && token.actors.is_empty() => Ok(id),
        _ => Err(ExchangeFault::Actor),
    }
}

/// RFC 8693 §4.4. Where `may_act` stands, it names the only one who may act, by a token of its own or as the app that asks. Where it doesn't, an app
/// may act for itself alone: otherwise one that was given an actor's token could put its deeds on the actor's name.
fn may_act(client: &Client, subject: &AccessToken, acting: Option<&ClientId>) -> Result<(), ExchangeFault> {
    let candidate = acting.or_else(|| (subject.client != client.id).then_some(&client.id));
    let fine = match (&subject.may_act, candidate) {
        (_, None) => true,
        (Some(named), Some(candidate)) => named == candidate,
        (None, Some(candidate)) => *candidate == client.id,
    };
    if fine { Ok(()) } else { Err(ExchangeFault::MayNotAct) }
}

/// Never more than the old token allows, nor than this app may have. There is no refresh token for it, so `offline_access` would mean nothing.
fn scopes(client: &Client, subject: &AccessToken, asked: Option<&str>) -> Result<Scopes, ExchangeFault> {
    let most = subject.scopes.common(&client.scopes).without(&["offline_access"]);
    let scopes = match asked {
        Some(asked) => Scopes::parse(asked).ok().filter(|asked| asked.within(&most)).ok_or(ExchangeFault::Scope)?,
        None => most,
    };
    // With nothing in it, it would still open whatever looks at the audience alone.
    if scopes.is_empty() { Err(ExchangeFault::Scope) } else { Ok(scopes) }
}

fn audiences(client: &Client, wish: Wish<'_>) -> Result<Vec<String>, ExchangeFault> {
    let mut named: Vec<_> = wish.audience.into_iter().chain(wish.resources.iter().map(String::as_str)).map(str::to_owned).collect();
    named.sort_unstable();
    named.dedup();
    if !named.is_empty() {
        return if client.may_exchange_for(&named) { Ok(named) } else { Err(ExchangeFault::Target) };
    }
    match client.exchange_audiences.as_slice() {
        [only] => Ok(vec![only.clone()]),
        _ => Err(ExchangeFault::TargetMissing),
    }
}

impl Client {
    /// Whether a token is its own, or for it: then it may hear about it, and exchange it if it may exchange anything. About others' it hears nothing
    /// (RFC 7662 §4: no oracle).
    pub fn may_inspect(&self, token: &AccessToken) -> bool {
        token.client == self.id || self.is_among(&token.audiences)
    }

    /// Whether it may exchange tokens of others for tokens for these.
    pub fn may_exchange_for(&self, audiences: &[String]) -> bool {
        self.grant_types.contains(&GrantType::TokenExchange) && audiences.iter().all(|one| self.exchange_audiences.contains(one))
    }
}

impl ExchangeFault {
    /// For the audit record.
    pub const fn reason(self) -> Reason {
        match self {
            Self::Subject | Self::NoPerson => Reason::Unknown,
            Self::Actor | Self::MayNotAct | Self::TooManyActors => Reason::Actor,
            Self::Target | Self::TargetMissing => Reason::Resource,
            Self::Scope => Reason::Scope,
            Self::OtherName => Reason::OtherPerson,
            Self::NotWelcome => Reason::EntryRule,
            Self::Unproven => Reason::Proof,
        }
    }

    /// What the app is told (RFC 8693 §2.2.2: a token that is not good, or not acceptable, is an invalid request).
    pub fn to_oauth(self) -> OAuthError {
        let (code, why) = match self {
            Self::Subject => (OAuthErrorCode::InvalidRequest, "subject_token is not a good access token that is this client's or for it"),
            Self::NoPerson => (OAuthErrorCode::InvalidRequest, "subject_token speaks for an app and not for a person"),
            Self::Actor => {
                (OAuthErrorCode::InvalidRequest, "actor_token is not a good access token of an app itself, this client's or for it")
            }
            Self::MayNotAct => (OAuthErrorCode::InvalidRequest, "who would act is not who may act by subject_token (may_act)"),
            Self::TooManyActors => (OAuthErrorCode::InvalidRequest, "too many have acted by subject_token already"),
            Self::Target => (OAuthErrorCode::InvalidTarget, "this client may not exchange tokens for that audience or resource"),
            Self::TargetMissing => {
                (OAuthErrorCode::InvalidTarget, "audience or resource is missing, and there is more than one it could be")
            }
            Self::Scope => (OAuthErrorCode::InvalidScope, "scope asks for more than subject_token allows and this client may have"),
            Self::OtherName => (OAuthErrorCode::InvalidRequest, "this client knows people by other names than subject_token says"),
            Self::NotWelcome => (OAuthErrorCode::InvalidRequest, "the person of subject_token is not allowed at this client"),
            Self::Unproven => (
                OAuthErrorCode::InvalidRequest,
                "a token is bound to a key or certificate that was not shown, or would become one that is not bound",
            ),
        };
        OAuthError::new(code, why)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        ids::{AccountId, GrantId},
        possession::Confirmation,
        registration::{Draft, Offered},
        token::TokenId,
    };

    const BILLING: &str = "https://billing.example.com";
    const LATEST: Timestamp = Timestamp::from_secs(600);

    fn id(text: &str) -> ClientId {
        ClientId::parse(text).unwrap()
    }

    /// An app that may exchange what it is given for tokens for billing.
    fn api() -> Client {
        let draft = Draft {
            name: "API".into(),
            grant_types: vec![GrantType::TokenExchange.to_string()],
            exchange_audiences: vec![BILLING.into()],
            serves: vec!["https://api.example.com".into()],
            scope: "read write".into(),
            ..Draft::default()
        };
        let offered = Offered { algorithms: vec![crate::client::SigningAlg::Rs256], ..Offered::default() };
        draft.check("api", &offered, Timestamp::default()).unwrap()
    }

    fn token(subject: Subject, client: &str, audience: &str) -> AccessToken {
        let grant = matches!(subject, Subject::Account(_)).then(|| GrantId(uuid::Uuid::nil()));
        AccessToken {
            issuer: "https://sso.example.com".into(),
            subject,
            audiences: vec![audience.into()],
            client: id(client),
            scopes: Scopes::parse("openid read offline_access").unwrap(),
            id: TokenId { grant, random: 1 },
            issued: Timestamp::from_secs(0),
            expires: Timestamp::from_secs(500),
            auth_time: None,
            acr: None,
            actors: Actors::default(),
            may_act: None,
            confirmation: Confirmation::default(),
        }
    }

    fn persons() -> AccessToken {
        token(Subject::Account(AccountId(uuid::Uuid::nil())), "app", "https://api.example.com")
    }

    fn own(client: &str) -> AccessToken {
        token(Subject::Client(id(client)), client, "api")
    }

    fn decide(subject: &AccessToken, actor: Option<&AccessToken>, wish: Wish<'_>) -> Result<Exchange, ExchangeFault> {
        Exchange::decide(&api(), subject, actor, wish, LATEST)
    }

    #[test]
    fn rfc_8693_section_1_what_comes_out_is_never_more_than_what_went_in() {
        let exchange = decide(&persons(), None, Wish::default()).unwrap();
        assert_eq!(exchange.scopes.to_string(), "read", "what both the token allows and the app may have");
        assert_eq!((exchange.audiences, exchange.expires), (vec![BILLING.to_owned()], Timestamp::from_secs(500)));
        for scope in ["write", "read write", "openid", "offline_access", "admin", "re\"ad", " "] {
            assert_eq!(decide(&persons(), None, Wish { scope: Some(scope), ..Wish::default() }), Err(ExchangeFault::Scope), "{scope}");
        }
        let nothing = AccessToken { scopes: Scopes::parse("openid").unwrap(), ..persons() };
        assert_eq!(decide(&nothing, None, Wish::default()), Err(ExchangeFault::Scope));
        let late = AccessToken { expires: LATEST + std::time::Duration::from_secs(1), ..persons() };
        assert_eq!(decide(&late, None, Wish::default()).unwrap().expires, LATEST);
        let soon = AccessToken { expires: Timestamp::from_secs(20), ..own("api") };
        assert_eq!(decide(&persons(), Some(&soon), Wish::default()).unwrap().expires, Timestamp::from_secs(20), "nor than the actor's");
    }

    #[test]
    fn rfc_8693_section_2_2_2_only_registered_targets() {
        for audience in ["https://billing.example.com/", "https://BILLING.example.com", "https://api.example.com", "acme"] {
            let wish = Wish { audience: Some(audience), ..Wish::default() };
            assert_eq!(decide(&persons(), None, wish), Err(ExchangeFault::Target), "{audience}");
        }
        let resources = [BILLING.to_owned(), "https://else.example.com".to_owned()];
        let wish = |resources| Wish { audience: Some(BILLING), resources, ..Wish::default() };
        assert_eq!(decide(&persons(), None, wish(&resources)), Err(ExchangeFault::Target), "one too many spoils it");
        assert_eq!(decide(&persons(), None, wish(&resources[..1])).unwrap().audiences, [BILLING]);
        let two = Client { exchange_audiences: resources.to_vec(), ..api() };
        assert_eq!(Exchange::decide(&two, &persons(), None, Wish::default(), LATEST), Err(ExchangeFault::TargetMissing));
    }

    #[test]
    fn attack_52_only_what_is_the_clients_or_for_it_and_speaks_for_a_person() {
        for audience in ["https://api.example.com/", "https://sso.example.com", "ap"] {
            let foreign = AccessToken { audiences: vec![audience.into()], ..persons() };
            assert_eq!(decide(&foreign, None, Wish::default()), Err(ExchangeFault::Subject), "{audience}");
        }
        for mine in [AccessToken { audiences: vec!["api".into()], ..persons() }, AccessToken { client: id("api"), ..persons() }] {
            assert!(decide(&mine, None, Wish::default()).is_ok(), "{mine:?}");
        }
        assert_eq!(decide(&own("api"), None, Wish::default()), Err(ExchangeFault::NoPerson));
    }

    #[test]
    fn rfc_8693_section_4_4_only_who_may_act_acts() {
        let named = |who: &str| AccessToken { may_act: Some(id(who)), ..persons() };
        let (api, agent) = (own("api"), own("agent"));
        for (subject, actor, fault) in [
            (persons(), None, None),
            (persons(), Some(&api), None),
            (persons(), Some(&agent), Some(ExchangeFault::MayNotAct)),
            (named("agent"), Some(&agent), None),
            (named("agent"), Some(&api), Some(ExchangeFault::MayNotAct)),
            // Without an actor's token it is the app that would act.
            (named("agent"), None, Some(ExchangeFault::MayNotAct)),
            (named("api"), None, None),
            // Nobody acts when an app narrows what is its own.
            (AccessToken { client: id("api"), ..named("agent") }, None, None),
            (AccessToken { client: id("api"), ..named("agent") }, Some(&api), Some(ExchangeFault::MayNotAct)),
        ] {
            assert_eq!(decide(&subject, actor, Wish::default()).err(), fault, "{:?} {actor:?}", subject.may_act);
        }
        assert_eq!(decide(&named("agent"), Some(&agent), Wish::default()).unwrap().may_act, Some(id("agent")), "and stays named");
    }

    #[test]
    fn rfc_8693_section_4_1_the_chain_of_actors_grows_and_is_never_cut() {
        let acted = AccessToken { actors: Actors::new(vec![id("before")]).unwrap(), ..persons() };
        let chain = |exchange: Exchange| exchange.actors.iter().map(ToString::to_string).collect::<Vec<_>>();
        assert_eq!(chain(decide(&acted, Some(&own("api")), Wish::default()).unwrap()), ["api", "before"]);
        assert_eq!(chain(decide(&acted, None, Wish::default()).unwrap()), ["before"]);
        let full = AccessToken { actors: Actors::new(vec![id("x"); Actors::MOST]).unwrap(), ..persons() };
        assert_eq!(decide(&full, Some(&own("api")), Wish::default()), Err(ExchangeFault::TooManyActors));
        // Neither a person's token nor one in which an app acts for somebody is an actor's own.
        let borrowed = AccessToken { actors: Actors::new(vec![id("x")]).unwrap(), ..own("api") };
        let others = AccessToken { audiences: vec!["elsewhere".into()], ..own("agent") };
        for actor in [AccessToken { client: id("api"), ..persons() }, borrowed, others] {
            assert_eq!(decide(&persons(), Some(&actor), Wish::default()), Err(ExchangeFault::Actor), "{actor:?}");
        }
    }
}
