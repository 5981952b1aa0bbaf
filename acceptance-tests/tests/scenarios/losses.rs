//! A record that is lost, and a vCenter that does not answer: nothing is taken for gone, and the error says what is missing.

use acceptance_tests::Deployment;
use anyhow::{Result, ensure};
use serde_json::{Value, json};

use crate::support::{NODES, example, one_cli, rewrite};

/// A refresh that must fail with these words, and forget nothing.
fn refresh_fails_and_keeps_the_state(cloud: &Deployment, words: &[&str]) -> Result<()> {
    let before = cloud.directory.state_pull()?["resources"].clone();
    let refused = cloud.directory.run(&["refresh", "-input=false", "-no-color"])?.expect_failure()?;
    for word in words {
        refused.expect_text(word)?;
    }
    let after = cloud.directory.state_pull()?["resources"].clone();
    ensure!(before == after, "the state has changed\n{}", refused.said());
    let log = cloud.vcenter.log()?;
    ensure!(log.sessions_open == 0, "{} sessions are left open", log.sessions_open);
    Ok(())
}

#[test]
fn nothing_is_gone_because_vcenter_refuses_fails_hesitates_or_ends_sessions() -> Result<()> {
    let cloud = example(&one_cli()?)?;
    cloud.apply()?;
    let denied = json!({"privilegeId": "System.Read"});
    let cases: [(Value, &[&str]); 6] = [
        (
            json!({"method": "RetrieveProperties*", "kind": "fault", "fault": "NoPermission", "detail": denied}),
            &["the user lacks the privilege `System.Read`", "Give the provider's user"],
        ),
        (
            json!({"method": "RetrieveProperties*", "nth": 2, "kind": "fault", "fault": "NoPermission", "detail": denied}),
            &["Cannot read the VMs of deployment `prod`", "the user lacks the privilege `System.Read`"],
        ),
        (
            json!({"method": "RetrieveProperties*", "nth": 3, "kind": "fault", "fault": "NoPermission", "detail": denied}),
            &["Cannot read the image of deployment `prod`", "the user lacks the privilege `System.Read`"],
        ),
        (
            json!({"method": "RetrieveProperties*", "kind": "503"}),
            &["HTTP status 503", "overloaded or starting"],
        ),
        (json!({"method": "RetrieveProperties*", "kind": "expire_session"}), &["NotAuthenticated"]),
        (
            json!({"method": "Login", "kind": "fault", "fault": "InvalidLogin"}),
            &["InvalidLogin", "VSPHERE_PASSWORD"],
        ),
    ];
    for (mut fault, words) in cases {
        fault["count"] = json!(-1);
        cloud.vcenter.set_faults(&json!([fault]))?;
        refresh_fails_and_keeps_the_state(&cloud, words)?;
        cloud.vcenter.clear_faults()?;
    }
    // Only here, since a busy machine may take longer than this for an honest answer.
    rewrite(&cloud, &[("provider \"vio\" {}", "provider \"vio\" {\n  api_timeout = \"3s\"\n}")])?;
    cloud
        .vcenter
        .set_faults(&json!([{"method": "RetrieveProperties*", "nth": 2, "kind": "delay", "ms": 8_000}]))?;
    refresh_fails_and_keeps_the_state(&cloud, &["had no answer within 3 s"])?;
    rewrite(&cloud, &[])?;
    cloud.plan_is_empty()
}

/// Takes the record and its copy away, or what is left of them.
fn lose(cloud: &Deployment, keys: &[(&str, &str)]) -> Result<()> {
    keys.iter().try_for_each(|(key, value)| cloud.vcenter.set_extra_config("prod-image", key, value))
}

#[test]
fn a_lost_record_is_an_error_that_says_what_is_missing_and_destroy_needs_none() -> Result<()> {
    let cloud = example(&one_cli()?)?;
    let before = cloud.vcenter.inventory()?;
    cloud.apply()?;
    let from = cloud.vcenter.inventory()?;

    lose(&cloud, &[("vio.record.1", "garbage"), ("vio.record.copy", "")])?;
    refresh_fails_and_keeps_the_state(
        &cloud,
        &[
            "The record of deployment `prod` is lost",
            "`vio.record` is damaged",
            "`vio.record.copy` is missing",
            "root secret",
            "restore the keys `vio.record*` of the ExtraConfig of `prod-image`",
        ],
    )?;
    cloud.apply_fails(&[])?.expect_text("none can be made or changed")?;

    lose(&cloud, &[("vio.role", "")])?;
    refresh_fails_and_keeps_the_state(
        &cloud,
        &["does not carry the marks of the image", "`vio.role` = `image`"],
    )?;
    lose(&cloud, &[("vio.role", "image")])?;

    cloud.vcenter.destroy("prod-image")?;
    let log = cloud.vcenter.log_of(|| {
        refresh_fails_and_keeps_the_state(
            &cloud,
            &["is not in `/dc1/vm/prod`", "passwords and keys of the 14 nodes"],
        )?;
        cloud.apply_fails(&[])?.expect_text("`destroy -refresh=false`").map(drop)
    })?;
    assert_eq!(log.mutations, []);
    let vms = |inventory: &acceptance_tests::Inventory| -> Vec<String> {
        inventory.vm_names().into_iter().filter(|name| NODES.contains(&name.as_str())).collect()
    };
    assert_eq!(vms(&cloud.vcenter.inventory()?), vms(&from));

    cloud.directory.destroy(&["-refresh=false"])?.expect_success()?;
    cloud.vcenter.inventory()?.expect_same_as(&before)
}

#[test]
fn a_deployment_without_nodes_is_made_whole_again_when_its_image_was_removed() -> Result<()> {
    let cloud = example(&one_cli()?)?;
    let target = "-target=vio_management_cluster.this";
    cloud.apply_with(&[target])?;
    cloud.vcenter.destroy("prod-image")?;
    let plan = cloud.plan_with(&[target])?;
    assert_eq!(plan.counts(), (0, 1, 0), "{}", plan.summary());
    let change = plan.change("vio_management_cluster.this")?;
    assert_eq!(change.changed_attributes(), ["ca_certificate_pem", "image"]);
    cloud.apply_converges(&[])?;
    // All of it is gone but for its pool, in which it is made anew.
    for node in NODES {
        cloud.vcenter.destroy(node)?;
    }
    cloud.vcenter.destroy("prod-image")?;
    cloud.vcenter.destroy_folder("/dc1/vm/prod")?;
    assert_eq!(cloud.plan()?.counts(), (7, 1, 0));
    cloud.apply_converges(&[]).map(drop)
}
