use super::*;
use crate::record::tests::sample;
use crate::settings::Settings;

fn over_nsx() -> Record {
    let backend = Backend::Nsx {
        manager: "nsx.example.org".to_owned(),
        user: "admin".to_owned(),
        password: Secret::new("canary"),
        ca_certificate_pem: None,
        transport_zone: "overlay".to_owned(),
    };
    let settings = Settings { backend, ..sample::settings("prod") };
    let record = sample::bare().with_settings(settings).unwrap();
    sample::with(&record, KindId::Dhcp, 2)
}

fn met(wanted: &Registration) -> TransportNode {
    TransportNode {
        node: wanted.node.clone(),
        component: wanted.component.clone(),
        name: wanted.node.to_string(),
        addresses: vec![wanted.address.to_string()],
        zone: "overlay".to_owned(),
        zone_as_made: true,
        realized: true,
    }
}

#[test]
fn every_dhcp_node_is_wanted_with_its_name_and_address_and_only_over_nsx() {
    let record = over_nsx();
    let wanted = wanted(&record);
    let names: Vec<&str> = wanted.keys().map(NodeName::as_str).collect();
    assert_eq!(names, ["prod-dhcp-01", "prod-dhcp-02"]);
    for (name, registration) in &wanted {
        assert_eq!(registration.address, record.addresses[name].management);
        assert_eq!(registration.uplink_device.as_deref(), Some("eth1"));
    }
    let dvs = sample::with(&sample::bare(), KindId::Dhcp, 2);
    assert!(super::wanted(&dvs).is_empty());
}

#[test]
fn a_transport_node_is_known_again_by_its_tags_and_by_no_other_deployment() {
    let record = over_nsx();
    let mut namesake = record.clone();
    namesake.root_secret = sample::root_secret(8);
    for (name, registration) in wanted(&record) {
        let tags = registration.tags("tz-1");
        assert_eq!(owner(&record, &tags), Some((name, ComponentId::of(KindId::Dhcp))));
        assert_eq!(owner(&namesake, &tags), None);
        assert_eq!(zone_marks(&tags), ("overlay".to_owned(), "tz-1".to_owned()));
    }
    assert_eq!(owner(&record, &BTreeMap::new()), None);
}

#[test]
fn whatever_was_edited_outside_is_seen() {
    let record = over_nsx();
    let wanted = wanted(&record);
    let (name, wanted) = wanted.first_key_value().unwrap();
    let with = |found: Vec<TransportNode>| {
        let found = found.into_iter().enumerate().map(|(n, found)| (format!("tn-{n}"), found)).collect();
        let observed = Observed { transport_nodes: Some(found), ..Observed::default() };
        is_as_wanted(&record, &observed, name)
    };
    let found = met(wanted);
    assert!(with(vec![found.clone()]));
    let edits: [fn(&mut TransportNode); 5] = [
        |found| found.name.push('x'),
        |found| found.addresses.push("192.0.2.1".to_owned()),
        |found| found.zone.push('x'),
        |found| found.zone_as_made = false,
        |found| found.realized = false,
    ];
    for edit in edits {
        let mut edited = found.clone();
        edit(&mut edited);
        assert!(!with(vec![edited]));
    }
    assert!(!with(vec![]), "deleted outside");
    assert!(!with(vec![found.clone(), found]), "registered twice");
    assert!(is_as_wanted(&record, &Observed::default(), name), "nobody knows");
}

#[test]
fn the_login_follows_from_the_root_secret_and_is_not_shown() {
    let record = over_nsx();
    let (one, other) = (login(&record).unwrap(), login(&record).unwrap());
    assert_eq!(one, other);
    assert!(!format!("{one:?}").contains(one.password.expose()));
}
