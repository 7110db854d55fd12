//! Labels: the star, and the tags that people make up.
//!
//! A label is a text; two are the same where their bytes are. The star is the empty one, so
//! nothing that somebody types can ever be it. A tag is kept as it was typed, put into order
//! by [`Label::tag`] (NFC, no blanks around it, one between words).
//!
//! A reader looks at less than a writer: what it refuses must be refused by every version
//! alike, and what is NFC depends on the tables of Unicode that a version was built with.

use serde::{Deserialize, Serialize};

use crate::limits;
use crate::name;
use crate::rpc::NameReason;

/// Something that files and folders are marked with.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Label(String);

impl Label {
    /// The star.
    pub const STAR: Self = Self(String::new());

    /// Makes a tag of what somebody typed.
    pub fn tag(typed: &str) -> Result<Self, NameReason> {
        let words: Vec<&str> = typed.split_whitespace().collect();
        let label = Self(name::compose(&words.join(" ")));
        match label.as_str() {
            "" => return Err(NameReason::Empty),
            // A page has its label in its address, where these lead elsewhere.
            "." | ".." => return Err(NameReason::Dots),
            _ => {}
        }
        label.check().map(|()| label)
    }

    /// Reads what [`Self::as_str`] gave, as it stands.
    pub fn parse(text: &str) -> Result<Self, NameReason> {
        let label = Self(text.to_owned());
        label.check().map(|()| label)
    }

    /// Says whether it is the star, and no tag.
    pub fn is_star(&self) -> bool {
        self.0.is_empty()
    }

    /// Its text; that of the star is empty.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Checks that any device may have written it.
    pub fn check(&self) -> Result<(), NameReason> {
        if self.0.len() > limits::LABEL_BYTES_MAX {
            return Err(NameReason::TooLong);
        }
        // A search puts a tag of several words between such marks.
        if self.0.chars().any(|c| c == '"' || c.is_control()) {
            return Err(NameReason::Character);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tag(typed: &str) -> Result<String, NameReason> {
        Label::tag(typed).map(|label| label.0)
    }

    #[test]
    fn nothing_that_is_typed_is_the_star() {
        for typed in ["", " ", "\t\u{3000}\n"] {
            assert_eq!(tag(typed), Err(NameReason::Empty));
        }
        for typed in ["★", "star", "0", "\u{200b}"] {
            assert!(!Label::tag(typed).unwrap().is_star(), "{typed}");
        }
        assert!(Label::STAR.is_star() && Label::STAR.check().is_ok());
        assert_eq!(Label::parse(Label::STAR.as_str()), Ok(Label::STAR));
    }

    #[test]
    fn a_tag_that_is_typed_in_two_ways_is_one() {
        assert_eq!(tag("  summer \t holiday "), Ok("summer holiday".to_owned()));
        assert_eq!(tag("cafe\u{301}"), tag("café"));
        assert_eq!(tag("假期"), Ok("假期".to_owned()));
        let label = Label::parse("cafe\u{301}").unwrap();
        assert_eq!(Label::parse(label.as_str()).as_ref(), Ok(&label));
        assert_ne!(label, Label::tag("café").unwrap(), "what another device wrote is as it is");
    }

    #[test]
    fn a_tag_has_a_length_and_no_marks_of_a_search() {
        assert!(tag(&"x".repeat(limits::LABEL_BYTES_MAX)).is_ok());
        assert_eq!(tag(&"x".repeat(limits::LABEL_BYTES_MAX + 1)), Err(NameReason::TooLong));
        assert_eq!(tag("a\"b"), Err(NameReason::Character));
        assert_eq!(tag("a\u{7}b"), Err(NameReason::Character));
        assert_eq!((tag(".."), tag(".")), (Err(NameReason::Dots), Err(NameReason::Dots)));
        assert!(tag("...").is_ok());
    }
}
