//! To which account somebody who arrives belongs. E-mail identifies nobody: it leads to an account only where an operator said so, and only
//! where both sides have verified the same address.

use crate::{
    account::{Account, Link, LinkedBy},
    ids::AccountId,
    provider::ProviderTerms,
};

/// Where an arrival leads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Destination {
    /// The account that its link leads to.
    Linked(AccountId),
    /// An account that has other links, to which a new one is added.
    Joins {
        /// Which.
        account: AccountId,
        /// Why.
        by: LinkedBy,
        /// Whose address was the same, if that is why.
        same_email_as: Option<crate::ids::LinkId>,
    },
    /// A new one.
    New,
}

/// Why a link a person asked for is not made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LinkRefusal {
    /// It leads to another account already. Which one is nobody's business.
    TakenByOther,
}

/// Decides it. `linked` is where the arrival's link key leads now; `joining` the account of a person who is signed in and asked to add this way
/// in; `same_email` the links of others whose providers vouch for the same address.
pub fn destination(
    terms: &ProviderTerms,
    arriving: &crate::account::Profile,
    linked: Option<&Account>,
    joining: Option<AccountId>,
    same_email: &[Link],
) -> Result<Destination, LinkRefusal> {
    if let Some(joining) = joining {
        return match linked {
            Some(account) if account.id == joining => Ok(Destination::Linked(joining)),
            Some(_) => Err(LinkRefusal::TakenByOther),
            None => Ok(Destination::Joins { account: joining, by: LinkedBy::Person, same_email_as: None }),
        };
    }
    if let Some(account) = linked {
        return Ok(Destination::Linked(account.id));
    }
    let email = arriving.verified_email().filter(|email| terms.links_by_email && terms.is_home_of(email.domain()));
    let fitting: Vec<_> = same_email.iter().filter(|link| email.is_some() && link.verified_email() == email).collect();
    let Some(first) = fitting.first() else { return Ok(Destination::New) };
    // Two accounts with one address: whichever was chosen would be somebody's guess.
    if fitting.iter().any(|link| link.account != first.account) {
        return Ok(Destination::New);
    }
    Ok(Destination::Joins { account: first.account, by: LinkedBy::Email, same_email_as: Some(first.id) })
}
