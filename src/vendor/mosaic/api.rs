//! Calls to Mosaic's API.

use bytes::Bytes;
use http::header::{ACCEPT, CONTENT_TYPE};
use http::{Method, Response};
use serde_json::{Map, Value};

use super::MosaicConfig;
use crate::vendor::api_client::ApiClient;
use crate::{Error, Result};

/// The way to the API.
#[derive(Debug)]
pub(super) struct Api {
    pub(super) config: MosaicConfig,
    pub(super) client: ApiClient,
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
    /// Makes a call, and after a 401 once more with a new client token, as [`ApiClient::call`] tells.
    pub(super) async fn call(&self, call: &Call<'_>) -> Result<Response<Bytes>> {
        let url = format!("{}{}", self.config.region.api(), call.path);
        let mut request = http::Request::builder()
            .method(&call.method)
            .uri(url)
            .header(ACCEPT, "application/json");
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
        self.client.call(&request, call.of_a_person).await
    }
}
