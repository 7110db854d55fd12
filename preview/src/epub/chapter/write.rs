//! Paragraphs that are written, and where they go when they end.

use super::{Reader, State, leads::MARK_BYTES_MAX};
use crate::blocks::{Align, Block, PARAGRAPH_BYTES_MAX, Paragraph, SPAN_BYTES, Span, Text};

/// What stands between scenes.
const BREAK: &str = "* * *";

/// A paragraph that is being read.
#[derive(Default)]
pub(super) struct Writing {
    pub(super) paragraph: Paragraph,
    bytes: usize,
    /// Its end is a space or a new line.
    is_spaced: bool,
}

impl Reader {
    pub(super) fn hear(&mut self, text: &str) {
        if self.state.is_skipped || self.state.is_drawing {
            return;
        }
        if self.state.is_pre {
            let is_first = self.writing.is_none();
            return self.write(text.strip_prefix('\n').filter(|_| is_first).unwrap_or(text));
        }
        let mut is_spaced = self.writing.as_ref().is_none_or(|writing| writing.is_spaced);
        let mut plain = String::with_capacity(text.len());
        for char in text.chars() {
            let is_space = char.is_ascii_whitespace();
            if !is_space || !is_spaced {
                plain.push(if is_space { ' ' } else { char });
            }
            is_spaced = is_space;
        }
        self.write(&plain);
    }

    pub(super) fn write(&mut self, text: &str) {
        if text.is_empty() {
            return;
        }
        if let Some((_, mark)) = &mut self.mark {
            if mark.len() < MARK_BYTES_MAX {
                mark.push_str(text.trim());
            }
            return;
        }
        let (look, link) = (self.state.look, self.state.link);
        let bytes = self.writing.as_ref().map_or(0, |writing| writing.bytes);
        if !self.room.write(text, bytes) {
            return;
        }
        let writing = self.writing();
        if let Some(Span::Text(last)) = writing.paragraph.spans.last_mut()
            && (last.look, last.link) == (look, link)
        {
            last.text += text;
        } else {
            self.put(Span::Text(Text { text: text.to_owned(), look, link, change: None }));
        }
        let writing = self.writing();
        writing.bytes += text.len();
        writing.is_spaced = text.ends_with([' ', '\n']);
    }

    /// The paragraph that is being read; one begins where there is none.
    pub(super) fn writing(&mut self) -> &mut Writing {
        let State { heading, quote, align, is_note, .. } = self.state;
        let lists = &mut self.lists;
        self.writing.get_or_insert_with(|| {
            let item = lists.place();
            let note = is_note.then(String::new);
            let paragraph = Paragraph { heading, item, note, quote, align, spans: Vec::new() };
            Writing { paragraph, bytes: 0, is_spaced: true }
        })
    }

    pub(super) fn put(&mut self, span: Span) {
        if !self.room.spend() {
            return;
        }
        let writing = self.writing();
        if writing.bytes + SPAN_BYTES > PARAGRAPH_BYTES_MAX {
            self.room.is_cut = true;
            return;
        }
        writing.bytes += SPAN_BYTES;
        writing.is_spaced = false;
        writing.paragraph.spans.push(span);
    }

    /// Ends the paragraph, if there is one.
    pub(super) fn flush(&mut self) {
        let Some(Writing { mut paragraph, .. }) = self.writing.take() else { return };
        if let Some(Span::Text(last)) = paragraph.spans.last_mut() {
            last.text.truncate(last.text.trim_ascii_end().len());
            if last.text.is_empty() {
                paragraph.spans.pop();
            }
        }
        if !paragraph.spans.is_empty() {
            self.add(Block::Text(paragraph));
        }
    }

    /// Puts a block into the cell that it is in, or below all others.
    pub(super) fn add(&mut self, block: Block) {
        if self.room.spend() {
            let cell = self.tables.cell();
            cell.map_or(&mut self.blocks, |cell| &mut cell.blocks).push(block);
        }
    }

    pub(super) fn break_scene(&mut self) {
        let text = Span::Text(Text { text: BREAK.to_owned(), ..Text::default() });
        let (align, quote) = (Align::Center, self.state.quote);
        let spans = vec![text];
        self.add(Block::Text(Paragraph { align, quote, spans, ..Paragraph::default() }));
    }
}
