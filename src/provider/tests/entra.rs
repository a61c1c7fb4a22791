//! Sign-ins at Microsoft Entra, whose metadata speaks for many tenants.

use serde_json::{Map, Value, json};

use super::fake::{CLIENT, Idp, NONCE, NOW, Reply, TestKey, grant, tokens};
use crate::oidc::{EntraTenantId, EntraTenants, IdTokenFault, Issuer};
use crate::provider::{OidcProvider, Provider as _, RefreshGrant};
use crate::{Error, ErrorKind, Result};

const ACME: &str = "8eaef023-2b34-4da1-9baa-8bc8c9d6a490";
const BETA: &str = "82229342-1101-4ab6-817b-70c0747630f3";
const STRANGER: &str = "72f988bf-86f1-41af-91ab-2d7cd011db47";

const CONFIGURATION: &str = "/organizations/v2.0/.well-known/openid-configuration";
const JWKS: &str = "/organizations/discovery/v2.0/keys";
const TOKEN: &str = "/organizations/oauth2/v2.0/token";

fn issuer_of(tenant: &str) -> String {
    format!("https://login.microsoftonline.com/{tenant}/v2.0")
}

fn claims_of(tenant: &str) -> Value {
    json!({
        "iss": issuer_of(tenant), "tid": tenant, "sub": "alice", "aud": CLIENT, "exp": NOW + 300,
        "iat": NOW, "nonce": NONCE, "ver": "2.0",
    })
}

/// The tenant-independent document, a key for all tenants, and one for personal accounts.
struct Entra {
    idp: Idp,
    personal: TestKey,
}

impl Entra {
    fn new() -> Self {
        let (idp, personal) = (Idp::new(), TestKey::new("personal"));
        let root = "https://login.microsoftonline.com/organizations";
        let metadata = json!({
            "issuer": issuer_of("{tenantid}"),
            "authorization_endpoint": format!("{root}/oauth2/v2.0/authorize"),
            "token_endpoint": format!("{root}/oauth2/v2.0/token"),
            "jwks_uri": format!("{root}/discovery/v2.0/keys"),
            "id_token_signing_alg_values_supported": ["EdDSA"],
        });
        idp.http.on(CONFIGURATION, Reply::json(&metadata));
        let (mut all, mut one) = (idp.key.jwk(), personal.jwk());
        all["issuer"] = issuer_of("{tenantid}").into();
        one["issuer"] = issuer_of(EntraTenantId::PERSONAL_ACCOUNTS).into();
        idp.http
            .on(JWKS, Reply::json(&json!({ "keys": [all, one] })));
        Self { idp, personal }
    }

    fn provider(&self, tenants: Option<EntraTenants>) -> OidcProvider {
        let mut config = self.idp.config();
        config.issuer = Issuer::parse(&issuer_of("organizations")).unwrap();
        config.entra_tenants = tenants;
        self.idp.provider_with(config)
    }

    /// Redeems a code for a token with these claims, at an app of ACME and BETA.
    async fn issuer_after(&self, key: &TestKey, claims: &Value) -> Result<String> {
        self.idp.http.on(TOKEN, tokens(&key.sign(claims)));
        let identity = self.provider(Some(listed())).redeem(grant()).await?;
        Ok(identity.claims.issuer.as_str().to_owned())
    }
}

fn listed() -> EntraTenants {
    let ids = [ACME, BETA].map(|id| EntraTenantId::parse(id).unwrap());
    EntraTenants::Only(ids.to_vec())
}

fn fault(error: &Error) -> Option<IdTokenFault> {
    use std::error::Error as _;
    assert_eq!(error.kind(), ErrorKind::Provider, "{error}");
    error.source()?.downcast_ref().copied()
}

#[tokio::test]
async fn each_tenant_signs_in_under_its_own_issuer() {
    let entra = Entra::new();
    for tenant in [ACME, BETA] {
        let key = entra.idp.key.clone();
        let issuer = entra.issuer_after(&key, &claims_of(tenant)).await.unwrap();
        assert_eq!(issuer, issuer_of(tenant));
    }
}

#[tokio::test]
async fn another_tenants_token_a_forged_tid_and_another_issuers_key_are_refused() {
    let entra = Entra::new();
    let key = entra.idp.key.clone();
    let mut forged = claims_of(STRANGER);
    forged["tid"] = ACME.into();
    let mut no_guid = claims_of("organizations");
    no_guid["sub"] = "alice".into();
    for (key, claims, expected) in [
        (&key, claims_of(STRANGER), IdTokenFault::WrongTenant),
        (&key, forged, IdTokenFault::WrongIssuer),
        (&key, no_guid, IdTokenFault::MalformedClaim("tid")),
        (
            &entra.personal,
            claims_of(ACME),
            IdTokenFault::KeyOfAnotherIssuer,
        ),
    ] {
        let error = entra.issuer_after(key, &claims).await.unwrap_err();
        assert_eq!(fault(&error), Some(expected), "{claims}");
    }
}

#[tokio::test]
async fn nothing_works_where_the_tenants_are_not_said() {
    let entra = Entra::new();
    let error = entra.provider(None).ready().await.unwrap_err();
    assert!(error.is_configuration());
    assert!(error.to_string().contains("entra_tenants"), "{error}");
}

#[tokio::test]
async fn the_issuer_of_one_tenant_takes_no_list() {
    let entra = Entra::new();
    let mut config = entra.idp.config();
    config.entra_tenants = Some(listed());
    let provider = entra.idp.provider_with(config);
    assert!(provider.ready().await.unwrap_err().is_configuration());
    assert!(!provider.vouches_for(super::fake::ISSUER));
}

#[tokio::test]
async fn it_vouches_for_its_tenants_and_answers_in_their_names() {
    let provider = Entra::new().provider(Some(listed()));
    for (issuer, is_ours) in [
        (issuer_of(ACME), true),
        (issuer_of(BETA), true),
        (issuer_of(STRANGER), false),
        (issuer_of("organizations"), false),
        (issuer_of("{tenantid}"), false),
        (format!("https://evil.example/{ACME}/v2.0"), false),
    ] {
        assert_eq!(provider.vouches_for(&issuer), is_ours, "{issuer}");
        let answer = provider.check_response_issuer(Some(&issuer)).await;
        assert_eq!(answer.is_ok(), is_ours, "{issuer}");
    }
    assert!(provider.check_response_issuer(None).await.is_ok());
}

#[tokio::test]
async fn a_refresh_stays_with_the_tenant_of_the_sign_in() {
    let entra = Entra::new();
    let original: Map<String, Value> = claims_of(ACME).as_object().unwrap().clone();
    for (tenant, expected) in [
        (ACME, None),
        (BETA, Some(IdTokenFault::WrongIssuer)),
        (STRANGER, Some(IdTokenFault::WrongTenant)),
    ] {
        let token = entra.idp.key.sign(&claims_of(tenant));
        entra.idp.http.on(TOKEN, tokens(&token));
        let grant = RefreshGrant {
            refresh_token: "rt".into(),
            subject: "alice".to_owned(),
            auth_time: None,
            claims: original.clone(),
        };
        let refreshed = entra.provider(Some(listed())).refresh(grant).await.unwrap();
        let found = refreshed.identity.err().map(|error| fault(&error));
        assert_eq!(found, expected.map(Some), "{tenant}");
    }
}
