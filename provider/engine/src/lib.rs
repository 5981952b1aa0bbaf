//! Carries plans out in vCenter.
//!
//! Invariant: the engine chooses nothing. What is to be made, changed or removed, and in which order, is decided by
//! `deploy`; the engine reads, executes, waits and reports.

mod deployment;
mod error;
mod execute;
mod lease;
mod managers;
mod operations;
mod read;
mod steps;

pub use deployment::Deployment;
pub use error::Error;
pub use managers::NsxOptions;
pub use operations::{End, Engine, Limits, Outcome};
