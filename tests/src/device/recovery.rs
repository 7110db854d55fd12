//! What a person does when the server was restored from a backup.

use offing_core::rpc::{Alarm, Fault, Lacking};

use super::Device;

impl Device {
    /// Says whether the page asks what to do with a restored server.
    pub fn is_asked(&self) -> bool {
        self.page.standing.borrow().contains(&Alarm::ServerRestored)
    }

    /// Says whether it was told that the server went on without what it has.
    pub fn is_left_behind(&self) -> bool {
        let standing = self.page.standing.borrow();
        standing.iter().any(|alarm| matches!(alarm, Alarm::LeftBehind { .. }))
    }

    /// Asks what the server lacks.
    pub fn asks_what_is_lacking(&self) -> Result<Lacking, Fault> {
        self.ask(|replica| async move { replica.lacking_there().await })
    }

    /// Gives back what the server lacks.
    pub fn gives_back(&self) -> Result<Lacking, Fault> {
        self.ask(|replica| async move { replica.give_back().await })
    }

    /// Goes on with what the server has.
    pub fn goes_on(&self) -> Result<(), Fault> {
        self.ask(|replica| async move { replica.go_on().await })
    }
}
