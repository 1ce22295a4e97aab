//! Names become addresses here, and only addresses that passed are ever connected to.

use std::{
    error::Error,
    fmt, io,
    net::{IpAddr, SocketAddr},
    sync::Arc,
};

use async_trait::async_trait;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};

use super::address::{AllowedAddress, is_public};

/// Where addresses of names come from.
#[async_trait]
pub trait Lookup: Send + Sync + fmt::Debug {
    /// Every address of a name.
    async fn lookup(&self, name: &str) -> io::Result<Vec<IpAddr>>;
}

/// The machine's resolver.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemLookup;

#[async_trait]
impl Lookup for SystemLookup {
    async fn lookup(&self, name: &str) -> io::Result<Vec<IpAddr>> {
        Ok(tokio::net::lookup_host((name, 0)).await?.map(|address| address.ip()).collect())
    }
}

/// Resolves, and lets only those addresses out that may be reached. The connector connects to what it gets from here and asks nobody again, so
/// a name that answers differently the second time (attack 43) is judged by the answer that is used.
#[derive(Clone, Debug)]
pub(super) struct GuardedResolver {
    pub(super) lookup: Arc<dyn Lookup>,
    /// Networks that are reached although they are not public.
    pub(super) allow: Arc<[AllowedAddress]>,
    pub(super) reach: Reach,
}

/// Which addresses a name may lead to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reach {
    /// Public ones, and those of allowed networks.
    Public,
    /// Those of allowed networks alone.
    Inside,
    /// Any: an operator named the host, and its addresses are the operator's business.
    Anywhere,
}

/// Marks, inside reqwest's errors, that no address of a name may be reached.
#[derive(Debug)]
pub(super) struct NoneAllowed;

impl fmt::Display for NoneAllowed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("no address of this name may be reached")
    }
}

impl Error for NoneAllowed {}

impl GuardedResolver {
    pub(super) async fn addresses(&self, name: &str) -> Result<Vec<SocketAddr>, Box<dyn Error + Send + Sync>> {
        let found = self.lookup.lookup(name).await?;
        let passed: Vec<_> = found.iter().filter(|&&address| self.passes(address)).map(|&address| SocketAddr::new(address, 0)).collect();
        if passed.is_empty() && !found.is_empty() { Err(NoneAllowed.into()) } else { Ok(passed) }
    }

    pub(super) fn passes(&self, address: IpAddr) -> bool {
        let is_inside = || self.allow.iter().any(|allowed| allowed.covers(address));
        match self.reach {
            Reach::Public => is_public(address) || is_inside(),
            Reach::Inside => is_inside(),
            Reach::Anywhere => true,
        }
    }
}

impl Resolve for GuardedResolver {
    fn resolve(&self, name: Name) -> Resolving {
        let resolver = self.clone();
        Box::pin(async move {
            let addresses = resolver.addresses(name.as_str()).await?;
            Ok(Box::new(addresses.into_iter()) as Addrs)
        })
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    /// Answers with the next of its answers, and the last one for ever.
    #[derive(Debug)]
    struct Rebinding(Vec<Vec<&'static str>>, AtomicUsize);

    #[async_trait]
    impl Lookup for Rebinding {
        async fn lookup(&self, _: &str) -> io::Result<Vec<IpAddr>> {
            let turn = self.1.fetch_add(1, Ordering::Relaxed).min(self.0.len() - 1);
            Ok(self.0[turn].iter().map(|text| text.parse().unwrap()).collect())
        }
    }

    fn resolver(answers: &[&[&'static str]], allow: &[&str]) -> GuardedResolver {
        let lookup = Rebinding(answers.iter().map(|answer| answer.to_vec()).collect(), AtomicUsize::new(0));
        let allow = allow.iter().map(|text| text.parse().unwrap()).collect();
        GuardedResolver { lookup: Arc::new(lookup), allow, reach: Reach::Public }
    }

    async fn asked(resolver: &GuardedResolver) -> Option<Vec<String>> {
        let answer = resolver.addresses("issuer.example").await.ok()?;
        Some(answer.iter().map(|address| address.ip().to_string()).collect())
    }

    #[tokio::test]
    async fn attack_43_a_name_that_turns_private_is_refused_when_it_does() {
        let resolver = resolver(&[&["8.8.8.8"], &["127.0.0.1"]], &[]);
        assert_eq!(asked(&resolver).await, Some(vec!["8.8.8.8".into()]));
        assert_eq!(asked(&resolver).await, None);
    }

    #[tokio::test]
    async fn attack_43_private_addresses_among_public_ones_are_left_out() {
        let resolver = resolver(&[&["10.0.0.1", "8.8.8.8", "::ffff:127.0.0.1"]], &[]);
        assert_eq!(asked(&resolver).await, Some(vec!["8.8.8.8".into()]));
    }

    #[tokio::test]
    async fn attack_42_at_odd_ports_names_lead_to_allowed_networks_alone() {
        let mixed = GuardedResolver { reach: Reach::Inside, ..resolver(&[&["8.8.8.8", "10.1.2.3"]], &["10.1.0.0/16"]) };
        assert_eq!(asked(&mixed).await, Some(vec!["10.1.2.3".into()]));
        let public = GuardedResolver { reach: Reach::Inside, ..resolver(&[&["8.8.8.8"]], &["10.1.0.0/16"]) };
        assert_eq!(asked(&public).await, None);
    }

    #[tokio::test]
    async fn attack_42_only_the_allowed_network_is_an_exception() {
        let resolver = resolver(&[&["10.1.2.3", "10.2.0.1", "169.254.169.254"]], &["10.1.0.0/16"]);
        assert_eq!(asked(&resolver).await, Some(vec!["10.1.2.3".into()]));
    }
}
