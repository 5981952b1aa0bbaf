//! Diagnostics and paths on the wire.

use tf_core::{Diagnostic, Diagnostics, Path, Severity, Step};

use crate::proto::tfplugin6 as proto;

pub(crate) fn diagnostics(diagnostics: Diagnostics) -> Vec<proto::Diagnostic> {
    diagnostics.into_iter().map(diagnostic).collect()
}

fn diagnostic(diagnostic: Diagnostic) -> proto::Diagnostic {
    let severity = match diagnostic.severity {
        Severity::Error => proto::diagnostic::Severity::Error,
        Severity::Warning => proto::diagnostic::Severity::Warning,
    };
    proto::Diagnostic {
        severity: severity.into(),
        summary: diagnostic.summary,
        detail: diagnostic.detail,
        attribute: (!diagnostic.path.is_root()).then(|| visible(&diagnostic.path)),
    }
}

/// The part of a path whose line both CLIs find: an attribute of the resource, and one element in it. For anything
/// else they show where the resource begins. An attribute of an attribute is an element to them.
fn visible(path: &Path) -> proto::AttributePath {
    use proto::attribute_path::step::Selector;
    let mut visible = self::path(path);
    visible.steps.truncate(2);
    if let [_, inner] = visible.steps.as_mut_slice()
        && let Some(Selector::AttributeName(name)) = &mut inner.selector
    {
        inner.selector = Some(Selector::ElementKeyString(std::mem::take(name)));
    }
    visible
}

pub(crate) fn path(path: &Path) -> proto::AttributePath {
    use proto::attribute_path::{Step as WireStep, step::Selector};
    let step = |step: &Step| WireStep {
        selector: Some(match step {
            Step::Attribute(name) => Selector::AttributeName(name.clone()),
            Step::Key(key) => Selector::ElementKeyString(key.clone()),
            Step::Index(index) => Selector::ElementKeyInt(*index),
        }),
    };
    proto::AttributePath { steps: path.steps().iter().map(step).collect() }
}

/// An error about the whole request.
pub(crate) fn error(summary: impl Into<String>, detail: impl Into<String>) -> Diagnostics {
    let mut diagnostics = Diagnostics::new();
    diagnostics.error(Path::root(), summary, detail);
    diagnostics
}

#[cfg(test)]
mod tests {
    use super::*;
    use proto::attribute_path::step::Selector;

    #[test]
    fn a_path_keeps_each_step_in_its_form() {
        let wire = path(&Path::attribute("a").then_index(2).then_key("k").then_attribute("b"));
        let selectors: Vec<_> = wire.steps.into_iter().filter_map(|step| step.selector).collect();
        let expected = [
            Selector::AttributeName("a".into()),
            Selector::ElementKeyInt(2),
            Selector::ElementKeyString("k".into()),
            Selector::AttributeName("b".into()),
        ];
        assert_eq!(selectors, expected);
    }

    #[test]
    fn a_message_points_no_deeper_than_the_clis_can_follow() {
        let mut deep = Diagnostics::new();
        deep.error(Path::attribute("a").then_attribute("b").then_index(1), "title", "cause");
        let steps = diagnostics(deep)[0].attribute.clone().unwrap().steps;
        let selectors: Vec<_> = steps.into_iter().filter_map(|step| step.selector).collect();
        assert_eq!(selectors, [Selector::AttributeName("a".into()), Selector::ElementKeyString("b".into())]);
    }

    #[test]
    fn a_message_about_the_whole_has_no_path() {
        let wire = diagnostics(error("title", "cause"));
        assert_eq!(wire[0].attribute, None);
        assert_eq!(wire[0].severity(), proto::diagnostic::Severity::Error);
    }
}
