//! The app's own users and their sessions, as an app has them that was there before single sign-on.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use aws_lc_rs::hmac::{HMAC_SHA256, Key, sign, verify};
use aws_lc_rs::rand;
use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::Response;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::{HeaderMap, HeaderValue, header};
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;
use tower_sso::clock::{Clock as _, SecondsSinceEpoch, SystemClock};
use tower_sso::{BoxError, Decision, Identity, Secret};

const LIFE: Duration = Duration::from_secs(8 * 3600);

/// Who is signed in. The layer leaves it in the extensions of a request, and nothing else does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Account {
    pub(crate) number: usize,
    pub(crate) name: String,
    /// Whose single sign-on they came by, if by any.
    pub(crate) organization: Option<String>,
}

/// Users, and who of them is signed in. Clones share everything.
#[derive(Clone)]
pub(crate) struct OwnSessions(Arc<Inner>);

struct Inner {
    cookie: String,
    /// Signs cookies, so that a made-up one costs no look-up.
    key: Key,
    kept: Mutex<Kept>,
}

#[derive(Default)]
struct Kept {
    accounts: Vec<Account>,
    /// By issuer and subject, never by an address: any customer's identity provider can name any.
    identities: HashMap<(String, String), usize>,
    sessions: HashMap<String, Session>,
}

struct Session {
    account: usize,
    ends_at: SecondsSinceEpoch,
    /// The hint for the provider's sign-out.
    id_token: Option<Secret<String>>,
}

/// The one user who has a password. An app has a table of them, with hashes that are made for passwords.
const PASSWORD_USER: &str = "erin@example.net";
/// Of `newcomer`.
const PASSWORD_SHA256: &str = "9aaa5843e69f1b64938980e11e9d41d2c62e14d0f74e888208a8900b0ce2961e";

impl OwnSessions {
    pub(crate) fn new(cookie: &str) -> Self {
        let mut key = [0; 32];
        rand::fill(&mut key).expect("the system has random numbers");
        let erin = Account {
            number: 0,
            name: PASSWORD_USER.to_owned(),
            organization: None,
        };
        Self(Arc::new(Inner {
            cookie: cookie.to_owned(),
            key: Key::new(HMAC_SHA256, &key),
            kept: Mutex::new(Kept {
                accounts: vec![erin],
                ..Kept::default()
            }),
        }))
    }

    /// The account that a password opens.
    pub(crate) fn account_of(&self, name: &str, password: &str) -> Option<Account> {
        let digest = Sha256::digest(password)
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect::<String>();
        let fits = digest.as_bytes().ct_eq(PASSWORD_SHA256.as_bytes());
        let known = name.eq_ignore_ascii_case(PASSWORD_USER) && bool::from(fits);
        known.then(|| self.kept(|kept| kept.accounts[0].clone()))
    }

    /// The hook of an app that keeps its own sessions: it finds the user of an identity, or makes one, and signs
    /// them in by a cookie of its own.
    pub(crate) async fn take(self, identity: Identity) -> Result<Decision, BoxError> {
        let account = self.account_for(&identity);
        let mut headers = HeaderMap::new();
        let cookie = self.begin(&account, identity.tokens.id_token);
        headers.insert(header::SET_COOKIE, cookie);
        Ok(Decision::OwnSession(headers))
    }

    fn account_for(&self, identity: &Identity) -> Account {
        let claims = &identity.claims;
        let who = (claims.issuer.as_str().to_owned(), claims.subject.clone());
        let email = claims.all.get("email").and_then(|email| email.as_str());
        self.kept(|kept| {
            let number = *kept
                .identities
                .entry(who)
                .or_insert_with(|| kept.accounts.len());
            if number == kept.accounts.len() {
                kept.accounts.push(Account {
                    number,
                    name: email.unwrap_or(&claims.subject).to_owned(),
                    organization: identity.organization.clone(),
                });
            }
            kept.accounts[number].clone()
        })
    }

    /// Signs somebody in: a new session for each, whatever cookie the browser had before.
    pub(crate) fn begin(&self, account: &Account, id_token: Option<Secret<String>>) -> HeaderValue {
        let mut id = [0; 32];
        rand::fill(&mut id).expect("the system has random numbers");
        let id = URL_SAFE_NO_PAD.encode(id);
        let tag = URL_SAFE_NO_PAD.encode(sign(&self.0.key, id.as_bytes()));
        let now = SystemClock.now();
        let session = Session {
            account: account.number,
            ends_at: now.plus(LIFE),
            id_token,
        };
        let value = format!("{id}.{tag}");
        self.kept(|kept| {
            kept.sessions.retain(|_, session| session.ends_at > now);
            kept.sessions.insert(id, session);
        });
        self.set_cookie(&value, LIFE)
    }

    /// Signs out whoever sends this. Answers the cookie's removal, and the ID token that they came by.
    pub(crate) fn end(&self, headers: &HeaderMap) -> (HeaderValue, Option<Secret<String>>) {
        let id = self.session_id(headers);
        let session = id.and_then(|id| self.kept(|kept| kept.sessions.remove(&id)));
        let removal = self.set_cookie("", Duration::ZERO);
        (removal, session.and_then(|session| session.id_token))
    }

    fn find(&self, headers: &HeaderMap) -> Option<Account> {
        let id = self.session_id(headers)?;
        let now = SystemClock.now();
        self.kept(|kept| {
            let session = kept
                .sessions
                .get(&id)
                .filter(|session| session.ends_at > now)?;
            kept.accounts.get(session.account).cloned()
        })
    }

    fn session_id(&self, headers: &HeaderMap) -> Option<String> {
        let cookies = headers.get_all(header::COOKIE).iter();
        let mut pairs = cookies
            .filter_map(|field| field.to_str().ok())
            .flat_map(|field| field.split(';'))
            .filter_map(|pair| pair.trim().split_once('='));
        let (_, value) = pairs.find(|(name, _)| *name == self.0.cookie)?;
        let (id, tag) = value.split_once('.')?;
        let tag = URL_SAFE_NO_PAD.decode(tag).ok()?;
        verify(&self.0.key, id.as_bytes(), &tag).ok()?;
        Some(id.to_owned())
    }

    /// On this machine alone: an app that is reached by https adds `Secure`, and `__Host-` to the name.
    fn set_cookie(&self, value: &str, life: Duration) -> HeaderValue {
        let line = format!(
            "{}={value}; Path=/; Max-Age={}; HttpOnly; SameSite=Lax",
            self.0.cookie,
            life.as_secs()
        );
        let mut line = HeaderValue::try_from(line).expect("names and values are plain ASCII");
        line.set_sensitive(true);
        line
    }

    fn kept<T>(&self, use_it: impl FnOnce(&mut Kept) -> T) -> T {
        let mut kept = self.0.kept.lock().unwrap_or_else(PoisonError::into_inner);
        use_it(&mut kept)
    }
}

/// The app's own layer: it says who a request is from.
pub(crate) async fn authenticate(
    State(own): State<OwnSessions>,
    mut request: Request,
    next: Next,
) -> Response {
    if let Some(account) = own.find(request.headers()) {
        request.extensions_mut().insert(account);
    }
    next.run(request).await
}
