//! Virtual devices: reading those a VM has, and describing changes to them.

use crate::mo_ref::MoRef;
use crate::property::PropertyValue;
use crate::proto::El;

/// What a network card is attached to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NicBacking {
    /// A network of standard switches.
    Standard {
        /// The network's name.
        name: String,
        /// The network object, which decides if two networks have the same name.
        network: Option<MoRef>,
    },
    /// A port group of a distributed switch.
    Distributed {
        /// The port group's key, e.g. `dvportgroup-13`.
        portgroup_key: String,
        /// The switch's UUID (property `uuid` of the `DistributedVirtualSwitch`).
        switch_uuid: String,
    },
}

/// A virtual device that a VM or template has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Device {
    /// The device's key, unique within its VM.
    pub key: i32,
    /// The device's type, e.g. `VirtualVmxnet3`, `VirtualDisk`.
    pub kind: String,
    /// The label, e.g. `Network adapter 1`, `Hard disk 1`.
    pub label: String,
    /// A network card's address.
    pub mac_address: Option<String>,
    /// What a network card is attached to; `None` for other devices and for kinds of networks unknown to this client.
    pub backing: Option<NicBacking>,
    /// A disk's capacity in bytes.
    pub capacity_bytes: Option<i64>,
    /// The file of a disk, e.g. `[datastore1] vm/vm.vmdk`.
    pub file_name: Option<String>,
    /// The key of the controller that the device hangs on.
    pub controller_key: Option<i32>,
    /// The place on the controller.
    pub unit_number: Option<i32>,
    /// The device as the server sent it, which is sent back with a change.
    pub(crate) element: El,
}

impl Device {
    /// Reads one device from its element; `None` if that has no key.
    pub fn parse(el: &El) -> Option<Self> {
        let number = |name: &str| el.child_text(name).and_then(|text| text.parse().ok());
        let text = |path: &[&str]| el.at(path).map(|found| found.text.clone());
        let bytes = el.child_text("capacityInBytes").and_then(|text| text.parse().ok());
        let kib: Option<i64> = el.child_text("capacityInKB").and_then(|text| text.parse().ok());
        Some(Self {
            key: number("key")?,
            kind: el.xsi_type.as_deref().unwrap_or_default().to_owned(),
            label: text(&["deviceInfo", "label"]).unwrap_or_default(),
            mac_address: text(&["macAddress"]),
            backing: el.child("backing").and_then(nic_backing),
            capacity_bytes: bytes.or_else(|| kib.map(|kib| kib.saturating_mul(1024))),
            file_name: text(&["backing", "fileName"]),
            controller_key: number("controllerKey"),
            unit_number: number("unitNumber"),
            element: el.clone(),
        })
    }

    /// Reads the devices of a VM from its property `config.hardware.device`, in the VM's order.
    pub fn parse_all(hardware: &PropertyValue) -> Vec<Self> {
        hardware.children().iter().filter_map(Self::parse).collect()
    }

    /// Whether the device is a network card. Their order in `config.hardware.device` is the guest's order.
    pub fn is_nic(&self) -> bool {
        self.element.child("macAddress").is_some() || self.element.child("addressType").is_some()
    }

    /// Whether the device is a disk.
    pub fn is_disk(&self) -> bool {
        self.kind == "VirtualDisk"
    }
}

fn nic_backing(backing: &El) -> Option<NicBacking> {
    let text = |path: &[&str]| backing.at(path).map(|el| el.text.clone());
    match backing.xsi_type.as_deref()? {
        "VirtualEthernetCardNetworkBackingInfo" => Some(NicBacking::Standard {
            name: text(&["deviceName"])?,
            network: backing.child("network").and_then(El::moref),
        }),
        "VirtualEthernetCardDistributedVirtualPortBackingInfo" => Some(NicBacking::Distributed {
            portgroup_key: text(&["port", "portgroupKey"])?,
            switch_uuid: text(&["port", "switchUuid"])?,
        }),
        _ => None,
    }
}

/// A change to the devices of a VM, within a clone or a reconfiguration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DeviceChange {
    /// Adds a VMXNET3 card.
    AddNic {
        /// A temporary key, negative and unique within the request.
        key: i32,
        /// What it is attached to.
        backing: NicBacking,
        /// Its address, set by hand; the server draws one if absent.
        mac_address: Option<String>,
    },
    /// Attaches an existing card to another network. Its type and key stay; a clone gets its own address as usual.
    EditNic {
        /// The card as it was read (in a clone: from the source).
        device: Device,
        /// What it shall be attached to.
        backing: NicBacking,
    },
    /// Makes an existing disk larger. vSphere refuses to make one smaller, and to grow one that has snapshots or a
    /// parent.
    GrowDisk {
        /// The disk as it was read (in a clone: from the source).
        device: Device,
        /// The new capacity in bytes, a multiple of 1024.
        capacity_bytes: i64,
    },
    /// Removes a device; a disk's file stays.
    Remove {
        /// The device as it was read.
        device: Device,
    },
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proto::parse_xml;

    fn devices(xml: &str) -> Vec<Device> {
        Device::parse_all(&PropertyValue::new(parse_xml(xml.as_bytes()).unwrap()))
    }

    #[test]
    fn cards_and_disks_are_read_with_their_backings() {
        let found = devices(
            r#"<val x:type="ArrayOfVirtualDevice">
            <VirtualDevice x:type="VirtualDisk"><key>2000</key><deviceInfo x:type="Description"><label>Hard disk 1</label></deviceInfo><backing x:type="VirtualDiskFlatVer2BackingInfo"><fileName>[ds] a/a.vmdk</fileName></backing><controllerKey>1000</controllerKey><unitNumber>0</unitNumber><capacityInKB>10</capacityInKB></VirtualDevice>
            <VirtualDevice x:type="VirtualVmxnet3"><key>4000</key><backing x:type="VirtualEthernetCardNetworkBackingInfo"><deviceName>VM Network</deviceName><network type="Network">network-7</network></backing><addressType>generated</addressType><macAddress>00:0c:29:00:00:01</macAddress></VirtualDevice>
            <VirtualDevice x:type="VirtualE1000"><key>4001</key><backing x:type="VirtualEthernetCardDistributedVirtualPortBackingInfo"><port><switchUuid>u</switchUuid><portgroupKey>dvportgroup-1</portgroupKey></port></backing><addressType>assigned</addressType></VirtualDevice></val>"#,
        );
        assert_eq!(found.len(), 3);
        assert_eq!((found[0].capacity_bytes, found[0].controller_key), (Some(10_240), Some(1000)));
        assert!(found[0].is_disk() && found[1].is_nic() && found[2].is_nic());
        let network = Some(MoRef::new("Network", "network-7"));
        assert_eq!(found[1].backing, Some(NicBacking::Standard { name: "VM Network".into(), network }));
        assert_eq!(
            found[2].backing,
            Some(NicBacking::Distributed { portgroup_key: "dvportgroup-1".into(), switch_uuid: "u".into() })
        );
    }

    #[test]
    fn the_network_of_an_unknown_backing_is_none() {
        let found = devices(
            r#"<val><VirtualDevice x:type="VirtualVmxnet3"><key>4000</key><backing x:type="VirtualEthernetCardOpaqueNetworkBackingInfo"/><macAddress>m</macAddress></VirtualDevice></val>"#,
        );
        assert_eq!(found[0].backing, None);
    }
}
