//! What must be read nowhere, and a log of everything.

use std::collections::BTreeMap;
use std::io;
use std::sync::{Arc, LazyLock, Mutex};

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use tower_sso::CookieKey;
use tracing_subscriber::fmt::format::FmtSpan;
use tracing_subscriber::fmt::writer::MakeWriterExt as _;
use url::Url;

use super::Wiretap;
use crate::support::{App, Page};

/// Everything that must not be seen, by a name for the message of a failure.
#[derive(Default)]
pub(super) struct Secrets(BTreeMap<String, String>);

impl Secrets {
    pub(super) fn add(&mut self, name: &str, value: &str) {
        // What is shorter would be found by chance.
        if value.len() >= 16 {
            self.0.insert(value.to_owned(), name.to_owned());
        }
    }

    /// The value as it is, and as it travels: percent-encoded, in base64.
    fn add_in_all_forms(&mut self, name: &str, value: &str) {
        self.add(name, value);
        let encoded = form_urlencoded::byte_serialize(value.as_bytes()).collect::<String>();
        self.add(name, &encoded);
        self.add(name, &STANDARD_NO_PAD.encode(value));
        self.add(name, &URL_SAFE_NO_PAD.encode(value));
    }

    fn add_query(&mut self, url: &Url) {
        for (name, value) in url.query_pairs() {
            if matches!(
                &*name,
                "code" | "state" | "nonce" | "code_challenge" | "id_token_hint"
            ) {
                self.add_in_all_forms(&name, &value);
            }
        }
    }

    /// What went over the browser's wires.
    pub(super) fn add_page(&mut self, page: &Page) {
        for hop in &page.hops {
            self.add_query(&hop.url);
            for (line, _) in &hop.set_cookies {
                let (name, rest) = line.split_once('=').unwrap();
                let value = rest.split(';').next().unwrap();
                self.add_in_all_forms(&format!("cookie {name}"), value);
            }
        }
        if let Some(location) = page.location() {
            self.add_query(&location);
        }
    }

    /// What went over the wire to the provider.
    pub(super) fn add_calls(&mut self, tap: &Wiretap) {
        for call in tap.calls("/token") {
            self.add(
                "credentials",
                call.authorization.trim_start_matches("Basic "),
            );
            for (name, value) in form_urlencoded::parse(call.request.as_bytes()) {
                if matches!(
                    &*name,
                    "code" | "code_verifier" | "client_secret" | "refresh_token"
                ) {
                    self.add_in_all_forms(&name, &value);
                }
            }
            let answer: serde_json::Value = serde_json::from_str(&call.answer).unwrap_or_default();
            for name in ["access_token", "id_token", "refresh_token"] {
                if let Some(value) = answer[name].as_str() {
                    self.add_jwt(name, value);
                }
            }
        }
    }

    /// What went over the wire to Mosaic.
    pub(super) fn add_mosaic_calls(&mut self, tap: &Wiretap) {
        for call in tap.all_calls() {
            let bearer = call.authorization.trim_start_matches("Bearer ");
            self.add_jwt("client token", bearer);
            for (name, value) in form_urlencoded::parse(call.request.as_bytes()) {
                if name == "client_secret" {
                    self.add_in_all_forms("client secret", &value);
                }
            }
            for text in [&call.request, &call.answer] {
                let body: serde_json::Value = serde_json::from_str(text).unwrap_or_default();
                for name in ["session_id", "password", "code", "refresh_token"] {
                    if let Some(value) = body[name].as_str() {
                        self.add_in_all_forms(name, value);
                    }
                }
                for name in ["access_token", "id_token"] {
                    self.add_jwt(name, body[name].as_str().unwrap_or_default());
                }
            }
        }
    }

    fn add_jwt(&mut self, name: &str, value: &str) {
        self.add_in_all_forms(name, value);
        for part in value.split('.') {
            self.add(&format!("part of {name}"), part);
        }
    }

    /// All but one, for pages of the app's own that show all claims.
    pub(super) fn but(&self, name: &str) -> Self {
        let mut others = self.0.clone();
        others.retain(|_, own| own != name);
        Self(others)
    }

    pub(super) fn has(&self, name: &str) -> bool {
        self.0.values().any(|own| own == name)
    }

    pub(super) fn assert_absent(&self, text: &str, place: &str) {
        for (value, name) in &self.0 {
            if let Some(at) = text.find(value.as_str()) {
                let from = text[..at]
                    .char_indices()
                    .rev()
                    .nth(200)
                    .map_or(0, |(at, _)| at);
                panic!(
                    "the {name} is in {place}: …{}",
                    &text[from..at + value.len()]
                );
            }
        }
    }
}

/// All that is logged at TRACE on this thread, while it lives.
#[derive(Clone, Default)]
pub(super) struct Log(Arc<Mutex<Vec<u8>>>);

impl Log {
    pub(super) fn listen(&self) -> tracing::subscriber::DefaultGuard {
        LazyLock::force(&SECOND);
        // What libraries write by the `log` crate counts as well.
        let _ = tracing_log::LogTracer::init();
        let log = self.clone();
        let subscriber = tracing_subscriber::fmt()
            .with_writer((move || log.clone()).with_max_level(tracing::Level::TRACE))
            .with_max_level(tracing::Level::TRACE)
            .with_span_events(FmtSpan::FULL)
            .with_ansi(false)
            .finish();
        tracing::subscriber::set_default(subscriber)
    }

    pub(super) fn text(&self) -> String {
        String::from_utf8_lossy(&self.0.lock().unwrap()).into_owned()
    }
}

/// While there is one subscriber only, tracing asks the thread that meets an event first whether anybody
/// wants it, and that may be another test's.
static SECOND: LazyLock<tracing::Dispatch> =
    LazyLock::new(|| tracing::Dispatch::new(tracing_subscriber::registry()));

impl io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

const KEY: &[u8; 32] = b"0b2f4a7de98c15367bd0a1cf5e8364f2";

pub(super) fn key() -> CookieKey {
    CookieKey::new(*KEY).unwrap()
}

pub(super) fn known_secrets() -> Secrets {
    let mut secrets = Secrets::default();
    secrets.add("client secret", App::SECRET);
    let encoded = form_urlencoded::byte_serialize(App::SECRET.as_bytes()).collect::<String>();
    secrets.add("client secret", &encoded);
    secrets.add("cookie key", std::str::from_utf8(KEY).unwrap());
    secrets.add("cookie key", &STANDARD.encode(KEY));
    secrets.add(
        "cookie key",
        &format!("{:?}", &KEY[..4]).replace(['[', ']'], ""),
    );
    secrets
}
