//! What can be known to go wrong before anything is done. It judges and changes nothing; all findings at once, each on
//! the attribute that the user would mend.

mod network;
mod nsx;
mod placement;

pub use network::check_networks;
pub use nsx::{Zone, ZoneError, find_zone};
pub use placement::{check_component, check_disk, check_placement, check_template};

/// A finding.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// The attribute, outermost name first.
    pub attribute: Vec<&'static str>,
    /// A title.
    pub summary: String,
    /// Cause and remedy.
    pub detail: String,
}

impl Finding {
    pub(crate) fn new(attribute: &[&'static str], summary: &str, detail: impl Into<String>) -> Self {
        Self { attribute: attribute.to_vec(), summary: summary.to_owned(), detail: detail.into() }
    }
}
