//! [`TenantFrom`]: which part of a request names the tenant.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

use http::{Extensions, HeaderMap, StatusCode};

use super::one::is_id;

/// Which part of a request names its tenant. Several may be used: the first that names one counts, and one after it
/// must not name another.
///
/// Without any, a tenant is named at the sign-in alone (`organization_id`, `connection_id`, `domain_hint`,
/// `login_hint`), and each session is of the tenant that it was made at.
///
/// ```
/// use tower_sso::tenant::TenantFrom;
///
/// let by_host = TenantFrom::host(); // whole hosts, each tenant has its own
/// let by_label = TenantFrom::subdomain_of("app.example.com"); // acme.app.example.com
/// let by_path = TenantFrom::path("/t/"); // app.example.com/t/acme/invoices
/// let by_hand = TenantFrom::request(|request| {
///     request.headers().get("x-tenant")?.to_str().ok().map(str::to_owned)
/// });
/// # let _ = [by_host, by_label, by_path, by_hand];
/// ```
#[derive(Clone)]
pub struct TenantFrom(From);

#[derive(Clone)]
enum From {
    Host,
    Subdomain(Arc<str>),
    Path(Arc<str>),
    Request(Arc<Function>),
}

type Function = dyn Fn(&TenantRequest<'_>) -> Option<String> + Send + Sync;

/// What a request says, for a function that finds its tenant.
#[derive(Clone, Copy, Debug)]
pub struct TenantRequest<'a> {
    pub(crate) host: Option<&'a str>,
    pub(crate) path: &'a str,
    pub(crate) headers: &'a HeaderMap,
    pub(crate) extensions: &'a Extensions,
}

impl<'a> TenantRequest<'a> {
    /// The host that the browser asked for, in lower case, without the port of the scheme; by what a trusted proxy
    /// says, where there is one.
    #[must_use]
    pub fn host(&self) -> Option<&'a str> {
        self.host
    }

    /// The path as it came, with its percent-encoding; `/` where it is one of the endpoints (`/auth/login` and so on).
    #[must_use]
    pub fn path(&self) -> &'a str {
        self.path
    }

    /// The header fields. What a client says there is a claim: who it is decides its session.
    #[must_use]
    pub fn headers(&self) -> &'a HeaderMap {
        self.headers
    }

    /// What layers outside of this one left.
    #[must_use]
    pub fn extensions(&self) -> &'a Extensions {
        self.extensions
    }
}

/// What one part of a request says of the tenant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Named<'a> {
    /// Nothing.
    Nobody,
    /// The tenant with this id.
    Id(Cow<'a, str>),
    /// The tenant with this host.
    Host,
    /// Something that can be no tenant’s, and is not the app’s own either.
    Strange,
}

impl TenantFrom {
    /// By the whole host, as [`Tenant::host`](super::Tenant::host) says it. The app’s own host, that of the base
    /// URL, is no tenant’s; any other one is answered with 421.
    #[must_use]
    pub fn host() -> Self {
        Self(From::Host)
    }

    /// By the one label before this domain: `acme.app.example.com` is the tenant with the id `acme`. The app’s own
    /// host is no tenant’s; any other one is answered with 421.
    #[must_use]
    pub fn subdomain_of(domain: impl AsRef<str>) -> Self {
        let domain = domain.as_ref().trim_start_matches('.');
        Self(From::Subdomain(domain.to_ascii_lowercase().into()))
    }

    /// By the segment of the path that follows this prefix, as `/t/`, with the path of the base URL before it or without.
    /// A path that a router could take for one
    /// under the prefix, as `//t/acme` or `/t/./acme`, is answered with 404; so is a tenant that there is none of.
    #[must_use]
    pub fn path(prefix: impl AsRef<str>) -> Self {
        let prefix = prefix.as_ref().trim_matches('/');
        let prefix = if prefix.is_empty() {
            "/".to_owned()
        } else {
            format!("/{prefix}/")
        };
        Self(From::Path(prefix.into()))
    }

    /// By a function of the app, which answers with the id. It runs for each request: what waits belongs into
    /// [`Tenants`](super::Tenants).
    #[must_use]
    pub fn request(
        find: impl Fn(&TenantRequest<'_>) -> Option<String> + Send + Sync + 'static,
    ) -> Self {
        Self(From::Request(Arc::new(find)))
    }

    /// Whether the host decides.
    pub(crate) fn is_by_host(&self) -> bool {
        matches!(self.0, From::Host | From::Subdomain(_))
    }

    /// Whether a tenant may be named by a host that is nothing like its id.
    pub(crate) fn may_name_any_host(&self) -> bool {
        matches!(self.0, From::Host | From::Request(_))
    }

    /// What the answer is to what can be nobody's (RFC 9110 sections 15.5.5 and 15.5.20).
    pub(crate) fn if_strange(&self) -> StatusCode {
        if self.is_by_host() {
            StatusCode::MISDIRECTED_REQUEST
        } else {
            StatusCode::NOT_FOUND
        }
    }

    /// The domain under which each tenant has a label.
    pub(crate) fn parent_domain(&self) -> Option<&str> {
        match &self.0 {
            From::Subdomain(domain) => Some(domain),
            _ => None,
        }
    }

    /// `own` is the host of the base URL, `under` its path. A host has its port only where that is another one than the
    /// base URL's.
    pub(crate) fn read<'a>(
        &self,
        request: &TenantRequest<'a>,
        own: &str,
        under: &str,
    ) -> Named<'a> {
        match &self.0 {
            From::Host => match request.host {
                Some(host) if host == own => Named::Nobody,
                Some(_) => Named::Host,
                None => Named::Strange,
            },
            From::Subdomain(domain) => match request.host {
                Some(host) if host == own => Named::Nobody,
                host => host
                    .and_then(|host| label(host, domain))
                    .map_or(Named::Strange, |label| Named::Id(Cow::Borrowed(label))),
            },
            From::Path(prefix) => match in_path(request.path, prefix) {
                // A proxy may have left the base URL's path where it was.
                Named::Nobody if !under.is_empty() => {
                    in_path(request.path, &format!("{under}{prefix}"))
                }
                named => named,
            },
            From::Request(find) => match find(request) {
                None => Named::Nobody,
                Some(id) if is_id(&id) => Named::Id(Cow::Owned(id)),
                Some(_) => Named::Strange,
            },
        }
    }
}

/// The label before `.domain`.
fn label<'h>(host: &'h str, domain: &str) -> Option<&'h str> {
    let label = host.strip_suffix(domain)?.strip_suffix('.')?;
    (is_id(label) && !label.contains('.')).then_some(label)
}

fn in_path<'a>(path: &'a str, prefix: &str) -> Named<'a> {
    let under = path.strip_prefix(prefix).filter(|_| path != prefix);
    let segment = under.map(|rest| rest.split('/').next().unwrap_or_default());
    if may_have_another_spelling(path, prefix) && plain_segment(path, prefix).as_deref() != segment
    {
        return Named::Strange;
    }
    match segment {
        // A router decodes a segment; a tenant has one spelling only.
        Some(segment) if is_id(segment) => Named::Id(Cow::Borrowed(segment)),
        Some(_) => Named::Strange,
        None => Named::Nobody,
    }
}

/// Whether anything between this layer and the routes could read another path in it than its letters say.
fn may_have_another_spelling(path: &str, prefix: &str) -> bool {
    let odd = |byte| matches!(byte, b'%' | b'\\' | b';');
    let start = path.as_bytes().get(..prefix.len());
    path.bytes().any(odd)
        || path.contains("//")
        || path.contains("/.")
        || start.is_some_and(|start| start.eq_ignore_ascii_case(prefix.as_bytes()))
}

/// The segment after the prefix in what is left of a path when it is decoded, its dots, slashes and parameters are
/// resolved, and the prefix is read in any case.
fn plain_segment(path: &str, prefix: &str) -> Option<String> {
    let decoded = percent_decoded(path);
    let decoded = String::from_utf8_lossy(&decoded);
    let mut plain = Vec::new();
    for segment in decoded.split(['/', '\\']) {
        match segment.split(';').next().unwrap_or_default() {
            "" | "." => {}
            ".." => {
                plain.pop();
            }
            segment => plain.push(segment),
        }
    }
    let mut has = plain.into_iter();
    let mut wanted = prefix.split('/').filter(|segment| !segment.is_empty());
    wanted
        .all(|segment| {
            has.next()
                .is_some_and(|has| has.eq_ignore_ascii_case(segment))
        })
        .then(|| has.next().map(str::to_owned))?
}

fn percent_decoded(path: &str) -> Vec<u8> {
    let bytes = path.as_bytes();
    let mut decoded = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        let hex = (bytes[at] == b'%')
            .then(|| path.get(at + 1..at + 3))
            .flatten()
            .and_then(|hex| u8::from_str_radix(hex, 16).ok());
        decoded.push(hex.unwrap_or(bytes[at]));
        at += if hex.is_some() { 3 } else { 1 };
    }
    decoded
}

impl fmt::Debug for TenantFrom {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            From::Host => f.write_str("TenantFrom::host"),
            From::Subdomain(domain) => write!(f, "TenantFrom::subdomain_of({domain:?})"),
            From::Path(prefix) => write!(f, "TenantFrom::path({prefix:?})"),
            From::Request(_) => f.write_str("TenantFrom::request"),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::LazyLock;

    use super::*;

    fn read<'a>(from: &TenantFrom, host: Option<&'a str>, path: &'a str) -> Named<'a> {
        static NOTHING: LazyLock<(HeaderMap, Extensions)> = LazyLock::new(Default::default);
        let (headers, extensions) = &*NOTHING;
        let request = TenantRequest {
            host,
            path,
            headers,
            extensions,
        };
        from.read(&request, "app.example", "")
    }

    #[test]
    fn a_whole_label_names_a_tenant() {
        let from = TenantFrom::subdomain_of("app.example");
        let id = |id: &'static str| Named::Id(Cow::Borrowed(id));
        for (host, named) in [
            (Some("app.example"), Named::Nobody),
            (Some("acme.app.example"), id("acme")),
            (Some("a.acme.app.example"), Named::Strange),
            (Some(".app.example"), Named::Strange),
            (Some("acmeapp.example"), Named::Strange),
            (Some("acme.app.example.evil.example"), Named::Strange),
            (Some("acme.appxexample"), Named::Strange),
            (Some("acme.app.example:444"), Named::Strange),
            (Some("acme.app.example."), Named::Strange),
            (Some("ac me.app.example"), Named::Strange),
            (Some("evil.example"), Named::Strange),
            (Some("[::1]:3000"), Named::Strange),
            (Some("app.example:444"), Named::Strange),
            (None, Named::Strange),
        ] {
            assert_eq!(read(&from, host, "/"), named, "{host:?}");
        }
    }

    #[test]
    fn a_path_has_one_spelling() {
        let from = TenantFrom::path("/t/");
        let id = |id: &'static str| Named::Id(Cow::Borrowed(id));
        for (path, named) in [
            ("/t/acme", id("acme")),
            ("/t/acme/x", id("acme")),
            ("/t/Acme", id("Acme")),
            ("/", Named::Nobody),
            ("/t", Named::Nobody),
            ("/tt/acme", Named::Nobody),
            ("/x/t/acme", Named::Nobody),
            ("/t/acme/../x", Named::Strange),
            ("/t/acme/../globex", Named::Strange),
            ("/t/acme/%2e%2e/globex", Named::Strange),
            ("/t/acme/a/..//file.txt", id("acme")),
            ("/t/acme/%20", id("acme")),
            ("/files/a%20b;v=1", Named::Nobody),
            ("/t/", Named::Nobody),
            ("/t//acme", Named::Strange),
            ("/t/%61cme", Named::Strange),
            ("/t/acme;x", Named::Strange),
            ("/t/acme%2fx", Named::Strange),
            ("/t/..", Named::Strange),
            ("//t/acme", Named::Strange),
            ("/T/acme", Named::Strange),
            ("/%74/acme", Named::Strange),
            ("/./t/acme", Named::Strange),
            ("/x/../t/acme", Named::Strange),
            ("/t;x/acme", Named::Strange),
            ("/%2e/t/acme", Named::Strange),
            ("/t\\acme", Named::Strange),
            ("/t%2facme", Named::Strange),
        ] {
            assert_eq!(read(&from, None, path), named, "{path}");
        }
    }

    #[test]
    fn a_path_may_be_under_that_of_the_base_url() {
        static NOTHING: LazyLock<(HeaderMap, Extensions)> = LazyLock::new(Default::default);
        let (headers, extensions) = &*NOTHING;
        let from = TenantFrom::path("/t/");
        let acme = || Named::Id(Cow::Borrowed("acme"));
        for (path, named) in [
            ("/app/t/acme/x", acme()),
            ("/t/acme/x", acme()),
            ("/app/", Named::Nobody),
            ("/app/x/t/acme", Named::Nobody),
            ("/application/t/acme", Named::Nobody),
            ("/app//t/acme", Named::Strange),
            ("//app/t/acme", Named::Strange),
            ("/App/t/acme", Named::Strange),
            ("/%61pp/t/acme", Named::Strange),
            ("/app/x/../t/acme", Named::Strange),
            ("/app/t/acme/../globex", Named::Strange),
        ] {
            let request = TenantRequest {
                host: None,
                path,
                headers,
                extensions,
            };
            assert_eq!(from.read(&request, "app.example", "/app"), named, "{path}");
        }
    }

    #[test]
    fn a_function_names_ids_only() {
        let from =
            TenantFrom::request(|request| request.path().strip_prefix('/').map(str::to_owned));
        for (path, named) in [
            ("x", Named::Nobody),
            ("/acme", Named::Id(Cow::Borrowed("acme"))),
            ("/a/b", Named::Strange),
            ("/", Named::Strange),
        ] {
            assert_eq!(read(&from, None, path), named, "{path}");
        }
    }
}
