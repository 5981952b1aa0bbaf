//! A thin vSphere SOAP client.
//!
//! [`proto`] turns typed arguments into requests and answers into typed results, without I/O. [`Client`] sends them: one
//! session for all, renewed when the server ends it; one long poll for every task and VM that anybody waits for. The API
//! is that of vSphere 6.7, which every later vCenter serves.
//!
//! Knows nothing of who uses it: which properties of a VM are watched is configuration.

mod client;
mod device;
mod error;
mod fault;
mod mo_ref;
mod property;
pub mod proto;
mod secret;
mod spec;
mod transport;
mod watch;

pub use client::{Client, ClientConfig};
pub use device::{Device, DeviceChange, NicBacking};
pub use error::Error;
pub use fault::{Fault, FaultKind};
pub use https::{Pauses, TlsPolicy};
pub use mo_ref::MoRef;
pub use property::{ObjectContent, ObjectSpec, PropSpec, PropertyValue, Selection, TraversalSpec};
pub use proto::{About, El, ServiceContent};
pub use secret::Secret;
pub use spec::{AntiAffinityRule, CHILD_DISK, CloneLocation, CloneSpec, RuleChange, VmConfigSpec};
pub use watch::VmWatch;
