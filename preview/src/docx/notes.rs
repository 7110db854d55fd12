//! Notes and comments: what refers to them, and what they say.

use std::{collections::HashMap, ops::Range};

use crate::blocks::{Block, Look, Paragraph, Span, Text, marks::counted};

/// What notes there are: the kind of the part, and the element of one.
pub(super) const KINDS: [(&str, &str); 3] =
    [("footnotes", "footnote"), ("endnotes", "endnote"), ("comments", "comment")];

/// Notes by their kind and name, in the order in which they are referred to.
#[derive(Default)]
pub(super) struct Notes {
    known: HashMap<(usize, String), usize>,
    all: Vec<Note>,
    counts: [u32; KINDS.len()],
}

struct Note {
    mark: String,
    blocks: Vec<Block>,
}

impl Notes {
    /// A place that refers to a note.
    pub(super) fn refer(&mut self, kind: usize, name: String) -> Span {
        let next = self.all.len();
        let index = *self.known.entry((kind, name)).or_insert(next);
        if index == next {
            self.counts[kind] += 1;
            let count = self.counts[kind];
            let mark = match KINDS[kind].1 {
                "footnote" => count.to_string(),
                "endnote" => counted("lowerRoman", count),
                _ => format!("[{count}]"),
            };
            self.all.push(Note { mark, blocks: Vec::new() });
        }
        Span::Note { index, mark: self.all[index].mark.clone() }
    }

    /// The note of a name, if something refers to it.
    pub(super) fn find(&self, kind: usize, name: &str) -> Option<usize> {
        self.known.get(&(kind, name.to_owned())).copied()
    }

    /// What a note says, and who says it.
    pub(super) fn say(&mut self, index: usize, mut blocks: Vec<Block>, by: &str) {
        let note = &mut self.all[index];
        if !matches!(blocks.first(), Some(Block::Text(_))) {
            blocks.insert(0, Block::Text(Paragraph::default()));
        }
        for block in &mut blocks {
            if let Block::Text(paragraph) = block {
                paragraph.note = Some(String::new());
            }
        }
        if let Some(Block::Text(first)) = blocks.first_mut() {
            first.note = Some(note.mark.clone());
            if !by.is_empty() {
                let text = format!("{by}: ");
                let by = Text { text, look: Look(Look::BOLD), ..Text::default() };
                first.spans.insert(0, Span::Text(by));
            }
        }
        note.blocks = blocks;
    }

    /// Puts all of them after the text. → where each is
    pub(super) fn finish(self, blocks: &mut Vec<Block>) -> Vec<Range<usize>> {
        let place = |note: Note| {
            let start = blocks.len();
            blocks.extend(note.blocks);
            start..blocks.len()
        };
        self.all.into_iter().map(place).collect()
    }
}
