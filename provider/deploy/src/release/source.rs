//! Reads a release from its HCL, for the build script. Strict: what it does not know, it refuses, naming file and key.

use std::collections::BTreeMap;

use serde::de::DeserializeOwned;

use super::kind::KindId;
use super::options::OptionSpec;
use super::spec::{FileSpec, Format, KindSpec, Parity, Probe, Release, Run, ServiceSpec};

/// The texts of one release's folder, by path relative to `schemas/releases`.
pub type Texts = BTreeMap<String, String>;

/// Reads the release of that id.
pub fn read_release(id: &str, texts: &Texts) -> Result<Release, String> {
    let mut release: Release = parse(&format!("{id}/release.hcl"), texts)?;
    if release.id.as_str() != id {
        return Err(format!("{id}/release.hcl: id is `{}`, its folder is `{id}`", release.id));
    }
    for kind in KindId::ALL {
        let path = format!("{id}/{kind}/kind.hcl");
        let spec: KindSpec = parse(&path, texts)?;
        if spec.kind != kind {
            return Err(format!("{path}: kind is `{}`, its folder is `{kind}`", spec.kind));
        }
        judge_kind(&spec, &release, texts).map_err(|problem| format!("{path}: {problem}"))?;
        release.kinds.insert(kind, spec);
    }
    judge_release(&release, texts).map_err(|problem| format!("{id}/release.hcl: {problem}"))?;
    Ok(release)
}

fn parse<T: DeserializeOwned>(path: &str, texts: &Texts) -> Result<T, String> {
    let text = texts.get(path).ok_or_else(|| format!("{path}: no such file"))?;
    hcl::from_str(text).map_err(|error| format!("{path}: {error}"))
}

fn judge_release(release: &Release, texts: &Texts) -> Result<(), String> {
    judge_files(release, release.files.iter(), texts)?;
    let paths: Vec<&str> = release.files.names().collect();
    judge_services(release.services.iter(), &paths)?;
    for (name, front_end) in release.front_ends.iter() {
        if front_end.vips.is_empty() {
            return Err(format!("front_end `{name}`: is bound to no VIP"));
        }
    }
    Ok(())
}

fn judge_kind(spec: &KindSpec, release: &Release, texts: &Texts) -> Result<(), String> {
    judge_counts(spec)?;
    judge_files(release, spec.files.iter(), texts)?;
    if let Some(path) = spec.files.names().find(|path| release.files.get(path).is_some()) {
        return Err(format!("file `{path}`: every node of the release has it already"));
    }
    let paths: Vec<&str> = spec.files.names().chain(release.files.names()).collect();
    judge_services(spec.services.iter(), &paths)?;
    for (name, option) in spec.options.iter() {
        judge_option(option).map_err(|problem| format!("option `{name}`: {problem}"))?;
    }
    for (name, action) in spec.actions.iter() {
        let ((Some(service), None) | (None, Some(service))) = (&action.before, &action.after) else {
            return Err(format!("action `{name}`: needs either `before` or `after`"));
        };
        if spec.services.get(service).is_none() {
            return Err(format!("action `{name}`: there is no service `{service}`"));
        }
        if let Some(path) = action.reads.iter().find(|path| !paths.contains(&path.as_str())) {
            return Err(format!("action `{name}`: reads `{path}`, which is no file of the kind"));
        }
        if action.run == Run::Once && !action.reads.is_empty() {
            return Err(format!("action `{name}`: runs once, whatever it reads"));
        }
    }
    for (name, check) in spec.checks.iter() {
        if let Some(service) = check.service.as_ref().filter(|service| spec.services.get(service).is_none()) {
            return Err(format!("check `{name}`: there is no service `{service}`"));
        }
        let complete = match check.probe {
            Probe::Tcp => check.port.is_some() && check.path.is_none() && check.command.is_none(),
            Probe::Http => check.port.is_some() && check.path.is_some() && check.command.is_none(),
            Probe::Command => check.port.is_none() && check.path.is_none() && check.command.is_some(),
        };
        if !complete {
            return Err(format!(
                "check `{name}`: tcp takes `port`, http `port` and `path`, command `command`"
            ));
        }
    }
    Ok(())
}

fn judge_counts(spec: &KindSpec) -> Result<(), String> {
    let count = &spec.count;
    for default in [count.ha, count.compact] {
        if default < count.min || default > count.max {
            return Err(format!("count: default {default} is not within {} to {}", count.min, count.max));
        }
        if count.parity == Parity::Odd && default % 2 == 0 {
            return Err(format!("count: default {default} is even"));
        }
    }
    Ok(())
}

fn judge_files<'a>(
    release: &Release,
    files: impl Iterator<Item = (&'a str, &'a FileSpec)>,
    texts: &Texts,
) -> Result<(), String> {
    for (path, file) in files {
        judge_file(release, path, file, texts).map_err(|problem| format!("file `{path}`: {problem}"))?;
    }
    Ok(())
}

fn judge_file(release: &Release, path: &str, file: &FileSpec, texts: &Texts) -> Result<(), String> {
    if !path.starts_with('/') {
        return Err("is not an absolute path".to_owned());
    }
    let octal = file.mode.len() == 4 && file.mode.bytes().all(|digit| (b'0'..=b'7').contains(&digit));
    if !octal {
        return Err(format!("mode `{}` is not four octal digits", file.mode));
    }
    let template = release.template_name(&file.template);
    if !texts.contains_key(&template) {
        return Err(format!("there is no template `{template}`"));
    }
    if (file.format == Format::None) != file.fixed_because.is_some() {
        return Err("`fixed_because` belongs to `format = \"none\"` and to no other".to_owned());
    }
    Ok(())
}

fn judge_services<'a>(
    services: impl Iterator<Item = (&'a str, &'a ServiceSpec)>,
    paths: &[&str],
) -> Result<(), String> {
    for (name, service) in services {
        let mut watched = service.restart_on.iter().chain(&service.reload_on);
        if let Some(path) = watched.find(|path| !paths.contains(&path.as_str())) {
            return Err(format!("service `{name}`: there is no file `{path}`"));
        }
    }
    Ok(())
}

fn judge_option(option: &OptionSpec) -> Result<(), String> {
    for default in [Some(&option.default), option.compact_default.as_ref()].into_iter().flatten() {
        option.check(default).map_err(|problem| format!("its default {problem}"))?;
    }
    Ok(())
}

/// Judges the releases together: a template that nobody uses is a mistake in a name somewhere.
pub fn judge_use(releases: &[Release], texts: &Texts) -> Result<(), String> {
    let mut named = Vec::new();
    for release in releases {
        let kinds = release.kinds.values().flat_map(|kind| kind.files.iter());
        named
            .extend(release.files.iter().chain(kinds).map(|(_, file)| release.template_name(&file.template)));
    }
    let templates = texts.iter().filter(|(name, _)| name.ends_with(".j2"));
    for (name, _) in templates {
        let imported = || texts.values().any(|text| text.contains(&format!("\"{name}\"")));
        if !named.contains(name) && !imported() {
            return Err(format!("{name}: no file uses this template"));
        }
    }
    Ok(())
}
