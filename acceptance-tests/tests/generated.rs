//! The golden schema is what the built provider serves, to every CLI.

use acceptance_tests::{Cli, generated, on_every_cli};
use anyhow::Result;
use serde_json::Value;

#[test]
fn the_golden_schema_is_what_the_provider_serves() -> Result<()> {
    let served = generated::provider_schema(&Cli::tofu()?)?;
    assert_eq!(missing_from(&generated::golden_schema()?, &served, "golden"), Vec::<String>::new());
    assert_eq!(missing_from(&served, &generated::golden_schema()?, "served"), Vec::<String>::new());
    Ok(())
}

/// An older CLI leaves out what it does not know, but nothing that it says may differ.
#[test]
fn every_cli_reads_the_same_schema() -> Result<()> {
    let golden = generated::golden_schema()?;
    on_every_cli(|cli| {
        assert_eq!(missing_from(&golden, &generated::provider_schema(cli)?, cli.name), Vec::<String>::new());
        Ok(())
    })
}

/// The places of `part` that `whole` does not have, or has with another value.
fn missing_from(whole: &Value, part: &Value, place: &str) -> Vec<String> {
    match (whole, part) {
        (Value::Object(whole), Value::Object(part)) => part
            .iter()
            .flat_map(|(name, value)| {
                missing_from(whole.get(name).unwrap_or(&Value::Null), value, &format!("{place}.{name}"))
            })
            .collect(),
        (whole, part) if whole == part => Vec::new(),
        (whole, part) => vec![format!("{place}: {part} instead of {whole}")],
    }
}
