//! The user's template: where it is, and what a plan must know of it.

use deploy::inventory::{Datacenter, Template};
use vim::{Client, Device, MoRef, ObjectSpec, PropSpec};

use crate::error::Error;

const GIB: i64 = 1024 * 1024 * 1024;

/// The template's VM with its devices.
#[derive(Debug, Clone)]
pub(crate) struct Found {
    pub(crate) vm: MoRef,
    pub(crate) devices: Vec<Device>,
    pub(crate) template: Template,
}

/// Finds a VM or template by its path below the datacenter's VM folder, or by its whole inventory path.
pub(crate) async fn find(client: &Client, datacenter: &Datacenter, name: &str) -> Result<Found, Error> {
    let below = format!("{}/vm/{}", datacenter.entity.path, name.trim_start_matches('/'));
    let whole = format!("/{}", name.trim_start_matches('/'));
    for path in [below, whole] {
        let what = format!("the template `{path}`");
        let found = client.find_by_inventory_path(&path).await.map_err(Error::read(&what))?;
        if let Some(vm) = found.filter(|object| object.kind == "VirtualMachine") {
            return read(client, vm, &what).await;
        }
    }
    Err(Error::NoTemplate(name.to_owned()))
}

async fn read(client: &Client, vm: MoRef, what: &str) -> Result<Found, Error> {
    let paths = PropSpec::new("VirtualMachine", &["config.hardware.device", "guest.toolsVersionStatus2"]);
    let objects =
        client.retrieve(&[ObjectSpec::one(vm.clone())], &[paths]).await.map_err(Error::read(what))?;
    let value = |path: &str| objects.first().and_then(|object| object.props.get(path));
    let devices = value("config.hardware.device").map(Device::parse_all).unwrap_or_default();
    let tools = value("guest.toolsVersionStatus2").map(|value| value.str().to_owned()).unwrap_or_default();
    let disk_bytes = devices.iter().find(|device| device.is_disk()).and_then(|disk| disk.capacity_bytes);
    let disk_gib = disk_bytes.map_or(0, |bytes| (bytes + GIB - 1) / GIB);
    let template = Template {
        has_tools: tools != "guestToolsNotInstalled",
        disk_gib: u32::try_from(disk_gib).unwrap_or_default(),
    };
    Ok(Found { vm, devices, template })
}
