//! Builds the programs that the tests run, once, into `<target>/tools/<name>-<key>/<name>`.
//!
//! The key is a hash of all that decides the result, so an edited simulator or a lifted version is built anew and
//! everything else is found in milliseconds. A lock on a file makes concurrent test programs wait for one build.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::OnceLock;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, anyhow, bail};
use sha2::{Digest as _, Sha256};

use crate::paths;

type Once = OnceLock<Result<PathBuf, String>>;

/// OpenTofu, at the version that `acceptance-tests/tools/go.mod` names.
pub fn tofu() -> Result<PathBuf> {
    static ONCE: Once = OnceLock::new();
    once(&ONCE, || {
        build_go(&GoTool {
            name: "tofu",
            module: "tools",
            package: "github.com/opentofu/opentofu/cmd/tofu",
            // Without it the program calls itself a development build and turns experiments on.
            ldflags: "-s -w -X github.com/opentofu/opentofu/version.dev=no",
            own_sources: false,
            duration: "about two minutes the first time",
        })
    })
}

/// The simulated vCenter of `acceptance-tests/simulator`.
pub fn simulator() -> Result<PathBuf> {
    static ONCE: Once = OnceLock::new();
    once(&ONCE, || {
        build_go(&GoTool {
            name: "simulator",
            module: "simulator",
            package: ".",
            ldflags: "-s -w",
            own_sources: true,
            duration: "about a minute the first time",
        })
    })
}

/// The Registry's documentation generator, at the version that `acceptance-tests/tools/docs/go.mod` names.
pub fn tfplugindocs() -> Result<PathBuf> {
    static ONCE: Once = OnceLock::new();
    once(&ONCE, || {
        build_go(&GoTool {
            name: "tfplugindocs",
            module: "tools/docs",
            package: "github.com/hashicorp/terraform-plugin-docs/cmd/tfplugindocs",
            ldflags: "-s -w",
            own_sources: false,
            duration: "half a minute the first time",
        })
    })
}

/// The provider, built with the profile of the caller: optimised when the caller is (a bench), else for development.
pub fn provider_binary() -> Result<PathBuf> {
    static ONCE: Once = OnceLock::new();
    once(&ONCE, build_provider)
}

/// The path of the `go` command, or an error that says what to install.
pub fn go() -> Result<PathBuf> {
    paths::on_path("go").ok_or_else(|| {
        anyhow!(
            "no `go` on PATH\n  The simulated vCenter and OpenTofu are built with Go.\n  Install Go {} or newer: \
             https://go.dev/dl/",
            go_version_needed().unwrap_or_else(|_| String::from("1.26"))
        )
    })
}

/// The lowest Go version that the modules of the acceptance tests accept, as their `go.mod` says.
fn go_version_needed() -> Result<String> {
    let file = paths::repository().join("acceptance-tests/tools/go.mod");
    let text = std::fs::read_to_string(&file).with_context(|| format!("reading {}", file.display()))?;
    let version = text.lines().find_map(|line| line.strip_prefix("go "));
    Ok(version.context("go.mod has no `go` line")?.trim().to_owned())
}

fn once(cell: &'static Once, build: impl FnOnce() -> Result<PathBuf>) -> Result<PathBuf> {
    cell.get_or_init(|| build().map_err(|error| format!("{error:#}"))).clone().map_err(anyhow::Error::msg)
}

struct GoTool {
    name: &'static str,
    /// Directory below `acceptance-tests/` that holds the module.
    module: &'static str,
    package: &'static str,
    ldflags: &'static str,
    /// The module's own files decide the result too, not only what it requires.
    own_sources: bool,
    duration: &'static str,
}

fn build_go(tool: &GoTool) -> Result<PathBuf> {
    let module = paths::repository().join("acceptance-tests").join(tool.module);
    let tools = paths::target()?.join("tools");
    let dir = tools.join(format!("{}-{}", tool.name, key(tool, &module)?));
    let program = dir.join(tool.name);
    std::fs::create_dir_all(&tools).with_context(|| format!("creating {}", tools.display()))?;
    let _lock = lock(&tools.join(format!("{}.lock", tool.name)))?;
    if program.is_file() {
        return Ok(program);
    }
    let go = go()?;
    let started = Instant::now();
    eprintln!("building {} ({}) ...", tool.name, tool.duration);
    remove_older(&tools, tool.name)?;
    run_go_build(&go, tool, &module, &dir)?;
    eprintln!("built {} in {:.0} s", tool.name, started.elapsed().as_secs_f64());
    Ok(program)
}

fn run_go_build(go: &Path, tool: &GoTool, module: &Path, dir: &Path) -> Result<()> {
    std::fs::create_dir_all(dir).with_context(|| format!("creating {}", dir.display()))?;
    // Under another name first: a build that is interrupted leaves no program that looks finished.
    let unfinished = dir.join("unfinished");
    let mut build = Command::new(go)
        .current_dir(module)
        .env("CGO_ENABLED", "0")
        .env("GOWORK", "off")
        .args(["build", "-mod=readonly", "-trimpath", "-buildvcs=false", "-ldflags", tool.ldflags, "-o"])
        .arg(&unfinished)
        .arg(tool.package)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .spawn()
        .with_context(|| format!("starting {}", go.display()))?;
    let status = wait_aloud(&mut build, tool.name)?;
    if !status.success() {
        bail!(
            "`go build` of {} in {} failed ({status}); its messages are above",
            tool.name,
            module.display()
        );
    }
    std::fs::rename(&unfinished, dir.join(tool.name))
        .with_context(|| format!("renaming {}", unfinished.display()))
}

/// Waits for a build, which says nothing itself for minutes, and tells from time to time that it goes on.
fn wait_aloud(build: &mut Child, name: &str) -> Result<ExitStatus> {
    let started = Instant::now();
    let mut next = Duration::from_secs(15);
    loop {
        if let Some(status) = build.try_wait().with_context(|| format!("waiting for the build of {name}"))? {
            return Ok(status);
        }
        if started.elapsed() >= next {
            eprintln!("  still building {name}: {} s", next.as_secs());
            next += Duration::from_secs(15);
        }
        thread::sleep(Duration::from_millis(100));
    }
}

/// A dozen hexadecimal digits over everything that decides what the tool's build gives.
fn key(tool: &GoTool, module: &Path) -> Result<String> {
    let mut files = vec![module.join("go.mod"), module.join("go.sum")];
    if tool.own_sources {
        let sources = paths::files_below(module)?;
        // Go's own tests change nothing in the program.
        files.extend(sources.into_iter().filter(|file| !file.to_string_lossy().ends_with("_test.go")));
    }
    let mut hash = Sha256::new();
    hash.update(tool.package);
    hash.update(tool.ldflags);
    for file in files {
        let text = std::fs::read(&file).with_context(|| format!("reading {}", file.display()))?;
        hash.update(file.strip_prefix(module)?.as_os_str().as_encoded_bytes());
        hash.update(text.len().to_le_bytes());
        hash.update(text);
    }
    Ok(hash.finalize().iter().take(6).map(|byte| format!("{byte:02x}")).collect())
}

fn lock(path: &Path) -> Result<File> {
    let file = File::create(path).with_context(|| format!("creating {}", path.display()))?;
    file.lock().with_context(|| format!("locking {}", path.display()))?;
    Ok(file)
}

/// Removes what earlier keys of the tool have left: each is up to a hundred megabytes.
fn remove_older(tools: &Path, name: &str) -> Result<()> {
    let prefix = format!("{name}-");
    for entry in std::fs::read_dir(tools).with_context(|| format!("listing {}", tools.display()))? {
        let path = entry.with_context(|| format!("listing {}", tools.display()))?.path();
        let ours = path.file_name().is_some_and(|file| file.to_string_lossy().starts_with(&prefix));
        if ours && path.is_dir() {
            std::fs::remove_dir_all(&path).with_context(|| format!("removing {}", path.display()))?;
        }
    }
    Ok(())
}

fn build_provider() -> Result<PathBuf> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(&cargo);
    command
        .current_dir(paths::repository())
        .args(["build", "--package", "vio", "--bin", "terraform-provider-vio"])
        .arg("--message-format=json-render-diagnostics")
        .arg("--target-dir")
        .arg(paths::target()?)
        .stdin(Stdio::null())
        .stderr(Stdio::inherit());
    if !cfg!(debug_assertions) {
        command.arg("--release");
    }
    let output = command.output().context("starting cargo to build the provider")?;
    if !output.status.success() {
        bail!("cargo could not build terraform-provider-vio ({}); its messages are above", output.status);
    }
    executable(&String::from_utf8_lossy(&output.stdout))
        .context("cargo built terraform-provider-vio but named no executable")
}

/// The executable that cargo's JSON messages name.
fn executable(messages: &str) -> Option<PathBuf> {
    messages
        .lines()
        .filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok())
        .filter(|message| message["target"]["name"] == "terraform-provider-vio")
        .find_map(|message| message["executable"].as_str().map(PathBuf::from))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tool(own_sources: bool) -> GoTool {
        GoTool { name: "x", module: "x", package: ".", ldflags: "", own_sources, duration: "" }
    }

    #[test]
    fn key_follows_sources_but_not_their_tests() {
        let dir = tempfile::tempdir().unwrap();
        for file in ["go.mod", "go.sum", "main.go"] {
            std::fs::write(dir.path().join(file), file).unwrap();
        }
        let before = key(&tool(true), dir.path()).unwrap();
        std::fs::write(dir.path().join("main_test.go"), "").unwrap();
        assert_eq!(key(&tool(true), dir.path()).unwrap(), before);
        std::fs::write(dir.path().join("main.go"), "changed").unwrap();
        assert_ne!(key(&tool(true), dir.path()).unwrap(), before);
    }

    #[test]
    fn key_of_a_required_tool_follows_go_sum() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("go.mod"), "").unwrap();
        std::fs::write(dir.path().join("go.sum"), "a").unwrap();
        let before = key(&tool(false), dir.path()).unwrap();
        std::fs::write(dir.path().join("go.sum"), "b").unwrap();
        assert_ne!(key(&tool(false), dir.path()).unwrap(), before);
    }

    #[test]
    fn executable_is_read_from_cargos_messages() {
        let messages = concat!(
            r#"{"reason":"compiler-artifact","target":{"name":"serde"},"executable":null}"#,
            "\nnot json\n",
            r#"{"reason":"compiler-artifact","target":{"name":"terraform-provider-vio"},"executable":"/t/p"}"#,
        );
        assert_eq!(executable(messages), Some(PathBuf::from("/t/p")));
    }

    #[test]
    fn go_version_is_the_one_of_the_module() {
        assert!(go_version_needed().unwrap().starts_with("1."));
    }
}
