//! UpgradeResourceState: stored JSON to a value of the current schema. The client calls it on every read of a state,
//! at the same version too.

use serde_json::Value as Json;
use tf_core::{Diagnostics, Leniency, json};

use super::look_up;
use crate::call::Context;
use crate::proto::tfplugin6::{
    RawState,
    upgrade_resource_state::{Request, Response},
};
use crate::wire::{diagnostic::error, value};

pub(crate) async fn handle(context: Context, request: Request) -> Result<Response, Diagnostics> {
    let (schema, resource) = look_up::resource(&*context.provider, &request.type_name)?;
    let stored = stored_json(request.raw_state.as_ref())?;
    let current = if request.version == schema.version {
        stored
    } else {
        resource.upgrade(request.version, stored).await?
    };
    let state = json::from_json(&current, &schema.object_type(), Leniency::Lenient).map_err(unreadable)?;
    Ok(Response { upgraded_state: Some(value::encode_object(state, schema)?), diagnostics: Vec::new() })
}

fn stored_json(state: Option<&RawState>) -> Result<Json, Diagnostics> {
    match state {
        Some(state) if !state.json.is_empty() => serde_json::from_slice(&state.json).map_err(unreadable),
        Some(state) if !state.flatmap.is_empty() => {
            Err(unreadable("it has the layout of Terraform 0.11, which this provider never wrote"))
        }
        _ => Err(unreadable("it is empty")),
    }
}

fn unreadable(reason: impl std::fmt::Display) -> Diagnostics {
    error(
        "The stored state cannot be read",
        format!(
            "{reason}. The state was not written by this resource or was edited. Restore an earlier version of the \
             state, or remove the resource from the state and import it."
        ),
    )
}
