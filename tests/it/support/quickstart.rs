//! The quickstart as a newcomer runs it: the built example, as a process of its own.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use super::child::{Owned, free_port, missing};
use super::provider_process::ProviderProcess;

/// A running quickstart; it ends when this is dropped.
#[derive(Debug)]
pub(crate) struct Quickstart {
    pub(crate) url: String,
    /// Where its simulator is, if it runs one.
    pub(crate) simulator: Option<String>,
    log: Arc<Mutex<String>>,
    _child: Owned,
}

impl Quickstart {
    /// With its own simulator, both on free ports; `None` where the example is not built.
    pub(crate) fn start(variables: &[(&str, &str)]) -> Option<Self> {
        let own = [
            ("SSO_LISTEN", "127.0.0.1:0"),
            ("SSO_DEMO_SIMULATOR_LISTEN", "127.0.0.1:0"),
        ];
        Self::spawn(&[own.as_slice(), variables].concat())
    }

    /// With the provider at `issuer`, under `base_url`, whose port must be free.
    pub(crate) fn with_provider(
        issuer: &str,
        base_url: &str,
        variables: &[(&str, &str)],
    ) -> Option<Self> {
        let (_, port) = base_url.rsplit_once(':').unwrap();
        let listen = format!("127.0.0.1:{port}");
        let secret = ProviderProcess::secret("app");
        let own = [
            ("SSO_LISTEN", listen.as_str()),
            ("SSO_ISSUER", issuer),
            ("SSO_CLIENT_ID", "app"),
            ("SSO_CLIENT_SECRET", &secret),
            ("SSO_BASE_URL", base_url),
        ];
        Self::spawn(&[own.as_slice(), variables].concat())
    }

    /// A base URL for [`Self::with_provider`], which the provider has to know before the app starts.
    pub(crate) fn free_url(host: &str) -> String {
        format!("http://{host}:{}", free_port())
    }

    fn spawn(variables: &[(&str, &str)]) -> Option<Self> {
        let program = program();
        if !program.is_file() {
            missing("the quickstart (cargo build --example quickstart, or a whole cargo test)");
            return None;
        }
        assert_fresh(&program);
        let inherited = std::env::vars_os().filter(|(name, _)| {
            let name = name.to_string_lossy();
            !name.starts_with("SSO_") && name != "RUST_LOG"
        });
        let child = Command::new(program)
            .env_clear()
            .envs(inherited)
            .env("RUST_LOG", "tower_sso=trace")
            .envs(variables.iter().copied())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::inherit())
            .spawn();
        let mut child = Owned(child.unwrap());
        let mut lines = BufReader::new(child.0.stdout.take().unwrap())
            .lines()
            .map_while(Result::ok);
        let mut simulator = None;
        let url = lines.find_map(|line| {
            if let Some((_, issuer)) = line.split_once("a simulated provider, ") {
                simulator = Some(issuer.to_owned());
            }
            line.strip_prefix("open ").map(str::to_owned)
        });
        let log: Arc<Mutex<String>> = Arc::default();
        let kept = Arc::clone(&log);
        // Left unread, a full pipe would stop the app.
        std::thread::spawn(move || {
            lines.for_each(|line| kept.lock().unwrap().push_str(&(line + "\n")));
        });
        Some(Self {
            url: url.unwrap_or_else(|| panic!("the quickstart does not start")),
            simulator,
            log,
            _child: child,
        })
    }

    pub(crate) fn at(&self, path: &str) -> String {
        format!("{}{path}", self.url)
    }

    /// What it has written, with every event of this crate, once `last` stands there.
    ///
    /// # Panics
    /// If that does not come.
    pub(crate) async fn log_until(&self, last: &str) -> String {
        let read = async {
            loop {
                let log = self.log.lock().unwrap().clone();
                if log.contains(last) {
                    return log;
                }
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        let log = tokio::time::timeout(Duration::from_secs(10), read).await;
        log.unwrap_or_else(|_| panic!("no {last} in the log: {:?}", self.log))
    }
}

/// Cargo puts examples beside the folder of the test's own binary.
fn program() -> PathBuf {
    let own = std::env::current_exe().unwrap();
    let profile = own.parent().and_then(|deps| deps.parent()).unwrap();
    profile
        .join("examples/quickstart")
        .with_extension(std::env::consts::EXE_EXTENSION)
}

/// `cargo test --test it` builds no examples: what was tested then would be yesterday's code.
///
/// # Panics
/// If the program is older than a file that it is made of, as cargo has noted beside it.
fn assert_fresh(program: &Path) {
    let built = program.metadata().unwrap().modified().unwrap();
    let noted = std::fs::read_to_string(program.with_extension("d")).unwrap();
    let (_, sources) = noted.trim_end().split_once(": ").unwrap();
    // As in a makefile, a backslash stands before a space that is part of a name.
    for source in sources.replace("\\ ", "\0").split(' ') {
        let source = source.replace('\0', " ");
        let changed = Path::new(&source)
            .metadata()
            .and_then(|file| file.modified());
        assert!(
            changed.is_ok_and(|changed| changed <= built),
            "the quickstart is older than {source}: build it again (cargo build --example quickstart \
             --features simulator,test-util)"
        );
    }
}
