//! Whether an answer's ID token may be believed, and what it says.

use super::answer::Issued;
use super::{Mosaic, MosaicConfig};
use crate::oidc::{
    Algorithm, CompactJwt, IdTokenCheck, IdTokenClaims, IdTokenFault, LEEWAY, OriginalClaims,
    TokenResponse,
};
use crate::provider::{BackendSession, Identity, Origin, RefreshGrant};
use crate::secret::Secret;
use crate::{Error, Result};

/// What Mosaic signs with; the token has no say in it.
const ALGORITHMS: &[Algorithm] = &[Algorithm::RS256];

impl Mosaic {
    /// The session that an authentication answered with. `asked` is the session id of a silent one, which the
    /// answer may leave out.
    pub(super) async fn session(
        &self,
        issued: Issued,
        asked: Option<Secret<String>>,
    ) -> Result<BackendSession> {
        // Tokens without one say nothing about who it is.
        let id_token = (issued.tokens.id_token.as_ref())
            .ok_or_else(|| Error::provider("Mosaic's answer has no id_token"))?;
        let claims = self.claims(&issued.tokens, id_token).await?;
        let session_id = issued
            .session_id
            .or(asked)
            .ok_or_else(|| Error::provider("Mosaic's answer has no session_id"))?;
        Ok(BackendSession {
            identity: identity(claims, issued.tokens),
            session_id,
        })
    }

    /// OpenID Connect Core 12.2.
    pub(super) async fn continued(
        &self,
        grant: &RefreshGrant,
        tokens: &TokenResponse,
    ) -> Result<Option<Identity>> {
        let Some(id_token) = &tokens.id_token else {
            return Ok(None);
        };
        let claims = self.claims(tokens, id_token).await?;
        let original = OriginalClaims {
            subject: &grant.subject,
            auth_time: grant.auth_time,
            all: &grant.claims,
        };
        claims.check_continues(original)?;
        Ok(Some(identity(claims.over(original)?, tokens.clone())))
    }

    async fn claims(
        &self,
        tokens: &TokenResponse,
        id_token: &Secret<String>,
    ) -> Result<IdTokenClaims> {
        let config = &self.0.api.config;
        let jwt = CompactJwt::parse(id_token.expose())?;
        let check = IdTokenCheck {
            issuer: &self.0.issuer,
            client_id: &config.client_id,
            nonce: None,
            max_age: None,
            access_token: Some(tokens.access_token.expose()),
            code: None,
            algorithms: ALGORITHMS,
            now: self.0.api.client.now(),
            leeway: LEEWAY,
        };
        let (jwks, source) = (&self.0.jwks, &self.0.keys);
        let keys = jwks
            .keys_for(source, jwt.kid.as_deref(), Origin::OwnCall)
            .await?;
        let claims = match check.verify(&jwt, &keys) {
            // It came from Mosaic itself: another key may stand under the old name by now.
            Err(IdTokenFault::BadSignature) => {
                let newer = jwks.keys_after(source, &keys).await?;
                check.verify(&jwt, &newer)?
            }
            outcome => outcome?,
        };
        check_place(config, &claims)?;
        Ok(claims)
    }
}

/// One issuer signs for all tenants of a region.
fn check_place(config: &MosaicConfig, claims: &IdTokenClaims) -> Result<(), IdTokenFault> {
    let claim = |name| claims.all.get(name).filter(|value| !value.is_null());
    let wrong_tenant = config
        .tenant
        .as_deref()
        .is_some_and(|tenant| claim("tid").is_none_or(|tid| tid != tenant));
    let wrong_organization = config
        .organization
        .as_deref()
        .is_some_and(|asked| claim("org_id").is_some_and(|named| named != asked));
    if wrong_tenant || wrong_organization {
        return Err(IdTokenFault::WrongTenant);
    }
    Ok(())
}

fn identity(claims: IdTokenClaims, tokens: TokenResponse) -> Identity {
    Identity {
        // Mosaic's own rule: two methods in `amr` are two sign-ins, not one with two factors.
        multi_factor: claims.amr.iter().any(|method| method == "mfa"),
        organization: claims
            .all
            .get("org_id")
            .and_then(|id| id.as_str())
            .map(str::to_owned),
        connection: None,
        tenant: None,
        claims,
        tokens,
    }
}
