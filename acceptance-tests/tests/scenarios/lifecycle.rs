//! A cloud from the first apply to the last destroy.

use std::fmt::Write as _;

use acceptance_tests::{Deployment, on_every_cli};
use anyhow::{Context as _, Result, ensure};
use serde_json::json;

use crate::support::{
    DAY_2, NODES, RESOURCES, applied_document, example, expect_clean, file, moids, one_cli,
};

const LOAD_BALANCERS: [&str; 2] = ["prod-load-balancer-01", "prod-load-balancer-02"];
const DATABASES: [&str; 3] = ["prod-database-01", "prod-database-02", "prod-database-03"];
const HAPROXY: &str = "/etc/haproxy/haproxy.cfg";

#[test]
fn apply_makes_fourteen_ready_nodes_and_destroy_leaves_nothing() -> Result<()> {
    on_every_cli(|cli| {
        let cloud = example(cli)?;
        let before = cloud.vcenter.inventory()?;

        cloud.apply()?.expect_text("8 added, 0 changed, 0 destroyed")?;
        let nodes = cloud.state()?.nodes();
        let names: Vec<&str> = nodes.iter().map(|node| node.name.as_str()).collect();
        assert_eq!(names, NODES);
        for node in &nodes {
            assert_eq!(node.state, "ready", "{}", node.name);
            let vm = cloud.vcenter.vm(&node.name)?;
            assert_eq!(
                (&vm["power"], &vm["host"]),
                (&json!("poweredOn"), &json!(node.host)),
                "{}",
                node.name
            );
            assert_eq!(vm["address"], json!(node.ip_address), "{}", node.name);
            applied_document(&cloud.vcenter, &node.name)?;
        }
        cloud.plan_is_empty()?;
        cloud.plan_is_empty_with(&["-refresh=false"])?;

        cloud.destroy()?.expect_text("8 destroyed")?;
        cloud.vcenter.inventory()?.expect_same_as(&before)?;
        expect_clean(&cloud.vcenter.log()?)
    })
}

#[test]
fn object_storage_joins_behind_the_load_balancers_without_a_diff_on_them() -> Result<()> {
    on_every_cli(|cli| {
        let cloud = example(cli)?;
        cloud.apply()?;
        let revisions = |nodes: &[&str]| -> Result<Vec<String>> {
            nodes.iter().map(|node| Ok(cloud.vcenter.guest(node)?["revision"].to_string())).collect()
        };
        let (balancers, databases) = (revisions(&LOAD_BALANCERS)?, revisions(&DATABASES)?);

        let plan = cloud.plan_with(&[DAY_2])?;
        assert_eq!(plan.counts(), (1, 0, 0), "{}", plan.summary());
        cloud.apply_converges(&[DAY_2])?.expect_text("1 added, 0 changed, 0 destroyed")?;

        let storage = cloud.state()?.nodes_of("vio_component.object_storage[0]")?;
        assert!(!storage.is_empty() && storage.iter().all(|node| node.state == "ready"), "{storage:?}");
        for balancer in LOAD_BALANCERS {
            let document = applied_document(&cloud.vcenter, balancer)?;
            let haproxy = file(&document, HAPROXY)?;
            for node in &storage {
                let backend = format!("{}:8080", node.ip_address);
                ensure!(haproxy.contains(&backend), "{balancer} has no backend {backend}:\n{haproxy}");
            }
        }
        assert_ne!(revisions(&LOAD_BALANCERS)?, balancers);
        assert_eq!(revisions(&DATABASES)?, databases);

        cloud.apply_converges(&[])?.expect_text("0 added, 0 changed, 1 destroyed")?;
        // Without the component, all is as it was before it.
        assert_eq!(revisions(&LOAD_BALANCERS)?, balancers);
        Ok(())
    })
}

#[test]
fn a_controller_scaled_in_gives_its_address_back_and_no_other_node_changes() -> Result<()> {
    on_every_cli(|cli| {
        let cloud = example(cli)?;
        cloud.apply()?;
        let two = moids(&cloud)?;

        let (third, with_third) = scaled_to_three(&cloud)?;
        assert_eq!(with_third.iter().filter(|node| !two.contains(node)).count(), 1);

        let plan = cloud.plan()?;
        assert_eq!(plan.counts(), (0, 1, 0), "{}", plan.summary());
        cloud.apply_converges(&[])?;
        assert_eq!(moids(&cloud)?, two);
        assert!(!cloud.vcenter.inventory()?.vm_names().contains(&"prod-controller-03".to_owned()));

        let (again, _) = scaled_to_three(&cloud)?;
        assert_eq!(again, third, "the lowest free address is used again");
        Ok(())
    })
}

/// Scales to three controllers; the third's address, and all nodes.
fn scaled_to_three(cloud: &Deployment) -> Result<(String, Vec<(String, String)>)> {
    let three = "-var=controllers=3";
    let plan = cloud.plan_with(&[three])?;
    assert_eq!(plan.counts(), (0, 1, 0), "{}", plan.summary());
    cloud.apply_converges(&[three])?;
    let controllers = cloud.state()?.nodes_of("vio_controller_pool.this")?;
    assert_eq!(controllers.len(), 3);
    let haproxy = applied_document(&cloud.vcenter, LOAD_BALANCERS[0])?;
    let third = controllers
        .into_iter()
        .find(|node| node.name == "prod-controller-03")
        .context("no third controller")?;
    assert!(file(&haproxy, HAPROXY)?.contains(&format!("{}:5000", third.ip_address)));
    Ok((third.ip_address, moids(cloud)?))
}

#[test]
fn every_resource_imports_by_its_id_into_an_empty_plan() -> Result<()> {
    on_every_cli(|cli| {
        let cloud = example(cli)?;
        cloud.apply()?;
        let (applied, vcenter) = (cloud.state()?, cloud.vcenter.inventory()?);

        cloud.directory.forget_state()?;
        for (address, id) in RESOURCES {
            cloud.import(address, id)?;
        }
        cloud.plan_is_empty()?;
        for (address, _) in RESOURCES {
            assert_eq!(cloud.state()?.resource(address)?, applied.resource(address)?, "{address}");
        }
        cloud.vcenter.inventory()?.expect_same_as(&vcenter)
    })
}

#[test]
fn import_blocks_change_nothing_in_vcenter() -> Result<()> {
    let cloud = example(&one_cli()?)?;
    cloud.apply()?;
    cloud.directory.forget_state()?;
    let mut blocks = String::new();
    for (address, id) in RESOURCES {
        writeln!(blocks, "import {{\n  to = {address}\n  id = \"{id}\"\n}}")?;
    }
    cloud.write("imports.tf", &blocks)?;

    let log = cloud.vcenter.log_of(|| {
        cloud.apply()?.expect_text("8 imported, 0 added, 0 changed, 0 destroyed")?;
        Ok(())
    })?;
    assert_eq!(log.mutations, []);
    cloud.plan_is_empty()?;
    expect_clean(&cloud.vcenter.log()?)
}
