//! Pushing edits to the engine, and what to do when a push fails.
//!
//! The editor keeps CodeMirror's collaboration protocol: one push under way, rebased and
//! repeated when others were first. What it cannot know is that a push was lost; this
//! machine numbers the pushes, so that only the loss of the newest makes the editor push
//! again, after a delay that doubles.
//!
//! Invariant: an edit is pushed again until it is accepted; an answer to a push that a
//! newer one has replaced changes nothing.

/// First delay after a failed push.
const DELAY_MS_MIN: u32 = 500;
/// Longest delay after failed pushes.
const DELAY_MS_MAX: u32 = 15_000;

/// Names a push of one open text.
pub type PushId = u32;

/// What to do with the answer to a push.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Todo {
    /// Hand so many of its updates back to the editor as accepted.
    Confirm(usize),
    /// Nothing: the edits that were lacking come by themselves.
    Await,
    /// Let the editor push again after so many milliseconds.
    ReleaseAfter(u32),
    /// Nothing: a newer push has replaced it.
    Ignore,
}

/// The pushes of one open text.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Pushes {
    newest: PushId,
    failures: u32,
}

impl Pushes {
    /// Takes note of a push and names it.
    pub fn begin(&mut self) -> PushId {
        self.newest = self.newest.wrapping_add(1);
        self.newest
    }

    /// Says whether a push is the newest.
    pub fn is_newest(&self, push: PushId) -> bool {
        self.newest == push
    }

    /// The engine answered; it takes all of the `sent` updates, or none.
    pub fn answered(&mut self, accepted: u32, sent: usize) -> Todo {
        self.failures = 0;
        match accepted as usize {
            0 => Todo::Await,
            taken => Todo::Confirm(taken.min(sent)),
        }
    }

    /// The push failed.
    pub fn failed(&mut self, push: PushId) -> Todo {
        if !self.is_newest(push) {
            return Todo::Ignore;
        }
        let delay_ms = DELAY_MS_MIN.saturating_mul(1 << self.failures.min(16));
        self.failures += 1;
        Todo::ReleaseAfter(delay_ms.min(DELAY_MS_MAX))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_accepted_push_is_confirmed_to_the_editor() {
        let mut pushes = Pushes::default();
        pushes.begin();
        assert_eq!(pushes.answered(3, 3), Todo::Confirm(3));
        assert_eq!(pushes.answered(9, 2), Todo::Confirm(2));
    }

    #[test]
    fn a_refused_push_waits_for_the_edits_it_lacked() {
        let mut pushes = Pushes::default();
        pushes.begin();
        assert_eq!(pushes.answered(0, 3), Todo::Await);
    }

    #[test]
    fn a_lost_push_is_repeated_with_growing_patience() {
        let mut pushes = Pushes::default();
        let push = pushes.begin();
        assert_eq!(pushes.failed(push), Todo::ReleaseAfter(500));
        assert_eq!(pushes.failed(push), Todo::ReleaseAfter(1_000));
        for _ in 0..40 {
            pushes.failed(push);
        }
        assert_eq!(pushes.failed(push), Todo::ReleaseAfter(DELAY_MS_MAX));
        assert_eq!(pushes.answered(1, 1), Todo::Confirm(1));
        assert_eq!(pushes.failed(push), Todo::ReleaseAfter(500));
    }

    #[test]
    fn the_loss_of_a_replaced_push_changes_nothing() {
        let mut pushes = Pushes::default();
        let first = pushes.begin();
        pushes.begin();
        assert_eq!(pushes.failed(first), Todo::Ignore);
    }
}
