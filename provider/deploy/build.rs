//! Reads and judges `schemas/releases` and embeds it, so that a mistake in a release fails the build and the provider
//! carries no HCL parser.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::{env, fs, io};

#[path = "src/release"]
#[allow(dead_code, reason = "the library uses the rest")]
mod release {
    pub mod entries;
    pub mod front_end;
    pub mod kind;
    pub mod options;
    pub mod source;
    pub mod spec;
    pub mod template;
}

use release::source::{self, Texts};
use release::spec::Release;

type Outcome<T> = Result<T, Box<dyn std::error::Error>>;

fn main() -> Outcome<()> {
    let root = fs::canonicalize(Path::new(&env::var("CARGO_MANIFEST_DIR")?).join("../../schemas/releases"))?;
    println!("cargo::rerun-if-changed={}", root.display());
    let texts = read_texts(&root)?;
    let ids = texts.keys().filter_map(|path| path.strip_suffix("/release.hcl"));
    let releases =
        ids.map(|id| source::read_release(id, &texts)).collect::<Result<Vec<Release>, String>>()?;
    source::judge_use(&releases, &texts)?;
    let out = PathBuf::from(env::var("OUT_DIR")?);
    fs::write(out.join("releases.rs"), generate(&root, &releases, &texts)?)?;
    Ok(())
}

/// Every file below the folder, by relative path. Generated code includes templates by path, so that a change of one
/// recompiles the crate and the binary holds each text once.
fn read_texts(root: &Path) -> Outcome<Texts> {
    let mut texts = BTreeMap::new();
    let mut folders = vec![root.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder)? {
            let path = entry?.path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let name =
                path.strip_prefix(root)?.to_str().ok_or("a release has a file whose name is not UTF-8")?;
            let text =
                fs::read_to_string(&path).map_err(|error| io::Error::other(format!("{name}: {error}")))?;
            texts.insert(name.to_owned(), text);
        }
    }
    Ok(texts)
}

fn generate(root: &Path, releases: &[Release], texts: &Texts) -> Outcome<String> {
    let json = serde_json::to_string(releases)?;
    let mut code = format!("pub const RELEASES_JSON: &str = {json:?};\n");
    code.push_str("pub const TEMPLATES: &[(&str, &str)] = &[\n");
    for name in texts.keys().filter(|name| name.ends_with(".j2")) {
        writeln!(code, "    ({name:?}, include_str!({:?})),", root.join(name))?;
    }
    code.push_str("];\n");
    Ok(code)
}
