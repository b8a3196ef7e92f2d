//! A rule's part about one buffer, while its options come in.

use super::{absent::Absent, base64::Base64Decode, content::ContentDraft, program::Step, variable::Names};
use crate::engine::rules::{buffer::Buffer, fault::Fault, lexer::Token, transform::Transform};

/// What is asked of one buffer, in the order of the rule.
#[derive(Debug)]
pub(in crate::engine::rules) struct Section {
    pub(in crate::engine::rules) buffer: Buffer,
    /// What becomes of it first.
    pub(in crate::engine::rules) transforms: Vec<Transform>,
    /// What is said of it when it is not there.
    pub(in crate::engine::rules) absent: Option<Absent>,
    /// Bytes that it may have at most, as `bsize` says.
    pub(super) largest: Option<u64>,
    /// Where the rule names the buffer.
    pub(in crate::engine::rules) at: usize,
    pub(in crate::engine::rules) steps: Vec<StepDraft>,
    pub(in crate::engine::rules) names: Names,
}

/// One keyword of it.
#[derive(Debug)]
pub(in crate::engine::rules) enum StepDraft {
    Content(ContentDraft),
    /// With what is asked of what it decodes.
    Base64(Base64Decode, Option<Box<Section>>),
    Other(Step),
}

/// A rule's sections, and which one is being written.
#[derive(Debug)]
pub(in crate::engine::rules) struct Sections {
    all: Vec<Section>,
    /// The section of the sticky buffer that was named last, until something is asked of it.
    entering: Option<Section>,
    current: usize,
    /// Section of the last content; it is the last content there.
    last_content: Option<usize>,
}

impl Sections {
    pub(in crate::engine::rules) fn new() -> Self {
        let payload = Section::new(Buffer::Payload, 0);
        Self { all: vec![payload], entering: None, current: 0, last_content: None }
    }

    /// The section about the payload.
    pub(in crate::engine::rules) fn payload(&self) -> &Section {
        &self.all[0]
    }

    /// All of them, the one about the payload first.
    ///
    /// # Errors
    /// When of a buffer that is named nothing is asked.
    pub(in crate::engine::rules) fn finish(mut self) -> Result<Vec<Section>, Fault> {
        if let Some(section) = &self.entering {
            return Err(section.asks_nothing());
        }
        if let Some(at) = self.all.iter().position(|section| section.buffer == Buffer::Base64) {
            let decoded = self.all.remove(at);
            let decoders = self.all.iter_mut().flat_map(|section| &mut section.steps);
            let last = decoders.rev().find_map(|step| match step {
                StepDraft::Base64(_, inner) => Some(inner),
                _ => None,
            });
            match last {
                Some(inner) => *inner = Some(Box::new(decoded)),
                None => return Err(Fault::new(decoded.at, "`base64_data` needs a `base64_decode`")),
            }
        }
        let empty =
            self.all.iter().skip(1).find(|section| section.steps.is_empty() && section.absent.is_none());
        match empty {
            Some(section) => Err(section.asks_nothing()),
            None => Ok(self.all),
        }
    }

    /// `name` is a sticky buffer: what follows is about `buffer`.
    pub(in crate::engine::rules) fn enter(&mut self, buffer: Buffer, name: Token<'_>) -> Result<(), Fault> {
        match self.entering.replace(Section::new(buffer, name.at)) {
            Some(section) => Err(section.asks_nothing()),
            None => Ok(()),
        }
    }

    /// `name` transforms the buffer that was named last; what stands behind it is about the transformed one.
    pub(in crate::engine::rules) fn transform(
        &mut self,
        transform: Transform,
        name: Token<'_>,
    ) -> Result<(), Fault> {
        let buffer =
            self.entering.as_ref().or_else(|| self.all.get(self.current)).map(|section| section.buffer);
        match buffer {
            Some(buffer) if buffer != Buffer::Payload => {
                let section = self.entering.get_or_insert_with(|| Section::new(buffer, name.at));
                section.transforms.push(transform);
                Ok(())
            }
            _ => {
                Err(name
                    .fault(format!("`{}` must follow the sticky buffer that it is to transform", name.text)))
            }
        }
    }

    /// The section that the next step belongs to.
    pub(in crate::engine::rules) fn section(&mut self) -> &mut Section {
        if let Some(section) = self.entering.take() {
            self.current = self.position(section);
        }
        let current = self.current.min(self.all.len() - 1);
        &mut self.all[current]
    }

    /// The same; of what is relative to a content that was moved, the one that this was moved to.
    pub(in crate::engine::rules) fn section_of(&mut self, is_relative: bool) -> &mut Section {
        if is_relative
            && self.entering.is_none()
            && self.current == 0
            && let Some(at) = self.last_content.filter(|&at| at < self.all.len())
        {
            return &mut self.all[at];
        }
        self.section()
    }

    /// Where a section stands: the one about the same is there, or it is put there.
    fn position(&mut self, new: Section) -> usize {
        let same = |section: &Section| section.buffer == new.buffer && section.transforms == new.transforms;
        self.all.iter().position(same).unwrap_or_else(|| {
            let mut new = new;
            if matches!(new.buffer, Buffer::Application(_)) {
                // As in Suricata, it may name what one before has set.
                let before =
                    self.all.iter().rfind(|section| matches!(section.buffer, Buffer::Application(_)));
                new.names = before.map(|section| section.names.clone()).unwrap_or_default();
            }
            self.all.push(new);
            self.all.len() - 1
        })
    }

    pub(in crate::engine::rules) fn push(&mut self, step: StepDraft) {
        let is_content = matches!(step, StepDraft::Content(_));
        self.section().steps.push(step);
        if is_content {
            self.last_content = Some(self.current);
        }
    }

    /// The content that a modifier called `name` is about, and the variables that it may name.
    pub(in crate::engine::rules) fn last_content(
        &mut self,
        name: Token<'_>,
    ) -> Result<(&mut ContentDraft, &Names), Fault> {
        let section = self.last_content.and_then(|at| self.all.get_mut(at));
        let Some(Section { steps, names, .. }) = section else {
            return Err(must_follow(name));
        };
        let content = steps.iter_mut().rev().find_map(|step| match step {
            StepDraft::Content(content) => Some(content),
            _ => None,
        });
        content.map(|content| (content, &*names)).ok_or_else(|| must_follow(name))
    }

    /// `name` says that the last content is about `buffer` (Suricata's old `http_uri` and its like).
    pub(in crate::engine::rules) fn move_last_content(
        &mut self,
        buffer: Buffer,
        name: Token<'_>,
    ) -> Result<(), Fault> {
        let from = self.last_content.ok_or_else(|| must_follow(name))?;
        if self.all[from].buffer != Buffer::Payload {
            return Err(
                name.fault(format!("the content before `{}` is about another buffer already", name.text))
            );
        }
        let steps = &mut self.all[from].steps;
        let at = steps
            .iter()
            .rposition(|step| matches!(step, StepDraft::Content(_)))
            .ok_or_else(|| must_follow(name))?;
        let step = steps.remove(at);
        let to = self.position(Section::new(buffer, name.at));
        self.all[to].steps.push(step);
        self.last_content = Some(to);
        Ok(())
    }

    /// The section about `buffer`, whichever is being written.
    pub(in crate::engine::rules) fn section_about(&mut self, buffer: Buffer, at: usize) -> &mut Section {
        let at = self.position_about(buffer, at);
        &mut self.all[at]
    }

    fn position_about(&mut self, buffer: Buffer, at: usize) -> usize {
        if self.entering.as_ref().is_some_and(|section| section.buffer == buffer) {
            self.section();
        }
        self.position(Section::new(buffer, at))
    }

    /// Adds a step to it.
    pub(in crate::engine::rules) fn push_to(&mut self, buffer: Buffer, at: usize, step: StepDraft) {
        let to = self.position_about(buffer, at);
        if matches!(step, StepDraft::Content(_)) {
            self.last_content = Some(to);
        }
        self.all[to].steps.push(step);
    }

    /// Whether nothing is asked of bytes yet.
    pub(in crate::engine::rules) fn is_empty(&self) -> bool {
        self.all.iter().all(|section| section.steps.is_empty())
    }

    /// All contents.
    pub(in crate::engine::rules) fn contents(&self) -> impl Iterator<Item = &ContentDraft> {
        self.all.iter().flat_map(Section::contents)
    }
}

fn must_follow(name: Token<'_>) -> Fault {
    name.fault(format!("`{}` must follow a `content`", name.text))
}

impl Section {
    fn new(buffer: Buffer, at: usize) -> Self {
        Self {
            buffer,
            at,
            transforms: Vec::new(),
            absent: None,
            largest: None,
            steps: Vec::new(),
            names: Names::default(),
        }
    }

    /// Its contents.
    pub(in crate::engine::rules) fn contents(&self) -> impl Iterator<Item = &ContentDraft> {
        self.steps.iter().filter_map(|step| match step {
            StepDraft::Content(content) => Some(content),
            _ => None,
        })
    }

    /// Where the first of its contents stands that are replaced.
    pub(in crate::engine::rules) fn replaced_at(&self) -> Option<usize> {
        self.contents().find(|content| content.is_replaced()).map(ContentDraft::at)
    }

    fn asks_nothing(&self) -> Fault {
        Fault::new(self.at, "nothing is asked of this buffer: a `content` or the like must follow")
    }

    /// Whether the contents can be in the buffer as it is then.
    pub(super) fn check_contents(&self) -> Result<(), Fault> {
        if let Some(at) = self.replaced_at()
            && self.buffer != Buffer::Payload
        {
            return Err(Fault::new(at, "`replace` goes with contents of the packet's payload only"));
        }
        for content in self.contents() {
            content.check_buffer(&self.transforms, self.largest)?;
        }
        Ok(())
    }
}
