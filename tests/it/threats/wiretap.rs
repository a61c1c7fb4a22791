//! A client that writes down what goes to the provider and back, and can change an ID token on its way.

use std::fmt;
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use futures_core::future::BoxFuture;
use http::header::AUTHORIZATION;
use serde_json::Value;
use tower_sso::provider::{HttpClient, HttpError};

type Forge = dyn Fn(&str) -> String + Send + Sync;
type Enemy = dyn Fn(&Call) -> Option<http::Response<Bytes>> + Send + Sync;

/// What was said in one call.
#[derive(Clone, Debug)]
pub(super) struct Call {
    pub(super) path: String,
    pub(super) authorization: String,
    /// Its headers as whoever logs calls would print them.
    pub(super) printed: String,
    pub(super) request: String,
    pub(super) answer: String,
}

/// Between the app and its provider. Clones are the same tap.
#[derive(Clone)]
pub(super) struct Wiretap {
    inner: Arc<dyn HttpClient>,
    calls: Arc<Mutex<Vec<Call>>>,
    forge: Arc<Mutex<Option<Arc<Forge>>>>,
    enemy: Arc<Mutex<Option<Arc<Enemy>>>>,
}

impl Wiretap {
    pub(super) fn new(inner: impl HttpClient + 'static) -> Self {
        Self {
            inner: Arc::new(inner),
            calls: Arc::default(),
            forge: Arc::default(),
            enemy: Arc::default(),
        }
    }

    /// Puts another ID token in the place of the provider's.
    pub(super) fn forge(&self, forge: impl Fn(&str) -> String + Send + Sync + 'static) {
        *self.forge.lock().unwrap() = Some(Arc::new(forge));
    }

    /// Answers a call in the provider's place, where it gives an answer.
    pub(super) fn answer_with(
        &self,
        enemy: impl Fn(&Call) -> Option<http::Response<Bytes>> + Send + Sync + 'static,
    ) {
        *self.enemy.lock().unwrap() = Some(Arc::new(enemy));
    }

    pub(super) fn calls(&self, path: &str) -> Vec<Call> {
        let calls = self.calls.lock().unwrap();
        calls
            .iter()
            .filter(|call| call.path == path)
            .cloned()
            .collect()
    }

    pub(super) fn all_calls(&self) -> Vec<Call> {
        self.calls.lock().unwrap().clone()
    }

    fn forged(&self, answer: Bytes) -> Bytes {
        let forge = self.forge.lock().unwrap().clone();
        let Some(forge) = forge else { return answer };
        let Ok(mut body) = serde_json::from_slice::<Value>(&answer) else {
            return answer;
        };
        if let Some(token) = body["id_token"].as_str() {
            body["id_token"] = forge(token).into();
        }
        Bytes::from(body.to_string())
    }
}

impl HttpClient for Wiretap {
    fn call(
        &self,
        request: http::Request<Bytes>,
    ) -> BoxFuture<'_, Result<http::Response<Bytes>, HttpError>> {
        Box::pin(async move {
            let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
            let mut call = Call {
                path: request.uri().path().to_owned(),
                authorization: request
                    .headers()
                    .get(AUTHORIZATION)
                    .map(|value| text(value.as_bytes()))
                    .unwrap_or_default(),
                printed: format!("{:?}", request.headers()),
                request: text(request.body()),
                answer: String::new(),
            };
            let enemy = self.enemy.lock().unwrap().clone();
            let mut answer = match enemy.and_then(|enemy| enemy(&call)) {
                Some(answer) => Ok(answer),
                None => self.inner.call(request).await,
            };
            if call.path == "/token" {
                answer = answer.map(|answer| answer.map(|body| self.forged(body)));
            }
            if let Ok(answer) = &answer {
                call.answer = text(answer.body());
            }
            self.calls.lock().unwrap().push(call);
            answer
        })
    }
}

impl fmt::Debug for Wiretap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Wiretap").finish_non_exhaustive()
    }
}
