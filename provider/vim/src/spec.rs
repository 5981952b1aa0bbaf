//! What to make and what to change: typed arguments of the mutating methods.

use std::collections::BTreeMap;

use crate::device::DeviceChange;
use crate::mo_ref::MoRef;
use crate::property::PropertyValue;
use crate::proto::El;

/// A change of a VM's configuration (`VirtualMachineConfigSpec`). What is `None` or empty stays as it is.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct VmConfigSpec {
    /// The `config.changeVersion` that was read: the change is refused with `ConcurrentAccess` if another came between.
    pub change_version: Option<String>,
    /// The VM's new name.
    pub name: Option<String>,
    /// The note shown with the VM.
    pub annotation: Option<String>,
    /// The number of virtual processors.
    pub num_cpus: Option<u32>,
    /// The memory in MiB; vSphere wants a multiple of 4.
    pub memory_mib: Option<u64>,
    /// Devices to add, change, remove.
    pub device_changes: Vec<DeviceChange>,
    /// ExtraConfig keys to set; an empty value deletes the key. May hold secrets.
    pub extra_config: BTreeMap<String, String>,
}

/// Shows names and numbers, and the keys of `extra_config` but never its values: those may be secrets.
impl std::fmt::Debug for VmConfigSpec {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("VmConfigSpec")
            .field("change_version", &self.change_version)
            .field("name", &self.name)
            .field("num_cpus", &self.num_cpus)
            .field("memory_mib", &self.memory_mib)
            .field("device_changes", &self.device_changes.len())
            .field("extra_config_keys", &self.extra_config.keys())
            .finish_non_exhaustive()
    }
}

/// Where a clone goes (`VirtualMachineRelocateSpec`).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CloneLocation {
    /// The datastore of its files; the source's if absent.
    pub datastore: Option<MoRef>,
    /// The resource pool; required when the source is a template.
    pub pool: Option<MoRef>,
    /// The host; DRS or the server chooses if absent.
    pub host: Option<MoRef>,
    /// How the disks come about; [`CHILD_DISK`] for a linked clone, `None` for full copies.
    pub disk_move_type: Option<String>,
}

/// The `disk_move_type` of a linked clone: each disk is a delta over the snapshot's disk.
pub const CHILD_DISK: &str = "createNewChildDiskBacking";

/// How to clone a VM or template (`VirtualMachineCloneSpec`).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CloneSpec {
    /// Where the clone goes.
    pub location: CloneLocation,
    /// The snapshot to clone from; required for a linked clone.
    pub snapshot: Option<MoRef>,
    /// Whether to power the clone on within the same task.
    pub power_on: bool,
    /// Whether the clone becomes a template.
    pub template: bool,
    /// Changes to the source's configuration. ExtraConfig is inherited from the source by vCenter, not by every
    /// simulator: set an empty value for what must not be inherited.
    pub config: Option<VmConfigSpec>,
}

/// A DRS rule that keeps VMs on different hosts (`ClusterAntiAffinityRuleSpec`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AntiAffinityRule {
    /// The server's key of the rule; absent in a rule to be added.
    pub key: Option<i32>,
    /// The rule's name, unique within the cluster.
    pub name: String,
    /// Whether DRS honours it.
    pub enabled: bool,
    /// Whether a VM is rather left off than put beside another.
    pub mandatory: bool,
    /// The VMs; at least two.
    pub vms: Vec<MoRef>,
}

impl AntiAffinityRule {
    /// Reads the anti-affinity rules from a cluster's property `configurationEx.rule`; rules of other
    /// kinds are left out.
    pub fn parse_all(property: &PropertyValue) -> Vec<Self> {
        let is_rule = |el: &&El| el.xsi_type.as_deref() == Some("ClusterAntiAffinityRuleSpec");
        property.children().iter().filter(is_rule).filter_map(Self::parse).collect()
    }

    fn parse(el: &El) -> Option<Self> {
        let is = |name: &str| el.child_text(name) == Some("true");
        Some(Self {
            key: el.child_text("key").and_then(|key| key.parse().ok()),
            name: el.child_text("name")?.to_owned(),
            enabled: is("enabled"),
            mandatory: is("mandatory"),
            vms: el.children_named("vm").filter_map(El::moref).collect(),
        })
    }
}

/// A change to the rules of a cluster.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RuleChange {
    /// Adds a rule.
    Add(AntiAffinityRule),
    /// Replaces the rule of the same key, wholly: every field is sent. A rename is a removal and an addition.
    Edit(AntiAffinityRule),
    /// Removes the rule of this key.
    Remove {
        /// The rule's key.
        key: i32,
    },
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proto::parse_xml;

    #[test]
    fn only_anti_affinity_rules_are_read() {
        let xml = r#"<val x:type="ArrayOfClusterRuleInfo"><ClusterRuleInfo x:type="ClusterAntiAffinityRuleSpec"><key>3</key><enabled>true</enabled><name>apart</name><mandatory>false</mandatory><vm type="VirtualMachine">vm-1</vm><vm type="VirtualMachine">vm-2</vm></ClusterRuleInfo><ClusterRuleInfo x:type="ClusterAffinityRuleSpec"><key>4</key><name>together</name></ClusterRuleInfo></val>"#;
        let rules = AntiAffinityRule::parse_all(&PropertyValue::new(parse_xml(xml.as_bytes()).unwrap()));
        assert_eq!(rules.len(), 1);
        assert_eq!((rules[0].key, rules[0].vms.len(), rules[0].enabled), (Some(3), 2, true));
    }

    #[test]
    fn debug_shows_keys_but_no_values_of_extra_config() {
        let extra_config = BTreeMap::from([("guestinfo.userdata".to_owned(), "canary".to_owned())]);
        let shown = format!("{:?}", VmConfigSpec { extra_config, ..VmConfigSpec::default() });
        assert!(shown.contains("guestinfo.userdata") && !shown.contains("canary"), "{shown}");
    }
}
