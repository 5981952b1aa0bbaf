//! Small steps between values and what they say.

use deploy::preflight::Finding;
use tf_core::{Diagnostics, Path, Value};

/// Sets an attribute of an object.
pub(crate) fn set(object: &mut Value, name: &str, value: impl Into<Value>) {
    if let Value::Map(members) = object {
        members.insert(name.to_owned(), value.into());
    }
}

/// Findings as errors on their attributes.
pub(crate) fn errors(findings: Vec<Finding>) -> Diagnostics {
    let mut diagnostics = Diagnostics::new();
    for Finding { attribute, summary, detail } in findings {
        let path = attribute.into_iter().fold(Path::root(), |path, name| path.then_attribute(name));
        diagnostics.error(path, summary, detail);
    }
    diagnostics
}

/// One error on a top-level attribute.
pub(crate) fn error(attribute: &str, summary: &str, detail: impl Into<String>) -> Diagnostics {
    let mut diagnostics = Diagnostics::new();
    diagnostics.error(Path::attribute(attribute), summary, detail);
    diagnostics
}

/// A whole number that is known and fits.
pub(crate) fn number(value: &Value) -> Option<u32> {
    value.as_i64().and_then(|number| u32::try_from(number).ok())
}

/// The text of a known string.
pub(crate) fn text(value: &Value) -> Option<String> {
    value.as_str().map(str::to_owned)
}
