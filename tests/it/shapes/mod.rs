//! Each shape in which an app can be put together, and each service that the layers can be put around.

mod bodies;
mod prefix;
mod routers;
mod slow_store;
mod sockets;
mod stacks;
