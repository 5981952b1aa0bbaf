//! Reads schema files strictly: what is not understood is an error, never left out.

use std::collections::BTreeMap;

use anyhow::{Context, Result, anyhow, bail, ensure};
use hcl::eval::{Context as Scope, Evaluate};
use hcl::{Block, Body, Value};

use super::Source;
use super::spec::{
    AttributeSpec, FORMATS, Literal, Nested, Nesting, PlainType, Role, Rule, SchemaSpec, Shape,
};

/// Attributes that several schemas include by name with `use`.
type Shared = BTreeMap<String, AttributeSpec>;

/// Reads all schemas: first the shared attributes of every file, then what uses them.
pub(super) fn read(sources: &[Source]) -> Result<Vec<SchemaSpec>> {
    let mut blocks = Vec::new();
    for source in sources {
        let body = evaluate(&source.text).with_context(|| source.file.clone())?;
        let body = Entries::of(body).with_context(|| source.file.clone())?;
        let found = body.only_blocks().with_context(|| source.file.clone())?;
        blocks.extend(found.into_iter().map(|block| (source.file.as_str(), block)));
    }
    let (shared, schemas): (Vec<_>, Vec<_>) =
        blocks.into_iter().partition(|(_, block)| block.identifier() == "attribute");
    let shared = read_shared(shared)?;
    schemas.into_iter().map(|(file, block)| schema(file, block, &shared)).collect()
}

fn evaluate(text: &str) -> Result<Body> {
    Ok(hcl::parse(text)?.evaluate(&Scope::new())?)
}

fn read_shared(blocks: Vec<(&str, Block)>) -> Result<Shared> {
    let mut shared = Shared::new();
    for (file, block) in blocks {
        let attribute = attribute(block).with_context(|| file.to_owned())?;
        let name = attribute.name.clone();
        let earlier = shared.insert(name.clone(), attribute);
        ensure!(earlier.is_none(), "{file}: shared attribute `{name}` is there twice");
    }
    Ok(shared)
}

fn schema(file: &str, block: Block, shared: &Shared) -> Result<SchemaSpec> {
    let role = match block.identifier() {
        "provider" => Role::Provider,
        "resource" => Role::Resource,
        other => bail!("{file}: unknown block `{other}`: use `provider`, `resource` or `attribute`"),
    };
    let name = label(&block).with_context(|| file.to_owned())?;
    let place = format!("{file}: `{name}`");
    schema_body(file, role, name, block.body, shared).context(place)
}

fn schema_body(file: &str, role: Role, name: String, body: Body, shared: &Shared) -> Result<SchemaSpec> {
    let mut entries = Entries::of(body)?;
    let version = entries.take("version", integer)?.context("`version` is missing")?;
    let description = paragraphs(&entries.take("description", string)?.unwrap_or_default());
    let included = entries.take("use", strings)?.unwrap_or_default();
    let mut attributes = attributes(entries.only_blocks()?)?;
    for name in included {
        let attribute = shared.get(&name).ok_or_else(|| anyhow!("`use`: no shared attribute `{name}`"))?;
        attributes.push(attribute.clone());
    }
    Ok(SchemaSpec { file: file.to_owned(), role, name, version, description, attributes })
}

fn attributes(blocks: Vec<Block>) -> Result<Vec<AttributeSpec>> {
    blocks.into_iter().map(attribute).collect()
}

fn attribute(block: Block) -> Result<AttributeSpec> {
    ensure!(block.identifier() == "attribute", "unknown block `{}`: use `attribute`", block.identifier());
    let name = label(&block)?;
    let place = format!("attribute `{name}`");
    attribute_body(name, block.body).context(place)
}

fn attribute_body(name: String, body: Body) -> Result<AttributeSpec> {
    let mut entries = Entries::of(body)?;
    let mut flag = |key: &str| entries.take(key, boolean).map(Option::unwrap_or_default);
    let [required, optional, computed] = [flag("required")?, flag("optional")?, flag("computed")?];
    let [sensitive, write_only] = [flag("sensitive")?, flag("write_only")?];
    let [requires_replace, keep_prior] = [flag("requires_replace")?, flag("keep_prior")?];
    Ok(AttributeSpec {
        description: sentence(&entries.take("description", string)?.unwrap_or_default())?,
        required,
        optional,
        computed,
        sensitive,
        write_only,
        deprecated: entries.take("deprecated", string)?,
        default: entries.take("default", literal)?,
        requires_replace,
        keep_prior,
        validators: validators(&mut entries)?,
        shape: shape(&name, entries)?,
        name,
    })
}

/// What is left of an attribute's entries: a `type`, or `nesting` with attributes.
fn shape(name: &str, mut entries: Entries) -> Result<Shape> {
    let plain = entries.take("type", plain_type)?;
    let nesting = entries.take("nesting", nesting)?;
    let object = entries.take("object", string)?;
    let attributes = attributes(entries.only_blocks()?)?;
    match (plain, nesting) {
        (Some(plain), None) => {
            ensure!(attributes.is_empty() && object.is_none(), "`type` excludes `object` and attributes");
            Ok(Shape::Plain(plain))
        }
        (None, Some(nesting)) => {
            ensure!(!attributes.is_empty(), "`nesting` needs attributes");
            Ok(Shape::Nested(Nested {
                nesting,
                object: object.unwrap_or_else(|| camel_case(name)),
                attributes,
            }))
        }
        _ => bail!("exactly one of `type` and `nesting` must be set"),
    }
}

fn validators(entries: &mut Entries) -> Result<Vec<Rule>> {
    let one_of = entries.take("one_of", strings)?.map(Rule::OneOf);
    let range = entries.take("range", pair)?.map(|(min, max)| Rule::Range { min, max });
    let length = entries.take("length", pair)?.map(|(min, max)| Rule::Length { min, max });
    let format = entries.take("format", format)?.map(Rule::Format);
    Ok([one_of, range, length, format].into_iter().flatten().collect())
}

/// Text that was wrapped for reading, with each paragraph on one line.
fn paragraphs(text: &str) -> String {
    let line = |paragraph: &str| paragraph.split_whitespace().collect::<Vec<_>>().join(" ");
    text.trim().split("\n\n").map(line).collect::<Vec<_>>().join("\n\n")
}

/// The description of an attribute: one line, since a list of attributes has no room for more.
fn sentence(text: &str) -> Result<String> {
    let text = paragraphs(text);
    ensure!(!text.contains('\n'), "`description` must be one paragraph");
    Ok(text)
}

/// `management_network` as `ManagementNetwork`.
pub(super) fn camel_case(name: &str) -> String {
    let capital = |word: &str| {
        word.chars().take(1).map(|c| c.to_ascii_uppercase()).chain(word.chars().skip(1)).collect()
    };
    name.split('_').map(capital).collect::<Vec<String>>().concat()
}

fn label(block: &Block) -> Result<String> {
    match block.labels() {
        [label] => Ok(label.as_str().to_owned()),
        _ => bail!("block `{}` needs exactly one label", block.identifier()),
    }
}

/// The entries of a block that are not read yet.
struct Entries {
    values: BTreeMap<String, Value>,
    blocks: Vec<Block>,
}

impl Entries {
    fn of(body: Body) -> Result<Self> {
        let mut values = BTreeMap::new();
        for attribute in body.attributes() {
            let key = attribute.key();
            let earlier = values.insert(key.to_owned(), Value::from(attribute.expr().clone()));
            ensure!(earlier.is_none(), "`{key}` is set twice");
        }
        Ok(Self { values, blocks: body.into_blocks().collect() })
    }

    fn take<T>(&mut self, key: &str, convert: fn(Value) -> Result<T>) -> Result<Option<T>> {
        self.values.remove(key).map(convert).transpose().with_context(|| format!("`{key}`"))
    }

    /// The nested blocks, when every other entry has been read.
    fn only_blocks(self) -> Result<Vec<Block>> {
        let unknown: Vec<&str> = self.values.keys().map(String::as_str).collect();
        ensure!(unknown.is_empty(), "unknown key: {}", unknown.join(", "));
        Ok(self.blocks)
    }
}

fn string(value: Value) -> Result<String> {
    value.as_str().map(str::to_owned).context("must be a string")
}

fn boolean(value: Value) -> Result<bool> {
    value.as_bool().context("must be true or false")
}

fn integer(value: Value) -> Result<i64> {
    value.as_i64().context("must be a whole number")
}

fn strings(value: Value) -> Result<Vec<String>> {
    let items = value.as_array().context("must be a list")?;
    items.iter().cloned().map(string).collect()
}

fn pair(value: Value) -> Result<(i64, i64)> {
    match value.as_array().map(Vec::as_slice) {
        Some([min, max]) => Ok((integer(min.clone())?, integer(max.clone())?)),
        _ => bail!("must be `[min, max]`"),
    }
}

fn literal(value: Value) -> Result<Literal> {
    match value {
        Value::String(text) => Ok(Literal::String(text)),
        Value::Bool(flag) => Ok(Literal::Bool(flag)),
        number @ Value::Number(_) => integer(number).map(Literal::Number),
        Value::Null | Value::Array(_) | Value::Object(_) => {
            bail!("must be a string, a whole number or a boolean")
        }
    }
}

fn plain_type(value: Value) -> Result<PlainType> {
    let text = string(value)?;
    PlainType::parse(&text).ok_or_else(|| anyhow!("unknown type `{text}`"))
}

fn nesting(value: Value) -> Result<Nesting> {
    let text = string(value)?;
    Nesting::parse(&text).ok_or_else(|| anyhow!("unknown nesting `{text}`"))
}

fn format(value: Value) -> Result<&'static str> {
    let text = string(value)?;
    let found = FORMATS.iter().find(|(name, _)| *name == text);
    found.map(|(_, variant)| *variant).ok_or_else(|| anyhow!("unknown format `{text}`"))
}
