//! What rules ask of a buffer's bytes (Suricata's "Payload Keywords" and "Base64 Keywords").

mod absent;
pub(super) mod base64;
mod bsize;
mod byte;
mod entropy;
mod isdataat;
mod variable;
mod view;
