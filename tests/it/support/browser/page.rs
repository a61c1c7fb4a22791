//! A page that is open in a tab, and what a person or a script does with it.

use bytes::Bytes;
use http::{Extensions, HeaderMap, StatusCode};
use url::Url;

use super::answer::{directive, redirect_target, referrer_policy, sources_allow};
use super::fetch::Fetch;
use super::html::{self, Document, Form, Link};
use super::request::{Initiator, Kind, Outgoing};
use super::site::origin;
use super::{Browser, Hop};

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
        Fetch::of(
            &self.browser,
            self.outgoing.clone().redirected(self.status, to),
        )
    }

    /// The same request once more, as the person who presses "reload" means it.
    pub(crate) fn reload(&self) -> Fetch {
        Fetch::of(&self.browser, self.outgoing.clone())
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
