//! Proof Key for Code Exchange.

use crate::crypto::{base64url, sha256};

/// The S256 challenge of a PKCE verifier (RFC 7636 section 4.2).
///
/// ```
/// // The example of RFC 7636, appendix B.
/// assert_eq!(
///     tower_sso::oidc::code_challenge("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"),
///     "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"
/// );
/// ```
#[must_use]
pub fn code_challenge(verifier: &str) -> String {
    base64url(&sha256(verifier.as_bytes()))
}
