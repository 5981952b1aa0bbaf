//! Schemas: what a provider, a resource or a data source takes and gives.

use std::collections::BTreeMap;

use crate::types::Type;
use crate::value::Value;

/// The schema of a provider block, a resource or a data source. Nested blocks are not offered: nested attributes do
/// all that they do and can be unknown as a whole.
#[derive(Debug, Clone, PartialEq)]
pub struct Schema {
    /// Version of the state's layout.
    pub version: i64,
    /// What it is for, Markdown.
    pub description: String,
    /// Attributes by name.
    pub attributes: BTreeMap<String, Attribute>,
}

/// One attribute.
#[derive(Debug, Clone, PartialEq)]
pub struct Attribute {
    /// Its type, or the attributes of its nested objects.
    pub kind: AttributeType,
    /// Meaning, units and limits, Markdown.
    pub description: String,
    /// The configuration must set it.
    pub required: bool,
    /// The configuration may set it.
    pub optional: bool,
    /// The provider may set it.
    pub computed: bool,
    /// Hidden in output.
    pub sensitive: bool,
    /// Passed to the provider and never stored.
    pub write_only: bool,
    /// A message that says what to use instead.
    pub deprecated: Option<String>,
    /// Taken when the configuration is null; needs `optional` and `computed`.
    pub default: Option<Value>,
    /// A change makes a new object.
    pub requires_replace: bool,
    /// Computed value: kept from the prior state when the plan has other changes (else it becomes unknown).
    pub keep_prior: bool,
    /// What a known, non-null value must satisfy.
    pub validators: Vec<crate::validate::Validator>,
}

/// What an attribute holds.
#[derive(Debug, Clone, PartialEq)]
pub enum AttributeType {
    /// A plain type.
    Plain(Type),
    /// Objects with attributes of their own.
    Nested(NestedObject),
}

/// Attributes of nested objects and how many such objects there are.
#[derive(Debug, Clone, PartialEq)]
pub struct NestedObject {
    /// One object, a list, a set or a map of them.
    pub nesting: Nesting,
    /// Attributes by name.
    pub attributes: BTreeMap<String, Attribute>,
}

/// How nested objects are held.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Nesting {
    /// One object or null.
    Single,
    /// A list of objects.
    List,
    /// A set of objects.
    Set,
    /// Objects by string key.
    Map,
}

/// All schemas of a provider.
#[derive(Debug, Clone, PartialEq)]
pub struct ProviderSchema {
    /// The provider block.
    pub provider: Schema,
    /// Resources by type name.
    pub resources: BTreeMap<String, Schema>,
    /// Data sources by type name.
    pub data_sources: BTreeMap<String, Schema>,
}

impl Schema {
    /// The type of the whole object.
    pub fn object_type(&self) -> Type {
        object_type(&self.attributes)
    }
}

impl Attribute {
    /// The type of the attribute's value.
    pub fn value_type(&self) -> Type {
        match &self.kind {
            AttributeType::Plain(plain) => plain.clone(),
            AttributeType::Nested(nested) => nested.value_type(),
        }
    }
}

impl NestedObject {
    /// The type of the attribute that holds the objects.
    pub fn value_type(&self) -> Type {
        let object = object_type(&self.attributes);
        match self.nesting {
            Nesting::Single => object,
            Nesting::List => Type::List(Box::new(object)),
            Nesting::Set => Type::Set(Box::new(object)),
            Nesting::Map => Type::Map(Box::new(object)),
        }
    }
}

fn object_type(attributes: &BTreeMap<String, Attribute>) -> Type {
    Type::Object(attributes.iter().map(|(name, attribute)| (name.clone(), attribute.value_type())).collect())
}
