//! The compact form of a signed JWT, taken apart and not yet believed.

use std::fmt;

use jsonwebtoken::Algorithm;
use serde_json::Value;

use super::{algorithm, json};
use crate::crypto::from_base64url;
use crate::{Error, Result};

/// The longest JWT that is looked at: 16 KiB.
pub const MAX_JWT_LENGTH: usize = 16 * 1024;

const MAX_KID: usize = 512;

/// Header parameters that would let the token bring its own key, or change what the signature covers or
/// the payload means.
///
/// `crit`: we understand no extension, so each is refused (RFC 7515 section 4.1.11). `jwk`, `jku`,
/// `x5u`: a key from the token itself proves nothing. `b64` (RFC 7797), `zip` and `enc` (RFC 7516)
/// belong to formats that an ID token is not in.
const REFUSED: [&str; 7] = ["crit", "jwk", "jku", "x5u", "b64", "zip", "enc"];

/// A JWS in compact form (RFC 7515 section 7.1) whose header is in order. Nothing in it is verified.
pub struct CompactJwt<'a> {
    /// The algorithm that the token names: one of the asymmetric ones that this crate accepts.
    pub algorithm: Algorithm,
    /// Which key it says it was signed with.
    pub kid: Option<String>,
    /// What it says it is (RFC 7515 section 4.1.9).
    pub typ: Option<String>,
    pub(crate) payload: Vec<u8>,
    pub(crate) signing_input: &'a str,
    pub(crate) signature: Vec<u8>,
}

impl<'a> CompactJwt<'a> {
    /// Takes a token apart.
    ///
    /// # Errors
    /// [`ErrorKind::Provider`](crate::ErrorKind::Provider): longer than [`MAX_JWT_LENGTH`]; not three
    /// parts of base64url without padding (five parts are a JWE, which is not supported); a header that
    /// is not a JSON object or has a name twice; an algorithm outside RS256–512, PS256–512, ES256,
    /// ES384 and EdDSA; one of the header parameters `crit`, `jwk`, `jku`, `x5u`, `b64`, `zip`, `enc`.
    /// `x5c` and `x5t` are ignored.
    pub fn parse(token: &'a str) -> Result<Self> {
        let refuse = |why: &'static str| Error::provider(why);
        if token.len() > MAX_JWT_LENGTH {
            return Err(refuse("a token is too long"));
        }
        let not_compact = || refuse("a token is not a JWS in compact form");
        let (signing_input, signature) = token.rsplit_once('.').ok_or_else(not_compact)?;
        let (header, payload) = signing_input.split_once('.').ok_or_else(not_compact)?;
        // A part with a dot in it is not base64url: four or more parts end here.
        let header = from_base64url(header).ok_or_else(not_compact)?;
        let payload = from_base64url(payload).ok_or_else(not_compact)?;
        let signature = from_base64url(signature).ok_or_else(not_compact)?;

        let header =
            json::object(&header).ok_or_else(|| refuse("a token's header is not a JSON object"))?;
        if let Some(name) = REFUSED.iter().find(|name| header.contains_key(**name)) {
            return Err(Error::provider(format!("a token's header has {name}")));
        }
        let algorithm = header
            .get("alg")
            .and_then(Value::as_str)
            .and_then(algorithm::parse)
            .ok_or_else(|| refuse("a token is signed with an algorithm that is not accepted"))?;
        let text = |name: &'static str| match header.get(name) {
            None => Ok(None),
            Some(Value::String(text)) if text.len() <= MAX_KID => Ok(Some(text.clone())),
            Some(_) => Err(Error::provider(format!(
                "a token's {name} is not a short string"
            ))),
        };
        Ok(Self {
            algorithm,
            kid: text("kid")?,
            typ: text("typ")?,
            payload,
            signing_input,
            signature,
        })
    }

    /// `typ` in lower case without `application/`, which may be left out (RFC 7515 section 4.1.9).
    pub(crate) fn media_type(&self) -> Option<String> {
        let typ = self.typ.as_ref()?.to_ascii_lowercase();
        Some(match typ.strip_prefix("application/") {
            Some(short) => short.to_owned(),
            None => typ,
        })
    }
}

impl fmt::Debug for CompactJwt<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CompactJwt")
            .field("algorithm", &self.algorithm)
            .field("kid", &self.kid)
            .field("typ", &self.typ)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::base64url;

    fn token(header: &str) -> String {
        format!(
            "{}.{}.{}",
            base64url(header.as_bytes()),
            base64url(b"{}"),
            base64url(b"sig")
        )
    }

    #[test]
    fn takes_a_token_apart() {
        let token = token(r#"{"alg":"ES256","kid":"k","typ":"application/JWT","x5c":["ignored"]}"#);
        let jwt = CompactJwt::parse(&token).unwrap();
        assert_eq!(
            (jwt.algorithm, jwt.kid.as_deref()),
            (Algorithm::ES256, Some("k"))
        );
        assert_eq!(jwt.media_type().as_deref(), Some("jwt"));
        assert_eq!(
            (jwt.payload.as_slice(), jwt.signature.as_slice()),
            (&b"{}"[..], &b"sig"[..])
        );
        assert_eq!(jwt.signing_input, token.rsplit_once('.').unwrap().0);
        assert!(!format!("{jwt:?}").contains("sig"));
    }

    #[test]
    fn alg_none_and_the_hmac_family_are_refused() {
        for alg in [
            "none", "None", "NONE", "nOnE", "HS256", "HS384", "HS512", "ES512", "rs256", "",
        ] {
            let header = format!(r#"{{"alg":"{alg}"}}"#);
            assert!(CompactJwt::parse(&token(&header)).is_err(), "{alg}");
        }
        for header in [
            r#"{}"#,
            r#"{"alg":null}"#,
            r#"{"alg":["RS256"]}"#,
            r#"{"Alg":"RS256"}"#,
        ] {
            assert!(CompactJwt::parse(&token(header)).is_err(), "{header}");
        }
    }

    #[test]
    fn a_header_that_brings_a_key_or_an_extension_is_refused() {
        for name in REFUSED {
            for value in ["null", "[]", "\"x\"", "{}", "true"] {
                let header = format!(r#"{{"alg":"RS256","{name}":{value}}}"#);
                assert!(CompactJwt::parse(&token(&header)).is_err(), "{header}");
            }
        }
    }

    #[test]
    fn a_header_out_of_order_is_refused() {
        let long = format!(r#"{{"alg":"RS256","kid":"{}"}}"#, "k".repeat(MAX_KID + 1));
        for header in [
            "",
            "null",
            "[]",
            r#"{"alg":"RS256","alg":"RS256"}"#,
            r#"{"alg":"RS256","kid":"a","\u006bid":"b"}"#,
            r#"{"alg":"RS256","kid":1}"#,
            r#"{"alg":"RS256","typ":1}"#,
            &long,
        ] {
            assert!(CompactJwt::parse(&token(header)).is_err(), "{header}");
        }
    }

    #[test]
    fn only_three_parts_of_strict_base64url_are_a_token() {
        let good = token(r#"{"alg":"RS256"}"#);
        assert!(CompactJwt::parse(&good).is_ok());
        let (rest, _) = good.rsplit_once('.').unwrap();
        let header = rest.split_once('.').unwrap().0;
        for bad in [
            String::new(),
            ".".to_owned(),
            "..".to_owned(),
            rest.to_owned(),
            format!("{good}."),
            format!(".{good}"),
            format!("{header}.a2V5.aXY.dGV4dA.dGFn"),
            format!("{good}="),
            format!("{good} "),
            format!(" {good}"),
            format!("{rest}.a+b/"),
            format!("{rest}.a"),
            format!("{rest}.ab"),
        ] {
            assert!(CompactJwt::parse(&bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_huge_token_is_refused() {
        let good = token(r#"{"alg":"RS256"}"#);
        let (rest, _) = good.rsplit_once('.').unwrap();
        let mut fitting = format!("{rest}.");
        let space = MAX_JWT_LENGTH - fitting.len();
        fitting.push_str(&"A".repeat(space - usize::from(space % 4 == 1)));
        assert!(CompactJwt::parse(&fitting).is_ok());
        let more = format!("{rest}.{}", "A".repeat(MAX_JWT_LENGTH));
        assert!(CompactJwt::parse(&more).is_err());
    }
}
