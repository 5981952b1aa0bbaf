//! What only a cloud that lives can show: tokens, images, objects, the dashboard.

use acceptance_tests::living::{self, Cloud, Living, World};
use acceptance_tests::{Cli, Deployment, Installation};
use anyhow::{Result, bail, ensure};

use crate::screen::{self, Step};

/// The administrator's password of a cloud that nobody outside of this machine can reach.
const PASSWORD: &str = "quickstart-admin";

/// Fails with the reason on a machine that cannot run living guests; builds their root file system where it is missing.
pub(crate) fn check() -> Result<()> {
    match living::root()? {
        Living::Root(_) => Ok(()),
        Living::NotHere(why) => bail!("{why}"),
    }
}

/// A vCenter whose guests live.
pub(crate) fn deployment(cli: &Cli, may_outlive: bool) -> Result<Deployment> {
    let Living::Root(root) = living::root()? else { bail!("this machine cannot run living guests any more") };
    let mut options = living::simulator_options(&root);
    options.may_outlive = may_outlive;
    living::deployment(cli, Installation::Mirror, &options)
}

/// Before the first plan: what the cloud needs to live on this machine.
pub(crate) fn prepare(deployment: &Deployment) -> Result<()> {
    Cloud::prepare(deployment, PASSWORD)
}

/// After the first apply: a token, the catalogue, the dashboard.
pub(crate) fn show_first_day(deployment: &Deployment) -> Result<()> {
    let step = Step::begin("Use the cloud: a token, the service catalogue, the dashboard");
    let cloud = Cloud::enter(deployment, PASSWORD)?;
    let token = cloud.token_from(&cloud.public_identity())?;
    cloud.validate_at(&cloud.internal_identity(), &token)?;
    screen::show(&format!("a token that expires at {}", token.expires));
    screen::show(cloud.openstack("public", &["catalog", "list"])?.trim_end());
    let page = cloud.login_page()?;
    ensure!(page.contains("csrfmiddlewaretoken"), "the dashboard shows no login form");
    screen::show(&format!("Horizon's login page answers at {}", cloud.dashboard));
    println!();
    screen::show("seconds from power-on, and memory:");
    screen::show(World::measured(&deployment.vcenter)?.timeline().trim_end());
    step.end("it lives");
    Ok(())
}

/// After object storage has joined: an object goes in and comes out.
pub(crate) fn show_second_day(deployment: &Deployment) -> Result<()> {
    let step = Step::begin("Day 2: store an object of 1 MiB and read it back");
    let cloud = Cloud::enter(deployment, PASSWORD)?;
    let digest = cloud.object_round_trip()?;
    step.end(&format!("the same SHA-256 went in and came out: {digest}"));
    Ok(())
}

/// How a shell enters the client's network with a working `clouds.yaml`.
pub(crate) fn say_how_to_enter(deployment: &Deployment) -> Result<()> {
    let cloud = Cloud::enter(deployment, PASSWORD)?;
    println!("\nA shell of a client of the cloud, whose `openstack --os-cloud public` works:\n");
    screen::show(&cloud.client_shell());
    Ok(())
}
