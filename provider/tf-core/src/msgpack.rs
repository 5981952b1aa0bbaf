//! The MessagePack encoding: how values travel. Both directions follow the type that the schema says.

mod decode;
mod encode;

#[cfg(test)]
mod tests;

pub use decode::decode;
pub use encode::encode;

/// An unknown value: one byte of extension type 0.
const UNKNOWN: [u8; 3] = [0xd4, 0x00, 0x00];
