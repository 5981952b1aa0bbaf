//! The provider is killed before and after every call that changes something, of everything that users do.

use anyhow::Result;

use crate::desired::{STORAGE, THREE, expect_as_desired, with};
use crate::kill::{DESTROY, apply, killed_at_each_call};
use crate::support::{DAY_2, NODES, RESIZED, example, one_cli, rewrite};

#[test]
fn a_create_and_a_destroy_that_are_killed_at_each_call_leave_nothing_twice_and_nothing_behind() -> Result<()>
{
    let cloud = example(&one_cli()?)?;
    let before = cloud.vcenter.inventory()?;
    killed_at_each_call(&cloud, "create", &apply(&[]))?;
    expect_as_desired(&cloud, &before, &[], &NODES)?;
    killed_at_each_call(&cloud, "destroy", &DESTROY)?;
    cloud.vcenter.inventory()?.expect_same_as(&before)
}

#[test]
fn changes_that_are_killed_at_each_call_come_to_what_is_wanted() -> Result<()> {
    let cloud = example(&one_cli()?)?;
    let before = cloud.vcenter.inventory()?;
    cloud.apply()?;

    killed_at_each_call(&cloud, "scale out", &apply(&[THREE]))?;
    expect_as_desired(&cloud, &before, &[THREE], &with(&["prod-controller-03"]))?;
    killed_at_each_call(&cloud, "scale in", &apply(&[]))?;
    expect_as_desired(&cloud, &before, &[], &NODES)?;

    rewrite(&cloud, &[RESIZED])?;
    killed_at_each_call(&cloud, "resize", &apply(&[]))?;
    expect_as_desired(&cloud, &before, &[], &NODES)?;

    killed_at_each_call(&cloud, "add", &apply(&[DAY_2]))?;
    expect_as_desired(&cloud, &before, &[DAY_2], &with(&STORAGE))?;
    killed_at_each_call(&cloud, "remove", &apply(&[]))?;
    expect_as_desired(&cloud, &before, &[], &NODES)?;

    // Another spelling is another template.
    let template = ("\"templates/vio-node-template\"", "\"/dc1/vm/templates/vio-node-template\"");
    rewrite(&cloud, &[RESIZED, template])?;
    killed_at_each_call(&cloud, "template", &apply(&[]))?;
    expect_as_desired(&cloud, &before, &[], &NODES)?;

    cloud.destroy()?;
    cloud.vcenter.inventory()?.expect_same_as(&before)
}
