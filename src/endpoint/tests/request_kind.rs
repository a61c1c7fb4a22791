//! Who asks, by the table "who gets what", said a second time.

use http::Method;
use proptest::collection::vec;
use proptest::prelude::*;

use super::super::request_kind::RequestKind::{self, *};
use super::header_map;

type Fields = Vec<(&'static str, Vec<u8>)>;

/// What browsers, libraries and nobody send in each field.
const VALUES: &[(&str, &[&str])] = &[
    (
        "accept",
        &[
            "text/html",
            "*/*",
            "TEXT/HTML;q=0.9",
            "application/json, text/html",
            "application/xhtml+xml",
            "text/html-fragment",
            "x/text/html",
            "text/event-stream",
            "*/*, Text/Event-Stream;q=1",
            "text/*",
            "",
        ],
    ),
    (
        "sec-fetch-mode",
        &[
            "navigate",
            "cors",
            "no-cors",
            "same-origin",
            "websocket",
            "Navigate",
            "navigate, cors",
            "",
        ],
    ),
    (
        "sec-fetch-dest",
        &[
            "document", "iframe", "frame", "embed", "object", "empty", "image", "IFRAME", "",
        ],
    ),
    (
        "sec-purpose",
        &[
            "prefetch",
            "prefetch;prerender",
            "prefetch;anonymous-client-ip",
            "other",
            "",
        ],
    ),
    ("purpose", &["prefetch", "preview"]),
    ("hx-request", &["true", "false", ""]),
    ("x-requested-with", &["XMLHttpRequest", "", "x"]),
    (
        "upgrade",
        &[
            "websocket",
            "WebSocket",
            "h2c, websocket",
            "h2c",
            "websockets",
        ],
    ),
    ("sec-websocket-key", &["dGhlIHNhbXBsZSBub25jZQ==", ""]),
    ("sec-websocket-version", &["13"]),
    (
        "content-type",
        &[
            "application/grpc",
            "application/grpc+proto",
            "application/grpc-web",
            "Application/gRPC; x=1",
            "application/grpcx",
            "application/grpc-web-text+proto",
            "application/grpc-website",
            "application/x-www-form-urlencoded",
            "Multipart/Form-Data; boundary=x",
            "text/plain ;charset=utf-8",
            "application/json",
            "",
        ],
    ),
];

fn fields() -> impl Strategy<Value = Fields> {
    // Few names and mostly good values first, so that fields come twice and rules meet.
    let usual = prop::sample::select(&VALUES[..3]);
    let name = prop_oneof![2 => usual, 1 => prop::sample::select(VALUES)];
    let field = name.prop_flat_map(|(name, values)| {
        let value = prop_oneof![
            6 => Just(values[0].as_bytes().to_vec()),
            12 => prop::sample::select(values).prop_map(|value| value.as_bytes().to_vec()),
            1 => vec(prop_oneof![Just(0xff_u8), Just(b'\t'), b' '..=b'~', 0x80_u8..], 0..6),
        ];
        value.prop_map(move |value| (name, value))
    });
    vec(field, 0..7)
}

fn methods() -> impl Strategy<Value = Method> {
    let other = [
        "HEAD", "PUT", "PATCH", "DELETE", "OPTIONS", "CONNECT", "PURGE",
    ];
    prop_oneof![
        4 => Just(Method::GET),
        2 => Just(Method::POST),
        2 => prop::sample::select(other.to_vec()).prop_map(|name| name.parse().unwrap()),
    ]
}

fn values<'a>(fields: &'a Fields, name: &str) -> Vec<&'a [u8]> {
    let own = fields.iter().filter(|(own, _)| *own == name);
    own.map(|(_, value)| value.trim_ascii()).collect()
}

/// The members of a list that may be spread over several fields (RFC 9110 section 5.3), without parameters.
fn members(fields: &Fields, name: &str) -> Vec<String> {
    let joined = values(fields, name).join(&b","[..]);
    let text: String = joined.iter().map(|byte| char::from(*byte)).collect();
    text.split(',')
        .map(|member| {
            member
                .split(';')
                .next()
                .unwrap_or_default()
                .trim()
                .to_ascii_lowercase()
        })
        .collect()
}

fn expected(method: &Method, fields: &Fields) -> RequestKind {
    let has = |name: &str, wanted: &[&str]| {
        members(fields, name)
            .iter()
            .any(|one| wanted.contains(&one.as_str()))
    };
    let any = |name: &str, wanted: &str| values(fields, name).contains(&wanted.as_bytes());
    let there = |name: &str| !values(fields, name).is_empty();
    let prefetches = ["sec-purpose", "purpose"].iter().any(|name| {
        values(fields, name)
            .iter()
            .any(|value| value.starts_with(b"prefetch"))
    });
    let modes = values(fields, "sec-fetch-mode");
    let reads = matches!(method.as_str(), "GET" | "HEAD");
    let posts = method == Method::POST;
    let content_type = values(fields, "content-type")
        .first()
        .copied()
        .unwrap_or_default();
    let content_type = members(
        &vec![("content-type", content_type.to_vec())],
        "content-type",
    )
    .swap_remove(0);
    let framed = ["iframe", "frame", "embed", "object"]
        .iter()
        .any(|dest| any("sec-fetch-dest", dest));
    let grpc = content_type
        .strip_prefix("application/grpc")
        .is_some_and(|rest| {
            let format = rest.split('+').next().unwrap_or_default();
            ["", "-web", "-web-text"].contains(&format.trim_end())
        });
    let web_socket = there("sec-websocket-key")
        || there("sec-websocket-version")
        || any("sec-fetch-mode", "websocket");
    let form = [
        "application/x-www-form-urlencoded",
        "multipart/form-data",
        "text/plain",
    ]
    .contains(&content_type.as_str());
    match () {
        () if grpc => Grpc,
        () if web_socket
            || has("upgrade", &["websocket"])
            || has("accept", &["text/event-stream"]) =>
        {
            Stream
        }
        () if prefetches => Prefetch,
        () if any("hx-request", "true") => Htmx,
        () if !modes.is_empty() && modes.iter().any(|mode| *mode != b"navigate") => Script,
        () if !modes.is_empty() && framed => FramedNavigation,
        () if !modes.is_empty() && reads => Navigation,
        () if !modes.is_empty() && posts => FormPost,
        () if !modes.is_empty() || there("x-requested-with") => Script,
        () if !has("accept", &["text/html", "application/xhtml+xml"]) => Script,
        () if reads => Navigation,
        () if posts && form => FormPost,
        () => Script,
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4096))]

    #[test]
    fn each_request_is_of_the_kind_that_the_table_says(method in methods(), fields in fields()) {
        let kind = RequestKind::of(&method, &header_map(&fields));
        prop_assert_eq!(kind, expected(&method, &fields));
    }

    /// Whatever comes beside: what a browser fetches by itself or for a script never starts a sign-in.
    #[test]
    fn what_is_not_a_persons_click_is_no_navigation(
        mut fields in fields(),
        telling in prop::sample::select(&[
            ("sec-purpose", "prefetch"), ("sec-purpose", "prefetch;prerender"), ("purpose", "prefetch"),
            ("sec-fetch-mode", "cors"), ("sec-fetch-mode", "no-cors"), ("sec-fetch-mode", "same-origin"),
            ("sec-fetch-mode", "websocket"), ("hx-request", "true"), ("upgrade", "websocket"),
            ("accept", "text/event-stream"), ("content-type", "application/grpc"),
        ][..]),
        place in any::<prop::sample::Index>(),
    ) {
        // Of content types only the first counts.
        fields.retain(|(name, _)| *name != "content-type");
        let at = place.index(fields.len() + 1);
        fields.insert(at, (telling.0, telling.1.as_bytes().to_vec()));
        for method in [Method::GET, Method::HEAD, Method::POST] {
            let kind = RequestKind::of(&method, &header_map(&fields));
            prop_assert!(!matches!(kind, Navigation | FramedNavigation | FormPost), "{kind:?}");
        }
    }

    /// Without Fetch Metadata it takes a method that reads, html, and no script that names itself.
    #[test]
    fn a_script_that_names_itself_is_no_navigation(
        mut fields in fields(),
        itself in vec(prop_oneof![b' '..=b'~', 0x80_u8..], 0..4),
    ) {
        fields.retain(|(name, _)| *name != "sec-fetch-mode");
        fields.push(("x-requested-with", itself));
        let kind = RequestKind::of(&Method::GET, &header_map(&fields));
        prop_assert!(kind != Navigation, "{kind:?}");
    }
}
