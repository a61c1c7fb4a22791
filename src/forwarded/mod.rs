//! Who is at the far end of a connection: the peer itself, or whom a trusted proxy speaks for.
//!
//! 1. Nothing is believed of a peer that is not in the list of trusted proxies. The list is empty by default.
//! 2. One family of headers is read: `X-Forwarded-*`, or `Forwarded` (RFC 7239), as the set-up says. A proxy
//!    writes one and passes the other on as the client sent it, so no rule over both could be safe.
//! 3. The chain is read from its end, where the nearest proxy wrote. The first address that is not a trusted
//!    proxy is the client: whatever stands before it is the client's own word.
//! 4. Scheme and host are those that the nearest proxy wrote.
//! 5. What is malformed, and what stands before it, counts as absent. The work is bounded by [`LONGEST_CHAIN`].
//!
//! Absolute URLs are never made of any of this: they come from the base URL.

mod peer;
mod rfc7239;
mod trusted;
mod x_forwarded;

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::str::FromStr;
use std::sync::atomic::{AtomicBool, Ordering};

use http::uri::Authority;
use http::{HeaderMap, HeaderName};

use crate::error::Error;

pub use peer::PeerAddress;
pub(crate) use trusted::TrustedProxies;

/// How many proxies are followed. Real chains have one to three.
const LONGEST_CHAIN: usize = 32;
/// A host name has 253 characters at most (RFC 1035 section 2.3.4), and then comes a port.
const LONGEST_HOST: usize = 260;

const X_FORWARDED_FOR: &str = "x-forwarded-for";
const X_FORWARDED_PROTO: &str = "x-forwarded-proto";
const X_FORWARDED_HOST: &str = "x-forwarded-host";
const X_FORWARDED_PORT: &str = "x-forwarded-port";
const FORWARDED: &str = "forwarded";

/// The family of headers in which trusted proxies say whom they speak for. The other is never read.
///
/// The proxy must write its own word into the chosen family at each request (replace or append). Most
/// write `X-Forwarded-*` and pass a `Forwarded` of the client on untouched.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum ForwardedHeaders {
    /// `X-Forwarded-For`, `-Proto`, `-Host` and `-Port`: the default.
    #[default]
    XForwarded,
    /// `Forwarded` (RFC 7239).
    Forwarded,
}

impl FromStr for ForwardedHeaders {
    type Err = Error;

    /// Reads `x-forwarded` or `forwarded`.
    fn from_str(text: &str) -> Result<Self, Error> {
        match text {
            "x-forwarded" => Ok(Self::XForwarded),
            "forwarded" => Ok(Self::Forwarded),
            _ => Err(Error::configuration("use x-forwarded or forwarded")),
        }
    }
}

impl ForwardedHeaders {
    fn names(self) -> &'static [&'static str] {
        match self {
            Self::XForwarded => &[
                X_FORWARDED_FOR,
                X_FORWARDED_PROTO,
                X_FORWARDED_HOST,
                X_FORWARDED_PORT,
            ],
            Self::Forwarded => &[FORWARDED],
        }
    }
}

/// Whom to believe, and in which headers.
#[derive(Debug)]
pub(crate) struct Proxies {
    trusted: TrustedProxies,
    headers: ForwardedHeaders,
    has_warned: AtomicBool,
}

/// What is known of who sent a request.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Sender {
    /// Of the client; of the farthest trusted proxy where that does not say more.
    pub(crate) address: Option<IpAddr>,
    /// `http` or `https`, as the nearest trusted proxy says.
    pub(crate) scheme: Option<&'static str>,
    /// In lower case, with the port where it is not the scheme's own, as the nearest trusted proxy says.
    pub(crate) host: Option<String>,
}

impl Proxies {
    pub(crate) fn new(trusted: TrustedProxies, headers: ForwardedHeaders) -> Self {
        Self {
            trusted,
            headers,
            has_warned: AtomicBool::new(false),
        }
    }

    /// Whether what this peer says of others is believed.
    pub(crate) fn trusts(&self, peer: Option<PeerAddress>) -> bool {
        peer.is_some_and(|peer| self.trusted.contains_peer(peer))
    }

    /// The rules of this room.
    pub(crate) fn read(&self, peer: Option<PeerAddress>, headers: &HeaderMap) -> Sender {
        let address = peer.and_then(PeerAddress::ip);
        if !self.trusts(peer) {
            return Sender {
                address,
                ..Sender::default()
            };
        }
        let chain = match self.headers {
            ForwardedHeaders::XForwarded => x_forwarded::read(headers),
            ForwardedHeaders::Forwarded => rfc7239::read(headers),
        };
        Sender {
            address: chain.client(&self.trusted).or(address),
            scheme: chain.scheme,
            host: chain.host,
        }
    }

    /// The fields that [`Proxies::read`] looks at, to be read later.
    pub(crate) fn keep(&self, headers: &HeaderMap) -> HeaderMap {
        let mut kept = HeaderMap::new();
        for &name in self.headers.names() {
            for value in headers.get_all(name) {
                kept.append(HeaderName::from_static(name), value.clone());
            }
        }
        kept
    }

    /// Tells the operator, once, of a proxy that is not in the list: the usual mistake of a set-up. Anybody
    /// can send such headers, so it is said once, and without them.
    pub(crate) fn warn_of_stranger(&self, peer: Option<PeerAddress>, headers: &HeaderMap) {
        let names = [X_FORWARDED_FOR, X_FORWARDED_PROTO, FORWARDED];
        if self.trusts(peer) || !names.iter().any(|name| headers.contains_key(*name)) {
            return;
        }
        if !self.has_warned.swap(true, Ordering::Relaxed) {
            tracing::warn!(
                peer_is_known = peer.is_some(),
                "forwarded headers are ignored: their sender is no trusted proxy (SSO_TRUSTED_PROXIES)"
            );
        }
    }
}

/// What a family of headers says, the nearest proxy's word first.
#[derive(Debug, Default, PartialEq, Eq)]
struct Chain {
    /// `None` where a proxy did not say, hid it, or what stands there can't be read.
    addresses: Vec<Option<IpAddr>>,
    scheme: Option<&'static str>,
    host: Option<String>,
}

impl Chain {
    fn client(&self, trusted: &TrustedProxies) -> Option<IpAddr> {
        let mut client = None;
        for address in &self.addresses {
            let Some(address) = *address else { break };
            client = Some(address);
            if !trusted.contains(address) {
                break;
            }
        }
        client
    }
}

/// An address, with or without a port; an IPv6 address with a port stands in brackets.
fn address(text: &str) -> Option<IpAddr> {
    let text = text.trim_matches([' ', '\t']);
    let (address, port) = if let Some(rest) = text.strip_prefix('[') {
        let (address, port) = rest.split_once(']')?;
        (address.parse::<Ipv6Addr>().ok()?.into(), port)
    } else if let Ok(address) = text.parse::<IpAddr>() {
        (address, "")
    } else {
        let (address, _) = text.split_once(':')?;
        (
            address.parse::<Ipv4Addr>().ok()?.into(),
            &text[address.len()..],
        )
    };
    // RFC 7239 section 6: a port may be hidden behind a name, as an address may.
    let is_port = |text: &str| {
        let mut bytes = text.bytes();
        !text.is_empty() && bytes.all(|b| b.is_ascii_alphanumeric() || b"._-".contains(&b))
    };
    let fits = port.is_empty() || port.strip_prefix(':').is_some_and(is_port);
    fits.then(|| address.to_canonical())
}

fn scheme(text: &str) -> Option<&'static str> {
    ["https", "http"]
        .into_iter()
        .find(|known| text.eq_ignore_ascii_case(known))
}

/// A host with or without a port, and a port that comes beside it.
fn host(text: &str, scheme: Option<&str>, port: Option<u16>) -> Option<String> {
    let authority: Authority = text.parse().ok().filter(|_| text.len() <= LONGEST_HOST)?;
    // User information before the host makes it look like another one.
    let name = authority.host();
    let port = match text.strip_prefix(name)? {
        "" => port,
        rest => Some(rest.strip_prefix(':')?.parse().ok()?),
    };
    let own = match scheme {
        Some("https") => Some(443),
        Some(_) => Some(80),
        None => None,
    };
    let name = name.to_ascii_lowercase();
    Some(match port.filter(|port| Some(*port) != own) {
        Some(port) => format!("{name}:{port}"),
        None => name,
    })
}

#[cfg(test)]
mod tests;
