//! What stands in a cell of the table, word for word: status, the headers that tell something, the body.

use bytes::Bytes;
use http::{HeaderMap, Response, header};
use serde_json::Value;
use tower_sso::{Rejection, RejectionKind};

use crate::support::App;

/// What a request gets in the place of its handler's answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Gets {
    /// 303 to the provider.
    Redirect,
    /// 401, a page whose only link signs in outside of the frame.
    Link,
    /// 401, and nothing but a line of text.
    Bare,
    /// 401 as `application/problem+json`.
    Problem,
    /// The same with `HX-Redirect`.
    Htmx,
    /// 403, a page that says what is missing.
    Page403,
    /// 403 as `application/problem+json`.
    Problem403,
    /// 503, a page.
    Page503,
    /// 503, and a line of text.
    Bare503,
    /// A gRPC status in the trailers-only form.
    Grpc(u8),
}

/// Why the request was refused: the columns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Why {
    Nobody,
    /// The policy of `/acr`, `/recent` or `/mfa` is not met.
    Weak(&'static str),
    NotAllowed,
    StoreDown,
    ProviderDown,
}

impl Why {
    /// The path whose policy refuses for this reason.
    pub(super) fn path(self) -> &'static str {
        match self {
            Self::Nobody | Self::StoreDown | Self::ProviderDown => "/protected",
            Self::Weak(path) => path,
            Self::NotAllowed => "/admin",
        }
    }

    fn kind(self) -> RejectionKind {
        match self {
            Self::Nobody | Self::ProviderDown => RejectionKind::SignIn,
            Self::Weak(_) => RejectionKind::StepUp,
            Self::NotAllowed => RejectionKind::Forbidden,
            Self::StoreDown => RejectionKind::Unavailable,
        }
    }

    /// What the login endpoint is asked for besides a sign-in.
    fn demand(self) -> &'static str {
        match self {
            Self::Weak("/acr") => "&acr_values=urn%3Aexample%3Agold",
            Self::Weak("/recent") => "&max_age=60",
            Self::Weak("/mfa") => "&multi_factor=true",
            _ => "",
        }
    }
}

/// Headers that mean something to whoever was refused; of these a cell has exactly its own.
const TELLING: [&str; 9] = [
    "cache-control",
    "content-type",
    "grpc-status",
    "hx-redirect",
    "location",
    "retry-after",
    "set-cookie",
    "vary",
    "www-authenticate",
];

/// Checks a whole answer. `back` is where a sign-in has to return to; `content_type` what a gRPC caller sent.
pub(super) fn check(
    gets: Gets,
    why: Why,
    back: &str,
    content_type: &str,
    response: &Response<Bytes>,
) {
    let rejection = response.extensions().get::<Rejection>().unwrap();
    assert_eq!(rejection.kind(), why.kind());
    let status = match gets {
        Gets::Redirect => 303,
        Gets::Link | Gets::Bare | Gets::Problem | Gets::Htmx => 401,
        Gets::Page403 | Gets::Problem403 => 403,
        Gets::Page503 | Gets::Bare503 => 503,
        Gets::Grpc(_) => 200,
    };
    assert_eq!(response.status(), status);
    check_headers(gets, content_type, response.headers());
    let login_url = format!("/auth/login?{}{}", return_to(back), why.demand());
    if let Gets::Htmx = gets {
        assert_eq!(response.headers()["hx-redirect"], login_url);
    }
    if let Gets::Redirect = gets {
        check_location(why, response.headers()[header::LOCATION].to_str().unwrap());
    }
    check_body(gets, why, &login_url, response.body());
}

fn check_headers(gets: Gets, content_type: &str, headers: &HeaderMap) {
    let mut expected = vec!["cache-control", "vary"];
    expected.extend(match gets {
        Gets::Redirect => ["location", "set-cookie"].as_slice(),
        Gets::Htmx => &["content-type", "hx-redirect"],
        Gets::Page503 | Gets::Bare503 => &["content-type", "retry-after"],
        Gets::Grpc(_) => &["content-type", "grpc-status"],
        _ => &["content-type"],
    });
    expected.sort_unstable();
    let present = TELLING.iter().filter(|name| headers.contains_key(**name));
    assert_eq!(present.copied().collect::<Vec<_>>(), expected);
    assert_eq!(headers["cache-control"], "private, no-store");
    assert_eq!(headers["vary"], "Cookie");
    if let Some(given) = headers.get("content-type") {
        let wanted = match gets {
            Gets::Link | Gets::Page403 | Gets::Page503 => "text/html; charset=utf-8",
            Gets::Problem | Gets::Htmx | Gets::Problem403 => "application/problem+json",
            Gets::Grpc(_) => content_type,
            Gets::Redirect | Gets::Bare | Gets::Bare503 => "text/plain; charset=utf-8",
        };
        assert_eq!(given, wanted);
    }
    if let Gets::Grpc(code) = gets {
        assert_eq!(headers["grpc-status"], code.to_string());
    }
    if let Some(seconds) = headers.get("retry-after") {
        let seconds: u64 = seconds.to_str().unwrap().parse().unwrap();
        assert!((1..=60).contains(&seconds));
    }
    let cookies: Vec<_> = headers.get_all("set-cookie").iter().collect();
    assert_eq!(cookies.len(), usize::from(gets == Gets::Redirect));
    for cookie in cookies {
        let own = format!("{}-login-", App::COOKIE);
        assert!(cookie.to_str().unwrap().starts_with(&own), "{cookie:?}");
    }
}

/// The authorization request asks for what was missed.
fn check_location(why: Why, location: &str) {
    assert!(location.starts_with("https://idp.example.org/authorize?"));
    let url: url::Url = location.parse().unwrap();
    let parameter = |wanted: &str| {
        let mut pairs = url.query_pairs();
        let found = pairs.find(|(name, _)| name == wanted);
        found.map(|(_, value)| value.into_owned())
    };
    let (acr, age, claims) = (
        parameter("acr_values"),
        parameter("max_age"),
        parameter("claims"),
    );
    match why {
        Why::Weak("/acr") => assert_eq!(acr.as_deref(), Some("urn:example:gold")),
        Why::Weak("/recent") => assert_eq!(age.as_deref(), Some("60")),
        Why::Weak(_) => assert!(claims.unwrap().contains("amr")),
        _ => assert_eq!((acr, age, claims), (None, None, None)),
    }
}

fn check_body(gets: Gets, why: Why, login_url: &str, body: &Bytes) {
    let text = std::str::from_utf8(body).unwrap();
    match gets {
        Gets::Redirect | Gets::Grpc(_) => assert_eq!(text, ""),
        Gets::Bare => assert_eq!(text, "sign-in is required"),
        Gets::Bare503 => assert_eq!(text, "sessions are not available now"),
        Gets::Link => {
            let href = login_url.replace('&', "&amp;");
            let link = format!(r#"<a href="{href}" target="_top">"#);
            assert!(text.contains(&link), "{link} is not in {text}");
            assert_eq!(text.matches("<a ").count(), 1);
        }
        Gets::Page403 => assert!(text.contains("admin"), "{text}"),
        Gets::Page503 => assert!(text.contains("not your fault"), "{text}"),
        Gets::Problem | Gets::Htmx => check_problem(why, login_url, text),
        Gets::Problem403 => {
            let problem: Value = serde_json::from_str(text).unwrap();
            assert_eq!(problem["status"], 403);
            assert_eq!(problem["title"], "Forbidden");
            assert!(problem["detail"].as_str().unwrap().contains("admin"));
            assert_eq!(problem.get("login_url"), None, "a sign-in would not help");
        }
    }
}

/// RFC 9457 section 3.1, with the parameters of RFC 9470 section 3 where there is a session.
fn check_problem(why: Why, login_url: &str, text: &str) {
    let problem: Value = serde_json::from_str(text).unwrap();
    assert_eq!(problem["status"], 401);
    assert_eq!(problem["title"], "Unauthorized");
    assert_eq!(problem["login_url"], login_url);
    let weak = matches!(why, Why::Weak(_));
    let error = weak.then_some("insufficient_user_authentication");
    assert_eq!(problem["error"].as_str(), error);
    let acr = (why == Why::Weak("/acr")).then_some("urn:example:gold");
    assert_eq!(problem["acr_values"].as_str(), acr);
    let age = (why == Why::Weak("/recent")).then_some(60);
    assert_eq!(problem["max_age"].as_u64(), age);
}

fn return_to(back: &str) -> String {
    form_urlencoded::Serializer::new(String::new())
        .append_pair("return_to", back)
        .finish()
}
