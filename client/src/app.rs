//! The page as a whole: what is known everywhere, how it starts, what it hears.
//!
//! [`App`] is a handful of signals that live as long as the page and is handed to every
//! component; components read them and call [`actions`]. The first paint waits for
//! nothing: the frame is there before the engine has answered `Start`.

pub(crate) mod actions;

use leptos::ev;
use leptos::prelude::*;
use leptos::task::spawn_local;
use offing_core::id::{NodeId, VaultId};
use offing_core::rpc::{
    ActionId, Command, DeviceRow, Event, Fault, KitState, NodeView, Reply, Row, Session, Status,
    SyncState,
};
use wasm_bindgen::JsCast;
use web_sys::File;

use crate::components::{frame, listing};
use crate::i18n::{Lang, Msg};
use crate::platform::{background, dom, engine, history, timer};
use crate::state::alarms::Alarms;
use crate::state::drop_tree::Flat;
use crate::state::keys::{ListKey, page_key};
use crate::state::route::Route;
use crate::state::status;
use crate::state::transfers::Transfers;

/// How long a message stays.
const TOAST_MS: u32 = 12_000;

/// What is known everywhere in the page.
#[derive(Clone, Copy)]
pub(crate) struct App {
    /// Where the page is.
    pub(crate) route: RwSignal<Route>,
    /// Who is signed in; nothing until the engine has answered.
    pub(crate) session: RwSignal<Option<Session>>,
    /// The engine did not start.
    pub(crate) broken: RwSignal<Option<Fault>>,
    /// What is saved where.
    pub(crate) status: RwSignal<Status>,
    /// The tray.
    pub(crate) transfers: RwSignal<Transfers>,
    /// The message shown.
    pub(crate) toast: RwSignal<Option<Toast>>,
    /// The dialog shown.
    pub(crate) dialog: RwSignal<Option<Dialog>>,
    /// The dialog of the recovery kit.
    pub(crate) kit: RwSignal<Option<Kit>>,
    /// What a person must know.
    pub(crate) alarms: RwSignal<Alarms>,
    /// What was cut or copied.
    pub(crate) clipboard: RwSignal<Option<Clipboard>>,
    /// What is being dragged inside the page.
    pub(crate) dragged: RwSignal<Vec<NodeId>>,
    /// The folder that uploads go to, while one is shown.
    pub(crate) folder: RwSignal<Option<NodeId>>,
    /// The node to pick as soon as its list shows it.
    pub(crate) reveal: RwSignal<Option<NodeId>>,
    /// The node that came with the start, until its page takes it.
    first: StoredValue<Option<First>>,
    /// What waits for the answer about names that exist.
    pub(crate) batch: StoredValue<Option<Batch>, LocalStorage>,
    /// The language.
    pub(crate) lang: RwSignal<Lang>,
}

/// A node that came with the start, and which it is.
type First = (NodeId, Result<NodeView, Fault>);

/// A message at the foot of the page.
#[derive(Clone, PartialEq)]
pub(crate) struct Toast {
    /// What it says.
    pub(crate) text: String,
    /// What its Undo takes back.
    pub(crate) undo: Option<ActionId>,
    /// It reports a failure.
    pub(crate) failure: bool,
}

/// What the dialog of the recovery kit is about.
#[derive(Clone, PartialEq)]
pub(crate) enum Kit {
    /// A kit that was just made, with its code.
    Show(String),
    /// Reading back a kit that was shown before.
    ReadBack,
    /// Making a new one.
    New,
}

impl Kit {
    /// What is to be done about a kit, if anything.
    pub(crate) fn due(state: KitState) -> Option<Self> {
        match state {
            KitState::Kept => None,
            KitState::Shown => Some(Self::ReadBack),
            KitState::Missing => Some(Self::New),
        }
    }
}

/// What was cut or copied.
#[derive(Clone, PartialEq)]
pub(crate) struct Clipboard {
    /// The nodes.
    pub(crate) nodes: Vec<NodeId>,
    /// They move; otherwise they are copied.
    pub(crate) cut: bool,
}

/// An upload that waits for an answer.
pub(crate) struct Batch {
    /// Where it goes.
    pub(crate) parent: NodeId,
    /// What it consists of.
    pub(crate) flat: Flat<File>,
}

/// The dialogs.
#[derive(Clone, PartialEq)]
pub(crate) enum Dialog {
    /// Asks for the name of a new folder in a folder.
    NewFolder(NodeId),
    /// Asks for the name of a new text file in a folder.
    NewText(NodeId),
    /// Asks for a new name.
    Rename(Row),
    /// Asks where to move nodes to.
    Move(Vec<NodeId>),
    /// Asks where to copy nodes to.
    Copy(Vec<NodeId>),
    /// Asks what to do with names that exist.
    Clash(Vec<String>),
    /// Asks whether to download without the files that cannot be had now.
    Incomplete {
        /// What is to be downloaded.
        nodes: Vec<NodeId>,
        /// Paths of files that it would lack, the first of them.
        paths: Vec<String>,
        /// How many they are.
        count: u32,
    },
    /// Shows what waits to be saved on the server.
    Queue,
    /// Shows the versions of a file.
    Versions(NodeId, String),
    /// Shows what a file was before.
    History(NodeId, String),
    /// Asks to which moment a folder is rewound.
    Rewind(NodeId, String),
    /// Shows the keys.
    Help,
    /// Asks whether to sign out and lose so many changes.
    SignOut(u32),
    /// Asks whether to take a device off the account.
    TakeOff(DeviceRow),
    /// Asks whether to delete as much for good as this says.
    Purge(Fault),
    /// Asks what to do with a restored server.
    Restored,
}

impl App {
    fn new() -> Self {
        let lang = dom::preference("offing.language")
            .or_else(|| window().navigator().language())
            .map_or(Lang::En, |tag| Lang::from_tag(&tag));
        Self {
            route: RwSignal::new(history::current()),
            session: RwSignal::new(None),
            broken: RwSignal::new(None),
            status: RwSignal::new(Status { state: SyncState::SavedHere, pending: 0 }),
            transfers: RwSignal::new(Transfers::default()),
            toast: RwSignal::new(None),
            dialog: RwSignal::new(None),
            kit: RwSignal::new(None),
            alarms: RwSignal::new(Alarms::default()),
            clipboard: RwSignal::new(None),
            dragged: RwSignal::new(Vec::new()),
            folder: RwSignal::new(None),
            reveal: RwSignal::new(None),
            first: StoredValue::new(None),
            batch: StoredValue::new_local(None),
            lang: RwSignal::new(lang),
        }
    }

    /// Says something in the person's language. The page is drawn anew when the language
    /// changes, so this need not be reactive.
    pub(crate) fn t(self, msg: Msg<'_>) -> String {
        self.lang.get_untracked().say(msg).into_owned()
    }

    /// Prints a time in the person's language and zone.
    pub(crate) fn time(self, ms: i64) -> String {
        dom::time(self.lang.get_untracked().tag(), ms)
    }

    /// The vault of the session.
    pub(crate) fn vault(self) -> Option<VaultId> {
        self.session.with(|session| match session {
            Some(Session::SignedIn { vault, .. }) => Some(*vault),
            Some(Session::SignedOut) | None => None,
        })
    }

    /// Takes the node that came with the start, if it is this one; what another page would
    /// have shown is let go.
    pub(crate) fn first(self, node: NodeId) -> Option<Result<NodeView, Fault>> {
        let (of, first) = self.first.try_update_value(Option::take).flatten()?;
        if of == node {
            return Some(first);
        }
        if let Ok(unused) = first {
            listing::close(unused.folder);
        }
        None
    }

    /// Keeps the node that came with the start for its page; an address of another vault
    /// shows none.
    fn keep_first(self, session: &Session, first: Option<First>) {
        let is_foreign = self.route.with_untracked(|route| match (route, session) {
            (Route::Node { vault, .. }, Session::SignedIn { vault: own, .. }) => vault != own,
            _ => false,
        });
        match first {
            Some((_, Ok(unused))) if is_foreign => listing::close(unused.folder),
            first => self.first.set_value(first),
        }
    }

    /// The address of a node.
    pub(crate) fn href(self, node: NodeId) -> String {
        if node == NodeId::TRASH {
            return Route::Trash.href();
        }
        let vault = untrack(|| self.vault());
        vault.map_or_else(|| "/".to_owned(), |vault| Route::Node { vault, node }.href())
    }

    /// Goes to a route.
    pub(crate) fn go(self, route: Route) {
        history::push(&route.href());
        self.route.set(route);
    }

    /// Goes to a node.
    pub(crate) fn open(self, node: NodeId) {
        if node == NodeId::TRASH {
            return self.go(Route::Trash);
        }
        if let Some(vault) = untrack(|| self.vault()) {
            self.go(Route::Node { vault, node });
        }
    }

    /// Goes to a route and leaves no way back to this one.
    pub(crate) fn redirect(self, route: Route) {
        history::replace(&route.href());
        self.route.set(route);
    }

    /// Shows a message for a while.
    pub(crate) fn toast(self, toast: Toast) {
        let stays = toast.failure;
        self.toast.set(Some(toast.clone()));
        if stays {
            return;
        }
        spawn_local(async move {
            timer::pause(TOAST_MS).await;
            while dom::is_in_messages() {
                timer::pause(TOAST_MS).await;
            }
            self.toast.update(|shown| {
                if shown.as_ref() == Some(&toast) {
                    *shown = None;
                }
            });
        });
    }

    /// Says that something was done.
    pub(crate) fn done(self, msg: Msg<'_>, undo: Option<ActionId>) {
        self.toast(Toast { text: self.t(msg), undo, failure: false });
    }

    /// Says that something failed, or asks what has to be known before it is done.
    pub(crate) fn failed(self, fault: &Fault) {
        if matches!(fault, Fault::ForGood { .. }) {
            return self.dialog.set(Some(Dialog::Purge(fault.clone())));
        }
        self.toast(Toast { text: self.t(Msg::Fault(fault)), undo: None, failure: true });
    }
}

/// Starts the page.
pub fn start() {
    let connected = engine::connect();
    leptos::mount::mount_to_body(move || {
        let app = App::new();
        dom::set_language(app.lang.get_untracked().tag());
        hear_engine(app);
        hear_window(app);
        if connected.is_err() {
            app.broken.set(Some(Fault::Internal));
        } else {
            spawn_local(begin(app));
        }
        frame::frame(app)
    });
}

async fn begin(app: App) {
    // Asked for together, so that nothing stands between the answer and the list.
    let node = app.route.with_untracked(Route::node);
    match engine::call(Command::Start { wanted: node.map(listing::wanted) }).await {
        Ok(Reply::Started { session, node: first }) => {
            app.keep_first(&session, node.zip(first));
            enter(app, session);
        }
        Ok(_) => app.broken.set(Some(Fault::Internal)),
        Err(fault) => app.broken.set(Some(fault)),
    }
}

/// Takes a session over, wherever it comes from.
pub(crate) fn enter(app: App, session: Session) {
    let signed_in = matches!(session, Session::SignedIn { .. });
    let was_public = app.route.get_untracked().is_public();
    if !signed_in {
        app.transfers.set(Transfers::default());
        app.dialog.set(None);
        app.kit.set(None);
        app.clipboard.set(None);
        app.alarms.set(Alarms::default());
    }
    app.session.update(|known| {
        if known.as_ref() != Some(&session) {
            *known = Some(session);
        }
    });
    let home = matches!(app.route.get_untracked(), Route::Home);
    if signed_in
        && (home || was_public)
        && let Some(vault) = untrack(|| app.vault())
    {
        app.redirect(Route::Node { vault, node: NodeId::ROOT });
    }
}

fn hear_engine(app: App) {
    engine::listen(move |event| match event {
        Event::Session(session) => enter(app, session.clone()),
        Event::Status(status) => {
            let before = app.status.get_untracked();
            if before != *status {
                app.status.set(*status);
            }
            if status::waits(*status) && !status::waits(before) {
                background::ask_for_push();
            }
        }
        Event::Transfers(changed) => {
            app.transfers.update(|tray| tray.update(changed.clone(), timer::now_ms()));
        }
        Event::Alarm(alarm) => app.alarms.update(|alarms| alarms.raise(alarm.clone())),
        Event::AlarmOver(alarm) => app.alarms.update(|alarms| alarms.clear(alarm)),
        Event::CameBack { name, by, recovered, more } => {
            let text = app.t(Msg::CameBack { name, by, recovered: *recovered, more: *more });
            // It stays until it was read.
            app.toast.set(Some(Toast { text, undo: None, failure: false }));
        }
        Event::ViewChanged { .. }
        | Event::TextUpdates { .. }
        | Event::TextReplaced { .. }
        | Event::TextSaved { .. } => {}
    });
}

fn hear_window(app: App) {
    window_event_listener(ev::popstate, move |_| app.route.set(history::current()));
    window_event_listener(ev::hashchange, move |_| {
        let route = history::current();
        if app.route.get_untracked() != route {
            app.route.set(route);
        }
    });
    window_event_listener(ev::online, move |_| engine::tell(Command::Nudge));
    window_event_listener(ev::focus, move |_| engine::tell(Command::Nudge));
    // The tab may be about to close with work that is still on its way.
    let leaving = ev::Custom::<web_sys::Event>::new("visibilitychange");
    window_event_listener(leaving, move |_| {
        if document().hidden() && app.status.get_untracked().pending > 0 {
            background::ask_for_push();
        }
    });
    window_event_listener(ev::beforeunload, move |event| {
        // What was not read yet cannot be taken up again by itself; typing can.
        if app.transfers.with_untracked(Transfers::has_unread) {
            event.prevent_default();
        }
    });
    window_event_listener(ev::click, move |event| follow_link(app, &event));
    window_event_listener(ev::keydown, move |event| {
        if dom::is_typing() || dom::has_dialog() || event.default_prevented() {
            return;
        }
        match dom::with_key(&event, page_key) {
            Some(ListKey::Search) => {
                event.prevent_default();
                dom::focus("[role=searchbox], input[type=search]");
            }
            Some(ListKey::Help) => {
                event.prevent_default();
                app.dialog.set(Some(Dialog::Help));
            }
            _ => {}
        }
    });
}

/// Follows links inside the app without loading the page anew.
fn follow_link(app: App, event: &web_sys::MouseEvent) {
    let other_window =
        event.ctrl_key() || event.meta_key() || event.shift_key() || event.button() != 0;
    if event.default_prevented() || other_window {
        return;
    }
    let link = dom::target(event).and_then(|element| element.closest("a[href]").ok().flatten());
    let Some(link) = link.and_then(|link| link.dyn_into::<web_sys::HtmlAnchorElement>().ok())
    else {
        return;
    };
    let href = link.get_attribute("href").unwrap_or_default();
    if !href.starts_with('/') || href.starts_with("//") || !link.target().is_empty() {
        return;
    }
    event.prevent_default();
    let (path, fragment) = href.split_once('#').unwrap_or((&href, ""));
    app.go(Route::parse(path, fragment));
}
