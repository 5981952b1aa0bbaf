//! Users and groups from a directory.

use super::*;

const SETTINGS: &str = "/etc/keystone/domains/keystone.ldap.conf";

fn settings(cloud: &CloudView) -> String {
    content(&render(cloud, KindId::Controller, 2), SETTINGS).to_owned()
}

fn ldap(cloud: &mut CloudView) -> &mut LdapView {
    cloud.ldap.as_mut().unwrap()
}

#[test]
fn what_is_not_given_is_keystones_default() {
    insta::assert_snapshot!(settings(&ldap_cloud()));
}

#[test]
fn everything_that_is_given_reaches_keystone() {
    let mut cloud = ldap_cloud();
    let given = |text: &str| Some(text.to_owned());
    *ldap(&mut cloud) = LdapView {
        url: "ldap://one.example.com,ldap://two.example.com".to_owned(),
        bind_user: given("EXAMPLE\\svc$keystone"),
        user_tree_dn: "dc=example,dc=com".to_owned(),
        group_tree_dn: given("ou=groups,dc=example,dc=com"),
        user_filter: given("(memberOf=cn=cloud,ou=groups,dc=example,dc=com)"),
        group_filter: given("(cn=cloud-*)"),
        user_objectclass: given("person"),
        user_id_attribute: given("uid"),
        user_name_attribute: given("sAMAccountName"),
        user_mail_attribute: given("userPrincipalName"),
        use_tls: true,
        ca_certificate_pem: given("-----BEGIN CERTIFICATE-----\nldap\n-----END CERTIFICATE-----\n"),
    };
    insta::assert_snapshot!(settings(&cloud));
    let document = render(&cloud, KindId::Controller, 1);
    assert!(content(&document, "/etc/vio/ldap-ca.pem").contains("\nldap\n"));
    assert!(!document.packages.contains(&"ca-certificates".to_owned()));
}

#[test]
fn the_password_is_in_one_file_that_keystone_alone_reads() {
    let mut cloud = ldap_cloud();
    let document = render(&cloud, KindId::Controller, 1);
    let holders: Vec<&File> = document.files.iter().filter(|file| file.content.contains("<ldap>")).collect();
    let holders: Vec<[&str; 4]> = holders
        .iter()
        .map(|file| [&file.path, &file.owner, &file.group, &file.mode].map(|text| text.as_str()))
        .collect();
    assert_eq!(holders, [[SETTINGS, "keystone", "keystone", "0600"]]);
    assert!(document.actions.iter().all(|action| !action.command.contains("<ldap>")));
    for kind in KindId::ALL.into_iter().filter(|kind| *kind != KindId::Controller) {
        assert_eq!(render(&cloud, kind, 1), render(&whole_cloud(), kind, 1), "{kind}");
    }
    ldap(&mut cloud).bind_user = None;
    assert!(!settings(&cloud).contains("password"));
}

#[test]
fn without_a_directory_there_is_one_domain() {
    let document = render(&whole_cloud(), KindId::Controller, 1);
    assert!(document.files.iter().all(|file| !file.path.contains("domain")));
    assert!(document.actions.iter().all(|action| action.name != "keystone_domain"));
    assert!(!content(&document, "/etc/keystone/keystone.conf").contains("[identity]"));
    assert!(document.packages.iter().all(|package| !package.contains("ldap")));
}

#[test]
fn the_domain_is_there_before_keystone_starts_on_any_controller() {
    for index in [1, 2] {
        let document = render(&ldap_cloud(), KindId::Controller, index);
        let position = |name: &str| document.actions.iter().position(|action| action.name == name);
        let domain = &document.actions[position("keystone_domain").unwrap()];
        assert_eq!(domain.before.as_deref(), Some("keystone"));
        // The tables are there: this one has made them, or the first controller answers.
        assert!(position("keystone_tables").or(position("keystone_ready")) < position("keystone_domain"));
        assert!(content(&document, "/etc/keystone/keystone.conf").contains(
            "[identity]\ndomain_specific_drivers_enabled = true\ndomain_config_dir = /etc/keystone/domains\n"
        ));
    }
}

#[test]
fn users_of_the_directory_name_their_domain_in_the_dashboard_and_services_stay_in_the_default_one() {
    let document = render(&ldap_cloud(), KindId::Controller, 1);
    let dashboard = content(&document, "/etc/openstack-dashboard/local_settings.d/_99_vio.py");
    assert!(dashboard.contains("OPENSTACK_KEYSTONE_MULTIDOMAIN_SUPPORT = True\n"));
    for path in ["/etc/nova/nova.conf", "/etc/vio/catalogue.json"] {
        assert_eq!(content(&document, path), content(&render(&whole_cloud(), KindId::Controller, 1), path));
    }
}

#[test]
fn a_change_of_the_directory_restarts_keystone_alone() {
    let document = render(&ldap_cloud(), KindId::Controller, 1);
    let restarted =
        document.services.iter().filter(|service| service.restart_on.contains(&SETTINGS.to_owned()));
    let names: Vec<&str> = restarted.map(|service| service.name.as_str()).collect();
    assert_eq!(names, ["keystone"]);
}
