//! Tier 1: load balancers, database, queue, memcache and controllers, and what each of them may lose.

use acceptance_tests::Deployment;
use acceptance_tests::living::{Cloud, World};
use anyhow::{Context as _, Result, bail, ensure};

use crate::support::{
    LOAD_BALANCERS, PASSWORD, expect_short, figure, inside, let_it_show, print_timeline, probed, unnoticed,
    wait_until_whole,
};

const NODES: usize = 11;
/// Less than the release's own size, so that growing to it is a change.
const LITTLE_MEMORY: &str = "-var=memory_mib=3072";
const MORE_MEMORY: &str = "-var=memory_mib=4096";
const CONTROLLERS: [&str; 2] = ["prod-controller-01", "prod-controller-02"];
const DATABASES: [&str; 3] = ["prod-database-01", "prod-database-02", "prod-database-03"];
const QUEUES: [&str; 2] = ["prod-message-queue-01", "prod-message-queue-02"];
const MEMCACHES: [&str; 2] = ["prod-memcache-01", "prod-memcache-02"];

/// All kinds but the database, whose restart cuts off who is connected.
const OTHER_OPTIONS: &str = r#"-var=changed=["load_balancer","message_queue","memcache","controller"]"#;
const ALL_OPTIONS: &str =
    r#"-var=changed=["load_balancer","message_queue","memcache","controller","database"]"#;
/// It comes after the override that fits the cloud to this machine, and repeats its option.
const CONTROLLERS_OPTIONS: &str = r#"resource "vio_controller_pool" "this" {
  options = merge({ api_workers = "1" }, contains(var.changed, "controller") ? { token_expiration_s = "3600" } : {})
}
"#;

/// The configuration.
pub(crate) fn begin(deployment: &Deployment) -> Result<()> {
    deployment.write("main.tf", include_str!("few.tf"))?;
    Cloud::prepare(deployment, PASSWORD)?;
    deployment.write("options_override.tf", CONTROLLERS_OPTIONS)
}

/// The first apply; when it returns, a token can be had through both VIPs, at the first attempt.
pub(crate) fn tokens_are_had_when_apply_returns(deployment: &Deployment) -> Result<Cloud> {
    deployment.apply_with(&[LITTLE_MEMORY])?.expect_text("6 added")?;
    let cloud = Cloud::enter(deployment, PASSWORD)?;
    tokens_are_had_everywhere(deployment, &cloud)?;
    print_timeline(deployment, "tier 1")?;
    deployment.plan_is_empty_with(&[LITTLE_MEMORY])?;
    Ok(cloud)
}

/// From both VIPs and from each controller, and each takes the other's.
fn tokens_are_had_everywhere(deployment: &Deployment, cloud: &Cloud) -> Result<()> {
    let state = deployment.state()?;
    let controllers = state.nodes_of("vio_controller_pool.this")?;
    let direct: Vec<String> =
        controllers.iter().map(|node| format!("http://{}:5000", node.ip_address)).collect();
    let vips = [cloud.public_identity(), cloud.internal_identity()];
    for (from, at) in
        [(&vips[0], &vips[1]), (&vips[1], &vips[0]), (&direct[0], &direct[1]), (&direct[1], &direct[0])]
    {
        let token = cloud.token_from(from).with_context(|| format!("a token from {from}"))?;
        cloud.validate_at(at, &token).with_context(|| format!("a token of {from} at {at}"))?;
    }
    Ok(())
}

pub(crate) fn clusters_are_whole(deployment: &Deployment) -> Result<()> {
    for node in DATABASES {
        let size = inside(deployment, node, "mysql -NBe \"SHOW STATUS LIKE 'wsrep_cluster_size'\"")?;
        ensure!(size.trim().ends_with('3'), "{node}: {size}");
    }
    for node in QUEUES {
        let status = inside(deployment, node, "rabbitmqctl --quiet cluster_status --formatter json")?;
        let status: serde_json::Value =
            serde_json::from_str(&status).context("reading the queue's status")?;
        let running = status["running_nodes"].as_array().map_or(0, Vec::len);
        ensure!(running == 2, "{node} sees {running} running members: {status}");
    }
    Ok(())
}

/// Every role loses a member while tokens are asked for, and everything is whole again after power-on, without a hand.
pub(crate) fn one_node_less_is_no_outage(deployment: &Deployment, cloud: &Cloud) -> Result<()> {
    let holder = holder_of_the_public_vip(deployment)?;
    let what = "HAProxy stopped on the load balancer that holds the VIP";
    let outage = probed(cloud, what, || {
        inside(deployment, holder, "systemctl stop haproxy")?;
        let_it_show();
        Ok(())
    })?;
    expect_short(what, &outage)?;
    inside(deployment, holder, "systemctl start haproxy")?;
    wait_until_whole(deployment, NODES)?;

    let holder = holder_of_the_public_vip(deployment)?;
    for node in [holder, DATABASES[0], CONTROLLERS[0], MEMCACHES[0], QUEUES[0]] {
        power_cycle(deployment, cloud, node)?;
    }
    clusters_are_whole(deployment)?;
    deployment.plan_is_empty_with(&[LITTLE_MEMORY])
}

fn power_cycle(deployment: &Deployment, cloud: &Cloud, node: &str) -> Result<()> {
    let what = format!("{node} powered off");
    let outage = probed(cloud, &what, || {
        deployment.vcenter.power_off(node)?;
        let_it_show();
        Ok(())
    })?;
    expect_short(&what, &outage)?;
    // How long tokens are waited for meanwhile says more of the machine, which boots a node, than of the cloud.
    probed(cloud, &format!("{node} powered on"), || {
        deployment.vcenter.power_on(node)?;
        let took = wait_until_whole(deployment, NODES)?;
        figure(&format!("{node}: ready {:.0} s after power-on", took.as_secs_f64()));
        Ok(())
    })
    .map(|_| ())
}

fn holder_of_the_public_vip(deployment: &Deployment) -> Result<&'static str> {
    for node in LOAD_BALANCERS {
        if inside(deployment, node, "ip -brief address show")?.contains("198.18.20.10/") {
            return Ok(node);
        }
    }
    bail!("no load balancer holds the public VIP")
}

/// A controller that cannot come up stops the roll: the others stay as they are, and serve.
pub(crate) fn a_broken_configuration_stops_at_the_first_controller(
    deployment: &Deployment,
    cloud: &Cloud,
) -> Result<()> {
    let nowhere = "-var=identity_database=mysql+pymysql://keystone:none@198.18.10.250/keystone";
    let options = [LITTLE_MEMORY, nowhere, "-var=update_timeout=90s"];
    let before: Vec<String> = revisions(deployment)?;
    let outage = probed(cloud, "a configuration that cannot work, on the first controller", || {
        let failed = deployment.apply_fails(&options)?;
        failed.expect_text("prod-controller-0")?;
        Ok(())
    })?;
    let after = revisions(deployment)?;
    let changed = before.iter().zip(&after).filter(|(before, after)| before != after).count();
    ensure!(changed == 1, "the roll should have stopped at the first of {before:?}: {after:?}");
    expect_short("a configuration that cannot work", &outage)?;
    deployment.apply_converges(&[LITTLE_MEMORY]).context("taking the configuration back")?;
    wait_until_whole(deployment, NODES)?;
    tokens_are_had_everywhere(deployment, cloud)
}

fn revisions(deployment: &Deployment) -> Result<Vec<String>> {
    let revision = |node: &&str| Ok(deployment.vcenter.vm(node)?["extra_config"]["vio.revision"].to_string());
    CONTROLLERS.iter().map(revision).collect()
}

/// The controllers' memory and an option of each kind that is drained or shared; the roll of each is under way at once.
pub(crate) fn a_roll_of_what_drains_is_not_noticed(deployment: &Deployment, cloud: &Cloud) -> Result<()> {
    let what = "controllers get more memory, all kinds but one another option";
    let roll = || deployment.apply_converges(&[MORE_MEMORY, OTHER_OPTIONS]).map(|_| ());
    let back = || deployment.apply_converges(&[LITTLE_MEMORY]).map(|_| ());
    unnoticed(deployment, cloud, what, roll, back)?;
    for node in CONTROLLERS {
        let memory = &deployment.vcenter.vm(node)?["memory_mib"];
        ensure!(memory == 4096, "{node} has {memory} MiB");
    }
    for (node, line, file) in [
        (LOAD_BALANCERS[1], "timeout client 50s", "/etc/haproxy/haproxy.cfg"),
        (QUEUES[1], "heartbeat = 50", "/etc/rabbitmq/rabbitmq.conf"),
        (MEMCACHES[1], "512k", "/etc/memcached.conf"),
        (CONTROLLERS[1], "expiration = 3600", "/etc/keystone/keystone.conf"),
    ] {
        inside(deployment, node, &format!("grep -F '{line}' {file}"))
            .with_context(|| format!("{node} has not the other option"))?;
    }
    ensure!(World::of(&deployment.vcenter)?.guests.len() == NODES, "a guest came or went");
    Ok(())
}

/// Connections to a database that restarts are lost; there is no draining them.
pub(crate) fn a_roll_of_the_databases_is_short(deployment: &Deployment, cloud: &Cloud) -> Result<()> {
    let what = "databases get another option, one after the other";
    let outage = probed(cloud, what, || deployment.apply_converges(&[MORE_MEMORY, ALL_OPTIONS]).map(|_| ()))?;
    clusters_are_whole(deployment)?;
    expect_short(what, &outage)
}
