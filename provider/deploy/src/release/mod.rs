//! The catalogue of releases: what `schemas/releases` declares, read and judged when the crate is built.

use std::sync::OnceLock;

mod endpoints;
mod entries;
mod front_end;
mod judge;
mod kind;
mod options;
mod overrides;
mod spec;
mod template;

#[cfg(test)]
mod source;
#[cfg(test)]
mod tests;

pub use entries::Entries;
pub use front_end::{BackendCheck, BackendProbe, Balance, Endpoint, FrontEnd, Interface, Mode, Vip};
pub use judge::{CountProblem, OptionProblem, OverrideProblem, Overrides};
pub use kind::{KindId, Profile, UnknownWord};
pub use options::{OptionSpec, OptionType, OptionValue};
pub(crate) use overrides::merge;
pub use spec::{
    ActionSpec, CheckSpec, CountSpec, FileSpec, Format, KindSpec, Members, Network, PackageSpec, Parity,
    PerProfile, Probe, Release, ReleaseId, Resource, Run, ServiceSpec, Size,
};

/// What the build script wrote: the releases as JSON, and the templates by name.
mod embedded {
    include!(concat!(env!("OUT_DIR"), "/releases.rs"));
}

static RELEASES: OnceLock<Vec<Release>> = OnceLock::new();

impl Release {
    /// Every release, oldest first.
    #[must_use]
    pub fn all() -> &'static [Self] {
        RELEASES.get_or_init(read_embedded)
    }

    /// The release of that id.
    #[must_use]
    pub fn find(id: &str) -> Option<&'static Self> {
        Self::all().iter().find(|release| release.id.as_str() == id)
    }
}

#[expect(clippy::expect_used, reason = "the build script wrote this text from the same types")]
fn read_embedded() -> Vec<Release> {
    serde_json::from_str(embedded::RELEASES_JSON).expect("the embedded releases are valid")
}

/// Every template: its name (path below `schemas/releases`) and its text.
pub(crate) const fn templates() -> &'static [(&'static str, &'static str)] {
    embedded::TEMPLATES
}
