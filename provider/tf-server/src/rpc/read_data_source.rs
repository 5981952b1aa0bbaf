//! ReadDataSource.

use tf_core::Diagnostics;

use super::look_up;
use crate::call::Context;
use crate::proto::tfplugin6::read_data_source::{Request, Response};
use crate::wire::{diagnostic::diagnostics, value};

pub(crate) async fn handle(context: Context, request: Request) -> Result<Response, Diagnostics> {
    let (schema, source) = look_up::data_source(&*context.provider, &request.type_name)?;
    let config = value::decode_object(request.config.as_ref(), schema, "config")?;
    let answer = source.read(config).await;
    Ok(Response {
        state: Some(value::encode_object(answer.state, schema)?),
        diagnostics: diagnostics(answer.diagnostics),
        deferred: None,
    })
}
