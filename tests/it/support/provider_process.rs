//! npm `oidc-provider` as a process of its own: a provider that knows nothing of this crate.

use std::io::{BufRead, BufReader, ErrorKind, Write};
use std::path::Path;
use std::process::{ChildStdin, ChildStdout, Command, Stdio};
use std::sync::Mutex;

use serde_json::{Value, json};

use super::browser::{Fetch, Page};
use super::child::{Owned, missing};

const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/oidc-provider");

/// A running provider; it ends when this is dropped.
#[derive(Debug)]
pub(crate) struct ProviderProcess {
    port: u16,
    host: String,
    pipes: Mutex<Pipes>,
    _child: Owned,
}

#[derive(Debug)]
struct Pipes {
    commands: ChildStdin,
    answers: BufReader<ChildStdout>,
}

/// Who signs in at the provider's page, and how.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Account {
    pub(crate) name: &'static str,
    /// Empty for none.
    pub(crate) acr: &'static str,
    pub(crate) amr: &'static [&'static str],
}

impl Account {
    pub(crate) const ALICE: Self = Self {
        name: "alice",
        acr: "",
        amr: &["pwd"],
    };
    pub(crate) const BOB: Self = Self {
        name: "bob",
        ..Self::ALICE
    };

    /// The same person with a class of authentication.
    pub(crate) const fn with_acr(self, acr: &'static str) -> Self {
        Self { acr, ..self }
    }

    /// The same person with other methods.
    pub(crate) const fn with_amr(self, amr: &'static [&'static str]) -> Self {
        Self { amr, ..self }
    }
}

impl ProviderProcess {
    /// Starts it on a free port under `host` (`127.0.0.1`, `idp.localhost`) with the given clients'
    /// metadata; `None` where node or its packages are not installed.
    pub(crate) fn start(host: &str, clients: &Value) -> Option<Self> {
        if !Path::new(FOLDER).join("node_modules").is_dir() {
            missing("oidc-provider (run tests/run, or npm ci in tests/oidc-provider)");
            return None;
        }
        let started = Command::new("node")
            .arg("server.mjs")
            .current_dir(FOLDER)
            .env_remove("PORT")
            .env("NODE_NO_WARNINGS", "1")
            .env("ISSUER", format!("http://{host}:{{port}}"))
            .env("CLIENTS", clients.to_string())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn();
        let mut child = match started {
            Ok(child) => Owned(child),
            Err(error) if error.kind() == ErrorKind::NotFound => {
                missing("node");
                return None;
            }
            Err(error) => panic!("node does not start: {error}"),
        };
        let mut pipes = Pipes {
            commands: child.0.stdin.take().unwrap(),
            answers: BufReader::new(child.0.stdout.take().unwrap()),
        };
        let ready = pipes.answer();
        let port = ready
            .strip_prefix("ready ")
            .and_then(|port| port.parse().ok());
        Some(Self {
            port: port.unwrap_or_else(|| panic!("oidc-provider did not start: {ready:?}")),
            host: host.to_owned(),
            pipes: Mutex::new(pipes),
            _child: child,
        })
    }

    /// One confidential client for an app at `base_url`, as `SSO_CLIENT_ID` and so on name it.
    pub(crate) fn client(id: &str, base_url: &str) -> Value {
        json!({
            "client_id": id,
            "client_secret": Self::secret(id),
            "redirect_uris": [format!("{base_url}/auth/callback")],
            "post_logout_redirect_uris": [format!("{base_url}/auth/logged-out")],
            "grant_types": ["authorization_code", "refresh_token"],
        })
    }

    /// The secret of a client that [`Self::client`] describes.
    pub(crate) fn secret(id: &str) -> String {
        format!("{id}-secret-of-thirty-two-characters")
    }

    pub(crate) fn issuer(&self) -> String {
        format!("http://{}:{}", self.host, self.port)
    }

    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    /// New signing keys come first; the old ones stay published.
    pub(crate) fn rotate_keys(&self) {
        assert_eq!(self.command("rotate"), "rotated");
    }

    /// New signing keys only.
    pub(crate) fn replace_keys(&self) {
        assert_eq!(self.command("rotate drop"), "rotated");
    }

    /// Replaces the clients, for apps whose port is known late.
    pub(crate) fn set_clients(&self, clients: &Value) {
        assert_eq!(self.command(&format!("clients {clients}")), "replaced");
    }

    /// Keeps `email`, `name` and so on out of ID tokens, as OpenID Connect Core section 5.4 has it.
    pub(crate) fn give_claims_by_userinfo_only(&self) {
        assert_eq!(self.command("claims userinfo"), "given by userinfo");
    }

    /// Marks all refresh tokens as used, as if somebody had stolen them.
    pub(crate) fn use_refresh_tokens(&self) {
        assert_eq!(self.command("consume"), "consumed");
    }

    /// How many pages a person was shown: sign-in, consent, sign-out.
    pub(crate) fn pages_shown(&self) -> u64 {
        self.count("pages")
    }

    /// How many authorization requests came with `prompt=none`.
    pub(crate) fn asked_silently(&self) -> u64 {
        self.count("silent")
    }

    fn count(&self, name: &str) -> u64 {
        let counts: Value = serde_json::from_str(&self.command("counts")).unwrap();
        counts[name].as_u64().unwrap()
    }

    /// Fills in the login page as `account` and goes on.
    ///
    /// # Panics
    /// If `page` is not the provider's login page.
    pub(crate) fn sign_in(page: &Page, account: Account) -> Fetch {
        let mut form = page.form("login").untick("amr").fill("user", account.name);
        form = form.fill("acr", account.acr);
        for method in account.amr {
            form = form.fill("amr", method);
        }
        page.submit(&form.press("Continue"))
    }

    fn command(&self, line: &str) -> String {
        let mut pipes = self.pipes.lock().unwrap();
        writeln!(pipes.commands, "{line}").unwrap();
        pipes.answer()
    }
}

impl Pipes {
    fn answer(&mut self) -> String {
        let mut line = String::new();
        self.answers.read_line(&mut line).unwrap();
        line.trim_end().to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::super::browser::Browser;
    use super::*;

    const CALLBACK: &str = "https://app.example.com/auth/callback";

    /// RFC 7636 appendix B.
    const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

    fn authorization(idp: &ProviderProcess, extra: &str) -> String {
        format!(
            "{}/auth?client_id=app&response_type=code&scope=openid&redirect_uri={CALLBACK}\
             &state=s&nonce=n&code_challenge={CHALLENGE}&code_challenge_method=S256{extra}",
            idp.issuer()
        )
    }

    fn start(host: &str) -> Option<ProviderProcess> {
        let client = ProviderProcess::client("app", "https://app.example.com");
        ProviderProcess::start(host, &json!([client]))
    }

    #[tokio::test]
    async fn a_person_signs_in_once_steps_up_and_is_remembered() {
        let Some(idp) = start("idp.localhost") else {
            return;
        };
        let browser = Browser::new();
        let page = browser.visit(&authorization(&idp, "")).await;
        let back = ProviderProcess::sign_in(&page, Account::ALICE)
            .stop_before(CALLBACK)
            .await;
        let answer = back.location().unwrap();
        assert!(answer.query().unwrap().contains("code="), "{answer}");
        idp.rotate_keys();
        let again = browser.visit(&authorization(&idp, "&prompt=none"));
        let answer = again.stop_before(CALLBACK).await.location().unwrap();
        assert!(answer.query().unwrap().contains("code="), "{answer}");
        let gold = "&acr_values=urn:example:gold";
        let page = browser.visit(&authorization(&idp, gold)).await;
        assert_eq!(
            page.form("login").value("acr").as_deref(),
            Some("urn:example:gold")
        );
        let account = Account::ALICE.with_acr("urn:example:gold");
        let back = ProviderProcess::sign_in(&page, account)
            .stop_before(CALLBACK)
            .await;
        assert!(back.location().unwrap().query().unwrap().contains("code="));
    }

    #[tokio::test]
    async fn form_post_answers_by_a_form() {
        let Some(idp) = start("127.0.0.1") else {
            return;
        };
        let browser = Browser::new();
        let page = browser
            .visit(&authorization(&idp, "&response_mode=form_post"))
            .await;
        let posting = ProviderProcess::sign_in(&page, Account::BOB).await;
        let form = posting.only_form();
        assert_eq!(
            (form.method.as_str(), form.action.as_str()),
            ("POST", CALLBACK)
        );
        assert!(form.value("code").is_some());
        assert_eq!(form.value("iss"), Some(idp.issuer()));
    }

    #[tokio::test]
    async fn keys_rotate_with_and_without_the_old_ones() {
        let Some(idp) = start("127.0.0.1") else {
            return;
        };
        let browser = Browser::new();
        let jwks = format!("{}/jwks", idp.issuer());
        let count = async || {
            browser.visit(&jwks).await.json()["keys"]
                .as_array()
                .unwrap()
                .len()
        };
        assert_eq!(count().await, 3);
        idp.rotate_keys();
        assert_eq!(count().await, 6);
        idp.replace_keys();
        assert_eq!(count().await, 3);
    }
}
