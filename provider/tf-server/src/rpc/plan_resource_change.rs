//! PlanResourceChange: what the schema alone yields, refined by the resource.

use tf_core::{Diagnostics, Path, plan};

use super::look_up;
use crate::call::Context;
use crate::proto::tfplugin6::{
    AttributePath,
    plan_resource_change::{Request, Response},
};
use crate::provider::PlanRequest;
use crate::wire::{self, diagnostic::diagnostics, value};

pub(crate) async fn handle(context: Context, request: Request) -> Result<Response, Diagnostics> {
    let (schema, resource) = look_up::resource(&*context.provider, &request.type_name)?;
    let prior = value::decode_object(request.prior_state.as_ref(), schema, "prior_state")?;
    let proposed = value::decode_object(request.proposed_new_state.as_ref(), schema, "proposed_new_state")?;
    let config = value::decode_object(request.config.as_ref(), schema, "config")?;
    let by_schema = plan::plan(schema, &prior, &proposed, &config);
    let private = request.prior_private.clone();
    let refine = PlanRequest {
        prior,
        config,
        planned: by_schema.planned,
        requires_replace: by_schema.requires_replace,
        private,
    };
    let answer = resource.plan(refine).await;
    Ok(Response {
        planned_state: Some(value::encode_object(answer.planned, schema)?),
        requires_replace: paths(answer.requires_replace),
        planned_private: value::private(answer.private, request.prior_private),
        diagnostics: diagnostics(answer.diagnostics),
        ..Default::default()
    })
}

fn paths(mut paths: Vec<Path>) -> Vec<AttributePath> {
    paths.sort();
    paths.dedup();
    paths.iter().map(wire::diagnostic::path).collect()
}
