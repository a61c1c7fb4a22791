//! Whether an access token of the environment may be believed.

use std::fmt;

use serde_json::{Map, Value};

use super::initiated::{ALGORITHMS, disbelieved};
use super::{Scalekit, ScalekitConfig};
use crate::clock::SecondsSinceEpoch;
use crate::oidc::{Claims, CompactJwt, IdTokenFault, LEEWAY, verified_claims};
use crate::{Error, Result};

/// What only ID tokens and logout tokens have (OpenID Connect Core 2 and 3.1.3.6, Back-Channel Logout 1.0
/// section 2.4). An ID token travels in URLs, as `id_token_hint`: as an access token it would be in every log.
const FOREIGN: [&str; 4] = ["nonce", "at_hash", "c_hash", "events"];

/// The claims of a verified access token.
///
/// ```no_run
/// use tower_sso::vendor::scalekit::Scalekit;
///
/// # async fn guard(scalekit: Scalekit, bearer: &str) -> tower_sso::Result<()> {
/// let claims = scalekit.verify_access_token(bearer).await?;
/// if claims.has_scope("invoices:read") {
///     println!("{} may", claims.subject);
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
#[non_exhaustive]
pub struct AccessTokenClaims {
    /// `sub`: a person, or the client itself where no person is involved.
    pub subject: String,
    /// `client_id`: the client that the token was issued to.
    pub client_id: Option<String>,
    /// `aud`.
    pub audience: Vec<String>,
    /// `exp`.
    pub expires_at: SecondsSinceEpoch,
    /// `iat`.
    pub issued_at: Option<SecondsSinceEpoch>,
    /// `jti`.
    pub token_id: Option<String>,
    /// `oid`: the organization that the person signed in for.
    pub organization: Option<String>,
    /// What was granted: `scope`, a text with spaces, and `scopes`, a list.
    pub scopes: Vec<String>,
    /// Every claim, as it came.
    pub all: Map<String, Value>,
}

impl AccessTokenClaims {
    /// Whether this scope was granted.
    #[must_use]
    pub fn has_scope(&self, scope: &str) -> bool {
        self.scopes.iter().any(|granted| granted == scope)
    }
}

impl fmt::Debug for AccessTokenClaims {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AccessTokenClaims")
            .field("subject", &self.subject)
            .field("client_id", &self.client_id)
            .field("scopes", &self.scopes)
            .finish_non_exhaustive()
    }
}

impl Scalekit {
    /// Verifies an access token that somebody sent: signature (RS256), `iss`, `exp`, `nbf`, `iat`, and that `aud`
    /// names one of [`ScalekitConfig::access_token_audiences`]. A token without `aud` is for nobody here. `typ` may be
    /// `at+jwt` (RFC 9068 section 2.1), `JWT` or absent; an ID token is refused by what only it has.
    ///
    /// It says nothing about a session that has ended since: it is good until `exp`.
    ///
    /// # Errors
    /// [`ErrorKind::Request`](crate::ErrorKind::Request): it can't be believed.
    /// [`ErrorKind::Unavailable`](crate::ErrorKind::Unavailable): it can't be verified now.
    pub async fn verify_access_token(&self, token: &str) -> Result<AccessTokenClaims> {
        let jwt = CompactJwt::parse(token)
            .map_err(|error| Error::request("the access token can't be read").with_source(error))?;
        check_type(&jwt).map_err(disbelieved)?;
        let keys = self.0.oidc.keys_for_stranger(jwt.kid.as_deref()).await?;
        let claims = verified_claims(&jwt, &keys, ALGORITHMS).map_err(disbelieved)?;
        let issuer = self.0.issuer.as_str();
        judge(&self.0.config, issuer, claims, self.0.clock.now()).map_err(disbelieved)
    }
}

fn check_type(jwt: &CompactJwt<'_>) -> Result<(), IdTokenFault> {
    match jwt.media_type().as_deref() {
        Some(other) if other.ends_with("+jwt") && other != "at+jwt" => Err(IdTokenFault::WrongType),
        _ => Ok(()),
    }
}

fn judge(
    config: &ScalekitConfig,
    issuer: &str,
    all: Map<String, Value>,
    now: SecondsSinceEpoch,
) -> Result<AccessTokenClaims, IdTokenFault> {
    let claims = Claims(&all);
    if FOREIGN.iter().any(|name| all.contains_key(*name)) {
        return Err(IdTokenFault::WrongType);
    }
    if claims.text("iss")? != Some(issuer) {
        return Err(IdTokenFault::WrongIssuer);
    }
    let audience = claims.texts("aud")?;
    if !config.is_audience(&audience) {
        return Err(IdTokenFault::WrongAudience);
    }
    let expires_at = claims
        .time("exp")?
        .ok_or(IdTokenFault::MissingClaim("exp"))?;
    if now >= expires_at.plus(LEEWAY) {
        return Err(IdTokenFault::Expired);
    }
    let latest = now.plus(LEEWAY);
    if claims.time("nbf")?.is_some_and(|nbf| nbf > latest) {
        return Err(IdTokenFault::NotYetValid);
    }
    let issued_at = claims.time("iat")?;
    if issued_at.is_some_and(|iat| iat > latest) {
        return Err(IdTokenFault::IssuedInFuture);
    }
    let subject = claims.text("sub")?.filter(|subject| !subject.is_empty());
    let text = |name| Ok(claims.text(name)?.map(str::to_owned));
    Ok(AccessTokenClaims {
        subject: subject.ok_or(IdTokenFault::MissingClaim("sub"))?.to_owned(),
        client_id: text("client_id")?,
        audience,
        expires_at,
        issued_at,
        token_id: text("jti")?,
        organization: text("oid")?,
        scopes: scopes(&claims)?,
        all,
    })
}

/// The documents have both shapes.
fn scopes(claims: &Claims<'_>) -> Result<Vec<String>, IdTokenFault> {
    let mut scopes: Vec<String> = Vec::new();
    for name in ["scope", "scopes"] {
        for words in claims.texts(name)? {
            for word in words.split_whitespace() {
                if !scopes.iter().any(|scope| scope == word) {
                    scopes.push(word.to_owned());
                }
            }
        }
    }
    Ok(scopes)
}
