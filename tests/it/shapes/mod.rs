//! Each shape in which an app can be put together, and each service that the layers can be put around.

mod bodies;
mod prefix;
mod routers;
mod slow_store;
mod sockets;
mod stacks;

use std::time::Duration;

/// What may wait for ever where something is wrong, as a failure.
async fn soon<T>(what: impl Future<Output = T>) -> T {
    let within = tokio::time::timeout(Duration::from_secs(5), what).await;
    within.expect("it waits for what nobody gives back")
}
