//! A real Chromium, driven by chromedriver over WebDriver.

use std::io::{BufRead, BufReader, ErrorKind, Read, Write};
use std::net::TcpStream;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use fantoccini::cookies::Cookie;
use fantoccini::wd::{WebDriverCompatibleCommand, WindowHandle};
use fantoccini::{Client, ClientBuilder, Locator};
use hyper_util::client::legacy::connect::HttpConnector;
use serde_json::{Value, json};
use url::Url;

use super::child::{Owned, missing};

const FLAGS: [&str; 11] = [
    "--headless",
    // Chromium has no sandbox for root, and containers give it none.
    "--no-sandbox",
    "--disable-dev-shm-usage",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-default-apps",
    "--window-size=1000,700",
];

const PATIENCE: Duration = Duration::from_secs(15);
const TRIES: usize = 5;

/// A browser with an empty profile of its own; it ends when this is dropped.
#[derive(Debug)]
pub(crate) struct Chromium {
    client: Client,
    port: u16,
    session: String,
    _driver: Owned,
    _profile: Profile,
}

/// One tab of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Tab(WindowHandle);

/// chromedriver's own command for what is in a log of this name since it was last asked.
#[derive(Debug)]
struct DriverLog(&'static str);

impl WebDriverCompatibleCommand for DriverLog {
    fn endpoint(&self, base: &Url, session: Option<&str>) -> Result<Url, url::ParseError> {
        base.join(&format!("session/{}/se/log", session.unwrap_or_default()))
    }

    fn method_and_body(&self, _: &Url) -> (http::Method, Option<String>) {
        (
            http::Method::POST,
            Some(json!({ "type": self.0 }).to_string()),
        )
    }
}

#[derive(Debug)]
struct Profile(std::path::PathBuf);

impl Chromium {
    /// Starts driver and browser; `None` where they are not installed.
    pub(crate) async fn start() -> Option<Self> {
        let Some((driver, port)) = start_driver() else {
            missing("chromedriver (Debian: chromium chromium-driver)");
            return None;
        };
        let profile = Profile::new();
        let mut flags: Vec<String> = FLAGS.map(str::to_owned).to_vec();
        flags.push(format!("--user-data-dir={}", profile.0.display()));
        let capabilities = json!({
            "goog:chromeOptions": { "args": flags },
            "goog:loggingPrefs": { "browser": "ALL", "performance": "ALL" },
        });
        let client = ClientBuilder::new(HttpConnector::new())
            .capabilities(capabilities.as_object().cloned().unwrap_or_default())
            .connect(&format!("http://127.0.0.1:{port}"))
            .await;
        let client = match client {
            Ok(client) => client,
            Err(error) => {
                missing(&format!("chromium (its driver says: {error})"));
                return None;
            }
        };
        let session = client.session_id().await.unwrap().unwrap();
        Some(Self {
            client,
            port,
            session,
            _driver: driver,
            _profile: profile,
        })
    }

    /// WebDriver for what has no word here.
    pub(crate) fn client(&self) -> &Client {
        &self.client
    }

    pub(crate) async fn goto(&self, url: &str) {
        self.client.goto(url).await.unwrap();
    }

    /// Clicks what `css` selects, once it is there.
    pub(crate) async fn click(&self, css: &str) {
        self.find(css).await.click().await.unwrap();
    }

    /// Types into what `css` selects, in place of what stood there.
    pub(crate) async fn fill(&self, css: &str, text: &str) {
        let field = self.find(css).await;
        field.clear().await.unwrap();
        field.send_keys(text).await.unwrap();
    }

    /// What a person reads in what `css` selects.
    pub(crate) async fn text(&self, css: &str) -> String {
        self.find(css).await.text().await.unwrap()
    }

    /// What a person reads on the page.
    pub(crate) async fn page_text(&self) -> String {
        self.text("body").await
    }

    pub(crate) async fn current_url(&self) -> String {
        self.client.current_url().await.unwrap().into()
    }

    /// Waits until the tab is at a URL that starts so.
    ///
    /// # Panics
    /// If it does not get there.
    pub(crate) async fn wait_for_url(&self, start: &str) {
        let arrived = async {
            while !self.current_url().await.starts_with(start) {
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        };
        if tokio::time::timeout(PATIENCE, arrived).await.is_err() {
            let (url, text) = (self.current_url().await, self.page_text().await);
            panic!("never came to {start}, stays at {url}: {text}");
        }
    }

    /// Picks an option of the list that `css` selects, by its text.
    pub(crate) async fn choose(&self, css: &str, text: &str) {
        self.find(css).await.select_by_label(text).await.unwrap();
    }

    /// Loads the page again until `text` stands in what `css` selects, and answers all that stands there.
    ///
    /// # Panics
    /// If it does not come.
    pub(crate) async fn reload_until(&self, css: &str, text: &str) -> String {
        let arrived = async {
            loop {
                let found = self.text(css).await;
                if found.contains(text) {
                    return found;
                }
                tokio::time::sleep(Duration::from_millis(50)).await;
                self.reload().await;
            }
        };
        let found = tokio::time::timeout(PATIENCE, arrived).await;
        found.unwrap_or_else(|_| panic!("no {text} in {css}"))
    }

    /// Steps into the frame that `css` selects: what is found then is found in there.
    pub(crate) async fn enter_frame(&self, css: &str) {
        self.find(css).await.enter_frame().await.unwrap();
    }

    /// Steps out of it.
    pub(crate) async fn leave_frame(&self) {
        self.client.enter_parent_frame().await.unwrap();
    }

    pub(crate) async fn back(&self) {
        self.client.back().await.unwrap();
    }

    pub(crate) async fn reload(&self) {
        self.client.refresh().await.unwrap();
    }

    /// The page's cookies, `HttpOnly` ones too.
    pub(crate) async fn cookies(&self) -> Vec<Cookie<'static>> {
        self.client.get_all_cookies().await.unwrap()
    }

    /// What the person sees, as PNG.
    pub(crate) async fn screenshot(&self) -> Vec<u8> {
        self.client.screenshot().await.unwrap()
    }

    /// What the browser has refused on grounds of a Content-Security-Policy since this was last asked.
    pub(crate) async fn violations(&self) -> Vec<String> {
        let lines = self.client.issue_cmd(DriverLog("browser")).await.unwrap();
        let texts = lines.as_array().into_iter().flatten();
        texts
            .filter_map(|line| line["message"].as_str())
            .filter(|text| text.contains("Content Security Policy"))
            .map(str::to_owned)
            .collect()
    }

    /// The URLs that tabs have sent requests to since this was last asked.
    pub(crate) async fn requests(&self) -> Vec<String> {
        let lines = self.client.issue_cmd(DriverLog("performance")).await;
        let lines = lines.unwrap();
        let events = lines.as_array().into_iter().flatten();
        events
            .filter_map(|line| serde_json::from_str(line["message"].as_str()?).ok())
            .filter(|event: &Value| event["message"]["method"] == "Network.requestWillBeSent")
            .filter_map(|event| {
                let url = event["message"]["params"]["request"]["url"].as_str();
                url.map(str::to_owned)
            })
            .collect()
    }

    pub(crate) async fn current_tab(&self) -> Tab {
        Tab(self.client.window().await.unwrap())
    }

    /// Opens a tab and goes to it.
    pub(crate) async fn new_tab(&self) -> Tab {
        let tab = Tab(self.client.new_window(true).await.unwrap().handle);
        self.switch_to(&tab).await;
        tab
    }

    pub(crate) async fn switch_to(&self, tab: &Tab) {
        self.client.switch_to_window(tab.0.clone()).await.unwrap();
    }

    async fn find(&self, css: &str) -> fantoccini::elements::Element {
        let found = self
            .client
            .wait()
            .at_most(PATIENCE)
            .for_element(Locator::Css(css))
            .await;
        match found {
            Ok(element) => element,
            Err(error) => panic!("no {css} at {}: {error}", self.current_url().await),
        }
    }
}

impl Drop for Chromium {
    /// The driver ends the browser with the session. This can't await, so it asks by hand; the
    /// driver itself ends right after.
    fn drop(&mut self) {
        let Ok(mut stream) = TcpStream::connect(("127.0.0.1", self.port)) else {
            return;
        };
        let _ = stream.set_read_timeout(Some(Duration::from_secs(5)));
        let _ = write!(
            stream,
            "DELETE /session/{} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n",
            self.session
        );
        let _ = stream.read(&mut [0; 512]);
    }
}

impl Profile {
    fn new() -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let name = format!("tower-sso-chromium-{}-{count}", std::process::id());
        let path = std::env::temp_dir().join(name);
        std::fs::create_dir_all(&path).unwrap();
        Self(path)
    }
}

impl Drop for Profile {
    fn drop(&mut self) {
        // The browser may still be writing; the rest is the system's to clean.
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// Port 0 lets the driver choose; it says which on its first lines. It ends at once where the port that it was given for
/// IPv4 is taken on IPv6.
fn start_driver() -> Option<(Owned, u16)> {
    for _ in 0..TRIES {
        let (driver, port) = try_driver()?;
        if let Some(port) = port {
            return Some((driver, port));
        }
    }
    panic!("chromedriver names no port")
}

fn try_driver() -> Option<(Owned, Option<u16>)> {
    let started = Command::new("chromedriver")
        .arg("--port=0")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn();
    let mut driver = match started {
        Ok(child) => Owned(child),
        Err(error) if error.kind() == ErrorKind::NotFound => return None,
        Err(error) => panic!("chromedriver does not start: {error}"),
    };
    let mut lines = BufReader::new(driver.0.stdout.take()?)
        .lines()
        .map_while(Result::ok);
    let port = lines.find_map(|line| {
        let (_, port) = line.split_once("successfully on port ")?;
        port.trim_end_matches('.').parse().ok()
    });
    // Left unread, a full pipe would stop the driver.
    std::thread::spawn(move || lines.for_each(drop));
    Some((driver, port))
}

#[cfg(test)]
mod tests {
    use super::*;

    const HTML: &str = "<p id=p>hello</p><input id=i><a id=a href='/next'>go</a>";

    #[tokio::test]
    async fn a_page_opens_is_read_and_clicked_in_tabs() {
        let Some(browser) = Chromium::start().await else {
            return;
        };
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let home = format!(
            "http://app.localhost:{}/",
            listener.local_addr().unwrap().port()
        );
        let page = || async {
            (
                [("set-cookie", "a=1; HttpOnly")],
                axum::response::Html(HTML),
            )
        };
        let app = axum::Router::new().fallback(page);
        let server = tokio::spawn(async move { axum::serve(listener, app).await });
        browser.goto(&home).await;
        assert_eq!(browser.text("#p").await, "hello");
        browser.fill("#i", "typed").await;
        let first = browser.current_tab().await;
        browser.click("#a").await;
        browser.wait_for_url(&format!("{home}next")).await;
        let second = browser.new_tab().await;
        assert_ne!(first, second);
        assert_eq!(browser.current_url().await, "about:blank");
        browser.switch_to(&first).await;
        assert!(browser.page_text().await.contains("hello"));
        browser.back().await;
        assert_eq!(browser.current_url().await, home);
        assert!(browser.screenshot().await.starts_with(b"\x89PNG"));
        assert_eq!(browser.cookies().await[0].name(), "a");
        server.abort();
    }
}
