//! What sort of request stands behind a refusal, and so what answer it can use.

use http::{HeaderMap, Method, header};

use super::grpc;

/// Who asks, as far as headers tell.
///
/// Rules, first match wins:
/// 1. `Content-Type` of gRPC or gRPC-Web → gRPC.
/// 2. `Upgrade: websocket`, `Sec-Fetch-Mode: websocket`, `Sec-WebSocket-Key`, or `Accept: text/event-stream` → a stream.
/// 3. `Sec-Purpose` or `Purpose` that begins with `prefetch` → a prefetch.
/// 4. `HX-Request: true` → htmx.
/// 5. With Fetch Metadata: `navigate` is a navigation (in a frame if the destination is one; a form POST if
///    the method is POST), anything else a script.
/// 6. Without it: GET or HEAD whose `Accept` names html, without `X-Requested-With`, is a navigation, and
///    a POST of a form content type that accepts html is a form POST; anything else a script.
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
        let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
        if grpc::answer_type(headers).is_some() {
            return Self::Grpc;
        }
        let content_type = text(header::CONTENT_TYPE.as_str()).unwrap_or_default();
        let accept = text(header::ACCEPT.as_str())
            .unwrap_or_default()
            .to_ascii_lowercase();
        if is_web_socket(headers) || accept.contains("text/event-stream") {
            return Self::Stream;
        }
        if text("sec-purpose")
            .or_else(|| text("purpose"))
            .is_some_and(|purpose| purpose.starts_with("prefetch"))
        {
            return Self::Prefetch;
        }
        if text("hx-request") == Some("true") {
            return Self::Htmx;
        }
        let reads = method == Method::GET || method == Method::HEAD;
        match text("sec-fetch-mode") {
            Some("navigate")
                if matches!(
                    text("sec-fetch-dest"),
                    Some("iframe" | "frame" | "embed" | "object")
                ) =>
            {
                Self::FramedNavigation
            }
            Some("navigate") if reads => Self::Navigation,
            Some("navigate") if method == Method::POST => Self::FormPost,
            Some(_) => Self::Script,
            None if text("x-requested-with").is_some() => Self::Script,
            None if !accept.contains("text/html") && !accept.contains("application/xhtml+xml") => {
                Self::Script
            }
            None if reads => Self::Navigation,
            None if method == Method::POST && is_form(content_type) => Self::FormPost,
            None => Self::Script,
        }
    }
}

/// Whether this asks for a WebSocket (RFC 6455 section 4.1; RFC 8441 for HTTP/2).
pub(crate) fn is_web_socket(headers: &HeaderMap) -> bool {
    let named = |name: header::HeaderName| {
        headers
            .get_all(name)
            .iter()
            .filter_map(|value| value.to_str().ok())
            .flat_map(|value| value.split(','))
            .any(|token| token.trim().eq_ignore_ascii_case("websocket"))
    };
    named(header::UPGRADE)
        || headers.contains_key(header::SEC_WEBSOCKET_KEY)
        || headers.contains_key(header::SEC_WEBSOCKET_VERSION)
        || headers
            .get("sec-fetch-mode")
            .is_some_and(|mode| mode == "websocket")
}

fn is_form(content_type: &str) -> bool {
    let essence = content_type.split(';').next().unwrap_or_default().trim();
    [
        "application/x-www-form-urlencoded",
        "multipart/form-data",
        "text/plain",
    ]
    .iter()
    .any(|form| essence.eq_ignore_ascii_case(form))
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
