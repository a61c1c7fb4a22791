//! The cookie jar of RFC 6265bis, with partitions as in CHIPS.
//!
//! Where browsers differ it does as Chromium does: loopback over http may set and get `Secure`
//! cookies, but no name prefix; a cookie without `SameSite` is `Lax`, and for its first two minutes
//! goes with a cross-site POST navigation too.

use std::time::Duration;

use url::{Host, Url};

use super::site;

/// 6265bis section 5.5: no cookie outlives this.
const LONGEST_LIFE: u64 = 400 * 24 * 3600;
/// 6265bis section 5.6 step 6: name and value together.
const MOST_BYTES: usize = 4096;
/// 6265bis section 5.6.7.1, "Lax-allowing-unsafe".
const UNSAFE_GRACE: Duration = Duration::from_secs(120);

/// What a cookie says about cross-site requests.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SameSite {
    /// Not said, or not understood: `Lax` with the two minutes of grace.
    Unset,
    None,
    Lax,
    Strict,
}

/// The part of the jar that a partitioned cookie lives in: the site in the address bar, and whether
/// another site stands between it and the cookie's own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Partition {
    pub(crate) top_level_site: String,
    pub(crate) cross_site: bool,
}

/// A cookie as kept.
#[derive(Clone, Debug)]
pub(crate) struct Cookie {
    pub(crate) name: String,
    pub(crate) value: String,
    pub(crate) domain: String,
    pub(crate) host_only: bool,
    pub(crate) path: String,
    pub(crate) secure: bool,
    pub(crate) http_only: bool,
    pub(crate) same_site: SameSite,
    pub(crate) partition: Option<Partition>,
    /// Seconds since the epoch; `None` lives as long as the browser does.
    pub(crate) expires: Option<u64>,
    created: u64,
    order: u64,
}

/// Why a `Set-Cookie` line was not kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refusal {
    Malformed,
    TooLarge,
    ForeignDomain,
    PublicSuffix,
    SecureFromInsecure,
    HttpOnlyFromScript,
    WouldShadowSecure,
    NoneWithoutSecure,
    CrossSiteContext,
    Prefix,
    PartitionedWithoutSecure,
    ThirdPartyBlocked,
}

/// How one request, or one script, stands to the jar.
#[derive(Clone, Debug)]
pub(crate) struct Access<'a> {
    pub(crate) url: &'a Url,
    pub(crate) now: u64,
    pub(crate) same_site: bool,
    pub(crate) top_level: bool,
    pub(crate) safe_method: bool,
    pub(crate) partition: Partition,
    pub(crate) third_parties_blocked: bool,
    pub(crate) script: bool,
}

impl Access<'_> {
    fn blocks_unpartitioned(&self) -> bool {
        self.third_parties_blocked && !self.same_site && !self.top_level
    }
}

#[derive(Clone, Debug, Default)]
pub(crate) struct Jar {
    cookies: Vec<Cookie>,
    stored: u64,
}

impl Jar {
    /// Everything kept and not expired, the oldest first.
    pub(crate) fn iter(&self, now: u64) -> impl Iterator<Item = &Cookie> {
        self.cookies.iter().filter(move |cookie| alive(cookie, now))
    }

    /// What the end of the browser's process forgets.
    pub(crate) fn end_of_process(&mut self) {
        self.cookies.retain(|cookie| cookie.expires.is_some());
    }

    pub(crate) fn clear(&mut self) {
        self.cookies.clear();
    }

    /// The value of the `Cookie` field, or nothing (6265bis section 5.8.3).
    pub(crate) fn header(&self, access: &Access<'_>) -> Option<String> {
        let mut fitting: Vec<&Cookie> = self
            .iter(access.now)
            .filter(|cookie| is_sent(cookie, access))
            .collect();
        fitting.sort_by_key(|cookie| (std::cmp::Reverse(cookie.path.len()), cookie.order));
        let pairs: Vec<String> = fitting
            .into_iter()
            .map(|cookie| match cookie.name.as_str() {
                "" => cookie.value.clone(),
                name => format!("{name}={}", cookie.value),
            })
            .collect();
        (!pairs.is_empty()).then(|| pairs.join("; "))
    }

    /// Takes one `Set-Cookie` line (6265bis sections 5.6 and 5.7).
    pub(crate) fn store(&mut self, line: &str, access: &Access<'_>) -> Result<(), Refusal> {
        let mut cookie = parse(line, access)?;
        check(&cookie, access)?;
        if self.shadows_secure(&cookie, access) {
            return Err(Refusal::WouldShadowSecure);
        }
        self.stored += 1;
        cookie.order = self.stored;
        if let Some(at) = self.cookies.iter().position(|old| is_same(old, &cookie)) {
            if access.script && self.cookies[at].http_only {
                return Err(Refusal::HttpOnlyFromScript);
            }
            let old = self.cookies.remove(at);
            if alive(&old, access.now) {
                cookie.order = old.order;
                cookie.created = old.created;
            }
        }
        if alive(&cookie, access.now) {
            self.cookies.push(cookie);
        }
        Ok(())
    }

    /// "Leave secure cookies alone": plain http may not hide a cookie that https set.
    fn shadows_secure(&self, new: &Cookie, access: &Access<'_>) -> bool {
        !new.secure
            && !site::is_trustworthy(access.url)
            && self.iter(access.now).any(|old| {
                old.secure
                    && old.name == new.name
                    && (domain_matches(&old.domain, &new.domain)
                        || domain_matches(&new.domain, &old.domain))
                    && path_matches(&new.path, &old.path)
            })
    }
}

fn alive(cookie: &Cookie, now: u64) -> bool {
    cookie.expires.is_none_or(|expires| now < expires)
}

fn is_same(a: &Cookie, b: &Cookie) -> bool {
    (&a.name, &a.domain, a.host_only, &a.path, &a.partition)
        == (&b.name, &b.domain, b.host_only, &b.path, &b.partition)
}

fn is_sent(cookie: &Cookie, access: &Access<'_>) -> bool {
    let host = access.url.host_str().unwrap_or_default();
    let host_fits = if cookie.host_only {
        cookie.domain == host
    } else {
        domain_matches(host, &cookie.domain)
    };
    let partition_fits = match &cookie.partition {
        Some(partition) => *partition == access.partition,
        None => !access.blocks_unpartitioned(),
    };
    host_fits
        && path_matches(access.url.path(), &cookie.path)
        && (!cookie.secure || site::is_trustworthy(access.url))
        && !(cookie.http_only && access.script)
        && partition_fits
        && crosses_sites(cookie, access)
}

fn crosses_sites(cookie: &Cookie, access: &Access<'_>) -> bool {
    let young = access.now.saturating_sub(cookie.created) < UNSAFE_GRACE.as_secs();
    access.same_site
        || match cookie.same_site {
            SameSite::None => true,
            SameSite::Lax => access.top_level && access.safe_method,
            SameSite::Unset => access.top_level && (access.safe_method || young),
            SameSite::Strict => false,
        }
}

fn parse(line: &str, access: &Access<'_>) -> Result<Cookie, Refusal> {
    let has_control = |c: char| c.is_ascii_control() && c != '\t';
    if line.contains(has_control) {
        return Err(Refusal::Malformed);
    }
    let mut parts = line.split(';');
    let pair = parts.next().unwrap_or_default();
    let (name, value) = pair.split_once('=').unwrap_or(("", pair));
    let (name, value) = (name.trim(), value.trim());
    if name.is_empty() && value.is_empty() {
        return Err(Refusal::Malformed);
    }
    if name.len() + value.len() > MOST_BYTES {
        return Err(Refusal::TooLarge);
    }
    let host = access.url.host_str().unwrap_or_default();
    let mut cookie = Cookie {
        name: name.to_owned(),
        value: value.to_owned(),
        domain: host.to_owned(),
        host_only: true,
        path: default_path(access.url),
        secure: false,
        http_only: false,
        same_site: SameSite::Unset,
        partition: None,
        expires: None,
        created: access.now,
        order: 0,
    };
    let mut domain = None;
    let mut max_age = None;
    for attribute in parts {
        let (key, value) = attribute.split_once('=').unwrap_or((attribute, ""));
        let value = value.trim();
        match key.trim().to_ascii_lowercase().as_str() {
            "domain" => domain = Some(value.trim_start_matches('.').to_ascii_lowercase()),
            "path" if value.starts_with('/') => cookie.path = value.to_owned(),
            "path" => cookie.path = default_path(access.url),
            "secure" => cookie.secure = true,
            "httponly" => cookie.http_only = true,
            "samesite" => cookie.same_site = same_site(value),
            "partitioned" => cookie.partition = Some(access.partition.clone()),
            "expires" => cookie.expires = expires(value).or(cookie.expires),
            "max-age" => max_age = value.parse::<i64>().ok().or(max_age),
            _ => {}
        }
    }
    if let Some(seconds) = max_age {
        let seconds = u64::try_from(seconds).unwrap_or(0);
        cookie.expires = Some(match seconds {
            0 => 0,
            more => access.now.saturating_add(more),
        });
    }
    cookie.expires = cookie
        .expires
        .map(|at| at.min(access.now.saturating_add(LONGEST_LIFE)));
    if let Some(domain) = domain.filter(|domain| !domain.is_empty()) {
        set_domain(&mut cookie, domain, access.url)?;
    }
    Ok(cookie)
}

fn set_domain(cookie: &mut Cookie, domain: String, url: &Url) -> Result<(), Refusal> {
    let host = url.host_str().unwrap_or_default();
    let is_name = matches!(url.host(), Some(Host::Domain(_)));
    if domain == host && (!is_name || site::is_public_suffix(&domain)) {
        return Ok(());
    }
    if !is_name || !domain_matches(host, &domain) {
        return Err(Refusal::ForeignDomain);
    }
    if site::is_public_suffix(&domain) {
        return Err(Refusal::PublicSuffix);
    }
    cookie.host_only = false;
    cookie.domain = domain;
    Ok(())
}

fn check(cookie: &Cookie, access: &Access<'_>) -> Result<(), Refusal> {
    if cookie.secure && !site::is_trustworthy(access.url) {
        return Err(Refusal::SecureFromInsecure);
    }
    if cookie.http_only && access.script {
        return Err(Refusal::HttpOnlyFromScript);
    }
    if cookie.same_site == SameSite::None && !cookie.secure {
        return Err(Refusal::NoneWithoutSecure);
    }
    if cookie.same_site != SameSite::None && !access.same_site && !access.top_level {
        return Err(Refusal::CrossSiteContext);
    }
    if cookie.partition.is_some() && !cookie.secure {
        return Err(Refusal::PartitionedWithoutSecure);
    }
    if cookie.partition.is_none() && access.blocks_unpartitioned() {
        return Err(Refusal::ThirdPartyBlocked);
    }
    if !keeps_prefix(cookie, access.url) {
        return Err(Refusal::Prefix);
    }
    Ok(())
}

/// 6265bis section 4.1.3: what a name promises by its prefix, whatever its case.
fn keeps_prefix(cookie: &Cookie, url: &Url) -> bool {
    // A nameless cookie is sent as its bare value, which the server would read as name and value.
    let promise = match cookie.name.as_str() {
        "" => cookie.value.to_ascii_lowercase(),
        name => name.to_ascii_lowercase(),
    };
    let secure = cookie.secure && url.scheme() == "https";
    if promise.starts_with("__host-") {
        secure && cookie.host_only && cookie.path == "/" && !cookie.name.is_empty()
    } else if promise.starts_with("__secure-") {
        secure && !cookie.name.is_empty()
    } else {
        true
    }
}

fn same_site(value: &str) -> SameSite {
    match value.to_ascii_lowercase().as_str() {
        "none" => SameSite::None,
        "lax" => SameSite::Lax,
        "strict" => SameSite::Strict,
        _ => SameSite::Unset,
    }
}

fn expires(value: &str) -> Option<u64> {
    let cookie = tower_cookies::Cookie::parse(format!("x=y; Expires={value}")).ok()?;
    let at = cookie.expires_datetime()?.unix_timestamp();
    Some(u64::try_from(at).unwrap_or(0))
}

/// 6265bis section 5.1.3.
fn domain_matches(host: &str, domain: &str) -> bool {
    host == domain
        || host
            .strip_suffix(domain)
            .is_some_and(|rest| rest.ends_with('.'))
}

/// 6265bis section 5.1.4.
fn path_matches(path: &str, cookie_path: &str) -> bool {
    path.strip_prefix(cookie_path)
        .is_some_and(|rest| rest.is_empty() || cookie_path.ends_with('/') || rest.starts_with('/'))
}

/// 6265bis section 5.1.4: the URL's directory.
fn default_path(url: &Url) -> String {
    match url.path().rfind('/') {
        None | Some(0) => "/".to_owned(),
        Some(at) => url.path()[..at].to_owned(),
    }
}
