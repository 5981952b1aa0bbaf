//! Where things are: the repository and cargo's target directory.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};

/// The top of the repository.
pub fn repository() -> PathBuf {
    // Cargo does not build anew when the repository has moved, but tells where it is now to whatever it runs.
    let built_in = || PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    top_above(&std::env::var_os("CARGO_MANIFEST_DIR").map_or_else(built_in, PathBuf::from))
}

/// The workspace that a package is of: packages lie at different depths, and one lock file is at its top.
fn top_above(package: &Path) -> PathBuf {
    let locked = package.ancestors().find(|dir| dir.join("Cargo.lock").is_file());
    locked.unwrap_or(package).to_path_buf()
}

/// Cargo's target directory: the one this program was built into, wherever the user's configuration has put it.
pub fn target() -> Result<PathBuf> {
    let program = std::env::current_exe().context("finding the path of the running program")?;
    Ok(target_above(&program).unwrap_or_else(|| repository().join("target")))
}

/// Cargo leaves what it knows of the compiler at the top of whatever target directory it builds into; its mark for backup
/// programs is only in those that it made itself.
fn target_above(program: &Path) -> Option<PathBuf> {
    let built_into = program.ancestors().find(|dir| dir.join(".rustc_info.json").is_file());
    built_into.map(Path::to_path_buf)
}

/// The program of this name in the directories of `PATH`.
pub fn on_path(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path).map(|dir| dir.join(name)).find(|file| is_executable(file))
}

fn is_executable(file: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt as _;
    file.metadata().is_ok_and(|meta| meta.is_file() && meta.permissions().mode() & 0o111 != 0)
}

/// Copies a directory tree; what is there already is overwritten file by file.
pub fn copy_tree(from: &Path, to: &Path) -> Result<()> {
    std::fs::create_dir_all(to).with_context(|| format!("creating {}", to.display()))?;
    for file in files_below(from)? {
        let target = to.join(file.strip_prefix(from)?);
        if let Some(dir) = target.parent() {
            std::fs::create_dir_all(dir).with_context(|| format!("creating {}", dir.display()))?;
        }
        std::fs::copy(&file, &target)
            .with_context(|| format!("copying {} to {}", file.display(), target.display()))?;
    }
    Ok(())
}

/// Every regular file below a directory, sorted. Links are not followed.
pub fn files_below(dir: &Path) -> Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    let mut open = vec![dir.to_path_buf()];
    while let Some(dir) = open.pop() {
        let entries = std::fs::read_dir(&dir).with_context(|| format!("listing {}", dir.display()))?;
        for entry in entries {
            let entry = entry.with_context(|| format!("listing {}", dir.display()))?;
            let kind = entry.file_type().with_context(|| format!("reading {}", entry.path().display()))?;
            if kind.is_dir() {
                open.push(entry.path());
            } else if kind.is_file() {
                files.push(entry.path());
            }
        }
    }
    files.sort();
    Ok(files)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn repository_holds_the_workspace_manifest() {
        let manifest = std::fs::read_to_string(repository().join("Cargo.toml")).unwrap();
        assert!(manifest.contains("[workspace]"));
    }

    #[test]
    fn packages_at_every_depth_know_one_top() {
        let top = tempfile::tempdir().unwrap();
        std::fs::write(top.path().join("Cargo.lock"), "").unwrap();
        for package in ["", "acceptance-tests", "acceptance-tests/what-ran"] {
            assert_eq!(top_above(&top.path().join(package)), top.path());
        }
        assert_eq!(top_above(&repository().join("acceptance-tests/what-ran")), repository());
    }

    #[test]
    fn a_target_directory_that_cargo_found_there_is_one() {
        let made = tempfile::tempdir().unwrap();
        let program = made.path().join("debug/deps/program");
        assert_eq!(target_above(&program), None);
        std::fs::write(made.path().join(".rustc_info.json"), "{}").unwrap();
        assert_eq!(target_above(&program).as_deref(), Some(made.path()));
        assert!(target().is_ok_and(|found| found.join(".rustc_info.json").is_file()));
    }

    #[test]
    fn a_copied_tree_has_the_same_files() {
        let (from, to) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        std::fs::create_dir(from.path().join("inner")).unwrap();
        std::fs::write(from.path().join("a"), "1").unwrap();
        std::fs::write(from.path().join("inner/b"), "2").unwrap();
        copy_tree(from.path(), to.path()).unwrap();
        let names: Vec<_> = files_below(to.path()).unwrap();
        assert_eq!(names, [to.path().join("a"), to.path().join("inner/b")]);
    }
}
