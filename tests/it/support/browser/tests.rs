//! The rules that the other tests rely on.

mod cookies;
mod headers;
mod pages;

use std::convert::Infallible;

use axum::body::Body;
use http::{Request, Response};
use tower::service_fn;

use super::{Browser, Page};

/// A server that answers `/set?<line>` with that cookie, `/to?<status>&<url>` with that redirect,
/// and anything else with its request's line and headers.
async fn echo(request: Request<Body>) -> Result<Response<Body>, Infallible> {
    let uri = request.uri().clone();
    let query = percent_encoding::percent_decode_str(uri.query().unwrap_or_default())
        .decode_utf8_lossy()
        .into_owned();
    let response = Response::builder();
    let response = match (uri.path(), query.split_once('&')) {
        ("/loop", _) => response
            .status(303)
            .header("location", "/loop")
            .body(Body::empty()),
        ("/set", _) => response.header("set-cookie", query).body(Body::empty()),
        ("/to", Some((status, url))) => {
            let status: u16 = status.parse().unwrap();
            response
                .status(status)
                .header("location", url)
                .body(Body::empty())
        }
        _ => {
            let mut text = format!("{} {uri}\n", request.method());
            for (name, value) in request.headers() {
                text += &format!("{name}: {}\n", value.to_str().unwrap());
            }
            response.body(Body::from(text))
        }
    };
    Ok(response.unwrap())
}

const SITES: [&str; 6] = [
    "https://app.example.com",
    "https://other.example.com",
    "https://idp.example.org",
    "http://app.example.com",
    "http://localhost:3000",
    "http://localhost:3001",
];

fn browser() -> Browser {
    let browser = Browser::new();
    for origin in SITES {
        browser.serve(origin, service_fn(echo));
    }
    browser
}

/// The header that the last request of the page carried.
fn sent(page: &Page, name: &str) -> Option<String> {
    let value = page.hops.last()?.request_headers.get(name)?;
    Some(value.to_str().unwrap().to_owned())
}
