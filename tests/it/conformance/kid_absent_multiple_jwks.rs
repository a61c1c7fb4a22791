//! An ID token that names no key is tried with those that fit: the specification leaves it to us.

use tower_sso::simulator::Fault;

use super::{app, rejects_the_id_token};

#[tokio::test]
async fn signs_in_with_the_one_that_fits() {
    let app = app();
    app.idp().rotate_keys();
    app.idp().rotate_keys();
    app.idp().set_fault(Fault::NoKid);
    app.sign_in("/protected").await;
}

#[tokio::test]
async fn signs_in_where_the_keys_have_no_kid_either() {
    let app = app();
    app.idp().set_fault(Fault::JwksSeveralKeysNoKid);
    app.sign_in("/protected").await;
}

#[tokio::test]
async fn is_rejected_where_none_fits() {
    let app = app();
    app.idp().set_fault(Fault::JwksSeveralKeysNoKid);
    app.idp().set_fault(Fault::BadSignature);
    rejects_the_id_token(&app, "the token's signature is wrong").await;
}
