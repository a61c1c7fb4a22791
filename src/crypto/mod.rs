//! Hash, seal, random, sign and verify, over the chosen back end.
//!
//! `aws-lc-rs` serves where it is enabled, else `rust-crypto`. JWT signatures go through
//! jsonwebtoken's factories of that back end, called directly: its process-wide default is never read
//! nor set, so an app that installs one itself, before or after us, is not disturbed.

#[cfg(feature = "aws-lc-rs")]
mod aws_lc;
#[cfg(feature = "aws-lc-rs")]
use aws_lc as backend;

#[cfg(all(feature = "rust-crypto", not(feature = "aws-lc-rs")))]
mod rust_crypto;
#[cfg(all(feature = "rust-crypto", not(feature = "aws-lc-rs")))]
use rust_crypto as backend;

#[cfg(not(any(feature = "aws-lc-rs", feature = "rust-crypto")))]
compile_error!(
    "tower-sso needs a crypto back end: enable the feature `aws-lc-rs` or `rust-crypto`"
);

#[cfg(any(test, feature = "simulator"))]
mod keygen;
mod seal;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::{Algorithm, DecodingKey};

#[cfg(any(test, feature = "simulator"))]
pub(crate) use keygen::{PublicKey, SigningKey};
pub use seal::{CookieKey, InvalidCookieKey};
pub(crate) use seal::{Purpose, Sealer};

/// The SHA-256 of some bytes.
pub(crate) fn sha256(data: &[u8]) -> [u8; 32] {
    backend::sha256(data)
}

/// The hash that belongs to a signature algorithm, as `at_hash` and `c_hash` want it
/// (OpenID Connect Core 3.1.3.6): SHA-256 for `…256`, SHA-384 for `…384`, SHA-512 for `…512` and EdDSA
/// with Ed25519. `None` for an algorithm that this crate does not know.
pub(crate) fn hash_for(algorithm: Algorithm, data: &[u8]) -> Option<Vec<u8>> {
    use Algorithm::{
        ES256, ES384, EdDSA, HS256, HS384, HS512, PS256, PS384, PS512, RS256, RS384, RS512,
    };
    match algorithm {
        RS256 | PS256 | ES256 | HS256 => Some(backend::sha256(data).to_vec()),
        RS384 | PS384 | ES384 | HS384 => Some(backend::sha384(data)),
        RS512 | PS512 | HS512 | EdDSA => Some(backend::sha512(data)),
        _ => None,
    }
}

/// Bytes that nobody can guess.
pub(crate) fn random<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    backend::fill_random(&mut bytes);
    bytes
}

/// 256 random bits as 43 characters of base64url.
pub(crate) fn random_token() -> String {
    base64url(&random::<32>())
}

/// Base64url without padding (RFC 4648 section 5, RFC 7515 appendix C).
pub(crate) fn base64url(data: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(data)
}

/// Reads base64url without padding; anything else in it is an error.
pub(crate) fn from_base64url(text: &str) -> Option<Vec<u8>> {
    URL_SAFE_NO_PAD.decode(text).ok()
}

/// `N` bytes that follow from a secret and a label, and tell nothing about either.
pub(crate) fn derive<const N: usize>(secret: &[u8], label: &[u8]) -> [u8; N] {
    let mut out = [0; N];
    backend::hkdf_sha256(secret, b"tower-sso", &[label], &mut out);
    out
}

/// The HMAC-SHA256 (RFC 2104) of the parts, one after the other. It is compared by
/// [`constant_time_eq`](crate::secret::constant_time_eq).
#[cfg(any(test, feature = "scalekit"))]
pub(crate) fn hmac_sha256(key: &[u8], parts: &[&[u8]]) -> [u8; 32] {
    backend::hmac_sha256(key, parts)
}

/// Whether `signature` over `message` was made by the owner of `key` with `algorithm`.
pub(crate) fn verify_signature(
    algorithm: Algorithm,
    key: &DecodingKey,
    message: &[u8],
    signature: &[u8],
) -> bool {
    (backend::JWT.verifier_factory)(&algorithm, key)
        .is_ok_and(|verifier| verifier.verify(message, &signature.to_vec()).is_ok())
}

/// Signs as a provider does; `None` if the key does not fit the algorithm.
#[cfg(any(test, feature = "simulator"))]
pub(crate) fn sign(
    algorithm: Algorithm,
    key: &jsonwebtoken::EncodingKey,
    message: &[u8],
) -> Option<Vec<u8>> {
    let signer = (backend::JWT.signer_factory)(&algorithm, key).ok()?;
    signer.try_sign(message).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_hashes() {
        // FIPS 180-4 example: SHA-256("abc").
        assert_eq!(
            sha256(b"abc")[..4],
            [0xba, 0x78, 0x16, 0xbf],
            "SHA-256 of the standard's example"
        );
        assert_eq!(hash_for(Algorithm::ES384, b"abc").unwrap().len(), 48);
        assert_eq!(hash_for(Algorithm::EdDSA, b"abc").unwrap().len(), 64);
    }

    #[test]
    fn hkdf_follows_rfc_5869() {
        // RFC 5869 appendix A.1, test case 1.
        let mut out = [0; 42];
        let salt: Vec<u8> = (0..=0x0c).collect();
        let info: Vec<u8> = (0xf0..=0xf9).collect();
        backend::hkdf_sha256(&[0x0b; 22], &salt, &[&info], &mut out);
        assert_eq!(out[..4], [0x3c, 0xb2, 0x5f, 0x25]);
        assert_eq!(out[39..], [0x18, 0x58, 0x65][..]);
    }

    #[test]
    fn hmac_follows_rfc_4231() {
        // RFC 4231 section 4.3, test case 2.
        let (key, parts): (&[u8], [&[u8]; 2]) = (b"Jefe", [b"what do ya want ", b"for nothing?"]);
        let tag = hmac_sha256(key, &parts);
        assert_eq!(tag[..4], [0x5b, 0xdc, 0xc1, 0x46]);
        assert_eq!(tag[28..], [0x64, 0xec, 0x38, 0x43]);
        assert_ne!(tag, hmac_sha256(b"Jeff", &parts));
        assert_ne!(tag, hmac_sha256(key, &parts[..1]));
    }

    #[test]
    fn random_differs_and_derive_does_not() {
        assert_ne!(random::<32>(), random::<32>());
        assert_eq!(derive::<16>(b"a", b"x"), derive::<16>(b"a", b"x"));
        assert_ne!(derive::<16>(b"a", b"x"), derive::<16>(b"a", b"y"));
    }

    #[test]
    fn base64url_takes_no_padding_and_no_other_alphabet() {
        assert_eq!(from_base64url("AA"), Some(vec![0]));
        for bad in ["AA==", "A+", "A/", "A", "A A"] {
            assert_eq!(from_base64url(bad), None, "{bad}");
        }
    }
}
