//! The token endpoint (RFC 6749 section 3.2).

use bytes::Bytes;
use http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE};
use http::{Response, StatusCode};
use url::Url;

use super::http::{HttpClient, answer, send, sensitive};
use crate::oidc::{ClientAuth, TokenError, TokenResponse, basic_header, is_error_code};
use crate::secret::ClientSecret;
use crate::{Error, Result};

/// A provider's token endpoint, and the client that calls it.
#[derive(Clone, Copy, Debug)]
pub(super) struct TokenEndpoint<'a> {
    pub(super) http: &'a dyn HttpClient,
    pub(super) url: &'a Url,
    pub(super) auth: ClientAuth,
    pub(super) client_id: &'a str,
    pub(super) client_secret: Option<&'a ClientSecret>,
}

impl TokenEndpoint<'_> {
    /// Sends one grant, once. Whatever happens it is not sent again: a code or a refresh token that
    /// comes twice counts as stolen (RFC 6749 section 4.1.2, RFC 9700 section 4.14.2).
    ///
    /// # Errors
    /// [`ErrorKind::Unavailable`](crate::ErrorKind::Unavailable): no answer, 5xx or 429.
    /// [`ErrorKind::Provider`](crate::ErrorKind::Provider): the grant was refused, with the provider's
    /// [`code`](Error::code) as `invalid_grant`, or the answer is none.
    /// [`ErrorKind::Configuration`](crate::ErrorKind::Configuration): the client authentication needs a
    /// secret and there is none.
    pub(super) async fn post(&self, grant: &[(&str, &str)]) -> Result<TokenResponse> {
        let answer = send(self.http, self.request(grant)?).await?;
        interpret(&answer)
    }

    fn request(&self, grant: &[(&str, &str)]) -> Result<http::Request<Bytes>> {
        let mut form = form_urlencoded::Serializer::new(String::new());
        form.extend_pairs(grant);
        let mut request = http::Request::post(self.url.as_str())
            .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
            .header(ACCEPT, "application/json");
        match self.auth {
            // RFC 6749 section 2.3: never more than one method in a request.
            ClientAuth::Basic => {
                let header = basic_header(self.client_id, self.secret()?);
                request = request.header(AUTHORIZATION, sensitive(&header)?);
            }
            ClientAuth::Post => {
                form.append_pair("client_id", self.client_id);
                form.append_pair("client_secret", self.secret()?.expose());
            }
            ClientAuth::None => {
                form.append_pair("client_id", self.client_id);
            }
        }
        request
            .body(Bytes::from(form.finish()))
            .map_err(|error| Error::provider("the token endpoint is unusable").with_source(error))
    }

    fn secret(&self) -> Result<&ClientSecret> {
        self.client_secret
            .ok_or_else(|| Error::configuration("the client authentication needs a client secret"))
    }
}

/// What the endpoint's answer means. Only a JSON error of the protocol says that the grant is bad;
/// nothing else may end a session.
fn interpret(answer: &Response<Bytes>) -> Result<TokenResponse> {
    let status = answer.status();
    if status == StatusCode::OK {
        return TokenResponse::parse(answer.body());
    }
    if answer::is_temporary(status) {
        return Err(answer::unavailable(
            status,
            answer.headers(),
            "token endpoint",
        ));
    }
    let refusal = status
        .is_client_error()
        .then(|| TokenError::parse(answer.body()))
        .flatten()
        .filter(|refusal| is_error_code(&refusal.error));
    Err(match refusal {
        Some(refusal) => Error::provider(format!(
            "the token endpoint refused with \"{}\"",
            refusal.error
        ))
        .with_code(&refusal.error),
        None => Error::provider(format!(
            "the token endpoint answered with status {} and no error of the protocol",
            status.as_u16()
        )),
    })
}
