//! nginx as the TLS terminator, with the very file of `docs/`.

use std::fs;
use std::io::ErrorKind;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::routing::get;
use axum::{Extension, Json, Router};
use http::{Request, Response};
use http_body_util::BodyExt as _;
use hyper_util::rt::TokioIo;
use rcgen::{CertifiedKey, generate_simple_self_signed};
use serde_json::{Value, json};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::crypto::aws_lc_rs;
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName};
use tokio_rustls::rustls::{ClientConfig, RootCertStore};
use tower::service_fn;
use tower_sso::provider::InProcessClient;
use tower_sso::simulator::{LoginChoice, SimulatedUser, Simulator};
use tower_sso::{Auth, CookieKey, Session, Sso};

use crate::support::{App, Browser, Log, free_port, missing};

/// Browsers are at this address, the proxy at 127.0.0.1: all of 127.0.0.0/8 is this machine.
const CLIENT: [u8; 4] = [127, 0, 0, 2];

/// A running nginx; it ends when this is dropped.
struct Nginx {
    child: Child,
    folder: PathBuf,
    port: u16,
    certificate: CertificateDer<'static>,
}

impl Nginx {
    /// In front of `app`, with the configuration of `docs/`; `None` where it is not installed.
    async fn start(app: SocketAddr) -> Option<Self> {
        let port = free_port();
        let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("nginx-{port}"));
        fs::create_dir_all(&folder).unwrap();
        let CertifiedKey { cert, signing_key } =
            generate_simple_self_signed(["localhost".to_owned()]).unwrap();
        fs::write(folder.join("cert.pem"), cert.pem()).unwrap();
        fs::write(folder.join("key.pem"), signing_key.serialize_pem()).unwrap();
        let file = folder.join("nginx.conf");
        fs::write(&file, configuration(&folder, port, app)).unwrap();
        let log = fs::File::create(folder.join("error.log")).unwrap();
        // Not everybody's path has the folder of daemons.
        let installed = Path::new("/usr/sbin/nginx");
        let program = if installed.exists() {
            installed
        } else {
            Path::new("nginx")
        };
        let child = Command::new(program)
            .args(["-e", "stderr", "-p"])
            .arg(&folder)
            .arg("-c")
            .arg(&file)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .spawn();
        let child = match child {
            Ok(child) => child,
            Err(error) if error.kind() == ErrorKind::NotFound => {
                missing("nginx (run tests/run, or apt-get install nginx-light)");
                return None;
            }
            Err(error) => panic!("nginx does not start: {error}"),
        };
        let mut nginx = Self {
            child,
            folder,
            port,
            certificate: cert.der().clone(),
        };
        nginx.wait().await;
        Some(nginx)
    }

    /// Until it takes connections.
    async fn wait(&mut self) {
        for _ in 0..200 {
            if TcpStream::connect(("127.0.0.1", self.port)).await.is_ok() {
                return;
            }
            let ended = self.child.try_wait().unwrap();
            assert!(ended.is_none(), "{}", self.log());
            tokio::time::sleep(Duration::from_millis(25)).await;
        }
        panic!("nginx does not listen: {}", self.log());
    }

    fn log(&self) -> String {
        fs::read_to_string(self.folder.join("error.log")).unwrap_or_default()
    }

    fn url(&self) -> String {
        format!("https://localhost:{}", self.port)
    }

    /// One request over TLS, from [`CLIENT`].
    async fn send(&self, request: Request<Body>) -> Response<Body> {
        let mut roots = RootCertStore::empty();
        roots.add(self.certificate.clone()).unwrap();
        let config = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots)
            .with_no_client_auth();
        let stream = connect(CLIENT, self.port).await;
        let name = ServerName::try_from("localhost").unwrap();
        let connector = TlsConnector::from(Arc::new(config));
        exchange(connector.connect(name, stream).await.unwrap(), request).await
    }
}

impl Drop for Nginx {
    fn drop(&mut self) {
        // One that ended by itself has no number any more.
        if !matches!(self.child.try_wait(), Ok(None)) {
            return;
        }
        // The master ends its workers on this signal only; std knows none but the one that leaves them.
        let _ = Command::new("kill")
            .args(["-TERM", &self.child.id().to_string()])
            .status();
        let _ = self.child.wait();
        let _ = fs::remove_dir_all(&self.folder);
    }
}

/// The file that the README recommends, with addresses and paths of this test in the place of a company's.
fn configuration(folder: &Path, port: u16, app: SocketAddr) -> String {
    let mut server = include_str!("../../../docs/nginx.conf").to_owned();
    let file = |name: &str| folder.join(name).display().to_string();
    for (theirs, ours) in [
        ("listen 443 ssl;", format!("listen 127.0.0.1:{port} ssl;")),
        (
            "server_name app.example.com;",
            "server_name localhost;".to_owned(),
        ),
        ("/etc/ssl/certs/app.example.com.pem", file("cert.pem")),
        ("/etc/ssl/private/app.example.com.key", file("key.pem")),
        ("http://127.0.0.1:3000", format!("http://{app}")),
    ] {
        assert_eq!(server.matches(theirs).count(), 1, "{theirs}");
        server = server.replace(theirs, &ours);
    }
    let paths = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"];
    let paths = paths.map(|kind| format!("{kind}_temp_path {};\n", file(kind)));
    // As root it would take another user for its workers, who may not read the folder.
    let user = if fs::metadata("/proc/self").is_ok_and(|own| is_root(&own)) {
        "user root;\n"
    } else {
        ""
    };
    format!(
        "{user}daemon off;\nworker_processes 1;\npid {};\nevents {{ worker_connections 64; }}\n\
         http {{\naccess_log off;\n{}{server}}}\n",
        file("nginx.pid"),
        paths.concat(),
    )
}

fn is_root(own: &fs::Metadata) -> bool {
    use std::os::unix::fs::MetadataExt as _;
    own.uid() == 0
}

async fn connect(from: [u8; 4], port: u16) -> TcpStream {
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind((from, 0).into()).unwrap();
    socket.connect(([127, 0, 0, 1], port).into()).await.unwrap()
}

async fn exchange<S>(stream: S, request: Request<Body>) -> Response<Body>
where
    S: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin + Send + 'static,
{
    let io = TokioIo::new(stream);
    let (mut sender, connection) = hyper::client::conn::http1::handshake(io).await.unwrap();
    tokio::spawn(connection);
    sender.send_request(request).await.unwrap().map(Body::new)
}

/// The app behind nginx, and a browser before it that trusts its certificate.
struct Site {
    nginx: Arc<Nginx>,
    app: SocketAddr,
    browser: Browser,
}

async fn start() -> Option<Site> {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let app = listener.local_addr().unwrap();
    let nginx = Arc::new(Nginx::start(app).await?);
    let simulator = Simulator::builder(App::IDP)
        .any_client()
        .user(SimulatedUser::new("alice"))
        .build();
    simulator
        .handle()
        .set_default_login(LoginChoice::new("alice"));
    let sso = Sso::builder(App::IDP)
        .public_client("app")
        .base_url(nginx.url())
        .cookie_key(CookieKey::generate())
        .trusted_proxies(["127.0.0.1"])
        .http_client(Arc::new(InProcessClient::new(simulator.router())))
        .build()
        .unwrap();
    let routes = Router::new().route("/who", get(who)).route(
        "/protected",
        get(async |session: Session| session.subject().to_owned()),
    );
    tokio::spawn(axum::serve(listener, sso.into_axum(routes)).into_future());

    let browser = Browser::new();
    browser.serve(App::IDP, simulator.router());
    let entrance = Arc::clone(&nginx);
    let entrance = service_fn(move |request| {
        let nginx = Arc::clone(&entrance);
        async move { Ok::<_, std::convert::Infallible>(nginx.send(request).await) }
    });
    browser.serve(&nginx.url(), entrance);
    Some(Site {
        nginx,
        app,
        browser,
    })
}

async fn who(Extension(auth): Extension<Auth>) -> Json<Value> {
    Json(json!({
        "client": auth.client_address(),
        "scheme": auth.forwarded_scheme(),
        "host": auth.forwarded_host(),
    }))
}

/// What somebody sends who would be somebody else.
fn forged(host: &str) -> Request<Body> {
    Request::get("/who")
        .header("host", host)
        .header("x-forwarded-for", "6.6.6.6, 127.0.0.1")
        .header("x-forwarded-proto", "http")
        .header("x-forwarded-host", "evil.example")
        .header("x-forwarded-port", "666")
        .header("forwarded", "for=6.6.6.6;proto=http;host=evil.example")
        .body(Body::empty())
        .unwrap()
}

async fn json_of(response: Response<Body>) -> Value {
    let body = response.into_body().collect().await.unwrap().to_bytes();
    serde_json::from_slice(&body).unwrap()
}

#[tokio::test]
async fn a_person_signs_in_and_out_through_it() {
    let log = Log::start();
    let Some(site) = start().await else { return };
    let go = |path: &str| site.browser.visit(&format!("{}{path}", site.nginx.url()));
    let page = go("/protected?tab=2").await;
    assert_eq!(
        page.url.as_str(),
        format!("{}/protected?tab=2", site.nginx.url())
    );
    assert_eq!(page.html(), "alice");
    let cookie = site.browser.cookie("__Host-sso").unwrap();
    assert!(cookie.secure && cookie.http_only, "{cookie:?}");

    let host = site.nginx.url().replace("https://", "");
    let seen = json!({"client": "127.0.0.2", "scheme": "https", "host": host});
    assert_eq!(go("/who").await.json(), seen);

    let asked = go("/auth/logout").await;
    let left = asked.submit(&asked.only_form()).await;
    assert_eq!(left.url.path(), "/auth/logged-out");
    let page = go("/protected").no_follow().await;
    assert_eq!(page.status, 303);

    let events = log.audit();
    let event = |name: &str| events.iter().find(|event| event["event"] == name).unwrap();
    for name in ["sign_in", "sign_out", "refusal"] {
        assert_eq!(event(name)["client"], "127.0.0.2", "{name}");
    }
}

#[tokio::test]
async fn what_a_client_says_of_itself_is_not_believed() {
    let Some(site) = start().await else { return };
    let host = site.nginx.url().replace("https://", "");
    let through = json_of(site.nginx.send(forged(&host)).await).await;
    // The forged list ends with an address that is trusted: it is the client's word all the same.
    let expected = json!({"client": "127.0.0.2", "scheme": "https", "host": host});
    assert_eq!(through, expected);

    let stream = connect([127, 0, 0, 3], site.app.port()).await;
    let around = json_of(exchange(stream, forged(&site.app.to_string())).await).await;
    assert_eq!(
        around,
        json!({"client": "127.0.0.3", "scheme": null, "host": null})
    );
}
