//! `strip_whitespace`, `compress_whitespace`.

/// C's `isspace`.
pub(super) fn is_space(byte: &u8) -> bool {
    matches!(byte, b' ' | b'\t'..=b'\r')
}

pub(super) fn strip(input: &[u8], out: &mut Vec<u8>) {
    out.extend(input.iter().filter(|byte| !is_space(byte)));
}

pub(super) fn compress(input: &[u8], out: &mut Vec<u8>) {
    let mut after_space = false;
    out.extend(input.iter().filter(|byte| {
        let again = std::mem::replace(&mut after_space, is_space(byte)) && after_space;
        !again
    }));
}
