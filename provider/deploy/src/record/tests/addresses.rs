//! Which node has which index and address, and for how long.

use super::*;

fn node(kind: KindId, index: u32) -> NodeName {
    NodeName::new("prod", kind, index)
}

fn present(record: &Record) -> BTreeSet<NodeName> {
    record.node_names().collect()
}

fn refused(record: &Record, edit: impl Fn(&mut Settings)) -> String {
    let mut settings = record.settings.clone();
    edit(&mut settings);
    record.with_settings(settings).unwrap_err().to_string()
}

#[test]
fn a_virtual_address_comes_from_the_ranges_once_and_stays() {
    let record = sample::with(&sample::bare(), KindId::LoadBalancer, 2);
    let mut settings = record.settings.clone();
    settings.management.dns_servers.push("198.18.0.3".to_owned());
    let changed = record.with_settings(settings).unwrap();
    assert_eq!((changed.internal_vip, changed.public_vip), (record.internal_vip, record.public_vip));
}

#[test]
fn a_virtual_address_or_gateway_that_a_node_has_is_refused() {
    let record = sample::with(&sample::bare(), KindId::LoadBalancer, 2);
    let of = record.addresses[&node(KindId::LoadBalancer, 1)].clone();
    let external = of.external.unwrap();
    let all = [
        refused(&record, |settings| settings.management.vip = Some(of.management)),
        refused(&record, |settings| settings.external.vip = Some(external)),
        refused(&record, |settings| settings.management.gateway = of.management),
        refused(&record, |settings| settings.external.gateway = external),
        refused(&record, |settings| {
            settings.management.ip_ranges = vec![format!("{}-198.18.0.99", of.management)]
        }),
    ];
    for why in all {
        assert!(why.contains("prod-load-balancer-01"), "{why}");
    }
}

#[test]
fn a_virtual_address_that_is_not_chosen_any_more_stays_where_clients_know_it() {
    let chosen = Ipv4Addr::new(198, 19, 0, 99);
    let mut settings = sample::settings("prod");
    settings.external.vip = Some(chosen);
    let record = Record::new(settings, sample::root_secret(7), sample::CREATED_S).unwrap();
    let record = sample::with(&record, KindId::LoadBalancer, 2);
    let mut settings = record.settings.clone();
    settings.external.vip = None;
    assert_eq!(record.with_settings(settings).unwrap().public_vip, chosen);
}

#[test]
fn a_virtual_address_of_new_ranges_is_not_taken_from_a_node() {
    let record = sample::with(&sample::bare(), KindId::LoadBalancer, 2);
    let taken = record.addresses[&node(KindId::LoadBalancer, 1)].external.unwrap();
    let why = refused(&record, |settings| {
        settings.external.vip = None;
        settings.external.ip_ranges = vec![format!("{taken}-{taken}")];
    });
    assert!(why.contains("prod-load-balancer-01"), "{why}");
}

#[test]
fn nodes_that_exist_keep_their_addresses_when_ranges_come_and_go() {
    let record = sample::with(&sample::bare(), KindId::Memcache, 3);
    let mut settings = record.settings.clone();
    settings.management.vip = Some(record.internal_vip);
    settings.management.ip_ranges = vec!["198.18.0.220-198.18.0.230".to_owned()];
    let grown = sample::with(&record.with_settings(settings).unwrap(), KindId::Memcache, 4);
    for index in 1..=3 {
        let name = node(KindId::Memcache, index);
        assert_eq!(grown.addresses[&name], record.addresses[&name]);
    }
    let new = grown.addresses[&node(KindId::Memcache, 4)].management;
    assert_eq!(new, Ipv4Addr::new(198, 18, 0, 220));
}

#[test]
fn scaling_down_and_up_again_gives_every_node_its_address_back() {
    let five = sample::with(&sample::bare(), KindId::Memcache, 5);
    let two = sample::with(&five, KindId::Memcache, 2);
    assert_eq!(two.addresses, five.addresses, "nodes that are still there keep theirs");
    assert_eq!(sample::with(&two, KindId::Memcache, 5), five);
    let released = two.released(&present(&two));
    assert_eq!(released.addresses.len(), 2);
    assert_eq!(sample::with(&released, KindId::Memcache, 5), five);
}

#[test]
fn an_address_is_free_only_when_its_node_is_gone() {
    let two = sample::with(&sample::bare(), KindId::Memcache, 2);
    let one = sample::with(&two, KindId::Memcache, 1);
    let taken = two.addresses[&node(KindId::Memcache, 2)].management;
    let while_there = sample::with(&one.released(&present(&two)), KindId::Dhcp, 1);
    assert_ne!(while_there.addresses[&node(KindId::Dhcp, 1)].management, taken);
    let when_gone = sample::with(&one.released(&present(&one)), KindId::Dhcp, 1);
    assert_eq!(when_gone.addresses[&node(KindId::Dhcp, 1)].management, taken);
}

#[test]
fn a_network_that_is_full_says_how_many_addresses_it_lacks() {
    let mut settings = sample::settings("prod");
    settings.management.ip_ranges = vec!["198.18.0.10-198.18.0.12".to_owned()];
    let record = Record::new(settings, sample::root_secret(7), sample::CREATED_S).unwrap();
    let component = sample::component(sample::release(&record).kinds[&KindId::Memcache].size.ha, 3);
    let error = record
        .with_component(sample::release(&record), &ComponentId::of(KindId::Memcache), component)
        .unwrap_err();
    assert_eq!(error, Error::NoAddress { network: "management", capacity: 2, needed: 3 });
}

#[test]
fn a_compute_node_that_is_still_to_go_keeps_its_index_from_another_cluster() {
    let one = sample::with_compute(&sample::bare(), "one");
    let going = one.without_component(&ComponentId::compute("dc1", "one"));
    let two = sample::with_compute(&going, "two");
    assert_eq!(two.nodes_of(&ComponentId::compute("dc1", "two")), [node(KindId::ComputeDriver, 2)]);
    let gone = sample::with_compute(&going.released(&BTreeSet::new()), "two");
    assert_eq!(gone.nodes_of(&ComponentId::compute("dc1", "two")), [node(KindId::ComputeDriver, 1)]);
}

#[test]
fn a_component_that_returns_after_an_interrupted_removal_returns_to_its_nodes() {
    let id = ComponentId::compute("dc1", "one");
    let there = sample::with_compute(&sample::with_compute(&sample::bare(), "other"), "one");
    let component = there.components[&id].component.clone();
    let forgotten = there.without_component(&id);
    let release = sample::release(&there);
    let returned =
        forgotten.with_returning(release, &id, component.clone(), &there.nodes_of(&id).into_iter().collect());
    assert_eq!(returned.unwrap().nodes_of(&id), there.nodes_of(&id));
    let taken = there.nodes_of(&ComponentId::compute("dc1", "other")).into_iter().collect();
    let other = forgotten.with_returning(release, &id, component, &taken).unwrap();
    assert_ne!(other.nodes_of(&id), there.nodes_of(&ComponentId::compute("dc1", "other")));
}

#[test]
fn an_address_that_was_not_given_back_is_known_by_its_kind_until_it_is() {
    let three = sample::with(&sample::bare(), KindId::Controller, 3);
    let two = sample::with(&sample::with(&three, KindId::Memcache, 1), KindId::Controller, 2);
    let among = |names: BTreeSet<NodeName>| move |name: &NodeName| names.contains(name);
    assert_eq!(two.unreleased(KindId::Controller, among(present(&three))), []);
    assert_eq!(two.unreleased(KindId::Controller, among(present(&two))), [node(KindId::Controller, 3)]);
    assert_eq!(two.unreleased(KindId::Memcache, among(present(&two))), []);
    assert_eq!(two.released(&present(&two)).unreleased(KindId::Controller, among(present(&two))), []);
}
