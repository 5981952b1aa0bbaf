//! A component: its nodes made, changed, removed; whoever depends on it told in the same breath.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use deploy::desired::{Desired, DesiredNode};
use deploy::lease::Lease;
use deploy::marks;
use deploy::name::{ComponentId, NodeName};
use deploy::plan::{Scope, plan, plan_without};
use deploy::record::Record;
use deploy::release::{KindId, Release};
use deploy::settings::Component;
use vim::{MoRef, ObjectSpec, PropSpec, Selection, TraversalSpec};

use super::{Engine, Joining, deadline};
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
        match self.apply(deployment, id, component, deadline(timeout)).await {
            Ok(found) => Outcome { deployment: Some(found), error: None },
            Err(error) => Outcome { deployment: self.fresh(deployment).await.ok(), error: Some(error) },
        }
    }

    /// Returns the deployment as it was when the component's turn ended: what another component changes afterwards is no
    /// fault of this one.
    async fn apply(
        &self,
        deployment: &str,
        id: &ComponentId,
        component: Component,
        deadline: Deadline,
    ) -> Result<Arc<Deployment>, Error> {
        let joining = self.announce(deployment, id, &component);
        self.hold(deployment, deadline).await?;
        let found = {
            let now = self.view.now(deployment);
            let _mine = self.turn(deployment, deadline).await?;
            let change = |found: &Deployment, record: &Record| self.joined(found, record, id, &component);
            let found = self.change_record(self.since(deployment, now).await?, deadline, change).await?;
            drop(joining);
            let found = self.run(found, &Scope::Foundation, deadline).await?;
            // New nodes may need each other through the load balancers before they are ready: those learn of them first.
            self.run(found, &Scope::Configuration, deadline).await?
        };
        self.run_on(&found, &Scope::Grow(id.clone()), deadline).await?;
        let grown = self.view.now(deployment);
        let _mine = self.turn(deployment, deadline).await?;
        let found = self.since(deployment, grown).await?;
        let found = self.run(found, &Scope::Mend(id.clone()), deadline).await?;
        let found = self.run(found, &Scope::Shrink(id.clone()), deadline).await?;
        let whole = self.conclude(found, id, deadline).await?;
        self.leases.hear(deployment, id);
        Ok(whole)
    }

    /// Tells whoever has the turn that a component is about to be applied.
    fn announce<'a>(
        &'a self,
        deployment: &'a str,
        id: &'a ComponentId,
        component: &Component,
    ) -> Announced<'a> {
        let announced = Announced { joining: &self.joining, deployment, id };
        announced.with(|components| components.insert(id.clone(), component.clone()));
        announced
    }

    /// The record with a component as it shall be, and with all that wait for their turn meanwhile: whoever depends on
    /// several of them is then reconfigured once. What is wrong with another one is told in its own turn.
    fn joined(
        &self,
        found: &Deployment,
        record: &Record,
        id: &ComponentId,
        component: &Component,
    ) -> Result<Record, Error> {
        let release = Release::find(&record.settings.release)
            .ok_or_else(|| deploy::Error::UnknownRelease(record.settings.release.clone()))?;
        let left = |id: &ComponentId| {
            let own = found.observed.nodes.iter().filter(|(_, node)| node.component == *id);
            own.map(|(name, _)| name.clone()).collect()
        };
        // An index that only a killed run has kept from its node's successor is free.
        let record = record.released(&found.observed.nodes.keys().cloned().collect());
        let joined = record.with_returning(release, id, component.clone(), &left(id))?;
        let joining = self.joining.lock().unwrap_or_else(PoisonError::into_inner);
        let others = joining.get(&record.settings.name).into_iter().flatten();
        Ok(others.fold(joined, |joined, (other, component)| {
            joined.with_returning(release, other, component.clone(), &left(other)).unwrap_or(joined)
        }))
    }

    /// Removes a component. Whoever depends on it is told first, then its nodes go. What interrupted runs have set up on
    /// it goes with it: no state knows of that. Returns what went although it was whole.
    ///
    /// # Errors
    /// When another component stands on it, another run changes the deployment, or a step fails.
    pub async fn delete_component(
        &self,
        deployment: &str,
        id: &ComponentId,
        timeout: Duration,
    ) -> Result<BTreeSet<ComponentId>, Error> {
        let deadline = deadline(timeout);
        self.hold(deployment, deadline).await?;
        let now = self.view.now(deployment);
        let _mine = self.turn(deployment, deadline).await?;
        let Some(found) = self.view.since(&self.client, deployment, now).await? else {
            return Ok(BTreeSet::new());
        };
        // Without a record nobody depends on anything any more: what carries the marks goes.
        let Some(record) = found.record() else {
            let graph = plan_without(&found.observed, id);
            return self.carry_out(&graph, None, &found, deadline).await.map(|()| BTreeSet::new());
        };
        let mut gone = record.dependants(id);
        let unheard = &gone & &self.unheard(&found);
        gone.insert(id.clone());
        let change = |found: &Deployment, record: &Record| {
            self.refuse_dependants(found, record, id)?;
            Ok(gone.iter().fold(record.clone(), |rest, gone| rest.without_component(gone)))
        };
        let forget = |lease: &Lease, _: &Record| lease.without(&gone);
        let mut found = self.change_record_and_lease(Arc::clone(&found), deadline, change, forget).await?;
        found = self.run(found, &Scope::Configuration, deadline).await?;
        for gone in &gone {
            found = self.run(found, &Scope::Shrink(gone.clone()), deadline).await?;
        }
        self.conclude(found, id, deadline).await?;
        Ok(unheard)
    }

    /// Without what a component stands on, its configuration could not even be written.
    fn refuse_dependants(&self, found: &Deployment, record: &Record, id: &ComponentId) -> Result<(), Error> {
        let unheard = self.unheard(found);
        let dependants: Vec<String> = record
            .dependants(id)
            .iter()
            .filter(|id| is_in_use(record, &unheard, id))
            .map(|id| format!("`{id}`"))
            .collect();
        match dependants.as_slice() {
            [] => Ok(()),
            _ => {
                let component = id.link(&found.name);
                Err(Error::Depended { component, dependants: dependants.join(", ") })
            }
        }
    }

    /// A node that is not found is gone only if its VM is: it may be elsewhere, and vCenter hides what a user may not see.
    ///
    /// # Errors
    /// [`Error::NotGone`] when a VM of these managed object ids exists; when vCenter does not say.
    pub async fn confirm_gone(&self, component: &str, moids: &[String]) -> Result<(), Error> {
        for moid in moids {
            let vm = ObjectSpec::one(MoRef::new("VirtualMachine", moid));
            match self.client.retrieve(&[vm], &[PropSpec::new("VirtualMachine", &["name"])]).await {
                Err(error) if error.is_not_found() => {}
                Err(error) => return Err(Error::read(format!("what became of `{component}`"))(error)),
                Ok(found) => {
                    let name = found.first().and_then(|vm| vm.props.get("name"));
                    let vm = name.map(|name| name.str().to_owned()).unwrap_or_default();
                    return Err(Error::NotGone { component: component.to_owned(), vm, moid: moid.clone() });
                }
            }
        }
        Ok(())
    }

    /// Plans one scope from a look that nothing of ours has changed since, and carries it out. Returns a look of which the
    /// same is true.
    async fn run(
        &self,
        found: Arc<Deployment>,
        scope: &Scope,
        deadline: Deadline,
    ) -> Result<Arc<Deployment>, Error> {
        match self.run_on(&found, scope, deadline).await? {
            true => self.fresh(&found.name).await,
            false => Ok(found),
        }
    }

    /// True when there was anything to do.
    async fn run_on(
        &self,
        deployment: &Deployment,
        scope: &Scope,
        deadline: Deadline,
    ) -> Result<bool, Error> {
        if concerns_nsx(scope) {
            deployment.refuse_unread_nsx()?;
        }
        let desired = deployment.wanted()?;
        let graph = plan(desired, &deployment.observed, scope);
        refuse_foreign_names(deployment, desired)?;
        match scope {
            // Nobody plans from what it adds: whoever looked before sees no less than he did.
            Scope::Grow(_) if !graph.is_empty() => {
                let result = self.perform(&graph, Some(desired), deployment, deadline).await;
                self.view.outdate(&deployment.name).await;
                result?;
            }
            _ => self.carry_out(&graph, Some(desired), deployment, deadline).await?,
        }
        Ok(!graph.is_empty())
    }

    /// Gives back the addresses of nodes that are gone, and notes that the component is whole; and, when it was not
    /// before, that no CLI has heard of it yet. Returns what there is then.
    async fn conclude(
        &self,
        found: Arc<Deployment>,
        id: &ComponentId,
        deadline: Deadline,
    ) -> Result<Arc<Deployment>, Error> {
        let change = |deployment: &Deployment, record: &Record| {
            let present: BTreeSet<NodeName> = deployment.observed.nodes.keys().cloned().collect();
            Ok(record.released(&present).completed(id))
        };
        let finish = |lease: &Lease, record: &Record| match record.components.get(id) {
            Some(membership) if !membership.complete => lease.with_finished(id),
            Some(_) | None => lease.clone(),
        };
        self.change_record_and_lease(found, deadline, change, finish).await
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

/// Whether a component may be somebody's: it was whole once, and the run that made it so has told. What was not belongs to
/// a run that was interrupted, and goes with what it stands on.
pub(super) fn is_in_use(record: &Record, unheard: &BTreeSet<ComponentId>, id: &ComponentId) -> bool {
    record.components.get(id).is_some_and(|membership| membership.complete) && !unheard.contains(id)
}

/// A component that is about to be applied, until this is dropped.
struct Announced<'a> {
    joining: &'a Mutex<Joining>,
    deployment: &'a str,
    id: &'a ComponentId,
}

impl Announced<'_> {
    fn with<T>(&self, change: impl FnOnce(&mut BTreeMap<ComponentId, Component>) -> T) -> T {
        let mut joining = self.joining.lock().unwrap_or_else(PoisonError::into_inner);
        change(joining.entry(self.deployment.to_owned()).or_default())
    }
}

impl Drop for Announced<'_> {
    fn drop(&mut self) {
        self.with(|components| components.remove(self.id));
    }
}

/// The VM is not touched; if it is the node, and somebody took its marks away, the user can give them back.
pub(crate) fn foreign_vm(deployment: &Deployment, node: &DesiredNode) -> Error {
    let marks = given(&marks::identity(&deployment.name, node));
    let (vm, folder) = (node.name.to_string(), deployment.folder_path.clone());
    Error::ForeignVm { vm, folder, what: "a node", marks }
}

/// ExtraConfig as a user may give it.
pub(crate) fn given(values: &BTreeMap<String, String>) -> String {
    let given = values.iter().filter(|(_, value)| !value.is_empty());
    given.map(|(key, value)| format!("`{key}` = `{value}`")).collect::<Vec<_>>().join(", ")
}

/// DHCP nodes alone are registered in NSX.
fn concerns_nsx(scope: &Scope) -> bool {
    match scope {
        Scope::Grow(id) | Scope::Mend(id) | Scope::Shrink(id) => id.kind == KindId::Dhcp,
        Scope::Image | Scope::Foundation | Scope::Configuration => false,
    }
}

/// A VM without our marks that has a wanted node's name is somebody else's.
fn refuse_foreign_names(deployment: &Deployment, desired: &Desired) -> Result<(), Error> {
    let taken = desired.nodes.values().find(|node| {
        !deployment.observed.nodes.contains_key(&node.name)
            && deployment.observed.foreign.contains(node.name.as_str())
    });
    match taken {
        Some(node) => Err(foreign_vm(deployment, node)),
        None => Ok(()),
    }
}
