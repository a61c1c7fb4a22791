//! Cookies that some answer has to bring to a browser.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError, Weak};

use tower_cookies::Cookie;

use super::Context;
use crate::session::sessions::NewSession;

/// Cookies for the first answer that takes them. A session whose cookie no answer took is undone: nobody
/// could use it, and it may have taken the place of one that the browser still has.
#[derive(Clone)]
pub(crate) struct Carried(Arc<Inner>);

struct Inner {
    cookies: Mutex<Vec<Cookie<'static>>>,
    /// Until the cookies are taken.
    made: Mutex<Option<Box<NewSession>>>,
    context: Weak<Context>,
}

impl Carried {
    /// With a session that was just made; its own cookie is one of them.
    pub(crate) fn with_session(
        context: &Arc<Context>,
        made: Box<NewSession>,
        mut cookies: Vec<Cookie<'static>>,
    ) -> Self {
        cookies.push(made.cookie.clone());
        Self(Arc::new(Inner {
            cookies: Mutex::new(cookies),
            made: Mutex::new(Some(made)),
            context: Arc::downgrade(context),
        }))
    }

    /// Without a session.
    pub(crate) fn only(cookies: Vec<Cookie<'static>>) -> Self {
        Self(Arc::new(Inner {
            cookies: Mutex::new(cookies),
            made: Mutex::new(None),
            context: Weak::new(),
        }))
    }

    /// The cookies, for an answer that is about to leave; nothing if another one has them.
    pub(crate) fn take(&self) -> Vec<Cookie<'static>> {
        let mut made = self.0.made.lock().unwrap_or_else(PoisonError::into_inner);
        *made = None;
        let mut cookies = self
            .0
            .cookies
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        std::mem::take(&mut *cookies)
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        let made = self.made.get_mut().unwrap_or_else(PoisonError::into_inner);
        let (Some(made), Some(context)) = (made.take(), self.context.upgrade()) else {
            return;
        };
        let Ok(runtime) = tokio::runtime::Handle::try_current() else {
            return;
        };
        runtime.spawn(async move {
            if let Err(error) = context.sessions.take_back(&made).await {
                tracing::warn!(%error, "a session that nobody has could not be removed");
            }
        });
    }
}

impl fmt::Debug for Carried {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Carried").finish_non_exhaustive()
    }
}
