//! Tier 2: the whole cloud, and object storage on the second day.

use std::thread;
use std::time::{Duration, Instant};

use acceptance_tests::Deployment;
use acceptance_tests::living::Cloud;
use anyhow::{Context as _, Result, ensure};
use serde_json::Value;

use crate::support::{PASSWORD, figure, inside, let_it_show, print_timeline, unnoticed, wait_until_whole};

const NODES: usize = 14;
const DAY_2: &str = "-var=object_storage=true";
const DAY_2_NODES: usize = 1;

/// The first apply of the example as it stands.
pub(crate) fn every_service_joins(deployment: &Deployment) -> Result<Cloud> {
    deployment.apply()?.expect_text("8 added")?;
    print_timeline(deployment, "tier 2")?;
    deployment.plan_is_empty()?;
    Cloud::enter(deployment, PASSWORD)
}

pub(crate) fn it_works(deployment: &Deployment, cloud: &Cloud) -> Result<()> {
    every_service_is_up(cloud)?;
    images_are_the_same_on_either_controller(deployment, cloud)?;
    networks_have_dhcp_on_both_nodes(cloud)?;
    ensure!(cloud.login_page()?.contains("csrfmiddlewaretoken"), "the dashboard shows no login form");
    Ok(())
}

/// Looks again and again until it finds what it wants, for ten minutes.
fn eventually(mut look: impl FnMut() -> Result<()>) -> Result<()> {
    let deadline = Instant::now() + Duration::from_secs(600);
    loop {
        match look() {
            Err(_) if Instant::now() < deadline => thread::sleep(Duration::from_secs(3)),
            ended => return ended,
        }
    }
}

/// The values of a column of a table that `openstack` printed, sorted, each once.
fn column(table: &Value, name: &str) -> Vec<String> {
    let rows = table.as_array().into_iter().flatten();
    let mut values: Vec<String> = rows.filter_map(|row| row[name].as_str().map(str::to_owned)).collect();
    values.sort();
    values.dedup();
    values
}

fn every_service_is_up(cloud: &Cloud) -> Result<()> {
    let mut types = service_types(cloud)?;
    let services = types.len();
    types.retain(|one| one != "object-store");
    ensure!(types == ["compute", "identity", "image", "network", "placement", "volumev3"], "{types:?}");
    let endpoints = cloud.openstack_json("public", &["endpoint", "list"])?;
    let count = endpoints.as_array().map_or(0, Vec::len);
    ensure!(count == 3 * services, "{services} services with 3 interfaces each: {endpoints}");
    // Services tell the others that they are there some seconds after they are.
    eventually(|| {
        let compute = cloud.openstack_json("internal", &["compute", "service", "list"])?;
        let binaries = ["nova-compute", "nova-conductor", "nova-scheduler"];
        ensure!(column(&compute, "Binary") == binaries && column(&compute, "State") == ["up"], "{compute}");
        let hypervisors = cloud.openstack_json("internal", &["hypervisor", "list"])?;
        ensure!(column(&hypervisors, "State") == ["up"], "{hypervisors}");
        let volume = cloud.openstack_json("internal", &["volume", "service", "list"])?;
        let binaries = ["cinder-scheduler", "cinder-volume"];
        ensure!(column(&volume, "Binary") == binaries && column(&volume, "State") == ["up"], "{volume}");
        let agents = cloud.openstack_json("public", &["network", "agent", "list"])?;
        let alive = agents.as_array().into_iter().flatten().filter(|agent| agent["Alive"] == true).count();
        ensure!(alive >= 4, "two agents on each DHCP node: {agents}");
        Ok(())
    })
}

/// What one controller took, the other gives, byte for byte.
fn images_are_the_same_on_either_controller(deployment: &Deployment, cloud: &Cloud) -> Result<()> {
    let controllers = deployment.state()?.nodes_of("vio_controller_pool.this")?;
    cloud.client_script("head -c 1048576 /dev/urandom >/root/image")?;
    let image = cloud.openstack_json(
        "public",
        &[
            "image",
            "create",
            "--disk-format",
            "vmdk",
            "--container-format",
            "bare",
            "--file",
            "/root/image",
            "probe",
        ],
    )?;
    let id = image["id"].as_str().context("the image has no id")?;
    let token = cloud.token_from(&cloud.public_identity())?;
    let sum = cloud.client_script("sha256sum </root/image")?;
    for node in &controllers {
        let got = cloud.client_script(&format!(
            "curl -sf -H 'X-Auth-Token: {}' http://{}:9292/v2/images/{id}/file | sha256sum",
            token.id, node.ip_address
        ))?;
        ensure!(got == sum, "{} gave another image: {got} is not {sum}", node.name);
    }
    cloud.openstack("public", &["image", "delete", id]).map(|_| ())
}

fn networks_have_dhcp_on_both_nodes(cloud: &Cloud) -> Result<()> {
    cloud.openstack("public", &["network", "create", "probe"])?;
    cloud.openstack(
        "public",
        &["subnet", "create", "--network", "probe", "--subnet-range", "203.0.113.0/24", "probe"],
    )?;
    eventually(|| {
        let ports =
            cloud.openstack_json("public", &["port", "list", "--device-owner", "network:dhcp", "--long"])?;
        let count = ports.as_array().map_or(0, Vec::len);
        ensure!(count == 2 && column(&ports, "Status") == ["ACTIVE"], "no two active DHCP ports: {ports}");
        Ok(())
    })
}

fn service_types(cloud: &Cloud) -> Result<Vec<String>> {
    Ok(column(&cloud.openstack_json("public", &["service", "list"])?, "Type"))
}

/// Day 2.
pub(crate) fn objects_come(deployment: &Deployment, cloud: &Cloud) -> Result<()> {
    let joins = || deployment.apply_converges(&[DAY_2]).map(|_| ());
    let leaves = || deployment.apply_converges(&[]).map(|_| ());
    unnoticed(deployment, cloud, "object storage joins", joins, leaves)?;
    print_timeline(deployment, "day 2")?;
    ensure!(
        service_types(cloud)?.contains(&"object-store".to_owned()),
        "the catalogue has no object storage"
    );
    cloud.object_round_trip().map(|_| ())
}

/// An option of each kind that the other tier's cloud has not. Their nodes restart what reads it, and work on.
pub(crate) fn other_options_are_taken(deployment: &Deployment, cloud: &Cloud) -> Result<()> {
    let what = "DHCP nodes, the compute driver and Swift get another option";
    let apply_with = |options: &str| {
        deployment.write("options_override.tf", options)?;
        deployment.apply_converges(&[DAY_2]).map(|_| ())
    };
    let (others, none) = (|| apply_with(include_str!("options_override.tf")), || apply_with(""));
    unnoticed(deployment, cloud, what, others, none)?;
    for (node, line, file) in [
        ("prod-dhcp-02", "dhcp_lease_duration = 43200", "/etc/neutron/neutron.conf"),
        ("prod-compute-driver-01", "task_poll_interval = 0.25", "/etc/nova/nova.conf"),
        ("prod-object-storage-01", "max_file_size = 1073741824", "/etc/swift/swift.conf"),
    ] {
        inside(deployment, node, &format!("grep -Fx '{line}' {file}"))
            .with_context(|| format!("{node} has not the other option"))?;
    }
    cloud.object_round_trip()?;
    every_service_is_up(cloud)
}

/// The kinds whose members may go without tokens being missed; the other tier's cloud loses each of the others.
pub(crate) fn who_has_no_part_in_tokens_comes_back_too(deployment: &Deployment, cloud: &Cloud) -> Result<()> {
    let nodes = ["prod-dhcp-01", "prod-compute-driver-01", "prod-object-storage-01"];
    let what = "a DHCP node, the compute driver and the Swift node powered off";
    let power_off = || {
        nodes.iter().try_for_each(|node| deployment.vcenter.power_off(node))?;
        let_it_show();
        Ok(())
    };
    let power_on = || {
        nodes.iter().try_for_each(|node| deployment.vcenter.power_on(node))?;
        let took = wait_until_whole(deployment, NODES + DAY_2_NODES)?;
        figure(&format!("all three: ready {:.0} s after power-on", took.as_secs_f64()));
        Ok(())
    };
    unnoticed(deployment, cloud, what, power_off, power_on)?;
    power_on()?;
    cloud.object_round_trip()?;
    every_service_is_up(cloud)
}

/// And back.
pub(crate) fn objects_go(deployment: &Deployment, cloud: &Cloud) -> Result<()> {
    let leaves = || deployment.apply_converges(&[]).map(|_| ());
    let joins = || deployment.apply_converges(&[DAY_2]).map(|_| ());
    unnoticed(deployment, cloud, "object storage leaves", leaves, joins)?;
    ensure!(
        !service_types(cloud)?.contains(&"object-store".to_owned()),
        "the catalogue still has object storage"
    );
    let configuration = inside(deployment, "prod-load-balancer-01", "cat /etc/haproxy/haproxy.cfg")?;
    ensure!(!configuration.contains("object_storage"), "the backend is still there");
    Ok(())
}

pub(crate) fn an_edited_file_is_seen_and_mended_alone(deployment: &Deployment) -> Result<()> {
    let node = "prod-memcache-01";
    let pid = "systemctl show --property MainPID --value memcached";
    let sum = "sha256sum /etc/memcached.conf";
    let (was, other) = (inside(deployment, node, sum)?, inside(deployment, "prod-memcache-02", pid)?);
    inside(deployment, node, "echo '-v' >>/etc/memcached.conf")?;
    eventually(|| {
        let plan = deployment.directory.plan(&[])?.expect_success()?;
        ensure!(plan.has_changes(), "the plan does not show the edited file");
        Ok(())
    })?;
    deployment.apply_converges(&[])?;
    ensure!(inside(deployment, node, sum)? == was, "the file is not as it was");
    ensure!(inside(deployment, "prod-memcache-02", pid)? == other, "another node was touched");
    Ok(())
}

/// Its process runs, and answers nobody.
pub(crate) fn a_service_that_hangs_is_restarted(deployment: &Deployment, cloud: &Cloud) -> Result<()> {
    let node = "prod-controller-02";
    let pid = "systemctl show --property MainPID --value placement-api";
    let was = inside(deployment, node, pid)?;
    inside(deployment, node, "systemctl kill --signal STOP placement-api")?;
    let since = Instant::now();
    eventually(|| {
        ensure!(inside(deployment, node, pid)? != was, "the service is not restarted");
        Ok(())
    })?;
    wait_until_whole(deployment, NODES)?;
    figure(&format!("a service hangs: whole again {:.0} s later", since.elapsed().as_secs_f64()));
    every_service_is_up(cloud)
}

pub(crate) fn it_comes_back_when_all_of_it_lost_power(deployment: &Deployment, cloud: &Cloud) -> Result<()> {
    let names: Vec<String> = deployment.state()?.nodes().into_iter().map(|node| node.name).collect();
    for name in &names {
        deployment.vcenter.power_off(name)?;
    }
    for name in &names {
        deployment.vcenter.power_on(name)?;
    }
    let took = wait_until_whole(deployment, NODES)?;
    figure(&format!("the whole cloud, power-off to whole: {:.0} s", took.as_secs_f64()));
    cloud.token_from(&cloud.public_identity())?;
    every_service_is_up(cloud)?;
    deployment.plan_is_empty()
}
