//! Transport nodes as the manager shows them.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use crate::spec::HostSpec;

/// A transport node as the manager sent it.
#[derive(Debug, Clone, PartialEq)]
pub struct TransportNode {
    raw: Value,
}

/// How far the manager has come with a node.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Realization {
    /// The node is as configured.
    Success,
    /// The manager is at work, or waits for the node; the state's name.
    Pending(String),
    /// The manager gave up; why.
    Failed(String),
}

impl TransportNode {
    /// Takes a node in; none when it has no id.
    pub(crate) fn parse(raw: &Value) -> Option<Self> {
        raw.get("id")?.as_str()?;
        Some(Self { raw: raw.clone() })
    }

    fn text(&self, name: &str) -> &str {
        self.raw.get(name).and_then(Value::as_str).unwrap_or_default()
    }

    /// Its id.
    pub fn id(&self) -> &str {
        self.text("id")
    }

    /// Its display name.
    pub fn name(&self) -> &str {
        self.text("display_name")
    }

    /// The addresses of its host.
    pub fn addresses(&self) -> Vec<String> {
        let found = self.raw.pointer("/node_deployment_info/ip_addresses").and_then(Value::as_array);
        found.into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect()
    }

    /// Its tags by scope; of two tags of one scope the later.
    pub fn tags(&self) -> BTreeMap<String, String> {
        let text =
            |tag: &Value, name: &str| tag.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
        let tags = self.raw.get("tags").and_then(Value::as_array);
        tags.into_iter().flatten().map(|tag| (text(tag, "scope"), text(tag, "tag"))).collect()
    }

    /// The ids of its transport zones, wherever the manager's version has them.
    pub fn zone_ids(&self) -> BTreeSet<String> {
        let switches = self.raw.pointer("/host_switch_spec/host_switches").and_then(Value::as_array);
        let holders = switches.into_iter().flatten().chain([&self.raw]);
        let endpoints =
            holders.filter_map(|holder| holder.get("transport_zone_endpoints")?.as_array()).flatten();
        let ids = endpoints.filter_map(|endpoint| endpoint.get("transport_zone_id")?.as_str());
        ids.map(str::to_owned).collect()
    }

    /// The node as it shall be, at the revision that was read: what the specification does not say stays.
    pub(crate) fn updated(&self, spec: &HostSpec) -> Value {
        let mut body = self.raw.clone();
        body["display_name"] = json!(spec.name);
        body["tags"] = json!(spec.tags_beside(self.raw.get("tags").unwrap_or(&Value::Null)));
        body["node_deployment_info"]["display_name"] = json!(spec.name);
        body["node_deployment_info"]["ip_addresses"] = json!([spec.address]);
        if self.zone_ids() != [spec.zone_id.clone()].into() {
            body["host_switch_spec"] = spec.host_switch_spec();
            if let Some(members) = body.as_object_mut() {
                members.remove("transport_zone_endpoints");
            }
        }
        body
    }
}

impl Realization {
    /// Reads the answer to a question for a node's state.
    pub(crate) fn parse(value: &Value) -> Self {
        let state = value.get("state").and_then(Value::as_str).unwrap_or("unknown");
        match state.to_ascii_lowercase().as_str() {
            "success" => Self::Success,
            "failed" | "partial_success" | "orphaned" => Self::Failed(reason(value, state)),
            other => Self::Pending(other.to_owned()),
        }
    }
}

/// The manager's own words, which may stand at several places.
fn reason(value: &Value, state: &str) -> String {
    let places = [value.get("failure_message"), value.pointer("/node_deployment_state/failure_message")];
    let details = value.pointer("/node_deployment_state/details").or_else(|| value.get("details"));
    let details = details.and_then(Value::as_array).into_iter().flatten();
    let messages =
        places.into_iter().flatten().chain(details.filter_map(|detail| detail.get("failure_message")));
    let mut words = messages.filter_map(Value::as_str).filter(|text| !text.is_empty());
    words.next().map_or_else(|| format!("its state is `{state}`, without a reason"), str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spec::{HostCredential, Secret};

    fn spec() -> HostSpec {
        HostSpec {
            name: "prod-dhcp-01".to_owned(),
            description: "DHCP".to_owned(),
            address: "198.18.10.11".to_owned(),
            tags: [("ours".to_owned(), "1".to_owned())].into(),
            zone_id: "tz-1".to_owned(),
            host_switch_name: None,
            uplink_device: Some("eth1".to_owned()),
            credential: HostCredential {
                username: "nsx".to_owned(),
                password: Secret::new("canary"),
                thumbprint: "abc".to_owned(),
            },
        }
    }

    fn made() -> Value {
        let mut raw = spec().creation();
        raw["id"] = json!("tn-1");
        raw["_revision"] = json!(3);
        raw["node_deployment_info"].as_object_mut().unwrap().remove("host_credential");
        raw
    }

    #[test]
    fn what_was_made_reads_back() {
        let node = TransportNode::parse(&made()).unwrap();
        assert_eq!((node.id(), node.name()), ("tn-1", "prod-dhcp-01"));
        assert_eq!(node.addresses(), ["198.18.10.11"]);
        assert_eq!(node.tags(), spec().tags);
        assert_eq!(node.zone_ids(), ["tz-1".to_owned()].into());
    }

    #[test]
    fn an_update_keeps_the_revision_and_what_others_wrote() {
        let mut raw = made();
        raw["tags"] = json!([{"scope": "theirs", "tag": "2"}, {"scope": "ours", "tag": "old"}]);
        raw["maintenance_mode"] = json!("DISABLED");
        raw["display_name"] = json!("renamed");
        raw["host_switch_spec"]["host_switches"][0]["host_switch_id"] = json!("made by NSX");
        let node = TransportNode::parse(&raw).unwrap();
        let body = node.updated(&spec());
        assert_eq!((&body["_revision"], &body["maintenance_mode"]), (&json!(3), &json!("DISABLED")));
        assert_eq!(body["display_name"], "prod-dhcp-01");
        assert_eq!(body["tags"], json!([{"scope": "theirs", "tag": "2"}, {"scope": "ours", "tag": "1"}]));
        assert_eq!(body["host_switch_spec"], raw["host_switch_spec"]);
        assert!(!body.to_string().contains("canary"));
    }

    #[test]
    fn another_zone_replaces_the_switch() {
        let mut raw = made();
        raw["host_switch_spec"]["host_switches"][0]["transport_zone_endpoints"] =
            json!([{"transport_zone_id": "tz-9"}]);
        raw["transport_zone_endpoints"] = json!([{"transport_zone_id": "tz-8"}]);
        let node = TransportNode::parse(&raw).unwrap();
        assert_eq!(node.zone_ids(), ["tz-8".to_owned(), "tz-9".to_owned()].into());
        let body = node.updated(&spec());
        assert_eq!(TransportNode::parse(&body).unwrap().zone_ids(), ["tz-1".to_owned()].into());
    }

    #[test]
    fn a_failed_state_gives_the_managers_reason() {
        let deep = json!({"state": "failed", "node_deployment_state": {"details": [{"failure_message": "no disk"}]}});
        assert_eq!(Realization::parse(&deep), Realization::Failed("no disk".to_owned()));
        assert_eq!(Realization::parse(&json!({"state": "success"})), Realization::Success);
        assert_eq!(
            Realization::parse(&json!({"state": "in_progress"})),
            Realization::Pending("in_progress".into())
        );
        assert_eq!(Realization::parse(&json!({})), Realization::Pending("unknown".into()));
    }

    #[test]
    fn debug_does_not_show_the_password_of_a_host() {
        assert!(!format!("{:?}", spec()).contains("canary"));
    }
}
