//! Calls that a rule of the simulated vCenter holds until they are released or their client is gone, and its restart.

use std::time::Duration;

use anyhow::Result;
use serde_json::Value;

use super::Simulator;

/// A call that was held.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HeldCall {
    /// The SOAP method: `CloneVM_Task`.
    pub method: String,
    /// The inventory name of the object it was called on; empty for managers.
    pub object: String,
    /// The name that the call gives to something: a clone, a folder, a rule.
    pub name: String,
    /// `before` it acts, `after` it and its task have acted and nobody was told, or `running`: its task is known to the
    /// client and has not acted.
    pub moment: String,
}

/// The calls that are held or were.
#[derive(Debug, Clone)]
pub struct Holds {
    /// Those that are held.
    pub now: Vec<HeldCall>,
    /// How many act and are then held.
    pub coming: u64,
    /// Those whose client died meanwhile, in that order, since the fault rules were last cleared.
    pub abandoned: Vec<HeldCall>,
}

impl HeldCall {
    fn from_json(raw: &Value) -> Self {
        let text = |name: &str| raw[name].as_str().unwrap_or_default().to_owned();
        Self { method: text("method"), object: text("object"), name: text("name"), moment: text("when") }
    }
}

impl Simulator {
    /// The calls that rules of the kinds `hold_before`, `hold_after`, `hold_task` and `hold_each` hold.
    pub fn holds(&self) -> Result<Holds> {
        let raw = self.get("held", &[])?;
        let calls = |list: &Value| list.as_array().into_iter().flatten().map(HeldCall::from_json).collect();
        Ok(Holds {
            now: calls(&raw["now"]),
            coming: raw["coming"].as_u64().unwrap_or_default(),
            abandoned: calls(&raw["abandoned"]),
        })
    }

    /// vCenter dies, and is back after this time: connections break, sessions and tasks are gone, and what was held
    /// never acts. Its inventory and the guests stay. Returns when it is back.
    pub fn restart(&self, down: Duration) -> Result<()> {
        self.post("restart", &[("ms", &down.as_millis().to_string())], None)
    }
}
