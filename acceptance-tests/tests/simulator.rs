//! The simulated vCenter: its own tests, which are Go's, and what the harness asks of it.

use std::process::Command;

use acceptance_tests::{Simulator, SimulatorOptions, paths, tools};
use anyhow::{Context as _, Result, bail};

fn go(arguments: &[&str]) -> Result<()> {
    let module = paths::repository().join("acceptance-tests/simulator");
    let output = Command::new(tools::go()?)
        .current_dir(&module)
        .env("GOWORK", "off")
        .args(arguments)
        .output()
        .with_context(|| format!("starting `go {}`", arguments.join(" ")))?;
    if output.status.success() {
        return Ok(());
    }
    let said = [output.stdout, output.stderr].concat();
    bail!("`go {}` failed in {}\n{}", arguments.join(" "), module.display(), String::from_utf8_lossy(&said))
}

#[test]
fn go_vet_finds_nothing() -> Result<()> {
    go(&["vet", "./..."])
}

#[test]
fn the_simulators_own_tests_pass() -> Result<()> {
    go(&["test", "./..."])
}

#[test]
fn the_harness_sees_what_it_does_behind_the_providers_back() -> Result<()> {
    let vcenter = Simulator::start(&SimulatorOptions::default())?;
    let before = vcenter.inventory()?;
    vcenter.create_foreign("foreign", "/dc1/vm")?;
    vcenter.power_on("foreign")?;
    vcenter.set_extra_config("foreign", "owner", "somebody")?;
    let vm = vcenter.vm("foreign")?;
    assert_eq!(
        (vm["power"].as_str(), vm["extra_config"]["owner"].as_str()),
        (Some("poweredOn"), Some("somebody"))
    );
    assert!(vcenter.inventory()?.expect_same_as(&before).is_err());

    vcenter.destroy("foreign")?;
    vcenter.inventory()?.expect_same_as(&before)?;
    // Nothing of this is a call of the provider's.
    assert_eq!(vcenter.log()?.calls, 0);
    Ok(())
}

#[test]
fn what_the_simulator_refuses_is_an_error_that_says_why() -> Result<()> {
    let vcenter = Simulator::start(&SimulatorOptions::default())?;
    let error = vcenter.power_off("nobody").expect_err("there is no such VM").to_string();
    assert!(error.contains("nobody"), "{error}");
    vcenter.set_faults(&serde_json::json!([{"method": "CloneVM_Task", "nth": 3, "kind": "503"}]))?;
    vcenter.clear_faults()?;
    vcenter.set_latency(1)?;
    vcenter.reset_log()
}

#[test]
fn a_simulator_that_is_dropped_is_gone() -> Result<()> {
    let vcenter = Simulator::start(&SimulatorOptions::with(&["--password", "another"]))?;
    let (server, process) = (vcenter.server().to_owned(), format!("/proc/{}", vcenter.pid()));
    assert_eq!(vcenter.password(), "another");
    drop(vcenter);
    assert!(!std::path::Path::new(&process).exists());
    assert!(std::net::TcpStream::connect(&server).is_err());
    Ok(())
}
