//! What a page holds of what the engine told it: open texts, status, transfers, alarms.
//!
//! The mirror of an open text is kept as the page's editor keeps it, by updates alone, so a
//! disagreement between page and engine shows up in any scenario that types. The status is
//! checked whenever it is told: nothing may wait where *on the server* is claimed.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;

use offing_core::id::NodeId;
use offing_core::rpc::{Alarm, Event, OpenedText, Status, SyncState, Transfer, TransferId};
use offing_core::text::ChangeSet;

/// Hears what a page is told.
pub type Watcher = Box<dyn Fn(&Event)>;

/// The page of one tab.
#[derive(Default)]
pub struct Page {
    /// The open texts.
    pub texts: RefCell<BTreeMap<NodeId, OpenedText>>,
    /// What the status says.
    pub status: Cell<Option<Status>>,
    /// The tray.
    pub transfers: RefCell<BTreeMap<TransferId, Transfer>>,
    /// Everything a person was alarmed about.
    pub alarms: RefCell<Vec<Alarm>>,
    /// Those of them that are so still.
    pub standing: RefCell<Vec<Alarm>>,
    /// The devices whose edits arrived in open texts.
    pub merged_from: RefCell<Vec<String>>,
    /// How many edits of other devices arrived in open texts.
    pub merged_edits: Cell<u32>,
    /// What came back although it was deleted: its name, whose edit kept it, and whether it
    /// is in `Recovered`.
    pub came_back: RefCell<Vec<(String, String, bool)>>,
    /// The open texts that were given new content: by whom, and whether it is shown.
    pub replaced: RefCell<Vec<(NodeId, String, bool)>>,
    /// Hears every event too, before the page does.
    pub watcher: RefCell<Option<Watcher>>,
}

impl Page {
    /// Hears an event; `waiting` is what the outbox holds at this moment.
    pub fn hear(&self, event: Event, waiting: u64) {
        if let Some(watcher) = &*self.watcher.borrow() {
            watcher(&event);
        }
        match event {
            Event::Status(status) => {
                if status.state == SyncState::OnServer {
                    assert_eq!((status.pending, waiting), (0, 0), "claimed to be on the server");
                }
                self.status.set(Some(status));
            }
            Event::TextUpdates { node, version, updates, from, edits } => {
                self.merged_from.borrow_mut().extend(from);
                self.merged_edits.set(self.merged_edits.get() + edits);
                let mut texts = self.texts.borrow_mut();
                let Some(open) = texts.get_mut(&node) else {
                    return;
                };
                assert_eq!(open.version, version, "updates come without gaps");
                for update in updates {
                    let changes = ChangeSet::from_json(&update.changes).unwrap();
                    open.text = changes.apply(&open.text).unwrap();
                    open.version += 1;
                }
            }
            Event::Transfers(transfers) => {
                let mut all = self.transfers.borrow_mut();
                all.extend(transfers.into_iter().map(|transfer| (transfer.id, transfer)));
            }
            Event::CameBack { name, by, recovered, .. } => {
                self.came_back.borrow_mut().push((name, by, recovered));
            }
            Event::TextReplaced { node, by, shown } => {
                self.replaced.borrow_mut().push((node, by, shown));
            }
            Event::Alarm(alarm) => {
                self.alarms.borrow_mut().push(alarm.clone());
                self.standing.borrow_mut().push(alarm);
            }
            Event::AlarmOver(over) => self.standing.borrow_mut().retain(|alarm| *alarm != over),
            Event::Session(_) | Event::ViewChanged { .. } | Event::TextSaved { .. } => {}
        }
    }
}
