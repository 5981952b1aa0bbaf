//! Laws of the schemas and of the models made from them.

mod build;
mod strategy;

use std::collections::BTreeSet;

use proptest::prelude::*;
use tf_core::validate::validate_config;
use tf_core::{Attribute, AttributeType, Decode, Encode, NestedObject, Path, Schema, Value};

use super::*;

/// A value through its model and back.
type RoundTrip = fn(&Value) -> Value;

fn round_trip<M: Decode + Encode>(value: &Value) -> Value {
    M::decode(value, &Path::root()).unwrap().encode()
}

/// Every schema with its model: a resource without one fails here.
fn schemas() -> Vec<(&'static Schema, RoundTrip)> {
    let resources = provider_schema().resources.iter().map(|(name, schema)| {
        let through: RoundTrip = match name.as_str() {
            ManagementClusterModel::TYPE_NAME => round_trip::<ManagementClusterModel>,
            ComponentModel::TYPE_NAME => round_trip::<ComponentModel>,
            ControllerPoolModel::TYPE_NAME => round_trip::<ControllerPoolModel>,
            ComputeClusterModel::TYPE_NAME => round_trip::<ComputeClusterModel>,
            other => panic!("no model of {other} is tested"),
        };
        (schema, through)
    });
    let provider: (_, RoundTrip) = (&provider_schema().provider, round_trip::<ProviderModel>);
    resources.chain([provider]).collect()
}

/// Every attribute of every schema, at any depth, with its path.
fn attributes() -> Vec<(String, &'static Attribute)> {
    let mut found = Vec::new();
    let mut roots = vec![("provider".to_owned(), &provider_schema().provider.attributes)];
    roots.extend(provider_schema().resources.iter().map(|(name, schema)| (name.clone(), &schema.attributes)));
    while let Some((place, attributes)) = roots.pop() {
        for (name, attribute) in attributes {
            let place = format!("{place}.{name}");
            if let AttributeType::Nested(NestedObject { attributes, .. }) = &attribute.kind {
                roots.push((place.clone(), attributes));
            }
            found.push((place, attribute));
        }
    }
    found
}

fn assert_each(law: fn(&Attribute) -> bool) {
    let broken: Vec<String> =
        attributes().into_iter().filter(|(_, a)| !law(a)).map(|(place, _)| place).collect();
    assert_eq!(broken, Vec::<String>::new());
}

fn null_filled(schema: &Schema) -> Value {
    Value::Map(schema.attributes.keys().map(|name| (name.clone(), Value::Null)).collect())
}

#[test]
fn the_four_resources_are_served() {
    let names: Vec<&str> = provider_schema().resources.keys().map(String::as_str).collect();
    assert_eq!(
        names,
        ["vio_component", "vio_compute_cluster", "vio_controller_pool", "vio_management_cluster"]
    );
}

#[test]
fn a_null_filled_object_is_the_default_model_and_encodes_equal() {
    for (schema, through) in schemas() {
        assert_eq!(through(&null_filled(schema)), null_filled(schema));
    }
    let component = &provider_schema().resources[ComponentModel::TYPE_NAME];
    let decoded = ComponentModel::decode(&null_filled(component), &Path::root()).unwrap();
    assert_eq!(decoded, ComponentModel::default());
}

#[test]
fn defaults_stand_only_where_both_sides_may_set_the_value() {
    assert_each(|a| a.default.is_none() || (a.optional && a.computed && !a.required));
}

#[test]
fn every_attribute_is_described_in_whole_sentences() {
    assert_each(|a| a.description.ends_with('.') && !a.description.contains('\n'));
}

#[test]
fn what_is_write_only_is_an_argument_and_hidden() {
    assert_each(|a| !a.write_only || ((a.required || a.optional) && !a.computed && a.sensitive));
    assert!(attributes().iter().any(|(_, a)| a.write_only));
}

#[test]
fn no_secret_of_a_resource_reaches_the_state() {
    let secrets =
        attributes().into_iter().filter(|(place, a)| a.sensitive && !place.starts_with("provider."));
    assert_eq!(secrets.filter(|(_, a)| !a.write_only).map(|(place, _)| place).collect::<Vec<_>>(), [""; 0]);
}

#[test]
fn ids_that_plans_build_on_survive_unrelated_changes() {
    for schema in provider_schema().resources.values() {
        assert!(schema.attributes["id"].keep_prior);
    }
}

#[test]
fn names_are_snake_case_with_units_last() {
    let units = ["mib", "gib", "ms", "s", "percent"];
    for (place, _) in attributes() {
        let name = place.rsplit('.').next().unwrap();
        assert!(name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_'), "{place}");
        let (words, _last) = name.rsplit_once('_').unwrap_or(("", name));
        assert!(words.split('_').all(|word| !units.contains(&word)), "{place}: the unit comes last");
    }
}

#[test]
fn secrets_of_a_model_never_print() {
    let secrets = Value::Map([("admin_password_wo".to_owned(), "canary".into())].into());
    let model = ManagementClusterModel::decode(&secrets, &Path::root()).unwrap();
    assert!(!format!("{model:?}").contains("canary"));
}

#[test]
fn an_error_names_the_attribute() {
    let wrong = Value::Map(
        [("node_size".to_owned(), Value::Map([("cpus".to_owned(), "four".into())].into()))].into(),
    );
    let error = ComponentModel::decode(&wrong, &Path::root()).unwrap_err();
    assert_eq!(error.path(), &Path::attribute("node_size").then_attribute("cpus"));
}

#[test]
fn shared_attributes_are_the_same_everywhere() {
    let nodes = provider_schema().resources.values().filter_map(|schema| schema.attributes.get("nodes"));
    assert_eq!(nodes.map(|a| format!("{a:?}")).collect::<BTreeSet<_>>().len(), 1);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn a_model_loses_nothing_of_any_value(values in strategy::of_all(schemas().iter().map(|(s, _)| s.object_type()))) {
        for ((_, through), value) in schemas().into_iter().zip(values) {
            prop_assert_eq!(through(&value), value);
        }
    }
}

#[test]
fn a_bad_text_in_a_nested_list_is_found_where_it_was_written() {
    let network = |dns_servers: [&str; 2]| {
        let members = [("cidr", "192.0.2.0/24".into()), ("dns_servers", dns_servers.to_vec().into())];
        let network = Value::Map(members.map(|(name, value)| (name.to_owned(), value)).into());
        Value::Map([("management_network".to_owned(), network)].into())
    };
    let schema = &provider_schema().resources[ManagementClusterModel::TYPE_NAME];
    assert!(validate_config(schema, &network(["192.0.2.2", "192.0.2.3"])).is_empty());
    let found = validate_config(schema, &network(["192.0.2.2", "dns"]));
    let paths: Vec<String> = found.iter().map(|finding| finding.path.to_string()).collect();
    assert_eq!(paths, ["management_network.dns_servers[1]"]);
}
