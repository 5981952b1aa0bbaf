//! Where things are: the repository and cargo's target directory.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};

/// The top of the repository.
pub fn repository() -> PathBuf {
    // Cargo does not build anew when the repository has moved, but tells where it is now to whatever it runs.
    let built_in = || PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    let crate_dir = std::env::var_os("CARGO_MANIFEST_DIR").map_or_else(built_in, PathBuf::from);
    crate_dir.parent().unwrap_or(&crate_dir).to_path_buf()
}

/// Cargo's target directory: the one this program was built into, wherever the user's configuration has put it.
pub fn target() -> Result<PathBuf> {
    let program = std::env::current_exe().context("finding the path of the running program")?;
    // Cargo marks its target directory with this file, so that backup programs leave it out.
    let marked = program.ancestors().find(|dir| dir.join("CACHEDIR.TAG").is_file());
    Ok(marked.map_or_else(|| repository().join("target"), Path::to_path_buf))
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
