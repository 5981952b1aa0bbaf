//! The rules that Terraform and OpenTofu hold a provider's plans and results to, so that a provider's tests can
//! apply them without a client: the merge that proposes a new state, the check of a plan and the check of a result.
//!
//! Each check answers with what is wrong, one sentence per finding, empty when nothing is.

use std::collections::{BTreeMap, BTreeSet};

use crate::path::Path;
use crate::plan::corresponds;
use crate::schema::{Attribute, AttributeType, NestedObject, Nesting, Schema};
use crate::types::Type;
use crate::value::Value;

/// The state that a client proposes: the configuration where it is set, the prior value where that is computed.
pub fn proposed_new(schema: &Schema, prior: &Value, config: &Value) -> Value {
    if config.is_null() { Value::Null } else { propose_object(&schema.attributes, prior, config) }
}

fn propose_object(attributes: &BTreeMap<String, Attribute>, prior: &Value, config: &Value) -> Value {
    let member = |(name, attribute): (&String, &Attribute)| {
        (name.clone(), propose(attribute, prior.get(name), config.get(name)))
    };
    Value::Map(attributes.iter().map(member).collect())
}

fn propose(attribute: &Attribute, prior: &Value, config: &Value) -> Value {
    match (&attribute.kind, config) {
        (AttributeType::Nested(nested), Value::Null)
            if attribute.optional && attribute.computed && holds_configured(nested, prior) =>
        {
            Value::Null
        }
        (_, Value::Null) if attribute.computed => prior.clone(),
        (AttributeType::Nested(nested), config) => propose_nested(nested, prior, config),
        (AttributeType::Plain(_), config) => config.clone(),
    }
}

/// Whether a prior value holds, at any depth, something that only a configuration can have put there.
fn holds_configured(nested: &NestedObject, prior: &Value) -> bool {
    let objects: Vec<&Value> = match (nested.nesting, prior) {
        (Nesting::Single, object) => vec![object],
        (_, Value::Sequence(items)) => items.iter().collect(),
        (_, Value::Map(members)) => members.values().collect(),
        _ => Vec::new(),
    };
    objects.into_iter().any(|object| {
        nested.attributes.iter().any(|(name, attribute)| {
            let value = object.get(name);
            let within = match &attribute.kind {
                AttributeType::Nested(nested) => holds_configured(nested, value),
                AttributeType::Plain(_) => false,
            };
            within || (!attribute.computed && !value.is_null())
        })
    })
}

fn propose_nested(nested: &NestedObject, prior: &Value, config: &Value) -> Value {
    let element = |prior: &Value, config: &Value| match config {
        Value::Map(_) => propose_object(&nested.attributes, prior, config),
        other => other.clone(),
    };
    let before = prior.as_sequence().unwrap_or_default();
    match (nested.nesting, config) {
        (Nesting::Single, config) => element(prior, config),
        (Nesting::List, Value::Sequence(items)) => {
            let at = |index: usize| before.get(index).unwrap_or(&Value::Null);
            Value::Sequence(items.iter().enumerate().map(|(index, item)| element(at(index), item)).collect())
        }
        (Nesting::Set, Value::Sequence(items)) => {
            let from =
                |item: &Value| before.iter().find(|prior| corresponds(&nested.attributes, prior, item));
            let found = |item: &Value| from(item).unwrap_or(&Value::Null);
            Value::distinct(items.iter().map(|item| element(found(item), item)).collect())
        }
        (Nesting::Map, Value::Map(members)) => Value::Map(
            members.iter().map(|(key, item)| (key.clone(), element(prior.get(key), item))).collect(),
        ),
        (_, other) => other.clone(),
    }
}

/// What a client says against a plan ("Provider produced invalid plan").
pub fn check_plan(schema: &Schema, prior: &Value, config: &Value, planned: &Value) -> Vec<String> {
    let mut findings = Findings::default();
    if planned.is_null() != config.is_null() {
        findings.add(&Path::root(), "the plan is null and the configuration is not, or the other way round");
    } else if !planned.is_null() {
        findings.plan_object(&schema.attributes, &Path::root(), prior, config, planned);
    }
    findings.0
}

/// What a client says against a result ("Provider produced inconsistent result after apply"), and against a second
/// plan with the same change ("Provider produced inconsistent final plan").
pub fn check_result(schema: &Schema, planned: &Value, actual: &Value) -> Vec<String> {
    check_value(&schema.object_type(), planned, actual)
}

fn check_value(of: &Type, planned: &Value, actual: &Value) -> Vec<String> {
    let mut findings = Findings::default();
    findings.compatible(of, &Path::root(), planned, actual);
    findings.0
}

#[derive(Default)]
struct Findings(Vec<String>);

impl Findings {
    fn add(&mut self, path: &Path, finding: &str) {
        self.0.push(format!("{path}: {finding}"));
    }

    fn plan_object(
        &mut self,
        attributes: &BTreeMap<String, Attribute>,
        path: &Path,
        prior: &Value,
        config: &Value,
        planned: &Value,
    ) {
        for (name, attribute) in attributes {
            let path = path.clone().then_attribute(name);
            self.plan_attribute(attribute, &path, prior.get(name), config.get(name), planned.get(name));
        }
    }

    fn plan_attribute(
        &mut self,
        attribute: &Attribute,
        path: &Path,
        prior: &Value,
        config: &Value,
        planned: &Value,
    ) {
        if attribute.write_only {
            if !planned.is_null() {
                self.add(path, "a write-only value is planned");
            }
            return;
        }
        let may_be_anything = attribute.computed && config.is_null();
        if planned == config || may_be_anything {
            return;
        }
        match &attribute.kind {
            _ if config.is_null() => self.add(path, "planned without configuration, and not computed"),
            AttributeType::Nested(nested) => self.plan_nested(nested, path, prior, config, planned),
            AttributeType::Plain(_) if prior.is_null() => self.add(path, "differs from the configuration"),
            AttributeType::Plain(_) if planned != prior => {
                self.add(path, "differs from the configuration and from the prior value");
            }
            AttributeType::Plain(_) => {}
        }
    }

    fn plan_nested(
        &mut self,
        nested: &NestedObject,
        path: &Path,
        prior: &Value,
        config: &Value,
        planned: &Value,
    ) {
        if planned.is_null() {
            return self.add(path, "configured and planned as absent");
        }
        if planned.is_unknown() {
            return self.add(path, "configured and planned as unknown");
        }
        let attributes = &nested.attributes;
        match (nested.nesting, config, planned) {
            (Nesting::Single, ..) => self.plan_object(attributes, path, prior, config, planned),
            (Nesting::List, Value::Sequence(wanted), Value::Sequence(given)) => {
                if wanted.len() != given.len() {
                    return self.add(path, "the plan has another number of elements than the configuration");
                }
                for (index, (wanted, given)) in wanted.iter().zip(given).enumerate() {
                    let before =
                        prior.as_sequence().and_then(|items| items.get(index)).unwrap_or(&Value::Null);
                    self.plan_element(attributes, &path.clone().then_index(index), before, wanted, given);
                }
            }
            (Nesting::Map, Value::Map(wanted), Value::Map(given)) => {
                if !wanted.keys().eq(given.keys()) {
                    return self.add(path, "the plan has other keys than the configuration");
                }
                for (key, wanted) in wanted {
                    let path = path.clone().then_key(key);
                    self.plan_element(attributes, &path, prior.get(key), wanted, planned.get(key));
                }
            }
            (Nesting::Set, Value::Sequence(wanted), Value::Sequence(given)) => {
                // Elements that are unknown in part may turn out to be one.
                let fewest = if wanted.iter().all(Value::is_wholly_known) { wanted.len() } else { 1 };
                if given.len() < fewest.min(wanted.len()) || given.len() > wanted.len() {
                    self.add(path, "the plan has another number of elements than the configuration");
                }
            }
            _ => self.add(path, "differs from the configuration"),
        }
    }

    fn plan_element(
        &mut self,
        attributes: &BTreeMap<String, Attribute>,
        path: &Path,
        prior: &Value,
        config: &Value,
        planned: &Value,
    ) {
        match (config, planned) {
            (Value::Map(_), Value::Map(_)) => self.plan_object(attributes, path, prior, config, planned),
            _ if config == planned => {}
            _ => self.add(path, "differs from the configuration"),
        }
    }

    fn compatible(&mut self, of: &Type, path: &Path, planned: &Value, actual: &Value) {
        match (planned, actual) {
            (Value::Unknown, _) | (Value::Null, Value::Null) => {}
            (Value::Null, _) => self.add(path, "was absent and now is present"),
            (_, Value::Null) => self.add(path, "was present and now is absent"),
            (_, Value::Unknown) => self.add(path, "was known and now is unknown"),
            (Value::Map(before), Value::Map(after)) => {
                for name in before.keys().chain(after.keys()).collect::<BTreeSet<_>>() {
                    let path = path.clone().then_attribute(name);
                    match (before.get(name), after.get(name)) {
                        (Some(before), Some(after)) => {
                            self.compatible(member(of, name), &path, before, after)
                        }
                        _ => self.add(&path, "has appeared or vanished"),
                    }
                }
            }
            (Value::Sequence(before), Value::Sequence(after)) => match of {
                Type::Set(element) => self.compatible_sets(element, path, before, after),
                of => self.compatible_lists(of, path, before, after),
            },
            (before, after) if before == after => {}
            _ => self.add(path, "has another value than planned"),
        }
    }

    fn compatible_lists(&mut self, of: &Type, path: &Path, before: &[Value], after: &[Value]) {
        if before.len() != after.len() {
            self.add(path, "has more or fewer elements than planned");
        }
        for (index, (before, after)) in before.iter().zip(after).enumerate() {
            self.compatible(item(of, index), &path.clone().then_index(index), before, after);
        }
    }

    /// Each element needs a counterpart. Elements that were unknown in part may have turned out to be one.
    fn compatible_sets(&mut self, element: &Type, path: &Path, before: &[Value], after: &[Value]) {
        let matches = |before: &Value, after: &Value| check_value(element, before, after).is_empty();
        let correlate = after.len() <= before.len()
            && before.iter().all(|before| after.iter().any(|after| matches(before, after)))
            && after.iter().all(|after| before.iter().any(|before| matches(before, after)));
        if !correlate {
            self.add(path, "has other elements than planned");
        }
    }
}

/// The type of a member of a map or object.
fn member<'t>(of: &'t Type, name: &str) -> &'t Type {
    match of {
        Type::Map(element) => element,
        Type::Object(attributes) => attributes.get(name).unwrap_or(&Type::Dynamic),
        _ => &Type::Dynamic,
    }
}

/// The type of an element of a list or tuple.
fn item(of: &Type, index: usize) -> &Type {
    match of {
        Type::List(element) => element,
        Type::Tuple(elements) => elements.get(index).unwrap_or(&Type::Dynamic),
        _ => &Type::Dynamic,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn attribute(kind: AttributeType, computed: bool, write_only: bool) -> Attribute {
        Attribute {
            kind,
            description: String::new(),
            required: false,
            optional: true,
            computed,
            sensitive: false,
            write_only,
            deprecated: None,
            default: None,
            requires_replace: false,
            keep_prior: false,
            validators: Vec::new(),
        }
    }

    fn one(name: &str, value: Value) -> Value {
        Value::Map([(name.to_owned(), value)].into())
    }

    fn findings(attribute: Attribute, prior: Value, config: Value, planned: Value) -> usize {
        let attributes = [("a".to_owned(), attribute)].into();
        let schema = Schema { version: 0, description: String::new(), attributes };
        check_plan(&schema, &one("a", prior), &one("a", config), &one("a", planned)).len()
    }

    #[test]
    fn a_plan_keeps_to_the_configuration() {
        let text = |computed, write_only| attribute(AttributeType::Plain(Type::String), computed, write_only);
        for (computed, write_only, prior, config, planned, expected) in [
            (false, false, Value::Null, "x".into(), "x".into(), 0),
            (false, false, Value::Null, "x".into(), "y".into(), 1),
            (false, false, "y".into(), "x".into(), "y".into(), 0),
            (false, false, "z".into(), "x".into(), "y".into(), 1),
            (false, false, Value::Null, Value::Null, "y".into(), 1),
            (false, false, Value::Null, Value::Unknown, Value::Null, 1),
            (true, false, Value::Null, Value::Null, Value::Unknown, 0),
            (true, false, Value::Null, "x".into(), Value::Unknown, 1),
            (false, true, Value::Null, "x".into(), "x".into(), 1),
            (false, true, Value::Null, "x".into(), Value::Null, 0),
        ] {
            let found = findings(text(computed, write_only), prior, config, planned);
            assert_eq!(found, expected);
        }
    }

    #[test]
    fn a_plan_keeps_the_shape_of_nested_objects() {
        let inner = || [("b".to_owned(), attribute(AttributeType::Plain(Type::String), true, false))].into();
        let object = || one("b", "x".into());
        let items = |count: usize| Value::Sequence(vec![object(); count]);
        for (nesting, config, planned, expected) in [
            (Nesting::Single, object(), Value::Unknown, 1),
            (Nesting::Single, object(), Value::Null, 1),
            (Nesting::Single, one("b", Value::Null), one("b", Value::Unknown), 0),
            (Nesting::Single, object(), one("b", Value::Unknown), 1),
            (Nesting::List, items(2), items(1), 1),
            (Nesting::Set, items(1), items(2), 1),
            (Nesting::Map, one("k", object()), one("j", object()), 1),
        ] {
            let nested = AttributeType::Nested(NestedObject { nesting, attributes: inner() });
            let found = findings(attribute(nested, true, false), Value::Null, config, planned);
            assert_eq!(found, expected, "{nesting:?}");
        }
    }

    fn list_of(kind: Type) -> Type {
        Type::List(Box::new(kind))
    }

    #[test]
    fn a_result_keeps_every_known_value() {
        let one = |value: Value| Value::Sequence(vec![value]);
        for (of, planned, actual) in [
            (Type::String, Value::from("a"), Value::from("b")),
            (Type::String, "a".into(), Value::Null),
            (Type::String, Value::Null, "a".into()),
            (Type::String, "a".into(), Value::Unknown),
            (list_of(Type::Bool), one(true.into()), one(false.into())),
            (list_of(Type::Bool), one(true.into()), Value::Sequence(vec![])),
            (list_of(Type::Bool), Value::from(vec![true, false]), Value::from(vec![false, true])),
            (Type::Set(Box::new(Type::Bool)), one(Value::Unknown), Value::from(vec![false, true])),
            (
                Type::Map(Box::new(Type::Bool)),
                Value::Map([].into()),
                Value::Map([("k".to_owned(), true.into())].into()),
            ),
        ] {
            assert_ne!(check_value(&of, &planned, &actual), Vec::<String>::new(), "{planned:?} {actual:?}");
            assert_eq!(check_value(&of, &planned, &planned), Vec::<String>::new(), "{planned:?}");
        }
        let two_unknown = Value::Sequence(vec![Value::Unknown, Value::Unknown]);
        assert_eq!(
            check_value(&Type::Set(Box::new(Type::Bool)), &two_unknown, &one(true.into())),
            Vec::<String>::new()
        );
    }
}
