//! A browser without sockets: one cookie jar, any number of pages, and the headers, redirects and
//! cookie rules of Chromium.
//!
//! An origin is served by a tower service in the same process, or, on loopback, by whatever listens
//! there. Not modelled: scripts, CORS preflights and whether a script may read an answer, caching.

mod answer;
mod fetch;
mod html;
mod jar;
mod network;
mod page;
mod request;
mod site;
mod tests;

use std::collections::HashMap;
use std::convert::Infallible;
use std::sync::{Arc, Mutex};

use axum::body::Body;
use bytes::Bytes;
use http::header::{self, HeaderMap, HeaderValue};
use http::{Extensions, Method, Request, Response, StatusCode};
use http_body_util::BodyExt;
use tower::util::BoxCloneService;
use tower::{Service, ServiceExt};
use tower_sso::clock::{Clock, SystemClock, TestClock};
use url::Url;

pub(crate) use fetch::Fetch;
pub(crate) use html::Form;
pub(crate) use jar::{Cookie, Refusal, SameSite};
pub(crate) use page::Page;
pub(crate) use request::Redirects;

use jar::{Access, Jar, Partition};
use request::Outgoing;

type Origin = BoxCloneService<Request<Body>, Response<Body>, Infallible>;

/// What Chromium follows before it gives up with `ERR_TOO_MANY_REDIRECTS`.
const MOST_REDIRECTS: usize = 20;

/// A person's browser. Clones are the same browser; [`Browser::copy`] is another one.
#[derive(Clone)]
pub(crate) struct Browser(Arc<Inner>);

struct Inner {
    jar: Mutex<Jar>,
    origins: Mutex<HashMap<String, Origin>>,
    clock: Arc<dyn Clock>,
    redirects: Redirects,
    third_parties_blocked: bool,
}

/// One request and its answer, on the way to a page.
#[derive(Clone, Debug)]
pub(crate) struct Hop {
    pub(crate) method: Method,
    pub(crate) url: Url,
    pub(crate) request_headers: HeaderMap,
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    /// Every `Set-Cookie` line in its order, and what became of it.
    pub(crate) set_cookies: Vec<(String, Result<(), Refusal>)>,
}

impl Browser {
    /// A fresh browser on the system's clock.
    pub(crate) fn new() -> Self {
        Self::build(Arc::new(SystemClock), Redirects::default(), false)
    }

    /// A fresh browser whose cookies expire by the test's clock.
    pub(crate) fn with_clock(clock: &TestClock) -> Self {
        Self::build(Arc::new(clock.clone()), Redirects::default(), false)
    }

    fn build(clock: Arc<dyn Clock>, redirects: Redirects, third_parties_blocked: bool) -> Self {
        Self(Arc::new(Inner {
            jar: Mutex::default(),
            origins: Mutex::default(),
            clock,
            redirects,
            third_parties_blocked,
        }))
    }

    /// The same jar and origins, at this moment, in another browser: what a thief of cookies has.
    pub(crate) fn copy(&self) -> Self {
        self.copy_with(self.0.redirects, self.0.third_parties_blocked)
    }

    /// A copy that treats redirects through other sites as told.
    pub(crate) fn with_redirects(&self, redirects: Redirects) -> Self {
        self.copy_with(redirects, self.0.third_parties_blocked)
    }

    /// A copy that gives a third party no cookies but partitioned ones, as most browsers do.
    pub(crate) fn blocking_third_parties(&self) -> Self {
        self.copy_with(self.0.redirects, true)
    }

    /// The same web, and an empty jar: another person's browser.
    pub(crate) fn stranger(&self) -> Self {
        let other = self.copy();
        other.clear_cookies();
        other
    }

    fn copy_with(&self, redirects: Redirects, third_parties_blocked: bool) -> Self {
        let other = Self::build(Arc::clone(&self.0.clock), redirects, third_parties_blocked);
        other
            .0
            .jar
            .lock()
            .unwrap()
            .clone_from(&self.0.jar.lock().unwrap());
        other
            .0
            .origins
            .lock()
            .unwrap()
            .clone_from(&self.0.origins.lock().unwrap());
        other
    }

    /// Lets `service` answer for `origin`, as `https://app.example.com` or `http://localhost:3000`.
    ///
    /// # Panics
    /// If `origin` is not a URL.
    pub(crate) fn serve<S, B>(&self, origin: &str, service: S)
    where
        S: Service<Request<Body>, Response = Response<B>> + Clone + Send + 'static,
        S::Future: Send,
        S::Error: std::fmt::Debug,
        B: http_body::Body<Data = Bytes> + Send + 'static,
        B::Error: Into<axum::BoxError>,
    {
        let service = service
            .map_response(|response: Response<B>| response.map(Body::new))
            .map_err(|error| -> Infallible { panic!("the service failed: {error:?}") });
        let origin = site::origin(&Url::parse(origin).unwrap());
        let mut origins = self.0.origins.lock().unwrap();
        origins.insert(origin, BoxCloneService::new(service));
    }

    /// Types `url` into the address bar of a new tab.
    ///
    /// # Panics
    /// If `url` is not an absolute URL.
    pub(crate) fn visit(&self, url: &str) -> Fetch {
        Fetch::typed(self, Url::parse(url).unwrap())
    }

    /// Follows a link that came from outside any page: a mail program, a chat.
    pub(crate) fn visit_from(&self, from: &str, url: &str) -> Fetch {
        Fetch::from_link(self, Url::parse(from).unwrap(), Url::parse(url).unwrap())
    }

    /// What the jar holds, the oldest first.
    pub(crate) fn cookies(&self) -> Vec<Cookie> {
        self.0
            .jar
            .lock()
            .unwrap()
            .iter(self.now())
            .cloned()
            .collect()
    }

    /// The only cookie of that name, if there is one.
    ///
    /// # Panics
    /// If there are several.
    pub(crate) fn cookie(&self, name: &str) -> Option<Cookie> {
        let mut found = self
            .cookies()
            .into_iter()
            .filter(|cookie| cookie.name == name);
        let first = found.next();
        assert!(found.next().is_none(), "several cookies are called {name}");
        first
    }

    /// Puts a cookie in the jar as if `url` had set it at the top level.
    pub(crate) fn set_cookie(&self, url: &str, line: &str) -> Result<(), Refusal> {
        let url = Url::parse(url).unwrap();
        self.0
            .jar
            .lock()
            .unwrap()
            .store(line, &first_party(&url, self.now(), false))
    }

    /// `document.cookie = line` in a page of `url`.
    pub(crate) fn set_document_cookie(&self, url: &str, line: &str) -> Result<(), Refusal> {
        let url = Url::parse(url).unwrap();
        self.0
            .jar
            .lock()
            .unwrap()
            .store(line, &first_party(&url, self.now(), true))
    }

    /// `document.cookie` in a page of `url`.
    pub(crate) fn document_cookie(&self, url: &str) -> String {
        let url = Url::parse(url).unwrap();
        let jar = self.0.jar.lock().unwrap();
        jar.header(&first_party(&url, self.now(), true))
            .unwrap_or_default()
    }

    /// "Clear browsing data".
    pub(crate) fn clear_cookies(&self) {
        self.0.jar.lock().unwrap().clear();
    }

    /// Ends the browser's process and starts it again: session cookies are gone.
    pub(crate) fn restart(&self) {
        self.0.jar.lock().unwrap().end_of_process();
    }

    fn now(&self) -> u64 {
        self.0.clock.now().0
    }

    /// Sends one request, with the cookies that fit, and keeps those that come back.
    async fn send(&self, outgoing: &Outgoing) -> (Hop, Response<Body>) {
        let mut headers = outgoing.headers();
        if outgoing.sends_cookies() {
            let line = self.0.jar.lock().unwrap().header(&self.access(outgoing));
            if let Some(line) = line {
                headers.insert(header::COOKIE, HeaderValue::from_str(&line).unwrap());
            }
        }
        let mut request = Request::new(Body::from(outgoing.body.clone()));
        *request.method_mut() = outgoing.method.clone();
        *request.uri_mut() = outgoing.url[url::Position::BeforePath..url::Position::AfterQuery]
            .parse()
            .unwrap();
        *request.headers_mut() = headers.clone();
        let response = self.origin(&outgoing.url).oneshot(request).await;
        let response = response.unwrap_or_else(|never| match never {});
        let set_cookies = match outgoing.sends_cookies() {
            true => self.keep_cookies(&response, &self.access(outgoing)),
            false => Vec::new(),
        };
        let hop = Hop {
            method: outgoing.method.clone(),
            url: outgoing.url.clone(),
            request_headers: headers,
            status: response.status(),
            headers: response.headers().clone(),
            set_cookies,
        };
        (hop, response)
    }

    fn access<'a>(&self, outgoing: &'a Outgoing) -> Access<'a> {
        outgoing.access(self.now(), self.0.redirects, self.0.third_parties_blocked)
    }

    fn keep_cookies(
        &self,
        response: &Response<Body>,
        access: &Access<'_>,
    ) -> Vec<(String, Result<(), Refusal>)> {
        let mut jar = self.0.jar.lock().unwrap();
        let lines = response.headers().get_all(header::SET_COOKIE);
        lines
            .iter()
            .map(|line| String::from_utf8_lossy(line.as_bytes()).into_owned())
            .map(|line| (line.clone(), jar.store(&line, access)))
            .collect()
    }

    fn origin(&self, url: &Url) -> Origin {
        let origin =
            site::origin(url).replacen("ws", "http", usize::from(url.scheme().starts_with("ws")));
        if let Some(service) = self.0.origins.lock().unwrap().get(&origin) {
            return service.clone();
        }
        assert!(site::is_loopback(url), "nobody serves {origin}");
        network::origin(url)
    }

    /// Follows the chain of redirects to its page.
    async fn follow(&self, fetch: Fetch) -> Page {
        let Fetch {
            mut outgoing,
            stop,
            form_action,
            ..
        } = fetch;
        let mut hops: Vec<Hop> = Vec::new();
        loop {
            // CSP section 6.3.1, and Chromium asks again at each redirect of the submission.
            if let Some((policy, own)) = &form_action {
                assert!(
                    answer::sources_allow(policy, own, &outgoing.url),
                    "blocked by the Content-Security-Policy of {own}: {policy} does not allow a \
                     form to go to {}",
                    outgoing.url
                );
            }
            let (hop, response) = self.send(&outgoing).await;
            let next = answer::redirect_target(&hop);
            hops.push(hop);
            if let Some(to) = next.filter(|to| !stop.stops(to)) {
                assert!(
                    hops.len() <= MOST_REDIRECTS,
                    "too many redirects: {:#?}",
                    path_of(&hops)
                );
                let status = response.status();
                if let Some(policy) = answer::referrer_policy(response.headers())
                    && let Some(initiator) = &mut outgoing.initiator
                {
                    initiator.referrer_policy = policy;
                }
                outgoing = outgoing.redirected(status, to);
                continue;
            }
            let (parts, body) = response.into_parts();
            let extensions: Extensions = parts.extensions;
            let body = match body.collect().await {
                Ok(body) => body.to_bytes(),
                Err(error) => panic!("the body of {} broke off: {error}", outgoing.url),
            };
            return Page::new(self.clone(), outgoing, hops, extensions, body);
        }
    }
}

impl std::fmt::Debug for Browser {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Browser")
            .field("cookies", &self.cookies())
            .finish_non_exhaustive()
    }
}

fn first_party(url: &Url, now: u64, script: bool) -> Access<'_> {
    Access {
        url,
        now,
        same_site: true,
        top_level: true,
        safe_method: true,
        partition: Partition {
            top_level_site: site::site(url),
            cross_site: false,
        },
        third_parties_blocked: false,
        script,
    }
}

fn path_of(hops: &[Hop]) -> Vec<String> {
    let line = |hop: &Hop| format!("{} {} {}", hop.method, hop.url, hop.status);
    hops.iter().map(line).collect()
}
