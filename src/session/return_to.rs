//! Where a browser goes back to after a sign-in.

use std::fmt;

/// A path (and query) on our own origin, that a strict parser accepted.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ReturnTo(Box<str>);

impl ReturnTo {
    /// Reads a return URL; `None` for anything that is not plainly a path on our own origin.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let _ = text;
        unimplemented!()
    }

    /// The root of the origin, `/`: where everything goes that the parser refuses.
    #[must_use]
    pub fn root() -> Self {
        Self("/".into())
    }

    /// The path and query.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The same without its query, for where space is short.
    #[must_use]
    pub fn path_only(&self) -> Self {
        Self(self.0.split('?').next().unwrap_or("/").into())
    }
}

impl fmt::Display for ReturnTo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
