//! `to_lowercase`, `to_uppercase`: of ASCII letters.

pub(super) fn lower(input: &[u8], out: &mut Vec<u8>) {
    out.extend(input.iter().map(u8::to_ascii_lowercase));
}

pub(super) fn upper(input: &[u8], out: &mut Vec<u8>) {
    out.extend(input.iter().map(u8::to_ascii_uppercase));
}
