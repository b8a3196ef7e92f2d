//! Hand-over between workers over memory backends, turn by turn: nothing is lost, doubled or out of order, whatever
//! ring is full and whoever stalls.

#![allow(clippy::unwrap_used)] // A test may panic; clippy.toml knows only of #[test] functions.

mod model;

use std::sync::{Arc, atomic::AtomicBool};

use fastpath::{
    config::ActionMode,
    engine::{
        Engine, Settings,
        event::Event,
        flow::Share,
        meta::PortId,
        rules::RuleSet,
        verdict::{DropReason, Enforcement},
    },
    io::{
        PacketIo,
        memory::{MemoryHandle, MemoryIo},
    },
    telemetry::counter::Published,
    worker::{
        looping::Worker,
        mesh::{Mesh, mesh},
    },
};
use model::{Kind, Model, Setup, run};
use proptest::prelude::*;

const SETUP: Setup = Setup { workers: 3, capacity: 4, batch: 4, detect: false };

/// A flow of each worker.
fn flows(model: &Model) -> Vec<u8> {
    let flow = |worker: u16| (0..=255).find(|flow| model.owner(*flow) == worker).unwrap();
    (0..).map(flow).take(model.workers.len()).collect()
}

#[test]
fn both_directions_are_inspected_by_the_owner_and_sent_by_the_receiver() {
    let mut model = Model::new(SETUP);
    let flow = flows(&model)[2];
    model.put(0, 0, flow, Kind::Forward, 0);
    model.put(1, 1, flow, Kind::Drop, 0);
    model.put(2, 1, flow, Kind::Forward, 0);
    model.settle();
    model.check_end();
    let (receiver, owner) = (model.figures(0), model.figures(2));
    assert_eq!((receiver.handover.handed_over, receiver.handover.returned), (1, 1));
    assert_eq!((owner.handover.handed_over, owner.handover.served), (0, 2));
    assert_eq!(model.dropped(DropReason::Rule), 1);
    assert_eq!(model.workers[0].io().outgoing.len(), 1);
    assert_eq!(model.workers[1].io().released.len(), 1);
}

#[test]
fn a_datagram_goes_to_its_owner_and_the_verdict_comes_back() {
    for (kind, dropped) in [(Kind::Refer, 0), (Kind::ReferDrop, 1)] {
        let mut model = Model::new(SETUP);
        let flows = flows(&model);
        // Received by 0, put together by 1, owned by 2; put together by the receiver; and owned by who puts it together.
        model.put(0, 0, flows[1], kind, 2);
        model.put(0, 0, flows[0], kind, 2);
        model.put(0, 0, flows[1], kind, 1);
        model.settle();
        model.check_end();
        assert_eq!(model.dropped(DropReason::Rule), 3 * dropped);
        assert_eq!(model.figures(1).handover.referred + model.figures(0).handover.referred, 2);
    }
}

#[test]
fn a_datagram_in_a_datagram_goes_on_to_its_owner_and_the_verdict_comes_back_all_the_way() {
    for (kind, dropped) in [(Kind::ReferTwice, 0), (Kind::ReferTwiceDrop, 1)] {
        for workers in 2..5 {
            let mut model = Model::new(Setup { workers, ..SETUP });
            let flows = flows(&model);
            // Put together by the receiver and by another; the one inside is owned by a third, or by one of these two.
            model.put(0, 0, flows[0], kind, 1);
            model.put(0, 0, flows[1], kind, 0);
            model.put(1, 0, flows[0], kind, 1);
            model.settle();
            model.check_end();
            assert_eq!(model.dropped(DropReason::Rule), 3 * dropped);
            let referred: u64 = (0..usize::from(workers)).map(|w| model.figures(w).handover.referred).sum();
            assert_eq!(referred, if workers == 2 { 3 } else { 6 });
        }
    }
}

#[test]
fn whoever_stalls_on_the_way_of_a_datagram_in_a_datagram_no_packet_is_lost() {
    for stalled in 0..3 {
        let mut model = Model::new(SETUP);
        let flows = flows(&model);
        for _ in 0..9 {
            model.put(0, 0, flows[0], Kind::ReferTwice, 1);
            model.turn(0);
            model.turn(1);
        }
        model.stalled[stalled] = true;
        model.settle();
        model.stalled[stalled] = false;
        model.settle();
        model.check_end();
    }
}

#[test]
fn a_stalled_owner_takes_its_own_flows_with_it_and_no_others() {
    for detect in [false, true] {
        let mut model = Model::new(Setup { detect, ..SETUP });
        let flows = flows(&model);
        model.stalled[2] = true;
        for _ in 0..10 {
            model.put(0, 0, flows[2], Kind::Forward, 0);
            model.put(0, 0, flows[1], Kind::Forward, 0);
            model.put(0, 0, flows[0], Kind::Forward, 0);
        }
        model.settle();
        let figures = model.figures(0);
        assert_eq!((figures.handover.waiting(), figures.handover.full), (4, 6));
        assert_eq!(model.dropped(DropReason::Handover), if detect { 0 } else { 6 });
        assert_eq!(model.workers[0].io().outgoing.len(), if detect { 26 } else { 20 });
        model.stalled[2] = false;
        model.settle();
        model.check_end();
        assert_eq!(model.figures(0).handover.returned, 14);
    }
}

#[test]
fn who_waits_in_vain_drops_at_the_end() {
    let mut model = Model::new(SETUP);
    let flow = flows(&model)[2];
    model.stalled[2] = true;
    model.put(0, 0, flow, Kind::Forward, 0);
    model.settle();
    model.workers[0].close();
    let figures = model.figures(0);
    assert_eq!((figures.handover.given_up, figures.frames.in_worker), (1, 1), "the frame is still lent");
    assert_eq!((figures.residual(), figures.frames.residual()), (0, 0));
    assert_eq!(model.dropped(DropReason::Handover), 1);
}

#[test]
fn two_workers_with_full_rings_do_not_wait_for_each_other() {
    let mut model = Model::new(Setup { workers: 2, capacity: 1, batch: 8, detect: false });
    let flow = |worker| (0..=255).find(|flow| model.owner(*flow) == worker).unwrap();
    let flows = [flow(0), flow(1)];
    for round in 0..50 {
        for _ in 0..3 {
            model.put(0, 0, flows[1], Kind::Forward, 0);
            model.put(1, 1, flows[0], Kind::Forward, 0);
        }
        model.turn(round % 2);
    }
    model.settle();
    model.check_end();
    assert!(model.figures(0).handover.returned > 10 && model.dropped(DropReason::Handover) > 10);
}

#[test]
fn what_finds_no_room_is_among_the_exception_policies_of_the_engine_counters() {
    for (enforcement, policy) in [(Enforcement::Drop, "drop_packet"), (Enforcement::Report, "ignore")] {
        let model = Model::new(Setup { workers: 2, ..SETUP });
        let flow = flows(&model)[1];
        let ios = [MemoryIo::new(2, 4), MemoryIo::new(2, 4)];
        let handles: Vec<_> = ios.iter().map(PacketIo::handle).collect();
        let published = Arc::new(Published::default());
        let settings = Settings { share: Share { worker: 0, of: 2 }, ..Settings::new(enforcement) };
        let engine = Engine::new(Arc::new(RuleSet::default()), settings);
        let (mut ends, [mut io, _]) = (mesh(2, 1), ios);
        io.incoming.extend((0..3).map(|number| (0, model::packet(number, flow, 0, Kind::Forward, 0))));
        let ports = [PortId(0), PortId(1)];
        let mut worker = Worker::new(
            io,
            engine,
            Vec::<Event>::new(),
            ActionMode::Inline,
            ports,
            4,
            Arc::clone(&published),
        );
        worker.join(Mesh::among(ends.remove(0), handles, Mesh::<MemoryHandle>::overflow(&settings)));
        // Nobody answers: one of the three finds room.
        worker.run(&AtomicBool::new(true), false).unwrap();
        let mut counted = Vec::new();
        published.engine().each(&mut |name: &[&'static str], value: u64| {
            if value > 0 && name[0] == "exception_policy" {
                counted.push((name[1..].join("."), value));
            }
        });
        assert_eq!(counted, [(format!("steering.full.{policy}"), 2)]);
        assert_eq!(worker.figures().handover.full, 2);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn any_interleaving_keeps_every_promise(
        workers in 2u16..5,
        capacity in 1usize..6,
        batch in 1usize..6,
        detect: bool,
        script in proptest::collection::vec(any::<u8>(), 0..600),
    ) {
        run(Setup { workers, capacity, batch, detect }, &script);
    }
}
