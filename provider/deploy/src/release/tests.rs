use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use super::source::{Texts, judge_use, read_release};
use super::*;

fn texts() -> Texts {
    let mut texts = Texts::new();
    read_folder(Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../../schemas/releases")), "", &mut texts);
    texts
}

fn read_folder(folder: &Path, prefix: &str, texts: &mut Texts) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = format!("{prefix}{}", path.file_name().unwrap().to_str().unwrap());
        if path.is_dir() {
            read_folder(&path, &format!("{name}/"), texts);
        } else {
            texts.insert(name, std::fs::read_to_string(&path).unwrap());
        }
    }
}

fn zed(kind: KindId) -> &'static KindSpec {
    &Release::find("zed").unwrap().kinds[&kind]
}

fn option(name: &str, value: &str) -> BTreeMap<String, String> {
    BTreeMap::from([(name.to_owned(), value.to_owned())])
}

/// The build error of `zed` when `from` is written `to` in a file.
fn refusal(file: &str, from: &str, to: &str) -> String {
    let mut texts = texts();
    let text = texts.get_mut(file).unwrap();
    assert!(text.contains(from), "{file} does not have {from}");
    *text = text.replacen(from, to, 1);
    read_release("zed", &texts).unwrap_err()
}

#[test]
fn there_are_three_releases_and_each_knows_all_eight_kinds() {
    let ids: Vec<&str> = Release::all().iter().map(|release| release.id.as_str()).collect();
    assert_eq!(ids, ["icehouse", "kilo", "zed"]);
    for release in Release::all() {
        assert_eq!(release.kinds.keys().copied().collect::<Vec<_>>(), KindId::ALL, "{}", release.id);
    }
}

#[test]
fn what_is_embedded_is_what_the_files_say() {
    for release in Release::all() {
        assert_eq!(&read_release(release.id.as_str(), &texts()).unwrap(), release);
    }
    judge_use(Release::all(), &texts()).unwrap();
}

#[test]
fn a_ha_control_plane_has_the_published_totals() {
    // VIO 1.0: 15 VMs, 56 vCPU, 192 GB, with the object store counted and one compute cluster.
    for release in Release::all() {
        let total = |of: fn(Size) -> u32| -> u32 {
            release.kinds.values().map(|kind| kind.count.ha * of(kind.default_size(Profile::Ha))).sum()
        };
        let nodes: u32 = release.kinds.values().map(|kind| kind.count.ha).sum();
        assert_eq!((nodes, total(|size| size.cpus), total(|size| size.memory_mib / 1024)), (15, 56, 192));
    }
}

#[test]
fn a_compact_control_plane_has_one_node_of_each_kind_and_is_smaller() {
    for kind in Release::all().iter().flat_map(|release| release.kinds.values()) {
        assert_eq!(kind.default_count(Profile::Compact), 1);
        assert!(kind.default_size(Profile::Compact).memory_mib < kind.default_size(Profile::Ha).memory_mib);
    }
}

#[test]
fn an_even_database_is_refused_with_its_reason() {
    let problem = zed(KindId::Database).check_count(4).unwrap_err();
    insta::assert_snapshot!(problem.0, @"`database` has an odd number of nodes: 4 survive no more failures than 3");
    insta::assert_snapshot!(zed(KindId::Database).check_count(9).unwrap_err().0, @"`database` has 1 to 7 nodes, not 9");
    assert!(zed(KindId::Database).check_count(5).is_ok());
    assert!(zed(KindId::MessageQueue).check_count(2).is_ok());
}

#[test]
fn a_slip_of_the_finger_is_answered_by_the_option_that_was_meant() {
    let problems = zed(KindId::Database).check_options(&option("max_conections", "5000"));
    insta::assert_snapshot!(problems[0].message, @"`database` has no option of that name; the nearest are: max_connections, gcache_mib, wait_timeout_s, long_query_time_s, slow_query_log");
}

#[test]
fn options_are_judged_by_type_and_range() {
    let message = |kind, name: &str, value: &str| {
        zed(kind).check_options(&option(name, value)).pop().map(|it| it.message)
    };
    insta::assert_snapshot!(message(KindId::Database, "max_connections", "99").unwrap(), @"must be a whole number from 100 to 100000, not `99`");
    insta::assert_snapshot!(message(KindId::Database, "max_connections", "many").unwrap(), @"must be a whole number from 100 to 100000, not `many`");
    insta::assert_snapshot!(message(KindId::Database, "slow_query_log", "yes").unwrap(), @"must be true or false, not `yes`");
    insta::assert_snapshot!(message(KindId::MessageQueue, "partition_handling", "x").unwrap(), @"must be one of autoheal, pause_minority, ignore, not `x`");
    insta::assert_snapshot!(message(KindId::Controller, "dashboard_time_zone", "a\nb").unwrap(), @"must be one line without control characters");
    assert_eq!(message(KindId::Database, "max_connections", "100"), None);
}

#[test]
fn options_are_filled_with_the_defaults_of_the_profile() {
    let spec = zed(KindId::Memcache);
    let given = option("threads", "9");
    let ha = spec.resolve_options(Profile::Ha, &given);
    let compact = spec.resolve_options(Profile::Compact, &given);
    assert_eq!((&ha["threads"], &compact["threads"]), (&OptionValue::Int(9), &OptionValue::Int(9)));
    assert_eq!(
        (&ha["memory_mib"], &compact["memory_mib"]),
        (&OptionValue::Int(8192), &OptionValue::Int(256))
    );
    assert_eq!(ha.len(), spec.options.len());
}

#[test]
fn an_option_with_a_step_goes_no_further_at_once() {
    let change = |from: &str, to: &str| {
        let (from, to) = (option("fernet_key_generation", from), option("fernet_key_generation", to));
        zed(KindId::Controller).check_changes(Profile::Ha, &from, &to).pop().map(|it| it.message)
    };
    insta::assert_snapshot!(change("1", "3").unwrap(), @"is 1 and can go no further than 1 at once, not to 3");
    assert!(change("3", "1").is_some() && change("1", "2").is_none() && change("2", "1").is_none());
    let default = zed(KindId::Controller).check_changes(
        Profile::Ha,
        &BTreeMap::new(),
        &option("fernet_key_generation", "2"),
    );
    assert!(default.is_empty());
    assert!(
        zed(KindId::Controller)
            .check_changes(Profile::Ha, &option("api_workers", "1"), &option("api_workers", "64"))
            .is_empty()
    );
}

#[test]
fn overrides_of_unknown_and_fixed_files_are_refused() {
    let release = Release::find("zed").unwrap();
    let check = |file: &str| {
        let overrides = Overrides::from([(file.to_owned(), BTreeMap::new())]);
        zed(KindId::Database).check_overrides(release, &overrides).pop().map(|it| it.message)
    };
    insta::assert_snapshot!(check("galera.cnf").unwrap(), @"`database` has no file of that name; it has: /etc/mysql/mariadb.conf.d/60-galera.cnf, /etc/sysctl.d/50-vio-connections.conf");
    insta::assert_snapshot!(check("/etc/hosts").unwrap(), @"cannot be overridden: it follows from the nodes of the deployment");
    assert_eq!(check("60-galera.cnf"), None);
    let settings = BTreeMap::from([("a".to_owned(), "1\nb = 2".to_owned())]);
    let sections = BTreeMap::from([("galera".to_owned(), settings)]);
    let overrides = Overrides::from([("60-galera.cnf".to_owned(), sections)]);
    let problems = zed(KindId::Database).check_overrides(release, &overrides);
    assert!(problems[0].message.contains("not one line"), "{problems:?}");
}

#[test]
fn common_endpoints_do_not_change_when_a_kind_is_added() {
    let zed = Release::find("zed").unwrap();
    let common = zed.endpoints("cloud.example.org", &BTreeSet::new());
    let all = zed.endpoints("cloud.example.org", &BTreeSet::from([KindId::ObjectStorage]));
    assert!(!common.contains_key("object-store"));
    assert_eq!(all["object-store"], "https://cloud.example.org:8080/v1");
    assert!(common.iter().all(|(name, url)| all[name] == *url));
    insta::assert_debug_snapshot!(common);
    assert_eq!(zed.dashboard_url("192.0.2.1").unwrap(), "https://192.0.2.1/horizon");
}

#[test]
fn icehouse_has_what_later_releases_dropped() {
    let ports = |id: &str| -> BTreeSet<u16> {
        Release::find(id).unwrap().front_ends.iter().map(|(_, front_end)| front_end.port).collect()
    };
    let gone: BTreeSet<u16> = ports("icehouse").difference(&ports("zed")).copied().collect();
    assert_eq!(gone, BTreeSet::from([8773, 9191, 35357]));
    assert!(ports("zed").contains(&8778) && !ports("kilo").contains(&8778));
}

#[test]
fn no_two_front_ends_of_a_release_share_a_port() {
    for release in Release::all() {
        let mut seen = BTreeSet::new();
        for (name, front_end) in release.front_ends.iter() {
            for port in [Some(front_end.port), front_end.redirect_from].into_iter().flatten() {
                assert!(seen.insert(port), "{} {name} {port}", release.id);
            }
        }
    }
}

#[test]
fn files_and_services_keep_the_order_of_their_file() {
    let names: Vec<&str> = Release::find("zed").unwrap().front_ends.names().collect();
    assert_eq!(names[..3], ["database", "identity", "image"]);
}

#[test]
fn an_unknown_key_fails_the_build_with_file_and_key() {
    insta::assert_snapshot!(refusal("zed/database/kind.hcl", "anti_affinity", "anti_afinity"), @"zed/database/kind.hcl: unknown field `anti_afinity`, expected one of `kind`, `title`, `description`, `resource`, `count`, `size`, `networks`, `anti_affinity`, `quorum`, `drained`, `requires`, `hosts`, `secrets`, `packages`, `package`, `file`, `service`, `action`, `check`, `option`");
    let error = refusal("zed/database/kind.hcl", "max             = 100000", "maxx = 1");
    assert!(
        error.contains("zed/database/kind.hcl")
            && error.contains("maxx")
            && error.contains("max_connections"),
        "{error}"
    );
}

#[test]
fn nonsense_fails_the_build() {
    let (database, swift) = ("zed/database/kind.hcl", "zed/object_storage/kind.hcl");
    let cases = [
        (database, "parity  = \"odd\"", "parity  = \"even\"", "even"),
        (database, "ha      = 3", "ha      = 2", "default 2 is even"),
        (database, "ha      = 3", "ha      = 9", "not within 1 to 7"),
        (database, "default         = 4096", "default         = 1", "max_connections"),
        (database, "database/galera.cnf.j2", "database/galera.j2", "no template `zed/database/galera.j2`"),
        (database, "\"0600\"", "\"600\"", "four octal digits"),
        (database, "restart_on = [\"/etc/mysql", "restart_on = [\"/etc/my", "there is no file"),
        (database, "after       = \"mariadb\"", "after       = \"mysql\"", "there is no service `mysql`"),
        (swift, "= \"swift-proxy\"", "= \"swift\"", "`proxy`: there is no service `swift`"),
        (database, "kind        = \"database\"", "kind        = \"dhcp\"", "its folder is `database`"),
        ("zed/release.hcl", "id          = \"zed\"", "id          = \"kilo\"", "its folder is `zed`"),
    ];
    for (file, from, to, expected) in cases {
        let error = refusal(file, from, to);
        assert!(error.contains(file) && error.contains(expected), "{to}: {error}");
    }
}

#[test]
fn a_template_that_nobody_uses_fails_the_build() {
    let mut texts = texts();
    texts.insert("zed/database/forgotten.j2".to_owned(), String::new());
    assert!(judge_use(Release::all(), &texts).unwrap_err().contains("forgotten"));
}
