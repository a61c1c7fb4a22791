//! Calls to Mosaic's API with the client's token.

use std::sync::Arc;

use bytes::Bytes;
use http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE};
use http::{Method, Response, StatusCode};
use serde_json::{Map, Value};

use super::MosaicConfig;
use super::client_token::{ClientToken, ClientTokens};
use super::rate_limit::{LimitedClient, limited};
use crate::clock::SecondsSinceEpoch;
use crate::provider::http::{send, sensitive};
use crate::secret::Secret;
use crate::{Error, Result};

/// The way to the API.
#[derive(Debug)]
pub(super) struct Api {
    pub(super) config: MosaicConfig,
    pub(super) http: LimitedClient,
    pub(super) tokens: ClientTokens,
}

/// One call.
pub(super) struct Call<'a> {
    pub(super) method: Method,
    pub(super) path: &'a str,
    /// JSON; `None` for no body.
    pub(super) body: Option<Map<String, Value>>,
    /// Whether the answer speaks of what a person typed: then a 401 may be a wrong password.
    pub(super) of_a_person: bool,
}

impl<'a> Call<'a> {
    pub(super) fn post(path: &'a str, body: Map<String, Value>) -> Self {
        Self {
            method: Method::POST,
            path,
            body: Some(body),
            of_a_person: false,
        }
    }
}

impl Api {
    pub(super) fn now(&self) -> SecondsSinceEpoch {
        self.http.clock.now()
    }

    pub(super) fn url(&self, path: &str) -> String {
        format!("{}{path}", self.config.region.api())
    }

    /// Makes a call, and after a 401 once more with a new client token: nothing was used up then. Any other
    /// answer is final, for a passcode that is sent twice is refused.
    ///
    /// Where a person's input is judged, a 401 counts for the token only if Mosaic has not taken it for a
    /// minute: else each wrong password would count twice, and cost a new token out of everybody's rate.
    pub(super) async fn call(self: &Arc<Self>, call: &Call<'_>) -> Result<Response<Bytes>> {
        let token = self.tokens.get(self).await?;
        let answer = self.once(call, &token).await?;
        let is_over = answer.status() != StatusCode::UNAUTHORIZED
            || (call.of_a_person && token.is_live(self.now()));
        if is_over {
            return Ok(answer);
        }
        if !self.tokens.forget(&token, self.now()) {
            return Ok(answer);
        }
        let token = self.tokens.get(self).await?;
        self.once(call, &token).await
    }

    async fn once(&self, call: &Call<'_>, token: &ClientToken) -> Result<Response<Bytes>> {
        let bearer = Secret::new(format!("Bearer {}", token.value.expose()));
        let mut request = http::Request::builder()
            .method(&call.method)
            .uri(self.url(call.path))
            .header(ACCEPT, "application/json")
            .header(AUTHORIZATION, sensitive(&bearer)?);
        let body = match &call.body {
            Some(body) => {
                request = request.header(CONTENT_TYPE, "application/json");
                serde_json::to_vec(body)
                    .map_err(|error| Error::request("the call has no JSON").with_source(error))?
            }
            None => Vec::new(),
        };
        let request = request.body(Bytes::from(body)).map_err(|error| {
            Error::configuration("the URL of Mosaic's API is unusable").with_source(error)
        })?;
        let answer = self.send(request).await?;
        let status = answer.status();
        if status != StatusCode::UNAUTHORIZED && !status.is_server_error() {
            token.accepted(self.now());
        }
        Ok(answer)
    }

    /// One call, as it is; none while Mosaic limits the rate.
    pub(super) async fn send(&self, request: http::Request<Bytes>) -> Result<Response<Bytes>> {
        let limit = &self.http.limit;
        if let Some(left) = limit.left(self.now()) {
            return Err(limited(left));
        }
        let answer = send(&self.http, request).await?;
        if answer.status() == StatusCode::TOO_MANY_REQUESTS
            && let Some(left) = limit.left(self.now())
        {
            return Err(limited(left));
        }
        Ok(answer)
    }
}
