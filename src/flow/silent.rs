//! Asking the provider without a page whether somebody is signed in there (`prompt=none`, OpenID Connect
//! Core 3.1.2.1): when it may be asked, and what a browser keeps of it.
//!
//! 1. Only a navigation asks, where nobody is signed in here, or where who is has to be looked at again
//!    ([`Revalidation`](super::Revalidation)).
//! 2. A browser asks once in an interval, whatever the answer: a cookie remembers it. One that keeps no
//!    cookies comes back with [`MARK`] in the URL and asks no more with that.
//! 3. After a sign-out nobody is asked until somebody signs in on purpose.
//! 4. What another tab did meanwhile, a sign-in or a sign-out, wins over the answer. So it comes by query
//!    even where others come by form: a form from another site brings no session's cookie.

use std::time::Duration;

use tower_cookies::Cookie;

use crate::crypto::{Purpose, Sealer};
use crate::session::ReturnTo;
use crate::session::cookie::{self, CookieSettings, Found};

/// As long as browsers keep any cookie (RFC 6265bis section 5.5): a sign-out stands until it is revoked.
const SIGNED_OUT_FOR: Duration = Duration::from_secs(400 * 24 * 3600);

/// The parameter that a browser without cookies comes back with.
pub(crate) const MARK: &str = "sso_silent=no";

/// The longest path that travels in `state`, in bytes; a longer one is cut to its path.
const LONGEST_PATH: usize = 512;

/// What a browser remembers of silent attempts.
#[derive(Debug)]
pub(crate) struct Silent {
    asked: String,
    signed_out: String,
    settings: CookieSettings,
    /// How long a browser is not asked again.
    interval: Duration,
}

impl Silent {
    /// `settings` are those of an attempt: its answer has to bring these cookies, too.
    pub(crate) fn new(session: &str, settings: CookieSettings, interval: Duration) -> Self {
        Self {
            asked: format!("{session}-asked"),
            signed_out: format!("{session}-signed-out"),
            settings,
            interval,
        }
    }

    /// Whether this browser may be sent to ask: it has not been lately, nobody has signed out in it, and
    /// the URL does not say that it keeps no cookies.
    pub(crate) fn may_ask<'a, I: Iterator<Item = &'a [u8]>>(
        &self,
        fields: impl Fn() -> I,
        target: &str,
    ) -> bool {
        let query = target.split_once('?').map_or("", |(_, query)| query);
        cookie::find(fields(), &self.asked) == Found::None
            && !self.is_signed_out(fields())
            && !query.split('&').any(|pair| pair == MARK)
    }

    /// Whether somebody signed out in this browser and nobody has signed in since.
    pub(crate) fn is_signed_out<'a>(&self, fields: impl Iterator<Item = &'a [u8]>) -> bool {
        cookie::find(fields, &self.signed_out) != Found::None
    }

    /// Remembers that the browser was sent to ask.
    pub(crate) fn asked(&self) -> Cookie<'static> {
        self.settings.set(&self.asked, "1", Some(self.interval))
    }

    /// Remembers that somebody signed out.
    pub(crate) fn signed_out(&self) -> Cookie<'static> {
        self.settings
            .set(&self.signed_out, "1", Some(SIGNED_OUT_FOR))
    }

    /// Somebody signed in on purpose.
    pub(crate) fn signed_in(&self) -> Cookie<'static> {
        self.settings.removal(&self.signed_out)
    }
}

/// `state` with the way back in it, for a browser that keeps no cookie of the attempt.
pub(crate) fn state_with_path(sealer: &Sealer, state: &str, return_to: &ReturnTo) -> String {
    let mut path = return_to.clone();
    if path.as_str().len() > LONGEST_PATH {
        path = path.path_only();
    }
    if path.as_str().len() > LONGEST_PATH {
        path = ReturnTo::root();
    }
    let sealed = sealer.seal(Purpose::SilentReturn, state, path.as_str().as_bytes());
    format!("{state}.{sealed}")
}

/// The part of a `state` that the attempt's cookie answers to.
pub(crate) fn own_state(state: &str) -> &str {
    state.split_once('.').map_or(state, |(own, _)| own)
}

/// The way back for a browser without cookies, marked, if the `state` was made by us for a silent attempt.
pub(crate) fn path_in_state(sealer: &Sealer, state: &str) -> Option<ReturnTo> {
    let (own, sealed) = state.split_once('.')?;
    let path = String::from_utf8(sealer.open(Purpose::SilentReturn, own, sealed)?).ok()?;
    ReturnTo::parse(&path).map(|path| marked(&path))
}

/// The same path with the mark that nobody is to be asked there; cut where it gets too long with it, for
/// without the mark a browser that keeps no cookies would be sent round.
pub(crate) fn marked(path: &ReturnTo) -> ReturnTo {
    let shorter = [path.clone(), path.path_only(), ReturnTo::root()];
    let marked = shorter.iter().find_map(|path| {
        let separator = if path.as_str().contains('?') {
            '&'
        } else {
            '?'
        };
        ReturnTo::parse(&format!("{}{separator}{MARK}", path.as_str()))
    });
    marked.unwrap_or_else(ReturnTo::root)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::CookieKey;

    fn silent() -> Silent {
        let base = "https://app.example".parse().unwrap();
        let settings = CookieSettings::for_base_url(&base, None, false).unwrap();
        Silent::new("__Host-sso", settings, Duration::from_secs(300))
    }

    #[test]
    fn a_browser_is_asked_once_and_not_after_a_sign_out() {
        for (cookie, target, expected) in [
            ("", "/", true),
            ("theme=dark", "/?a=b", true),
            ("__Host-sso-asked=1", "/", false),
            ("__Host-sso-signed-out=1", "/", false),
            // Whoever plants a second one makes it no less true.
            ("__Host-sso-asked=1; __Host-sso-asked=2", "/", false),
            (
                "__Host-sso-signed-out=1; __Host-sso-signed-out=2",
                "/",
                false,
            ),
            ("", "/?sso_silent=no", false),
            ("", "/?a=b&sso_silent=no", false),
            ("", "/sso_silent=no", true),
        ] {
            let fields = || std::iter::once(cookie.as_bytes());
            assert_eq!(
                silent().may_ask(fields, target),
                expected,
                "{cookie} {target}"
            );
        }
    }

    #[test]
    fn the_way_back_survives_in_state_and_is_ours_only() {
        let sealer = Sealer::new(vec![CookieKey::generate()]).unwrap();
        let path = ReturnTo::parse("/a?b=c").unwrap();
        let state = state_with_path(&sealer, "abc", &path);
        assert_eq!(own_state(&state), "abc");
        let back = path_in_state(&sealer, &state).unwrap();
        assert_eq!(back.as_str(), "/a?b=c&sso_silent=no");
        let moved = state.replacen("abc", "abd", 1);
        for other in ["abc", "abc.", "abc.def", &moved, &state[..state.len() - 1]] {
            assert_eq!(path_in_state(&sealer, other), None, "{other}");
        }
        let long = ReturnTo::parse(&format!("/a?{}", "b".repeat(600))).unwrap();
        let state = state_with_path(&sealer, "abc", &long);
        assert_eq!(
            path_in_state(&sealer, &state).unwrap().as_str(),
            "/a?sso_silent=no"
        );
        let long = ReturnTo::parse(&format!("/{}", "b".repeat(600))).unwrap();
        let state = state_with_path(&sealer, "abc", &long);
        assert_eq!(
            path_in_state(&sealer, &state).unwrap().as_str(),
            "/?sso_silent=no"
        );
    }

    #[test]
    fn a_path_of_any_length_is_marked() {
        for (before, after) in [
            ("/a".to_owned(), "/a?sso_silent=no"),
            (format!("/a?{}", "b".repeat(2_040)), "/a?sso_silent=no"),
            (format!("/{}", "b".repeat(2_040)), "/?sso_silent=no"),
        ] {
            let path = ReturnTo::parse(&before).unwrap();
            assert_eq!(marked(&path).as_str(), after);
        }
    }
}
