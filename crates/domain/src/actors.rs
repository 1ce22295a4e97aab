//! Who acts for a person by a token that was exchanged (RFC 8693 §4.1).

use crate::ids::ClientId;

/// The apps that act for the person of a token: the one that acts now first, and then those that acted before it. Only the first may be asked
/// whether it may do something; the others are history (§4.1).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Actors(Vec<ClientId>);

impl Actors {
    /// The longest chain there is. Each exchange adds one and each token carries them all, so without an end two apps that exchange with each other
    /// would make a token that no server takes.
    pub const MOST: usize = 4;

    /// The chain in this order; nothing if it is too long.
    pub fn new(newest_first: Vec<ClientId>) -> Option<Self> {
        (newest_first.len() <= Self::MOST).then_some(Self(newest_first))
    }

    /// The chain when `actor` acts on what the others did; nothing if it would be too long.
    pub fn followed_by(&self, actor: ClientId) -> Option<Self> {
        Self::new(std::iter::once(actor).chain(self.0.iter().cloned()).collect())
    }

    /// Whether the app that the token was given to acts in its own name, and nobody else did.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Each, the one that acts now first.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = &ClientId> {
        self.0.iter()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn attack_52_a_chain_of_actors_ends_somewhere() {
        let id = |at: usize| ClientId::parse(format!("app-{at}")).unwrap();
        let longest = (0..Actors::MOST).fold(Actors::default(), |chain, at| chain.followed_by(id(at)).unwrap());
        assert_eq!(longest.iter().next(), Some(&id(Actors::MOST - 1)), "the newest first");
        assert_eq!(longest.followed_by(id(9)), None);
        assert_eq!(Actors::new((0..=Actors::MOST).map(id).collect()), None);
    }
}
