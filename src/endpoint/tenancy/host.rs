//! The host that a browser asked for.

use std::borrow::Cow;

use http::{HeaderMap, Request, header};

use crate::forwarded::{PeerAddress, Proxies};

/// The host as it was written: what a trusted proxy says, else what the request does. `None` where that is not said,
/// said twice, or not the same in the target and in the field, of which others may read the one that we do not (RFC
/// 9112 section 3.2, RFC 9113 section 8.3.1). `plain` is the form in which hosts are compared.
pub(super) fn of_request<'r, B>(
    request: &'r Request<B>,
    proxies: &Proxies,
    peer: Option<PeerAddress>,
    plain: impl Fn(Cow<'r, str>) -> Option<Cow<'r, str>>,
) -> Option<Cow<'r, str>> {
    if let Some(host) = proxies.read(peer, request.headers()).host {
        return plain(Cow::Owned(host));
    }
    let target = request.uri().authority().map(http::uri::Authority::as_str);
    match (target, field(request.headers())?) {
        (Some(target), Some(field)) => {
            let (target, field) = (plain(target.into())?, plain(field.into())?);
            (target == field).then_some(target)
        }
        (Some(host), None) | (None, Some(host)) => plain(host.into()),
        (None, None) => None,
    }
}

/// The `Host` field; `None` where there are two, or one that can't be read.
fn field(headers: &HeaderMap) -> Option<Option<&str>> {
    let mut values = headers.get_all(header::HOST).iter();
    match (values.next(), values.next()) {
        (Some(host), None) => host.to_str().ok().map(Some),
        (None, _) => Some(None),
        (Some(_), Some(_)) => None,
    }
}
