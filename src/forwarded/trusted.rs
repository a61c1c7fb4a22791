//! The list of proxies whose word is believed.

use std::net::IpAddr;

use ipnet::{IpNet, Ipv4Net};

use super::PeerAddress;
use crate::error::{Error, Result};

/// Networks (CIDR), and whether the peer of a Unix socket is trusted.
#[derive(Clone, Debug, Default)]
pub(crate) struct TrustedProxies {
    networks: Vec<IpNet>,
    unix: bool,
}

impl TrustedProxies {
    /// Reads networks (`10.0.0.0/8`, `fd00::/8`), single addresses, and `unix`.
    pub(crate) fn parse<S: AsRef<str>>(entries: &[S]) -> Result<Self> {
        let mut list = Self::default();
        for (at, entry) in entries.iter().enumerate() {
            let entry = entry.as_ref().trim();
            if entry == "unix" {
                list.unix = true;
                continue;
            }
            let network = network(entry).map_err(|fault| {
                Error::configuration(format!(
                    "entry {} of the trusted proxies {fault} (SSO_TRUSTED_PROXIES)",
                    at + 1
                ))
            })?;
            list.networks.push(network);
        }
        Ok(list)
    }

    pub(super) fn contains(&self, address: IpAddr) -> bool {
        self.networks
            .iter()
            .any(|network| network.contains(&address))
    }

    pub(super) fn contains_peer(&self, peer: PeerAddress) -> bool {
        peer.ip()
            .map_or(self.unix, |address| self.contains(address))
    }
}

fn network(entry: &str) -> Result<IpNet, &'static str> {
    let network = match entry.parse::<IpAddr>() {
        Ok(address) => IpNet::from(address),
        Err(_) => entry
            .parse::<IpNet>()
            .map_err(|_| "is no address, no network as 10.0.0.0/8, and not `unix`")?,
    };
    if network.prefix_len() == 0 {
        // Then each client names its own address.
        return Err("trusts everybody");
    }
    if network.addr() != network.network() {
        return Err("has bits set after its prefix");
    }
    canonical(network)
}

/// An IPv4 network in IPv6 form as the IPv4 network: peers are compared so, too.
fn canonical(network: IpNet) -> Result<IpNet, &'static str> {
    let IpNet::V6(wide) = network else {
        return Ok(network);
    };
    let Some(address) = wide.addr().to_ipv4_mapped() else {
        return Ok(network);
    };
    let prefix = wide.prefix_len().checked_sub(96).filter(|bits| *bits > 0);
    prefix
        .and_then(|bits| Ipv4Net::new(address, bits).ok())
        .map(IpNet::V4)
        .ok_or("trusts everybody")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list(entries: &[&str]) -> TrustedProxies {
        TrustedProxies::parse(entries).unwrap()
    }

    #[test]
    fn who_is_in_the_list() {
        let rows: &[(&[&str], &str, bool)] = &[
            (&[], "10.0.0.1", false),
            (&["10.0.0.1"], "10.0.0.1", true),
            (&["10.0.0.1"], "10.0.0.2", false),
            (&["10.0.0.1"], "::ffff:10.0.0.1", true),
            (&["10.0.0.0/8"], "10.255.255.255", true),
            (&["10.0.0.0/8"], "11.0.0.0", false),
            (&["10.0.0.0/8"], "::ffff:10.1.2.3", true),
            (&["10.0.0.0/8"], "::10.1.2.3", false),
            (&["::ffff:10.0.0.0/104"], "10.1.2.3", true),
            (&["::ffff:10.0.0.0/104"], "11.1.2.3", false),
            (&["::ffff:10.0.0.1"], "10.0.0.1", true),
            (&["192.0.2.1/32", " fd00::/8 "], "fd12::1", true),
            (&["192.0.2.1/32", "fd00::/8"], "fe80::1", false),
            (&["::1"], "::1", true),
            (&["::1"], "127.0.0.1", false),
            (&["unix"], "127.0.0.1", false),
        ];
        for (entries, address, expected) in rows {
            let peer = PeerAddress::from(address.parse::<IpAddr>().unwrap());
            let found = list(entries).contains_peer(peer);
            assert_eq!(found, *expected, "{address} in {entries:?}");
        }
    }

    #[test]
    fn a_unix_socket_is_trusted_by_name_only() {
        assert!(list(&["unix"]).contains_peer(PeerAddress::local()));
        assert!(!list(&["127.0.0.1", "::1"]).contains_peer(PeerAddress::local()));
        assert!(!list(&[]).contains_peer(PeerAddress::local()));
    }

    #[test]
    fn a_malformed_entry_is_named_by_its_place() {
        for (entry, said) in [
            ("", "no address"),
            ("10.0.0", "no address"),
            ("10.0.0.0/33", "no address"),
            ("10.0.0.0/-1", "no address"),
            ("10.0.0.1:80", "no address"),
            ("proxy.example", "no address"),
            ("Unix", "no address"),
            ("0.0.0.0/0", "everybody"),
            ("::/0", "everybody"),
            ("::ffff:0.0.0.0/96", "everybody"),
            ("10.0.0.1/8", "bits set"),
            ("fd00::1/8", "bits set"),
        ] {
            let error = TrustedProxies::parse(&["10.0.0.1", entry]).unwrap_err();
            let text = error.to_string();
            assert!(error.is_configuration(), "{entry}");
            assert!(text.contains("entry 2") && text.contains(said), "{text}");
        }
    }
}
