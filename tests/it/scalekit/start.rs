//! Rows 9, 10 and 12: the set-up, and what a sign-in asks for.

use std::ffi::OsString;
use std::sync::Arc;

use tower_sso::provider::Selectors;
use tower_sso::simulator::ScalekitEndpoint;
use tower_sso::vendor::scalekit::{DirectSignIn, Scalekit, ScalekitConfig};
use tower_sso::{CookieKey, Sso};
use url::Url;

use crate::support::{ScalekitApp, Setting, parameters};

const HINT: &str = "alice@example.com";
const SELECTING: [&str; 6] = [
    "connection_id",
    "domain",
    "domain_hint",
    "login_hint",
    "organization_id",
    "provider",
];

fn selecting(url: &Url) -> String {
    let all = parameters(url);
    let pairs = all
        .iter()
        .filter(|(name, _)| SELECTING.contains(&name.as_str()));
    let pairs: Vec<_> = pairs
        .map(|(name, value)| format!("{name}={value}"))
        .collect();
    pairs.join(" ")
}

fn configured(vars: &[(&str, &str)]) -> tower_sso::Result<ScalekitConfig> {
    ScalekitConfig::from_lookup(|name| {
        let found = vars.iter().rev().find(|(known, _)| *known == name);
        found.map(|(_, value)| OsString::from(value))
    })
}

const VARS: [(&str, &str); 3] = [
    ("SCALEKIT_ENVIRONMENT_URL", ScalekitApp::ENVIRONMENT),
    ("SCALEKIT_CLIENT_ID", ScalekitApp::CLIENT),
    ("SCALEKIT_CLIENT_SECRET", ScalekitApp::SECRET),
];

#[tokio::test]
async fn row_09_the_environments_variables_are_enough_to_sign_in() {
    let config = configured(&VARS).unwrap();
    let app = ScalekitApp::with(&Setting {
        register: &|own| *own = config.clone(),
        ..Setting::default()
    });
    let page = app.sign_in(ScalekitApp::ALICE).await;
    assert_eq!(page.json()["iss"], ScalekitApp::ENVIRONMENT);
}

#[tokio::test]
async fn row_09_variables_say_where_people_sign_in() {
    for (name, value, sent) in [
        (
            "SCALEKIT_CONNECTION_ID",
            "conn_society_entra",
            "connection_id=conn_society_entra",
        ),
        (
            "SCALEKIT_ORGANIZATION_ID",
            "org_society",
            "organization_id=org_society",
        ),
        (
            "SCALEKIT_DOMAIN",
            "example.org",
            "domain=example.org domain_hint=example.org",
        ),
    ] {
        let config = configured(&[&VARS[..], &[(name, value)]].concat()).unwrap();
        let app = ScalekitApp::with(&Setting {
            register: &|own| *own = config.clone(),
            ..Setting::default()
        });
        app.idp().set_default_login(ScalekitApp::CAROL);
        let page = app
            .visit("/protected")
            .stop_before(ScalekitApp::ENVIRONMENT)
            .await;
        assert_eq!(selecting(&page.location().unwrap()), sent, "{name}");
        let page = app.visit("/protected").await;
        assert_eq!(page.json()["sub"], ScalekitApp::CAROL, "{name}");
    }
}

#[test]
fn row_09_a_variable_that_is_missing_is_named_and_no_secret_is() {
    for (missing, _) in VARS {
        let mut vars = VARS.to_vec();
        vars.retain(|(name, _)| *name != missing);
        let error = configured(&vars).expect_err(missing);
        assert!(error.is_configuration(), "{missing}");
        let text = format!("{error} {error:?}");
        assert!(text.contains(missing), "{text}");
        assert!(!text.contains(ScalekitApp::SECRET), "{text}");
    }
}

#[tokio::test]
async fn row_10_only_the_first_selector_goes_out_and_the_hint_with_it() {
    let app = ScalekitApp::new();
    let given = [
        (
            "connection_id=conn_example_okta",
            "connection_id=conn_example_okta",
        ),
        ("organization_id=org_example", "organization_id=org_example"),
        (
            "domain_hint=example.com",
            "domain=example.com domain_hint=example.com",
        ),
        ("provider=google", "provider=google"),
    ];
    // Each choice of the four but for none at all, as the bits of a number.
    for choice in 1..16_usize {
        let chosen: Vec<_> = (0..4).filter(|bit| choice & (1 << bit) != 0).collect();
        // In the other order, so that it is not the place in the query that counts.
        let names: Vec<&str> = chosen.iter().rev().map(|bit| given[*bit].0).collect();
        let winner = chosen.first().map_or("", |bit| given[*bit].1);
        let plain = app.authorization_request(&names.join("&")).await;
        assert_eq!(selecting(&plain), winner, "{names:?}");

        let query = format!("login_hint={HINT}&{}", names.join("&"));
        let hinted = parameters(&app.authorization_request(&query).await);
        assert_eq!(hinted["login_hint"], HINT, "{names:?}");
        let mut others = plain.clone();
        others.query_pairs_mut().append_pair("login_hint", HINT);
        let names = |all: &Url| parameters(all).into_keys().collect::<Vec<_>>();
        assert_eq!(hinted.into_keys().collect::<Vec<_>>(), names(&others));
    }
}

/// The environment would come to the same place if everything were sent: what the app says wins, wins there too.
#[tokio::test]
async fn row_10_the_environment_and_the_app_agree_on_who_wins() {
    for (query, person) in [
        (
            "connection_id=conn_society_entra&domain_hint=example.com",
            ScalekitApp::CAROL,
        ),
        (
            "organization_id=org_society&domain_hint=example.com",
            ScalekitApp::CAROL,
        ),
        ("domain_hint=example.org&provider=okta", ScalekitApp::CAROL),
        (
            "provider=okta&login_hint=carol@example.org",
            ScalekitApp::ALICE,
        ),
        ("login_hint=carol@example.org", ScalekitApp::CAROL),
    ] {
        let app = ScalekitApp::new();
        for subject in [ScalekitApp::ALICE, ScalekitApp::CAROL] {
            app.idp().set_default_login(subject);
            app.browser.clear_cookies();
            let page = app
                .visit(&format!("/auth/login?{query}&return_to=/protected"))
                .await;
            let signed_in = page.status == 200 && page.url.path() == "/protected";
            assert_eq!(signed_in, subject == person, "{query}: {}", page.html());
        }
    }
}

#[tokio::test]
async fn row_10_a_selector_that_is_odd_or_there_twice_is_refused() {
    let app = ScalekitApp::new();
    let long = "c".repeat(65);
    for query in [
        "connection_id=a&connection_id=b",
        "organization_id=a&organization_id=a",
        "domain_hint=a&domain_hint=b",
        "connection_id=a%20b",
        "organization_id=a%0d%0ab",
        "domain_hint=a%00b",
        "login_hint=a%0ab",
        "connection_id=%ff",
        &format!("connection_id={long}"),
    ] {
        let page = app.visit(&format!("/auth/login?{query}")).no_follow().await;
        assert_eq!(page.status, 400, "{query}");
        assert!(app.browser.cookies().is_empty(), "{query}");
    }
    // An empty one selects nothing, and is not sent as something.
    let request = app
        .authorization_request("connection_id=&organization_id=org_example")
        .await;
    assert_eq!(selecting(&request), "organization_id=org_example");
    assert_eq!(app.requests(ScalekitEndpoint::Authorize), 0);
}

/// Guard: `OidcProvider::authorization_url` and the list of what `/auth/login` passes on.
#[tokio::test]
async fn row_10_a_link_adds_no_parameter_of_the_protocol() {
    let app = ScalekitApp::new();
    let query = "connection_id=conn_example_okta%26redirect_uri%3Dhttps://evil.example&scope=offline_access\
                 &redirect_uri=https://evil.example&client_id=evil&state=evil&nonce=evil&code_challenge=evil\
                 &code_challenge_method=plain&response_type=token&domain=evil.example";
    let sent = parameters(&app.authorization_request(query).await);
    assert_eq!(
        sent["redirect_uri"],
        "https://app.example.com/auth/callback"
    );
    assert_eq!(
        sent["connection_id"],
        "conn_example_okta&redirect_uri=https://evil.example"
    );
    assert!(!sent.contains_key("domain"));
    assert!(
        sent.iter()
            .all(|(name, value)| name == "connection_id" || !value.contains("evil"))
    );
    assert_eq!(
        (&*sent["scope"], &*sent["response_type"]),
        ("openid profile email", "code")
    );
    assert_eq!(
        (&*sent["client_id"], &*sent["code_challenge_method"]),
        ("skc_demo", "S256")
    );
}

#[tokio::test]
async fn row_12_the_scopes_that_are_set_go_out_and_openid_always() {
    for (scopes, sent) in [
        (&["openid", "profile", "email"][..], "openid profile email"),
        (&["openid", "groups"], "openid groups"),
        (&["email"], "openid email"),
        (&[], "openid"),
    ] {
        let app = ScalekitApp::with(&Setting {
            register: &|config| config.scopes = scopes.iter().map(ToString::to_string).collect(),
            ..Setting::default()
        });
        let request = app
            .authorization_request("organization_id=org_example")
            .await;
        assert_eq!(parameters(&request)["scope"], sent);
        let direct = DirectSignIn::new("https://app.example.com/auth/callback");
        let started = app.scalekit.authorization_url_for(direct).await.unwrap();
        assert_eq!(parameters(&started.url)["scope"], sent);
    }
}

#[tokio::test]
async fn row_12_offline_access_is_refused_before_anybody_signs_in() {
    let mut config = ScalekitConfig::new(ScalekitApp::ENVIRONMENT, "skc_demo", "demo-secret");
    config.scopes.push("offline_access".to_owned());
    let wire = Arc::new(ScalekitApp::new().wire);
    let error = Scalekit::with_http_client(config, wire).expect_err("it would fail each sign-in");
    assert!(
        error.is_configuration() && error.to_string().contains("offline_access"),
        "{error}"
    );
    let words = [&VARS[..], &[("SCALEKIT_SCOPES", "openid offline_access")]].concat();
    assert!(configured(&words).is_err());
    // What the environment would say of it, in words for people.
    let app = ScalekitApp::new();
    let request = app
        .authorization_request("organization_id=org_example")
        .await;
    let asked = request
        .as_str()
        .replace("openid+profile+email", "openid+offline_access");
    assert_ne!(asked, request.as_str());
    let page = app.browser.visit(&asked).await;
    assert_eq!(page.url.path(), "/auth/callback");
    assert_eq!(page.status, 400, "{}", page.html());
    assert!(page.text().contains("invalid_scope"), "{}", page.text());
}

/// Whoever is sent without a selector comes where the set-up says; a link may name another place.
#[tokio::test]
async fn row_10_the_set_up_is_a_default_for_whoever_names_nothing() {
    let app = ScalekitApp::with(&Setting {
        register: &|config| {
            config.selectors = Selectors {
                organization: Some("org_example".to_owned()),
                ..Selectors::default()
            };
        },
        ..Setting::default()
    });
    let request = app.authorization_request("").await;
    assert_eq!(selecting(&request), "organization_id=org_example");
    let request = app.authorization_request("domain_hint=example.org").await;
    assert_eq!(
        selecting(&request),
        "domain=example.org domain_hint=example.org"
    );
}

#[test]
fn row_09_an_app_is_built_without_a_call() {
    let scalekit = Scalekit::new(configured(&VARS).unwrap()).unwrap();
    let sso = Sso::with_provider(scalekit).base_url(ScalekitApp::URL);
    sso.cookie_key(CookieKey::generate()).build().unwrap();
}

/// At the environment a sign-in without a selector ends on an error page, so who has to sign in is asked where.
#[tokio::test]
async fn row_10_who_comes_without_a_word_of_it_is_asked_where_they_sign_in() {
    let app = ScalekitApp::new();
    let page = app.visit("/protected?a=b").await;
    assert_eq!(
        (page.status.as_u16(), page.url.path()),
        (200, "/auth/login")
    );
    let form = page.only_form().fill("login_hint", HINT);
    let page = page
        .submit(&form)
        .stop_before(ScalekitApp::ENVIRONMENT)
        .await;
    let asked = page.location().unwrap();
    assert_eq!(selecting(&asked), format!("login_hint={HINT}"));
    assert_eq!(app.requests(ScalekitEndpoint::Authorize), 0);
}
