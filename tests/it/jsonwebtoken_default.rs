//! An app may use jsonwebtoken itself, before us and after us.
//!
//! What jsonwebtoken signs with by default is set once for a whole process, so each test has one of its own.

use std::process::Command;

#[cfg(feature = "aws-lc-rs")]
use jsonwebtoken::crypto::aws_lc::DEFAULT_PROVIDER;
#[cfg(not(feature = "aws-lc-rs"))]
use jsonwebtoken::crypto::rust_crypto::DEFAULT_PROVIDER;
use jsonwebtoken::crypto::{CryptoProvider, KeyUtils};
use jsonwebtoken::{DecodingKey, EncodingKey, Header, Validation};
use serde_json::{Value, json};
use tower_sso::simulator::SigningAlgorithm;

use crate::support::App;

/// Runs `work` in a process in which nothing else happens: this one, started again for this test alone.
async fn in_a_process_of_its_own(test: &str, work: impl Future<Output = ()>) {
    const ALONE: &str = "TOWER_SSO_TEST_ALONE";
    if std::env::var_os(ALONE).is_some() {
        return work.await;
    }
    let name = format!("{}::{test}", module_path!().split_once("::").unwrap().1);
    let child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", &name])
        .env(ALONE, "yes")
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&child.stdout);
    assert!(child.status.success(), "{said}");
    assert!(said.contains("1 passed"), "{said}");
}

async fn sign_in_with_each_key_type() {
    for algorithm in [SigningAlgorithm::Rs256, SigningAlgorithm::Es256] {
        let app = App::with_keys(algorithm, |builder| builder);
        app.sign_in("/protected").await;
    }
}

/// What the app itself signs and reads, with the process's default.
fn the_app_signs_and_reads() {
    let key = b"a secret of the app";
    let claims = json!({ "sub": "ada", "exp": 4_000_000_000_u64 });
    let token =
        jsonwebtoken::encode(&Header::default(), &claims, &EncodingKey::from_secret(key)).unwrap();
    let read = jsonwebtoken::decode::<Value>(
        &token,
        &DecodingKey::from_secret(key),
        &Validation::default(),
    );
    assert_eq!(read.unwrap().claims, claims);
}

#[tokio::test]
async fn an_app_may_install_its_default_before_we_sign_in() {
    let test = "an_app_may_install_its_default_before_we_sign_in";
    in_a_process_of_its_own(test, async {
        DEFAULT_PROVIDER.install_default().unwrap();
        the_app_signs_and_reads();
        sign_in_with_each_key_type().await;
        the_app_signs_and_reads();
    })
    .await;
}

#[tokio::test]
async fn an_app_may_install_its_default_after_we_signed_in() {
    let test = "an_app_may_install_its_default_after_we_signed_in";
    in_a_process_of_its_own(test, async {
        sign_in_with_each_key_type().await;
        DEFAULT_PROVIDER
            .install_default()
            .expect("we left the default alone");
        the_app_signs_and_reads();
    })
    .await;
}

#[tokio::test]
async fn we_do_not_ask_the_apps_default() {
    static THEIRS: CryptoProvider = CryptoProvider {
        signer_factory: |_, _| panic!("signs with the app's default"),
        verifier_factory: |_, _| panic!("verifies with the app's default"),
        key_utils: KeyUtils::new_unimplemented(),
    };
    in_a_process_of_its_own("we_do_not_ask_the_apps_default", async {
        THEIRS.install_default().unwrap();
        sign_in_with_each_key_type().await;
    })
    .await;
}
