//! ValidateProviderConfig: checks the provider block.

use tf_core::{Diagnostics, validate};

use crate::call::Context;
use crate::proto::tfplugin6::validate_provider_config::{Request, Response};
use crate::wire::{diagnostic::diagnostics, value};

pub(crate) async fn handle(context: Context, request: Request) -> Result<Response, Diagnostics> {
    let schema = &context.provider.schema().provider;
    let config = value::decode_object(request.config.as_ref(), schema, "config")?;
    let mut found = validate::validate_config(schema, &config);
    if !found.has_errors() {
        found.extend(context.provider.validate_config(config).await);
    }
    Ok(Response { diagnostics: diagnostics(found) })
}
