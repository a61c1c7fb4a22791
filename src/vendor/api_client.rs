//! Calls to a vendor's API with the client's own token.

use bytes::Bytes;
use http::header::AUTHORIZATION;
use http::{Request, Response, StatusCode};

use super::client_token::{ClientCredentials, ClientToken, ClientTokens};
use super::rate_limit::LimitedClient;
use crate::Result;
use crate::clock::SecondsSinceEpoch;
use crate::provider::http::sensitive;
use crate::secret::Secret;

/// The way to an API that takes the client's token as a bearer.
#[derive(Debug)]
pub(super) struct ApiClient {
    pub(super) http: LimitedClient,
    tokens: ClientTokens,
}

impl ApiClient {
    pub(super) fn new(http: LimitedClient, credentials: ClientCredentials) -> Self {
        Self {
            tokens: ClientTokens::new(http.clone(), credentials),
            http,
        }
    }

    pub(super) fn now(&self) -> SecondsSinceEpoch {
        self.http.clock.now()
    }

    /// Makes a call, and after a 401 once more with a new client token: nothing was used up then. Any other
    /// answer is final, for a passcode that is sent twice is refused.
    ///
    /// Where a person's input is judged, a 401 counts for the token only if the vendor has not taken it for a
    /// minute: else each wrong password would count twice, and cost a new token out of everybody's rate.
    pub(super) async fn call(
        &self,
        request: &Request<Bytes>,
        of_a_person: bool,
    ) -> Result<Response<Bytes>> {
        let token = self.tokens.get().await?;
        let answer = self.once(request, &token).await?;
        let is_over = answer.status() != StatusCode::UNAUTHORIZED
            || (of_a_person && token.is_live(self.now()));
        if is_over {
            return Ok(answer);
        }
        if !self.tokens.forget(&token, self.now()) {
            return Ok(answer);
        }
        let token = self.tokens.get().await?;
        self.once(request, &token).await
    }

    async fn once(&self, request: &Request<Bytes>, token: &ClientToken) -> Result<Response<Bytes>> {
        let bearer = Secret::new(format!("Bearer {}", token.value.expose()));
        let mut request = request.clone();
        request
            .headers_mut()
            .insert(AUTHORIZATION, sensitive(&bearer)?);
        let answer = self.http.send(request).await?;
        let status = answer.status();
        if status != StatusCode::UNAUTHORIZED && !status.is_server_error() {
            token.accepted(self.now());
        }
        Ok(answer)
    }
}
