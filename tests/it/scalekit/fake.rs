//! A management API that says what a test wants, and writes down what it was asked.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use futures_core::future::BoxFuture;
use http::{Request, Response};
use serde_json::{Value, json};
use tower_sso::clock::TestClock;
use tower_sso::provider::{HttpClient, HttpError, HttpErrorKind};
use tower_sso::vendor::scalekit::ScalekitManagement;

pub(super) const ENVIRONMENT: &str = "https://acme.scalekit.dev";
pub(super) const TOKEN: &str = "POST /oauth/token";
pub(super) const CONNECTIONS: &str = "GET /api/v1/connections";
pub(super) const LINKS: &str = "PUT /api/v1/organizations/org_1/portal_links";
pub(super) const DOMAINS: &str = "GET /api/v1/organizations/org_1/domains";
pub(super) const ADD_DOMAIN: &str = "POST /api/v1/organizations/org_1/domains";

#[derive(Clone, Debug)]
pub(super) enum Reply {
    Answer(u16, Option<u64>, String),
    Fail(HttpErrorKind),
}

impl Reply {
    pub(super) fn json(body: &Value) -> Self {
        Self::Answer(200, None, body.to_string())
    }

    pub(super) fn status(status: u16, body: &str) -> Self {
        Self::Answer(status, None, body.to_owned())
    }

    pub(super) fn limited(seconds: u64) -> Self {
        Self::Answer(429, Some(seconds), String::new())
    }

    /// As the API refuses.
    pub(super) fn refusal(status: u16, code: i64, name: &str) -> Self {
        let body = json!({
            "code": code, "message": "it repeats s3cr3t", "details": [{ "error_code": name }],
        });
        Self::status(status, &body.to_string())
    }
}

#[derive(Clone, Debug)]
pub(super) struct FakeScalekit {
    script: Arc<Mutex<Script>>,
    pub(super) clock: TestClock,
}

#[derive(Debug, Default)]
struct Script {
    replies: HashMap<String, VecDeque<Reply>>,
    calls: Vec<Request<Bytes>>,
    tokens: u32,
}

impl FakeScalekit {
    pub(super) fn new() -> Self {
        Self {
            script: Arc::default(),
            clock: TestClock::at(1_800_000_000),
        }
    }

    pub(super) fn client(&self) -> ScalekitManagement {
        ScalekitManagement::new(ENVIRONMENT, "skc_1", "the-s3cr3t")
            .unwrap()
            .with_http_client(Arc::new(self.clone()))
            .with_clock(Arc::new(self.clock.clone()))
    }

    /// What is answered to `METHOD /path`, one after the other; the last one repeats.
    pub(super) fn on(&self, call: &str, replies: impl IntoIterator<Item = Reply>) {
        let replies = replies.into_iter().collect();
        self.script
            .lock()
            .unwrap()
            .replies
            .insert(call.to_owned(), replies);
    }

    pub(super) fn calls(&self, call: &str) -> Vec<Request<Bytes>> {
        let calls = self.all_calls().into_iter();
        calls.filter(|sent| name_of(sent) == call).collect()
    }

    pub(super) fn all_calls(&self) -> Vec<Request<Bytes>> {
        self.script.lock().unwrap().calls.clone()
    }

    pub(super) fn advance(&self, seconds: u64) {
        self.clock.advance(Duration::from_secs(seconds));
    }
}

fn name_of(request: &Request<Bytes>) -> String {
    format!("{} {}", request.method(), request.uri().path())
}

impl HttpClient for FakeScalekit {
    fn call(&self, request: Request<Bytes>) -> BoxFuture<'_, Result<Response<Bytes>, HttpError>> {
        let mut script = self.script.lock().unwrap();
        let name = name_of(&request);
        script.calls.push(request);
        let scripted = script.replies.get_mut(&name).map(|replies| {
            let next = replies.front().cloned().unwrap();
            if replies.len() > 1 {
                replies.pop_front();
            }
            next
        });
        let reply = scripted.unwrap_or_else(|| {
            assert_eq!(name, TOKEN, "a call that nobody wants");
            script.tokens += 1;
            let token = format!("token-{}", script.tokens);
            Reply::json(
                &json!({ "access_token": token, "token_type": "Bearer", "expires_in": 3_600 }),
            )
        });
        Box::pin(async move {
            match reply {
                Reply::Fail(kind) => Err(HttpError::new(kind)),
                Reply::Answer(status, wait, body) => {
                    let mut answer = Response::builder().status(status);
                    if let Some(seconds) = wait {
                        answer = answer.header("retry-after", seconds);
                    }
                    Ok(answer.body(Bytes::from(body)).unwrap())
                }
            }
        })
    }
}
