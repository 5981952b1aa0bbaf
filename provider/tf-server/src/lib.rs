//! Serves a provider to Terraform and OpenTofu: the plugin handshake, mutual TLS, protocol 6 over gRPC and the log
//! lines on standard error.
//!
//! Invariant: nothing here knows what the provider is for; all of that stands behind [`Provider`].

mod call;
pub mod error;
mod handshake;
mod listen;
mod log;
mod panic;
mod plugin;
pub mod proto;
pub mod provider;
mod rpc;
pub mod serve;
mod service;
mod signals;
mod tls;
mod wire;

pub use error::Error;
pub use provider::{
    ApplyRequest, ApplyResponse, DataSource, DataSourceResponse, Farewell, Imported, PlanRequest,
    PlanResponse, Provider, ReadRequest, ReadResponse, Resource,
};
pub use serve::{ServeOptions, serve, serve_for_debugging};
