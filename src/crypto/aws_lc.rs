//! The primitives by aws-lc-rs.

use aws_lc_rs::{aead, digest, hkdf, rand};
use jsonwebtoken::crypto::CryptoProvider;

pub(super) static JWT: &CryptoProvider = &jsonwebtoken::crypto::aws_lc::DEFAULT_PROVIDER;

pub(super) fn sha256(data: &[u8]) -> [u8; 32] {
    let mut out = [0; 32];
    out.copy_from_slice(digest::digest(&digest::SHA256, data).as_ref());
    out
}

pub(super) fn sha384(data: &[u8]) -> Vec<u8> {
    digest::digest(&digest::SHA384, data).as_ref().to_vec()
}

pub(super) fn sha512(data: &[u8]) -> Vec<u8> {
    digest::digest(&digest::SHA512, data).as_ref().to_vec()
}

pub(super) fn fill_random(out: &mut [u8]) {
    rand::fill(out).expect("the operating system gives random bytes");
}

struct Length(usize);

impl hkdf::KeyType for Length {
    fn len(&self) -> usize {
        self.0
    }
}

pub(super) fn hkdf_sha256(secret: &[u8], salt: &[u8], info: &[&[u8]], out: &mut [u8]) {
    hkdf::Salt::new(hkdf::HKDF_SHA256, salt)
        .extract(secret)
        .expand(info, Length(out.len()))
        .and_then(|okm| okm.fill(out))
        .expect("HKDF-SHA256 gives up to 8160 bytes");
}

#[cfg(any(test, feature = "scalekit"))]
pub(super) fn hmac_sha256(key: &[u8], parts: &[&[u8]]) -> [u8; 32] {
    use aws_lc_rs::hmac;

    let mut context = hmac::Context::with_key(&hmac::Key::new(hmac::HMAC_SHA256, key));
    parts.iter().for_each(|part| context.update(part));
    let mut out = [0; 32];
    out.copy_from_slice(context.sign().as_ref());
    out
}

fn key(key: &[u8; 32]) -> aead::LessSafeKey {
    aead::LessSafeKey::new(
        aead::UnboundKey::new(&aead::AES_256_GCM, key).expect("AES-256 takes 32 bytes"),
    )
}

pub(super) fn aes_256_gcm_seal(secret: &[u8; 32], nonce: [u8; 12], data: &mut Vec<u8>) {
    key(secret)
        .seal_in_place_append_tag(
            aead::Nonce::assume_unique_for_key(nonce),
            aead::Aad::empty(),
            data,
        )
        .expect("a cookie is shorter than AES-GCM's limit of 64 GiB");
}

pub(super) fn aes_256_gcm_open(
    secret: &[u8; 32],
    nonce: [u8; 12],
    sealed: &[u8],
) -> Option<Vec<u8>> {
    let mut data = sealed.to_vec();
    let length = key(secret)
        .open_in_place(
            aead::Nonce::assume_unique_for_key(nonce),
            aead::Aad::empty(),
            &mut data,
        )
        .ok()?
        .len();
    data.truncate(length);
    Some(data)
}
