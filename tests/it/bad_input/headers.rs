//! Headers that are long, many, or there twice.

use axum::body::Body;
use http::{HeaderName, HeaderValue, Method, Request, Response};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

use super::{send, session};
use crate::support::App;

const LONG: usize = 64 * 1024;

/// What a proxy takes in an answer before it says 502: nginx has 4 or 8 kB, page by page of memory.
const MOST_IN_AN_ANSWER: usize = 4 * 1024;

fn size(response: &Response<Body>) -> usize {
    let lines = response.headers().iter();
    lines
        .map(|(name, value)| name.as_str().len() + value.len() + 4)
        .sum()
}

fn request(method: Method, path: &str, headers: &[(&str, &str)]) -> Request<Body> {
    let mut request = Request::new(Body::empty());
    *request.method_mut() = method;
    *request.uri_mut() = path.parse().unwrap();
    for (name, value) in headers {
        let name: HeaderName = name.parse().unwrap();
        let value = HeaderValue::from_str(value).unwrap();
        request.headers_mut().append(name, value);
    }
    request
}

/// 64 kB in each header that is read, in a form that fits it.
#[tokio::test]
async fn a_header_of_64_kb_is_answered_in_few_words() {
    let app = App::new();
    app.sign_in("/protected").await;
    let long = "a".repeat(LONG);
    let url = format!("{}/{long}", App::URL);
    let types = "text/html,".repeat(LONG / 10);
    let cookies = "a=b;".repeat(LONG / 4);
    for (name, value) in [
        ("accept", &types),
        ("accept", &long),
        ("cookie", &cookies),
        ("cookie", &long),
        ("cookie", &format!("{}={long}", App::COOKIE)),
        ("cookie", &format!("{}-login-{long}=a", App::COOKIE)),
        ("referer", &url),
        ("hx-current-url", &url),
        ("origin", &url),
        ("origin", &long),
        ("host", &long),
        ("sec-fetch-site", &long),
        ("sec-fetch-mode", &long),
        ("sec-fetch-dest", &long),
        ("sec-purpose", &long),
        ("x-requested-with", &long),
        ("content-type", &long),
        ("authorization", &long),
        ("x-forwarded-for", &long),
        ("forwarded", &long),
    ] {
        for (method, path) in [
            (Method::GET, "/protected"),
            (Method::POST, "/protected"),
            (Method::GET, "/extractor"),
            (Method::GET, "/auth/login"),
            (Method::POST, "/auth/login"),
            (Method::GET, "/auth/callback?code=a&state=b"),
            (Method::POST, "/auth/callback"),
            (Method::POST, "/auth/logout"),
            (Method::GET, "/auth/logged-out?state=x"),
            (Method::GET, "/auth/session"),
        ] {
            for scripted in [false, true] {
                let mut headers = vec![(name, value.as_str())];
                if scripted {
                    headers.push(("hx-request", "true"));
                    headers.push(("x-requested-with", "XMLHttpRequest"));
                }
                let response = send(&app, request(method.clone(), path, &headers)).await;
                let status = response.status().as_u16();
                assert!(status < 500, "{method} {path} {name}: {status}");
                let size = size(&response);
                assert!(size < MOST_IN_AN_ANSWER, "{method} {path} {name}: {size}");
            }
        }
    }
    assert_eq!(app.visit("/protected").no_follow().await.status, 200);
}

/// A session is found among all that others have set for the host, in one field or in many.
#[tokio::test]
async fn five_hundred_cookies_hide_no_session() {
    let app = App::new();
    app.sign_in("/protected").await;
    let own = session(&app);
    let others = |count: usize| (0..count).map(|n| format!("other{n}={n}"));
    let mut pairs: Vec<_> = others(250).collect();
    pairs.push(own.clone());
    pairs.extend(others(250));

    let line = pairs.join("; ");
    let response = send(
        &app,
        request(Method::GET, "/protected", &[("cookie", &line)]),
    )
    .await;
    assert_eq!(response.status(), 200, "in one field");
    let fields: Vec<_> = pairs.iter().map(|pair| ("cookie", pair.as_str())).collect();
    let response = send(&app, request(Method::GET, "/protected", &fields)).await;
    assert_eq!(response.status(), 200, "in 501 fields");

    pairs.push(own);
    let twice = pairs.join("; ");
    let request = request(Method::GET, "/protected", &[("cookie", &twice)]);
    let response = send(&app, request).await;
    assert_eq!(response.status(), 401, "twice is none");
}

/// A jar full of attempts, or of what only looks so, is emptied in bounded steps.
#[tokio::test]
async fn five_hundred_attempts_are_cleared_away_little_by_little() {
    let app = App::new();
    let made_up = |n: usize| format!("{}-login-{n:x}-{n:016}=a", App::COOKIE);
    let line: Vec<_> = (0..500).map(made_up).collect();
    let line = line.join("; ");
    let odd = format!(
        "{0}-login-=a; {0}-login- \u{e9}=a; {0}-login-\t=a; {0}-login-{1}=a; {0}-login-x\"y=a",
        App::COOKIE,
        "z".repeat(5_000)
    );
    for cookies in [&line, &odd] {
        for path in ["/protected", "/auth/login"] {
            let mut request = request(Method::GET, path, &[("accept", "text/html")]);
            let value = HeaderValue::from_bytes(cookies.as_bytes()).unwrap();
            request.headers_mut().insert("cookie", value);
            let response = send(&app, request).await;
            assert_eq!(response.status(), 303, "{path}");
            assert!(size(&response) < MOST_IN_AN_ANSWER, "{}", size(&response));
        }
    }
    for n in 0..170 {
        let line = format!("{}; Path=/; Secure", made_up(n));
        app.browser.set_cookie(App::URL, &line).unwrap();
    }
    for _ in 0..9 {
        app.visit("/protected").no_follow().await;
    }
    assert!(app.attempts() <= 10, "{}", app.attempts());
    app.sign_in("/protected").await;
}

/// The first line of what a server on a socket says to these bytes.
async fn ask(address: &str, bytes: &[u8]) -> String {
    let mut stream = TcpStream::connect(address).await.unwrap();
    // A server that has read enough may answer before it has all of it.
    let _ = stream.write_all(bytes).await;
    let mut answer = Vec::new();
    let mut chunk = [0; 1024];
    while !answer.windows(2).any(|two| two == b"\r\n") {
        match stream.read(&mut chunk).await {
            Ok(0) | Err(_) => break,
            Ok(read) => answer.extend_from_slice(&chunk[..read]),
        }
    }
    let answer = String::from_utf8_lossy(&answer).into_owned();
    answer.lines().next().unwrap_or_default().to_owned()
}

/// The same on a real connection, where the server has limits of its own.
#[tokio::test]
async fn a_server_on_a_socket_answers_long_and_many_headers() {
    let app = App::new();
    app.sign_in("/protected").await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let service = app.sso.into_axum(app.routes());
    let server = tokio::spawn(axum::serve(listener, service).into_future());
    let own = session(&app);
    let long = "a".repeat(LONG);
    let fields: String = (0..500).map(|n| format!("Cookie: a{n}=b\r\n")).collect();
    let cookies: String = (0..500).map(|n| format!("a{n}=b; ")).collect();
    for (headers, expected) in [
        (format!("Cookie: {own}\r\nX-Long: {long}\r\n"), "200"),
        (format!("Cookie: {own}\r\nReferer: {long}\r\n"), "200"),
        (format!("Cookie: {own}; a={long}\r\n"), "200"),
        (format!("Cookie: {cookies}{own}\r\n"), "200"),
        (format!("Cookie: {own}\r\nCookie: {own}\r\n"), "401"),
        (format!("Cookie: {own}\r\n{fields}"), "431"),
        (format!("X: {}\r\n", "a".repeat(1 << 20)), "431"),
        ("Cookie: a\0b=c\r\n".to_owned(), "400"),
        ("Accept : text/html\r\n".to_owned(), "400"),
    ] {
        let text = format!("GET /protected HTTP/1.1\r\nHost: app.example.com\r\n{headers}\r\n");
        let line = ask(&address, text.as_bytes()).await;
        let status = line.split(' ').nth(1).unwrap_or_default();
        assert_eq!(status, expected, "{:.60}: {line}", headers);
    }
    server.abort();
    app.sign_in("/protected").await;
}
