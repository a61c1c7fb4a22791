//! Each option reaches what it is for, from its variable to the wire.

use std::ffi::OsString;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{Method, Response};
use tower_sso::session::Lifetime;
use tower_sso::simulator::{Endpoint, Fault, LoginChoice};
use tower_sso::{CookieKey, Page as OwnPage, SsoBuilder};
use url::Url;

use crate::support::{App, SameSite, Wire};

const KEY: &str = "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY";
const OTHER_KEY: &str = "ZmVkY2JhOTg3NjU0MzIxMGZlZGNiYTk4NzY1NDMyMTA";

type Vars<'a> = &'a [(&'a str, &'a str)];

/// What every app needs, and `vars`; an empty value takes one away.
fn from_vars(vars: Vars<'_>) -> SsoBuilder {
    let needed = [
        ("SSO_ISSUER", App::IDP),
        ("SSO_CLIENT_ID", App::CLIENT),
        ("SSO_CLIENT_SECRET", App::SECRET),
        ("SSO_BASE_URL", App::URL),
        ("SSO_COOKIE_KEY", KEY),
    ];
    let lookup = |name: &str| {
        let mut set = vars.iter().chain(&needed);
        let found = set.find(|(own, _)| *own == name);
        found.map(|(_, value)| OsString::from(*value))
    };
    SsoBuilder::from_lookup(lookup).unwrap()
}

/// An app that is set up by variables, and what it says to the provider.
fn recorded(vars: Vars<'_>) -> (App, Wire) {
    let mut app = App::new();
    let wire = start(&mut app, from_vars(vars));
    (app, wire)
}

fn app(vars: Vars<'_>) -> App {
    recorded(vars).0
}

/// Lets another set-up serve the app's routes from now on.
fn start(app: &mut App, builder: SsoBuilder) -> Wire {
    let wire = Wire::default();
    wire.connect(app.simulator.router());
    let builder = builder.clock(Arc::new(app.clock.clone()));
    let builder = builder.http_client(Arc::new(wire.clone()));
    app.sso = builder.build().unwrap();
    app.serve(app.sso.into_axum(app.routes()));
    wire
}

/// The values that a request for `path` takes to the provider under `name`.
async fn asks(app: &App, path: &str, name: &str) -> Vec<String> {
    let page = app.visit(path).no_follow().await;
    let url = page.location().unwrap();
    assert!(url.as_str().starts_with(App::IDP), "{url}");
    values(&url, name)
}

fn values(url: &Url, name: &str) -> Vec<String> {
    let pairs = url.query_pairs().filter(|(own, _)| own == name);
    pairs.map(|(_, value)| value.into_owned()).collect()
}

/// A file of this test alone.
fn file(name: &str, content: &str) -> PathBuf {
    let path = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("options-{name}"));
    std::fs::write(&path, content).unwrap();
    path
}

#[tokio::test]
async fn what_goes_to_the_provider_with_each_sign_in() {
    for (variable, value, parameter, sent) in [
        (
            "SSO_SCOPES",
            "openid groups  email",
            "scope",
            "openid groups email",
        ),
        ("SSO_SCOPES", "groups", "scope", "openid groups"),
        ("SSO_MAX_AGE", "7200", "max_age", "7200"),
        ("SSO_ACR_VALUES", "urn:a urn:b", "acr_values", "urn:a urn:b"),
        ("SSO_UI_LOCALES", "de-AT de", "ui_locales", "de-AT de"),
        (
            "SSO_RESPONSE_MODE",
            "form_post",
            "response_mode",
            "form_post",
        ),
        ("SSO_CLIENT_ID", "another", "client_id", "another"),
        (
            "SSO_AUTH_PATH",
            "/own/path",
            "redirect_uri",
            "https://app.example.com/own/path/callback",
        ),
        (
            "SSO_BASE_URL",
            App::PREFIXED,
            "redirect_uri",
            "https://app.example.com/app/auth/callback",
        ),
    ] {
        let app = app(&[(variable, value)]);
        assert_eq!(
            asks(&app, "/protected", parameter).await,
            [sent],
            "{variable}"
        );
    }
}

#[tokio::test]
async fn nothing_goes_to_the_provider_that_was_not_set() {
    let app = app(&[("SSO_UI_LOCALES", "")]);
    for parameter in ["max_age", "acr_values", "ui_locales", "response_mode"] {
        assert_eq!(
            asks(&app, "/protected", parameter).await,
            [""; 0],
            "{parameter}"
        );
    }
}

#[tokio::test]
async fn max_age_holds_the_provider_to_it() {
    let app = app(&[("SSO_MAX_AGE", "300")]);
    assert_eq!(
        asks(&app, "/recent", "max_age").await,
        ["60"],
        "a policy that asks for less comes first"
    );
    let long_ago = 1_800_000_000 - 1000;
    app.idp().set_fault(Fault::IdTokenClaim(
        "auth_time".into(),
        Some(long_ago.into()),
    ));
    let page = app.visit("/protected").await;
    assert_eq!(page.url.path(), "/auth/callback", "{}", page.html());
    assert_eq!(app.session_cookie(), None);
}

#[tokio::test]
async fn mfa_acr_values_are_asked_for_and_count_as_two_factors() {
    let app = app(&[("SSO_MFA_ACR_VALUES", "urn:example:gold urn:example:other")]);
    assert_eq!(
        asks(&app, "/mfa", "acr_values").await,
        ["urn:example:gold urn:example:other"]
    );
    assert_eq!(asks(&app, "/protected", "acr_values").await, [""; 0]);
    let gold = LoginChoice::new("alice").with_amr(["pwd"]);
    app.idp()
        .set_default_login(gold.with_acr("urn:example:gold"));
    let page = app.sign_in("/mfa").await;
    assert_eq!(page.json()["amr"], serde_json::json!(["pwd"]));
}

#[tokio::test]
async fn userinfo_is_asked_when_it_is_on() {
    for (vars, calls) in [
        (&[("SSO_USERINFO", "on")][..], 1),
        (&[("SSO_USERINFO", "off")], 0),
        (&[], 0),
    ] {
        let app = app(vars);
        app.sign_in("/protected").await;
        assert_eq!(app.idp().requests(Endpoint::UserInfo), calls, "{vars:?}");
    }
}

#[tokio::test]
async fn the_client_proves_itself_as_it_was_told() {
    for (method, header, in_body) in [
        ("auto", true, false),
        ("client_secret_basic", true, false),
        ("client_secret_post", false, true),
        ("none", false, false),
    ] {
        let (app, wire) = recorded(&[("SSO_CLIENT_AUTH", method)]);
        app.visit("/protected").await;
        let call = wire.only_call("/token");
        let secret = form_urlencoded::parse(call.body()).find(|(own, _)| own == "client_secret");
        assert_eq!(
            call.headers().contains_key("authorization"),
            header,
            "{method}"
        );
        assert_eq!(
            secret.map(|(_, value)| value == App::SECRET),
            in_body.then_some(true),
            "{method}"
        );
    }
}

#[tokio::test]
async fn an_answer_by_form_signs_in() {
    let app = app(&[("SSO_RESPONSE_MODE", "form_post")]);
    let form = app.visit("/protected").await;
    let page = form.auto_submit().await;
    assert_eq!(page.url.path(), "/protected", "{}", page.html());
    assert_eq!(page.json()["sub"], "alice");
}

#[tokio::test]
async fn a_session_lives_as_long_as_it_was_told() {
    let app = app(&[("SSO_IDLE_SECONDS", "120"), ("SSO_ABSOLUTE_SECONDS", "300")]);
    app.sign_in("/protected").await;
    let session = app.visit("/auth/session").await.json();
    assert_eq!(session["idle_seconds"], 120);
    assert_eq!(session["absolute_seconds"], 300);
    for (seconds, status) in [(119, 200), (119, 200), (61, 200), (1, 303)] {
        app.clock.advance(Duration::from_secs(seconds));
        let page = app.visit("/protected").no_follow().await;
        assert_eq!(page.status, status, "absolute");
    }
    app.sign_in("/protected").await;
    app.clock.advance(Duration::from_secs(120));
    assert_eq!(
        app.visit("/protected").no_follow().await.status,
        303,
        "idle"
    );

    let by_code = App::with(|builder| {
        builder.lifetime(Lifetime {
            idle: Duration::from_secs(7),
            absolute: Duration::from_secs(9),
        })
    });
    by_code.sign_in("/protected").await;
    let session = by_code.visit("/auth/session").await.json();
    assert_eq!(
        (&session["idle_seconds"], &session["absolute_seconds"]),
        (&7.into(), &9.into())
    );
}

#[tokio::test]
async fn the_endpoints_are_where_they_were_put() {
    let app = app(&[("SSO_AUTH_PATH", "/own/path")]);
    app.sign_in("/protected").await;
    assert_eq!(
        app.visit("/own/path/session").await.json()["signed_in"],
        true
    );
    assert_eq!(app.visit("/auth/session").await.status, 404);
    let home = app.visit("/").await;
    let page = home
        .browser
        .stranger()
        .visit(&format!("{}/", App::URL))
        .await;
    let problem = page.fetch("/protected").await.json();
    assert_eq!(problem["login_url"], "/own/path/login?return_to=%2F");
    let page = app.visit("/own/path/logout").await;
    let page = page.submit(&page.only_form()).await;
    assert_eq!(page.url.path(), "/own/path/logged-out", "{}", page.html());
    assert_eq!((page.status.as_u16(), app.session_cookie()), (200, None));
}

#[tokio::test]
async fn pages_of_listed_origins_may_use_the_session() {
    let app = app(&[(
        "SSO_ALLOWED_ORIGINS",
        "https://admin.example.com https://tools.example.com:8443",
    )]);
    app.sign_in("/protected").await;
    for (origin, status) in [
        ("https://admin.example.com", 200),
        ("https://tools.example.com:8443", 200),
        ("https://tools.example.com", 403),
        ("https://other.example.com", 403),
    ] {
        let page = axum::Router::new().route("/", axum::routing::get(|| async { "other" }));
        app.browser.serve(origin, page);
        let other = app.browser.visit(&format!("{origin}/")).await;
        let transfer = format!("{}/transfer", App::URL);
        let sent = other.fetch(&transfer).method(Method::POST);
        assert_eq!(sent.with_credentials().await.status, status, "{origin}");
    }
}

#[tokio::test]
async fn all_cookies_have_the_name_that_was_chosen() {
    let by_variable = app(&[("SSO_COOKIE_NAME", "__Host-own")]);
    let by_code = App::with(|builder| builder.cookie_name("__Host-own"));
    for app in [by_variable, by_code] {
        let page = app.sign_in("/protected").await;
        let lines = page.set_cookies();
        assert!(
            lines
                .iter()
                .all(|line| line.starts_with("__Host-own") || !line.starts_with("__Host-")),
            "{lines:?}"
        );
        let session = app.browser.cookie("__Host-own").unwrap();
        assert_eq!(session.same_site, SameSite::Lax);
        assert_eq!(app.visit("/protected").no_follow().await.status, 200);
        assert_eq!(app.session_cookie(), None, "not the usual one");
    }
}

#[tokio::test]
async fn secrets_may_come_from_files_and_a_line_end_is_no_part_of_them() {
    let secret = file("secret", &format!("{}\r\n", App::SECRET));
    let key = file("key", &format!("{KEY}\n"));
    let mut app = app(&[
        ("SSO_CLIENT_SECRET", ""),
        ("SSO_CLIENT_SECRET_FILE", secret.to_str().unwrap()),
        ("SSO_COOKIE_KEY", ""),
        ("SSO_COOKIE_KEY_FILE", key.to_str().unwrap()),
    ]);
    app.sign_in("/protected").await;
    app.browser.clear_cookies();
    let callback = app.until_callback("/protected").await;
    start(&mut app, from_vars(&[("SSO_COOKIE_KEY", KEY)]));
    let page = app.browser.visit(&callback).await;
    assert_eq!(page.url.path(), "/protected", "the same key as in the file");
}

#[tokio::test]
async fn a_key_is_changed_without_failing_anybody() {
    let (old, new) = (KEY, OTHER_KEY);
    let both = format!("{new},{old}");
    for (begun, finished, works) in [
        (old, both.as_str(), true),
        (&both, both.as_str(), true),
        (&both, new, true),
        (&both, old, false),
        (old, new, false),
    ] {
        let mut app = app(&[("SSO_COOKIE_KEY", begun)]);
        let callback = app.until_callback("/protected").await;
        start(&mut app, from_vars(&[("SSO_COOKIE_KEY", finished)]));
        let page = app.browser.visit(&callback).await;
        let expected = if works {
            "/protected"
        } else {
            "/auth/callback"
        };
        assert_eq!(page.url.path(), expected, "{}", page.html());
        assert_eq!(app.session_cookie().is_some(), works);
    }
}

#[tokio::test]
async fn an_old_key_that_was_added_in_code_opens_and_does_not_seal() {
    let only = |key| from_vars(&[("SSO_COOKIE_KEY", key)]);
    let both = || {
        let key = |text| CookieKey::from_base64(text).unwrap();
        let builder = from_vars(&[]).cookie_key(key(OTHER_KEY));
        builder.add_old_cookie_key(key(KEY))
    };
    for (begun, finished) in [(only(KEY), both()), (both(), only(OTHER_KEY))] {
        let mut app = App::new();
        start(&mut app, begun);
        let callback = app.until_callback("/protected").await;
        start(&mut app, finished);
        let page = app.browser.visit(&callback).await;
        assert_eq!(page.url.path(), "/protected", "{}", page.html());
    }
}

#[tokio::test]
async fn parameters_of_the_providers_own_go_along() {
    let app = App::with(|builder| {
        builder
            .add_parameter("hd", "example.com")
            .add_parameter("kc_idp_hint", "a&b")
    });
    assert_eq!(asks(&app, "/protected", "hd").await, ["example.com"]);
    assert_eq!(asks(&app, "/protected", "kc_idp_hint").await, ["a&b"]);
}

#[tokio::test]
async fn the_apps_own_pages_are_shown_for_refusals_and_by_the_endpoints() {
    fn own(page: &OwnPage) -> Response<Bytes> {
        Response::builder()
            .header("content-type", "text/plain")
            .body(format!("own {:?}: {}", page.kind, page.title).into())
            .unwrap()
    }
    let app = App::with(|builder| builder.pages(own));
    let callback = app.visit("/auth/callback?code=x&state=y").await;
    assert_eq!(callback.status, 400);
    assert!(callback.html().starts_with("own UnknownAttempt: "));
    let malformed = app.visit("/auth/callback").await;
    assert_eq!(malformed.status, 400);
    assert!(malformed.html().starts_with("own "), "{}", malformed.html());
    app.sign_in("/protected").await;
    let refused = app.visit("/admin").await;
    assert_eq!(refused.status, 403);
    assert!(refused.html().starts_with("own Forbidden: "));
    assert_eq!(
        refused.header("x-content-type-options").as_deref(),
        Some("nosniff")
    );
    let asked = app.visit("/auth/logout").await;
    assert!(asked.html().starts_with("own SignOut: "));
}
