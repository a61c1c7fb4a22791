//! The cookie of the provider's own session.

use http::{HeaderMap, HeaderValue, header};
use url::Url;

/// Name and attributes: host-only, `HttpOnly`, `SameSite=Lax`. The name has the port in it, because ports of
/// one host share their cookies (RFC 6265 section 8.5).
#[derive(Debug)]
pub(super) struct CookieStyle {
    name: String,
    attributes: String,
}

impl CookieStyle {
    pub(super) fn new(issuer: &Url, base_path: &str) -> Self {
        let port = issuer.port_or_known_default().unwrap_or_default();
        let path = if base_path.is_empty() { "/" } else { base_path };
        let secure = if issuer.scheme() == "https" {
            "; Secure"
        } else {
            ""
        };
        Self {
            name: format!("simulator-{port}"),
            attributes: format!("Path={path}; HttpOnly; SameSite=Lax{secure}"),
        }
    }

    pub(super) fn read<'h>(&self, headers: &'h HeaderMap) -> Option<&'h str> {
        headers
            .get_all(header::COOKIE)
            .iter()
            .filter_map(|field| field.to_str().ok())
            .flat_map(|field| field.split(';'))
            .filter_map(|pair| pair.trim().split_once('='))
            .find_map(|(name, value)| (name == self.name).then_some(value))
    }

    pub(super) fn set(&self, value: &str) -> Option<HeaderValue> {
        format!("{}={value}; {}", self.name, self.attributes)
            .parse()
            .ok()
    }

    pub(super) fn remove(&self) -> Option<HeaderValue> {
        format!("{}=; Max-Age=0; {}", self.name, self.attributes)
            .parse()
            .ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_its_own_name_only() {
        let url = Url::parse("http://127.0.0.1:3001").unwrap();
        let style = CookieStyle::new(&url, "");
        let mut headers = HeaderMap::new();
        headers.append(header::COOKIE, "simulator-3002=a; x=y".parse().unwrap());
        assert_eq!(style.read(&headers), None);
        headers.append(header::COOKIE, "z=1; simulator-3001=b".parse().unwrap());
        assert_eq!(style.read(&headers), Some("b"));
        assert_eq!(
            style.set("v").unwrap(),
            "simulator-3001=v; Path=/; HttpOnly; SameSite=Lax"
        );
    }

    #[test]
    fn https_is_secure_and_a_path_is_kept() {
        let url = Url::parse("https://idp.example/realms/acme/").unwrap();
        let style = CookieStyle::new(&url, "/realms/acme");
        assert_eq!(
            style.remove().unwrap(),
            "simulator-443=; Max-Age=0; Path=/realms/acme; HttpOnly; SameSite=Lax; Secure"
        );
    }
}
