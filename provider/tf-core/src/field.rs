//! Typed views of values: a resource's code works with structs whose members are [`Field`]s, made from a [`Value`]
//! at the door and turned back into one on the way out.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use crate::path::Path;
use crate::value::Value;

/// A member of a typed object.
///
/// Decoding and encoding lose nothing: what is known only in part keeps the whole [`Value`].
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Field<T> {
    /// No value.
    #[default]
    Null,
    /// Not known before apply.
    Unknown,
    /// A collection with elements that are not known before apply.
    Partial(Value),
    /// A value.
    Known(T),
}

impl<T> Field<T> {
    /// The known value.
    pub fn known(&self) -> Option<&T> {
        match self {
            Self::Known(value) => Some(value),
            Self::Null | Self::Unknown | Self::Partial(_) => None,
        }
    }

    /// The known value, owned.
    pub fn into_known(self) -> Option<T> {
        match self {
            Self::Known(value) => Some(value),
            Self::Null | Self::Unknown | Self::Partial(_) => None,
        }
    }

    /// True when there is no value.
    pub fn is_null(&self) -> bool {
        matches!(self, Self::Null)
    }

    /// True when the value, or an element of it, is not known before apply. The members of a known nested object
    /// answer for themselves.
    pub fn is_unknown(&self) -> bool {
        matches!(self, Self::Unknown | Self::Partial(_))
    }

    /// The same with null in the place of what is not known: what is stored after apply.
    #[must_use]
    pub fn or_null(self) -> Self {
        self.into_known().into()
    }

    /// The known value, else `default`, for null and for unknown alike: ask [`Field::is_unknown`] first where that matters.
    pub fn unwrap_or(self, default: T) -> T {
        self.into_known().unwrap_or(default)
    }

    /// The same state with the known value changed.
    pub fn map<U>(self, change: impl FnOnce(T) -> U) -> Field<U> {
        match self {
            Self::Null => Field::Null,
            Self::Unknown | Self::Partial(_) => Field::Unknown,
            Self::Known(value) => Field::Known(change(value)),
        }
    }
}

impl<T> From<T> for Field<T> {
    fn from(value: T) -> Self {
        Self::Known(value)
    }
}

impl<T> From<Option<T>> for Field<T> {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Null, Self::Known)
    }
}

/// Text that is never shown: passwords and private keys.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Secret(String);

impl Secret {
    /// Takes the text in.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The text itself. What is done with it is the caller's responsibility.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

/// Why a value does not fit the typed view. The message names the place and never the value, which may be secret.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    /// A value of another type.
    #[error("`{path}` must be {expected}, not {found}")]
    WrongType {
        /// Where.
        path: Path,
        /// The type that belongs there.
        expected: &'static str,
        /// The type that was found.
        found: &'static str,
    },
    /// Null in a place that cannot be empty, such as an element of a list.
    #[error("`{path}` must not be null: leave the element out")]
    Null {
        /// Where.
        path: Path,
    },
    /// A value that is not known before apply, outside of any [`Field`].
    #[error("`{path}` is not known before apply")]
    NotKnown {
        /// Where.
        path: Path,
    },
}

impl DecodeError {
    /// The attribute or element that it is about.
    pub fn path(&self) -> &Path {
        match self {
            Self::WrongType { path, .. } | Self::Null { path } | Self::NotKnown { path } => path,
        }
    }

    /// The error for a value that is not `expected`.
    fn unfit(value: &Value, path: &Path, expected: &'static str) -> Self {
        let path = path.clone();
        match value {
            Value::Null => Self::Null { path },
            Value::Unknown => Self::NotKnown { path },
            Value::String(_) => Self::WrongType { path, expected, found: "a string" },
            Value::Bool(_) => Self::WrongType { path, expected, found: "a boolean" },
            Value::Number(_) => Self::WrongType { path, expected, found: "another number" },
            Value::Sequence(_) => Self::WrongType { path, expected, found: "a list" },
            Value::Map(_) => Self::WrongType { path, expected, found: "an object" },
        }
    }
}

/// What can be made from a [`Value`].
pub trait Decode: Sized {
    /// Reads the value that stands at `path`.
    ///
    /// # Errors
    /// When the value is of another type, or null or unknown and this is no [`Field`].
    fn decode(value: &Value, path: &Path) -> Result<Self, DecodeError>;
}

/// What can be turned into a [`Value`].
pub trait Encode {
    /// The value. Secrets are in it: a planner drops those that are write-only.
    fn encode(self) -> Value;
}

/// The members of an object that is being decoded.
#[derive(Debug)]
pub struct Members<'a> {
    members: &'a BTreeMap<String, Value>,
    path: &'a Path,
}

impl<'a> Members<'a> {
    /// Opens the object that stands at `path`.
    ///
    /// # Errors
    /// When the value is no known object.
    pub fn of(value: &'a Value, path: &'a Path) -> Result<Self, DecodeError> {
        let members = value.as_map().ok_or_else(|| DecodeError::unfit(value, path, "an object"))?;
        Ok(Self { members, path })
    }

    /// Decodes a member; one that is not there is null.
    ///
    /// # Errors
    /// When the member is of another type.
    pub fn field<T: Decode>(&self, name: &str) -> Result<Field<T>, DecodeError> {
        let value = self.members.get(name).unwrap_or(&Value::Null);
        Field::decode(value, &self.path.clone().then_attribute(name))
    }
}

impl<T: Decode> Decode for Field<T> {
    fn decode(value: &Value, path: &Path) -> Result<Self, DecodeError> {
        match value {
            Value::Null => Ok(Self::Null),
            Value::Unknown => Ok(Self::Unknown),
            known => match T::decode(known, path) {
                Err(DecodeError::NotKnown { .. }) => Ok(Self::Partial(known.clone())),
                decoded => decoded.map(Self::Known),
            },
        }
    }
}

impl<T: Encode> Encode for Field<T> {
    fn encode(self) -> Value {
        match self {
            Self::Null => Value::Null,
            Self::Unknown => Value::Unknown,
            Self::Partial(value) => value,
            Self::Known(value) => value.encode(),
        }
    }
}

impl Decode for String {
    fn decode(value: &Value, path: &Path) -> Result<Self, DecodeError> {
        value.as_str().map(str::to_owned).ok_or_else(|| DecodeError::unfit(value, path, "a string"))
    }
}

impl Encode for String {
    fn encode(self) -> Value {
        Value::String(self)
    }
}

impl Decode for Secret {
    fn decode(value: &Value, path: &Path) -> Result<Self, DecodeError> {
        String::decode(value, path).map(Self)
    }
}

impl Encode for Secret {
    fn encode(self) -> Value {
        Value::String(self.0)
    }
}

impl Decode for bool {
    fn decode(value: &Value, path: &Path) -> Result<Self, DecodeError> {
        value.as_bool().ok_or_else(|| DecodeError::unfit(value, path, "a boolean"))
    }
}

impl Encode for bool {
    fn encode(self) -> Value {
        Value::Bool(self)
    }
}

impl Decode for i64 {
    fn decode(value: &Value, path: &Path) -> Result<Self, DecodeError> {
        value.as_i64().ok_or_else(|| DecodeError::unfit(value, path, "a whole number of at most 64 bits"))
    }
}

impl Encode for i64 {
    fn encode(self) -> Value {
        self.into()
    }
}

impl<T: Decode> Decode for Vec<T> {
    fn decode(value: &Value, path: &Path) -> Result<Self, DecodeError> {
        let items = value.as_sequence().ok_or_else(|| DecodeError::unfit(value, path, "a list"))?;
        items
            .iter()
            .enumerate()
            .map(|(index, item)| T::decode(item, &path.clone().then_index(index)))
            .collect()
    }
}

impl<T: Encode> Encode for Vec<T> {
    fn encode(self) -> Value {
        Value::Sequence(self.into_iter().map(T::encode).collect())
    }
}

impl<T: Decode + Ord> Decode for BTreeSet<T> {
    fn decode(value: &Value, path: &Path) -> Result<Self, DecodeError> {
        let items = value.as_sequence().ok_or_else(|| DecodeError::unfit(value, path, "a set"))?;
        items.iter().map(|item| T::decode(item, path)).collect()
    }
}

impl<T: Encode> Encode for BTreeSet<T> {
    fn encode(self) -> Value {
        Value::Sequence(self.into_iter().map(T::encode).collect())
    }
}

impl<T: Decode> Decode for BTreeMap<String, T> {
    fn decode(value: &Value, path: &Path) -> Result<Self, DecodeError> {
        let members = value.as_map().ok_or_else(|| DecodeError::unfit(value, path, "a map"))?;
        let decode = |(key, member): (&String, &Value)| {
            Ok((key.clone(), T::decode(member, &path.clone().then_key(key.as_str()))?))
        };
        members.iter().map(decode).collect()
    }
}

impl<T: Encode> Encode for BTreeMap<String, T> {
    fn encode(self) -> Value {
        Value::Map(self.into_iter().map(|(key, member)| (key, member.encode())).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decode<T: Decode>(value: &Value) -> Result<Field<T>, DecodeError> {
        Field::decode(value, &Path::attribute("a"))
    }

    fn round_trip<T: Decode + Encode>(value: Value) {
        assert_eq!(decode::<T>(&value).unwrap().encode(), value);
    }

    #[test]
    fn encoding_what_was_decoded_gives_the_same_value() {
        round_trip::<String>(Value::Null);
        round_trip::<String>(Value::Unknown);
        round_trip::<String>("x".into());
        round_trip::<Secret>("x".into());
        round_trip::<bool>(true.into());
        round_trip::<i64>((-7).into());
        round_trip::<Vec<i64>>(vec![3, 1, 2].into());
        round_trip::<BTreeSet<String>>(vec!["a", "b"].into());
        let sections = BTreeMap::from([("nova.conf".to_owned(), BTreeMap::from([("k".to_owned(), "v")]))]);
        round_trip::<BTreeMap<String, BTreeMap<String, String>>>(sections.into());
    }

    #[test]
    fn a_collection_known_in_part_is_unknown_and_loses_nothing() {
        let value = Value::Sequence(vec!["a".into(), Value::Unknown, Value::Unknown]);
        let field = decode::<BTreeSet<String>>(&value).unwrap();
        assert!(field.is_unknown() && field.known().is_none());
        assert_eq!(field.encode(), value);
    }

    #[test]
    fn an_error_names_the_place_and_not_the_value() {
        let value = Value::Sequence(vec!["fine".into(), Value::Null]);
        let error = decode::<Vec<String>>(&value).unwrap_err();
        assert_eq!(error.path().to_string(), "a[1]");
        let error = decode::<Secret>(&Value::Sequence(vec!["canary".into()])).unwrap_err();
        assert_eq!(error.to_string(), "`a` must be a string, not a list");
    }

    #[test]
    fn a_secret_never_prints() {
        let field = Field::Known(Secret::new("canary"));
        assert!(!format!("{field:?}{field:#?}").contains("canary"));
        assert_eq!(field.known().map(Secret::expose), Some("canary"));
    }

    #[test]
    fn only_the_known_survives_apply() {
        assert_eq!(Field::<i64>::Unknown.or_null(), Field::Null);
        assert_eq!(Field::<i64>::Partial(Value::Unknown).or_null(), Field::Null);
        assert_eq!(Field::Known(1).or_null(), Field::Known(1));
        assert_eq!(Field::<i64>::Unknown.unwrap_or(4), 4);
        assert_eq!(Field::Known(2).map(|n| n > 1), Field::Known(true));
        assert_eq!(Field::<i64>::from(None), Field::Null);
    }

    #[test]
    fn a_member_that_is_not_there_is_null() {
        let (value, root) = (Value::Map(BTreeMap::new()), Path::root());
        assert_eq!(Members::of(&value, &root).unwrap().field::<String>("x").unwrap(), Field::Null);
        assert!(Members::of(&Value::Null, &root).is_err());
    }
}
