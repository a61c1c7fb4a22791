//! For the app's own tests (feature `test-util`): somebody who is signed in, without a network.

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Map, Value};

use crate::clock::{Clock, SecondsSinceEpoch, SystemClock};
use crate::oidc::is_multi_factor;
use crate::session::sessions::Made;
use crate::session::{Lifetime, Record, Session, SessionKey, Tokens};
use crate::{Auth, Result, Sso};

/// Builds a [`Session`] as a sign-in would have made it.
///
/// Defaults: issuer `https://idp.example.com`, signed in just now by the system's clock, with a
/// lifetime of 1 hour idle and 12 hours at most, and nothing else.
///
/// ```
/// use tower_sso::Policy;
/// use tower_sso::clock::{Clock, SystemClock};
/// use tower_sso::test_util::SignedIn;
///
/// let session = SignedIn::new("ada").amr(["pwd", "otp"]).claim("email", "ada@example.com").build();
/// assert!(Policy::mfa().judge(Some(&session), SystemClock.now()).is_allow());
/// ```
#[derive(Clone, Debug)]
#[must_use = "call `build` to get the session"]
pub struct SignedIn {
    issuer: String,
    subject: String,
    amr: Vec<String>,
    acr: Option<String>,
    multi_factor: Option<bool>,
    auth_time: Option<Option<SecondsSinceEpoch>>,
    scopes: Vec<String>,
    roles: Vec<String>,
    organization: Option<String>,
    connection: Option<String>,
    sid: Option<String>,
    claims: Map<String, Value>,
    attributes: Map<String, Value>,
    access_token: Option<(String, Option<Duration>)>,
    lifetime: Lifetime,
    at: Option<SecondsSinceEpoch>,
}

impl SignedIn {
    /// Somebody with this subject (`sub`).
    pub fn new(subject: impl Into<String>) -> Self {
        Self {
            issuer: "https://idp.example.com".to_owned(),
            subject: subject.into(),
            amr: Vec::new(),
            acr: None,
            multi_factor: None,
            auth_time: None,
            scopes: Vec::new(),
            roles: Vec::new(),
            organization: None,
            connection: None,
            sid: None,
            claims: Map::new(),
            attributes: Map::new(),
            access_token: None,
            lifetime: Lifetime::default(),
            at: None,
        }
    }

    /// The issuer (`iss`).
    pub fn issuer(mut self, issuer: impl Into<String>) -> Self {
        self.issuer = issuer.into();
        self
    }

    /// The methods of authentication (`amr`, RFC 8176). Two kinds of them, or `mfa`, make it
    /// multi-factor.
    pub fn amr<S: Into<String>>(mut self, methods: impl IntoIterator<Item = S>) -> Self {
        self.amr = methods.into_iter().map(Into::into).collect();
        self
    }

    /// The authentication context class (`acr`).
    pub fn acr(mut self, acr: impl Into<String>) -> Self {
        self.acr = Some(acr.into());
        self
    }

    /// Whether the sign-in counts as multi-factor, whatever `amr` says: for a provider with a rule of
    /// its own.
    pub fn multi_factor(mut self, multi_factor: bool) -> Self {
        self.multi_factor = Some(multi_factor);
        self
    }

    /// When the person authenticated (`auth_time`); `None` for a provider that does not say so.
    /// Default: when the session began.
    pub fn auth_time(mut self, auth_time: impl Into<Option<SecondsSinceEpoch>>) -> Self {
        self.auth_time = Some(auth_time.into());
        self
    }

    /// One more granted scope.
    pub fn scope(mut self, scope: impl Into<String>) -> Self {
        self.scopes.push(scope.into());
        self
    }

    /// One more role.
    pub fn role(mut self, role: impl Into<String>) -> Self {
        self.roles.push(role.into());
        self
    }

    /// The organization.
    pub fn organization(mut self, organization: impl Into<String>) -> Self {
        self.organization = Some(organization.into());
        self
    }

    /// The connection.
    pub fn connection(mut self, connection: impl Into<String>) -> Self {
        self.connection = Some(connection.into());
        self
    }

    /// The provider's session id (`sid`).
    pub fn sid(mut self, sid: impl Into<String>) -> Self {
        self.sid = Some(sid.into());
        self
    }

    /// One claim. `email` and `name` are what the accessors of [`User`](crate::User) answer.
    pub fn claim(mut self, name: impl Into<String>, value: impl Into<Value>) -> Self {
        self.claims.insert(name.into(), value.into());
        self
    }

    /// One attribute, as the identity hook would have given it.
    pub fn attribute(mut self, name: impl Into<String>, value: impl Into<Value>) -> Self {
        self.attributes.insert(name.into(), value.into());
        self
    }

    /// An access token whose end the provider does not tell.
    pub fn access_token(mut self, token: impl Into<String>) -> Self {
        self.access_token = Some((token.into(), None));
        self
    }

    /// An access token that lives so long from when the session began.
    pub fn access_token_for(mut self, token: impl Into<String>, life: Duration) -> Self {
        self.access_token = Some((token.into(), Some(life)));
        self
    }

    /// When the session began, for tests with a clock of their own. Default: now.
    pub fn at(mut self, at: SecondsSinceEpoch) -> Self {
        self.at = Some(at);
        self
    }

    /// How long the session lives without a request, and at most. Default 1 hour and 12 hours.
    pub fn lifetime(mut self, idle: Duration, absolute: Duration) -> Self {
        self.lifetime = Lifetime { idle, absolute };
        self
    }

    /// The session.
    #[must_use]
    pub fn build(self) -> Session {
        let record = self.into_record();
        let key = SessionKey(crate::crypto::random());
        Session::new(key, Arc::new(record))
    }

    /// What the outer layer would have put into the request's extensions, for tests of a handler or a
    /// route without it.
    ///
    /// ```
    /// # tokio::runtime::Runtime::new().unwrap().block_on(async {
    /// use axum::{Router, body::Body, routing::get};
    /// use tower::ServiceExt as _;
    /// use tower_sso::{User, test_util::SignedIn};
    ///
    /// let app: Router = Router::new().route("/", get(|user: User| async move { user.subject().to_owned() }));
    ///
    /// let request = http::Request::get("/").extension(SignedIn::new("ada").auth()).body(Body::empty()).unwrap();
    /// assert_eq!(app.oneshot(request).await.unwrap().status(), 200);
    /// # });
    /// ```
    #[must_use]
    pub fn auth(self) -> Auth {
        Auth::for_test(self.build())
    }

    pub(crate) fn into_record(mut self) -> Record {
        let at = self.at.unwrap_or_else(|| SystemClock.now());
        self.add_protocol_claims(at);
        let mut record = Record::new(self.issuer.into(), &self.subject, at, self.lifetime);
        let text = |name: &str| self.claims.get(name).and_then(Value::as_str).map(Box::from);
        record.email = text("email");
        record.name = text("name");
        record.sid = self.sid.map(Box::from);
        record.connection = self.connection.map(Box::from);
        record.organization = self.organization.map(Box::from);
        record.multi_factor = self
            .multi_factor
            .unwrap_or_else(|| is_multi_factor(&self.amr, self.acr.as_deref(), &[]));
        record.auth_time = self.auth_time.unwrap_or(Some(at));
        record.claims = Value::Object(self.claims).to_string().into();
        record.attributes = (!self.attributes.is_empty())
            .then(|| Value::Object(self.attributes).to_string().into());
        record.amr = boxed(self.amr);
        record.acr = self.acr.map(Box::from);
        record.scopes = boxed(self.scopes);
        record.roles = boxed(self.roles);
        record.tokens = self.access_token.map(|(token, life)| {
            Box::new(Tokens {
                access_token: Some(token.into()),
                access_token_expires_at: life.map(|life| at.plus(life)),
                obtained_at: at,
                ..Tokens::default()
            })
        });
        record
    }

    /// The claims that the ID token of such a sign-in would have had; those named by `claim` stay.
    fn add_protocol_claims(&mut self, at: SecondsSinceEpoch) {
        let claims = [
            ("iss", Some(Value::from(self.issuer.as_str()))),
            ("sub", Some(Value::from(self.subject.as_str()))),
            ("sid", self.sid.as_deref().map(Value::from)),
            ("acr", self.acr.as_deref().map(Value::from)),
            (
                "amr",
                (!self.amr.is_empty()).then(|| Value::from(self.amr.clone())),
            ),
            (
                "auth_time",
                self.auth_time
                    .unwrap_or(Some(at))
                    .map(|time| Value::from(time.0)),
            ),
        ];
        for (name, value) in claims {
            if let Some(value) = value {
                self.claims.entry(name).or_insert(value);
            }
        }
    }
}

fn boxed(list: Vec<String>) -> Box<[Box<str>]> {
    list.into_iter().map(Box::from).collect()
}

impl Sso {
    /// Signs somebody in without a provider, and answers the `Cookie` header of their browser: for tests
    /// of a whole app with its layers.
    ///
    /// ```
    /// # tokio::runtime::Runtime::new().unwrap().block_on(async {
    /// use axum::{Router, body::Body, routing::get};
    /// use tower::ServiceExt as _;
    /// use tower_sso::{Policy, RequireLayer, Sso, test_util::SignedIn};
    ///
    /// let sso = Sso::builder("http://127.0.0.1:1").public_client("app").base_url("http://127.0.0.1:2").build().unwrap();
    /// let app: Router = Router::new()
    ///     .route("/admin", get(|| async { "in" }).layer(RequireLayer::new(Policy::mfa())))
    ///     .layer(sso.layer());
    ///
    /// let cookie = sso.sign_in(SignedIn::new("ada").amr(["pwd", "otp"])).await.unwrap();
    /// let request = http::Request::get("/admin").header("cookie", cookie).body(Body::empty()).unwrap();
    /// assert_eq!(app.oneshot(request).await.unwrap().status(), 200);
    /// # });
    /// ```
    ///
    /// # Errors
    /// When the session store fails.
    pub async fn sign_in(&self, mut person: SignedIn) -> Result<String> {
        let context = &self.shared().context;
        let now = *person.at.get_or_insert_with(|| context.clock.now());
        match context
            .sessions
            .make(person.into_record(), None, now)
            .await?
        {
            Made::Session(made) => Ok(format!("{}={}", made.cookie.name(), made.cookie.value())),
            Made::SignedOut => Err(crate::Error::store(
                "the provider has just ended this person's sessions",
            )),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::session::User;

    #[test]
    fn builds_what_a_sign_in_would_have_left() {
        let at = SecondsSinceEpoch(1_000_000);
        let session = SignedIn::new("ada")
            .amr(["pwd", "otp"])
            .acr("gold")
            .claim("email", "ada@example.com")
            .claim("name", "Ada")
            .sid("s1")
            .at(at)
            .lifetime(Duration::from_secs(60), Duration::from_secs(90))
            .build();
        assert!(session.is_multi_factor());
        assert_eq!(session.auth_time(), Some(at));
        assert_eq!(session.claim("sub"), Some("ada".into()));
        assert_eq!(session.claim("amr"), Some(vec!["pwd", "otp"].into()));
        assert_eq!(session.idle_expires_at(), at.plus(Duration::from_secs(60)));
        assert_eq!(
            session.absolute_expires_at(),
            at.plus(Duration::from_secs(90))
        );
        let user = User::new(session);
        assert_eq!(user.email(), Some("ada@example.com"));
        assert_eq!(user.name(), Some("Ada"));

        let unsaid = SignedIn::new("ada").auth_time(None).build();
        assert_eq!(unsaid.auth_time(), None);
        assert_eq!(unsaid.claim("auth_time"), None);
    }
}
