//! The admin portal's links and sessions.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use crate::clock::SecondsSinceEpoch;
use crate::crypto::random_token;

/// How long a link can be opened.
const LINK_LIFETIME: Duration = Duration::from_secs(60);
/// How long what a link opened can be used.
pub(super) const SESSION_LIFETIME: Duration = Duration::from_secs(6 * 3600);

/// What a link lets an administrator do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Features {
    pub(super) sso: bool,
    pub(super) dir_sync: bool,
}

impl Features {
    /// None named is all; `None` for one that there is not.
    pub(super) fn read<'a>(names: impl Iterator<Item = &'a str>) -> Option<Self> {
        let mut features = Self {
            sso: false,
            dir_sync: false,
        };
        for name in names {
            match name {
                "sso" => features.sso = true,
                "dir_sync" => features.dir_sync = true,
                _ => return None,
            }
        }
        if !features.sso && !features.dir_sync {
            (features.sso, features.dir_sync) = (true, true);
        }
        Some(features)
    }
}

/// Of whom, and what for.
#[derive(Clone, Debug)]
pub(super) struct Scope {
    pub(super) organization: String,
    pub(super) features: Features,
    pub(super) ends_at: SecondsSinceEpoch,
}

/// Why there is no portal to show.
#[derive(Clone, Debug)]
pub(super) enum Closed {
    Unknown,
    /// The link was used or is over, or the session is: of this organization.
    Over(Scope),
}

/// All links and sessions.
#[derive(Debug, Default)]
pub(super) struct Portals {
    links: HashMap<String, Scope>,
    spent: HashMap<String, Scope>,
    sessions: HashMap<String, Scope>,
    /// The organizations whose directory is synchronized.
    directories: HashSet<String>,
}

impl Portals {
    pub(super) fn link(
        &mut self,
        organization: &str,
        features: Features,
        now: SecondsSinceEpoch,
    ) -> (String, SecondsSinceEpoch) {
        // What is over is remembered as long as a session, so that its page can say so.
        for scopes in [&mut self.links, &mut self.spent, &mut self.sessions] {
            scopes.retain(|_, scope| now < scope.ends_at.plus(SESSION_LIFETIME));
        }
        let ends_at = now.plus(LINK_LIFETIME);
        let scope = Scope {
            organization: organization.to_owned(),
            features,
            ends_at,
        };
        let token = random_token();
        self.links.insert(token.clone(), scope);
        (token, ends_at)
    }

    /// Opens a link, which then can't be opened again.
    pub(super) fn open(
        &mut self,
        token: &str,
        now: SecondsSinceEpoch,
    ) -> Result<(String, Scope), Closed> {
        let Some(mut scope) = self.links.remove(token) else {
            let spent = self.spent.get(token).cloned();
            return Err(spent.map_or(Closed::Unknown, Closed::Over));
        };
        self.spent.insert(token.to_owned(), scope.clone());
        if now >= scope.ends_at {
            return Err(Closed::Over(scope));
        }
        scope.ends_at = now.plus(SESSION_LIFETIME);
        let id = random_token();
        self.sessions.insert(id.clone(), scope.clone());
        Ok((id, scope))
    }

    pub(super) fn session(&self, id: &str, now: SecondsSinceEpoch) -> Result<Scope, Closed> {
        let scope = self.sessions.get(id).cloned().ok_or(Closed::Unknown)?;
        if now < scope.ends_at {
            Ok(scope)
        } else {
            Err(Closed::Over(scope))
        }
    }

    pub(super) fn has_directory(&self, organization: &str) -> bool {
        self.directories.contains(organization)
    }

    pub(super) fn set_directory(&mut self, organization: &str, enabled: bool) {
        if enabled {
            self.directories.insert(organization.to_owned());
        } else {
            self.directories.remove(organization);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn features_are_the_two() {
        let read = |names: &[&'static str]| {
            let features = Features::read(names.iter().copied())?;
            Some((features.sso, features.dir_sync))
        };
        assert_eq!(read(&["sso"]), Some((true, false)));
        assert_eq!(read(&["dir_sync"]), Some((false, true)));
        assert_eq!(read(&["sso", "dir_sync"]), Some((true, true)));
        assert_eq!(read(&[]), Some((true, true)));
        assert_eq!(read(&["sso", "billing"]), None);
    }
}
