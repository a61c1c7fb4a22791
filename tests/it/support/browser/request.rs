//! One request as a browser makes it: its headers, and how it stands to the cookies.

use bytes::Bytes;
use http::header::{self, HeaderMap, HeaderName, HeaderValue};
use http::{Method, StatusCode};
use url::Url;

use super::jar::{Access, Partition};
use super::site::{is_trustworthy, origin, site};

const ACCEPT_PAGE: &str = "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,\
                           image/webp,image/apng,*/*;q=0.8";
const USER_AGENT: &str = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) \
                          Chrome/140.0.0.0 Safari/537.36";

/// Whether a redirect through another site makes the rest of the chain cross-site for cookies.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Redirects {
    /// As the draft once said and Safari does: the default, for what works so works everywhere.
    #[default]
    Considered,
    /// As Chromium does: only who began the chain counts.
    Ignored,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// The tab's own document.
    Navigation,
    /// The document of a frame in a page.
    Frame,
    /// A document fetched ahead of need.
    Prefetch,
    /// `fetch()` or XHR.
    Fetch,
    /// Without CORS, as `<img>` or `<script>` do.
    NoCors,
    WebSocket,
}

impl Kind {
    pub(super) fn is_top_level(self) -> bool {
        matches!(self, Self::Navigation | Self::Prefetch)
    }

    fn is_navigation(self) -> bool {
        matches!(self, Self::Navigation | Self::Prefetch | Self::Frame)
    }

    fn mode(self) -> &'static str {
        match self {
            Self::Navigation | Self::Frame | Self::Prefetch => "navigate",
            Self::Fetch => "cors",
            Self::NoCors => "no-cors",
            Self::WebSocket => "websocket",
        }
    }

    fn dest(self) -> &'static str {
        match self {
            Self::Navigation | Self::Prefetch => "document",
            Self::Frame => "iframe",
            Self::NoCors => "image",
            Self::Fetch => "empty",
            Self::WebSocket => "websocket",
        }
    }
}

/// Which credentials a `fetch()` takes along.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Credentials {
    Omit,
    SameOrigin,
    Include,
}

/// The document that asks.
#[derive(Clone, Debug)]
pub(super) struct Initiator {
    pub(super) url: Url,
    pub(super) referrer_policy: String,
    /// A document in a sandbox, or at `data:`: it has no origin to speak of.
    pub(super) opaque: bool,
}

/// A request in the middle of its chain of redirects.
#[derive(Clone, Debug)]
pub(super) struct Outgoing {
    pub(super) method: Method,
    pub(super) url: Url,
    pub(super) body: Bytes,
    pub(super) headers: HeaderMap,
    pub(super) kind: Kind,
    pub(super) credentials: Credentials,
    pub(super) user_activated: bool,
    /// `None`: typed into the address bar.
    pub(super) initiator: Option<Initiator>,
    /// The documents around this request, the tab's first; empty for the tab's own.
    pub(super) documents: Vec<Url>,
    /// The URLs that led here by redirects.
    pub(super) passed: Vec<Url>,
}

impl Outgoing {
    /// The headers as Chromium sends them, but for `Cookie`.
    pub(super) fn headers(&self) -> HeaderMap {
        let mut headers = HeaderMap::new();
        set(&mut headers, header::HOST, &authority(&self.url));
        set(&mut headers, header::USER_AGENT, USER_AGENT);
        set(&mut headers, header::ACCEPT_LANGUAGE, "en-GB,en;q=0.9");
        if self.kind == Kind::WebSocket {
            set_websocket(&mut headers);
        } else {
            self.set_fetch_metadata(&mut headers);
        }
        if self.kind.is_navigation() {
            set(&mut headers, header::ACCEPT, ACCEPT_PAGE);
            set(&mut headers, header::UPGRADE_INSECURE_REQUESTS, "1");
        } else {
            set(&mut headers, header::ACCEPT, "*/*");
        }
        if let Some(origin) = self.origin_header() {
            set(&mut headers, header::ORIGIN, &origin);
        }
        if let Some(referer) = self.referer() {
            set(&mut headers, header::REFERER, &referer);
        }
        for name in self.headers.keys() {
            headers.remove(name);
        }
        for (name, value) in &self.headers {
            headers.append(name, value.clone());
        }
        headers
    }

    /// Fetch Metadata section 2; only to where it can't be read on the way. Chromium's WebSocket
    /// handshakes go without.
    fn set_fetch_metadata(&self, headers: &mut HeaderMap) {
        if self.kind == Kind::Prefetch {
            set(headers, HeaderName::from_static("sec-purpose"), "prefetch");
        }
        if !is_trustworthy(&self.url) {
            return;
        }
        let mut sec = |name, value| set(headers, HeaderName::from_static(name), value);
        sec("sec-fetch-site", self.fetch_site());
        sec("sec-fetch-mode", self.kind.mode());
        sec("sec-fetch-dest", self.kind.dest());
        if self.kind == Kind::Navigation && self.user_activated {
            sec("sec-fetch-user", "?1");
        }
    }

    /// Fetch Metadata section 2.3: the worst of the whole chain, and `none` stays `none`.
    fn fetch_site(&self) -> &'static str {
        let Some(initiator) = &self.initiator else {
            return "none";
        };
        let mut value = "same-origin";
        for url in self.passed.iter().chain([&self.url]) {
            if initiator.opaque || site(url) != site(&initiator.url) {
                return "cross-site";
            }
            if origin(url) != origin(&initiator.url) {
                value = "same-site";
            }
        }
        value
    }

    /// Fetch section 3.2: with whatever may change something, and with CORS to other origins.
    fn origin_header(&self) -> Option<String> {
        let safe = matches!(self.method, Method::GET | Method::HEAD);
        let Some(initiator) = &self.initiator else {
            return (!safe).then(|| "null".to_owned());
        };
        let own = origin(&initiator.url);
        let crosses = self
            .passed
            .iter()
            .chain([&self.url])
            .any(|url| origin(url) != own);
        let cors = self.kind == Kind::WebSocket || (self.kind == Kind::Fetch && crosses);
        if safe && !cors {
            return None;
        }
        // Fetch section 4.4.5: a chain that left its origin and was sent on from there.
        let tainted = self
            .passed
            .iter()
            .zip(self.passed.iter().skip(1).chain([&self.url]))
            .any(|(from, to)| origin(from) != origin(to) && origin(from) != own);
        let hidden = !cors
            && match initiator.referrer_policy.as_str() {
                "no-referrer" => true,
                "same-origin" => origin(&self.url) != own,
                _ => initiator.url.scheme() == "https" && !is_trustworthy(&self.url),
            };
        Some(match initiator.opaque || tainted || hidden {
            true => "null".to_owned(),
            false => own,
        })
    }

    /// Referrer Policy section 3, the policies that are in use.
    fn referer(&self) -> Option<String> {
        let from = self.initiator.as_ref().filter(|from| !from.opaque)?;
        let mut full = from.url.clone();
        full.set_fragment(None);
        let _ = full.set_username("");
        let _ = full.set_password(None);
        let same = origin(&from.url) == origin(&self.url);
        let downgrade = is_trustworthy(&from.url) && !is_trustworthy(&self.url);
        let bare = format!("{}/", origin(&from.url));
        match from.referrer_policy.as_str() {
            "no-referrer" => None,
            "unsafe-url" => Some(full.into()),
            "same-origin" => same.then(|| full.into()),
            "origin" => Some(bare),
            "strict-origin" => (!downgrade).then_some(bare),
            "no-referrer-when-downgrade" => (!downgrade).then(|| full.into()),
            "origin-when-cross-origin" => Some(if same { full.into() } else { bare }),
            _ if same => Some(full.into()),
            _ => (!downgrade).then_some(bare),
        }
    }

    pub(super) fn sends_cookies(&self) -> bool {
        match self.credentials {
            Credentials::Omit => false,
            Credentials::Include => true,
            Credentials::SameOrigin => {
                let documents_origin = self.documents.last().map(origin);
                documents_origin.is_none_or(|own| own == origin(&self.url))
            }
        }
    }

    /// How this hop stands to the jar (6265bis section 5.2).
    pub(super) fn access(
        &self,
        now: u64,
        redirects: Redirects,
        third_parties_blocked: bool,
    ) -> Access<'_> {
        let here = site(&self.url);
        let top_level_site = self.documents.first().map_or_else(|| here.clone(), site);
        let around = self.documents.iter().all(|document| site(document) == here);
        let begun = self
            .initiator
            .as_ref()
            .is_none_or(|from| !from.opaque && site(&from.url) == here);
        let chain = redirects == Redirects::Ignored
            || self.initiator.is_none()
            || self.passed.iter().all(|url| site(url) == here);
        Access {
            url: &self.url,
            now,
            same_site: around && begun && chain,
            top_level: self.kind.is_top_level(),
            safe_method: self.method.is_safe(),
            partition: Partition {
                top_level_site,
                cross_site: !around,
            },
            third_parties_blocked,
            script: false,
        }
    }

    /// The next request of the chain (Fetch section 4.4).
    pub(super) fn redirected(mut self, status: StatusCode, to: Url) -> Self {
        let becomes_get = match status {
            StatusCode::MOVED_PERMANENTLY | StatusCode::FOUND => self.method == Method::POST,
            StatusCode::SEE_OTHER => !matches!(self.method, Method::GET | Method::HEAD),
            _ => false,
        };
        if becomes_get {
            self.method = Method::GET;
            self.body = Bytes::new();
            self.headers.remove(header::CONTENT_TYPE);
        }
        if origin(&to) != origin(&self.url) {
            self.headers.remove(header::AUTHORIZATION);
        }
        self.passed.push(std::mem::replace(&mut self.url, to));
        self
    }
}

fn set_websocket(headers: &mut HeaderMap) {
    set(headers, header::CONNECTION, "Upgrade");
    set(headers, header::UPGRADE, "websocket");
    set(headers, header::SEC_WEBSOCKET_VERSION, "13");
    set(
        headers,
        header::SEC_WEBSOCKET_KEY,
        "dGhlIHNhbXBsZSBub25jZQ==",
    );
}

fn authority(url: &Url) -> String {
    let host = url.host_str().unwrap_or_default();
    match url.port() {
        Some(port) => format!("{host}:{port}"),
        None => host.to_owned(),
    }
}

fn set(headers: &mut HeaderMap, name: HeaderName, value: &str) {
    headers.insert(name, HeaderValue::from_str(value).unwrap());
}
