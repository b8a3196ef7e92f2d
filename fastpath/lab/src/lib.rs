//! The lab: client, inspector and server network namespaces joined by 4-queue veths, the traffic that runs
//! through them, and a handle on a running `fastpath`.
//!
//! ```text
//!   client                    inspector                    server
//!   eth0 <---- veth ----> in0   fastpath   out0 <---- veth ----> eth0
//!   10.77.0.1, fd77::1                                10.77.0.2, fd77::2
//! ```
//!
//! Needs root and the commands `ip`, `ethtool` and `tcpdump`. Nothing outside the namespaces is touched, and
//! a watchdog process removes them even when their owner is killed.

mod capture;
mod error;
mod fastpath;
mod frame;
mod http;
mod namespace;
mod packet_socket;
mod process;
mod raw_tcp;
mod recorder;
mod stats;
mod topology;
mod traffic;
mod watchdog;

pub use capture::{Capture, udp_payload};
pub use error::LabError;
pub use fastpath::{Ended, Fastpath, FastpathCommand, built_beside};
pub use frame::{MacAddr, ethernet_frame, tagged, udp_frame};
pub use http::{Body, HttpServer, download, pattern_digest};
pub use namespace::Namespace;
/// Signals a [`Process`] can be sent.
pub use nix::sys::signal::Signal;
pub use packet_socket::{Burst, PacketSocket};
pub use process::{Process, wait_until};
pub use raw_tcp::{RAW_CLIENT_IP, RawHost, RawTcp, fragment, with_wrong_checksum};
pub use recorder::TcpRecorder;
pub use stats::{FrameStats, HandoverStats, PortStats, QueueStats, RuleStats, Stats, Totals, XdpStats};
pub use topology::{
    CLIENT_IP, CLIENT_IP6, CLIENT_MAC, Host, Lab, LabOptions, PORT_IN, PORT_IN_MAC, PORT_OUT, PORT_OUT_MAC,
    SERVER_IP, SERVER_IP6, SERVER_MAC,
};
pub use traffic::{UdpEcho, ping, udp_flows};
