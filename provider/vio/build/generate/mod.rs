//! From HCL text to Rust text, without I/O: read, check, write.

mod models;
mod parse;
mod rules;
mod schema;
mod spec;

use anyhow::Result;

/// One schema file.
#[derive(Debug, Clone)]
pub(crate) struct Source {
    /// Its name, for messages.
    pub(crate) file: String,
    /// Its HCL text.
    pub(crate) text: String,
}

/// The Rust code of the served schema and of the typed models.
///
/// # Errors
/// When a file is no HCL, has an unknown key or makes an invalid schema; the message names file and attribute.
pub(crate) fn generate(sources: &[Source]) -> Result<String> {
    let schemas = parse::read(sources)?;
    rules::check(&schemas)?;
    let mut code = schema::write(&schemas);
    code.push_str(&models::write(&schemas)?);
    Ok(code)
}
