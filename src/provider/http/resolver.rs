//! From a name to the addresses that are connected to.

use std::fmt;
use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, ToSocketAddrs};
use std::sync::Arc;

use super::addresses::{Addresses, is_localhost};

type Lookup = dyn Fn(&str) -> io::Result<Vec<SocketAddr>> + Send + Sync;

/// The system's resolver, but for `localhost` and what is under it; of the answers only those that may be
/// called. What it gives is what is connected to, so nothing can change between check and use.
#[derive(Clone)]
pub(super) struct Resolver {
    addresses: Addresses,
    lookup: Arc<Lookup>,
}

impl Resolver {
    pub(super) fn of_the_system(addresses: Addresses) -> Self {
        Self::new(addresses, |name| Ok((name, 0).to_socket_addrs()?.collect()))
    }

    /// `lookup` may block.
    pub(super) fn new(
        addresses: Addresses,
        lookup: impl Fn(&str) -> io::Result<Vec<SocketAddr>> + Send + Sync + 'static,
    ) -> Self {
        Self {
            addresses,
            lookup: Arc::new(lookup),
        }
    }

    async fn addresses_of(self, name: String) -> io::Result<Vec<SocketAddr>> {
        let found = if is_localhost(&name) {
            vec![
                SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
                SocketAddr::from((Ipv6Addr::LOCALHOST, 0)),
            ]
        } else {
            tokio::task::spawn_blocking(move || (self.lookup)(&name)).await??
        };
        let allowed = self.addresses.among(found);
        if allowed.is_empty() {
            return Err(io::Error::other(
                "the name has no address that may be called",
            ));
        }
        Ok(allowed)
    }
}

impl reqwest::dns::Resolve for Resolver {
    fn resolve(&self, name: reqwest::dns::Name) -> reqwest::dns::Resolving {
        let (resolver, name) = (self.clone(), name.as_str().to_owned());
        Box::pin(async move {
            let addresses = resolver.addresses_of(name).await?;
            Ok(Box::new(addresses.into_iter()) as _)
        })
    }
}

impl fmt::Debug for Resolver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Resolver")
            .field("addresses", &self.addresses)
            .finish_non_exhaustive()
    }
}
