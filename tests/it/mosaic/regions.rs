//! Row 53: regions, and whose tokens are believed.

use serde_json::json;
use tower_sso::simulator::{MosaicEndpoint, MosaicFault};
use tower_sso::vendor::mosaic::Region;

use crate::support::MosaicApps;

fn keys_fetched(apps: &MosaicApps) -> u64 {
    apps.idp().requests(MosaicEndpoint::Jwks)
}

#[tokio::test]
async fn row_53_each_region_has_its_own_host_and_its_own_issuer() {
    for (region, host, issuer) in [
        (
            Region::Us,
            "api.transmitsecurity.io",
            "https://userid.security",
        ),
        (
            Region::Eu,
            "api.eu.transmitsecurity.io",
            "https://eu.userid.security",
        ),
        (
            Region::Ca,
            "api.ca.transmitsecurity.io",
            "https://ca.userid.security",
        ),
        (
            Region::Au,
            "api.au.transmitsecurity.io",
            "https://au.userid.security",
        ),
        (
            Region::Sandbox,
            "api.sbx.transmitsecurity.io",
            "https://userid.security",
        ),
    ] {
        let apps = MosaicApps::in_region(&region);
        assert_eq!(apps.simulator.issuer(), issuer);
        apps.sign_in(MosaicApps::ONE, "alice").await;
        assert_eq!(apps.status(MosaicApps::TWO, "/protected").await, 200);
        apps.until_renewal();
        assert_eq!(apps.status(MosaicApps::TWO, "/protected").await, 200);
        apps.sign_out(MosaicApps::TWO).await;
        let calls = apps.wire.sent();
        let paths: Vec<_> = calls.iter().map(|call| call.uri().path()).collect();
        for path in [
            "/oidc/token",
            "/cis/oidc/jwks",
            "/cis/v1/auth/password/authenticate",
            "/cis/v1/auth/session/authenticate",
            "/cis/v1/auth/token/refresh",
            "/cis/v1/auth/session/logout",
        ] {
            assert!(paths.contains(&path), "{region:?}: {path}");
        }
        for call in &calls {
            assert_eq!(call.uri().scheme_str(), Some("https"), "{region:?}");
            assert_eq!(call.uri().host(), Some(host), "{region:?}");
        }
    }
}

/// One vendor signs for all regions and tenants: what is another's opens nothing here.
#[tokio::test]
async fn row_53_a_token_of_another_region_client_or_tenant_signs_nobody_in() {
    for (claim, value) in [
        ("iss", json!("https://userid.security")),
        ("iss", json!("https://ca.userid.security")),
        ("iss", json!("https://eu.userid.security/")),
        ("aud", json!("another-app")),
        ("aud", json!(["another-app", "a-third"])),
        ("tid", json!("another-tenant")),
        ("tid", json!(["acme"])),
    ] {
        let apps = MosaicApps::new();
        let fault = MosaicFault::IdTokenClaim(claim.to_owned(), Some(value.clone()));
        apps.idp().set_fault(fault);
        let fields = [("username", "alice"), ("password", MosaicApps::PASSWORD)];
        let page = apps.post(MosaicApps::ONE, "/login", &fields).await;
        assert_eq!(page.status, 502, "{claim}: {value}");
        assert!(apps.browser.cookies().is_empty(), "{claim}: {value}");
    }
}

#[tokio::test]
async fn row_53_a_new_key_is_fetched_once() {
    let apps = MosaicApps::new();
    apps.sign_in(MosaicApps::ONE, "alice").await;
    assert_eq!(keys_fetched(&apps), 1);
    apps.idp().rotate_keys();
    assert_eq!(apps.status(MosaicApps::TWO, "/protected").await, 200);
    assert_eq!(keys_fetched(&apps), 2);
    apps.until_renewal();
    assert_eq!(apps.status(MosaicApps::TWO, "/protected").await, 200);
    assert!(
        keys_fetched(&apps) <= 3,
        "known again, and maybe refreshed by age"
    );
}

/// An unknown key, or a signature that does not fit, straight from Mosaic: one fetch, then it is final.
#[tokio::test]
async fn row_53_an_unknown_key_or_a_bad_signature_costs_one_fetch() {
    for fault in [MosaicFault::UnknownKid, MosaicFault::BadSignature] {
        let apps = MosaicApps::new();
        apps.sign_in(MosaicApps::ONE, "alice").await;
        apps.idp().set_fault(fault.clone());
        for _ in 0..20 {
            assert_eq!(apps.status(MosaicApps::TWO, "/protected").await, 503);
        }
        assert_eq!((apps.asked(), keys_fetched(&apps)), (1, 2), "{fault:?}");
        // However long that goes on, the bucket bounds it: 4, and one more each 30 s.
        for _ in 0..300 {
            apps.seconds(1);
            apps.status(MosaicApps::TWO, "/protected").await;
        }
        let fetched = keys_fetched(&apps);
        assert!(fetched <= 2 + 4 + 10, "{fault:?}: {fetched}");
    }
}

/// While the new keys can't be had, who signs with an old one is believed all the same.
#[tokio::test]
async fn row_53_the_old_keys_keep_serving_meanwhile() {
    let apps = MosaicApps::new();
    apps.sign_in(MosaicApps::ONE, "alice").await;
    let down = MosaicFault::Status(MosaicEndpoint::Jwks, 503, None);
    apps.idp().set_fault(MosaicFault::UnknownKid);
    apps.idp().set_fault(down.clone());
    assert_eq!(apps.status(MosaicApps::TWO, "/protected").await, 503);
    apps.idp().clear_faults();
    apps.idp().set_fault(down);
    apps.seconds(2);
    assert_eq!(apps.status(MosaicApps::TWO, "/protected").await, 200);
}

/// Tokens without one fail closed: they say nothing about who it is.
#[tokio::test]
async fn row_53_no_id_token_no_session() {
    let apps = MosaicApps::new();
    apps.idp().set_fault(MosaicFault::NoIdToken);
    let fields = [("username", "alice"), ("password", MosaicApps::PASSWORD)];
    let page = apps.post(MosaicApps::ONE, "/login", &fields).await;
    assert_eq!(page.status, 502);
    assert!(apps.browser.cookies().is_empty());
}
