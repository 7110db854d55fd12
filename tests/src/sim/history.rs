//! What happened, in words: when, who, what.

use std::cell::RefCell;
use std::fmt;
use std::rc::Rc;

/// One thing that happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// Milliseconds since the world began.
    pub at_ms: u64,
    /// Who did it, or whom it befell.
    pub who: String,
    /// What it was.
    pub what: String,
}

impl fmt::Display for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (seconds, ms) = (self.at_ms / 1_000, self.at_ms % 1_000);
        write!(f, "{:02}:{:02}.{ms:03} {:<11}", seconds / 60, seconds % 60, self.who)?;
        write!(f, " {}", self.what)
    }
}

/// All that happened so far; clones share it.
#[derive(Debug, Clone, Default)]
pub struct History {
    lines: Rc<RefCell<Vec<Line>>>,
}

impl History {
    /// Notes something.
    pub fn note(&self, at_ms: u64, who: &str, what: impl Into<String>) {
        let line = Line { at_ms, who: who.to_owned(), what: what.into() };
        self.lines.borrow_mut().push(line);
    }

    /// Everything, in order.
    pub fn lines(&self) -> Vec<Line> {
        self.lines.borrow().clone()
    }
}
