//! The app's own calls to the provider, written down. Each is awaited there and back.

use std::sync::{Arc, Mutex, OnceLock};

use axum::Router;
use bytes::Bytes;
use futures_core::future::BoxFuture;
use http::{Request, Response};
use tower_sso::provider::{HttpClient, HttpError, InProcessClient};

/// A client that keeps what was sent. Clones are the same wire.
#[derive(Clone, Debug, Default)]
pub(crate) struct Wire(Arc<Inner>);

#[derive(Debug, Default)]
struct Inner {
    provider: OnceLock<InProcessClient>,
    sent: Mutex<Vec<Request<Bytes>>>,
}

impl Wire {
    /// Whom the calls reach.
    pub(crate) fn connect(&self, provider: Router) {
        let client = InProcessClient::new(provider);
        self.0.provider.set(client).unwrap();
    }

    /// All calls so far.
    pub(crate) fn sent(&self) -> Vec<Request<Bytes>> {
        self.0.sent.lock().unwrap().clone()
    }

    /// The only call to this path.
    pub(crate) fn only_call(&self, path: &str) -> Request<Bytes> {
        let mut calls = self.sent();
        calls.retain(|call| call.uri().path() == path);
        assert_eq!(calls.len(), 1, "calls to {path}");
        calls.remove(0)
    }
}

impl HttpClient for Wire {
    fn call(&self, request: Request<Bytes>) -> BoxFuture<'_, Result<Response<Bytes>, HttpError>> {
        self.0.sent.lock().unwrap().push(request.clone());
        Box::pin(async {
            tokio::task::yield_now().await;
            let answer = self.0.provider.get().unwrap().call(request).await;
            tokio::task::yield_now().await;
            answer
        })
    }
}
