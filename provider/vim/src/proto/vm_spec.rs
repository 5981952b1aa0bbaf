//! The specifications of clones and reconfigurations, their fields in schema order.

use crate::device::{Device, DeviceChange, NicBacking};
use crate::proto::{El, Writer};
use crate::spec::{CloneLocation, CloneSpec, VmConfigSpec};

/// Writes the fields of a `VirtualMachineCloneSpec`.
pub(super) fn clone_spec(w: &mut Writer, spec: &CloneSpec) {
    let CloneSpec { location, snapshot, power_on, template, config } = spec;
    let CloneLocation { datastore, pool, host, disk_move_type } = location;
    w.nest("location", |w| {
        w.optional_moref("datastore", datastore.as_ref());
        w.optional("diskMoveType", disk_move_type.as_ref());
        w.optional_moref("pool", pool.as_ref());
        w.optional_moref("host", host.as_ref());
    });
    w.field("template", template);
    if let Some(config) = config {
        w.nest("config", |w| config_spec(w, config));
    }
    w.field("powerOn", power_on);
    w.optional_moref("snapshot", snapshot.as_ref());
}

/// Writes the fields of a `VirtualMachineConfigSpec`.
pub(super) fn config_spec(w: &mut Writer, spec: &VmConfigSpec) {
    let VmConfigSpec { change_version, name, annotation, num_cpus, memory_mib, device_changes, extra_config } =
        spec;
    w.optional("changeVersion", change_version.as_ref());
    w.optional("name", name.as_ref());
    w.optional("annotation", annotation.as_ref());
    w.optional("numCPUs", *num_cpus);
    w.optional("memoryMB", *memory_mib);
    for change in device_changes {
        w.typed("deviceChange", "VirtualDeviceConfigSpec", |w| device_change(w, change));
    }
    for (key, value) in extra_config {
        w.typed("extraConfig", "OptionValue", |w| {
            w.field("key", key);
            w.any("value", "xsd:string", value);
        });
    }
}

fn device_change(w: &mut Writer, change: &DeviceChange) {
    match change {
        DeviceChange::AddNic { key, backing, mac_address } => {
            w.field("operation", "add");
            w.typed("device", "VirtualVmxnet3", |w| {
                w.field("key", key);
                nic_backing(w, backing);
                connectable(w);
                w.field("addressType", if mac_address.is_some() { "manual" } else { "generated" });
                if let Some(mac_address) = mac_address {
                    w.field("macAddress", mac_address);
                }
            });
        }
        DeviceChange::EditNic { device, backing } => {
            w.field("operation", "edit");
            edited_nic(w, device, backing);
        }
        DeviceChange::GrowDisk { device, capacity_bytes } => {
            w.field("operation", "edit");
            w.element(&grown_disk(device, *capacity_bytes));
        }
        DeviceChange::Remove { device } => {
            w.field("operation", "remove");
            w.element(&named_device(device));
        }
    }
}

/// The card as the server described it, with another backing. Its address and slot are left out, so that a clone gets an
/// address of its own; what is left out of an edit stays as it is.
fn edited_nic(w: &mut Writer, device: &Device, backing: &NicBacking) {
    let Device { key, kind, controller_key, unit_number, .. } = device;
    w.typed("device", kind, |w| {
        w.field("key", key);
        nic_backing(w, backing);
        connectable(w);
        w.optional("controllerKey", *controller_key);
        w.optional("unitNumber", *unit_number);
        w.optional("addressType", device.element.child_text("addressType"));
    });
}

fn nic_backing(w: &mut Writer, backing: &NicBacking) {
    match backing {
        NicBacking::Standard { name, network } => {
            w.typed("backing", "VirtualEthernetCardNetworkBackingInfo", |w| {
                w.field("deviceName", name);
                w.optional_moref("network", network.as_ref());
            });
        }
        NicBacking::Distributed { portgroup_key, switch_uuid } => {
            w.typed("backing", "VirtualEthernetCardDistributedVirtualPortBackingInfo", |w| {
                w.nest("port", |w| {
                    w.field("switchUuid", switch_uuid);
                    w.field("portgroupKey", portgroup_key);
                });
            });
        }
    }
}

fn connectable(w: &mut Writer) {
    w.nest("connectable", |w| {
        w.field("startConnected", true);
        w.field("allowGuestControl", true);
        w.field("connected", true);
    });
}

/// The server's element renamed from its place in an array (`VirtualDevice`) to that in a change.
fn named_device(device: &Device) -> El {
    El { name: "device".into(), ..device.element.clone() }
}

/// Both capacity fields change: a server refuses a disk whose two capacities disagree.
fn grown_disk(device: &Device, capacity_bytes: i64) -> El {
    let mut disk = named_device(device);
    for field in &mut disk.children {
        match field.name.as_ref() {
            "capacityInKB" => field.text = (capacity_bytes / 1024).to_string(),
            "capacityInBytes" => field.text = capacity_bytes.to_string(),
            _ => {}
        }
    }
    disk
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mo_ref::MoRef;
    use crate::proto::parse_xml;
    use crate::spec::CHILD_DISK;

    fn written(write: impl FnOnce(&mut Writer)) -> String {
        let mut w = Writer::default();
        write(&mut w);
        w.finish()
    }

    fn device(xml: &str) -> Device {
        Device::parse(&parse_xml(xml.as_bytes()).unwrap()).unwrap()
    }

    #[test]
    fn a_linked_clone_is_written_in_schema_order() {
        let spec = CloneSpec {
            location: CloneLocation {
                datastore: Some(MoRef::new("Datastore", "datastore-1")),
                pool: Some(MoRef::new("ResourcePool", "resgroup-1")),
                host: Some(MoRef::new("HostSystem", "host-1")),
                disk_move_type: Some(CHILD_DISK.to_owned()),
            },
            snapshot: Some(MoRef::new("VirtualMachineSnapshot", "snapshot-1")),
            power_on: true,
            template: false,
            config: Some(VmConfigSpec { num_cpus: Some(2), ..VmConfigSpec::default() }),
        };
        assert_eq!(
            written(|w| clone_spec(w, &spec)),
            concat!(
                r#"<location><datastore type="Datastore">datastore-1</datastore>"#,
                "<diskMoveType>createNewChildDiskBacking</diskMoveType>",
                r#"<pool type="ResourcePool">resgroup-1</pool><host type="HostSystem">host-1</host></location>"#,
                "<template>false</template><config><numCPUs>2</numCPUs></config><powerOn>true</powerOn>",
                r#"<snapshot type="VirtualMachineSnapshot">snapshot-1</snapshot>"#
            )
        );
    }

    #[test]
    fn a_config_is_written_in_schema_order_with_typed_values() {
        let spec = VmConfigSpec {
            change_version: Some("v".into()),
            name: Some("n".into()),
            annotation: Some("a".into()),
            num_cpus: Some(2),
            memory_mib: Some(2048),
            device_changes: Vec::new(),
            extra_config: [("a".to_owned(), "1".to_owned()), ("b".to_owned(), String::new())].into(),
        };
        assert_eq!(
            written(|w| config_spec(w, &spec)),
            concat!(
                "<changeVersion>v</changeVersion><name>n</name><annotation>a</annotation><numCPUs>2</numCPUs>",
                "<memoryMB>2048</memoryMB>",
                r#"<extraConfig xsi:type="OptionValue"><key>a</key><value xsi:type="xsd:string">1</value></extraConfig>"#,
                r#"<extraConfig xsi:type="OptionValue"><key>b</key><value xsi:type="xsd:string"></value></extraConfig>"#
            )
        );
    }

    #[test]
    fn a_card_keeps_type_and_key_and_gives_up_its_address() {
        let card = device(
            r#"<VirtualDevice x:type="VirtualE1000"><key>4000</key><backing x:type="VirtualEthernetCardNetworkBackingInfo"><deviceName>old</deviceName></backing><controllerKey>100</controllerKey><unitNumber>7</unitNumber><addressType>generated</addressType><macAddress>00:0c:29:00:00:01</macAddress></VirtualDevice>"#,
        );
        let backing =
            NicBacking::Distributed { portgroup_key: "dvportgroup-1".into(), switch_uuid: "u".into() };
        assert_eq!(
            written(|w| device_change(w, &DeviceChange::EditNic { device: card, backing })),
            concat!(
                r#"<operation>edit</operation><device xsi:type="VirtualE1000"><key>4000</key>"#,
                r#"<backing xsi:type="VirtualEthernetCardDistributedVirtualPortBackingInfo"><port>"#,
                "<switchUuid>u</switchUuid><portgroupKey>dvportgroup-1</portgroupKey></port></backing>",
                "<connectable><startConnected>true</startConnected><allowGuestControl>true</allowGuestControl>",
                "<connected>true</connected></connectable><controllerKey>100</controllerKey>",
                "<unitNumber>7</unitNumber><addressType>generated</addressType></device>"
            )
        );
    }

    #[test]
    fn a_grown_disk_changes_both_capacities_and_nothing_else() {
        let disk = device(
            r#"<VirtualDevice x:type="VirtualDisk"><key>2000</key><backing x:type="VirtualDiskFlatVer2BackingInfo"><fileName>[ds] a.vmdk</fileName><datastore type="Datastore">datastore-1</datastore><diskMode>persistent</diskMode></backing><capacityInKB>1</capacityInKB><capacityInBytes>1024</capacityInBytes></VirtualDevice>"#,
        );
        assert_eq!(
            written(|w| device_change(w, &DeviceChange::GrowDisk { device: disk, capacity_bytes: 4096 })),
            concat!(
                r#"<operation>edit</operation><device xsi:type="VirtualDisk"><key>2000</key>"#,
                r#"<backing xsi:type="VirtualDiskFlatVer2BackingInfo"><fileName>[ds] a.vmdk</fileName>"#,
                r#"<datastore type="Datastore">datastore-1</datastore><diskMode>persistent</diskMode></backing>"#,
                "<capacityInKB>4</capacityInKB><capacityInBytes>4096</capacityInBytes></device>"
            )
        );
    }
}
