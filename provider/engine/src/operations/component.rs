//! A component: its nodes made, changed, removed; whoever depends on it told in the same breath.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use deploy::desired::Desired;
use deploy::name::{ComponentId, NodeName};
use deploy::plan::{Scope, plan, plan_without};
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
            let found = self.change_record(deployment, change).await?;
            self.run_on(&found, &Scope::Foundation, deadline).await?;
            // New nodes may need each other through the load balancers before they are ready: those learn of them first.
            self.run(deployment, &Scope::Configuration, deadline).await?;
        }
        self.run(deployment, &Scope::Grow(id.clone()), deadline).await?;
        let _mine = turn.lock().await;
        self.run(deployment, &Scope::Mend(id.clone()), deadline).await?;
        self.run(deployment, &Scope::Shrink(id.clone()), deadline).await?;
        self.conclude(deployment, id).await
    }

    /// Removes a component. Whoever depends on it is told first, then its nodes go. `link` is how the links of other
    /// components name it. What an interrupted run began to set up on it goes with it: no state knows of that.
    ///
    /// # Errors
    /// When another component stands on it, or a step fails.
    pub async fn delete_component(
        &self,
        deployment: &str,
        id: &ComponentId,
        link: &str,
        timeout: Duration,
    ) -> Result<(), Error> {
        let deadline = deadline(timeout);
        let turn = self.turn(deployment).await;
        let _mine = turn.lock().await;
        let Some(found) = self.view.fresh(&self.client, deployment).await? else { return Ok(()) };
        // Without a record nobody depends on anything any more: what carries the marks goes.
        if found.record().is_none() {
            let graph = plan_without(&found.observed, id);
            return self.carry_out(&graph, None, &found, deadline).await;
        }
        let leftovers = found.record().map(|record| dependants(record, link, false)).unwrap_or_default();
        let change = |_: &Deployment, record: &Record| {
            refuse_dependants(record, link)?;
            let rest = record.without_component(id);
            Ok(leftovers.iter().fold(rest, |rest, leftover| rest.without_component(leftover)))
        };
        self.change_record(deployment, change).await?;
        self.run(deployment, &Scope::Configuration, deadline).await?;
        for gone in leftovers.iter().chain([id]) {
            self.run(deployment, &Scope::Shrink(gone.clone()), deadline).await?;
        }
        self.conclude(deployment, id).await
    }

    /// Plans one scope from a fresh look, and carries it out.
    async fn run(&self, name: &str, scope: &Scope, deadline: Deadline) -> Result<(), Error> {
        self.run_on(&*self.fresh(name).await?, scope, deadline).await
    }

    async fn run_on(&self, deployment: &Deployment, scope: &Scope, deadline: Deadline) -> Result<(), Error> {
        let record = deployment.record().ok_or_else(|| Error::NoDeployment(deployment.name.clone()))?;
        let desired = Desired::from_record(record)?;
        let graph = plan(&desired, &deployment.observed, scope);
        refuse_foreign_names(deployment, &desired)?;
        self.carry_out(&graph, Some(&desired), deployment, deadline).await
    }

    /// Gives back the addresses of nodes that are gone, and notes that the component is whole.
    async fn conclude(&self, name: &str, id: &ComponentId) -> Result<(), Error> {
        let change = |deployment: &Deployment, record: &Record| {
            let present: BTreeSet<NodeName> = deployment.observed.nodes.keys().cloned().collect();
            Ok(record.released(&present).completed(id))
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

/// Without what a component stands on, its configuration could not even be written.
fn refuse_dependants(record: &Record, link: &str) -> Result<(), Error> {
    let dependants: Vec<String> = dependants(record, link, true).iter().map(|id| format!("`{id}`")).collect();
    match dependants.as_slice() {
        [] => Ok(()),
        _ => Err(Error::Depended { component: link.to_owned(), dependants: dependants.join(", ") }),
    }
}

/// The components whose links name this one: those that were whole once, or those that never were.
fn dependants(record: &Record, link: &str, complete: bool) -> Vec<ComponentId> {
    let components = record.components.iter();
    components
        .filter(|(_, membership)| membership.complete == complete)
        .filter(|(_, membership)| membership.component.links.values().any(|name| name == link))
        .map(|(id, _)| id.clone())
        .collect()
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
