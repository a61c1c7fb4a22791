//! Which addresses a client may call: pure.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use ipnet::{Ipv4Net, Ipv6Net};
use url::{Host, Url};

/// Which addresses a [`ReqwestClient`](super::ReqwestClient) may call. Default: [`Any`](Self::Any).
///
/// ```no_run
/// use tower_sso::provider::{Addresses, HttpOptions, ReqwestClient};
///
/// # fn main() -> tower_sso::Result<()> {
/// let of_tenants = HttpOptions { addresses: Addresses::PublicOnly, ..HttpOptions::default() };
/// let client = ReqwestClient::new(&of_tenants)?;
/// # let _ = client;
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Addresses {
    /// Every address, this machine's own and those of its network too: for URLs that the operator wrote, whose
    /// provider may well stand in the same cluster.
    #[default]
    Any,
    /// Public addresses alone ([`is_public`]), for URLs that tenants may write: else each tenant could have this
    /// process call what only it can reach (server-side request forgery).
    ///
    /// 1. The scheme is `https`, and the URL has no user information.
    /// 2. A literal address is public, in whatever spelling; `localhost` and names under it are refused.
    /// 3. Of what a name resolves to, only public addresses are connected to. There is no second lookup that
    ///    could answer otherwise (DNS rebinding).
    /// 4. Every port may be called: providers do stand at odd ones, and who is at a public address is reached by
    ///    anybody. What speaks no TLS gets no request.
    ///
    /// A URL that is refused by 1 or 2 is [`HttpErrorKind::Forbidden`](super::HttpErrorKind::Forbidden). A name without a public address
    /// is [`HttpErrorKind::Connect`](super::HttpErrorKind::Connect), like one that does not exist: otherwise a tenant could learn which names
    /// the inside knows.
    ///
    /// It can't know what public addresses of your own trust this machine by its address, nor a NAT64 prefix of
    /// your own (RFC 6052 section 2.2): let a firewall see to these.
    PublicOnly,
}

impl Addresses {
    /// Whether a URL may be called, as far as it alone can tell.
    pub(super) fn allow(self, url: &Url) -> bool {
        match self {
            Self::Any => true,
            Self::PublicOnly => {
                url.scheme() == "https"
                    && url.username().is_empty()
                    && url.password().is_none()
                    && match url.host() {
                        Some(Host::Domain(name)) => !is_localhost(name),
                        Some(Host::Ipv4(address)) => is_public(address.into()),
                        Some(Host::Ipv6(address)) => is_public(address.into()),
                        None => false,
                    }
            }
        }
    }

    /// Those of a name's addresses that may be connected to.
    pub(super) fn among(self, mut addresses: Vec<SocketAddr>) -> Vec<SocketAddr> {
        if self == Self::PublicOnly {
            addresses.retain(|address| is_public(address.ip()));
        }
        addresses
    }
}

/// RFC 6761 section 6.3: `localhost.` and every name under it.
pub(super) fn is_localhost(name: &str) -> bool {
    let name = name.strip_suffix('.').unwrap_or(name);
    let last = name.rsplit('.').next().unwrap_or(name);
    last.eq_ignore_ascii_case("localhost")
}

/// The blocks of IANA's IPv4 Special-Purpose Address Registry (RFC 6890), those that it calls globally
/// reachable too: they are anycast services of whatever network one is in, and no provider is there. Besides
/// multicast (RFC 5771), and the address at which Azure's hosts serve their own machines.
const SPECIAL_V4: [Ipv4Net; 19] = [
    v4([0, 0, 0, 0], 8),
    v4([10, 0, 0, 0], 8),
    v4([100, 64, 0, 0], 10),
    v4([127, 0, 0, 0], 8),
    v4([168, 63, 129, 16], 32),
    v4([169, 254, 0, 0], 16),
    v4([172, 16, 0, 0], 12),
    v4([192, 0, 0, 0], 24),
    v4([192, 0, 2, 0], 24),
    v4([192, 31, 196, 0], 24),
    v4([192, 52, 193, 0], 24),
    v4([192, 88, 99, 0], 24),
    v4([192, 168, 0, 0], 16),
    v4([192, 175, 48, 0], 24),
    v4([198, 18, 0, 0], 15),
    v4([198, 51, 100, 0], 24),
    v4([203, 0, 113, 0], 24),
    v4([224, 0, 0, 0], 4),
    v4([240, 0, 0, 0], 4),
];

/// What is allocated of IPv6 for unicast between networks (RFC 4291 section 2.4). Whatever is outside (loopback,
/// IPv4-mapped, unique local, link-local, multicast) is not public.
const GLOBAL_UNICAST: Ipv6Net = v6([0x2000, 0, 0, 0], 3);

/// The blocks of IANA's IPv6 Special-Purpose Address Registry within it: IETF protocol assignments (Teredo,
/// benchmarking and ORCHID among them), documentation, 6to4, AS112, documentation again (RFC 9637).
const SPECIAL_V6: [Ipv6Net; 5] = [
    v6([0x2001, 0, 0, 0], 23),
    v6([0x2001, 0xdb8, 0, 0], 32),
    v6([0x2002, 0, 0, 0], 16),
    v6([0x2620, 0x4f, 0x8000, 0], 48),
    v6([0x3fff, 0, 0, 0], 20),
];

/// NAT64's well-known prefix (RFC 6052 section 2.1).
const NAT64: Ipv6Net = v6([0x64, 0xff9b, 0, 0], 96);

const fn v4([a, b, c, d]: [u8; 4], length: u8) -> Ipv4Net {
    Ipv4Net::new_assert(Ipv4Addr::new(a, b, c, d), length)
}

const fn v6([a, b, c, d]: [u16; 4], length: u8) -> Ipv6Net {
    Ipv6Net::new_assert(Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0), length)
}

/// Whether an address is one of the public internet: in no block that IANA has set apart for a special purpose,
/// and not multicast.
///
/// An address under NAT64's well-known prefix is as public as the IPv4 address in it: where a network has IPv6
/// alone, all of the IPv4 internet is there. IPv4-mapped, 6to4 and Teredo addresses never are.
///
/// ```
/// use tower_sso::provider::is_public;
///
/// assert!(is_public([9, 9, 9, 9].into()));
/// assert!(!is_public([169, 254, 169, 254].into()));
/// assert!(!is_public("::ffff:9.9.9.9".parse()?));
/// # Ok::<(), std::net::AddrParseError>(())
/// ```
#[must_use]
pub fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => is_public_v4(address),
        IpAddr::V6(address) if NAT64.contains(&address) => {
            let [.., a, b, c, d] = address.octets();
            is_public_v4(Ipv4Addr::new(a, b, c, d))
        }
        IpAddr::V6(address) => {
            GLOBAL_UNICAST.contains(&address)
                && !SPECIAL_V6.iter().any(|block| block.contains(&address))
        }
    }
}

fn is_public_v4(address: Ipv4Addr) -> bool {
    !SPECIAL_V4.iter().any(|block| block.contains(&address))
}

#[cfg(test)]
mod tests;
