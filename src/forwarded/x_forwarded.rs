//! `X-Forwarded-For`, `-Proto`, `-Host`, `-Port`: no standard, the custom of most proxies.
//!
//! Addresses are appended on the right. Of the others a proxy writes one value; where there are several, the
//! last is its.

use std::net::IpAddr;

use http::HeaderMap;

use super::{
    Chain, LONGEST_CHAIN, X_FORWARDED_FOR, X_FORWARDED_HOST, X_FORWARDED_PORT, X_FORWARDED_PROTO,
};

pub(super) fn read(headers: &HeaderMap) -> Chain {
    let scheme = last(headers, X_FORWARDED_PROTO).and_then(super::scheme);
    let port = last(headers, X_FORWARDED_PORT).and_then(|port| port.parse().ok());
    Chain {
        addresses: addresses(headers).take(LONGEST_CHAIN).collect(),
        scheme,
        host: last(headers, X_FORWARDED_HOST).and_then(|host| super::host(host, scheme, port)),
    }
}

/// From the right; several fields are one list (RFC 9110 section 5.3).
fn addresses(headers: &HeaderMap) -> impl Iterator<Item = Option<IpAddr>> {
    let fields = headers.get_all(X_FORWARDED_FOR);
    fields.iter().rev().flat_map(|field| {
        let elements = field.as_bytes().rsplit(|byte| *byte == b',');
        elements.map(|element| super::address(std::str::from_utf8(element).ok()?))
    })
}

fn last<'h>(headers: &'h HeaderMap, name: &'static str) -> Option<&'h str> {
    let field = headers.get_all(name).iter().next_back()?.as_bytes();
    let element = field.rsplit(|byte| *byte == b',').next()?;
    let text = std::str::from_utf8(element).ok()?;
    Some(text.trim_matches([' ', '\t']))
}
