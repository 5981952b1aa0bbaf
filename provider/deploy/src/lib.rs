//! The pure heart of the provider: what a deployment shall be ([`desired`]), what is there ([`observed`]), and the
//! steps between them ([`mod@plan`]).
//!
//! Invariant: nothing here waits, reads a clock, draws a random number or opens a socket or file. The same input
//! gives the same bytes.

pub mod address;
pub mod desired;
pub mod error;
pub mod inventory;
pub mod lease;
pub mod marks;
pub mod name;
pub mod observed;
pub mod pki;
pub mod plan;
pub mod preflight;
pub mod record;
pub mod registration;
pub mod release;
pub mod render;
pub mod secret;
pub mod settings;

pub use error::Error;
