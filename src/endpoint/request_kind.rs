//! What sort of request stands behind a refusal, and so what answer it can use.

use http::{HeaderMap, HeaderName, Method, header};

use super::grpc;

/// Who asks, as far as headers tell.
///
/// Rules, first match wins:
/// 1. `Content-Type` of gRPC or gRPC-Web → gRPC.
/// 2. `Upgrade: websocket`, `Sec-Fetch-Mode: websocket`, `Sec-WebSocket-Key`, or `Accept: text/event-stream` → a stream.
/// 3. `Sec-Purpose` or `Purpose` that begins with `prefetch` → a prefetch.
/// 4. `HX-Request: true` → htmx.
/// 5. With Fetch Metadata: `navigate` is a navigation (in a frame if the destination is one; a form POST if
///    the method is POST), anything else a script, also what can't be read or comes twice.
/// 6. Without it: GET or HEAD whose `Accept` names html, without `X-Requested-With`, is a navigation, and
///    a POST of a form content type that accepts html is a form POST; anything else a script.
///
/// A field may come several times (RFC 9110 section 5.3): what makes a request less than a navigation counts
/// wherever it stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum RequestKind {
    /// A person looks at a page.
    Navigation,
    /// The same inside a frame, where providers do not let themselves be shown.
    FramedNavigation,
    /// A form that a person sent.
    FormPost,
    /// The browser fetches ahead of a person who may never come.
    Prefetch,
    /// fetch, XHR, or a program.
    Script,
    /// htmx, which follows `HX-Redirect`.
    Htmx,
    /// A WebSocket or an event stream.
    Stream,
    /// A gRPC call.
    Grpc,
}

impl RequestKind {
    pub(crate) fn of(method: &Method, headers: &HeaderMap) -> Self {
        if grpc::answer_type(headers).is_some() {
            return Self::Grpc;
        }
        if is_web_socket(headers) || names(headers, &header::ACCEPT, "text/event-stream") {
            return Self::Stream;
        }
        let prefetches = |purpose: &[u8]| purpose.starts_with(b"prefetch");
        if any(headers, "sec-purpose", prefetches) || any(headers, "purpose", prefetches) {
            return Self::Prefetch;
        }
        if any(headers, "hx-request", |value| value == b"true") {
            return Self::Htmx;
        }
        if headers.contains_key("sec-fetch-mode") {
            Self::by_fetch_metadata(method, headers)
        } else {
            Self::by_accept(method, headers)
        }
    }

    fn by_fetch_metadata(method: &Method, headers: &HeaderMap) -> Self {
        let is_frame = |dest: &[u8]| matches!(dest, b"iframe" | b"frame" | b"embed" | b"object");
        if any(headers, "sec-fetch-mode", |mode| mode != b"navigate") {
            Self::Script
        } else if any(headers, "sec-fetch-dest", is_frame) {
            Self::FramedNavigation
        } else if reads(method) {
            Self::Navigation
        } else if method == Method::POST {
            Self::FormPost
        } else {
            Self::Script
        }
    }

    fn by_accept(method: &Method, headers: &HeaderMap) -> Self {
        let html = ["text/html", "application/xhtml+xml"];
        let reads_html = html
            .iter()
            .any(|html| names(headers, &header::ACCEPT, html));
        if headers.contains_key("x-requested-with") || !reads_html {
            Self::Script
        } else if reads(method) {
            Self::Navigation
        } else if method == Method::POST && is_form(content_type(headers)) {
            Self::FormPost
        } else {
            Self::Script
        }
    }
}

/// Whether this asks for a WebSocket (RFC 6455 section 4.1; RFC 8441 for HTTP/2).
pub(crate) fn is_web_socket(headers: &HeaderMap) -> bool {
    names(headers, &header::UPGRADE, "websocket")
        || headers.contains_key(header::SEC_WEBSOCKET_KEY)
        || headers.contains_key(header::SEC_WEBSOCKET_VERSION)
        || any(headers, "sec-fetch-mode", |mode| mode == b"websocket")
}

fn reads(method: &Method) -> bool {
    method == Method::GET || method == Method::HEAD
}

/// Whether one of a field's values fits.
fn any(headers: &HeaderMap, name: &str, fits: impl Fn(&[u8]) -> bool) -> bool {
    let mut values = headers.get_all(name).iter();
    values.any(|value| fits(value.as_bytes()))
}

/// Whether a list names this member, whatever its parameters. What else is in the list may be any bytes.
fn names(headers: &HeaderMap, list: &HeaderName, member: &str) -> bool {
    any(headers, list.as_str(), |value| {
        let mut members = value.split(|byte| *byte == b',');
        members.any(|own| essence(own).eq_ignore_ascii_case(member.as_bytes()))
    })
}

fn content_type(headers: &HeaderMap) -> &[u8] {
    let value = headers.get(header::CONTENT_TYPE);
    essence(value.map(|value| value.as_bytes()).unwrap_or_default())
}

/// What stands before the parameters.
fn essence(value: &[u8]) -> &[u8] {
    let end = value.iter().position(|byte| *byte == b';');
    value[..end.unwrap_or(value.len())].trim_ascii()
}

fn is_form(content_type: &[u8]) -> bool {
    [
        "application/x-www-form-urlencoded",
        "multipart/form-data",
        "text/plain",
    ]
    .iter()
    .any(|form| content_type.eq_ignore_ascii_case(form.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    type Headers = &'static [(&'static str, &'static str)];

    #[test]
    fn each_row_of_the_table() {
        use RequestKind::*;
        let rows: &[(&str, Headers, RequestKind)] = &[
            (
                "GET",
                &[
                    ("sec-fetch-mode", "navigate"),
                    ("sec-fetch-dest", "document"),
                ],
                Navigation,
            ),
            ("HEAD", &[("sec-fetch-mode", "navigate")], Navigation),
            ("GET", &[("accept", "text/html,*/*;q=0.8")], Navigation),
            ("GET", &[("accept", "TEXT/HTML")], Navigation),
            (
                "GET",
                &[
                    ("accept", "text/html"),
                    ("x-requested-with", "XMLHttpRequest"),
                ],
                Script,
            ),
            ("GET", &[("accept", "*/*")], Script),
            ("GET", &[], Script),
            (
                "GET",
                &[("accept", "text/html"), ("sec-fetch-mode", "cors")],
                Script,
            ),
            (
                "GET",
                &[("sec-fetch-mode", "navigate"), ("sec-fetch-dest", "iframe")],
                FramedNavigation,
            ),
            (
                "POST",
                &[("sec-fetch-mode", "navigate"), ("sec-fetch-dest", "iframe")],
                FramedNavigation,
            ),
            (
                "POST",
                &[
                    ("sec-fetch-mode", "navigate"),
                    ("sec-fetch-dest", "document"),
                ],
                FormPost,
            ),
            (
                "POST",
                &[
                    ("accept", "text/html"),
                    ("content-type", "application/x-www-form-urlencoded"),
                ],
                FormPost,
            ),
            (
                "POST",
                &[
                    ("accept", "text/html"),
                    ("content-type", "application/json"),
                ],
                Script,
            ),
            ("PUT", &[("accept", "text/html")], Script),
            (
                "GET",
                &[
                    ("sec-purpose", "prefetch;prerender"),
                    ("sec-fetch-mode", "navigate"),
                ],
                Prefetch,
            ),
            (
                "GET",
                &[("purpose", "prefetch"), ("accept", "text/html")],
                Prefetch,
            ),
            (
                "GET",
                &[("hx-request", "true"), ("sec-fetch-mode", "cors")],
                Htmx,
            ),
            (
                "GET",
                &[("upgrade", "WebSocket"), ("accept", "text/html")],
                Stream,
            ),
            ("GET", &[("accept", "text/event-stream")], Stream),
            ("POST", &[("content-type", "application/grpc")], Grpc),
            ("POST", &[("content-type", "application/grpc+proto")], Grpc),
            (
                "POST",
                &[("content-type", "application/grpc-web-text")],
                Grpc,
            ),
            (
                "POST",
                &[("content-type", "application/grpcx"), ("accept", "*/*")],
                Script,
            ),
        ];
        for (method, headers, kind) in rows {
            let mut map = HeaderMap::new();
            for (name, value) in *headers {
                map.insert(
                    header::HeaderName::from_bytes(name.as_bytes()).unwrap(),
                    value.parse().unwrap(),
                );
            }
            assert_eq!(
                RequestKind::of(&method.parse().unwrap(), &map),
                *kind,
                "{method} {headers:?}"
            );
        }
    }
}
