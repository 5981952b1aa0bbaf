//! The clouds whose files are checked, and the files of their nodes.

use std::io::Read as _;
use std::sync::LazyLock;

use acceptance_tests::{Cli, Deployment, SimulatorOptions, paths};
use anyhow::{Context as _, Result, ensure};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use flate2::read::GzDecoder;
use serde_json::Value;

/// One file of a node. What a node was told besides files is here too, below `/check`, so that none of it escapes.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct File {
    pub(crate) path: String,
    pub(crate) owner: String,
    pub(crate) group: String,
    pub(crate) mode: u32,
    pub(crate) content: String,
}

/// One node.
#[derive(Clone, Debug)]
pub(crate) struct Node {
    pub(crate) name: String,
    pub(crate) files: Vec<File>,
    /// The paths that its services are restarted or reloaded for.
    pub(crate) watched: Vec<String>,
    /// `eth0=198.18.10.13/24 eth1=`, by the metadata.
    pub(crate) interfaces: String,
}

/// Changes of `examples/complete`: a text and what stands there instead.
type Edits = [(&'static str, &'static str)];

/// Together they have every template of the release in every form that matters.
const CLOUDS: [(&str, &Edits, &[&str]); 2] = [
    ("whole", &[], &["-var=object_storage=true"]),
    (
        "compact, with NSX and a directory",
        &[
            (
                "  datacenter = var.datacenter\n  cluster    = \"mgmt\"",
                "  profile = \"compact\"\n  datacenter = var.datacenter\n  cluster = \"mgmt\"",
            ),
            (
                "  data_network = {\n    network = \"data-trunk\"\n  }",
                "  data_network = {\n    network = \"data-trunk\"\n  }\n\n  syslog = {\n    host = \"logs.example.com\"\n    protocol = \"tls\"\n  }\n\n  \
                 networking = {\n    backend = \"nsx\"\n    nsx = {\n      manager = \"MANAGER\"\n      user = \"USER\"\n      password_wo = \"p4ss$word%\"\n      \
                 transport_zone = \"overlay-tz\"\n      ca_certificate_pem = file(\"nsx-ca.pem\")\n    }\n  }",
            ),
            (
                "  node_count            = var.controllers\n",
                "  ldap = {\n    url = \"ldaps://ldap.example.com\"\n    bind_user = \"cn=keystone,dc=example,dc=com\"\n    \
                 bind_password_wo = \"p4ss$word%\"\n    bind_password_wo_version = 1\n    \
                 user_tree_dn = \"ou=users,dc=example,dc=com\"\n    ca_certificate_pem = file(\"ca.pem\")\n  }\n",
            ),
        ],
        &[],
    ),
];

/// The nodes of all clouds, made once for all tests of this program. They are data: the vCenter is gone again.
pub(crate) fn nodes() -> Result<&'static [Node]> {
    static NODES: LazyLock<Result<Vec<Node>, String>> =
        LazyLock::new(|| apply().map_err(|error| format!("{error:?}")));
    NODES.as_deref().map_err(|error| anyhow::anyhow!("{error}"))
}

fn apply() -> Result<Vec<Node>> {
    let cli = Cli::available()?.into_iter().next().context("no CLI")?;
    let mut all = Vec::new();
    for (name, edits, options) in CLOUDS {
        all.extend(cloud(&cli, edits, options).with_context(|| format!("the cloud `{name}`"))?);
    }
    Ok(all)
}

fn cloud(cli: &Cli, edits: &Edits, options: &[&str]) -> Result<Vec<Node>> {
    let options_of_nsx = ["--nsx-listen", "127.0.0.1:0", "--nsx-password", "p4ss$word%"];
    let cloud = Deployment::with(cli, SimulatorOptions::with(&options_of_nsx))?;
    let nsx = cloud.vcenter.nsx()?;
    cloud.copy_example("complete")?;
    let example = paths::repository().join("examples/complete/main.tf");
    let mut text = std::fs::read_to_string(&example).context("reading the example")?;
    for (from, to) in edits {
        ensure!(text.contains(from), "the example has no {from:?}");
        text = text.replacen(from, to, 1);
    }
    cloud.write("main.tf", &text.replace("MANAGER", nsx.server()).replace("USER", nsx.user()))?;
    cloud.write("nsx-ca.pem", nsx.ca_certificate_pem())?;
    cloud.write("ca.pem", cloud.vcenter.ca_certificate_pem())?;
    cloud.apply_with(options)?;
    let nodes = cloud.state()?.nodes();
    nodes.iter().map(|node| Node::read(&cloud, &node.name)).collect()
}

impl Node {
    fn read(cloud: &Deployment, name: &str) -> Result<Self> {
        Self::from_json(name, &cloud.vcenter.vm(name)?, &cloud.vcenter.guest(name)?)
            .with_context(|| format!("reading what {name} was told"))
    }

    fn from_json(name: &str, vm: &Value, guest: &Value) -> Result<Self> {
        let config = |key: &str| vm["extra_config"][key].as_str().with_context(|| format!("no {key}"));
        let user_data = unpack(config("guestinfo.userdata")?, config("guestinfo.userdata.encoding")?)?;
        let meta_data = unpack(config("guestinfo.metadata")?, config("guestinfo.metadata.encoding")?)?;
        let document = &guest["document"];
        let mut files: Vec<File> = list(&document["files"]).map(File::from_json).collect::<Result<_>>()?;
        let json: Value =
            serde_json::from_str(user_data.strip_prefix("#cloud-config\n").context("no cloud-config")?)?;
        for file in list(&json["write_files"]) {
            files.push(File::written_by_cloud_init(file)?);
        }
        let network = serde_json::from_str::<Value>(&meta_data)?["network"].take();
        files.push(File::told("user-data", user_data));
        files.push(File::told("meta-data", meta_data));
        files.extend(commands(document));
        let services = list(&document["services"]);
        let watched =
            services.flat_map(|service| list(&service["restart_on"]).chain(list(&service["reload_on"])));
        let watched = watched.filter_map(Value::as_str).map(str::to_owned).collect();
        Ok(Self { name: name.to_owned(), files, watched, interfaces: interfaces(&network) })
    }

    /// The same node with another text in one of its files; `None` if that file does not have it.
    pub(crate) fn with(&self, path: &str, from: &str, to: &str) -> Option<Self> {
        let mut changed = self.clone();
        let file = changed.files.iter_mut().find(|file| file.path == path && file.content.contains(from))?;
        file.content = file.content.replacen(from, to, 1);
        Some(changed)
    }
}

impl File {
    fn from_json(value: &Value) -> Result<Self> {
        let text = |key: &str| {
            Ok::<_, anyhow::Error>(
                value[key].as_str().with_context(|| format!("a file has no {key}"))?.to_owned(),
            )
        };
        let mode = u32::from_str_radix(&text("mode")?, 8).context("reading a mode")?;
        Ok(Self {
            path: text("path")?,
            owner: text("owner")?,
            group: text("group")?,
            mode,
            content: text("content")?,
        })
    }

    fn written_by_cloud_init(value: &Value) -> Result<Self> {
        let text = |key: &str| value[key].as_str().with_context(|| format!("write_files has no {key}"));
        let mode = u32::from_str_radix(text("permissions")?, 8).context("reading permissions")?;
        Ok(Self { mode, ..Self::of_root(text("path")?.to_owned(), text("content")?.to_owned()) })
    }

    fn told(name: &str, content: String) -> Self {
        Self::of_root(format!("/check/{name}"), content)
    }

    fn of_root(path: String, content: String) -> Self {
        Self { path, owner: "root".to_owned(), group: "root".to_owned(), mode: 0o644, content }
    }
}

/// What a document says besides files: commands, units, packages, users.
fn commands(document: &Value) -> Vec<File> {
    let mut files = Vec::new();
    for (place, list_of) in [("actions", &document["actions"]), ("checks", &document["checks"])] {
        for command in list(list_of) {
            if let (Some(name), Some(text)) = (command["name"].as_str(), command["command"].as_str()) {
                files.push(File::told(&format!("{place}/{name}"), text.to_owned()));
            }
        }
    }
    let users = list(&document["actions"]).map(|action| &action["user"]);
    let units = list(&document["services"]).map(|service| &service["name"]);
    files.push(File::told("units", lines(units)));
    files.push(File::told("packages", lines(list(&document["packages"]))));
    files.push(File::told("users", lines(users)));
    files
}

fn lines<'a>(values: impl Iterator<Item = &'a Value>) -> String {
    values.filter_map(Value::as_str).map(|text| format!("{text}\n")).collect()
}

fn list(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

fn interfaces(network: &Value) -> String {
    let cards = network["ethernets"].as_object().into_iter().flatten();
    let cards = cards.map(|(name, card)| {
        let name = card["set-name"].as_str().unwrap_or(name);
        format!("{name}={}", card["addresses"][0].as_str().unwrap_or_default())
    });
    cards.collect::<Vec<_>>().join(" ")
}

fn unpack(value: &str, encoding: &str) -> Result<String> {
    let bytes = STANDARD.decode(value).context("guestinfo is no base64")?;
    let mut text = String::new();
    match encoding {
        "gzip+base64" => GzDecoder::new(bytes.as_slice())
            .read_to_string(&mut text)
            .context("guestinfo is no gzip")
            .map(drop)?,
        other => {
            ensure!(other == "base64", "guestinfo has the encoding {other}");
            text = String::from_utf8(bytes).context("guestinfo is no text")?;
        }
    }
    Ok(text)
}
