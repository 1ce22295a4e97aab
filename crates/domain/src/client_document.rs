//! Clients that are known by the address of a document of their own (draft-ietf-oauth-client-id-metadata-document).

use std::time::Duration;

use crate::{
    client::{AuthMethod, Client, Origin},
    ids::ClientId,
    registration::{FieldFault, Offered},
    self_registration::{SelfDraft, SelfRegistration},
    time::Timestamp,
};

/// A document as it was fetched: what it says, not believed yet.
#[derive(Clone, Debug, Default)]
pub struct FetchedDocument {
    /// `client_id`, if it is there.
    pub client_id: Option<String>,
    /// Whether it says a secret, or anything about one: what everybody can read is none.
    pub has_secret: bool,
    /// The rest, as an app's registration.
    pub asked: SelfDraft,
    /// How long its headers let it be kept; nothing where they say nothing.
    pub fresh_for: Option<Duration>,
}

/// Why there is no document. The texts are for the app's developer and hold nothing that a stranger wrote.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DocumentFault {
    /// Its host may not be asked, or did not answer. One text for every reason, so that nobody learns of our network from it (attack 42).
    #[error("the document can't be fetched from here")]
    Unreachable,
    /// §4: only 200 is an answer.
    #[error("the document's address does not answer with status 200")]
    Status,
    /// §4: a redirect could lead anywhere.
    #[error("the document's address answers with a redirect, which is not followed")]
    Redirect,
    /// §6.6.
    #[error("the document is longer than 5 KiB")]
    TooLarge,
    /// Not JSON, or not sent as such.
    #[error("the document is not one JSON object, or not sent as application/json")]
    NotJson,
    /// §4.1: somebody else's document, copied.
    #[error("client_id in the document is not the address it was fetched from, character by character")]
    OtherClient,
    /// §4.1.
    #[error("the document speaks of a client secret, which is none when everybody can read it")]
    Secret,
    /// A name of a member, and no more: the rest is the document's.
    #[error("the document breaks a rule of registration: {0}")]
    Invalid(&'static str),
    /// This house has others in mind.
    #[error("documents are not taken from this host here")]
    Host,
    /// Too many are asked for.
    #[error("too many documents are asked for; try again in a minute")]
    Busy,
}

/// A document that was found good.
#[derive(Clone, Debug)]
pub struct KnownDocument {
    /// The client it describes.
    pub client: Client,
    /// Until when it is not fetched again.
    pub fresh_until: Timestamp,
}

/// What a document that says nothing of it is kept for, and the bounds of what it may say: never so short that a page that is loaded again costs
/// another fetch, never so long that a change takes more than a day.
const USUAL: Duration = Duration::from_mins(5);
const SHORTEST: Duration = Duration::from_mins(1);
const LONGEST: Duration = Duration::from_hours(24);

impl SelfRegistration {
    /// Whether a document may be fetched for this id at all.
    pub fn takes_documents_from(&self, id: &ClientId) -> Result<(), DocumentFault> {
        let host = id.document_host().ok_or(DocumentFault::Host)?;
        let known = self.document_hosts.is_empty() || self.document_hosts.contains(&host);
        if self.metadata_documents && known { Ok(()) } else { Err(DocumentFault::Host) }
    }

    /// The client that a document describes, when it keeps the rules for documents and those for whoever registers themselves.
    pub fn read_document(
        &self,
        id: &ClientId,
        document: FetchedDocument,
        offered: &Offered,
        now: Timestamp,
    ) -> Result<KnownDocument, DocumentFault> {
        if document.client_id.as_deref() != Some(id.as_str()) {
            return Err(DocumentFault::OtherClient);
        }
        let mut asked = document.asked;
        if !asked.said.contains("token_endpoint_auth_method") {
            asked.draft.auth_method = AuthMethod::None.to_string();
        }
        if document.has_secret || asked.draft.auth_method.starts_with("client_secret") {
            return Err(DocumentFault::Secret);
        }
        for needed in ["client_name", "redirect_uris"] {
            if !asked.said.contains(needed) {
                return Err(DocumentFault::Invalid(needed));
            }
        }
        let client = self.bound(asked).and_then(|draft| draft.check_as(id.clone(), offered, now)).and_then(Self::settle);
        let mut client = client.map_err(|faults| DocumentFault::Invalid(named(&faults)))?;
        client.origin = Origin::MetadataDocument { kept_until: now + self.unused };
        client.version = now.as_millis();
        let fresh_for = document.fresh_for.unwrap_or(USUAL).clamp(SHORTEST, LONGEST);
        Ok(KnownDocument { client, fresh_until: now + fresh_for })
    }
}

/// Which member the first fault is about, by a name of ours: what stands in a document is a stranger's.
fn named(faults: &[FieldFault]) -> &'static str {
    let pointer = faults.first().map(|fault| fault.pointer.trim_start_matches('/')).unwrap_or_default();
    let known = crate::self_registration::SAYABLE.iter().chain(&["response_types", "sector_identifier_uri"]);
    known.copied().find(|name| pointer.split('/').next() == Some(name)).unwrap_or("a member")
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::{client::SigningAlg, registration::Draft};

    const ID: &str = "https://app.example/client.json";

    fn rules() -> SelfRegistration {
        SelfRegistration { metadata_documents: true, ..SelfRegistration::default() }
    }

    fn document() -> FetchedDocument {
        let draft = Draft { name: "App".into(), redirect_uris: vec!["https://app.example/cb".into()], ..Draft::default() };
        let said: BTreeSet<_> = ["client_name", "redirect_uris"].map(str::to_owned).into();
        FetchedDocument {
            client_id: Some(ID.into()),
            asked: SelfDraft { draft, said, ..SelfDraft::default() },
            ..FetchedDocument::default()
        }
    }

    fn read(document: FetchedDocument) -> Result<KnownDocument, DocumentFault> {
        let offered = Offered { algorithms: vec![SigningAlg::Rs256], ..Offered::default() };
        rules().read_document(&ClientId::parse(ID).unwrap(), document, &offered, Timestamp::from_secs(1_800_000_000))
    }

    #[test]
    fn cimd_section_4_1_a_document_speaks_for_its_own_address_alone() {
        let known = read(document()).unwrap();
        assert!(known.client.is_public() && !known.client.is_vetted() && known.client.require_pkce);
        for other in [None, Some("https://app.example/client.json/"), Some("https://app.example:443/client.json"), Some("app")] {
            let wrong = FetchedDocument { client_id: other.map(str::to_owned), ..document() };
            assert_eq!(read(wrong).unwrap_err(), DocumentFault::OtherClient, "{other:?}");
        }
    }

    #[test]
    fn cimd_section_4_1_what_everybody_can_read_is_no_secret() {
        assert_eq!(read(FetchedDocument { has_secret: true, ..document() }).unwrap_err(), DocumentFault::Secret);
        for method in ["client_secret_basic", "client_secret_post", "client_secret_jwt"] {
            let mut shared = document();
            shared.asked.draft.auth_method = method.into();
            shared.asked.said.insert("token_endpoint_auth_method".into());
            assert_eq!(read(shared).unwrap_err(), DocumentFault::Secret, "{method}");
        }
    }

    #[test]
    fn mcp_authorization_a_document_has_a_name_and_addresses() {
        for needed in ["client_name", "redirect_uris"] {
            let mut without = document();
            without.asked.said.remove(needed);
            assert_eq!(read(without).unwrap_err(), DocumentFault::Invalid(needed));
        }
        let mut hostile = document();
        hostile.asked.draft.redirect_uris = vec!["javascript:alert(1)".into()];
        assert_eq!(read(hostile).unwrap_err(), DocumentFault::Invalid("redirect_uris"));
    }

    #[test]
    fn cimd_section_4_4_headers_are_kept_to_within_bounds() {
        let fresh = |fresh_for| {
            let known = read(FetchedDocument { fresh_for, ..document() }).unwrap();
            known.fresh_until.since(Timestamp::from_secs(1_800_000_000)).as_secs()
        };
        let secs = |secs| Some(Duration::from_secs(secs));
        assert_eq!([fresh(None), fresh(secs(0)), fresh(secs(600)), fresh(secs(u64::from(u32::MAX)))], [300, 60, 600, 86_400]);
    }

    #[test]
    fn documents_come_from_the_hosts_that_an_operator_has_in_mind() {
        let id = |text: &str| ClientId::parse(text).unwrap();
        assert!(SelfRegistration::default().takes_documents_from(&id(ID)).is_err(), "off unless it is on");
        assert!(rules().takes_documents_from(&id(ID)).is_ok() && rules().takes_documents_from(&id("app")).is_err());
        let listed = SelfRegistration { document_hosts: vec!["app.example".into()], ..rules() };
        assert!(listed.takes_documents_from(&id(ID)).is_ok());
        for other in ["https://evil.example/client.json", "https://app.example.evil/client.json", "https://x.app.example/client.json"] {
            assert_eq!(listed.takes_documents_from(&id(other)), Err(DocumentFault::Host), "{other}");
        }
    }
}
