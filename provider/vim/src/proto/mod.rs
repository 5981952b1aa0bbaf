//! The vSphere API without I/O: a constructor for each method's request, and parsers of the answers.

mod cluster;
mod element;
mod inventory;
mod property;
mod request;
mod session;
mod updates;
mod vm;
mod vm_spec;
mod writer;

pub use cluster::reconfigure_cluster_rules;
pub use element::{El, parse_xml};
pub use inventory::{
    create_folder, create_resource_pool, destroy, find_by_inventory_path, find_child, move_into_folder,
    move_into_resource_pool, rename,
};
pub use property::{RetrieveResult, continue_retrieve, parse_retrieved, retrieve};
pub use request::{Refusal, SoapRequest, parse_response};
pub use session::{
    About, ServiceContent, cancel_task, current_time, login, logout, parse_service_content,
    retrieve_service_content,
};
pub use updates::{
    ObjectUpdate, UpdateKind, UpdateSet, cancel_wait, create_collector, create_filter, create_list_view,
    destroy_collector, destroy_view, modify_list_view, parse_update_set, wait_for_updates,
};
pub use vm::{
    clone_vm, create_snapshot, power_off, power_on, power_on_multi, reconfigure_vm, remove_snapshot, reset,
    shutdown_guest, terminate,
};

pub(crate) use request::{returned_moref, returnval};
pub(crate) use writer::Writer;
