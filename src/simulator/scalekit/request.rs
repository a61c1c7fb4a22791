//! The authorization request (RFC 6749 section 4.1.1) with the vendor's selectors, read and validated.

use super::catalogue::{self, SignInError};
use super::select::Selectors;
use super::tenant::ScalekitConnection;
use crate::simulator::client::Clients;
use crate::simulator::params::Params;
use crate::simulator::request::read_challenge;

/// Where the answer goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct ReturnAddress {
    pub(super) redirect_uri: String,
    pub(super) state: Option<String>,
}

/// Why a request is not served.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Refusal {
    /// `invalid_redirect_uri`, told to the person: nobody is sent to an address that is not registered
    /// (RFC 6749 section 4.1.2.1).
    Page,
    /// Told to the application.
    Answer(ReturnAddress, SignInError),
}

#[derive(Clone, Debug)]
pub(super) struct AuthorizationRequest {
    pub(super) client_id: String,
    pub(super) address: ReturnAddress,
    pub(super) scope: String,
    pub(super) nonce: Option<String>,
    pub(super) code_challenge: Option<String>,
    pub(super) selectors: Selectors,
    /// `prompt=none`: no page may be shown.
    pub(super) silent: bool,
}

/// A request whose connection is found: somebody is asked who they are.
#[derive(Clone, Debug)]
pub(super) struct SignIn {
    pub(super) request: AuthorizationRequest,
    pub(super) connection: ScalekitConnection,
}

impl AuthorizationRequest {
    pub(super) fn read(
        params: &Params,
        clients: &Clients,
        redirect_uris: &[String],
    ) -> Result<Self, Refusal> {
        let redirect_uri = params
            .get("redirect_uri")
            .filter(|_| !params.repeats("redirect_uri"))
            .filter(|uri| redirect_uris.iter().any(|known| known == uri))
            .ok_or(Refusal::Page)?;
        let address = ReturnAddress {
            redirect_uri: redirect_uri.to_owned(),
            state: params.get("state").map(ToOwned::to_owned),
        };
        let refuse = |error| Refusal::Answer(address.clone(), error);
        check(params, clients).map_err(refuse)?;
        let code_challenge = read_challenge(params, false).map_err(refuse)?;
        Ok(Self {
            client_id: params.get("client_id").unwrap_or_default().to_owned(),
            scope: params.get("scope").unwrap_or_default().to_owned(),
            nonce: params.get("nonce").map(ToOwned::to_owned),
            code_challenge,
            selectors: Selectors::read(params),
            silent: params.get("prompt") == Some("none"),
            address,
        })
    }
}

fn check(params: &Params, clients: &Clients) -> Result<(), SignInError> {
    if params.repeats_any() {
        return Err(catalogue::INVALID_REQUEST);
    }
    // Redirect URIs are the environment's and not one client's: the address is good without a client.
    let client_id = params.get("client_id").unwrap_or_default();
    clients.find(client_id).ok_or(catalogue::INVALID_CLIENT)?;
    match params.get("response_type") {
        Some("code") => {}
        Some(_) => return Err(catalogue::UNSUPPORTED_RESPONSE_TYPE),
        None => return Err(catalogue::INVALID_REQUEST),
    }
    if !matches!(params.get("response_mode"), None | Some("query")) {
        return Err(catalogue::INVALID_REQUEST);
    }
    let mut scopes = params
        .get("scope")
        .unwrap_or_default()
        .split_ascii_whitespace();
    let openid = scopes.clone().any(|scope| scope == "openid");
    if !openid || scopes.any(|scope| scope == "offline_access") {
        return Err(catalogue::INVALID_SCOPE);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::simulator::SimulatedClient;

    const GOOD: &str = "client_id=skc_1&redirect_uri=https%3A%2F%2Fapp.example%2Fcb&response_type=code\
                        &scope=openid+profile&state=s&organization_id=org_1";
    const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

    fn error(query: &str) -> &'static str {
        let clients = Clients {
            registered: vec![SimulatedClient::new("skc_1").with_secret("s")],
            any: false,
        };
        let registered = ["https://app.example/cb".to_owned()];
        let params = Params::parse(query.as_bytes());
        match AuthorizationRequest::read(&params, &clients, &registered) {
            Ok(_) => "ok",
            Err(Refusal::Page) => "page",
            Err(Refusal::Answer(address, (code, _))) => {
                assert_eq!(address.redirect_uri, registered[0]);
                code
            }
        }
    }

    #[test]
    fn each_rule_has_its_error() {
        let with = |more: &str| format!("{GOOD}&{more}");
        let s256 = format!("code_challenge={CHALLENGE}&code_challenge_method=S256");
        for (query, expected) in [
            (GOOD.to_owned(), "ok"),
            (GOOD.replace("%2Fcb", "%2Fcb%2F"), "page"),
            (GOOD.replace("%2Fcb", "%2Fcb%3Fx"), "page"),
            (GOOD.replace("app.example", "evil.example"), "page"),
            (GOOD.replace("redirect_uri", "redirect"), "page"),
            (with("redirect_uri=https%3A%2F%2Fevil.example"), "page"),
            (GOOD.replace("skc_1", "skc_2"), "invalid_client"),
            (GOOD.replace("client_id=skc_1&", ""), "invalid_client"),
            (with("state=2"), "invalid_request"),
            (with("organization_id=org_2"), "invalid_request"),
            (GOOD.replace("=code", "=token"), "unsupported_response_type"),
            (GOOD.replace("response_type", "x"), "invalid_request"),
            (with("response_mode=form_post"), "invalid_request"),
            (GOOD.replace("openid", "email"), "invalid_scope"),
            (
                GOOD.replace("openid", "openid+offline_access"),
                "invalid_scope",
            ),
            (with(&s256), "ok"),
            (with(&s256.replace("S256", "plain")), "invalid_request"),
            (
                with(&format!("code_challenge={CHALLENGE}")),
                "invalid_request",
            ),
            (with("code_challenge_method=S256"), "invalid_request"),
            (with("prompt=login&nonce=n"), "ok"),
        ] {
            assert_eq!(error(&query), expected, "{query}");
        }
    }
}
