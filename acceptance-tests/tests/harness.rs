//! The harness against real CLIs, with their built-in `terraform_data` in place of a provider.

use std::path::Path;
use std::time::Duration;

use acceptance_tests::{Cli, Installation, WorkingDirectory, on_every_cli, secrets};
use anyhow::Result;

const CANARY: &str = "Canary7fKq2Lw9";

/// No command here starts the provider.
fn directory(cli: &Cli) -> Result<WorkingDirectory> {
    WorkingDirectory::with_provider(cli, Installation::DevOverride, Path::new("/bin/false"))
}

#[test]
fn a_plan_is_empty_only_after_the_apply() -> Result<()> {
    on_every_cli(|cli| {
        let directory = directory(cli)?;
        directory.write("main.tf", "resource \"terraform_data\" \"x\" {\n  input = \"hello\"\n}\n")?;
        assert!(directory.plan(&[])?.expect_success()?.has_changes());
        let plan = directory.show_plan()?;
        assert_eq!((plan.counts(), plan.summary()), ((1, 0, 0), "create terraform_data.x\n".to_owned()));

        directory.apply_plan()?.expect_success()?.expect_text("1 added")?;
        assert_eq!(directory.show_state()?.text("terraform_data.x", "output")?, "hello");
        assert!(!directory.plan(&[])?.expect_success()?.has_changes());
        assert!(directory.show_plan()?.is_empty());

        directory.destroy(&[])?.expect_success()?.expect_text("1 destroyed")?;
        Ok(())
    })
}

#[test]
fn a_diagnostic_points_at_its_line() -> Result<()> {
    on_every_cli(|cli| {
        let directory = directory(cli)?;
        directory.write("main.tf", "resource \"terraform_data\" \"x\" {\n  inputs = 1\n}\n")?;
        let diagnostics = directory.validate()?.expect_failure()?.diagnostics();
        let first = diagnostics.first().expect("one diagnostic");
        assert_eq!((first.severity.as_str(), first.code.as_deref()), ("error", Some("inputs = 1")));
        Ok(())
    })
}

#[test]
fn a_canary_is_found_in_plan_state_and_trace() -> Result<()> {
    on_every_cli(|cli| {
        let directory = directory(cli)?;
        directory.trace();
        directory.write(
            "main.tf",
            "variable \"x\" {}\nresource \"terraform_data\" \"x\" {\n  input = var.x\n}\n",
        )?;
        let variable = format!("-var=x={CANARY}");
        directory.plan(&[&variable])?.expect_success()?;
        let in_plan = secrets::find(&directory.path(), &[CANARY])?;
        assert_eq!(in_plan.len(), 1, "the plan file is an archive: {in_plan:?}");
        directory.apply_plan()?.expect_success()?;
        let everywhere = secrets::find(directory.root(), &[CANARY])?;
        let names: Vec<_> = everywhere.iter().filter_map(|found| found.file.file_name()?.to_str()).collect();
        assert!(names.contains(&"terraform.tfstate"), "{names:?}");
        assert!(names.contains(&"01-plan.trace.log"), "{names:?}");
        Ok(())
    })
}

#[test]
fn an_interrupt_ends_an_apply_gracefully() -> Result<()> {
    on_every_cli(|cli| {
        let directory = directory(cli)?;
        let sleep = "provisioner \"local-exec\" {\n    command = \"sleep 30\"\n  }";
        directory.write("main.tf", &format!("resource \"terraform_data\" \"x\" {{\n  {sleep}\n}}\n"))?;
        let running = directory.start(&["apply", "-auto-approve", "-no-color"])?;
        running.wait_for("Provisioning with 'local-exec'", Duration::from_secs(60))?;
        running.interrupt()?;
        let output = running.wait()?.expect_failure()?;
        assert!(output.wall < Duration::from_secs(25), "{:?}", output.wall);
        output.expect_text("Interrupt received")?;
        Ok(())
    })
}

#[test]
fn init_finds_the_provider_in_the_mirror() -> Result<()> {
    on_every_cli(|cli| {
        let directory = WorkingDirectory::with_provider(cli, Installation::Mirror, Path::new("/bin/false"))?;
        let source =
            "terraform {\n  required_providers {\n    vio = {\n      source = \"vio/vio\"\n    }\n  }\n}\n";
        directory.write("main.tf", source)?;
        directory
            .init()?
            .expect_success()?
            .expect_text(concat!("Installed vio/vio v", env!("CARGO_PKG_VERSION")))?;
        Ok(())
    })
}
