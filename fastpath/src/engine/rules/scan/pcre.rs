//! PCRE2 (<https://www.pcre.org/current/doc/html/pcre2api.html>): one compiled expression, and a worker's memory for matching.
//!
//! Compiled with PCRE2's just-in-time compiler where the processor has one. Matching is bounded: by PCRE2's own limits, and by a
//! stack of fixed size; what exceeds them does not match, and says so.

use std::{ffi::CString, fmt, ops::Range, ptr::NonNull};

use pcre2_sys as sys;

/// What Suricata's flags of an expression ask of PCRE2.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(in crate::engine::rules) struct Options {
    /// `i`
    pub(in crate::engine::rules) caseless: bool,
    /// `m`
    pub(in crate::engine::rules) multiline: bool,
    /// `s`
    pub(in crate::engine::rules) dot_all: bool,
    /// `x`
    pub(in crate::engine::rules) extended: bool,
    /// `A`
    pub(in crate::engine::rules) anchored: bool,
    /// `E`
    pub(in crate::engine::rules) dollar_end_only: bool,
    /// `G`
    pub(in crate::engine::rules) ungreedy: bool,
}

/// Why PCRE2 refuses an expression.
#[derive(Debug, thiserror::Error)]
#[error("{message} (at byte {offset} of the expression)")]
pub(in crate::engine::rules) struct CompileError {
    message: String,
    pub(in crate::engine::rules) offset: usize,
}

/// What a search came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::engine::rules) enum Found {
    /// Start and end of the first match.
    At(usize, usize),
    /// There is none.
    Nowhere,
    /// A limit was reached before that was known.
    TooMuch,
}

/// A compiled expression. Immutable: any number of threads may match with it at once (pcre2api, "Multithreading").
pub(in crate::engine::rules) struct Regex {
    code: NonNull<sys::pcre2_code_8>,
    /// It matches at the start of the subject only.
    anchored: bool,
}

// SAFETY: compiled code is only read after `new` (pcre2api, "Multithreading": "The compiled form of a pattern is never altered by
// matching", and JIT compilation has happened in `new`); it is owned, so that it may be freed on any thread.
unsafe impl Send for Regex {}
// SAFETY: as above: `find` takes `&self` and writes to the caller's `Scratch` only.
unsafe impl Sync for Regex {}

impl fmt::Debug for Regex {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Regex")
    }
}

impl Regex {
    /// Compiles `pattern`.
    /// # Errors
    /// Whatever PCRE2 finds wrong with it.
    pub(in crate::engine::rules) fn new(pattern: &[u8], options: Options) -> Result<Self, CompileError> {
        let flags = [
            (options.caseless, sys::PCRE2_CASELESS),
            (options.multiline, sys::PCRE2_MULTILINE),
            (options.dot_all, sys::PCRE2_DOTALL),
            (options.extended, sys::PCRE2_EXTENDED),
            (options.anchored, sys::PCRE2_ANCHORED),
            (options.dollar_end_only, sys::PCRE2_DOLLAR_ENDONLY),
            (options.ungreedy, sys::PCRE2_UNGREEDY),
        ];
        // Rules look at bytes: what is no UTF would be an error of each match instead of one here.
        let flags = flags
            .iter()
            .filter(|(wanted, _)| *wanted)
            .fold(sys::PCRE2_NEVER_UTF, |flags, (_, flag)| flags | flag);
        let (mut error, mut offset) = (0, 0);
        // SAFETY: pointer and length are those of a live slice; the two out-pointers are to live locals; no context is allowed to be null.
        let code = unsafe {
            sys::pcre2_compile_8(
                pattern.as_ptr(),
                pattern.len(),
                flags,
                &raw mut error,
                &raw mut offset,
                std::ptr::null_mut(),
            )
        };
        let Some(code) = NonNull::new(code) else {
            return Err(CompileError { message: message(error), offset });
        };
        // Without JIT (no memory for it, or not this processor) the interpreter matches: slower, and the same.
        // SAFETY: `code` was just compiled and nobody else has it.
        unsafe { sys::pcre2_jit_compile_8(code.as_ptr(), sys::PCRE2_JIT_COMPLETE) };
        let mut options = 0_u32;
        // SAFETY: `code` is live, and this information is written to a `u32` (pcre2api, "Information about a compiled pattern").
        unsafe {
            let what = sys::PCRE2_INFO_ALLOPTIONS;
            sys::pcre2_pattern_info_8(code.as_ptr(), what, (&raw mut options).cast());
        }
        Ok(Self { code, anchored: options & sys::PCRE2_ANCHORED != 0 })
    }

    /// Whether it matches at the start of the subject only: `A`, or `^` or `\A` before all else.
    pub(in crate::engine::rules) fn is_anchored(&self) -> bool {
        self.anchored
    }

    /// Groups that capture something.
    pub(in crate::engine::rules) fn groups(&self) -> u32 {
        let mut groups = 0_u32;
        // SAFETY: `code` lives as long as `self`; for this request PCRE2 writes a `u32`, which the pointer is to (pcre2api,
        // "Information about a compiled pattern"). It cannot fail: the code is one, and the request is known.
        unsafe {
            sys::pcre2_pattern_info_8(
                self.code.as_ptr(),
                sys::PCRE2_INFO_CAPTURECOUNT,
                (&raw mut groups).cast(),
            )
        };
        groups
    }

    /// The number of the group that is called so.
    pub(in crate::engine::rules) fn group_called(&self, name: &str) -> Option<usize> {
        let name = CString::new(name).ok()?;
        // SAFETY: `code` lives as long as `self`, and the name ends with NUL.
        let number =
            unsafe { sys::pcre2_substring_number_from_name_8(self.code.as_ptr(), name.as_ptr().cast()) };
        usize::try_from(number).ok().filter(|&number| number > 0)
    }

    /// The first match in `subject` that starts at `from` or later.
    pub(in crate::engine::rules) fn find(&self, subject: &[u8], from: usize, scratch: &mut Scratch) -> Found {
        scratch.pairs = 0;
        if from > subject.len() {
            return Found::Nowhere;
        }
        let Some(&ScratchMemory { data, context, .. }) = scratch.memory() else { return Found::TooMuch };
        // SAFETY: `code` lives as long as `self`; pointer and length are those of a live slice, and `from` lies within (checked above);
        // match data and context are live and this thread's alone (`&mut Scratch`).
        let code = unsafe {
            sys::pcre2_match_8(
                self.code.as_ptr(),
                subject.as_ptr(),
                subject.len(),
                from,
                0,
                data.as_ptr(),
                context.as_ptr(),
            )
        };
        scratch.pairs = match usize::try_from(code) {
            // There are more groups than there is room for.
            Ok(0) => PAIRS.into(),
            // The highest group that was set, and the match itself.
            Ok(pairs) => pairs.min(PAIRS.into()),
            Err(_) => 0,
        };
        match (code, scratch.pair(0)) {
            // `\K` can put the start behind the end (pcre2pattern, "Resetting the match start").
            (_, Some([start, end])) => Found::At(start.min(end), end.min(subject.len())),
            (sys::PCRE2_ERROR_NOMATCH, None) => Found::Nowhere,
            _ => Found::TooMuch,
        }
    }
}

impl Drop for Regex {
    fn drop(&mut self) {
        // SAFETY: owned, and freed once.
        unsafe { sys::pcre2_code_free_8(self.code.as_ptr()) }
    }
}

/// PCRE2's word for an error.
fn message(error: i32) -> String {
    let mut text = [0_u8; 256];
    // SAFETY: pointer and length are those of a live array; PCRE2 ends what it writes with NUL within them.
    let length = unsafe { sys::pcre2_get_error_message_8(error, text.as_mut_ptr(), text.len()) };
    let length = usize::try_from(length).unwrap_or(0);
    String::from_utf8_lossy(text.get(..length).unwrap_or_default()).into_owned()
}

/// Steps that a match may take (Suricata's `pcre.match-limit`).
const MATCH_LIMIT: u32 = 3500;
/// How deep it may backtrack (Suricata's `pcre.match-limit-recursion`).
const DEPTH_LIMIT: u32 = 1500;
/// KiB that the interpreter may take where there is no JIT.
const HEAP_LIMIT: u32 = 1024;
/// Bytes of the stack that compiled expressions use: at first, and at most.
const STACK: (usize, usize) = (32 * 1024, 512 * 1024);
/// Places that a match is told with: its own, and those of its first eight groups (Suricata's DETECT_PCRE_CAPTURE_MAX).
const PAIRS: u8 = 1 + 8;

/// A worker's memory for matching, made at the first match and kept.
#[derive(Default)]
pub(in crate::engine::rules) struct Scratch {
    memory: Option<ScratchMemory>,
    /// Pairs of `memory.data` that the last match has set.
    pairs: usize,
}

struct ScratchMemory {
    data: NonNull<sys::pcre2_match_data_8>,
    context: NonNull<sys::pcre2_match_context_8>,
    stack: NonNull<sys::pcre2_jit_stack_8>,
}

// SAFETY: all three are owned and have no ties to the thread that made them; `find` needs `&mut`, so one thread at a time uses them.
unsafe impl Send for ScratchMemory {}

impl fmt::Debug for Scratch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Scratch")
    }
}

impl Scratch {
    fn memory(&mut self) -> Option<&ScratchMemory> {
        if self.memory.is_none() {
            self.memory = ScratchMemory::new();
        }
        self.memory.as_ref()
    }

    /// Where in the subject of the last match a group of it lies; none when it has no part in it, or is not among the first eight.
    pub(in crate::engine::rules) fn group(&self, number: usize) -> Option<Range<usize>> {
        let [start, end] = self.pair(number)?;
        // Both are PCRE2_UNSET, all ones, when it has no part.
        (start <= end && end != usize::MAX).then_some(start..end)
    }

    fn pair(&self, number: usize) -> Option<[usize; 2]> {
        let memory = self.memory.as_ref().filter(|_| number < self.pairs)?;
        // SAFETY: the match data is live.
        let pairs = unsafe { sys::pcre2_get_ovector_pointer_8(memory.data.as_ptr()) }.cast::<[usize; 2]>();
        // SAFETY: the match data was made with `PAIRS` pairs; `number` is below `pairs`, which is `PAIRS` at most, and that many were set
        // by the match.
        Some(unsafe { *pairs.wrapping_add(number) })
    }
}

impl ScratchMemory {
    /// None when there is no memory left.
    fn new() -> Option<Self> {
        let null = std::ptr::null_mut();
        // SAFETY: takes no pointer but a null general context, which is allowed.
        let data = NonNull::new(unsafe { sys::pcre2_match_data_create_8(PAIRS.into(), null) })?;
        // SAFETY: as above.
        let Some(context) = NonNull::new(unsafe { sys::pcre2_match_context_create_8(null) }) else {
            // SAFETY: just made, and not used any more.
            unsafe { sys::pcre2_match_data_free_8(data.as_ptr()) };
            return None;
        };
        // SAFETY: as above.
        let Some(stack) = NonNull::new(unsafe { sys::pcre2_jit_stack_create_8(STACK.0, STACK.1, null) })
        else {
            // SAFETY: just made, and not used any more.
            unsafe { sys::pcre2_match_context_free_8(context.as_ptr()) };
            // SAFETY: just made, and not used any more.
            unsafe { sys::pcre2_match_data_free_8(data.as_ptr()) };
            return None;
        };
        // SAFETY: the context is live.
        unsafe { sys::pcre2_set_match_limit_8(context.as_ptr(), MATCH_LIMIT) };
        // SAFETY: the context is live.
        unsafe { sys::pcre2_set_depth_limit_8(context.as_ptr(), DEPTH_LIMIT) };
        // SAFETY: the context is live.
        unsafe { sys::pcre2_set_heap_limit_8(context.as_ptr(), HEAP_LIMIT) };
        // SAFETY: no callback, so the argument is the stack itself, which lives as long as the context does (both are freed in `drop`).
        unsafe { sys::pcre2_jit_stack_assign_8(context.as_ptr(), None, stack.as_ptr().cast()) };
        Some(Self { data, context, stack })
    }
}

impl Drop for ScratchMemory {
    fn drop(&mut self) {
        // SAFETY: owned, and freed once; the context that names the stack goes before it.
        unsafe { sys::pcre2_match_data_free_8(self.data.as_ptr()) };
        // SAFETY: as above.
        unsafe { sys::pcre2_match_context_free_8(self.context.as_ptr()) };
        // SAFETY: as above.
        unsafe { sys::pcre2_jit_stack_free_8(self.stack.as_ptr()) };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn find(pattern: &str, options: Options, subject: &[u8], from: usize) -> Found {
        Regex::new(pattern.as_bytes(), options).unwrap().find(subject, from, &mut Scratch::default())
    }

    #[test]
    fn finds_with_each_option() {
        let none = Options::default();
        assert_eq!(find("b+", none, b"abbc", 0), Found::At(1, 3));
        assert_eq!(find("b+", none, b"abbc", 2), Found::At(2, 3));
        assert_eq!(find("b+", none, b"abbc", 3), Found::Nowhere);
        assert_eq!(find("b", none, b"abbc", 5), Found::Nowhere);
        assert_eq!(find("(a)(b)(c)", none, b"abc", 0), Found::At(0, 3), "groups beside");
        assert_eq!(find("B", Options { caseless: true, ..none }, b"ab", 0), Found::At(1, 2));
        assert_eq!(find("^b", Options { multiline: true, ..none }, b"a\nb", 0), Found::At(2, 3));
        assert_eq!(find("a.b", none, b"a\nb", 0), Found::Nowhere);
        assert_eq!(find("a.b", Options { dot_all: true, ..none }, b"a\nb", 0), Found::At(0, 3));
        assert_eq!(find("a b", Options { extended: true, ..none }, b"ab", 0), Found::At(0, 2));
        assert_eq!(find("b", Options { anchored: true, ..none }, b"ab", 0), Found::Nowhere);
        assert_eq!(find("b", Options { anchored: true, ..none }, b"ab", 1), Found::At(1, 2));
        assert_eq!(find("a$", none, b"a\n", 0), Found::At(0, 1));
        assert_eq!(find("a$", Options { dollar_end_only: true, ..none }, b"a\n", 0), Found::Nowhere);
        assert_eq!(find("a+", Options { ungreedy: true, ..none }, b"aaa", 0), Found::At(0, 1));
        assert_eq!(find(r"\xff\x00", none, b"a\xff\x00", 0), Found::At(1, 3), "bytes, not characters");
        assert_eq!(find(r"ab\Kc", none, b"abc", 0), Found::At(2, 3));
    }

    #[test]
    fn tells_the_first_groups() {
        let mut scratch = Scratch::default();
        let mut groups = |pattern: &str, subject: &[u8]| {
            let regex = Regex::new(pattern.as_bytes(), Options::default()).unwrap();
            let found = regex.find(subject, 0, &mut scratch);
            (regex.groups(), found, (1..12).map_while(|number| scratch.group(number)).collect::<Vec<_>>())
        };
        assert_eq!(groups("a", b"ba"), (0, Found::At(1, 2), vec![]));
        assert_eq!(groups("(a)(b+)()", b"xabb"), (3, Found::At(1, 4), vec![1..2, 2..4, 4..4]));
        assert_eq!(
            groups("(a)(b)", b"x"),
            (2, Found::Nowhere, vec![]),
            "nothing is left of the match before"
        );
        assert_eq!(groups("(a)()|(b)", b"a"), (3, Found::At(0, 1), vec![0..1, 1..1]));
        assert_eq!(groups("(a)|(b)", b"b"), (2, Found::At(0, 1), vec![]), "the first has no part");
        let (many, found, told) = groups(&"(.)".repeat(20), &[b'a'; 20]);
        assert_eq!((many, found, told.len(), told.last()), (20, Found::At(0, 20), 8, Some(&(7..8))));
        let named = Regex::new(b"(a)(?P<second>b)", Options::default()).unwrap();
        assert_eq!((named.group_called("second"), named.group_called("third")), (Some(2), None));
        assert_eq!(named.group_called("a\0b"), None);
    }

    #[test]
    fn knows_whether_it_is_anchored() {
        let anchored = |text: &str, options| Regex::new(text.as_bytes(), options).unwrap().is_anchored();
        let none = Options::default();
        for (text, expected) in [("^a", true), (r"\Aa", true), ("^a|^b", true), ("^a|b", false), ("a", false)]
        {
            assert_eq!(anchored(text, none), expected, "{text}");
        }
        assert!(anchored("a", Options { anchored: true, ..none }));
        assert!(!anchored("^a", Options { multiline: true, ..none }));
    }

    #[test]
    fn says_what_is_wrong() {
        let error = Regex::new(b"a(b", Options::default()).unwrap_err();
        assert!(error.to_string().contains("missing closing parenthesis"), "{error}");
        assert!(error.to_string().ends_with("(at byte 3 of the expression)"), "{error}");
        let error = Regex::new(br"(*UTF)\w", Options::default()).unwrap_err();
        assert!(error.to_string().contains("using UTF is disabled"), "{error}");
    }

    #[test]
    fn a_hostile_subject_ends_at_the_limit() {
        let mut subject = vec![b'a'; 4000];
        subject.push(b'!');
        assert_eq!(find("^(a+)+$", Options::default(), &subject, 0), Found::TooMuch);
        assert_eq!(find("(?:(?:a|aa)+)+$", Options::default(), &subject, 0), Found::TooMuch);
    }

    #[test]
    fn many_threads_match_at_once() {
        let regex = Regex::new(b"(x+)y", Options::default()).unwrap();
        std::thread::scope(|scope| {
            for length in 1..5 {
                let regex = &regex;
                scope.spawn(move || {
                    let mut scratch = Scratch::default();
                    let subject = format!("ab{}y", "x".repeat(length));
                    for _ in 0..1000 {
                        assert_eq!(regex.find(subject.as_bytes(), 0, &mut scratch), Found::At(2, 3 + length));
                    }
                });
            }
        });
    }
}
