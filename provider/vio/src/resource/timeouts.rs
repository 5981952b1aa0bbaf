//! How long whole operations may take.

use std::time::Duration;

use tf_core::{Decode as _, Path, Value};

use crate::schema::Timeouts;

/// The operations that have a timeout.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Operation {
    Create,
    Update,
    Delete,
}

/// The time for an operation on a resource with this value.
pub(crate) fn timeout(value: &Value, operation: Operation) -> Duration {
    let timeouts = Timeouts::decode(value.get("timeouts"), &Path::root()).unwrap_or_default();
    let (field, default_s) = match operation {
        Operation::Create => (timeouts.create, 3600),
        Operation::Update => (timeouts.update, 3600),
        Operation::Delete => (timeouts.delete, 1800),
    };
    let text = field.into_known().unwrap_or_default();
    tf_core::parse_duration(&text).unwrap_or(Duration::from_secs(default_s))
}
