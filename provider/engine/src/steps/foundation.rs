//! Folder, pool and image.

use std::collections::BTreeMap;

use deploy::name::later_image_name;
use deploy::plan::Action;
use deploy::{lease, marks};
use vim::{CloneLocation, CloneSpec, Device, DeviceChange, FaultKind, MoRef, VmConfigSpec};

use super::{Context, bug, is_gone};
use crate::deployment::ImageRefs;
use crate::error::Error;
use crate::operations::given;
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

    /// The record goes into the clone call itself: an image without a record cannot exist. So does the lease, so that
    /// nobody else takes it first.
    pub(super) async fn create_image(&self) -> Result<(), Error> {
        let record = self.deployment.record().ok_or_else(|| bug("there is no record to write".into()))?;
        let mut extra_config = record.encode()?;
        extra_config.insert(lease::KEY.to_owned(), self.lease()?);
        extra_config.extend(marks::image(&self.deployment.name));
        let deployment = &self.deployment.name;
        let annotation = format!(
            "Image and record of the VIO deployment `{deployment}`. Removing it loses the deployment's addresses and secrets."
        );
        let name = deploy::name::image_name(deployment);
        let (made, devices) = self.clone_template(&name, annotation, extra_config).await?;
        let vm = made.map_err(Error::step(Action::CreateImage))?;
        let image = ImageRefs { vm, snapshot: None, change_version: String::new(), devices };
        self.refs(|refs| refs.image = Some(image));
        Ok(())
    }

    /// A VM of the name that carries the image's marks is the image already: an answer was lost.
    pub(super) async fn add_image(&self, number: u32) -> Result<(), Error> {
        let action = Action::AddImage(number);
        let (deployment, template) = (&self.deployment.name, &self.settings()?.template);
        let extra_config = marks::later_image(deployment, number, template);
        let annotation = format!(
            "Image of the VIO deployment `{deployment}` from `{template}`. Removing it takes the disks of the nodes that were \
             cloned from it."
        );
        let name = later_image_name(deployment, number);
        let (made, devices) = self.clone_template(&name, annotation, extra_config).await?;
        let vm = match made {
            Ok(vm) => vm,
            Err(error) => self.adopt_image(number, &action, error).await?,
        };
        let image = ImageRefs { vm, snapshot: None, change_version: String::new(), devices };
        self.refs(|refs| refs.later_images.insert(number, image));
        Ok(())
    }

    async fn adopt_image(&self, number: u32, action: &Action, error: vim::Error) -> Result<MoRef, Error> {
        let taken = matches!(error.fault(), Some(FaultKind::DuplicateName { .. }));
        if !taken && !error.is_ambiguous() {
            return Err(Error::step(action)(error));
        }
        let fresh = self.view.fresh(self.client, &self.deployment.name).await?;
        let Some(fresh) = fresh else { return Err(Error::step(action)(error)) };
        if let Some(image) = fresh.refs.later_images.get(&number) {
            return Ok(image.vm.clone());
        }
        fresh.refuse_unreadable()?;
        if !taken {
            return Err(Error::step(action)(error));
        }
        let marks = marks::later_image(&fresh.name, number, &self.settings()?.template);
        let (vm, folder) = (later_image_name(&fresh.name, number), fresh.folder_path.clone());
        Err(Error::ForeignVm { vm, folder, what: "an image of nodes", marks: given(&marks) })
    }

    /// Clones the user's template into the deployment. Returns what became of it, and the template's devices.
    async fn clone_template(
        &self,
        name: &str,
        annotation: String,
        extra_config: BTreeMap<String, String>,
    ) -> Result<(Result<MoRef, vim::Error>, Vec<Device>), Error> {
        let settings = self.settings()?;
        let (datacenter, cluster) = self.place(settings)?;
        let datastore = self.deployment.inventory.datastore(cluster, &settings.datastore)?;
        let source = template::find(self.client, datacenter, &settings.template).await?;
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
                annotation: Some(annotation),
                device_changes: grown_disk(&source, largest_disk_gib(self)),
                extra_config,
                ..VmConfigSpec::default()
            }),
            ..CloneSpec::default()
        };
        let made = match self.client.clone_vm(&source.vm, &folder, name, &spec).await {
            Ok(task) => self.client.wait_task(&task).await,
            Err(error) => Err(error),
        };
        let made = match made {
            Ok(Some(vm)) => Ok(vm),
            Ok(None) => return Err(bug("vCenter did not say which VM it made".into())),
            Err(error) => Err(error),
        };
        Ok((made, source.devices))
    }

    fn lease(&self) -> Result<String, Error> {
        let deployment = || self.deployment.name.clone();
        let fail = |why| deploy::Error::Lease { deployment: deployment(), why };
        let lease = self.deployment.observed.image.as_ref().map(|image| image.lease.encode());
        Ok(lease.transpose().map_err(fail)?.unwrap_or_default())
    }

    pub(super) async fn move_image(&self, number: u32) -> Result<(), Error> {
        let action = Action::MoveImage(number);
        let folder = self.refs(|refs| refs.folder.clone()).ok_or_else(|| bug("there is no folder".into()))?;
        let moved = self.client.move_into_folder(&folder, &[self.image(number)?]).await;
        self.finish(moved.map_err(Error::step(&action))?, &action).await.map(drop)
    }

    pub(super) async fn snapshot_image(&self, number: u32) -> Result<(), Error> {
        let action = Action::SnapshotImage(number);
        let text = "Nodes are linked clones of this state; do not remove it.";
        let task = self.client.create_snapshot(&self.image(number)?, SNAPSHOT, text).await;
        self.finish(task.map_err(Error::step(&action))?, &action).await.map(drop)
    }

    fn image(&self, number: u32) -> Result<MoRef, Error> {
        let image = self.refs(|refs| refs.image(number).map(|image| image.vm.clone()));
        image.ok_or_else(|| bug(format!("there is no image {number}")))
    }

    pub(super) async fn remove_image(&self, number: u32) -> Result<(), Error> {
        let image = self.refs(|refs| refs.later_images.remove(&number));
        self.destroy(image.map(|image| image.vm), &Action::RemoveImage(number)).await
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

    /// What is gone already is as wanted. A task that vCenter has forgotten, as after its restart, says nothing of that.
    pub(super) async fn destroy(&self, entity: Option<MoRef>, action: &Action) -> Result<(), Error> {
        let Some(entity) = entity else { return Ok(()) };
        let gone = match self.client.destroy(&entity).await {
            Ok(task) => self.client.wait_task(&task).await.map(drop),
            Err(error) => Err(error),
        };
        match gone {
            Err(error) if is_gone(&error, &entity) => Ok(()),
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
