//! The managed object reference: how vSphere names its objects.

use std::fmt;

/// A managed object reference: the type of a vSphere object and its server-assigned id, e.g. `VirtualMachine:vm-57`.
///
/// Unique within one vCenter, stable while the object lives, never reused by vCenter. Ordered by type, then by id as text.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MoRef {
    /// The managed object's type, e.g. `VirtualMachine`, `Folder`, `Task`.
    pub kind: String,
    /// The server's id of the object, e.g. `vm-57`, `group-v3`; session-bound objects have long ones with brackets.
    pub value: String,
}

impl MoRef {
    /// Makes a reference from a managed object type and an id.
    pub fn new(kind: impl Into<String>, value: impl Into<String>) -> Self {
        Self { kind: kind.into(), value: value.into() }
    }
}

impl fmt::Display for MoRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.kind, self.value)
    }
}
