//! Sealing what a browser keeps for us: confidential, unforgeable, and good for one purpose and one
//! cookie name only.
//!
//! A seal is `key id (4) | salt (24) | AES-256-GCM`. Each seal has a key and nonce of its own, derived by
//! HKDF-SHA256 from the cookie key, 24 random bytes, the purpose and the name. So no nonce is ever used
//! twice however long a key serves, the same text sealed twice differs, and a value that is moved to
//! another cookie or another purpose does not open.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;

use super::{backend, base64url, from_base64url, random, sha256};
use crate::secret::Secret;

/// What a sealed value is for. A value sealed for one purpose never opens for another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// The state of one sign-in attempt.
    LoginState,
    /// The count of recent sign-ins, which breaks loops.
    SignInCount,
    /// What a logout expects when the browser comes back from the provider.
    LogoutState,
    /// The way back of a silent attempt, for a browser without cookies.
    SilentReturn,
}

impl Purpose {
    fn label(self) -> &'static [u8] {
        match self {
            Self::LoginState => b"login-state",
            Self::SignInCount => b"sign-in-count",
            Self::LogoutState => b"logout-state",
            Self::SilentReturn => b"silent-return",
        }
    }
}

/// A key that seals cookies: 32 bytes or more.
///
/// ```
/// use tower_sso::CookieKey;
///
/// fn from_a_vault(text: &str) -> Result<CookieKey, tower_sso::InvalidCookieKey> {
///     CookieKey::from_base64(text) // as `openssl rand -base64 32` prints it
/// }
/// assert!(from_a_vault("c2hvcnQ=").is_err(), "too short");
/// assert!(CookieKey::new([0; 32]).is_err(), "guessable");
/// # let _ = CookieKey::generate();
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CookieKey(Secret<Vec<u8>>);

/// Why some bytes are no [`CookieKey`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum InvalidCookieKey {
    /// Not base64 (standard or URL-safe alphabet, padding optional).
    NotBase64,
    /// Fewer than 32 bytes.
    TooShort,
    /// Fewer than 12 different bytes in it, as no random key of 32 bytes has (chance below 10⁻¹⁵).
    Guessable,
}

impl fmt::Display for InvalidCookieKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NotBase64 => "the cookie key is not base64",
            Self::TooShort => "the cookie key is shorter than 32 bytes",
            Self::Guessable => "the cookie key repeats so few bytes that it can be guessed",
        })
    }
}

impl std::error::Error for InvalidCookieKey {}

impl CookieKey {
    /// A key from at least 32 random bytes.
    ///
    /// # Errors
    /// [`InvalidCookieKey`] when it is too short, or so regular that it can't be random.
    pub fn new(bytes: impl Into<Vec<u8>>) -> Result<Self, InvalidCookieKey> {
        let bytes = Secret::new(bytes.into());
        if bytes.expose().len() < 32 {
            return Err(InvalidCookieKey::TooShort);
        }
        let mut seen = [false; 256];
        for byte in bytes.expose() {
            seen[usize::from(*byte)] = true;
        }
        if seen.iter().filter(|seen| **seen).count() < 12 {
            return Err(InvalidCookieKey::Guessable);
        }
        Ok(Self(bytes))
    }

    /// A key from base64 text, as `openssl rand -base64 32` prints it.
    ///
    /// # Errors
    /// As [`CookieKey::new`], and when the text is not base64.
    pub fn from_base64(text: &str) -> Result<Self, InvalidCookieKey> {
        let text = text.trim().trim_end_matches('=');
        let standard: String = text
            .chars()
            .map(|c| match c {
                '-' => '+',
                '_' => '/',
                other => other,
            })
            .collect();
        let bytes = STANDARD_NO_PAD
            .decode(standard)
            .map_err(|_| InvalidCookieKey::NotBase64)?;
        Self::new(bytes)
    }

    /// A new random key. Cookies sealed with it are lost when the process ends.
    #[must_use]
    pub fn generate() -> Self {
        Self(Secret::new(random::<32>().to_vec()))
    }
}

struct RingKey {
    id: [u8; 4],
    secret: Secret<Vec<u8>>,
}

/// A ring of keys: the first seals, all open.
pub(crate) struct Sealer {
    ring: Vec<RingKey>,
}

const ID: usize = 4;
const SALT: usize = 24;
const TAG: usize = 16;

impl Sealer {
    /// A ring of at least one key; `None` without any.
    pub(crate) fn new(keys: Vec<CookieKey>) -> Option<Self> {
        let ring: Vec<RingKey> = keys
            .into_iter()
            .map(|CookieKey(secret)| RingKey {
                id: super::derive(secret.expose(), b"key id"),
                secret,
            })
            .collect();
        (!ring.is_empty()).then_some(Self { ring })
    }

    /// Seals `data` for one purpose and one cookie name, as base64url.
    pub(crate) fn seal(&self, purpose: Purpose, name: &str, data: &[u8]) -> String {
        let key = &self.ring[0];
        let salt = random::<SALT>();
        let (secret, nonce) = one_time_key(key, &salt, purpose, name);
        let mut sealed = data.to_vec();
        backend::aes_256_gcm_seal(&secret, nonce, &mut sealed);
        let mut out = Vec::with_capacity(ID + SALT + sealed.len());
        out.extend_from_slice(&key.id);
        out.extend_from_slice(&salt);
        out.extend_from_slice(&sealed);
        base64url(&out)
    }

    /// What was sealed for this purpose and this name by a key of the ring; `None` for anything else.
    pub(crate) fn open(&self, purpose: Purpose, name: &str, sealed: &str) -> Option<Vec<u8>> {
        let bytes = from_base64url(sealed)?;
        if bytes.len() < ID + SALT + TAG {
            return None;
        }
        let (id, rest) = bytes.split_at(ID);
        let (salt, sealed) = rest.split_at(SALT);
        self.ring.iter().filter(|key| key.id == id).find_map(|key| {
            let (secret, nonce) = one_time_key(key, salt, purpose, name);
            backend::aes_256_gcm_open(&secret, nonce, sealed)
        })
    }
}

impl fmt::Debug for Sealer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sealer")
            .field("keys", &self.ring.len())
            .finish_non_exhaustive()
    }
}

fn one_time_key(key: &RingKey, salt: &[u8], purpose: Purpose, name: &str) -> ([u8; 32], [u8; 12]) {
    let mut out = [0; 44];
    // The name goes in by its hash: fields of fixed length can't run into each other.
    backend::hkdf_sha256(
        key.secret.expose(),
        salt,
        &[
            b"tower-sso seal\0",
            &sha256(purpose.label()),
            &sha256(name.as_bytes()),
        ],
        &mut out,
    );
    let (mut secret, mut nonce) = ([0; 32], [0; 12]);
    secret.copy_from_slice(&out[..32]);
    nonce.copy_from_slice(&out[32..]);
    (secret, nonce)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sealer(keys: &[u8]) -> Sealer {
        Sealer::new(
            keys.iter()
                .map(|first| {
                    CookieKey::new((0..32).map(|i| i + first).collect::<Vec<u8>>()).unwrap()
                })
                .collect(),
        )
        .unwrap()
    }

    #[test]
    fn opens_what_it_sealed_and_nothing_else() {
        let ring = sealer(&[1]);
        let sealed = ring.seal(Purpose::LoginState, "a", b"text");
        assert_eq!(
            ring.open(Purpose::LoginState, "a", &sealed).unwrap(),
            b"text"
        );
        assert_eq!(
            ring.open(Purpose::LoginState, "b", &sealed),
            None,
            "another name"
        );
        assert_eq!(
            ring.open(Purpose::SignInCount, "a", &sealed),
            None,
            "another purpose"
        );
        assert_eq!(
            sealer(&[2]).open(Purpose::LoginState, "a", &sealed),
            None,
            "another key"
        );
        assert_ne!(
            sealed,
            ring.seal(Purpose::LoginState, "a", b"text"),
            "same text twice"
        );
    }

    #[test]
    fn each_flipped_bit_is_noticed() {
        let ring = sealer(&[1]);
        let sealed = from_base64url(&ring.seal(Purpose::LoginState, "a", b"text")).unwrap();
        for byte in 0..sealed.len() {
            let mut broken = sealed.clone();
            broken[byte] ^= 1;
            assert_eq!(
                ring.open(Purpose::LoginState, "a", &base64url(&broken)),
                None,
                "byte {byte}"
            );
        }
        for length in 0..sealed.len() {
            assert_eq!(
                ring.open(Purpose::LoginState, "a", &base64url(&sealed[..length])),
                None
            );
        }
    }

    #[test]
    fn a_rotated_ring_opens_old_seals() {
        let old = sealer(&[1]).seal(Purpose::LoginState, "a", b"text");
        assert!(
            sealer(&[2, 1])
                .open(Purpose::LoginState, "a", &old)
                .is_some()
        );
        let new = sealer(&[2, 1]).seal(Purpose::LoginState, "a", b"text");
        assert!(sealer(&[2]).open(Purpose::LoginState, "a", &new).is_some());
        assert!(sealer(&[1]).open(Purpose::LoginState, "a", &new).is_none());
        assert!(Sealer::new(Vec::new()).is_none());
    }

    #[test]
    fn weak_keys_are_refused() {
        use InvalidCookieKey::{Guessable, NotBase64, TooShort};
        for (text, fault) in [
            ("", TooShort),
            ("c2VjcmV0", TooShort),
            ("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=", Guessable),
            ("change me", NotBase64),
        ] {
            assert_eq!(CookieKey::from_base64(text), Err(fault), "{text}");
        }
        assert!(
            CookieKey::from_base64(&base64url(&random::<32>())).is_ok(),
            "URL-safe alphabet"
        );
    }
}
