//! The same layers around a plain hyper service, without axum:
//! `SSO_ISSUER=… SSO_CLIENT_ID=… SSO_BASE_URL=http://127.0.0.1:3000 cargo run --example hyper`.

use std::convert::Infallible;

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper_util::rt::TokioIo;
use hyper_util::service::TowerToHyperService;
use tower::{ServiceBuilder, ServiceExt as _, service_fn};
use tower_sso::{Auth, BoxError, PeerAddress, Policy, RequireLayer, Sso};

#[tokio::main]
async fn main() -> Result<(), BoxError> {
    let sso = Sso::from_env()?;
    let service = ServiceBuilder::new()
        .layer(sso.layer())
        .layer(RequireLayer::new(Policy::login()))
        .service(service_fn(hello));

    let listener = tokio::net::TcpListener::bind("127.0.0.1:3000").await?;
    loop {
        let (stream, address) = listener.accept().await?;
        // The address of the client is in the audit then; see `SSO_TRUSTED_PROXIES` in the README.
        let service = service
            .clone()
            .map_request(move |mut request: Request<Incoming>| {
                request.extensions_mut().insert(PeerAddress::from(address));
                request
            });
        let service = TowerToHyperService::new(service);
        tokio::spawn(async move {
            let connection = hyper::server::conn::http1::Builder::new()
                .serve_connection(TokioIo::new(stream), service);
            if let Err(error) = connection.await {
                eprintln!("connection ended: {error}");
            }
        });
    }
}

async fn hello(request: Request<Incoming>) -> Result<Response<Full<Bytes>>, Infallible> {
    let name = Auth::of(request.extensions())
        .and_then(Auth::user)
        .map_or_else(|| "stranger".to_owned(), |user| user.subject().to_owned());
    Ok(Response::new(format!("hello {name}\n").into()))
}
