//! A plan, read from `show -json`.

use std::fmt::Write as _;

use anyhow::{Context as _, Result, bail};
use serde_json::Value;

/// What a plan will do.
#[derive(Debug, Clone)]
pub struct Plan {
    /// Every managed resource that the plan speaks of, also those it leaves alone.
    pub resources: Vec<Change>,
    /// What was found changed behind the CLI's back.
    pub drift: Vec<Change>,
    /// The names of outputs that change.
    pub outputs: Vec<String>,
}

/// What happens to one resource.
#[derive(Debug, Clone, PartialEq)]
pub struct Change {
    /// `vio_component.database`.
    pub address: String,
    /// `no-op`, `create`, `read`, `update`, `delete`; a replacement has two.
    pub actions: Vec<String>,
    /// The values before.
    pub before: Value,
    /// The known values after.
    pub after: Value,
    /// `true` at each place whose value is known only after the apply.
    pub after_unknown: Value,
    /// The attributes that force a replacement.
    pub replace_paths: Value,
}

impl Plan {
    /// Reads the document that `show -json <plan file>` prints.
    pub fn from_json(document: &Value) -> Result<Self> {
        let version = document["format_version"].as_str().context("not a plan: no format_version")?;
        if !version.starts_with("1.") {
            bail!("plan format {version} is not known to the harness: it reads 1.x");
        }
        let outputs = document["output_changes"].as_object().into_iter().flatten();
        Ok(Self {
            resources: changes(&document["resource_changes"]),
            drift: changes(&document["resource_drift"]),
            outputs: outputs
                .filter(|(_, change)| change["actions"] != serde_json::json!(["no-op"]))
                .map(|(name, _)| name.clone())
                .collect(),
        })
    }

    /// The plan changes no resource and no output.
    pub fn is_empty(&self) -> bool {
        self.changes().next().is_none() && self.outputs.is_empty()
    }

    /// The resources that change, in the order of the plan.
    pub fn changes(&self) -> impl Iterator<Item = &Change> {
        self.resources.iter().filter(|change| change.actions != ["no-op"] && change.actions != ["read"])
    }

    /// How many resources are added, changed and destroyed, as the last line of a plan counts them.
    pub fn counts(&self) -> (usize, usize, usize) {
        let with = |action: &str| self.changes().filter(|change| change.does(action)).count();
        (with("create"), with("update"), with("delete"))
    }

    /// The change of one resource.
    pub fn change(&self, address: &str) -> Result<&Change> {
        let found = self.resources.iter().find(|change| change.address == address);
        found.with_context(|| format!("the plan has no `{address}`; it has\n{}", self.summary()))
    }

    /// One line for each change: `create vio_component.database`.
    pub fn summary(&self) -> String {
        let mut text = String::new();
        for change in self.changes() {
            // Writing to a String cannot fail.
            let _ = writeln!(text, "{} {}", change.actions.join("+"), change.address);
        }
        for name in &self.outputs {
            let _ = writeln!(text, "change output {name}");
        }
        text
    }
}

impl Change {
    /// The change includes this action.
    pub fn does(&self, action: &str) -> bool {
        self.actions.iter().any(|own| own == action)
    }

    /// The top-level attributes whose value changes or is not known yet, sorted.
    pub fn changed_attributes(&self) -> Vec<String> {
        let attributes = [&self.before, &self.after, &self.after_unknown];
        let mut names: Vec<String> = attributes
            .iter()
            .filter_map(|value| value.as_object())
            .flatten()
            .map(|(name, _)| name.clone())
            .collect();
        names.sort();
        names.dedup();
        names.retain(|name| self.before[name] != self.after[name] || holds_true(&self.after_unknown[name]));
        names
    }
}

/// `after_unknown` marks what is unknown by `true`, at any depth.
fn holds_true(value: &Value) -> bool {
    match value {
        Value::Bool(unknown) => *unknown,
        Value::Array(items) => items.iter().any(holds_true),
        Value::Object(fields) => fields.values().any(holds_true),
        Value::Null | Value::Number(_) | Value::String(_) => false,
    }
}

fn changes(list: &Value) -> Vec<Change> {
    let all = list.as_array().into_iter().flatten();
    all.filter(|resource| resource["mode"] == "managed")
        .map(|resource| Change {
            address: resource["address"].as_str().unwrap_or_default().to_owned(),
            actions: strings(&resource["change"]["actions"]),
            before: resource["change"]["before"].clone(),
            after: resource["change"]["after"].clone(),
            after_unknown: resource["change"]["after_unknown"].clone(),
            replace_paths: resource["change"]["replace_paths"].clone(),
        })
        .collect()
}

fn strings(list: &Value) -> Vec<String> {
    list.as_array().into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn plan(actions: &Value, output: &Value) -> Plan {
        Plan::from_json(&json!({
            "format_version": "1.2",
            "resource_changes": [
                {"address": "vio_component.db", "mode": "managed", "change": {
                    "actions": actions,
                    "before": {"node_count": 3, "id": "a"},
                    "after": {"node_count": 5, "id": "a"},
                    "after_unknown": {"nodes": [{"moid": true}]},
                }},
                {"address": "data.vio_release.r", "mode": "data", "change": {"actions": ["read"]}},
            ],
            "output_changes": {"url": {"actions": output}},
        }))
        .unwrap()
    }

    #[test]
    fn a_plan_without_changes_is_empty() {
        assert!(plan(&json!(["no-op"]), &json!(["no-op"])).is_empty());
    }

    #[test]
    fn a_changed_output_alone_makes_a_plan_not_empty() {
        let plan = plan(&json!(["no-op"]), &json!(["update"]));
        assert!(!plan.is_empty());
        assert_eq!(plan.summary(), "change output url\n");
    }

    #[test]
    fn a_replacement_counts_as_added_and_destroyed() {
        let plan = plan(&json!(["delete", "create"]), &json!(["no-op"]));
        assert_eq!(plan.counts(), (1, 0, 1));
        assert_eq!(plan.summary(), "delete+create vio_component.db\n");
    }

    #[test]
    fn changed_attributes_are_those_that_differ_or_are_unknown() {
        let plan = plan(&json!(["update"]), &json!(["no-op"]));
        assert_eq!(plan.change("vio_component.db").unwrap().changed_attributes(), ["node_count", "nodes"]);
    }

    #[test]
    fn an_unknown_plan_format_is_refused() {
        assert!(Plan::from_json(&json!({"format_version": "2.0"})).is_err());
    }
}
