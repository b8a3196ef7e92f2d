//! All flows of one worker.

use std::hint::black_box;

use etherparse::{IpNumber, ip_number};

use super::{
    hash::Hasher,
    index::Index,
    key::{FlowKey, Probe, Tracking, Tuple},
    record::{Ended, Flow, FlowAction, FlowEnd, FlowId, FlowState},
    steer::Share,
    timeouts::Timeouts,
    wheel::Wheel,
};
use crate::engine::{
    counters::{Counters, FlowCounters, FlowEndCounters, FlowTimeoutCounters},
    meta::{Direction, Timestamp},
};

/// What a flow table is told once, at its start.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FlowSettings {
    /// Flows kept at the same time, 1 to 2^28 (`flow.capacity`, ours: Suricata's `flow.memcap` counts bytes). The default of
    /// 262,144 is about what Suricata's memcap of 128 MB has room for.
    pub capacity: u32,
    /// How long flows may be idle.
    pub timeouts: Timeouts,
    /// Percent of the capacity that must be free again for an emergency to be over (`flow.emergency-recovery`, Suricata's
    /// default is 30).
    pub emergency_recovery: u8,
    /// What is part of the key.
    pub tracking: Tracking,
    /// Secret of the hash, and what flow ids begin with. 0 in replay, so that it gives the same ids each time; a live wire
    /// needs a random one, or a sender can choose flows that all fall into one bucket.
    pub seed: u64,
}

impl Default for FlowSettings {
    fn default() -> Self {
        Self {
            capacity: 1 << 18,
            timeouts: Timeouts::default(),
            emergency_recovery: 30,
            tracking: Tracking::default(),
            seed: 0,
        }
    }
}

/// Largest [`FlowSettings::capacity`].
const LARGEST: u32 = 1 << 28;

/// Slots that an insertion into a full table looks at for one to give up.
const LAST_RESORT: u32 = 32;

/// How far back in time a packet may come in a capture, in nanoseconds. What is further back is a clock that was set.
const DISORDER: u64 = 60_000_000_000;

/// Names a flow in a [`Table`]; no longer valid when that flow has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Handle {
    slot: u32,
    generation: u32,
}

/// A packet's flow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The flow.
    pub handle: Handle,
    /// The packet's direction in it.
    pub direction: Direction,
    /// Whether the flow began with this packet.
    pub is_new: bool,
}

/// There is no room for another flow (the failure [`crate::engine::policy::Failure::FlowMemcap`]).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Full;

/// Processors load pairs of cache lines; the first pair has what every packet touches.
#[derive(Debug, Default)]
#[repr(C, align(128))]
struct Slot<T> {
    /// Odd while a flow lives here; each flow's own (until it wraps, after 2^31 flows in this slot).
    generation: u32,
    flow: Flow,
    state: T,
}

/// A table of fixed capacity; `T` is what the engine hangs on a flow.
///
/// All memory is asked for at the start, but only touched as far as there have ever been flows at the same time. A flow's
/// time-out is exact when its next packet comes; otherwise [`Self::tick`] finds it at most 0.27 s late, or later when its
/// budget is too small. A packet of a flow that is there costs no timer work.
#[derive(Debug)]
pub struct Table<T> {
    slots: Vec<Slot<T>>,
    free: Vec<u32>,
    index: Index,
    wheel: Wheel,
    hasher: Hasher,
    settings: FlowSettings,
    share: Share,
    emergency: bool,
    /// Where an emergency's sweep goes on.
    sweep: u32,
    counters: FlowCounters,
    ends: FlowEndCounters,
    timeouts: FlowTimeoutCounters,
}

impl<T: Default> Table<T> {
    /// Bytes of memory per flow.
    pub const BYTES_PER_FLOW: usize =
        size_of::<Slot<T>>() + size_of::<u32>() + Index::BYTES_PER_SLOT + Wheel::BYTES_PER_SLOT;

    /// An empty table; of the flows of `share` only (flow ids are then unique among all workers).
    pub fn new(settings: FlowSettings, share: Share) -> Self {
        let capacity = settings.capacity.clamp(1, LARGEST);
        Self {
            slots: Vec::with_capacity(capacity as usize),
            free: Vec::with_capacity(capacity as usize),
            index: Index::new(capacity),
            wheel: Wheel::new(capacity),
            hasher: Hasher::new(settings.seed),
            settings: FlowSettings { capacity, ..settings },
            share,
            emergency: false,
            sweep: 0,
            counters: FlowCounters::default(),
            ends: FlowEndCounters::default(),
            timeouts: FlowTimeoutCounters::default(),
        }
    }

    /// What happened so far.
    pub fn counters(&self) -> &FlowCounters {
        &self.counters
    }

    /// Writes all that was counted.
    pub fn report(&self, counters: &mut Counters) {
        counters.flow = self.counters;
        counters.flow.spare = u64::from(self.settings.capacity).saturating_sub(self.counters.active);
        counters.flow.memory = u64::from(self.settings.capacity) * Self::BYTES_PER_FLOW as u64;
        counters.flow_end = self.ends;
        counters.flow_timeout = self.timeouts;
    }

    /// Whether the table was full and has not recovered yet: shorter time-outs hold.
    pub fn emergency(&self) -> bool {
        self.emergency
    }

    /// The key of a packet's flow, hashed.
    pub fn probe(&self, tuple: &Tuple) -> Probe {
        let (key, sender) = FlowKey::of(tuple, self.settings.tracking);
        Probe { key, sender, vlan: tuple.vlan, icmp_code: tuple.icmp_code, hash: self.hasher.hash(&key) }
    }

    /// Reads what look-ups of flows with these hashes ([`super::Hint`]) are about to read, so that the memory's answers are waited for
    /// together and not one after another. Changes nothing. How many flows it may have found.
    pub fn expect(&self, hashes: &[u64]) -> usize {
        // First all buckets, then all slots: within a loop no read depends on another.
        black_box(hashes.iter().fold(0, |read, &hash| read ^ self.index.warm(hash)));
        let (mut found, mut read) = (0, 0);
        for &hash in hashes {
            if let Some(slot) = self.slots.get(self.index.guess(hash) as usize) {
                read ^= u64::from(slot.generation) ^ slot.flow.warm();
                found += 1;
            }
        }
        black_box(read);
        found
    }

    /// The flow that a packet belongs to, if there is one; it is not changed by that.
    pub fn find(&self, probe: &Probe) -> Option<(Handle, Direction)> {
        let slot = self.slot_of(probe)?;
        let Slot { flow, generation, .. } = self.slots.get(slot as usize)?;
        Some((Handle { slot, generation: *generation }, flow.direction(probe.sender)))
    }

    /// The flow that a packet belongs to; a new one where there is none, or where that has been idle for too long. `ended`
    /// takes the flows that end because of that.
    ///
    /// # Errors
    /// [`Full`]: there is no room for a new flow, and none of those that were looked at could be given up.
    pub fn enter(
        &mut self,
        probe: &Probe,
        now: Timestamp,
        ended: &mut dyn FnMut(Ended<T>),
    ) -> Result<Entry, Full> {
        if let Some(slot) = self.slot_of(probe)
            && let Some(Slot { flow, generation, .. }) = self.slots.get_mut(slot as usize)
        {
            let timeout = timeout(&self.settings, self.emergency, flow);
            if now.0 < flow.last.0.saturating_add(timeout) {
                flow.last = flow.last.max(now);
                let direction = flow.direction(probe.sender);
                let handle = Handle { slot, generation: *generation };
                return Ok(Entry { handle, direction, is_new: false });
            }
            self.timeouts.evicted += 1;
            self.end(slot, FlowEnd::Timeout, ended);
        }
        self.insert(probe, now, ended)
    }

    /// A flow and what hangs on it; `None` when it has ended.
    pub fn get(&self, handle: Handle) -> Option<(&Flow, &T)> {
        let slot = self.slots.get(handle.slot as usize).filter(|s| s.generation == handle.generation)?;
        Some((&slot.flow, &slot.state))
    }

    /// A flow and what hangs on it; `None` when it has ended.
    pub fn get_mut(&mut self, handle: Handle) -> Option<(&mut Flow, &mut T)> {
        let slot = self.slots.get_mut(handle.slot as usize).filter(|s| s.generation == handle.generation)?;
        Some((&mut slot.flow, &mut slot.state))
    }

    /// Counts a packet of `bytes` with a TTL (hop limit) in its flow. A flow that is not TCP is established when both sides
    /// were heard; of TCP the session says so ([`Self::set_state`]).
    pub fn count(&mut self, handle: Handle, direction: Direction, bytes: u64, ttl: u8) {
        let Some((flow, _)) = self.get_mut(handle) else { return };
        flow.count(direction, bytes, ttl);
        let both = flow.packets.iter().all(|&packets| packets > 0);
        if both && flow.state == FlowState::New && IpNumber(flow.key.protocol()) != ip_number::TCP {
            self.set_state(handle, FlowState::Established);
        }
    }

    /// Sets how far a flow has come, which decides its time-out.
    pub fn set_state(&mut self, handle: Handle, state: FlowState) {
        let (emergency, settings) = (self.emergency, self.settings);
        let Some((flow, _)) = self.get_mut(handle) else { return };
        if flow.state != state {
            flow.state = state;
            let deadline = flow.last.0.saturating_add(timeout(&settings, emergency, flow));
            // A later deadline is found out when the timer comes; an earlier one cannot wait for that.
            self.wheel.advance(handle.slot, deadline);
        }
    }

    /// Ends a flow; `None` when it has ended before.
    pub fn remove(&mut self, handle: Handle, reason: FlowEnd) -> Option<Ended<T>> {
        self.get(handle)?;
        let mut taken = None;
        self.end(handle.slot, reason, &mut |ended| taken = Some(ended));
        taken
    }

    /// Ends flows that have been idle for too long, looking at no more than `budget` of them (twice that in an emergency), and
    /// at 4,096 buckets of the timer. Time may jump in either direction. Says whether nothing more is due.
    pub fn tick(&mut self, now: Timestamp, budget: u32, ended: &mut dyn FnMut(Ended<T>)) -> bool {
        if self.wheel.behind(now.0) > DISORDER {
            self.wheel.set(now.0);
        }
        let mut left = budget;
        let done = loop {
            if left == 0 {
                break false;
            }
            let Some(slot) = self.wheel.due(now.0) else { break true };
            left -= 1;
            // As late as can be; the visit knows better.
            self.wheel.arm(slot, u64::MAX);
            self.visit(slot, now, ended);
        };
        if self.emergency {
            self.shed(now, budget, ended);
            self.recover();
        }
        done
    }

    /// Ends all flows: the program ends, or the capture.
    pub fn drain(&mut self, ended: &mut dyn FnMut(Ended<T>)) {
        for slot in 0..u32::try_from(self.slots.len()).unwrap_or(u32::MAX) {
            if self.is_live(slot) {
                self.end(slot, FlowEnd::Shutdown, ended);
            }
        }
        self.emergency = false;
    }

    fn slot_of(&self, probe: &Probe) -> Option<u32> {
        let is_it = |slot: u32| self.slots.get(slot as usize).is_some_and(|slot| slot.flow.key == probe.key);
        self.index.find(probe.hash, is_it)
    }

    fn is_live(&self, slot: u32) -> bool {
        self.slots.get(slot as usize).is_some_and(|slot| slot.generation % 2 == 1)
    }

    fn insert(
        &mut self,
        probe: &Probe,
        now: Timestamp,
        ended: &mut dyn FnMut(Ended<T>),
    ) -> Result<Entry, Full> {
        let slot = match self.take_slot(now, ended) {
            Some(slot) => slot,
            None => {
                self.counters.refused += 1;
                return Err(Full);
            }
        };
        if self.counters.active == 0 {
            self.wheel.set(now.0);
        }
        let Some(Slot { flow, generation, .. }) = self.slots.get_mut(slot as usize) else { return Err(Full) };
        *generation = generation.wrapping_add(1);
        let number = self.counters.total * u64::from(self.share.of) + u64::from(self.share.worker) + 1;
        *flow = Flow {
            key: probe.key,
            client: probe.sender,
            vlan: probe.vlan,
            icmp_code: probe.icmp_code,
            id: FlowId::new(number, self.settings.seed),
            first: now,
            last: now,
            ..Flow::default()
        };
        let deadline = now.0.saturating_add(timeout(&self.settings, self.emergency, flow));
        let handle = Handle { slot, generation: *generation };
        self.index.insert(probe.hash, slot);
        self.wheel.arm(slot, deadline);
        self.counters.total += 1;
        self.counters.active += 1;
        match IpNumber(probe.key.protocol()) {
            ip_number::TCP => self.counters.tcp += 1,
            ip_number::UDP => self.counters.udp += 1,
            ip_number::ICMP => self.counters.icmpv4 += 1,
            ip_number::IPV6_ICMP => self.counters.icmpv6 += 1,
            _ => {}
        }
        Ok(Entry { handle, direction: Direction::ToServer, is_new: true })
    }

    /// A slot without a flow.
    fn take_slot(&mut self, now: Timestamp, ended: &mut dyn FnMut(Ended<T>)) -> Option<u32> {
        if self.free.is_empty() && self.slots.len() == self.settings.capacity as usize {
            if !self.emergency {
                self.emergency = true;
                self.counters.emergency_entered += 1;
            }
            self.shed(now, LAST_RESORT, ended);
        }
        if let Some(slot) = self.free.pop() {
            return Some(slot);
        }
        let slot = u32::try_from(self.slots.len()).ok()?;
        (slot < self.settings.capacity).then(|| {
            self.slots.push(Slot::default());
            slot
        })
    }

    /// Looks at the next `count` slots for flows that the time-outs of an emergency have ended.
    fn shed(&mut self, now: Timestamp, count: u32, ended: &mut dyn FnMut(Ended<T>)) {
        for _ in 0..count.min(self.settings.capacity) {
            let slot = self.sweep;
            self.sweep = if slot as usize + 1 < self.slots.len() { slot + 1 } else { 0 };
            if self.is_live(slot) {
                self.visit(slot, now, ended);
            }
        }
    }

    /// Leaves an emergency when enough is free.
    fn recover(&mut self) {
        let capacity = u64::from(self.settings.capacity);
        let wanted = capacity * u64::from(self.settings.emergency_recovery.min(100)) / 100;
        if capacity - self.counters.active >= wanted.max(1) {
            self.emergency = false;
            self.counters.emergency_over += 1;
        }
    }

    /// Ends a flow if it has been idle for too long, and otherwise sets its timer.
    fn visit(&mut self, slot: u32, now: Timestamp, ended: &mut dyn FnMut(Ended<T>)) {
        let Some(Slot { flow, .. }) = self.slots.get_mut(slot as usize) else { return };
        // From before the clock was set back; its idleness begins now.
        if flow.last.0.saturating_sub(now.0) > DISORDER {
            (flow.first, flow.last) = (flow.first.min(now), now);
        }
        let deadline = flow.last.0.saturating_add(timeout(&self.settings, self.emergency, flow));
        if now.0 >= deadline {
            self.end(slot, FlowEnd::Timeout, ended);
        } else {
            self.wheel.advance(slot, deadline);
        }
    }

    fn end(&mut self, slot: u32, reason: FlowEnd, ended: &mut dyn FnMut(Ended<T>)) {
        let Some(Slot { flow, generation, state }) = self.slots.get_mut(slot as usize) else { return };
        *generation = generation.wrapping_add(1);
        let (flow, state) = (*flow, std::mem::take(state));
        self.index.remove(self.hasher.hash(&flow.key), slot);
        self.wheel.disarm(slot);
        self.free.push(slot);
        self.counters.active -= 1;
        match flow.state {
            FlowState::New => self.ends.new += 1,
            FlowState::Established => self.ends.established += 1,
            FlowState::Closed => self.ends.closed += 1,
            FlowState::LocalBypassed => self.ends.local_bypassed += 1,
            FlowState::CaptureBypassed => self.ends.capture_bypassed += 1,
        }
        match reason {
            FlowEnd::Timeout => self.timeouts.timed_out += 1,
            FlowEnd::TcpReuse => self.counters.tcp_reuse += 1,
            FlowEnd::Forced | FlowEnd::Shutdown => {}
        }
        ended(Ended { flow, reason, emergency: self.emergency, state });
    }
}

/// Nanoseconds that a flow may be idle now. A dropped flow is kept to its full time also in an emergency: the next packet would
/// find it gone, and begin one that is not dropped.
fn timeout(settings: &FlowSettings, emergency: bool, flow: &Flow) -> u64 {
    let dropped = matches!(flow.action, FlowAction::Drop(_));
    settings.timeouts.of(flow.key.protocol(), flow.state, emergency && !dropped)
}

#[cfg(test)]
mod tests;
