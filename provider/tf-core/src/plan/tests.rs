//! Cases that show each rule, and laws that hold for every schema and configuration.

use proptest::prelude::*;

use super::*;
use crate::conformance::{check_plan, check_result, proposed_new};
use crate::types::Type;

fn plain(kind: Type) -> Attribute {
    Attribute {
        kind: AttributeType::Plain(kind),
        description: String::new(),
        required: false,
        optional: false,
        computed: false,
        sensitive: false,
        write_only: false,
        deprecated: None,
        default: None,
        requires_replace: false,
        keep_prior: false,
        validators: Vec::new(),
    }
}

fn optional(kind: Type) -> Attribute {
    Attribute { optional: true, ..plain(kind) }
}

fn computed(kind: Type) -> Attribute {
    Attribute { computed: true, ..plain(kind) }
}

fn optional_computed(kind: Type) -> Attribute {
    Attribute { optional: true, ..computed(kind) }
}

fn nested<const N: usize>(nesting: Nesting, attributes: [(&str, Attribute); N]) -> AttributeType {
    AttributeType::Nested(NestedObject { nesting, attributes: named(attributes) })
}

fn named<const N: usize>(attributes: [(&str, Attribute); N]) -> BTreeMap<String, Attribute> {
    attributes.into_iter().map(|(name, attribute)| (name.to_owned(), attribute)).collect()
}

fn schema<const N: usize>(attributes: [(&str, Attribute); N]) -> Schema {
    Schema { version: 0, description: String::new(), attributes: named(attributes) }
}

fn object<const N: usize>(members: [(&str, Value); N]) -> Value {
    Value::Map(members.into_iter().map(|(name, value)| (name.to_owned(), value)).collect())
}

fn list(items: impl IntoIterator<Item = Value>) -> Value {
    Value::Sequence(items.into_iter().collect())
}

/// Plans as a client does and holds the plan to its rules.
fn planned(schema: &Schema, prior: &Value, config: &Value) -> Plan {
    let plan = plan(schema, prior, &proposed_new(schema, prior, config), config);
    assert_eq!(check_plan(schema, prior, config, &plan.planned), Vec::<String>::new());
    plan
}

/// Every attribute of an object, null where not given: what travels.
fn whole<const N: usize>(schema: &Schema, members: [(&str, Value); N]) -> Value {
    let given = object(members);
    Value::Map(schema.attributes.keys().map(|name| (name.clone(), given.get(name).clone())).collect())
}

#[test]
fn on_create_what_is_computed_and_not_configured_is_unknown() {
    let schema = schema([
        ("id", computed(Type::String)),
        ("size", optional_computed(Type::Number)),
        ("note", optional(Type::String)),
    ]);
    let plan = planned(&schema, &Value::Null, &whole(&schema, [("size", 2.into())]));
    let expected = object([("id", Value::Unknown), ("size", 2.into()), ("note", Value::Null)]);
    assert_eq!(plan.planned, expected);
    assert_eq!(plan.requires_replace, []);
}

#[test]
fn a_plan_without_a_change_is_the_prior_state() {
    let schema = schema([("id", computed(Type::String)), ("size", optional_computed(Type::Number))]);
    let prior = object([("id", "a".into()), ("size", 2.into())]);
    for config in [[("size", 2.into())], [("size", Value::Null)]] {
        assert_eq!(planned(&schema, &prior, &whole(&schema, config)).planned, prior);
    }
}

#[test]
fn a_change_makes_computed_values_unknown_unless_they_are_kept() {
    let kept = Attribute { keep_prior: true, ..computed(Type::String) };
    let schema = schema([("id", kept), ("url", computed(Type::String)), ("size", optional(Type::Number))]);
    let prior = object([("id", "a".into()), ("url", "u".into()), ("size", 2.into())]);
    let plan = planned(&schema, &prior, &whole(&schema, [("size", 3.into())]));
    assert_eq!(plan.planned, object([("id", "a".into()), ("url", Value::Unknown), ("size", 3.into())]));
}

#[test]
fn a_kept_value_that_was_never_there_is_unknown() {
    let kept = Attribute { keep_prior: true, ..computed(Type::String) };
    let schema = schema([("new", kept), ("size", optional(Type::Number))]);
    let prior = object([("new", Value::Null), ("size", 2.into())]);
    let plan = planned(&schema, &prior, &whole(&schema, [("size", 3.into())]));
    assert_eq!(plan.planned, object([("new", Value::Unknown), ("size", 3.into())]));
}

#[test]
fn defaults_are_taken_at_any_depth_and_on_return_to_them() {
    let with_default = || Attribute { default: Some(7.into()), ..optional_computed(Type::Number) };
    let inner = Attribute { optional: true, ..plain(Type::Bool) };
    let inner = Attribute { kind: nested(Nesting::List, [("size", with_default())]), ..inner };
    let schema = schema([("size", with_default()), ("inner", inner)]);
    let config = object([("size", Value::Null), ("inner", list([object([("size", Value::Null)])]))]);
    let defaults = object([("size", 7.into()), ("inner", list([object([("size", 7.into())])]))]);
    assert_eq!(planned(&schema, &Value::Null, &config).planned, defaults);
    let prior = object([("size", 1.into()), ("inner", list([object([("size", 2.into())])]))]);
    assert_eq!(planned(&schema, &prior, &config).planned, defaults);
}

#[test]
fn an_object_set_in_part_is_completed() {
    let size = nested(
        Nesting::Single,
        [("cpus", optional_computed(Type::Number)), ("memory_mib", optional_computed(Type::Number))],
    );
    let schema = schema([("node_size", Attribute { kind: size, ..optional_computed(Type::Bool) })]);
    let config = object([("node_size", object([("cpus", 4.into()), ("memory_mib", Value::Null)]))]);
    let create = planned(&schema, &Value::Null, &config).planned;
    let expected = object([("node_size", object([("cpus", 4.into()), ("memory_mib", Value::Unknown)]))]);
    assert_eq!(create, expected);

    let prior = object([("node_size", object([("cpus", 4.into()), ("memory_mib", 8192.into())]))]);
    assert_eq!(planned(&schema, &prior, &config).planned, prior);

    let absent = object([("node_size", Value::Null)]);
    assert_eq!(planned(&schema, &Value::Null, &absent).planned, object([("node_size", Value::Unknown)]));
    assert_eq!(planned(&schema, &prior, &absent).planned, prior);
}

#[test]
fn elements_keep_their_own_computed_values() {
    for nesting in [Nesting::List, Nesting::Set, Nesting::Map] {
        let kept = Attribute { keep_prior: true, ..computed(Type::String) };
        let kind = nested(nesting, [("id", kept), ("name", optional(Type::String))]);
        let schema = schema([("disks", Attribute { kind, ..optional(Type::Bool) })]);
        let disk = |id: Value, name: &str| object([("id", id), ("name", name.into())]);
        let disks = |members: Vec<Value>| match nesting {
            Nesting::Map => object([(
                "disks",
                Value::Map(
                    members.into_iter().map(|disk| (format!("{:?}", disk.get("name")), disk)).collect(),
                ),
            )]),
            Nesting::Set => object([("disks", Value::distinct(members))]),
            _ => object([("disks", Value::Sequence(members))]),
        };
        let prior = disks(vec![disk("1".into(), "a"), disk("2".into(), "b")]);
        let config = disks(vec![disk(Value::Null, "a"), disk(Value::Null, "b"), disk(Value::Null, "c")]);
        let expected = disks(vec![disk("1".into(), "a"), disk("2".into(), "b"), disk(Value::Unknown, "c")]);
        assert_eq!(planned(&schema, &prior, &config).planned, expected, "{nesting:?}");
    }
}

#[test]
fn write_only_values_are_null_at_any_depth() {
    let secret = || Attribute { write_only: true, ..optional(Type::String) };
    let kind = nested(Nesting::Map, [("secret_wo", secret())]);
    let schema = schema([("secret_wo", secret()), ("m", Attribute { kind, ..optional(Type::Bool) })]);
    let with = |value: Value| {
        object([("secret_wo", value.clone()), ("m", object([("k", object([("secret_wo", value)]))]))])
    };
    assert_eq!(planned(&schema, &Value::Null, &with("s".into())).planned, with(Value::Null));
    assert_eq!(without_write_only(&schema, with("s".into())), with(Value::Null));
}

#[test]
fn destroy_plans_nothing() {
    let schema = schema([("id", computed(Type::String))]);
    let plan = plan(&schema, &object([("id", "a".into())]), &Value::Null, &Value::Null);
    assert_eq!((plan.planned, plan.requires_replace), (Value::Null, Vec::new()));
}

#[test]
fn replacement_names_what_differs() {
    let fixed = || Attribute { requires_replace: true, ..optional(Type::String) };
    let of = |nesting| Attribute { kind: nested(nesting, [("x", fixed())]), ..optional(Type::Bool) };
    let schema = schema([
        ("name", fixed()),
        ("one", of(Nesting::Single)),
        ("many", of(Nesting::List)),
        ("by_key", of(Nesting::Map)),
        ("some", of(Nesting::Set)),
    ]);
    let x = |text: &str| object([("x", text.into())]);
    let state = |name: &str, text: &str| {
        object([
            ("name", name.into()),
            ("one", x(text)),
            ("many", list([x("same"), x(text)])),
            ("by_key", object([("k", x(text))])),
            ("some", list([x(text)])),
        ])
    };
    assert_eq!(planned(&schema, &state("n", "a"), &state("n", "a")).requires_replace, []);
    let paths = planned(&schema, &state("n", "a"), &state("m", "b")).requires_replace;
    let paths: Vec<_> = paths.iter().map(ToString::to_string).collect();
    assert_eq!(paths, ["by_key[\"k\"].x", "many[1].x", "name", "one.x", "some"]);
    assert_eq!(planned(&schema, &Value::Null, &state("m", "b")).requires_replace, []);
    let unknown =
        planned(&schema, &state("n", "a"), &whole(&schema, [("name", Value::Unknown)])).requires_replace;
    assert!(unknown.contains(&Path::attribute("name")));
}

/// Random schemas and values from one seed: what proptest shrinks is a number, which is little help, but schema and
/// configuration must fit each other.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) % limit
    }

    fn one_in(&mut self, chances: u64) -> bool {
        self.below(chances) == 0
    }

    fn attributes(&mut self, depth: u32, in_set: bool) -> BTreeMap<String, Attribute> {
        let count = 1 + self.below(4);
        (0..count).map(|index| (format!("a{index}"), self.attribute(depth, in_set))).collect()
    }

    fn attribute(&mut self, depth: u32, in_set: bool) -> Attribute {
        let kind = if depth > 0 && self.one_in(3) {
            let nesting =
                [Nesting::Single, Nesting::List, Nesting::Set, Nesting::Map][self.below(4) as usize];
            let attributes = self.attributes(depth - 1, in_set || nesting == Nesting::Set);
            AttributeType::Nested(NestedObject { nesting, attributes })
        } else {
            let kinds = [
                Type::String,
                Type::Number,
                Type::Set(Box::new(Type::String)),
                Type::List(Box::new(Type::Bool)),
            ];
            AttributeType::Plain(kinds[self.below(4) as usize].clone())
        };
        let mut attribute = Attribute { kind, ..plain(Type::Bool) };
        match self.below(5) {
            0 => attribute.required = true,
            1 => attribute.optional = true,
            2 => attribute.computed = true,
            // Neither is sound in a set: the protocol forbids the one, and the other can make two elements one.
            3 | 4 if in_set => attribute.optional = true,
            3 => (attribute.optional, attribute.write_only) = (true, true),
            _ => (attribute.optional, attribute.computed) = (true, true),
        }
        attribute.keep_prior = attribute.computed && self.one_in(2);
        attribute.requires_replace = self.one_in(4);
        if attribute.optional && attribute.computed && self.one_in(2) {
            let default = self.configured(&attribute, false);
            attribute.default = (!default.is_null()).then_some(default);
        }
        attribute
    }

    fn config(&mut self, attributes: &BTreeMap<String, Attribute>, unknowns: bool) -> Value {
        Value::Map(
            attributes.iter().map(|(name, of)| (name.clone(), self.configured(of, unknowns))).collect(),
        )
    }

    fn configured(&mut self, attribute: &Attribute, unknowns: bool) -> Value {
        if !attribute.required && (!attribute.optional || self.one_in(3)) {
            return Value::Null;
        }
        if unknowns && self.one_in(5) {
            return Value::Unknown;
        }
        match &attribute.kind {
            AttributeType::Plain(kind) => self.of_type(kind, unknowns),
            AttributeType::Nested(nested) => self.nested(nested, unknowns),
        }
    }

    fn nested(&mut self, nested: &NestedObject, unknowns: bool) -> Value {
        let count = self.below(3);
        match nested.nesting {
            Nesting::Single => self.config(&nested.attributes, unknowns),
            Nesting::Map => Value::Map(
                (0..count)
                    .map(|index| (format!("k{index}"), self.config(&nested.attributes, unknowns)))
                    .collect(),
            ),
            Nesting::List => list((0..count).map(|_| self.config(&nested.attributes, unknowns))),
            Nesting::Set => {
                Value::distinct((0..count).map(|_| self.config(&nested.attributes, unknowns)).collect())
            }
        }
    }

    fn of_type(&mut self, kind: &Type, unknowns: bool) -> Value {
        let count = self.below(3);
        match kind {
            Type::List(of) => list((0..count).map(|_| self.of_type(of, unknowns))),
            Type::Set(of) => Value::distinct((0..count).map(|_| self.of_type(of, unknowns)).collect()),
            _ if unknowns && self.one_in(5) => Value::Unknown,
            Type::Number => Value::from(i64::try_from(count).unwrap_or_default()),
            Type::Bool => (count == 0).into(),
            _ => format!("v{count}").into(),
        }
    }

    /// What apply makes of a plan: unknown values become some value of their type.
    fn applied(&mut self, attributes: &BTreeMap<String, Attribute>, planned: &Value) -> Value {
        let member = |(name, attribute): (&String, &Attribute)| {
            let planned = planned.get(name);
            let value = match (&attribute.kind, planned) {
                _ if attribute.write_only => Value::Null,
                (AttributeType::Plain(kind), planned) => self.known(kind, planned),
                (AttributeType::Nested(nested), planned) => self.applied_nested(nested, planned),
            };
            (name.clone(), value)
        };
        Value::Map(attributes.iter().map(member).collect())
    }

    fn applied_nested(&mut self, nested: &NestedObject, planned: &Value) -> Value {
        let attributes = &nested.attributes;
        match (nested.nesting, planned) {
            (_, Value::Null) => Value::Null,
            (_, Value::Unknown) => {
                let invented = self.nested(nested, false);
                let computed =
                    elementwise(nested.nesting, &invented, &|element| only_computed(attributes, element));
                self.applied_nested(nested, &computed)
            }
            (Nesting::Single, planned) => self.applied(attributes, planned),
            (Nesting::List, Value::Sequence(items)) => {
                list(items.iter().map(|item| self.applied(attributes, item)))
            }
            (Nesting::Set, Value::Sequence(items)) => {
                Value::distinct(items.iter().map(|item| self.applied(attributes, item)).collect())
            }
            (_, Value::Map(members)) => Value::Map(
                members.iter().map(|(key, item)| (key.clone(), self.applied(attributes, item))).collect(),
            ),
            (_, other) => other.clone(),
        }
    }

    fn known(&mut self, kind: &Type, planned: &Value) -> Value {
        match (kind, planned) {
            (kind, Value::Unknown) => self.of_type(kind, false),
            (Type::List(of), Value::Sequence(items)) => list(items.iter().map(|item| self.known(of, item))),
            (Type::Set(of), Value::Sequence(items)) => {
                Value::distinct(items.iter().map(|item| self.known(of, item)).collect())
            }
            (_, planned) => planned.clone(),
        }
    }
}

/// A nested value with each of its objects changed.
fn elementwise(nesting: Nesting, value: &Value, change: &dyn Fn(&Value) -> Value) -> Value {
    match (nesting, value) {
        (Nesting::Single, value) => change(value),
        (_, Value::Sequence(items)) => Value::distinct(items.iter().map(change).collect()),
        (_, Value::Map(members)) => {
            Value::Map(members.iter().map(|(key, member)| (key.clone(), change(member))).collect())
        }
        (_, other) => other.clone(),
    }
}

/// What a provider may put into an object that is not configured: a client takes an attribute that is set and not
/// computed as the rest of an earlier configuration, and proposes to remove the object.
fn only_computed(attributes: &BTreeMap<String, Attribute>, object: &Value) -> Value {
    let member = |(name, attribute): (&String, &Attribute)| {
        let value = match (&attribute.kind, object.get(name)) {
            _ if !attribute.computed => Value::Null,
            (_, value @ (Value::Null | Value::Unknown)) => value.clone(),
            (AttributeType::Plain(_), value) => value.clone(),
            (AttributeType::Nested(nested), value) => {
                elementwise(nested.nesting, value, &|element| only_computed(&nested.attributes, element))
            }
        };
        (name.clone(), value)
    };
    Value::Map(attributes.iter().map(member).collect())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]

    #[test]
    fn every_plan_obeys_the_client(seed in 1u64..) {
        let mut random = Random(seed);
        let schema = Schema { version: 0, description: String::new(), attributes: random.attributes(2, false) };
        let first = random.config(&schema.attributes, true);
        let create = planned(&schema, &Value::Null, &first).planned;
        let state = random.applied(&schema.attributes, &create);
        prop_assert_eq!(check_result(&schema, &create, &state), Vec::<String>::new());
        let second = random.config(&schema.attributes, true);
        let update = planned(&schema, &state, &second);
        for path in &update.requires_replace {
            prop_assert!(!path.is_root());
        }
        let after = random.applied(&schema.attributes, &update.planned);
        prop_assert_eq!(check_result(&schema, &update.planned, &after), Vec::<String>::new());
    }

    #[test]
    fn a_plan_after_apply_is_empty(seed in 1u64..) {
        let mut random = Random(seed);
        let schema = Schema { version: 0, description: String::new(), attributes: random.attributes(2, false) };
        let config = random.config(&schema.attributes, false);
        let create = planned(&schema, &Value::Null, &config).planned;
        let state = random.applied(&schema.attributes, &create);
        let again = planned(&schema, &state, &config);
        prop_assert_eq!(again.planned, state);
        prop_assert_eq!(again.requires_replace, []);
    }

    #[test]
    fn the_plan_at_apply_keeps_what_the_first_plan_knew(seed in 1u64..) {
        let mut random = Random(seed);
        let schema = Schema { version: 0, description: String::new(), attributes: random.attributes(2, false) };
        let unknown = random.config(&schema.attributes, true);
        let known = random.applied(&schema.attributes, &unknown);
        // Values that only the provider sets are null in any configuration.
        let known = configured_only(&schema.attributes, &unknown, &known);
        let first = planned(&schema, &Value::Null, &unknown).planned;
        let last = planned(&schema, &Value::Null, &known).planned;
        prop_assert_eq!(check_result(&schema, &first, &last), Vec::<String>::new());
    }
}

/// `known` with null where `config` is null.
fn configured_only(attributes: &BTreeMap<String, Attribute>, config: &Value, known: &Value) -> Value {
    let member = |(name, _): (&String, &Attribute)| {
        let value = if config.get(name).is_null() { Value::Null } else { known.get(name).clone() };
        (name.clone(), value)
    };
    Value::Map(attributes.iter().map(member).collect())
}
