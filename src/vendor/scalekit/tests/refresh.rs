//! Who a session is of after a refresh.

use serde_json::{Map, Value, json};

use super::fake::{NOW, TOKEN, Vendor, bent, claims, tokens};
use crate::provider::{Provider as _, RefreshGrant, Refreshed};
use crate::{ErrorKind, Result};

fn original() -> Map<String, Value> {
    claims().as_object().unwrap().clone()
}

async fn refreshed(changes: Value, original: Map<String, Value>) -> Result<Refreshed> {
    let vendor = Vendor::new();
    let none = json!({ "at_hash": null, "c_hash": null, "iat": NOW });
    vendor.issues(&bent(bent(claims(), none), changes));
    let grant = RefreshGrant {
        refresh_token: "rt-of-ada".into(),
        subject: "conn_1;idp|ada".to_owned(),
        auth_time: None,
        claims: original,
    };
    vendor.scalekit().refresh(grant).await
}

#[tokio::test]
async fn the_same_person_at_the_same_place_goes_on() {
    for changes in [
        json!({}),
        json!({ "amr": null }),
        json!({ "oid": null }),
        json!({ "amr": null, "oid": null }),
    ] {
        let refreshed = refreshed(changes.clone(), original()).await.unwrap();
        let identity = refreshed.identity.unwrap().unwrap();
        assert_eq!(identity.connection.as_deref(), Some("conn_1"), "{changes}");
        assert_eq!(identity.organization.as_deref(), Some("org_1"), "{changes}");
        assert_eq!(identity.claims.all["amr"], json!(["conn_1"]), "{changes}");
        assert_eq!(
            identity.claims.all["oid"], "org_1",
            "{changes}: for the next one"
        );
        assert!(
            identity.claims.amr.is_empty() && !identity.multi_factor,
            "{changes}"
        );
    }
}

#[tokio::test]
async fn another_person_or_place_is_not_believed() {
    let without_organization = || {
        let mut claims = original();
        claims.remove("oid");
        claims
    };
    for (changes, original) in [
        (json!({ "oid": "org_2" }), original()),
        (json!({ "oid": "org_1" }), without_organization()),
        (json!({ "amr": ["conn_2"] }), original()),
        (json!({ "sub": "conn_1;idp|eve" }), original()),
    ] {
        let refreshed = refreshed(changes.clone(), original).await.unwrap();
        let error = refreshed.identity.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Provider, "{changes}");
    }
}

/// With a subject that names no connection, `amr` alone tells.
#[tokio::test]
async fn the_connection_is_compared_and_not_only_the_subject() {
    let vendor = Vendor::new();
    let plain = json!({ "sub": "ada", "at_hash": null, "c_hash": null });
    let first = bent(claims(), plain);
    vendor.issues(&bent(first.clone(), json!({ "amr": ["conn_2"] })));
    let grant = RefreshGrant {
        refresh_token: "rt-of-ada".into(),
        subject: "ada".to_owned(),
        auth_time: None,
        claims: first.as_object().unwrap().clone(),
    };
    let refreshed = vendor.scalekit().refresh(grant).await.unwrap();
    assert!(refreshed.identity.is_err());
}

#[tokio::test]
async fn tokens_without_an_id_token_say_nothing_new() {
    let vendor = Vendor::new();
    vendor.on(TOKEN, &bent(tokens(""), json!({ "id_token": null })));
    let grant = RefreshGrant {
        refresh_token: "rt-of-ada".into(),
        subject: "conn_1;idp|ada".to_owned(),
        auth_time: None,
        claims: original(),
    };
    let refreshed = vendor.scalekit().refresh(grant).await.unwrap();
    assert!(refreshed.identity.unwrap().is_none());
}
