//! `header_lowercase`, `strip_pseudo_headers`: lines of HTTP headers.

use super::case;

/// The lines, each with its line end.
fn lines(input: &[u8]) -> impl Iterator<Item = &[u8]> {
    input.split_inclusive(|&byte| byte == b'\n')
}

/// Turns what comes before the first `:` of a line to lower case, or all of a line without one.
pub(super) fn lower_names(input: &[u8], out: &mut Vec<u8>) {
    for line in lines(input) {
        let name = line.iter().position(|&byte| byte == b':').unwrap_or(line.len());
        let (name, value) = line.split_at(name);
        case::lower(name, out);
        out.extend_from_slice(value);
    }
}

pub(super) fn strip_pseudo(input: &[u8], out: &mut Vec<u8>) {
    for line in lines(input).filter(|line| !line.starts_with(b":")) {
        out.extend_from_slice(line);
    }
}
