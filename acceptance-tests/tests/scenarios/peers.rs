//! What users of VMware's own provider complain of does not happen here. The subjects, with their threads there, and where
//! each law is shown:
//!
//! | complaint | law |
//! |---|---|
//! | sessions pile up (618, 2331) | `a_clone_that_fails_leaves_no_vm_and_no_session_and_names_the_privilege`, `a_farewell_that_is_lost_is_said_again`; `support::expect_clean` after nearly every run |
//! | "session is not authenticated" (239, 664) | `sessions_that_expire_during_a_long_apply_are_opened_anew`, `faults::a_session_that_vcenter_ended_is_opened_anew_within_the_run` |
//! | create hangs, refresh is slow (31, 15) | `together::parallelism_of_1_10_and_50_makes_the_same_cloud`, `counts::what_is_paid_beside_two_calls_a_node_does_not_grow_with_the_nodes` |
//! | a failed clone leaves a VM (1415, 976) | `a_clone_that_fails_…`, `faults::repeated_runs_come_to_an_end_whichever_replies_are_lost` |
//! | a passing 503 fails the run (1935) | `faults::a_read_that_finds_vcenter_busy_is_tried_again_within_the_run`; its bound: `losses::nothing_is_gone_…` |
//! | guestinfo changes reboot (1070) | `day_two::settings_of_the_deployment_change_in_place` |
//! | user data ignored or lost (958, 1166) | `drift::a_document_that_somebody_else_wrote_is_shown_and_written_again` |
//! | a template rebuilt or gone (373, 354) | `repairs::what_vsphere_changes_by_itself_and_a_template_that_goes_are_no_drift` |
//! | a rule breaks when a member is replaced (1362) | `rules_stand_before_a_second_member_starts_and_survive_its_replacement` |
//! | import makes a diff (2704) | `lifecycle::every_resource_imports_by_its_id_into_an_empty_plan` |
//! | an upgrade or a second apply makes a diff (400, 1983) | `connections_are_few_the_state_is_small_and_that_of_an_older_provider_plans_empty`, `counts::an_empty_plan_and_a_second_apply_change_nothing_in_vcenter` |
//! | secrets in the state (2637) | `secrets::no_secret_is_written_down_by_plan_apply_show_or_a_failing_apply` |
//! | power state is not managed (999) | `faults::nodes_that_were_stopped_or_deleted_outside_are_shown_and_repaired_alone` |
//! | errors do not name the privilege (1404) | `a_clone_that_fails_…`, `losses::nothing_is_gone_…` |
//! | adapters change their order (368, 2573) | `adapters_keep_their_order` |
//! | identity hangs on the BIOS UUID; vMotion is drift (282, 606) | `repairs::what_vsphere_changes_by_itself_…` |
//! | each call has its own connection (7,719 for 400 VMs); states of 14,700 bytes a node | `connections_are_few_…` |
//! | all members of a quorum change at once (terraform 23909) | `rolls`, and `deploy`'s laws of plans |

use acceptance_tests::{CallLog, Deployment};
use anyhow::{Context as _, Result, ensure};
use serde_json::{Value, json};

use crate::support::{NODES, example, expect_clean, moids, one_cli};

/// Requests in flight: eight clones and eight reads, and the long poll.
const CONNECTIONS: u64 = 17;

/// What a state may take for a node, in bytes; the peer's takes 14,700.
const STATE_BYTES_PER_NODE: usize = 2_500;

#[test]
fn a_clone_that_fails_leaves_no_vm_and_no_session_and_names_the_privilege() -> Result<()> {
    let cloud = example(&one_cli()?)?;
    cloud.apply_with(&["-target=vio_management_cluster.this"])?;
    let before = cloud.vcenter.inventory()?.vm_names();
    let denied = json!({"privilegeId": "VirtualMachine.Provisioning.DeployTemplate"});
    for (fault, words) in [
        (
            json!({"method": "CloneVM_Task", "count": -1, "kind": "fault", "fault": "NoPermission", "detail": denied}),
            "Give the provider's user the privilege `VirtualMachine.Provisioning.DeployTemplate` there",
        ),
        (
            json!({"method": "CloneVM_Task", "count": -1, "kind": "task_fault", "fault": "NoDiskSpace"}),
            "Free space on the datastore, then run again",
        ),
        (json!({"method": "CloneVM_Task", "count": -1, "kind": "503"}), "HTTP status 503"),
    ] {
        cloud.vcenter.set_faults(&json!([fault]))?;
        let log = cloud.vcenter.log_of(|| {
            cloud.apply_fails(&["-target=vio_component.memcache"])?.expect_text(words).map(drop)
        })?;
        expect_clean(&log)?;
        cloud.vcenter.clear_faults()?;
        assert_eq!(cloud.vcenter.inventory()?.vm_names(), before);
    }
    Ok(())
}

/// Where a mutating call is in a log, from the first.
fn position(log: &CallLog, method: &str, name: &str) -> Result<usize> {
    let mut calls = log.mutations.iter();
    let found = calls
        .position(|call| call.method == method && [&call.object, &call.name].contains(&&name.to_owned()));
    found.with_context(|| format!("no {method} of {name} in {:#?}", log.mutations))
}

/// The members of an anti-affinity rule.
fn members(cloud: &Deployment, rule: &str) -> Result<Value> {
    let document = cloud.vcenter.inventory()?.document;
    let clusters = document["clusters"].as_array().into_iter().flatten();
    let mut rules = clusters.flat_map(|cluster| cluster["rules"].as_array().into_iter().flatten());
    let found = rules.find(|found| found["name"] == rule).with_context(|| format!("no rule {rule}"))?;
    Ok(found["vms"].clone())
}

#[test]
fn rules_stand_before_a_second_member_starts_and_survive_its_replacement() -> Result<()> {
    let cloud = example(&one_cli()?)?;
    let log = cloud.vcenter.log_of(|| cloud.apply().map(drop))?;
    for kind in ["controller", "database", "load-balancer", "memcache", "message-queue"] {
        let rule = position(&log, "ReconfigureComputeResource_Task", &format!("prod-{kind}"))?;
        for member in [1, 2] {
            let start = position(&log, "PowerOnVM_Task", &format!("prod-{kind}-0{member}"))?;
            ensure!(rule < start, "{kind} {member} was started before its rule stood");
        }
    }
    let both = json!(["prod-memcache-01", "prod-memcache-02"]);
    assert_eq!(members(&cloud, "prod-memcache")?, both);
    cloud.vcenter.destroy("prod-memcache-02")?;
    let log = cloud.vcenter.log_of(|| cloud.apply().map(drop))?;
    let rule = position(&log, "ReconfigureComputeResource_Task", "prod-memcache")?;
    ensure!(rule < position(&log, "PowerOnVM_Task", "prod-memcache-02")?);
    assert_eq!(members(&cloud, "prod-memcache")?, both);
    Ok(())
}

/// The networks and addresses of a node's adapters.
fn adapters(cloud: &Deployment, node: &str) -> Result<Vec<(Value, Value)>> {
    let vm = cloud.vcenter.vm(node)?;
    let adapters = vm["nics"].as_array().into_iter().flatten();
    let adapters: Vec<_> = adapters.map(|nic| (nic["network"].clone(), nic["mac"].clone())).collect();
    ensure!(adapters.iter().all(|(_, mac)| mac.is_string()), "{node} has an adapter without an address");
    Ok(adapters)
}

/// As the kind lists them, also at a node that was made again. A guest knows an adapter by its address, so that one that
/// was removed may come back behind the others.
#[test]
fn adapters_keep_their_order() -> Result<()> {
    let cloud = &example(&one_cli()?)?;
    cloud.apply()?;
    let balancers = ["prod-load-balancer-01", "prod-load-balancer-02"];
    for (node, networks) in [
        (balancers[0], vec!["management", "api"]),
        ("prod-dhcp-01", vec!["management", "data-trunk"]),
        ("prod-memcache-02", vec!["management"]),
    ] {
        let found: Vec<Value> = adapters(cloud, node)?.into_iter().map(|(network, _)| network).collect();
        assert_eq!(found, networks, "{node}");
    }
    let before = [adapters(cloud, balancers[0])?, adapters(cloud, balancers[1])?];
    cloud.vcenter.remove_nic(balancers[0], 0)?;
    cloud.vcenter.destroy(balancers[1])?;
    cloud.apply()?;
    let mut mended = adapters(cloud, balancers[0])?;
    mended.reverse();
    assert_eq!([mended, adapters(cloud, balancers[1])?], before);
    Ok(())
}

/// Connections live as long as they are needed, so that a request does not pay for one of its own, and a state says of a
/// node what an administrator asks about it. That state without what a newer provider has added is filled by the refresh: no
/// diff, no call that changes anything.
#[test]
fn connections_are_few_the_state_is_small_and_that_of_an_older_provider_plans_empty() -> Result<()> {
    let cloud = example(&one_cli()?)?;
    let log = cloud.vcenter.log_of(|| cloud.apply().map(drop))?;
    let connections = log.raw["connections"].as_u64().unwrap_or_default();
    ensure!(connections <= CONNECTIONS, "{connections} connections for {} calls", log.calls);
    let mut state = cloud.directory.state_pull()?;
    let bytes = state.to_string().len();
    ensure!(bytes < NODES.len() * STATE_BYTES_PER_NODE, "the state has {bytes} bytes");
    let resources = state["resources"].as_array_mut().context("a state without resources")?;
    for resource in resources.iter_mut().filter(|resource| resource["type"] == "vio_management_cluster") {
        let attributes = resource["instances"][0]["attributes"].as_object_mut().context("no attributes")?;
        ensure!(attributes.remove("image").is_some(), "the state has no `image`");
    }
    cloud.write("terraform.tfstate", &state.to_string())?;
    cloud.plan_is_empty()
}

#[test]
fn a_farewell_that_is_lost_is_said_again() -> Result<()> {
    let cloud = example(&one_cli()?)?;
    for kind in ["503", "drop_before", "drop_after"] {
        cloud.vcenter.set_faults(&json!([{"method": "Logout", "kind": kind}]))?;
        let log = cloud.vcenter.log_of(|| cloud.directory.plan(&[])?.expect_success().map(drop))?;
        assert_eq!((log.injected.len(), log.sessions_open), (1, 0), "{kind}");
        cloud.vcenter.clear_faults()?;
    }
    Ok(())
}

/// The last change of a run gives the lease back.
#[test]
fn a_lease_that_vcenter_never_takes_back_keeps_no_session() -> Result<()> {
    let cloud = example(&one_cli()?)?;
    let target = "-target=vio_management_cluster.this";
    let writes = |log: &CallLog| {
        let calls = log.mutations.iter();
        calls.filter(|call| call.method == "ReconfigVM_Task" && call.object == "prod-image").count()
    };
    let last = writes(&cloud.vcenter.log_of(|| cloud.apply_with(&[target]).map(drop))?);
    cloud.destroy()?;
    cloud.vcenter.set_faults(&json!([
        {"method": "ReconfigVM_Task", "object_name": "prod-image", "nth": last, "kind": "task_hangs"}
    ]))?;
    let log = cloud.vcenter.log_of(|| cloud.apply_with(&[target]).map(drop))?;
    assert_eq!((writes(&log), log.injected.len(), log.sessions_open), (last, 1, 0));
    cloud.vcenter.clear_faults()?;
    cloud.apply_with(&["-target=vio_component.memcache"]).map(drop)
}

/// One call, as long as the fourth session holds: somebody may end them one after the other, but not for ever.
#[test]
fn a_call_outlives_three_sessions_and_not_four() -> Result<()> {
    let cloud = example(&one_cli()?)?;
    let target = ["-target=vio_management_cluster.this"];
    let ends = |count: u32| json!([{"method": "CloneVM_Task", "count": count, "kind": "expire_session"}]);
    cloud.vcenter.set_faults(&ends(4))?;
    cloud.apply_fails(&target)?.expect_text("NotAuthenticated")?;
    cloud.vcenter.set_faults(&ends(3))?;
    let log = cloud.vcenter.log_of(|| cloud.apply_with(&target).map(drop))?;
    assert_eq!((log.injected.len(), log.sessions_open), (3, 0));
    Ok(())
}

#[test]
fn sessions_that_expire_during_a_long_apply_are_opened_anew() -> Result<()> {
    let cloud = example(&one_cli()?)?;
    let expires = |method: &str, nth: u32| json!({"method": method, "nth": nth, "kind": "expire_session"});
    cloud.vcenter.set_faults(&json!([
        expires("CloneVM_Task", 4),
        expires("PowerOnVM_Task", 3),
        expires("ReconfigVM_Task", 5),
        expires("WaitForUpdatesEx", 6),
    ]))?;
    let log = cloud.vcenter.log_of(|| cloud.apply().map(drop))?;
    assert_eq!(log.injected.len(), 4);
    // Sessions that vCenter ended need no good-bye.
    assert_eq!(log.sessions_open, 0);
    cloud.plan_is_empty()?;
    assert_eq!(moids(&cloud)?.len(), NODES.len());
    Ok(())
}
