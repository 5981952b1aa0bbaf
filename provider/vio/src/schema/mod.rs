//! The schemas of the provider and its resources, and a typed model of each.
//!
//! Both are written by the build script from `schemas/resources/*.hcl`, the only place where an attribute is described.

use std::sync::OnceLock;

use tf_core::ProviderSchema;

#[allow(
    clippy::too_many_lines,
    clippy::type_complexity,
    reason = "written by the build script: a function is as long as its schema, a type as deep as its attribute's"
)]
mod generated {
    include!(concat!(env!("OUT_DIR"), "/schema.rs"));
}

#[cfg(test)]
mod tests;

pub use generated::*;

/// What the provider serves, made on first use.
pub fn provider_schema() -> &'static ProviderSchema {
    static SCHEMA: OnceLock<ProviderSchema> = OnceLock::new();
    SCHEMA.get_or_init(build_provider_schema)
}
