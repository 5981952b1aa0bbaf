//! ReadResource: the state as it is now.

use tf_core::Diagnostics;

use super::look_up;
use crate::call::Context;
use crate::proto::tfplugin6::read_resource::{Request, Response};
use crate::provider::ReadRequest;
use crate::wire::{diagnostic::diagnostics, value};

pub(crate) async fn handle(context: Context, request: Request) -> Result<Response, Diagnostics> {
    let (schema, resource) = look_up::resource(&*context.provider, &request.type_name)?;
    let state = value::decode_object(request.current_state.as_ref(), schema, "current_state")?;
    let answer = resource.read(ReadRequest { state, private: request.private.clone() }).await;
    Ok(Response {
        new_state: Some(value::encode_object(answer.state, schema)?),
        private: value::private(answer.private, request.private),
        diagnostics: diagnostics(answer.diagnostics),
        ..Default::default()
    })
}
