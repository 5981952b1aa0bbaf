//! One file per RPC, all of one shape: look up, decode, call, encode. RPCs of features that no provider has here
//! share a file.

pub(crate) mod apply_resource_change;
pub(crate) mod configure_provider;
pub(crate) mod get_metadata;
pub(crate) mod get_provider_schema;
pub(crate) mod import_resource_state;
mod look_up;
pub(crate) mod plan_resource_change;
pub(crate) mod read_data_source;
pub(crate) mod read_resource;
pub(crate) mod unsupported;
pub(crate) mod upgrade_resource_state;
pub(crate) mod validate_data_resource_config;
pub(crate) mod validate_provider_config;
pub(crate) mod validate_resource_config;
