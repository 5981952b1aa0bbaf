//! HTTP/1.1 over TLS to one server, for clients of an API: whom to trust, a pool of kept connections, the one thing that a
//! caller must know of a failure: whether the request may have been carried out, and [`Retry`], by which it then decides.
//!
//! Knows nothing of any API: no session and no content means anything here, and nothing is repeated by itself.

mod connection;
mod endpoint;
mod error;
mod retry;
mod tls;
mod transport;

pub use error::{Failure, NotSent};
pub use hyper::body::Bytes;
pub use hyper::{HeaderMap, Method, header};
pub use retry::{Effect, Pauses, Retry, Setback};
pub use tls::TlsPolicy;
pub use transport::{Answer, Request, Transport};
