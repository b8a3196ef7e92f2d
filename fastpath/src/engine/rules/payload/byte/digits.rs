//! Numbers written in text, as C's `strtoull` reads them: `string` of the byte keywords.

/// The base of a number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Base {
    /// As the number says: `0x…` is hexadecimal, `0…` octal, all else decimal.
    Auto,
    Octal,
    Decimal,
    Hexadecimal,
}

/// The number at the start of `text`, and how many bytes of it were read: white space, a sign, `0x` and digits, until
/// the first byte that is no digit. None when there is no digit, or when the number does not fit (ERANGE).
pub(super) fn read(text: &[u8], base: Base) -> Option<(u64, usize)> {
    let mut at = text.iter().take_while(|byte| byte.is_ascii_whitespace() || **byte == 0x0b).count();
    let sign = text.get(at).copied().filter(|byte| matches!(byte, b'+' | b'-'));
    at += usize::from(sign.is_some());
    let number = text.get(at..)?;
    let digit = |at: usize, radix| number.get(at).and_then(|&byte| char::from(byte).to_digit(radix));
    // `0x` without a digit behind it is a zero.
    let hexadecimal = matches!(number, [b'0', b'x' | b'X', ..]) && digit(2, 16).is_some();
    let (radix, start) = match base {
        Base::Auto | Base::Hexadecimal if hexadecimal => (16, 2),
        Base::Hexadecimal => (16, 0),
        Base::Octal => (8, 0),
        Base::Auto if number.first() == Some(&b'0') => (8, 0),
        Base::Auto | Base::Decimal => (10, 0),
    };
    let mut value = 0_u64;
    let mut end = start;
    while let Some(digit) = digit(end, radix) {
        value = value.checked_mul(radix.into())?.checked_add(digit.into())?;
        end += 1;
    }
    let signed = if sign == Some(b'-') { value.wrapping_neg() } else { value };
    (end > start).then_some((signed, at + end))
}

#[cfg(test)]
mod tests {
    use super::{Base::*, read};

    #[test]
    fn reads_as_strtoull_does() {
        for (text, base, expected) in [
            ("12", Decimal, Some((12, 2))),
            ("12ab", Decimal, Some((12, 2))),
            ("12ab", Hexadecimal, Some((0x12ab, 4))),
            ("128", Octal, Some((0o12, 2))),
            (" \t\n\x0b\x0c\r+7 ", Decimal, Some((7, 8))),
            ("-1", Decimal, Some((u64::MAX, 2))),
            ("0x1f", Hexadecimal, Some((0x1f, 4))),
            ("0X1F", Auto, Some((0x1f, 4))),
            ("0x1f", Decimal, Some((0, 1))),
            ("0x", Hexadecimal, Some((0, 1))),
            ("0xg", Auto, Some((0, 1))),
            ("010", Auto, Some((8, 3))),
            ("08", Auto, Some((0, 1))),
            ("10", Auto, Some((10, 2))),
            ("18446744073709551615", Decimal, Some((u64::MAX, 20))),
            ("18446744073709551616", Decimal, None),
            ("01777777777777777777777", Octal, Some((u64::MAX, 23))),
            ("", Decimal, None),
            ("x", Decimal, None),
            (" -", Decimal, None),
            ("- 1", Decimal, None),
            ("+-1", Decimal, None),
            ("\0\x31", Decimal, None),
        ] {
            assert_eq!(read(text.as_bytes(), base), expected, "{text:?} {base:?}");
        }
    }
}
