//! The key that webhooks are signed with.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::secret::Secret;
use crate::{Error, Result};

/// RFC 2104 section 3 advises against keys that are shorter than the hash; those of 16 bytes are in use.
const SHORTEST: usize = 16;
const LONGEST: usize = 512;

/// The secret of one webhook endpoint, as Scalekit's dashboard shows it: `whsec_` and base64.
///
/// It is wiped from memory on drop and shown by no `Debug`.
///
/// ```
/// use tower_sso::vendor::scalekit::WebhookSecret;
///
/// let secret = WebhookSecret::parse("whsec_c2l4dGVlbi1ieXRlcy1vci1tb3Jl")?;
/// assert_eq!(format!("{secret:?}"), "WebhookSecret(REDACTED)");
/// # Ok::<(), tower_sso::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct WebhookSecret(Secret<Vec<u8>>);

impl WebhookSecret {
    /// Reads `whsec_<base64>`. What stands before the `_` is not looked at.
    ///
    /// # Errors
    /// [`ErrorKind::Configuration`](crate::ErrorKind::Configuration): no `_`, no base64 (RFC 4648 section 4)
    /// after it, or fewer than 16 or more than 512 bytes.
    pub fn parse(text: &str) -> Result<Self> {
        let malformed = || {
            Error::configuration("a webhook secret is `whsec_` and the base64 of 16 to 512 bytes")
        };
        let (_, key) = text.split_once('_').ok_or_else(malformed)?;
        let key = STANDARD.decode(key).map_err(|_| malformed())?;
        let key = Secret::new(key);
        let fits = (SHORTEST..=LONGEST).contains(&key.expose().len());
        fits.then_some(Self(key)).ok_or_else(malformed)
    }

    pub(super) fn key(&self) -> &[u8] {
        self.0.expose()
    }
}
