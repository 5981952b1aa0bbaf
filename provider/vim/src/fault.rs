//! vSphere faults, told apart by type name only: their texts are localised and often empty.

use std::collections::BTreeMap;
use std::fmt;

use crate::mo_ref::MoRef;
use crate::proto::El;

/// What vSphere answered instead of a result: the fault's type, the server's text, and its plain fields.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// The fault's type. The only part to decide by.
    pub kind: FaultKind,
    /// The server's text for people; may be empty or a mere type name.
    pub message: String,
    /// The fault's fields that are plain values, by their names in the vSphere API, e.g. `name`, `privilegeId`.
    pub detail: BTreeMap<String, String>,
}

/// The type of a fault, by its name in the vSphere API.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FaultKind {
    /// The session is not logged in, or no longer.
    NotAuthenticated,
    /// Wrong user or password.
    InvalidLogin,
    /// The user lacks a privilege on an object.
    NoPermission {
        /// The privilege's id, e.g. `VirtualMachine.Provisioning.DeployTemplate`.
        privilege: String,
        /// The object it is missing on, if the server said so.
        object: Option<MoRef>,
    },
    /// The object is gone, or never was.
    ManagedObjectNotFound {
        /// The object that is missing, if the server said so.
        object: Option<MoRef>,
    },
    /// Another object of this name is in the same folder.
    DuplicateName {
        /// The name that is taken.
        name: String,
        /// The object that has the name, if the server said so.
        object: Option<MoRef>,
    },
    /// The thing to be made is there already.
    AlreadyExists,
    /// The VM is not in the power state that the operation needs.
    InvalidPowerState,
    /// The object is not in a state that allows the operation.
    InvalidState,
    /// The object is used by something else, e.g. a host that still has VMs.
    ResourceInUse,
    /// Another task is at work on the object.
    TaskInProgress,
    /// Somebody else changed the object since its `changeVersion` was read.
    ConcurrentAccess,
    /// CPU, memory, network or failover capacity is lacking; the text is the exact type, e.g.
    /// `InsufficientMemoryResourcesFault`.
    InsufficientResources(String),
    /// No host can run the VM.
    NoCompatibleHost,
    /// A value in the request is wrong; `detail["invalidProperty"]` often says which.
    InvalidArgument,
    /// A property path that the type does not have; `detail["name"]` says which.
    InvalidProperty,
    /// A name with characters that are not allowed.
    InvalidName,
    /// The request is malformed or unknown to this server.
    InvalidRequest,
    /// The operation is not supported on this object or by this server.
    NotSupported,
    /// A file of this name is there already.
    FileAlreadyExists,
    /// The datastore is full.
    NoDiskSpace,
    /// VMware Tools do not run in the guest.
    ToolsUnavailable,
    /// The operation or the wait was cancelled.
    RequestCanceled,
    /// vCenter cannot reach the host; the text is the exact type, e.g. `HostNotConnected`.
    HostCommunication(String),
    /// Any other fault, by its type name.
    Other(String),
}

impl Fault {
    /// A fault with a kind and a text and no fields.
    pub fn new(kind: FaultKind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into(), detail: BTreeMap::new() }
    }

    /// Reads a fault from its element, whose `xsi:type` (or, for want of it, name) is the fault's type.
    pub(crate) fn from_element(el: &El, message: &str) -> Self {
        let named = el.name.strip_suffix("Fault").unwrap_or(&el.name);
        let type_name = el.xsi_type.as_deref().unwrap_or(named);
        let detail = el
            .children
            .iter()
            .filter(|child| child.children.is_empty())
            .map(|child| (child.name.to_string(), child.text.clone()))
            .collect();
        Self { kind: FaultKind::from_type(type_name, el), message: message.to_owned(), detail }
    }

    /// Reads a `LocalizedMethodFault`: the shape of faults in task results and in `missingSet`.
    pub(crate) fn from_localized(el: &El) -> Self {
        let message = el.child_text("localizedMessage").unwrap_or_default();
        match el.child("fault") {
            Some(fault) => Self::from_element(fault, message),
            None => Self::from_element(el, message),
        }
    }
}

impl FaultKind {
    fn from_type(name: &str, el: &El) -> Self {
        let object = |field: &str| el.child(field).and_then(El::moref);
        match name {
            "NotAuthenticated" => Self::NotAuthenticated,
            "InvalidLogin" => Self::InvalidLogin,
            "NoPermission" => Self::NoPermission {
                privilege: el.child_text("privilegeId").unwrap_or_default().to_owned(),
                object: object("object"),
            },
            "ManagedObjectNotFound" => Self::ManagedObjectNotFound { object: object("obj") },
            "DuplicateName" => Self::DuplicateName {
                name: el.child_text("name").unwrap_or_default().to_owned(),
                object: object("object"),
            },
            "AlreadyExists" => Self::AlreadyExists,
            "InvalidPowerState" => Self::InvalidPowerState,
            "InvalidState" => Self::InvalidState,
            "ResourceInUse" => Self::ResourceInUse,
            "TaskInProgress" => Self::TaskInProgress,
            "ConcurrentAccess" => Self::ConcurrentAccess,
            "NoCompatibleHost" => Self::NoCompatibleHost,
            "InvalidArgument" => Self::InvalidArgument,
            "InvalidProperty" => Self::InvalidProperty,
            "InvalidName" => Self::InvalidName,
            "InvalidRequest" => Self::InvalidRequest,
            "NotSupported" => Self::NotSupported,
            "FileAlreadyExists" => Self::FileAlreadyExists,
            "NoDiskSpace" => Self::NoDiskSpace,
            "ToolsUnavailable" => Self::ToolsUnavailable,
            "RequestCanceled" => Self::RequestCanceled,
            "HostCommunication" | "HostNotConnected" | "HostNotReachable" => {
                Self::HostCommunication(name.to_owned())
            }
            _ if name.starts_with("Insufficient") => Self::InsufficientResources(name.to_owned()),
            _ => Self::Other(name.to_owned()),
        }
    }

    /// The fault's type name in the vSphere API.
    pub fn type_name(&self) -> &str {
        match self {
            Self::NotAuthenticated => "NotAuthenticated",
            Self::InvalidLogin => "InvalidLogin",
            Self::NoPermission { .. } => "NoPermission",
            Self::ManagedObjectNotFound { .. } => "ManagedObjectNotFound",
            Self::DuplicateName { .. } => "DuplicateName",
            Self::AlreadyExists => "AlreadyExists",
            Self::InvalidPowerState => "InvalidPowerState",
            Self::InvalidState => "InvalidState",
            Self::ResourceInUse => "ResourceInUse",
            Self::TaskInProgress => "TaskInProgress",
            Self::ConcurrentAccess => "ConcurrentAccess",
            Self::NoCompatibleHost => "NoCompatibleHost",
            Self::InvalidArgument => "InvalidArgument",
            Self::InvalidProperty => "InvalidProperty",
            Self::InvalidName => "InvalidName",
            Self::InvalidRequest => "InvalidRequest",
            Self::NotSupported => "NotSupported",
            Self::FileAlreadyExists => "FileAlreadyExists",
            Self::NoDiskSpace => "NoDiskSpace",
            Self::ToolsUnavailable => "ToolsUnavailable",
            Self::RequestCanceled => "RequestCanceled",
            Self::HostCommunication(name) | Self::InsufficientResources(name) | Self::Other(name) => name,
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.kind.type_name())?;
        match &self.kind {
            FaultKind::NoPermission { privilege, object } => {
                write!(f, ": the user lacks the privilege `{privilege}`")?;
                if let Some(object) = object {
                    write!(f, " on {object}")?;
                }
            }
            FaultKind::ManagedObjectNotFound { object: Some(object) } => {
                write!(f, ": {object} does not exist")?
            }
            FaultKind::DuplicateName { name, .. } => write!(f, ": the name `{name}` is taken")?,
            _ => {}
        }
        // Some servers send the bare type name as their text; repeating it tells nobody anything.
        let message = self.message.trim();
        if !message.is_empty() && !message.ends_with(self.kind.type_name()) {
            write!(f, ": {message}")?;
        }
        Ok(())
    }
}

impl std::error::Error for Fault {}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proto::parse_xml;

    fn localized(xml: &str) -> Fault {
        Fault::from_localized(&parse_xml(xml.as_bytes()).unwrap())
    }

    #[test]
    fn duplicate_name_carries_the_name_and_the_holder() {
        let fault = localized(
            r#"<error><fault xmlns:x="i" x:type="DuplicateName"><name>a&amp;b</name><object type="Folder">group-v7</object></fault><localizedMessage>*types.DuplicateName</localizedMessage></error>"#,
        );
        let object = Some(MoRef::new("Folder", "group-v7"));
        assert_eq!(fault.kind, FaultKind::DuplicateName { name: "a&b".into(), object });
        assert_eq!(fault.to_string(), "DuplicateName: the name `a&b` is taken");
    }

    #[test]
    fn every_kind_of_lacking_capacity_is_one_kind_that_keeps_its_type() {
        let fault = localized(
            r#"<error xmlns:x="i"><fault x:type="InsufficientMemoryResourcesFault"><unreserved>1</unreserved><requested>2</requested></fault><localizedMessage/></error>"#,
        );
        assert_eq!(
            fault.kind,
            FaultKind::InsufficientResources("InsufficientMemoryResourcesFault".to_owned())
        );
        assert_eq!(fault.detail["requested"], "2");
    }

    #[test]
    fn a_missing_privilege_is_named_with_its_object() {
        let fault = localized(
            r#"<f xmlns:x="i"><fault x:type="NoPermission"><object type="Datastore">datastore-1</object><privilegeId>Datastore.AllocateSpace</privilegeId></fault></f>"#,
        );
        assert_eq!(
            fault.to_string(),
            "NoPermission: the user lacks the privilege `Datastore.AllocateSpace` on Datastore:datastore-1"
        );
    }

    #[test]
    fn an_unknown_fault_keeps_its_type_name_and_text() {
        let fault = localized(
            r#"<f xmlns:x="i"><fault x:type="SnapshotFault"/><localizedMessage>no</localizedMessage></f>"#,
        );
        assert_eq!(fault.kind, FaultKind::Other("SnapshotFault".into()));
        assert_eq!(fault.to_string(), "SnapshotFault: no");
    }
}
