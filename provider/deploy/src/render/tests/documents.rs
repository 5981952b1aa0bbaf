use super::*;

/// The whole document as people would read it.
fn readable(document: &Document) -> String {
    let mut text = String::new();
    for File { path, owner, group, mode, content } in &document.files {
        text.push_str(&format!("=== {path} {owner}:{group} {mode}\n{content}"));
    }
    let mut rest = document.clone();
    rest.files.clear();
    text + "=== the rest\n" + &serde_json::to_string_pretty(&rest).unwrap()
}

#[test]
fn load_balancer_of_a_whole_cloud() {
    insta::assert_snapshot!(readable(&render(&cloud(), KindId::LoadBalancer, 1)));
}

#[test]
fn leading_database() {
    insta::assert_snapshot!(readable(&render(&cloud(), KindId::Database, 1)));
}

#[test]
fn following_database() {
    insta::assert_snapshot!(readable(&render(&cloud(), KindId::Database, 2)));
}

#[test]
fn message_queue() {
    insta::assert_snapshot!(readable(&render(&cloud(), KindId::MessageQueue, 2)));
}

#[test]
fn memcache() {
    insta::assert_snapshot!(readable(&render(&cloud(), KindId::Memcache, 1)));
}

#[test]
fn leading_controller() {
    insta::assert_snapshot!(readable(&render(&whole_cloud(), KindId::Controller, 1)));
}

#[test]
fn following_controller() {
    insta::assert_snapshot!(readable(&render(&whole_cloud(), KindId::Controller, 2)));
}

#[test]
fn compute_driver() {
    insta::assert_snapshot!(readable(&render(&whole_cloud(), KindId::ComputeDriver, 1)));
}

#[test]
fn dhcp() {
    insta::assert_snapshot!(readable(&render(&whole_cloud(), KindId::Dhcp, 1)));
}

#[test]
fn dhcp_over_nsx() {
    insta::assert_snapshot!(readable(&render(&nsx_cloud(), KindId::Dhcp, 1)));
}

#[test]
fn object_storage() {
    insta::assert_snapshot!(readable(&render(&whole_cloud(), KindId::ObjectStorage, 2)));
}

#[test]
fn controllers_share_their_keys_and_one_of_them_makes_the_tables() {
    let (first, second) = (render(&cloud(), KindId::Controller, 1), render(&cloud(), KindId::Controller, 2));
    let keys = |document: &Document| -> Vec<String> {
        let keys = document.files.iter().filter(|file| file.path.contains("-keys/"));
        keys.map(|file| file.content.clone()).collect()
    };
    assert_eq!((keys(&first).len(), keys(&first)), (4, keys(&second)));
    assert_eq!(BTreeSet::from_iter(keys(&first)).len(), 4);
    let makes = |document: &Document| {
        document.actions.iter().any(|action| action.command == "keystone-manage db_sync")
    };
    assert!(makes(&first) && !makes(&second));
}

#[test]
fn common_files_with_a_log_collector() {
    let mut cloud = cloud();
    cloud.syslog =
        Some(SyslogView { host: "logs.example.org".to_owned(), port: 6514, protocol: "tls".to_owned() });
    let document = render(&cloud, KindId::Memcache, 1);
    insta::assert_snapshot!(content(&document, "/etc/rsyslog.d/60-vio.conf"));
    assert!(document.packages.contains(&"rsyslog-gnutls".to_owned()));
}

#[test]
fn the_same_view_gives_the_same_revision() {
    let revision = || render(&cloud(), KindId::LoadBalancer, 1).encode().unwrap().revision;
    assert_eq!(revision(), revision());
}

#[test]
fn a_new_component_changes_only_the_documents_that_use_it() {
    let before = cloud();
    let mut after = cloud();
    add(&mut after, KindId::ObjectStorage, 1, 80);
    let same = |kind| render(&before, kind, 1) == render(&after, kind, 1);
    assert!(!same(KindId::LoadBalancer));
    assert!(same(KindId::Database) && same(KindId::MessageQueue) && same(KindId::Memcache));
}

#[test]
fn scaling_controllers_leaves_database_queue_and_cache_alone() {
    let before = cloud();
    let mut after = cloud();
    add(&mut after, KindId::Controller, 3, 50);
    for kind in [KindId::Database, KindId::MessageQueue, KindId::Memcache] {
        assert_eq!(render(&before, kind, 1), render(&after, kind, 1), "{kind}");
    }
}

#[test]
fn a_front_end_without_nodes_is_not_rendered() {
    let mut cloud = empty_cloud();
    add(&mut cloud, KindId::LoadBalancer, 2, 10);
    let haproxy = |cloud: &CloudView| {
        let document = render(cloud, KindId::LoadBalancer, 1);
        content(&document, "/etc/haproxy/haproxy.cfg").to_owned()
    };
    assert!(!haproxy(&cloud).contains("listen database"));
    add(&mut cloud, KindId::Database, 3, 20);
    assert!(haproxy(&cloud).contains("listen database"));
    assert!(!haproxy(&cloud).contains("listen identity"));
}

#[test]
fn exactly_one_database_member_takes_writes() {
    let document = render(&cloud(), KindId::LoadBalancer, 2);
    let haproxy = content(&document, "/etc/haproxy/haproxy.cfg");
    let servers: Vec<&str> = haproxy.lines().filter(|line| line.contains(":3306 check")).collect();
    assert_eq!(servers.len(), 3);
    assert_eq!(servers.iter().filter(|line| !line.contains(" backup ")).count(), 1);
}

#[test]
fn a_draining_node_gets_nothing_new() {
    let mut cloud = cloud();
    cloud.draining.insert("prod-controller-02".to_owned());
    let document = render(&cloud, KindId::LoadBalancer, 1);
    let haproxy = content(&document, "/etc/haproxy/haproxy.cfg");
    let servers: Vec<&str> =
        haproxy.lines().filter(|line| line.contains("server prod-controller-02 ")).collect();
    assert!(!servers.is_empty() && servers.iter().all(|line| line.ends_with(" disabled")));
    assert!(
        !haproxy
            .lines()
            .any(|line| line.contains("server prod-controller-01 ") && line.ends_with("disabled"))
    );
}

#[test]
fn the_last_requests_of_a_draining_node_are_awaited() {
    let waits = |cloud: &CloudView| -> String {
        let document = render(cloud, KindId::LoadBalancer, 1);
        document.actions.into_iter().filter(|action| action.name == "drained").map(|it| it.command).collect()
    };
    let mut cloud = cloud();
    assert_eq!(waits(&cloud), "");
    cloud.draining.insert("prod-controller-02".to_owned());
    let leaving = cloud.nodes[&KindId::Controller][1].management_address.clone();
    let (stays, command) = (cloud.nodes[&KindId::Controller][0].management_address.clone(), waits(&cloud));
    assert!(command.contains(&format!("dst {leaving}:5000)")) && !command.contains(&stays), "{command}");
}

#[test]
fn each_vip_prefers_another_load_balancer() {
    let priorities = |index| -> Vec<u32> {
        let document = render(&cloud(), KindId::LoadBalancer, index);
        let lines = content(&document, "/etc/keepalived/keepalived.conf").lines();
        lines.filter_map(|line| line.trim().strip_prefix("priority ")?.parse().ok()).collect()
    };
    let (first, second) = (priorities(1), priorities(2));
    assert!(first[0] > second[0] && first[1] < second[1], "{first:?} {second:?}");
}

#[test]
fn a_node_cannot_ask_for_a_secret_that_its_kind_does_not_declare() {
    struct Forgetful;
    impl SecretSource for Forgetful {
        fn secret(&self, _: &str) -> Option<String> {
            None
        }
        fn tls_private_key_pem(&self) -> Option<String> {
            None
        }
    }
    let cloud = cloud();
    let node = node(&cloud, KindId::MessageQueue, 1);
    let error = render_node(release(), &cloud, &node, &Overrides::new(), &Forgetful).unwrap_err();
    let cause = std::error::Error::source(&error).unwrap().to_string();
    assert!(cause.contains("rabbitmq_"), "{cause}");
}

#[test]
fn debug_output_holds_no_content() {
    let document = render(&cloud(), KindId::Database, 1);
    let shown = format!("{document:?} {:?}", document.encode().unwrap());
    assert!(!shown.contains("<database_") && !shown.contains("gcomm:"), "{shown}");
}

#[test]
fn every_kind_of_every_release_renders() {
    for release in Release::all() {
        for (kind, spec) in &release.kinds {
            let mut cloud = cloud();
            let options = spec.resolve_options(Profile::Compact, &BTreeMap::new());
            add(&mut cloud, *kind, spec.count.ha, 100);
            let node = node(&cloud, *kind, 1);
            cloud.components.insert(node.component(), ComponentView { options });
            let document = render_node(release, &cloud, &node, &Overrides::new(), &Named).unwrap();
            assert!(content(&document, "/etc/hosts").contains("198.18.10.101 prod-"));
        }
    }
}

#[test]
fn an_unknown_component_is_an_error_that_names_it() {
    let mut cloud = cloud();
    cloud.components.remove("memcache");
    let error = render_with(&cloud, KindId::Memcache, 1, &Overrides::new()).unwrap_err();
    assert!(error.to_string().contains("`memcache`"), "{error}");
}
