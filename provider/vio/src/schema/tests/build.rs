//! The build script's reading and rules: what is wrong in a schema file never reaches a user.

#[path = "../../../build/generate/mod.rs"]
mod generate;

use generate::{Source, generate};

const PROVIDER: &str = r#"provider "vio" {
  version = 0
  description = "The provider."
}"#;

/// The code, or the message, of a resource with these entries.
fn with_resource(entries: &str) -> Result<String, String> {
    let text = format!("{PROVIDER}\nresource \"vio_x\" {{\nversion = 0\ndescription = \"X.\"\n{entries}\n}}");
    generate(&[Source { file: "x.hcl".to_owned(), text }]).map_err(|error| format!("{error:#}"))
}

fn with_attribute(entries: &str) -> Result<String, String> {
    with_resource(&format!("attribute \"a\" {{\ndescription = \"A.\"\n{entries}\n}}"))
}

fn assert_refused(entries: &str, message: &str) {
    let error = with_attribute(entries).unwrap_err();
    assert!(error.contains(message), "{error}");
    assert!(error.contains("x.hcl") && error.contains("`a`"), "names no file and attribute: {error}");
}

#[test]
fn a_good_attribute_is_taken() {
    let code = with_attribute("type = \"string\"\nrequired = true").unwrap();
    assert!(code.contains("pub a: Field<String>") && code.contains("pub struct XModel"));
}

#[test]
fn what_is_not_understood_is_refused() {
    assert_refused("type = \"string\"\nrequired = true\nrequierd = true", "unknown key: requierd");
    assert_refused("type = \"text\"\nrequired = true", "unknown type `text`");
    assert_refused("type = \"map(string\"\nrequired = true", "unknown type");
    assert_refused("type = \"string\"\nrequired = \"yes\"", "must be true or false");
    assert_refused("type = \"string\"\nrequired = true\nformat = \"ip\"", "unknown format `ip`");
    assert_refused("type = \"string\"\nrequired = true\nblock \"b\" {}", "unknown block `block`");
    assert_refused("type = \"number\"\nrequired = true\nrange = [1]", "must be `[min, max]`");
    assert!(with_resource("nodes = true").unwrap_err().contains("unknown key: nodes"));
    assert!(with_resource("use = [\"y\"]").unwrap_err().contains("no shared attribute `y`"));
}

#[test]
fn the_protocol_s_rules_hold() {
    assert_refused("type = \"string\"", "exactly one of `required`");
    assert_refused("type = \"string\"\nrequired = true\ncomputed = true", "exactly one of `required`");
    assert_refused("required = true", "exactly one of `type` and `nesting`");
    assert_refused(
        "type = \"string\"\nrequired = true\nnesting = \"single\"",
        "exactly one of `type` and `nesting`",
    );
    assert_refused("type = \"string\"\noptional = true\ndefault = \"x\"", "`default` needs");
    assert_refused("type = \"string\"\noptional = true\ncomputed = true\ndefault = 1", "`default` must be");
    assert_refused(
        "type = \"number\"\noptional = true\ncomputed = true\ndefault = 9\nrange = [1, 8]",
        "`default` must be",
    );
    assert_refused(
        "type = \"string\"\ncomputed = true\nsensitive = true\nwrite_only = true",
        "`write_only` excludes",
    );
    assert_refused("type = \"string\"\ncomputed = true\nrequires_replace = true", "`requires_replace` needs");
    assert_refused("type = \"string\"\noptional = true\nkeep_prior = true", "`keep_prior` needs");
    assert_refused("type = \"bool\"\noptional = true\none_of = [\"x\"]", "a validator does not fit");
    assert_refused("type = \"number\"\noptional = true", "needs `range`");
    let long = "type = \"string\"\noptional = true\ncomputed = true\ndefault = \"long\"\nlength = [1, 3]";
    assert_refused(long, "`default` must be");
    let secret = "attribute \"b_wo\" {\ntype = \"string\"\ndescription = \"B.\"\noptional = true\nsensitive = true\nwrite_only = true\n}";
    let version = "attribute \"b_wo_version\" {\ntype = \"number\"\nrange = [0, 9]\ndescription = \"B.\"\noptional = true\n}";
    assert_refused(
        &format!("optional = true\nnesting = \"set\"\n{secret}\n{version}"),
        "must not be in a set",
    );
    assert_refused(
        &format!("optional = true\nnesting = \"single\"\n{secret}"),
        "needs `b_wo_version` beside it",
    );
    let inner = "attribute \"b\" {\ntype = \"string\"\ndescription = \"B.\"\noptional = true\n}";
    assert_refused(
        &format!("computed = true\nnesting = \"list\"\n{inner}"),
        "computed like the object around it",
    );
}

#[test]
fn the_provider_block_sets_nothing_itself() {
    let text = PROVIDER.replace(
        "\n}",
        "\nattribute \"a\" {\ntype = \"string\"\ncomputed = true\ndescription = \"A.\"\n}\n}",
    );
    let error = generate(&[Source { file: "p.hcl".to_owned(), text }]).unwrap_err();
    assert!(error.to_string().contains("in the provider block there is no `computed`"), "{error}");
}

#[test]
fn names_of_terraform_are_refused() {
    let counted = "attribute \"count\" {\ntype = \"number\"\noptional = true\ndescription = \"C.\"\n}";
    assert!(with_resource(counted).unwrap_err().contains("keeps this name for itself"));
}

#[test]
fn two_objects_of_one_name_are_the_same_or_refused() {
    let object = |name: &str, member: &str| {
        format!(
            "attribute \"{name}\" {{\nnesting = \"single\"\nobject = \"Thing\"\noptional = true\ndescription = \"O.\"\n\
             attribute \"{member}\" {{\ntype = \"bool\"\noptional = true\ndescription = \"M.\"\n}}\n}}\n"
        )
    };
    let code = with_resource(&(object("a", "m") + &object("b", "m"))).unwrap();
    assert_eq!(code.matches("pub struct Thing ").count(), 1);
    let error = with_resource(&(object("a", "m") + &object("b", "n"))).unwrap_err();
    assert!(error.contains("two different objects `Thing`"), "{error}");
}
