//! OpenID Connect, pure: no I/O and no server type.

mod multi_factor;

pub use multi_factor::is_multi_factor;
