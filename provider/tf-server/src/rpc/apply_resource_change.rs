//! ApplyResourceChange: create, update and delete.

use tf_core::Diagnostics;

use super::look_up;
use crate::call::Context;
use crate::proto::tfplugin6::{
    Diagnostic, DynamicValue,
    apply_resource_change::{Request, Response},
};
use crate::provider::ApplyRequest;
use crate::wire::{diagnostic::diagnostics, value};

pub(crate) async fn handle(context: Context, request: Request) -> Result<Response, Diagnostics> {
    let (schema, resource) = look_up::resource(&*context.provider, &request.type_name)?;
    let apply = ApplyRequest {
        prior: value::decode_object(request.prior_state.as_ref(), schema, "prior_state")?,
        planned: value::decode_object(request.planned_state.as_ref(), schema, "planned_state")?,
        config: value::decode_object(request.config.as_ref(), schema, "config")?,
        private: request.planned_private.clone(),
    };
    let answer = resource.apply(apply).await;
    Ok(Response {
        new_state: Some(value::encode_object(answer.state, schema)?),
        private: value::private(answer.private, request.planned_private),
        diagnostics: diagnostics(answer.diagnostics),
        ..Default::default()
    })
}

/// What is answered when the resource could not: the state and the bytes beside it stay as they were.
pub(crate) struct Unchanged {
    prior_state: Option<DynamicValue>,
    private: Vec<u8>,
}

impl Unchanged {
    pub(crate) fn of(request: &Request) -> Self {
        Self { prior_state: request.prior_state.clone(), private: request.planned_private.clone() }
    }

    pub(crate) fn response(self, diagnostics: Vec<Diagnostic>) -> Response {
        Response { new_state: self.prior_state, private: self.private, diagnostics, ..Default::default() }
    }
}
