//! The byte keywords against slow evaluators.

mod forms;

use proptest::prelude::*;

use super::{super::view::View, *};

fn token(text: &str) -> Token<'_> {
    Token { text, at: 0 }
}

/// The variables of these tests: `a`, `b`, `c`.
fn names() -> Names {
    let mut names = Names::default();
    for name in ["a", "b", "c"] {
        names.declare(token(name)).unwrap();
    }
    names
}

/// What a stream of absolute positions looks like to the evaluators below.
#[derive(Clone, Debug)]
struct Scene {
    bytes: Vec<u8>,
    before: u64,
    cursor: usize,
    variables: [u64; 3],
}

impl Scene {
    fn view(&self) -> View<'_> {
        View { bytes: &self.bytes, before: self.before, cursor: self.cursor, variables: &self.variables }
    }

    fn end(&self) -> i128 {
        i128::from(self.before) + self.bytes.len() as i128
    }

    /// The byte at an absolute position.
    fn byte(&self, at: i128) -> Option<u8> {
        self.bytes.get(usize::try_from(at - i128::from(self.before)).ok()?).copied()
    }

    /// Where in the bytes an absolute position lies.
    fn index(&self, at: i128) -> usize {
        usize::try_from(at - i128::from(self.before)).unwrap()
    }

    /// A number as written in an option, or a variable's value.
    fn value(&self, text: &str) -> i128 {
        match text {
            "a" | "b" | "c" => self.variables[usize::from(text.as_bytes()[0] - b'a')].into(),
            number => number.parse().unwrap(),
        }
    }

    /// Where a number begins, if the rules of Suricata let it.
    fn start(&self, offset: &str, relative: bool, needs_byte: bool) -> Option<i128> {
        let base = if relative { i128::from(self.before) + self.cursor as i128 } else { 0 };
        let start = base + self.value(offset);
        let room = self.end() - start;
        let there = start >= self.before.into() && room >= 0 && !self.bytes.is_empty();
        (there && !(relative && needs_byte && room == 0)).then_some(start)
    }

    fn number(&self, start: i128, count: i128, form: &str) -> Option<(u128, i128)> {
        let count_or_all = if count == 0 && form.starts_with("string") { self.end() - start } else { count };
        let bytes: Option<Vec<u8>> = (0..count_or_all).map(|n| self.byte(start + n)).collect();
        let bytes = bytes?;
        match form {
            "big" | "" => Some((bytes.iter().fold(0, |sum, &byte| sum * 256 + u128::from(byte)), count)),
            "little" => {
                let powers = bytes.iter().enumerate();
                Some((powers.map(|(n, &byte)| u128::from(byte) << (8 * n)).sum(), count))
            }
            _ => text(&bytes, form),
        }
    }
}

/// `strtoull`, character by character.
fn text(bytes: &[u8], form: &str) -> Option<(u128, i128)> {
    let mut rest = bytes;
    while let [b' ' | b'\t' | b'\n' | 11 | 12 | b'\r', tail @ ..] = rest {
        rest = tail;
    }
    let negative = rest.first() == Some(&b'-');
    if let [b'-' | b'+', tail @ ..] = rest {
        rest = tail;
    }
    let is_hex = |byte: &u8| byte.is_ascii_hexdigit();
    let prefixed =
        rest.len() > 2 && rest[0] == b'0' && rest[1].eq_ignore_ascii_case(&b'x') && is_hex(&rest[2]);
    let base: u128 = match form {
        "string,hex" => 16,
        "string,oct" => 8,
        "string,dec" => 10,
        _ if prefixed => 16,
        _ if rest.first() == Some(&b'0') => 8,
        _ => 10,
    };
    if base == 16 && prefixed {
        rest = &rest[2..];
    }
    let value = |byte: u8| match byte {
        b'0'..=b'9' => u128::from(byte - b'0'),
        b'a'..=b'f' => u128::from(byte - b'a') + 10,
        b'A'..=b'F' => u128::from(byte - b'A') + 10,
        _ => u128::MAX,
    };
    let digits: Vec<u128> = rest.iter().map(|&byte| value(byte)).take_while(|&digit| digit < base).collect();
    let number = digits.iter().try_fold(0_u128, |sum, digit| sum.checked_mul(base)?.checked_add(*digit))?;
    if digits.is_empty() || number > u64::MAX.into() {
        return None;
    }
    let signed = if negative && number > 0 { (1 << 64) - number } else { number };
    Some((signed, (bytes.len() - rest.len() + digits.len()) as i128))
}

fn mask(number: u128, mask: Option<u32>) -> u128 {
    let Some(mask) = mask else { return number };
    let mut masked = number & u128::from(mask);
    let mut zeros = mask;
    while mask != 0 && zeros % 2 == 0 {
        zeros /= 2;
        masked /= 2;
    }
    masked
}

fn bytes() -> impl Strategy<Value = Vec<u8>> {
    let textual = prop::sample::select(b"0123456789abcdefABxX+- \t\x0b,".to_vec());
    prop_oneof![prop::collection::vec(any::<u8>(), 0..24), prop::collection::vec(textual, 0..40)]
}

fn scene() -> impl Strategy<Value = Scene> {
    let variable = prop_oneof![0..30_u64, any::<u64>()];
    (bytes(), prop_oneof![Just(0_u64), 0..30_u64], 0..40_usize, prop::array::uniform3(variable)).prop_map(
        |(bytes, before, cursor, variables)| Scene {
            cursor: cursor.min(bytes.len()),
            bytes,
            before,
            variables,
        },
    )
}

fn offset() -> impl Strategy<Value = String> {
    prop_oneof![(-12..30).prop_map(|n: i32| n.to_string()), Just("b".to_owned())]
}

fn count(most: u8) -> impl Strategy<Value = String> {
    prop_oneof![(0..=most).prop_map(|n| n.to_string()), Just("a".to_owned())]
}

fn form(forms: &'static [&'static str]) -> impl Strategy<Value = &'static str> {
    prop::sample::select(forms)
}

const FORMS: &[&str] = &["", "big", "little", "string", "string,hex", "string,dec", "string,oct"];

/// `, word` for each word that is there.
fn options(words: &[&str]) -> String {
    words.iter().filter(|word| !word.is_empty()).map(|word| format!(", {word}")).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn byte_test_compares(
        scene in scene(), count in count(8), offset in offset(), form in form(FORMS), relative: bool, negated: bool,
        operator in form(&["=", "<", ">", "<=", ">=", "&", "^"]),
        value in prop_oneof![Just("c".to_owned()), (0..300_u64).prop_map(|n| n.to_string()),
            any::<u64>().prop_map(|n| n.to_string())],
        near in prop::option::of(-1..=1_i64),
        bitmask in prop::option::of(prop_oneof![any::<u32>(), (0..32_u32).prop_map(|n| 1 << n)]),
    ) {
        let bang = if negated { "!" } else { "" };
        let bits = bitmask.map_or(String::new(), |mask| format!("bitmask {mask:#x}"));
        let words = options(&[if relative { "relative" } else { "" }, form, &bits]);
        let most = if form.starts_with("string") { 23 } else { 8 };
        let bytes = scene.value(&count);
        let number = (0..=most).contains(&bytes).then_some(()).and_then(|()| {
            let (number, _) = scene.number(scene.start(&offset, relative, true)?, bytes, form)?;
            Some(mask(number, bitmask))
        });
        // Often a value next to the number that is there, or the number itself.
        let there = number.and_then(|number| u64::try_from(number).ok());
        let value = match (there, near) {
            (Some(number), Some(step)) => number.saturating_add_signed(step).to_string(),
            _ => value,
        };
        let option = format!("{count}, {bang}{operator}, {}, {offset}{words}", hexadecimal(&value));
        let test = ByteTest::parse(token(&option), &names()).unwrap();
        prop_assert_eq!(test.is_relative(), relative);

        let expected = number.map(|number| {
            let value = scene.value(&value).unsigned_abs();
            let holds = match operator {
                "=" => number == value,
                "<" => number < value,
                ">" => number > value,
                "<=" => number <= value,
                ">=" => number >= value,
                "&" => number & value > 0,
                _ => number != value,
            };
            holds != negated
        });
        prop_assert_eq!(test.holds(&scene.view()), expected == Some(true), "{} {:?}", option, expected);
    }

    #[test]
    fn byte_jump_jumps(
        scene in scene(), count in count(8), offset in offset(), form in form(FORMS), relative: bool, align: bool,
        origin in form(&["", "from_beginning", "from_end"]),
        multiplier in prop::option::of(prop_oneof![1..4_u16, 1..=u16::MAX]),
        post_offset in prop::option::of(prop_oneof![-20..20_i32, -65535..=65535_i32]),
        bitmask in prop::option::of(prop_oneof![1..=u32::MAX, (0..32_u32).prop_map(|n| 1 << n), Just(7)]),
    ) {
        let number = |name: &str, value: Option<i64>| value.map_or(String::new(), |value| format!("{name} {value}"));
        let words = options(&[
            if relative { "relative" } else { "" }, form, origin, if align { "align" } else { "" },
            &number("multiplier", multiplier.map(Into::into)), &number("post_offset", post_offset.map(Into::into)),
            &number("bitmask", bitmask.map(Into::into)),
        ]);
        let option = format!("{count},{offset}{words}");
        let jump = ByteJump::parse(token(&option), &names()).unwrap();

        let most = if form.starts_with("string") { 23 } else { 8 };
        let bytes = scene.value(&count);
        let expected = (0..=most).contains(&bytes).then_some(()).and_then(|()| {
            let start = scene.start(&offset, relative, false)?;
            let (number, length) = scene.number(start, bytes, form)?;
            let whole = 1_u128 << 64;
            let mut distance = mask(number, bitmask) * u128::from(multiplier.unwrap_or(1)) % whole;
            while align && !distance.is_multiple_of(4) {
                distance = (distance + 1) % whole;
            }
            let mut distance = (i128::try_from(distance).unwrap() + i128::from(post_offset.unwrap_or(0))).rem_euclid(1 << 64);
            if distance >= 1 << 63 {
                distance -= 1 << 64;
            }
            let target = distance + match origin {
                "from_beginning" => 0,
                "from_end" => scene.end(),
                _ => start + length,
            };
            let target = if target < 0 { 0 } else { target };
            let reached = target >= scene.before.into() && target <= scene.end();
            reached.then(|| scene.index(target))
        });
        prop_assert_eq!(jump.jump(&scene.view()), expected, "{}", option);
    }

    #[test]
    fn byte_extract_extracts(
        scene in scene(), count in 0..=8_u8, offset in -12..30_i32, form in form(FORMS), relative: bool,
        align in form(&["", "align 2", "align 4"]), multiplier in prop::option::of(1..=u16::MAX),
    ) {
        let times = multiplier.map_or(String::new(), |multiplier| format!("multiplier {multiplier}"));
        let words = options(&[if relative { "relative" } else { "" }, form, align, &times]);
        let option = format!("{count}, {offset}, new{words}");
        let mut names = names();
        let extract = ByteExtract::parse(token(&option), &mut names).unwrap();
        prop_assert_eq!(extract.variable, 3);

        // Without a base it is decimal here.
        let form = if form == "string" { "string,dec" } else { form };
        let expected = scene.start(&offset.to_string(), relative, true).and_then(|start| {
            let (number, length) = scene.number(start, count.into(), form)?;
            let whole = 1_u128 << 64;
            let step = align.trim_start_matches("align ").parse().unwrap_or(1_u128);
            let mut value = number * u128::from(multiplier.unwrap_or(1)) % whole;
            while !value.is_multiple_of(step) {
                value = (value + 1) % whole;
            }
            Some((u64::try_from(value).unwrap(), scene.index(start + length)))
        });
        prop_assert_eq!(extract.extract(&scene.view()), expected, "{}", option);
    }

    #[test]
    fn byte_math_calculates(
        scene in scene(), count in prop_oneof![(1..=4_u8).prop_map(|n| n.to_string()), Just("a".to_owned())],
        offset in -12..30_i32, relative: bool,
        form in form(&["", "endian big", "endian little", "string hex", "string dec", "string oct"]),
        operator in form(&["+", "-", "*", "/", "<<", ">>"]),
        operand in prop_oneof![Just("c".to_owned()), (0..70_u32).prop_map(|n| n.to_string()),
            any::<u32>().prop_map(|n| n.to_string())],
        bitmask in prop::option::of(prop_oneof![any::<u32>(), (0..32_u32).prop_map(|n| 1 << n)]),
    ) {
        let bits = bitmask.map_or(String::new(), |mask| format!("bitmask {mask:#x}"));
        let words = options(&[if relative { "relative" } else { "" }, form, &bits]);
        let option = format!("bytes {count}, offset {offset}, oper {operator}, rvalue {operand}, result new{words}");
        let math = ByteMath::parse(token(&option), &mut names()).unwrap();
        prop_assert_eq!(math.variable, 3);

        let form = form.trim_start_matches("endian ").replace("string ", "string,");
        let most = if form.starts_with("string") && !["<<", ">>"].contains(&operator) { 10 } else { 4 };
        let bytes = scene.value(&count);
        let expected = (1..=most).contains(&bytes).then_some(()).and_then(|()| {
            let start = scene.start(&offset.to_string(), relative, true)?;
            let (number, length) = scene.number(start, bytes, &form)?;
            let operand = scene.value(&operand).unsigned_abs();
            let whole = 1_u128 << 64;
            let power = |exponent: u128| (exponent < 64).then(|| 1_u128 << exponent);
            let result = match operator {
                "+" => (number + operand) % whole,
                "-" => (number + whole - operand) % whole,
                "*" => number * operand % whole,
                "/" if operand == 0 => return None,
                "/" => number / operand,
                "<<" => power(operand).map_or(0, |power| number * power % whole),
                _ => power(operand).map_or(0, |power| number / power),
            };
            Some((u64::try_from(mask(result, bitmask)).unwrap(), scene.index(start + length)))
        });
        prop_assert_eq!(math.calculate(&scene.view()), expected, "{}", option);
    }

    #[test]
    fn any_text_parses_or_faults(text in "[a-z0-9,!<>=&^x +*/-]{0,60}") {
        let _ = ByteTest::parse(token(&text), &names());
        let _ = ByteJump::parse(token(&text), &names());
        let _ = ByteExtract::parse(token(&text), &mut names());
        let _ = ByteMath::parse(token(&text), &mut names());
    }
}

/// Values in hexadecimal, so that both notations are read.
fn hexadecimal(value: &str) -> String {
    value.parse().map_or_else(|_| value.to_owned(), |number: u64| format!("{number:#x}"))
}

/// The examples of Suricata's documentation, over `|00 01 00 02|foobar 1337`.
#[test]
fn documented_examples() {
    let view = View { bytes: b"\x00\x01\x00\x02foobar 1337", before: 0, cursor: 4, variables: &[] };
    let holds = |text| ByteTest::parse(token(text), &names()).unwrap().holds(&view);
    assert!(
        holds("2,=,0x01,0") && !holds("2,=,0x02,0") && holds("2,!=,0x06,0") && holds("2,=,2,-2,relative")
    );
    assert!(holds("4,=,1337,7,relative,string,dec") && holds("0,=,1337,10,string,dec"));
    let jump = |text| ByteJump::parse(token(text), &names()).unwrap().jump(&view);
    assert_eq!(jump("2,0"), Some(3));
    assert_eq!(jump("2,2,from_beginning,post_offset -1"), Some(1));
    assert_eq!(jump("0,0,relative,post_offset -13"), Some(0));
    assert_eq!(jump("2,0,from_end"), None);
    assert_eq!(jump("2,0,from_end,post_offset -3"), Some(13));
    assert_eq!(jump("1,11,string,dec,from_beginning"), Some(1));
    assert_eq!(jump("1,1,multiplier 13"), Some(15));
    assert_eq!(jump("1,1,multiplier 14"), None);
    assert_eq!(jump("0,15,relative"), None);
    assert_eq!(jump("0,11,relative"), Some(15));
}

/// What random options seldom meet.
#[test]
fn edges() {
    let variables = [23, 24, 0];
    let at = |bytes: &'static [u8], cursor| View { bytes, before: 0, cursor, variables: &variables };
    let test = |text, view| ByteTest::parse(token(text), &names()).unwrap().holds(&view);
    let jump = |text, view| ByteJump::parse(token(text), &names()).unwrap().jump(&view);
    let extract = |text, view| ByteExtract::parse(token(text), &mut names()).unwrap().extract(&view);

    // Reading nothing: 0, but not in an empty buffer, and behind the cursor only if a byte follows.
    assert!(test("0,=,0,0", at(b"x", 0)) && test("0,=,0,1", at(b"x", 0)) && !test("0,=,0,0", at(b"", 0)));
    assert!(test("0,=,0,0,relative", at(b"x", 0)) && !test("0,=,0,0,relative", at(b"x", 1)));
    assert_eq!(jump("0,0,relative", at(b"x", 1)), Some(1));
    assert_eq!(jump("0,0", at(b"", 0)), None);
    assert_eq!(extract("0,1,x", at(b"x", 0)), Some((0, 1)));
    assert_eq!(extract("0,0,x,relative", at(b"x", 1)), None);

    // 23 characters at most, also when a variable says so.
    let long = b"00000000000000000000012a";
    assert!(test("23,=,12,0,string,dec", at(long, 0)) && test("a,=,12,0,string,dec", at(long, 0)));
    assert!(!test("b,=,12,0,string,dec", at(long, 0)) && test("0,=,12,0,string,dec", at(long, 0)));
    assert_eq!(jump("a,0,string,dec,from_beginning", at(long, 0)), Some(12));
    assert_eq!(jump("b,0,string,dec,from_beginning", at(long, 0)), None);
    assert_eq!(jump("23,0,string,dec,from_beginning", at(long, 0)), Some(12));

    // A zero in front is octal only where no base is the default.
    assert!(test("3,=,8,0,string", at(b"010", 0)));
    assert_eq!(extract("3,0,x,string", at(b"010", 0)), Some((10, 3)));
    assert_eq!(extract("3,0,x,string", at(b"7 x", 0)), Some((7, 1)), "the cursor is behind the digits");

    // Past the largest signed number is before the start.
    let largest = b"\x7f\xff\xff\xff\xff\xff\xff\xff";
    assert_eq!(jump("8,0,from_beginning", at(largest, 0)), None);
    assert_eq!(jump("8,0,from_beginning,post_offset 1", at(largest, 0)), Some(0));
    assert_eq!(jump("8,0,align", at(largest, 0)), Some(0));

    // Of a stream, what is no longer remembered cannot be reached.
    let later = View { bytes: b"\x01\x02\x03", before: 10, cursor: 0, variables: &variables };
    assert!(test("1,=,1,10", later) && !test("1,=,1,0", later) && test("1,=,1,0,relative", later));
    assert_eq!(jump("1,12,from_beginning,post_offset 8", later), Some(1));
    assert_eq!(jump("1,12,from_beginning", later), None);
    assert_eq!(jump("1,0,relative,post_offset -3", later), None);
}
