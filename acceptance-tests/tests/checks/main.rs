//! Tier 0: every file that a node of Zed gets is judged by the program that will read it, or by that program's own
//! checker, in the file system that nodes have. Whether the programs then work together is for guests that live.

mod checks;
mod cloud;
mod controls;
mod oslo;
mod sandbox;

use std::collections::BTreeSet;
use std::num::NonZero;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::{iter, thread};

use acceptance_tests::living::{self, Living};
use acceptance_tests::paths;
use acceptance_tests::tiers::{self, Outcome, Tier};
use anyhow::{Context as _, Result, ensure};

use checks::{Check, UNCHECKED};
use cloud::{File, Node};
use controls::{CONTROLS, Control};
use sandbox::Sandbox;

#[test]
fn every_file_has_a_checker_or_a_reason() -> Result<()> {
    let checks = checks::all();
    let paths: BTreeSet<&str> =
        cloud::nodes()?.iter().flat_map(|node| &node.files).map(|file| file.path.as_str()).collect();
    for path in &paths {
        let unchecked = UNCHECKED.iter().any(|(other, _)| other == path);
        let checked = checks.iter().any(|check| check.covers(path));
        ensure!(
            checked != unchecked,
            "{path}: give it either a checker in `checks.rs` or a reason in `UNCHECKED`"
        );
    }
    for (path, _) in UNCHECKED {
        ensure!(paths.contains(path), "{path} is no file of any node: remove it from `UNCHECKED`");
    }
    Ok(())
}

#[test]
fn every_template_of_the_release_is_among_the_files() -> Result<()> {
    let release = paths::repository().join("schemas/releases/zed");
    let rendered: BTreeSet<_> =
        cloud::nodes()?.iter().flat_map(|node| &node.files).map(|file| &file.path).collect();
    for source in paths::files_below(&release)? {
        if source.extension().is_none_or(|extension| extension != "hcl") {
            continue;
        }
        let text =
            std::fs::read_to_string(&source).with_context(|| format!("reading {}", source.display()))?;
        for line in text.lines() {
            let path = line.strip_prefix("file \"").and_then(|rest| rest.split('"').next());
            // A path may depend on an option: then some file begins like it.
            let is_path = |path: &str, file: &str| match path.split_once("{{") {
                Some((begin, _)) => file.starts_with(begin),
                None => file == path,
            };
            ensure!(
                path.is_none_or(|path| rendered.iter().any(|file| is_path(path, file))),
                "{}: no node of these clouds has the file of the line {line:?}",
                source.display()
            );
        }
    }
    Ok(())
}

#[test]
fn every_file_that_a_service_watches_is_one_of_the_files() -> Result<()> {
    let nodes = cloud::nodes()?;
    let files: BTreeSet<_> = nodes.iter().flat_map(|node| &node.files).map(|file| &file.path).collect();
    for node in nodes {
        for path in &node.watched {
            ensure!(files.contains(path), "{} watches {path}, which no node has", node.name);
        }
    }
    Ok(())
}

#[test]
fn every_checker_has_a_negative_control() {
    for check in checks::all() {
        assert!(CONTROLS.iter().any(|control| control.check == check.name), "`{}` has none", check.name);
    }
}

#[test]
fn every_file_of_every_node_passes_its_real_checker() -> Result<()> {
    tiers::run(Tier::Checkers, "every file passes its real checker", || {
        in_sandbox(|sandbox| {
            let nodes = cloud::nodes()?;
            let checks = checks::all();
            let jobs = jobs(nodes, &checks);
            none_of(in_parallel(&jobs, |job| refused(job, sandbox)))?;
            let files: usize = nodes.iter().map(|node| node.files.len()).sum();
            Ok(format!("{files} files of {} nodes, {} checks", nodes.len(), jobs.len()))
        })
    })
}

#[test]
fn every_checker_refuses_a_broken_file() -> Result<()> {
    tiers::run(Tier::Checkers, "every checker refuses a broken file", || {
        in_sandbox(|sandbox| {
            let (nodes, checks) = (cloud::nodes()?, checks::all());
            none_of(in_parallel(&CONTROLS, |control| accepted(control, nodes, &checks, sandbox)))?;
            Ok(format!("{} faults, {} checkers", CONTROLS.len(), checks.len()))
        })
    })
}

/// Does the work in a sandbox that has all that is generated once; where this machine cannot have one, tells why.
fn in_sandbox(work: impl FnOnce(&Sandbox) -> Result<String>) -> Result<Outcome> {
    static GENERATING: Mutex<()> = Mutex::new(());
    let root = match living::root()? {
        Living::Root(root) => root,
        Living::NotHere(reason) => return Ok(Outcome::NotRun(reason)),
    };
    let sandbox = Sandbox::new(root)?;
    {
        let _one_at_a_time = GENERATING.lock();
        oslo::generate_options(&sandbox)?;
    }
    work(&sandbox).map(Outcome::Ran)
}

/// One check of one node.
struct Job<'a> {
    check: &'a Check,
    node: &'a Node,
    files: Vec<&'a File>,
}

impl Job<'_> {
    fn paths(&self) -> Vec<&str> {
        self.files.iter().map(|file| file.path.as_str()).collect()
    }
}

/// Every check of every node, but the same files once: the members of a component have most in common.
fn jobs<'a>(nodes: &'a [Node], checks: &'a [Check]) -> Vec<Job<'a>> {
    let mut seen = BTreeSet::new();
    let mut jobs = Vec::new();
    for (node, check) in nodes.iter().flat_map(|node| checks.iter().map(move |check| (node, check))) {
        let files: Vec<_> = node.files.iter().filter(|file| check.covers(&file.path)).collect();
        if !files.is_empty() && seen.insert((check.name, files.clone())) {
            jobs.push(Job { check, node, files });
        }
    }
    jobs
}

/// What a checker has against the files.
fn refused(job: &Job<'_>, sandbox: &Sandbox) -> Result<Option<String>> {
    let said = sandbox.run(&sandbox.lay_out(job.node)?, &job.check.script, &job.paths())?;
    let refusal =
        || format!("{} refuses {:?} of {}\n{}", job.check.name, job.paths(), job.node.name, said.text());
    Ok((!said.accepts).then(refusal))
}

/// How a checker fails to refuse a broken file.
fn accepted(
    control: &Control,
    nodes: &[Node],
    checks: &[Check],
    sandbox: &Sandbox,
) -> Result<Option<String>> {
    let title =
        format!("{}: {:?} instead of {:?} in {}", control.check, control.to, control.from, control.path);
    let check = checks.iter().find(|check| check.name == control.check && check.covers(control.path));
    let check = check.with_context(|| format!("{title}: the check does not cover the file"))?;
    let node = nodes.iter().find_map(|node| node.with(control.path, control.from, control.to));
    let node = node.with_context(|| format!("{title}: no node's file has the text"))?;
    let said = sandbox.run(&sandbox.lay_out(&node)?, &check.script, &[control.path])?;
    Ok(if said.accepts {
        Some(format!("{title} is accepted\n{}", said.text()))
    } else if !said.text().contains(control.says) {
        Some(format!("{title} is refused, but not with {:?}\n{}", control.says, said.text()))
    } else {
        None
    })
}

/// Fails with all that was found.
fn none_of(found: Vec<Result<Option<String>>>) -> Result<()> {
    let found =
        found.into_iter().filter_map(|one| one.map_err(|error| format!("{error:?}")).unwrap_or_else(Some));
    let found: Vec<_> = found.collect();
    ensure!(found.is_empty(), "{}", found.join("\n\n"));
    Ok(())
}

/// The same work on each of these, on all processors. What came of them is in no order.
fn in_parallel<I: Sync, O: Send>(inputs: &[I], work: impl Fn(&I) -> O + Sync) -> Vec<O> {
    let next = AtomicUsize::new(0);
    let worker = || {
        let taken = || inputs.get(next.fetch_add(1, Ordering::Relaxed));
        iter::from_fn(taken).map(&work).collect::<Vec<_>>()
    };
    thread::scope(|scope| {
        let workers = thread::available_parallelism().map_or(1, NonZero::get);
        let workers: Vec<_> = (0..workers).map(|_| scope.spawn(worker)).collect();
        workers.into_iter().flat_map(|worker| worker.join().unwrap_or_default()).collect()
    })
}
