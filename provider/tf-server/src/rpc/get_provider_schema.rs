//! GetProviderSchema: everything that the provider takes and gives.

use std::collections::BTreeMap;

use tf_core::{Diagnostics, Schema};

use super::get_metadata::capabilities;
use crate::call::Context;
use crate::proto::tfplugin6::{
    self as proto,
    get_provider_schema::{Request, Response},
};
use crate::wire;

pub(crate) async fn handle(context: Context, _: Request) -> Result<Response, Diagnostics> {
    let schema = context.provider.schema();
    Ok(Response {
        provider: Some(wire::schema::schema(&schema.provider)),
        resource_schemas: schemas(&schema.resources),
        data_source_schemas: schemas(&schema.data_sources),
        server_capabilities: Some(capabilities()),
        ..Default::default()
    })
}

fn schemas(schemas: &BTreeMap<String, Schema>) -> BTreeMap<String, proto::Schema> {
    schemas.iter().map(|(type_name, schema)| (type_name.clone(), wire::schema::schema(schema))).collect()
}
