//! A node's VM: made, configured, resized, started, stopped, removed.

use std::time::Duration;

use deploy::desired::{DesiredNode, draining};
use deploy::inventory::Network;
use deploy::marks;
use deploy::name::NodeName;
use deploy::plan::Action;
use deploy::render::STATUS_KEY;
use deploy::settings::Settings;
use vim::{
    CHILD_DISK, CloneLocation, CloneSpec, Device, DeviceChange, FaultKind, MoRef, NicBacking, ObjectSpec,
    PropSpec, VmConfigSpec,
};

use super::{Context, bug, is_gone};
use crate::deployment::ImageRefs;
use crate::error::Error;
use crate::operations::foreign_vm;

/// How long a guest may take to shut down before its power is cut.
const SHUTDOWN_TIMEOUT: Duration = Duration::from_secs(180);

impl Context<'_> {
    /// A VM of the name that carries our marks is the node already: an earlier run made it.
    pub(super) async fn clone_node(&self, name: &NodeName) -> Result<(), Error> {
        let action = Action::Clone(name.clone());
        let number = self.record()?.image;
        let (image, folder) = self.refs(|refs| (refs.image(number).cloned(), refs.folder.clone()));
        let image = image.ok_or_else(|| bug("there is no image to clone".into()))?;
        let folder = folder.ok_or_else(|| bug("there is no folder".into()))?;
        let spec = self.clone_spec(self.wanted(name)?, &image)?;
        let _place = self.clones.acquire().await.map_err(|_| Error::Interrupted)?;
        self.refuse_to_go_on()?;
        let made = match self.client.clone_vm(&image.vm, &folder, name.as_str(), &spec).await {
            Ok(task) => self.client.wait_task(&task).await,
            Err(error) => Err(error),
        };
        let vm = match made {
            Ok(Some(vm)) => vm,
            Ok(None) => return Err(bug(format!("vCenter did not say which VM `{name}` is"))),
            Err(error) => self.adopt(name, &action, error).await?,
        };
        self.refs(|refs| refs.nodes.insert(name.clone(), vm));
        Ok(())
    }

    /// After a lost answer or a taken name: the VM may be ours.
    async fn adopt(&self, name: &NodeName, action: &Action, error: vim::Error) -> Result<MoRef, Error> {
        let taken = matches!(error.fault(), Some(FaultKind::DuplicateName { .. }));
        if !taken && !error.is_ambiguous() {
            return Err(Error::step(action)(error));
        }
        let fresh = self.view.fresh(self.client, &self.deployment.name).await?;
        let Some(fresh) = fresh else { return Err(Error::step(action)(error)) };
        if let Some(vm) = fresh.refs.nodes.get(name) {
            return Ok(vm.clone());
        }
        if taken {
            return Err(foreign_vm(&fresh, self.wanted(name)?));
        }
        Err(Error::step(action)(error))
    }

    /// One call makes the VM whole: hardware, networks, marks, configuration.
    fn clone_spec(&self, node: &DesiredNode, image: &ImageRefs) -> Result<CloneSpec, Error> {
        let settings = self.settings()?;
        let (_, cluster) = self.place(settings)?;
        let datastore = self.deployment.inventory.datastore(cluster, &settings.datastore)?;
        let mut device_changes = self.adapters(node, image, settings)?;
        if !settings.linked_clones {
            device_changes.extend(full_disk(node, image));
        }
        let linked = settings.linked_clones.then(|| CHILD_DISK.to_owned());
        Ok(CloneSpec {
            location: CloneLocation {
                datastore: Some(MoRef::new("Datastore", &datastore.entity.moid)),
                pool: self.refs(|refs| refs.pool.clone()),
                host: None,
                disk_move_type: linked,
            },
            snapshot: image.snapshot.clone().filter(|_| settings.linked_clones),
            config: Some(VmConfigSpec {
                annotation: Some(format!(
                    "{} of the VIO deployment `{}`",
                    node.component, self.deployment.name
                )),
                num_cpus: Some(node.size.cpus),
                memory_mib: Some(u64::from(node.size.memory_mib)),
                device_changes,
                extra_config: marks::node(&self.deployment.name, node),
                ..VmConfigSpec::default()
            }),
            ..CloneSpec::default()
        })
    }

    /// The image's adapters go and the node's come: their order and addresses are then ours alone.
    fn adapters(
        &self,
        node: &DesiredNode,
        image: &ImageRefs,
        settings: &Settings,
    ) -> Result<Vec<DeviceChange>, Error> {
        let (_, cluster) = self.place(settings)?;
        let old = image.devices.iter().filter(|device| device.is_nic());
        let mut changes: Vec<DeviceChange> =
            old.map(|device| DeviceChange::Remove { device: device.clone() }).collect();
        for (key, (nic, network)) in (1..).zip(&node.nics) {
            let backing = backing(self.deployment.inventory.network(cluster, network)?);
            changes.push(DeviceChange::AddNic { key: -key, backing, mac_address: Some(nic.mac.clone()) });
        }
        Ok(changes)
    }

    /// An adapter is known by its address, which is ours. Adapters that somebody added stay.
    pub(super) async fn connect(&self, name: &NodeName) -> Result<(), Error> {
        let action = Action::Connect(name.clone());
        let node = self.wanted(name)?;
        let (_, cluster) = self.place(self.settings()?)?;
        let vm = ObjectSpec::one(self.vm(name)?);
        let paths = PropSpec::new("VirtualMachine", &["config.hardware.device"]);
        let found = self.client.retrieve(&[vm], &[paths]).await.map_err(Error::step(&action))?;
        let devices = found.first().and_then(|object| object.props.get("config.hardware.device"));
        let present = devices.map(Device::parse_all).unwrap_or_default();
        let mut device_changes = Vec::new();
        for (key, (nic, network)) in (1..).zip(&node.nics) {
            let backing = backing(self.deployment.inventory.network(cluster, network)?);
            let is_it = |device: &&Device| {
                let mac = device.mac_address.as_deref();
                mac.is_some_and(|mac| mac.eq_ignore_ascii_case(&nic.mac))
            };
            match present.iter().find(is_it) {
                Some(device) if device.backing.as_ref() == Some(&backing) => {}
                Some(device) => {
                    device_changes.push(DeviceChange::EditNic { device: device.clone(), backing })
                }
                None => device_changes.push(DeviceChange::AddNic {
                    key: -key,
                    backing,
                    mac_address: Some(nic.mac.clone()),
                }),
            }
        }
        self.reconfigure(name, VmConfigSpec { device_changes, ..VmConfigSpec::default() }, &action).await
    }

    pub(super) async fn rename(&self, name: &NodeName) -> Result<(), Error> {
        let action = Action::Rename(name.clone());
        let task = self.client.rename(&self.vm(name)?, name.as_str()).await.map_err(Error::step(&action))?;
        self.finish(task, &action).await.map(drop)
    }

    pub(super) async fn move_to_folder(&self, name: &NodeName) -> Result<(), Error> {
        let action = Action::MoveToFolder(name.clone());
        let folder = self.refs(|refs| refs.folder.clone()).ok_or_else(|| bug("there is no folder".into()))?;
        let moved = self.client.move_into_folder(&folder, &[self.vm(name)?]).await;
        self.finish(moved.map_err(Error::step(&action))?, &action).await.map(drop)
    }

    pub(super) async fn move_to_pool(&self, name: &NodeName) -> Result<(), Error> {
        let pool = self.refs(|refs| refs.pool.clone()).ok_or_else(|| bug("there is no pool".into()))?;
        let moved = self.client.move_into_resource_pool(&pool, &[self.vm(name)?]).await;
        moved.map_err(Error::step(Action::MoveToPool(name.clone())))
    }

    pub(super) async fn configure(&self, name: &NodeName) -> Result<(), Error> {
        self.give(self.wanted(name)?, &Action::Configure(name.clone())).await
    }

    /// The load balancer's other configuration follows from the record, as the wanted one does.
    pub(super) async fn drain(&self, balancer: &NodeName, node: &NodeName) -> Result<(), Error> {
        let told = draining(self.record()?, balancer, node)?;
        self.give(&told, &Action::Drain { balancer: balancer.clone(), node: node.clone() }).await
    }

    /// Gives a node a configuration. A load balancer gets several within one plan: the parts of each are known to the
    /// next.
    async fn give(&self, node: &DesiredNode, action: &Action) -> Result<(), Error> {
        let seen = self.deployment.observed.nodes.get(&node.name).map_or(0, |node| node.document_parts);
        let given = self.refs(|refs| refs.parts.get(&node.name).copied()).unwrap_or_default();
        let extra_config = marks::configuration(node, seen.max(given));
        let parts = extra_config.get(marks::PARTS).and_then(|parts| parts.parse().ok()).unwrap_or_default();
        self.refs(|refs| refs.parts.insert(node.name.clone(), given.max(parts)));
        self.reconfigure(&node.name, VmConfigSpec { extra_config, ..VmConfigSpec::default() }, action).await
    }

    pub(super) async fn repair_files(&self, name: &NodeName) -> Result<(), Error> {
        let spec = VmConfigSpec { extra_config: marks::repair(), ..VmConfigSpec::default() };
        self.reconfigure(name, spec, &Action::RepairFiles(name.clone())).await
    }

    pub(super) async fn resize(&self, name: &NodeName) -> Result<(), Error> {
        let size = self.wanted(name)?.size;
        let spec = VmConfigSpec {
            num_cpus: Some(size.cpus),
            memory_mib: Some(u64::from(size.memory_mib)),
            ..VmConfigSpec::default()
        };
        self.reconfigure(name, spec, &Action::Resize(name.clone())).await
    }

    async fn reconfigure(&self, name: &NodeName, spec: VmConfigSpec, action: &Action) -> Result<(), Error> {
        let task = self.client.reconfigure_vm(&self.vm(name)?, &spec).await.map_err(Error::step(action))?;
        self.finish(task, action).await.map(drop)
    }

    /// A node that runs already is as wanted. What a guest said before it was off is forgotten: it must not be taken
    /// for what it says when it has booted. Whether its files were changed by hand is not known until then, so it is
    /// asked to repair them as it boots.
    pub(super) async fn power_on(&self, name: &NodeName) -> Result<(), Error> {
        let action = Action::PowerOn(name.clone());
        if self.deployment.observed.nodes.get(name).is_some_and(|node| node.status.is_some()) {
            let mut extra_config = marks::repair();
            extra_config.insert(STATUS_KEY.to_owned(), String::new());
            self.reconfigure(name, VmConfigSpec { extra_config, ..VmConfigSpec::default() }, &action).await?;
        }
        let started = match self.client.power_on(&self.vm(name)?).await {
            Ok(task) => self.client.wait_task(&task).await.map(drop),
            Err(error) => Err(error),
        };
        match started {
            Err(error) if matches!(error.fault(), Some(FaultKind::InvalidPowerState)) => Ok(()),
            other => other.map_err(Error::step(action)),
        }
    }

    /// Asks the guest first, so that services leave their clusters in order.
    pub(super) async fn stop_node(&self, name: &NodeName) -> Result<(), Error> {
        let vm = self.vm(name)?;
        let asks = self.deployment.observed.nodes.get(name).is_some_and(|node| node.tools_running);
        if asks && self.client.shutdown_guest(&vm).await.is_ok() {
            let off = tokio::time::timeout(SHUTDOWN_TIMEOUT, self.wait_off(name)).await;
            if matches!(off, Ok(Ok(()))) {
                return Ok(());
            }
        }
        let stopped = match self.client.power_off(&vm).await {
            Ok(task) => self.client.wait_task(&task).await.map(drop),
            Err(error) => Err(error),
        };
        match stopped {
            Err(error)
                if matches!(error.fault(), Some(FaultKind::InvalidPowerState)) || is_gone(&error, &vm) =>
            {
                Ok(())
            }
            other => other.map_err(Error::step(Action::Stop(name.clone()))),
        }
    }

    pub(super) async fn destroy_node(&self, name: &NodeName) -> Result<(), Error> {
        let vm = self.refs(|refs| refs.nodes.remove(name));
        self.destroy(vm, &Action::Destroy(name.clone())).await
    }
}

fn backing(network: &Network) -> NicBacking {
    match &network.port_group {
        Some(group) => NicBacking::Distributed {
            portgroup_key: group.key.clone(),
            switch_uuid: group.switch_uuid.clone(),
        },
        None => NicBacking::Standard {
            name: network.entity.name.clone(),
            network: Some(MoRef::new("Network", &network.entity.moid)),
        },
    }
}

fn full_disk(node: &DesiredNode, image: &ImageRefs) -> Option<DeviceChange> {
    let capacity_bytes = i64::from(node.size.disk_gib) * 1024 * 1024 * 1024;
    let disk = image.devices.iter().find(|device| device.is_disk())?;
    let small = disk.capacity_bytes.is_some_and(|capacity| capacity < capacity_bytes);
    small.then(|| DeviceChange::GrowDisk { device: disk.clone(), capacity_bytes })
}
