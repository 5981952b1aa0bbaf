//! GetMetadata: names and capabilities without schemas.

use tf_core::Diagnostics;

use crate::call::Context;
use crate::proto::tfplugin6::{
    ServerCapabilities,
    get_metadata::{DataSourceMetadata, Request, ResourceMetadata, Response},
};

/// What this server can do for every provider.
pub(crate) fn capabilities() -> ServerCapabilities {
    ServerCapabilities { plan_destroy: true, get_provider_schema_optional: true, ..Default::default() }
}

pub(crate) async fn handle(context: Context, _: Request) -> Result<Response, Diagnostics> {
    let schema = context.provider.schema();
    let resource = |type_name: &String| ResourceMetadata { type_name: type_name.clone() };
    let data_source = |type_name: &String| DataSourceMetadata { type_name: type_name.clone() };
    Ok(Response {
        server_capabilities: Some(capabilities()),
        resources: schema.resources.keys().map(resource).collect(),
        data_sources: schema.data_sources.keys().map(data_source).collect(),
        ..Default::default()
    })
}
