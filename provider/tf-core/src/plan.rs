//! The part of planning that follows from the schema alone. Pure: the client plans the same change more than once
//! and compares.

use std::collections::{BTreeMap, BTreeSet};

use crate::path::Path;
use crate::schema::{Attribute, AttributeType, NestedObject, Nesting, Schema};
use crate::value::Value;

/// What the schema alone yields for a change.
#[derive(Clone, PartialEq)]
pub struct Plan {
    /// The planned state; null on destroy.
    pub planned: Value,
    /// Attributes whose change makes a new object, sorted, each once. Empty on create and destroy.
    pub requires_replace: Vec<Path>,
}

/// Plans a change.
///
/// - Where the configuration is null, the default is taken, at any depth.
/// - Write-only values become null, at any depth.
/// - On create, what is computed and not configured becomes unknown. On update the same happens only if anything
///   differs from the prior state, else a plan would never be empty; `keep_prior` exempts an attribute that has a
///   value.
///
/// `prior` is null on create, `proposed` and `config` are null on destroy. `proposed` is the client's merge of
/// configuration and prior state: the configuration where it is set, the prior value where that is computed.
///
/// In an object that is computed as a whole, every attribute has to be computed too, else the client proposes to
/// remove what the provider has set. In a set, attributes that are both optional and computed can make two elements
/// one, which the client refuses.
pub fn plan(schema: &Schema, prior: &Value, proposed: &Value, config: &Value) -> Plan {
    if config.is_null() {
        return Plan { planned: Value::Null, requires_replace: Vec::new() };
    }
    let before = Before { prior, proposed };
    let kept = Planner { mark_unknown: false }.object(&schema.attributes, before, config);
    let planned = if kept == *prior {
        kept
    } else {
        Planner { mark_unknown: true }.object(&schema.attributes, before, config)
    };
    Plan { requires_replace: requires_replace(schema, prior, &planned), planned }
}

/// The attributes that the schema marks with `requires_replace` and that differ, sorted, each once. A path ends at a
/// set: its elements cannot be named.
pub fn requires_replace(schema: &Schema, prior: &Value, planned: &Value) -> Vec<Path> {
    let mut paths = BTreeSet::new();
    if !prior.is_null() && !planned.is_null() {
        collect_replaced(&schema.attributes, &Path::root(), prior, planned, &mut paths);
    }
    paths.into_iter().collect()
}

/// The value with null in place of every write-only value. Nothing that leaves the provider may hold one.
pub fn without_write_only(schema: &Schema, value: Value) -> Value {
    strip_object(&schema.attributes, value)
}

struct Planner {
    /// Whether values that are computed and not configured become unknown or stay as proposed.
    mark_unknown: bool,
}

/// What there was at one place of the state.
#[derive(Clone, Copy)]
struct Before<'v> {
    prior: &'v Value,
    proposed: &'v Value,
}

impl<'v> Before<'v> {
    fn get(self, name: &str) -> Self {
        Self { prior: self.prior.get(name), proposed: self.proposed.get(name) }
    }

    fn item(self, index: usize) -> Self {
        Self { prior: item(self.prior, index), proposed: item(self.proposed, index) }
    }
}

impl Planner {
    fn object(&self, attributes: &BTreeMap<String, Attribute>, before: Before<'_>, config: &Value) -> Value {
        let member = |(name, attribute): (&String, &Attribute)| {
            (name.clone(), self.attribute(attribute, before.get(name), config.get(name)))
        };
        Value::Map(attributes.iter().map(member).collect())
    }

    fn attribute(&self, attribute: &Attribute, before: Before<'_>, config: &Value) -> Value {
        if attribute.write_only {
            return Value::Null;
        }
        let (before, wanted) = match (&attribute.default, config) {
            // The client knows no defaults: it proposes to remove an object that it takes as once configured.
            (Some(default), Value::Null) => (Before { proposed: before.prior, ..before }, default),
            _ => (before, config),
        };
        match (&attribute.kind, wanted) {
            (_, Value::Null) => self.unset(attribute, before.proposed),
            (AttributeType::Nested(nested), wanted) => self.nested(nested, before, wanted),
            (AttributeType::Plain(_), wanted) => wanted.clone(),
        }
    }

    fn unset(&self, attribute: &Attribute, proposed: &Value) -> Value {
        let keep = attribute.keep_prior && !proposed.is_null();
        match (attribute.computed, self.mark_unknown && !keep) {
            (false, _) => Value::Null,
            (true, true) => Value::Unknown,
            (true, false) => proposed.clone(),
        }
    }

    fn nested(&self, nested: &NestedObject, before: Before<'_>, config: &Value) -> Value {
        let element = |before: Before<'_>, config: &Value| match config {
            Value::Map(_) => self.object(&nested.attributes, before, config),
            // A null or unknown element is none of ours to fill.
            other => other.clone(),
        };
        match (nested.nesting, config) {
            (Nesting::Single, config) => element(before, config),
            (Nesting::List, Value::Sequence(items)) => Value::Sequence(
                items.iter().enumerate().map(|(index, item)| element(before.item(index), item)).collect(),
            ),
            (Nesting::Set, Value::Sequence(items)) => {
                let mut candidates = before.proposed.as_sequence().unwrap_or_default().to_vec();
                let planned = items.iter().map(|item| {
                    let found = candidates.iter().position(|c| corresponds(&nested.attributes, c, item));
                    let found = found.map_or(Value::Null, |index| candidates.swap_remove(index));
                    element(Before { prior: &found, proposed: &found }, item)
                });
                Value::distinct(planned.collect())
            }
            (Nesting::Map, Value::Map(members)) => Value::Map(
                members.iter().map(|(key, item)| (key.clone(), element(before.get(key), item))).collect(),
            ),
            (_, other) => other.clone(),
        }
    }
}

/// Whether an object of a proposed or prior state can have come from this object of the configuration: equal but for
/// what is computed.
pub(crate) fn corresponds(attributes: &BTreeMap<String, Attribute>, state: &Value, config: &Value) -> bool {
    attributes.iter().all(|(name, attribute)| {
        let (state, config) = (state.get(name), config.get(name));
        if config.is_null() {
            return attribute.computed || state.is_null();
        }
        match &attribute.kind {
            AttributeType::Nested(nested) => nested_corresponds(nested, state, config),
            AttributeType::Plain(_) => state == config,
        }
    })
}

fn nested_corresponds(nested: &NestedObject, state: &Value, config: &Value) -> bool {
    let element = |state: &Value, config: &Value| match (state, config) {
        (Value::Map(_), Value::Map(_)) => corresponds(&nested.attributes, state, config),
        _ => state == config,
    };
    match (nested.nesting, state, config) {
        (Nesting::Single, ..) => element(state, config),
        (Nesting::List, Value::Sequence(state), Value::Sequence(config)) => {
            state.len() == config.len()
                && state.iter().zip(config).all(|(state, config)| element(state, config))
        }
        (Nesting::Set, Value::Sequence(state), Value::Sequence(config)) => {
            let wanted = |state| config.iter().any(|config| element(state, config));
            let given = |config| state.iter().any(|state| element(state, config));
            state.len() == config.len() && state.iter().all(wanted) && config.iter().all(given)
        }
        (Nesting::Map, Value::Map(members), Value::Map(wanted)) => {
            members.keys().eq(wanted.keys())
                && wanted.iter().all(|(key, config)| element(state.get(key), config))
        }
        _ => state == config,
    }
}

fn collect_replaced(
    attributes: &BTreeMap<String, Attribute>,
    path: &Path,
    prior: &Value,
    planned: &Value,
    paths: &mut BTreeSet<Path>,
) {
    for (name, attribute) in attributes {
        let (before, after) = (prior.get(name), planned.get(name));
        if before == after {
            continue;
        }
        let path = path.clone().then_attribute(name);
        match &attribute.kind {
            _ if attribute.requires_replace => {
                paths.insert(path);
            }
            AttributeType::Nested(nested) => collect_nested(nested, path, before, after, paths),
            AttributeType::Plain(_) => {}
        }
    }
}

fn collect_nested(
    nested: &NestedObject,
    path: Path,
    before: &Value,
    after: &Value,
    paths: &mut BTreeSet<Path>,
) {
    let attributes = &nested.attributes;
    match nested.nesting {
        Nesting::Single => collect_replaced(attributes, &path, before, after, paths),
        Nesting::List => {
            let items = |value: &Value| value.as_sequence().map_or(0, <[Value]>::len);
            for index in 0..items(before).max(items(after)) {
                let path = path.clone().then_index(index);
                collect_replaced(attributes, &path, item(before, index), item(after, index), paths);
            }
        }
        Nesting::Map => {
            let keys =
                |value: &Value| value.as_map().map(|members| members.keys().cloned().collect::<Vec<_>>());
            let keys: BTreeSet<String> = keys(before).into_iter().chain(keys(after)).flatten().collect();
            for key in keys {
                let path = path.clone().then_key(&key);
                collect_replaced(attributes, &path, before.get(&key), after.get(&key), paths);
            }
        }
        Nesting::Set if any_requires_replace(attributes) => {
            paths.insert(path);
        }
        Nesting::Set => {}
    }
}

/// An element of a list; null when there is none, unknown when the whole is unknown.
fn item(value: &Value, index: usize) -> &Value {
    match value {
        Value::Unknown => &Value::Unknown,
        other => other.as_sequence().and_then(|items| items.get(index)).unwrap_or(&Value::Null),
    }
}

fn any_requires_replace(attributes: &BTreeMap<String, Attribute>) -> bool {
    attributes.values().any(|attribute| match &attribute.kind {
        _ if attribute.requires_replace => true,
        AttributeType::Nested(nested) => any_requires_replace(&nested.attributes),
        AttributeType::Plain(_) => false,
    })
}

fn strip_object(attributes: &BTreeMap<String, Attribute>, value: Value) -> Value {
    let Value::Map(members) = value else { return value };
    let strip = |(name, value): (String, Value)| {
        let value = match attributes.get(&name) {
            Some(attribute) if attribute.write_only => Value::Null,
            Some(Attribute { kind: AttributeType::Nested(nested), .. }) => strip_nested(nested, value),
            _ => value,
        };
        (name, value)
    };
    Value::Map(members.into_iter().map(strip).collect())
}

fn strip_nested(nested: &NestedObject, value: Value) -> Value {
    let strip = |value| strip_object(&nested.attributes, value);
    match (nested.nesting, value) {
        (Nesting::Single, value) => strip(value),
        (Nesting::List | Nesting::Set, Value::Sequence(items)) => {
            Value::Sequence(items.into_iter().map(strip).collect())
        }
        (Nesting::Map, Value::Map(members)) => {
            Value::Map(members.into_iter().map(|(key, value)| (key, strip(value))).collect())
        }
        (_, value) => value,
    }
}

#[cfg(test)]
mod tests;
