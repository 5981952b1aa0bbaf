//! The files of OpenStack's services, by the options that the services themselves declare.

use std::fs;

use anyhow::{Context as _, Result, ensure};

use crate::checks::Check;
use crate::cloud::Node;
use crate::sandbox::Sandbox;

/// Options that all services have from the Oslo libraries.
const COMMON: &str = "oslo.log oslo.messaging oslo.db oslo.policy oslo.middleware oslo.concurrency oslo.cache \
                      oslo.service.service keystonemiddleware.auth_token";

/// A file, the group whose options its named back ends have (`-` without them), the namespaces of its options.
const FILES: [(&str, &str, &str); 11] = [
    ("/etc/cinder/cinder.conf", "backend_defaults", "cinder"),
    ("/etc/glance/glance-api.conf", "glance_store", "glance.api glance.store glance.multi_store"),
    ("/etc/keystone/domains/", "-", "keystone"),
    ("/etc/keystone/keystone.conf", "-", "keystone"),
    ("/etc/neutron/dhcp_agent.ini", "-", "neutron.dhcp.agent neutron.base.agent neutron.ml2.ovs.agent"),
    ("/etc/neutron/metadata_agent.ini", "-", "neutron.metadata.agent"),
    (
        "/etc/neutron/neutron.conf",
        "-",
        "neutron neutron.agent neutron.base.agent neutron.db neutron.dhcp.agent nova.auth placement.auth",
    ),
    ("/etc/neutron/plugins/ml2/ml2_conf.ini", "-", "neutron.ml2"),
    ("/etc/neutron/plugins/ml2/openvswitch_agent.ini", "-", "neutron.ml2.ovs.agent"),
    ("/etc/nova/", "-", "nova.conf"),
    ("/etc/placement/placement.conf", "-", "placement.conf"),
];

/// Groups of programs that Debian does not have: NSX's plugin comes with the template.
const FOREIGN_GROUPS: &str = "nsx_v3";

/// The check of all of them.
pub(crate) fn check() -> Check {
    let cases: String = FILES
        .iter()
        .map(|(path, group, namespaces)| {
            let any = if path.ends_with('/') { "*" } else { "" };
            let data = [COMMON, namespaces].map(|set| format!("/{}", data_file(set)));
            format!("{path}{any}) jobs=\"$jobs $file,{group},{}\" ;;\n", data.join(","))
        })
        .collect();
    Check {
        name: "oslo-config-validator",
        covers: FILES.iter().map(|(path, ..)| *path).collect(),
        script: format!(
            "jobs=\nfor file; do case $file in\n{cases}esac; done\nexec python3 -W ignore /check/tools/oslo_options.py {FOREIGN_GROUPS} $jobs"
        ),
    }
}

/// Generates the options of each set of namespaces, once for each root: importing all of a service takes seconds.
pub(crate) fn generate_options(sandbox: &Sandbox) -> Result<()> {
    let nobody = Node {
        name: "options".to_owned(),
        files: Vec::new(),
        watched: Vec::new(),
        interfaces: String::new(),
    };
    let tree = sandbox.lay_out(&nobody)?;
    for set in FILES.iter().map(|(.., namespaces)| *namespaces).chain([COMMON]) {
        let file = sandbox.kept().join(data_file(set));
        if file.exists() {
            continue;
        }
        let namespaces: String = set.split_whitespace().map(|name| format!(" --namespace {name}")).collect();
        let said =
            sandbox.run(&tree, &format!("exec oslo-config-generator --format json{namespaces}"), &[])?;
        ensure!(said.accepts, "oslo-config-generator {namespaces}\n{}", said.text());
        fs::create_dir_all(file.parent().context("a file is in a directory")?)?;
        // Whole or not at all, also for another run at the same time.
        let unfinished = tempfile::NamedTempFile::new_in(sandbox.kept())?;
        fs::write(unfinished.path(), said.stdout)?;
        unfinished.persist(&file).with_context(|| format!("writing {}", file.display()))?;
    }
    Ok(())
}

fn data_file(namespaces: &str) -> String {
    let name: Vec<_> = namespaces.split_whitespace().collect();
    format!("check/options/{}.json", name.join("+"))
}
