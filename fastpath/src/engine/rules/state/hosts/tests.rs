use std::{
    collections::HashMap,
    sync::atomic::{AtomicBool, Ordering},
    thread,
};

use proptest::prelude::*;

use super::*;

fn small(buckets: u64) -> Hosts {
    Hosts::new(HostSettings { memory: buckets * size_of::<Bucket>() as u64, seed: 7 })
}

fn host(number: u32) -> IpAddr {
    IpAddr::V4(number.into())
}

fn key(number: u32) -> Key {
    Key::new(What::BySource, 1, &[host(number)])
}

fn count(hosts: &Hosts, key: Key, now: u64) -> u32 {
    let counted = hosts.update(key, Timestamp(now), |old| {
        let old = old.unwrap_or(Record { since: now, until: now + 100, ..Record::default() });
        (Some(Record { count: old.count + 1, ..old }), old.count + 1)
    });
    counted.unwrap()
}

#[test]
fn the_memory_is_what_was_asked_for() {
    assert_eq!(size_of::<Bucket>(), 512);
    for (memory, buckets) in
        [(0, 1), (511, 1), (512, 1), (1023, 1), (1024, 2), (1 << 20, 2048), (3 << 20, 4096)]
    {
        let hosts = Hosts::new(HostSettings { memory, seed: 0 });
        assert_eq!(hosts.buckets.len(), buckets, "{memory}");
    }
}

#[test]
fn keys_differ_in_every_part_but_the_order_of_a_pair() {
    let v6 = |bits: u128| IpAddr::V6(bits.into());
    let keys = [
        Key::new(What::ByRule, 1, &[]),
        Key::new(What::ByRule, 2, &[]),
        Key::new(What::BySource, 1, &[host(1)]),
        Key::new(What::ByDestination, 1, &[host(1)]),
        Key::new(What::BySource, 1, &[v6(1)]),
        Key::new(What::BySource, 1, &[v6(1 << 64)]),
        Key::new(What::ByBoth, 1, &[host(1), host(2)]),
        Key::new(What::ByBoth, 1, &[host(1), host(3)]),
        Key::new(What::HostBit, 0, &[host(0)]),
    ];
    for (at, key) in keys.iter().enumerate() {
        assert!(key.0[0] != 0 && keys[at + 1..].iter().all(|other| other != key));
    }
    assert_eq!(Key::new(What::ByBoth, 1, &[host(2), host(1)]), keys[6]);
}

#[test]
fn neighbours_lie_in_all_buckets() {
    let hosts = small(256);
    let mut entries = vec![0; 256];
    for number in 0..256 * 64 {
        let ([bucket, _], _) = hosts.place(&key(number)).unwrap();
        let at = hosts.buckets.iter().position(|other| std::ptr::eq(other, bucket)).unwrap();
        entries[at] += 1;
    }
    // 64 each by chance, give or take 8.
    assert!(entries.iter().all(|&count| (20..120).contains(&count)), "{entries:?}");
}

#[test]
fn a_full_bucket_gives_up_what_is_over_and_then_the_oldest() {
    let hosts = small(1);
    for number in 0..7 {
        count(&hosts, key(number), 1000 + u64::from(number));
    }
    assert_eq!(count(&hosts, key(0), 1010), 2);
    count(&hosts, key(7), 1050);
    assert_eq!((hosts.get(&key(0)), hosts.shed()), (None, 1), "the one that began first");
    count(&hosts, key(8), 1102);
    assert_eq!((hosts.get(&key(1)), hosts.shed()), (None, 1), "the only one that is over");
    // Time was set back: all of them are over.
    count(&hosts, key(9), 5);
    assert_eq!(hosts.shed(), 1);
    hosts.update(key(9), Timestamp(5), |_| (None, ()));
    assert_eq!(hosts.get(&key(9)), None);
}

#[test]
fn it_is_nearly_full_before_it_sheds() {
    let hosts = small(4096);
    let entries = u32::try_from(4096 * WAYS).unwrap();
    for number in 0..entries * 8 / 10 {
        count(&hosts, key(number), 1);
    }
    assert!(hosts.shed() < u64::from(entries / 500), "{}", hosts.shed());
    for number in 0..entries * 2 {
        count(&hosts, key(number), 2);
    }
    assert!(hosts.shed() >= u64::from(entries));
}

#[test]
fn threads_lose_no_count() {
    const THREADS: u32 = 4;
    const ROUNDS: u32 = 20_000;
    let hosts = small(64);
    thread::scope(|scope| {
        for thread in 0..THREADS {
            let hosts = &hosts;
            scope.spawn(move || {
                for round in 0..ROUNDS {
                    count(hosts, key((round + thread) % 8), 1);
                }
            });
        }
    });
    let counts = (0..8).map(|number| hosts.get(&key(number)).unwrap().count);
    assert_eq!(counts.sum::<u32>(), THREADS * ROUNDS);
    assert_eq!(hosts.shed(), 0);
}

#[test]
fn a_reader_sees_whole_records() {
    let hosts = small(1);
    let done = AtomicBool::new(false);
    let whole = |record: Record| {
        let n = u64::from(record.count);
        (record.since, record.until, u64::from(record.extra)) == (n * 3, n * 5, n)
    };
    thread::scope(|scope| {
        let reader = scope.spawn(|| {
            let mut seen = 0;
            while !done.load(Ordering::Relaxed) {
                if let Some(record) = hosts.get(&key(1)) {
                    assert!(whole(record), "{record:?}");
                    seen += 1;
                }
            }
            seen
        });
        for n in 1..200_000_u32 {
            let record = Record { since: u64::from(n) * 3, until: u64::from(n) * 5, count: n, extra: n };
            // The entry goes and comes back, too.
            let record = (n % 16 != 0).then_some(record);
            hosts.update(key(1), Timestamp(0), |_| (record, ()));
        }
        assert!(whole(hosts.get(&key(1)).unwrap()));
        done.store(true, Ordering::Relaxed);
        reader.join().unwrap();
    });
}

proptest! {
    /// With room for all it is a map.
    #[test]
    fn it_is_a_map(steps in prop::collection::vec((0..40_u32, prop::option::of(any::<u32>()), any::<u64>()), 0..200)) {
        let hosts = small(4096);
        let mut map = HashMap::new();
        for (number, value, since) in steps {
            let new = value.map(|count| Record { since, until: since, count, extra: !count });
            let old = hosts.update(key(number), Timestamp(since), |old| (new, old)).unwrap();
            prop_assert_eq!(old, map.get(&number).copied());
            match new {
                Some(new) => map.insert(number, new),
                None => map.remove(&number),
            };
            prop_assert_eq!(hosts.get(&key(number)), new);
        }
        prop_assert_eq!(hosts.shed(), 0);
    }
}
