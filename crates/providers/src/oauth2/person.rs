//! Who the person is, by the word of a provider's interface.

use std::time::Duration;

use http::HeaderMap;
use secrecy::SecretString;
use serde_json::Value;
use tokio::time::timeout;
use url::Url;
use vestibule_domain::{
    claims::{Claims, MOST_GROUPS},
    provider::{Arrival, Known, Phase, ProviderError, ReceivedTokens},
};

use super::{
    api::{Api, bearer},
    fault::FindFault,
    settings::SubjectKind,
    template::{Template, text_or_number},
};
use crate::line::{Line, Object, invalid, unreachable};

/// All lists together take no longer.
pub(crate) const LONGEST: Duration = Duration::from_secs(20);
const LONGEST_SUBJECT: usize = 255;

/// Where a provider says who somebody is, and how to read it.
pub(crate) struct Resource {
    pub(crate) userinfo: Url,
    pub(crate) root: Option<String>,
    pub(crate) subject: String,
    pub(crate) subject_is: SubjectKind,
    pub(crate) lists: Vec<List>,
    pub(crate) made: Vec<(String, Template)>,
    pub(crate) headers: HeaderMap,
    pub(crate) find_fault: FindFault,
}

/// A list of the provider's interface, and the claim that is made of it.
pub(crate) struct List {
    pub(crate) endpoint: Url,
    pub(crate) claim: String,
    pub(crate) item: Template,
}

/// Somebody, as the provider has them.
#[derive(Debug, PartialEq)]
pub(crate) struct Person {
    pub(crate) subject: String,
    pub(crate) claims: Claims,
}

impl Person {
    /// The person has come, with these tokens. Such a provider says neither when nor how they proved who they are.
    pub(crate) fn arrived(self, issuer: &str, tokens: ReceivedTokens) -> Arrival {
        Arrival {
            issuer: issuer.to_owned(),
            subject: self.subject,
            claims: self.claims,
            auth_time: None,
            acr: None,
            amr: Vec::new(),
            session: None,
            tokens,
        }
    }
}

impl Resource {
    /// The interface, for whoever holds these tokens.
    pub(crate) fn api<'a>(&self, phase: Phase, line: &'a Line, tokens: &ReceivedTokens) -> Result<Api<'a>, ProviderError> {
        let none = SecretString::default();
        let bearer = bearer(phase, tokens.access_token.as_ref().unwrap_or(&none))?;
        Ok(Api::new(line, bearer, &self.headers, self.find_fault))
    }

    /// Who holds the token, with everything the settings ask for.
    pub(crate) async fn person(&self, line: &Line, api: &Api<'_>) -> Result<Person, ProviderError> {
        let mut person = self.userinfo(line, api).await?;
        self.add_lists(line, api, &mut person.claims).await?;
        Ok(person)
    }

    /// Who holds the token, and no more than the userinfo endpoint says.
    pub(crate) async fn userinfo(&self, line: &Line, api: &Api<'_>) -> Result<Person, ProviderError> {
        let asked = async { self.read(api.object(Phase::Userinfo, &self.userinfo).await?) };
        line.step(Phase::Userinfo, asked).await
    }

    /// Reads what the userinfo endpoint said.
    pub(crate) fn read(&self, body: Object) -> Result<Person, ProviderError> {
        let fault = |rule, detail| invalid(Phase::Userinfo, rule, detail);
        let mut claims = match &self.root {
            None => body,
            Some(root) => match Value::Object(body).pointer_mut(root).map(Value::take) {
                Some(Value::Object(claims)) => claims,
                _ => return Err(fault("root", "the person is not where userinfo_root says")),
            },
        };
        let all = Value::Object(std::mem::take(&mut claims));
        let subject = all.pointer(&self.subject).and_then(|value| subject(value, self.subject_is));
        let subject =
            subject.ok_or_else(|| fault("subject", "the person's unchanging name is missing, or is not of the configured kind"))?;
        let made: Vec<_> = self.made.iter().filter_map(|(claim, template)| Some((claim.clone(), template.fill(&all)?))).collect();
        if let Value::Object(all) = all {
            claims = all;
        }
        claims.extend(made.into_iter().map(|(claim, text)| (claim, Value::String(text))));
        Ok(Person { subject, claims })
    }

    /// Adds the claims that are made of lists. A list that is not whole is not said at all: rights hang on it, and half a list is another list.
    pub(crate) async fn add_lists(&self, line: &Line, api: &Api<'_>, claims: &mut Claims) -> Result<(), ProviderError> {
        if self.lists.is_empty() {
            return Ok(());
        }
        let asked = in_time(async {
            let mut made: Vec<(&str, Option<Vec<Value>>)> = Vec::new();
            for list in &self.lists {
                let items = items(api, list).await?;
                match made.iter_mut().find(|(claim, _)| *claim == list.claim) {
                    None => made.push((&list.claim, items)),
                    Some((_, all)) => *all = all.take().zip(items).map(|(all, items)| [all, items].concat()),
                }
            }
            Ok(made)
        });
        for (claim, items) in line.step(Phase::Api, asked).await? {
            claims.remove(claim);
            if let Some(items) = items.filter(|items| items.len() <= MOST_GROUPS) {
                claims.insert(claim.to_owned(), Value::Array(items));
            } else {
                tracing::warn!(
                    provider.id = line.provider.as_str(),
                    claim,
                    "a list of the provider's is too long, and is taken for not said"
                );
            }
        }
        Ok(())
    }
}

/// What takes too long is given up: each request has an end, but many have none.
pub(crate) async fn in_time<T>(work: impl Future<Output = Result<T, ProviderError>>) -> Result<T, ProviderError> {
    timeout(LONGEST, work).await.unwrap_or_else(|_| Err(unreachable(Phase::Api, None, "its lists took too long")))
}

/// The entries of a list, when it is whole.
async fn items(api: &Api<'_>, list: &List) -> Result<Option<Vec<Value>>, ProviderError> {
    let listed = api.list(&list.endpoint).await?;
    let filled: Option<Vec<_>> = listed.items.iter().map(|item| list.item.fill(item).map(Value::String)).collect();
    let filled = filled.ok_or_else(|| invalid(Phase::Api, "item", "an entry of a list is not as it is documented"))?;
    Ok(listed.whole.then_some(filled))
}

fn subject(value: &Value, kind: SubjectKind) -> Option<String> {
    let fits = match kind {
        SubjectKind::Any => true,
        SubjectKind::Text => value.is_string(),
        SubjectKind::Number => value.is_number(),
    };
    text_or_number(value).filter(|text| fits && text.len() <= LONGEST_SUBJECT)
}

/// The claims that a refresh brings.
pub(crate) fn renewed_claims(
    line: &Line,
    person: Result<Person, ProviderError>,
    known: &Known<'_>,
) -> Result<Option<Claims>, ProviderError> {
    let said = match person {
        Ok(person) if person.subject != known.subject => Err(invalid(Phase::Refresh, "subject", "the new tokens are of another person")),
        said => said.map(|person| Some(person.claims)),
    };
    unless_of_another(line, said)
}

/// What was said of whoever holds new tokens. They are the old ones' only successors, so they are not given up because of an answer that is
/// missing or wrong: then nothing was said. But of another person they are not taken.
pub(crate) fn unless_of_another(line: &Line, said: Result<Option<Claims>, ProviderError>) -> Result<Option<Claims>, ProviderError> {
    let is_of_another = |error: &ProviderError| match error {
        ProviderError::Invalid { phase, rule, .. } => matches!(*rule, "iss" | "sub") || (*phase == Phase::Refresh && *rule == "subject"),
        _ => false,
    };
    match said {
        Err(error) if !is_of_another(&error) => {
            let id = line.provider.as_str();
            tracing::warn!(provider.id = id, %error, "the tokens are new, but the provider does not say who holds them");
            Ok(None)
        }
        said => said,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_subject_is_of_its_kind_and_short() {
        assert_eq!(subject(&json!(583_231), SubjectKind::Number).as_deref(), Some("583231"));
        assert_eq!(subject(&json!("u1"), SubjectKind::Any).as_deref(), Some("u1"));
        for (bad, kind) in [
            (json!("583231"), SubjectKind::Number),
            (json!(7), SubjectKind::Text),
            (json!(7.5), SubjectKind::Any),
            (json!(""), SubjectKind::Any),
            (json!("a\nb"), SubjectKind::Any),
            (json!("a".repeat(256)), SubjectKind::Text),
            (json!(null), SubjectKind::Any),
            (json!(["u1"]), SubjectKind::Any),
        ] {
            assert_eq!(subject(&bad, kind), None, "{bad}");
        }
    }
}
