use std::sync::Arc;

use proptest::prelude::*;

use super::*;
use crate::engine::rules::state::{Datasets, Shared};

fn definition(name: &str, kind: Kind) -> Definition {
    Definition { name: name.into(), kind, memcap: 1 << 20, save: None }
}

fn set(kind: Kind, text: &str) -> Dataset {
    Dataset::new(definition("a", kind), text).unwrap()
}

/// What is wrong with a file's only line.
#[track_caller]
fn wrong(kind: Kind, line: &str) -> String {
    let bad = Dataset::new(definition("a", kind), &format!("\n{line}")).unwrap_err();
    assert_eq!(bad.line, 2);
    bad.reason
}

#[test]
fn each_kind_reads_and_writes_its_values() {
    let strings = set(Kind::String, "Z29vZ2xlLmNvbQ==,255\r\n\nYQ==\n");
    assert!(
        strings.holds(b"google.com") && strings.holds(b"a") && !strings.holds(b"b") && !strings.holds(b"")
    );
    assert_eq!(
        [strings.reputation(b"google.com"), strings.reputation(b"a"), strings.reputation(b"b")],
        [Some(255), Some(0), None]
    );
    assert_eq!(strings.lines(), ["YQ==", "Z29vZ2xlLmNvbQ==,255"]);

    let sums = set(Kind::Md5, "1d5920f4b44b27a802bd77c4f0536f5A");
    assert!(!sums.holds(b"google.com"), "the buffer has the sum");
    let sum = [0x1d, 0x59, 0x20, 0xf4, 0xb4, 0x4b, 0x27, 0xa8, 2, 0xbd, 0x77, 0xc4, 0xf0, 0x53, 0x6f, 0x5a];
    assert!(sums.holds(&sum) && !sums.holds(&sum[1..]) && !sums.holds(&[0; 16]));
    assert_eq!(sums.lines(), ["1d5920f4b44b27a802bd77c4f0536f5a"]);
    assert!(set(Kind::Sha256, &"ab".repeat(32)).holds(&[0xab; 32]));

    let v4 = set(Kind::Ipv4, "10.0.0.1\n");
    assert!(v4.holds(&[10, 0, 0, 1]) && !v4.holds(&[10, 0, 0, 2]) && !v4.holds(&[0; 16]));
    let both = set(Kind::Ip, "10.0.0.1,7\n2001:db8::1\n::ffff:10.0.0.2");
    let v6 = "2001:db8::1".parse::<Ipv6Addr>().unwrap().octets();
    let mapped = "::ffff:10.0.0.1".parse::<Ipv6Addr>().unwrap().octets();
    assert!(
        both.holds(&[10, 0, 0, 1]) && both.holds(&[10, 0, 0, 2]) && both.holds(&v6) && both.holds(&mapped)
    );
    assert_eq!(both.lines(), ["10.0.0.1,7", "10.0.0.2", "2001:db8::1"]);
}

#[test]
fn what_is_no_value_is_named() {
    assert!(wrong(Kind::String, "a").contains("no base64"));
    assert!(wrong(Kind::String, ",5").contains("by its length"));
    assert!(wrong(Kind::String, "YQ==,x").contains("`x` is no reputation"));
    assert!(wrong(Kind::String, "YQ==,65536").contains("no reputation"));
    assert!(wrong(Kind::Md5, "1d59").contains("by its length"));
    assert!(wrong(Kind::Sha256, "xy").contains("no hexadecimal number"));
    assert!(wrong(Kind::Md5, &"a".repeat(31)).contains("no hexadecimal number"));
    assert!(wrong(Kind::Ipv4, "::1").contains("by its length"));
    assert!(wrong(Kind::Ip, "10.0.0.0/8").contains("no address"));
}

#[test]
fn memory_has_an_end() {
    let room = 3 * (OVERHEAD + 1);
    let definition = Definition { memcap: room, ..definition("a", Kind::String) };
    let set = Dataset::new(definition.clone(), "YQ==\nYQ==\n").unwrap();
    assert!(set.add(b"b") && set.add(b"c") && !set.add(b"d"));
    assert_eq!((set.refused(), set.holds(b"d")), (1, false));
    assert!(set.remove(b"b") && set.add(b"d"), "what is taken out leaves room");
    assert!(set.remove(b"a") && !set.remove(b"a") && set.add(b"a") && !set.add(b"a"));
    assert_eq!((set.refused(), set.lines().len()), (1, 3));
    let bad = Dataset::new(definition, "YQ==\nYg==\nYw==\nZA==").unwrap_err();
    assert!(bad.line == 4 && bad.reason.contains("memcap"), "{bad:?}");
}

#[test]
fn sets_of_a_name_are_one_as_long_as_their_file_says_the_same() {
    let Shared { datasets, .. } = Shared::default();
    let get = |datasets: &Datasets, text| datasets.get(definition("a", Kind::String), text).unwrap();
    let first = get(&datasets, "YQ==");
    first.add(b"b");
    assert!(Arc::ptr_eq(&first, &get(&datasets, "YQ==")));
    let second = get(&datasets, "YQ==\nYg==");
    assert!(!Arc::ptr_eq(&first, &second) && second.holds(b"b"));
    drop((first, second));
    assert!(!get(&datasets, "YQ==").holds(b"b"), "nobody had it any more");
}

proptest! {
    #[test]
    fn it_has_what_was_put_in_and_not_taken_out(
        loaded in prop::collection::btree_set(0_u8..20, 0..10),
        steps in prop::collection::vec((any::<bool>(), 0_u8..20), 0..60),
    ) {
        let text: Vec<_> = loaded.iter().map(|value| STANDARD.encode([*value])).collect();
        let set = set(Kind::String, &text.join("\n"));
        let mut model = loaded;
        for (add, value) in steps {
            match add {
                true => prop_assert_eq!(set.add(&[value]), model.insert(value)),
                false => prop_assert_eq!(set.remove(&[value]), model.remove(&value)),
            }
        }
        for value in 0..20 {
            prop_assert_eq!(set.holds(&[value]), model.contains(&value));
        }
        let again = super::tests::set(Kind::String, &set.lines().join("\n"));
        prop_assert_eq!(again.lines(), set.lines());
        prop_assert_eq!(again.lines().len(), model.len());
    }
}
