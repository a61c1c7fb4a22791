//! The page with the portal in it.

use std::fmt;
use std::sync::LazyLock;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::{HeaderName, HeaderValue, Response, header};
use url::Url;

use super::super::management::{PortalLink, origin_of, portal_origin};
use crate::crypto::sha256;
use crate::oidc::text::Escaped;
use crate::{Error, Result};

/// A function of the portal's origin, of what tells the portal's window, and of the path that events go to.
const LISTENER: &str = include_str!("listener.js");

/// The page's own call of it. What differs from page to page is in attributes, so the script never does, and its hash
/// stands in the policy.
static SCRIPT: LazyLock<String> = LazyLock::new(|| {
    format!(
        "{}(document.getElementById(\"scalekit-portal\").dataset.origin,\
         function (window_) {{ return window_ === document.getElementById(\"scalekit-portal\").contentWindow; }},\
         document.getElementById(\"scalekit-portal\").dataset.events);",
        LISTENER.trim_end()
    )
});

const STYLE: &str = "\
html,body{margin:0;height:100%}\
iframe{display:block;width:100%;height:100%;min-height:600px;border:0}";

/// A whole page that shows the portal.
///
/// The link is used up when the page is shown: make both for each request. The example at
/// [`ScalekitManagement`](super::super::ScalekitManagement) is the whole handler.
///
/// An app whose pages differ puts the iframe into its own (`allow="clipboard-write"`, at least 600 px high), with
/// [`PortalPage::event_listener_script`].
///
/// ```
/// use tower_sso::vendor::scalekit::PortalPage;
///
/// let page = PortalPage::at("https://acme.scalekit.dev/magicLink/one_p")?
///     .title("Single sign-on")
///     .events_to("/settings/sso/events")?
///     .render();
/// assert_eq!(page.headers()["cache-control"], "private, no-store");
/// assert!(page.body().contains("min-height:600px"));
/// # Ok::<(), tower_sso::Error>(())
/// ```
#[derive(Clone)]
#[must_use = "call `render`"]
pub struct PortalPage {
    location: Url,
    origin: String,
    title: String,
    events: Option<String>,
}

impl PortalPage {
    /// A page that shows what a link leads to.
    pub fn new(link: &PortalLink) -> Self {
        // A link was checked when it was read, and its origin is a tuple then.
        Self::of(
            link.location.clone(),
            link.location.origin().ascii_serialization(),
        )
    }

    /// A page that shows a location that came some other way. Whose it is, is for the caller to know: it gets a frame
    /// in the app's page.
    ///
    /// # Errors
    /// [`ErrorKind::Request`](crate::ErrorKind::Request): it is neither https nor http on this machine.
    pub fn at(location: &str) -> Result<Self> {
        let location = Url::parse(location).ok();
        let origin = location.as_ref().and_then(portal_origin);
        let (Some(location), Some(origin)) = (location, origin) else {
            return Err(Error::request("the portal's location can't be shown"));
        };
        Ok(Self::of(location, origin))
    }

    fn of(location: Url, origin: String) -> Self {
        Self {
            location,
            origin,
            title: "Admin portal".to_owned(),
            events: None,
        }
    }

    /// The title. Default: `Admin portal`.
    pub fn title(mut self, title: impl Into<String>) -> Self {
        self.title = title.into();
        self
    }

    /// The path of the app that each event is sent to as JSON ([`PortalEvents`](super::PortalEvents) reads it).
    /// Default: none.
    ///
    /// # Errors
    /// [`ErrorKind::Configuration`](crate::ErrorKind::Configuration): it is no path of the app.
    pub fn events_to(mut self, path: &str) -> Result<Self> {
        self.events = Some(own_path(path)?.to_owned());
        Ok(self)
    }

    /// The response: HTML, a policy that lets in nothing but the portal, and no place in any cache, since the link
    /// works once for whoever has it.
    pub fn render(&self) -> Response<String> {
        let mut response = Response::new(self.html());
        let headers = response.headers_mut();
        for (name, value) in [
            (header::CONTENT_TYPE, "text/html; charset=utf-8"),
            (header::CACHE_CONTROL, "private, no-store"),
            (header::VARY, "Cookie"),
            (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
            // The portal asks who frames it; the path is nobody's business.
            (header::REFERRER_POLICY, "strict-origin"),
            (
                HeaderName::from_static("permissions-policy"),
                "camera=(), microphone=()",
            ),
        ] {
            headers.insert(name, HeaderValue::from_static(value));
        }
        let policy = HeaderValue::try_from(self.content_security_policy());
        let policy = policy.unwrap_or(HeaderValue::from_static("default-src 'none'"));
        headers.insert(header::CONTENT_SECURITY_POLICY, policy);
        response
    }

    fn content_security_policy(&self) -> String {
        let hash = |text: &str| STANDARD.encode(sha256(text.as_bytes()));
        format!(
            "default-src 'none'; script-src 'sha256-{}'; style-src 'sha256-{}'; connect-src 'self'; \
             frame-src {}; frame-ancestors 'self'; base-uri 'none'; form-action 'none'",
            hash(&SCRIPT),
            hash(STYLE),
            self.origin
        )
    }

    fn html(&self) -> String {
        let title = Escaped(&self.title);
        let events = self.events.as_deref().unwrap_or_default();
        format!(
            "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
             <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
             <meta name=\"robots\" content=\"noindex\">\n<title>{title}</title>\n<style>{STYLE}</style>\n\
             </head>\n<body>\n<iframe id=\"scalekit-portal\" title=\"{title}\" allow=\"clipboard-write\" \
             data-origin=\"{}\" data-events=\"{}\" src=\"{}\"></iframe>\n<script>{}</script>\n</body>\n</html>\n",
            Escaped(&self.origin),
            Escaped(events),
            Escaped(self.location.as_str()),
            *SCRIPT
        )
    }

    /// The script for a page of the app's own: it takes messages of any iframe in the page whose window shows this
    /// origin, and raises each as `scalekit-portal` at the document, with the event in `detail`.
    ///
    /// ```
    /// use tower_sso::vendor::scalekit::PortalPage;
    ///
    /// let script = PortalPage::event_listener_script("https://acme.scalekit.dev")?;
    /// assert!(!script.contains("</"), "it fits between script tags");
    /// # Ok::<(), tower_sso::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`ErrorKind::Configuration`](crate::ErrorKind::Configuration): it is no origin of https, or of http on this
    /// machine.
    pub fn event_listener_script(origin: &str) -> Result<String> {
        let origin = origin_of(origin)?;
        Ok(format!(
            "{}({},function (window_) {{ return Array.prototype.some.call(\
             document.querySelectorAll(\"iframe\"), \
             function (frame) {{ return frame.contentWindow === window_; }}); }},\"\");",
            LISTENER.trim_end(),
            script_string(&origin)
        ))
    }
}

impl fmt::Debug for PortalPage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PortalPage")
            .field("origin", &self.origin)
            .field("events", &self.events)
            .finish_non_exhaustive()
    }
}

/// A path that a browser can't take for another origin: `//host` and `/\host` are.
fn own_path(path: &str) -> Result<&str> {
    let fits = path.starts_with('/')
        && !path.starts_with("//")
        && path
            .bytes()
            .all(|byte| byte.is_ascii_graphic() && !matches!(byte, b'\\' | b'#'));
    let refuse = || Error::configuration("the events' path must be a plain path of the app");
    fits.then_some(path).ok_or_else(refuse)
}

/// Text as a string of a script in a page: beside what JSON escapes, nothing in it ends the script's element or its
/// line.
fn script_string(text: &str) -> String {
    let json = serde_json::Value::from(text).to_string();
    json.chars()
        .fold(String::with_capacity(json.len()), |mut out, c| {
            match c {
                '<' | '>' | '&' | '\u{2028}' | '\u{2029}' => {
                    out.push_str(&format!("\\u{:04x}", u32::from(c)));
                }
                c => out.push(c),
            }
            out
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOSTILE: &str = "</script><script>alert('\"&\u{2028}')//\\";

    #[test]
    fn a_string_in_a_script_stays_one() {
        let string = script_string(HOSTILE);
        assert!(!string.contains(['<', '>', '&', '\u{2028}']), "{string}");
        assert!(string.starts_with('"') && string.ends_with('"'));
        let read: String = serde_json::from_str(&string).unwrap();
        assert_eq!(read, HOSTILE);
    }

    #[test]
    fn the_script_ends_where_its_element_ends() {
        let script = PortalPage::event_listener_script("https://acme.scalekit.dev").unwrap();
        for script in [&*SCRIPT, &script] {
            assert!(!script.contains("</") && !script.contains("<!"));
        }
        assert!(script.contains("})(\"https://acme.scalekit.dev\","));
        for bad in [
            HOSTILE,
            "https://a.example/\"+alert(1)+\"",
            "https://a.example/path",
            "http://a.example",
            "*",
            "null",
            "",
        ] {
            assert!(PortalPage::event_listener_script(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn hostile_text_is_never_markup() {
        let page = PortalPage::at("https://a.example/?\"'><script>alert(1)</script>&x='#\"'&quot;")
            .unwrap()
            .title(HOSTILE)
            .events_to("/events?x=\"><script>alert(2)</script>'")
            .unwrap()
            .render();
        let html = page.body();
        assert_eq!(html.matches("<script>").count(), 1, "{html}");
        assert_eq!(html.matches("<iframe").count(), 1, "{html}");
        let frame = html.split("<iframe").nth(1).unwrap();
        let frame = frame.split("</iframe>").next().unwrap();
        assert_eq!(frame.matches('>').count(), 1, "{frame}");
        assert_eq!(frame.matches('"').count(), 12, "{frame}");
        assert!(!frame.contains('\''), "{frame}");
    }

    #[test]
    fn only_what_can_be_shown_is_shown() {
        for bad in [
            "javascript:alert(1)",
            "data:text/html,x",
            "http://a.example",
            "https://user@a.example",
            "/path",
            "",
        ] {
            assert!(PortalPage::at(bad).is_err(), "{bad}");
        }
        let page = || PortalPage::at("https://a.example").unwrap();
        for bad in [
            "",
            "events",
            "//evil.example",
            "/\\evil.example",
            "/\t/evil.example",
            "https://evil.example",
            "/a b",
            "/a\nb",
            "/a#b",
        ] {
            assert!(page().events_to(bad).is_err(), "{bad}");
        }
        let debug = format!("{:?}", PortalPage::at("https://a.example/s3cr3t").unwrap());
        assert!(!debug.contains("s3cr3t"), "{debug}");
    }
}
