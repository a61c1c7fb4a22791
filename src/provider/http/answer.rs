//! What an answer of a provider means, before anybody looks into its body: pure.

use std::time::Duration;

use bytes::Bytes;
use http::header::{CACHE_CONTROL, CONTENT_TYPE, RETRY_AFTER};
use http::{HeaderMap, Response, StatusCode};

use crate::{Error, Result};

/// No `Retry-After` is obeyed beyond this: a slip of the provider must not lock the app out for a day.
const MAX_RETRY_AFTER: Duration = Duration::from_secs(300);

/// The body of a document that can be fetched again: anything but a 200 means "try later", a redirect
/// or a proxy's error page too.
pub(crate) fn document(answer: Response<Bytes>, name: &'static str) -> Result<(HeaderMap, Bytes)> {
    let status = answer.status();
    if status == StatusCode::OK {
        let (parts, body) = answer.into_parts();
        return Ok((parts.headers, body));
    }
    Err(unavailable(status, answer.headers(), name))
}

/// The error for an answer that asks to come back later (RFC 9110 sections 15.6, 10.2.3).
pub(crate) fn unavailable(status: StatusCode, headers: &HeaderMap, name: &'static str) -> Error {
    let error = Error::unavailable(format!(
        "the provider's {name} answered with status {}",
        status.as_u16()
    ));
    match retry_after(headers) {
        Some(after) => error.with_retry_after(after),
        None => error,
    }
}

/// Whether a status says nothing about the request, only about the moment.
pub(crate) fn is_temporary(status: StatusCode) -> bool {
    status.is_server_error()
        || matches!(
            status,
            StatusCode::TOO_MANY_REQUESTS | StatusCode::REQUEST_TIMEOUT | StatusCode::TOO_EARLY
        )
}

/// `Retry-After` in seconds, at most five minutes. The form with a date is not read: then the default
/// back-off holds.
fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let seconds = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    let seconds = Duration::from_secs(seconds.parse().ok()?);
    Some(seconds.min(MAX_RETRY_AFTER))
}

/// How long an answer stays fresh (RFC 9111 section 5.2.2), within bounds: `max-age` if it is given,
/// the lower bound for `no-cache` and `no-store`, else `default`.
pub(crate) fn freshness(
    headers: &HeaderMap,
    default: Duration,
    bounds: std::ops::RangeInclusive<Duration>,
) -> Duration {
    let mut max_age = None;
    for value in headers.get_all(CACHE_CONTROL) {
        for directive in value.to_str().unwrap_or_default().split(',') {
            let (name, value) = directive.split_once('=').unwrap_or((directive, ""));
            match name.trim().to_ascii_lowercase().as_str() {
                "no-cache" | "no-store" => return *bounds.start(),
                "max-age" => max_age = value.trim().trim_matches('"').parse().ok(),
                _ => {}
            }
        }
    }
    max_age
        .map_or(default, Duration::from_secs)
        .clamp(*bounds.start(), *bounds.end())
}

/// Whether the body is of a media type; parameters and case don't count (RFC 9110 section 8.3.1).
pub(crate) fn is_media_type(headers: &HeaderMap, wanted: &str) -> bool {
    headers
        .get(CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .and_then(|value| value.split(';').next())
        .is_some_and(|value| value.trim().eq_ignore_ascii_case(wanted))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(name: &'static str, values: &[&str]) -> HeaderMap {
        let pairs = values
            .iter()
            .map(|value| (name.parse().unwrap(), value.parse().unwrap()));
        let mut headers = HeaderMap::new();
        headers.extend(pairs.map(|(name, value): (http::HeaderName, _)| (Some(name), value)));
        headers
    }

    #[test]
    fn freshness_is_bounded() {
        let (low, high) = (Duration::from_secs(60), Duration::from_secs(3_600));
        for (values, seconds) in [
            (&[][..], 600),
            (&["max-age=120"][..], 120),
            (&["Public, Max-Age=120"], 120),
            (&["max-age=\"120\""], 120),
            (&["public", "max-age=120"], 120),
            (&["max-age=1"], 60),
            (&["max-age=999999999999"], 3_600),
            (&["max-age=99999999999999999999999"], 600),
            (&["max-age=-1"], 600),
            (&["max-age"], 600),
            (&["public"], 600),
            (&["no-store, max-age=120"], 60),
            (&["max-age=120, no-cache"], 60),
        ] {
            let headers = headers("cache-control", values);
            let fresh = freshness(&headers, Duration::from_secs(600), low..=high);
            assert_eq!(fresh.as_secs(), seconds, "{values:?}");
        }
    }

    #[test]
    fn retry_after_takes_seconds_and_is_bounded() {
        for (value, seconds) in [
            ("0", Some(0)),
            (" 17 ", Some(17)),
            ("301", Some(300)),
            ("-1", None),
            ("1.5", None),
            ("Wed, 21 Oct 2026 07:28:00 GMT", None),
        ] {
            let after = retry_after(&headers("retry-after", &[value]));
            assert_eq!(after.map(|after| after.as_secs()), seconds, "{value}");
        }
        assert_eq!(retry_after(&HeaderMap::new()), None);
    }

    #[test]
    fn a_media_type_is_compared_without_case_and_parameters() {
        for (value, expected) in [
            ("application/jwt", true),
            ("Application/JWT; charset=utf-8", true),
            ("application/jwt+x", false),
            ("application/json", false),
        ] {
            let headers = headers("content-type", &[value]);
            assert_eq!(
                is_media_type(&headers, "application/jwt"),
                expected,
                "{value}"
            );
        }
        assert!(!is_media_type(&HeaderMap::new(), "application/jwt"));
    }
}
