//! What a schema file says, as data.

use std::fmt;

/// The schema of the provider block or of one resource.
#[derive(Debug, Clone)]
pub(super) struct SchemaSpec {
    pub(super) file: String,
    pub(super) role: Role,
    /// The block's label: `vio`, `vio_component`.
    pub(super) name: String,
    pub(super) version: i64,
    pub(super) description: String,
    pub(super) attributes: Vec<AttributeSpec>,
}

/// What a schema describes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Role {
    Provider,
    Resource,
}

/// One attribute, with the meanings of `tf_core::Attribute`.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct AttributeSpec {
    pub(super) name: String,
    pub(super) shape: Shape,
    pub(super) description: String,
    pub(super) required: bool,
    pub(super) optional: bool,
    pub(super) computed: bool,
    pub(super) sensitive: bool,
    pub(super) write_only: bool,
    pub(super) deprecated: Option<String>,
    pub(super) default: Option<Literal>,
    pub(super) requires_replace: bool,
    pub(super) keep_prior: bool,
    pub(super) validators: Vec<Rule>,
}

/// A plain type, or objects with attributes of their own.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Shape {
    Plain(PlainType),
    Nested(Nested),
}

/// Nested objects.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Nested {
    pub(super) nesting: Nesting,
    /// The name of the struct of one object.
    pub(super) object: String,
    pub(super) attributes: Vec<AttributeSpec>,
}

/// How nested objects are held. The names are those of `tf_core::Nesting`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Nesting {
    Single,
    List,
    Set,
    Map,
}

/// A type without nested attributes, written `map(list(string))`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum PlainType {
    String,
    Number,
    Bool,
    List(Box<PlainType>),
    Set(Box<PlainType>),
    Map(Box<PlainType>),
}

/// A default.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Literal {
    String(String),
    Number(i64),
    Bool(bool),
}

/// What a value must satisfy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Rule {
    OneOf(Vec<String>),
    Range {
        min: i64,
        max: i64,
    },
    Length {
        min: i64,
        max: i64,
    },
    /// A variant of `tf_core::validate::Format`.
    Format(&'static str),
}

/// The forms of text: as written in a schema file, and the variant of `tf_core::validate::Format`.
pub(super) const FORMATS: [(&str, &str); 10] = [
    ("dns_label", "DnsLabel"),
    ("duration", "Duration"),
    ("host_port", "HostPort"),
    ("hostname", "Hostname"),
    ("ipv4", "Ipv4"),
    ("ipv4_cidr", "Ipv4Cidr"),
    ("ipv4_range", "Ipv4Range"),
    ("pem_certificate", "PemCertificate"),
    ("pem_private_key", "PemPrivateKey"),
    ("sha256_thumbprint", "Sha256Thumbprint"),
];

impl PlainType {
    /// The innermost type: of a collection's elements, else the type itself.
    pub(super) fn leaf(&self) -> &Self {
        match self {
            Self::List(element) | Self::Set(element) | Self::Map(element) => element.leaf(),
            Self::String | Self::Number | Self::Bool => self,
        }
    }

    /// True for lists, sets and maps.
    pub(super) fn is_collection(&self) -> bool {
        matches!(self, Self::List(_) | Self::Set(_) | Self::Map(_))
    }

    /// Reads `map(list(string))`.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let within = |word: &str| text.strip_prefix(word)?.strip_prefix('(')?.strip_suffix(')');
        let element = |word: &str| within(word).and_then(Self::parse).map(Box::new);
        match text {
            "string" => Some(Self::String),
            "number" => Some(Self::Number),
            "bool" => Some(Self::Bool),
            _ => (element("list").map(Self::List))
                .or_else(|| element("set").map(Self::Set))
                .or_else(|| element("map").map(Self::Map)),
        }
    }
}

impl Nesting {
    /// Reads the word of a schema file.
    pub(super) fn parse(text: &str) -> Option<Self> {
        match text {
            "single" => Some(Self::Single),
            "list" => Some(Self::List),
            "set" => Some(Self::Set),
            "map" => Some(Self::Map),
            _ => None,
        }
    }
}

impl fmt::Display for SchemaSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let role = match self.role {
            Role::Provider => "provider",
            Role::Resource => "resource",
        };
        write!(f, "{}: {role} \"{}\"", self.file, self.name)
    }
}
