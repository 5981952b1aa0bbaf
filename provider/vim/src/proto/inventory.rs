//! Folders, pools, names and search.

use crate::mo_ref::MoRef;
use crate::proto::{SoapRequest, Writer};

/// `FindByInventoryPath`, e.g. `/DC0/vm/folder/name`; `/`, `\` and `%` within a name are written `%2f`, `%5c`, `%25`.
pub fn find_by_inventory_path(search_index: &MoRef, path: &str) -> SoapRequest {
    SoapRequest::reading("FindByInventoryPath", search_index, |w| w.field("inventoryPath", path))
}

/// `FindChild`: the child of this name of a folder, datacenter, cluster or pool.
pub fn find_child(search_index: &MoRef, parent: &MoRef, name: &str) -> SoapRequest {
    SoapRequest::reading("FindChild", search_index, |w| {
        w.moref("entity", parent);
        w.field("name", name);
    })
}

/// `CreateFolder`.
pub fn create_folder(parent: &MoRef, name: &str) -> SoapRequest {
    SoapRequest::mutating("CreateFolder", parent, |w| w.field("name", name))
}

/// `CreateResourcePool` with normal shares, no reservation, no limit, expandable.
pub fn create_resource_pool(parent: &MoRef, name: &str) -> SoapRequest {
    SoapRequest::mutating("CreateResourcePool", parent, |w| {
        w.field("name", name);
        w.nest("spec", |w| {
            w.nest("cpuAllocation", unlimited);
            w.nest("memoryAllocation", unlimited);
        });
    })
}

/// The number of shares is ignored beside the level `normal`, but the schema wants one.
fn unlimited(w: &mut Writer) {
    w.field("reservation", 0);
    w.field("expandableReservation", true);
    w.field("limit", -1);
    w.nest("shares", |w| {
        w.field("shares", 0);
        w.field("level", "normal");
    });
}

/// `Rename_Task` of any managed entity.
pub fn rename(entity: &MoRef, name: &str) -> SoapRequest {
    SoapRequest::mutating("Rename_Task", entity, |w| w.field("newName", name))
}

/// `Destroy_Task` of any managed entity. A VM must be powered off; a folder takes all within with it.
pub fn destroy(entity: &MoRef) -> SoapRequest {
    SoapRequest::mutating("Destroy_Task", entity, |_| {})
}

/// `MoveIntoFolder_Task`.
pub fn move_into_folder(folder: &MoRef, entities: &[MoRef]) -> SoapRequest {
    SoapRequest::mutating("MoveIntoFolder_Task", folder, |w| w.morefs("list", entities))
}

/// `MoveIntoResourcePool`. No task.
pub fn move_into_resource_pool(pool: &MoRef, entities: &[MoRef]) -> SoapRequest {
    SoapRequest::mutating("MoveIntoResourcePool", pool, |w| w.morefs("list", entities))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pool_says_every_part_of_both_allocations() {
        let request = create_resource_pool(&MoRef::new("ResourcePool", "resgroup-1"), "p");
        let allocation = "<reservation>0</reservation><expandableReservation>true</expandableReservation>\
            <limit>-1</limit><shares><shares>0</shares><level>normal</level></shares>";
        assert!(request.mutates);
        assert!(request.body.ends_with(&format!(
            "<name>p</name><spec><cpuAllocation>{allocation}</cpuAllocation><memoryAllocation>{allocation}\
             </memoryAllocation></spec></CreateResourcePool>"
        )));
    }

    #[test]
    fn names_are_escaped() {
        assert!(
            create_folder(&MoRef::new("Folder", "group-v3"), "R&D").body.contains("<name>R&amp;D</name>")
        );
    }
}
