//! What is refused, where the message points, and that nothing is touched.

use acceptance_tests::{Deployment, Diagnostic, on_every_cli};
use anyhow::{Result, ensure};

use crate::support::{Edit, NODES, RESOURCES, example, expect_clean, one_cli, rewrite, work};

/// Where a message must point, and the words that must be in it.
struct Expected<'a> {
    address: &'a str,
    code: &'a str,
    words: &'a [&'a str],
}

/// Fails unless each is among the errors, at its line, and no error is there beside them.
fn expect_exactly(errors: &[Diagnostic], expected: &[Expected<'_>]) -> Result<()> {
    for Expected { address, code, words } in expected {
        let here = |error: &&Diagnostic| {
            let text = format!("{} {}", error.summary, error.detail);
            error.address.as_deref().is_none_or(|found| found == *address)
                && error.code.as_deref() == Some(*code)
                && words.iter().all(|word| text.contains(word))
        };
        ensure!(errors.iter().any(|error| here(&error)), "no error with {words:?} at {code:?}: {errors:#?}");
    }
    ensure!(
        errors.len() == expected.len(),
        "{} errors instead of {}: {errors:#?}",
        errors.len(),
        expected.len()
    );
    Ok(())
}

/// The plan of the example with these changes is refused so, and vCenter is not touched.
fn plan_is_refused(cloud: &Deployment, edits: &[Edit<'_>], expected: &[Expected<'_>]) -> Result<()> {
    rewrite(cloud, edits)?;
    let log = cloud.vcenter.log_of(|| expect_exactly(&errors(cloud.plan_fails()?), expected))?;
    assert_eq!(log.mutations, []);
    expect_clean(&log)
}

fn errors(diagnostics: Vec<Diagnostic>) -> Vec<Diagnostic> {
    diagnostics.into_iter().filter(|diagnostic| diagnostic.severity == "error").collect()
}

/// Validation of the example with these changes is refused so, without a look at vCenter.
fn validate_is_refused(cloud: &Deployment, edits: &[Edit<'_>], expected: &[Expected<'_>]) -> Result<()> {
    rewrite(cloud, edits)?;
    expect_exactly(&errors(cloud.validate_fails()?), expected)?;
    assert_eq!(cloud.vcenter.log()?.calls, 0);
    Ok(())
}

const CLUSTER: &str = "vio_management_cluster.this";
const DATABASE: &str = "vio_component.database";

#[test]
fn a_deployment_that_is_wrong_in_itself_is_refused_by_validate_all_at_once() -> Result<()> {
    on_every_cli(|cli| {
        let two_ranges = "[\"198.18.10.10-198.18.10.50\", \"198.18.10.50-198.18.10.99\"]";
        validate_is_refused(
            &example(cli)?,
            &[
                ("\"zed\"", "\"zebra\""),
                ("[\"198.18.10.10-198.18.10.99\"]", two_ranges),
                ("\"198.18.20.10\"", "\"198.18.21.10\""),
            ],
            &[
                Expected {
                    address: CLUSTER,
                    code: "release    = \"zebra\"",
                    words: &["`zebra`", "`zed`", "`kilo`", "`icehouse`"],
                },
                Expected {
                    address: CLUSTER,
                    code: &format!("ip_ranges   = {two_ranges}"),
                    words: &["198.18.10.10-198.18.10.50", "198.18.10.50-198.18.10.99"],
                },
                Expected {
                    address: CLUSTER,
                    code: "vip       = \"198.18.21.10\"",
                    words: &["`198.18.21.10`", "`198.18.20.0/24`"],
                },
            ],
        )
    })
}

#[test]
fn a_component_that_is_wrong_in_itself_is_refused_by_validate() -> Result<()> {
    on_every_cli(|cli| {
        let kind = "  kind                  = \"database\"";
        let with_balancer = format!("  load_balancer_id      = vio_component.load_balancer.id\n{kind}");
        validate_is_refused(
            &example(cli)?,
            &[("\"memcache\"\n}", "\"memcached\"\n}"), (&with_balancer, kind)],
            &[
                Expected {
                    address: "vio_component.memcache",
                    code: "kind                  = \"memcached\"",
                    words: &["`memcached`", "`memcache`"],
                },
                Expected {
                    address: DATABASE,
                    code: "resource \"vio_component\" \"database\" {",
                    words: &["`database`", "`load_balancer_id`"],
                },
            ],
        )
    })
}

#[test]
fn what_the_release_does_not_allow_is_refused_by_plan() -> Result<()> {
    on_every_cli(|cli| {
        let database = "kind                  = \"database\"";
        let memcache = "kind                  = \"memcache\"";
        let with = |line: &str, more: &str| format!("{line}\n  {more}");
        plan_is_refused(
            &example(cli)?,
            &[
                (database, &with(database, "node_count            = 2")),
                (
                    memcache,
                    &with(
                        memcache,
                        "options = {\n    colour          = \"blue\"\n    max_connections = \"1\"\n  }",
                    ),
                ),
            ],
            &[
                Expected { address: DATABASE, code: "node_count            = 2", words: &["2", "odd"] },
                Expected {
                    address: "vio_component.memcache",
                    code: "colour          = \"blue\"",
                    words: &["`memcache` has no option of that name", "max_connections"],
                },
                Expected {
                    address: "vio_component.memcache",
                    code: "max_connections = \"1\"",
                    words: &["64", "65536"],
                },
            ],
        )
    })
}

#[test]
fn names_that_lead_to_nothing_in_vcenter_are_refused_by_plan_all_at_once() -> Result<()> {
    on_every_cli(|cli| {
        let cloud = example(cli)?;
        plan_is_refused(
            &cloud,
            &[
                ("\"ds-mgmt\"", "\"ds-gone\""),
                ("\"management\"", "\"vlan-gone\""),
                ("\"templates/vio-node-template\"", "\"templates/gone\""),
            ],
            &[
                Expected {
                    address: CLUSTER,
                    code: "datastore  = \"ds-gone\"",
                    words: &["`ds-gone`", "`ds-mgmt`"],
                },
                Expected {
                    address: CLUSTER,
                    code: "network     = \"vlan-gone\"",
                    words: &["`vlan-gone`", "`management`"],
                },
                Expected {
                    address: CLUSTER,
                    code: "template   = \"templates/gone\"",
                    words: &["`templates/gone`"],
                },
            ],
        )?;
        plan_is_refused(
            &cloud,
            &[("cluster    = \"mgmt\"", "cluster    = \"gone\"")],
            &[Expected { address: CLUSTER, code: "cluster    = \"gone\"", words: &["`gone`", "`mgmt`"] }],
        )?;
        plan_is_refused(
            &cloud,
            &[("datacenter = var.datacenter", "datacenter = \"dc9\"")],
            &[Expected { address: CLUSTER, code: "datacenter = \"dc9\"", words: &["`dc9`", "`dc1`"] }],
        )
    })
}

#[test]
fn a_cluster_that_is_not_for_tenants_is_refused_by_plan() -> Result<()> {
    let cloud = example(&one_cli()?)?;
    let compute = "vio_compute_cluster.this";
    plan_is_refused(
        &cloud,
        &[("\"compute-1\"", "\"mgmt\""), ("\"ds-compute-1\"", "\"ds-mgmt\"")],
        &[Expected {
            address: compute,
            code: "cluster               = \"mgmt\"",
            words: &["`mgmt`", "management cluster"],
        }],
    )?;
    plan_is_refused(
        &cloud,
        &[("\"compute-1\"", "\"compute-9\"")],
        &[Expected {
            address: compute,
            code: "cluster               = \"compute-9\"",
            words: &["`compute-9`", "`compute-1`"],
        }],
    )?;
    plan_is_refused(
        &cloud,
        &[("[\"ds-compute-1\"]", "[\"ds-compute-2\"]")],
        &[Expected {
            address: compute,
            code: "datastores            = [\"ds-compute-2\"]",
            words: &["`ds-compute-2`", "`ds-compute-1`"],
        }],
    )
}

/// The 15th address is the one too few: 14 nodes and the internal VIP.
#[test]
fn ranges_that_are_one_address_too_small_are_refused_by_plan() -> Result<()> {
    let cloud = example(&one_cli()?)?;
    rewrite(&cloud, &[("198.18.10.99", "198.18.10.23")])?;
    let log = cloud.vcenter.log_of(|| {
        let errors = errors(cloud.plan_fails()?);
        let too_few =
            |error: &&Diagnostic| error.detail.contains("hold 13 usable addresses and 14 are needed");
        ensure!(errors.len() == 1 && errors.iter().any(|error| too_few(&error)), "{errors:#?}");
        Ok(())
    })?;
    assert_eq!(log.mutations, []);
    rewrite(&cloud, &[("198.18.10.99", "198.18.10.24")])?;
    assert_eq!(cloud.plan()?.counts(), (8, 0, 0));
    Ok(())
}

#[test]
fn a_vcenter_that_cannot_be_used_is_refused_by_plan_once() -> Result<()> {
    on_every_cli(|cli| {
        let refused = |change: &dyn Fn(&Deployment), words: &[&str]| -> Result<()> {
            let cloud = example(cli)?;
            change(&cloud);
            let errors = errors(cloud.plan_fails()?);
            let text: Vec<String> =
                errors.iter().map(|error| format!("{} {}", error.summary, error.detail)).collect();
            ensure!(
                text.len() == 1 && words.iter().all(|word| text[0].contains(word)),
                "not {words:?}: {errors:#?}"
            );
            let log = cloud.vcenter.log()?;
            assert_eq!((log.mutations.len(), log.sessions_open), (0, 0));
            Ok(())
        };
        refused(
            &|cloud| cloud.directory.set_env("VSPHERE_PASSWORD", "wrong"),
            &["InvalidLogin", "`password`", "VSPHERE_PASSWORD"],
        )?;
        refused(
            &|cloud| cloud.directory.remove_env("VIO_CA_CERTIFICATE_PEM"),
            &["certificate", "`ca_certificate_pem`"],
        )?;
        // Port 1 of the loopback interface: nobody listens there.
        refused(
            &|cloud| cloud.directory.set_env("VSPHERE_SERVER", "127.0.0.1:1"),
            &["127.0.0.1:1", "refused"],
        )?;
        refused(
            &|cloud| cloud.directory.remove_env("VSPHERE_SERVER"),
            &["Missing provider configuration", "`vsphere_server`", "VSPHERE_SERVER"],
        )
    })
}

#[test]
fn a_foreign_vm_with_a_nodes_name_is_named_and_not_touched() -> Result<()> {
    let cloud = example(&one_cli()?)?;
    cloud.apply_with(&["-target=vio_management_cluster.this"])?;
    cloud.vcenter.create_foreign("prod-database-02", "/dc1/vm/prod")?;
    let before = cloud.vcenter.vm("prod-database-02")?;

    cloud
        .apply_fails(&["-target=vio_component.database"])?
        .expect_text("`prod-database-02`")?
        .expect_text("was not touched")?;
    assert_eq!(cloud.vcenter.vm("prod-database-02")?, before);

    cloud.vcenter.rename("prod-database-02", "somebody-elses")?;
    cloud.apply_converges(&[])?;
    cloud.destroy()?;
    let mut names = cloud.vcenter.inventory()?.vm_names();
    names.retain(|name| name.starts_with("prod-") || name == "somebody-elses");
    assert_eq!(names, ["somebody-elses"]);
    Ok(())
}

#[test]
fn a_folder_with_somebody_elses_vms_is_not_taken_for_a_deployment() -> Result<()> {
    let cloud = example(&one_cli()?)?;
    let before = cloud.vcenter.inventory()?;
    let log = cloud.vcenter.log_of(|| {
        cloud
            .apply_fails(&["-var=name=other-team"])?
            .expect_text("`/dc1/vm/other-team`")?
            .expect_text("`someone-elses-vm`")?;
        Ok(())
    })?;
    assert_eq!(log.mutations, []);
    cloud.vcenter.inventory()?.expect_same_as(&before)
}

#[test]
fn a_deployment_with_nodes_is_not_deleted_and_its_nodes_are_named() -> Result<()> {
    let cloud = example(&one_cli()?)?;
    cloud.apply()?;
    for (address, _) in RESOURCES.iter().skip(1) {
        cloud.directory.run(&["state", "rm", address])?.expect_success()?;
    }
    let before = cloud.vcenter.inventory()?;

    let log = cloud.vcenter.log_of(|| {
        let refused = cloud.directory.destroy(&[])?.expect_failure()?;
        refused.expect_text(&format!("still has 14 nodes: {}", NODES.join(", ")))?;
        Ok(())
    })?;
    assert_eq!(work(&log)?, []);
    cloud.vcenter.inventory()?.expect_same_as(&before)
}

#[test]
fn a_component_that_another_stands_on_is_not_deleted() -> Result<()> {
    let cloud = example(&one_cli()?)?;
    let before = cloud.vcenter.inventory()?;
    cloud.apply()?;
    cloud.directory.run(&["state", "rm", "vio_component.dhcp"])?.expect_success()?;
    let controller = cloud.vcenter.vm("prod-controller-01")?;

    let refused = cloud.directory.destroy(&[])?.expect_failure()?;
    refused.expect_text("`prod/controllers` cannot be removed while `dhcp` stand on it")?;
    assert_eq!(cloud.vcenter.vm("prod-controller-01")?["power"], controller["power"]);

    cloud.import("vio_component.dhcp", "prod/dhcp")?;
    cloud.destroy()?;
    cloud.vcenter.inventory()?.expect_same_as(&before)
}

#[test]
fn a_compute_cluster_with_tenants_is_not_deleted_unless_forced() -> Result<()> {
    let cloud = example(&one_cli()?)?;
    rewrite(&cloud, &[("  force_delete = true\n", "")])?;
    cloud.apply_converges(&[])?;
    let node = cloud.vcenter.vm("prod-compute-driver-01")?;

    let target = "-target=vio_compute_cluster.this";
    cloud.directory.destroy(&[target])?.expect_failure()?.expect_text("still runs 3 VMs of tenants")?;
    assert_eq!(cloud.vcenter.vm("prod-compute-driver-01")?, node);

    rewrite(&cloud, &[])?;
    assert_eq!(cloud.plan()?.change("vio_compute_cluster.this")?.changed_attributes(), ["force_delete"]);
    cloud.apply_converges(&[])?;
    cloud.directory.destroy(&[target])?.expect_success()?;
    let names = cloud.vcenter.inventory()?.vm_names();
    assert!(
        names.contains(&"tenant-vm-1".to_owned()) && !names.contains(&"prod-compute-driver-01".to_owned())
    );
    Ok(())
}
