//! The watch of one VM.

use std::collections::BTreeMap;
use std::sync::Arc;

use tokio::sync::watch;

use super::state::Shown;
use crate::error::Error;
use crate::mo_ref::MoRef;
use crate::property::PropertyValue;

/// Follows the configured properties of one VM. Dropping it ends the watch.
pub struct VmWatch {
    vm: MoRef,
    receiver: watch::Receiver<Shown>,
    now: Arc<BTreeMap<String, PropertyValue>>,
    ended: Option<Error>,
}

impl VmWatch {
    pub(super) fn new(vm: MoRef, mut receiver: watch::Receiver<Shown>) -> Self {
        // Another watch of the same VM may have its values already.
        receiver.mark_changed();
        Self { vm, receiver, now: Arc::default(), ended: None }
    }

    /// The VM that is watched.
    pub fn vm(&self) -> &MoRef {
        &self.vm
    }

    /// Waits for a change and returns all values by path; unset properties are absent. The first call returns the present
    /// values as soon as they are read. Several quick changes may come as one. May be dropped at any time.
    ///
    /// # Errors
    /// [`Error::Fault`] with `ManagedObjectNotFound` once the VM is destroyed; the error of the connection when the server
    /// cannot be reached for longer than the API timeout. The watch has ended then, and every further call says the same.
    pub async fn changed(&mut self) -> Result<&BTreeMap<String, PropertyValue>, Error> {
        loop {
            if let Some(error) = &self.ended {
                return Err(error.clone());
            }
            if self.receiver.changed().await.is_err() {
                self.ended = Some(Error::LoggedOut(self.vm.to_string()));
                continue;
            }
            let shown = self.receiver.borrow_and_update().clone();
            match shown {
                None => {}
                Some(Err(error)) => self.ended = Some(error),
                Some(Ok(values)) => {
                    self.now = values;
                    return Ok(&self.now);
                }
            }
        }
    }
}
