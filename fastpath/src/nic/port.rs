//! A port under inspection: promiscuous, VLAN tags left in the frames, the XDP program attached.

use std::path::Path;

use fastpath_common::{Fallback, QueueCounts};

use super::{
    link::Link,
    program::{AttachMode, Program, ProgramError},
    promiscuous::{Promiscuous, PromiscuousError},
    vlan_strip::{RECORDS, VlanStripError, VlanStripping},
};

/// Why a port could not be taken under inspection.
#[derive(Debug, thiserror::Error)]
pub enum PortError {
    /// The XDP program.
    #[error(transparent)]
    Program(#[from] ProgramError),
    /// Promiscuous mode.
    #[error(transparent)]
    Promiscuous(#[from] PromiscuousError),
    /// VLAN stripping.
    #[error(transparent)]
    VlanStrip(#[from] VlanStripError),
}

/// A port under inspection. Dropping it puts everything back: the program first, so that no frame meets a
/// half-closed port.
pub struct Port {
    program: Program,
    stripping: VlanStripping,
    _promiscuous: Promiscuous,
    link: Link,
}

impl Port {
    /// Takes the port over: loads and attaches the program with an empty XSKMAP, so that frames of the
    /// `chosen` queues meet the `fallback` until [`Port::program`] gets sockets.
    pub fn open(
        link: Link,
        chosen: &[u32],
        fallback: Fallback,
        peer: Option<&str>,
        mode: AttachMode,
    ) -> Result<Self, PortError> {
        let mut program = Program::load(&link.name, chosen, fallback, peer)?;
        program.attach(mode)?;
        let promiscuous = Promiscuous::hold(link.index)?;
        let stripping = VlanStripping::turn_off(&link.name, Path::new(RECORDS))?;
        Ok(Self { program, stripping, _promiscuous: promiscuous, link })
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.link.name
    }

    /// The XDP program on it.
    pub fn program(&mut self) -> &mut Program {
        &mut self.program
    }

    /// What the XDP program did, for every rx queue of the port.
    pub fn counts(&self) -> Result<Vec<QueueCounts>, ProgramError> {
        self.program.counts(self.link.rx_queues)
    }

    /// Puts everything back, the program first, and says what could not be.
    pub fn close(mut self) -> Vec<PortError> {
        let detached = self.program.detach().err().map(PortError::from);
        let restored = self.stripping.restore().err().map(PortError::from);
        detached.into_iter().chain(restored).collect()
    }
}
