//! Cookies that some answer has to bring to a browser.

use std::fmt;
use std::future::Future;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use futures_core::future::BoxFuture;
use tower_cookies::Cookie;
use tracing::Instrument as _;

use super::Context;
use super::context::Common;
use crate::session::sessions::NewSession;

/// Cookies for the first answer that takes them. A session whose cookie no answer took is undone: nobody
/// could use it, and it may have taken the place of one that the browser still has.
#[derive(Clone)]
pub(crate) struct Carried(Arc<Inner>);

struct Inner {
    cookies: Mutex<Vec<Cookie<'static>>>,
    /// Until the cookies are taken.
    pending: Mutex<Option<Pending>>,
    common: Weak<Common>,
}

/// What is open until an answer leaves with the cookies.
struct Pending {
    made: Box<NewSession>,
    /// What is to be done when one does.
    then: Option<BoxFuture<'static, ()>>,
}

impl Carried {
    /// With a session that was just made, the cookie of which is one of them. `then` is done when an answer takes
    /// them.
    pub(crate) fn with_session(
        context: &Arc<Context>,
        made: Box<NewSession>,
        mut cookies: Vec<Cookie<'static>>,
        then: Option<BoxFuture<'static, ()>>,
    ) -> Self {
        cookies.push(made.cookie.clone());
        Self(Arc::new(Inner {
            cookies: Mutex::new(cookies),
            pending: Mutex::new(Some(Pending { made, then })),
            common: Arc::downgrade(&context.common),
        }))
    }

    /// Without a session.
    pub(crate) fn only(cookies: Vec<Cookie<'static>>) -> Self {
        Self(Arc::new(Inner {
            cookies: Mutex::new(cookies),
            pending: Mutex::new(None),
            common: Weak::new(),
        }))
    }

    /// The cookies, for an answer that is about to leave; nothing if another one has them.
    pub(crate) fn take(&self) -> Vec<Cookie<'static>> {
        let pending = held(&self.0.pending).take();
        if let Some(then) = pending.and_then(|pending| pending.then) {
            later(then);
        }
        std::mem::take(&mut *held(&self.0.cookies))
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        let pending = held(&self.pending).take();
        if let (Some(pending), Some(common)) = (pending, self.common.upgrade()) {
            later(async move { undo(&common, &pending.made).await });
        }
    }
}

fn held<T>(it: &Mutex<T>) -> MutexGuard<'_, T> {
    it.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Does what nobody waits for. Without a runtime the process is at its end.
pub(super) fn later(work: impl Future<Output = ()> + Send + 'static) {
    if let Ok(runtime) = tokio::runtime::Handle::try_current() {
        runtime.spawn(work.in_current_span());
    }
}

async fn undo(common: &Common, made: &NewSession) {
    if let Err(error) = common.sessions.take_back(made).await {
        tracing::warn!(%error, "a session that nobody has could not be removed");
    }
}

impl fmt::Debug for Carried {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Carried").finish_non_exhaustive()
    }
}
