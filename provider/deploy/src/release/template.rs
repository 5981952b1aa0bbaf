//! How a release names its templates.

use super::spec::Release;

/// Templates whose name begins so are shared by all releases.
const SHARED: &str = "common/";

impl Release {
    /// The path below `schemas/releases` of a template that the release names.
    #[must_use]
    pub fn template_name(&self, template: &str) -> String {
        if template.starts_with(SHARED) { template.to_owned() } else { format!("{}/{template}", self.id) }
    }
}
