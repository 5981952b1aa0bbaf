use super::*;
use crate::release::{Format, merge};

fn merged(text: &str, format: Format, section: &str, key: &str, value: &str) -> Result<String, String> {
    let overrides = one_override("file", section, key, value);
    merge(text, format, &overrides["file"])
}

#[test]
fn an_ini_setting_is_replaced_where_it_stands() {
    let text = "[DEFAULT]\na = 1\n# a = comment\nb = 2\n\n[other]\na = 3\n";
    let after = merged(text, Format::Ini, "DEFAULT", "a", "9").unwrap();
    assert_eq!(after, "[DEFAULT]\na = 9\n# a = comment\nb = 2\n\n[other]\na = 3\n");
}

#[test]
fn a_new_ini_setting_goes_to_the_end_of_its_section() {
    let after = merged("[DEFAULT]\na = 1\n\n[other]\nb = 2\n", Format::Ini, "DEFAULT", "c", "3").unwrap();
    assert_eq!(after, "[DEFAULT]\na = 1\nc = 3\n\n[other]\nb = 2\n");
}

#[test]
fn a_missing_section_goes_to_the_end_of_the_file() {
    let after = merged("[DEFAULT]\na = 1\n", Format::Ini, "quotas", "b", "2").unwrap();
    assert_eq!(after, "[DEFAULT]\na = 1\n\n[quotas]\nb = 2\n");
    let again = merged(&after, Format::Ini, "quotas", "c", "3").unwrap();
    assert_eq!(again, "[DEFAULT]\na = 1\n\n[quotas]\nb = 2\nc = 3\n");
}

#[test]
fn a_repeated_setting_is_replaced_as_a_whole() {
    let after = merged("[a]\nx = 1\ny = 2\nx = 3\n", Format::Ini, "a", "x", "9").unwrap();
    assert_eq!(after, "[a]\nx = 9\ny = 2\n");
}

#[test]
fn dashes_and_underscores_are_one_in_mysql() {
    let after = merged(
        "[galera]\nbind-address = a\nskip-name-resolve\n",
        Format::Mysql,
        "galera",
        "bind_address",
        "b",
    );
    assert_eq!(after.unwrap(), "[galera]\nbind_address = b\nskip-name-resolve\n");
}

#[test]
fn a_haproxy_setting_may_have_several_words() {
    let text = "global\n    maxconn 1\n\ndefaults\n    timeout client 5s\n    timeout server 6s\n";
    let after = merged(text, Format::Haproxy, "defaults", "timeout client", "9s").unwrap();
    assert_eq!(after, text.replace("client 5s", "client 9s"));
    let after = merged(text, Format::Haproxy, "global", "nbthread", "2").unwrap();
    assert_eq!(after, text.replace("maxconn 1\n", "maxconn 1\n    nbthread 2\n"));
}

#[test]
fn a_flat_file_has_no_sections() {
    assert_eq!(merged("a.b = 1\n", Format::Flat, "", "c", "2").unwrap(), "a.b = 1\nc = 2\n");
    assert!(merged("a.b = 1\n", Format::Flat, "section", "c", "2").unwrap_err().contains("no sections"));
}

#[test]
fn a_line_break_cannot_smuggle_in_a_setting() {
    for (key, value) in [("a", "1\nb = 2"), ("a\nb", "1"), ("a = 1", "2"), ("", "1")] {
        assert!(merged("[s]\n", Format::Ini, "s", key, value).is_err(), "{key:?} {value:?}");
    }
    assert!(merged("[s]\n", Format::Ini, "s]\n[t", "a", "1").is_err());
}

#[test]
fn overrides_reach_the_rendered_file_by_path_and_by_base_name() {
    for name in ["/etc/mysql/mariadb.conf.d/60-galera.cnf", "60-galera.cnf"] {
        let overrides = one_override(name, "galera", "max_connections", "77");
        let document = render_with(&cloud(), KindId::Database, 1, &overrides).unwrap();
        let text = content(&document, "/etc/mysql/mariadb.conf.d/60-galera.cnf");
        assert!(text.contains("max_connections = 77\n") && !text.contains("max_connections = 4096"));
    }
}

#[test]
fn a_file_without_settings_refuses_overrides_with_its_reason() {
    let overrides = one_override("/etc/hosts", "a", "b", "c");
    let error = render_with(&cloud(), KindId::Database, 1, &overrides).unwrap_err();
    assert!(error.to_string().contains("`/etc/hosts`"), "{error}");
}
