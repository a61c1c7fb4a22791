//! Sign-ins that begin at a customer's identity provider: whether the token that tells of one may be believed.

use std::time::Duration;

use futures_core::future::BoxFuture;
use serde_json::{Map, Value};

use super::{Scalekit, ScalekitConfig};
use crate::clock::SecondsSinceEpoch;
use crate::crypto::{base64url, sha256};
use crate::oidc::{Algorithm, Claims, CompactJwt, IdTokenFault, LEEWAY, verified_claims};
use crate::provider::{InitiatedSignIns, Initiation, Selectors};
use crate::secret::Secret;
use crate::{Error, Result};

/// What Scalekit signs with; the token has no say in it.
pub(super) const ALGORITHMS: &[Algorithm] = &[Algorithm::RS256];

/// It comes in a URL, and with the longest relay state it is half of this.
const MAX_LENGTH: usize = 8 * 1024;
/// The vendor's live five minutes. A longer life would make of a link in a browser's history a way in.
const MAX_LIFETIME: Duration = Duration::from_secs(3600);
/// RFC 5321 section 4.5.3.1: 64 and `@` and 255.
const MAX_TEXT: usize = 320;
const MAX_RELAY_STATE: usize = 2048;

/// What only other tokens of the environment have: each ID token and access token names its subject, a logout token
/// has `events`, and an answer to a request has its `nonce` (OpenID Connect Core 2, RFC 9068 section 2.2,
/// Back-Channel Logout 1.0 section 2.4).
const FOREIGN: [&str; 4] = ["sub", "sid", "events", "nonce"];

impl InitiatedSignIns for Scalekit {
    /// By the rules of the vendor, whose token has neither `aud` nor `jti`:
    ///
    /// 1. RS256, and a key of the environment.
    /// 2. `iss` is one of [`ScalekitConfig::initiated_issuers`]; `exp` is there and not over; `nbf` and `iat`, where
    ///    they are there, have come. 60 seconds of leeway.
    /// 3. It names a connection or an organization, lives for an hour at most, and is not longer than 8 KiB.
    /// 4. It is no other token: it has none of `sub`, `sid`, `events`, `nonce`, no `typ` that ends in `+jwt`, and an
    ///    `aud`, where there is one, names this client.
    ///
    /// A relay state longer than 2 KiB is dropped: it may have been chosen by anybody, and the sign-in is as good
    /// without. [`Initiation::expires_at`] has the leeway in it, so that a token is remembered for as long as it is
    /// accepted.
    fn verify<'a>(&'a self, token: &'a Secret<String>) -> BoxFuture<'a, Result<Initiation>> {
        Box::pin(async move {
            let refused = |error: Error| {
                Error::request("the token of a sign-in that began elsewhere can't be read")
                    .with_source(error)
            };
            if token.expose().len() > MAX_LENGTH {
                return Err(Error::request(
                    "the token of a sign-in that began elsewhere is too long",
                ));
            }
            let jwt = CompactJwt::parse(token.expose()).map_err(refused)?;
            check_type(&jwt).map_err(disbelieved)?;
            let keys = self.0.oidc.keys_for_stranger(jwt.kid.as_deref()).await?;
            let claims = verified_claims(&jwt, &keys, ALGORITHMS).map_err(disbelieved)?;
            let token_id = base64url(&sha256(jwt.signing_input.as_bytes()));
            judge(&self.0.config, &claims, self.0.clock.now(), token_id).map_err(disbelieved)
        })
    }
}

/// Whoever drives the browser brought it.
pub(super) fn disbelieved(fault: IdTokenFault) -> Error {
    Error::request(fault.to_string()).with_source(fault)
}

fn check_type(jwt: &CompactJwt<'_>) -> Result<(), IdTokenFault> {
    match jwt.media_type() {
        Some(other) if other.ends_with("+jwt") => Err(IdTokenFault::WrongType),
        _ => Ok(()),
    }
}

fn judge(
    config: &ScalekitConfig,
    all: &Map<String, Value>,
    now: SecondsSinceEpoch,
    token_id: String,
) -> Result<Initiation, IdTokenFault> {
    if FOREIGN.iter().any(|name| all.contains_key(*name)) {
        return Err(IdTokenFault::WrongType);
    }
    let claims = Claims(all);
    let iss = claims
        .text("iss")?
        .ok_or(IdTokenFault::MissingClaim("iss"))?;
    if !config.may_initiate(iss) {
        return Err(IdTokenFault::WrongIssuer);
    }
    let audience = claims.texts("aud")?;
    if !audience.is_empty() && !audience.contains(&config.client_id) {
        return Err(IdTokenFault::WrongAudience);
    }
    let expires_at = check_times(&claims, now)?;
    let selectors = Selectors {
        connection: short(&claims, "connection_id")?,
        organization: short(&claims, "organization_id")?,
        ..Selectors::default()
    };
    if selectors.is_empty() {
        return Err(IdTokenFault::MissingClaim("connection_id"));
    }
    let relay_state = claims.text("relay_state")?;
    Ok(Initiation {
        token_id,
        expires_at: expires_at.plus(LEEWAY),
        selectors,
        login_hint: short(&claims, "login_hint")?,
        relay_state: relay_state
            .filter(|text| !text.is_empty() && text.len() <= MAX_RELAY_STATE)
            .map(str::to_owned),
    })
}

fn check_times(
    claims: &Claims<'_>,
    now: SecondsSinceEpoch,
) -> Result<SecondsSinceEpoch, IdTokenFault> {
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
    // Without `iat` it counts as issued at the last moment that it could have been.
    if expires_at.since(issued_at.unwrap_or(latest)) > MAX_LIFETIME {
        return Err(IdTokenFault::MalformedClaim("exp"));
    }
    Ok(expires_at)
}

/// A text that goes on into a URL; an empty one counts as absent.
fn short(claims: &Claims<'_>, name: &'static str) -> Result<Option<String>, IdTokenFault> {
    match claims.text(name)?.filter(|text| !text.is_empty()) {
        Some(text) if text.len() > MAX_TEXT => Err(IdTokenFault::MalformedClaim(name)),
        text => Ok(text.map(str::to_owned)),
    }
}
