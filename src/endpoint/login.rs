//! `/auth/login`: starts a sign-in because somebody asked for it.
//!
//! | parameter | meaning |
//! |---|---|
//! | `return_to` | a path of this app to come back to; anything else becomes `/` |
//! | `login_hint`, `ui_locales` | handed to the provider |
//! | `prompt` | `login`, `consent`, `select_account`, handed to the provider |
//! | `acr_values`, `max_age`, `amr`, `multi_factor` | what the sign-in shall reach; they can only ask for more |
//! | `connection_id`, `organization_id`, `domain_hint`, `provider` | where the person signs in, at a provider that has several; the first three name the tenant, too, and so does `login_hint` by its domain |
//! | `tenant` | the id of a tenant |
//! | `idp_initiated_login` | a sign-in that began at the provider |
//! | `error`, `error_description` | what went wrong there, to be shown |
//! | `iss`, `target_link_uri` | a third party starts the sign-in (OpenID Connect Core section 4) |
//!
//! A link on another site can bring somebody here. Who is signed in then goes straight on: no session is
//! replaced by a click elsewhere. A form on another site comes without the session's `Lax` cookie, so nobody
//! could tell that there is one: it is sent round as a GET, which brings the cookie.
//!
//! Who is signed in at the provider, where backends know that by an id, goes straight on as well, but with a
//! `prompt`.

use std::sync::Arc;

use bytes::Bytes;
use http::{Method, Request, Response, StatusCode};
use tower_cookies::Cookies;

use super::attempt::{begin_unless_in_circles, is_of};
use super::cross_site::asked_by_this_site;
use super::elsewhere::leave_first;
use super::page::{Page, PageKind, Question};
use super::query::Query;
use super::request_kind::RequestKind;
use super::tenancy::AskedFor;
use super::wanted::{check_selectors, hint, requirement, selector};
use super::{Shared, client_attributes, cookie_fields, initiated, provider_error, respond};
use crate::flow::BaseUrl;
use crate::flow::backend_session::sign_in_by_handle;
use crate::flow::carried::Carried;
use crate::flow::sign_in::{Start, knows_where};
use crate::oidc::Prompt;
use crate::policy::Requirement;
use crate::provider::Selectors;
use crate::session::{ReturnTo, Session};
use crate::{Error, Result};

pub(super) async fn answer(
    shared: &Arc<Shared>,
    cookies: &Cookies,
    request: &Request<Bytes>,
) -> Result<Response<Bytes>> {
    let headers = request.headers();
    if RequestKind::of(request.method(), headers) == RequestKind::Prefetch {
        return Ok(respond::plain(
            StatusCode::UNAUTHORIZED,
            "a sign-in is not fetched ahead",
        ));
    }
    let posts = request.method() == Method::POST;
    let text = if posts {
        request.body().as_ref()
    } else {
        request.uri().query().unwrap_or_default().as_bytes()
    };
    let query = Query::parse(text)?;
    if let Some(token) = query.one(initiated::PARAMETER)? {
        return initiated::answer(shared, cookies, request, token).await;
    }
    if query.one("error")?.is_some() {
        return provider_error::without_attempt(shared, text);
    }
    let base_url = &shared.context.base_url;
    let asked = Asked::read(&query, base_url)?;
    if posts && !asked_by_this_site(headers, base_url) {
        let path = shared.context.endpoint_path("login");
        return Ok(respond::see_other(&format!("{path}?{}", query.encoded())));
    }

    let session = shared.context.sessions.find(cookie_fields(headers)).await?;
    let chosen = shared.for_sign_in(asked.of_whom()).await?;
    if let Some(session) = &session
        && !asked_by_this_site(headers, base_url)
    {
        // Whoever's it is: no session is replaced by a click elsewhere.
        let chosen = chosen.for_session(Some(session)).await?;
        return Ok(if chosen.context.counts(session) {
            respond::see_other(asked.return_to.as_str())
        } else {
            leave_first(&chosen, session, &query)
        });
    }
    if chosen.context.base_url.origin() != base_url.origin() {
        let login = chosen.context.endpoint_url("login");
        return Ok(respond::see_other(&format!("{login}?{}", query.encoded())));
    }
    let chosen = chosen.for_session(session.as_ref()).await?;
    let context = &chosen.context;
    if !asked
        .issuer
        .as_ref()
        .is_none_or(|iss| context.is_provider(iss))
    {
        return Err(Error::request(
            "a sign-in was asked for at a provider that is not known here",
        ));
    }
    let mut session = session.filter(|session| context.counts(session));
    if session.is_none() && asked.prompt.is_empty() && asked.selectors.is_empty() {
        session = by_handle(&chosen, cookies, request).await;
        if session.is_some() && asked.requirement.is_empty() {
            return Ok(respond::see_other(asked.return_to.as_str()));
        }
    }
    // Who is signed in and asks for more wants to stay who they are; who asks for the list of accounts, or for
    // another place to sign in at, does not.
    let step_up = !asked.requirement.is_empty()
        && !asked.prompt.contains(&Prompt::SelectAccount)
        && session
            .as_ref()
            .is_some_and(|session| is_of(session, &asked.selectors));
    let start = Start {
        requirement: asked.requirement,
        session: session.as_ref(),
        step_up,
        prompt: asked.prompt,
        login_hint: asked.login_hint,
        selectors: asked.selectors,
        ui_locales: asked.ui_locales,
        ..Start::new(asked.return_to)
    };
    if !knows_where(context, &start)? {
        let address = start.login_hint.as_deref();
        return Ok(who_are_you(&chosen, &query, address));
    }
    begin_unless_in_circles(&chosen, cookies, headers, start).await
}

/// Asks for the address of somebody whose tenant is not known.
fn who_are_you(shared: &Shared, query: &Query, address: Option<&str>) -> Response<Bytes> {
    let text = if address.is_some() {
        "Nobody with this address can sign in here. Is it the one that you have at your organization?"
    } else {
        "Your organization has a sign-in page of its own. Your address there leads to it."
    };
    let hidden = query.others(&["login_hint", "domain_hint"]);
    let page = Page::new(PageKind::WhoAreYou, StatusCode::OK, "Sign in", text);
    shared.page(&page.ask(Question {
        label: "E-mail address".to_owned(),
        name: "login_hint".to_owned(),
        value: address.unwrap_or_default().to_owned(),
        action: shared.context.endpoint_path("login"),
        hidden,
        button: "Continue".to_owned(),
    }))
}

/// The session of who is signed in at the provider already, where backends know that by an id: nobody types a
/// password twice. Where it can't be told now, they are asked to.
async fn by_handle(
    shared: &Shared,
    cookies: &Cookies,
    request: &Request<Bytes>,
) -> Option<Session> {
    let (context, headers) = (&shared.context, request.headers());
    let handle = context
        .shared
        .as_ref()?
        .cookie
        .find(cookie_fields(headers))?;
    if context.silent.is_signed_out(cookie_fields(headers)) {
        return None;
    }
    let client = client_attributes(headers, shared.client_address(request));
    match sign_in_by_handle(context, handle, client).await {
        Ok(found) => {
            let carried = found.carried.iter().flat_map(Carried::take);
            carried.for_each(|cookie| cookies.add(cookie));
            found.session
        }
        Err(error) => {
            tracing::warn!(%error, "the provider can't be asked; somebody has to sign in");
            None
        }
    }
}

#[derive(Debug)]
struct Asked {
    return_to: ReturnTo,
    requirement: Requirement,
    prompt: Vec<Prompt>,
    login_hint: Option<String>,
    ui_locales: Option<String>,
    tenant: Option<String>,
    selectors: Selectors,
    /// The issuer that a third party names.
    issuer: Option<String>,
}

impl Asked {
    fn read(query: &Query, base_url: &BaseUrl) -> Result<Self> {
        // OpenID Connect Core section 4: a third party names the issuer; it must be one that we know.
        let third_party = query.one("iss")?;
        let return_to = match (query.one("return_to")?, query.one("target_link_uri")?) {
            (Some(path), _) => ReturnTo::parse(path),
            (None, Some(uri)) if third_party.is_some() => base_url.same_origin_path(uri),
            _ => None,
        };
        let prompt = match query.one("prompt")? {
            None | Some("") => Vec::new(),
            Some(words) => words.split(' ').map(prompt).collect::<Result<_>>()?,
        };
        let given = |name| -> Result<Option<String>> {
            let value = query.one(name)?.filter(|value| !value.is_empty());
            Ok(value.map(str::to_owned))
        };
        let selectors = Selectors {
            connection: given("connection_id")?,
            organization: given("organization_id")?,
            domain: given("domain_hint")?,
            identity_provider: given("provider")?,
        };
        check_selectors(&selectors)?;
        Ok(Self {
            return_to: return_to.unwrap_or_else(|| base_url.home()),
            requirement: requirement(query)?,
            prompt,
            login_hint: hint(query.one("login_hint")?)?,
            ui_locales: hint(query.one("ui_locales")?)?,
            tenant: selector(query.one("tenant")?)?,
            selectors,
            issuer: third_party.map(str::to_owned),
        })
    }

    fn of_whom(&self) -> AskedFor<'_> {
        AskedFor {
            tenant: self.tenant.as_deref(),
            selectors: &self.selectors,
            login_hint: self.login_hint.as_deref(),
            issuer: self.issuer.as_deref(),
        }
    }
}

fn prompt(word: &str) -> Result<Prompt> {
    match word.parse() {
        // A silent attempt is not for a link to start.
        Ok(Prompt::None) | Err(_) => Err(Error::request(
            "`prompt` must be login, consent or select_account",
        )),
        Ok(prompt) => Ok(prompt),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_can_not_start_a_silent_attempt() {
        assert!(prompt("none").is_err());
        assert!(prompt("whatever").is_err());
        assert_eq!(prompt("login").unwrap(), Prompt::Login);
    }
}
