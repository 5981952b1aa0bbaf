//! Terraform's state, read from `show -json`.

use anyhow::{Context as _, Result};
use serde_json::Value;

/// What the state holds, by resource.
#[derive(Debug, Clone)]
pub struct State {
    document: Value,
}

/// A row of a resource's `nodes` attribute.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Node {
    /// The name of the VM.
    pub name: String,
    /// Its address in the management network.
    pub ip_address: String,
    /// The ESXi host it runs on.
    pub host: String,
    /// The VM's managed object id.
    pub moid: String,
    /// `ready`, `degraded`, `stopped` or `missing`.
    pub state: String,
}

impl State {
    /// Wraps the document that `show -json` prints.
    pub fn from_json(document: Value) -> Self {
        Self { document }
    }

    /// The addresses of the managed resources, sorted.
    pub fn addresses(&self) -> Vec<String> {
        let mut all: Vec<String> =
            self.resources().filter_map(|resource| resource["address"].as_str()).map(str::to_owned).collect();
        all.sort();
        all
    }

    /// The attributes of a resource.
    pub fn resource(&self, address: &str) -> Result<&Value> {
        self.resources()
            .find(|resource| resource["address"] == address)
            .map(|resource| &resource["values"])
            .with_context(|| format!("the state has no `{address}`; it has {:?}", self.addresses()))
    }

    /// An attribute of a resource that holds text.
    pub fn text(&self, address: &str, attribute: &str) -> Result<&str> {
        let value = &self.resource(address)?[attribute];
        value.as_str().with_context(|| format!("{address}.{attribute} is no text but {value}"))
    }

    /// The nodes of one resource.
    pub fn nodes_of(&self, address: &str) -> Result<Vec<Node>> {
        Ok(nodes(self.resource(address)?))
    }

    /// The nodes of all resources, by name.
    pub fn nodes(&self) -> Vec<Node> {
        let mut all: Vec<Node> = self.resources().flat_map(|resource| nodes(&resource["values"])).collect();
        all.sort_by(|a, b| a.name.cmp(&b.name));
        all
    }

    /// The value of a root output.
    pub fn output(&self, name: &str) -> &Value {
        &self.document["values"]["outputs"][name]["value"]
    }

    /// The managed resources of the root module.
    fn resources(&self) -> impl Iterator<Item = &Value> {
        let all = self.document["values"]["root_module"]["resources"].as_array().into_iter().flatten();
        all.filter(|resource| resource["mode"] == "managed")
    }
}

fn nodes(values: &Value) -> Vec<Node> {
    let text = |node: &Value, name: &str| node[name].as_str().unwrap_or_default().to_owned();
    let all = values["nodes"].as_array().into_iter().flatten();
    all.map(|node| Node {
        name: text(node, "name"),
        ip_address: text(node, "ip_address"),
        host: text(node, "host"),
        moid: text(node, "moid"),
        state: text(node, "state"),
    })
    .collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn state() -> State {
        let node = |name: &str| json!({"name": name, "ip_address": "10.0.0.1", "state": "ready"});
        State::from_json(json!({"values": {
            "outputs": {"url": {"value": "https://x"}},
            "root_module": {"resources": [
                {"address": "vio_component.b", "mode": "managed", "values": {"id": "c/b", "nodes": [node("c-b-01")]}},
                {"address": "vio_component.a", "mode": "managed", "values": {"nodes": [node("c-a-01")]}},
                {"address": "data.vio_release.r", "mode": "data", "values": {}},
            ]},
        }}))
    }

    #[test]
    fn nodes_of_all_resources_are_sorted_by_name() {
        let names: Vec<_> = state().nodes().into_iter().map(|node| node.name).collect();
        assert_eq!(names, ["c-a-01", "c-b-01"]);
    }

    #[test]
    fn a_missing_resource_is_an_error_that_names_the_present_ones() {
        let error = state().resource("vio_component.c").unwrap_err().to_string();
        assert!(error.contains("vio_component.a"), "{error}");
    }

    #[test]
    fn text_and_outputs_are_found() {
        let state = state();
        assert_eq!(state.text("vio_component.b", "id").unwrap(), "c/b");
        assert_eq!(state.output("url"), "https://x");
        assert!(state.text("vio_component.b", "nodes").is_err());
    }
}
