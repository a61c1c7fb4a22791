//! Who opened the connection.

use std::net::{IpAddr, SocketAddr};

use http::Extensions;

/// The other end of the connection that a request came by, in the request's extensions.
///
/// With [`Sso::into_axum`](crate::Sso::into_axum) under `axum::serve` it is known without it. Elsewhere a
/// server that can tell puts it there; axum's `ConnectInfo<SocketAddr>`
/// (`into_make_service_with_connect_info`) counts as well, after this. Where neither is there, the peer is
/// not known and nobody is a trusted proxy.
///
/// ```
/// use std::net::SocketAddr;
/// use tower_sso::PeerAddress;
///
/// fn received<B>(mut request: http::Request<B>, from: SocketAddr) -> http::Request<B> {
///     request.extensions_mut().insert(PeerAddress::from(from));
///     request
/// }
/// # let _ = received::<()>;
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct PeerAddress(Option<IpAddr>);

impl PeerAddress {
    /// A connection by a Unix socket: whoever the file system lets connect. The entry `unix` in the list of
    /// [`trusted_proxies`](crate::SsoBuilder::trusted_proxies) means it.
    #[must_use]
    pub const fn local() -> Self {
        Self(None)
    }

    /// The IP address; `None` for a Unix socket. An IPv4 address in IPv6 form (`::ffff:192.0.2.1`, as sockets
    /// for both give it; RFC 4291 section 2.5.5.2) is the IPv4 address.
    #[must_use]
    pub const fn ip(self) -> Option<IpAddr> {
        match self.0 {
            Some(address) => Some(address.to_canonical()),
            None => None,
        }
    }

    /// What the server put into a request's extensions.
    pub(crate) fn of(extensions: &Extensions) -> Option<Self> {
        if let Some(peer) = extensions.get() {
            return Some(*peer);
        }
        #[cfg(feature = "axum")]
        if let Some(info) = extensions.get::<axum::extract::ConnectInfo<SocketAddr>>() {
            return Some(Self::from(info.0));
        }
        None
    }

    /// The peer of a connection that `axum::serve` accepted, if its kind of address is one that is known.
    #[cfg(feature = "axum")]
    pub(crate) fn of_connection(address: &dyn std::any::Any) -> Option<Self> {
        if let Some(address) = address.downcast_ref::<SocketAddr>() {
            return Some(Self::from(*address));
        }
        #[cfg(unix)]
        if address.is::<tokio::net::unix::SocketAddr>() {
            return Some(Self::local());
        }
        None
    }
}

impl From<IpAddr> for PeerAddress {
    fn from(address: IpAddr) -> Self {
        Self(Some(address))
    }
}

impl From<SocketAddr> for PeerAddress {
    fn from(address: SocketAddr) -> Self {
        Self(Some(address.ip()))
    }
}
