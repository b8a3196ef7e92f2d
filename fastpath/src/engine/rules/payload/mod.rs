//! What a rule asks of bytes: contents and what goes with them, in the order in which they are written (Suricata's "Payload
//! Keywords" and "Base64 Keywords").
//!
//! [`Sections`] collect the keywords, one section for each buffer that the rule names; [`Program`] is what becomes of a section;
//! [`Cursors`] run it.

mod absent;
mod asn1;
pub(super) mod base64;
mod bsize;
mod byte;
mod capture;
mod content;
mod entropy;
mod evaluate;
mod isdataat;
mod keyword;
mod pattern;
mod pcre;
mod program;
mod section;
mod states;
mod text;
mod variable;
mod view;

#[cfg(test)]
pub(in crate::engine) use evaluate::programs;
pub(super) use {
    absent::Absent,
    capture::{Captured, Keep, check_name},
    content::{
        ContentDraft, check_size, content, content_of, depth, distance, endswith, fast_pattern, nocase,
        offset, rawbytes, replace, startswith, within,
    },
    evaluate::Cursors,
    keyword::{
        absent, asn1, base64_decode, bsize, byte_extract, byte_jump, byte_math, byte_test, datarep, dataset,
        entropy, isdataat, prefilter, transform,
    },
    pattern::parse as pattern_bytes,
    pcre::pcre,
    program::Program,
    section::{Section, Sections},
    text::Text,
};
