//! How the lines of a file end, beside its text in which all end in `\n`.
//!
//! Editors and merging know one line end. What the file had is a function of the content
//! that the document began with, so every device knows it without telling: a line end that
//! was in the file stays as it was, a new one is of the kind that the file has most of.
//! Files of one kind, which is nearly all of them, have no list of exceptions.

use serde::{Deserialize, Serialize};

/// One kind of line end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub enum LineEnd {
    /// `\n`
    #[default]
    Lf,
    /// `\r\n`
    CrLf,
    /// `\r`
    Cr,
}

impl LineEnd {
    /// The characters.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Lf => "\n",
            Self::CrLf => "\r\n",
            Self::Cr => "\r",
        }
    }
}

/// The line ends of a file.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct LineEnds {
    common: LineEnd,
    /// Line ends of other kinds, by the index of their character in the text.
    others: Vec<(u32, LineEnd)>,
}

impl LineEnds {
    /// Takes a file apart into its text, with `\n` for every line end, and its line ends.
    pub fn split(file: &str) -> (String, Self) {
        if !file.contains('\r') {
            return (file.to_owned(), Self::default());
        }
        let mut text = String::with_capacity(file.len());
        let mut found: Vec<(u32, LineEnd)> = Vec::new();
        let mut counts = [0_usize; 3];
        let mut index = 0;
        let mut chars = file.chars().peekable();
        while let Some(c) = chars.next() {
            let end = match c {
                '\r' if chars.next_if_eq(&'\n').is_some() => Some(LineEnd::CrLf),
                '\r' => Some(LineEnd::Cr),
                '\n' => Some(LineEnd::Lf),
                _ => None,
            };
            if let Some(end) = end {
                counts[end as usize] += 1;
                found.push((index, end));
            }
            text.push(if end.is_some() { '\n' } else { c });
            index += 1;
        }
        let mut common = LineEnd::Lf;
        for end in [LineEnd::CrLf, LineEnd::Cr] {
            if counts[end as usize] > counts[common as usize] {
                common = end;
            }
        }
        found.retain(|(_, end)| *end != common);
        (text, Self { common, others: found })
    }

    /// The kind that new lines get.
    pub fn common(&self) -> LineEnd {
        self.common
    }

    /// Says whether the file has one kind only.
    pub fn is_uniform(&self) -> bool {
        self.others.is_empty()
    }

    /// The kind of the line end that was the character `index` of the text.
    pub(super) fn at(&self, index: u32) -> LineEnd {
        let found = self.others.binary_search_by_key(&index, |(at, _)| *at);
        found.map_or(self.common, |at| self.others[at].1)
    }

    /// Most bytes that a text with so many line ends can grow by when it gets its own.
    pub(super) fn growth(&self, line_ends: usize) -> usize {
        let grows = self.common == LineEnd::CrLf || !self.is_uniform();
        if grows { line_ends } else { 0 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_line_end_that_a_file_has_most_of_is_its_common_one() {
        for (file, text, common, uniform) in [
            ("", "", LineEnd::Lf, true),
            ("a\nb\n", "a\nb\n", LineEnd::Lf, true),
            ("a\r\nb\r\n", "a\nb\n", LineEnd::CrLf, true),
            ("a\rb\r", "a\nb\n", LineEnd::Cr, true),
            ("a\r\nb\nc\r\n", "a\nb\nc\n", LineEnd::CrLf, false),
            ("a\r\nb\n", "a\nb\n", LineEnd::Lf, false),
            ("\r\r\n\n", "\n\n\n", LineEnd::Lf, false),
        ] {
            let (split, ends) = LineEnds::split(file);
            assert_eq!((split.as_str(), ends.common(), ends.is_uniform()), (text, common, uniform));
        }
    }
}
