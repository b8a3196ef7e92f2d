use std::collections::HashMap;

use proptest::prelude::*;

use super::*;
use crate::engine::verdict::DropReason;

const SECOND: u64 = 1_000_000_000;

/// One bucket of the timer.
const LATE: u64 = 1 << 28;

fn tuple(flow: u8, back: bool) -> Tuple {
    let there = Tuple {
        source: [10, 0, 0, flow % 4].into(),
        destination: [10, 0, 0, 200].into(),
        protocol: if flow.is_multiple_of(3) { 17 } else { 6 },
        ports: (u16::from(flow / 8), 80),
        icmp_code: 0,
        vlan: [(flow & 4 != 0).then_some(5), None, None],
        recursion: 0,
    };
    if back { there.reversed() } else { there }
}

fn table(capacity: u32) -> Table<u64> {
    Table::new(FlowSettings { capacity, ..FlowSettings::default() }, Share::ALL)
}

fn at(seconds: u64) -> Timestamp {
    Timestamp(1_700_000_000 * SECOND + seconds * SECOND)
}

fn nothing<T>(_: Ended<T>) {
    panic!("no flow should end here");
}

#[derive(Clone, Debug)]
enum Step {
    Packet { flow: u8, back: bool, bytes: u64 },
    State(u8, FlowState),
    Drop(u8),
    Remove(u8),
    Pass(u64),
    Back(u64),
    Tick(u32),
}

fn step() -> impl Strategy<Value = Step> {
    let state =
        prop_oneof![Just(FlowState::Established), Just(FlowState::Closed), Just(FlowState::LocalBypassed)];
    prop_oneof![
        12 => (0u8..32, any::<bool>(), 60u64..1500).prop_map(|(flow, back, bytes)| Step::Packet { flow, back, bytes }),
        3 => (0u8..32, state).prop_map(|(flow, state)| Step::State(flow, state)),
        1 => (0u8..32).prop_map(Step::Drop),
        1 => (0u8..32).prop_map(Step::Remove),
        4 => (0u64..40 * SECOND).prop_map(Step::Pass),
        1 => (0u64..3000 * SECOND).prop_map(Step::Pass),
        1 => (0u64..50 * SECOND).prop_map(Step::Back),
        4 => prop_oneof![Just(1000u32), 0u32..3].prop_map(Step::Tick),
    ]
}

/// What the table should know of one flow.
#[derive(Clone, Debug)]
struct Known {
    handle: Handle,
    client_is_back: bool,
    state: FlowState,
    dropped: bool,
    first: Timestamp,
    last: Timestamp,
    /// When it came into its state: its deadline may have passed already then.
    changed: Timestamp,
    packets: [u64; 2],
    bytes: [u64; 2],
}

impl Known {
    fn deadline(&self, flow: u8, emergency: bool) -> u64 {
        let protocol = tuple(flow, false).protocol;
        self.last.0 + Timeouts::default().of(protocol, self.state, emergency && !self.dropped)
    }
}

/// A HashMap of flows beside the table; every flow that ends is compared and taken out.
struct Model {
    table: Table<u64>,
    flows: HashMap<u8, Known>,
    begun: u64,
    ended: u64,
    stale: Vec<Handle>,
}

impl Model {
    fn ended(flows: &mut HashMap<u8, Known>, stale: &mut Vec<Handle>, now: Timestamp, ended: Ended<u64>) {
        let flow = u8::try_from(ended.state).expect("a flow's number");
        let known = flows.remove(&flow).expect("a flow ends once");
        let Known { state, first, last, packets, bytes, .. } = known;
        let record = &ended.flow;
        assert_eq!((record.state(), record.first(), record.last()), (state, first, last));
        assert_eq!((record.packets, record.bytes), (packets, bytes));
        let client = tuple(flow, known.client_is_back);
        assert_eq!(record.addresses(), (client.source, client.destination));
        assert_eq!((record.ports(), record.vlan()), (client.ports, client.vlan));
        if ended.reason == FlowEnd::Timeout {
            assert!(now.0 >= known.deadline(flow, ended.emergency), "{known:?} ended early");
        }
        stale.push(known.handle);
    }

    fn apply(&mut self, step: Step, now: Timestamp) {
        let Self { table, flows, begun, ended, stale } = self;
        let mut end = |flows: &mut _, record| {
            *ended += 1;
            Self::ended(flows, stale, now, record);
        };
        match step {
            Step::Packet { flow, back, bytes } => {
                let emergency = table.emergency();
                let before = flows.get(&flow).is_some_and(|known| now.0 < known.deadline(flow, emergency));
                let probe = table.probe(&tuple(flow, back));
                let entry = table.enter(&probe, now, &mut |record| end(flows, record));
                let Ok(entry) = entry else {
                    assert!(
                        !before && flows.len() == table.settings.capacity as usize,
                        "refused without need"
                    );
                    assert!(table.emergency());
                    return;
                };
                assert_eq!(entry.is_new, !before);
                if entry.is_new {
                    *begun += 1;
                    let known = Known {
                        handle: entry.handle,
                        client_is_back: back,
                        state: FlowState::New,
                        dropped: false,
                        first: now,
                        last: now,
                        changed: now,
                        packets: [0; 2],
                        bytes: [0; 2],
                    };
                    assert!(flows.insert(flow, known).is_none());
                    *table.get_mut(entry.handle).unwrap().1 = u64::from(flow);
                }
                let known = flows.get_mut(&flow).unwrap();
                assert_eq!(entry.handle, known.handle);
                assert_eq!(entry.direction == Direction::ToClient, back != known.client_is_back);
                table.count(entry.handle, entry.direction, bytes, 64);
                let way = entry.direction as usize;
                known.last = known.last.max(now);
                known.packets[way] += 1;
                known.bytes[way] += bytes;
                if tuple(flow, false).protocol == 17
                    && known.state == FlowState::New
                    && known.packets.iter().all(|&packets| packets > 0)
                {
                    known.state = FlowState::Established;
                    known.changed = now;
                }
            }
            Step::State(flow, state) => {
                if let Some(known) = flows.get_mut(&flow) {
                    table.set_state(known.handle, state);
                    known.state = state;
                    known.changed = now;
                }
            }
            Step::Drop(flow) => {
                if let Some(known) = flows.get_mut(&flow) {
                    table.get_mut(known.handle).unwrap().0.action = FlowAction::Drop(DropReason::Rule);
                    known.dropped = true;
                }
            }
            Step::Remove(flow) => {
                if let Some(known) = flows.get(&flow) {
                    let record = table.remove(known.handle, FlowEnd::TcpReuse).unwrap();
                    end(flows, record);
                }
            }
            Step::Tick(budget) => {
                table.tick(now, budget, &mut |record| end(flows, record));
            }
            Step::Pass(_) | Step::Back(_) => {}
        }
    }

    fn check(&self) {
        assert_eq!(self.table.counters().active, self.flows.len() as u64);
        for (flow, known) in &self.flows {
            assert_eq!(self.table.get(known.handle).map(|(_, state)| *state), Some(u64::from(*flow)));
            let probe = self.table.probe(&tuple(*flow, false));
            assert_eq!(self.table.find(&probe).map(|(handle, _)| handle), Some(known.handle));
        }
        assert!(
            self.stale.iter().all(|handle| self.table.get(*handle).is_none()),
            "a stale handle is refused"
        );
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn does_what_a_map_of_flows_does(
        capacity in prop_oneof![1u32..12, Just(64)],
        disorder: bool,
        steps in prop::collection::vec(step(), 1..200),
    ) {
        let mut model = Model {
            table: table(capacity), flows: HashMap::new(), begun: 0, ended: 0, stale: Vec::new(),
        };
        let (mut now, mut latest) = (at(0), at(0));
        for step in steps {
            match step {
                Step::Pass(time) => now.0 += time,
                // What a capture's disorder may be; a clock that was set is another test.
                Step::Back(time) if disorder => now.0 = latest.0 - time,
                _ => {}
            }
            latest = latest.max(now);
            let whole = matches!(step, Step::Tick(1000)) && !disorder;
            model.apply(step, now);
            model.check();
            if whole {
                for (flow, known) in &model.flows {
                    let due = known.deadline(*flow, false).max(known.changed.0);
                    prop_assert!(now.0 < due + LATE, "{known:?} is still there");
                }
            }
        }
        let Model { table, flows, ended, stale, .. } = &mut model;
        table.drain(&mut |record| {
            assert_eq!(record.reason, FlowEnd::Shutdown);
            *ended += 1;
            Model::ended(flows, stale, now, record);
        });
        model.check();
        prop_assert!(model.flows.is_empty());
        prop_assert_eq!((model.begun, model.begun), (model.ended, model.table.counters().total));
    }

    /// Clocks that are set, captures put together from others: whatever comes, each flow ends once.
    #[test]
    fn any_times_are_survived(steps in prop::collection::vec((0u8..32, any::<u64>(), 0u32..40), 1..100)) {
        let mut table = table(8);
        let (mut begun, mut ended) = (0, 0);
        for (flow, time, budget) in steps {
            let probe = table.probe(&tuple(flow, false));
            let entry = table.enter(&probe, Timestamp(time), &mut |_| ended += 1);
            begun += u64::from(entry.is_ok_and(|entry| entry.is_new));
            table.tick(Timestamp(time.rotate_left(9)), budget, &mut |_| ended += 1);
        }
        table.drain(&mut |_| ended += 1);
        prop_assert_eq!(begun, ended);
    }
}

#[test]
fn a_clock_set_back_by_years_does_not_keep_flows_for_years() {
    let mut table = table(8);
    let probe = table.probe(&tuple(1, false));
    table.enter(&probe, at(0), &mut nothing).unwrap();
    let then = Timestamp(SECOND);
    let mut gone = false;
    for second in 0..20 * 60 {
        table.tick(Timestamp(then.0 + second * SECOND), 10, &mut |_| gone = true);
    }
    assert!(gone, "looked at within one turn of the wheel, and idle since");
}

#[test]
fn a_full_table_gives_up_idle_flows_first_and_then_refuses() {
    let mut table = table(4);
    for flow in [1, 2, 4, 5] {
        let probe = table.probe(&tuple(flow, false));
        table.enter(&probe, at(0), &mut nothing).unwrap();
    }
    let first = table.probe(&tuple(1, false));
    let (dropped, _) = table.find(&first).unwrap();
    table.get_mut(dropped).unwrap().0.action = FlowAction::Drop(DropReason::Rule);
    let more = table.probe(&tuple(10, false));
    assert_eq!(table.enter(&more, at(4), &mut nothing), Err(Full));
    assert!(table.emergency());
    // Five seconds is what an emergency leaves a new TCP flow; the dropped one has its full minute.
    let mut gone = Vec::new();
    table.enter(&more, at(5), &mut |ended| gone.push(ended)).unwrap();
    assert_eq!(gone.len(), 3);
    assert!(gone.iter().all(|ended| ended.emergency && ended.flow.action == FlowAction::None));
    assert!(table.get(dropped).is_some());
    table.tick(at(5), 10, &mut nothing);
    assert!(!table.emergency(), "two of four are free, more than 30 %");
    let counters = table.counters();
    assert_eq!((counters.refused, counters.emergency_entered, counters.emergency_over), (1, 1, 1));
}

#[test]
fn the_client_and_the_server_can_change_places() {
    let mut table = table(4);
    let answer = table.probe(&tuple(1, true));
    let entry = table.enter(&answer, at(0), &mut nothing).unwrap();
    table.count(entry.handle, entry.direction, 100, 61);
    let (flow, _) = table.get_mut(entry.handle).unwrap();
    flow.swap_direction();
    assert_eq!((flow.bytes(Direction::ToClient), flow.bytes(Direction::ToServer)), (100, 0));
    assert_eq!(flow.addresses().0, tuple(1, false).source);
    assert_eq!(flow.ttl(Direction::ToClient).max, 61);
    let there = table.probe(&tuple(1, false));
    assert_eq!(table.enter(&there, at(0), &mut nothing).unwrap().direction, Direction::ToServer);
}

#[test]
fn workers_give_their_flows_different_ids() {
    let id = |worker| {
        let mut table = Table::<()>::new(FlowSettings::default(), Share { worker, of: 2 });
        let probe = table.probe(&tuple(1, false));
        let entry = table.enter(&probe, at(0), &mut nothing).unwrap();
        table.get(entry.handle).unwrap().0.id()
    };
    assert_ne!(id(0), id(1));
    assert_eq!(id(1), id(1));
}
