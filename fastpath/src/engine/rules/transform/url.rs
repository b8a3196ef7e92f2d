//! `url_decode`: `%HH` and `+`.

/// A `%` that two hexadecimal digits do not follow stays, and so do the bytes that were taken for its digits.
pub(super) fn decode(input: &[u8], out: &mut Vec<u8>) {
    let mut rest = input;
    loop {
        rest = match rest {
            [] => return,
            [b'%', high, tail @ ..] if digit(*high).is_none() => {
                out.extend([b'%', *high]);
                tail
            }
            [b'%', high, low, tail @ ..] => {
                match (digit(*high), digit(*low)) {
                    (Some(high), Some(low)) => out.push(high << 4 | low),
                    _ => out.extend([b'%', *high, *low]),
                }
                tail
            }
            [b'%', ..] => {
                out.extend_from_slice(rest);
                return;
            }
            [b'+', tail @ ..] => {
                out.push(b' ');
                tail
            }
            [byte, tail @ ..] => {
                out.push(*byte);
                tail
            }
        }
    }
}

fn digit(byte: u8) -> Option<u8> {
    char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok())
}
