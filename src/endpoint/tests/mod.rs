//! Properties of what is read from headers that anybody may send.

mod cross_site;
mod request_kind;

use http::{HeaderMap, HeaderName, HeaderValue};

/// Header fields in their order, with any bytes that HTTP lets pass (RFC 9110 section 5.5).
fn header_map(fields: &[(&'static str, Vec<u8>)]) -> HeaderMap {
    let mut map = HeaderMap::new();
    for (name, value) in fields {
        let value = HeaderValue::from_bytes(value).unwrap();
        map.append(HeaderName::from_static(name), value);
    }
    map
}
