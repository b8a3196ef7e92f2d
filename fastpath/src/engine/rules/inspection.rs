//! What a rule asks of a buffer that it names.

use super::{
    buffer::Buffer,
    fault::Fault,
    payload::{Absent, Cursors, Program, Section, Text},
    transform::{self, Transform},
};
use crate::engine::packet::Packet;

/// A buffer, what becomes of it, and what is asked of that.
#[derive(Debug)]
pub(super) struct Inspection {
    pub(super) buffer: Buffer,
    transforms: Box<[Transform]>,
    absent: Option<Absent>,
    program: Program,
}

/// A worker's memory for transformed buffers.
#[derive(Debug, Default)]
pub(super) struct Transformed {
    now: Vec<u8>,
    next: Vec<u8>,
    scratch: transform::Scratch,
}

impl Inspection {
    pub(super) fn new(mut section: Section) -> Result<Self, Fault> {
        Ok(Self {
            buffer: section.buffer,
            transforms: std::mem::take(&mut section.transforms).into(),
            absent: section.absent,
            program: Program::new(section)?,
        })
    }

    /// What it asks of the buffer.
    pub(super) fn program(&self) -> &Program {
        &self.program
    }

    /// Whether the packet's buffer is as wanted.
    pub(super) fn holds(&self, packet: &Packet<'_>, cursors: &mut Cursors, memory: &mut Transformed) -> bool {
        let Some(bytes) = self.buffer.bytes(packet) else { return self.absent.is_some() };
        if self.absent.is_some_and(|absent| !absent.allows_presence()) {
            return false;
        }
        cursors.satisfy(&self.program, Text::whole(memory.transform(bytes, &self.transforms)))
    }
}

impl Transformed {
    fn transform<'b>(&'b mut self, bytes: &'b [u8], transforms: &[Transform]) -> &'b [u8] {
        let Some((first, others)) = transforms.split_first() else { return bytes };
        first.apply(bytes, &mut self.now, &mut self.scratch);
        for transform in others {
            transform.apply(&self.now, &mut self.next, &mut self.scratch);
            std::mem::swap(&mut self.now, &mut self.next);
        }
        &self.now
    }
}
