//! The primitives by the RustCrypto crates.

use aes_gcm::aead::Aead as _;
use aes_gcm::{Aes256Gcm, KeyInit as _};
use jsonwebtoken::crypto::CryptoProvider;
use sha2::Digest as _;

pub(super) static JWT: &CryptoProvider = &jsonwebtoken::crypto::rust_crypto::DEFAULT_PROVIDER;

pub(super) fn sha256(data: &[u8]) -> [u8; 32] {
    sha2::Sha256::digest(data).into()
}

pub(super) fn sha384(data: &[u8]) -> Vec<u8> {
    sha2::Sha384::digest(data).to_vec()
}

pub(super) fn sha512(data: &[u8]) -> Vec<u8> {
    sha2::Sha512::digest(data).to_vec()
}

pub(super) fn fill_random(out: &mut [u8]) {
    getrandom::fill(out).expect("the operating system gives random bytes");
}

pub(super) fn hkdf_sha256(secret: &[u8], salt: &[u8], info: &[&[u8]], out: &mut [u8]) {
    hkdf::Hkdf::<sha2::Sha256>::new(Some(salt), secret)
        .expand_multi_info(info, out)
        .expect("HKDF-SHA256 gives up to 8160 bytes");
}

#[cfg(any(test, feature = "scalekit"))]
pub(super) fn hmac_sha256(key: &[u8], parts: &[&[u8]]) -> [u8; 32] {
    use hmac::{Hmac, Mac};

    let mut mac =
        <Hmac<sha2::Sha256> as Mac>::new_from_slice(key).expect("HMAC takes a key of any length");
    parts.iter().for_each(|part| mac.update(part));
    mac.finalize().into_bytes().into()
}

pub(super) fn aes_256_gcm_seal(secret: &[u8; 32], nonce: [u8; 12], data: &mut Vec<u8>) {
    let sealed = Aes256Gcm::new(secret.into())
        .encrypt(&nonce.into(), data.as_slice())
        .expect("a cookie is shorter than AES-GCM's limit of 64 GiB");
    *data = sealed;
}

pub(super) fn aes_256_gcm_open(
    secret: &[u8; 32],
    nonce: [u8; 12],
    sealed: &[u8],
) -> Option<Vec<u8>> {
    Aes256Gcm::new(secret.into())
        .decrypt(&nonce.into(), sealed)
        .ok()
}
