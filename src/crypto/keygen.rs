//! New signing keys, for the simulator and for tests.

use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey};

#[cfg(feature = "aws-lc-rs")]
use by_aws_lc as generate;
#[cfg(all(feature = "rust-crypto", not(feature = "aws-lc-rs")))]
use by_rust_crypto as generate;

/// A new key pair.
pub(crate) struct SigningKey {
    pub(crate) private: EncodingKey,
    pub(crate) public: PublicKey,
    /// The public key as SubjectPublicKeyInfo (RFC 5280 section 4.1), in DER.
    pub(crate) spki: Vec<u8>,
}

/// The public members of a JWK (RFC 7518 section 6, RFC 8037 section 2), as bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum PublicKey {
    Rsa { n: Vec<u8>, e: Vec<u8> },
    P256 { x: Vec<u8>, y: Vec<u8> },
    Ed25519 { x: Vec<u8> },
}

impl SigningKey {
    /// A new key for RS256 (2048 bits), ES256 or EdDSA (Ed25519); `None` for another algorithm.
    pub(crate) fn generate(algorithm: Algorithm) -> Option<Self> {
        match algorithm {
            Algorithm::RS256 => generate::rsa(),
            Algorithm::ES256 => generate::p256(),
            Algorithm::EdDSA => generate::ed25519(),
            _ => None,
        }
    }
}

impl PublicKey {
    /// The key as [`verify_signature`](super::verify_signature) wants it.
    pub(crate) fn decoding_key(&self) -> DecodingKey {
        match self {
            Self::Rsa { n, e } => DecodingKey::from_rsa_raw_components(n, e),
            Self::P256 { x, y } => DecodingKey::from_ec_der(&uncompressed_point(x, y)),
            Self::Ed25519 { x } => DecodingKey::from_ed_der(x),
        }
    }
}

/// A point as SEC 1 section 2.3.3 writes it without compression.
fn uncompressed_point(x: &[u8], y: &[u8]) -> Vec<u8> {
    [&[4], x, y].concat()
}

#[cfg(feature = "aws-lc-rs")]
mod by_aws_lc {
    use aws_lc_rs::encoding::{AsDer as _, Pkcs8V1Der, PublicKeyX509Der};
    use aws_lc_rs::rand::SystemRandom;
    use aws_lc_rs::rsa::{KeySize, PublicKeyComponents};
    use aws_lc_rs::signature::{
        ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair as _, RsaKeyPair,
    };
    use jsonwebtoken::EncodingKey;

    use super::{PublicKey, SigningKey};

    pub(super) fn rsa() -> Option<SigningKey> {
        let pair = RsaKeyPair::generate(KeySize::Rsa2048).ok()?;
        let pkcs8: Pkcs8V1Der<'_> = pair.as_der().ok()?;
        let spki: PublicKeyX509Der<'_> = pair.public_key().as_der().ok()?;
        let PublicKeyComponents { n, e } = PublicKeyComponents::from(pair.public_key());
        Some(SigningKey {
            private: EncodingKey::from_rsa_der(pkcs1_in(pkcs8.as_ref())?),
            public: PublicKey::Rsa { n, e },
            spki: spki.as_ref().to_vec(),
        })
    }

    pub(super) fn p256() -> Option<SigningKey> {
        let algorithm = &ECDSA_P256_SHA256_FIXED_SIGNING;
        let pkcs8 = EcdsaKeyPair::generate_pkcs8(algorithm, &SystemRandom::new()).ok()?;
        let pair = EcdsaKeyPair::from_pkcs8(algorithm, pkcs8.as_ref()).ok()?;
        let spki: PublicKeyX509Der<'_> = pair.public_key().as_der().ok()?;
        let (x, y) = pair.public_key().as_ref().get(1..)?.split_at_checked(32)?;
        Some(SigningKey {
            private: EncodingKey::from_ec_der(pkcs8.as_ref()),
            public: PublicKey::P256 {
                x: x.to_vec(),
                y: y.to_vec(),
            },
            spki: spki.as_ref().to_vec(),
        })
    }

    pub(super) fn ed25519() -> Option<SigningKey> {
        let pkcs8 = Ed25519KeyPair::generate_pkcs8(&SystemRandom::new()).ok()?;
        let pair = Ed25519KeyPair::from_pkcs8(pkcs8.as_ref()).ok()?;
        let spki: PublicKeyX509Der<'_> = pair.public_key().as_der().ok()?;
        Some(SigningKey {
            private: EncodingKey::from_ed_der(pkcs8.as_ref()),
            public: PublicKey::Ed25519 {
                x: pair.public_key().as_ref().to_vec(),
            },
            spki: spki.as_ref().to_vec(),
        })
    }

    /// The PKCS#1 key that jsonwebtoken wants, out of the PKCS#8 that aws-lc-rs gives: the octet string
    /// after version and algorithm (RFC 5208 section 5).
    fn pkcs1_in(pkcs8: &[u8]) -> Option<&[u8]> {
        let (key_info, _) = der(0x30, pkcs8)?;
        let (_version, rest) = der(0x02, key_info)?;
        let (_algorithm, rest) = der(0x30, rest)?;
        der(0x04, rest).map(|(key, _)| key)
    }

    /// The content of the DER element with this tag at the front, and what follows it (X.690 section 8.1).
    fn der(tag: u8, input: &[u8]) -> Option<(&[u8], &[u8])> {
        let (&first, rest) = input.split_first()?;
        let (&length, rest) = rest.split_first()?;
        let (length, rest) = if length < 0x80 {
            (usize::from(length), rest)
        } else {
            let (bytes, rest) = rest.split_at_checked(usize::from(length & 0x7f))?;
            let length = bytes.iter().try_fold(0_usize, |sum, byte| {
                sum.checked_mul(256)?.checked_add(usize::from(*byte))
            })?;
            (length, rest)
        };
        (first == tag).then(|| rest.split_at_checked(length))?
    }
}

#[cfg(all(feature = "rust-crypto", not(feature = "aws-lc-rs")))]
mod by_rust_crypto {
    use ed25519_dalek::pkcs8::{EncodePrivateKey as _, EncodePublicKey as _};
    use jsonwebtoken::EncodingKey;
    use p256::elliptic_curve::sec1::ToEncodedPoint as _;
    use rsa::pkcs1::EncodeRsaPrivateKey as _;
    use rsa::rand_core::{self, CryptoRng, RngCore};
    use rsa::traits::PublicKeyParts as _;

    use super::{PublicKey, SigningKey};
    use crate::crypto::{backend, random};

    pub(super) fn rsa() -> Option<SigningKey> {
        let private = rsa::RsaPrivateKey::new(&mut SystemRandom, 2048).ok()?;
        let public = private.to_public_key();
        Some(SigningKey {
            private: EncodingKey::from_rsa_der(private.to_pkcs1_der().ok()?.as_bytes()),
            public: PublicKey::Rsa {
                n: public.n().to_bytes_be(),
                e: public.e().to_bytes_be(),
            },
            spki: public.to_public_key_der().ok()?.into_vec(),
        })
    }

    pub(super) fn p256() -> Option<SigningKey> {
        // Random bytes are no scalar of the curve once in 2³² tries.
        let private = (0..8).find_map(|_| p256::SecretKey::from_slice(&random::<32>()).ok())?;
        let public = private.public_key();
        let point = public.to_encoded_point(false);
        Some(SigningKey {
            private: EncodingKey::from_ec_der(private.to_pkcs8_der().ok()?.as_bytes()),
            public: PublicKey::P256 {
                x: point.x()?.to_vec(),
                y: point.y()?.to_vec(),
            },
            spki: public.to_public_key_der().ok()?.into_vec(),
        })
    }

    pub(super) fn ed25519() -> Option<SigningKey> {
        let private = ed25519_dalek::SigningKey::from_bytes(&random::<32>());
        let public = private.verifying_key();
        Some(SigningKey {
            private: EncodingKey::from_ed_der(private.to_pkcs8_der().ok()?.as_bytes()),
            public: PublicKey::Ed25519 {
                x: public.as_bytes().to_vec(),
            },
            spki: public.to_public_key_der().ok()?.into_vec(),
        })
    }

    /// The system's random bytes as the `rsa` crate asks for them.
    struct SystemRandom;

    impl CryptoRng for SystemRandom {}

    impl RngCore for SystemRandom {
        fn next_u32(&mut self) -> u32 {
            u32::from_ne_bytes(random())
        }

        fn next_u64(&mut self) -> u64 {
            u64::from_ne_bytes(random())
        }

        fn fill_bytes(&mut self, out: &mut [u8]) {
            backend::fill_random(out);
        }

        fn try_fill_bytes(&mut self, out: &mut [u8]) -> Result<(), rand_core::Error> {
            backend::fill_random(out);
            Ok(())
        }
    }
}

#[cfg(all(test, feature = "simulator"))]
mod tests {
    use super::*;
    use crate::crypto::{sign, verify_signature};

    #[test]
    fn each_kind_signs_what_its_public_half_verifies() {
        for algorithm in [Algorithm::RS256, Algorithm::ES256, Algorithm::EdDSA] {
            let key = SigningKey::generate(algorithm).unwrap();
            let signature = sign(algorithm, &key.private, b"message").unwrap();
            let public = key.public.decoding_key();
            assert!(
                verify_signature(algorithm, &public, b"message", &signature),
                "{algorithm:?}"
            );
            assert!(!verify_signature(algorithm, &public, b"other", &signature));
            assert!(!key.spki.is_empty());
        }
        assert!(SigningKey::generate(Algorithm::HS256).is_none());
    }

    #[test]
    fn an_rsa_key_has_2048_bits() {
        let key = SigningKey::generate(Algorithm::RS256).unwrap();
        let PublicKey::Rsa { n, e } = key.public else {
            panic!("RS256 makes an RSA key");
        };
        assert_eq!((n.len(), e), (256, vec![1, 0, 1]));
    }
}
