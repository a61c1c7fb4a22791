//! What an `error` at the callback leads to: asked for by a person or not, by query or by form, with the `state`
//! that was sent, with another, and with none.

use axum::Router;
use axum::routing::get;
use tower_sso::oidc::ResponseMode;
use tower_sso::simulator::Fault;
use tower_sso::{SilentLayer, User};

use crate::support::{App, Page};

fn app(mode: ResponseMode) -> App {
    let app = App::with(|builder| builder.response_mode(mode));
    let greet = |user: Option<User>| async move {
        user.map_or_else(|| "nobody".to_owned(), |user| user.subject().to_owned())
    };
    let optional = Router::new().route("/optional", get(greet).layer(SilentLayer::new()));
    app.serve(app.sso.into_axum(app.routes().merge(optional)));
    app
}

async fn answer(mode: ResponseMode, path: &str, faults: &[Fault]) -> (App, Page) {
    let app = app(mode);
    for fault in faults {
        app.idp().set_fault(fault.clone());
    }
    let page = app.visit(path).await;
    let form = mode == ResponseMode::FormPost && page.url.as_str().starts_with(App::IDP);
    let page = if form { page.auto_submit().await } else { page };
    (app, page)
}

fn error(code: &str) -> Fault {
    Fault::AuthorizeError(code.to_owned(), Some("because".to_owned()))
}

#[tokio::test]
async fn somebody_who_signs_in_is_told() {
    for mode in [ResponseMode::Query, ResponseMode::FormPost] {
        for (code, status) in [
            ("access_denied", 403),
            ("unmet_authentication_requirements", 403),
            ("temporarily_unavailable", 503),
            ("server_error", 503),
            ("login_required", 502),
            ("interaction_required", 502),
            ("consent_required", 502),
            ("account_selection_required", 502),
            ("invalid_request", 502),
            ("whatever", 502),
        ] {
            let (app, page) = answer(mode, "/protected", &[error(code)]).await;
            assert_eq!(page.status, status, "{code}: {}", page.html());
            assert!(
                page.text().contains(&format!("{code}: because")),
                "{}",
                page.text()
            );
            assert_eq!(
                page.header("retry-after").is_some(),
                status == 503,
                "{code}"
            );
            assert_eq!((app.session_cookie(), app.attempts()), (None, 0), "{code}");
            assert_eq!(app.idp().code_grants(), 0);
        }
    }
}

/// An error whose attempt is not known says nothing: anybody can send it.
#[tokio::test]
async fn an_error_of_no_known_attempt_is_not_repeated() {
    for mode in [ResponseMode::Query, ResponseMode::FormPost] {
        for fault in [Fault::OmitState, Fault::WrongState] {
            for path in ["/protected", "/optional"] {
                let faults = [error("access_denied"), fault.clone()];
                let (app, page) = answer(mode, path, &faults).await;
                assert_eq!(page.status, 400, "{path} {fault:?}: {}", page.html());
                assert!(!page.text().contains("because"), "{}", page.text());
                assert_eq!(app.session_cookie(), None);
                assert_eq!(app.attempts(), 1, "the attempt is still open");
                let again = app.visit("/optional").no_follow().await;
                assert_eq!(again.status == 200, path == "/optional", "asked once");
            }
        }
    }
}

/// Who is signed in by now is not stopped by it.
#[tokio::test]
async fn an_error_of_no_known_attempt_sends_who_is_signed_in_on() {
    let app = app(ResponseMode::Query);
    app.sign_in("/protected").await;
    let cookie = app.session_cookie();
    for query in [
        "error=login_required",
        "error=access_denied&state=x",
        "error=x&state=",
    ] {
        let page = app.visit(&format!("/auth/callback?{query}")).await;
        assert_eq!(
            (page.url.path(), page.status.as_u16()),
            ("/", 200),
            "{query}"
        );
        assert_eq!(app.session_cookie(), cookie, "{query}");
        assert_eq!(page.html(), "alice");
    }
}

#[tokio::test]
async fn whoever_was_asked_silently_sees_the_page() {
    for mode in [ResponseMode::Query, ResponseMode::FormPost] {
        for code in [
            "login_required",
            "interaction_required",
            "consent_required",
            "account_selection_required",
            "access_denied",
            "server_error",
            "whatever",
        ] {
            let (app, page) = answer(mode, "/optional?a=b", &[error(code)]).await;
            assert_eq!(
                page.url.as_str(),
                format!("{}/optional?a=b", App::URL),
                "{code}"
            );
            assert_eq!(
                (page.status.as_u16(), &*page.html()),
                (200, "nobody"),
                "{code}"
            );
            assert_eq!((app.session_cookie(), app.attempts()), (None, 0), "{code}");
        }
    }
}
