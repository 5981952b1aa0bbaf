//! What a caller wants of a host transport node.

use std::collections::BTreeMap;
use std::fmt;

use serde_json::{Value, json};

/// The hypervisor type of a host that NSX prepares over SSH; Debian's and Ubuntu's packages are the same to it.
const OS_TYPE: &str = "UBUNTUKVM";
/// The first uplink of the manager's default uplink profile for hosts.
const UPLINK: &str = "uplink-1";

/// A secret string. `Debug` shows only that it is redacted; there is no `Display`.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Wraps a secret.
    pub fn new(value: impl Into<String>) -> Self {
        Self(value.into())
    }

    /// The secret itself, for the one place that sends it.
    pub(crate) fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(redacted)")
    }
}

/// How the manager logs in to a host to install its modules. It never gives them out again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HostCredential {
    /// The account.
    pub username: String,
    /// Its password.
    pub password: Secret,
    /// The SSH key fingerprint of the host: SHA-256 in base64.
    pub thumbprint: String,
}

/// A host transport node as it shall be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HostSpec {
    /// Its display name.
    pub name: String,
    /// One line for people.
    pub description: String,
    /// The address that the manager reaches it by.
    pub address: String,
    /// Tags by scope.
    pub tags: BTreeMap<String, String>,
    /// Id of its one transport zone.
    pub zone_id: String,
    /// Name of its host switch, where the zone has one.
    pub host_switch_name: Option<String>,
    /// The network adapter that becomes the host switch's uplink, if one does.
    pub uplink_device: Option<String>,
    /// How the manager logs in.
    pub credential: HostCredential,
}

impl HostSpec {
    /// The body that makes the node.
    pub(crate) fn creation(&self) -> Value {
        let HostCredential { username, password, thumbprint } = &self.credential;
        json!({
            "resource_type": "TransportNode",
            "display_name": self.name,
            "description": self.description,
            "tags": self.tag_list(),
            "node_deployment_info": {
                "resource_type": "HostNode",
                "display_name": self.name,
                "ip_addresses": [self.address],
                "os_type": OS_TYPE,
                "host_credential": {
                    "username": username,
                    "password": password.expose(),
                    "thumbprint": thumbprint,
                },
            },
            "host_switch_spec": self.host_switch_spec(),
        })
    }

    /// The tags as the API has them.
    fn tag_list(&self) -> Vec<Value> {
        self.tags.iter().map(|(scope, tag)| json!({ "scope": scope, "tag": tag })).collect()
    }

    /// One switch that NSX makes, whose tunnel endpoint has an address by DHCP: the deployment knows of no pool.
    pub(crate) fn host_switch_spec(&self) -> Value {
        let mut switch = json!({
            "host_switch_mode": "STANDARD",
            "host_switch_type": "NVDS",
            "ip_assignment_spec": { "resource_type": "AssignedByDhcp" },
            "pnics": [],
            "transport_zone_endpoints": [{ "transport_zone_id": self.zone_id }],
        });
        if let Some(name) = &self.host_switch_name {
            switch["host_switch_name"] = json!(name);
        }
        if let Some(device) = &self.uplink_device {
            switch["pnics"] = json!([{ "device_name": device, "uplink_name": UPLINK }]);
        }
        json!({ "resource_type": "StandardHostSwitchSpec", "host_switches": [switch] })
    }

    /// These tags, and those of other scopes among the present ones: they are somebody else's.
    pub(crate) fn tags_beside(&self, present: &Value) -> Vec<Value> {
        let scope = |tag: &Value| tag.get("scope").and_then(Value::as_str).unwrap_or_default().to_owned();
        let others =
            present.as_array().into_iter().flatten().filter(|tag| !self.tags.contains_key(&scope(tag)));
        others.cloned().chain(self.tag_list()).collect()
    }
}
