//! TLS to the provider, over real sockets: whom it trusts, and how long it waits.
//!
//! With RustCrypto alone the app brings the TLS, so these need the other back end.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use bytes::Bytes;
use hyper::server::conn::http1;
use hyper_util::rt::TokioIo;
use hyper_util::service::TowerToHyperService;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::aws_lc_rs;
use tokio_rustls::rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use tower_sso::provider::{HttpClient, HttpErrorKind, HttpOptions, ReqwestClient};
use tower_sso::simulator::Simulator;
use tower_sso::{Error, SsoBuilder};

/// A CA of a company's own.
struct Authority(CertifiedIssuer<'static, KeyPair>);

impl Authority {
    fn new() -> Self {
        let mut params = CertificateParams::new([]).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().unwrap();
        Self(CertifiedIssuer::self_signed(params, key).unwrap())
    }

    fn pem(&self) -> Vec<u8> {
        self.0.pem().into_bytes()
    }

    /// Answers TLS for `name` on loopback with a certificate of this CA.
    fn acceptor(&self, name: &str) -> TlsAcceptor {
        let key = KeyPair::generate().unwrap();
        let params = CertificateParams::new([name.to_owned()]).unwrap();
        let certificate = params.signed_by(&key, &self.0).unwrap();
        let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(key.serialize_der()));
        let config = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![certificate.into()], key)
            .unwrap();
        TlsAcceptor::from(Arc::new(config))
    }
}

/// A provider that is reached by TLS only; answers its issuer.
async fn provider(authority: &Authority, name: &str) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let issuer = format!(
        "https://localhost:{}",
        listener.local_addr().unwrap().port()
    );
    let router = Simulator::quickstart(&issuer).router();
    tokio::spawn(serve(listener, authority.acceptor(name), router));
    issuer
}

async fn serve(listener: TcpListener, acceptor: TlsAcceptor, router: Router) {
    loop {
        let (stream, _) = listener.accept().await.unwrap();
        let (acceptor, router) = (acceptor.clone(), router.clone());
        tokio::spawn(async move {
            // Whoever does not trust the certificate hangs up here.
            let Ok(stream) = acceptor.accept(stream).await else {
                return;
            };
            let _ = http1::Builder::new()
                .serve_connection(TokioIo::new(stream), TowerToHyperService::new(router))
                .await;
        });
    }
}

/// Whether an app with this `SSO_CA_FILE` reaches the provider.
async fn ready(issuer: &str, ca_file: &str) -> Result<(), Error> {
    let sso = SsoBuilder::from_lookup(|name| match name {
        "SSO_ISSUER" => Some(issuer.into()),
        "SSO_CLIENT_ID" => Some("app".into()),
        "SSO_BASE_URL" => Some("http://127.0.0.1:3000".into()),
        "SSO_CA_FILE" => Some(ca_file.into()),
        _ => None,
    });
    sso.and_then(SsoBuilder::build).unwrap().ready().await
}

fn file(name: &str, content: &[u8]) -> String {
    let path = format!("{}/tls-{name}.pem", env!("CARGO_TARGET_TMPDIR"));
    std::fs::write(&path, content).unwrap();
    path
}

#[tokio::test]
async fn a_ca_of_ones_own_is_trusted_when_it_is_named_and_not_before() {
    let (ours, other) = (Authority::new(), Authority::new());
    let issuer = provider(&ours, "localhost").await;
    ready(&issuer, &file("ours", &ours.pem())).await.unwrap();
    let both = [other.pem(), ours.pem()].concat();
    ready(&issuer, &file("both", &both)).await.unwrap();

    for untrusted in [String::new(), file("other", &other.pem())] {
        let error = ready(&issuer, &untrusted).await.unwrap_err();
        assert!(error.is_temporary(), "{error}");
        let chain = chain(&error);
        assert!(chain.contains("certificate"), "{chain}");
    }
}

#[tokio::test]
async fn a_trusted_ca_does_not_excuse_another_name() {
    let ours = Authority::new();
    let issuer = provider(&ours, "idp.example").await;
    let error = ready(&issuer, &file("name", &ours.pem())).await;
    let chain = chain(&error.unwrap_err());
    assert!(chain.contains("not valid for name"), "{chain}");
}

/// The error with all that led to it.
fn chain(error: &Error) -> String {
    let mut text = error.to_string();
    let mut source = std::error::Error::source(error);
    while let Some(cause) = source {
        text = format!("{text}: {cause}");
        source = cause.source();
    }
    text
}

/// The time to a connection counts until TLS stands: here is somebody who takes calls and says nothing.
#[tokio::test]
async fn who_takes_a_call_and_says_nothing_is_given_up_early() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!(
        "https://localhost:{}/",
        listener.local_addr().unwrap().port()
    );
    let client = ReqwestClient::new(&HttpOptions {
        connect_timeout: Duration::from_millis(200),
        total_timeout: Duration::from_secs(3600),
        ..HttpOptions::default()
    });
    let request = http::Request::get(url).body(Bytes::new()).unwrap();
    let client = client.unwrap();
    let answer = tokio::time::timeout(Duration::from_secs(20), client.call(request));
    let error = answer.await.expect("it hangs").unwrap_err();
    assert_eq!(error.kind(), HttpErrorKind::Connect);
}
