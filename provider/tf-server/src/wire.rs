//! Between the wire's messages and the types of `tf-core`.

pub(crate) mod diagnostic;
pub(crate) mod schema;
pub(crate) mod value;
