//! The pages that a person sees: small, without script, escaped, and replaceable by the app.

use std::fmt;
use std::fmt::Write as _;
use std::sync::{Arc, LazyLock};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::{HeaderValue, Response, StatusCode, header};

use crate::crypto::sha256;
use crate::oidc::text::{Escaped, clean};

/// What a page is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum PageKind {
    /// Asks whether to sign out, with a button.
    SignOut,
    /// Says that the person is signed out.
    SignedOut,
    /// Sign-in is needed, and this frame can't show it: a link to do it at the top level.
    SignInOutside,
    /// The person is signed in and may not see this.
    Forbidden,
    /// The sign-in did not work, and another try may.
    SignInFailed,
    /// The browser came back with an attempt that it does not know: too late, or cookies are blocked.
    UnknownAttempt,
    /// The provider or the app's store is down.
    Unavailable,
    /// The app is set up wrongly.
    Broken,
    /// Somebody has to say who they are before it is known where they sign in.
    WhoAreYou,
    /// A sign-in that began at the provider, in a browser where somebody is signed in already.
    ContinueAs,
}

/// A link or a button on a page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Action {
    /// What it says.
    pub label: String,
    /// Where it leads: a path of this app.
    pub href: String,
    /// Whether it is a button that sends a POST.
    pub post: bool,
    /// Whether it leaves the frame that the page is shown in.
    pub top: bool,
}

/// Something to fill in, sent by GET.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Question {
    /// What is asked for.
    pub label: String,
    /// The name of the parameter.
    pub name: String,
    /// What stands there already.
    pub value: String,
    /// The path of this app that takes the answer.
    pub action: String,
    /// What is sent along.
    pub hidden: Vec<(String, String)>,
    /// What the button says.
    pub button: String,
}

/// A page, before it is HTML. All text is plain and must be escaped by who renders it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Page {
    /// What it is about.
    pub kind: PageKind,
    /// The status that the response will have.
    pub status: StatusCode,
    /// The heading.
    pub title: String,
    /// A sentence or two.
    pub text: String,
    /// What the other side said, where that helps.
    pub detail: Option<String>,
    /// What the person is asked.
    pub question: Option<Question>,
    /// What the person can do.
    pub actions: Vec<Action>,
    /// Origins that a form of the page may lead to by redirect, besides our own.
    pub(crate) form_targets: Vec<String>,
}

impl Page {
    pub(crate) fn new(
        kind: PageKind,
        status: StatusCode,
        title: &str,
        text: impl Into<String>,
    ) -> Self {
        Self {
            kind,
            status,
            title: title.to_owned(),
            text: text.into(),
            detail: None,
            question: None,
            actions: Vec::new(),
            form_targets: Vec::new(),
        }
    }

    pub(crate) fn with_detail(mut self, detail: Option<String>) -> Self {
        self.detail = detail;
        self
    }

    pub(crate) fn ask(mut self, question: Question) -> Self {
        self.question = Some(question);
        self
    }

    pub(crate) fn add_link(mut self, label: &str, href: impl Into<String>) -> Self {
        self.actions.push(Action {
            label: label.to_owned(),
            href: href.into(),
            post: false,
            top: false,
        });
        self
    }

    pub(crate) fn add_button(mut self, label: &str, href: impl Into<String>) -> Self {
        self.actions.push(Action {
            label: label.to_owned(),
            href: href.into(),
            post: true,
            top: false,
        });
        self
    }

    pub(crate) fn add_top_link(mut self, label: &str, href: impl Into<String>) -> Self {
        self.actions.push(Action {
            label: label.to_owned(),
            href: href.into(),
            post: false,
            top: true,
        });
        self
    }
}

/// The most of a name that a page shows, in characters.
const LONGEST_NAME: usize = 254;

/// The name of a person, who may have chosen it: it turns no sentence around, and fills no page.
pub(super) fn name_of(person: &str) -> String {
    clean(person, LONGEST_NAME)
}

/// Renders pages in the app's own style.
///
/// The status, the caching headers and `X-Content-Type-Options` are set by this crate afterwards; a
/// `Content-Security-Policy` that the app sets is kept.
///
/// ```
/// use tower_sso::{Page, PageRenderer};
///
/// fn plain(page: &Page) -> http::Response<bytes::Bytes> {
///     http::Response::builder()
///         .header("content-type", "text/plain; charset=utf-8")
///         .body(format!("{}\n{}\n", page.title, page.text).into())
///         .unwrap()
/// }
/// # fn assert_renderer(_: impl PageRenderer) {}
/// # assert_renderer(plain);
/// ```
pub trait PageRenderer: Send + Sync + 'static {
    /// Makes the response for a page.
    fn render(&self, page: &Page) -> Response<Bytes>;
}

impl<F: Fn(&Page) -> Response<Bytes> + Send + Sync + 'static> PageRenderer for F {
    fn render(&self, page: &Page) -> Response<Bytes> {
        self(page)
    }
}

impl fmt::Debug for dyn PageRenderer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PageRenderer")
    }
}

/// The response for a page, by the app's renderer or our own.
pub(crate) fn respond(renderer: Option<&Arc<dyn PageRenderer>>, page: &Page) -> Response<Bytes> {
    let mut response =
        renderer.map_or_else(|| default_page(page), |renderer| renderer.render(page));
    *response.status_mut() = page.status;
    let headers = response.headers_mut();
    headers.insert(
        header::X_CONTENT_TYPE_OPTIONS,
        HeaderValue::from_static("nosniff"),
    );
    headers
        .entry(header::CONTENT_SECURITY_POLICY)
        .or_insert_with(|| content_security_policy(page));
    headers.insert(
        header::REFERRER_POLICY,
        HeaderValue::from_static("same-origin"),
    );
    response
}

const STYLE: &str = "\
:root{color-scheme:light dark;--ink:#1a1d23;--dim:#59606c;--paper:#fff;--back:#f2f4f7;--line:#d9dde4;--act:#1f5fd0;--on-act:#fff}\
@media(prefers-color-scheme:dark){:root{--ink:#e8eaee;--dim:#a3abb8;--paper:#1d2129;--back:#12151a;--line:#363c47;--act:#7fb0ff;--on-act:#12151a}}\
*{box-sizing:border-box}body{margin:0;min-height:100vh;display:grid;place-items:center;padding:1.5rem;background:var(--back);color:var(--ink);font:1rem/1.55 system-ui,sans-serif}\
main{width:100%;max-width:30rem;padding:2rem;background:var(--paper);border:1px solid var(--line);border-radius:.75rem}\
h1{margin:0 0 .5rem;font-size:1.35rem;line-height:1.25}p{margin:0 0 1rem}\
.detail{color:var(--dim);font-size:.9rem;overflow-wrap:anywhere}\
nav{display:flex;flex-wrap:wrap;gap:.75rem;margin-top:1.5rem}form{margin:0}\
a,button{display:inline-block;padding:.55rem 1rem;border:1px solid var(--line);border-radius:.5rem;background:none;color:var(--act);font:inherit;text-decoration:none;cursor:pointer}\
nav>a:first-child,nav>form:first-child button{background:var(--act);border-color:var(--act);color:var(--on-act);font-weight:600}\
.ask{margin-top:1.5rem}.ask input{display:block;width:100%;margin:.35rem 0 1rem;padding:.55rem .75rem;border:1px solid var(--line);border-radius:.5rem;background:var(--back);color:var(--ink);font:inherit}\
.ask button{background:var(--act);border-color:var(--act);color:var(--on-act);font-weight:600}\
a:focus-visible,input:focus-visible,button:focus-visible{outline:3px solid var(--act);outline-offset:2px}";

static STYLE_SOURCE: LazyLock<String> =
    LazyLock::new(|| format!("'sha256-{}'", STANDARD.encode(sha256(STYLE.as_bytes()))));

fn content_security_policy(page: &Page) -> HeaderValue {
    let mut policy = format!(
        "default-src 'none'; style-src {}; base-uri 'none'; form-action 'self'",
        *STYLE_SOURCE
    );
    // Browsers hold `form-action` against the redirects that follow a form, too.
    for target in &page.form_targets {
        policy.push(' ');
        policy.push_str(target);
    }
    // A page that asks must not be shown under somebody else's; one that only tells may be.
    let asks = page.question.is_some()
        || page.kind == PageKind::ContinueAs
        || page.actions.iter().any(|action| action.post);
    if asks {
        policy.push_str("; frame-ancestors 'none'");
    }
    HeaderValue::try_from(policy).unwrap_or_else(|_| HeaderValue::from_static("default-src 'none'"))
}

fn default_page(page: &Page) -> Response<Bytes> {
    let mut html = String::with_capacity(2048);
    let title = Escaped(&page.title);
    let _ = write!(
        html,
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta name=\"robots\" content=\"noindex\">\n<title>{title}</title>\n<style>{STYLE}</style>\n</head>\n\
         <body>\n<main>\n<h1>{title}</h1>\n<p>{}</p>\n",
        Escaped(&page.text)
    );
    if let Some(detail) = &page.detail {
        let _ = writeln!(html, "<p class=\"detail\">{}</p>", Escaped(detail));
    }
    if let Some(question) = &page.question {
        let Question {
            label,
            name,
            value,
            action,
            hidden,
            button,
        } = question;
        let _ = write!(
            html,
            "<form class=\"ask\" method=\"get\" action=\"{}\">\n<label>{}<input type=\"email\" name=\"{}\" value=\"{}\" \
             autocomplete=\"username\" required autofocus></label>\n",
            Escaped(action),
            Escaped(label),
            Escaped(name),
            Escaped(value)
        );
        for (name, value) in hidden {
            let (name, value) = (Escaped(name), Escaped(value));
            let _ = writeln!(
                html,
                "<input type=\"hidden\" name=\"{name}\" value=\"{value}\">"
            );
        }
        let _ = writeln!(
            html,
            "<button type=\"submit\">{}</button>\n</form>",
            Escaped(button)
        );
    }
    if !page.actions.is_empty() {
        html.push_str("<nav>\n");
        for action in &page.actions {
            let (label, href) = (Escaped(&action.label), Escaped(&action.href));
            let _ = if action.post {
                writeln!(
                    html,
                    "<form method=\"post\" action=\"{href}\"><button type=\"submit\">{label}</button></form>"
                )
            } else {
                let target = if action.top { " target=\"_top\"" } else { "" };
                writeln!(html, "<a href=\"{href}\"{target}>{label}</a>")
            };
        }
        html.push_str("</nav>\n");
    }
    html.push_str("</main>\n</body>\n</html>\n");
    let mut response = Response::new(Bytes::from(html));
    response.headers_mut().insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static("text/html; charset=utf-8"),
    );
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everything_on_a_page_is_escaped() {
        let evil = "<script>alert('\"&')</script>";
        let page = Page::new(PageKind::Forbidden, StatusCode::FORBIDDEN, evil, evil)
            .with_detail(Some(evil.into()))
            .ask(Question {
                label: evil.into(),
                name: evil.into(),
                value: evil.into(),
                action: evil.into(),
                hidden: vec![(evil.into(), evil.into())],
                button: evil.into(),
            })
            .add_link(evil, evil)
            .add_button(evil, evil);
        let response = respond(None, &page);
        let html = String::from_utf8(response.body().to_vec()).unwrap();
        assert!(!html.contains("<script"), "{html}");
        let escaped = "&lt;script&gt;alert(&#39;&quot;&amp;&#39;)&lt;/script&gt;";
        assert_eq!(html.matches(escaped).count(), 15, "{html}");
        assert_eq!(response.status(), StatusCode::FORBIDDEN);
    }

    #[test]
    fn an_app_that_renders_keeps_its_policy_and_gets_our_status() {
        let renderer: Arc<dyn PageRenderer> = Arc::new(|_: &Page| {
            let mut response = Response::new(Bytes::from_static(b"own"));
            response.headers_mut().insert(
                header::CONTENT_SECURITY_POLICY,
                HeaderValue::from_static("default-src 'self'"),
            );
            response
        });
        let page = Page::new(PageKind::Forbidden, StatusCode::FORBIDDEN, "t", "x");
        let response = respond(Some(&renderer), &page);
        assert_eq!(response.status(), StatusCode::FORBIDDEN);
        assert_eq!(
            response.headers()[header::CONTENT_SECURITY_POLICY],
            "default-src 'self'"
        );
        assert_eq!(
            response.headers()[header::X_CONTENT_TYPE_OPTIONS],
            "nosniff"
        );
    }
}
