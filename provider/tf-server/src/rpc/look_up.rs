//! Finds what a request names.

use tf_core::{Diagnostics, Schema};

use crate::call::note_type;
use crate::provider::{DataSource, Provider, Resource};
use crate::wire::diagnostic::error;

pub(crate) fn resource<'p>(
    provider: &'p dyn Provider,
    type_name: &str,
) -> Result<(&'p Schema, &'p dyn Resource), Diagnostics> {
    note_type(type_name);
    match (provider.schema().resources.get(type_name), provider.resource(type_name)) {
        (Some(schema), Some(resource)) => Ok((schema, resource)),
        _ => Err(unknown("resource", type_name)),
    }
}

pub(crate) fn data_source<'p>(
    provider: &'p dyn Provider,
    type_name: &str,
) -> Result<(&'p Schema, &'p dyn DataSource), Diagnostics> {
    note_type(type_name);
    match (provider.schema().data_sources.get(type_name), provider.data_source(type_name)) {
        (Some(schema), Some(source)) => Ok((schema, source)),
        _ => Err(unknown("data source", type_name)),
    }
}

pub(crate) fn unknown(what: &str, type_name: &str) -> Diagnostics {
    error(
        format!("Unknown {what} type"),
        format!(
            "This version of the provider has no {what} of type {type_name:?}. Another version may have it."
        ),
    )
}
