//! The admin portal in a page of the app's own.
//!
//! 1. The page shows the portal in an iframe and nothing else, and nobody but the app may frame it.
//! 2. Its script takes messages from the portal's exact origin and from that iframe's window only.
//! 3. What it takes is read name by name, bounded, and then handed to the app: as the event `scalekit-portal` of the
//!    document, and as JSON to a path of the app if one is named.
//! 4. Nothing of a location or a path is ever script.

mod event;
mod page;

pub use event::{PortalEvent, PortalEventType, PortalEvents};
pub use page::PortalPage;
