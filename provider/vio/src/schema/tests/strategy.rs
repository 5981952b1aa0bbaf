//! Any value of a type, with nulls and unknowns where Terraform may send them.

use std::collections::BTreeSet;

use proptest::collection::{btree_map, btree_set, vec};
use proptest::prelude::*;
use tf_core::{Type, Value};

/// One value of each type.
pub(super) fn of_all(types: impl Iterator<Item = Type>) -> impl Strategy<Value = Vec<Value>> {
    types.map(|of| known(&of)).collect::<Vec<_>>()
}

/// A value, null or unknown.
fn any_of(of: &Type) -> BoxedStrategy<Value> {
    prop_oneof![1 => Just(Value::Null), 1 => Just(Value::Unknown), 4 => known(of)].boxed()
}

/// An element of a collection: never null.
fn element(of: &Type) -> BoxedStrategy<Value> {
    prop_oneof![1 => Just(Value::Unknown), 6 => known(of)].boxed()
}

fn known(of: &Type) -> BoxedStrategy<Value> {
    match of {
        Type::String => "[a-zé]{0,6}".prop_map(Value::from).boxed(),
        Type::Bool => any::<bool>().prop_map(Value::from).boxed(),
        Type::Number => any::<i64>().prop_map(Value::from).boxed(),
        Type::List(of) => vec(element(of), 0..4).prop_map(Value::Sequence).boxed(),
        Type::Set(of) => {
            let sorted = |items: BTreeSet<Value>| Value::Sequence(items.into_iter().collect());
            btree_set(element(of), 0..4).prop_map(sorted).boxed()
        }
        Type::Map(of) => btree_map("[a-z.]{1,4}", element(of), 0..3).prop_map(Value::Map).boxed(),
        Type::Object(members) => {
            let members: Vec<_> = members.iter().map(|(name, of)| (Just(name.clone()), any_of(of))).collect();
            members.prop_map(|members| Value::Map(members.into_iter().collect())).boxed()
        }
        Type::Dynamic | Type::Tuple(_) => panic!("no schema has this type"),
    }
}
