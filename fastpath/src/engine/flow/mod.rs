//! Flows: which packets belong together, and which worker they belong to.

mod steer;

pub use steer::{Share, steer, steer_with};
