//! A component: its nodes made, changed, removed; whoever depends on it told in the same breath.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use deploy::desired::Desired;
use deploy::name::{ComponentId, NodeName};
use deploy::plan::{Scope, plan};
use deploy::record::Record;
use deploy::release::Release;
use deploy::settings::Component;
use vim::{MoRef, ObjectSpec, PropSpec, Selection, TraversalSpec};

use super::{Engine, deadline};
use crate::deployment::Deployment;
use crate::error::Error;
use crate::steps::Deadline;

/// What an operation on a component came to. Nodes may exist although it failed: both are told.
pub struct Outcome {
    /// The deployment as it now is, when it could be read.
    pub deployment: Option<Arc<Deployment>>,
    /// Why it is not whole.
    pub error: Option<Error>,
}

impl Engine {
    /// Brings a component to what is wanted: record, nodes, then everyone whose configuration names it, then nodes
    /// that are too many.
    pub async fn apply_component(
        &self,
        deployment: &str,
        id: &ComponentId,
        component: Component,
        timeout: Duration,
    ) -> Outcome {
        let result = self.apply(deployment, id, component, deadline(timeout)).await;
        Outcome { deployment: self.fresh(deployment).await.ok(), error: result.err() }
    }

    async fn apply(
        &self,
        deployment: &str,
        id: &ComponentId,
        component: Component,
        deadline: Deadline,
    ) -> Result<(), Error> {
        let change = |_: &Deployment, record: &Record| {
            let release = Release::find(&record.settings.release)
                .ok_or_else(|| deploy::Error::UnknownRelease(record.settings.release.clone()))?;
            Ok(record.with_component(release, id, component.clone())?)
        };
        let turn = self.turn(deployment).await;
        {
            let _mine = turn.lock().await;
            self.change_record(deployment, change).await?;
        }
        self.run(deployment, &Scope::Grow(id.clone()), deadline).await?;
        let _mine = turn.lock().await;
        self.run(deployment, &Scope::Mend(id.clone()), deadline).await?;
        self.run(deployment, &Scope::Shrink(id.clone()), deadline).await?;
        self.release_addresses(deployment).await
    }

    /// Removes a component. Whoever depends on it is told first, then its nodes go.
    ///
    /// # Errors
    /// When another component stands on it, or a step fails.
    pub async fn delete_component(
        &self,
        deployment: &str,
        id: &ComponentId,
        timeout: Duration,
    ) -> Result<(), Error> {
        let found = self.view.fresh(&self.client, deployment).await?;
        if found.is_none_or(|found| found.record().is_none()) {
            return Ok(());
        }
        let deadline = deadline(timeout);
        let turn = self.turn(deployment).await;
        let _mine = turn.lock().await;
        self.change_record(deployment, |_, record| Ok(record.without_component(id))).await?;
        self.run(deployment, &Scope::Configuration, deadline).await?;
        self.run(deployment, &Scope::Shrink(id.clone()), deadline).await?;
        self.release_addresses(deployment).await
    }

    /// Plans one scope from a fresh look, and carries it out.
    async fn run(&self, name: &str, scope: &Scope, deadline: Deadline) -> Result<(), Error> {
        let deployment = self.fresh(name).await?;
        let Some(record) = deployment.record() else { return Err(Error::NoDeployment(name.to_owned())) };
        let desired = Desired::from_record(record)?;
        let graph = plan(&desired, &deployment.observed, scope);
        refuse_foreign_names(&deployment, &desired)?;
        self.carry_out(&graph, Some(&desired), &deployment, deadline).await
    }

    async fn release_addresses(&self, name: &str) -> Result<(), Error> {
        let change = |deployment: &Deployment, record: &Record| {
            let present: BTreeSet<NodeName> = deployment.observed.nodes.keys().cloned().collect();
            Ok(record.released(&present))
        };
        self.change_record(name, change).await.map(drop)
    }

    /// Refuses when a vSphere cluster still runs VMs that are not the deployment's.
    ///
    /// # Errors
    /// [`Error::TenantsRemain`] with their number; when vCenter cannot be read.
    pub async fn refuse_tenants(&self, datacenter: &str, cluster: &str) -> Result<(), Error> {
        let inventory = self.inventory().await?;
        let found = inventory.cluster(inventory.datacenter(datacenter)?, cluster)?;
        let traverse = |kind: &str, path: &str, select: Vec<Selection>| {
            Selection::Traverse(TraversalSpec {
                name: Some(path.to_owned()),
                kind: kind.to_owned(),
                path: path.to_owned(),
                skip: false,
                select,
            })
        };
        let below = vec![traverse("ResourcePool", "vm", vec![]), Selection::Named("resourcePool".to_owned())];
        let select =
            vec![traverse("ResourcePool", "vm", vec![]), traverse("ResourcePool", "resourcePool", below)];
        let object = ObjectSpec { obj: MoRef::new("ResourcePool", &found.root_pool), skip: true, select };
        let what = format!("the VMs of the cluster `{cluster}`");
        let read = self.client.retrieve(&[object], &[PropSpec::new("VirtualMachine", &["name"])]).await;
        let vms: BTreeSet<MoRef> = read.map_err(Error::read(what))?.into_iter().map(|vm| vm.obj).collect();
        match vms.len() {
            0 => Ok(()),
            count => Err(Error::TenantsRemain { cluster: cluster.to_owned(), count }),
        }
    }
}

/// A VM without our marks that has a wanted node's name is somebody else's.
fn refuse_foreign_names(deployment: &Deployment, desired: &Desired) -> Result<(), Error> {
    let taken = desired.nodes.keys().find(|name| {
        !deployment.observed.nodes.contains_key(*name) && deployment.observed.foreign.contains(name.as_str())
    });
    match taken {
        Some(name) => Err(Error::ForeignVm { vm: name.to_string(), folder: deployment.folder_path.clone() }),
        None => Ok(()),
    }
}
