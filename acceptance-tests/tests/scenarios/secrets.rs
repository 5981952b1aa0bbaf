//! No secret is written down: not in the state, a plan file, a log of level TRACE or a message.

use acceptance_tests::{Deployment, SimulatorOptions, on_every_cli, paths};
use anyhow::{Context as _, Result, ensure};
use serde_json::json;

use crate::support::{applied_document, example_with, file, rewrite};

const VCENTER: &str = "CanaryVcenterX7fKq2Lw9";
const ADMIN: &str = "CanaryAdminY3hTr8Bn5";
const LDAP: &str = "CanaryDirectoryZ6jMd4Vs1";
/// Base64, as the body of a PEM file is.
const KEY: &str = "CanaryPrivateKeyW2pGc9Xa";

#[test]
fn no_secret_is_written_down_by_plan_apply_show_or_a_failing_apply() -> Result<()> {
    on_every_cli(|cli| {
        let cloud = example_with(cli, SimulatorOptions::with(&["--password", VCENTER]))?;
        cloud.directory.trace();
        configure_secrets(&cloud)?;

        cloud.vcenter.set_faults(&json!([
            {"method": "CloneVM_Task", "object_name": "prod-database-02", "kind": "task_fault", "fault": "NoDiskSpace"},
        ]))?;
        cloud.apply_fails(&[])?.expect_text("prod-database-02")?;
        cloud.apply_converges(&[])?;
        cloud.state()?;

        let derived = derived_secrets(&cloud)?;
        let derived: Vec<&str> = derived.iter().map(String::as_str).collect();
        cloud.expect_no_secret(&[&[VCENTER, ADMIN, LDAP, KEY][..], &derived].concat())?;
        expect_traces_of_the_provider(&cloud)
    })
}

#[test]
fn a_refused_password_is_not_repeated() -> Result<()> {
    on_every_cli(|cli| {
        let cloud = example_with(cli, SimulatorOptions::default())?;
        cloud.directory.trace();
        cloud.directory.set_env("VSPHERE_PASSWORD", VCENTER);
        let messages = cloud.plan_fails()?;
        ensure!(messages.iter().any(|message| message.detail.contains("InvalidLogin")), "{messages:#?}");
        cloud.expect_no_secret(&[VCENTER])
    })
}

/// Every write-only argument of the example's resources, given by ephemeral variables: a plan file holds a copy of the
/// configuration and of other variables.
fn configure_secrets(cloud: &Deployment) -> Result<()> {
    let file = paths::repository().join("acceptance-tests/src/measure/client-certificate.pem");
    let certificate =
        std::fs::read_to_string(&file).with_context(|| format!("reading {}", file.display()))?;
    cloud.write("certificate.pem", &certificate)?;
    let names = ["admin_password", "private_key", "directory_password"];
    let variables =
        names.map(|name| format!("variable \"{name}\" {{\n  type      = string\n  ephemeral = true\n}}\n"));
    cloud.write("secrets.tf", &variables.concat())?;
    let key = format!("-----BEGIN PRIVATE KEY-----\n{KEY}\n-----END PRIVATE KEY-----\n");
    for (name, value) in names.into_iter().zip([ADMIN, &key, LDAP]) {
        cloud.directory.set_env(&format!("TF_VAR_{name}"), value);
    }
    rewrite(
        cloud,
        &[
            (
                "  data_network = {",
                "  admin_password_wo         = var.admin_password\n  admin_password_wo_version = 1\n\n  \
                 certificate = {\n    certificate_pem            = file(\"certificate.pem\")\n    \
                 private_key_pem_wo         = var.private_key\n    private_key_pem_wo_version = 1\n  }\n\n  \
                 data_network = {",
            ),
            (
                "  node_count            = var.controllers\n",
                "  node_count            = var.controllers\n\n  ldap = {\n    \
                 url                      = \"ldaps://ldap.example.com\"\n    \
                 bind_user                = \"cn=keystone,dc=example,dc=com\"\n    \
                 bind_password_wo         = var.directory_password\n    bind_password_wo_version = 1\n    \
                 user_tree_dn             = \"ou=users,dc=example,dc=com\"\n  }\n",
            ),
        ],
    )
}

/// Secrets that nobody gave: the deployment has made them, and its nodes have them. The given ones are there too.
fn derived_secrets(cloud: &Deployment) -> Result<Vec<String>> {
    let document = applied_document(&cloud.vcenter, "prod-controller-01")?;
    let text = document.to_string();
    ensure!(text.contains(ADMIN), "the controllers do not know the administrator's password");
    let directory = file(&document, "/etc/keystone/domains/keystone.ldap.conf")?;
    ensure!(directory.contains(LDAP), "the controllers do not know the directory's password");
    let balancer = applied_document(&cloud.vcenter, "prod-load-balancer-01")?;
    ensure!(balancer.to_string().contains(KEY), "the load balancers do not have the private key");
    let nova = file(&document, "/etc/nova/nova.conf")?;
    ["rabbit://openstack:", "mysql+pymysql://nova:"]
        .iter()
        .map(|before| {
            let rest = nova.split_once(before).with_context(|| format!("nova.conf has no {before}"))?.1;
            let secret = rest.split('@').next().unwrap_or_default();
            ensure!(secret.len() >= 16, "the secret after {before} is too short to be looked for");
            Ok(secret.to_owned())
        })
        .collect()
}

/// The search has had something to search: the provider's own log of each command.
fn expect_traces_of_the_provider(cloud: &Deployment) -> Result<()> {
    let logs = paths::files_below(&cloud.directory.root().join("logs"))?;
    let traces: Vec<_> =
        logs.iter().filter(|log| log.to_string_lossy().ends_with("-apply.trace.log")).collect();
    assert_eq!(traces.len(), 2, "{logs:?}");
    for trace in traces {
        let text = std::fs::read_to_string(trace).with_context(|| format!("reading {}", trace.display()))?;
        ensure!(text.contains("step begins"), "{} has nothing of the provider", trace.display());
    }
    Ok(())
}
