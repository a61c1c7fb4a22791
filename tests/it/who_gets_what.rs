//! The table "who gets what when not (sufficiently) signed in".

use http::Method;
use serde_json::Value;
use tower_sso::simulator::{Endpoint, Fault, LoginChoice};
use tower_sso::{BoxError, Decision, Enrichment, Identity, Rejection, RejectionKind};

use crate::support::{App, Page};

fn kind(page: &Page) -> RejectionKind {
    page.extensions.get::<Rejection>().unwrap().kind()
}

#[tokio::test]
async fn a_navigation_is_sent_to_the_provider() {
    let app = App::new();
    for path in ["/protected", "/extractor", "/mfa"] {
        let page = app.visit(path).no_follow().await;
        assert_eq!(page.status, 303, "{path}");
        assert!(
            page.location()
                .unwrap()
                .as_str()
                .starts_with("https://idp.example.org/authorize?")
        );
        assert_eq!(kind(&page), RejectionKind::SignIn);
        assert_eq!(
            page.header("cache-control").as_deref(),
            Some("private, no-store")
        );
        assert_eq!(page.header("vary").as_deref(), Some("Cookie"));
    }
    assert_eq!(app.handled(), 0);
}

#[tokio::test]
async fn an_old_client_that_accepts_html_is_a_navigation_too() {
    let app = App::new();
    let request = http::Request::get("/protected")
        .header("accept", "text/html")
        .body(axum::body::Body::empty())
        .unwrap();
    let response = tower::ServiceExt::oneshot(app.sso.into_axum(app.routes()), request)
        .await
        .unwrap();
    assert_eq!(response.status(), 303);
}

#[tokio::test]
async fn a_script_gets_a_problem_that_names_the_login_and_comes_back_to_its_page() {
    let app = App::new();
    let home = app.visit("/?tab=1").await;
    let page = home.fetch("/protected?api=1").await;
    assert_eq!(page.status, 401);
    assert_eq!(
        page.header("content-type").as_deref(),
        Some("application/problem+json")
    );
    assert_eq!(page.header("www-authenticate"), None);
    let problem = page.json();
    assert_eq!(problem["status"], 401);
    assert_eq!(problem["login_url"], "/auth/login?return_to=%2F%3Ftab%3D1");
    assert_eq!(app.attempts(), 0, "nothing is stored for a script");
}

#[tokio::test]
async fn htmx_is_told_where_to_go() {
    let app = App::new();
    let home = app.visit("/").await;
    let page = home
        .fetch("/protected")
        .header("hx-request", "true")
        .header("hx-current-url", "https://app.example.com/list?p=2")
        .await;
    assert_eq!(page.status, 401);
    assert_eq!(
        page.header("hx-redirect").as_deref(),
        Some("/auth/login?return_to=%2Flist%3Fp%3D2")
    );
    let page = home
        .fetch("/protected")
        .header("hx-request", "true")
        .header("hx-current-url", "https://evil.example/x")
        .await;
    assert_eq!(
        page.header("hx-redirect").as_deref(),
        Some("/auth/login?return_to=%2F")
    );
}

#[tokio::test]
async fn a_script_that_needs_more_is_told_how_much() {
    let app = App::new();
    let home = app.sign_in("/protected").await;
    let page = home.fetch("/acr").await;
    assert_eq!(page.status, 401);
    assert_eq!(kind(&page), RejectionKind::StepUp);
    let problem = page.json();
    assert_eq!(problem["error"], "insufficient_user_authentication");
    assert_eq!(problem["acr_values"], "urn:example:gold");
    assert!(
        problem["login_url"]
            .as_str()
            .unwrap()
            .ends_with("acr_values=urn%3Aexample%3Agold"),
        "{problem}"
    );
    app.clock.advance(std::time::Duration::from_secs(61));
    assert_eq!(home.fetch("/recent").await.json()["max_age"], 60);
}

#[tokio::test]
async fn a_form_post_signs_in_and_comes_back_to_the_form() {
    let app = App::new();
    let form = app.visit("/?form").await;
    let page = form
        .follow("/transfer")
        .method(Method::POST)
        .post_form(&[("amount", "1")])
        .await;
    assert_eq!(page.url.as_str(), "https://app.example.com/?form");
    assert_eq!(app.handled(), 0, "the form was not sent twice, nor once");
    assert!(app.session_cookie().is_some());
}

#[tokio::test]
async fn a_prefetch_gets_401_and_leaves_nothing() {
    let app = App::new();
    let page = app
        .visit("/protected")
        .header("sec-purpose", "prefetch")
        .no_follow()
        .await;
    assert_eq!(page.status, 401);
    assert!(app.browser.cookies().is_empty());
    assert_eq!(app.idp().requests(Endpoint::Authorize), 0);
}

#[tokio::test]
async fn who_may_not_gets_403_with_the_reason() {
    let app = App::new();
    app.sign_in("/protected").await;
    let page = app.visit("/admin").no_follow().await;
    assert_eq!(page.status, 403);
    assert_eq!(kind(&page), RejectionKind::Forbidden);
    assert!(page.html().contains("role"), "{}", page.html());
    let home = app.visit("/").await;
    let script = home.fetch("/admin").await;
    assert_eq!(script.status, 403);
    assert_eq!(
        script.header("content-type").as_deref(),
        Some("application/problem+json")
    );
    assert_eq!(script.json()["title"], "Forbidden");
}

#[tokio::test]
async fn roles_from_the_hook_open_the_door() {
    async fn hook(identity: Identity) -> Result<Decision, BoxError> {
        let groups = identity
            .claims
            .all
            .get("groups")
            .cloned()
            .unwrap_or(Value::Null);
        let admin = groups
            .as_array()
            .is_some_and(|groups| groups.iter().any(|group| group == "admin"));
        Ok(if admin {
            Decision::Enrich(
                Enrichment::new()
                    .add_role("admin")
                    .with_attribute("plan", "gold"),
            )
        } else {
            Decision::Accept
        })
    }
    let app = App::with(|builder| builder.on_identity(hook));
    let json = app.sign_in("/admin").await.json();
    assert_eq!(json["roles"], serde_json::json!(["admin"]));
    assert_eq!(json["attributes"], serde_json::json!({"plan": "gold"}));
    assert_eq!(json["claims"].get("plan"), None, "attributes are no claims");
}

#[tokio::test]
async fn the_hook_may_refuse_answer_or_fail() {
    async fn refuse(_: Identity) -> Result<Decision, BoxError> {
        Ok(Decision::Refuse("not <on> the list".into()))
    }
    let app = App::with(|builder| builder.on_identity(refuse));
    let page = app.visit("/protected").await;
    assert_eq!(page.status, 403);
    assert!(page.html().contains("not &lt;on&gt; the list"));
    assert_eq!(app.session_cookie(), None);

    async fn answer(_: Identity) -> Result<Decision, BoxError> {
        let own = http::Response::builder()
            .status(200)
            .header("set-cookie", "own=session; Path=/")
            .body("hello".into())?;
        Ok(Decision::Answer(own))
    }
    let app = App::with(|builder| builder.on_identity(answer));
    let page = app.visit("/protected").await;
    assert_eq!((page.status.as_u16(), page.html().as_str()), (200, "hello"));
    assert!(app.browser.cookie("own").is_some());
    assert_eq!(app.session_cookie(), None);

    async fn fail(_: Identity) -> Result<Decision, BoxError> {
        Err("database is down: password=hunter2".into())
    }
    let app = App::with(|builder| builder.on_identity(fail));
    let page = app.visit("/protected").await;
    assert_eq!(page.status, 503);
    assert!(page.header("retry-after").is_some());
    assert!(!page.html().contains("hunter2"));
    assert_eq!(app.session_cookie(), None);
}

#[tokio::test]
async fn a_provider_that_is_down_gives_503_and_heals() {
    let app = App::new();
    app.idp()
        .set_fault(Fault::Status(Endpoint::Discovery, 503, None));
    let page = app.visit("/protected").no_follow().await;
    assert_eq!(page.status, 503);
    assert!(page.header("retry-after").is_some());
    assert!(app.sso.ready().await.unwrap_err().is_temporary());
    app.idp().clear_faults();
    app.clock.advance(std::time::Duration::from_secs(60));
    app.sign_in("/protected").await;
    app.sso.ready().await.unwrap();
}

#[tokio::test]
async fn public_pages_keep_their_caching() {
    let app = App::new();
    app.sign_in("/protected").await;
    let page = app.visit("/static").await;
    assert_eq!(
        page.header("cache-control").as_deref(),
        Some("public, max-age=60")
    );
    assert_eq!(page.header("vary"), None);
    let home = app.visit("/").await;
    assert_eq!(home.html(), "alice");
    assert_eq!(
        home.header("cache-control").as_deref(),
        Some("private, no-store")
    );
}

#[tokio::test]
async fn step_up_asks_for_more_and_lets_in() {
    let app = App::new();
    app.sign_in("/protected").await;
    let before = app.session_cookie().unwrap();
    app.person("alice", &["pwd", "otp", "mfa"]);
    let page = app.visit("/mfa").await;
    assert_eq!(page.url.path(), "/mfa", "{}", page.html());
    assert_eq!(page.status, 200);
    assert_ne!(
        app.session_cookie().unwrap(),
        before,
        "a new id after a step-up"
    );
    let authorize = page.hop("https://idp.example.org/authorize").unwrap();
    let query: Vec<_> = authorize.url.query_pairs().collect();
    assert!(
        query
            .iter()
            .any(|(name, value)| name == "prompt" && value == "login"),
        "{query:?}"
    );
    assert!(
        query
            .iter()
            .any(|(name, value)| name == "claims" && value.contains("amr")),
        "{query:?}"
    );
    assert!(query.iter().any(|(name, _)| name == "id_token_hint"));
}

#[tokio::test]
async fn step_up_by_acr_and_by_age() {
    let app = App::new();
    app.sign_in("/protected").await;
    app.idp().set_default_login(
        LoginChoice::new("alice")
            .with_amr(["pwd", "hwk"])
            .with_acr("urn:example:gold"),
    );
    let page = app.visit("/acr").await;
    assert_eq!(
        (page.status.as_u16(), page.url.path()),
        (200, "/acr"),
        "{}",
        page.html()
    );

    app.clock.advance(std::time::Duration::from_secs(61));
    let page = app.visit("/recent").await;
    assert_eq!(
        (page.status.as_u16(), page.url.path()),
        (200, "/recent"),
        "{}",
        page.html()
    );
    assert!(page.hops.len() > 1, "it went to the provider");
    app.clock.advance(std::time::Duration::from_secs(60));
    assert_eq!(
        app.visit("/recent").no_follow().await.status,
        200,
        "sixty seconds are within sixty seconds"
    );
    app.clock.advance(std::time::Duration::from_secs(1));
    assert_eq!(app.visit("/recent").no_follow().await.status, 303);
}

#[tokio::test]
async fn a_step_up_in_vain_ends_in_403_and_not_in_a_loop() {
    let app = App::new();
    app.sign_in("/protected").await;
    app.idp().set_fault(Fault::WeakStepUp);
    let page = app.visit("/mfa").await;
    assert_eq!(page.status, 403);
    assert_eq!(page.url.path(), "/mfa");
    assert!(
        page.html().contains("SSO_MFA_ACR_VALUES"),
        "{}",
        page.html()
    );
    assert_eq!(
        app.visit("/mfa").no_follow().await.status,
        403,
        "and stays there"
    );
    assert_eq!(
        app.visit("/protected").no_follow().await.status,
        200,
        "the session lives"
    );
}

#[tokio::test]
async fn a_step_up_that_the_provider_refuses_ends_in_403() {
    for code in ["unmet_authentication_requirements", "access_denied"] {
        let app = App::new();
        app.sign_in("/protected").await;
        app.idp()
            .set_fault(Fault::AuthorizeError(code.into(), Some("<b>no</b>".into())));
        let page = app.visit("/mfa").await;
        assert_eq!(page.status, 403, "{code}");
        assert_eq!(app.visit("/protected").no_follow().await.status, 200);
    }
}

#[tokio::test]
async fn a_session_ends_by_the_servers_clock() {
    let app = App::new();
    app.sign_in("/protected").await;
    app.clock.advance(std::time::Duration::from_secs(3599));
    assert_eq!(app.visit("/protected").no_follow().await.status, 200);
    app.clock.advance(std::time::Duration::from_secs(3600));
    assert_eq!(
        app.visit("/protected").no_follow().await.status,
        303,
        "idle for an hour"
    );

    let app = App::new();
    app.sign_in("/protected").await;
    for _ in 0..23 {
        app.clock.advance(std::time::Duration::from_secs(1800));
        assert_eq!(app.visit("/protected").no_follow().await.status, 200);
    }
    app.clock.advance(std::time::Duration::from_secs(1799));
    assert_eq!(app.visit("/protected").no_follow().await.status, 200);
    app.clock.advance(std::time::Duration::from_secs(1));
    assert_eq!(
        app.visit("/protected").no_follow().await.status,
        303,
        "twelve hours are over"
    );
}

#[tokio::test]
async fn session_expiry_of_the_provider_caps_the_session() {
    let app = App::new();
    app.idp().set_fault(Fault::IdTokenClaim(
        "session_expiry".into(),
        Some((1_800_000_000 + 600).into()),
    ));
    app.sign_in("/protected").await;
    let session = app.visit("/auth/session").await.json();
    assert_eq!(session["absolute_seconds"], 600);
    app.clock.advance(std::time::Duration::from_secs(600));
    assert_eq!(app.visit("/protected").no_follow().await.status, 303);
}

#[tokio::test]
async fn the_session_endpoint_tells_and_does_not_keep_alive() {
    let app = App::new();
    let nobody = app.visit("/auth/session").await.json();
    assert_eq!(nobody["signed_in"], false);
    app.sign_in("/protected").await;
    app.clock.advance(std::time::Duration::from_secs(1000));
    for _ in 0..3 {
        let session = app.visit("/auth/session").await.json();
        assert_eq!(session["signed_in"], true);
        assert_eq!(session["idle_seconds"], 2600);
        assert_eq!(session["absolute_seconds"], 42200);
    }
    app.visit("/").await;
    assert_eq!(
        app.visit("/auth/session").await.json()["idle_seconds"],
        3600
    );
}

#[tokio::test]
async fn what_another_site_sends_is_nobodys() {
    let app = App::new();
    app.sign_in("/protected").await;
    let cookie = format!("{}={}", App::COOKIE, app.session_cookie().unwrap());
    let post = |path: &'static str, site: &'static str| {
        let request = http::Request::post(path)
            .header("cookie", cookie.clone())
            .header("sec-fetch-site", site)
            .body(axum::body::Body::empty())
            .unwrap();
        tower::ServiceExt::oneshot(app.sso.into_axum(app.routes()), request)
    };
    let handled = app.handled();
    for site in ["cross-site", "same-site"] {
        assert_eq!(
            post("/transfer", site).await.unwrap().status(),
            403,
            "{site}"
        );
        let home = post("/", site).await.unwrap().into_body();
        let body = http_body_util::BodyExt::collect(home)
            .await
            .unwrap()
            .to_bytes();
        assert_eq!(body, "nobody", "an optional user is nobody: {site}");
    }
    assert_eq!(app.handled(), handled, "no handler ran");
    assert_eq!(
        post("/transfer", "same-origin").await.unwrap().status(),
        200
    );
}
