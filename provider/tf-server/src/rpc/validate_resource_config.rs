//! ValidateResourceConfig: checks a resource block. Values from other resources are still unknown.

use tf_core::{Diagnostics, validate};

use super::look_up;
use crate::call::Context;
use crate::proto::tfplugin6::validate_resource_config::{Request, Response};
use crate::wire::{diagnostic::diagnostics, value};

pub(crate) async fn handle(context: Context, request: Request) -> Result<Response, Diagnostics> {
    let (schema, resource) = look_up::resource(&*context.provider, &request.type_name)?;
    let config = value::decode_object(request.config.as_ref(), schema, "config")?;
    let mut found = validate::validate_config(schema, &config);
    if !found.has_errors() {
        found.extend(resource.validate(config).await);
    }
    Ok(Response { diagnostics: diagnostics(found) })
}
