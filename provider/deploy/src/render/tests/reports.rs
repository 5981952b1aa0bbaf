use super::*;

#[test]
fn a_whole_report_is_read() {
    let status = GuestStatus::parse(
        r#"{"version": 1, "revision": "abc", "phase": "waiting", "waiting_for": "the first member",
            "services": {"mariadb": {"healthy": false, "detail": "port 3306 refused"}},
            "cluster": {"wsrep_cluster_size": 2, "wsrep_ready": "ON"}, "files_digest": "d", "error": null, "new": {}}"#,
    )
    .unwrap();
    assert_eq!((status.phase, status.waiting_for.as_deref()), (Phase::Waiting, Some("the first member")));
    assert!(!status.services["mariadb"].healthy);
    assert_eq!(status.cluster["wsrep_cluster_size"], "2");
    assert_eq!(status.cluster["wsrep_ready"], "ON");
}

#[test]
fn the_least_report_is_read() {
    let status = GuestStatus::parse(r#"{"version": 1, "phase": "booting"}"#).unwrap();
    assert_eq!(status.phase, Phase::Booting);
    assert!(!status.is_ready(""));
}

#[test]
fn garbage_is_an_error() {
    for text in
        ["", "ready", "{}", r#"{"version": 2, "phase": "ready"}"#, r#"{"version": 1, "phase": "happy"}"#]
    {
        assert!(matches!(GuestStatus::parse(text), Err(RenderError::Status { .. })), "{text}");
    }
}

#[test]
fn ready_is_said_of_one_revision() {
    let status = GuestStatus::parse(r#"{"version": 1, "phase": "ready", "revision": "abc"}"#).unwrap();
    assert!(status.is_ready("abc") && !status.is_ready("abd"));
}
