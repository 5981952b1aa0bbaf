//! Folders, pools, names and search.

use super::call::protocol;
use super::{Client, Inner};
use crate::error::Error;
use crate::mo_ref::MoRef;
use crate::proto::{self, El, SoapRequest, returned_moref};

impl Inner {
    /// Calls a method that returns a reference: a task or a new object.
    pub(super) async fn call_for_moref(&self, request: &SoapRequest) -> Result<MoRef, Error> {
        let response = self.call(request).await?;
        returned_moref(&response).map_err(|reason| protocol(request, reason))
    }

    async fn find(&self, request: &SoapRequest) -> Result<Option<MoRef>, Error> {
        Ok(self.call(request).await?.child("returnval").and_then(El::moref))
    }
}

impl Client {
    /// Finds an object by its path, e.g. `/DC0/vm/folder/name`; `/`, `\` and `%` within a name are written `%2f`, `%5c`,
    /// `%25`.
    ///
    /// # Errors
    /// Those of every call: [`Error`]. Not to find is no error.
    pub async fn find_by_inventory_path(&self, path: &str) -> Result<Option<MoRef>, Error> {
        let index = &self.inner.content().await?.search_index;
        self.inner.find(&proto::find_by_inventory_path(index, path)).await
    }

    /// Finds the child of this name of a folder, datacenter, cluster or resource pool.
    ///
    /// # Errors
    /// Those of every call: [`Error`]. Not to find is no error.
    pub async fn find_child(&self, parent: &MoRef, name: &str) -> Result<Option<MoRef>, Error> {
        let index = &self.inner.content().await?.search_index;
        self.inner.find(&proto::find_child(index, parent, name)).await
    }

    /// Makes a folder within a folder and returns it. Of several who make the same name, one wins.
    ///
    /// # Errors
    /// `DuplicateName` with the holder of the name, and those of every call: [`Error`].
    pub async fn create_folder(&self, parent: &MoRef, name: &str) -> Result<MoRef, Error> {
        self.inner.call_for_moref(&proto::create_folder(parent, name)).await
    }

    /// Makes a resource pool within another (or a cluster's root pool) with normal shares, unlimited and expandable, and
    /// returns it.
    ///
    /// # Errors
    /// `DuplicateName` with the holder of the name, and those of every call: [`Error`].
    pub async fn create_resource_pool(&self, parent: &MoRef, name: &str) -> Result<MoRef, Error> {
        self.inner.call_for_moref(&proto::create_resource_pool(parent, name)).await
    }

    /// Starts a task that renames any managed entity.
    ///
    /// # Errors
    /// Those of every call: [`Error`].
    pub async fn rename(&self, entity: &MoRef, name: &str) -> Result<MoRef, Error> {
        self.inner.call_for_moref(&proto::rename(entity, name)).await
    }

    /// Starts a task that destroys any managed entity. A VM must be powered off. Of a folder vCenter destroys all within;
    /// the simulator leaves VMs behind, so destroy VMs first.
    ///
    /// # Errors
    /// Those of every call: [`Error`].
    pub async fn destroy(&self, entity: &MoRef) -> Result<MoRef, Error> {
        self.inner.call_for_moref(&proto::destroy(entity)).await
    }

    /// Starts a task that moves entities into a folder.
    ///
    /// # Errors
    /// Those of every call: [`Error`].
    pub async fn move_into_folder(&self, folder: &MoRef, entities: &[MoRef]) -> Result<MoRef, Error> {
        self.inner.call_for_moref(&proto::move_into_folder(folder, entities)).await
    }

    /// Moves VMs or pools into a resource pool. There is no task.
    ///
    /// # Errors
    /// Those of every call: [`Error`].
    pub async fn move_into_resource_pool(&self, pool: &MoRef, entities: &[MoRef]) -> Result<(), Error> {
        self.inner.call(&proto::move_into_resource_pool(pool, entities)).await.map(drop)
    }
}
