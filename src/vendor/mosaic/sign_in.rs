//! Signing in at the app's own login page, and what administrators do.

use http::Method;
use serde_json::{Map, Value};

use super::Mosaic;
use super::answer::{Issued, Refusal, Said, said};
use super::api::Call;
use super::factor::{Channel, EmailLink, Factor, Identifier, Proof, Standing};
use super::provider::insert_secret;
use crate::provider::BackendSession;
use crate::vendor::path_segment::path_segment;
use crate::{Error, Result};

const PASSWORD: &str = "/cis/v1/auth/password/authenticate";
const SEND_OTP: &str = "/cis/v1/auth/otp/send";
const OTP: &str = "/cis/v1/auth/otp/authenticate";
const SEND_EMAIL_LINK: &str = "/cis/v1/auth/link/email/send";
const EMAIL_LINK: &str = "/cis/v1/auth/link/email/authenticate";

/// What came of something that a person tried.
///
/// ```
/// use tower_sso::vendor::mosaic::Attempt;
///
/// fn text<T>(attempt: &Attempt<T>) -> &'static str {
///     match attempt {
///         Attempt::Done(_) => "Welcome.",
///         Attempt::Refused(_) => "That did not fit. Try again.",
///         Attempt::SessionNotFound => "Please start again.",
///     }
/// }
/// assert_eq!(text(&Attempt::Done(())), "Welcome.");
/// ```
#[derive(Clone, Debug)]
#[must_use = "it may be a refusal"]
pub enum Attempt<T> {
    /// It is done.
    Done(T),
    /// Mosaic does not take what was typed: a wrong password, a wrong or expired code, a locked or unknown
    /// user.
    Refused(Refusal),
    /// The session that the factor was for is over: somebody has to sign in from the start.
    SessionNotFound,
}

impl Mosaic {
    /// Signs somebody in by one factor, or adds it to a session that stands.
    ///
    /// Tokens are no permission: whether the factors are enough is for the policy of the route.
    ///
    /// # Errors
    /// [`ErrorKind::Unavailable`](crate::ErrorKind::Unavailable): nothing is known of the input. Any other: the
    /// answer can't be believed, or the client's credentials are refused.
    pub async fn sign_in(&self, factor: Factor) -> Result<Attempt<BackendSession>> {
        let mut body = self.body(&factor.client);
        let path = match &factor.proof {
            Proof::Password(who, password) => {
                body.insert("username".to_owned(), who.value().into());
                body.insert("username_type".to_owned(), who.kind().into());
                insert_secret(&mut body, "password", password);
                PASSWORD
            }
            Proof::Otp(who, passcode) => {
                insert_identifier(&mut body, who);
                insert_secret(&mut body, "passcode", passcode);
                OTP
            }
            Proof::EmailLink(code) => {
                insert_secret(&mut body, "code", code);
                EMAIL_LINK
            }
        };
        if let Some(standing) = &factor.session {
            insert_secret(&mut body, "session_id", &standing.session_id);
        }
        let call = Call {
            of_a_person: true,
            ..Call::post(path, body)
        };
        let answer = self.0.api.call(&call).await?;
        Ok(match said(&answer, true)? {
            Said::Done => {
                let session = self.session(Issued::read(&answer)?, None).await?;
                check_same(factor.session.as_ref(), &session)?;
                Attempt::Done(session)
            }
            Said::SessionNotFound => Attempt::SessionNotFound,
            Said::Refused(refusal) => Attempt::Refused(refusal),
        })
    }

    /// Has a one-time passcode sent.
    ///
    /// # Errors
    /// As [`sign_in`](Self::sign_in).
    pub async fn send_otp(&self, channel: Channel, who: &Identifier) -> Result<Attempt<()>> {
        let mut body = Map::new();
        body.insert("channel".to_owned(), channel.name().into());
        insert_identifier(&mut body, who);
        self.send(SEND_OTP, body).await
    }

    /// Has a link sent that signs in who opens it.
    ///
    /// # Errors
    /// As [`sign_in`](Self::sign_in).
    pub async fn send_email_link(&self, link: &EmailLink) -> Result<Attempt<()>> {
        let mut body = Map::new();
        for (name, value) in [
            ("email", &link.email),
            ("redirect_uri", &link.redirect_uri),
            ("state", &link.state),
        ] {
            body.insert(name.to_owned(), value.as_str().into());
        }
        self.send(SEND_EMAIL_LINK, body).await
    }

    /// Ends all sessions of a user at Mosaic. Sessions of apps end with their tokens, or by
    /// [`SessionStore::delete_by_subject`](crate::session::store::SessionStore).
    ///
    /// # Errors
    /// [`ErrorKind::Request`](crate::ErrorKind::Request): a user id that would lead to another path. Any other:
    /// the sessions may still live.
    pub async fn revoke_all(&self, user_id: &str) -> Result<()> {
        let path = format!(
            "/cis/v1/auth/users/{}/sessions",
            path_segment(user_id, "user id")?
        );
        let call = Call {
            method: Method::DELETE,
            path: &path,
            body: None,
            of_a_person: false,
        };
        match said(&self.0.api.call(&call).await?, false)? {
            Said::Done => Ok(()),
            Said::SessionNotFound => Ok(()),
            Said::Refused(refusal) => Err(refusal.into_error("to end the sessions of a user")),
        }
    }

    async fn send(&self, path: &str, body: Map<String, Value>) -> Result<Attempt<()>> {
        let call = Call {
            of_a_person: true,
            ..Call::post(path, body)
        };
        Ok(match said(&self.0.api.call(&call).await?, true)? {
            Said::Done => Attempt::Done(()),
            Said::SessionNotFound => Attempt::SessionNotFound,
            Said::Refused(refusal) => Attempt::Refused(refusal),
        })
    }
}

fn insert_identifier(body: &mut Map<String, Value>, who: &Identifier) {
    body.insert("identifier".to_owned(), who.value().into());
    body.insert("identifier_type".to_owned(), who.kind().into());
}

/// An added factor must have gone to the session that it was for, and be that person's.
fn check_same(standing: Option<&Standing>, session: &BackendSession) -> Result<()> {
    let Some(standing) = standing else {
        return Ok(());
    };
    if standing.session_id != session.session_id {
        return Err(Error::provider(
            "Mosaic added the factor to another session",
        ));
    }
    if standing.subject != session.identity.claims.subject {
        return Err(Error::provider("Mosaic added a factor of somebody else"));
    }
    Ok(())
}
