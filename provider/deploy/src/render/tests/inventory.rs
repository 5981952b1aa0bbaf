//! What the releases of OpenStack's Python 2 write into their services' files is what these services read: each section
//! and key is in the inventory of the service (`schemas/releases/<id>/inventory`), taken from the sources of the release.

use super::*;
use crate::release::{Format, OptionValue};

/// The releases that have inventories. The others' files are judged by their own programs, in the acceptance tests.
const RELEASES: [&str; 2] = ["icehouse", "kilo"];

/// Sections by name, with their keys.
type Known = BTreeMap<String, BTreeSet<String>>;

fn read(release: &str, name: &str) -> Known {
    let root = concat!(env!("CARGO_MANIFEST_DIR"), "/../../schemas/releases");
    let text = std::fs::read_to_string(format!("{root}/{release}/inventory/{name}.txt")).unwrap();
    let mut known = Known::new();
    for (section, key, _) in settings(&text) {
        known.entry(section).or_default().extend(key);
    }
    known
}

/// Each setting with its section and its line; a section without a setting comes once, without a key.
fn settings(text: &str) -> Vec<(String, Option<String>, String)> {
    let mut section = String::new();
    let mut found = Vec::new();
    for line in text.lines().filter(|line| !line.is_empty() && !line.starts_with('#')) {
        if let Some(name) = line.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
            section = name.to_owned();
            found.push((section.clone(), None, line.to_owned()));
        } else {
            let key = line.split('=').next().unwrap().trim().to_owned();
            found.push((section.clone(), Some(key), line.to_owned()));
        }
    }
    found
}

/// The inventory that judges a file.
fn inventory(path: &str) -> &str {
    let (folder, name) = path.rsplit_once('/').unwrap();
    match folder.rsplit('/').next().unwrap() {
        "swift" => name.strip_suffix(".conf").unwrap(),
        service => service,
    }
}

/// What a file may hold. Some sections have names of the operator's choice and hold the options of another one.
fn known(release: &str, path: &str) -> Known {
    let mut known = read(release, inventory(path));
    match inventory(path) {
        // A driver's options are registered for its backend's section as they are for all.
        "cinder" => drop(known.insert("vsphere".to_owned(), known["DEFAULT"].clone())),
        // The middleware takes its options from the section of the filter.
        "proxy-server" => {
            let options = read(release, "authtoken").remove("keystone_authtoken").unwrap();
            known.get_mut("filter:authtoken").unwrap().extend(options);
        }
        _ => {}
    }
    known
}

/// The settings of a file that its service does not know, as `[section] key`.
fn strangers(known: &Known, text: &str) -> Vec<String> {
    let unknown = |(section, key, _): &(String, Option<String>, String)| match (known.get(section), key) {
        (None, _) => true,
        (Some(keys), Some(key)) => !keys.contains(key),
        (Some(_), None) => false,
    };
    let found = settings(text).into_iter().filter(unknown);
    found.map(|(section, key, _)| format!("[{section}] {}", key.unwrap_or_default())).collect()
}

/// The usual cloud, one with every kind, and that one over NSX, with a collector of logs and other options.
fn clouds(release: &'static Release) -> Vec<CloudView> {
    let mut usual = cloud();
    add(&mut usual, KindId::ComputeDriver, 1, 60);
    add(&mut usual, KindId::Dhcp, 2, 70);
    let mut nsx = nsx_cloud();
    nsx.syslog =
        Some(SyslogView { host: "logs.example.org".to_owned(), port: 514, protocol: "udp".to_owned() });
    let mut clouds = vec![of(release, usual), of(release, whole_cloud()), of(release, nsx)];
    let other = clouds.last_mut().unwrap();
    for component in other.components.values_mut() {
        for value in component.options.values_mut() {
            if let OptionValue::Bool(flag) = value {
                *flag = !*flag;
            }
        }
    }
    clouds
}

/// Every text that nodes of a release get for the files of their kind, by path.
fn files(release: &'static Release, format: Format) -> BTreeSet<(String, String)> {
    let mut files = BTreeSet::new();
    for cloud in clouds(release) {
        for node in cloud.nodes.values().flatten() {
            let document = render_node(release, &cloud, node, &Overrides::new(), &Named).unwrap();
            let declared = |file: &File| release.kinds[&node.kind].files.get(&file.path);
            let wanted =
                document.files.into_iter().filter(|it| declared(it).is_some_and(|it| it.format == format));
            files.extend(wanted.map(|file| (file.path, file.content)));
        }
    }
    files
}

#[test]
fn every_setting_is_in_the_inventory_of_its_service() {
    for id in RELEASES {
        let mut judged = BTreeSet::new();
        for (path, text) in files(Release::find(id).unwrap(), Format::Ini) {
            assert_eq!(strangers(&known(id, &path), &text), [""; 0], "{id} {path}");
            judged.insert(path);
        }
        assert_eq!(judged.len(), 13, "{id}: {judged:?}");
    }
}

#[test]
fn a_misspelt_key_is_found_wherever_it_stands() {
    for id in RELEASES {
        for (path, text) in files(Release::find(id).unwrap(), Format::Ini) {
            let known = known(id, &path);
            for (section, key, line) in settings(&text) {
                let Some(key) = key else { continue };
                let wrong = format!("[{section}]\n{}", line.replacen(&key, &format!("{key}x"), 1));
                assert_eq!(strangers(&known, &wrong), [format!("[{section}] {key}x")], "{id} {path}");
            }
        }
    }
}

#[test]
fn options_and_sections_of_other_releases_are_found() {
    let later = [
        ("icehouse", "/etc/neutron/neutron.conf", "[DEFAULT]\ntransport_url = rabbit://"),
        ("icehouse", "/etc/glance/glance-api.conf", "[glance_store]\nstores = http"),
        ("icehouse", "/etc/glance/glance-api.conf", "[DEFAULT]\nvmware_datastores = dc:ds:100"),
        ("icehouse", "/etc/nova/nova.conf", "[neutron]\nurl = http://"),
        ("icehouse", "/etc/nova/nova.conf", "[vmware]\nhost_port = 443"),
        ("icehouse", "/etc/nova/nova.conf", "[oslo_messaging_rabbit]\nrabbit_hosts = a"),
        ("icehouse", "/etc/keystone/keystone.conf", "[cache]\nmemcache_servers = a"),
        ("icehouse", "/etc/keystone/keystone.conf", "[eventlet_server]\npublic_port = 5000"),
        ("icehouse", "/etc/swift/swift.conf", "[storage-policy:0]\nname = a"),
        ("icehouse", "/etc/cinder/cinder.conf", "[oslo_concurrency]\nlock_path = a"),
        ("kilo", "/etc/nova/nova.conf", "[placement]\nauth_url = http://"),
        ("kilo", "/etc/nova/nova.conf", "[vmware]\nca_file = a"),
        ("kilo", "/etc/nova/nova.conf", "[vnc]\nenabled = true"),
        ("kilo", "/etc/nova/nova.conf", "[DEFAULT]\nglance_api_servers = a"),
        ("kilo", "/etc/glance/glance-api.conf", "[DEFAULT]\nenabled_backends = a:vmware"),
        ("kilo", "/etc/glance/glance-api.conf", "[DEFAULT]\nvmware_datastore_name = a"),
        ("kilo", "/etc/cinder/cinder.conf", "[vsphere]\nvmware_cluster_name = a"),
        ("kilo", "/etc/keystone/keystone.conf", "[credential]\nkey_repository = a"),
        ("kilo", "/etc/neutron/neutron.conf", "[nova]\nauth_url = http://"),
        ("kilo", "/etc/swift/proxy-server.conf", "[filter:symlink]\nuse = egg:swift#symlink"),
        ("kilo", "/etc/swift/proxy-server.conf", "[filter:authtoken]\nwww_authenticate_uri = a"),
    ];
    for (id, path, text) in later {
        assert!(!strangers(&known(id, path), text).is_empty(), "{id} {path} {text}");
    }
}

/// Python's settings of the dashboard: names in capitals at the margin.
#[test]
fn the_dashboard_knows_every_setting() {
    for id in RELEASES {
        let known = &read(id, "horizon")["settings"];
        let named = |line: &str| line.split_once(" = ").map(|(name, _)| name.to_owned());
        let files = files(Release::find(id).unwrap(), Format::None);
        let (_, text) = files.iter().find(|(path, _)| path.ends_with("/local_settings.py")).unwrap();
        let lines = text.lines().filter(|line| !line.starts_with([' ', '#', '}']));
        let names: BTreeSet<String> = lines.filter_map(named).collect();
        assert!(names.len() > 15, "{names:?}");
        assert_eq!(names.difference(known).collect::<Vec<_>>(), [""; 0], "{id}");
    }
}

/// Zed's own are judged by MariaDB itself, in the acceptance tests.
#[test]
fn the_database_is_told_what_zeds_is_told() {
    let keys = |id: &str| -> BTreeSet<String> {
        let files = files(Release::find(id).unwrap(), Format::Mysql);
        files.iter().flat_map(|(_, text)| settings(text)).filter_map(|(_, key, _)| key).collect()
    };
    for id in RELEASES {
        assert_eq!(keys(id), keys("zed"), "{id}");
    }
}

#[test]
fn every_option_changes_the_nodes_of_its_kind_and_every_secret_is_used() {
    for id in RELEASES {
        let release = Release::find(id).unwrap();
        declarations::judge(release, &of(release, whole_cloud()), &of(release, nsx_cloud()));
    }
}

#[test]
fn images_go_where_every_controller_reaches_them() {
    let stores = |id: &str, cloud: CloudView| -> Vec<String> {
        let release = Release::find(id).unwrap();
        let cloud = of(release, cloud);
        let node = node(&cloud, KindId::Controller, 2);
        let document = render_node(release, &cloud, &node, &Overrides::new(), &Named).unwrap();
        let lines = content(&document, "/etc/glance/glance-api.conf").lines().map(str::to_owned);
        lines.filter(|line| line.contains("stores = ") || line.starts_with("default_store")).collect()
    };
    for (id, key) in [("icehouse", "known_stores"), ("kilo", "stores")] {
        let http = format!("{key} = glance.store.http.Store");
        assert_eq!(stores(id, cloud()), [http.clone(), "default_store = http".to_owned()]);
        let all = format!("{http},glance.store.swift.Store,glance.store.vmware_datastore.Store");
        assert_eq!(stores(id, whole_cloud())[..2], [all, "default_store = swift".to_owned()]);
    }
}

#[test]
fn the_catalogue_has_every_endpoint_of_the_release_once() {
    for id in RELEASES {
        let release = Release::find(id).unwrap();
        let cloud = of(release, whole_cloud());
        let node = node(&cloud, KindId::Controller, 1);
        let document = render_node(release, &cloud, &node, &Overrides::new(), &Named).unwrap();
        let text = content(&document, "/etc/vio/catalogue.json");
        let catalogue: serde_json::Value = serde_json::from_str(text).unwrap();
        let services = catalogue["services"].as_array().unwrap();
        let types: Vec<&str> = services.iter().map(|service| service["type"].as_str().unwrap()).collect();
        let all = ["identity", "image", "compute", "ec2", "network", "volume", "volumev2", "object-store"];
        assert_eq!(types, all, "{id}");
        let identity = services[0]["endpoints"].as_object().unwrap();
        let version = if id == "icehouse" { "v2.0" } else { "v3" };
        assert_eq!(identity["admin"], format!("http://198.18.10.10:35357/{version}"));
        assert_eq!(identity["public"], format!("https://cloud.example.org:5000/{version}"));
        assert_eq!(identity.len(), 3);
    }
}

#[test]
fn icehouse_controller() {
    insta::assert_snapshot!(controller("icehouse"));
}

#[test]
fn kilo_controller() {
    insta::assert_snapshot!(controller("kilo"));
}

/// The services' settings on the first controller; programs and the rest of the document are as Zed's.
fn controller(id: &str) -> String {
    let release = Release::find(id).unwrap();
    let cloud = of(release, whole_cloud());
    let node = node(&cloud, KindId::Controller, 1);
    let document = render_node(release, &cloud, &node, &Overrides::new(), &Named).unwrap();
    let shown = |file: &&File| {
        file.path.ends_with(".conf") && !file.path.contains("chrony") || file.path.ends_with(".py")
    };
    let files = document.files.iter().filter(shown);
    files.map(|file| format!("=== {}\n{}", file.path, file.content)).collect()
}
