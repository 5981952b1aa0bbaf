//! The wire messages and service traits, generated from `schemas/proto`. Public for raw clients in tests; what they
//! mean is said in those files.

use std::fmt;

/// Terraform's provider protocol.
#[expect(missing_docs, clippy::all, clippy::too_many_lines, unused_qualifications, reason = "generated")]
pub mod tfplugin6 {
    tonic::include_proto!("tfplugin6");
}

/// The services beside the provider's own.
#[expect(missing_docs, clippy::all, unused_qualifications, reason = "generated")]
pub mod plugin {
    tonic::include_proto!("plugin");
}

/// The health service.
#[expect(missing_docs, clippy::all, clippy::too_many_lines, unused_qualifications, reason = "generated")]
pub mod health {
    tonic::include_proto!("grpc.health.v1");
}

impl fmt::Debug for tfplugin6::DynamicValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "DynamicValue({} bytes)", self.msgpack.len() + self.json.len())
    }
}

impl fmt::Debug for tfplugin6::RawState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RawState({} bytes)", self.json.len())
    }
}
