//! The router as applications and browsers use it.
