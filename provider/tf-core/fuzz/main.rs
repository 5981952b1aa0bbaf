//! The value codec: what Terraform, or a state file that was edited by hand, can do to a provider.

use std::collections::BTreeMap;
use std::path::Path;

use tf_core::{Leniency, Type, Value, json, msgpack};

/// Within a second or two, built for development.
const CASES: u32 = 20_000;

#[test]
fn msgpack() {
    check("msgpack", |bytes| {
        for of in types() {
            if let Ok(value) = msgpack::decode(bytes, &of) {
                goes_round(&value, &of);
            }
        }
    });
}

#[test]
fn json() {
    check("json", |bytes| {
        let Ok(document) = serde_json::from_slice(bytes) else { return };
        let _ = Type::from_json(&document);
        for of in types() {
            for leniency in [Leniency::Strict, Leniency::Lenient] {
                if let Ok(value) = json::from_json(&document, &of, leniency) {
                    goes_round(&value, &of);
                }
            }
        }
    });
}

fn check(target: &str, law: impl Fn(&[u8])) {
    fuzzing::check(&Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus").join(target), CASES, law);
}

/// Whatever was read can be written and is then read as the same.
fn goes_round(value: &Value, of: &Type) {
    let bytes = msgpack::encode(value, of).map(|bytes| msgpack::decode(&bytes, of));
    assert_eq!(bytes, Ok(Ok(value.clone())));
    if value.is_wholly_known() {
        let document =
            json::to_json(value, of).map(|document| json::from_json(&document, of, Leniency::Strict));
        assert_eq!(document, Ok(Ok(value.clone())));
    }
}

fn types() -> [Type; 4] {
    let list = |element| Type::List(Box::new(element));
    let members = |members: &[(&str, Type)]| -> BTreeMap<String, Type> {
        members.iter().map(|(name, of)| ((*name).to_owned(), of.clone())).collect()
    };
    let node =
        Type::Object(members(&[("name", Type::String), ("ready", Type::Bool), ("cpus", Type::Number)]));
    let resource = Type::Object(members(&[
        ("id", Type::String),
        ("nodes", list(node)),
        ("options", Type::Map(Box::new(Type::String))),
        ("ports", Type::Set(Box::new(Type::Number))),
        ("pair", Type::Tuple(vec![Type::String, Type::Number])),
        ("anything", Type::Dynamic),
    ]));
    [resource, Type::Dynamic, list(Type::Number), Type::Set(Box::new(list(Type::String)))]
}
