//! A client that writes down what goes to the provider and back, and can change an ID token on its way.

use std::fmt;
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use futures_core::future::BoxFuture;
use http::header::AUTHORIZATION;
use serde_json::Value;
use tower_sso::provider::{HttpClient, HttpError, InProcessClient};

type Forge = dyn Fn(&str) -> String + Send + Sync;

/// What was said in one call.
#[derive(Clone, Debug)]
pub(super) struct Call {
    pub(super) path: String,
    pub(super) authorization: String,
    pub(super) request: String,
    pub(super) answer: String,
}

/// Between the app and its provider. Clones are the same tap.
#[derive(Clone)]
pub(super) struct Wiretap {
    inner: InProcessClient,
    calls: Arc<Mutex<Vec<Call>>>,
    forge: Arc<Mutex<Option<Arc<Forge>>>>,
}

impl Wiretap {
    pub(super) fn new(inner: InProcessClient) -> Self {
        Self {
            inner,
            calls: Arc::default(),
            forge: Arc::default(),
        }
    }

    /// Puts another ID token in the place of the provider's.
    pub(super) fn forge(&self, forge: impl Fn(&str) -> String + Send + Sync + 'static) {
        *self.forge.lock().unwrap() = Some(Arc::new(forge));
    }

    pub(super) fn calls(&self, path: &str) -> Vec<Call> {
        let calls = self.calls.lock().unwrap();
        calls
            .iter()
            .filter(|call| call.path == path)
            .cloned()
            .collect()
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
                request: text(request.body()),
                answer: String::new(),
            };
            let mut answer = self.inner.call(request).await;
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
