//! A section, compiled.

use super::{
    asn1::Asn1,
    base64::Base64Decode,
    bsize::BufferSize,
    byte::{ByteExtract, ByteJump, ByteMath, ByteTest},
    capture::Capture,
    content::{self, Content, Window},
    entropy::Entropy,
    isdataat::IsDataAt,
    pcre::Pcre,
    section::{Section, StepDraft},
    variable::Operand,
};
use crate::engine::rules::{
    chain::Variable,
    dataset::{Lookup, Reputed},
    fault::Fault,
};

/// What is asked of one buffer.
#[derive(Debug, Default)]
pub(in crate::engine::rules) struct Program {
    pub(super) steps: Box<[Step]>,
    /// Steps before which nothing has been found that they could be relative to.
    pub(super) lead: usize,
    /// Variables that its steps set.
    pub(super) variables: usize,
    /// What its expressions capture, each with a variable behind those.
    pub(super) captures: Box<[Capture]>,
}

/// One keyword of it.
#[derive(Debug)]
pub(in crate::engine::rules) enum Step {
    Content(Content),
    Pcre(Pcre),
    IsDataAt(IsDataAt),
    Size(BufferSize),
    Test(ByteTest),
    Jump(ByteJump),
    Extract(ByteExtract),
    Math(ByteMath),
    Entropy(Entropy),
    Asn1(Asn1),
    /// `dataset`
    Set(Lookup),
    /// `datarep`
    Reputation(Reputed),
    /// And what is asked of what it decodes (`base64_data`).
    Base64(Base64Decode, Program),
}

impl Program {
    /// Compiles a section.
    pub(in crate::engine::rules) fn new(section: Section) -> Result<Self, Fault> {
        content::check_apart(&section)?;
        section.check_contents()?;
        let variables = section.names.len();
        let steps = section.steps.into_iter().map(|step| match step {
            StepDraft::Content(content) => content.compile().map(Step::Content),
            StepDraft::Base64(decode, inner) => {
                let inner = inner.map(|section| Self::new(*section)).transpose()?;
                Ok(Step::Base64(decode, inner.unwrap_or_default()))
            }
            StepDraft::Other(step) => Ok(step),
        });
        let mut steps = steps.collect::<Result<Box<[_]>, _>>()?;
        let lead = steps.iter().position(Step::moves).map_or(steps.len(), |first| first + 1);
        steps.iter_mut().take(lead).for_each(Step::begin);
        let mut followed = false;
        for step in steps.iter_mut().rev() {
            step.set_anchors(followed);
            followed = step.is_relative() || (followed && !step.moves());
        }
        let expressions = steps.iter_mut().filter_map(|step| match step {
            Step::Pcre(pcre) => Some(pcre),
            _ => None,
        });
        let mut captures = Vec::new();
        for capture in expressions.flat_map(|pcre| &mut pcre.captures) {
            capture.variable = variables + captures.len();
            captures.push(*capture);
        }
        Ok(Self { captures: captures.into(), steps, lead, variables })
    }

    /// Whether it asks nothing.
    pub(in crate::engine::rules) fn is_empty(&self) -> bool {
        self.steps.is_empty()
    }

    /// Whether it puts other bytes in the place of what it finds.
    pub(in crate::engine::rules) fn replaces(&self) -> bool {
        self.replaced().next().is_some()
    }

    /// The contents in whose place it puts others, each with its number among the steps.
    pub(super) fn replaced(&self) -> impl Iterator<Item = (usize, &Content, &[u8])> {
        self.steps.iter().enumerate().filter_map(|(at, step)| match step {
            Step::Content(content) => Some((at, content, content.replacement.as_deref()?)),
            _ => None,
        })
    }

    /// Its sets of values, those of what it decodes among them.
    fn lookups(&self) -> Vec<&Lookup> {
        let lookups = self.steps.iter().flat_map(|step| match step {
            Step::Set(lookup) => vec![lookup],
            Step::Base64(_, inner) => inner.lookups(),
            _ => Vec::new(),
        });
        lookups.collect()
    }

    /// Whether it changes sets as it is run.
    pub(in crate::engine::rules) fn changes_sets(&self) -> bool {
        self.lookups().into_iter().any(Lookup::changes)
    }

    /// What its steps set and others may ask for.
    pub(in crate::engine::rules) fn sets(&self) -> Vec<Variable> {
        let kept = self.captures.iter().filter_map(|capture| capture.keep.sets());
        self.lookups().into_iter().filter_map(Lookup::sets).chain(kept).collect()
    }

    /// What others must have set so that its steps hold.
    pub(in crate::engine::rules) fn wants(&self) -> Vec<Variable> {
        self.lookups().into_iter().filter_map(Lookup::wants).collect()
    }

    /// Number of steps.
    pub(in crate::engine::rules) fn len(&self) -> usize {
        self.steps.len()
    }

    /// Whether a content has a place that is counted from the start of the payload.
    pub(in crate::engine::rules) fn has_fixed_place(&self) -> bool {
        self.steps.iter().any(|step| match step {
            Step::Content(Content { window: Window::Payload { offset, depth }, .. }) => {
                !matches!(offset, Operand::Number(..=0)) || depth.is_some()
            }
            _ => false,
        })
    }

    /// Bytes of the content, if the program is nothing but one that must be found.
    pub(in crate::engine::rules) fn only_content(&self) -> Option<usize> {
        match &*self.steps {
            [Step::Content(only)] if !only.negated => Some(only.needle.len()),
            _ => None,
        }
    }

    /// Bytes of the longest content.
    pub(in crate::engine::rules) fn longest_content(&self) -> usize {
        let lengths = self.steps.iter().map(|step| match step {
            Step::Content(content) => content.needle.len(),
            _ => 0,
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
            Self::Jump(_) | Self::Extract(_) | Self::Math(_) => true,
            Self::IsDataAt(_) | Self::Size(_) | Self::Test(_) | Self::Entropy(_) | Self::Base64(..) => false,
            Self::Set(_) | Self::Reputation(_) | Self::Asn1(_) => false,
        }
    }

    pub(super) fn is_relative(&self) -> bool {
        match self {
            Self::Content(content) => matches!(content.window, Window::Relative { .. }),
            Self::Pcre(pcre) => pcre.relative,
            Self::Jump(jump) => jump.is_relative(),
            Self::Extract(extract) => extract.is_relative(),
            Self::Math(math) => math.is_relative(),
            Self::IsDataAt(test) => test.is_relative(),
            Self::Test(test) => test.is_relative(),
            Self::Base64(decode, _) => decode.is_relative(),
            Self::Asn1(asn1) => asn1.is_relative(),
            Self::Size(_) | Self::Entropy(_) | Self::Set(_) | Self::Reputation(_) => false,
        }
    }

    fn set_anchors(&mut self, followed: bool) {
        let anchors = followed && self.moves();
        match self {
            Self::Content(content) => content.anchors = anchors || content.replacement.is_some(),
            Self::Pcre(pcre) => pcre.anchors = anchors,
            _ => {}
        }
    }

    /// Nothing stands before it that it could be relative to: it is to the start.
    fn begin(&mut self) {
        match self {
            Self::Content(content) => content.window = content.window.to_the_start(),
            Self::Pcre(pcre) => pcre.relative = false,
            // Theirs is seen to when they are asked.
            _ => {}
        }
    }
}
