//! A rule's part about one buffer, while its options come in.

use super::{content::ContentDraft, pcre::Pcre, variable::Names};
use crate::engine::rules::{buffer::Buffer, fault::Fault, lexer::Token};

/// What is asked of one buffer, in the order of the rule.
#[derive(Debug)]
pub(in crate::engine::rules) struct Section {
    pub(in crate::engine::rules) buffer: Buffer,
    /// Where the rule names the buffer.
    pub(in crate::engine::rules) at: usize,
    pub(in crate::engine::rules) steps: Vec<StepDraft>,
    pub(in crate::engine::rules) names: Names,
}

/// One keyword of it.
#[derive(Debug)]
pub(in crate::engine::rules) enum StepDraft {
    Content(ContentDraft),
    Pcre(Pcre),
}

/// A rule's sections, and which one is being written.
#[derive(Debug)]
pub(in crate::engine::rules) struct Sections {
    all: Vec<Section>,
    /// Buffer and place of the sticky buffer that was named last, until something is asked of it.
    entering: Option<(Buffer, usize)>,
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
    /// # Errors
    /// When of a buffer that is named nothing is asked.
    pub(in crate::engine::rules) fn finish(self) -> Result<Vec<Section>, Fault> {
        match self.entering {
            Some((_, at)) => {
                Err(Fault::new(at, "nothing is asked of this buffer: a `content` or the like must follow"))
            }
            None => Ok(self.all),
        }
    }

    /// `name` is a sticky buffer: what follows is about `buffer`.
    pub(in crate::engine::rules) fn enter(&mut self, buffer: Buffer, name: Token<'_>) -> Result<(), Fault> {
        if let Some((_, at)) = self.entering.replace((buffer, name.at)) {
            return Err(Fault::new(
                at,
                "nothing is asked of this buffer: a `content` or the like must follow",
            ));
        }
        Ok(())
    }

    /// The section that the next step belongs to.
    pub(in crate::engine::rules) fn section(&mut self) -> &mut Section {
        if let Some((buffer, at)) = self.entering.take() {
            self.current = self.position(buffer, at);
        }
        let current = self.current.min(self.all.len() - 1);
        &mut self.all[current]
    }

    /// The section about a buffer: the one that there is, or a new one.
    fn position(&mut self, buffer: Buffer, at: usize) -> usize {
        self.all.iter().position(|section| section.buffer == buffer).unwrap_or_else(|| {
            self.all.push(Section::new(buffer, at));
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
        let to = self.position(buffer, name.at);
        self.all[to].steps.push(step);
        self.last_content = Some(to);
        Ok(())
    }

    /// Adds a step to the section about `buffer`, whichever is being written.
    pub(in crate::engine::rules) fn push_to(&mut self, buffer: Buffer, at: usize, step: StepDraft) {
        if self.entering.is_some_and(|(entering, _)| entering == buffer) {
            self.entering = None;
            self.current = self.position(buffer, at);
        }
        let to = self.position(buffer, at);
        if matches!(step, StepDraft::Content(_)) {
            self.last_content = Some(to);
        }
        self.all[to].steps.push(step);
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
        Self { buffer, at, steps: Vec::new(), names: Names::default() }
    }

    /// Its contents.
    pub(in crate::engine::rules) fn contents(&self) -> impl Iterator<Item = &ContentDraft> {
        self.steps.iter().filter_map(|step| match step {
            StepDraft::Content(content) => Some(content),
            _ => None,
        })
    }
}
