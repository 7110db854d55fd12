//! A person's device: a profile with its tabs, and what their pages are told.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet};
use std::rc::{Rc, Weak};

use offing_core::id::NodeId;
use offing_core::rpc::{ActionId, Alarm, Event, SyncState, TransferId, TransferState};

use super::history::History;
use super::model::{Model, Thing, Token};
use super::plan::Harm;
use crate::device::Device;
use crate::executor::Executor;
use crate::host::Profile;
use crate::net::Line;

/// A device.
pub struct Seat {
    /// Its number.
    pub number: usize,
    /// What people call it.
    pub name: String,
    /// Its stores and locks.
    pub profile: Rc<Profile>,
    /// Its line.
    pub line: Rc<Line>,
    /// What it is made from; every tab is another copy.
    pub device: Rc<Device>,
    /// The open tabs.
    pub tabs: RefCell<Vec<Rc<Tab>>>,
    /// How many there were.
    pub tabs_ever: Cell<usize>,
    /// It is lost for good.
    pub lost: Cell<bool>,
    /// A person was told that it goes no further, and why.
    pub stopped: RefCell<Option<Alarm>>,
    /// It gave a restored server all that was lacking.
    pub gave_back: Cell<bool>,
    /// What befell it.
    pub harms: RefCell<BTreeSet<Harm>>,
    /// The uploads that were begun here.
    pub uploads: RefCell<BTreeMap<TransferId, Token>>,
    /// What was typed in tabs that were killed before they said that it was saved.
    left_typed: RefCell<Vec<String>>,
    /// Every alarm that was told here.
    pub alarms: RefCell<Vec<Alarm>>,
    /// What was said last of what is saved where.
    told: Told,
}

/// Whom a seat tells.
#[derive(Clone)]
pub struct Told {
    /// Keeps promises.
    pub model: Rc<Model>,
    /// Keeps words.
    pub history: History,
    /// Keeps time.
    pub executor: Executor,
}

/// One tab, from its opening to its end.
pub struct Tab {
    /// As it is called.
    pub name: String,
    /// The app in it.
    pub device: Rc<Device>,
    /// A person waits for an answer.
    pub busy: Cell<bool>,
    /// It could not be opened; the person closes it.
    pub failed: Cell<bool>,
    /// What was typed and is not said to be saved.
    pub typed: RefCell<Vec<Typed>>,
    /// What can be undone here.
    pub undoable: RefCell<Vec<ActionId>>,
    status: Cell<Option<SyncState>>,
}

/// A word that was typed.
pub struct Typed {
    /// Into which file.
    pub node: NodeId,
    /// The version that has it.
    pub version: u32,
    /// The word.
    pub word: String,
}

impl Seat {
    /// A seat with a device that is closed or open.
    pub fn new(number: usize, name: &str, device: Rc<Device>, told: Told) -> Rc<Self> {
        Rc::new(Self {
            number,
            name: name.to_owned(),
            profile: Rc::clone(&device.profile),
            line: Rc::clone(&device.line),
            device,
            tabs: RefCell::default(),
            tabs_ever: Cell::new(0),
            lost: Cell::new(false),
            stopped: RefCell::default(),
            gave_back: Cell::new(false),
            harms: RefCell::default(),
            uploads: RefCell::default(),
            left_typed: RefCell::default(),
            alarms: RefCell::default(),
            told,
        })
    }

    /// Notes what happens here.
    pub fn notes(&self, what: impl Into<String>) {
        self.told.history.note(self.told.executor.now_ms(), &self.name, what);
    }

    /// The open tabs.
    pub fn open_tabs(&self) -> Vec<Rc<Tab>> {
        self.tabs.borrow().iter().filter(|tab| tab.device.is_open()).cloned().collect()
    }

    /// Opens the app in one more tab.
    pub fn opens_a_tab(self: &Rc<Self>, opened: impl FnOnce(&Tab) + 'static) {
        let number = self.tabs_ever.get() + 1;
        self.tabs_ever.set(number);
        let name = if number == 1 { self.name.clone() } else { format!("{}·{number}", self.name) };
        let tab = Rc::new(Tab {
            name,
            device: self.device.has_another_tab(),
            busy: Cell::new(false),
            failed: Cell::new(false),
            typed: RefCell::default(),
            undoable: RefCell::default(),
            status: Cell::new(None),
        });
        self.tab_notes(&tab, "opens the app");
        self.watches(&tab);
        let (this, opening) = (Rc::downgrade(self), Rc::downgrade(&tab));
        tab.device.begins_to_open(move |result| {
            let (Some(this), Some(tab)) = (this.upgrade(), opening.upgrade()) else {
                return;
            };
            match result {
                Ok(()) => opened(&tab),
                Err(fault) => {
                    this.tab_notes(&tab, format!("cannot open it: {fault:?}"));
                    tab.failed.set(true);
                }
            }
        });
        self.tabs.borrow_mut().push(tab);
    }

    /// A tab is killed.
    pub fn kills(&self, tab: &Rc<Tab>) {
        tab.device.crashes();
        let typed = tab.typed.take().into_iter().map(|typed| typed.word);
        self.left_typed.borrow_mut().extend(typed);
        self.tabs.borrow_mut().retain(|other| !Rc::ptr_eq(other, tab));
    }

    /// All tabs are killed.
    pub fn kills_all(&self) {
        let tabs = self.tabs.borrow().clone();
        tabs.iter().for_each(|tab| self.kills(tab));
        // Its service worker.
        self.device.crashes();
    }

    /// The words that were typed here and never said to be saved.
    pub fn unsaved_words(&self) -> Vec<String> {
        let tabs = self.tabs.borrow();
        let open = tabs.iter().flat_map(|tab| {
            let typed = tab.typed.borrow();
            typed.iter().map(|typed| typed.word.clone()).collect::<Vec<_>>()
        });
        open.chain(self.left_typed.borrow().iter().cloned()).collect()
    }

    /// Notes what happens in a tab.
    pub fn tab_notes(&self, tab: &Tab, what: impl Into<String>) {
        self.told.history.note(self.told.executor.now_ms(), &tab.name, what);
    }

    /// Hears what the engine tells a tab's page.
    fn watches(self: &Rc<Self>, tab: &Rc<Tab>) {
        let (this, hearing): (Weak<Self>, Weak<Tab>) = (Rc::downgrade(self), Rc::downgrade(tab));
        *tab.device.page.watcher.borrow_mut() = Some(Box::new(move |event| {
            if let (Some(this), Some(tab)) = (this.upgrade(), hearing.upgrade()) {
                this.hears(&tab, event);
            }
        }));
    }

    fn hears(&self, tab: &Tab, event: &Event) {
        let now_ms = self.told.executor.now_ms();
        match event {
            Event::TextSaved { node, version } => self.text_is_saved(tab, *node, *version),
            Event::Transfers(transfers) => {
                for transfer in transfers {
                    self.transfer_is_shown(transfer.id, &transfer.state);
                }
            }
            Event::Status(status) => {
                if status.state == SyncState::OnServer {
                    self.told.model.all_on_server(self.number, now_ms);
                }
                if tab.status.replace(Some(status.state)) != Some(status.state) {
                    self.tab_notes(tab, format!("reads {:?}", status.state));
                }
            }
            Event::Alarm(alarm) => self.is_alarmed(tab, alarm),
            Event::AlarmOver(_)
            | Event::Session(_)
            | Event::ViewChanged { .. }
            | Event::TextUpdates { .. }
            | Event::TextReplaced { .. }
            | Event::CameBack { .. } => {}
        }
    }

    fn text_is_saved(&self, tab: &Tab, node: NodeId, version: u32) {
        let now_ms = self.told.executor.now_ms();
        tab.typed.borrow_mut().retain(|typed| {
            let saved = typed.node == node && typed.version <= version;
            if saved {
                let word = Thing::Word(typed.word.clone());
                self.told.model.is_here(self.number, word, now_ms);
            }
            !saved
        });
    }

    /// A transfer is shown to be somewhere.
    pub fn transfer_is_shown(&self, id: TransferId, state: &TransferState) {
        let is_here = matches!(state, TransferState::Here | TransferState::Done);
        if let (true, Some(token)) = (is_here, self.uploads.borrow().get(&id)) {
            let now_ms = self.told.executor.now_ms();
            self.told.model.is_here(self.number, Thing::File(token.clone()), now_ms);
        }
    }

    fn is_alarmed(&self, tab: &Tab, alarm: &Alarm) {
        self.alarms.borrow_mut().push(alarm.clone());
        self.tab_notes(tab, format!("is alarmed: {alarm:?}"));
        if !self.harms.borrow().iter().any(|harm| harm.warrants(alarm)) {
            self.told.model.violates(format!("{}: a false alarm, {alarm:?}", tab.name));
        }
        let stops = matches!(
            alarm,
            Alarm::HistoryChanged { .. } | Alarm::LeftBehind { .. } | Alarm::DeviceCopied
        );
        if stops {
            self.stopped.borrow_mut().get_or_insert_with(|| alarm.clone());
        }
    }
}
