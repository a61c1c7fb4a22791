//! An origin that really listens on loopback: one plain connection per request.

use std::convert::Infallible;
use std::net::Ipv4Addr;

use axum::body::Body;
use http::{Request, Response};
use hyper_util::rt::TokioIo;
use tower::service_fn;
use tower::util::BoxCloneService;
use url::Url;

/// Whatever listens on the port of `url`; every loopback name is 127.0.0.1.
pub(super) fn origin(url: &Url) -> BoxCloneService<Request<Body>, Response<Body>, Infallible> {
    let port = url.port_or_known_default().unwrap_or(80);
    BoxCloneService::new(service_fn(move |request: Request<Body>| async move {
        let stream = tokio::net::TcpStream::connect((Ipv4Addr::LOCALHOST, port)).await;
        let stream = stream.unwrap_or_else(|error| panic!("nobody listens on {port}: {error}"));
        let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream))
            .await
            .unwrap();
        tokio::spawn(connection);
        let response = sender.send_request(request).await;
        Ok(response
            .unwrap_or_else(|error| panic!("port {port}: {error}"))
            .map(Body::new))
    }))
}
