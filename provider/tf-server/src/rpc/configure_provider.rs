//! ConfigureProvider: hands over the provider block, once per process.

use tf_core::Diagnostics;

use crate::call::Context;
use crate::proto::tfplugin6::configure_provider::{Request, Response};
use crate::wire::{diagnostic::diagnostics, value};

pub(crate) async fn handle(context: Context, request: Request) -> Result<Response, Diagnostics> {
    let schema = &context.provider.schema().provider;
    let config = value::decode_object(request.config.as_ref(), schema, "config")?;
    let found = context.provider.configure(config, request.terraform_version).await;
    Ok(Response { diagnostics: diagnostics(found) })
}
