//! The simulated NSX Manager, where there is one: its transport nodes, its log, and what happens behind the provider's back.

use std::collections::BTreeMap;

use anyhow::{Context as _, Result};
use serde_json::Value;

use super::Simulator;

/// How to reach the manager.
#[derive(Debug, Clone)]
pub(super) struct Ready {
    server: String,
    user: String,
    password: String,
    ca_pem: String,
}

impl Ready {
    pub(super) fn parse(value: &Value) -> Option<Self> {
        let text = |name: &str| value[name].as_str().map(str::to_owned);
        let (server, user, password) = (text("server")?, text("user")?, text("password")?);
        Some(Self { server, user, password, ca_pem: text("ca_pem")? })
    }
}

/// The NSX Manager of a simulator.
#[derive(Debug, Clone, Copy)]
pub struct Nsx<'a> {
    simulator: &'a Simulator,
    ready: &'a Ready,
}

/// A transport node as the manager has it.
#[derive(Debug, Clone, PartialEq)]
pub struct TransportNode {
    /// Its display name.
    pub name: String,
    /// The address of its host.
    pub address: String,
    /// Its realization state.
    pub state: String,
    /// Everything else.
    pub document: Value,
}

/// What clients have asked of the manager since the start or the last reset.
#[derive(Debug, Clone)]
pub struct NsxLog {
    /// All calls.
    pub calls: u64,
    /// Calls by method and path.
    pub methods: BTreeMap<String, u64>,
    /// The calls that are no reads, as `METHOD path outcome`.
    pub mutations: Vec<String>,
    /// Fault rules that took effect.
    pub injected: Vec<String>,
}

impl NsxLog {
    /// How often this was called: `POST /api/v1/transport-nodes`.
    pub fn count(&self, method: &str) -> u64 {
        self.methods.get(method).copied().unwrap_or_default()
    }
}

impl Simulator {
    /// The NSX Manager; fails for a simulator that was started without one (`--nsx-listen`).
    pub fn nsx(&self) -> Result<Nsx<'_>> {
        let ready = self.ready.nsx.as_ref().context("the simulator has no NSX Manager")?;
        Ok(Nsx { simulator: self, ready })
    }
}

impl<'a> Nsx<'a> {
    /// `host:port` of the manager.
    pub fn server(&self) -> &'a str {
        &self.ready.server
    }

    /// The user that it lets in.
    pub fn user(&self) -> &'a str {
        &self.ready.user
    }

    /// The password that this user had at the start.
    pub fn password(&self) -> &'a str {
        &self.ready.password
    }

    /// The certificate authority that signed its certificate.
    pub fn ca_certificate_pem(&self) -> &'a str {
        &self.ready.ca_pem
    }

    /// The transport nodes that carry the marks of a deployment of the usual name, by address; those of another vCenter's
    /// deployment of that name are outside its networks.
    pub fn transport_nodes(&self) -> Result<Vec<TransportNode>> {
        let all = self.simulator.get("nsx/transport-nodes", &[])?;
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let nodes = all.as_array().into_iter().flatten().map(|node| TransportNode {
            name: text(&node["display_name"]),
            address: text(&node["node_deployment_info"]["ip_addresses"][0]),
            state: text(&node["state"]),
            document: node.clone(),
        });
        let mut nodes: Vec<TransportNode> =
            nodes.filter(|node| node.address.starts_with("198.18.")).collect();
        nodes.sort_by(|one, other| one.address.cmp(&other.address));
        Ok(nodes)
    }

    /// How many transport nodes are somebody else's.
    pub fn others(&self) -> Result<usize> {
        let all = self.simulator.get("nsx/transport-nodes", &[])?;
        Ok(all.as_array().map_or(0, Vec::len) - self.transport_nodes()?.len())
    }

    /// Deletes the transport node of an address.
    pub fn delete(&self, address: &str) -> Result<()> {
        self.simulator.post("nsx/node/delete", &[("node", address)], None)
    }

    /// Changes the transport node of an address, by a merge patch.
    pub fn edit(&self, address: &str, patch: &Value) -> Result<()> {
        self.simulator.post("nsx/node/edit", &[("node", address)], Some(patch))
    }

    /// Says how long the configuration of a transport node takes from now on, and why it then fails, if it does.
    pub fn set_realization(&self, ms: u32, fail: &str) -> Result<()> {
        self.simulator.post("nsx/realization", &[("ms", &ms.to_string()), ("fail", fail)], None)
    }

    /// Changes the password.
    pub fn set_password(&self, password: &str) -> Result<()> {
        self.simulator.post("nsx/password", &[("password", password)], None)
    }

    /// Adds fault rules: `[{"method": "POST", "path": "/api/v1/transport-nodes", "kind": "429", "retry_after": 1}]`.
    pub fn set_faults(&self, rules: &Value) -> Result<()> {
        self.simulator.post("nsx/faults", &[], Some(rules))
    }

    /// Lets somebody else read the states of all transport nodes from now on, which refuses others.
    pub fn set_states_in_use(&self, on: bool) -> Result<()> {
        self.simulator.post("nsx/states/in-use", &[("on", if on { "true" } else { "false" })], None)
    }

    /// What clients have asked since the start or the last reset.
    pub fn log(&self) -> Result<NsxLog> {
        let raw = self.simulator.get("nsx/log", &[])?;
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let methods = raw["methods"].as_object().into_iter().flatten();
        let mutations = raw["mutations"].as_array().into_iter().flatten();
        Ok(NsxLog {
            calls: raw["calls"].as_u64().unwrap_or_default(),
            methods: methods
                .map(|(name, count)| (name.clone(), count.as_u64().unwrap_or_default()))
                .collect(),
            mutations: mutations
                .map(|call| {
                    format!("{} {} {}", text(&call["method"]), text(&call["path"]), text(&call["outcome"]))
                })
                .collect(),
            injected: raw["injected"].as_array().into_iter().flatten().map(text).collect(),
        })
    }

    /// The log of what happened during `work` alone.
    pub fn log_of(&self, work: impl FnOnce() -> Result<()>) -> Result<NsxLog> {
        self.simulator.post("nsx/log/reset", &[], None)?;
        work()?;
        self.log()
    }
}
