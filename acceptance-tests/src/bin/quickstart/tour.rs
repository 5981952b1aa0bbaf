//! The tour: build, vCenter, first day, second day, the end.

use std::fmt::Write as _;
use std::process::Command;

use acceptance_tests::{Cli, Deployment, Installation, Output, Plan, SimulatorOptions, State, paths, tools};
use anyhow::{Context as _, Result, bail};

use crate::interrupt::{Interrupted, Interrupts};
use crate::life;
use crate::options::Options;
use crate::screen::{self, Step};

/// What the second day adds to `examples/complete`.
const DAY_2: &str = "-var=object_storage=true";

/// Walks the whole tour; on failure the logs stay and their place is told.
pub(crate) fn walk(options: &Options, interrupts: &Interrupts) -> Result<()> {
    println!(
        "A VIO cloud on a simulated vCenter. Nothing outside of this machine and a temporary directory is touched."
    );
    check_prerequisites(options)?;
    let cli = interrupts.or(build(options))?;
    let mut cloud = interrupts.or(start_vcenter(&cli, options))?;
    cloud.directory.forward_interrupts(&interrupts.pressed);
    let walked = interrupts.or(both_days(&cloud, options, interrupts)).and_then(|()| {
        if options.keep { leave(&mut cloud, options) } else { interrupts.or(take_down(&cloud)) }
    });
    match walked {
        Err(error) if !error.is::<Interrupted>() => {
            cloud.directory.keep();
            Err(error.context(format!(
                "the logs of each command are in {}/logs",
                cloud.directory.root().display()
            )))
        }
        other => other,
    }
}

fn check_prerequisites(options: &Options) -> Result<()> {
    let step = Step::begin("Prerequisites");
    if options.living {
        life::check()?;
    }
    let go = tools::go()?;
    let version =
        Command::new(&go).arg("version").output().with_context(|| format!("starting {}", go.display()))?;
    step.end(String::from_utf8_lossy(&version.stdout).trim());
    Ok(())
}

fn build(options: &Options) -> Result<Cli> {
    let step = Step::begin("Build: the provider (Rust), the simulated vCenter and the CLI (Go)");
    tools::provider_binary()?;
    tools::simulator()?;
    let cli = Cli::named(&options.cli)?;
    step.end(&format!("ready; {} is {}", cli.name, cli.path.display()));
    Ok(cli)
}

fn start_vcenter(cli: &Cli, chosen: &Options) -> Result<Deployment> {
    let step = Step::begin("Start the simulated vCenter");
    let cloud = if chosen.living {
        life::deployment(cli, chosen.keep)?
    } else {
        let options = SimulatorOptions { may_outlive: chosen.keep, ..SimulatorOptions::default() };
        Deployment::installed(cli, Installation::Mirror, options)?
    };
    cloud.copy_example("complete")?;
    if chosen.living {
        life::prepare(&cloud)?;
    }
    step.end(&format!("https://{}", cloud.vcenter.server()));
    screen::show(&format!(
        "the configuration is a copy of {}",
        paths::repository().join("examples/complete").display()
    ));
    Ok(cloud)
}

fn both_days(cloud: &Deployment, options: &Options, interrupts: &Interrupts) -> Result<()> {
    let cli = cloud.directory.cli().name;
    interrupts.or(init(cloud))?;

    interrupts.or(plan(cloud, &format!("{cli} plan"), &[]))?;
    interrupts.or(apply(cloud, &format!("{cli} apply")))?;
    let state = interrupts.or(cloud.state())?;
    println!();
    screen::show(&screen::node_table(&state.nodes()));
    println!();
    screen::show(&endpoints(&state));
    if options.living {
        interrupts.or(life::show_first_day(cloud))?;
    }

    let day_2 = interrupts.or(plan(cloud, &format!("Day 2: {cli} plan {DAY_2}"), &[DAY_2]))?;
    if day_2.counts() != (1, 0, 0) {
        bail!(
            "object storage should be one resource to add and nothing else, but the plan says\n{}",
            day_2.summary()
        );
    }
    interrupts.or(apply(cloud, &format!("Day 2: {cli} apply")))?;
    if options.living {
        interrupts.or(life::show_second_day(cloud))?;
    }
    interrupts.or(plan_again(cloud))
}

fn init(cloud: &Deployment) -> Result<()> {
    let step = Step::begin(&format!("{} init", cloud.directory.cli().name));
    cloud.directory.init()?.expect_success()?;
    cloud.directory.validate()?.expect_success()?;
    step.end("the provider is installed and the configuration is valid");
    Ok(())
}

fn plan(cloud: &Deployment, title: &str, options: &[&str]) -> Result<Plan> {
    let step = Step::begin(title);
    let plan = cloud.plan_with(options)?;
    let changes: Vec<String> =
        plan.changes().map(|change| format!("{:7} {}", change.actions.join("+"), change.address)).collect();
    screen::show(&changes.join("\n"));
    let (add, change, destroy) = plan.counts();
    step.end(&format!("{add} to add, {change} to change, {destroy} to destroy"));
    Ok(plan)
}

fn apply(cloud: &Deployment, title: &str) -> Result<()> {
    let step = Step::begin(title);
    let output = cloud.directory.apply_plan_watched(screen::progress())?.expect_success()?;
    step.end(&last_word(&output));
    Ok(())
}

fn plan_again(cloud: &Deployment) -> Result<()> {
    let step = Step::begin(&format!(
        "{} plan, again: what is there is what was asked for",
        cloud.directory.cli().name
    ));
    cloud.plan_is_empty_with(&[DAY_2])?;
    step.end("no changes");
    Ok(())
}

fn take_down(cloud: &Deployment) -> Result<()> {
    let cli = cloud.directory.cli().name;
    let step = Step::begin(&format!("{cli} destroy"));
    let output = cloud.directory.destroy_watched(&[DAY_2], screen::progress())?.expect_success()?;
    step.end(&last_word(&output));
    println!(
        "\nThat was all of it. Next:\n   \
         cargo quickstart --keep          the same, and the cloud stays for you to change\n   \
         examples/complete/main.tf        the configuration you have just seen at work\n   \
         docs/index.md                    the provider, its resources and their arguments"
    );
    Ok(())
}

/// Leaves the cloud and the vCenter running and says how to go on.
fn leave(cloud: &mut Deployment, options: &Options) -> Result<()> {
    let root = cloud.directory.root().to_path_buf();
    let exports = exports(cloud)?;
    let file = root.join("env.sh");
    std::fs::write(&file, &exports).with_context(|| format!("writing {}", file.display()))?;
    cloud.directory.keep();
    cloud.vcenter.leave_running();
    let (cli, pid, work) = (cloud.directory.cli().name, cloud.vcenter.pid(), cloud.directory.path());
    println!("\nThe cloud and its vCenter stay. Their environment, also in {}:\n", file.display());
    screen::show(&exports);
    if options.living {
        life::say_how_to_enter(cloud)?;
    }
    println!(
        "\nNext:\n   . {}\n   cd {}\n   {cli} plan\n\nWhen you are done:\n   {cli} destroy\n   kill {pid}\n   rm -r {}",
        file.display(),
        work.display(),
        root.display()
    );
    Ok(())
}

/// Shell commands that make any terminal the one of this tour.
fn exports(cloud: &Deployment) -> Result<String> {
    let ca = cloud.directory.root().join("vcenter-ca.pem");
    std::fs::write(&ca, cloud.vcenter.ca_certificate_pem())
        .with_context(|| format!("writing {}", ca.display()))?;
    let mut text = String::new();
    let mut export = |name: &str, value: &str| writeln!(text, "export {name}={value}");
    let env = cloud.directory.env();
    let server = env.get("VSPHERE_SERVER").context("the working directory knows no vCenter")?;
    export("VSPHERE_SERVER", &quoted(server))?;
    export("VSPHERE_USER", &quoted(cloud.vcenter.user()))?;
    export("VSPHERE_PASSWORD", &quoted(cloud.vcenter.password()))?;
    export("VIO_CA_CERTIFICATE_PEM", &format!("\"$(cat {})\"", quoted(&ca.to_string_lossy())))?;
    let config = env.get("TF_CLI_CONFIG_FILE").context("the working directory has no CLI configuration")?;
    export("TF_CLI_CONFIG_FILE", &quoted(config))?;
    export("TF_VAR_object_storage", "true")?;
    if let Some(password) = env.get("TF_VAR_admin_password") {
        export("TF_VAR_admin_password", &quoted(password))?;
    }
    let programs = cloud.directory.cli().path.parent().context("the CLI has no directory")?;
    export("PATH", &format!("{}:\"$PATH\"", quoted(&programs.to_string_lossy())))?;
    Ok(text)
}

/// The text as one word of a shell command.
fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}

/// The VIPs and URLs of the cloud.
fn endpoints(state: &State) -> String {
    let mut rows = Vec::new();
    for address in state.addresses().iter().filter(|address| address.starts_with("vio_management_cluster.")) {
        let Ok(cluster) = state.resource(address) else { continue };
        for name in ["internal_vip", "public_vip", "dashboard_url"] {
            rows.extend(cluster[name].as_str().map(|value| [name.replace('_', " "), value.to_owned()]));
        }
        let services = cluster["endpoints"].as_object().into_iter().flatten();
        rows.extend(services.filter_map(|(name, url)| Some([name.clone(), url.as_str()?.to_owned()])));
    }
    screen::table(&rows)
}

/// The CLI's own summary: `Apply complete! Resources: ...`.
fn last_word(output: &Output) -> String {
    let line = output.stdout.lines().rev().find(|line| line.contains(" complete! "));
    line.unwrap_or("done").to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quoted_word_is_one_word_for_the_shell() {
        let text = "it's $HOME";
        let echoed =
            Command::new("sh").args(["-c", &format!("printf %s {}", quoted(text))]).output().unwrap();
        assert_eq!(String::from_utf8_lossy(&echoed.stdout), text);
    }

    #[test]
    fn endpoints_are_read_from_the_management_cluster() {
        let state = State::from_json(serde_json::json!({"values": {"root_module": {"resources": [{
            "address": "vio_management_cluster.cloud",
            "mode": "managed",
            "values": {"public_vip": "192.0.2.5", "endpoints": {"identity": "https://c:5000/v3"}},
        }]}}}));
        assert_eq!(endpoints(&state), "public vip  192.0.2.5\nidentity    https://c:5000/v3");
    }
}
