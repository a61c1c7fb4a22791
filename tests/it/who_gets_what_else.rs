//! Who gets what: the requests that are neither a plain navigation nor a plain script, and what the
//! identity hook has to do with it.

use std::sync::{Arc, Mutex};

use axum::Router;
use axum::routing::get;
use serde_json::{Value, json};
use tower_sso::simulator::{Endpoint, Fault, LoginChoice};
use tower_sso::{
    BoxError, Decision, Enrichment, Identity, Policy, Rejection, RejectionKind, RequireLayer,
};

use crate::support::{App, Fetch, Page};

fn rejection(page: &Page) -> Rejection {
    page.extensions.get::<Rejection>().unwrap().clone()
}

async fn other_page(app: &App, origin: &str) -> Page {
    let page = Router::new().route("/", get(|| async { "other" }));
    app.browser.serve(origin, page);
    app.browser.visit(&format!("{origin}/")).await
}

/// The only link of a page that is made for frames.
fn link_outside(page: &Page) -> String {
    assert_eq!(page.status, 401);
    let mut links = page.links();
    assert_eq!(links.len(), 1, "{}", page.html());
    let href = links.remove(0).href;
    let tag = format!(r#"<a href="{}" target="_top">"#, href.replace('&', "&amp;"));
    assert!(page.html().contains(&tag), "{}", page.html());
    href
}

#[tokio::test]
async fn a_frame_gets_a_link_that_signs_in_outside_of_it() {
    let app = App::new();
    let page = other_page(&app, "https://portal.example").await;
    let framed = page.frame(&format!("{}/protected?tab=2", App::URL)).await;
    assert_eq!(
        link_outside(&framed),
        "/auth/login?return_to=%2Fprotected%3Ftab%3D2"
    );
    assert!(framed.can_be_framed_by("https://portal.example/"));
    assert_eq!(framed.header("x-frame-options"), None);
    assert_eq!(rejection(&framed).kind(), RejectionKind::SignIn);
    assert_eq!(framed.set_cookies(), [""; 0]);
    assert_eq!(app.idp().requests(Endpoint::Authorize), 0);

    let top = app.visit(&link_outside(&framed)).await;
    assert_eq!(top.url.path(), "/protected");
    assert_eq!((top.status.as_u16(), top.url.query()), (200, Some("tab=2")));
}

#[tokio::test]
async fn a_frame_with_a_weak_session_gets_a_link_that_asks_for_more() {
    let app = App::new();
    let home = app.sign_in("/protected").await;
    let framed = home.frame("/acr").await;
    let link = link_outside(&framed);
    assert!(link.ends_with("&acr_values=urn%3Aexample%3Agold"), "{link}");
    assert_eq!(rejection(&framed).kind(), RejectionKind::StepUp);
    assert_eq!(home.frame("/admin").await.status, 403);
    let button = home.frame("/auth/logout").await;
    assert!(!button.can_be_framed_by("https://portal.example/"));
}

/// The trailers-only form of the gRPC protocol: everything in the header fields of a 200, and no body.
fn grpc_status(page: &Page) -> String {
    assert_eq!(page.status, 200);
    assert_eq!(
        page.header("content-type").as_deref(),
        Some("application/grpc")
    );
    assert_eq!(page.html(), "");
    assert_eq!(page.set_cookies(), [""; 0]);
    assert!(page.header("grpc-message").is_some());
    page.header("grpc-status").unwrap()
}

fn grpc(page: &Page, path: &str) -> Fetch {
    let call = page.fetch(path).method(http::Method::POST);
    call.body("application/grpc+proto", vec![0; 5])
}

#[tokio::test]
async fn grpc_gets_a_status_in_the_trailers_only_form() {
    let (app, store) = App::with_remote_store();
    let home = app.visit("/").await;
    let nobody = grpc(&home, "/protected").await;
    assert_eq!(grpc_status(&nobody), "16");
    assert_eq!(rejection(&nobody).kind(), RejectionKind::SignIn);

    app.sign_in("/protected").await;
    assert_eq!(grpc_status(&grpc(&home, "/acr").await), "16", "too weak");
    assert_eq!(grpc_status(&grpc(&home, "/admin").await), "7", "no role");
    let evil = other_page(&app, "https://evil.example.com").await;
    let call = grpc(&evil, &format!("{}/transfer", App::URL)).with_credentials();
    assert_eq!(grpc_status(&call.await), "7", "from elsewhere");

    store.set_failing(true);
    let unknown = grpc(&home, "/protected").await;
    assert_eq!(grpc_status(&unknown), "14");
    assert_eq!(rejection(&unknown).kind(), RejectionKind::Unavailable);
}

#[tokio::test]
async fn a_web_socket_wants_a_session_and_a_page_of_ours() {
    let app = App::new();
    let home = app.visit("/").await;
    let nobody = home.websocket("/protected").await;
    assert_eq!(nobody.status, 401);
    assert_eq!(nobody.header("location"), None);
    assert_eq!(nobody.set_cookies(), [""; 0]);
    assert_eq!(rejection(&nobody).kind(), RejectionKind::SignIn);

    app.sign_in("/protected").await;
    let handled = app.handled();
    let evil = other_page(&app, "https://evil.example.com").await;
    let forged = evil.websocket(&format!("{}/protected", App::URL)).await;
    assert_eq!(forged.status, 403);
    assert_eq!(rejection(&forged).kind(), RejectionKind::CrossSite);
    assert_eq!(app.handled(), handled);

    assert_eq!(home.websocket("/acr").await.status, 401, "too weak");
    assert_eq!(home.websocket("/admin").await.status, 403, "no role");
    assert_eq!(home.websocket("/protected").await.status, 200);
    assert_eq!(app.handled(), handled + 1);
}

#[tokio::test]
async fn an_event_stream_wants_a_session() {
    let app = App::new();
    let home = app.visit("/").await;
    let events = |path: &str| home.fetch(path).header("accept", "text/event-stream");
    let nobody = events("/protected").await;
    assert_eq!(nobody.status, 401);
    assert_eq!(nobody.html(), "sign-in is required");
    assert_eq!(nobody.set_cookies(), [""; 0]);

    app.sign_in("/protected").await;
    assert_eq!(events("/protected").await.status, 200);
    assert_eq!(events("/acr").await.status, 401, "too weak");
    assert_eq!(events("/admin").await.status, 403, "no role");
}

#[tokio::test]
async fn htmx_is_sent_to_step_up_and_back_to_its_page() {
    let app = App::new();
    let home = app.sign_in("/protected").await;
    let page = home
        .fetch("/acr")
        .header("hx-request", "true")
        .header("hx-current-url", "https://app.example.com/list?p=2")
        .await;
    assert_eq!(page.status, 401);
    assert_eq!(rejection(&page).kind(), RejectionKind::StepUp);
    assert_eq!(
        page.header("hx-redirect").as_deref(),
        Some("/auth/login?return_to=%2Flist%3Fp%3D2&acr_values=urn%3Aexample%3Agold")
    );
    let forbidden = home.fetch("/admin").header("hx-request", "true").await;
    assert_eq!(forbidden.status, 403);
    assert_eq!(
        forbidden.header("hx-redirect"),
        None,
        "signing in again would not help"
    );
}

#[tokio::test]
async fn a_rejection_says_what_was_missed() {
    let (app, store) = App::with_remote_store();
    let home = app.visit("/").await;
    let nobody = rejection(&home.fetch("/acr").await);
    assert_eq!(
        (nobody.kind(), nobody.reason()),
        (RejectionKind::SignIn, None)
    );
    app.sign_in("/protected").await;
    for (path, kind, word) in [
        ("/acr", RejectionKind::StepUp, "urn:example:gold"),
        ("/mfa", RejectionKind::StepUp, "factor"),
        ("/admin", RejectionKind::Forbidden, "admin"),
    ] {
        let rejection = rejection(&home.fetch(path).await);
        assert_eq!(rejection.kind(), kind, "{path}");
        let reason = rejection.reason().unwrap().text();
        assert!(reason.contains(word), "{path}: {reason}");
    }
    let evil = other_page(&app, "https://evil.example.com").await;
    let forged = evil
        .fetch(&format!("{}/transfer", App::URL))
        .method(http::Method::POST);
    let forged = rejection(&forged.with_credentials().await);
    assert_eq!(
        (forged.kind(), forged.reason()),
        (RejectionKind::CrossSite, None)
    );
    store.set_failing(true);
    let unknown = rejection(&home.fetch("/protected").await);
    assert_eq!(
        (unknown.kind(), unknown.reason()),
        (RejectionKind::Unavailable, None)
    );
    let passed = app.visit("/static").await;
    assert!(passed.extensions.get::<Rejection>().is_none());
}

#[tokio::test]
async fn an_attribute_of_the_hook_opens_the_door_and_a_claim_of_that_name_does_not() {
    async fn hook(identity: Identity) -> Result<Decision, BoxError> {
        Ok(if identity.claims.subject == "alice" {
            Decision::Enrich(Enrichment::new().with_attribute("plan", "gold"))
        } else {
            Decision::Accept
        })
    }
    for (person, status) in [("alice", 200), ("bob", 403)] {
        let app = App::with(|builder| builder.on_identity(hook));
        let gold = RequireLayer::new(Policy::login().attribute_equals("plan", "gold"));
        let routes = app
            .routes()
            .route("/gold", get(|| async { "gold" }).layer(gold));
        app.serve(app.sso.into_axum(routes));
        app.idp()
            .set_fault(Fault::IdTokenClaim("plan".into(), Some("gold".into())));
        app.person(person, &["pwd"]);
        let page = app.visit("/gold").await;
        assert_eq!(page.url.path(), "/gold", "{}", page.html());
        assert_eq!(page.status, status, "{person}");
    }
}

/// What the hook saw of each sign-in: who, and by which methods.
type Seen = Arc<Mutex<Vec<(String, Vec<String>)>>>;

fn watched(
    seen: &Seen,
) -> impl Fn(Identity) -> std::future::Ready<Result<Decision, BoxError>> + Send + Sync + 'static {
    let seen = Arc::clone(seen);
    move |identity| {
        let amr = identity.claims.amr.clone();
        let mut seen = seen.lock().unwrap();
        seen.push((identity.claims.subject, amr.clone()));
        std::future::ready(Ok(if amr.contains(&"otp".to_owned()) {
            let methods = Value::from(amr);
            Decision::Enrich(Enrichment::new().with_attribute("methods", methods))
        } else if amr.contains(&"sms".to_owned()) {
            Decision::Refuse("no text messages".into())
        } else {
            Decision::Accept
        }))
    }
}

#[tokio::test]
async fn the_hook_has_its_say_at_a_step_up_too() {
    let seen = Seen::default();
    let app = App::with(|builder| builder.on_identity(watched(&seen)));
    app.sign_in("/protected").await;
    let before = app.session_cookie();

    app.person("alice", &["pwd", "sms", "mfa"]);
    let refused = app.visit("/mfa").await;
    assert_eq!(refused.status, 403);
    assert!(refused.text().contains("no text messages"));
    assert_eq!(app.session_cookie(), before, "the session is as it was");
    assert_eq!(app.visit("/mfa").no_follow().await.status, 303);

    app.person("alice", &["pwd", "otp", "mfa"]);
    let attributes = app.sign_in("/mfa").await.json()["attributes"].clone();
    assert_eq!(attributes, json!({"methods": ["pwd", "otp", "mfa"]}));
    let seen = seen.lock().unwrap();
    let methods: Vec<_> = seen.iter().map(|(_, amr)| amr.len()).collect();
    assert_eq!(methods, [1, 3, 3], "{seen:?}");
    assert!(seen.iter().all(|(subject, _)| subject == "alice"));
}

#[tokio::test]
async fn the_login_endpoint_hands_on_what_it_was_asked() {
    let app = App::new();
    for prompt in ["select_account", "login", "consent", "login consent"] {
        let path = format!("/auth/login?prompt={}", prompt.replace(' ', "+"));
        let page = app.visit(&path).no_follow().await;
        let url = page.location().unwrap();
        assert!(url.as_str().starts_with(App::IDP), "{url}");
        let sent: Vec<_> = url
            .query_pairs()
            .filter(|(own, _)| own == "prompt")
            .collect();
        assert_eq!(sent.len(), 1);
        assert_eq!(sent[0].1, prompt);
    }
    let page = app
        .visit("/auth/login?login_hint=bob%40example.com&ui_locales=de")
        .no_follow()
        .await;
    let url = page.location().unwrap();
    for (name, value) in [("login_hint", "bob@example.com"), ("ui_locales", "de")] {
        assert!(
            url.query_pairs()
                .any(|pair| pair == (name.into(), value.into())),
            "{url}"
        );
    }
    let silent = app.visit("/auth/login?prompt=none").no_follow().await;
    assert_eq!(silent.status, 400);
}

#[tokio::test]
async fn another_account_can_be_chosen_while_somebody_is_signed_in() {
    let app = App::new();
    let page = app.sign_in("/protected").await;
    let before = app.session_cookie();
    app.idp().set_default_login(LoginChoice::new("bob"));
    let page = page
        .follow("/auth/login?prompt=select_account&return_to=/protected")
        .await;
    assert_eq!(page.json()["sub"], "bob");
    assert_ne!(app.session_cookie(), before);
}
