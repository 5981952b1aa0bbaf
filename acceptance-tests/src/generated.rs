//! The files of the repository that are made, not written: the golden schema and the Registry's documentation.
//!
//! Both come from what the built provider says through a real CLI, so they can only say what it does.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, bail};
use serde_json::{Map, Value};

use crate::{Cli, Installation, WorkingDirectory, paths, tools};

/// Files by their path in the repository.
pub type Files = BTreeMap<PathBuf, Vec<u8>>;

/// The golden copy of the served schema.
pub const GOLDEN_SCHEMA: &str = "schemas/provider.json";

/// Hand-written pages live here, between the generated ones.
const GUIDES: &str = "docs/guides";

/// A difference between the repository and what it should hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Stale {
    /// A generated file that is not there.
    Missing(PathBuf),
    /// A file that nothing generates any more.
    Leftover(PathBuf),
    /// A file that differs, from this line on.
    Different(PathBuf, usize),
}

/// Everything that is generated, as it should be.
pub fn all(cli: &Cli) -> Result<Files> {
    let schema = provider_schema(cli)?;
    let mut files = docs(&schema)?;
    files.insert(PathBuf::from(GOLDEN_SCHEMA), pretty(&schema)?.into_bytes());
    Ok(files)
}

/// What the provider serves, as the CLI reads it: `providers schema -json` with the provider under its short name, so that
/// the text does not depend on the CLI's registry.
pub fn provider_schema(cli: &Cli) -> Result<Value> {
    let directory = WorkingDirectory::new(cli, Installation::DevOverride)?;
    directory.write(
        "main.tf",
        "terraform {\n  required_providers {\n    vio = { source = \"vio/vio\" }\n  }\n}\n",
    )?;
    let mut document = directory.providers_schema()?;
    let name = format!("{}/vio/vio", cli.registry_host());
    let schema = document["provider_schemas"][name.as_str()].take();
    if schema.is_null() {
        bail!("{} knows no schema of {name}", cli.name);
    }
    Ok(sorted(serde_json::json!({ "provider_schemas": { "vio/vio": schema } })))
}

/// The golden schema of the repository.
pub fn golden_schema() -> Result<Value> {
    let file = paths::repository().join(GOLDEN_SCHEMA);
    let text = std::fs::read_to_string(&file).with_context(|| format!("reading {}", file.display()))?;
    serde_json::from_str(&text).with_context(|| format!("reading {}", file.display()))
}

/// The pages of the Registry, made by its own generator from the schema and `examples/`.
fn docs(schema: &Value) -> Result<Files> {
    let temp = tempfile::tempdir().context("creating a temporary directory")?;
    let examples = paths::repository().join("examples");
    paths::copy_tree(&examples, &temp.path().join("examples"))?;
    let schema_file = temp.path().join("schema.json");
    let text = serde_json::to_string(&under_short_name(schema)).context("printing the schema")?;
    std::fs::write(&schema_file, text).with_context(|| format!("writing {}", schema_file.display()))?;
    let output = Command::new(tools::tfplugindocs()?)
        .args(["generate", "--provider-name=vio", "--rendered-provider-name=VIO", "--provider-dir"])
        .arg(temp.path())
        .arg("--providers-schema")
        .arg(&schema_file)
        .output()
        .context("starting tfplugindocs")?;
    if !output.status.success() {
        let said = [output.stdout, output.stderr].concat();
        bail!("tfplugindocs failed ({})\n{}", output.status, String::from_utf8_lossy(&said));
    }
    read_below(temp.path(), "docs")
}

/// tfplugindocs looks the provider up by the last part of its name, and reads no schema without a format version.
fn under_short_name(schema: &Value) -> Value {
    let own = &schema["provider_schemas"]["vio/vio"];
    serde_json::json!({ "format_version": "1.0", "provider_schemas": { "vio": own } })
}

/// How the repository differs from what it should hold.
pub fn compare(repository: &Path, wanted: &Files) -> Result<Vec<Stale>> {
    let mut stale = Vec::new();
    for (name, content) in wanted {
        let file = repository.join(name);
        if !file.is_file() {
            stale.push(Stale::Missing(name.clone()));
            continue;
        }
        let present = std::fs::read(&file).with_context(|| format!("reading {}", file.display()))?;
        if present != *content {
            stale.push(Stale::Different(name.clone(), first_difference(&present, content)));
        }
    }
    stale.extend(leftovers(repository, wanted)?.into_iter().map(Stale::Leftover));
    Ok(stale)
}

/// Makes the repository hold what it should.
pub fn write(repository: &Path, wanted: &Files) -> Result<()> {
    for name in leftovers(repository, wanted)? {
        let file = repository.join(name);
        std::fs::remove_file(&file).with_context(|| format!("removing {}", file.display()))?;
    }
    for (name, content) in wanted {
        let file = repository.join(name);
        if let Some(dir) = file.parent() {
            std::fs::create_dir_all(dir).with_context(|| format!("creating {}", dir.display()))?;
        }
        std::fs::write(&file, content).with_context(|| format!("writing {}", file.display()))?;
    }
    Ok(())
}

/// The files of `docs/` that nothing generates, guides apart.
fn leftovers(repository: &Path, wanted: &Files) -> Result<Vec<PathBuf>> {
    if !repository.join("docs").is_dir() {
        return Ok(Vec::new());
    }
    let present = read_below(repository, "docs")?.into_keys();
    Ok(present.filter(|name| !name.starts_with(GUIDES) && !wanted.contains_key(name)).collect())
}

/// The files below `root/dir`, named from `root` on.
fn read_below(root: &Path, dir: &str) -> Result<Files> {
    let read = |file: PathBuf| {
        let content = std::fs::read(&file).with_context(|| format!("reading {}", file.display()))?;
        Ok((file.strip_prefix(root)?.to_path_buf(), content))
    };
    paths::files_below(&root.join(dir))?.into_iter().map(read).collect()
}

/// The number, from 1, of the first line that differs.
fn first_difference(a: &[u8], b: &[u8]) -> usize {
    let same = a.split(|&byte| byte == b'\n').zip(b.split(|&byte| byte == b'\n')).take_while(|(a, b)| a == b);
    same.count() + 1
}

/// The same value with the keys of each object in order, whatever features of `serde_json` the build has turned on.
fn sorted(value: Value) -> Value {
    match value {
        Value::Object(fields) => {
            let ordered: BTreeMap<String, Value> =
                fields.into_iter().map(|(name, value)| (name, sorted(value))).collect();
            Value::Object(Map::from_iter(ordered))
        }
        Value::Array(items) => Value::Array(items.into_iter().map(sorted).collect()),
        plain => plain,
    }
}

fn pretty(value: &Value) -> Result<String> {
    Ok(serde_json::to_string_pretty(value).context("printing the schema")? + "\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wanted() -> Files {
        [("docs/index.md", "new\nline\n"), ("schemas/provider.json", "{}\n")]
            .map(|(name, text)| (PathBuf::from(name), text.as_bytes().to_vec()))
            .into()
    }

    #[test]
    fn what_was_written_is_up_to_date() {
        let repository = tempfile::tempdir().unwrap();
        write(repository.path(), &wanted()).unwrap();
        assert_eq!(compare(repository.path(), &wanted()).unwrap(), []);
    }

    #[test]
    fn every_kind_of_stale_file_is_told_and_guides_are_left_alone() {
        let repository = tempfile::tempdir().unwrap();
        std::fs::create_dir_all(repository.path().join("docs/guides")).unwrap();
        for (name, text) in [("index.md", "new\nother\n"), ("old.md", ""), ("guides/upgrade.md", "")] {
            std::fs::write(repository.path().join("docs").join(name), text).unwrap();
        }
        let stale = compare(repository.path(), &wanted()).unwrap();
        assert_eq!(
            stale,
            [
                Stale::Different("docs/index.md".into(), 2),
                Stale::Missing("schemas/provider.json".into()),
                Stale::Leftover("docs/old.md".into()),
            ]
        );
        write(repository.path(), &wanted()).unwrap();
        assert!(repository.path().join("docs/guides/upgrade.md").exists());
        assert!(!repository.path().join("docs/old.md").exists());
    }
}
