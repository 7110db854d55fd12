//! Whether files are not read to their end, in this tab or another: what is not read is not
//! saved, and no status may say so.
//!
//! A tab that reads shares the lock `reading:<vault>`, which goes when the tab is killed, and
//! tells the others. They only ask the lock when they were told, so it costs nothing else.

use std::rc::Rc;

use offing_core::sync::machine::Event;

use super::Upload;
use crate::host::{Host, Notice};
use crate::replica::Replica;

/// Who reads.
pub(super) struct Reading<G> {
    /// This tab does.
    here: bool,
    /// Another may.
    elsewhere: bool,
    guard: Option<G>,
}

impl<G> Default for Reading<G> {
    fn default() -> Self {
        Self { here: false, elsewhere: false, guard: None }
    }
}

impl<H: Host> Replica<H> {
    /// Tells the status and the other tabs whether this one reads files.
    pub(super) fn tell_reading(self: &Rc<Self>) {
        let here = {
            let mut uploads = self.uploads.borrow_mut();
            let here = uploads.all.values().any(|upload| is_unread(upload));
            if std::mem::replace(&mut uploads.reading.here, here) == here {
                return;
            }
            here
        };
        self.tell_unread();
        let this = Rc::clone(self);
        self.host.spawn(async move {
            let guard = match here {
                true => Some(this.host.lock_shared(&this.reading_lock()).await),
                false => None,
            };
            let before = {
                let reading = &mut this.uploads.borrow_mut().reading;
                std::mem::replace(&mut reading.guard, guard.filter(|_| reading.here))
            };
            drop(before);
            this.host.announce(&Notice::Reading(here));
        });
    }

    /// Another tab says that it reads files.
    pub(in crate::replica) fn note_reading_elsewhere(self: &Rc<Self>) {
        self.uploads.borrow_mut().reading.elsewhere = true;
        self.tell_unread();
    }

    /// Looks whether other tabs still read files, if any did.
    pub(in crate::replica) async fn check_reading_elsewhere(self: &Rc<Self>) {
        let asks = {
            let reading = &self.uploads.borrow().reading;
            reading.elsewhere && !reading.here
        };
        if !asks {
            return;
        }
        // One asks at a time: who asks would look like one who reads.
        let name = self.reading_lock();
        let _turn = self.host.lock(&format!("{name}?")).await;
        let nobody = self.host.try_lock(&name).await.is_some();
        // What was read waits in the outbox now, and this tab may not have heard of it.
        if nobody && self.count_pending().await.is_err() {
            return;
        }
        self.uploads.borrow_mut().reading.elsewhere = !nobody;
        self.tell_unread();
    }

    fn tell_unread(self: &Rc<Self>) {
        let unread = {
            let reading = &self.uploads.borrow().reading;
            reading.here || reading.elsewhere
        };
        self.tell(Event::Unread(unread));
    }

    fn reading_lock(&self) -> String {
        format!("reading:{}", self.vault)
    }
}

/// Says whether a file is not stored here yet.
fn is_unread(upload: &Upload) -> bool {
    !upload.is_settled() && upload.staged.borrow().is_none()
}
