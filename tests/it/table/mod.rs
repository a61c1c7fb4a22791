//! The table "who gets what when not (sufficiently) signed in", cell by cell, and the rules beside it:
//! requests of other sites, HEAD and OPTIONS, loops, and the same over real gRPC and WebSocket clients.

mod answer;
mod cells;
mod cors;
mod cross_site;
mod grpc;
mod head;
mod loop_breaker;
mod serve;
mod web_socket;
