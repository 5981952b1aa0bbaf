use crate::desired::Desired;
use crate::name::NodeName;
use crate::record::tests::sample;
use crate::release::KindId;

use super::*;

fn load_balancer() -> (Record, DesiredNode) {
    let record = sample::with(&sample::bare(), KindId::LoadBalancer, 1);
    let desired = Desired::from_record(&record).unwrap();
    let name = NodeName::new("prod", KindId::LoadBalancer, 1);
    (record, desired.nodes[&name].clone())
}

#[test]
fn a_node_is_known_again_by_its_marks() {
    let (record, wanted) = load_balancer();
    let values = node("prod", &wanted);
    let name = NodeName::new("prod", KindId::LoadBalancer, 1);
    let addresses = &record.addresses[&name];
    let both = format!("{},{}", addresses.management, addresses.external.unwrap());
    for (key, value) in [
        (DEPLOYMENT, "prod"),
        (ROLE, ROLE_NODE),
        (COMPONENT, "load_balancer"),
        (INDEX, "1"),
        (ADDRESSES, both.as_str()),
        (REVISION, wanted.document.revision.as_str()),
        (FILES_DIGEST, wanted.document.files_digest.as_str()),
    ] {
        assert_eq!(values[key], value, "{key}");
    }
    assert_eq!(values[COMPONENT].parse(), Ok(wanted.component));
}

#[test]
fn a_clone_inherits_nothing_of_the_record() {
    let (record, wanted) = load_balancer();
    let values = node("prod", &wanted);
    let inherited: BTreeMap<String, String> = record.encode().unwrap();
    for key in inherited.keys().map(String::as_str).chain([lease::KEY]) {
        assert_eq!(values[key], "", "{key}");
    }
    assert_eq!(Record::decode("prod", &values), Ok(None));
}

#[test]
fn what_only_we_read_is_out_of_the_guests_reach() {
    for key in [DEPLOYMENT, ROLE, COMPONENT, INDEX, TEMPLATE, ADDRESSES, REVISION, FILES_DIGEST, PARTS] {
        assert!(!key.starts_with("guestinfo."), "{key}");
    }
}

#[test]
fn an_image_is_no_node() {
    assert_eq!(image("prod")[ROLE], ROLE_IMAGE);
    assert!(!image("prod").contains_key(COMPONENT));
}

#[test]
fn a_later_image_is_no_first_one_and_has_nothing_of_a_record() {
    let (record, wanted) = load_balancer();
    let values = later_image("prod", 2, "templates/debian-13");
    let marks = [DEPLOYMENT, ROLE, INDEX, TEMPLATE].map(|key| values[key].as_str());
    assert_eq!(marks, ["prod", ROLE_LATER_IMAGE, "2", "templates/debian-13"]);
    assert_ne!(ROLE_LATER_IMAGE, ROLE_IMAGE);
    let keys = record.encode().unwrap();
    assert!(keys.keys().map(String::as_str).chain([lease::KEY]).all(|key| values[key].is_empty()));
    assert_eq!(node("prod", &wanted)[TEMPLATE], "", "a node cloned from it is no image");
}

#[test]
fn parts_of_a_longer_configuration_are_cleared() {
    let (_, mut wanted) = load_balancer();
    let part = |number: usize| format!("{}.{number}", crate::render::DOCUMENT_KEY);
    let text = |text: &str| text.to_owned();
    wanted.document.extra_config = BTreeMap::from([
        (crate::render::DOCUMENT_KEY.to_owned(), text("parts:2")),
        (part(1), text("one")),
        (part(2), text("two")),
    ]);
    let values = configuration(&wanted, 4);
    assert_eq!(values[PARTS], "2");
    assert_eq!([1, 2, 3, 4].map(|n| values[&part(n)].as_str()), ["one", "two", "", ""]);
    assert!(!configuration(&wanted, 1).contains_key(&part(3)));
    wanted.document.extra_config = BTreeMap::from([(crate::render::DOCUMENT_KEY.to_owned(), text("short"))]);
    let values = configuration(&wanted, 2);
    assert_eq!((values[PARTS].as_str(), values[&part(1)].as_str(), values[&part(2)].as_str()), ("0", "", ""));
}
