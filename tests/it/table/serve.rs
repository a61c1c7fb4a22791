//! A service on a socket of its own, by HTTP/1.1 or HTTP/2, and one bare request to it.

use axum::body::Body;
use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt, Empty};
use hyper::body::Incoming;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tower::Service;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Version {
    Http1,
    Http2,
}

/// Serves for as long as the test runs; answers the address.
pub(super) async fn serve<S, B>(version: Version, service: S) -> std::net::SocketAddr
where
    S: Service<Request<Body>, Response = Response<B>> + Clone + Send + 'static,
    S::Future: Send,
    S::Error: Into<axum::BoxError>,
    B: http_body::Body<Data = Bytes> + Send + 'static,
    B::Error: Into<axum::BoxError>,
{
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let service = tower::ServiceExt::map_request(service.clone(), |request| {
                Request::<Incoming>::map(request, Body::new)
            });
            let (io, service) = (TokioIo::new(stream), TowerToHyperService::new(service));
            match version {
                Version::Http1 => {
                    let http = hyper::server::conn::http1::Builder::new();
                    tokio::spawn(http.serve_connection(io, service).with_upgrades());
                }
                Version::Http2 => {
                    let http = hyper::server::conn::http2::Builder::new(TokioExecutor::new());
                    tokio::spawn(http.serve_connection(io, service));
                }
            }
        }
    });
    address
}

/// Sends a request without a body over a connection of its own. The target must be absolute.
///
/// # Errors
/// When the peer breaks the protocol: while the answer's head is read, or while its body is.
pub(super) async fn send(
    version: Version,
    address: std::net::SocketAddr,
    request: Request<Empty<Bytes>>,
) -> hyper::Result<Response<Bytes>> {
    let io = TokioIo::new(TcpStream::connect(address).await.unwrap());
    let response = match version {
        Version::Http1 => {
            let (mut sender, connection) = hyper::client::conn::http1::handshake(io).await?;
            tokio::spawn(connection);
            sender.send_request(request).await?
        }
        Version::Http2 => {
            let executor = TokioExecutor::new();
            let (mut sender, connection) =
                hyper::client::conn::http2::handshake(executor, io).await?;
            tokio::spawn(connection);
            sender.send_request(request).await?
        }
    };
    let (parts, body) = response.into_parts();
    Ok(Response::from_parts(
        parts,
        body.collect().await?.to_bytes(),
    ))
}
