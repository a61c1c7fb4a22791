//! The customers of an app, each of whom signs in at a provider of their own or through a connection of their own.
//!
//! A [`Tenant`] says where its people sign in, and under which host the app serves them. A [`TenantList`] knows all
//! from the start; an app that keeps them in a database implements [`Tenants`]. [`TenantFrom`] says which part of a
//! request names the tenant.
//!
//! ```
//! use tower_sso::oidc::Issuer;
//! use tower_sso::provider::OidcConfig;
//! use tower_sso::tenant::{Tenant, TenantFrom, TenantList};
//! use tower_sso::{CookieKey, Sso};
//!
//! # fn main() -> tower_sso::Result<()> {
//! let acme = OidcConfig::new(Issuer::parse("https://acme.okta.example")?, "our-app-at-acme");
//! let globex = OidcConfig::new(Issuer::parse("https://login.globex.example")?, "our-app-at-globex");
//! let tenants = TenantList::new([
//!     Tenant::new("acme").openid(acme).domain("acme.example"),
//!     Tenant::new("globex").openid(globex).domain("globex.example"),
//! ])?;
//! let sso = Sso::for_tenants(tenants)
//!     .tenant_from(TenantFrom::subdomain_of("app.example.com")) // acme.app.example.com
//!     .base_url("https://app.example.com")
//!     .cookie_key(CookieKey::generate())
//!     .build()?;
//! # let _ = sso;
//! # Ok(())
//! # }
//! ```
//!
//! What keeps tenants apart:
//! 1. A session remembers its tenant. Where a request names another one, or the tenant's issuer, organization or
//!    connection is another by now, the session counts as none: nobody is signed in there.
//!    A tenant with a host of its own is served nowhere else: at the app's host its session counts as none, too. Where
//!    hosts name nobody, a page that names no tenant is open to who is signed in at any.
//! 2. Metadata, keys, calls that failed and pauses are kept by issuer, and fetched when the first person of a tenant
//!    signs in.
//! 3. A tenant with a provider of its own has a redirect URI of its own, `/auth/callback/{id}` (RFC 9700 section
//!    2.1); register that one there.
//! 4. Where hosts name tenants, one that no tenant has is answered with 421 (RFC 9110 section 15.5.20), and the app is
//!    not asked.

mod find;
mod from;
mod list;
mod one;

pub use find::{TenantBy, Tenants, from_fn};
pub(crate) use from::Named;
pub use from::{TenantFrom, TenantRequest};
pub use list::TenantList;
pub use one::Tenant;
pub(crate) use one::{At, is_id};
