//! Whether an ID token may be believed (OpenID Connect Core 3.1.3.7).

use std::fmt;
use std::time::Duration;

use jsonwebtoken::Algorithm;
use serde_json::{Map, Value};

use super::claims::{self, Claims};
use super::{CompactJwt, IdTokenFault, Issuer, KeySet};
use crate::clock::SecondsSinceEpoch;
use crate::crypto::{base64url, hash_for};
use crate::secret::constant_time_eq;

/// How far the provider's clock may be off: 60 seconds.
pub const LEEWAY: Duration = Duration::from_secs(60);

/// OpenID Connect Core section 2.
const MAX_SUBJECT: usize = 255;

/// The claims of a verified ID token.
#[derive(Clone)]
pub struct IdTokenClaims {
    /// `iss`.
    pub issuer: Issuer,
    /// `sub`: who it is, in the issuer's own terms.
    pub subject: String,
    /// `aud`.
    pub audience: Vec<String>,
    /// `exp`.
    pub expires_at: SecondsSinceEpoch,
    /// `iat`.
    pub issued_at: SecondsSinceEpoch,
    /// `auth_time`: when the person last proved who they are; 0 counts as absent.
    pub auth_time: Option<SecondsSinceEpoch>,
    /// `acr`.
    pub acr: Option<String>,
    /// `amr`; empty if absent.
    pub amr: Vec<String>,
    /// `azp`.
    pub authorized_party: Option<String>,
    /// `sid`: the provider's session.
    pub sid: Option<String>,
    /// `session_expiry`: when the provider's session ends.
    pub session_expiry: Option<SecondsSinceEpoch>,
    /// Every claim, as it came.
    pub all: Map<String, Value>,
}

impl IdTokenClaims {
    /// Whether the nonce is the one that was sent, where the token has one: for providers that leave it out,
    /// with which PKCE alone binds the code to the browser (RFC 9700 section 2.1.1).
    #[cfg(feature = "scalekit")]
    pub(crate) fn check_nonce_where_present(&self, sent: &str) -> Result<(), IdTokenFault> {
        match Claims(&self.all).text("nonce")? {
            Some(nonce) if !constant_time_eq(nonce.as_bytes(), sent.as_bytes()) => {
                Err(IdTokenFault::WrongNonce)
            }
            _ => Ok(()),
        }
    }

    /// Adds what UserInfo says, after [`userinfo::check`](crate::oidc::userinfo::check). What the ID
    /// token said stays: it is signed, and UserInfo need not be.
    pub fn merge_userinfo(&mut self, userinfo: Map<String, Value>) {
        for (name, value) in userinfo {
            self.all.entry(name).or_insert(value);
        }
    }
}

impl fmt::Debug for IdTokenClaims {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("IdTokenClaims")
            .field("issuer", &self.issuer)
            .field("subject", &self.subject)
            .finish_non_exhaustive()
    }
}

/// What an ID token must fit.
#[derive(Clone, Copy)]
pub struct IdTokenCheck<'a> {
    /// Who must have issued it.
    pub issuer: &'a Issuer,
    /// Whom it must be for.
    pub client_id: &'a str,
    /// The nonce that was sent; `None` where none was (a refresh).
    pub nonce: Option<&'a str>,
    /// The `max_age` that was asked for.
    pub max_age: Option<Duration>,
    /// The access token that came with it; `at_hash`, where there is one, must fit it.
    pub access_token: Option<&'a str>,
    /// The code that was redeemed; `c_hash`, where there is one, must fit it.
    pub code: Option<&'a str>,
    /// Which algorithms are allowed: configured, or the metadata's, never the token's own word.
    pub algorithms: &'a [Algorithm],
    /// The time.
    pub now: SecondsSinceEpoch,
    /// How far the provider's clock may be off: [`LEEWAY`].
    pub leeway: Duration,
}

impl IdTokenCheck<'_> {
    /// Verifies the signature, then every claim.
    ///
    /// Several audiences are accepted only with an `azp` that names this client: Core lets a client refuse
    /// audiences that it does not trust (rule 3), and `azp` is the issuer's word that the token was made
    /// for this one.
    ///
    /// # Errors
    /// The first check that failed.
    pub fn verify(
        &self,
        jwt: &CompactJwt<'_>,
        keys: &KeySet,
    ) -> Result<IdTokenClaims, IdTokenFault> {
        check_type(jwt)?;
        let all = claims::verified(jwt, keys, self.algorithms)?;
        self.judge(jwt.algorithm, all)
    }

    /// Every claim of a token that was signed with `alg`.
    pub(crate) fn judge(
        &self,
        alg: Algorithm,
        all: Map<String, Value>,
    ) -> Result<IdTokenClaims, IdTokenFault> {
        let claims = Claims(&all);
        // Back-Channel Logout section 2.4: what has `events` is no ID token, whatever else it has.
        if all.contains_key("events") {
            return Err(IdTokenFault::LogoutToken);
        }
        self.check_issuer(&claims)?;
        let subject = subject(&claims)?;
        let audience = self.check_audience(&claims)?;
        let authorized_party = self.check_authorized_party(&claims, &audience)?;
        let (expires_at, issued_at) = self.check_times(&claims)?;
        self.check_nonce(&claims)?;
        check_hash(
            &claims,
            "at_hash",
            self.access_token,
            alg,
            IdTokenFault::WrongAtHash,
        )?;
        check_hash(&claims, "c_hash", self.code, alg, IdTokenFault::WrongCHash)?;
        let auth_time = self.check_auth_time(&claims)?;
        Ok(IdTokenClaims {
            issuer: self.issuer.clone(),
            subject,
            audience,
            expires_at,
            issued_at,
            auth_time,
            acr: claims.text("acr")?.map(str::to_owned),
            amr: claims.texts("amr")?,
            authorized_party,
            sid: claims.text("sid")?.map(str::to_owned),
            session_expiry: claims.time("session_expiry")?,
            all,
        })
    }

    /// Rule 2, by exact comparison.
    fn check_issuer(&self, claims: &Claims<'_>) -> Result<(), IdTokenFault> {
        let iss = claims
            .text("iss")?
            .ok_or(IdTokenFault::MissingClaim("iss"))?;
        if iss != self.issuer.as_str() {
            return Err(IdTokenFault::WrongIssuer);
        }
        Ok(())
    }

    /// Rule 3.
    fn check_audience(&self, claims: &Claims<'_>) -> Result<Vec<String>, IdTokenFault> {
        let audience = claims.texts("aud")?;
        if audience.is_empty() {
            return Err(IdTokenFault::MissingClaim("aud"));
        }
        if !audience.iter().any(|name| name == self.client_id) {
            return Err(IdTokenFault::WrongAudience);
        }
        Ok(audience)
    }

    /// Rules 4 and 5.
    fn check_authorized_party(
        &self,
        claims: &Claims<'_>,
        audience: &[String],
    ) -> Result<Option<String>, IdTokenFault> {
        match claims.text("azp")? {
            Some(azp) if azp != self.client_id => Err(IdTokenFault::WrongAuthorizedParty),
            None if audience.iter().any(|name| name != self.client_id) => {
                Err(IdTokenFault::UntrustedAudience)
            }
            azp => Ok(azp.map(str::to_owned)),
        }
    }

    /// Rules 9 and 10, and `nbf` (RFC 7519 section 4.1.5).
    fn check_times(
        &self,
        claims: &Claims<'_>,
    ) -> Result<(SecondsSinceEpoch, SecondsSinceEpoch), IdTokenFault> {
        let expires_at = claims
            .time("exp")?
            .ok_or(IdTokenFault::MissingClaim("exp"))?;
        let issued_at = claims
            .time("iat")?
            .ok_or(IdTokenFault::MissingClaim("iat"))?;
        let latest = self.now.plus(self.leeway);
        if self.now >= expires_at.plus(self.leeway) {
            return Err(IdTokenFault::Expired);
        }
        if claims.time("nbf")?.is_some_and(|nbf| nbf > latest) {
            return Err(IdTokenFault::NotYetValid);
        }
        if issued_at > latest {
            return Err(IdTokenFault::IssuedInFuture);
        }
        Ok((expires_at, issued_at))
    }

    /// Rule 11.
    fn check_nonce(&self, claims: &Claims<'_>) -> Result<(), IdTokenFault> {
        let Some(expected) = self.nonce else {
            return Ok(());
        };
        let nonce = claims
            .text("nonce")?
            .ok_or(IdTokenFault::MissingClaim("nonce"))?;
        if !constant_time_eq(nonce.as_bytes(), expected.as_bytes()) {
            return Err(IdTokenFault::WrongNonce);
        }
        Ok(())
    }

    /// Rule 13. Providers exist that write 0 where they do not know.
    fn check_auth_time(
        &self,
        claims: &Claims<'_>,
    ) -> Result<Option<SecondsSinceEpoch>, IdTokenFault> {
        let auth_time = claims.time("auth_time")?.filter(|time| time.0 != 0);
        if auth_time.is_some_and(|time| time > self.now.plus(self.leeway)) {
            return Err(IdTokenFault::AuthTimeInFuture);
        }
        if let Some(max_age) = self.max_age {
            let time = auth_time.ok_or(IdTokenFault::AuthTimeMissing)?;
            if self.now > time.plus(max_age).plus(self.leeway) {
                return Err(IdTokenFault::AuthTimeTooOld);
            }
        }
        Ok(auth_time)
    }
}

impl fmt::Debug for IdTokenCheck<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("IdTokenCheck")
            .field("issuer", &self.issuer)
            .field("client_id", &self.client_id)
            .field("max_age", &self.max_age)
            .field("algorithms", &self.algorithms)
            .field("now", &self.now)
            .field("leeway", &self.leeway)
            .finish_non_exhaustive()
    }
}

/// An ID token has no `typ` of its own; one that ends in `+jwt` declares another kind of token
/// (RFC 8725 section 3.11), as `at+jwt` (RFC 9068) and `logout+jwt` do.
pub(super) fn check_type(jwt: &CompactJwt<'_>) -> Result<(), IdTokenFault> {
    match jwt.media_type().as_deref() {
        Some("logout+jwt") => Err(IdTokenFault::LogoutToken),
        Some(other) if other.ends_with("+jwt") => Err(IdTokenFault::WrongType),
        _ => Ok(()),
    }
}

fn subject(claims: &Claims<'_>) -> Result<String, IdTokenFault> {
    let subject = claims
        .text("sub")?
        .ok_or(IdTokenFault::MissingClaim("sub"))?;
    if subject.is_empty() || subject.chars().count() > MAX_SUBJECT {
        return Err(IdTokenFault::MalformedClaim("sub"));
    }
    Ok(subject.to_owned())
}

/// `at_hash` and `c_hash` (OpenID Connect Core 3.1.3.8, 3.3.2.11): the left half of the value's hash.
fn check_hash(
    claims: &Claims<'_>,
    name: &'static str,
    value: Option<&str>,
    alg: Algorithm,
    fault: IdTokenFault,
) -> Result<(), IdTokenFault> {
    let (Some(stated), Some(value)) = (claims.text(name)?, value) else {
        return Ok(());
    };
    let hash = hash_for(alg, value.as_bytes()).ok_or(fault)?;
    let half = base64url(&hash[..hash.len() / 2]);
    if !constant_time_eq(stated.as_bytes(), half.as_bytes()) {
        return Err(fault);
    }
    Ok(())
}

#[cfg(test)]
mod tests;
