//! The checker of error messages: each must name the operation, the object, the cause and what to do.

use acceptance_tests::Diagnostic;
use anyhow::{Result, ensure};

/// What the message of a failure must hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Told {
    /// The words that the title begins with: `Cannot create`.
    pub(crate) operation: &'static str,
    /// The object of the step that failed, as users know it: a node, a rule, a deployment.
    pub(crate) object: String,
    /// One of these must be told as the cause.
    pub(crate) causes: Vec<&'static str>,
}

/// How the advice at the end of a message begins.
const ADVICE: [&str; 13] = [
    "Another task is at work there: run again",
    "Check ",
    "Find out ",
    "Free ",
    "Give ",
    "Remove or rename ",
    "Rename ",
    "Run again",
    "Somebody cancelled it: run again",
    "Somebody else changed it at the same time: run again",
    "mend the cause, then run again",
    "vCenter may carry it out all the same: run again",
    "vCenter may have carried it out all the same: run again",
];

impl Told {
    /// Fails, with the message, unless it names all four, and each once: the cause after the step, the advice after the cause.
    pub(crate) fn check(&self, message: &Diagnostic) -> Result<()> {
        let Diagnostic { summary, detail, .. } = message;
        ensure!(summary.starts_with(self.operation), "no operation `{}`: {summary}", self.operation);
        let object = format!("`{}`", self.object);
        ensure!(
            summary.contains(&object) || detail.contains(&object),
            "no object {object}: {summary}: {detail}"
        );
        let cause = self.causes.iter().find_map(|cause| detail.find(cause));
        let Some(cause) = cause else { anyhow::bail!("no cause {:?}: {summary}: {detail}", self.causes) };
        ensure!(!detail.contains("bug in the provider"), "a bug is told: {summary}: {detail}");
        let advice = ADVICE.iter().filter_map(|advice| detail.rfind(advice)).max();
        ensure!(
            advice.is_some_and(|advice| advice > cause),
            "no advice after the cause: {summary}: {detail}"
        );
        ensure!(detail.ends_with('.'), "no whole sentence: {detail}");
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(summary: &str, detail: &str) -> Diagnostic {
        Diagnostic {
            severity: "error".to_owned(),
            summary: summary.to_owned(),
            detail: detail.to_owned(),
            address: None,
            code: None,
        }
    }

    fn told() -> Told {
        Told { operation: "Cannot create", object: "a-memcache-01".to_owned(), causes: vec!["ResourceInUse"] }
    }

    #[test]
    fn a_message_that_names_all_four_passes() {
        let detail = "Cannot power on `a-memcache-01`: PowerOnVM_Task on VirtualMachine:vm-7 failed: ResourceInUse. \
                      Find out in vCenter what uses it, then run again when it is free.";
        told().check(&message("Cannot create `a/memcache`", detail)).unwrap();
    }

    /// The negative control: each lacks one of the four.
    #[test]
    fn a_message_that_lacks_one_of_the_four_fails_for_that_reason() {
        let advice = "Run again.";
        let cases = [
            ("Error", format!("Cannot power on `a-memcache-01`: ResourceInUse. {advice}"), "no operation"),
            (
                "Cannot create `a/memcache`",
                format!("PowerOnVM_Task on vm-7: ResourceInUse. {advice}"),
                "no object",
            ),
            ("Cannot create `a/memcache`", format!("Cannot power on `a-memcache-01`. {advice}"), "no cause"),
            (
                "Cannot create `a/memcache`",
                "Cannot power on `a-memcache-01`: ResourceInUse.".to_owned(),
                "no advice",
            ),
            (
                "Cannot create `a/memcache`",
                "Run again: cannot power on `a-memcache-01`: ResourceInUse.".to_owned(),
                "no advice",
            ),
            (
                "Cannot create `a/memcache`",
                format!(
                    "Cannot power on `a-memcache-01`: ResourceInUse; this is a bug in the provider. {advice}"
                ),
                "a bug",
            ),
        ];
        for (summary, detail, reason) in cases {
            let error = told().check(&message(summary, &detail)).unwrap_err().to_string();
            assert!(error.starts_with(reason), "{error}");
        }
    }
}
