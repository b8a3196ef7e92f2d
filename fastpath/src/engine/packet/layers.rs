//! The packets inside a packet.

use super::{Inner, Packet, Settings};
use crate::engine::meta::LinkType;

/// A packet, then the packet that it carries when it is a tunnel's, and so on inwards. Ends by itself, because each
/// layer counts towards [`Settings::max_layers`].
#[derive(Clone, Debug)]
pub struct Layers<'a, 's> {
    next: Next<'a>,
    settings: &'s Settings,
}

#[derive(Clone, Copy, Debug)]
enum Next<'a> {
    Outermost(&'a [u8], LinkType),
    Inner(Inner<'a>),
    End,
}

impl<'a, 's> Layers<'a, 's> {
    /// The layers of `bytes`, which start with the header that `link` names.
    pub fn new(bytes: &'a [u8], link: LinkType, settings: &'s Settings) -> Self {
        Self { next: Next::Outermost(bytes, link), settings }
    }
}

impl<'a> Iterator for Layers<'a, '_> {
    type Item = Packet<'a>;

    fn next(&mut self) -> Option<Packet<'a>> {
        let packet = match &self.next {
            Next::Outermost(bytes, link) => Packet::decode_with(bytes, *link, self.settings),
            Next::Inner(inner) => Packet::decode_inner(inner, self.settings),
            Next::End => return None,
        };
        self.next = packet.inner.map_or(Next::End, Next::Inner);
        Some(packet)
    }
}
