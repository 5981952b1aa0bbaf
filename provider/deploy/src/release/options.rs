//! Options of a kind: what a user may set, and what a value must be.

use std::fmt;

use serde::de::{Error, Visitor};
use serde::{Deserialize, Deserializer, Serialize};

use super::kind::Profile;

/// Longest text of an option, in characters.
const MAX_TEXT_CHARS: usize = 255;

/// An option that a release declares for a kind.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OptionSpec {
    /// What its values are.
    #[serde(rename = "type")]
    pub kind: OptionType,
    /// Value where the user says nothing.
    #[serde(deserialize_with = "scalar")]
    pub default: String,
    /// The same in the `compact` profile, where it differs.
    #[serde(default, deserialize_with = "optional_scalar")]
    pub compact_default: Option<String>,
    /// Smallest value of an `int`.
    #[serde(default)]
    pub min: Option<i64>,
    /// Largest value of an `int`.
    #[serde(default)]
    pub max: Option<i64>,
    /// How far an `int` may go at once in a deployment that exists.
    #[serde(default)]
    pub step: Option<u64>,
    /// The values of an `enum`.
    #[serde(default)]
    pub values: Vec<String>,
    /// What it does, with its unit.
    pub description: String,
}

/// What the values of an option are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OptionType {
    /// One line of printable text.
    String,
    /// A whole number.
    Int,
    /// `true` or `false`.
    Bool,
    /// One of a list.
    Enum,
}

/// A checked value, as templates see it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum OptionValue {
    /// Of an `int`.
    Int(i64),
    /// Of a `bool`.
    Bool(bool),
    /// Of a `string` or an `enum`.
    Text(String),
}

impl OptionSpec {
    /// The default for a profile.
    #[must_use]
    pub fn default_for(&self, profile: Profile) -> &str {
        match profile {
            Profile::Ha => &self.default,
            Profile::Compact => self.compact_default.as_ref().unwrap_or(&self.default),
        }
    }

    /// Judges a value.
    ///
    /// # Errors
    /// Says what the value must be, with its range.
    pub fn check(&self, value: &str) -> Result<(), String> {
        self.parse(value).map(|_| ())
    }

    /// Reads a value.
    ///
    /// # Errors
    /// As [`OptionSpec::check`].
    pub fn parse(&self, value: &str) -> Result<OptionValue, String> {
        match self.kind {
            OptionType::Int => self.parse_int(value),
            OptionType::Bool => match value {
                "true" => Ok(OptionValue::Bool(true)),
                "false" => Ok(OptionValue::Bool(false)),
                _ => Err(format!("must be true or false, not `{value}`")),
            },
            OptionType::Enum if self.values.iter().any(|known| known == value) => {
                Ok(OptionValue::Text(value.to_owned()))
            }
            OptionType::Enum => Err(format!("must be one of {}, not `{value}`", self.values.join(", "))),
            OptionType::String => parse_text(value),
        }
    }

    fn parse_int(&self, value: &str) -> Result<OptionValue, String> {
        let range = match (self.min, self.max) {
            (Some(min), Some(max)) => format!("a whole number from {min} to {max}"),
            (Some(min), None) => format!("a whole number of at least {min}"),
            (None, Some(max)) => format!("a whole number of at most {max}"),
            (None, None) => "a whole number".to_owned(),
        };
        let fits = |number: &i64| {
            self.min.is_none_or(|min| *number >= min) && self.max.is_none_or(|max| *number <= max)
        };
        let number = value.parse::<i64>().ok().filter(fits);
        number.map(OptionValue::Int).ok_or_else(|| format!("must be {range}, not `{value}`"))
    }
}

/// Text goes into configuration files: a line break in it would be a second setting.
fn parse_text(value: &str) -> Result<OptionValue, String> {
    if value.chars().any(char::is_control) {
        return Err("must be one line without control characters".to_owned());
    }
    if value.chars().count() > MAX_TEXT_CHARS {
        return Err(format!("must have at most {MAX_TEXT_CHARS} characters"));
    }
    Ok(OptionValue::Text(value.to_owned()))
}

fn scalar<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    Scalar::deserialize(deserializer).map(|scalar| scalar.0)
}

fn optional_scalar<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    Option::<Scalar>::deserialize(deserializer).map(|scalar| scalar.map(|scalar| scalar.0))
}

/// A release writes `default = 4096`; inside, a default is text like a user's value and takes the same road.
struct Scalar(String);

impl<'de> Deserialize<'de> for Scalar {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ScalarVisitor)
    }
}

struct ScalarVisitor;

impl Visitor<'_> for ScalarVisitor {
    type Value = Scalar;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("a string, a whole number or a bool")
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<Scalar, E> {
        Ok(Scalar(value.to_owned()))
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<Scalar, E> {
        Ok(Scalar(value.to_string()))
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<Scalar, E> {
        Ok(Scalar(value.to_string()))
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<Scalar, E> {
        Ok(Scalar(value.to_string()))
    }
}
