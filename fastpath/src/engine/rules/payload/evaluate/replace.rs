//! What `replace` changes.

use proptest::prelude::*;

use super::{tests::compile, *};

/// The payload as the rule wants it.
fn replaced(options: &str, payload: &[u8]) -> Vec<u8> {
    let (rule, mut cursors) = (compile(options), Cursors::default());
    let mut bytes = payload.to_vec();
    if cursors.satisfy(&rule.payload, Text::whole(payload)) {
        cursors.replace(&rule.payload, Text::whole(payload), |at, new| {
            bytes[at..at + new.len()].copy_from_slice(new);
        });
    }
    bytes
}

#[test]
fn every_occurrence_that_is_part_of_a_match_is_replaced() {
    let rule = r#"content:"evil"; nocase; replace:"good"; "#;
    assert_eq!(replaced(rule, b"evil, EVIL and Evi"), b"good, good and Evi");
    let rule = r#"content:"user="; content:"root"; distance:0; within:6; replace:"____"; "#;
    assert_eq!(
        replaced(rule, b"root user=root user= root user=  root"),
        b"root user=____ user= ____ user=  ____"
    );
    assert_eq!(replaced(rule, b"root user=...root"), b"root user=...root");
    // What comes behind decides as well.
    let rule = r#"content:"a"; replace:"x"; content:"b"; distance:0; within:2; "#;
    assert_eq!(replaced(rule, b"a..b a.b a"), b"a..b x.b a");
    let rule = r#"content:"ab"; offset:2; depth:4; replace:"xy"; "#;
    assert_eq!(replaced(rule, b"abababab"), b"abxyxyab");
}

#[test]
fn several_contents_of_a_rule_are_replaced() {
    let rule = r#"content:"a"; replace:"x"; content:"b"; distance:0; within:1; replace:"y"; "#;
    assert_eq!(replaced(rule, b"ab a.b ab"), b"xy a.b xy");
}

#[test]
fn occurrences_that_overlap_are_replaced_once() {
    assert_eq!(replaced(r#"content:"aa"; replace:"xy"; "#, b"aaaaa"), b"xyxya");
}

#[test]
fn variables_decide_what_is_replaced() {
    let rule = r#"content:"L"; byte_extract:1,0,n,relative,string,dec; content:"a"; offset:n; depth:1; replace:"x"; "#;
    assert_eq!(replaced(rule, b"L6..a.a.aL4"), b"L6..x.x.aL4");
}

/// What cannot be looked at within the budget is replaced: it must not be a way past the rule.
#[test]
fn decoys_do_not_save_an_occurrence() {
    let rule = r#"content:"a"; replace:"x"; content:"b"; distance:0; within:2; "#;
    let mut payload = b"a......".repeat(5000);
    payload.extend_from_slice(b"ab");
    assert!(replaced(rule, &payload).ends_with(b"xb"));
}

proptest! {
    /// A rule that has replaced what it found, by what it does not look for, does not match any more.
    #[test]
    fn a_rule_does_not_match_what_it_has_replaced(
        chain in prop::collection::vec(("[ab]{1,3}", -2_i8..3, 3_u8..7), 1..4),
        which in 0_usize..4,
        payload in "[ab.]{1,40}",
    ) {
        let which = which % chain.len();
        let mut options = String::new();
        for (at, (text, distance, within)) in chain.iter().enumerate() {
            options += &format!("content:\"{text}\"; ");
            if at > 0 {
                options += &format!("distance:{distance}; within:{within}; ");
            }
            if at == which {
                options += &format!("replace:\"{}\"; ", "z".repeat(text.len()));
            }
        }
        let after = replaced(&options, payload.as_bytes());
        prop_assert!(!Cursors::default().satisfy(&compile(&options).payload, Text::whole(&after)), "{}", options);
    }
}
