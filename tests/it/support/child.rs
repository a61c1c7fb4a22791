//! Programs that a test needs beside itself.

use std::io::Write;
use std::net::TcpListener;
use std::process::Child;

/// A child process that does not outlive its test.
#[derive(Debug)]
pub(crate) struct Owned(pub(crate) Child);

impl Drop for Owned {
    fn drop(&mut self) {
        // It may have ended by itself; then there is nothing to do.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Says that a test can't run here, past the capture of the test's output so that `tests/run`
/// counts it.
///
/// # Panics
/// With `CI=true`: there everything must be installed.
pub(crate) fn missing(what: &str) {
    assert!(
        !is_ci(),
        "{what} is missing, and CI=true allows no skipped test"
    );
    let _ = writeln!(std::io::stderr(), "skipped: {what} is missing");
}

fn is_ci() -> bool {
    std::env::var("CI").is_ok_and(|value| value == "true")
}

/// A port that nobody listened on a moment ago.
pub(crate) fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().port()
}
