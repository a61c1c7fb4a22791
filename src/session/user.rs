//! The person behind a session.

use super::Session;

/// Who is signed in.
///
/// Identity is the pair ([`issuer`](User::issuer), [`subject`](User::subject)). An e-mail address is a
/// claim that a provider makes and not an identity: another provider can claim the same address.
///
/// ```
/// use tower_sso::User;
///
/// /// What the app keeps a person's data under.
/// fn key(user: &User) -> (String, String) {
///     (user.issuer().to_owned(), user.subject().to_owned())
/// }
///
/// fn greeting(user: &User) -> &str {
///     user.name().or(user.email()).unwrap_or(user.subject())
/// }
/// ```
#[derive(Clone, Debug)]
pub struct User(Session);

impl User {
    pub(crate) fn new(session: Session) -> Self {
        Self(session)
    }

    /// The session that this person is signed in with.
    #[must_use]
    pub fn session(&self) -> &Session {
        &self.0
    }

    /// The provider that vouched for the subject (`iss`).
    #[must_use]
    pub fn issuer(&self) -> &str {
        self.0.issuer()
    }

    /// Who it is, as the issuer names them (`sub`).
    #[must_use]
    pub fn subject(&self) -> &str {
        self.0.subject()
    }

    /// The `email` claim; `None` where the provider sends none (is the scope `email` asked for?). Look at
    /// [`User::email_verified`] before you rely on it.
    #[must_use]
    pub fn email(&self) -> Option<&str> {
        self.0.record().email.as_deref()
    }

    /// The `email_verified` claim; absent reads as `false`.
    #[must_use]
    pub fn email_verified(&self) -> bool {
        self.0
            .claim("email_verified")
            .is_some_and(|value| value == true)
    }

    /// The `name` claim.
    #[must_use]
    pub fn name(&self) -> Option<&str> {
        self.0.record().name.as_deref()
    }

    /// The organization that the person signed in for, if there are such.
    #[must_use]
    pub fn organization(&self) -> Option<&str> {
        self.0.organization()
    }

    /// The connection that was used, if there are such.
    #[must_use]
    pub fn connection(&self) -> Option<&str> {
        self.0.connection()
    }

    /// The tenant at which they signed in, if the app has such. What the app keeps by tenant, it finds by this and not
    /// by the URL.
    #[must_use]
    pub fn tenant(&self) -> Option<&str> {
        self.0.tenant()
    }

    /// Whether the app's identity hook gave this role.
    #[must_use]
    pub fn has_role(&self, role: &str) -> bool {
        self.0.roles().any(|given| given == role)
    }
}
