//! Judges what users ask of a kind, at plan time: counts, options and overrides.

use std::collections::BTreeMap;

use super::entries::Entries;
use super::kind::Profile;
use super::options::{OptionSpec, OptionValue};
use super::overrides::{self, Sections};
use super::spec::{FileSpec, Format, KindSpec, Parity, Release, Size};

/// Overrides of rendered files: file, section, key, value.
pub type Overrides = BTreeMap<String, Sections>;

/// An option that cannot be as the user wrote it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OptionProblem {
    /// The option, as the user wrote it.
    pub name: String,
    /// What is wrong, and what would be right.
    pub message: String,
}

/// A file in `config_overrides` that cannot be overridden.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OverrideProblem {
    /// The file, as the user wrote it.
    pub file: String,
    /// What is wrong, and what would be right.
    pub message: String,
}

/// A count of nodes that the kind does not allow; the text says what it allows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CountProblem(pub String);

impl KindSpec {
    /// Default count of nodes for a profile.
    #[must_use]
    pub const fn default_count(&self, profile: Profile) -> u32 {
        match profile {
            Profile::Ha => self.count.ha,
            Profile::Compact => self.count.compact,
        }
    }

    /// Default size of a node for a profile.
    #[must_use]
    pub const fn default_size(&self, profile: Profile) -> Size {
        self.size.get(profile)
    }

    /// Judges a count of nodes.
    ///
    /// # Errors
    /// Says which counts the kind allows, and why an even one is refused.
    pub fn check_count(&self, count: u32) -> Result<(), CountProblem> {
        let (min, max) = (self.count.min, self.count.max);
        if count < min || count > max {
            return Err(CountProblem(format!("`{}` has {min} to {max} nodes, not {count}", self.kind)));
        }
        match self.count.parity {
            Parity::Odd if count.is_multiple_of(2) => Err(CountProblem(format!(
                "`{}` has an odd number of nodes: {count} survive no more failures than {}",
                self.kind,
                count - 1
            ))),
            Parity::Odd | Parity::Any => Ok(()),
        }
    }

    /// Judges a user's options; all findings at once.
    #[must_use]
    pub fn check_options(&self, options: &BTreeMap<String, String>) -> Vec<OptionProblem> {
        let judge = |(name, value): (&String, &String)| {
            let message = match self.options.get(name) {
                Some(spec) => spec.check(value).err()?,
                None => unknown("option", self.kind.as_str(), name, self.options.names()),
            };
            Some(OptionProblem { name: name.clone(), message })
        };
        options.iter().filter_map(judge).collect()
    }

    /// Judges how a user changes options; all findings at once.
    #[must_use]
    pub fn check_changes(
        &self,
        profile: Profile,
        before: &BTreeMap<String, String>,
        after: &BTreeMap<String, String>,
    ) -> Vec<OptionProblem> {
        let (before, after) = (self.resolve_options(profile, before), self.resolve_options(profile, after));
        let judge = |(name, spec): (&str, &OptionSpec)| {
            let step = spec.step?;
            let (OptionValue::Int(from), OptionValue::Int(to)) = (before.get(name)?, after.get(name)?) else {
                return None;
            };
            let message = format!("is {from} and can go no further than {step} at once, not to {to}");
            (from.abs_diff(*to) > step).then(|| OptionProblem { name: name.to_owned(), message })
        };
        self.options.iter().filter_map(judge).collect()
    }

    /// Every option with its value: the user's where it is given and valid, else the profile's default.
    #[must_use]
    pub fn resolve_options(
        &self,
        profile: Profile,
        options: &BTreeMap<String, String>,
    ) -> BTreeMap<String, OptionValue> {
        let resolve = |(name, spec): (&str, &OptionSpec)| {
            let default = || spec.parse(spec.default_for(profile)).ok();
            let value = options.get(name).and_then(|value| spec.parse(value).ok()).or_else(default)?;
            Some((name.to_owned(), value))
        };
        self.options.iter().filter_map(resolve).collect()
    }

    /// Judges a user's overrides, without rendering; all findings at once. A file is named by its path or base name.
    #[must_use]
    pub fn check_overrides(&self, release: &Release, overrides: &Overrides) -> Vec<OverrideProblem> {
        let judge = |(file, sections): (&String, &Sections)| {
            let message = match self.find_file(release, file) {
                Some((_, spec)) => refusal(spec, sections)?,
                None => unknown("file", self.kind.as_str(), file, self.overridable(release)),
            };
            Some(OverrideProblem { file: file.clone(), message })
        };
        overrides.iter().filter_map(judge).collect()
    }

    /// The file that a user means by a path or a base name.
    #[must_use]
    pub fn find_file<'a>(&'a self, release: &'a Release, name: &str) -> Option<(&'a str, &'a FileSpec)> {
        let means = |path: &str| path == name || path.rsplit('/').next() == Some(name);
        let find = |files: &'a Entries<FileSpec>| files.iter().find(|(path, _)| means(path));
        find(&self.files).or_else(|| find(&release.files))
    }

    fn overridable<'a>(&'a self, release: &'a Release) -> impl Iterator<Item = &'a str> {
        let all = self.files.iter().chain(release.files.iter());
        all.filter(|(_, spec)| spec.format != Format::None).map(|(path, _)| path)
    }
}

fn refusal(spec: &FileSpec, sections: &Sections) -> Option<String> {
    match &spec.fixed_because {
        Some(reason) => Some(format!("cannot be overridden: {reason}")),
        None => overrides::judge(spec.format, sections).err(),
    }
}

/// Names the known words, nearest first, so that a slip of the finger is answered by the word that was meant.
fn unknown<'a>(what: &str, kind: &str, given: &str, known: impl Iterator<Item = &'a str>) -> String {
    let base = |word: &'a str| word.rsplit('/').next().unwrap_or(word);
    let mut near: Vec<(usize, &str)> = known.map(|word| (distance(given, base(word)), word)).collect();
    near.sort_unstable();
    let listed: Vec<&str> = near.iter().take(5).map(|(_, word)| *word).collect();
    match (listed.is_empty(), near.len() > listed.len()) {
        (true, _) => format!("`{kind}` has no {what} to set"),
        (false, true) => {
            format!("`{kind}` has no {what} of that name; the nearest are: {}", listed.join(", "))
        }
        (false, false) => format!("`{kind}` has no {what} of that name; it has: {}", listed.join(", ")),
    }
}

/// Levenshtein's distance.
fn distance(left: &str, right: &str) -> usize {
    let right: Vec<char> = right.chars().collect();
    let mut row: Vec<usize> = (0..=right.len()).collect();
    for (line, letter) in left.chars().enumerate() {
        let mut diagonal = line;
        let mut last = line + 1;
        let mut next = vec![last];
        for (other, above) in right.iter().zip(row.iter().skip(1)) {
            let replaced = diagonal + usize::from(letter != *other);
            last = replaced.min(above + 1).min(last + 1);
            diagonal = *above;
            next.push(last);
        }
        row = next;
    }
    row.last().copied().unwrap_or(0)
}
