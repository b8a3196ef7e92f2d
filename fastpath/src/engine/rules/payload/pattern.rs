//! The text of a content: plain bytes, `\` escapes and `|hex|`.

use crate::engine::rules::{fault::Fault, lexer::Token};

/// The bytes that `text` (between its quotes) stands for; never empty.
pub(in crate::engine::rules) fn parse(text: Token<'_>) -> Result<Vec<u8>, Fault> {
    let mut bytes = Vec::with_capacity(text.text.len());
    let mut rest = text.text.bytes().enumerate();
    while let Some((at, byte)) = rest.next() {
        match byte {
            b'|' => hex(text.at + at, rest.by_ref(), &mut bytes)?,
            b'\\' => match rest.next() {
                Some((_, escaped @ (b'"' | b';' | b':' | b'\\'))) => bytes.push(escaped),
                _ => {
                    return Err(Fault::new(
                        text.at + at,
                        "`\\` may escape `\"`, `;`, `:` and `\\` only; as itself it is `\\\\`",
                    ));
                }
            },
            b'"' => return Err(Fault::new(text.at + at, "a quote inside a content must be written `\\\"`")),
            byte => bytes.push(byte),
        }
    }
    if bytes.is_empty() {
        return Err(text.fault("a content may not be empty"));
    }
    Ok(bytes)
}

/// Reads hex digits in pairs, with blanks anywhere, up to the closing `|`.
fn hex(open: usize, rest: impl Iterator<Item = (usize, u8)>, bytes: &mut Vec<u8>) -> Result<(), Fault> {
    let mut high = None;
    for (_, byte) in rest {
        if byte == b'|' {
            return match high {
                None => Ok(()),
                Some(_) => Err(Fault::new(open, "this `|hex|` has an odd number of digits")),
            };
        }
        if byte == b' ' {
            continue;
        }
        let digit = char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
        let Some(digit) = digit else {
            return Err(Fault::new(open, "only hex digits and blanks may stand between `|` and `|`"));
        };
        match high.take() {
            None => high = Some(digit << 4),
            Some(high) => bytes.push(high | digit),
        }
    }
    Err(Fault::new(open, "the closing `|` is missing"))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn bytes(text: &str) -> Result<Vec<u8>, Fault> {
        parse(Token { text, at: 100 })
    }

    #[test]
    fn plain_escaped_and_hex() {
        assert_eq!(bytes("GET /").unwrap(), b"GET /");
        assert_eq!(bytes(r#"\"\;\:\\"#).unwrap(), br#"";:\"#);
        assert_eq!(bytes("a|00 Ff|b|0D0a|").unwrap(), b"a\x00\xffb\r\n");
        assert_eq!(bytes("|41 4 2|").unwrap(), b"AB");
        assert_eq!(bytes("a:b").unwrap(), b"a:b");
        assert_eq!(bytes("é").unwrap(), "é".as_bytes());
    }

    #[test]
    fn faults_stand_where_they_are() {
        for (text, at) in [
            ("ab|4|", 102),
            ("|4x|", 100),
            ("a|41", 101),
            (r"a\n", 101),
            ("a\"b", 101),
            ("\\", 100),
            ("", 100),
            ("||", 100),
        ] {
            assert_eq!(bytes(text).unwrap_err().at, at, "{text}");
        }
    }

    proptest! {
        #[test]
        fn hex_writes_every_byte(expected in prop::collection::vec(any::<u8>(), 1..40)) {
            let text: String = expected.iter().map(|byte| format!("{byte:02x} ")).collect();
            prop_assert_eq!(bytes(&format!("|{text}|")).unwrap(), expected);
        }
    }
}
