//! Flows: which packets belong together, what is remembered of them, and which worker they belong to.
//!
//! | file | what |
//! |---|---|
//! | `key.rs` | what makes two packets belong together |
//! | `record.rs` | what is known of one flow |
//! | `table.rs` | all flows of one worker: look-up, time-out, shedding |
//! | `index.rs`, `wheel.rs`, `hash.rs` | what the table is made of |
//! | `timeouts.rs` | how long a flow may be idle |
//! | `steer.rs` | which worker a packet belongs to |

mod hash;
mod index;
mod key;
mod record;
mod steer;
mod table;
mod timeouts;
mod wheel;

pub use key::{FlowKey, Probe, Side, Tracking, Tuple, is_icmp_error};
pub use record::{Ended, Exceptions, Flow, FlowAction, FlowEnd, FlowId, FlowState, TtlRange};
pub use steer::{Hint, Share, Steering, steer};
pub use table::{Entry, FlowSettings, Full, Handle, Table};
pub use timeouts::{Idle, Timeouts};
