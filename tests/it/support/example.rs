//! A built example as a newcomer runs it: a process of its own.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use super::child::{Owned, missing};

/// A running example; it ends when this is dropped.
#[derive(Debug)]
pub(crate) struct Example {
    name: &'static str,
    log: Arc<Mutex<String>>,
    _child: Owned,
}

impl Example {
    /// Starts it with these variables and none of the caller's, and reads what it says until `last` is content.
    /// `None` where the example is not built.
    pub(crate) fn start(
        name: &'static str,
        variables: &[(&str, &str)],
        mut last: impl FnMut(&str) -> bool,
    ) -> Option<Self> {
        let program = program(name);
        if !program.is_file() {
            missing(&format!(
                "{name} (cargo build --example {name}, or a whole cargo test)"
            ));
            return None;
        }
        assert_fresh(&program, name);
        let inherited = std::env::vars_os().filter(|(name, _)| {
            let name = name.to_string_lossy();
            let own = ["SSO_", "MOSAIC_", "SCALEKIT_"];
            !own.iter().any(|prefix| name.starts_with(prefix)) && name != "RUST_LOG"
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
        assert!(lines.any(|line| last(&line)), "{name} does not start");
        let log: Arc<Mutex<String>> = Arc::default();
        let kept = Arc::clone(&log);
        // Left unread, a full pipe would stop the app.
        std::thread::spawn(move || {
            lines.for_each(|line| kept.lock().unwrap().push_str(&(line + "\n")));
        });
        Some(Self {
            name,
            log,
            _child: child,
        })
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
        log.unwrap_or_else(|_| panic!("no {last} in the log of {}: {:?}", self.name, self.log))
    }
}

/// Cargo puts examples beside the folder of the test's own binary.
fn program(name: &str) -> PathBuf {
    let own = std::env::current_exe().unwrap();
    let profile = own.parent().and_then(|deps| deps.parent()).unwrap();
    profile
        .join("examples")
        .join(name)
        .with_extension(std::env::consts::EXE_EXTENSION)
}

/// `cargo test --test it` builds no examples: what was tested then would be yesterday's code.
///
/// # Panics
/// If the program is older than a file that it is made of, as cargo has noted beside it.
fn assert_fresh(program: &Path, name: &str) {
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
            "{name} is older than {source}: build it again (cargo build --example {name} \
             --features mosaic,scalekit,simulator,test-util)"
        );
    }
}
