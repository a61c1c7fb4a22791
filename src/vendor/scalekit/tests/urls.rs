//! Where browsers are sent.

use serde_json::json;
use url::Url;

use super::fake::{CONFIGURATION, ENVIRONMENT, Vendor, bent, metadata, organization};
use crate::oidc::Prompt;
use crate::provider::{LogoutRequest, Provider as _, Selectors, SignInRequest};

const SELECTING: [&str; 6] = [
    "connection_id",
    "organization_id",
    "domain_hint",
    "domain",
    "provider",
    "login_hint",
];

fn request(selectors: Selectors, login_hint: Option<&str>) -> SignInRequest {
    SignInRequest {
        redirect_uri: "https://app.example.com/auth/callback".to_owned(),
        state: "s".to_owned(),
        nonce: "n".to_owned(),
        code_challenge: "c".to_owned(),
        login_hint: login_hint.map(str::to_owned),
        selectors,
        ..SignInRequest::default()
    }
}

/// The parameters that select, in their order.
fn selecting(url: &Url) -> String {
    let pairs = url.query_pairs();
    let mut pairs: Vec<String> = pairs
        .filter(|(name, _)| SELECTING.contains(&name.as_ref()))
        .map(|(name, value)| format!("{name}={value}"))
        .collect();
    pairs.sort_unstable();
    pairs.join(" ")
}

fn all() -> Selectors {
    Selectors {
        connection: Some("conn_1".to_owned()),
        organization: Some("org_1".to_owned()),
        domain: Some("acme.example".to_owned()),
        identity_provider: Some("google".to_owned()),
    }
}

#[tokio::test]
async fn one_selector_goes_out_and_the_login_hint_with_it() {
    let scalekit = Vendor::new().scalekit();
    let hint = Some("ada@acme.example");
    let domain = Selectors {
        connection: None,
        organization: None,
        ..all()
    };
    for (selectors, hint, expected) in [
        (
            all(),
            hint,
            "connection_id=conn_1 login_hint=ada@acme.example",
        ),
        (all(), None, "connection_id=conn_1"),
        (
            organization("org_1"),
            hint,
            "login_hint=ada@acme.example organization_id=org_1",
        ),
        (organization(""), hint, "login_hint=ada@acme.example"),
        (
            domain.clone(),
            hint,
            "domain=acme.example domain_hint=acme.example login_hint=ada@acme.example",
        ),
        (
            domain,
            Some("ada@other.example"),
            "domain=acme.example domain_hint=acme.example",
        ),
        (Selectors::default(), hint, "login_hint=ada@acme.example"),
        (Selectors::default(), None, ""),
    ] {
        let url = scalekit
            .authorization_url(&request(selectors, hint))
            .await
            .unwrap();
        assert!(url.as_str().starts_with(&format!(
            "{ENVIRONMENT}/oauth/authorize?response_type=code&"
        )));
        assert_eq!(selecting(&url), expected);
    }
}

#[tokio::test]
async fn what_is_configured_is_sent_where_nothing_is_asked_for() {
    let vendor = Vendor::new();
    let mut config = vendor.config();
    config.selectors = organization("org_9");
    let scalekit = vendor.scalekit_with(config);
    for (asked, expected) in [
        (Selectors::default(), "organization_id=org_9"),
        (organization(""), "organization_id=org_9"),
        (organization("org_1"), "organization_id=org_1"),
        (all(), "connection_id=conn_1"),
    ] {
        let url = scalekit
            .authorization_url(&request(asked, None))
            .await
            .unwrap();
        assert_eq!(selecting(&url), expected);
    }
}

#[tokio::test]
async fn scopes_state_nonce_challenge_and_prompt_are_sent() {
    let scalekit = Vendor::new().scalekit();
    let mut request = request(Selectors::default(), None);
    request.prompt = vec![Prompt::Login];
    let url = scalekit.authorization_url(&request).await.unwrap();
    let pairs: Vec<_> = url.query_pairs().collect();
    for expected in [
        ("client_id", "skc_1"),
        ("scope", "openid profile email"),
        ("state", "s"),
        ("nonce", "n"),
        ("code_challenge", "c"),
        ("code_challenge_method", "S256"),
        ("prompt", "login"),
    ] {
        assert!(
            pairs
                .iter()
                .any(|(name, value)| (name.as_ref(), value.as_ref()) == expected),
            "{expected:?}"
        );
    }
}

/// A value can't become a parameter.
#[tokio::test]
async fn selectors_stay_in_their_place() {
    let scalekit = Vendor::new().scalekit();
    let hostile = organization("org_1&redirect_uri=https://evil.example#");
    let url = scalekit
        .authorization_url(&request(hostile, None))
        .await
        .unwrap();
    let targets = url.query_pairs().filter(|(name, _)| name == "redirect_uri");
    assert_eq!(targets.count(), 1);
    assert_eq!(url.fragment(), None);
}

#[tokio::test]
async fn a_parameter_of_the_apps_own_does_not_select_as_well() {
    let scalekit = Vendor::new().scalekit();
    let mut request = request(organization("org_1"), None);
    request.extra = vec![("organization_id".to_owned(), "org_2".to_owned())];
    assert!(scalekit.authorization_url(&request).await.is_err());
}

#[tokio::test]
async fn a_logout_goes_where_the_metadata_says_or_else_where_the_vendor_does() {
    let vendor = Vendor::new();
    let request = LogoutRequest {
        id_token_hint: Some("hint".into()),
        post_logout_redirect_uri: "https://app.example.com/bye".to_owned(),
        state: "s".to_owned(),
    };
    let url = vendor
        .scalekit()
        .logout_url(&request)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(
        url.as_str(),
        "https://acme.scalekit.example/oidc/logout?id_token_hint=hint&client_id=skc_1\
         &post_logout_redirect_uri=https%3A%2F%2Fapp.example.com%2Fbye&state=s"
    );
    let end = format!("{ENVIRONMENT}/end");
    vendor.on(
        CONFIGURATION,
        &bent(metadata(), json!({ "end_session_endpoint": end })),
    );
    let url = vendor
        .scalekit()
        .logout_url(&request)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(url.path(), "/end");
}

#[test]
fn codes_are_explained() {
    let scalekit = Vendor::new().scalekit();
    assert_eq!(scalekit.explain("user_not_active").unwrap().status, 403);
    assert_eq!(scalekit.explain("never_heard_of"), None);
}
