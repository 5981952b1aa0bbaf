//! What any Terraform or OpenTofu provider speaks about: values, their types, paths into them, diagnostics and
//! schemas, with the MessagePack and JSON encodings of the provider protocol.
//!
//! Invariant: nothing here opens a socket, reads a clock or knows what the provider is for.

mod codec;
#[cfg(any(test, feature = "conformance"))]
pub mod conformance;
pub mod diagnostic;
pub mod field;
mod format;
pub mod json;
pub mod msgpack;
mod number;
pub mod path;
pub mod plan;
pub mod schema;
pub mod types;
pub mod validate;
pub mod value;

pub use codec::CodecError;
pub use diagnostic::{Diagnostic, Diagnostics, Severity};
pub use field::{Decode, DecodeError, Encode, Field, Members, Secret};
pub use format::{Format, parse_duration};
pub use json::Leniency;
pub use path::{Path, Step};
pub use schema::{Attribute, AttributeType, NestedObject, Nesting, ProviderSchema, Schema};
pub use types::Type;
pub use validate::Validator;
pub use value::{Number, Value};
