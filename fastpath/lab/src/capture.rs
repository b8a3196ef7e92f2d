use std::{path::PathBuf, time::Duration};

use etherparse::SlicedPacket;
use nix::sys::signal::Signal;
use pcap_file::pcap::PcapReader;

use crate::{LabError, Namespace, Process, wait_until};

const START: Duration = Duration::from_secs(30);

/// Records the frames that a port receives. It is `tcpdump`, because only libpcap puts a VLAN tag, which the
/// kernel takes off before any socket sees the frame, back where it was on the wire (PACKET_AUXDATA).
#[derive(Debug)]
pub struct Capture {
    tcpdump: Process,
    file: PathBuf,
}

impl Capture {
    /// Starts to record what `port` receives. `filter` is a pcap-filter(7) expression, empty for all frames;
    /// note that tagged frames match only expressions that say `vlan`.
    ///
    /// # Errors
    /// When tcpdump is missing, refuses the filter, or does not come up.
    pub fn start(namespace: &Namespace, port: &str, filter: &str) -> Result<Self, LabError> {
        let folder = tempfile::tempdir().map_err(LabError::io("making a scratch folder"))?;
        let file = folder.path().join("frames.pcap");
        let mut command = namespace.command("tcpdump");
        // -Z root: it would give up the right to write into the scratch folder. -B: where offloads are on, libpcap
        // takes 64 KiB a frame, so that its usual 2 MiB hold 32.
        command.args([
            "-Z",
            "root",
            "-B",
            "32768",
            "-n",
            "-U",
            "--immediate-mode",
            "-s",
            "0",
            "-Q",
            "in",
            "-i",
            port,
            "-w",
        ]);
        command.arg(&file).args(filter.split_whitespace());
        let mut tcpdump = Process::spawn_in(&mut command, folder)?;
        tcpdump.wait_for("`listening`", START, |p| p.stderr().contains("listening on"))?;
        Ok(Self { tcpdump, file })
    }

    /// The frames recorded so far, from their Ethernet header on, tags in place.
    pub fn frames(&self) -> Vec<Vec<u8>> {
        let bytes = std::fs::read(&self.file).unwrap_or_default();
        let Ok(mut reader) = PcapReader::new(&bytes[..]) else { return Vec::new() };
        // The last record may be half written: it is read the next time.
        std::iter::from_fn(|| Some(reader.next_packet()?.ok()?.data.into_owned())).collect()
    }

    /// Waits for a frame that `wanted` likes and returns it.
    pub fn wait_for(&self, limit: Duration, wanted: impl Fn(&[u8]) -> bool) -> Option<Vec<u8>> {
        let mut found = None;
        wait_until(limit, || {
            found = self.frames().into_iter().find(|frame| wanted(frame));
            found.is_some()
        });
        found
    }

    /// Ends the recording in order; every frame of it.
    ///
    /// # Errors
    /// When tcpdump does not end.
    pub fn finish(mut self) -> Result<Vec<Vec<u8>>, LabError> {
        self.tcpdump.signal(Signal::SIGINT)?;
        self.tcpdump.wait(START)?;
        Ok(self.frames())
    }
}

/// Payload of the UDP datagram in a frame, whatever tags are around it.
pub fn udp_payload(frame: &[u8]) -> Option<&[u8]> {
    match SlicedPacket::from_ethernet(frame).ok()?.transport? {
        etherparse::TransportSlice::Udp(udp) => Some(udp.payload()),
        _ => None,
    }
}
