//! Change sets as CodeMirror writes them: a walk through the whole text.
//!
//! ```text
//! [5, [2], [0, "a", "b"], 7]     keep 5, delete 2, insert "a\nb", keep 7
//! ```
//!
//! Lengths are UTF-16 code units; inserted text is an array of lines. Anything that does
//! not fit the text, or would cut a character in half, is an error and changes nothing.

use std::fmt;

use serde::de::{self, SeqAccess, Visitor};
use serde::ser::SerializeSeq;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::units::Units;
use crate::{json, limits};

/// Most sections of one change set.
const SECTIONS_MAX: usize = 256 * 1024;

/// A change of a text.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ChangeSet {
    sections: Vec<Section>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Section {
    Keep(usize),
    Replace { delete: usize, insert: String },
}

/// One replacement, at a position of the text as the ones before have left it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Splice {
    pub(super) at: usize,
    pub(super) delete: usize,
    pub(super) insert: String,
}

/// Reports a change set that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ChangeSetError {
    /// It is not what `ChangeSet.toJSON()` writes.
    #[error("this is no change set")]
    Malformed,
    /// It is for a text of another length.
    #[error("the change set is for a text of {expected}, not {actual} code units")]
    LengthMismatch {
        /// The length it is for.
        expected: usize,
        /// The length there is.
        actual: usize,
    },
    /// It begins or ends a section inside a surrogate pair.
    #[error("position {at} is inside a character")]
    InsideCharacter {
        /// The position, in code units of the text before.
        at: usize,
    },
}

impl ChangeSet {
    /// Parses what `ChangeSet.toJSON()` writes, as JSON text.
    pub fn from_json(json: &str) -> Result<Self, ChangeSetError> {
        if json.len() > limits::RPC_BYTES_MAX {
            return Err(ChangeSetError::Malformed);
        }
        let parts: Vec<Section> =
            json::read(json.as_bytes()).map_err(|_| ChangeSetError::Malformed)?;
        if parts.len() > SECTIONS_MAX {
            return Err(ChangeSetError::Malformed);
        }
        let mut changes = Self::default();
        for part in &parts {
            match part {
                Section::Keep(n) => changes.keep(*n),
                Section::Replace { delete, insert } => changes.replace(*delete, insert),
            }
        }
        Ok(changes)
    }

    /// Writes it as `ChangeSet.fromJSON()` reads it.
    pub fn to_json(&self) -> String {
        serde_json::to_string(&self.sections).expect("numbers and texts always serialise")
    }

    /// Goes on by `n` code units unchanged.
    pub(super) fn keep(&mut self, n: usize) {
        match self.sections.last_mut() {
            _ if n == 0 => {}
            Some(Section::Keep(last)) => *last += n,
            _ => self.sections.push(Section::Keep(n)),
        }
    }

    /// Goes on by deleting and inserting.
    pub(super) fn replace(&mut self, n: usize, text: &str) {
        match self.sections.last_mut() {
            _ if n == 0 && text.is_empty() => {}
            Some(Section::Replace { delete, insert }) => {
                *delete += n;
                insert.push_str(text);
            }
            _ => self.sections.push(Section::Replace { delete: n, insert: text.to_owned() }),
        }
    }

    /// The length of the text it is for, in code units.
    pub fn length_before(&self) -> usize {
        let before = |section: &Section| match section {
            Section::Keep(n) | Section::Replace { delete: n, .. } => *n,
        };
        self.sections.iter().map(before).sum()
    }

    /// Says whether it changes nothing.
    pub fn is_empty(&self) -> bool {
        self.sections.iter().all(|section| matches!(section, Section::Keep(_)))
    }

    /// The change from one text to another, as one replacement of what differs.
    pub fn between(before: &str, after: &str) -> Self {
        let same = |(a, b): &(char, char)| a == b;
        let start: usize =
            before.chars().zip(after.chars()).take_while(same).map(|(c, _)| c.len_utf8()).sum();
        let (old, new) = (&before[start..], &after[start..]);
        let end: usize = old
            .chars()
            .rev()
            .zip(new.chars().rev())
            .take_while(same)
            .map(|(c, _)| c.len_utf8())
            .sum();
        let units = |text: &str| text.encode_utf16().count();
        let mut changes = Self::default();
        changes.keep(units(&before[..start]));
        changes.replace(units(&old[..old.len() - end]), &new[..new.len() - end]);
        changes.keep(units(&old[old.len() - end..]));
        changes
    }

    /// Makes the change.
    pub fn apply(&self, text: &str) -> Result<String, ChangeSetError> {
        let mut out = String::with_capacity(text.len());
        self.walk(text, |section, part| match section {
            Section::Keep(_) => out.push_str(part),
            Section::Replace { insert, .. } => out.push_str(insert),
        })?;
        Ok(out)
    }

    /// Makes the change in `text`; returns the same as splices, each at its place in the
    /// text that those before it leave. After an error the text is of no use any more.
    pub(super) fn splice_into(&self, text: &mut Units) -> Result<Vec<Splice>, ChangeSetError> {
        let (expected, actual) = (self.length_before(), text.len());
        if expected != actual {
            return Err(ChangeSetError::LengthMismatch { expected, actual });
        }
        // Places in the text as it was, for errors, and as it is.
        let (mut splices, mut old, mut at) = (Vec::new(), 0, 0);
        for section in &self.sections {
            let (Section::Keep(n) | Section::Replace { delete: n, .. }) = section;
            old += n;
            if text.is_inside_character(at + n) {
                return Err(ChangeSetError::InsideCharacter { at: old });
            }
            match section {
                Section::Keep(n) => at += n,
                Section::Replace { delete, insert } => {
                    text.replace(at, *delete, insert);
                    splices.push(Splice { at, delete: *delete, insert: insert.clone() });
                    at += insert.encode_utf16().count();
                }
            }
        }
        Ok(splices)
    }

    /// Goes through the text, handing out each section with its part of it.
    fn walk<'a>(
        &'a self,
        text: &'a str,
        mut visit: impl FnMut(&'a Section, &'a str),
    ) -> Result<(), ChangeSetError> {
        let (expected, actual) = (self.length_before(), text.encode_utf16().count());
        if expected != actual {
            return Err(ChangeSetError::LengthMismatch { expected, actual });
        }
        let (mut rest, mut at) = (text, 0);
        for section in &self.sections {
            let (Section::Keep(n) | Section::Replace { delete: n, .. }) = section;
            let bytes =
                bytes_of_units(rest, *n).ok_or(ChangeSetError::InsideCharacter { at: at + n })?;
            let (part, after) = rest.split_at(bytes);
            visit(section, part);
            (rest, at) = (after, at + n);
        }
        Ok(())
    }
}

/// How many bytes the first `units` code units take; `None` inside a character.
fn bytes_of_units(text: &str, units: usize) -> Option<usize> {
    let (mut left, mut bytes) = (units, 0);
    for c in text.chars() {
        if left == 0 {
            break;
        }
        left = left.checked_sub(c.len_utf16())?;
        bytes += c.len_utf8();
    }
    (left == 0).then_some(bytes)
}

impl Serialize for Section {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let (delete, insert) = match self {
            Self::Keep(n) => return n.serialize(serializer),
            Self::Replace { delete, insert } => (delete, insert),
        };
        let mut parts = serializer.serialize_seq(None)?;
        parts.serialize_element(delete)?;
        if !insert.is_empty() {
            for line in insert.split('\n') {
                parts.serialize_element(line)?;
            }
        }
        parts.end()
    }
}

impl<'de> Deserialize<'de> for Section {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(SectionVisitor)
    }
}

struct SectionVisitor;

impl<'de> Visitor<'de> for SectionVisitor {
    type Value = Section;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a length, or a list of one and lines")
    }

    fn visit_u64<E: de::Error>(self, n: u64) -> Result<Section, E> {
        // No sum of such lengths overflows.
        let n = u32::try_from(n).map_err(|_| E::custom("too long"))?;
        Ok(Section::Keep(n as usize))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut parts: A) -> Result<Section, A::Error> {
        let delete: Option<u32> = parts.next_element()?;
        let delete = delete.ok_or_else(|| de::Error::invalid_length(0, &self))? as usize;
        let mut lines: Vec<String> = Vec::new();
        while let Some(line) = parts.next_element::<String>()? {
            // A line end inside a line would count differently here and there.
            if line.contains(['\n', '\r']) {
                return Err(de::Error::custom("a line ends in a line"));
            }
            lines.push(line);
        }
        Ok(Section::Replace { delete, insert: lines.join("\n") })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_set_survives_its_json() {
        let json = r#"[5,[2],[0,"a","b"],[1,"",""],3]"#;
        let changes = ChangeSet::from_json(json).unwrap();
        assert_eq!(changes.to_json(), r#"[5,[3,"a","b",""],3]"#);
        assert_eq!(changes.apply("12345xyz789").unwrap(), "12345a\nb\n789");
    }

    #[test]
    fn what_is_no_change_set_is_refused() {
        for json in [
            "",
            "{}",
            "[-1]",
            "[1.5]",
            "[4294967296]",
            "[[1.0]]",
            "[[]]",
            r#"[["a"]]"#,
            r#"[[0,1]]"#,
            "[null]",
            r#"[[0,"a\nb"]]"#,
        ] {
            assert_eq!(ChangeSet::from_json(json), Err(ChangeSetError::Malformed), "{json}");
        }
    }

    #[test]
    fn a_change_set_for_another_text_is_refused() {
        let changes = ChangeSet::from_json("[2]").unwrap();
        let refused = ChangeSetError::LengthMismatch { expected: 2, actual: 3 };
        assert_eq!(changes.apply("abc"), Err(refused));
    }

    #[test]
    fn no_character_is_cut_in_half() {
        for (text, json, at) in
            [("😀b", "[1,[1],1]", 1), ("😀b", "[[1],2]", 1), ("a😀", r#"[2,[0,"x"],1]"#, 2)]
        {
            let changes = ChangeSet::from_json(json).unwrap();
            let refused = ChangeSetError::InsideCharacter { at };
            assert_eq!(changes.apply(text), Err(refused.clone()), "{json}");
            assert_eq!(changes.splice_into(&mut Units::of(text)), Err(refused), "{json}");
        }
        let whole = ChangeSet::from_json(r#"[[2,"x"],1]"#).unwrap();
        assert_eq!(whole.apply("😀b").unwrap(), "xb");
    }

    #[test]
    fn a_text_that_is_typed_in_counts_what_it_has() {
        let (before, json) = ("a😀\nb\n", r#"[[1],2,[1,"é","","x"],1,[1],[0,"😁"]]"#);
        let changes = ChangeSet::from_json(json).unwrap();
        let mut typed = Units::of(before);
        let splices = changes.splice_into(&mut typed).unwrap();
        assert_eq!(splices.iter().map(|splice| splice.at).collect::<Vec<_>>(), [0, 2, 7]);
        let after = changes.apply(before).unwrap();
        let wanted = Units::of(&after);
        assert_eq!(after, "😀é\n\nxb😁");
        assert_eq!(
            (typed.len(), typed.bytes(), typed.line_ends()),
            (wanted.len(), wanted.bytes(), wanted.line_ends())
        );
    }

    #[test]
    fn the_change_between_two_texts_leads_from_one_to_the_other() {
        for (before, after) in [("", "a"), ("aaa", "aa"), ("a😀b", "a😁b"), ("same", "same")] {
            assert_eq!(ChangeSet::between(before, after).apply(before).unwrap(), after);
        }
    }
}
