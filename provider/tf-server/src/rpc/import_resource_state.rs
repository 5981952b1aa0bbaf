//! ImportResourceState: an id of the user to a state that ReadResource can complete.

use tf_core::Diagnostics;

use super::look_up;
use crate::call::Context;
use crate::proto::tfplugin6::import_resource_state::{ImportedResource, Request, Response};
use crate::wire::{diagnostic::error, value};

pub(crate) async fn handle(context: Context, request: Request) -> Result<Response, Diagnostics> {
    let (schema, resource) = look_up::resource(&*context.provider, &request.type_name)?;
    if request.id.is_empty() {
        return Err(error(
            "Import needs an id",
            "Give the `id` of the object. This version of the provider does not import by identity.",
        ));
    }
    let imported = resource.import(request.id).await?;
    let object = ImportedResource {
        type_name: request.type_name,
        state: Some(value::encode_object(imported.state, schema)?),
        private: imported.private,
        identity: None,
    };
    Ok(Response { imported_resources: vec![object], ..Default::default() })
}
