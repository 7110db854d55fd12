//! A text as UTF-16 code units, as CodeMirror's positions count it.
//!
//! A keystroke in a long text costs no walk through all of it: a position is an index, and
//! the length as UTF-8 and the number of lines are kept along.

/// A text as UTF-16 code units.
#[derive(Debug, Clone)]
pub(super) struct Units {
    units: Vec<u16>,
    bytes: usize,
    line_ends: usize,
}

impl Units {
    pub(super) fn of(text: &str) -> Self {
        Self { units: text.encode_utf16().collect(), bytes: text.len(), line_ends: ends(text) }
    }

    /// Code units.
    pub(super) fn len(&self) -> usize {
        self.units.len()
    }

    /// Bytes as UTF-8.
    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    /// How many `\n` are in it.
    pub(super) fn line_ends(&self) -> usize {
        self.line_ends
    }

    /// Says whether a position is between the halves of one character.
    pub(super) fn is_inside_character(&self, at: usize) -> bool {
        let before = at.checked_sub(1).and_then(|before| self.units.get(before));
        let is_first = before.is_some_and(|unit| (0xd800..0xdc00).contains(unit));
        is_first && self.units.get(at).is_some_and(|unit| (0xdc00..0xe000).contains(unit))
    }

    /// Puts a text in the place of `delete` units; neither end is inside a character, and
    /// both are inside the text.
    pub(super) fn replace(&mut self, at: usize, delete: usize, insert: &str) {
        let removed: String =
            char::decode_utf16(self.units.splice(at..at + delete, insert.encode_utf16()))
                .map(|c| c.unwrap_or(char::REPLACEMENT_CHARACTER))
                .collect();
        self.bytes = self.bytes + insert.len() - removed.len();
        self.line_ends = self.line_ends + ends(insert) - ends(&removed);
    }
}

fn ends(text: &str) -> usize {
    text.bytes().filter(|byte| *byte == b'\n').count()
}
