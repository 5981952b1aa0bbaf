//! The provider `vio`: schemas from `schemas/resources`, and a folder per resource that turns a configuration into
//! what `deploy` plans and `engine` carries out.

mod connection;
mod message;
mod planned;
mod provider;
mod resource;
pub mod schema;

pub use provider::VioProvider;
