//! Rows 16 to 18: what is no sign-in from an IdP, outages, and where it may not lead.

use http::StatusCode;
use tower_sso::provider::Selectors;
use tower_sso::simulator::{ForgedAlg, ScalekitEndpoint as At, ScalekitFault as Fault};
use tower_sso::vendor::scalekit::DirectSignIn;

use crate::support::{ScalekitApp, Setting, payloads};

const ROUTES: [&str; 2] = ["login", "callback"];

fn app() -> ScalekitApp {
    let app = ScalekitApp::new();
    app.idp().set_default_login(ScalekitApp::ALICE);
    app
}

fn token(app: &ScalekitApp) -> String {
    app.idp().idp_initiated_token(ScalekitApp::ALICE, None)
}

fn claim(name: &str, value: impl Into<serde_json::Value>) -> Fault {
    Fault::IdpInitiatedClaim(name.to_owned(), Some(value.into()))
}

fn without(name: &str) -> Fault {
    Fault::IdpInitiatedClaim(name.to_owned(), None)
}

/// Nobody is sent anywhere, nothing is kept, and who is signed in stays.
async fn is_refused(app: &ScalekitApp, route: &str, token: &str, why: &str) {
    let before = app.requests(At::Authorize);
    let page = app.begun_at_idp(route, token).no_follow().await;
    assert_eq!(
        page.status,
        StatusCode::BAD_REQUEST,
        "{route} {why}: {}",
        page.html()
    );
    assert!(page.set_cookies().is_empty(), "{route} {why}");
    assert!(
        token.len() < 20 || !page.html().contains(token),
        "{route} {why}"
    );
    assert_eq!(app.requests(At::Authorize), before, "{route} {why}");
}

async fn refuses_what_can_not_be_believed(route: &str) {
    let app = app();
    app.sign_in(ScalekitApp::BOB).await;
    let alg = Fault::IdpInitiatedAlg;
    for fault in [
        Fault::IdpInitiatedExpired,
        Fault::IdpInitiatedNotYetValid,
        Fault::IdpInitiatedBadSignature,
        Fault::IdpInitiatedUnknownKid,
        alg(ForgedAlg::None("none".to_owned())),
        alg(ForgedAlg::None("nOnE".to_owned())),
        alg(ForgedAlg::Named("RS512".to_owned())),
        alg(ForgedAlg::Hs256WithPublicKeyPem),
        alg(ForgedAlg::Hs256WithPublicKeyDer),
        alg(ForgedAlg::Hs256WithPublicKeyBytes),
        alg(ForgedAlg::Hs256WithClientSecret),
        alg(ForgedAlg::Hs256WithClientId),
        claim("iss", "https://evil.example"),
        claim("iss", "https://acme.scalekit.dev.evil.example"),
        claim("iss", "https://acme.scalekit.dev//"),
        claim("iss", 1),
        claim("exp", "4000000000"),
        claim("exp", 4_000_000_000_u64),
        claim("iat", 4_000_000_000_u64),
        claim("aud", "skc_other"),
        claim("sub", ScalekitApp::ALICE),
        claim("sid", "ses_1"),
        claim("nonce", "n"),
        claim("connection_id", 7),
        claim("connection_id", "conn_ 1"),
        claim("connection_id", "conn_1\n"),
        claim("connection_id", "c".repeat(65)),
        claim("organization_id", "o".repeat(65)),
        claim("organization_id", "org_\u{e9}"),
        claim("login_hint", "a".repeat(256)),
        claim("login_hint", "alice@example.com\r\nbob"),
        without("iss"),
        without("exp"),
    ] {
        let why = format!("{fault:?}");
        app.idp().set_fault(fault);
        let bad = token(&app);
        app.idp().clear_faults();
        is_refused(&app, route, &bad, &why).await;
    }
    app.idp().set_fault(without("connection_id"));
    app.idp().set_fault(without("organization_id"));
    let nowhere = token(&app);
    app.idp().clear_faults();
    is_refused(&app, route, &nowhere, "names no place").await;
    for text in ["", "a", "a.b", "a.b.c", "....", &"a".repeat(9_000)] {
        is_refused(&app, route, text, "no token").await;
    }
    assert_eq!(app.signed_in().await.as_deref(), Some(ScalekitApp::BOB));
    let good = app.begun_at_idp(route, &token(&app)).no_follow().await;
    assert!(good.text().contains("Continue as"), "{}", good.html());
}

#[tokio::test]
async fn row_16_a_token_that_can_not_be_believed_starts_nothing() {
    refuses_what_can_not_be_believed("login").await;
}

#[tokio::test]
async fn row_17_a_token_that_can_not_be_believed_starts_nothing() {
    refuses_what_can_not_be_believed("callback").await;
}

/// Every other token of the environment travels, too: an ID token in URLs, an access token to APIs.
#[tokio::test]
async fn row_16_an_id_or_access_token_starts_nothing() {
    let app = app();
    let mut sign_in = DirectSignIn::new("https://app.example.com/auth/callback");
    sign_in.selectors = Selectors {
        organization: Some("org_example".to_owned()),
        ..Selectors::default()
    };
    let started = app.scalekit.authorization_url_for(sign_in).await.unwrap();
    let page = app.browser.visit(started.url.as_str()).no_follow().await;
    let back = page.location().unwrap();
    let query = back.query().unwrap();
    let result = app
        .scalekit
        .authenticate_with_code(started.pending, query)
        .await
        .unwrap();
    for route in ROUTES {
        is_refused(&app, route, result.id_token.expose(), "an ID token").await;
        is_refused(&app, route, result.access_token.expose(), "an access token").await;
    }
}

/// A customer's directory may call somebody what it likes: the page that asks shows it, and no sentence of the page is
/// turned around by it.
#[tokio::test]
async fn row_16_a_name_rewrites_no_sentence_of_the_page_that_asks() {
    let app = app();
    app.sign_in(ScalekitApp::BOB).await;
    let hint = "\u{202e}moc.elpmaxe@bob\u{2066}\u{2028}<b>";
    app.idp().set_fault(claim("login_hint", hint));
    let page = app.begun_at_idp("login", &token(&app)).no_follow().await;
    assert_eq!(page.status, 200);
    assert!(page.text().contains("Sign in as moc.elpmaxe@bob<b>"));
    for turns in ['\u{202e}', '\u{2066}', '\u{2028}'] {
        assert!(!page.html().contains(turns), "{turns:?}");
    }
    assert!(!page.html().contains("<b>"));
}

/// 60 seconds of leeway, and not one more.
#[tokio::test]
async fn row_16_a_token_ends_when_it_says() {
    for (seconds, good) in [(0, true), (359, true), (360, false), (3_600, false)] {
        let app = app();
        let token = token(&app);
        app.seconds(seconds);
        let page = app.begun_at_idp("login", &token).no_follow().await;
        assert_eq!(page.status == 303, good, "{seconds}: {}", page.html());
    }
}

/// A form is sent round by a URL, which has room for a token and not for whatever somebody sends.
#[tokio::test]
async fn row_16_a_form_with_more_than_a_token_is_not_sent_round() {
    let app = app();
    for route in ROUTES {
        for (length, status) in [(8_192, 303), (8_193, 400), (60_000, 400)] {
            let form = [("idp_initiated_login", &*"a".repeat(length))];
            let post = app.visit(&format!("/auth/{route}")).post_form(&form);
            let page = post.no_follow().await;
            assert_eq!(page.status, status, "{route} {length}");
        }
    }
}

#[tokio::test]
async fn row_16_two_tokens_are_none() {
    let app = app();
    let (one, two) = (token(&app), token(&app));
    for route in ROUTES {
        for (a, b) in [(&one, &two), (&one, &one)] {
            let both = format!("{a}&idp_initiated_login={b}");
            let page = app.begun_at_idp(route, &both).no_follow().await;
            assert_eq!(page.status, 400, "{route}");
        }
    }
    let page = app.begun_at_idp("login", &one).await;
    assert_eq!(page.text(), ScalekitApp::ALICE, "none was used up");
}

/// A `state` beside it is not ours to send on; at the callback it makes of the whole an answer, which it is not.
#[tokio::test]
async fn row_17_a_state_beside_the_token_is_not_ours() {
    let app = app();
    let token = token(&app);
    let both = format!("{token}&state=made-up");
    let page = app.begun_at_idp("callback", &both).no_follow().await;
    assert_eq!(page.status, 400);
    let page = app.begun_at_idp("login", &both).no_follow().await;
    let to = page.location().unwrap();
    assert!(!to.as_str().contains("made-up"), "{to}");
}

#[tokio::test]
async fn row_16_no_store_no_sign_in_and_the_token_stays_good() {
    let (app, store) = ScalekitApp::with_remote_store();
    app.idp().set_default_login(ScalekitApp::ALICE);
    for route in ROUTES {
        let token = token(&app);
        store.set_failing(true);
        let page = app.begun_at_idp(route, &token).no_follow().await;
        assert_eq!(page.status, 503, "{route}: {}", page.html());
        assert!(page.header("retry-after").is_some());
        store.set_failing(false);
        let page = app.begun_at_idp(route, &token).await;
        assert_eq!(page.text(), ScalekitApp::ALICE, "{route}");
        app.browser.clear_cookies();
    }
}

#[tokio::test]
async fn row_16_no_keys_no_sign_in_and_the_token_stays_good() {
    for (route, at) in [
        ("login", At::Keys),
        ("callback", At::Keys),
        ("login", At::Discovery),
    ] {
        let app = app();
        let token = token(&app);
        app.idp().set_fault(Fault::Status(at, 503, Some(3)));
        let page = app.begun_at_idp(route, &token).no_follow().await;
        assert_eq!(page.status, 503, "{route}: {}", page.html());
        assert!(page.header("retry-after").is_some());
        app.idp().clear_faults();
        app.seconds(31);
        let page = app.begun_at_idp(route, &token).await;
        assert_eq!(page.text(), ScalekitApp::ALICE, "{route}");
    }
}

/// What strangers make up costs a handful of fetches, and nobody who signs in.
#[tokio::test]
async fn row_16_made_up_keys_cost_a_handful_of_fetches() {
    let app = app();
    app.idp().set_fault(Fault::IdpInitiatedUnknownKid);
    for turn in 0..200 {
        let token = token(&app);
        app.begun_at_idp(ROUTES[turn % 2], &token).no_follow().await;
    }
    let fetches = app.requests(At::Keys);
    assert!(
        (2..=5).contains(&fetches),
        "{fetches}: the first, and four of the bucket"
    );
    app.idp().clear_faults();
    app.idp().rotate_keys();
    app.sign_in(ScalekitApp::ALICE).await;
}

#[tokio::test]
async fn row_16_an_app_may_switch_it_off() {
    let app = ScalekitApp::with(&Setting {
        register: &|config| config.initiated_issuers = Some(Vec::new()),
        ..Setting::default()
    });
    for route in ROUTES {
        is_refused(&app, route, &token(&app), "switched off").await;
    }
}

/// The issuers that may begin sign-ins are a list of whole texts.
#[tokio::test]
async fn row_16_a_list_says_who_may_begin() {
    let app = ScalekitApp::with(&Setting {
        register: &|config| config.initiated_issuers = Some(vec!["https://b2b.example".to_owned()]),
        ..Setting::default()
    });
    is_refused(&app, "login", &token(&app), "not on the list").await;
    app.idp().set_fault(claim("iss", "https://b2b.example"));
    let page = app.begun_at_idp("login", &token(&app)).no_follow().await;
    assert_eq!(page.status, 303, "{}", page.html());
}

/// Where the token leads is text that anybody may have chosen.
#[tokio::test]
async fn row_18_no_relay_state_leads_off_the_origin() {
    let app = app();
    let own = [ScalekitApp::URL, ScalekitApp::ENVIRONMENT];
    let step = payloads().len() / 400;
    for signed_in in [false, true] {
        for payload in payloads().into_iter().step_by(step) {
            // Each token of the same second lives longer than the one before.
            app.seconds(61);
            app.browser.clear_cookies();
            if signed_in {
                app.sign_in(ScalekitApp::ALICE).await;
            }
            let token = app
                .idp()
                .idp_initiated_token(ScalekitApp::ALICE, Some(&payload));
            let page = app.begun_at_idp("login", &token).await;
            for hop in &page.hops {
                let origin = hop.url.origin().ascii_serialization();
                assert!(
                    own.contains(&origin.as_str()),
                    "{payload:?} leads to {}",
                    hop.url
                );
            }
            assert!(
                page.url.as_str().starts_with("https://app.example.com/"),
                "{payload:?}"
            );
            assert!(
                !page.url.path().starts_with("//"),
                "{payload:?} {}",
                page.url
            );
            assert_eq!(
                app.signed_in().await.as_deref(),
                Some(ScalekitApp::ALICE),
                "{payload:?}"
            );
        }
    }
}

#[tokio::test]
async fn row_18_a_page_of_ours_is_where_it_leads() {
    let long = format!("/profile?{}", "x".repeat(3_000));
    for (relay_state, target) in [
        ("/profile", "/profile"),
        ("/profile?a=b", "/profile?a=b"),
        ("https://app.example.com/profile", "/profile"),
        ("https://app.example.com.evil.example/profile", "/"),
        ("https://evil.example/profile", "/"),
        ("profile", "/"),
        ("", "/"),
        (&long, "/"),
    ] {
        let app = app();
        let token = app
            .idp()
            .idp_initiated_token(ScalekitApp::ALICE, Some(relay_state));
        let page = app.begun_at_idp("callback", &token).await;
        let expected = format!("{}{target}", ScalekitApp::URL);
        assert_eq!(page.url.as_str(), expected, "{relay_state}");
    }
}

/// Neither beside the token nor beside an answer is it anything.
#[tokio::test]
async fn row_18_a_relay_state_in_the_url_is_not_looked_at() {
    let app = app();
    let token = app
        .idp()
        .idp_initiated_token(ScalekitApp::ALICE, Some("/profile"));
    let beside = format!("{token}&relay_state=/okta&return_to=/okta");
    let page = app.begun_at_idp("login", &beside).await;
    assert_eq!(page.url.path(), "/profile");
    app.browser.clear_cookies();
    let back = app.until_callback(ScalekitApp::ALICE).await;
    let page = app
        .browser
        .visit(&format!("{back}&relay_state=/okta"))
        .await;
    assert_eq!(page.url.path(), "/protected");
}
