//! The privileges that the guide lists are those that the provider needs: each is used, and no other.

use std::collections::BTreeSet;

use acceptance_tests::paths;
use anyhow::{Context as _, Result};

use crate::support::{DAY_2, example, one_cli, rewrite};

/// The privileges of the table in the guide.
fn listed() -> Result<BTreeSet<String>> {
    let file = paths::repository().join("docs/guides/security.md");
    let text = std::fs::read_to_string(&file).with_context(|| format!("reading {}", file.display()))?;
    let table =
        text.split("## What the provider's user needs").nth(1).context("the guide has no such chapter")?;
    let rows = table.lines().filter(|line| line.starts_with("| `"));
    let cells = rows.filter_map(|row| row.split('|').nth(1));
    Ok(cells.flat_map(|cell| cell.split('`').skip(1).step_by(2)).map(str::to_owned).collect())
}

#[test]
fn the_privileges_that_the_guide_lists_suffice_and_each_is_needed() -> Result<()> {
    let listed = listed()?;
    let cloud = example(&one_cli()?)?;
    cloud.vcenter.grant(&listed.iter().map(String::as_str).collect::<Vec<_>>())?;
    cloud.apply_converges(&[])?;
    cloud.apply_converges(&[DAY_2])?;
    let kind = "kind                  = \"memcache\"";
    rewrite(&cloud, &[(kind, &format!("{kind}\n  node_size = {{ memory_mib = 4096 }}"))])?;
    cloud.vcenter.power_off("prod-memcache-02")?;
    cloud.vcenter.rename("prod-memcache-01", "mine-now")?;
    cloud.vcenter.move_to_folder("prod-database-01", "/dc1/vm/other-team")?;
    cloud.vcenter.connect("prod-load-balancer-02", 1, "management")?;
    cloud.apply_converges(&[DAY_2])?;
    // A node out of its folder and its pool at once is not looked for all over vCenter.
    cloud.vcenter.destroy_pool("/dc1/host/mgmt/Resources/prod")?;
    cloud.apply_converges(&[DAY_2])?;
    cloud.destroy()?;
    let log = cloud.vcenter.log()?;
    let used = log.raw["privileges"].as_object().context("the log has no privileges")?;
    assert_eq!(used.keys().cloned().collect::<BTreeSet<_>>(), listed);
    Ok(())
}

#[test]
fn a_missing_privilege_is_told_with_its_object_and_the_next_apply_goes_on() -> Result<()> {
    let cloud = example(&one_cli()?)?;
    let all = listed()?;
    let lacking: Vec<&str> =
        all.iter().map(String::as_str).filter(|name| *name != "VirtualMachine.Interact.PowerOn").collect();
    cloud.vcenter.grant(&lacking)?;
    cloud
        .apply_fails(&["-target=vio_component.memcache"])?
        .expect_text("Cannot create `prod/memcache`")?
        .expect_text("the user lacks the privilege `VirtualMachine.Interact.PowerOn` on VirtualMachine:")?
        .expect_text(
            "Give the provider's user the privilege `VirtualMachine.Interact.PowerOn` there, then run again.",
        )?;
    cloud.vcenter.grant_all()?;
    cloud.apply_with(&["-target=vio_component.memcache"])?.expect_text("1 added, 0 changed, 0 destroyed")?;
    Ok(())
}
