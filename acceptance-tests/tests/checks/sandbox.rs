//! Where checks run: a throw-away copy of the guests' root file system with one node's files in their places.

use std::collections::BTreeMap;
use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt as _, chown};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result, bail};
use tempfile::TempDir;

use crate::cloud::{File, Node};

/// What the checks call inside, below `/check/tools`.
const TOOLS: [(&str, &str); 7] = [
    ("cloud_metadata.py", include_str!("in_root/cloud_metadata.py")),
    ("dashboard_settings.py", include_str!("in_root/dashboard_settings.py")),
    ("galera_members.py", include_str!("in_root/galera_members.py")),
    ("keystone_keys.py", include_str!("in_root/keystone_keys.py")),
    ("oslo_options.py", include_str!("in_root/oslo_options.py")),
    ("python_programs.py", include_str!("in_root/python_programs.py")),
    ("swift_servers.py", include_str!("in_root/swift_servers.py")),
];

/// The root file system and what checks need besides.
pub(crate) struct Sandbox {
    root: PathBuf,
    tools: TempDir,
    users: BTreeMap<String, u32>,
    groups: BTreeMap<String, u32>,
}

/// What a check said.
#[derive(Debug)]
pub(crate) struct Said {
    pub(crate) accepts: bool,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

/// The files of one node as a directory tree.
pub(crate) struct Tree {
    directory: TempDir,
    name: String,
    interfaces: String,
}

impl Sandbox {
    pub(crate) fn new(root: PathBuf) -> Result<Self> {
        let tools = tempfile::tempdir()?;
        for (name, text) in TOOLS {
            write(&tools.path().join("check/tools").join(name), text)?;
        }
        readable(tools.path())?;
        let (users, groups) = (ids(&root.join("etc/passwd"))?, ids(&root.join("etc/group"))?);
        fs::create_dir_all(beside(&root))?;
        Ok(Self { root, tools, users, groups })
    }

    /// What is kept beside the root for as long as it is there; checks see it under the same paths.
    pub(crate) fn kept(&self) -> PathBuf {
        beside(&self.root)
    }

    /// Lays a node's files out. An owner that the root does not have is an error.
    pub(crate) fn lay_out(&self, node: &Node) -> Result<Tree> {
        let directory = tempfile::tempdir()?;
        readable(directory.path())?;
        for file in &node.files {
            self.place(directory.path(), file).with_context(|| format!("{}: {}", node.name, file.path))?;
        }
        Ok(Tree { directory, name: node.name.clone(), interfaces: node.interfaces.clone() })
    }

    fn place(&self, directory: &Path, file: &File) -> Result<()> {
        let place = directory.join(file.path.trim_start_matches('/'));
        write(&place, &file.content)?;
        let owner = self.users.get(&file.owner).with_context(|| format!("no user {}", file.owner))?;
        let group = self.groups.get(&file.group).with_context(|| format!("no group {}", file.group))?;
        chown(&place, Some(*owner), Some(*group)).context("changing its owner")?;
        fs::set_permissions(&place, Permissions::from_mode(file.mode)).context("changing its mode")
    }

    /// Runs a script on some of a node's files, which are its arguments.
    pub(crate) fn run(&self, tree: &Tree, script: &str, files: &[&str]) -> Result<Said> {
        let lower = [self.tools.path(), tree.directory.path(), &self.kept(), &self.root];
        let lower: Vec<_> = lower.iter().map(|path| path.to_string_lossy()).collect();
        // The lock keeps a build of another root from removing this one.
        let mut command = Command::new("flock");
        command.arg("--shared").arg(self.root.with_extension("lock"));
        command.args(["unshare", "--mount", "--net", "--uts", "--ipc", "--pid", "--fork", "--kill-child"]);
        command.args(["sh", "-c", include_str!("in_root/enter.sh"), "enter"]);
        command.args([&tree.name, &lower.join(":"), &tree.interfaces, script]).args(files);
        let ended =
            command.stdin(Stdio::null()).output().context("starting flock and unshare of util-linux")?;
        let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
        Ok(Said { accepts: ended.status.success(), stdout: text(ended.stdout), stderr: text(ended.stderr) })
    }
}

impl Said {
    pub(crate) fn text(&self) -> String {
        format!("{}{}", self.stdout, self.stderr)
    }
}

fn beside(root: &Path) -> PathBuf {
    root.with_extension("checks")
}

/// Names and ids: the first and the third column of `passwd` and of `group`.
fn ids(file: &Path) -> Result<BTreeMap<String, u32>> {
    let text = fs::read_to_string(file).with_context(|| format!("reading {}", file.display()))?;
    let line = |line: &str| {
        let columns: Vec<_> = line.split(':').collect();
        match columns[..] {
            [name, _, id, ..] => Ok((name.to_owned(), id.parse()?)),
            _ => bail!("{}: {line}", file.display()),
        }
    };
    text.lines().map(line).collect()
}

fn write(file: &Path, text: &str) -> Result<()> {
    if let Some(folder) = file.parent() {
        fs::create_dir_all(folder).with_context(|| format!("creating {}", folder.display()))?;
    }
    fs::write(file, text).with_context(|| format!("writing {}", file.display()))
}

/// Temporary directories are private, but these become the `/` that daemons see.
fn readable(directory: &Path) -> Result<()> {
    fs::set_permissions(directory, Permissions::from_mode(0o755)).context("opening a directory")
}
