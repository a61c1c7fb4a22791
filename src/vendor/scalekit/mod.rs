//! Scalekit, Modular SSO: one OpenID Provider for each environment, which stands in front of the identity providers
//! of many customers.
