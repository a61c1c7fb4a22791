//! How this client proves itself at the token endpoint.

use std::str::FromStr;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::form;
use super::text::clean;
use crate::secret::{ClientSecret, Secret};
use crate::{Error, Result};

/// What the set-up says about client authentication.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum ClientAuthChoice {
    /// By the provider's metadata: the default.
    #[default]
    Auto,
    /// `client_secret_basic`.
    Basic,
    /// `client_secret_post`.
    Post,
    /// `none`: a public client, protected by PKCE alone.
    None,
}

impl FromStr for ClientAuthChoice {
    type Err = Error;

    /// Reads `auto`, `client_secret_basic`, `client_secret_post` or `none`.
    ///
    /// # Errors
    /// [`ErrorKind::Configuration`](crate::ErrorKind::Configuration) for anything else.
    fn from_str(text: &str) -> Result<Self> {
        match text {
            "auto" => Ok(Self::Auto),
            "client_secret_basic" => Ok(Self::Basic),
            "client_secret_post" => Ok(Self::Post),
            "none" => Ok(Self::None),
            _ => Err(Error::configuration(
                "client authentication is not auto, client_secret_basic, client_secret_post or none",
            )),
        }
    }
}

/// How the client authenticates (OpenID Connect Core section 9).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ClientAuth {
    /// `client_secret_basic`: see [`basic_header`].
    Basic,
    /// `client_secret_post`: `client_id` and `client_secret` in the body.
    Post,
    /// `none`: `client_id` in the body.
    None,
}

impl ClientAuth {
    /// Chooses from the set-up, whether there is a secret, and the metadata's
    /// `token_endpoint_auth_methods_supported`.
    ///
    /// A choice that the set-up makes is followed whatever the metadata says, for metadata is often
    /// behind. [`ClientAuthChoice::Auto`] takes `None` without a secret, else basic where it is supported
    /// or nothing is said, else post.
    ///
    /// # Errors
    /// [`ErrorKind::Configuration`](crate::ErrorKind::Configuration): a method that needs a secret and no
    /// secret; or a provider that supports neither basic nor post, with what it does support.
    ///
    /// ```
    /// use tower_sso::oidc::{ClientAuth, ClientAuthChoice};
    ///
    /// let supported = ["private_key_jwt".to_owned(), "client_secret_post".to_owned()];
    /// assert_eq!(ClientAuth::choose(ClientAuthChoice::Auto, true, &supported)?, ClientAuth::Post);
    /// # Ok::<(), tower_sso::Error>(())
    /// ```
    pub fn choose(
        choice: ClientAuthChoice,
        has_secret: bool,
        supported: &[String],
    ) -> Result<Self> {
        let supports = |method| supported.iter().any(|name| name == method);
        match choice {
            ClientAuthChoice::None => Ok(Self::None),
            ClientAuthChoice::Auto if !has_secret => Ok(Self::None),
            ClientAuthChoice::Basic | ClientAuthChoice::Post if !has_secret => Err(
                Error::configuration("the client authentication needs a client secret"),
            ),
            ClientAuthChoice::Basic => Ok(Self::Basic),
            ClientAuthChoice::Post => Ok(Self::Post),
            ClientAuthChoice::Auto => {
                if supported.is_empty() || supports("client_secret_basic") {
                    Ok(Self::Basic)
                } else if supports("client_secret_post") {
                    Ok(Self::Post)
                } else {
                    Err(Error::configuration(format!(
                        "the provider takes no client secret, but: {}",
                        clean(&supported.join(" "), 200)
                    )))
                }
            }
        }
    }
}

/// The `Authorization` header of `client_secret_basic`: both parts are form-encoded first (RFC 6749
/// section 2.3.1).
///
/// ```
/// use tower_sso::oidc::basic_header;
///
/// let header = basic_header("my app", &"p:w+d".into());
/// assert_eq!(header.expose(), "Basic bXkrYXBwOnAlM0F3JTJCZA==");
/// ```
#[must_use]
pub fn basic_header(client_id: &str, secret: &ClientSecret) -> Secret<String> {
    let pair = Secret::new(format!(
        "{}:{}",
        form::encode(client_id),
        form::encode(secret.expose())
    ));
    Secret::new(format!("Basic {}", STANDARD.encode(pair.expose())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_method_follows_set_up_and_metadata() {
        use ClientAuthChoice as Choice;
        const BASIC: &str = "client_secret_basic";
        const POST: &str = "client_secret_post";
        for (choice, secret, supported, expected) in [
            (Choice::Auto, false, &[BASIC][..], Some(ClientAuth::None)),
            (Choice::Auto, true, &[], Some(ClientAuth::Basic)),
            (Choice::Auto, true, &[POST, BASIC], Some(ClientAuth::Basic)),
            (Choice::Auto, true, &[POST, "none"], Some(ClientAuth::Post)),
            (Choice::Auto, true, &["private_key_jwt"], None),
            (Choice::Basic, true, &[POST], Some(ClientAuth::Basic)),
            (Choice::Post, true, &[BASIC], Some(ClientAuth::Post)),
            (Choice::Basic, false, &[BASIC], None),
            (Choice::Post, false, &[POST], None),
            (Choice::None, true, &[BASIC], Some(ClientAuth::None)),
            (Choice::None, false, &[], Some(ClientAuth::None)),
        ] {
            let supported: Vec<_> = supported.iter().map(|name| (*name).to_owned()).collect();
            let chosen = ClientAuth::choose(choice, secret, &supported).ok();
            assert_eq!(chosen, expected, "{choice:?} {secret} {supported:?}");
        }
        let error = ClientAuth::choose(Choice::Auto, true, &["tls_client_auth".to_owned()]);
        let error = error.unwrap_err();
        assert!(error.is_configuration() && error.to_string().contains("tls_client_auth"));
    }

    #[test]
    fn choices_are_read_by_their_registered_names() {
        assert_eq!(
            "auto".parse::<ClientAuthChoice>().unwrap(),
            ClientAuthChoice::Auto
        );
        assert_eq!(
            "client_secret_basic".parse::<ClientAuthChoice>().unwrap(),
            ClientAuthChoice::Basic
        );
        assert_eq!(
            "client_secret_post".parse::<ClientAuthChoice>().unwrap(),
            ClientAuthChoice::Post
        );
        assert_eq!(
            "none".parse::<ClientAuthChoice>().unwrap(),
            ClientAuthChoice::None
        );
        assert!(
            "basic"
                .parse::<ClientAuthChoice>()
                .unwrap_err()
                .is_configuration()
        );
    }
}
