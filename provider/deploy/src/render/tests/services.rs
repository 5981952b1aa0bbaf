//! What must hold of the OpenStack services' own settings.

use super::*;

fn controller_file(cloud: &CloudView, path: &str) -> String {
    content(&render(cloud, KindId::Controller, 1), path).to_owned()
}

fn catalogue(cloud: &CloudView) -> serde_json::Value {
    serde_json::from_str(&controller_file(cloud, "/etc/vio/catalogue.json")).unwrap()
}

fn types(list: &serde_json::Value) -> Vec<&str> {
    list.as_array().unwrap().iter().map(|entry| entry["type"].as_str().unwrap()).collect()
}

#[test]
fn images_are_never_kept_on_one_controller() {
    let glance = |cloud: &CloudView| controller_file(cloud, "/etc/glance/glance-api.conf");
    let mut with_cluster = cloud();
    add(&mut with_cluster, KindId::ComputeDriver, 1, 60);
    let mut with_swift = cloud();
    add(&mut with_swift, KindId::ObjectStorage, 1, 80);
    let backends = |cloud: &CloudView| -> Vec<String> {
        let text = glance(cloud);
        let wanted = ["enabled_backends = ", "default_backend = "];
        let lines = text.lines().filter_map(|line| wanted.iter().find_map(|key| line.strip_prefix(key)));
        lines.map(str::to_owned).collect()
    };
    let vsphere = "vsphere_vcenter_example_org";
    assert_eq!(backends(&cloud()), ["web:http", "web"]);
    assert_eq!(backends(&with_cluster), [format!("{vsphere}:vsphere"), vsphere.to_owned()]);
    assert_eq!(backends(&with_swift), ["swift:swift", "swift"]);
    assert_eq!(backends(&whole_cloud()), [format!("swift:swift,{vsphere}:vsphere"), "swift".to_owned()]);
    for cloud in [cloud(), with_cluster, with_swift, whole_cloud()] {
        assert!(!glance(&cloud).contains("filesystem_store_datadir"));
    }
}

#[test]
fn glance_is_not_given_a_vcenter_that_its_driver_cannot_reach() {
    let mut cloud = cloud();
    add(&mut cloud, KindId::ComputeDriver, 1, 60);
    let cluster = cloud.compute_clusters.get_mut(CLUSTER).unwrap();
    cluster.vcenter.server = "vcenter.example.org:8443".to_owned();
    assert!(controller_file(&cloud, "/etc/glance/glance-api.conf").contains("enabled_backends = web:http\n"));
    let nova = render(&cloud, KindId::ComputeDriver, 1);
    assert!(
        content(&nova, "/etc/nova/nova.conf").contains("host_ip = vcenter.example.org\nhost_port = 8443\n")
    );
}

#[test]
fn clusters_of_one_vcenter_share_a_store_and_another_vcenter_has_its_own() {
    let mut cloud = whole_cloud();
    let mut second = compute_cluster();
    second.datastores = vec!["nfs-1".to_owned(), "nfs-2".to_owned()];
    let mut elsewhere = compute_cluster();
    elsewhere.vcenter.server = "192.0.2.7".to_owned();
    cloud.compute_clusters.insert("dc/second".to_owned(), second);
    cloud.compute_clusters.insert("other/third".to_owned(), elsewhere);
    let glance = controller_file(&cloud, "/etc/glance/glance-api.conf");
    let count = |part: &str| glance.matches(part).count();
    assert_eq!(count("[vsphere_"), 2);
    assert_eq!((count("folder/dc:nfs-1:100"), count("folder/dc:nfs-2:100")), (2, 1));
    assert_eq!((count("<vcenter:dc/second>"), count("<vcenter:other/third>")), (1, 1));
}

#[test]
fn given_texts_cannot_be_taken_for_references() {
    let document = render(&whole_cloud(), KindId::ComputeDriver, 1);
    let nova = content(&document, "/etc/nova/nova.conf");
    assert!(nova.contains("host_username = \"svc\\$vio@vsphere.local\"\n"), "{nova}");
    assert!(nova.contains("datastore_regex = \"^(nfs-1|vsan \\(1\\))\\$\"\n"), "{nova}");
}

#[test]
fn the_catalogue_is_that_of_the_components() {
    let (before, after) = (catalogue(&cloud()), catalogue(&whole_cloud()));
    let common = ["identity", "image", "compute", "placement", "network", "volumev3"];
    assert_eq!(types(&before["services"]), common);
    assert_eq!(types(&before["absent"]), ["object-store"]);
    assert_eq!(types(&after["services"]), [&common[..], &["object-store"]].concat());
    assert!(types(&after["absent"]).is_empty());
    let swift = &after["services"][6];
    assert_eq!(swift["endpoints"]["public"], "https://cloud.example.org:8080/v1/AUTH_%(project_id)s");
    assert_eq!(swift["endpoints"]["internal"], "http://198.18.10.10:8080/v1/AUTH_%(project_id)s");
    assert_eq!(after["services"][2]["password"], "<service_nova>");
}

#[test]
fn one_controller_fills_the_catalogue_and_the_others_wait_for_it() {
    let cloud = whole_cloud();
    let names = |index| -> Vec<String> {
        let document = render(&cloud, KindId::Controller, index);
        document.actions.into_iter().map(|action| action.name).collect()
    };
    let position = |names: &[String], name: &str| names.iter().position(|found| found == name);
    let (first, second) = (names(1), names(2));
    assert!(position(&first, "catalogue") < position(&first, "glance_tables"));
    assert!(position(&first, "catalogue").is_some() && position(&second, "catalogue").is_none());
    assert!(position(&second, "glance_ready").is_some() && position(&first, "glance_ready").is_none());
    let second = render(&cloud, KindId::Controller, 2);
    assert!(second.files.iter().all(|file| !file.path.contains("catalogue")));
}

#[test]
fn schedulers_start_after_the_catalogue() {
    let document = render(&whole_cloud(), KindId::Controller, 1);
    let names: Vec<&str> = document.services.iter().map(|service| service.name.as_str()).collect();
    let position = |name: &str| names.iter().position(|found| *found == name).unwrap();
    for scheduler in ["nova-scheduler", "cinder-scheduler"] {
        assert!(position("keystone") < position(scheduler));
    }
    let catalogue = document.actions.iter().find(|action| action.name == "catalogue").unwrap();
    assert_eq!(catalogue.after.as_deref(), Some("keystone"));
}

#[test]
fn another_swift_node_changes_swift_and_the_load_balancers_alone() {
    let before = whole_cloud();
    let mut after = whole_cloud();
    add(&mut after, KindId::ObjectStorage, 3, 80);
    for kind in [KindId::Controller, KindId::ComputeDriver, KindId::Dhcp, KindId::Database] {
        assert_eq!(render(&before, kind, 1), render(&after, kind, 1), "{kind}");
    }
    assert_ne!(render(&before, KindId::ObjectStorage, 1), render(&after, KindId::ObjectStorage, 1));
    assert_ne!(render(&before, KindId::LoadBalancer, 1), render(&after, KindId::LoadBalancer, 1));
}

#[test]
fn another_controller_changes_no_node_that_uses_the_vip() {
    let before = whole_cloud();
    let mut after = whole_cloud();
    add(&mut after, KindId::Controller, 3, 50);
    for kind in [KindId::Controller, KindId::ComputeDriver, KindId::Dhcp, KindId::ObjectStorage] {
        assert_eq!(render(&before, kind, 1), render(&after, kind, 1), "{kind}");
    }
}

#[test]
fn every_swift_node_is_told_the_same_rings() {
    let rings = |index| {
        let document = render(&whole_cloud(), KindId::ObjectStorage, index);
        content(&document, "/etc/swift/rings.json").to_owned()
    };
    assert_eq!(rings(1), rings(2));
    let read: serde_json::Value = serde_json::from_str(&rings(1)).unwrap();
    assert_eq!(read["nodes"][1], serde_json::json!({"zone": 2, "address": "198.18.10.82"}));
}

#[test]
fn neutron_follows_the_networking_backend() {
    let neutron = |cloud: &CloudView| controller_file(cloud, "/etc/neutron/neutron.conf");
    assert!(neutron(&whole_cloud()).contains("core_plugin = ml2\n"));
    let nsx = neutron(&nsx_cloud());
    insta::assert_snapshot!(&nsx[nsx.find("[nsx_v3]").unwrap()..nsx.find("[database]").unwrap()]);
    let document = render(&nsx_cloud(), KindId::Controller, 1);
    assert!(document.files.iter().all(|file| !file.path.ends_with("ml2_conf.ini")));
    assert!(document.files.iter().any(|file| file.path == "/etc/vio/nsx-ca.pem"));
    let tables = document.actions.iter().find(|action| action.name == "neutron_tables").unwrap();
    assert!(!tables.command.contains("ml2"));
}
