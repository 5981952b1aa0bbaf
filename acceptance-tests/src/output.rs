//! What a command said, and how to look at it.

use std::process::ExitStatus;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use serde_json::Value;

/// A command that has ended.
#[derive(Debug, Clone)]
pub struct Output {
    /// The command as a user would type it.
    pub command: String,
    /// How it ended.
    pub status: ExitStatus,
    /// All of its standard output.
    pub stdout: String,
    /// All of its standard error.
    pub stderr: String,
    /// From start to end, by the clock on the wall.
    pub wall: Duration,
}

/// A message for the user, as `validate -json`, `plan -json` and `apply -json` give it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diagnostic {
    /// `error` or `warning`.
    pub severity: String,
    /// The title.
    pub summary: String,
    /// Cause and remedy.
    pub detail: String,
    /// The resource it belongs to, if any: `vio_component.database`.
    pub address: Option<String>,
    /// The line of the configuration that it points at, without indentation: `node_count = 2`.
    pub code: Option<String>,
}

impl Output {
    /// The command ended well. `plan -detailed-exitcode` ends well with 2, too: there are changes.
    pub fn succeeded(&self) -> bool {
        self.status.success() || (self.has_detailed_exit_code() && self.status.code() == Some(2))
    }

    /// With `-detailed-exitcode`: the plan holds changes.
    pub fn has_changes(&self) -> bool {
        self.has_detailed_exit_code() && self.status.code() == Some(2)
    }

    fn has_detailed_exit_code(&self) -> bool {
        self.command.contains("-detailed-exitcode")
    }

    /// Fails, with everything that the command said, unless it succeeded.
    pub fn expect_success(self) -> Result<Self> {
        if self.succeeded() {
            Ok(self)
        } else {
            bail!("`{}` failed ({})\n{}", self.command, self.status, self.said())
        }
    }

    /// Fails, with everything that the command said, if it succeeded.
    pub fn expect_failure(self) -> Result<Self> {
        if self.succeeded() {
            bail!("`{}` succeeded but should not have\n{}", self.command, self.said())
        }
        Ok(self)
    }

    /// Fails, with everything that the command said, unless it said this. Line breaks and the bars that the CLIs draw
    /// beside a message do not count.
    pub fn expect_text(&self, text: &str) -> Result<&Self> {
        if flat(&self.said()).contains(&flat(text)) {
            return Ok(self);
        }
        bail!("`{}` did not say {text:?}\n{}", self.command, self.said())
    }

    /// Both streams, one after the other.
    pub fn said(&self) -> String {
        format!("{}{}", self.stdout, self.stderr)
    }

    /// The standard output as one JSON value.
    pub fn json(&self) -> Result<Value> {
        serde_json::from_str(&self.stdout)
            .with_context(|| format!("`{}` gave no JSON\n{}", self.command, self.said()))
    }

    /// The diagnostics of a command that ran with `-json`.
    pub fn diagnostics(&self) -> Vec<Diagnostic> {
        // `validate` prints one document, the others a stream of one-line messages.
        if let Ok(Value::Object(document)) = serde_json::from_str::<Value>(&self.stdout)
            && let Some(Value::Array(all)) = document.get("diagnostics")
        {
            return all.iter().map(Diagnostic::from_json).collect();
        }
        self.stdout
            .lines()
            .filter_map(|line| serde_json::from_str::<Value>(line).ok())
            .filter(|message| message["type"] == "diagnostic")
            .map(|message| Diagnostic::from_json(&message["diagnostic"]))
            .collect()
    }
}

impl Diagnostic {
    fn from_json(value: &Value) -> Self {
        let text = |value: &Value| value.as_str().map(str::to_owned);
        Self {
            severity: text(&value["severity"]).unwrap_or_default(),
            summary: text(&value["summary"]).unwrap_or_default(),
            detail: text(&value["detail"]).unwrap_or_default(),
            address: text(&value["address"]),
            code: text(&value["snippet"]["code"]).map(|code| code.trim().to_owned()),
        }
    }
}

/// The text as one line of words: without frames and line breaks.
fn flat(text: &str) -> String {
    text.split(|c: char| c.is_whitespace() || "│╷╵".contains(c))
        .filter(|word| !word.is_empty())
        .collect::<Vec<_>>()
        .join(" ")
}

#[cfg(test)]
mod tests {
    use std::os::unix::process::ExitStatusExt as _;

    use super::*;

    fn output(command: &str, code: i32, stdout: &str) -> Output {
        Output {
            command: command.to_owned(),
            status: ExitStatus::from_raw(code << 8),
            stdout: stdout.to_owned(),
            stderr: String::new(),
            wall: Duration::ZERO,
        }
    }

    #[test]
    fn text_is_found_across_the_frame_of_a_diagnostic() {
        let boxed =
            output("tofu apply", 1, "╷\n│ Error: no such cluster\n│ \n│ vCenter has no cluster\n│ `x`\n╵\n");
        boxed.expect_text("vCenter has no cluster `x`").unwrap();
        assert!(boxed.expect_text("another").is_err());
    }

    #[test]
    fn two_is_success_only_with_detailed_exit_code() {
        assert!(output("tofu plan -detailed-exitcode", 2, "").succeeded());
        assert!(!output("tofu plan", 2, "").succeeded());
        assert!(!output("tofu plan -detailed-exitcode", 1, "").succeeded());
    }

    #[test]
    fn a_failure_carries_everything_said() {
        let error = output("tofu apply", 1, "the reason").expect_success().unwrap_err().to_string();
        assert!(error.contains("tofu apply") && error.contains("the reason"), "{error}");
    }

    #[test]
    fn diagnostics_come_from_a_stream_and_from_a_document() {
        let one = r#"{"severity":"error","summary":"S","detail":"D","address":"vio_component.db","snippet":{"code":"  node_count = 2"}}"#;
        let stream = format!(
            "{{\"type\":\"version\"}}\n{{\"type\":\"diagnostic\",\"diagnostic\":{one}}}\nplain text\n"
        );
        let document = format!("{{\"valid\":false,\"diagnostics\":[{one}]}}");
        let from_stream = output("tofu plan -json", 1, &stream).diagnostics();
        assert_eq!(from_stream, output("tofu validate -json", 1, &document).diagnostics());
        assert_eq!(from_stream.first().unwrap().code.as_deref(), Some("node_count = 2"));
    }
}
