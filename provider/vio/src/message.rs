//! Errors become messages here, once: a title, the chain of causes, and the attribute that the user can mend.

use std::collections::BTreeSet;

use deploy::name::ComponentId;
use engine::Error;
use tf_core::{Diagnostics, Path};
use vim::FaultKind;

/// A failed operation of the engine. `title` says what was tried, such as `Cannot create the database`.
pub(crate) fn engine(title: &str, error: &Error) -> Diagnostics {
    let mut diagnostics = Diagnostics::new();
    let mut detail = deploy::error::chain(error);
    let lost = if let Error::Read { source, .. } = error { lost_read(source) } else { None };
    if let Some(advice) = lost.or_else(|| error.vim().and_then(advice)) {
        detail = format!("{detail}. {advice}");
    }
    diagnostics.error(Path::root(), title, sentence(&detail));
    diagnostics
}

/// Components that were whole and went with what they stood on, since no state is known to have them.
pub(crate) fn unheard(deployment: &str, components: &BTreeSet<ComponentId>) -> Diagnostics {
    let mut diagnostics = Diagnostics::new();
    if components.is_empty() {
        return diagnostics;
    }
    let ids: Vec<String> = components.iter().map(|id| format!("`{}`", id.link(deployment))).collect();
    let detail = format!(
        "A run that was interrupted had finished {}, but did not live to say so: no state is known to have it. It was \
         removed with what it stood on.",
        ids.join(", ")
    );
    diagnostics.warning(Path::root(), "Removed what an interrupted run had left", detail);
    diagnostics
}

/// The first letter large and a full stop at the end.
pub(crate) fn sentence(text: &str) -> String {
    let mut letters = text.chars();
    let first = letters.next().map(|letter| letter.to_uppercase().to_string()).unwrap_or_default();
    let stop = if text.ends_with(['.', '!', '?']) { "" } else { "." };
    format!("{first}{}{stop}", letters.as_str())
}

/// What is wrong with the provider block, on the attribute that it is about.
pub(crate) fn connection(error: &vim::Error) -> Diagnostics {
    let mut diagnostics = Diagnostics::new();
    diagnostics.error(Path::root(), "Cannot use vCenter", sentence(&deploy::error::chain(error)));
    diagnostics
}

/// The same for a read whose answer was lost: there is nothing that vCenter might have carried out.
fn lost_read(error: &vim::Error) -> Option<String> {
    let advice = match error {
        vim::Error::Broken { .. } => "Run again",
        vim::Error::Timeout { .. } => "Run again; where vCenter is slow, raise `api_timeout` of the provider",
        _ => return None,
    };
    Some(advice.to_owned())
}

/// What the user can do, where the text does not say it already.
fn advice(error: &vim::Error) -> Option<String> {
    let advice = match error {
        vim::Error::Config(_) | vim::Error::Connect { .. } | vim::Error::Certificate { .. } => return None,
        vim::Error::Broken { .. } => {
            "vCenter may have carried it out all the same: run again, and it goes on from what is there"
        }
        vim::Error::Timeout { .. } => {
            "vCenter may carry it out all the same: run again, and it goes on from what is there. Where vCenter is slow, \
             raise `api_timeout` of the provider"
        }
        vim::Error::Http { .. } => "Run again when vCenter answers; it goes on from what is there",
        vim::Error::Protocol { .. } => {
            "Check that no proxy stands before vCenter, then run again; if it stays so, please report it"
        }
        vim::Error::LoggedOut(_) => "Run again; it goes on from what is there",
        vim::Error::Fault { fault, .. } => return Some(advice_on(&fault.kind)),
    };
    Some(advice.to_owned())
}

fn advice_on(fault: &FaultKind) -> String {
    let advice = match fault {
        FaultKind::NoPermission { privilege, .. } => {
            return format!("Give the provider's user the privilege `{privilege}` there, then run again");
        }
        FaultKind::InvalidLogin => {
            "Check `user` and `password` of the provider, or VSPHERE_USER and VSPHERE_PASSWORD"
        }
        FaultKind::NotAuthenticated => {
            "Check whether somebody ends the sessions of the provider's user in vCenter, then run again"
        }
        FaultKind::ManagedObjectNotFound { .. } => "Run again: what is missing is then made anew",
        FaultKind::DuplicateName { .. } | FaultKind::AlreadyExists => {
            "Run again: what the deployment made itself is taken over. If it fails again, rename or remove what has the name"
        }
        FaultKind::FileAlreadyExists => {
            "Remove or rename the file or directory on the datastore if nothing uses it, then run again"
        }
        FaultKind::InvalidPowerState | FaultKind::InvalidState => {
            "Check in vCenter what state it is in and who changed it, then run again"
        }
        FaultKind::ResourceInUse => "Find out in vCenter what uses it, then run again when it is free",
        FaultKind::TaskInProgress => "Another task is at work there: run again when it has ended",
        FaultKind::ConcurrentAccess => "Somebody else changed it at the same time: run again",
        FaultKind::InsufficientResources(_) => {
            "Free capacity in the cluster or use a smaller `node_size`, then run again"
        }
        FaultKind::NoCompatibleHost => {
            "Check that hosts of the cluster are connected, not in maintenance mode, and reach the datastore and networks, \
             then run again"
        }
        FaultKind::NoDiskSpace => "Free space on the datastore, then run again",
        FaultKind::HostCommunication(_) => "Check the host's connection to vCenter, then run again",
        FaultKind::ToolsUnavailable => "Check that VMware Tools run in the guest, then run again",
        FaultKind::RequestCanceled => "Somebody cancelled it: run again",
        FaultKind::InvalidArgument
        | FaultKind::InvalidProperty
        | FaultKind::InvalidName
        | FaultKind::InvalidRequest
        | FaultKind::NotSupported => {
            "Check that this vCenter's version is supported; if it is, please report this as a bug in the provider"
        }
        FaultKind::Other(_) => {
            "Check the task and the events in vCenter for the cause, mend it, then run again"
        }
    };
    advice.to_owned()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use vim::Fault;

    use super::*;

    fn step(source: vim::Error) -> Error {
        Error::Step { step: "clone `prod-database-01` from the image".to_owned(), source: Box::new(source) }
    }

    fn fault(kind: FaultKind) -> vim::Error {
        let (operation, object) = ("CloneVM_Task".to_owned(), "VirtualMachine:vm-1".to_owned());
        vim::Error::Fault { operation, object, fault: Box::new(Fault::new(kind, "")) }
    }

    fn detail(error: &Error) -> String {
        let diagnostics = engine("Cannot create `prod/database`", error);
        diagnostics.iter().map(|diagnostic| diagnostic.detail.clone()).collect()
    }

    #[test]
    fn every_failure_of_vcenter_is_told_with_step_cause_and_what_to_do() {
        let (operation, object) = ("CloneVM_Task".to_owned(), "VirtualMachine:vm-1".to_owned());
        let (server, reason) = ("vc:443".to_owned(), "cut".to_owned());
        let kinds = [
            FaultKind::NotAuthenticated,
            FaultKind::NoPermission { privilege: "Folder.Create".to_owned(), object: None },
            FaultKind::ManagedObjectNotFound { object: None },
            FaultKind::DuplicateName { name: "a".to_owned(), object: None },
            FaultKind::InvalidState,
            FaultKind::ResourceInUse,
            FaultKind::TaskInProgress,
            FaultKind::ConcurrentAccess,
            FaultKind::InsufficientResources("InsufficientResourcesFault".to_owned()),
            FaultKind::NoCompatibleHost,
            FaultKind::FileAlreadyExists,
            FaultKind::NoDiskSpace,
            FaultKind::HostCommunication("HostNotConnected".to_owned()),
            FaultKind::RequestCanceled,
            FaultKind::Other("GenericVmConfigFault".to_owned()),
        ];
        let told = kinds.map(|kind| (kind.type_name().to_owned(), fault(kind)));
        let after = Duration::from_secs(300);
        let lost = [
            (
                "broke",
                vim::Error::Broken { server, operation: operation.clone(), object: object.clone(), reason },
            ),
            (
                "no answer within 300 s",
                vim::Error::Timeout { operation: operation.clone(), object: object.clone(), after },
            ),
            ("503", vim::Error::Http { operation: operation.clone(), object, status: 503 }),
            ("not understood", vim::Error::Protocol { operation, reason: "empty".to_owned() }),
        ];
        for (cause, error) in told.into_iter().chain(lost.map(|(cause, error)| (cause.to_owned(), error))) {
            let detail = detail(&step(error));
            let (said, advice) = detail.split_once(&cause).unwrap_or_default();
            assert!(said.contains("Cannot clone `prod-database-01`"), "{detail}");
            assert!(advice.to_lowercase().contains("run again") && advice.ends_with('.'), "{detail}");
        }
    }

    #[test]
    fn a_read_without_an_answer_is_told_as_what_changes_nothing() {
        let (operation, object) = ("RetrievePropertiesEx".to_owned(), "PropertyCollector:pc".to_owned());
        let source = Box::new(vim::Error::Timeout { operation, object, after: Duration::from_secs(300) });
        let detail = detail(&Error::Read { what: "the image".to_owned(), source });
        let advice = detail.split_once("no answer within 300 s. ").unwrap().1;
        assert_eq!(advice, "Run again; where vCenter is slow, raise `api_timeout` of the provider.");
    }
}
