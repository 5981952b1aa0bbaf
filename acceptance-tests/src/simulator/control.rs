//! The control endpoints of the simulated vCenter: its request log, its inventory, and what happens behind the provider's back.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context as _, Result, bail};
use serde_json::Value;

use super::Simulator;

/// What clients have done since the start or the last reset.
#[derive(Debug, Clone)]
pub struct CallLog {
    /// All API calls.
    pub calls: u64,
    /// API calls by SOAP method.
    pub methods: BTreeMap<String, u64>,
    /// The calls that change the inventory, in the order in which they came.
    pub mutations: Vec<Call>,
    /// Calls by the type of the fault they ended with.
    pub faults: BTreeMap<String, u64>,
    /// Requests that a real vCenter would have refused to read. Any is a bug of the provider.
    pub violations: Vec<String>,
    /// Fault rules that took effect.
    pub injected: Vec<String>,
    /// Sessions that nobody has logged out of.
    pub sessions_open: u64,
    /// The log as the simulator gives it: bytes, connections, logins.
    pub raw: Value,
}

/// One call that changes the inventory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Call {
    /// The SOAP method: `CloneVM_Task`.
    pub method: String,
    /// The inventory name of the object it was called on; empty for managers.
    pub object: String,
    /// The name that the call gives to something: a clone, a folder, a rule.
    pub name: String,
    /// `ok`, a fault's type, or the kind of the injected failure.
    pub outcome: String,
}

/// What one call changed, and in whose name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mutation {
    /// The session that made the call, counted from 1 in the order of the logins.
    pub session: u64,
    /// The SOAP method: `CloneVM_Task`.
    pub method: String,
    /// The inventory path of the object it was called on.
    pub path: String,
    /// The inventory path of what it made; empty when it made nothing.
    pub makes: String,
    /// The names of the rules of a cluster that it changed.
    pub rules: Vec<String>,
}

impl Mutation {
    fn from_json(value: &Value) -> Self {
        let text = |name: &str| value[name].as_str().unwrap_or_default().to_owned();
        let rules = value["rules"].as_array().into_iter().flatten();
        Self {
            session: value["session"].as_u64().unwrap_or_default(),
            method: text("method"),
            path: text("path"),
            makes: text("makes"),
            rules: rules.filter_map(Value::as_str).map(str::to_owned).collect(),
        }
    }
}

impl CallLog {
    fn from_json(raw: Value) -> Self {
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let texts = |list: &Value| list.as_array().into_iter().flatten().map(text).collect();
        let counts = |map: &Value| {
            let all = map.as_object().into_iter().flatten();
            all.map(|(name, count)| (name.clone(), count.as_u64().unwrap_or_default())).collect()
        };
        let mutations = raw["mutations"].as_array().into_iter().flatten();
        Self {
            calls: raw["calls"].as_u64().unwrap_or_default(),
            methods: counts(&raw["methods"]),
            mutations: mutations
                .map(|call| Call {
                    method: text(&call["method"]),
                    object: text(&call["object"]),
                    name: text(&call["name"]),
                    outcome: text(&call["outcome"]),
                })
                .collect(),
            faults: counts(&raw["faults"]),
            violations: texts(&raw["violations"]),
            injected: texts(&raw["injected"]),
            sessions_open: raw["sessions_open"].as_u64().unwrap_or_default(),
            raw,
        }
    }

    /// How often a SOAP method was called.
    pub fn count(&self, method: &str) -> u64 {
        self.methods.get(method).copied().unwrap_or_default()
    }
}

/// The inventory at one moment.
#[derive(Debug, Clone, PartialEq)]
pub struct Inventory {
    /// `folders`, `pools`, `clusters` with their rules, and `vms`.
    pub document: Value,
}

impl Inventory {
    /// The names of all VMs, sorted.
    pub fn vm_names(&self) -> Vec<String> {
        let vms = self.document["vms"].as_array().into_iter().flatten();
        let mut names: Vec<String> = vms.filter_map(|vm| vm["name"].as_str()).map(str::to_owned).collect();
        names.sort();
        names
    }

    /// Fails, with the lines that differ, unless nothing has changed since.
    pub fn expect_same_as(&self, before: &Self) -> Result<()> {
        if self == before {
            return Ok(());
        }
        let (old, new) = (format!("{:#}", before.document), format!("{:#}", self.document));
        let only = |mark: &str, these: &str, others: &str| -> Vec<String> {
            let others: BTreeSet<&str> = others.lines().collect();
            these
                .lines()
                .filter(|line| !others.contains(line))
                .map(|line| format!("{mark} {}", line.trim()))
                .collect()
        };
        let lines = [only("-", &old, &new), only("+", &new, &old)].concat();
        bail!("the inventory has changed\n{}", lines.join("\n"))
    }
}

impl Simulator {
    /// What clients have done since the start or the last reset.
    pub fn log(&self) -> Result<CallLog> {
        Ok(CallLog::from_json(self.get("log", &[])?))
    }

    /// Every call that changed the inventory since the start or the last reset, in the order in which they came.
    pub fn mutations(&self) -> Result<Vec<Mutation>> {
        let mutations = self.get("mutations", &[])?;
        Ok(mutations.as_array().into_iter().flatten().map(Mutation::from_json).collect())
    }

    /// Empties the log.
    pub fn reset_log(&self) -> Result<()> {
        self.post("log/reset", &[], None)
    }

    /// The log of what happened during `work` alone.
    pub fn log_of(&self, work: impl FnOnce() -> Result<()>) -> Result<CallLog> {
        self.reset_log()?;
        work()?;
        self.log()
    }

    /// The whole inventory, without anything that differs between two runs of the same story.
    pub fn inventory(&self) -> Result<Inventory> {
        Ok(Inventory { document: self.get("inventory", &[])? })
    }

    /// The inventory without these of each VM's facts: `host`, `mac`, `extra_config`, `tools`, `address`.
    pub fn inventory_without(&self, facts: &[&str]) -> Result<Inventory> {
        Ok(Inventory { document: self.get("inventory", &[("omit", &facts.join(","))])? })
    }

    /// One VM as vCenter has it: `power`, `host`, `cpus`, `memory_mib`, `extra_config`, `nics`, `disks`, `snapshots`.
    pub fn vm(&self, name: &str) -> Result<Value> {
        Ok(self.get("vm", &[("name", name)])?["vm"].take())
    }

    /// What the guest of a VM has been told and says, decoded.
    pub fn guest(&self, name: &str) -> Result<Value> {
        Ok(self.get("vm", &[("name", name)])?["guest"].take())
    }

    /// What paper guests have lived through since the start, in order: `node`, `event` (`applying`, `applied`, `off`),
    /// and with `applied` the `document`.
    pub fn guest_history(&self) -> Result<Vec<Value>> {
        let Value::Array(events) = self.get("guests/history", &[])? else { bail!("the history is no list") };
        Ok(events)
    }

    /// The living guests and the namespaces that they are in; with `memory`, what each takes is measured.
    pub(crate) fn living_guests(&self, memory: bool) -> Result<Value> {
        self.get("guests", &[("memory", if memory { "true" } else { "false" })])
    }

    /// Switches a VM off, as an operator might.
    pub fn power_off(&self, name: &str) -> Result<()> {
        self.post("vm/power-off", &[("name", name)], None)
    }

    /// Switches a VM on.
    pub fn power_on(&self, name: &str) -> Result<()> {
        self.post("vm/power-on", &[("name", name)], None)
    }

    /// Deletes a VM, running or not.
    pub fn destroy(&self, name: &str) -> Result<()> {
        self.post("vm/destroy", &[("name", name)], None)
    }

    /// Gives a VM another name.
    pub fn rename(&self, name: &str, to: &str) -> Result<()> {
        self.post("vm/rename", &[("name", name), ("to", to)], None)
    }

    /// Gives a VM other CPUs and memory.
    pub fn resize(&self, name: &str, cpus: u32, memory_mib: u32) -> Result<()> {
        let (cpus, memory) = (cpus.to_string(), memory_mib.to_string());
        self.post("vm/resize", &[("name", name), ("cpus", &cpus), ("memory_mib", &memory)], None)
    }

    /// Writes a key of a VM's ExtraConfig.
    pub fn set_extra_config(&self, name: &str, key: &str, value: &str) -> Result<()> {
        self.post("vm/set-extra-config", &[("name", name), ("key", key), ("value", value)], None)
    }

    /// Changes a file inside a paper guest, by hand; it must be one of the document that the guest has applied.
    pub fn edit_file(&self, name: &str, path: &str, content: &str) -> Result<()> {
        self.post("vm/edit-file", &[("name", name), ("path", path), ("content", content)], None)
    }

    /// Creates a VM that is not ours, in the folder of this inventory path.
    pub fn create_foreign(&self, name: &str, folder: &str) -> Result<()> {
        self.post("vm/create", &[("name", name), ("folder", folder)], None)
    }

    /// Takes a network card away from a VM, by its number from 0.
    pub fn remove_nic(&self, name: &str, index: u32) -> Result<()> {
        self.post("vm/remove-nic", &[("name", name), ("index", &index.to_string())], None)
    }

    /// Moves a VM to another host, as vMotion does.
    pub fn move_to_host(&self, name: &str, host: &str) -> Result<()> {
        self.post("vm/move", &[("name", name), ("host", host)], None)
    }

    /// Moves a VM to the folder of this inventory path.
    pub fn move_to_folder(&self, name: &str, folder: &str) -> Result<()> {
        self.post("vm/move-to-folder", &[("name", name), ("folder", folder)], None)
    }

    /// Connects a network card of a VM, by its number from 0, to a port group.
    pub fn connect(&self, name: &str, index: u32, network: &str) -> Result<()> {
        let index = index.to_string();
        self.post("vm/connect", &[("name", name), ("index", &index), ("network", network)], None)
    }

    /// Gives a VM another BIOS UUID.
    pub fn set_uuid(&self, name: &str, uuid: &str) -> Result<()> {
        self.post("vm/set-uuid", &[("name", name), ("uuid", uuid)], None)
    }

    /// Removes all snapshots of a VM.
    pub fn remove_snapshots(&self, name: &str) -> Result<()> {
        self.post("vm/remove-snapshots", &[("name", name)], None)
    }

    /// Removes an empty folder.
    pub fn destroy_folder(&self, path: &str) -> Result<()> {
        self.post("folder/destroy", &[("path", path)], None)
    }

    /// Removes a resource pool; its VMs go to the one that it is in.
    pub fn destroy_pool(&self, path: &str) -> Result<()> {
        self.post("pool/destroy", &[("path", path)], None)
    }

    /// Removes an anti-affinity rule.
    pub fn remove_rule(&self, name: &str) -> Result<()> {
        self.post("rule/remove", &[("name", name)], None)
    }

    /// Lets an anti-affinity rule be in force no more.
    pub fn disable_rule(&self, name: &str) -> Result<()> {
        self.post("rule/disable", &[("name", name)], None)
    }

    /// Takes a snapshot of a VM.
    pub fn take_snapshot(&self, name: &str, snapshot: &str) -> Result<()> {
        self.post("vm/snapshot", &[("name", name), ("snapshot", snapshot)], None)
    }

    /// Begins or ends the maintenance mode of a host.
    pub fn set_maintenance(&self, host: &str, on: bool) -> Result<()> {
        self.post("host/maintenance", &[("name", host), ("on", if on { "true" } else { "false" })], None)
    }

    /// Takes a host away: its machines are off, and with `ha` start on other hosts.
    pub fn fail_host(&self, host: &str, ha: bool) -> Result<()> {
        self.post("host/fail", &[("name", host), ("ha", if ha { "true" } else { "false" })], None)
    }

    /// Brings a host back.
    pub fn recover_host(&self, host: &str) -> Result<()> {
        self.post("host/recover", &[("name", host)], None)
    }

    /// Moves the running machines of a host elsewhere, as DRS does when it enters maintenance mode.
    pub fn evacuate_host(&self, host: &str) -> Result<()> {
        self.post("host/evacuate", &[("name", host)], None)
    }

    /// Lets the machines that run in a cluster have so much memory together.
    pub fn limit_memory(&self, cluster: &str, memory_mib: u32) -> Result<()> {
        self.post("cluster/capacity", &[("name", cluster), ("memory_mib", &memory_mib.to_string())], None)
    }

    /// Leaves so much room for new machines on a datastore.
    pub fn limit_space(&self, datastore: &str, gib: u32) -> Result<()> {
        self.post("datastore/capacity", &[("name", datastore), ("gib", &gib.to_string())], None)
    }

    /// Leaves the user these privileges alone. Those that calls needed are in the log's `privileges`.
    pub fn grant(&self, privileges: &[&str]) -> Result<()> {
        self.post("privileges", &[], Some(&privileges.iter().copied().collect()))
    }

    /// Lets the user do everything again.
    pub fn grant_all(&self) -> Result<()> {
        self.post("privileges/clear", &[], None)
    }

    /// Ends every session, as a restart of vCenter does.
    pub fn terminate_sessions(&self) -> Result<()> {
        self.post("sessions/terminate", &[], None)
    }

    /// Lets each API call take this much longer.
    pub fn set_latency(&self, ms: u32) -> Result<()> {
        self.post("latency", &[("ms", &ms.to_string())], None)
    }

    /// Adds fault rules: `[{"method": "CloneVM_Task", "nth": 3, "kind": "task_fault", "fault": "InsufficientResourcesFault"}]`.
    pub fn set_faults(&self, rules: &Value) -> Result<()> {
        self.post("faults", &[], Some(rules))
    }

    /// Removes all fault rules.
    pub fn clear_faults(&self) -> Result<()> {
        self.post("faults/clear", &[], None)
    }

    /// Says how guests behave from now on: delays and failures by node name.
    pub fn set_guests(&self, rules: &Value) -> Result<()> {
        self.post("guests", &[], Some(rules))
    }

    pub(super) fn get(&self, path: &str, query: &[(&str, &str)]) -> Result<Value> {
        let body = self.request("GET", path, query, None)?;
        serde_json::from_str(&body)
            .with_context(|| format!("reading the simulator's answer to {path}: {body}"))
    }

    pub(super) fn post(&self, path: &str, query: &[(&str, &str)], body: Option<&Value>) -> Result<()> {
        self.request("POST", path, query, body).map(drop)
    }

    fn request(
        &self,
        method: &str,
        path: &str,
        query: &[(&str, &str)],
        body: Option<&Value>,
    ) -> Result<String> {
        let url = format!("{}/{path}", self.ready.control);
        let pairs = query.iter().copied();
        let sent = match method {
            "GET" => self.http.get(&url).query_pairs(pairs).call(),
            _ => self.http.post(&url).query_pairs(pairs).send(body.map(Value::to_string).unwrap_or_default()),
        };
        let mut answer = sent.with_context(|| format!("asking the simulator: {method} {path}"))?;
        let text = answer.body_mut().with_config().limit(MAX_ANSWER_BYTES).read_to_string();
        let text = text.with_context(|| format!("reading the simulator's answer to {path}"))?;
        if !answer.status().is_success() {
            bail!("the simulator refuses {method} {path} {query:?} ({}): {}", answer.status(), text.trim());
        }
        Ok(text)
    }
}

/// The inventory of some thousand VMs is well below this.
const MAX_ANSWER_BYTES: u64 = 256 << 20;

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_changed_inventory_is_told_line_by_line() {
        let inventory = |host: &str| Inventory { document: json!({"vms": [{"name": "a", "host": host}]}) };
        inventory("esx-1").expect_same_as(&inventory("esx-1")).unwrap();
        let error = inventory("esx-2").expect_same_as(&inventory("esx-1")).unwrap_err().to_string();
        assert_eq!(error, "the inventory has changed\n- \"host\": \"esx-1\",\n+ \"host\": \"esx-2\",");
        assert_eq!(inventory("esx-1").vm_names(), ["a"]);
    }

    #[test]
    fn log_counts_methods_and_keeps_the_order_of_mutations() {
        let log = CallLog::from_json(json!({
            "calls": 5,
            "methods": {"Login": 1, "CloneVM_Task": 2},
            "mutations": [
                {"method": "CloneVM_Task", "object": "image", "name": "c-db-01", "outcome": "ok"},
                {"method": "CloneVM_Task", "object": "image", "name": "c-db-02", "outcome": "task:DuplicateName"},
            ],
            "violations": ["order"],
            "sessions_open": 1,
        }));
        assert_eq!((log.calls, log.count("CloneVM_Task"), log.count("Logout")), (5, 2, 0));
        let names: Vec<_> = log.mutations.iter().map(|call| call.name.as_str()).collect();
        assert_eq!(names, ["c-db-01", "c-db-02"]);
        assert_eq!((log.violations.len(), log.sessions_open), (1, 1));
    }
}
