//! DHCP nodes in NSX: registered, repaired, removed; and what is said of an NSX Manager that cannot be used.

use std::time::Duration;

use acceptance_tests::{Cli, Deployment, Diagnostic, SimulatorOptions, TransportNode, on_every_cli};
use anyhow::{Context as _, Result, ensure};
use rustix::process::{Signal, kill_process};
use serde_json::{Value, json};

use crate::support::{Edit, applied_document, example_with, file, one_cli, provider_of, rewrite, work};

const PASSWORD: &str = "CanaryNsxManagerQ4wXz8Rt";
const DHCP: &str = "vio_component.dhcp";
const CREATE: &str = "POST /api/v1/transport-nodes";
const UPDATE: &str = "PUT /api/v1/transport-nodes/{id}";
const DELETE: &str = "DELETE /api/v1/transport-nodes/{id}";
/// How long a step of a scenario may take until it is seen.
const SOON: Duration = Duration::from_secs(300);

/// `examples/complete` over NSX, nothing applied yet.
fn over_nsx(cli: &Cli, edits: &[Edit<'_>]) -> Result<Deployment> {
    let options = ["--nsx-listen", "127.0.0.1:0", "--nsx-password", PASSWORD, "--nsx-realization", "300ms"];
    let cloud = example_with(cli, SimulatorOptions::with(&options))?;
    cloud.write("nsx-ca.pem", cloud.vcenter.nsx()?.ca_certificate_pem())?;
    cloud.write("nsx.tf", "variable \"nsx_password\" {\n  type      = string\n  ephemeral = true\n}\n")?;
    cloud.directory.set_env("TF_VAR_nsx_password", PASSWORD);
    configure(&cloud, edits)?;
    Ok(cloud)
}

/// Writes the configuration with changes of its NSX block.
fn configure(cloud: &Deployment, edits: &[Edit<'_>]) -> Result<()> {
    let nsx = cloud.vcenter.nsx()?;
    let mut block = format!(
        "  data_network = {{\n    network = \"data-trunk\"\n  }}\n\n  networking = {{\n    backend = \"nsx\"\n    nsx = {{\n      \
         manager             = \"{}\"\n      user                = \"{}\"\n      password_wo         = var.nsx_password\n      \
         password_wo_version = 1\n      ca_certificate_pem  = file(\"nsx-ca.pem\")\n      \
         transport_zone      = \"overlay-tz\"\n    }}\n  }}\n",
        nsx.server(),
        nsx.user()
    );
    for (from, to) in edits {
        ensure!(block.contains(from), "the block has no {from:?}");
        block = block.replacen(from, to, 1);
    }
    rewrite(cloud, &[("  data_network = {\n    network = \"data-trunk\"\n  }\n", &block)])
}

/// The DHCP nodes of the state: names and addresses.
fn dhcp_nodes(cloud: &Deployment) -> Result<Vec<(String, String)>> {
    let nodes = cloud.state()?.nodes().into_iter().filter(|node| node.name.contains("-dhcp-"));
    Ok(nodes.map(|node| (node.name, node.ip_address)).collect())
}

fn named(nodes: &[TransportNode]) -> Vec<(String, String)> {
    nodes.iter().map(|node| (node.name.clone(), node.address.clone())).collect()
}

/// Each DHCP node is registered with its name and address, and NSX has configured it.
fn expect_registered(cloud: &Deployment) -> Result<Vec<TransportNode>> {
    let found = cloud.vcenter.nsx()?.transport_nodes()?;
    assert_eq!(named(&found), dhcp_nodes(cloud)?);
    assert_eq!(found.len(), 2);
    assert!(found.iter().all(|node| node.state == "success"), "{found:#?}");
    Ok(found)
}

/// What a plan says of the DHCP nodes, which alone must change; the states of both before.
fn expect_shown(cloud: &Deployment, states: [&str; 2]) -> Result<()> {
    let plan = cloud.plan()?;
    assert_eq!(plan.counts(), (0, 1, 0), "{}", plan.summary());
    let change = plan.change(DHCP)?;
    assert_eq!(change.changed_attributes(), ["nodes"]);
    assert_eq!([&change.before["nodes"][0]["state"], &change.before["nodes"][1]["state"]], states);
    Ok(())
}

#[test]
fn dhcp_nodes_are_registered_with_their_names_and_addresses_and_gone_after_destroy() -> Result<()> {
    on_every_cli(|cli| {
        let cloud = over_nsx(cli, &[])?;
        cloud.directory.trace();
        let before = cloud.vcenter.inventory()?;
        let nsx = cloud.vcenter.nsx()?;
        let others = nsx.others()?;

        cloud.apply_converges(&[])?;
        let found = expect_registered(&cloud)?;
        for node in &found {
            let switch = &node.document["host_switch_spec"]["host_switches"][0];
            assert_eq!(switch["pnics"][0]["device_name"], "eth1");
            assert_eq!(
                switch["transport_zone_endpoints"][0]["transport_zone_id"],
                "11111111-0000-4000-8000-000000000001"
            );
        }
        expect_neutron_over_nsx(&cloud)?;
        let login = login_password(&cloud)?;
        let log = nsx.log_of(|| cloud.plan_is_empty())?;
        assert_eq!(log.mutations, [""; 0]);
        assert!(log.calls <= 2, "{:?}", log.methods);

        cloud.destroy()?;
        assert_eq!(nsx.transport_nodes()?, []);
        assert_eq!(nsx.others()?, others, "somebody else's transport nodes were touched");
        cloud.vcenter.inventory()?.expect_same_as(&before)?;
        cloud.expect_no_secret(&[PASSWORD, &login])
    })
}

/// The password that the deployment made for NSX to log in to the DHCP nodes; NSX has taken it.
fn login_password(cloud: &Deployment) -> Result<String> {
    let document = applied_document(&cloud.vcenter, "prod-dhcp-01")?;
    let (user, password) =
        file(&document, "/etc/vio/nsx-login")?.trim().split_once(':').context("it is no pair")?;
    ensure!(user == "vio-nsx" && password.len() >= 32, "the account is {user:?}");
    Ok(password.to_owned())
}

/// Neutron works with the NSX Manager that the nodes are registered in.
fn expect_neutron_over_nsx(cloud: &Deployment) -> Result<()> {
    let document = applied_document(&cloud.vcenter, "prod-controller-01")?;
    let neutron = file(&document, "/etc/neutron/neutron.conf")?;
    let manager = format!("nsx_api_managers = {}\n", cloud.vcenter.nsx()?.server());
    for line in ["core_plugin = vmware_nsxv3\n", &manager, PASSWORD, "default_overlay_tz = \"overlay-tz\"\n"]
    {
        ensure!(neutron.contains(line), "neutron.conf has no {line:?}");
    }
    Ok(())
}

#[test]
fn a_transport_node_that_was_deleted_outside_is_shown_and_registered_again_alone() -> Result<()> {
    let cloud = over_nsx(&one_cli()?, &[])?;
    cloud.apply()?;
    let found = expect_registered(&cloud)?;
    let nsx = cloud.vcenter.nsx()?;
    nsx.delete(&found[1].address)?;

    expect_shown(&cloud, ["ready", "degraded"])?;
    cloud.vcenter.reset_log()?;
    let log = nsx.log_of(|| cloud.apply_converges(&[]).map(drop))?;
    assert_eq!((log.count(CREATE), log.count(UPDATE), log.count(DELETE)), (1, 0, 0));
    assert_eq!(work(&cloud.vcenter.log()?)?, [], "the nodes themselves were touched");
    expect_registered(&cloud).map(drop)
}

#[test]
fn a_transport_node_that_was_edited_outside_is_shown_and_put_right_alone() -> Result<()> {
    let cloud = over_nsx(&one_cli()?, &[])?;
    cloud.apply()?;
    let address = expect_registered(&cloud)?[0].address.clone();
    let nsx = cloud.vcenter.nsx()?;
    let other_zone = json!({"host_switch_spec": {"host_switches": [{"transport_zone_endpoints": [
        {"transport_zone_id": "11111111-0000-4000-8000-000000000002"}]}]}});
    let second_address = json!({"node_deployment_info": {"ip_addresses": [address, "192.0.2.99"]}});
    for edit in [json!({"display_name": "renamed"}), second_address, other_zone] {
        nsx.edit(&address, &edit)?;
        expect_shown(&cloud, ["degraded", "ready"])?;
        let log = nsx.log_of(|| cloud.apply_converges(&[]).map(drop))?;
        assert_eq!((log.count(CREATE), log.count(UPDATE), log.count(DELETE)), (0, 1, 0));
        expect_registered(&cloud)?;
    }
    // What others add stays theirs.
    let tags = |node: &TransportNode| node.document["tags"].as_array().cloned().unwrap_or_default();
    let theirs = json!({"scope": "owner", "tag": "network team"});
    let all: Vec<Value> = tags(&expect_registered(&cloud)?[0]).into_iter().chain([theirs.clone()]).collect();
    nsx.edit(&address, &json!({"tags": all, "display_name": "renamed"}))?;
    cloud.apply_converges(&[])?;
    assert!(tags(&expect_registered(&cloud)?[0]).contains(&theirs));
    Ok(())
}

#[test]
fn nothing_is_left_in_nsx_when_apply_is_killed_after_a_registration_and_then_destroyed() -> Result<()> {
    on_every_cli(|cli| {
        let cloud = over_nsx(cli, &[])?;
        let before = cloud.vcenter.inventory()?;
        let running = an_apply_that_waits_for_nsx(&cloud)?;
        kill_process(provider_of(&running)?, Signal::KILL)?;
        running.wait()?.expect_failure()?;
        assert_eq!(cloud.vcenter.nsx()?.transport_nodes()?.len(), 2);

        cloud.destroy()?;
        assert_eq!(cloud.vcenter.nsx()?.transport_nodes()?, []);
        cloud.vcenter.inventory()?.expect_same_as(&before)
    })
}

#[test]
fn an_apply_goes_on_from_the_registrations_of_one_that_was_killed() -> Result<()> {
    let cloud = over_nsx(&one_cli()?, &[])?;
    let running = an_apply_that_waits_for_nsx(&cloud)?;
    running.kill()?;
    running.wait()?.expect_failure()?;
    let nsx = cloud.vcenter.nsx()?;
    let ids = |nodes: &[TransportNode]| -> Vec<Value> {
        nodes.iter().map(|node| node.document["id"].clone()).collect()
    };
    let made = ids(&nsx.transport_nodes()?);
    for node in nsx.transport_nodes()? {
        nsx.set_realization(0, "")?;
        nsx.edit(&node.address, &json!({}))?;
    }
    let log = nsx.log_of(|| cloud.apply_converges(&[]).map(drop))?;
    assert_eq!(log.mutations, [""; 0]);
    assert_eq!(ids(&expect_registered(&cloud)?), made);
    Ok(())
}

/// An apply whose DHCP nodes are registered and not configured yet.
fn an_apply_that_waits_for_nsx(cloud: &Deployment) -> Result<acceptance_tests::Running> {
    let nsx = cloud.vcenter.nsx()?;
    nsx.set_realization(600_000, "")?;
    // Without the compute cluster: had it been done and not yet in the state when the provider dies, `destroy` would not
    // know of it.
    let only = ["apply", "-input=false", "-no-color", "-auto-approve", "-target=vio_component.dhcp"];
    let running = cloud.directory.start(&only)?;
    let started = std::time::Instant::now();
    while nsx.transport_nodes()?.len() < 2 {
        ensure!(started.elapsed() < SOON, "nothing was registered");
        std::thread::sleep(Duration::from_millis(50));
    }
    Ok(running)
}

#[test]
fn a_lost_reply_a_busy_manager_and_a_conflict_make_nothing_twice() -> Result<()> {
    let cloud = over_nsx(&one_cli()?, &[])?;
    let nsx = cloud.vcenter.nsx()?;
    nsx.set_faults(&json!([
        {"method": "POST", "kind": "drop_after"},
        {"method": "GET", "path": "/api/v1/transport-zones", "kind": "429", "retry_after": 1},
        {"method": "GET", "path": "/api/v1/transport-nodes", "kind": "503", "nth": 2},
        {"method": "POST", "kind": "429"},
    ]))?;
    cloud.apply_converges(&[])?;
    assert_eq!(nsx.log()?.injected.len(), 4);
    expect_registered(&cloud)?;

    nsx.set_states_in_use(true)?;
    cloud.plan_is_empty()?;
    nsx.set_states_in_use(false)?;
    nsx.set_faults(
        &json!([{"method": "DELETE", "kind": "drop_after"}, {"method": "DELETE", "kind": "503", "nth": 2}]),
    )?;
    cloud.destroy()?;
    assert_eq!(nsx.transport_nodes()?, []);
    Ok(())
}

#[test]
fn what_nsx_could_not_configure_is_told_and_asked_for_again() -> Result<()> {
    let cloud = over_nsx(&one_cli()?, &[])?;
    let nsx = cloud.vcenter.nsx()?;
    nsx.set_realization(100, "The host has no disk space left")?;
    cloud
        .apply_fails(&[])?
        .expect_text("could not configure the transport node")?
        .expect_text("has no disk space left")?;
    nsx.set_realization(100, "")?;
    cloud.apply_converges(&[])?;
    expect_registered(&cloud).map(drop)
}

#[test]
fn a_dhcp_node_that_goes_is_removed_from_nsx_and_one_made_anew_is_registered_anew() -> Result<()> {
    let cloud = over_nsx(&one_cli()?, &[])?;
    cloud.apply()?;
    let found = expect_registered(&cloud)?;
    let nsx = cloud.vcenter.nsx()?;
    cloud.vcenter.destroy("prod-dhcp-02")?;
    let log = nsx.log_of(|| cloud.apply_converges(&[]).map(drop))?;
    assert_eq!((log.count(CREATE), log.count(UPDATE), log.count(DELETE)), (1, 0, 1));
    assert_ne!(expect_registered(&cloud)?[1].document["id"], found[1].document["id"]);

    let kind = "  kind                  = \"dhcp\"\n";
    let text = std::fs::read_to_string(cloud.directory.path().join("main.tf")).context("reading main.tf")?;
    cloud.write("main.tf", &text.replacen(kind, &format!("{kind}  node_count            = 1\n"), 1))?;
    let log = nsx.log_of(|| cloud.apply_converges(&[]).map(drop))?;
    assert_eq!((log.count(CREATE), log.count(UPDATE), log.count(DELETE)), (0, 0, 1));
    assert_eq!(nsx.transport_nodes()?, found.into_iter().take(1).collect::<Vec<_>>());
    Ok(())
}

#[test]
fn another_transport_zone_is_given_to_the_nodes_that_are_registered() -> Result<()> {
    let cloud = over_nsx(&one_cli()?, &[])?;
    cloud.apply()?;
    configure(&cloud, &[("\"overlay-tz\"", "\"second-tz\"")])?;
    let nsx = cloud.vcenter.nsx()?;
    let log = nsx.log_of(|| cloud.apply_converges(&[]).map(drop))?;
    assert_eq!((log.count(CREATE), log.count(UPDATE), log.count(DELETE)), (0, 2, 0));
    for node in expect_registered(&cloud)? {
        let endpoints = &node.document["host_switch_spec"]["host_switches"][0]["transport_zone_endpoints"];
        assert_eq!(endpoints, &json!([{"transport_zone_id": "11111111-0000-4000-8000-000000000002"}]));
    }
    Ok(())
}

#[test]
fn a_deployment_that_leaves_nsx_leaves_nothing_there() -> Result<()> {
    let cloud = over_nsx(&one_cli()?, &[])?;
    cloud.apply()?;
    rewrite(&cloud, &[])?;
    cloud.apply_converges(&[])?;
    assert_eq!(cloud.vcenter.nsx()?.transport_nodes()?, []);
    Ok(())
}

#[test]
fn a_password_that_was_changed_outside_is_told_and_a_new_one_mends_it() -> Result<()> {
    let cloud = over_nsx(&one_cli()?, &[])?;
    cloud.apply()?;
    let nsx = cloud.vcenter.nsx()?;
    nsx.set_password("another-one")?;
    let log = nsx.log_of(|| {
        // Nothing of the configuration has changed: what cannot be read is a warning.
        let said = cloud.directory.plan(&[])?.expect_success()?;
        said.expect_text("NSX could not be read").map(drop)
    })?;
    assert_eq!(log.calls, 1, "a refused password is not sent again: {:?}", log.methods);

    cloud.directory.set_env("TF_VAR_nsx_password", "another-one");
    configure(&cloud, &[("password_wo_version = 1", "password_wo_version = 2")])?;
    cloud.apply_converges(&[])?;
    expect_registered(&cloud).map(drop)
}

/// The plan of a create is refused on this attribute, and neither vCenter nor NSX is changed. The CLIs point at the block
/// that has the attribute: they look no deeper.
fn plan_is_refused(cloud: &Deployment, attribute: &str, words: &[&str]) -> Result<()> {
    let nsx = cloud.vcenter.nsx()?;
    let vcenter = cloud.vcenter.log_of(|| {
        let log = nsx.log_of(|| {
            let said = cloud.plan_fails()?;
            let errors: Vec<&Diagnostic> = said.iter().filter(|said| said.severity == "error").collect();
            let [error] = errors.as_slice() else { anyhow::bail!("not one error: {errors:#?}") };
            let text = format!("{} {}", error.summary, error.detail);
            ensure!(words.iter().all(|word| text.contains(word)), "not {words:?}: {error:#?}");
            let check = format!("Check `networking.nsx.{attribute}`.");
            ensure!(error.code.as_deref() == Some("nsx = {") && text.ends_with(&check), "{error:#?}");
            ensure!(!text.contains(PASSWORD), "the message has the password");
            Ok(())
        })?;
        assert_eq!(log.mutations, [""; 0]);
        Ok(())
    })?;
    assert_eq!(vcenter.mutations, []);
    Ok(())
}

#[test]
fn an_nsx_manager_that_cannot_be_used_is_refused_by_plan_on_its_attribute() -> Result<()> {
    on_every_cli(|cli| {
        let cloud = over_nsx(cli, &[])?;
        cloud.directory.trace();
        cloud.directory.set_env("TF_VAR_nsx_password", "CanaryWrongPasswordT5vHk2Mq");
        plan_is_refused(&cloud, "password_wo", &["refuses the user `admin`", "password"])?;
        cloud.expect_no_secret(&["CanaryWrongPasswordT5vHk2Mq"])?;
        cloud.directory.set_env("TF_VAR_nsx_password", PASSWORD);

        configure(&cloud, &[("      ca_certificate_pem  = file(\"nsx-ca.pem\")\n", "")])?;
        plan_is_refused(
            &cloud,
            "ca_certificate_pem",
            &["not trusted", "`ca_certificate_pem`", "thumbprint"],
        )?;
        let wrong = cloud.vcenter.ca_certificate_pem();
        cloud.write("other-ca.pem", wrong)?;
        configure(&cloud, &[("file(\"nsx-ca.pem\")", "file(\"other-ca.pem\")")])?;
        plan_is_refused(&cloud, "ca_certificate_pem", &["not trusted", "`ca_certificate_pem`"])?;

        // Port 1 of the loopback interface: nobody listens there.
        configure(&cloud, &[(cloud.vcenter.nsx()?.server(), "127.0.0.1:1")])?;
        plan_is_refused(&cloud, "manager", &["127.0.0.1:1", "refused"])?;

        for (zone, words) in [
            ("gone-tz", ["`gone-tz`", "`overlay-tz`"]),
            ("twin-tz", ["2 transport zones `twin-tz`", "id"]),
            ("vlan-tz", ["`vlan-tz`", "VLAN"]),
        ] {
            let zone = format!("\"{zone}\"");
            configure(&cloud, &[("\"overlay-tz\"", &zone)])?;
            plan_is_refused(&cloud, "transport_zone", &words)?;
        }
        Ok(())
    })
}
