//! The tiers of tests that need more than every machine has, and the word on each at the end of a run.
//!
//! A test of a tier goes through [`run`], which notes what came of it below `target/tiers/`; the package `what-ran`,
//! which cargo tests last, prints [`summary`]. So a tier that did not run is never silent, though the test runner calls
//! its tests passed and hides what they print.

mod cells;

use std::fmt::Write as _;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::time::Instant;
use std::{fs, io};

use anyhow::{Context as _, Result, anyhow};
use serde_json::{Value, json};

use crate::{living, paths};

pub use cells::note_cells;

/// A tier.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tier {
    /// Tier 0: each file of each node is judged by its real checker.
    Checkers,
    /// Tier 1: load balancers, database, queue, memcache and controllers live, and tokens are had.
    Tokens,
    /// Tier 2: the whole cloud lives.
    Whole,
}

impl Tier {
    /// All of them, in the order of their numbers.
    pub const ALL: [Self; 3] = [Self::Checkers, Self::Tokens, Self::Whole];

    /// Number and title.
    fn title(self) -> &'static str {
        match self {
            Self::Checkers => "tier 0, real checkers",
            Self::Tokens => "tier 1, a living cloud of tokens",
            Self::Whole => "tier 2, a whole living cloud",
        }
    }

    fn prefix(self) -> String {
        format!("{self:?}.")
    }
}

/// What came of a test.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// It ran and passed; with figures that show how much it looked at.
    Ran(String),
    /// It did not run, and why.
    NotRun(String),
}

/// Runs a test of a tier and notes what came of it. `law` says what the test shows, in a few words.
pub fn run(tier: Tier, law: &str, test: impl FnOnce() -> Result<Outcome>) -> Result<()> {
    let notes = Notes::of_this_run()?;
    // A test that ends without a word has failed.
    notes.write(tier, law, "failed", "")?;
    let began = Instant::now();
    match test()? {
        Outcome::Ran(figures) => {
            notes.write(tier, law, "ran", &format!("{figures}, {:.1} s", began.elapsed().as_secs_f64()))
        }
        Outcome::NotRun(reason) => {
            let reason = reason.lines().collect::<Vec<_>>().join("; ");
            // The test runner catches what macros print, but not this.
            let _ = writeln!(io::stderr(), "{}: \"{law}\" did not run: {reason}", tier.title());
            notes.write(tier, law, "did not run", &reason)
        }
    }
}

/// Notes at how many calls a walk or sample of the crash suite has killed the provider.
pub fn note_kill_points(walk: &str, count: usize) -> Result<()> {
    Notes::of_this_run()?.write_as(Notes::KILLS, walk, "ran", &count.to_string())
}

/// What became of the tiers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Summary {
    /// A line for each test, and for each tier that no test spoke for.
    pub text: String,
    /// All tiers ran.
    pub complete: bool,
}

/// What became of all tiers in this run of cargo, which is also written to `target/tiers/summary`.
pub fn summary() -> Result<Summary> {
    let notes = Notes::of_this_run()?;
    let mut summary = notes.summary()?;
    if !summary.complete && !living::demanded() {
        let _ = writeln!(summary.text, "  {}=1 makes a tier that did not run a failure", living::DEMANDED_BY);
    }
    let _ = writeln!(summary.text, "  {}", notes.cells()?);
    let file = notes.directory.join("summary");
    fs::write(&file, &summary.text).with_context(|| format!("writing {}", file.display()))?;
    Ok(summary)
}

/// The notes that the tests of one run of cargo leave for its last one.
struct Notes {
    directory: PathBuf,
    /// Stands for the run: notes of earlier runs say nothing about this one.
    run: String,
}

impl Notes {
    /// Stands before the names of the crash suite's notes.
    const KILLS: &str = "Kills.";

    fn of_this_run() -> Result<Self> {
        let directory = paths::target()?.join("tiers");
        fs::create_dir_all(&directory).with_context(|| format!("creating {}", directory.display()))?;
        let parent =
            rustix::process::getppid().ok_or_else(|| anyhow!("this program has no parent process"))?;
        let parent = parent.as_raw_nonzero();
        // Process ids come again; together with the time of start they do not.
        let stat = fs::read_to_string(format!("/proc/{parent}/stat")).unwrap_or_default();
        let began = stat.rsplit(')').next().and_then(|rest| rest.split_whitespace().nth(19));
        Ok(Self { directory, run: format!("{parent} {}", began.unwrap_or_default()) })
    }

    fn write(&self, tier: Tier, law: &str, outcome: &str, text: &str) -> Result<()> {
        self.write_as(&tier.prefix(), law, outcome, text)
    }

    fn write_as(&self, prefix: &str, law: &str, outcome: &str, text: &str) -> Result<()> {
        let name: String = law.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '-' }).collect();
        let file = self.directory.join(format!("{prefix}{name}.json"));
        let note = json!({"run": self.run, "law": law, "outcome": outcome, "text": text});
        fs::write(&file, note.to_string()).with_context(|| format!("writing {}", file.display()))
    }

    fn summary(&self) -> Result<Summary> {
        let mut summary = Summary { text: String::new(), complete: true };
        for tier in Tier::ALL {
            let notes = self.of(&tier.prefix())?;
            if notes.is_empty() {
                let _ = writeln!(summary.text, "  {}: no test of it was run", tier.title());
                summary.complete = false;
            }
            for note in notes {
                let part = |name: &str| note[name].as_str().unwrap_or_default().to_owned();
                summary.complete &= part("outcome") == "ran";
                let line = format!("{}: {} {}: {}", tier.title(), part("law"), part("outcome"), part("text"));
                let _ = writeln!(summary.text, "  {}", line.trim_end_matches(": "));
            }
        }
        let _ = writeln!(summary.text, "  {}", self.kill_points()?);
        Ok(summary)
    }

    /// At how many calls the crash suite has killed the provider, in all and by walk.
    fn kill_points(&self) -> Result<String> {
        let notes = self.of(Self::KILLS)?;
        let text = |note: &Value, part: &str| note[part].as_str().unwrap_or_default().to_owned();
        let count = |note: &Value| text(note, "text").parse().unwrap_or(0_usize);
        let walks: Vec<String> =
            notes.iter().map(|note| format!("{} {}", text(note, "law"), count(note))).collect();
        Ok(match walks.as_slice() {
            [] => "crash suite: no test of it was run".to_owned(),
            _ => {
                let all: usize = notes.iter().map(count).sum();
                format!("crash suite: {all} kill points: {}", walks.join(", "))
            }
        })
    }

    fn of(&self, prefix: &str) -> Result<Vec<Value>> {
        let is_of_tier =
            |file: &Path| file.file_name().is_some_and(|name| name.to_string_lossy().starts_with(prefix));
        let mut notes = Vec::new();
        for file in paths::files_below(&self.directory)?.iter().filter(|file| is_of_tier(file)) {
            let text = fs::read_to_string(file).with_context(|| format!("reading {}", file.display()))?;
            let note: Value =
                serde_json::from_str(&text).with_context(|| format!("reading {}", file.display()))?;
            if note["run"] == self.run.as_str() {
                notes.push(note);
            }
        }
        Ok(notes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn notes(directory: &Path, run: &str) -> Notes {
        Notes { directory: directory.to_path_buf(), run: run.to_owned() }
    }

    #[test]
    fn a_tier_that_no_test_spoke_for_is_told() {
        let directory = tempfile::tempdir().unwrap();
        notes(directory.path(), "1").write(Tier::Checkers, "a law", "ran", "7 files").unwrap();
        let summary = notes(directory.path(), "2").summary().unwrap();
        let silent = |tier: &Tier| format!("  {}: no test of it was run\n", tier.title());
        let all: String = Tier::ALL.iter().map(silent).collect();
        let kills = "crash suite: no test of it was run";
        assert_eq!(summary.text, format!("{all}  {kills}\n"));
        assert!(!summary.complete);
    }

    #[test]
    fn kill_points_of_this_run_are_counted() {
        let directory = tempfile::tempdir().unwrap();
        for (run, walk, count) in [("1", "resize", "7"), ("2", "create", "40"), ("2", "scale", "2")] {
            notes(directory.path(), run).write_as(Notes::KILLS, walk, "ran", count).unwrap();
        }
        let counted = notes(directory.path(), "2").kill_points().unwrap();
        assert_eq!(counted, "crash suite: 42 kill points: create 40, scale 2");
    }

    #[test]
    fn a_tier_is_complete_only_if_all_of_its_tests_ran() {
        let directory = tempfile::tempdir().unwrap();
        let notes = notes(directory.path(), "1");
        for tier in Tier::ALL {
            notes.write(tier, "a law", "ran", "7 files").unwrap();
        }
        assert!(notes.summary().unwrap().complete);
        notes.write(Tier::Tokens, "b law", "did not run", "no root").unwrap();
        let summary = notes.summary().unwrap();
        assert!(!summary.complete);
        assert!(summary.text.contains("b law did not run: no root\n"), "{}", summary.text);
    }
}
