//! What a rule asks of bytes: contents and what goes with them, in the order in which they are written.
//!
//! [`Sections`] collect the keywords, one section for each buffer that the rule names; [`Program`] is what becomes of a section;
//! [`Cursors`] run it.

mod content;
mod evaluate;
mod pattern;
mod pcre;
mod section;
mod variable;

use super::fault::Fault;

use {
    content::{Content, Window},
    pcre::Pcre,
    section::StepDraft,
    variable::Operand,
};
pub(super) use {
    content::{
        ContentDraft, check_size, content, content_of, depth, distance, endswith, fast_pattern, nocase,
        offset, rawbytes, startswith, within,
    },
    evaluate::{Cursors, Text},
    pcre::pcre,
    section::{Section, Sections},
};

/// A section, compiled.
#[derive(Debug, Default)]
pub(super) struct Program {
    steps: Box<[Step]>,
    /// Variables that its steps set.
    variables: usize,
}

/// One keyword of it.
#[derive(Debug)]
enum Step {
    Content(Content),
    Pcre(Pcre),
}

impl Program {
    /// Compiles a section.
    pub(super) fn new(section: Section) -> Result<Self, Fault> {
        content::check_apart(&section)?;
        let variables = section.names.len();
        let steps = section.steps.into_iter().map(|step| match step {
            StepDraft::Content(content) => content.compile().map(Step::Content),
            StepDraft::Pcre(pcre) => Ok(Step::Pcre(pcre)),
        });
        let mut steps = steps.collect::<Result<Box<[_]>, _>>()?;
        let mut behind_one = false;
        for step in &mut steps {
            if !behind_one {
                step.begin();
            }
            behind_one |= step.moves();
        }
        let mut followed = false;
        for step in steps.iter_mut().rev() {
            step.set_anchors(followed);
            followed = step.is_relative() || (followed && !step.moves());
        }
        Ok(Self { steps, variables })
    }

    /// Whether it asks nothing.
    pub(super) fn is_empty(&self) -> bool {
        self.steps.is_empty()
    }

    /// Number of steps.
    pub(super) fn len(&self) -> usize {
        self.steps.len()
    }

    /// Whether a content has a place that is counted from the start of the payload.
    pub(super) fn has_fixed_place(&self) -> bool {
        self.steps.iter().any(|step| match step {
            Step::Content(Content { window: Window::Payload { offset, depth }, .. }) => {
                !matches!(offset, Operand::Number(..=0)) || depth.is_some()
            }
            _ => false,
        })
    }

    /// Bytes of the content, if the program is nothing but one that must be found.
    pub(super) fn only_content(&self) -> Option<usize> {
        match &*self.steps {
            [Step::Content(only)] if !only.negated => Some(only.needle.len()),
            _ => None,
        }
    }

    /// Bytes of the longest content.
    pub(super) fn longest_content(&self) -> usize {
        let lengths = self.steps.iter().map(|step| match step {
            Step::Content(content) => content.needle.len(),
            Step::Pcre(_) => 0,
        });
        lengths.max().unwrap_or(0)
    }
}

impl Step {
    /// Whether what stands behind it may be relative to where it was found.
    fn moves(&self) -> bool {
        match self {
            Self::Content(content) => !content.negated && !content.apart,
            Self::Pcre(pcre) => !pcre.negated,
        }
    }

    fn is_relative(&self) -> bool {
        match self {
            Self::Content(content) => matches!(content.window, Window::Relative { .. }),
            Self::Pcre(pcre) => pcre.relative,
        }
    }

    fn set_anchors(&mut self, followed: bool) {
        let moves = self.moves();
        match self {
            Self::Content(content) => content.anchors = followed && moves,
            Self::Pcre(pcre) => pcre.anchors = followed && moves,
        }
    }

    /// Nothing stands before it that it could be relative to: it is to the start.
    fn begin(&mut self) {
        match self {
            Self::Content(content) => content.window = content.window.from_the_start(),
            Self::Pcre(pcre) => pcre.relative = false,
        }
    }
}
