//! Sessions: what they hold, how long they live, how a browser carries them and where they are kept.

pub(crate) mod access_token;
pub(crate) mod cookie;
pub mod directory;
pub(crate) mod handle_cookie;
mod lifetime;
pub(crate) mod login_state;
mod record;
mod remembered;
mod return_to;
#[expect(
    clippy::module_inception,
    reason = "a file bears the name of the thing in it"
)]
pub(crate) mod session;
pub(crate) mod sessions;
pub mod store;
pub(crate) mod user;

pub use lifetime::Lifetime;
pub use record::{Record, SessionKey, StepUpMark, Tokens};
pub use return_to::ReturnTo;
// The front door exports these three.
pub(crate) use access_token::AccessToken;
pub(crate) use session::Session;
pub(crate) use user::User;
