//! Webhooks: calls by which Scalekit tells of changes, signed with a secret of the endpoint.
//!
//! 1. The signature is over the raw bytes: read the body as bytes, and parse it after the check.
//! 2. A header that is missing or comes twice is refused.
//! 3. The time must be within five minutes of ours, both ways.
//! 4. Within that time each message counts once.
//!
//! What is right counts, who sent it does not: nothing else protects the route, and it needs no session.

mod event;
mod secret;
mod seen;
mod signature;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use http::HeaderMap;

pub use event::WebhookEvent;
pub use secret::WebhookSecret;
pub use seen::SeenWebhooks;
pub use signature::{Verified, verify_webhook};

use event::LARGEST;
use seen::SeenInMemory;
use signature::TOLERANCE;

use crate::clock::{Clock, SystemClock};
use crate::{Error, Result};

/// The receiver of webhooks. Cheap to clone, and the clones remember the same messages.
///
/// A message counts from when it was received. Servers drop a handler whose client hangs up: put work that takes a while
/// into a queue or a task of its own, or it is lost in the middle, and what Scalekit sends again is
/// [`Again`](Received::Again).
///
/// ```
/// use axum::body::Bytes;
/// use axum::http::{HeaderMap, StatusCode};
/// use tower_sso::vendor::scalekit::{Received, WebhookEvent, WebhookSecret, Webhooks};
///
/// async fn receive(webhooks: Webhooks, headers: HeaderMap, body: Bytes) -> StatusCode {
///     match webhooks.receive(&headers, &body).await {
///         Ok(Received::New { event, message }) => match work(&event).await {
///             Ok(()) => StatusCode::OK,
///             Err(()) => {
///                 // Scalekit sends it again, and then it must count.
///                 let _ = webhooks.release(&message).await;
///                 StatusCode::INTERNAL_SERVER_ERROR
///             }
///         },
///         Ok(Received::Again { .. }) => StatusCode::OK,
///         Err(error) if error.is_temporary() => StatusCode::SERVICE_UNAVAILABLE,
///         Err(_) => StatusCode::UNAUTHORIZED,
///     }
/// }
/// # async fn work(_: &WebhookEvent) -> Result<(), ()> { Ok(()) }
///
/// # fn main() -> tower_sso::Result<()> {
/// let webhooks = Webhooks::new([WebhookSecret::parse("whsec_c2l4dGVlbi1ieXRlcy1vci1tb3Jl")?])?;
/// # let _ = (webhooks, receive);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct Webhooks {
    secrets: Arc<[WebhookSecret]>,
    clock: Arc<dyn Clock>,
    seen: Arc<dyn SeenWebhooks>,
}

/// A webhook that comes from Scalekit.
#[derive(Clone, Debug, PartialEq)]
#[must_use = "it may have come before"]
pub enum Received {
    /// It came for the first time.
    New {
        /// What it tells.
        event: WebhookEvent,
        /// Its id and time.
        message: Verified,
    },
    /// It came before. Answer 200 and do nothing: anything else has it sent again.
    Again {
        /// Its id and time.
        message: Verified,
    },
}

impl Webhooks {
    /// A receiver that knows these secrets: one, or two while they are rotated.
    ///
    /// # Errors
    /// [`ErrorKind::Configuration`](crate::ErrorKind::Configuration): there is none.
    pub fn new(secrets: impl IntoIterator<Item = WebhookSecret>) -> Result<Self> {
        let secrets: Arc<[_]> = secrets.into_iter().collect();
        if secrets.is_empty() {
            return Err(Error::configuration("there is no webhook secret"));
        }
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        Ok(Self {
            secrets,
            seen: Arc::new(SeenInMemory::new(Arc::clone(&clock))),
            clock,
        })
    }

    /// Where the ids are remembered, in the place of this process's memory.
    #[must_use]
    pub fn with_seen(mut self, seen: Arc<dyn SeenWebhooks>) -> Self {
        self.seen = seen;
        self
    }

    /// Another clock, and nothing in memory. A place of one's own for the ids is named after it.
    #[must_use]
    pub fn with_clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.seen = Arc::new(SeenInMemory::new(Arc::clone(&clock)));
        self.clock = clock;
        self
    }

    /// Checks a webhook, reads it, and takes note of it.
    ///
    /// # Errors
    /// [`ErrorKind::Request`](crate::ErrorKind::Request): as [`verify_webhook`]; answer 401.
    /// [`ErrorKind::Provider`](crate::ErrorKind::Provider): as [`WebhookEvent::parse`].
    /// [`ErrorKind::Store`](crate::ErrorKind::Store): whether it is new can't be known; answer 503.
    pub async fn receive(&self, headers: &HeaderMap, raw_body: &[u8]) -> Result<Received> {
        if raw_body.len() > LARGEST {
            return Err(Error::request("the webhook is too large"));
        }
        let now = self.clock.now();
        let message = verify_webhook(&self.secrets, headers, raw_body, now)?;
        let event = WebhookEvent::parse(raw_body)?;
        let until = message.at.plus(TOLERANCE);
        if self.seen.claim(&message.id, until).await? {
            Ok(Received::New { event, message })
        } else {
            Ok(Received::Again { message })
        }
    }

    /// Forgets a message whose work failed, so that it counts when Scalekit sends it again.
    ///
    /// # Errors
    /// [`ErrorKind::Store`](crate::ErrorKind::Store): as [`SeenWebhooks::release`].
    pub async fn release(&self, message: &Verified) -> Result<()> {
        self.seen.release(&message.id).await
    }
}
