//! Who may pass: a [`Policy`] judges a [`Session`](crate::Session) and answers a [`Verdict`]. Pure: no I/O,
//! no clock.
//!
//! 1. No session, or one whose clocks have run out, is [`Verdict::SignIn`].
//! 2. What an authentication can mend (multi-factor, `amr`, `acr`, `max_age`) is [`Verdict::StepUp`].
//! 3. What it can't (scope, role, claim, attribute, organization, connection) is
//!    [`Verdict::Forbidden`].
//! 4. Several rules must all hold. Where one forbids, the answer is `Forbidden` at once: nobody is sent
//!    to step up only to be refused afterwards.
//! 5. Of alternatives ([`Policy::or`]) one must hold. Where none does, a step-up goes before a refusal,
//!    and the first written goes first.
//! 6. An empty list is never satisfied: a list that comes out empty from a configuration locks a page
//!    instead of opening it.
//!
//! ```
//! use std::time::Duration;
//! use tower_sso::clock::{Clock, SystemClock};
//! use tower_sso::policy::Missing;
//! use tower_sso::test_util::SignedIn;
//! use tower_sso::{Policy, Verdict};
//!
//! let payroll = Policy::mfa().max_age(Duration::from_secs(15 * 60)).role("accountant");
//!
//! let ada = SignedIn::new("ada").amr(["pwd"]).role("accountant").build();
//! let Verdict::StepUp(requirement, reason) = payroll.judge(Some(&ada), SystemClock.now()) else {
//!     panic!("a password alone does not open it");
//! };
//! assert!(requirement.multi_factor);
//! assert_eq!(reason.missing(), Missing::MultiFactor);
//! assert_eq!(reason.text(), "this page needs a second factor");
//! ```
//!
//! A policy sees one session and nothing of the request: paths and methods are the router's business.

#[expect(
    clippy::module_inception,
    reason = "a file bears the name of the thing in it"
)]
pub(crate) mod policy;
mod requirement;
mod rule;
pub(crate) mod verdict;

#[cfg(test)]
mod tests;

// The front door exports these two.
pub(crate) use policy::Policy;
pub use requirement::{Requirement, SignInAt};
pub(crate) use verdict::Verdict;
pub use verdict::{Missing, Reason};
