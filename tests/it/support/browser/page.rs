//! A page that is open in a tab, and what a person or a script does with it.

use std::future::{Future, IntoFuture};
use std::pin::Pin;

use axum::body::Body;
use bytes::Bytes;
use http::header::{self, HeaderMap, HeaderName, HeaderValue};
use http::{Extensions, Method, Response, StatusCode};
use url::Url;

use super::html::{self, Document, Form, Link};
use super::request::{Credentials, Initiator, Kind, Outgoing};
use super::site::origin;
use super::{Browser, Hop};

/// A request to be sent; `.await` sends it and follows its redirects.
#[derive(Debug)]
#[must_use = "nothing is sent before it is awaited"]
pub(crate) struct Fetch {
    pub(super) browser: Browser,
    pub(super) outgoing: Outgoing,
    pub(super) stop: Stop,
    /// The `form-action` of the page that submits, and that page.
    pub(super) form_action: Option<(String, Url)>,
}

/// Where a chain of redirects is not followed further.
#[derive(Debug, Default)]
pub(super) enum Stop {
    #[default]
    Never,
    AtOnce,
    Before(String),
}

impl Stop {
    pub(super) fn stops(&self, next: &Url) -> bool {
        match self {
            Self::Never => false,
            Self::AtOnce => true,
            Self::Before(start) => next.as_str().starts_with(start.as_str()),
        }
    }
}

impl Fetch {
    pub(super) fn typed(browser: &Browser, url: Url) -> Self {
        Self::new(browser, Kind::Navigation, None, Vec::new(), url)
    }

    pub(super) fn from_link(browser: &Browser, from: Url, url: Url) -> Self {
        let from = Initiator {
            url: from,
            referrer_policy: String::new(),
            opaque: false,
        };
        Self::new(browser, Kind::Navigation, Some(from), Vec::new(), url)
    }

    fn new(
        browser: &Browser,
        kind: Kind,
        initiator: Option<Initiator>,
        documents: Vec<Url>,
        url: Url,
    ) -> Self {
        Self {
            browser: browser.clone(),
            outgoing: Outgoing {
                method: Method::GET,
                url,
                body: Bytes::new(),
                headers: HeaderMap::new(),
                kind,
                credentials: match kind {
                    Kind::Fetch => Credentials::SameOrigin,
                    _ => Credentials::Include,
                },
                user_activated: kind == Kind::Navigation,
                initiator,
                documents,
                passed: Vec::new(),
            },
            stop: Stop::Never,
            form_action: None,
        }
    }

    pub(crate) fn method(mut self, method: Method) -> Self {
        self.outgoing.method = method;
        self
    }

    /// Replaces the header that the browser would send; tests say what no browser would, too.
    pub(crate) fn header(mut self, name: &str, value: &str) -> Self {
        let name: HeaderName = name.parse().unwrap();
        self.outgoing
            .headers
            .append(name, HeaderValue::from_str(value).unwrap());
        self
    }

    pub(crate) fn body(mut self, content_type: &str, body: impl Into<Bytes>) -> Self {
        let content_type = HeaderValue::from_str(content_type).unwrap();
        self.outgoing
            .headers
            .insert(header::CONTENT_TYPE, content_type);
        self.outgoing.body = body.into();
        self
    }

    /// A POST with these fields, as a form sends them.
    pub(crate) fn post_form(self, pairs: &[(&str, &str)]) -> Self {
        let body = form_urlencoded::Serializer::new(String::new())
            .extend_pairs(pairs)
            .finish();
        self.method(Method::POST)
            .body("application/x-www-form-urlencoded", body)
    }

    /// `credentials: "include"`: cookies go to other origins, too.
    pub(crate) fn with_credentials(mut self) -> Self {
        self.outgoing.credentials = Credentials::Include;
        self
    }

    /// `credentials: "omit"`.
    pub(crate) fn without_credentials(mut self) -> Self {
        self.outgoing.credentials = Credentials::Omit;
        self
    }

    /// A script did it, no person.
    pub(crate) fn by_script(mut self) -> Self {
        self.outgoing.user_activated = false;
        self
    }

    /// From a sandboxed frame or a `data:` document, whose origin is `null`.
    pub(crate) fn from_sandbox(mut self) -> Self {
        if let Some(initiator) = &mut self.outgoing.initiator {
            initiator.opaque = true;
        }
        self
    }

    /// Stops at the first answer.
    pub(crate) fn no_follow(mut self) -> Self {
        self.stop = Stop::AtOnce;
        self
    }

    /// Stops at the answer that would lead to a URL that starts so; a test goes on from there by
    /// [`Page::follow`].
    pub(crate) fn stop_before(mut self, start: &str) -> Self {
        self.stop = Stop::Before(start.to_owned());
        self
    }

    /// Sends it and leaves the body unread: for event streams.
    pub(crate) async fn open(self) -> Response<Body> {
        self.browser.send(&self.outgoing).await.1
    }
}

impl IntoFuture for Fetch {
    type Output = Page;
    type IntoFuture = Pin<Box<dyn Future<Output = Page> + Send>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(async move { self.browser.clone().follow(self).await })
    }
}

/// The answer at the end of the redirects, open in a tab or a frame.
#[derive(Clone, Debug)]
pub(crate) struct Page {
    pub(crate) browser: Browser,
    pub(crate) url: Url,
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) extensions: Extensions,
    pub(crate) body: Bytes,
    /// All requests that led here, this one last.
    pub(crate) hops: Vec<Hop>,
    outgoing: Outgoing,
}

impl Page {
    pub(super) fn new(
        browser: Browser,
        outgoing: Outgoing,
        hops: Vec<Hop>,
        extensions: Extensions,
        body: Bytes,
    ) -> Self {
        let last = hops.last().unwrap();
        Self {
            browser,
            url: last.url.clone(),
            status: last.status,
            headers: last.headers.clone(),
            extensions,
            body,
            hops,
            outgoing,
        }
    }

    /// The body as it came.
    pub(crate) fn html(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// What a person reads.
    pub(crate) fn text(&self) -> String {
        self.document().text
    }

    /// # Panics
    /// If the body is not JSON.
    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body)
            .unwrap_or_else(|error| panic!("{} is not JSON ({error}): {}", self.url, self.html()))
    }

    /// The header's value; several lines are joined by `, `.
    pub(crate) fn header(&self, name: &str) -> Option<String> {
        let lines = self.headers.get_all(name).iter();
        let lines: Vec<_> = lines
            .map(|line| String::from_utf8_lossy(line.as_bytes()))
            .collect();
        (!lines.is_empty()).then(|| lines.join(", "))
    }

    /// Where this answer points to, resolved.
    pub(crate) fn location(&self) -> Option<Url> {
        self.hops.last().and_then(redirect_target)
    }

    /// The `Set-Cookie` lines of all hops, sorted: their order within a response is not promised.
    pub(crate) fn set_cookies(&self) -> Vec<String> {
        let lines = self.hops.iter().flat_map(|hop| &hop.set_cookies);
        let mut lines: Vec<String> = lines.map(|(line, _)| line.clone()).collect();
        lines.sort();
        lines
    }

    /// The hop whose URL starts so, the last if there are several.
    pub(crate) fn hop(&self, start: &str) -> Option<&Hop> {
        self.hops
            .iter()
            .rev()
            .find(|hop| hop.url.as_str().starts_with(start))
    }

    pub(crate) fn forms(&self) -> Vec<Form> {
        self.document().forms
    }

    /// The form with that id, or whose action ends so.
    ///
    /// # Panics
    /// If there is none.
    pub(crate) fn form(&self, id_or_action: &str) -> Form {
        let mut forms = self.forms().into_iter();
        forms
            .find(|form| form.id == id_or_action || form.action.ends_with(id_or_action))
            .unwrap_or_else(|| panic!("no form {id_or_action} in {}: {}", self.url, self.html()))
    }

    /// The page's only form.
    ///
    /// # Panics
    /// If there is none, or another.
    pub(crate) fn only_form(&self) -> Form {
        let mut forms = self.forms();
        assert_eq!(forms.len(), 1, "forms in {}: {}", self.url, self.html());
        forms.remove(0)
    }

    pub(crate) fn links(&self) -> Vec<Link> {
        self.document().links
    }

    /// A person submits the form: the pressed button, or the first, is sent along.
    pub(crate) fn submit(&self, form: &Form) -> Fetch {
        let mut url = match form.action.as_str() {
            "" => self.url.clone(),
            action => self.resolve(action),
        };
        url.set_fragment(None);
        let pairs = form.pairs();
        let mut fetch = if form.method == "POST" {
            let pairs: Vec<_> = pairs
                .iter()
                .map(|(k, v)| (k.as_str(), v.as_str()))
                .collect();
            self.navigation(url).post_form(&pairs)
        } else {
            url.query_pairs_mut().clear().extend_pairs(pairs);
            self.navigation(url)
        };
        fetch.form_action =
            directive(&self.headers, "form-action").map(|policy| (policy, self.url.clone()));
        fetch
    }

    /// What the script of a `form_post` page does: submits its only form without a person.
    pub(crate) fn auto_submit(&self) -> Fetch {
        self.submit(&self.only_form()).by_script()
    }

    /// Clicks the link with this text.
    ///
    /// # Panics
    /// If there is none.
    pub(crate) fn click(&self, text: &str) -> Fetch {
        let link = self.links().into_iter().find(|link| link.text == text);
        let link =
            link.unwrap_or_else(|| panic!("no link {text} in {}: {}", self.url, self.html()));
        self.follow(&link.href)
    }

    /// Goes to `href` as a link in this page does; in a frame, the frame goes.
    pub(crate) fn follow(&self, href: &str) -> Fetch {
        self.navigation(self.resolve(href))
    }

    /// Goes on to where this answer redirects, after [`Fetch::stop_before`].
    ///
    /// # Panics
    /// If it does not redirect.
    pub(crate) fn follow_redirect(&self) -> Fetch {
        let to = self
            .location()
            .unwrap_or_else(|| panic!("{} does not redirect", self.url));
        Fetch {
            browser: self.browser.clone(),
            outgoing: self.outgoing.clone().redirected(self.status, to),
            stop: Stop::Never,
            form_action: None,
        }
    }

    /// The same request once more, as the person who presses "reload" means it.
    pub(crate) fn reload(&self) -> Fetch {
        Fetch {
            browser: self.browser.clone(),
            outgoing: self.outgoing.clone(),
            stop: Stop::Never,
            form_action: None,
        }
    }

    /// `fetch(href)` in this page.
    pub(crate) fn fetch(&self, href: &str) -> Fetch {
        self.request(Kind::Fetch, href)
    }

    /// `<img src=href>` in this page.
    pub(crate) fn load(&self, href: &str) -> Fetch {
        self.request(Kind::NoCors, href)
    }

    /// `<iframe src=href>` in this page.
    pub(crate) fn frame(&self, href: &str) -> Fetch {
        self.request(Kind::Frame, href)
    }

    /// `new WebSocket(href)` in this page.
    pub(crate) fn websocket(&self, href: &str) -> Fetch {
        self.request(Kind::WebSocket, href)
    }

    /// A speculative load of a link in this page.
    pub(crate) fn prefetch(&self, href: &str) -> Fetch {
        let initiator = Some(self.initiator());
        let url = self.resolve(href);
        Fetch::new(&self.browser, Kind::Prefetch, initiator, Vec::new(), url)
    }

    /// Whether a browser would show this answer in a frame of the page `ancestor` (`X-Frame-Options`
    /// of RFC 7034, overridden by `frame-ancestors` of CSP section 6.4.2).
    pub(crate) fn can_be_framed_by(&self, ancestor: &str) -> bool {
        let ancestor = Url::parse(ancestor).unwrap();
        if let Some(policy) = directive(&self.headers, "frame-ancestors") {
            return sources_allow(&policy, &self.url, &ancestor);
        }
        match self
            .header("x-frame-options")
            .unwrap_or_default()
            .to_ascii_lowercase()
            .as_str()
        {
            "deny" => false,
            "sameorigin" => origin(&ancestor) == origin(&self.url),
            _ => true,
        }
    }

    fn document(&self) -> Document {
        html::parse(&self.html())
    }

    fn resolve(&self, href: &str) -> Url {
        self.url.join(href).unwrap()
    }

    fn initiator(&self) -> Initiator {
        Initiator {
            url: self.url.clone(),
            referrer_policy: referrer_policy(&self.headers).unwrap_or_default(),
            opaque: false,
        }
    }

    fn navigation(&self, url: Url) -> Fetch {
        let (kind, documents) = match self.outgoing.kind {
            Kind::Frame => (Kind::Frame, self.outgoing.documents.clone()),
            _ => (Kind::Navigation, Vec::new()),
        };
        Fetch::new(&self.browser, kind, Some(self.initiator()), documents, url)
    }

    fn request(&self, kind: Kind, href: &str) -> Fetch {
        let mut documents = self.outgoing.documents.clone();
        documents.push(self.url.clone());
        let url = self.resolve(href);
        Fetch::new(&self.browser, kind, Some(self.initiator()), documents, url)
    }
}

/// Where a browser goes from here (Fetch section 4.4), with the fragment kept.
pub(super) fn redirect_target(hop: &Hop) -> Option<Url> {
    if !matches!(hop.status.as_u16(), 301 | 302 | 303 | 307 | 308) {
        return None;
    }
    let location = hop.headers.get(header::LOCATION)?.to_str().ok()?;
    let mut to = hop.url.join(location).ok()?;
    if to.fragment().is_none() {
        to.set_fragment(hop.url.fragment());
    }
    Some(to)
}

/// The last policy that is understood counts (Referrer Policy section 8.1).
pub(super) fn referrer_policy(headers: &HeaderMap) -> Option<String> {
    let lines = headers.get_all(header::REFERRER_POLICY).iter();
    let last = lines.filter_map(|line| line.to_str().ok()).next_back()?;
    last.rsplit(',')
        .next()
        .map(|policy| policy.trim().to_ascii_lowercase())
}

/// Whether the `form-action` of `page` lets a form go to `to` (CSP section 6.3.1).
pub(super) fn form_action_allows(policy: &str, page: &Url, to: &Url) -> bool {
    sources_allow(policy, page, to)
}

fn directive(headers: &HeaderMap, name: &str) -> Option<String> {
    let lines = headers.get_all(header::CONTENT_SECURITY_POLICY).iter();
    lines
        .filter_map(|line| line.to_str().ok())
        .flat_map(|line| line.split([';', ',']))
        .filter_map(|directive| {
            directive
                .trim()
                .split_once(' ')
                .or(Some((directive.trim(), "")))
        })
        .find(|(key, _)| key.eq_ignore_ascii_case(name))
        .map(|(_, sources)| sources.trim().to_owned())
}

/// CSP section 6.7.2, for the sources that pages of sign-in use.
fn sources_allow(sources: &str, own: &Url, url: &Url) -> bool {
    sources.split_whitespace().any(|source| match source {
        "*" => true,
        "'self'" => origin(url) == origin(own),
        scheme if scheme.ends_with(':') => scheme.strip_suffix(':') == Some(url.scheme()),
        host => match Url::parse(host) {
            Ok(source) if source.path() == "/" => origin(&source) == origin(url),
            Ok(source) => origin(&source) == origin(url) && source.path() == url.path(),
            Err(_) => url.host_str() == Some(host),
        },
    })
}
