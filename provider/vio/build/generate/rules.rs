//! What makes a schema valid: the protocol's own rules, and those of this provider's style.

use std::collections::BTreeSet;

use anyhow::{Result, ensure};

use super::spec::{AttributeSpec, Literal, Nested, Nesting, PlainType, Role, Rule, SchemaSpec, Shape};

/// Names that Terraform itself reads in a resource block.
const META_ARGUMENTS: [&str; 7] =
    ["connection", "count", "depends_on", "for_each", "lifecycle", "provider", "provisioner"];

/// Names that Terraform itself reads in a provider block.
const PROVIDER_META_ARGUMENTS: [&str; 2] = ["alias", "version"];

/// Checks every schema and reports all findings at once.
pub(super) fn check(schemas: &[SchemaSpec]) -> Result<()> {
    let mut findings = Vec::new();
    let providers = schemas.iter().filter(|schema| schema.role == Role::Provider).count();
    if providers != 1 {
        findings.push(format!("there must be one provider block, not {providers}"));
    }
    let mut names = BTreeSet::new();
    for schema in schemas {
        if !names.insert((schema.role == Role::Provider, &schema.name)) {
            findings.push(format!("{schema}: is there twice"));
        }
        findings.extend(schema_findings(schema).into_iter().map(|finding| format!("{schema}: {finding}")));
    }
    ensure!(findings.is_empty(), "invalid schemas:\n{}", findings.join("\n"));
    Ok(())
}

fn schema_findings(schema: &SchemaSpec) -> Vec<String> {
    let mut findings = Vec::new();
    if schema.version < 0 {
        findings.push("`version` must not be negative".to_owned());
    }
    if schema.description.is_empty() {
        findings.push("`description` is missing".to_owned());
    }
    if !is_name(&schema.name) {
        findings.push("the name must be of lower-case letters, digits and `_`".to_owned());
    }
    let reserved: &[&str] = match schema.role {
        Role::Provider => &PROVIDER_META_ARGUMENTS,
        Role::Resource => &META_ARGUMENTS,
    };
    for attribute in schema.attributes.iter().filter(|a| reserved.contains(&a.name.as_str())) {
        findings.push(format!("attribute `{}`: Terraform keeps this name for itself", attribute.name));
    }
    let place = Place { role: schema.role, within_set: false, within_computed: false };
    findings.extend(object_findings(&schema.attributes, place));
    findings
}

/// Where an object's attributes stand.
#[derive(Clone, Copy)]
struct Place {
    role: Role,
    within_set: bool,
    /// In an object that only the provider sets.
    within_computed: bool,
}

fn object_findings(attributes: &[AttributeSpec], place: Place) -> Vec<String> {
    let mut names = BTreeSet::new();
    let mut findings = Vec::new();
    for attribute in attributes {
        let name = attribute.name.as_str();
        if !names.insert(name) {
            findings.push(format!("attribute `{name}`: is there twice"));
        }
        if attribute.write_only && !attributes.iter().any(|other| other.name == format!("{name}_version")) {
            findings.push(format!(
                "attribute `{name}`: needs `{name}_version` beside it, or no change of it is seen"
            ));
        }
        let found = attribute_findings(attribute, place);
        findings.extend(found.into_iter().map(|finding| format!("attribute `{name}`: {finding}")));
        if let Shape::Nested(nested) = &attribute.shape {
            let found = object_findings(&nested.attributes, place.inside(attribute, nested));
            findings.extend(found.into_iter().map(|finding| format!("attribute `{name}`: {finding}")));
        }
    }
    findings
}

impl Place {
    fn inside(self, attribute: &AttributeSpec, nested: &Nested) -> Self {
        Self {
            role: self.role,
            within_set: self.within_set || nested.nesting == Nesting::Set,
            within_computed: self.within_computed || is_computed_only(attribute),
        }
    }
}

fn attribute_findings(attribute: &AttributeSpec, place: Place) -> Vec<&'static str> {
    let rules = [
        (is_name(&attribute.name), "the name must be of lower-case letters, digits and `_`, a letter first"),
        (attribute.description.ends_with('.'), "`description` must be whole sentences"),
        (has_one_setter(attribute), "exactly one of `required`, `optional`, `computed`, or the last two"),
        (!place.within_computed || is_computed_only(attribute), "must be computed like the object around it"),
        (place.role != Role::Provider || is_plain_argument(attribute), PROVIDER_RULE),
        (!attribute.requires_replace || !is_computed_only(attribute), "`requires_replace` needs an argument"),
        (is_bounded(attribute), "a number that can be configured needs `range`"),
        (!attribute.keep_prior || attribute.computed, "`keep_prior` needs `computed`"),
        (!attribute.sensitive || is_string(attribute), "`sensitive` needs a string"),
        (!attribute.write_only || attribute.sensitive, "`write_only` needs `sensitive`"),
        (!attribute.write_only || !attribute.computed, "`write_only` excludes `computed`"),
        (!attribute.write_only || !place.within_set, "`write_only` must not be in a set"),
        (
            !attribute.write_only || attribute.name.ends_with("_wo"),
            "the name of what is write-only ends in `_wo`",
        ),
        (
            default_is_allowed(attribute),
            "`default` needs `optional` and `computed`, and excludes `sensitive` and `keep_prior`",
        ),
        (default_fits(attribute), "`default` must be of the type and satisfy the validators"),
        (
            attribute.validators.iter().all(|rule| rule_fits(rule, &attribute.shape)),
            "a validator does not fit the type",
        ),
    ];
    rules.into_iter().filter(|(holds, _)| !holds).map(|(_, finding)| finding).collect()
}

const PROVIDER_RULE: &str =
    "in the provider block there is no `computed`, `write_only` or `requires_replace`";

fn is_plain_argument(attribute: &AttributeSpec) -> bool {
    !attribute.computed && !attribute.write_only && !attribute.requires_replace
}

fn is_computed_only(attribute: &AttributeSpec) -> bool {
    attribute.computed && !attribute.optional && !attribute.required
}

fn has_one_setter(attribute: &AttributeSpec) -> bool {
    let AttributeSpec { required, optional, computed, .. } = *attribute;
    if required { !optional && !computed } else { optional || computed }
}

fn is_string(attribute: &AttributeSpec) -> bool {
    attribute.shape == Shape::Plain(PlainType::String)
}

/// Models hold whole numbers, and only a range refuses a fraction where the user wrote it.
fn is_bounded(attribute: &AttributeSpec) -> bool {
    let is_number = attribute.shape == Shape::Plain(PlainType::Number);
    let has_range = attribute.validators.iter().any(|rule| matches!(rule, Rule::Range { .. }));
    !is_number || has_range || is_computed_only(attribute)
}

fn is_name(name: &str) -> bool {
    let allowed = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
    name.starts_with(|c: char| c.is_ascii_lowercase()) && name.chars().all(allowed)
}

fn default_is_allowed(attribute: &AttributeSpec) -> bool {
    let AttributeSpec { optional, computed, sensitive, keep_prior, .. } = *attribute;
    attribute.default.is_none() || (optional && computed && !sensitive && !keep_prior)
}

fn default_fits(attribute: &AttributeSpec) -> bool {
    let Some(default) = &attribute.default else { return true };
    let of_type = matches!(
        (default, &attribute.shape),
        (Literal::String(_), Shape::Plain(PlainType::String))
            | (Literal::Number(_), Shape::Plain(PlainType::Number))
            | (Literal::Bool(_), Shape::Plain(PlainType::Bool))
    );
    of_type && attribute.validators.iter().all(|rule| satisfies(default, rule))
}

/// Whether a default keeps to a validator. The forms of text are unknown here, so that nothing keeps to one.
fn satisfies(default: &Literal, rule: &Rule) -> bool {
    match (default, rule) {
        (Literal::String(text), Rule::OneOf(words)) => words.contains(text),
        (Literal::Number(number), Rule::Range { min, max }) => (min..=max).contains(&number),
        (Literal::String(text), Rule::Length { min, max }) => {
            i64::try_from(text.chars().count()).is_ok_and(|count| (*min..=*max).contains(&count))
        }
        (_, Rule::OneOf(_) | Rule::Range { .. } | Rule::Length { .. } | Rule::Format(_)) => false,
    }
}

fn rule_fits(rule: &Rule, shape: &Shape) -> bool {
    match (rule, shape) {
        (Rule::OneOf(words), Shape::Plain(plain)) => *plain == PlainType::String && !words.is_empty(),
        (Rule::Range { min, max }, Shape::Plain(plain)) => *plain == PlainType::Number && min <= max,
        (Rule::Length { min, max }, Shape::Plain(plain)) => {
            (plain.is_collection() || *plain == PlainType::String) && 0 <= *min && min <= max
        }
        (Rule::Format(_), Shape::Plain(plain)) => *plain.leaf() == PlainType::String,
        (Rule::Length { min, max }, Shape::Nested(nested)) => {
            nested.nesting != Nesting::Single && 0 <= *min && min <= max
        }
        (Rule::OneOf(_) | Rule::Range { .. } | Rule::Format(_), Shape::Nested(_)) => false,
    }
}
