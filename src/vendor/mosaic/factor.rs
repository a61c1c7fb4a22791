//! What a person brings to the app's own login page.

use std::fmt;

use crate::provider::ClientAttributes;
use crate::secret::Secret;

/// By what name somebody is known. Not shown by `Debug`, but for its kind.
///
/// ```
/// use tower_sso::vendor::mosaic::Identifier;
///
/// let ada = Identifier::Email("ada@example.com".to_owned());
/// assert_eq!(format!("{ada:?}"), "Email");
/// ```
#[derive(Clone, PartialEq, Eq)]
pub enum Identifier {
    /// A user name.
    Username(String),
    /// An e-mail address.
    Email(String),
    /// A phone number, as +15551234567.
    PhoneNumber(String),
    /// The user's id (`sub`).
    UserId(String),
}

impl Identifier {
    pub(super) fn kind(&self) -> &'static str {
        match self {
            Self::Username(_) => "username",
            Self::Email(_) => "email",
            Self::PhoneNumber(_) => "phone_number",
            Self::UserId(_) => "user_id",
        }
    }

    pub(super) fn value(&self) -> &str {
        match self {
            Self::Username(value)
            | Self::Email(value)
            | Self::PhoneNumber(value)
            | Self::UserId(value) => value,
        }
    }
}

impl fmt::Debug for Identifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Username(_) => "Username",
            Self::Email(_) => "Email",
            Self::PhoneNumber(_) => "PhoneNumber",
            Self::UserId(_) => "UserId",
        })
    }
}

/// How a one-time passcode reaches somebody.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Channel {
    /// By e-mail.
    Email,
    /// By text message.
    Sms,
}

impl Channel {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Email => "email",
            Self::Sms => "sms",
        }
    }
}

/// One factor of a sign-in.
///
/// By itself it makes a new session at Mosaic; [`on_session`](Self::on_session) adds it to one that stands.
///
/// ```
/// use tower_sso::vendor::mosaic::{Factor, Identifier};
///
/// let first = Factor::password(Identifier::Username("ada".into()), "correct horse");
/// let second = Factor::otp(Identifier::Email("ada@example.com".into()), "123456")
///     .on_session("the session's id", "the sub of its ID token");
/// # let _ = (first, second);
/// ```
#[derive(Clone, Debug)]
#[must_use = "pass it to `Mosaic::sign_in`"]
pub struct Factor {
    pub(super) proof: Proof,
    pub(super) session: Option<Standing>,
    pub(super) client: ClientAttributes,
}

#[derive(Clone, Debug)]
pub(super) enum Proof {
    Password(Identifier, Secret<String>),
    Otp(Identifier, Secret<String>),
    EmailLink(Secret<String>),
}

/// The session that a factor is added to, and whose it is.
#[derive(Clone, Debug)]
pub(super) struct Standing {
    pub(super) session_id: Secret<String>,
    pub(super) subject: String,
}

impl Factor {
    fn new(proof: Proof) -> Self {
        Self {
            proof,
            session: None,
            client: ClientAttributes::default(),
        }
    }

    /// A password.
    pub fn password(who: Identifier, password: impl Into<Secret<String>>) -> Self {
        Self::new(Proof::Password(who, password.into()))
    }

    /// A passcode of [`Mosaic::send_otp`](super::Mosaic::send_otp), for the same identifier.
    pub fn otp(who: Identifier, passcode: impl Into<Secret<String>>) -> Self {
        Self::new(Proof::Otp(who, passcode.into()))
    }

    /// The `code` that an e-mail link of [`Mosaic::send_email_link`](super::Mosaic::send_email_link) came
    /// back with. The app must have checked its `state` before; then
    /// [`SignIn::by_checked_link`](crate::SignIn::by_checked_link) is for whoever reads mail in the browser.
    pub fn email_link(code: impl Into<Secret<String>>) -> Self {
        Self::new(Proof::EmailLink(code.into()))
    }

    /// Adds the factor to a session that stands. The answer is believed only if it names the same session, and
    /// its ID token the same person (`expected_subject`): or a code of somebody else would take the session
    /// over.
    pub fn on_session(
        mut self,
        session_id: impl Into<Secret<String>>,
        expected_subject: impl Into<String>,
    ) -> Self {
        self.session = Some(Standing {
            session_id: session_id.into(),
            subject: expected_subject.into(),
        });
        self
    }

    /// Whose request it is for. Default: nothing is told.
    pub fn client(mut self, client: ClientAttributes) -> Self {
        self.client = client;
        self
    }
}

/// An e-mail link to send.
///
/// ```
/// use tower_sso::vendor::mosaic::EmailLink;
///
/// let link = EmailLink::new("ada@example.com", "https://app.example.com/login/link", "unguessable");
/// assert!(!format!("{link:?}").contains("ada"));
/// ```
#[derive(Clone)]
pub struct EmailLink {
    pub(super) email: String,
    pub(super) redirect_uri: String,
    pub(super) state: String,
}

impl EmailLink {
    /// A link to `email` that leads to `redirect_uri`, which Mosaic must know, with a `code` and this `state`:
    /// unguessable, bound to the browser, checked by the app when it comes back. Without that a link that
    /// somebody else asked for signs the person in as them.
    #[must_use]
    pub fn new(
        email: impl Into<String>,
        redirect_uri: impl Into<String>,
        state: impl Into<String>,
    ) -> Self {
        Self {
            email: email.into(),
            redirect_uri: redirect_uri.into(),
            state: state.into(),
        }
    }
}

impl fmt::Debug for EmailLink {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EmailLink").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_typed_is_not_shown() {
        let who = || Identifier::Username("s3cr3t".to_owned());
        let client = ClientAttributes::default();
        for factor in [
            Factor::password(who(), "s3cr3t"),
            Factor::otp(who(), "s3cr3t"),
            Factor::email_link("s3cr3t"),
        ] {
            let factor = factor.on_session("s3cr3t", "ada").client(client.clone());
            let shown = format!("{factor:?}");
            assert!(!shown.contains("s3cr3t"), "{shown}");
        }
    }
}
