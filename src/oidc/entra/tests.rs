use jsonwebtoken::Algorithm;
use serde_json::{Value, json};

use super::super::testing::{CLIENT, NOW, jwk, key_set, token};
use super::super::{LEEWAY, ProviderMetadata};
use super::*;
use crate::clock::SecondsSinceEpoch;

const ACME: &str = "8eaef023-2b34-4da1-9baa-8bc8c9d6a490";
const OTHER: &str = "82229342-1101-4ab6-817b-70c0747630f3";

fn issuer_of(tenant: &str) -> String {
    format!("https://login.microsoftonline.com/{tenant}/v2.0")
}

fn organizations() -> Issuer {
    Issuer::parse(&issuer_of("organizations")).unwrap()
}

fn only(tenants: &[&str]) -> EntraTenants {
    let ids = tenants.iter().map(|id| EntraTenantId::parse(id).unwrap());
    EntraTenants::Only(ids.collect())
}

fn issuers(tenants: EntraTenants) -> EntraIssuers {
    EntraIssuers::new(&organizations(), tenants).unwrap()
}

fn claims(iss: &str, tid: &Value) -> Value {
    json!({ "iss": iss, "tid": tid, "sub": "alice", "aud": CLIENT, "exp": NOW + 300, "iat": NOW })
}

/// Judges a token that is rightly signed by a key of which the set says this `issuer`.
fn judged(
    claims: &Value,
    key_issuer: &Value,
    tenants: EntraTenants,
) -> Result<IdTokenClaims, IdTokenFault> {
    let mut key = jwk("p256");
    key["issuer"] = key_issuer.clone();
    let token = token(Algorithm::ES256, claims);
    let check = IdTokenCheck {
        issuer: &organizations(),
        client_id: CLIENT,
        nonce: None,
        max_age: None,
        access_token: None,
        code: None,
        algorithms: &[Algorithm::ES256],
        now: SecondsSinceEpoch(NOW),
        leeway: LEEWAY,
    };
    let jwt = CompactJwt::parse(&token).unwrap();
    check.verify_for_tenants(&jwt, &key_set(&[key]), &issuers(tenants))
}

#[test]
fn a_tenant_id_is_a_guid() {
    for text in [
        "",
        "common",
        "acme.onmicrosoft.com",
        "{tenantid}",
        "8eaef023-2b34-4da1-9baa-8bc8c9d6a49",
        "8eaef023-2b34-4da1-9baa-8bc8c9d6a4900",
        "8eaef0232b34-4da1-9baa-8bc8c9d6a490-",
        "8eaef023-2b34-4da1-9baa-8bc8c9d6a49g",
        "{8eaef023-2b34-4da1-9baa-8bc8c9d6a490}",
        " 8eaef023-2b34-4da1-9baa-8bc8c9d6a490",
        "8eaef023-2b34-4da1-9baa-8bc8c9d6a4é",
    ] {
        assert!(EntraTenantId::parse(text).is_err(), "{text}");
    }
    assert!(EntraTenantId::parse(EntraTenantId::PERSONAL_ACCOUNTS).is_ok());
}

#[test]
fn only_the_tenants_place_is_a_placeholder() {
    for (issuer, template) in [
        (
            "https://login.microsoftonline.com/organizations/v2.0",
            Some("https://login.microsoftonline.com/{tenantid}/v2.0"),
        ),
        (
            "https://login.microsoftonline.us/common/v2.0",
            Some("https://login.microsoftonline.us/{tenantid}/v2.0"),
        ),
        (
            "https://login.microsoftonline.com/common",
            Some("https://login.microsoftonline.com/{tenantid}"),
        ),
        ("https://login.microsoftonline.com/consumers/v2.0", None),
        ("https://login.microsoftonline.com/acme.example/v2.0", None),
        (
            "https://login.microsoftonline.com/8eaef023-2b34-4da1-9baa-8bc8c9d6a490/v2.0",
            None,
        ),
        ("https://login.microsoftonline.com/x/common/v2.0", None),
        ("https://login.microsoftonline.com/commonly/v2.0", None),
        ("https://common/v2.0", None),
        ("https://login.microsoftonline.com", None),
    ] {
        let parsed = Issuer::parse(issuer).unwrap();
        let issuers = EntraIssuers::new(&parsed, EntraTenants::EveryTenantInTheWorld);
        match &issuers {
            Ok(issuers) => assert_eq!(Some(issuers.template()), template, "{issuer}"),
            Err(error) => assert!(error.is_configuration() && template.is_none(), "{issuer}"),
        }
    }
}

#[test]
fn an_issuer_is_that_of_a_tenant_that_is_let_in() {
    let acme = issuer_of(ACME);
    for (issuer, only_acme, everyone) in [
        (acme.as_str(), true, true),
        (&issuer_of(OTHER), false, true),
        (&issuer_of("organizations"), false, false),
        (&issuer_of("{tenantid}"), false, false),
        (&issuer_of(&ACME.to_uppercase()), false, false),
        (&issuer_of(""), false, false),
        (&format!("{acme}/"), false, false),
        (&format!("{acme}/v2.0"), false, false),
        (
            &format!("https://login.microsoftonline.com/{ACME}"),
            false,
            false,
        ),
        (
            &format!("https://login.microsoftonline.com.evil.example/{ACME}/v2.0"),
            false,
            false,
        ),
        (&format!("https://evil.example/{ACME}/v2.0"), false, false),
        (
            &format!("http://login.microsoftonline.com/{ACME}/v2.0"),
            false,
            false,
        ),
    ] {
        assert_eq!(
            issuers(only(&[ACME])).include(issuer),
            only_acme,
            "{issuer}"
        );
        let all = issuers(EntraTenants::EveryTenantInTheWorld);
        assert_eq!(all.include(issuer), everyone, "{issuer}");
        assert!(!issuers(only(&[])).include(issuer), "nobody is listed");
    }
}

#[test]
fn a_token_is_of_the_tenant_that_it_names() {
    let template = json!(issuer_of("{tenantid}"));
    let listed = || only(&[ACME, OTHER]);
    for tenant in [ACME, OTHER] {
        let claims = claims(&issuer_of(tenant), &json!(tenant));
        let claims = judged(&claims, &template, listed()).unwrap();
        assert_eq!(claims.issuer.as_str(), issuer_of(tenant), "the real one");
    }
    use IdTokenFault::{MalformedClaim, MissingClaim, WrongIssuer};
    for (iss, tid, fault) in [
        (issuer_of(ACME), json!(null), MissingClaim("tid")),
        (issuer_of(ACME), json!(7), MalformedClaim("tid")),
        (issuer_of(ACME), json!(""), MalformedClaim("tid")),
        (issuer_of("common"), json!("common"), MalformedClaim("tid")),
        (
            issuer_of("{tenantid}"),
            json!("{tenantid}"),
            MalformedClaim("tid"),
        ),
        (
            issuer_of(&ACME.to_uppercase()),
            json!(ACME.to_uppercase()),
            MalformedClaim("tid"),
        ),
        // One that is listed, in the name of another that is.
        (issuer_of(OTHER), json!(ACME), WrongIssuer),
        (issuer_of("organizations"), json!(ACME), WrongIssuer),
        (issuer_of("{tenantid}"), json!(ACME), WrongIssuer),
        (
            format!("https://sts.windows.net/{ACME}/"),
            json!(ACME),
            WrongIssuer,
        ),
    ] {
        let claims = claims(&iss, &tid);
        let every = EntraTenants::EveryTenantInTheWorld;
        for tenants in [listed(), every] {
            let outcome = judged(&claims, &template, tenants);
            assert_eq!(outcome.err(), Some(fault), "{claims}");
        }
    }
}

#[test]
fn a_tenant_that_is_not_listed_signs_nobody_in() {
    let template = json!(issuer_of("{tenantid}"));
    let claims = claims(&issuer_of(OTHER), &json!(OTHER));
    let outcome = judged(&claims, &template, only(&[ACME]));
    assert_eq!(outcome.err(), Some(IdTokenFault::WrongTenant));
    let every = EntraTenants::EveryTenantInTheWorld;
    assert!(judged(&claims, &template, every).is_ok());
}

#[test]
fn a_key_signs_for_the_issuer_that_the_set_says() {
    let claims = claims(&issuer_of(ACME), &json!(ACME));
    let personal = issuer_of(EntraTenantId::PERSONAL_ACCOUNTS);
    for (key_issuer, fits) in [
        (json!(null), true),
        (json!(issuer_of("{tenantid}")), true),
        (json!(issuer_of(ACME)), true),
        (json!(personal), false),
        (json!(issuer_of(OTHER)), false),
        (
            json!("https://login.microsoftonline.us/{tenantid}/v2.0"),
            false,
        ),
        (json!(""), false),
        (json!(7), false),
    ] {
        let outcome = judged(&claims, &key_issuer, EntraTenants::EveryTenantInTheWorld);
        let fault = (!fits).then_some(IdTokenFault::KeyOfAnotherIssuer);
        assert_eq!(outcome.err(), fault, "{key_issuer}");
    }
}

#[test]
fn the_other_checks_stay() {
    let template = json!(issuer_of("{tenantid}"));
    for (name, value, fault) in [
        ("aud", json!("other"), IdTokenFault::WrongAudience),
        ("exp", json!(NOW - 60), IdTokenFault::Expired),
        ("sub", json!(""), IdTokenFault::MalformedClaim("sub")),
        ("events", json!({}), IdTokenFault::LogoutToken),
    ] {
        let mut claims = claims(&issuer_of(ACME), &json!(ACME));
        claims[name] = value;
        let outcome = judged(&claims, &template, only(&[ACME]));
        assert_eq!(outcome.err(), Some(fault), "{name}");
    }
}

fn document(issuer: &str) -> Vec<u8> {
    let endpoint = "https://login.microsoftonline.com/x";
    json!({
        "issuer": issuer, "authorization_endpoint": endpoint, "token_endpoint": endpoint,
        "jwks_uri": endpoint,
    })
    .to_string()
    .into_bytes()
}

#[test]
fn metadata_of_many_tenants_is_taken_only_where_the_set_up_says_so() {
    let template = document(&issuer_of("{tenantid}"));
    let error = ProviderMetadata::parse(&template, &organizations()).unwrap_err();
    assert!(error.is_configuration());
    assert!(error.to_string().contains("entra_tenants"), "{error}");

    let tenants = issuers(only(&[ACME]));
    let parse = |body: &[u8]| ProviderMetadata::parse_for_tenants(body, &organizations(), &tenants);
    assert_eq!(parse(&template).unwrap().issuer, organizations());
    for issuer in [
        issuer_of("organizations"),
        issuer_of("common"),
        issuer_of(ACME),
        issuer_of("{tenantId}"),
        issuer_of("{tenantid}/{tenantid}"),
        "https://login.microsoftonline.com/{tenantid}".to_owned(),
        "https://evil.example/{tenantid}/v2.0".to_owned(),
        "https://login.microsoftonline.us/{tenantid}/v2.0".to_owned(),
    ] {
        assert!(parse(&document(&issuer)).is_err(), "{issuer}");
    }
    // One tenant's own document does not speak for others, whatever it says.
    let of_acme = Issuer::parse(&issuer_of(ACME)).unwrap();
    let error = ProviderMetadata::parse(&template, &of_acme).unwrap_err();
    assert!(!error.is_configuration(), "{error}");
}
