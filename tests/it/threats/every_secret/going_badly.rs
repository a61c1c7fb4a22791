//! What is refused, what fails, and who repeats what they were sent.

use serde_json::json;
use tower_sso::simulator::{Endpoint, Fault, ForgedAlg, LoginChoice};

use super::{Mood, Scenario};
use crate::support::App;

/// What the callback refuses, and what stands behind it.
pub(super) fn refusals() -> Vec<Scenario> {
    let mut rows = vec![
        Scenario::new(
            "a callback of another browser, twice, and too late",
            |stage| {
                Box::pin(async {
                    let app = &stage.app;
                    let callback = app.until_callback("/protected").await;
                    let copy = app.browser.copy();
                    let mut pages = vec![app.browser.stranger().visit(&callback).await];
                    pages.push(app.browser.visit(&callback).await);
                    pages.push(copy.visit(&callback).await);
                    let late = app.until_callback("/auth/login?prompt=login").await;
                    app.clock.advance(std::time::Duration::from_secs(601));
                    pages.push(app.browser.visit(&late).await);
                    for odd in ["code=%", "iss=x", "code=again"] {
                        let url = format!("{callback}&{odd}");
                        pages.push(app.browser.visit(&url).await);
                    }
                    pages
                })
            },
        ),
        Scenario::new("a description with the client's secret", |stage| {
            Box::pin(async {
                let echo = Fault::AuthorizeError(App::SECRET.into(), Some(App::SECRET.into()));
                stage.idp.set_fault(echo);
                stage.app.visit("/protected").await;
                Vec::new()
            })
        }),
    ];
    for mood in [Mood::Fails, Mood::Forgets] {
        rows.push(Scenario::new(
            format!("a store that is {mood:?}"),
            move |stage| {
                Box::pin(async move {
                    let mut pages = vec![stage.app.sign_in("/protected").await];
                    let callback = stage.app.until_callback("/auth/login?prompt=login").await;
                    stage.store.set(mood);
                    pages.push(stage.app.visit("/protected").await);
                    pages.push(stage.app.browser.visit(&callback).await);
                    let logout = stage.app.visit("/auth/logout").await;
                    pages.push(logout.submit(&logout.only_form()).await);
                    pages
                })
            },
        ));
    }
    for user in ["bob", "carol", "dave"] {
        rows.push(Scenario::new(
            format!("the app's hook, with {user}"),
            move |stage| {
                stage.idp.set_default_login(LoginChoice::new(user));
                Box::pin(async { vec![stage.app.visit("/protected").await] })
            },
        ));
    }
    rows
}

/// The faults of the simulator; those that never answer need a time of their own.
pub(super) fn faults() -> Vec<Scenario> {
    let status = |endpoint, status| Fault::Status(endpoint, status, Some(1));
    let odd = || "0123456789abcdef-odd".to_owned();
    let claim =
        |name: &str, value: Option<serde_json::Value>| Fault::IdTokenClaim(name.into(), value);
    let mut faults = vec![
        claim("nonce", Some(odd().into())),
        claim("iss", Some(odd().into())),
        claim("aud", Some(odd().into())),
        claim("exp", None),
        claim("sub", None),
        Fault::IdTokenAlg(ForgedAlg::None("none".into())),
        Fault::IdTokenAlg(ForgedAlg::Hs256WithClientSecret),
        Fault::IdTokenAlg(ForgedAlg::Hs256WithPublicKeyPem),
        Fault::IdTokenAlg(ForgedAlg::Named("ES512".into())),
        Fault::BadSignature,
        Fault::NoKid,
        Fault::UnknownKid,
        Fault::ExtraHeader("crit".into(), json!(["exp"])),
        Fault::AtHashWrong,
        Fault::CHash(odd()),
        Fault::RotateJustBeforeSigning,
        Fault::ClockSkew(7_200),
        Fault::ClockSkew(-7_200),
        Fault::JwksExtraKeys,
        Fault::JwksSeveralKeysNoKid,
        Fault::JwksEmpty,
        Fault::DiscoveryIssuer(odd()),
        Fault::DiscoveryField("token_endpoint".into(), None),
        Fault::DiscoveryField("userinfo_endpoint".into(), None),
        Fault::UserInfoSub(odd()),
        Fault::UserInfoSigned,
        Fault::UserInfoBadSignature,
        Fault::AuthorizeError("access_denied".into(), Some(odd())),
        Fault::AuthorizeError("server_error".into(), None),
        Fault::IssParameter(None),
        Fault::IssParameter(Some(odd())),
        Fault::OmitState,
        Fault::WrongState,
        Fault::DuplicateCode,
        Fault::WeakStepUp,
        Fault::IgnoreIdTokenHint,
        Fault::ExpiresIn(Some(odd().into())),
        Fault::TokenType(odd()),
        Fault::NoIdToken,
        Fault::NoRefreshToken,
        Fault::Scope(odd()),
        Fault::TokenError(odd()),
        Fault::UserInfoClaims(json!({"sub": ["0123456789abcdef-odd"]})),
    ];
    for endpoint in [
        Endpoint::Discovery,
        Endpoint::Jwks,
        Endpoint::Token,
        Endpoint::UserInfo,
    ] {
        faults.extend([
            status(endpoint, 500),
            status(endpoint, 429),
            status(endpoint, 400),
            status(endpoint, 401),
            Fault::Garbage(endpoint),
            Fault::HugeBody(endpoint),
            Fault::Redirect(endpoint),
        ]);
    }
    faults.into_iter().map(Scenario::fault).collect()
}

/// A provider, or somebody in its place, that repeats what it was sent wherever there is room for it.
pub(super) fn echoes() -> Vec<Scenario> {
    vec![
        Scenario::echo("/token", 400, |said| json!({"error": said})),
        Scenario::echo("/token", 400, |said| {
            let code = form_urlencoded::parse(said.as_bytes()).find(|(name, _)| name == "code");
            json!({"error": code.unwrap().1})
        }),
        Scenario::echo(
            "/token",
            400,
            |said| json!({"error": "invalid_grant", "error_description": said}),
        ),
        Scenario::echo("/token", 503, |said| json!({"error": said})),
        Scenario::echo("/token", 200, |said| json!(said)),
        Scenario::echo(
            "/token",
            200,
            |said| json!({"access_token": [said], "token_type": "Bearer"}),
        ),
        Scenario::echo(
            "/token",
            200,
            |said| json!({"access_token": said, "token_type": said}),
        ),
        Scenario::echo(
            "/token",
            200,
            |said| json!({"access_token": said, "token_type": "Bearer", "id_token": said}),
        ),
        Scenario::echo("/userinfo", 200, |said| json!({"sub": said})),
        Scenario::echo("/userinfo", 401, |said| json!({"error": said})),
    ]
}
