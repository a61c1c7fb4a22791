//! `/auth/login`: starts a sign-in because somebody asked for it.
//!
//! | parameter | meaning |
//! |---|---|
//! | `return_to` | a path of this app to come back to; anything else becomes `/` |
//! | `login_hint`, `ui_locales` | handed to the provider |
//! | `prompt` | `login`, `consent`, `select_account`, handed to the provider |
//! | `acr_values`, `max_age`, `amr`, `multi_factor` | what the sign-in shall reach; they can only ask for more |
//! | `iss`, `target_link_uri` | a third party starts the sign-in (OpenID Connect Core section 4) |
//!
//! A link on another site can bring somebody here. Who is signed in then goes straight on: no session is
//! replaced by a click elsewhere. A form on another site comes without the session's `Lax` cookie, so nobody
//! could tell that there is one: it is sent round as a GET, which brings the cookie.
//!
//! Who is signed in at the provider, where backends know that by an id, goes straight on as well, but with a
//! `prompt`.

use bytes::Bytes;
use http::{HeaderMap, Method, Request, Response, StatusCode, header};
use tower_cookies::Cookies;

use super::query::Query;
use super::request_kind::RequestKind;
use super::wanted::requirement;
use super::{Shared, attempt, client_attributes, cookie_fields, cross_site, respond};
use crate::flow::backend_session::sign_in_by_handle;
use crate::flow::carried::Carried;
use crate::flow::sign_in::Start;
use crate::flow::{BaseUrl, Context};
use crate::oidc::Prompt;
use crate::policy::Requirement;
use crate::session::{ReturnTo, Session};
use crate::{Error, Result};

/// The longest hint that is passed on, in bytes.
const LONGEST_HINT: usize = 255;

pub(super) async fn answer(
    shared: &Shared,
    cookies: &Cookies,
    request: &Request<Bytes>,
) -> Result<Response<Bytes>> {
    let context = &shared.context;
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
    let asked = Asked::read(&query, context)?;
    if posts && !asked_by_this_site(headers, &context.base_url) {
        let path = context.endpoint_path("login");
        return Ok(respond::see_other(&format!("{path}?{}", query.encoded())));
    }

    let mut session = context.sessions.find(cookie_fields(headers)).await?;
    if session.is_some() && !asked_by_this_site(headers, &context.base_url) {
        return Ok(respond::see_other(asked.return_to.as_str()));
    }
    if session.is_none() && asked.prompt.is_empty() {
        session = by_handle(shared, cookies, request).await;
        if session.is_some() && asked.requirement.is_empty() {
            return Ok(respond::see_other(asked.return_to.as_str()));
        }
    }
    let now = context.clock.now();
    if context
        .round_trips
        .is_loop(&context.sealer, cookie_fields(headers), now)
    {
        return Ok(respond::round_in_circles(shared));
    }
    // Who is signed in and asks for more wants to stay who they are; who asks for the list of accounts
    // does not.
    let step_up = session.is_some()
        && !asked.requirement.is_empty()
        && !asked.prompt.contains(&Prompt::SelectAccount);
    let start = Start {
        requirement: asked.requirement,
        session: session.as_ref(),
        step_up,
        prompt: asked.prompt,
        login_hint: asked.login_hint,
        ui_locales: asked.ui_locales,
        ..Start::new(asked.return_to)
    };
    attempt::begin(context, cookies, headers, start).await
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

/// Whether a page of this origin, or the person by the address bar, started this. Browsers without Fetch
/// Metadata are told by `Origin` and `Referer`; what sends none of the three is no page's doing.
fn asked_by_this_site(headers: &HeaderMap, base: &BaseUrl) -> bool {
    if let Some(own_site) = cross_site::by_own_site(headers) {
        return own_site;
    }
    [header::ORIGIN, header::REFERER]
        .iter()
        .filter_map(|name| cross_site::only(headers, name.as_str()))
        .all(|by| {
            let by = std::str::from_utf8(by).ok();
            by.is_some_and(|by| base.same_origin_path(by).is_some())
        })
}

#[derive(Debug)]
struct Asked {
    return_to: ReturnTo,
    requirement: Requirement,
    prompt: Vec<Prompt>,
    login_hint: Option<String>,
    ui_locales: Option<String>,
}

impl Asked {
    fn read(query: &Query, context: &Context) -> Result<Self> {
        // OpenID Connect Core section 4: a third party names the issuer; it must be one that we know.
        let third_party = query.one("iss")?;
        if third_party.is_some_and(|iss| iss != context.provider.issuer().as_str()) {
            return Err(Error::request(
                "a sign-in was asked for at a provider that is not known here",
            ));
        }
        let home =
            || ReturnTo::parse(&context.base_url.public_path("/")).unwrap_or_else(ReturnTo::root);
        let return_to = match (query.one("return_to")?, query.one("target_link_uri")?) {
            (Some(path), _) => ReturnTo::parse(path),
            (None, Some(uri)) if third_party.is_some() => target(&context.base_url, uri),
            _ => None,
        }
        .unwrap_or_else(home);
        let prompt = match query.one("prompt")? {
            None | Some("") => Vec::new(),
            Some(words) => words.split(' ').map(prompt).collect::<Result<_>>()?,
        };
        Ok(Self {
            return_to,
            requirement: requirement(query)?,
            prompt,
            login_hint: hint(query.one("login_hint")?)?,
            ui_locales: hint(query.one("ui_locales")?)?,
        })
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

fn target(base: &BaseUrl, uri: &str) -> Option<ReturnTo> {
    base.same_origin_path(uri)
}

fn hint(value: Option<&str>) -> Result<Option<String>> {
    match value.filter(|value| !value.is_empty()) {
        Some(value) if value.len() > LONGEST_HINT || value.chars().any(char::is_control) => Err(
            Error::request("a hint is too long or has control characters"),
        ),
        value => Ok(value.map(str::to_owned)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_asked_is_told_by_the_best_header_that_is_there() {
        let base = BaseUrl::parse("https://app.example").unwrap();
        let rows: &[(&[(&str, &str)], bool)] = &[
            (&[("sec-fetch-site", "same-origin")], true),
            (&[("sec-fetch-site", "none")], true),
            (&[("sec-fetch-site", "same-site")], false),
            (
                &[
                    ("sec-fetch-site", "cross-site"),
                    ("referer", "https://app.example/"),
                ],
                false,
            ),
            (&[("referer", "https://app.example/page")], true),
            (&[("referer", "https://evil.example/page")], false),
            (&[("referer", "https://app.example.evil/")], false),
            (&[("origin", "https://app.example")], true),
            (&[("origin", "null")], false),
            (&[("origin", "https://evil.example")], false),
            (&[], true),
        ];
        for (headers, expected) in rows {
            let mut map = HeaderMap::new();
            for (name, value) in *headers {
                map.insert(*name, value.parse().unwrap());
            }
            assert_eq!(asked_by_this_site(&map, &base), *expected, "{headers:?}");
        }
    }

    #[test]
    fn a_link_can_not_start_a_silent_attempt() {
        assert!(prompt("none").is_err());
        assert!(prompt("whatever").is_err());
        assert_eq!(prompt("login").unwrap(), Prompt::Login);
    }
}
