//! How many cells of the fault matrix this run has shown.

use std::fs;

use anyhow::{Context as _, Result};
use serde_json::{Value, json};

use super::Notes;
use crate::paths;

/// Stands before the names of the matrix's notes.
const PREFIX: &str = "Cells.";

/// Notes how many cells of a part of the fault matrix were shown, all of them green.
pub fn note_cells(part: &str, count: usize) -> Result<()> {
    Notes::of_this_run()?.write_cells(part, count)
}

impl Notes {
    fn write_cells(&self, part: &str, count: usize) -> Result<()> {
        let file = self.directory.join(format!("{PREFIX}{part}.json"));
        let note = json!({"run": self.run, "part": part, "count": count});
        fs::write(&file, note.to_string()).with_context(|| format!("writing {}", file.display()))
    }

    /// The line of the summary.
    pub(super) fn cells(&self) -> Result<String> {
        let mut parts = Vec::new();
        let mut all = 0;
        for file in paths::files_below(&self.directory)? {
            if !file.file_name().is_some_and(|name| name.to_string_lossy().starts_with(PREFIX)) {
                continue;
            }
            let text = fs::read_to_string(&file).with_context(|| format!("reading {}", file.display()))?;
            let note: Value =
                serde_json::from_str(&text).with_context(|| format!("reading {}", file.display()))?;
            if note["run"] == self.run.as_str() {
                let count = note["count"].as_u64().unwrap_or_default();
                all += count;
                parts.push(format!("{} {count}", note["part"].as_str().unwrap_or_default()));
            }
        }
        Ok(match parts.as_slice() {
            [] => "fault matrix: no test of it was run".to_owned(),
            _ => format!("fault matrix: {all} cells, all green: {}", parts.join(", ")),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_of_this_run_are_counted() {
        let directory = tempfile::tempdir().unwrap();
        let notes = |run: &str| Notes { directory: directory.path().to_path_buf(), run: run.to_owned() };
        for (run, part, count) in [("1", "update", 7), ("2", "create", 40), ("2", "delete", 2)] {
            notes(run).write_cells(part, count).unwrap();
        }
        assert_eq!(notes("2").cells().unwrap(), "fault matrix: 42 cells, all green: create 40, delete 2");
        assert_eq!(notes("3").cells().unwrap(), "fault matrix: no test of it was run");
    }
}
