//! A UserInfo answer that is a signed JWT.

use std::fmt;
use std::time::Duration;

use jsonwebtoken::Algorithm;
use serde_json::{Map, Value};

use super::claims::{self, Claims};
use super::{CompactJwt, IdTokenFault, Issuer, KeySet};
use crate::clock::SecondsSinceEpoch;

/// What a UserInfo answer of type `application/jwt` must fit (OpenID Connect Core 5.3.2).
#[derive(Clone, Copy)]
pub struct UserInfoCheck<'a> {
    /// Who must have issued it, where it says so.
    pub issuer: &'a Issuer,
    /// Whom it must be for, where it says so.
    pub client_id: &'a str,
    /// Whom it must be about: `sub` of the ID token.
    pub subject: &'a str,
    /// Which algorithms are allowed.
    pub algorithms: &'a [Algorithm],
    /// The time.
    pub now: SecondsSinceEpoch,
    /// How far the provider's clock may be off: [`LEEWAY`](crate::oidc::LEEWAY).
    pub leeway: Duration,
}

impl UserInfoCheck<'_> {
    /// Verifies the signature, that `sub` is there and the same, and `iss`, `aud` and `exp` where they
    /// are there (RFC 7519 section 4.1.4).
    ///
    /// # Errors
    /// The first check that failed.
    pub fn verify(
        &self,
        jwt: &CompactJwt<'_>,
        keys: &KeySet,
    ) -> Result<Map<String, Value>, IdTokenFault> {
        let all = claims::verified(jwt, keys, self.algorithms)?;
        let claims = Claims(&all);
        if claims
            .text("iss")?
            .is_some_and(|iss| iss != self.issuer.as_str())
        {
            return Err(IdTokenFault::WrongIssuer);
        }
        let audience = claims.texts("aud")?;
        if !audience.is_empty() && !audience.iter().any(|name| name == self.client_id) {
            return Err(IdTokenFault::WrongAudience);
        }
        if claims
            .time("exp")?
            .is_some_and(|exp| self.now >= exp.plus(self.leeway))
        {
            return Err(IdTokenFault::Expired);
        }
        match claims.text("sub")? {
            Some(sub) if sub == self.subject => Ok(all),
            Some(_) => Err(IdTokenFault::WrongSubject),
            None => Err(IdTokenFault::MissingClaim("sub")),
        }
    }
}

impl fmt::Debug for UserInfoCheck<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("UserInfoCheck")
            .field("issuer", &self.issuer)
            .field("client_id", &self.client_id)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::LEEWAY;
    use super::super::testing::{CLIENT, NOW, issuer, keys, token};
    use super::*;

    fn judge(claims: &Value) -> Result<Map<String, Value>, IdTokenFault> {
        let token = token(Algorithm::ES256, claims);
        verify(&mut CompactJwt::parse(&token).expect("a token"))
    }

    fn verify(jwt: &mut CompactJwt<'_>) -> Result<Map<String, Value>, IdTokenFault> {
        let check = UserInfoCheck {
            issuer: &issuer(),
            client_id: CLIENT,
            subject: "alice",
            algorithms: &[Algorithm::ES256],
            now: SecondsSinceEpoch(NOW),
            leeway: LEEWAY,
        };
        check.verify(jwt, &keys())
    }

    #[test]
    fn signature_and_subject_are_always_checked() {
        let claims = json!({ "sub": "alice", "email": "a@example.com" });
        assert_eq!(judge(&claims).unwrap()["email"], "a@example.com");
        for (claims, fault) in [
            (json!({}), IdTokenFault::MissingClaim("sub")),
            (json!({ "sub": 1 }), IdTokenFault::MalformedClaim("sub")),
            (json!({ "sub": "mallory" }), IdTokenFault::WrongSubject),
        ] {
            assert_eq!(judge(&claims), Err(fault), "{claims}");
        }
        let token = token(Algorithm::ES256, &claims);
        let mut jwt = CompactJwt::parse(&token).unwrap();
        jwt.signature[0] ^= 1;
        assert_eq!(verify(&mut jwt), Err(IdTokenFault::BadSignature));
    }

    #[test]
    fn issuer_audience_and_expiry_are_checked_where_they_are_there() {
        for (name, value, fault) in [
            (
                "iss",
                json!("https://other.example"),
                Some(IdTokenFault::WrongIssuer),
            ),
            ("iss", json!(issuer().as_str()), None),
            ("aud", json!("other"), Some(IdTokenFault::WrongAudience)),
            ("aud", json!(["other", CLIENT]), None),
            ("exp", json!(NOW - 60), Some(IdTokenFault::Expired)),
            ("exp", json!(NOW - 59), None),
        ] {
            let claims = json!({ "sub": "alice", name: value });
            assert_eq!(judge(&claims).err(), fault, "{claims}");
        }
    }
}
