//! Errors become messages here, once: a title, the chain of causes, and the attribute that the user can mend.

use engine::Error;
use tf_core::{Diagnostics, Path};
use vim::FaultKind;

/// A failed operation of the engine. `title` says what was tried, such as `Cannot create the database`.
pub(crate) fn engine(title: &str, error: &Error) -> Diagnostics {
    let mut diagnostics = Diagnostics::new();
    let mut detail = deploy::error::chain(error);
    if let Some(advice) = error.vim().and_then(advice) {
        detail = format!("{detail}. {advice}");
    }
    diagnostics.error(Path::root(), title, sentence(&detail));
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

/// What the user can do about a fault, beyond what its text says.
fn advice(error: &vim::Error) -> Option<String> {
    match error.fault()? {
        FaultKind::InvalidLogin => Some(
            "Check `user` and `password` of the provider, or VSPHERE_USER and VSPHERE_PASSWORD".to_owned(),
        ),
        FaultKind::NoPermission { privilege, .. } => {
            Some(format!("Give the provider's user the privilege `{privilege}` there"))
        }
        FaultKind::NoDiskSpace => Some("Free space on the datastore, then run again".to_owned()),
        FaultKind::InsufficientResources(_) => {
            Some("Free capacity in the cluster or use a smaller `node_size`, then run again".to_owned())
        }
        FaultKind::TaskInProgress => {
            Some("Another task is at work there: run again when it has ended".to_owned())
        }
        _ => None,
    }
}
