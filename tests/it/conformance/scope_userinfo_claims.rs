//! The claims that a scope stands for (OpenID Connect Core 5.4) come from UserInfo.

use super::{app_with, claim};

const CLAIMS: [&str; 2] = ["email", "name"];

#[tokio::test]
async fn are_those_of_the_scope() {
    for (scopes, given) in [
        (["openid", "email", "profile"].as_slice(), &CLAIMS[..]),
        (&["openid", "email"], &["email"]),
        (&["openid"], &[]),
    ] {
        let app = app_with(|builder| builder.scopes(scopes.iter().copied()));
        for name in CLAIMS {
            app.idp().set_fault(claim(name, None));
        }
        let claims = app.sign_in("/protected").await.json()["claims"].clone();
        for name in CLAIMS {
            let wanted = given.contains(&name);
            assert_eq!(claims[name].is_string(), wanted, "{name} by {scopes:?}");
        }
    }
}
