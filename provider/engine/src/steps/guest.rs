//! Waiting for what a guest does: one long poll of vCenter serves all nodes.

use std::collections::BTreeMap;

use deploy::name::NodeName;
use deploy::observed::Node;
use deploy::plan::Action;
use deploy::render::{GuestStatus, Phase, STATUS_KEY};
use deploy::{lease, marks};
use vim::PropertyValue;

use super::Context;
use crate::error::Error;
use crate::read::deployment::extra;

/// The properties of VMs that are waited for: of nodes by steps, of the image by whoever holds or wants its lease.
pub(crate) fn watched_paths() -> Vec<String> {
    let keys = [marks::REVISION, marks::FILES_DIGEST, STATUS_KEY, lease::KEY].map(extra);
    ["runtime.powerState".to_owned()].into_iter().chain(keys).collect()
}

impl Context<'_> {
    /// Ready means: the guest reports the configuration that the node carries now, applied and healthy, and the files
    /// that belong to it. The revision is read with the report, since another component's arrival may have changed it meanwhile. A failure counts
    /// when it is reported during the wait: one from before may be what this configuration mends.
    pub(super) async fn wait_ready(&self, name: &NodeName) -> Result<(), Error> {
        let mut first = None;
        self.watch(name, move |values| {
            let report = text(values, &extra(STATUS_KEY));
            let before = first.get_or_insert_with(|| report.clone());
            let status = GuestStatus::parse(&report).ok()?;
            let revision = text(values, &extra(marks::REVISION));
            let drifted = status.has_drifted(&revision, &text(values, &extra(marks::FILES_DIGEST)));
            if status.is_ready(&revision) && !drifted {
                return Some(Ok(()));
            }
            let failed = status.phase == Phase::Failed && report != *before;
            let reason = status.error.unwrap_or_else(|| "it gave no reason".to_owned());
            failed.then(|| Err(Error::GuestFailed { node: name.to_string(), reason }))
        })
        .await
    }

    /// Waits until the node is powered off.
    pub(super) async fn wait_off(&self, name: &NodeName) -> Result<(), Error> {
        self.watch(name, |values| (text(values, "runtime.powerState") == "poweredOff").then_some(Ok(())))
            .await
    }

    async fn watch(
        &self,
        name: &NodeName,
        mut judge: impl FnMut(&BTreeMap<String, PropertyValue>) -> Option<Result<(), Error>>,
    ) -> Result<(), Error> {
        let action = Action::WaitReady(name.clone());
        let mut watch = self.client.watch_vm(&self.vm(name)?).await.map_err(Error::step(&action))?;
        loop {
            let values = tokio::select! {
                values = watch.changed() => values.map_err(Error::step(&action))?,
                () = self.stop.cancelled() => return Err(Error::Interrupted),
            };
            if let Some(verdict) = judge(values) {
                return verdict;
            }
        }
    }

    /// What a node last said, for the message of a wait that ran out of time.
    pub(super) async fn last_seen(&self, action: &Action) -> String {
        let Action::WaitReady(name) = action else { return String::new() };
        let fresh = self.view.fresh(self.client, &self.deployment.name).await;
        let Ok(Some(deployment)) = fresh else { return String::new() };
        let node = deployment.observed.nodes.get(name);
        match node.map(|node| (node.status.as_ref(), node.has_drifted(&node.files_digest))) {
            Some((Some(status), true)) => {
                format!("; its guest last reported {}, and files that were changed by hand", describe(status))
            }
            Some((Some(status), false)) if is_of_another(status, node) => {
                "; its guest last reported another configuration than the one that it was given".to_owned()
            }
            Some((Some(status), false)) => format!("; its guest last reported {}", describe(status)),
            Some((None, _)) => {
                "; its guest has not reported, or nothing intelligible: is VMware Tools in the template, and cloud-init?"
                    .to_owned()
            }
            None => "; the VM is gone".to_owned(),
        }
    }
}

/// A guest that is done with what nobody asks for does not say so itself.
fn is_of_another(status: &GuestStatus, node: Option<&Node>) -> bool {
    status.phase == Phase::Ready && node.is_some_and(|node| node.revision != status.revision)
}

fn describe(status: &GuestStatus) -> String {
    let phase = format!("{:?}", status.phase).to_lowercase();
    let said = |text: &Option<String>| text.clone().filter(|text| !text.is_empty());
    match (said(&status.waiting_for), said(&status.error)) {
        (Some(waiting_for), _) => format!("the phase `{phase}`, waiting for {waiting_for}"),
        (None, Some(error)) => format!("the phase `{phase}`: {error}"),
        (None, None) => format!("the phase `{phase}`"),
    }
}

fn text(values: &BTreeMap<String, PropertyValue>, path: &str) -> String {
    values.get(path).map(|value| value.str().to_owned()).unwrap_or_default()
}
