//! What the tests are written with: a browser without sockets, a real browser, a real provider.

#![allow(
    dead_code,
    unused_imports,
    reason = "a vocabulary: not every word of it is used at all times"
)]

mod app;
mod backend_idp;
mod browser;
mod child;
mod chromium;
mod example;
mod interrupt;
mod log;
mod mosaic_apps;
mod mosaic_example;
#[path = "../../../src/session/return_to/tests/payloads.rs"]
mod payloads;
mod provider_process;
mod quickstart;
mod remote_store;
mod scalekit_app;
mod scalekit_example;
mod tenant_app;
mod wire;

pub(crate) use app::App;
pub(crate) use backend_idp::{BackendIdp, LIFE, Sisters, Trouble};
pub(crate) use browser::{Browser, Cookie, Fetch, Form, Hop, Page, Redirects, Refusal, SameSite};
pub(crate) use child::{Owned, free_port, missing};
pub(crate) use chromium::{Chromium, Tab};
pub(crate) use interrupt::{Dropped, drop_after, drop_at_each_await, settle};
pub(crate) use log::{Line, Log};
pub(crate) use mosaic_apps::MosaicApps;
pub(crate) use mosaic_example::MosaicExample;
pub(crate) use payloads::payloads;
pub(crate) use provider_process::{Account, ProviderProcess};
pub(crate) use quickstart::Quickstart;
pub(crate) use remote_store::RemoteStore;
pub(crate) use scalekit_app::{ScalekitApp, Setting, parameters};
pub(crate) use scalekit_example::ScalekitExample;
pub(crate) use tenant_app::TenantApp;
pub(crate) use wire::Wire;
