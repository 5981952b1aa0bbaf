//! Folder, pool and image.

use deploy::marks;
use deploy::plan::Action;
use vim::{CloneLocation, CloneSpec, DeviceChange, FaultKind, MoRef, VmConfigSpec};

use super::{Context, bug};
use crate::deployment::ImageRefs;
use crate::error::Error;
use crate::read::template;

const SNAPSHOT: &str = "base";

impl Context<'_> {
    /// One name has one winner: a folder that is there already is looked at by whoever lost.
    pub(super) async fn create_folder(&self) -> Result<(), Error> {
        let (datacenter, _) = self.place(self.settings()?)?;
        let parent = MoRef::new("Folder", &datacenter.vm_folder);
        let made = self.client.create_folder(&parent, &self.deployment.name).await;
        let folder = made.map_err(Error::step(Action::CreateFolder))?;
        self.refs(|refs| refs.folder = Some(folder));
        self.view.forget_inventory().await;
        Ok(())
    }

    pub(super) async fn create_pool(&self) -> Result<(), Error> {
        let (_, cluster) = self.place(self.settings()?)?;
        let parent = MoRef::new("ResourcePool", &cluster.root_pool);
        let made = self.client.create_resource_pool(&parent, &self.deployment.name).await;
        let pool = made.map_err(Error::step(Action::CreatePool))?;
        self.refs(|refs| refs.pool = Some(pool));
        self.view.forget_inventory().await;
        Ok(())
    }

    /// The record goes into the clone call itself: an image without a record cannot exist.
    pub(super) async fn create_image(&self) -> Result<(), Error> {
        let settings = self.settings()?;
        let (datacenter, cluster) = self.place(settings)?;
        let datastore = self.deployment.inventory.datastore(cluster, &settings.datastore)?;
        let source = template::find(self.client, datacenter, &settings.template).await?;
        let record = self.deployment.record().ok_or_else(|| bug("there is no record to write".into()))?;
        let mut extra_config = record.encode()?;
        extra_config.extend(marks::image(&self.deployment.name));
        let (folder, pool) = self.refs(|refs| (refs.folder.clone(), refs.pool.clone()));
        let folder = folder.ok_or_else(|| bug("there is no folder".into()))?;
        let spec = CloneSpec {
            location: CloneLocation {
                datastore: Some(MoRef::new("Datastore", &datastore.entity.moid)),
                pool,
                host: None,
                disk_move_type: None,
            },
            config: Some(VmConfigSpec {
                annotation: Some(format!(
                    "Image and record of the VIO deployment `{}`. Removing it loses the deployment's addresses and secrets.",
                    self.deployment.name
                )),
                device_changes: grown_disk(&source, largest_disk_gib(self)),
                extra_config,
                ..VmConfigSpec::default()
            }),
            ..CloneSpec::default()
        };
        let name = deploy::name::image_name(&self.deployment.name);
        let task = self.client.clone_vm(&source.vm, &folder, &name, &spec).await;
        let task = task.map_err(Error::step(Action::CreateImage))?;
        let vm = self.finish(task, &Action::CreateImage).await?;
        let vm = vm.ok_or_else(|| bug("vCenter did not say which VM it made".into()))?;
        let image = ImageRefs { vm, snapshot: None, change_version: String::new(), devices: source.devices };
        self.refs(|refs| refs.image = Some(image));
        Ok(())
    }

    pub(super) async fn snapshot_image(&self) -> Result<(), Error> {
        let image = self.refs(|refs| refs.image.as_ref().map(|image| image.vm.clone()));
        let image = image.ok_or_else(|| bug("there is no image".into()))?;
        let text = "Nodes are linked clones of this state; do not remove it.";
        let task = self.client.create_snapshot(&image, SNAPSHOT, text).await;
        let task = task.map_err(Error::step(Action::SnapshotImage))?;
        self.finish(task, &Action::SnapshotImage).await.map(drop)
    }

    pub(super) async fn destroy_image(&self) -> Result<(), Error> {
        let image = self.refs(|refs| refs.image.take());
        self.destroy(image.map(|image| image.vm), &Action::DestroyImage).await
    }

    pub(super) async fn destroy_pool(&self) -> Result<(), Error> {
        let pool = self.refs(|refs| refs.pool.take());
        let result = self.destroy(pool, &Action::DestroyPool).await;
        self.view.forget_inventory().await;
        result
    }

    pub(super) async fn destroy_folder(&self) -> Result<(), Error> {
        let folder = self.refs(|refs| refs.folder.take());
        let result = self.destroy(folder, &Action::DestroyFolder).await;
        self.view.forget_inventory().await;
        result
    }

    /// What is gone already is as wanted.
    pub(super) async fn destroy(&self, entity: Option<MoRef>, action: &Action) -> Result<(), Error> {
        let Some(entity) = entity else { return Ok(()) };
        let gone = match self.client.destroy(&entity).await {
            Ok(task) => self.client.wait_task(&task).await.map(drop),
            Err(error) => Err(error),
        };
        match gone {
            Err(error) if matches!(error.fault(), Some(FaultKind::ManagedObjectNotFound { .. })) => Ok(()),
            other => other.map_err(Error::step(action)),
        }
    }
}

/// Linked clones cannot grow their disk, so that the image has the largest that a kind asks for by default. Disks are
/// thin: what nobody writes takes no space.
fn largest_disk_gib(context: &Context<'_>) -> i64 {
    let Ok(settings) = context.settings() else { return 0 };
    let release = deploy::release::Release::find(&settings.release);
    let kinds = release.into_iter().flat_map(|release| release.kinds.values());
    kinds.map(|kind| i64::from(kind.default_size(settings.profile).disk_gib)).max().unwrap_or_default()
}

fn grown_disk(source: &template::Found, disk_gib: i64) -> Vec<DeviceChange> {
    let capacity_bytes = disk_gib * 1024 * 1024 * 1024;
    let disk = source.devices.iter().find(|device| device.is_disk());
    let small = disk.filter(|disk| disk.capacity_bytes.is_some_and(|capacity| capacity < capacity_bytes));
    small
        .map(|device| DeviceChange::GrowDisk { device: device.clone(), capacity_bytes })
        .into_iter()
        .collect()
}
