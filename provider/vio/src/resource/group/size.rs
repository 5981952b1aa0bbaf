//! The size of nodes: what the user wrote, else what the component has, else what the release says.

use deploy::release::{KindSpec, Profile, Size};
use tf_core::Value;

use crate::resource::values::{number, set};

/// The planned size; members that are unknown in the configuration stay unknown.
pub(super) fn planned(config: &Value, prior: &Value, defaults: Size) -> Value {
    if config.is_unknown() {
        return Value::Unknown;
    }
    let mut size = Value::Map(std::collections::BTreeMap::new());
    for (name, default) in
        [("cpus", defaults.cpus), ("memory_mib", defaults.memory_mib), ("disk_gib", defaults.disk_gib)]
    {
        let value = match (config.get(name), prior.get(name)) {
            (Value::Null, Value::Null) => i64::from(default).into(),
            (Value::Null, kept) => kept.clone(),
            (given, _) => given.clone(),
        };
        set(&mut size, name, value);
    }
    size
}

/// A size that is known.
pub(super) fn decode(value: &Value, kind: &KindSpec, profile: Profile) -> Size {
    let default = kind.default_size(profile);
    Size {
        cpus: number(value.get("cpus")).unwrap_or(default.cpus),
        memory_mib: number(value.get("memory_mib")).unwrap_or(default.memory_mib),
        disk_gib: number(value.get("disk_gib")).unwrap_or(default.disk_gib),
    }
}

/// The size as a value.
pub(super) fn encode(size: Size) -> Value {
    planned(&Value::Null, &Value::Null, size)
}
