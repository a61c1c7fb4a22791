//! The client's own access token (RFC 6749 section 4.4): one for all calls.

use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use http::header::{ACCEPT, CONTENT_TYPE};
use http::{Response, StatusCode};

use super::rate_limit::LimitedClient;
use crate::clock::SecondsSinceEpoch;
use crate::oidc::{MAX_JWT_LENGTH, TokenError, TokenResponse, is_error_code, json};
use crate::provider::flight::{Flight, Ticket};
use crate::provider::http::answer;
use crate::secret::{ClientSecret, Secret};
use crate::{Error, ErrorKind, Result};

/// How long a token is used whose answer does not say.
const DEFAULT_LIFE: Duration = Duration::from_secs(300);
/// How long a token is used at least. One that says that it ends at once would be fetched for each call.
const SHORTEST_LIFE: Duration = Duration::from_secs(10);
/// How long before its end a token is renewed, at most; a fifth of its life where that is shorter.
const AHEAD: Duration = Duration::from_secs(60);
/// How long nobody asks again for a token after there was no answer, and after a refusal.
const AFTER_NO_ANSWER: Duration = Duration::from_secs(1);
const AFTER_REFUSAL: Duration = Duration::from_secs(30);
/// How long a token counts as live after the vendor gave or accepted it.
const LIVE: Duration = Duration::from_secs(60);

/// An access token of the client.
pub(super) struct ClientToken {
    pub(super) value: Secret<String>,
    renew_at: SecondsSinceEpoch,
    expires_at: SecondsSinceEpoch,
    accepted_at: AtomicU64,
    was_accepted: AtomicBool,
}

impl ClientToken {
    fn new(tokens: TokenResponse, now: SecondsSinceEpoch) -> Self {
        let life = tokens.expires_in.unwrap_or(DEFAULT_LIFE);
        let life = life.max(SHORTEST_LIFE);
        Self {
            value: tokens.access_token,
            renew_at: now.plus(life.saturating_sub(AHEAD.min(life / 5))),
            expires_at: now.plus(life),
            accepted_at: AtomicU64::new(now.0),
            was_accepted: AtomicBool::new(false),
        }
    }

    /// Takes note that an endpoint took the token.
    pub(super) fn accepted(&self, now: SecondsSinceEpoch) {
        self.accepted_at.store(now.0, Ordering::Relaxed);
        self.was_accepted.store(true, Ordering::Relaxed);
    }

    /// Whether a 401 speaks of something else than this token.
    pub(super) fn is_live(&self, now: SecondsSinceEpoch) -> bool {
        let accepted_at = SecondsSinceEpoch(self.accepted_at.load(Ordering::Relaxed));
        accepted_at <= now && now.since(accepted_at) < LIVE
    }
}

impl fmt::Debug for ClientToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientToken")
            .field("expires_at", &self.expires_at)
            .finish_non_exhaustive()
    }
}

/// What a token is asked for with.
#[derive(Debug)]
pub(super) struct ClientCredentials {
    /// The token endpoint.
    pub(super) url: String,
    pub(super) client_id: String,
    pub(super) client_secret: ClientSecret,
    /// What the token is for (`resource`).
    pub(super) resource: Option<String>,
}

/// The token that is kept, and the call for the next one. Clones are the same.
#[derive(Clone, Debug)]
pub(super) struct ClientTokens(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    http: LimitedClient,
    credentials: ClientCredentials,
    flight: Flight<ClientToken>,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    token: Option<Arc<ClientToken>>,
    failure: Option<Failure>,
    /// When a token was last thrown away because it was refused.
    thrown_away_at: Option<SecondsSinceEpoch>,
}

#[derive(Clone, Debug)]
struct Failure {
    error: Error,
    since: SecondsSinceEpoch,
    until: SecondsSinceEpoch,
}

enum Lookup {
    Serve(Arc<ClientToken>),
    /// It serves; somebody should fetch the next one meanwhile.
    ServeAndRenew(Arc<ClientToken>),
    Fetch,
    Fail(Error),
}

impl State {
    fn look_up(&self, now: SecondsSinceEpoch) -> Lookup {
        let failure = self
            .failure
            .as_ref()
            .filter(|failure| failure.since <= now && now < failure.until);
        let token = self.token.as_ref().filter(|token| now < token.expires_at);
        match (token, failure) {
            (Some(token), None) if token.renew_at <= now => Lookup::ServeAndRenew(token.clone()),
            (Some(token), _) => Lookup::Serve(token.clone()),
            (None, Some(failure)) => {
                let left = failure.until.since(now);
                let error = failure.error.clone();
                Lookup::Fail(if error.is_temporary() {
                    error.with_retry_after(left)
                } else {
                    error
                })
            }
            (None, None) => Lookup::Fetch,
        }
    }

    fn record(&mut self, outcome: &Result<Arc<ClientToken>>, now: SecondsSinceEpoch) {
        match outcome {
            Ok(token) => {
                self.token = Some(Arc::clone(token));
                self.failure = None;
            }
            Err(error) => {
                let pause = match error.kind() {
                    ErrorKind::Unavailable => error.retry_after().unwrap_or(AFTER_NO_ANSWER),
                    _ => AFTER_REFUSAL,
                };
                self.failure = Some(Failure {
                    error: error.clone(),
                    since: now,
                    until: now.plus(pause.max(AFTER_NO_ANSWER)),
                });
            }
        }
    }
}

impl ClientTokens {
    pub(super) fn new(http: LimitedClient, credentials: ClientCredentials) -> Self {
        Self(Arc::new(Inner {
            http,
            credentials,
            flight: Flight::default(),
            state: Mutex::default(),
        }))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn now(&self) -> SecondsSinceEpoch {
        self.0.http.clock.now()
    }

    /// Forgets a token that was refused, unless another has taken its place. Whether another one may do better: where
    /// the vendor takes none of its own tokens, a new one for each call would cost the client its rate.
    pub(super) fn forget(&self, token: &Arc<ClientToken>, now: SecondsSinceEpoch) -> bool {
        let mut state = self.state();
        if !state
            .token
            .as_ref()
            .is_some_and(|kept| Arc::ptr_eq(kept, token))
        {
            return true;
        }
        let lately = state
            .thrown_away_at
            .is_some_and(|at| at <= now && now.since(at) < AFTER_REFUSAL);
        if lately && !token.was_accepted.load(Ordering::Relaxed) {
            return false;
        }
        state.thrown_away_at = Some(now);
        state.token = None;
        true
    }

    /// A token to call with: the one that is kept, else that of one call for all who wait.
    pub(super) async fn get(&self) -> Result<Arc<ClientToken>> {
        loop {
            let found = self.state().look_up(self.now());
            match found {
                Lookup::Serve(token) => return Ok(token),
                Lookup::ServeAndRenew(token) => {
                    self.begin();
                    return Ok(token);
                }
                Lookup::Fail(error) => return Err(error),
                Lookup::Fetch => {}
            }
            // `None`: one that ended since the look above settled it.
            if let Some(ticket) = self.begin() {
                return ticket.result().await;
            }
        }
    }

    fn begin(&self) -> Option<Ticket<ClientToken>> {
        self.0.flight.join(|| {
            let wanted = matches!(
                self.state().look_up(self.now()),
                Lookup::Fetch | Lookup::ServeAndRenew(_)
            );
            let tokens = self.clone();
            wanted.then_some(async move {
                let outcome = tokens.fetch().await.map(Arc::new);
                if let Err(error) = &outcome {
                    let vendor = tokens.0.http.vendor;
                    tracing::warn!(vendor, %error, "there is no client token");
                }
                tokens.state().record(&outcome, tokens.now());
                outcome
            })
        })
    }

    async fn fetch(&self) -> Result<ClientToken> {
        let Inner {
            http, credentials, ..
        } = &*self.0;
        let answer = http.send(request(credentials)?).await?;
        let tokens = interpret(http.vendor, &answer)?;
        Ok(ClientToken::new(tokens, self.now()))
    }
}

fn request(credentials: &ClientCredentials) -> Result<http::Request<Bytes>> {
    let mut form = form_urlencoded::Serializer::new(String::new());
    form.append_pair("grant_type", "client_credentials")
        .append_pair("client_id", &credentials.client_id)
        .append_pair("client_secret", credentials.client_secret.expose());
    if let Some(resource) = &credentials.resource {
        form.append_pair("resource", resource);
    }
    http::Request::post(&credentials.url)
        .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
        .header(ACCEPT, "application/json")
        .body(Bytes::from(form.finish()))
        .map_err(|error| {
            Error::configuration("the client token endpoint is unusable").with_source(error)
        })
}

/// A token is visible ASCII of a bearable length: it goes into a header and a cookie's record.
pub(super) fn is_token(token: &Secret<String>) -> bool {
    let token = token.expose();
    token.len() <= MAX_JWT_LENGTH && token.bytes().all(|byte| byte.is_ascii_graphic())
}

fn interpret(vendor: &str, answer: &Response<Bytes>) -> Result<TokenResponse> {
    let status = answer.status();
    let unavailable = || answer::unavailable(status, answer.headers(), "client token endpoint");
    if status == StatusCode::OK {
        // A page that is no JSON comes from something in between.
        json::object(answer.body()).ok_or_else(unavailable)?;
        let tokens = TokenResponse::parse_with_optional_type(answer.body())?;
        if !is_token(&tokens.access_token) {
            return Err(Error::provider(format!(
                "{vendor} gives a client token that is none"
            )));
        }
        return Ok(tokens);
    }
    if answer::is_temporary(status) || !status.is_client_error() {
        return Err(unavailable());
    }
    // A body that is none of the protocol's is no word on the client either.
    let refusal = TokenError::parse(answer.body()).filter(|refusal| is_error_code(&refusal.error));
    let code = match &refusal {
        Some(refusal) => refusal.error.as_str(),
        // Some vendors refuse in a shape of their own.
        None if json::object(answer.body()).is_some() => "invalid_client",
        None => return Err(unavailable()),
    };
    Err(Error::provider(format!(
        "{vendor} refuses the client's credentials (status {})",
        status.as_u16()
    ))
    // What speaks of a grant would end a session elsewhere; this speaks of the client.
    .with_code(if code == "invalid_grant" {
        "invalid_client"
    } else {
        code
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: SecondsSinceEpoch = SecondsSinceEpoch(1_000_000);

    fn token(expires_in: &str) -> ClientToken {
        let body = format!(r#"{{"access_token":"at"{expires_in}}}"#);
        let tokens = TokenResponse::parse_with_optional_type(body.as_bytes()).unwrap();
        ClientToken::new(tokens, NOW)
    }

    #[test]
    fn a_token_is_renewed_ahead_of_its_end() {
        for (expires_in, renew, end) in [
            (r#","expires_in":3600"#, 3_540, 3_600),
            (r#","expires_in":"3600""#, 3_540, 3_600),
            (r#","expires_in":100"#, 80, 100),
            (r#","expires_in":0"#, 8, 10),
            ("", 240, 300),
            (r#","expires_in":-5"#, 240, 300),
            (r#","expires_in":"soon""#, 240, 300),
            (r#","expires_in":null"#, 240, 300),
        ] {
            let token = token(expires_in);
            assert_eq!(token.renew_at.since(NOW).as_secs(), renew, "{expires_in}");
            assert_eq!(token.expires_at.since(NOW).as_secs(), end, "{expires_in}");
        }
        let huge = token(r#","expires_in":99999999999999999999"#);
        assert_eq!(huge.expires_at.0, u64::MAX);
        assert!(huge.renew_at > NOW);
    }

    #[test]
    fn what_is_kept_serves_to_its_end_even_while_there_is_no_other() {
        let mut state = State::default();
        assert!(matches!(state.look_up(NOW), Lookup::Fetch));
        state.record(&Ok(Arc::new(token(r#","expires_in":100"#))), NOW);
        let at = |seconds| NOW.plus(Duration::from_secs(seconds));
        for (seconds, found) in [
            (0, "serve"),
            (79, "serve"),
            (80, "renew"),
            (99, "renew"),
            (100, "fetch"),
        ] {
            let got = match state.look_up(at(seconds)) {
                Lookup::Serve(_) => "serve",
                Lookup::ServeAndRenew(_) => "renew",
                Lookup::Fetch => "fetch",
                Lookup::Fail(_) => "fail",
            };
            assert_eq!(got, found, "{seconds}");
        }
        state.record(&Err(Error::unavailable("down")), at(80));
        assert!(matches!(state.look_up(at(80)), Lookup::Serve(_)));
        assert!(matches!(state.look_up(at(81)), Lookup::ServeAndRenew(_)));
    }

    #[test]
    fn a_failure_is_the_answer_for_a_while() {
        let limited = Error::unavailable("busy").with_retry_after(Duration::from_secs(9));
        for (error, pause) in [
            (Error::unavailable("down"), 1),
            (limited, 9),
            (Error::provider("refused").with_code("invalid_client"), 30),
        ] {
            let mut state = State::default();
            state.record(&Err(error.clone()), NOW);
            let last = NOW.plus(Duration::from_secs(pause - 1));
            let Lookup::Fail(remembered) = state.look_up(last) else {
                panic!("{error} is forgotten");
            };
            assert_eq!(remembered.kind(), error.kind());
            let over = NOW.plus(Duration::from_secs(pause));
            assert!(matches!(state.look_up(over), Lookup::Fetch));
            let back = NOW.minus(Duration::from_secs(1));
            assert!(matches!(state.look_up(back), Lookup::Fetch));
        }
    }

    #[test]
    fn only_an_answer_of_the_protocol_speaks_of_the_client() {
        for (status, body, code) in [
            (401, r#"{"error":"invalid_client"}"#, Some("invalid_client")),
            (400, r#"{"error":"invalid_grant"}"#, Some("invalid_client")),
            (
                400,
                r#"{"message":"no","error_code":"400"}"#,
                Some("invalid_client"),
            ),
            (401, "<html>", None),
            (404, "not here", None),
            (302, "", None),
            (200, "<html>", None),
            (500, r#"{"error":"invalid_client"}"#, None),
            (429, r#"{"error":"invalid_client"}"#, None),
        ] {
            let answer = Response::builder().status(status);
            let error = interpret("it", &answer.body(Bytes::from(body)).unwrap()).unwrap_err();
            assert_eq!(error.code(), code, "{status} {body}");
            assert_eq!(error.is_temporary(), code.is_none(), "{status} {body}");
        }
        for body in [
            r#"{"access_token":"a b"}"#,
            "{}",
            r#"{"access_token":"a","token_type":"DPoP"}"#,
        ] {
            let answer = Response::new(Bytes::from(body));
            let error = interpret("it", &answer).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Provider, "{body}");
        }
    }
}
