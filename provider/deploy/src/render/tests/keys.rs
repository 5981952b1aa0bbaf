//! Keys of Keystone's tokens, by generation.

use proptest::prelude::*;

use super::*;
use crate::release::OptionValue;

const FOLDER: &str = "/etc/keystone/fernet-keys/";

/// The keys of a controller as Keystone reads them: the last one signs, each of them is accepted.
fn keys(generation: i64) -> Vec<String> {
    let mut cloud = cloud();
    let options = &mut cloud.components.get_mut("controller").unwrap().options;
    options.insert("fernet_key_generation".to_owned(), OptionValue::Int(generation));
    let document = render(&cloud, KindId::Controller, 2);
    let numbered = |file: &File| {
        let number: u64 = file.path.strip_prefix(FOLDER)?.parse().unwrap();
        Some((number, file.content.clone()))
    };
    let found: BTreeMap<u64, String> = document.files.iter().filter_map(numbered).collect();
    found.into_values().collect()
}

fn signer(keys: &[String]) -> &String {
    keys.last().unwrap()
}

#[test]
fn the_first_generation_has_the_keys_of_deployments_that_knew_none() {
    assert_eq!(keys(1), ["<keystone_fernet_0>=", "<keystone_fernet_1>="]);
}

#[test]
fn a_key_that_signs_was_known_to_every_controller_before_and_is_known_after() {
    proptest!(|(generation in 1_i64..1_000_000)| {
        let (before, after) = (keys(generation), keys(generation + 1));
        // While controllers change one by one, each accepts what any other signs.
        prop_assert!(before.contains(signer(&after)) && after.contains(signer(&before)));
        prop_assert_eq!(&before[0], signer(&after));
        prop_assert!(signer(&before) != signer(&after));
        let distinct: BTreeSet<&String> = after.iter().collect();
        // Keystone's own default of `max_active_keys`.
        prop_assert_eq!((after.len(), distinct.len()), (3, 3));
    });
}

#[test]
fn no_generation_signs_with_a_key_of_another() {
    let signers: BTreeSet<String> = (1..50).map(|generation| signer(&keys(generation)).clone()).collect();
    assert_eq!(signers.len(), 49);
}

#[test]
fn a_new_generation_restarts_nothing() {
    let document = render(&cloud(), KindId::Controller, 1);
    let mut watched =
        document.services.iter().flat_map(|service| service.restart_on.iter().chain(&service.reload_on));
    assert!(watched.all(|path| !path.starts_with(FOLDER)));
}
