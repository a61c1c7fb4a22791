//! The signature algorithms that are accepted at all.

use jsonwebtoken::Algorithm;

/// The algorithm of this name, if it is one of ours: asymmetric only. `none` and the HMAC family are
/// not among them, so a public key can never serve as a shared secret (RFC 8725 section 3.1).
/// Names are case-sensitive (RFC 7515 section 4.1.1).
pub(super) fn parse(name: &str) -> Option<Algorithm> {
    Some(match name {
        "RS256" => Algorithm::RS256,
        "RS384" => Algorithm::RS384,
        "RS512" => Algorithm::RS512,
        "PS256" => Algorithm::PS256,
        "PS384" => Algorithm::PS384,
        "PS512" => Algorithm::PS512,
        "ES256" => Algorithm::ES256,
        "ES384" => Algorithm::ES384,
        "EdDSA" => Algorithm::EdDSA,
        _ => return None,
    })
}

/// Whether this is a registered algorithm for anything else than a signature that we accept: other
/// signatures (RFC 7518 section 3.1, RFC 8812, RFC 9864) and encryption (RFC 7518 section 4.1).
pub(super) fn is_foreign(name: &str) -> bool {
    matches!(
        name,
        "none" | "HS256" | "HS384" | "HS512" | "ES512" | "ES256K" | "Ed448" | "RSA1_5"
    ) || name == "dir"
        || name.ends_with("KW")
        || ["RSA-OAEP", "ECDH-ES", "PBES2"]
            .iter()
            .any(|family| name.starts_with(family))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_asymmetric_algorithms_have_a_name() {
        for name in [
            "RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "EdDSA",
        ] {
            assert_eq!(format!("{:?}", parse(name).unwrap()), name);
            assert!(!is_foreign(name), "{name}");
        }
        for name in [
            "none", "None", "NONE", "HS256", "HS384", "HS512", "rs256", "ES512", "",
        ] {
            assert_eq!(parse(name), None, "{name}");
        }
        for name in [
            "none",
            "HS256",
            "ES512",
            "RSA-OAEP-256",
            "ECDH-ES+A128KW",
            "ECDH-ES",
            "A256KW",
            "A128GCMKW",
            "PBES2-HS256+A128KW",
            "dir",
        ] {
            assert!(is_foreign(name), "{name}");
        }
        assert!(!is_foreign("RSA256"), "a made-up name says nothing");
    }
}
