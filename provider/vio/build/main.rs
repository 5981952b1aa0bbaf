//! Turns `schemas/resources/*.hcl` into the served schema and the structs that the provider's code works with.

mod generate;

use std::path::{Path, PathBuf};
use std::{env, fs};

use anyhow::{Context, Result};

/// Where the schemas lie, from this package's directory.
const SCHEMAS: &str = "../../schemas/resources";

#[expect(clippy::print_stdout, reason = "build scripts speak to cargo by their output")]
fn main() -> Result<()> {
    let package = PathBuf::from(env::var("CARGO_MANIFEST_DIR").context("run this by cargo")?);
    let out = PathBuf::from(env::var("OUT_DIR").context("run this by cargo")?).join("schema.rs");
    println!("cargo::rerun-if-changed={SCHEMAS}");
    let code = generate::generate(&sources(&package.join(SCHEMAS))?)?;
    fs::write(&out, code).with_context(|| format!("write {}", out.display()))
}

/// The schema files in the order of their names, so that the same files give the same code.
fn sources(directory: &Path) -> Result<Vec<generate::Source>> {
    let list = || format!("list {}", directory.display());
    let mut sources = Vec::new();
    for entry in fs::read_dir(directory).with_context(list)? {
        let path = entry.with_context(list)?.path();
        if path.extension().is_some_and(|extension| extension == "hcl") {
            let text = fs::read_to_string(&path).with_context(|| format!("read {}", path.display()))?;
            let file = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            sources.push(generate::Source { file, text });
        }
    }
    sources.sort_by(|a, b| a.file.cmp(&b.file));
    Ok(sources)
}
