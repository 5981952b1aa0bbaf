//! Transport zones.

use serde_json::Value;

/// A transport zone: which transport nodes a network of the cloud can span.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TransportZone {
    /// Its id.
    pub id: String,
    /// Its display name, which need not be unique.
    pub name: String,
    /// `OVERLAY` or `VLAN`.
    pub transport_type: String,
    /// The name that its host switch has on every node, where the manager's version still has one.
    pub host_switch_name: Option<String>,
}

impl TransportZone {
    /// Reads a zone as the manager sends it; none when it has no id.
    pub(crate) fn parse(value: &Value) -> Option<Self> {
        let text = |name: &str| value.get(name).and_then(Value::as_str).map(str::to_owned);
        let id = text("id")?;
        Some(Self {
            name: text("display_name").unwrap_or_else(|| id.clone()),
            transport_type: text("transport_type").unwrap_or_default(),
            host_switch_name: text("host_switch_name").filter(|name| !name.is_empty()),
            id,
        })
    }
}
