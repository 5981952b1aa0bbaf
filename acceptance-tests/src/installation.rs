//! How a CLI finds the provider: by a configuration of the harness' own, never the user's.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};

/// The registries under which the provider is published; a source without a host means one or the other by CLI.
const HOSTS: [&str; 2] = ["registry.terraform.io", "registry.opentofu.org"];

/// The ways of installing a provider without a registry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Installation {
    /// `dev_overrides`: no `init`, no checksums. The fastest, so the scenarios use it.
    DevOverride,
    /// A mirror in the file system: `init` works as it does for a user, without the network.
    Mirror,
}

impl Installation {
    /// Puts the provider below `root` and writes the CLI configuration; returns the configuration's path.
    pub(crate) fn install(self, provider: &Path, root: &Path) -> Result<PathBuf> {
        let plugins = root.join("plugins");
        match self {
            Self::DevOverride => link(provider, &plugins.join("terraform-provider-vio"))?,
            Self::Mirror => {
                for host in HOSTS {
                    link(provider, &plugins.join(mirrored(host, env!("CARGO_PKG_VERSION"))))?;
                }
            }
        }
        let config = root.join("cli.tfrc");
        std::fs::write(&config, self.config(&plugins))
            .with_context(|| format!("writing {}", config.display()))?;
        Ok(config)
    }

    /// The CLI configuration's text.
    fn config(self, plugins: &Path) -> String {
        let dir = serde_json::Value::from(plugins.to_string_lossy()).to_string();
        match self {
            Self::DevOverride => {
                let mut text = String::from("provider_installation {\n  dev_overrides {\n");
                for host in HOSTS {
                    // Writing to a String cannot fail.
                    let _ = writeln!(text, "    \"{host}/vio/vio\" = {dir}");
                }
                text.push_str("  }\n}\n");
                text
            }
            Self::Mirror => {
                format!("provider_installation {{\n  filesystem_mirror {{\n    path = {dir}\n  }}\n}}\n")
            }
        }
    }
}

/// The place of a provider inside an unpacked mirror, as both CLIs lay it out.
fn mirrored(host: &str, version: &str) -> PathBuf {
    let platform = format!("{}_{}", go_os(std::env::consts::OS), go_arch(std::env::consts::ARCH));
    Path::new(host)
        .join("vio/vio")
        .join(version)
        .join(platform)
        .join(format!("terraform-provider-vio_v{version}"))
}

/// Go's name of an operating system, which the CLIs use.
fn go_os(os: &str) -> &str {
    if os == "macos" { "darwin" } else { os }
}

/// Go's name of a processor architecture, which the CLIs use.
fn go_arch(arch: &str) -> &str {
    match arch {
        "x86_64" => "amd64",
        "aarch64" => "arm64",
        "x86" => "386",
        other => other,
    }
}

/// A second name of the provider's file, so that a rebuild during a run does not exchange it under the CLI; a copy
/// where the two directories are not on one file system.
fn link(provider: &Path, to: &Path) -> Result<()> {
    if let Some(dir) = to.parent() {
        std::fs::create_dir_all(dir).with_context(|| format!("creating {}", dir.display()))?;
    }
    if std::fs::hard_link(provider, to).is_err() {
        std::fs::copy(provider, to)
            .with_context(|| format!("copying {} to {}", provider.display(), to.display()))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn override_names_both_registries_and_nothing_direct() {
        let text = Installation::DevOverride.config(Path::new("/p"));
        assert!(text.contains(r#""registry.terraform.io/vio/vio" = "/p""#), "{text}");
        assert!(text.contains(r#""registry.opentofu.org/vio/vio" = "/p""#), "{text}");
        assert!(!text.contains("direct"), "{text}");
    }

    #[test]
    fn mirror_has_the_layout_of_the_registry() {
        let place = mirrored("registry.opentofu.org", "1.2.3").to_string_lossy().into_owned();
        assert!(place.starts_with("registry.opentofu.org/vio/vio/1.2.3/"), "{place}");
        assert!(place.ends_with("/terraform-provider-vio_v1.2.3"), "{place}");
    }

    #[test]
    fn install_leaves_only_the_provider_in_the_plugin_directory() {
        let root = tempfile::tempdir().unwrap();
        let provider = root.path().join("built");
        std::fs::write(&provider, "binary").unwrap();
        Installation::DevOverride.install(&provider, root.path()).unwrap();
        let files = crate::paths::files_below(&root.path().join("plugins")).unwrap();
        assert_eq!(files, [root.path().join("plugins/terraform-provider-vio")]);
    }
}
