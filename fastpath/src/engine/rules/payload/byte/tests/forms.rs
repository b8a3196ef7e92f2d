//! How the byte keywords are written, rightly and wrongly.

use super::{super::*, names, token};

fn all_parse<T>(parse: impl Fn(&str) -> Result<T, Fault>, good: &[&str], bad: &[&str]) {
    for text in good {
        if let Err(fault) = parse(text) {
            panic!("{text}: {}", fault.reason);
        }
    }
    for text in bad {
        assert!(parse(text).is_err(), "{text}");
    }
}

#[test]
fn forms_of_byte_test() {
    all_parse(
        |text| ByteTest::parse(token(text), &names()),
        &[
            "1,&,128,6,relative",
            "1,!&,0x80,0,relative,big",
            "4,>,32,-16,relative,little",
            "0,=,0,0,string,dec",
            "2,!,0x06,0",
            "2,!=,0x06,0",
            "23,=,1,0,string,oct",
            "2 , = , 010 , 0 , bitmask 0xF0",
            "a,=,b,c,relative,string,hex",
            "8,=,18446744073709551615,0",
        ],
        &[
            "",
            "1",
            "1,=,1",
            "9,=,1,0",
            "24,=,1,0,string",
            "-1,=,1,0",
            "1,==,1,0",
            "1,,1,0",
            "1,~,1,0",
            "1,=,x,0",
            "1,=,-1,0",
            "1,=,1z,0",
            "1,=,,0",
            "1,=,18446744073709551616,0",
            "1,=,1,x",
            "1,=,1,4294967296",
            "1,=,1,0,hex",
            "1,=,1,0,dce",
            "1,=,1,0,relative,relative",
            "1,=,1,0,big,little",
            "1,=,1,0,string,hex,dec",
            "1,=,1,0,bitmask",
            "1,=,1,0,bitmask 0x100000000",
            "1,=,1,0,align",
            "1,=,1,0,",
        ],
    );
}

#[test]
fn forms_of_byte_jump() {
    all_parse(
        |text| ByteJump::parse(token(text), &names()),
        &[
            "4,4,relative,align",
            "2,-17,relative,from_beginning,little",
            "1,0, from_beginning",
            "4,0,relative, post_offset -1",
            "2,0,relative,string,from_end,post_offset -26",
            "0,0,relative,post_offset -13",
            "a,b,relative",
            "4, 0, multiplier 2, bitmask 0x0F, string, hex",
        ],
        &[
            "",
            "1",
            "9,0",
            "1,65536",
            "1,-65536",
            "1,z",
            "z,1",
            "1,0,from_beginning,from_end",
            "1,0,oct",
            "1,0,multiplier 0",
            "1,0,multiplier 65536",
            "1,0,multiplier",
            "1,0,post_offset a",
            "1,0,post_offset 65536",
            "1,0,bitmask 0",
            "1,0,align 4",
            "1,0,dce",
            "1,0,,relative",
        ],
    );
}

#[test]
fn forms_of_byte_extract() {
    all_parse(
        |text| ByteExtract::parse(token(text), &mut names()),
        &[
            "4,2,one",
            "1, 0, extracted_val, relative",
            "2,0,two1,string,dec",
            "1,0,option_len,string,relative",
            "23,0,x,string,oct",
            "14,0,x,string,hex",
            "4,-2,x,little,multiplier 65535,align 4",
        ],
        &[
            "",
            "1,0",
            "1,0,1x",
            "1,0,",
            "1,0,a",
            "9,0,x",
            "a,0,x",
            "1,a,x",
            "1,32768,x",
            "24,0,x,string,oct",
            "21,0,x,string",
            "15,0,x,string,hex",
            "1,0,x,hex",
            "1,0,x,string,little",
            "1,0,x,align 3",
            "1,0,x,align",
            "1,0,x,multiplier 0",
            "1,0,x,dce",
            "1,0,x,slice",
            "1,0,x,relative,relative",
        ],
    );
}

#[test]
fn forms_of_byte_math() {
    all_parse(
        |text| ByteMath::parse(token(text), &mut names()),
        &[
            "bytes 1, offset 1, oper -, rvalue a, result var",
            "bytes 4, offset 0, oper +, rvalue 248, result var, relative",
            "bytes a, offset -65535, oper *, rvalue 4294967295, result r, endian little, bitmask ffff",
            "result r, rvalue 1, oper /, offset 0, bytes 10, string dec, bitmask 0x0",
            "bytes 4, offset 0, oper <<, rvalue 1, result r, string hex",
        ],
        &[
            "",
            "bytes 1, offset 1, oper -, rvalue 1",
            "bytes 0, offset 1, oper -, rvalue 1, result r",
            "bytes 5, offset 1, oper -, rvalue 1, result r",
            "bytes 11, offset 1, oper -, rvalue 1, result r, string dec",
            "bytes 5, offset 1, oper <<, rvalue 1, result r, string dec",
            "bytes 1, offset b, oper -, rvalue 1, result r",
            "bytes 1, offset 65536, oper -, rvalue 1, result r",
            "bytes 1, offset 1, oper %, rvalue 1, result r",
            "bytes 1, offset 1, oper -, rvalue r, result r",
            "bytes 1, offset 1, oper -, rvalue 4294967296, result r",
            "bytes 1, offset 1, oper -, rvalue -1, result r",
            "bytes 1, offset 1, oper -, rvalue 1, result a",
            "bytes 1, offset 1, oper -, rvalue 1, result r, dce",
            "bytes 1, offset 1, oper -, rvalue 1, result r, endian dce",
            "bytes 1, offset 1, oper -, rvalue 1, result r, endian middle",
            "bytes 1, offset 1, oper -, rvalue 1, result r, string",
            "bytes 1, offset 1, oper -, rvalue 1, result r, bitmask xyz",
            "bytes 1, offset 1, oper -, rvalue 1, result r, bitmask +1",
            "bytes 1, bytes 1, offset 1, oper -, rvalue 1, result r",
            "bytes 1, offset 1, oper -, rvalue 1, result r, align 2",
        ],
    );
}

/// Faults point at the part that is wrong.
#[test]
fn faults_have_a_place() {
    let at = |text| ByteTest::parse(Token { text, at: 100 }, &names()).unwrap_err().at;
    assert_eq!(at("1,=,1,0, wrong"), 109);
    assert_eq!(at("1,=,z,0"), 104);
    assert_eq!(at("99,=,1,0"), 100);
    assert_eq!(ByteMath::parse(token("bytes 1, offset x"), &mut names()).unwrap_err().at, 16);
}
