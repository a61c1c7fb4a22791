//! A request that a test has not sent yet.

use std::future::{Future, IntoFuture};
use std::pin::Pin;

use axum::body::Body;
use bytes::Bytes;
use http::header::{self, HeaderMap, HeaderName, HeaderValue};
use http::{Method, Response};
use url::Url;

use super::Browser;
use super::page::Page;
use super::request::{Credentials, Initiator, Kind, Outgoing};

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

    pub(super) fn new(
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

    /// A request that is already made up.
    pub(super) fn of(browser: &Browser, outgoing: Outgoing) -> Self {
        Self {
            browser: browser.clone(),
            outgoing,
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
    pub(crate) fn by_sandbox(mut self) -> Self {
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
