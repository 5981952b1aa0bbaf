//! A thin client of the NSX-T manager API (`/api/v1`), as NSX-T 2.4 to 4.2 serve it.
//!
//! It reads transport zones, and reads, makes, changes and removes transport nodes of host type. A transport node is kept
//! as the manager sent it: an update sends back what this client does not know.
//!
//! Knows nothing of who uses it: what tags mean is the caller's business.

mod call;
mod client;
mod error;
mod node;
mod spec;
mod zone;

pub use client::{Client, ClientConfig};
pub use error::Error;
pub use https::TlsPolicy;
pub use node::{Realization, TransportNode};
pub use spec::{HostCredential, HostSpec, Secret};
pub use zone::TransportZone;
